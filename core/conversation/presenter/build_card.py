"""The card of a build: progress while it works, then the review card, then what became of it. One card, edited in place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.conversation.presenter.fold import BuildStory, Story
from core.conversation.presenter.parts import button, log, notes, shown_file, steps
from core.conversation.presenter.phrases import BUILD_STAGES, STAGES, count, first_sentence, sentence, tokens
from core.conversation.presenter.review import again, evidence_step, review_actions, review_children, review_state
from core.conversation.redaction import shown, shown_line
from core.words import events as e
from core.words.cards import Button, Card, Child, Fact, Facts, Files, Link, Step, Steps, StepState, Text, Tone
from core.words.plan import Plan

_STAGES = ("plan", "write", "install", "build", "try")
_PUSHED_STAGES = ("install", "build", "try")


def build_card(story: Story, build: BuildStory, now: datetime) -> Card:
    """The card for how things are."""
    match build.end:
        case e.BuildReady() as ready:
            tone, status, words = review_state(story, build, now)
            return _card(
                story,
                build,
                tone,
                status,
                review_children(story, build, ready, words, now),
                review_actions(story, build, ready, now),
            )
        case e.BuildFailed() as failed:
            return _failed(story, build, failed)
        case e.BuildCancelled() as cancelled:
            words = f"Cancelled by {shown_line(cancelled.by, 80) or 'somebody'}. Nothing was changed."
            return _card(story, build, Tone.QUIET, "Cancelled", [Text(text=words)], again(story, build))
        case None if story.deleted is not None:
            words = "The app was deleted while this was being built."
            return _card(story, build, Tone.QUIET, "Cancelled", [Text(text=words)], [])
        case None:
            return _working(story, build)


def _card(
    story: Story, build: BuildStory, tone: Tone, status: str, children: Sequence[Child], actions: Sequence[Button | Link]
) -> Card:
    return Card(
        kind="build",
        title=_title(story, build),
        subtitle=_subtitle(build),
        tone=tone,
        status=status,
        children=list(children),
        actions=list(actions),
    )


def _title(story: Story, build: BuildStory) -> str:
    planned = build.plan.name if build.plan is not None else ""
    title = planned if planned and story.title == "New app" else story.title
    return shown_line(title, 80) or "New app"


def _subtitle(build: BuildStory) -> str:
    """What a change was to do, what a new app is, or what was asked for as long as there is no plan."""
    asked = build.requested
    if asked is not None and asked.purpose == "change" and asked.text.strip():
        return shown_line(asked.text, 280)
    if build.plan is not None and build.plan.summary.strip():
        return sentence(first_sentence(shown(build.plan.summary, 600))[0])
    return shown_line(asked.text, 280) if asked is not None else ""


def _working(story: Story, build: BuildStory) -> Card:
    queued = build.ahead is not None and not build.steps
    if queued and build.ahead:
        ahead = f"{count(build.ahead, 'build')} {'is' if build.ahead == 1 else 'are'} ahead of it."
        children: list[Child] = [Text(text=f"It waits for a free place. {ahead}")]
    elif queued:
        children = [Text(text="It is the next to start.")]
    else:
        children = [_progress(build)]
    status = "Queued" if queued else "Building"
    return _card(story, build, Tone.WORKING, status, [*children, *notes(build)], [button("cancel", build.build, "Cancel")])


def _progress(build: BuildStory) -> Steps:
    pushed = build.requested is not None and build.requested.purpose == "push"
    done = dict(build.steps)
    plan, write = done.get("plan"), done.get("write")
    if plan is not None and plan.state == StepState.DONE:  # its own detail is the summary, which the subtitle says
        done["plan"] = plan.model_copy(update={"detail": _plan_line(build.plan) if build.plan is not None else ""})
    if write is not None and write.state == StepState.RUNNING and (total := _files_expected(build)):
        counted = f"{len(build.written)} of {count(total, 'file')}"
        done["write"] = write.model_copy(update={"detail": f"{counted}, {write.detail}" if write.detail else counted})
    return Steps(steps=steps(done, BUILD_STAGES, _PUSHED_STAGES if pushed else _STAGES))


def _files_expected(build: BuildStory) -> int:
    planned = {file.path for file in build.plan.files} if build.plan is not None else set()
    return len(planned | set(build.written))


def _plan_line(plan: Plan) -> str:
    tables = count(len(plan.resources), "table") if plan.resources else ""
    files = count(len(plan.files), "file") if plan.files else ""
    return ", ".join(part for part in (plan.framework, tables, files) if part)


def _said_once(step: Step, reason: str) -> Step:
    """A step without the beginning of the reason, which stands above it."""
    said = step.detail[:60].rstrip(" .…")
    return step.model_copy(update={"detail": ""}) if said and shown_line(reason, 600).startswith(said) else step


def _failed(story: Story, build: BuildStory, failed: e.BuildFailed) -> Card:
    stage = STAGES.get(failed.stage, shown_line(failed.stage, 60))
    reason = sentence(shown(failed.reason, 600)) or "It ended without saying why."
    children: list[Child] = [Text(text=reason)]
    tried = [evidence_step(s, build.plan) for s in failed.evidence]
    if not tried:
        tried = [_said_once(step, reason) for step in steps(build.steps, BUILD_STAGES)]
        stage = next((step.name for step in tried if step.state is StepState.FAILED), stage)
    if tried:
        children.append(Steps(title=f"It failed at: {stage}" if stage else "What was tried", steps=tried))
    elif stage:
        children.append(Facts(facts=[Fact(label="Failed at", value=stage)]))
    children += log(failed.log_tail, title="Last lines", limit=24)
    if failed.files:
        children.append(Files(build=build.build, files=[shown_file(file) for file in failed.files]))
    ending = "Nothing was deployed. A failed build is not counted."
    if failed.input_tokens + failed.output_tokens:
        used = tokens(failed.input_tokens, failed.output_tokens, failed.cached_tokens, failed.cost_usd)
        ending += f" Tokens used: {used}."
    children += [*notes(build), Text(text=ending, style="muted")]
    return _card(story, build, Tone.BAD, "Failed", children, again(story, build))
