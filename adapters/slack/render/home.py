"""The Home tab: a person's apps and what can be done with them, then what their workspace has decided.

Called by whatever publishes the tab, with everything that it shows: it looks nothing up. At most 100 blocks; of more apps it says how many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.slack.render import parts
from adapters.slack.render.blocks import Block, Element, Line, actions, divider, header, note, paragraph, rich
from adapters.slack.render.buttons import Ids, button, link
from adapters.slack.render.text import clip, exact, inline, web_url, words
from core.conversation.presenter.parts import stop_button
from core.conversation.presenter.phrases import count, moment
from core.conversation.redaction import shown_line
from core.words.cards import Fact, Facts
from core.words.views import AppState, AppView, SubscriptionView, WorkspaceSettings

MAX_APPS = 25  #: three blocks each
MAX_SUBSCRIPTIONS = 20
NAME = 120

_STATES: Mapping[AppState, tuple[str, str]] = {
    AppState.BUILDING: ("🔵", "building"),
    AppState.DEPLOYING: ("🔵", "deploying"),
    AppState.REVIEW: ("🟡", "waits for review"),
    AppState.FAILED: ("🔴", "failed"),
    AppState.LIVE: ("🟢", "live"),
    AppState.STOPPED: ("⚪", "stopped"),
    AppState.CRASHED: ("🔴", "does not answer"),
    AppState.DELETED: ("⚪", "deleted"),
}
_URGENT = (
    AppState.CRASHED,
    AppState.REVIEW,
    AppState.FAILED,
    AppState.DEPLOYING,
    AppState.BUILDING,
    AppState.LIVE,
    AppState.STOPPED,
)
_APPROVERS = {"anyone": "Anyone here", "requester": "Whoever asked for it", "named": "Named people and groups"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What the tab shows. ``approvers`` are the names of the named ones, ``links`` the addresses of the apps' threads by slug, ``usage``
    the numbers of the plan, ready to be read."""

    apps: Sequence[AppView]
    settings: WorkspaceSettings
    may_change: bool = False
    approvers: Sequence[str] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    subscriptions: Sequence[SubscriptionView] = ()
    usage: Sequence[Fact] = ()
    page: str = ""  #: address of Nexus's own page, empty where it is not for this person


def home(shown: Home) -> dict[str, Any]:
    """The view."""
    ids = Ids()
    blocks = [*_apps(shown, ids), divider(), *_workspace(shown, ids), divider(), *_notifications(shown, ids)]
    if shown.usage:
        blocks += [divider(), *_usage(shown)]
    return {"type": "home", "blocks": blocks}


# -- apps ------------------------------------------------------------------------------------------------------------------


def _apps(shown: Home, ids: Ids) -> list[Block]:
    there = sorted(
        (app for app in shown.apps if app.state is not AppState.DELETED),
        key=lambda app: (_URGENT.index(app.state), -app.updated_at.timestamp()),
    )
    if not there:
        return [
            header("Build your first app"),
            paragraph([words("Say what you need in a sentence. Nexus writes it, tries it out, and asks before it goes live.")]),
            paragraph([[*words("For example: "), *words("/nexus build a todo app with due dates", "code")]]),
            actions([button(ids, "build", "Build an app", style="primary")]),
        ]
    top = [button(ids, "build", "Build an app", style="primary")]
    if web_url(shown.page):
        top.append(link(ids, "Open the page", shown.page))
    blocks = [header("Your apps"), actions(top)]
    for app in there[:MAX_APPS]:
        blocks += _app(app, shown.links.get(app.slug, ""), ids)
    if more := len(there) - MAX_APPS:
        blocks += [note(f"… and {count(more, 'more app')}: /nexus list")] if more > 0 else []
    return blocks


def _app(app: AppView, thread: str, ids: Ids) -> list[Block]:
    dot, state = _STATES[app.state]
    release = f"v{app.release}" if app.release else ""
    told = " · ".join(part for part in (state, release, app.framework) if part)
    changed: Element = {
        "type": "date",
        "timestamp": int(app.updated_at.timestamp()),
        "format": "{date_short_pretty}, {time}",  # in the reader's own time zone
        "fallback": moment(app.updated_at),
    }
    name = words(clip(shown_line(app.name, NAME) or app.slug, NAME), "bold")
    lines: list[Line] = [[*words(f"{dot} "), *name, *words(f"  {told} · "), changed]]
    if web_url(app.url):
        lines.append([{"type": "link", "url": app.url, "text": exact(app.url)}])
    row = _row(app, thread, ids)
    return [paragraph(lines), *([actions(row)] if row else [])]


def _row(app: AppView, thread: str, ids: Ids) -> list[Element]:
    slug = app.slug
    row: list[Element] = []
    if app.state is AppState.LIVE and web_url(app.url):
        row.append(link(ids, "Open", app.url, style="primary"))
    if app.state is AppState.STOPPED:
        row.append(button(ids, "start", "Start", slug, style="primary"))
    if web_url(thread):
        row.append(link(ids, "Thread", thread))
    if app.state in (AppState.LIVE, AppState.CRASHED):
        row.append(button(ids, "logs", "Logs", slug))
    row.append(button(ids, "settings", "Settings", slug))
    if app.state in (AppState.LIVE, AppState.CRASHED):
        stop = stop_button(slug, clip(shown_line(app.name, 60) or slug, 60))
        row.append(button(ids, stop.action, stop.label, stop.value, confirm=stop.confirm))
    return row


# -- the workspace ---------------------------------------------------------------------------------------------------------


def _workspace(shown: Home, ids: Ids) -> list[Block]:
    settings = shown.settings
    who = _APPROVERS[settings.approvers]
    if settings.approvers == "named" and shown.approvers:
        who = clip(", ".join(shown.approvers), 200)
    budget = [f"${settings.budget_usd:,.2f}"] if settings.budget_usd is not None else []
    budget += [f"{settings.budget_tokens:,} tokens"] if settings.budget_tokens is not None else []
    facts = [
        Fact(label="Who may approve", value=who),
        Fact(label="Own builds", value="may be approved by whoever asked" if settings.self_approval else "need somebody else"),
        Fact(label="Builds that remove data", value="need two people" if settings.second_person else "need one person"),
        Fact(label="An approval expires after", value=f"{settings.approval_hours:g} hours"),
        Fact(
            label="Written by",
            value=settings.model or ("the best model that has a key" if settings.provider == "auto" else settings.provider),
        ),
        Fact(label="Budget a month", value=" and ".join(budget) or "no limit"),
    ]
    blocks = [header("Workspace"), *_shown(facts)]
    if shown.may_change:
        row = [button(ids, "workspace", "Approvals…", "approvals"), button(ids, "workspace", "Models…", "models")]
        return [*blocks, actions(row)]
    return [*blocks, note("Admins of the workspace can change this.")]


def _notifications(shown: Home, ids: Ids) -> list[Block]:
    blocks = [header("Notifications")]
    lines: list[Line] = []
    for told in shown.subscriptions[:MAX_SUBSCRIPTIONS]:
        trouble = words(f"  ⚠️ {clip(told.trouble, 200)}") if told.trouble else []
        where: Line = [{"type": "channel", "channel_id": told.channel}] if told.channel.isalnum() else words(told.channel)
        lines.append([*where, *words("  " + clip(f"{told.app or 'every app'}: {', '.join(told.kinds)}", 300)), *trouble])
    if lines:
        blocks.append(rich({"type": "rich_text_list", "style": "bullet", "elements": [_item(line) for line in lines]}))
    else:
        blocks.append(paragraph([inline("No channel is told yet when an app goes live, fails or crashes.")]))
    if (more := len(shown.subscriptions) - MAX_SUBSCRIPTIONS) > 0:
        blocks.append(note(f"… and {count(more, 'more channel')}: /nexus notify list"))
    return [*blocks, actions([button(ids, "notify", "Tell a channel…")])]


def _item(line: Line) -> Element:
    return {"type": "rich_text_section", "elements": line}


def _usage(shown: Home) -> list[Block]:
    facts = [fact.model_copy(update={"label": clip(fact.label, 80), "value": clip(fact.value, 200)}) for fact in shown.usage[:20]]
    return [header("Plan and usage"), *_shown(facts)]


def _shown(facts: Sequence[Fact]) -> list[Block]:
    return [piece.block for group in parts.facts(Facts(facts=list(facts))) for piece in group.pieces]
