"""Whole pages and the list of threads: the frame around what `render` makes.

Called by the routes. The first answer holds everything that is to be seen, so that the page is there before its modules run;
the browser then only keeps it up to date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from adapters.web import render
from adapters.web.assets import Assets
from adapters.web.icons import MARK, icon
from adapters.web.text import attr, esc, when
from core.words.inbound import Who
from core.words.views import AppState, MessageView, ThreadView

Theme = Literal["light", "dark"] | None  #: None follows the system

STATE_WORDS = {
    AppState.BUILDING: "Building",
    AppState.DEPLOYING: "Deploying",
    AppState.REVIEW: "Needs review",
    AppState.FAILED: "Failed",
    AppState.LIVE: "Live",
    AppState.STOPPED: "Stopped",
    AppState.CRASHED: "Crashed",
    AppState.DELETED: "Deleted",
}

EXAMPLES = (
    ("Todo list", "A todo app with due dates and priorities"),
    ("Invoices", "Track invoices: number, customer, amount, due date, paid"),
    ("Blog", "A blog with posts and comments"),
    ("Book club", "A shelf for our book club: title, author, rating, who has it"),
    ("Workshop stock", "Inventory for a small workshop: part, quantity, shelf, reorder below"),
    ("Street party", "A sign-up sheet for a street party: name, guests, dish, allergies"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What is around the conversation."""

    assets: Assets
    who: Who
    theme: Theme
    threads: Sequence[ThreadView]
    cursor: int
    frameworks: Sequence[tuple[str, str]]  #: name and label


def thread_item(thread: ThreadView, current: str = "") -> str:
    """One line of the list of threads. A deleted app's thread stays in the ledger; the browser drops its line."""
    state = f" state-{thread.state}" if thread.state else ""
    word = STATE_WORDS[thread.state] if thread.state else "New"
    here = ' aria-current="page"' if thread.thread == current else ""
    title = thread.title or thread.app or "Untitled"
    return (
        f'<li data-key="t-{attr(thread.thread)}" data-thread="{attr(thread.thread)}" data-state="{thread.state or ""}"'
        f' data-updated="{attr(thread.updated_at.isoformat())}"><a class="thread{state}" href="/t/{attr(thread.thread)}"{here}>'
        f'<span class="state-dot"></span><span class="thread-title" dir="auto">{esc(title)}</span>{when(thread.updated_at)}'
        f'<span class="thread-state">{word}</span></a></li>'
    )


def thread_list(threads: Sequence[ThreadView], current: str = "") -> str:
    """The lines of the list, newest first."""
    return "".join(
        thread_item(t, current)
        for t in sorted(threads, key=lambda t: t.updated_at, reverse=True)
        if t.state is not AppState.DELETED or t.thread == current
    )


def conversation(thread: ThreadView, messages: Sequence[MessageView], cursor: int) -> str:
    """A thread's messages, as the page and ``GET /chat/threads/{id}`` hold them."""
    inner = "".join(render.message(m) for m in sorted(messages, key=lambda m: m.order))
    return f'<ol class="messages" id="messages" data-key="messages" data-thread="{attr(thread.thread)}" data-cursor="{cursor}">{inner}</ol>'


def _head(assets: Assets, title: str) -> str:
    styles = "".join(
        f'<link rel="stylesheet" href="{assets.url(name)}">' for name in ("base.css", "page.css", "card.css", "source.css")
    )
    return (
        f'<meta charset="utf-8"><title>{esc(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content">'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f'<link rel="icon" href="{assets.url("icon.svg")}" type="image/svg+xml">{styles}'
    )


def _document(head: str, body: str, theme: Theme) -> str:
    chosen = f' data-theme="{theme}"' if theme else ""
    return f'<!doctype html><html lang="en"{chosen}><head>{head}</head>{body}</html>'


def _side(frame: Frame, current: str) -> str:
    items = thread_list(frame.threads, current)
    return (
        '<aside class="side" id="side" aria-label="Your apps"><div class="side-head">'
        f'<a class="brand" href="/">{MARK}<span>Nexus</span></a>'
        f'<button type="button" class="ghost side-close" data-drawer-close aria-label="Close the list">{icon("cross")}</button></div>'
        f'<a class="new" href="/">{icon("plus")}New app</a>'
        f'<nav aria-label="Threads"><ol class="threads" id="threads">{items}</ol>'
        '<p class="threads-none">Apps you build show up here.</p></nav>'
        f'<div class="side-foot"><span class="me" dir="auto">{esc(frame.who.name or "You")}</span>'
        f'<button type="button" class="ghost" data-theme-toggle aria-label="Light or dark" title="Light or dark">{icon("sun", "sun")}'
        f"{icon('moon', 'moon')}</button>"
        f'<button type="button" class="ghost" data-signout aria-label="Sign out" title="Sign out">{icon("leave")}</button></div></aside>'
    )


def _composer(*, thread: str, frameworks: Sequence[tuple[str, str]]) -> str:
    if thread:
        label, placeholder, options = "Ask for a change, or type a command", "Ask for a change, or / for commands", ""
    else:
        label, placeholder = "Describe an app, or type a command", "Describe the app you want"
        choices = "".join(
            f'<label><input type="radio" name="framework" value="{attr(name)}"{"" if name else " checked"}>'
            f"<span>{esc(text)}</span></label>"
            for name, text in [("", "Choose for me"), *frameworks]
        )
        options = f'<fieldset class="frameworks"><legend class="vh">Framework</legend>{choices}</fieldset>'
    line = "" if options else " composer-line"
    return (
        f'<div class="dock" data-key="dock"><button type="button" class="newest" data-newest hidden>{icon("down")}Newest</button>'
        '<ul class="completions" id="completions" role="listbox" aria-label="Completions" hidden></ul>'
        f'<form class="composer{line}" id="composer"><textarea id="box" rows="1" role="combobox" aria-label="{label}"'
        ' aria-expanded="false"'
        f' aria-controls="completions" aria-autocomplete="list" autocomplete="off" maxlength="20000" placeholder="{placeholder}"'
        f' enterkeyhint="send" dir="auto"></textarea><ul class="attached" id="attached" aria-label="Attached files" hidden></ul>'
        f'<div class="composer-foot">{options}<span class="keys" aria-hidden="true">'
        "<kbd>/</kbd> commands <kbd>Ctrl K</kbd> focus</span>"
        '<input type="file" id="attach" hidden multiple aria-label="Pictures or text files"'
        ' accept="image/png,image/jpeg,image/webp,image/gif,text/*,.md,.csv,.json,.sql,.yaml,.yml,.html,.css,.js,.ts,.py">'
        '<button type="button" class="attach" data-attach aria-label="Attach pictures or text files"'
        f' title="Attach pictures or text files">{icon("clip")}</button>'
        f'<button type="submit" class="send" aria-label="Send" disabled>{icon("send")}</button></div></form>'
        '<div class="notes" id="notes" role="status"></div></div>'
    )


def _main(*, top: str, body: str, thread: str, title: str, dock: str, cursor: int) -> str:
    return (
        f'<main id="main" tabindex="-1" data-thread="{attr(thread)}" data-cursor="{cursor}" data-title="{attr(title)}">'
        f'<header class="top"><button type="button" class="ghost side-open" data-drawer-open aria-label="Your apps" aria-controls="side"'
        f' aria-expanded="false">{icon("menu")}</button>{top}'
        f'<span class="connection" id="connection" role="status"></span></header>{body}{dock}</main>'
    )


def _page(frame: Frame, title: str, current: str, main: str) -> str:
    scripts = f'<script type="module" src="{frame.assets.url("main.js")}"></script>'
    body = (
        f'<body data-assets="{frame.assets.digest}"><a class="skip" href="#box">Skip to the box</a>'
        f'<div class="shell">{_side(frame, current)}'
        f'<div class="scrim" data-drawer-close></div>{main}</div>'
        '<div id="live" class="vh" aria-live="polite"></div></body>'
    )
    return _document(_head(frame.assets, title) + scripts, body, frame.theme)


def start_page(frame: Frame) -> str:
    """What somebody sees who has not chosen a thread."""
    examples = "".join(
        f'<li><button type="button" class="example" data-example="{attr(text)}"><b>{esc(name)}</b><span>{esc(text)}</span></button></li>'
        for name, text in EXAMPLES
    )
    top = '<p class="top-title">New app</p>'
    body = (
        '<div class="scroll" id="scroll" data-key="start"><div class="start"><h1>What should we build?</h1>'
        "<p>Say it in a sentence. Nexus writes the app, tries it out, and shows you what it made. You decide whether it goes live.</p>"
        f"{_composer(thread='', frameworks=frame.frameworks)}"
        f'<h2>Or begin with one of these</h2><ul class="examples">{examples}</ul></div></div>'
    )
    main = _main(top=top, body=body, thread="", title="Nexus", dock="", cursor=frame.cursor)
    return _page(frame, "Nexus", "", main)


def thread_page(frame: Frame, thread: ThreadView, messages: Sequence[MessageView]) -> str:
    """A thread."""
    title = thread.title or thread.app or "Untitled"
    word = STATE_WORDS[thread.state] if thread.state else "New"
    top = (
        f'<h1 class="top-title" dir="auto">{esc(title)}</h1>'
        f'<span class="top-state{f" state-{thread.state}" if thread.state else ""}"><span class="state-dot"></span>'
        f"<span>{word}</span></span>"
    )
    body = f'<div class="scroll" id="scroll" data-key="scroll-{attr(thread.thread)}">{conversation(thread, messages, frame.cursor)}</div>'
    dock = _composer(thread=thread.thread, frameworks=())
    main = _main(top=top, body=body, thread=thread.thread, title=title, dock=dock, cursor=frame.cursor)
    return _page(frame, f"{title} · Nexus", thread.thread, main)


def missing_page(frame: Frame, reason: str) -> str:
    """An address with nothing behind it; the list of threads stays."""
    body = (
        '<div class="scroll" id="scroll" data-key="missing"><div class="start lost"><h1>Nothing here</h1>'
        f'<p dir="auto">{esc(reason)}</p><p><a class="btn btn-primary" href="/">Build something</a></p></div></div>'
    )
    main = _main(top='<p class="top-title">Not found</p>', body=body, thread="", title="Not found", dock="", cursor=frame.cursor)
    return _page(frame, "Not found · Nexus", "", main)


def plain_page(assets: Assets, theme: Theme, title: str, text: str, command: str = "") -> str:
    """A page without the frame: signed out, or a fault of ours. No module runs in it."""
    code = f'<pre class="command" tabindex="0"><code>{esc(command)}</code></pre>' if command else ""
    body = (
        f'<body class="plain"><main class="plain-main">{MARK}<h1>{esc(title)}</h1><p dir="auto">{esc(text)}</p>{code}'
        '<p><a class="btn btn-plain" href="/">Try again</a></p></main></body>'
    )
    return _document(_head(assets, f"{title} · Nexus"), body, theme)
