"""The tables. The row is the truth: a build or a deployment is a row with a state; the queue only says that it can move.

Used by `core.ledger` queries and by the services; schema changes go through `core/ledger/migrations`, which a test compares with
these definitions. Timestamps are aware, in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    String,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


def now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC)


def storable(text: str) -> str:
    """The text without what Postgres refuses: NUL characters and lone surrogates."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


class Words(TypeDecorator[str]):
    """Text of whatever origin. An app may print anything, and what it printed last must not keep its failure from being written down."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class Row(DeclarativeBase):
    """Base of all rows."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {
        str: Words(),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


class Workspace(Row):
    """A Slack team, a Discord server, or the local one."""

    __tablename__ = "workspaces"
    __table_args__ = (UniqueConstraint("platform", "external_id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    platform: Mapped[str]
    external_id: Mapped[str]
    name: Mapped[str]
    plan: Mapped[str] = mapped_column(default="free")
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Principal(Row):
    """Somebody who can act in a workspace. ``external_id`` is the platform's user id, or the JWT's subject."""

    __tablename__ = "principals"
    __table_args__ = (UniqueConstraint("workspace_id", "platform", "external_id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    platform: Mapped[str]
    external_id: Mapped[str]
    name: Mapped[str]
    role: Mapped[str] = mapped_column(default="member")  #: "owner" may change the workspace's settings
    created_at: Mapped[datetime] = mapped_column(default=now)


class SigninLink(Row):
    """A one-time link to the page; only the token's hash is kept."""

    __tablename__ = "signin_links"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    principal_id: Mapped[str] = mapped_column(ForeignKey("principals.id"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class WebSession(Row):
    """A signed-in browser; only the token's hash is kept."""

    __tablename__ = "web_sessions"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    principal_id: Mapped[str] = mapped_column(ForeignKey("principals.id"))
    expires_at: Mapped[datetime]


class App(Row):
    """A named thing somebody builds. ``wanted`` is what should be: running, stopped or deleted; the reconciler makes it so."""

    __tablename__ = "apps"
    __table_args__ = (Index("uq_apps_slug_alive", "slug", unique=True, postgresql_where=text("wanted <> 'deleted'")),)

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    owner_id: Mapped[str] = mapped_column(ForeignKey("principals.id"))
    slug: Mapped[str]
    name: Mapped[str]
    named: Mapped[bool] = mapped_column(default=False)  #: whether the plan has named it; a provisional slug may change
    framework: Mapped[str] = mapped_column(default="")
    wanted: Mapped[str] = mapped_column(default="stopped")
    wanted_by: Mapped[str] = mapped_column(default="")  #: the name of who asked for that
    actual: Mapped[str] = mapped_column(default="stopped")  #: what the reconciler has made so
    live_release: Mapped[int | None]
    crashed: Mapped[bool] = mapped_column(default=False)
    last_seq: Mapped[int] = mapped_column(default=0)  #: of the app's events
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class Thread(Row):
    """Where an app is talked about. One thread, one app."""

    __tablename__ = "threads"
    __table_args__ = (UniqueConstraint("platform", "workspace_ref", "channel", "thread"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    platform: Mapped[str]
    workspace_ref: Mapped[str]
    channel: Mapped[str]
    thread: Mapped[str]  #: the platform's id; the row's own while it is not opened there
    opened: Mapped[bool] = mapped_column(default=True)  #: whether it exists on its platform
    opened_for: Mapped[str] = mapped_column(default="")  #: the platform's id of the person it was opened for
    app_id: Mapped[str | None] = mapped_column(ForeignKey("apps.id"), unique=True)
    title: Mapped[str]
    version: Mapped[int] = mapped_column(BigInteger, default=0)  #: from the same sequence as messages' versions
    presented: Mapped[int] = mapped_column(BigInteger, default=0)  #: the last event that its messages show
    updated_at: Mapped[datetime] = mapped_column(default=now)


class Message(Row):
    """A message of a thread that lives here (the web page's)."""

    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("thread_id", "key"), Index("ix_messages_version", "version"))

    id: Mapped[str] = mapped_column(primary_key=True)
    thread_id: Mapped[str] = mapped_column(ForeignKey("threads.id"))
    key: Mapped[str]
    order: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    version: Mapped[int] = mapped_column(BigInteger)
    author: Mapped[str] = mapped_column(default="")
    text: Mapped[str] = mapped_column(default="")
    card: Mapped[dict[str, Any] | None]
    at: Mapped[datetime] = mapped_column(default=now)


class SentMessage(Row):
    """What a message on a platform last showed, so that it is edited and never posted twice."""

    __tablename__ = "sent_messages"

    thread_id: Mapped[str] = mapped_column(ForeignKey("threads.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    message: Mapped[str]
    card_digest: Mapped[str]


class Blob(Row):
    """The text of a source file, by its SHA-256."""

    __tablename__ = "blobs"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[str]


class Revision(Row):
    """An immutable set of source files. ``files`` maps path to the blob's SHA-256."""

    __tablename__ = "revisions"
    __table_args__ = (UniqueConstraint("app_id", "digest"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id"))
    digest: Mapped[str]
    framework: Mapped[str]
    files: Mapped[dict[str, Any]]
    plan: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Build(Row):
    """The work that takes a request to a revision and the revision to an artifact with evidence."""

    __tablename__ = "builds"
    __table_args__ = (
        UniqueConstraint("app_id", "number"),
        UniqueConstraint("key"),
        Index("ix_builds_unfinished", "state", postgresql_where=text("state in ('queued', 'running')")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id"))
    number: Mapped[int]
    key: Mapped[str]
    purpose: Mapped[str]
    text: Mapped[str]
    request: Mapped[dict[str, Any]]
    provider: Mapped[str]
    model: Mapped[str] = mapped_column(default="")
    requested_by: Mapped[str] = mapped_column(ForeignKey("principals.id"))
    state: Mapped[str] = mapped_column(default="queued")
    attempts: Mapped[int] = mapped_column(default=0)  #: how often a worker took it up; a crash counts
    cancelled_by: Mapped[str] = mapped_column(default="")  #: a name, once somebody asked for it to stop
    base_revision: Mapped[str | None] = mapped_column(ForeignKey("revisions.id"))
    revision_id: Mapped[str | None] = mapped_column(ForeignKey("revisions.id"))
    dependencies: Mapped[dict[str, Any]] = mapped_column(default=dict)
    changes: Mapped[dict[str, Any]] = mapped_column(default=dict)  #: path to added, changed or removed
    own_code: Mapped[bool] = mapped_column(default=False)
    artifact: Mapped[str | None]
    evidence: Mapped[list[Any]] = mapped_column(default=list)
    isolation: Mapped[str] = mapped_column(default="")
    instructions: Mapped[str] = mapped_column(default="")
    usage: Mapped[dict[str, Any]] = mapped_column(default=dict)
    stage: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    log_tail: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]


class AttachmentRow(Row):
    """A file that somebody sent along with the request for a build."""

    __tablename__ = "attachments"

    build_id: Mapped[str] = mapped_column(ForeignKey("builds.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    media_type: Mapped[str]
    data: Mapped[bytes]


class PictureRow(Row):
    """A picture of what a build made."""

    __tablename__ = "pictures"

    build_id: Mapped[str] = mapped_column(ForeignKey("builds.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    width: Mapped[int]  #: pixels
    height: Mapped[int]
    content: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default=now)


class StepRow(Row):
    """The ledger of a work's steps: what was done, so that a second try does not do it again."""

    __tablename__ = "steps"

    work_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    attempts: Mapped[int] = mapped_column(default=0)
    output: Mapped[dict[str, Any] | None]
    started_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]


class Approval(Row):
    """A question bound to an artifact's digest. Waiting for a person is this row, and no job in any queue."""

    __tablename__ = "approvals"
    __table_args__ = (Index("ix_approvals_pending", "deadline", postgresql_where=text("state = 'pending'")),)

    id: Mapped[str] = mapped_column(primary_key=True)
    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id"))
    build_id: Mapped[str] = mapped_column(ForeignKey("builds.id"), unique=True)
    digest: Mapped[str]
    state: Mapped[str] = mapped_column(default="pending")
    deadline: Mapped[datetime]
    destructive: Mapped[bool] = mapped_column(default=False)  #: deploying it removes data
    first_by: Mapped[str | None] = mapped_column(ForeignKey("principals.id"))  #: who said yes where two must
    decided_by: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]


class Deployment(Row):
    """The work that takes an approved artifact to a live release."""

    __tablename__ = "deployments"
    __table_args__ = (
        UniqueConstraint("key"),
        Index("ix_deployments_unfinished", "state", postgresql_where=text("state in ('queued', 'running')")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id"))
    build_id: Mapped[str] = mapped_column(ForeignKey("builds.id"))
    key: Mapped[str]
    purpose: Mapped[str]
    artifact: Mapped[str]
    release: Mapped[int]
    settings_version: Mapped[int]
    from_release: Mapped[int | None]
    with_data: Mapped[bool] = mapped_column(default=False)
    requested_by: Mapped[str] = mapped_column(ForeignKey("principals.id"))
    state: Mapped[str] = mapped_column(default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    live: Mapped[dict[str, Any] | None]
    stage: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    log_tail: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]


class Release(Row):
    """Artifact, settings version and database state; numbered per app. ``snapshot`` is the data as this release left them."""

    __tablename__ = "releases"

    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    build_id: Mapped[str] = mapped_column(ForeignKey("builds.id"))
    artifact: Mapped[str]
    settings_version: Mapped[int]
    instance: Mapped[str]
    snapshot: Mapped[str] = mapped_column(default="")  #: file name in the snapshots folder
    kept: Mapped[bool] = mapped_column(default=True)
    by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class SettingsVersion(Row):
    """One version of an app's settings; each value is sealed by the vault."""

    __tablename__ = "settings_versions"

    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    sealed: Mapped[dict[str, Any]]
    by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class TenantRow(Row):
    """A tenant database; its passwords are sealed by the vault. ``app_id`` is null for one provisioned over the API alone."""

    __tablename__ = "tenants"

    id: Mapped[str] = mapped_column(primary_key=True)
    app_id: Mapped[str | None] = mapped_column(ForeignKey("apps.id"), unique=True)
    owner_id: Mapped[str] = mapped_column(ForeignKey("principals.id"))
    database: Mapped[str]
    app_role: Mapped[str]
    migrator_role: Mapped[str]
    sealed_app_password: Mapped[str]
    sealed_migrator_password: Mapped[str]
    limits: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(default="wanted")  #: wanted, ready, dropped
    created_at: Mapped[datetime] = mapped_column(default=now)


class EventRow(Row):
    """An event; append-only, kept so by a trigger."""

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("app_id", "seq"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id"))
    seq: Mapped[int]
    fact: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(default=now)


class InstallationRow(Row):
    """A workspace of a chat platform that has installed Nexus; each secret is sealed by the vault."""

    __tablename__ = "installations"

    platform: Mapped[str] = mapped_column(primary_key=True)
    workspace_ref: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(default="")
    sealed: Mapped[dict[str, Any]]
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    trouble: Mapped[str] = mapped_column(default="")  #: why it does not work at the moment, a sentence
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class Subscription(Row):
    """A channel that is told of what happens to an app, or to all apps of a workspace."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        Index("uq_subscriptions_place", "platform", "workspace_ref", "channel", text("coalesce(app_id, '')"), unique=True),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    platform: Mapped[str]
    workspace_ref: Mapped[str]
    channel: Mapped[str]
    app_id: Mapped[str | None] = mapped_column(ForeignKey("apps.id"))
    kinds: Mapped[list[Any]]
    by: Mapped[str] = mapped_column(ForeignKey("principals.id"))
    told: Mapped[int] = mapped_column(BigInteger)  #: the last event that the channel was told of, or that was none of its kinds
    trouble: Mapped[str] = mapped_column(default="")  #: why it cannot be told, a sentence
    created_at: Mapped[datetime] = mapped_column(default=now)


class DeliveryRow(Row):
    """What somebody did on a chat platform, until it is done; its content is sealed by the vault."""

    __tablename__ = "deliveries"

    platform: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[str]
    attempts: Mapped[int]
    leased_until: Mapped[datetime]  #: after that, whoever comes takes it up
    at: Mapped[datetime] = mapped_column(default=now)


class InboxKey(Row):
    """An idempotency key that was seen; its second coming has no effect."""

    __tablename__ = "inbox"

    key: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
