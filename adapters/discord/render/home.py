"""The workspace's card: a person's apps and what can be done with them, then what their workspace has decided.

Called by `adapters.discord.home` with everything that it shows: it looks nothing up. It is one message; of more apps than have room in it,
it says how many there are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from discord import ui

from adapters.discord.render import parts
from adapters.discord.render.buttons import Ids, button, link, opens
from adapters.discord.render.card import Rendered, laid_out
from adapters.discord.render.fitting import MAX_TEXT, Drawn
from adapters.discord.render.text import Span, draw, escape, link_url
from core.conversation.measuring import clip, units
from core.conversation.presenter import overview
from core.conversation.presenter.overview import Overview
from core.conversation.presenter.phrases import count
from core.words.cards import Button, Fact, Facts, Link, Tone
from core.words.views import AppState, AppView

MAX_APPS = 5  #: three components each
MAX_SUBSCRIPTIONS = 6
MAX_NUMBERS = 8
NAME, TOLD, VALUE = 50, 90, 70  #: characters, so that all of it has room in one message
URL = 120

#: What has room beside an app, the best first: actions, and the labels of links. Of other states it is the thread.
_WANTED = {AppState.STOPPED: ("start",), AppState.CRASHED: ("logs",), AppState.LIVE: ("Open", "logs")}
_THREAD = re.compile(r"https://(?:\w+\.)?discord\.com/channels/\d+/(\d+)(?:/\d+)?")


def home(shown: Overview) -> Rendered:
    """The message."""
    made = _parts(shown, MAX_APPS, MAX_SUBSCRIPTIONS)
    for fewer in range(1, MAX_APPS + 1):
        if _length(made) <= MAX_TEXT:
            break
        made = _parts(shown, MAX_APPS - fewer, MAX_SUBSCRIPTIONS - fewer)
    return laid_out(made, tone=Tone.QUIET, text="The workspace")


def _parts(shown: Overview, apps: int, channels: int) -> list[Drawn]:
    ids = Ids()
    made = [*_apps(shown, apps, ids), None, *_workspace(shown, ids), None, *_notifications(shown, channels, ids)]
    if shown.usage:
        made += [None, *_facts("Plan and usage", overview.used(shown)[:MAX_NUMBERS])]
    return made


def _length(made: Sequence[Drawn]) -> int:
    sections = [item for part in made if part and not isinstance(part, str) for item in part if isinstance(item, ui.Section)]
    texts = [part for part in made if isinstance(part, str)]
    texts += [inner.content for section in sections for inner in section.children if isinstance(inner, ui.TextDisplay)]
    return sum(map(units, texts))


# -- apps ------------------------------------------------------------------------------------------------------------------


def _apps(shown: Overview, most: int, ids: Ids) -> list[Drawn]:
    there = overview.by_urgency(shown.apps)
    top = _items([overview.BUILD, Link(label="Open the page", url=shown.page)], ids)
    if not there:
        told = f"{escape(overview.INVITATION)}\nFor example: {draw([Span(overview.EXAMPLE, 'code')])}"
        here = f" in {draw([Span(clip(shown.name, NAME))])}" if shown.name else ""
        return [f"## Build your first app{here}\n{told}", top]
    made: list[Drawn] = ["## Your apps" + (f" in {draw([Span(clip(shown.name, NAME))])}" if shown.name else "")]
    made += [_app(app, shown.links.get(app.slug, ""), ids) for app in there[:most]]
    if (more := len(there) - most) > 0:
        made.append(f"-# … and {count(more, 'more app')}: /nexus list")
    return [*made, top]


def _app(app: AppView, thread: str, ids: Ids) -> Drawn:
    """Its name and state, where it and its thread are, and the one thing that is most likely wanted."""
    dot, name, told = overview.app_told(app)
    beside = _beside(app, thread, ids)
    lines = [f"{dot} {draw([Span(clip(' '.join(name.split()), NAME), 'bold')])}"]
    lines.append(f"-# {escape(told)} · <t:{int(app.updated_at.timestamp())}:R>")
    where = [_place(url) for url in (app.url, thread) if link_url(url) and len(url) <= URL]
    lines += [f"-# {' · '.join(where)}"] if where else []
    shown = "\n".join(lines)
    return [ui.Section(shown, accessory=beside)] if beside is not None else shown


def _place(url: str) -> str:
    """A link; one to a thread is shown with the thread's name."""
    thread = _THREAD.fullmatch(url)
    return f"<#{thread[1]}>" if thread else f"<{url}>"


def _beside(app: AppView, thread: str, ids: Ids) -> ui.Item[Any] | None:
    """The button beside an app: of what can be done with it, the first that is there."""
    there = {item.label if isinstance(item, Link) else item.action: item for item in overview.app_actions(app, thread)}
    for name in (*_WANTED.get(app.state, ("Thread",)), "settings"):
        item = there.get(name)
        if isinstance(item, Button):
            return button(ids, item)
        if item is not None and opens(item.url):
            return link(item)
    return None


# -- the workspace ---------------------------------------------------------------------------------------------------------


def _workspace(shown: Overview, ids: Ids) -> list[Drawn]:
    made = _facts("Workspace", overview.decided(shown))
    return [*made, _items(overview.CHANGES, ids) if shown.may_change else f"-# {escape(overview.ADMINS)}"]


def _notifications(shown: Overview, most: int, ids: Ids) -> list[Drawn]:
    lines = ["## Notifications"]
    for told in shown.subscriptions[:most]:
        what, wrong = overview.news(told)
        where = f"<#{told.channel}>" if told.channel.isdecimal() and told.channel.isascii() else escape(clip(told.channel, 40))
        trouble = f" ⚠️ {escape(clip(wrong, TOLD))}" if wrong else ""
        lines.append(f"• {where}  {escape(clip(what, TOLD))}{trouble}")
    if not shown.subscriptions:
        lines.append(escape(overview.NOBODY_TOLD))
    if (more := len(shown.subscriptions) - most) > 0:
        lines.append(f"-# … and {count(more, 'more channel')}: /nexus notify list")
    return ["\n".join(lines), _items([overview.TELL], ids)]


def _facts(title: str, facts: Sequence[Fact]) -> list[Drawn]:
    short = [fact.model_copy(update={"label": clip(fact.label, 40), "value": clip(fact.value, VALUE)}) for fact in facts]
    lines = [piece.text for group in parts.facts(Facts(facts=short)) for piece in group.pieces]
    return ["\n".join([f"## {title}", *lines])]


def _items(items: Sequence[Button | Link], ids: Ids) -> list[ui.Item[Any]]:
    made: list[ui.Item[Any] | None] = []
    for item in items:
        if isinstance(item, Button):
            made.append(button(ids, item))
        elif opens(item.url):
            made.append(link(item))
    return [one for one in made if one is not None]
