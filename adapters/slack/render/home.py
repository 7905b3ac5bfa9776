"""The Home tab: a person's apps and what can be done with them, then what their workspace has decided.

Called by whatever publishes the tab, with everything that it shows: it looks nothing up. At most 100 blocks; of more apps it says how many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.slack.render import parts
from adapters.slack.render.blocks import Block, Element, Line, actions, divider, header, note, paragraph, rich
from adapters.slack.render.buttons import Ids, button, link
from adapters.slack.render.text import exact, inline, web_url, words
from core.conversation.presenter import overview
from core.conversation.presenter.overview import Overview as Home
from core.conversation.presenter.phrases import count, moment
from core.words.cards import Button, Fact, Facts, Link
from core.words.views import AppView

__all__ = ["MAX_APPS", "Home", "home"]

MAX_APPS = 25  #: three blocks each
MAX_SUBSCRIPTIONS = 20


def home(shown: Home) -> dict[str, Any]:
    """The view."""
    ids = Ids()
    blocks = [*_apps(shown, ids), divider(), *_workspace(shown, ids), divider(), *_notifications(shown, ids)]
    if shown.usage:
        blocks += [divider(), *_usage(shown)]
    return {"type": "home", "blocks": blocks}


# -- apps ------------------------------------------------------------------------------------------------------------------


def _apps(shown: Home, ids: Ids) -> list[Block]:
    there = overview.by_urgency(shown.apps)
    if not there:
        return [
            header("Build your first app"),
            paragraph([words(overview.INVITATION)]),
            paragraph([[*words("For example: "), *words(overview.EXAMPLE, "code")]]),
            actions([_made(overview.BUILD, ids)]),
        ]
    top = [_made(overview.BUILD, ids)]
    if web_url(shown.page):
        top.append(link(ids, "Open the page", shown.page))
    blocks = [header("Your apps"), actions(top)]
    for app in there[:MAX_APPS]:
        blocks += _app(app, shown.links.get(app.slug, ""), ids)
    if more := len(there) - MAX_APPS:
        blocks += [note(f"… and {count(more, 'more app')}: /nexus list")] if more > 0 else []
    return blocks


def _app(app: AppView, thread: str, ids: Ids) -> list[Block]:
    dot, name, told = overview.app_told(app)
    changed: Element = {
        "type": "date",
        "timestamp": int(app.updated_at.timestamp()),
        "format": "{date_short_pretty}, {time}",  # in the reader's own time zone
        "fallback": moment(app.updated_at),
    }
    lines: list[Line] = [[*words(f"{dot} "), *words(name, "bold"), *words(f"  {told} · "), changed]]
    if web_url(app.url):
        lines.append([{"type": "link", "url": app.url, "text": exact(app.url)}])
    row = [_made(item, ids) for item in overview.app_actions(app, thread)]
    return [paragraph(lines), *([actions(row)] if row else [])]


def _made(item: Button | Link, ids: Ids) -> Element:
    if isinstance(item, Link):
        return link(ids, item.label, item.url, style=item.style)
    return button(ids, item.action, item.label, item.value, style=item.style, confirm=item.confirm)


# -- the workspace ---------------------------------------------------------------------------------------------------------


def _workspace(shown: Home, ids: Ids) -> list[Block]:
    blocks = [header("Workspace"), *_shown(overview.decided(shown))]
    if shown.may_change:
        return [*blocks, actions([_made(item, ids) for item in overview.CHANGES])]
    return [*blocks, note(overview.ADMINS)]


def _notifications(shown: Home, ids: Ids) -> list[Block]:
    blocks = [header("Notifications")]
    lines: list[Line] = []
    for told in shown.subscriptions[:MAX_SUBSCRIPTIONS]:
        what, wrong = overview.news(told)
        trouble = words(f"  ⚠️ {wrong}") if wrong else []
        where: Line = [{"type": "channel", "channel_id": told.channel}] if told.channel.isalnum() else words(told.channel)
        lines.append([*where, *words(f"  {what}"), *trouble])
    if lines:
        blocks.append(rich({"type": "rich_text_list", "style": "bullet", "elements": [_item(line) for line in lines]}))
    else:
        blocks.append(paragraph([inline(overview.NOBODY_TOLD)]))
    if (more := len(shown.subscriptions) - MAX_SUBSCRIPTIONS) > 0:
        blocks.append(note(f"… and {count(more, 'more channel')}: /nexus notify list"))
    return [*blocks, actions([_made(overview.TELL, ids)])]


def _item(line: Line) -> Element:
    return {"type": "rich_text_section", "elements": line}


def _usage(shown: Home) -> list[Block]:
    return [header("Plan and usage"), *_shown(overview.used(shown))]


def _shown(facts: Sequence[Fact]) -> list[Block]:
    return [piece.block for group in parts.facts(Facts(facts=list(facts))) for piece in group.pieces]
