"""Events: facts that the engine recorded, append-only, ordered per app. Everything shown anywhere is a fold over them.

Written by the engine in the same transaction as the row they tell of; read by the presenter, the API's event streams, the CLI and
tests. No event holds a secret. Log tails and file paths in them are untrusted text.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from core.words.cards import FileEntry, Step
from core.words.plan import Plan, Value


class AppNamed(Value):
    """The app got its name and address (after the first plan)."""

    kind: Literal["app.named"] = "app.named"
    slug: str
    name: str
    framework: str


class BuildRequested(Value):
    """Somebody asked for an app or a change."""

    kind: Literal["build.requested"] = "build.requested"
    build: str
    number: int  #: 1, 2, … per app
    purpose: Literal["new", "change", "push"]
    text: str
    by: str
    model: str  #: "starter", "openai gpt-…"


class BuildQueued(Value):
    """It waits for a free place."""

    kind: Literal["build.queued"] = "build.queued"
    build: str
    ahead: int


class BuildStep(Value):
    """A stage began, moved or ended. Stages: plan, write, check, install, build, try."""

    kind: Literal["build.step"] = "build.step"
    build: str
    step: Step


class BuildPlanned(Value):
    """The plan is there."""

    kind: Literal["build.planned"] = "build.planned"
    build: str
    plan: Plan


class FileWritten(Value):
    """One file is complete."""

    kind: Literal["build.file"] = "build.file"
    build: str
    path: str
    size: int


class BuildNote(Value):
    """Something worth a line in the thread: a retry, an ignored file."""

    kind: Literal["build.note"] = "build.note"
    build: str
    text: str


class PictureFact(Value):
    """A picture that is kept with a build."""

    digest: str
    width: int  #: pixels
    height: int


class BuildReady(Value):
    """The artifact is built and tried; everything the review card shows."""

    kind: Literal["build.ready"] = "build.ready"
    build: str
    artifact: str  #: digest
    plan: Plan
    files: list[FileEntry]
    dependencies: dict[str, str]
    evidence: list[Step]
    isolation: str
    instructions: str
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0  #: the part of input_tokens that came from the vendor's cache
    cost_usd: float | None = None  #: an estimate; None when the price is not known
    destructive: list[str] = []  #: statements of new migrations that drop something
    picture: PictureFact | None = None  #: its first page, where a browser has opened it
    phone: PictureFact | None = None  #: the same on a phone
    seconds: float = 0


class BuildFailed(Value):
    """It ended without an artifact; never charged."""

    kind: Literal["build.failed"] = "build.failed"
    build: str
    stage: str
    reason: str
    log_tail: str = ""
    evidence: list[Step] = []
    files: list[FileEntry] = []
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = None


class BuildCancelled(Value):
    """Somebody cancelled it."""

    kind: Literal["build.cancelled"] = "build.cancelled"
    build: str
    by: str


class ApprovalRequested(Value):
    """A person who may approve is asked."""

    kind: Literal["approval.requested"] = "approval.requested"
    approval: str
    build: str
    digest: str
    who: str  #: "anyone here", "the requester", names
    deadline: datetime


class ApprovalGiven(Value):
    """Somebody said yes where two people must; a second person is asked."""

    kind: Literal["approval.given"] = "approval.given"
    approval: str
    build: str
    by: str


class ApprovalEnded(Value):
    """The question is over."""

    kind: Literal["approval.ended"] = "approval.ended"
    approval: str
    build: str
    outcome: Literal["approved", "discarded", "superseded", "expired"]
    by: str = ""


class DeploymentRequested(Value):
    """Work towards a live release began."""

    kind: Literal["deployment.requested"] = "deployment.requested"
    deployment: str
    build: str
    purpose: Literal["deploy", "rollback", "settings", "start", "restart"]
    release: int  #: the number that it will have
    by: str
    from_release: int | None = None  #: for a rollback, the release that comes back
    with_data: bool = False


class DeploymentStep(Value):
    """A step began or ended. Steps: snapshot, database, migrate, start, health, route, probe, drain."""

    kind: Literal["deployment.step"] = "deployment.step"
    deployment: str
    step: Step


class DatabaseFacts(Value):
    """What the live card tells of the database; the password only through Reveal."""

    tenant: str
    host: str
    port: int
    name: str
    role: str
    size_limit_mb: int
    connections: int


class HostingFacts(Value):
    """What the live card tells of the hosting."""

    service: str
    runtime: str
    host: str  #: "process", "docker", "swarm"
    isolation: str
    memory_mb: int
    cpus: float
    domain: str


class DeploymentLive(Value):
    """The URL answered through the proxy."""

    kind: Literal["deployment.live"] = "deployment.live"
    deployment: str
    release: int
    url: str
    database: DatabaseFacts | None
    hosting: HostingFacts
    settings: list[str]
    log_tail: list[str] = []
    seconds: float


class DeploymentFailed(Value):
    """It did not come up; what was live before is live still."""

    kind: Literal["deployment.failed"] = "deployment.failed"
    deployment: str
    stage: str
    reason: str
    log_tail: str = ""
    still_live: int | None = None


class AppStopped(Value):
    """Somebody stopped it; its data stay."""

    kind: Literal["app.stopped"] = "app.stopped"
    by: str


class AppDeleted(Value):
    """It is gone; a last snapshot of the data is kept."""

    kind: Literal["app.deleted"] = "app.deleted"
    by: str
    snapshot: str = ""


class AppCrashed(Value):
    """The live instance ended by itself or stopped answering."""

    kind: Literal["app.crashed"] = "app.crashed"
    release: int
    reason: str
    log_tail: list[str] = []


class AppRecovered(Value):
    """It answers again."""

    kind: Literal["app.recovered"] = "app.recovered"
    release: int
    url: str


class SettingsChanged(Value):
    """Names only."""

    kind: Literal["settings.changed"] = "settings.changed"
    by: str
    set: list[str] = []
    unset: list[str] = []
    version: int


class Said(Value):
    """Words of a person in the thread."""

    kind: Literal["said"] = "said"
    by: str
    text: str
    attachments: list[str] = []  #: names of the files that came with them
    seen: bool = False  #: they were typed in the thread itself


Fact = Annotated[
    AppNamed
    | BuildRequested
    | BuildQueued
    | BuildStep
    | BuildPlanned
    | FileWritten
    | BuildNote
    | BuildReady
    | BuildFailed
    | BuildCancelled
    | ApprovalRequested
    | ApprovalGiven
    | ApprovalEnded
    | DeploymentRequested
    | DeploymentStep
    | DeploymentLive
    | DeploymentFailed
    | AppStopped
    | AppDeleted
    | AppCrashed
    | AppRecovered
    | SettingsChanged
    | Said,
    Field(discriminator="kind"),
]

FACT: TypeAdapter[Fact] = TypeAdapter(Fact)


class Event(BaseModel):
    """A recorded fact. ``id`` grows over all apps, ``seq`` by one per app."""

    model_config = {"frozen": True}

    id: int
    app: str
    seq: int
    at: datetime
    fact: Fact
