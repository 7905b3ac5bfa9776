"""The workspace's card: a person's apps and what can be done with them, then what their workspace has decided.

Called by `adapters.discord.home` with everything that it shows: it looks nothing up. It is one message; of more apps than have room in it,
it says how many there are.
"""

from __future__ import annotations

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

_BESIDE = {
    AppState.STOPPED: "start",
    AppState.CRASHED: "logs",
    AppState.LIVE: "logs",
}  #: the action that has room; others: settings


def home(shown: Overview, *, key: str = "") -> Rendered:
    """The message."""
    made = _parts(shown, MAX_APPS, MAX_SUBSCRIPTIONS)
    for fewer in range(1, MAX_APPS + 1):
        if _length(made) <= MAX_TEXT:
            break
        made = _parts(shown, MAX_APPS - fewer, MAX_SUBSCRIPTIONS - fewer)
    return laid_out(made, tone=Tone.QUIET, key=key, text="The workspace")


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
        return [f"## Build your first app\n{told}", top]
    made: list[Drawn] = ["## Your apps"]
    made += [_app(app, shown.links.get(app.slug, ""), ids) for app in there[:most]]
    if (more := len(there) - most) > 0:
        made.append(f"-# … and {count(more, 'more app')}: /nexus list")
    return [*made, top]


def _app(app: AppView, thread: str, ids: Ids) -> Drawn:
    """Its name with the address of its thread, its state, where it is, and the one thing that is most likely wanted."""
    dot, name, told = overview.app_told(app)
    named = clip(" ".join(name.split()), NAME)
    lines = [f"{dot} {draw([Span(named, 'bold')])}", f"-# {escape(told)} · <t:{int(app.updated_at.timestamp())}:R>"]
    where = [url for url in (app.url, thread) if url and link_url(url) and len(url) <= URL]
    lines += [f"-# <{url}>" for url in where]
    wanted = _BESIDE.get(app.state, "settings")
    actions = overview.app_actions(app)
    beside = next((one for one in actions if isinstance(one, Button) and one.action == wanted), None)
    pressed = button(ids, beside) if beside is not None else None
    told_all = "\n".join(lines)
    return [ui.Section(told_all, accessory=pressed)] if pressed is not None else told_all


# -- the workspace ---------------------------------------------------------------------------------------------------------


def _workspace(shown: Overview, ids: Ids) -> list[Drawn]:
    made = _facts("Workspace", overview.decided(shown))
    return [*made, _items(overview.CHANGES, ids) if shown.may_change else f"-# {escape(overview.ADMINS)}"]


def _notifications(shown: Overview, most: int, ids: Ids) -> list[Drawn]:
    lines = ["### Notifications"]
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
    return ["\n".join([f"### {title}", *lines])]


def _items(items: Sequence[Button | Link], ids: Ids) -> list[ui.Item[Any]]:
    made: list[ui.Item[Any] | None] = []
    for item in items:
        if isinstance(item, Button):
            made.append(button(ids, item))
        elif opens(item.url):
            made.append(link(item))
    return [one for one in made if one is not None]
