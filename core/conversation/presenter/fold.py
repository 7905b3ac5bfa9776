"""The fold: what the events of one app add up to, before anything is made of it.

Called by `present` alone. It is total: an event about a build or deployment that was never requested makes one, an event seen twice
counts once, and what contradicts the past replaces it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from core.words import events as e
from core.words.cards import Step
from core.words.plan import Plan

SHOWN_NOTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class AppFacts:
    """What is known of the app from its row."""

    slug: str
    name: str = ""
    framework: str = ""


@dataclass(slots=True, kw_only=True)
class BuildStory:
    """A build so far."""

    build: str
    requested: e.BuildRequested | None = None
    ahead: int | None = None  #: set while it is queued
    steps: dict[str, Step] = field(default_factory=dict)
    plan: Plan | None = None
    written: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    end: e.BuildReady | e.BuildFailed | e.BuildCancelled | None = None
    approval: e.ApprovalRequested | None = None
    given: e.ApprovalGiven | None = None  #: the first yes, where two must say it
    decision: e.ApprovalEnded | None = None
    deployment: str = ""  #: the first deployment of its artifact


@dataclass(slots=True, kw_only=True)
class DeploymentStory:
    """A deployment so far."""

    deployment: str
    requested: e.DeploymentRequested | None = None
    steps: dict[str, Step] = field(default_factory=dict)
    end: e.DeploymentLive | e.DeploymentFailed | None = None

    @property
    def live(self) -> e.DeploymentLive | None:
        return self.end if isinstance(self.end, e.DeploymentLive) else None

    @property
    def release(self) -> int | None:
        """The number of its release."""
        if self.live is not None:
            return self.live.release
        return self.requested.release if self.requested is not None else None


Notice = e.AppStopped | e.AppDeleted | e.AppCrashed | e.AppRecovered | e.SettingsChanged


@dataclass(slots=True, kw_only=True)
class NoticeStory:
    """Something that is told once. ``over`` says that a crash has passed."""

    fact: Notice
    over: bool = False


@dataclass(slots=True, kw_only=True)
class Story:
    """Everything so far. ``order`` names the messages in the order of their first event."""

    app: AppFacts
    order: list[tuple[str, str]] = field(default_factory=list)
    builds: dict[str, BuildStory] = field(default_factory=dict)
    deployments: dict[str, DeploymentStory] = field(default_factory=dict)
    said: dict[str, e.Said] = field(default_factory=dict)
    notices: dict[str, NoticeStory] = field(default_factory=dict)
    live: str = ""  #: the deployment that went live last: its card is the app's face
    named: bool = False  #: by its first plan; the name of its row is a guess until then
    stopped: e.AppStopped | None = None
    deleted: e.AppDeleted | None = None
    crash: NoticeStory | None = None
    last_crash: NoticeStory | None = None  #: also when the app answers again: what made it end is not mended by that

    @property
    def newest_build(self) -> str:
        return next(reversed(self.builds), "")

    @property
    def under_way(self) -> bool:
        """Whether a deployment is running."""
        return any(d.end is None for d in self.deployments.values())

    @property
    def title(self) -> str:
        """The app's name; "New app" while it has none, as what was asked for is shown already."""
        wordless = all(b.requested is not None and b.requested.purpose == "new" for b in self.builds.values())
        if self.builds and wordless and not self.named and not self.live:
            return "New app"
        return self.app.name or self.app.slug or "New app"

    def build(self, name: str) -> BuildStory:
        if name not in self.builds:
            self.builds[name] = BuildStory(build=name)
            self.order.append(("build", name))
        return self.builds[name]

    def deployment(self, name: str) -> DeploymentStory:
        if name not in self.deployments:
            self.deployments[name] = DeploymentStory(deployment=name)
            self.order.append(("deploy", name))
        return self.deployments[name]


def fold(events: Sequence[e.Event], app: AppFacts) -> Story:
    """Add the events up, in the order of their ids."""
    story = Story(app=app)
    seen: set[int] = set()
    for event in sorted(events, key=lambda event: event.id):
        if event.id not in seen:
            seen.add(event.id)
            _add(story, event)
    return story


def _add(story: Story, event: e.Event) -> None:
    fact = event.fact
    match fact:
        case e.AppNamed():
            story.app = replace(story.app, slug=fact.slug, name=fact.name, framework=fact.framework)
            story.named = True
        case e.Said():
            story.said[str(event.id)] = fact
            story.order.append(("said", str(event.id)))
        case e.DeploymentRequested() | e.DeploymentStep() | e.DeploymentLive() | e.DeploymentFailed():
            _add_deployment(story, fact)
        case e.AppStopped() | e.AppDeleted() | e.AppCrashed() | e.AppRecovered() | e.SettingsChanged():
            _add_notice(story, str(event.id), fact)
        case _:
            _add_build(story.build(fact.build), fact)


_BuildFact = (
    e.BuildRequested
    | e.BuildQueued
    | e.BuildStep
    | e.BuildPlanned
    | e.FileWritten
    | e.BuildNote
    | e.BuildReady
    | e.BuildFailed
    | e.BuildCancelled
    | e.ApprovalRequested
    | e.ApprovalGiven
    | e.ApprovalEnded
)


def _add_build(build: BuildStory, fact: _BuildFact) -> None:
    match fact:
        case e.BuildRequested():
            build.requested = fact
        case e.BuildQueued():
            build.ahead = fact.ahead
        case e.BuildStep():
            build.steps[fact.step.name] = fact.step
            build.ahead = None
        case e.BuildPlanned():
            build.plan = fact.plan
        case e.FileWritten():
            build.written[fact.path] = fact.size
        case e.BuildNote():
            build.notes = [*build.notes, fact.text][-SHOWN_NOTES:]
        case e.BuildReady():
            build.end, build.plan = fact, fact.plan
        case e.BuildFailed() | e.BuildCancelled():
            build.end = fact
        case e.ApprovalRequested():
            build.approval, build.given, build.decision = fact, None, None
        case e.ApprovalGiven():
            build.given = fact
        case e.ApprovalEnded():
            build.decision = fact


def _add_deployment(story: Story, fact: e.DeploymentRequested | e.DeploymentStep | e.DeploymentLive | e.DeploymentFailed) -> None:
    deployment = story.deployment(fact.deployment)
    match fact:
        case e.DeploymentRequested():
            deployment.requested = fact
            build = story.builds.get(fact.build)
            if build is not None and fact.purpose == "deploy":
                build.deployment = fact.deployment
        case e.DeploymentStep():
            deployment.steps[fact.step.name] = fact.step
        case e.DeploymentLive():
            deployment.end = fact
            story.live, story.stopped = fact.deployment, None
            _crash_over(story)
        case e.DeploymentFailed():
            deployment.end = fact


def _add_notice(story: Story, name: str, fact: Notice) -> None:
    notice = NoticeStory(fact=fact)
    story.notices[name] = notice
    story.order.append(("notice", name))
    match fact:
        case e.AppStopped():
            story.stopped = fact
            _crash_over(story)
        case e.AppDeleted():
            story.deleted = fact
            _crash_over(story)
        case e.AppCrashed():
            _crash_over(story)
            story.crash = story.last_crash = notice
        case e.AppRecovered():
            _crash_over(story)
        case e.SettingsChanged():
            pass


def _crash_over(story: Story) -> None:
    if story.crash is not None:
        story.crash.over = True
        story.crash = None
