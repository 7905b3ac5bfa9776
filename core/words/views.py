"""What the engine answers: frozen views of rows, for adapters to show. No secret is in a view, except where its name says so."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from core.ids import AppId, ApprovalId, BuildId, DeploymentId, Digest, TenantId, ThreadId
from core.words.cards import Card, FileEntry, Step
from core.words.events import DatabaseFacts, HostingFacts
from core.words.plan import FrameworkName, Plan, Value


class AppState(enum.StrEnum):
    """The one word for an app in a list."""

    BUILDING = "building"  #: its first build is under way
    DEPLOYING = "deploying"  #: it is on its way to be live for the first time
    REVIEW = "review"  #: never live, and an approval is pending
    FAILED = "failed"  #: never live, and its last build or deployment failed
    LIVE = "live"  #: a release answers
    STOPPED = "stopped"  #: stopped on request
    CRASHED = "crashed"  #: it should be live and does not answer
    DELETED = "deleted"


class AppView(Value):
    """An app."""

    app: AppId
    slug: str
    name: str
    framework: str
    owner: str
    state: AppState
    url: str = ""  #: of the live release
    release: int | None = None  #: number of the live release
    thread: ThreadId | None = None
    created_at: datetime
    updated_at: datetime


class ThreadView(Value):
    """A thread in a list."""

    thread: ThreadId
    title: str
    app: str = ""  #: slug
    state: AppState | None = None
    updated_at: datetime


class MessageView(Value):
    """A message in a thread: a card of Nexus's, or words of a person."""

    message: str  #: id, stable over edits
    thread: ThreadId
    order: int  #: grows down the thread
    version: int  #: grows with every edit, over all messages
    author: str = ""  #: empty for Nexus
    text: str = ""
    card: Card | None = None
    at: datetime


class BuildState(enum.StrEnum):
    """States of a build."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"  #: built and tried; an approval exists
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        return self in {BuildState.READY, BuildState.FAILED, BuildState.CANCELLED}


class ApprovalView(Value):
    """An approval. ``refusal`` says why the asking principal may not decide it, empty when they may."""

    approval: ApprovalId
    state: Literal["pending", "approved", "discarded", "superseded", "expired"]
    digest: Digest
    deadline: datetime
    decided_by: str = ""
    refusal: str = ""


class BuildView(Value):
    """A build."""

    build: BuildId
    app: AppId
    slug: str
    thread: ThreadId | None
    number: int
    state: BuildState
    purpose: Literal["new", "change", "push"]
    text: str
    model: str
    plan: Plan | None = None
    files: list[FileEntry] = []
    dependencies: dict[str, str] = {}
    evidence: list[Step] = []
    instructions: str = ""
    artifact: Digest | None = None
    approval: ApprovalView | None = None
    stage: str = ""  #: where it failed
    reason: str = ""  #: why it failed, a sentence
    log_tail: str = ""


class DeploymentState(enum.StrEnum):
    """States of a deployment."""

    QUEUED = "queued"
    RUNNING = "running"
    LIVE = "live"
    FAILED = "failed"

    @property
    def over(self) -> bool:
        return self in {DeploymentState.LIVE, DeploymentState.FAILED}


class DeploymentView(Value):
    """A deployment."""

    deployment: DeploymentId
    app: AppId
    slug: str
    state: DeploymentState
    purpose: Literal["deploy", "rollback", "settings", "start", "restart"]
    release: int
    url: str = ""
    database: DatabaseFacts | None = None
    hosting: HostingFacts | None = None
    settings: list[str] = []
    stage: str = ""
    reason: str = ""
    log_tail: str = ""


class ReleaseView(Value):
    """A release."""

    number: int
    build: BuildId
    build_number: int
    framework: FrameworkName
    summary: str  #: what was asked for
    live: bool
    kept: bool  #: its artifact is still here, so that it can be rolled back to
    has_data: bool  #: a snapshot of the data as this release left them is here
    settings_version: int
    by: str
    at: datetime


class SubscriptionView(Value):
    """A channel that is told of what happens to an app, or to all."""

    channel: str  #: the platform's id
    app: str = ""  #: slug; empty: every app of the workspace
    kinds: list[str]
    by: str
    trouble: str = ""  #: why it cannot be told at the moment


class WorkspaceUsage(Value):
    """What a workspace has and used; of builds and models in the current calendar month, UTC."""

    plan: str  #: "free", "pro", "enterprise"
    apps: int
    live: int
    builds: int
    tokens: int
    cost_usd: float  #: an estimate, of the calls whose price is known
    unpriced_tokens: int


class RevealedDatabase(Value):
    """How a person reaches the app's database; shown privately, never kept in a thread."""

    url: SecretStr
    app_url: SecretStr  #: what the app itself sees as DATABASE_URL


class TenantView(Value):
    """A tenant database, as its owner may see it."""

    tenant: TenantId
    database: str
    role: str
    url: SecretStr
    app: str  #: slug, empty when it stands alone
    size_limit_mb: int
    connections: int
    created_at: datetime


class WorkspaceSettings(Value):
    """What a workspace decides for itself."""

    approvers: Literal["anyone", "requester", "named"] = "anyone"
    named_approvers: list[str] = []  #: external ids of principals and of the platform's groups
    self_approval: bool = True
    second_person: bool = False  #: two different people must say yes to a build that removes data
    approval_hours: float = 72.0
    provider: Literal["auto", "starter", "openai", "anthropic", "compatible"] = "auto"
    model: Annotated[str, StringConstraints(pattern=r"^[\w./:@-]{0,120}$")] = (
        ""  #: the vendor's name; empty: the provider's default
    )
    budget_usd: Annotated[float, Field(ge=0)] | None = None  #: for models per calendar month, UTC; None: without limit
    budget_tokens: Annotated[int, Field(ge=0)] | None = None  #: the same in tokens, for models without a known price
