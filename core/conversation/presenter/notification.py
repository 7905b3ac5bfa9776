"""News for a channel: one line about what happened to an app, as a small card. Pure.

Called for every event by whoever tells channels. What is news, and of which kind, is decided here; most events are none.
"""

from __future__ import annotations

from core.conversation.presenter.fold import AppFacts
from core.conversation.presenter.phrases import sentence
from core.conversation.redaction import shown_line
from core.words import events as e
from core.words.cards import Card, Link, Tone


def kind_of(fact: e.Fact) -> str:
    """The kind of news that an event is (see `core.words.notifications`), empty when it is none."""
    match fact:
        case e.ApprovalRequested():
            return "review"
        case e.DeploymentLive():
            return "live"
        case e.BuildFailed() | e.DeploymentFailed():
            return "failed"
        case e.AppCrashed():
            return "crashed"
        case e.AppRecovered():
            return "recovered"
        case e.AppStopped() | e.AppDeleted():
            return "stopped"
    return ""


def news_card(fact: e.Fact, app: AppFacts, thread: str = "") -> Card | None:
    """The card of an event that is news, None for others. ``thread`` is the URL of the app's thread, where there is one."""
    name = shown_line(app.name or app.slug, 80) or "An app"
    links: list[Link] = []
    match fact:
        case e.ApprovalRequested():
            told = Tone.WAITING, "Ready for review", f"{shown_line(fact.who, 160)} may approve it."
        case e.DeploymentLive():
            told = Tone.GOOD, "Live", f"v{fact.release} answers at {shown_line(fact.url)}"
            if fact.url.startswith(("http://", "https://")):
                links.append(Link(label="Open", url=fact.url, style="primary"))
        case e.BuildFailed():
            told = Tone.BAD, "Build failed", sentence(shown_line(fact.reason))
        case e.DeploymentFailed():
            still = f" v{fact.still_live} is still live." if fact.still_live is not None else " Nothing of it is live."
            told = Tone.BAD, "Not deployed", sentence(shown_line(fact.reason)) + still
        case e.AppCrashed():
            told = Tone.BAD, "Crashed", sentence(shown_line(fact.reason))
        case e.AppRecovered():
            told = Tone.GOOD, "Recovered", f"v{fact.release} answers again."
        case e.AppStopped():
            told = Tone.QUIET, "Stopped", f"{shown_line(fact.by, 80) or 'Somebody'} stopped it."
        case e.AppDeleted():
            told = Tone.QUIET, "Deleted", f"{shown_line(fact.by, 80) or 'Somebody'} deleted it."
        case _:
            return None
    tone, status, words = told
    if thread:
        links.append(Link(label="Thread", url=thread))
    return Card(kind="notice", title=name, subtitle=words, tone=tone, status=status, actions=list(links))
