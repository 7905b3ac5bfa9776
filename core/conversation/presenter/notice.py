"""Cards for what happens to an app beside its builds and deployments: a crash, a recovery, stopped, deleted, changed settings."""

from __future__ import annotations

from core.conversation.presenter.fold import NoticeStory, Story
from core.conversation.presenter.parts import button, log, url_fact
from core.conversation.presenter.phrases import listed, sentence
from core.conversation.redaction import shown, shown_line
from core.words import events as e
from core.words.cards import Button, Card, Child, Facts, Link, Text, Tone


def notice_card(story: Story, notice: NoticeStory) -> Card:
    """The card of one notice."""
    title = shown_line(story.title, 80) or "App"
    match notice.fact:
        case e.AppCrashed() as crashed:
            reason = sentence(shown(crashed.reason, 600)) or "It stopped answering."
            return Card(
                kind="notice",
                title=title,
                subtitle=f"v{crashed.release} stopped by itself.",
                tone=Tone.QUIET if notice.over else Tone.BAD,
                status="Crashed earlier" if notice.over else "Crashed",
                children=[Text(text=reason), *log(crashed.log_tail, title="Last lines", limit=24)],
                actions=_crash_actions(story, notice, crashed),
            )
        case e.AppRecovered() as recovered:
            return _card(
                title, f"v{recovered.release} answers again.", Tone.GOOD, "Recovered", Facts(facts=[url_fact(recovered.url)])
            )
        case e.AppStopped() as stopped:
            words = f"{_name(stopped.by)} stopped it. Its data and its releases stay."
            return _card(title, words, Tone.QUIET, "Stopped")
        case e.AppDeleted() as deleted:
            kept = Text(text=f"The last snapshot of its data is kept as {shown_line(deleted.snapshot, 200)}.")
            return _card(title, f"{_name(deleted.by)} deleted it.", Tone.QUIET, "Deleted", *([kept] if deleted.snapshot else []))
        case e.SettingsChanged() as changed:
            done = [
                f"{verb} {listed([shown_line(name, 64) for name in names])}"
                for verb, names in (("set", changed.set), ("removed", changed.unset))
                if names
            ]
            words = f"{_name(changed.by)} {' and '.join(done) or 'looked at the settings'}."
            return _card(title, words, Tone.QUIET, "Settings changed")


def _crash_actions(story: Story, notice: NoticeStory, crashed: e.AppCrashed) -> list[Button | Link]:
    """Propose a fix as long as what crashed last is live; the log, while it is down."""
    live = story.deployments.get(story.live)
    there = live is not None and live.release == crashed.release and story.stopped is None and story.deleted is None
    fix = [button("fix", story.app.slug, "Propose a fix")] if there and notice is story.last_crash else []
    return [*fix, *([] if notice.over else [button("logs", story.app.slug, "Logs")])]


def _name(by: str) -> str:
    return shown_line(by, 80) or "Somebody"


def _card(title: str, subtitle: str, tone: Tone, status: str, *children: Child) -> Card:
    return Card(kind="notice", title=title, subtitle=subtitle, tone=tone, status=status, children=list(children))
