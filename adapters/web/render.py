"""Cards, forms and answers as HTML fragments: pure functions, everything escaped.

Called by the page, the thread fragment and the stream; the browser puts a fragment in place of the old one by its key. What a person
did to a card (the open tab, the open file, a running log) belongs to the browser and is not known here. It makes no script, no style
attribute and no handler: the Content-Security-Policy would refuse them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from adapters.web.icons import icon
from adapters.web.text import anchor, attr, clip, esc, inline, plain, safe_url, seconds, size, when
from core.words import cards as c
from core.words.inbound import Answer
from core.words.views import MessageView

MAX_LOG_LINES = 500
MAX_LOG_LINE = 2_000  #: characters
LONG_TEXT = 1_200  #: characters, from where a paragraph scrolls by itself

_STEP_ICON = {
    c.StepState.WAITING: ("dot", "waiting"),
    c.StepState.RUNNING: ("ring", "running"),
    c.StepState.DONE: ("check", "done"),
    c.StepState.FAILED: ("cross", "failed"),
    c.StepState.SKIPPED: ("dash", "skipped"),
}
_LIKELY_FIRST = re.compile(r"(?:src/|app/|server/)?(?:main|app|server|index)\.(?:py|m?js|tsx?|jsx)")


def _id(text: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_-]", "-", text)[:80]


def _copy(label: str) -> str:
    return f'<button type="button" class="ghost copy" data-copy aria-label="{attr(label)}" title="{attr(label)}">{icon("copy")}</button>'


def _text(text: c.Text) -> str:
    if text.style == "code":
        return f'<div class="codebox">{_copy("Copy")}<pre tabindex="0"><code>{esc(text.text)}</code></pre></div>'
    long = ' tabindex="0"' if len(text.text) > LONG_TEXT else ""
    css = f"text text-{text.style}{' text-long' if long else ''}"
    if text.style == "warning":
        return f'<div class="{css}" role="note"{long}>{icon("warn")}<p dir="auto">{inline(text.text)}</p></div>'
    return f'<p class="{css}" dir="auto"{long}>{inline(text.text)}</p>'


def _facts(facts: c.Facts) -> str:
    rows = []
    for fact in facts.facts:
        if fact.style == "link":
            value = anchor(fact.value, re.sub(r"^https?://", "", fact.value).rstrip("/"))
        elif fact.style == "code":
            value = f"<code>{esc(fact.value)}</code>{_copy(f'Copy {fact.label}') if fact.value else ''}"
        else:
            value = esc(fact.value)
        css = "fact fact-wide" if len(fact.value) > 60 else "fact"
        rows.append(f'<div class="{css}"><dt>{esc(fact.label)}</dt><dd dir="auto">{value}</dd></div>')
    return f'<dl class="facts">{"".join(rows)}</dl>'


def _steps(steps: c.Steps) -> str:
    items = []
    for step in steps.steps:
        picture, word = _STEP_ICON[step.state]
        detail = f'<span class="step-detail" dir="auto">{inline(clip(step.detail, 1_000))}</span>' if step.detail else ""
        took = f'<span class="step-seconds">{seconds(step.seconds)}</span>' if step.seconds is not None else ""
        items.append(
            f'<li class="step step-{word}">{icon(picture)}<span class="vh">{word}: </span>'
            f'<span class="step-name">{inline(step.name)}</span>{detail}{took}</li>'
        )
    title = f"<h4>{esc(steps.title)}</h4>" if steps.title else ""
    return f'<div class="steps-block">{title}<ol class="steps">{"".join(items)}</ol></div>'


def _first_file(files: Sequence[c.FileEntry]) -> str:
    there = [f for f in files if f.change != "removed"]
    for wanted in (
        lambda f: f.change == "changed" and f.purpose,
        lambda f: _LIKELY_FIRST.fullmatch(f.path),
        lambda f: f.purpose and not f.path.startswith("."),
        lambda f: True,
    ):
        for file in there:
            if wanted(file):
                return file.path
    return ""


def _tree(files: Sequence[c.FileEntry], first: str) -> str:
    rows: list[str] = []
    shown: set[str] = set()
    for file in sorted(files, key=lambda f: [(n == f.path.count("/"), p) for n, p in enumerate(f.path.split("/"))]):
        *folders, name = file.path.split("/")
        for depth, folder in enumerate(folders, 1):
            path = "/".join(folders[:depth])
            if path not in shown:
                shown.add(path)
                rows.append(
                    f'<button type="button" role="treeitem" class="row row-folder" data-key="{attr(path)}/" data-folder="{attr(path)}"'
                    f' aria-level="{depth}" aria-expanded="true" tabindex="-1">{icon("chevron")}'
                    f'<span dir="auto">{esc(folder)}</span></button>'
                )
        change = f'<span class="change change-{file.change}">{file.change}</span>' if file.change else ""
        gone = ' aria-disabled="true"' if file.change == "removed" else ""
        selected = "true" if file.path == first else "false"
        purpose = f' title="{attr(file.purpose)}"' if file.purpose else ""
        rows.append(
            f'<button type="button" role="treeitem" class="row row-file" data-key="{attr(file.path)}" data-path="{attr(file.path)}"'
            f' aria-level="{len(folders) + 1}" aria-selected="{selected}" tabindex="{0 if file.path == first else -1}"{gone}{purpose}>'
            f'{icon("file")}<span dir="auto">{esc(name)}</span>{change}<span class="row-size">{size(file.size)}</span></button>'
        )
    return "".join(rows)


def _files(files: c.Files, key: str) -> str:
    if not files.files:
        return '<p class="text text-muted">No files yet.</p>'
    first = _first_file(files.files)
    total = sum(f.size for f in files.files if f.change != "removed")
    return (
        f'<div class="files" data-key="files" data-build="{attr(files.build)}">'
        f'<div class="tree"><p class="tree-head">{len(files.files)} files<span>{size(total)}</span></p>'
        f'<div role="tree" aria-label="Files">{_tree(files.files, first)}</div></div>'
        f'<div class="source" data-keep data-key="source"><div class="source-head"><span class="source-path" dir="auto">{esc(first)}</span>'
        f'<span class="source-note"></span>'
        f'<button type="button" class="ghost" data-wrap aria-pressed="false" title="Wrap long lines">{icon("wrap")}<span class="vh">Wrap'
        f" long lines</span></button>{_copy('Copy this file')}</div>"
        f'<div class="source-body" tabindex="0" role="region" aria-label="Source"></div></div></div>'
    )


def log_line(line: str) -> str:
    """One line of a log as plain text for the stream, clipped and without terminal codes; not HTML."""
    return clip(plain(line), MAX_LOG_LINE)


def _log(log: c.Log) -> str:
    lines = "".join(f'<span class="line">{esc(clip(line, MAX_LOG_LINE))}\n</span>' for line in log.lines[-MAX_LOG_LINES:])
    title = esc(log.title or "Log")
    live = f' data-live="{attr(log.live_app)}"' if log.live_app else ""
    follow = (
        '<button type="button" class="ghost follow" data-follow aria-pressed="false" title="Follow the log">'
        '<span class="pulse"></span>Live</button>'
        if live
        else ""
    )
    empty = "" if log.lines else " log-empty"
    return (
        f'<div class="log{empty}" data-key="log-{_id(log.title)}"{live}><div class="log-head"><h4>{title}</h4>{follow}'
        f"{_copy('Copy the log')}</div>"
        f'<pre class="log-lines" tabindex="0" aria-label="{attr(log.title or "Log")}">{lines}</pre></div>'
    )


def _table(table: c.Table) -> str:
    head = "".join(f"<th scope='col'>{esc(name)}</th>" for name in table.columns)
    body = "".join("<tr>" + "".join(f'<td dir="auto">{inline(cell)}</td>' for cell in row) + "</tr>" for row in table.rows)
    return f'<div class="table" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _image(image: c.Image) -> str:
    path = safe_url(image.path if image.path.startswith("/") else f"/{image.path}")
    if path is None or not path.startswith("/"):
        return ""
    return (
        f'<a class="shot" href="{attr(path)}" target="_blank" rel="noopener">'
        f'<img src="{attr(path)}" alt="{attr(image.alt)}"{_size(image)} loading="lazy"></a>'
    )


def _size(image: c.Image) -> str:
    return f' width="{image.width}" height="{image.height}"' if image.width > 0 and image.height > 0 else ""


def _images(images: Sequence[c.Image]) -> str:
    """Pictures that belong together, as high as each other."""
    return f'<div class="shots">{"".join(map(_image, images))}</div>'


def _child(child: c.Child, key: str) -> str:
    match child:
        case c.Text():
            return _text(child)
        case c.Facts():
            return _facts(child)
        case c.Steps():
            return _steps(child)
        case c.Files():
            return _files(child, key)
        case c.Log():
            return _log(child)
        case c.Table():
            return _table(child)
        case c.Image():
            return _image(child)
        case c.Section():
            inner = "".join(_child(part, key) for part in child.children)
            return f'<section class="part" data-key="part-{_id(child.id)}"><h3>{esc(child.title)}</h3>{inner}</section>'


def _first_tab(card: c.Card, sections: Sequence[c.Section]) -> str:
    """A card that is past its review opens at Deploy; before it, at its first section."""
    deploy = next((s for s in sections if s.id == "deploy"), None)
    past = card.tone in {c.Tone.WORKING, c.Tone.GOOD, c.Tone.BAD}
    return deploy.id if deploy and past else sections[0].id


def _tabs(card: c.Card, sections: Sequence[c.Section], key: str) -> str:
    first = _first_tab(card, sections)
    tabs, panels = [], []
    for section in sections:
        name = _id(section.id)
        chosen = section.id == first
        tabs.append(
            f'<button type="button" role="tab" id="{key}-tab-{name}" data-key="{name}" aria-controls="{key}-panel-{name}"'
            f' aria-selected="{str(chosen).lower()}" tabindex="{0 if chosen else -1}">{esc(section.title)}</button>'
        )
        inner = "".join(_child(part, key) for part in section.children)
        panels.append(
            f'<div role="tabpanel" id="{key}-panel-{name}" data-key="panel-{name}" class="panel panel-{name}"'
            f' aria-labelledby="{key}-tab-{name}"{"" if chosen else " hidden"}>{inner}</div>'
        )
    return (
        f'<div class="tabs" data-key="tabs"><div role="tablist" aria-label="Parts of {attr(card.title)}">{"".join(tabs)}</div>'
        f"{''.join(panels)}</div>"
    )


def _children(card: c.Card, key: str) -> str:
    parts: list[str] = []
    for kind, run in groupby(card.children, key=lambda child: child.type if child.type in ("section", "image") else ""):
        group = list(run)
        sections = [child for child in group if isinstance(child, c.Section)]
        if len(sections) > 1:
            parts.append(_tabs(card, sections, key))
        elif kind == "image":
            parts.append(_images([child for child in group if isinstance(child, c.Image)]))
        else:
            parts.extend(_child(child, key) for child in group)
    return "".join(parts)


def _action(action: c.Button | c.Link) -> str:
    if isinstance(action, c.Link):
        good = safe_url(action.url)
        if good is None:
            return ""
        css = f"btn btn-{action.style}"
        if good.startswith("/"):
            save = " download" if good.endswith(".zip") else ""
            return f'<a class="{css}" href="{attr(good)}" data-key="{attr(good)}"{save}>{esc(action.label)}</a>'
        return (
            f'<a class="{css}" href="{attr(good)}" data-key="{attr(good)}" target="_blank" rel="noopener noreferrer">'
            f"{esc(action.label)}{icon('out')}</a>"
        )
    confirm = ""
    if action.confirm:
        confirm = (
            f' data-confirm="{attr(action.confirm.title)}" data-confirm-text="{attr(action.confirm.text)}"'
            f' data-confirm-yes="{attr(action.confirm.yes)}"'
        )
    return (
        f'<button type="button" class="btn btn-{action.style}" data-key="{attr(action.action)}:{attr(action.value)}"'
        f' data-action="{attr(action.action)}" data-value="{attr(action.value)}"{confirm}>{esc(action.label)}</button>'
    )


def card(value: c.Card, key: str) -> str:
    """A card. ``key`` is unique on the page and starts every id in it."""
    key = _id(key)
    folded = value.tone is c.Tone.QUIET and any(isinstance(child, c.Section) for child in value.children)
    fold = (
        f'<button type="button" class="ghost fold" data-fold aria-expanded="false" aria-controls="{key}-body">Show</button>'
        if folded
        else ""
    )
    status = f'<span class="status">{esc(value.status)}</span>' if value.status else ""
    subtitle = f'<p class="subtitle" dir="auto">{inline(value.subtitle)}</p>' if value.subtitle else ""
    actions = "".join(_action(a) for a in value.actions)
    footer = f'<footer class="card-actions">{actions}</footer>' if actions else ""
    return (
        f'<article class="card card-{value.kind} tone-{value.tone}" data-key="{key}" aria-labelledby="{key}-title"'
        f' data-title="{attr(value.title)}" data-status="{attr(value.status)}"{" data-folded" if folded else ""}>'
        f'<header class="card-head"><div class="card-names"><h2 id="{key}-title" dir="auto">{esc(value.title)}</h2>{subtitle}</div>'
        f"{status}{fold}</header>"
        f'<div class="card-body" id="{key}-body">{_children(value, key)}</div>'
        f"{footer}</article>"
    )


def _initial(author: str) -> str:
    return next((ch.upper() for ch in author if ch.isalnum()), "·")


def message(view: MessageView) -> str:
    """One message of a thread, keyed by its id."""
    key = f"m-{_id(view.message)}"
    head = f'<li class="msg {"said" if view.card is None else "shown"}" id="{key}" data-key="{key}" data-order="{view.order}">'
    if view.card is not None:
        return f"{head}{card(view.card, key)}{when(view.at)}</li>"
    author = view.author or "Nexus"
    long = ' tabindex="0"' if len(view.text) > LONG_TEXT else ""
    return (
        f'{head}<span class="avatar" aria-hidden="true">{esc(_initial(author))}</span><div class="bubble"><p class="by"><b dir="auto">'
        f'{esc(author)}</b>{when(view.at)}</p><p class="words{" text-long" if long else ""}" dir="auto"{long}>'
        f"{inline(view.text)}</p></div></li>"
    )


def _input(field: c.Input, key: str, index: int) -> str:
    name = f"{key}-{index}"
    common = f'id="{name}" name="{attr(field.name)}"{" required" if field.required else ""}'
    hint = f'<small id="{name}-hint">{inline(field.hint)}</small>' if field.hint else ""
    if hint:
        common += f' aria-describedby="{name}-hint"'
    label = f'<label for="{name}">{esc(field.label)}{"" if field.required or field.kind == "checkbox" else " <i>optional</i>"}</label>'
    match field.kind:
        case "multiline":
            control = f'<textarea {common} rows="4" maxlength="{field.max_length}">\n{esc(field.value)}</textarea>'
        case "select":
            options = "".join(
                f'<option value="{attr(value)}"{" selected" if value == field.value else ""}>{esc(text)}</option>'
                for value, text in field.options
            )
            control = f"<select {common}>{options}</select>"
        case "checkbox":
            ticked = " checked" if field.value == "true" else ""
            return f'<div class="field field-check"><input type="checkbox" {common}{ticked}>{label}{hint}</div>'
        case _:
            kind = 'type="password" autocomplete="off" spellcheck="false"' if field.kind == "secret" else 'type="text"'
            control = f'<input {kind} {common} value="{attr(field.value)}" maxlength="{field.max_length}">'
    return f'<div class="field">{label}{control}{hint}</div>'


def form(value: c.Form, key: str) -> str:
    """A modal with the form's inputs."""
    inputs = "".join(_input(field, key, number) for number, field in enumerate(value.inputs))
    text = f'<p class="text" dir="auto">{inline(value.text)}</p>' if value.text else ""
    return (
        f'<dialog class="modal" data-form="{attr(value.form)}" data-value="{attr(value.value)}" aria-labelledby="{key}-title">'
        f'<form novalidate><h2 id="{key}-title">{esc(value.title)}</h2>{text}{inputs}<p class="form-error" role="alert" hidden></p>'
        f'<footer><button type="button" class="btn btn-plain" data-close>Cancel</button>'
        f'<button type="submit" class="btn btn-primary">{esc(value.submit)}</button></footer></form></dialog>'
    )


def answer(value: Answer, key: str) -> str:
    """What goes back to the one who acted; the browser opens, shows or follows each part."""
    parts = []
    if value.text:
        parts.append(f'<div class="answer-text" dir="auto">{inline(value.text)}</div>')
    if value.form is not None:
        parts.append(form(value.form, f"{_id(key)}-form"))
    if value.card is not None:
        parts.append(
            f'<dialog class="drawer" aria-label="{attr(value.card.title)}"><p class="private">{icon("lock")}Only you see this'
            f'<button type="button" class="ghost" data-close aria-label="Close">{icon("cross")}</button></p>'
            f"{card(value.card, key)}</dialog>"
        )
    thread = f' data-thread="{attr(value.thread)}"' if value.thread else ""
    return f'<div class="answer"{thread}{" data-error" if value.error else ""}>{"".join(parts)}</div>'
