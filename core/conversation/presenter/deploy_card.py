"""The card of a deployment: steps while it runs, then the live card. Only the newest live one has buttons; older ones go quiet."""

from __future__ import annotations

from core.conversation.presenter.fold import DeploymentStory, Story
from core.conversation.presenter.parts import button, change_button, live_parts, log, steps, stop_button, url_fact
from core.conversation.presenter.phrases import DEPLOY_STEPS, duration, sentence
from core.conversation.redaction import shown, shown_line
from core.words import events as e
from core.words.cards import Button, Card, Child, Fact, Facts, Link, Steps, Text, Tone

_EXPECTED = ("database", "migrate", "start", "health", "route", "probe")


def deploy_card(story: Story, deployment: DeploymentStory) -> Card:
    """The card for how things are."""
    title = shown_line(story.title, 80) or "App"
    match deployment.end:
        case e.DeploymentLive() as live:
            return _live(story, deployment, live, title)
        case e.DeploymentFailed() as failed:
            return _failed(story, deployment, failed, title)
        case None if story.deleted is not None:
            return _quiet(title, _purpose(deployment, under_way=True), "Cancelled", "The app was deleted meanwhile.")
        case None:
            return Card(
                kind="deploy",
                title=title,
                subtitle=_purpose(deployment, under_way=True),
                tone=Tone.WORKING,
                status="Deploying",
                children=[Steps(steps=steps(deployment.steps, DEPLOY_STEPS, _expected(story, deployment)))],
            )


def _expected(story: Story, deployment: DeploymentStory) -> tuple[str, ...]:
    requested = deployment.requested
    if requested is None:
        return _EXPECTED
    build = story.builds.get(requested.build)
    if build is not None and build.plan is not None and not build.plan.requires_database:
        return tuple(name for name in _EXPECTED if name not in {"database", "migrate"})
    snapshot = ("snapshot",) if story.live and requested.purpose in {"deploy", "rollback", "settings"} else ()
    restore = ("restore",) if requested.with_data else ()
    pause = ("pause",) if requested.with_data else ()
    return (*pause, *snapshot, *restore, *_EXPECTED)


def _purpose(deployment: DeploymentStory, *, under_way: bool) -> str:
    """What it is and who wanted it."""
    requested = deployment.requested
    if requested is None:
        return ""
    name = f"v{requested.release}"
    by = shown_line(requested.by, 80) or "somebody"
    match requested.purpose:
        case "deploy":
            words = f"Deploying {name}" if under_way else name
            return f"{words}, approved by {by}."
        case "rollback":
            origin = f"v{requested.from_release}" if requested.from_release is not None else "an earlier release"
            what = "code, data and settings" if requested.with_data else "code only"
            words = f"Rolling back to {origin} as {name}" if under_way else f"{name}, back at {origin}"
            return f"{words}: {what}. {by} asked for it."
        case "settings":
            return f"Starting {name} with the settings that {by} changed." if under_way else f"{name}, settings changed by {by}."
        case "start":
            return f"Starting {name} again. {by} asked for it." if under_way else f"{name}, started again by {by}."
        case "restart":
            return f"Restarting {name}. {by} asked for it." if under_way else f"{name}, restarted by {by}."


def _live(story: Story, deployment: DeploymentStory, live: e.DeploymentLive, title: str) -> Card:
    slug = story.app.slug
    purpose = _purpose(deployment, under_way=False)
    name = f"v{live.release}"
    if story.deleted is not None:
        return _quiet(title, purpose, "Deleted", "The app was deleted.")
    if story.live != deployment.deployment:
        newest = story.deployments[story.live].release
        return _quiet(title, purpose, f"Replaced by v{newest}" if newest != live.release else "Started anew since", "")
    if story.stopped is not None:
        by = shown_line(story.stopped.by, 80) or "somebody"
        card = _quiet(title, purpose, "Stopped", f"Stopped by {by}. Its data and its releases stay.")
        actions: list[Button | Link] = [] if story.under_way else [button("start", slug, "Start", style="primary")]
        return card.model_copy(update={"actions": [*actions, button("delete", slug, "Delete…", style="danger")]})
    address = Fact(label="Release", value=f"{name}, live after {duration(live.seconds)}")
    children: list[Child] = [Facts(facts=[url_fact(live.url), address]), *live_parts(live)]
    children += log(live.log_tail, title="Log", live_app=slug)
    crashed = story.crash is not None
    if crashed:
        children.insert(0, Text(text=f"{name} does not answer at the moment.", style="warning"))
    return Card(
        kind="deploy",
        title=title,
        subtitle=purpose,
        tone=Tone.BAD if crashed else Tone.GOOD,
        status="Crashed" if crashed else "Live",
        children=children,
        actions=_live_actions(slug, title, live),
    )


def _live_actions(slug: str, title: str, live: e.DeploymentLive) -> list[Button | Link]:
    actions: list[Button | Link] = []
    if url_fact(live.url).style == "link":
        actions.append(Link(label="Open", url=live.url, style="primary"))
    actions += [button("logs", slug, "Logs"), button("settings", slug, "Settings")]
    if live.database is not None:
        actions.append(button("reveal", slug, "Reveal"))
    actions += [button("rollback", slug, "Rollback…"), button("restart", slug, "Restart"), stop_button(slug, title)]
    return actions


def _quiet(title: str, purpose: str, status: str, words: str) -> Card:
    children: list[Child] = [Text(text=words, style="muted")] if words else []
    return Card(kind="deploy", title=title, subtitle=purpose, tone=Tone.QUIET, status=status, children=children)


def _failed(story: Story, deployment: DeploymentStory, failed: e.DeploymentFailed, title: str) -> Card:
    stage = DEPLOY_STEPS.get(failed.stage, shown_line(failed.stage, 60))
    reason = sentence(shown(failed.reason, 600)) or "It did not come up."
    still = f"v{failed.still_live} is still live." if failed.still_live is not None else "Nothing of this app is live."
    children: list[Child] = [Text(text=f"It failed at “{stage}”. {reason}" if stage else reason), Text(text=still)]
    if deployment.steps:
        children.append(Steps(steps=steps(deployment.steps, DEPLOY_STEPS)))
    children += log(failed.log_tail, title="Last lines", limit=24)
    requested = deployment.requested
    newest = next(reversed(story.deployments)) == deployment.deployment
    change = newest and story.deleted is None and requested is not None and requested.purpose == "deploy"
    name = f"v{requested.release} " if requested is not None else ""
    return Card(
        kind="deploy",
        title=title,
        subtitle=f"{name}did not go live.".capitalize() if not name else f"{name}did not go live.",
        tone=Tone.BAD,
        status="Failed",
        children=children,
        actions=[change_button(story.app.slug)] if change else [],
    )
