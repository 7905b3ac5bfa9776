"""A person's apps, and what their workspace has decided: what is told of them, the same on every platform.

Called by the chat adapters' renderers of the place where all that is seen at once (Slack's Home tab, a card in Discord). Plain words and
buttons; it looks nothing up and makes no markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.conversation.measuring import clip, web_url
from core.conversation.presenter.parts import stop_button
from core.conversation.redaction import shown_line
from core.words.cards import Button, Fact, Link
from core.words.views import AppState, AppView, SubscriptionView, WorkspaceSettings

NAME = 120
INVITATION = "Say what you need in a sentence. Nexus writes it, tries it out, and asks before it goes live."
EXAMPLE = "/nexus build a todo app with due dates"
NOBODY_TOLD = "No channel is told yet when an app goes live, fails or crashes."
ADMINS = "Admins of the workspace can change this."
BUILD = Button(action="build", value="", label="Build an app", style="primary")
TELL = Button(action="notify", value="", label="Tell a channel…")
CHANGES = (
    Button(action="workspace", value="approvals", label="Approvals…"),
    Button(action="workspace", value="models", label="Models…"),
)

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
class Overview:
    """What is shown. ``approvers`` are the names of the named ones, ``links`` the addresses of the apps' threads by slug, ``usage`` the
    numbers of the plan, ready to be read."""

    apps: Sequence[AppView]
    settings: WorkspaceSettings
    may_change: bool = False
    approvers: Sequence[str] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    subscriptions: Sequence[SubscriptionView] = ()
    usage: Sequence[Fact] = ()
    name: str = ""  #: of the workspace, where it is not before their eyes
    page: str = ""  #: address of Nexus's own page, empty where it is not for this person


def by_urgency(apps: Sequence[AppView]) -> list[AppView]:
    """The apps that are there, those that need somebody first."""
    there = [app for app in apps if app.state is not AppState.DELETED]
    return sorted(there, key=lambda app: (_URGENT.index(app.state), -app.updated_at.timestamp()))


def app_told(app: AppView) -> tuple[str, str, str]:
    """A dot in the colour of its state, its name, and its state, release and framework."""
    dot, state = _STATES[app.state]
    release = f"v{app.release}" if app.release else ""
    return dot, name_of(app, NAME), " · ".join(part for part in (state, release, app.framework) if part)


def name_of(app: AppView, most: int) -> str:
    """Its name, or what stands for it."""
    return clip(shown_line(app.name, most) or app.slug, most)


def app_actions(app: AppView, thread: str = "") -> list[Button | Link]:
    """What can be done with an app from afar. ``thread`` is the address of its thread."""
    slug, runs = app.slug, app.state in (AppState.LIVE, AppState.CRASHED)
    row: list[Button | Link] = []
    if app.state is AppState.LIVE and web_url(app.url):
        row.append(Link(label="Open", url=app.url, style="primary"))
    if app.state is AppState.STOPPED:
        row.append(Button(action="start", value=slug, label="Start", style="primary"))
    if web_url(thread):
        row.append(Link(label="Thread", url=thread))
    if runs:
        row.append(Button(action="logs", value=slug, label="Logs"))
    row.append(Button(action="settings", value=slug, label="Settings"))
    if runs:
        row.append(stop_button(slug, name_of(app, 60)))
    return row


def decided(shown: Overview) -> list[Fact]:
    """What the workspace has decided."""
    settings = shown.settings
    who = _APPROVERS[settings.approvers]
    if settings.approvers == "named" and shown.approvers:
        who = clip(", ".join(shown.approvers), 200)
    budget = [f"${settings.budget_usd:,.2f}"] if settings.budget_usd is not None else []
    budget += [f"{settings.budget_tokens:,} tokens"] if settings.budget_tokens is not None else []
    return [
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


def news(told: SubscriptionView) -> tuple[str, str]:
    """What a channel is told of, and what is wrong with it."""
    return clip(f"{told.app or 'every app'}: {', '.join(told.kinds)}", 300), clip(told.trouble, 200)


def used(shown: Overview) -> list[Fact]:
    """The numbers of the plan, as long as there is room for."""
    return [fact.model_copy(update={"label": clip(fact.label, 80), "value": clip(fact.value, 200)}) for fact in shown.usage[:20]]
