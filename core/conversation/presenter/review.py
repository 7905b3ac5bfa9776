"""The part of a build's card that a person decides by: what was made, the evidence, the decision, and what became of it."""

from __future__ import annotations

from datetime import datetime

from core.conversation.presenter.fold import BuildStory, DeploymentStory, Story
from core.conversation.presenter.parts import (
    button,
    change_button,
    live_parts,
    log,
    notes,
    short_digest,
    shown_file,
    steps,
    url_fact,
    walls,
)
from core.conversation.presenter.phrases import DEPLOY_STEPS, duration, first_sentence, moment, sentence, tokens
from core.conversation.presenter.questions import discard_question
from core.conversation.redaction import shown, shown_line
from core.words import events as e
from core.words.cards import Button, Child, Confirm, Fact, Facts, Files, Image, Link, Section, Step, Steps, Table, Text, Tone
from core.words.plan import FRAMEWORK_LABELS, FieldType, Plan, ResourceField

_CAN_RETRY = (e.BuildFailed, e.BuildCancelled)
MAX_CONFIRM = 290  #: characters; Slack shows 300


def again(story: Story, build: BuildStory) -> list[Button | Link]:
    """Try again and Change…, on the newest build only: an older one would go back behind what was made since."""
    if story.newest_build != build.build or story.deleted is not None:
        return []
    retry = [button("retry", build.build, "Try again", style="primary")] if isinstance(build.end, _CAN_RETRY) else []
    return [*retry, change_button(story.app.slug)]


def _deployment(story: Story, build: BuildStory) -> DeploymentStory | None:
    return story.deployments.get(build.deployment)


def pending(story: Story, build: BuildStory, now: datetime) -> bool:
    """Whether the question can still be answered."""
    asked = build.approval is not None and build.decision is None
    return asked and story.deleted is None and build.approval is not None and now < build.approval.deadline


def review_state(story: Story, build: BuildStory, now: datetime) -> tuple[Tone, str, str]:
    """The tone, the word beside the title, and a sentence (or none while it waits)."""
    decision = build.decision
    if decision is None:
        if story.deleted is not None:
            return Tone.QUIET, "App deleted", "The app was deleted, so this cannot be deployed."
        if build.approval is None:
            return Tone.WORKING, "Ready", "It is built and tried. The question who may approve it follows."
        if now >= build.approval.deadline:
            return Tone.QUIET, "Expired", f"Nobody approved it by {moment(build.approval.deadline)}."
        if build.given is not None:
            first = shown_line(build.given.by, 80) or "Somebody"
            words = f"{first} has said yes. It removes data, so a second person must say yes too."
            return Tone.WAITING, "One more yes", words
        return Tone.WAITING, "Ready for review", ""
    by = shown_line(decision.by, 80) or "somebody"
    match decision.outcome:
        case "approved":
            return _approved_state(story, build, by)
        case "discarded":
            return Tone.QUIET, "Discarded", f"Discarded by {by}. Nothing was deployed."
        case "superseded":
            if story.newest_build == build.build:  # the app is going, and nothing comes after it
                return Tone.QUIET, "Over", "It cannot be deployed any more."
            return Tone.QUIET, "Superseded", "A newer build takes its place. Look at the newest card."
        case "expired":
            return Tone.QUIET, "Expired", "Nobody approved it in time. Nothing was deployed."


def _approved_state(story: Story, build: BuildStory, by: str) -> tuple[Tone, str, str]:
    deployment = _deployment(story, build)
    approved = f"Approved by {by}."
    if deployment is None or deployment.end is None:
        return Tone.WORKING, "Deploying", f"{approved} It is being deployed."
    if isinstance(deployment.end, e.DeploymentFailed):
        return Tone.BAD, "Not deployed", f"{approved} It did not come up: {sentence(shown_line(deployment.end.reason))}"
    name = f"v{deployment.end.release}"
    if story.live != deployment.deployment or story.deleted is not None:
        return Tone.QUIET, f"Deployed as {name}", f"{approved} It was deployed as {name}, and replaced since."
    return Tone.GOOD, f"Deployed as {name}", f"{approved} It was deployed as {name}."


def review_children(story: Story, build: BuildStory, ready: e.BuildReady, words: str, now: datetime) -> list[Child]:
    """What the card tells."""
    plan = ready.plan
    children: list[Child] = [Text(text=words)] if words else []
    if ready.destructive:
        statements = "\n".join(shown_line(statement, 200) for statement in ready.destructive[:6])
        children.append(Text(text=f"Deploying this removes data that the app has now:\n{statements}", style="warning"))
    summary = shown(plan.summary, 600)
    changed = build.requested is not None and build.requested.purpose == "change"
    if rest := " ".join(summary.split()) if changed else first_sentence(summary)[1]:
        children.append(Text(text=sentence(rest)))
    children += _pictures(story, build, ready)
    children.append(Facts(facts=_facts(build, ready)))
    if plan.assumptions:
        decided = "\n".join(f"• {shown_line(a, 240)}" for a in plan.assumptions[:10])
        children.append(Text(text=f"Decided where the description was silent:\n{decided}", style="muted"))
    return [*children, *notes(build), _files(build, ready), _setup(ready), _deploy(story, build, ready, now)]


def _pictures(story: Story, build: BuildStory, ready: e.BuildReady) -> list[Child]:
    """What it looks like, while it can be decided on and while it is what is live: of others the pictures are not kept."""
    decided = build.decision.outcome if build.decision is not None else "pending"
    deployment, live = _deployment(story, build), story.deployments.get(story.live)
    is_live = live is not None and live.requested is not None and live.requested.build == build.build
    replaced = deployment is not None and deployment.end is not None and not is_live
    if decided not in ("pending", "approved") or replaced or story.deleted is not None:
        return []
    title = shown_line(ready.plan.name, 60)
    taken = (
        (ready.picture, f"The first page of {title}, as a browser shows it"),
        (ready.phone, f"The same page of {title} on a phone"),
    )
    return [
        Image(
            path=f"/builds/{build.build}/pictures/{fact.digest.removeprefix('sha256:')}",
            alt=alt,
            width=fact.width,
            height=fact.height,
        )
        for fact, alt in taken
        if fact is not None
    ]


def review_actions(story: Story, build: BuildStory, ready: e.BuildReady, now: datetime) -> list[Button | Link]:
    """Decide, while it can be decided."""
    download = Link(label="Download .zip", url=f"/builds/{build.build}.zip", action="zip", value=build.build)
    if build.approval is not None and pending(story, build, now):
        confirm = None
        if ready.destructive:
            text = "It removes data that the app has now: " + "; ".join(shown_line(s, 120) for s in ready.destructive)
            asks = ". A snapshot is taken first."
            confirm = Confirm(title="Deploy and remove data?", text=text[: MAX_CONFIRM - len(asks)] + asks, yes="Deploy")
        value = f"{build.approval.approval} {build.build} {short_digest(build.approval.digest)}"
        return [
            button("approve", value, "Approve & deploy", style="primary", confirm=confirm),
            change_button(story.app.slug),
            download,
            button("discard", build.approval.approval, "Discard", style="danger", confirm=discard_question()),
        ]
    outcome = build.decision.outcome if build.decision is not None else ""
    if outcome == "superseded" or story.deleted is not None or (build.approval is None and build.decision is None):
        return []
    deployment = _deployment(story, build)
    if outcome == "approved":
        failed = deployment is not None and isinstance(deployment.end, e.DeploymentFailed)
        return [change_button(story.app.slug), download] if failed and story.newest_build == build.build else [download]
    return again(story, build)


def _facts(build: BuildStory, ready: e.BuildReady) -> list[Fact]:
    requested = build.requested
    facts = [Fact(label="Framework", value=FRAMEWORK_LABELS[ready.plan.framework])]
    if requested is not None and requested.model:
        facts.append(Fact(label="Written by", value=shown_line(requested.model, 80)))
    if ready.seconds:
        facts.append(Fact(label="Took", value=duration(ready.seconds)))
    if ready.input_tokens + ready.output_tokens:
        told = tokens(ready.input_tokens, ready.output_tokens, ready.cached_tokens, ready.cost_usd)
        facts.append(Fact(label="Tokens", value=told))
    return facts


def _files(build: BuildStory, ready: e.BuildReady) -> Section:
    children: list[Files | Table | Text] = [Files(build=build.build, files=[shown_file(file) for file in ready.files])]
    if ready.dependencies:
        rows = [[shown_line(name, 120), shown_line(version, 60)] for name, version in sorted(ready.dependencies.items())]
        children.append(Table(columns=["Dependency", "Version"], rows=rows))
    if ready.plan.resources:
        children.append(Table(columns=["Table", "Fields"], rows=_tables(ready.plan)))
    elif not ready.plan.requires_database:
        children.append(Text(text="It needs no database.", style="muted"))
    return Section(id="files", title="Files", children=list(children))


def _tables(plan: Plan) -> list[list[str]]:
    return [[resource.name, ", ".join(_field(field) for field in resource.fields)] for resource in plan.resources]


def _field(field: ResourceField) -> str:
    kind = field.type.value.replace("_", " ")
    if field.type is FieldType.REFERENCE and field.references:
        kind = f"→ {shown_line(field.references, 60)}"
    return f"{field.name} ({kind})"


def _setup(ready: e.BuildReady) -> Section:
    children: list[Text | Table] = []
    if instructions := shown(ready.instructions, 6000).strip():
        children.append(Text(text=instructions))
    if ready.plan.settings:
        rows = [[s.name, shown_line(s.purpose, 160), "yes" if s.required else "no"] for s in ready.plan.settings]
        children.append(Table(columns=["Setting", "What it is for", "Needed"], rows=rows))
    else:
        children.append(Text(text="It needs no settings of its own.", style="muted"))
    return Section(id="setup", title="Setup", children=list(children))


def evidence_step(raw: Step, plan: Plan | None) -> Step:
    """One check, as it is shown; the check of a resource by its path."""
    name = shown_line(raw.name, 80) or "Check"
    served = plan is not None and any(resource.name == name for resource in plan.resources)
    shown_name = f"/api/{name}" if served else name[0].upper() + name[1:]
    return raw.model_copy(update={"name": shown_name, "detail": shown_line(raw.detail)})


def _deploy(story: Story, build: BuildStory, ready: e.BuildReady, now: datetime) -> Section:
    section = Section(id="deploy", title="Deploy", children=[])
    children = list(section.children)
    if ready.evidence:
        children.append(Steps(title="Tried before asking", steps=[evidence_step(s, ready.plan) for s in ready.evidence]))
    facts = [Fact(label="Sandbox", value=walls(ready.isolation))] if ready.isolation.strip() else []
    facts.append(Fact(label="Artifact", value=short_digest(ready.artifact), style="code"))
    if build.approval is not None and pending(story, build, now):
        facts.append(Fact(label="May approve", value=shown_line(build.approval.who, 160) or "anyone here"))
        facts.append(Fact(label="Until", value=moment(build.approval.deadline)))
    if build.decision is not None and build.decision.outcome == "approved":
        facts.append(Fact(label="Approved by", value=shown_line(build.decision.by, 80) or "somebody"))
    children.append(Facts(facts=[fact for fact in facts if fact.value]))
    deployment = _deployment(story, build)
    if deployment is None:
        return section.model_copy(update={"children": children})
    match deployment.end:
        case None:
            running = steps(deployment.steps, DEPLOY_STEPS)
            children += [Steps(title="Deploying", steps=running)] if running else [Text(text="It is about to start.")]
        case e.DeploymentFailed() as failed:
            children.append(Text(text=sentence(shown(failed.reason, 600)) or "It did not come up.", style="warning"))
            children += log(failed.log_tail, title="Last lines", limit=24)
        case e.DeploymentLive() as live:
            current = story.live == deployment.deployment and story.stopped is None and story.deleted is None
            facts = [url_fact(live.url)] if current else []
            facts.append(Fact(label="Release", value=f"v{live.release}, live after {duration(live.seconds)}"))
            children.append(Facts(facts=facts))
            if current:
                children += live_parts(live)
                children += log(live.log_tail, title="Log", live_app=story.app.slug)
    return section.model_copy(update={"children": children})
