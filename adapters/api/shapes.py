"""The shapes of the API: what is sent and what is answered, as pydantic models, from which the OpenAPI document is made.

The promised paths' shapes take unknown fields in silence, so that a client may send more than is read; nothing promised is ever removed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field

from core.words.cards import Step
from core.words.plan import FRAMEWORK_NAMES

_FRAMEWORKS = ", ".join(f"`{name}`" for name in FRAMEWORK_NAMES)


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class SourceFile(Shape):
    """One source file."""

    path: str
    content: str


class AttachedFile(Shape):
    """A picture (PNG, JPEG, WebP, GIF; at most 5 MB) or a text in UTF-8 (at most 200 kB) that belongs to a request."""

    name: str
    data: Base64Bytes = Field(description="The bytes, in base64.")


class GenerateRequest(Shape):
    """A new app from a description."""

    description: str = Field(description="What the app should do, up to 10,000 characters.")
    framework: str | None = Field(None, description=f"One of {_FRAMEWORKS}; chosen when left out.")
    features: list[str] = []
    styling: str = ""
    provider: str = Field("auto", description="`auto`, `starter`, `openai` or `anthropic`.")
    app_name: str = Field("", description="The app's name and host label; made from the description when empty.")
    attachments: list[AttachedFile] = Field([], description="At most 5, as context for the model.")
    user_id: str | None = Field(None, description="Must be the token's subject when given.")


class GenerateAnswer(Shape):
    """A built and tried app, waiting for approval."""

    files: list[SourceFile]
    dependencies: dict[str, str]
    instructions: str
    requires_database: bool
    build_id: str
    app: str = Field(description="The app's name; `app_name` of a deploy request.")
    framework: str
    summary: str
    resources: list[str] = Field(description="The names served under `/api/`.")
    evidence: list[Step]
    approval_id: str
    artifact: str = Field(description="Digest of the artifact that an approval deploys.")


class DeployRequest(Shape):
    """Deploy a build, or files. Files that Nexus has not seen are verified first."""

    build_id: str | None = None
    app_name: str | None = None
    files: list[SourceFile] = []
    dependencies: dict[str, str] = {}
    framework: str | None = None
    requires_database: bool = True
    user_id: str | None = Field(None, description="Must be the token's subject when given.")


class DatabaseAnswer(Shape):
    """An app's database."""

    tenant_id: str
    connection_string: str
    name: str
    role: str


class HostingAnswer(Shape):
    """Where an app is served."""

    service_id: str
    domain: str


class DeployAnswer(Shape):
    """A live app."""

    deployment_id: str
    status: Literal["deployed"]
    app_url: str
    release: int
    database: DatabaseAnswer | None
    hosting: HostingAnswer
    environment: dict[str, str]


class TenantAnswer(Shape):
    """A tenant database. ``connection_string`` is for its owner alone."""

    tenant_id: str
    database: str
    role: str
    connection_string: str
    app: str = Field("", description="The app that it belongs to, empty when it stands alone.")
    size_limit_mb: int
    connections: int
    created_at: datetime


class TenantsAnswer(Shape):
    """The caller's tenants."""

    tenants: list[TenantAnswer]


class ServiceRequest(Shape):
    """A new service from files; verified before it can be deployed."""

    name: str
    files: list[SourceFile]
    framework: str
    dependencies: dict[str, str] = {}
    requires_database: bool = True


class ServiceAnswer(Shape):
    """An app's place in hosting."""

    service_id: str
    name: str
    state: str
    domain: str
    url: str
    release: int | None
    framework: str


class ServicesAnswer(Shape):
    """The caller's services."""

    services: list[ServiceAnswer]


class ServiceDeployRequest(Shape):
    """What to deploy on a service: a build of it (the pending one when left out), or a kept release to roll back to."""

    build_id: str | None = None
    release: int | None = None
    with_data: bool = False


class AppAnswer(Shape):
    """An app."""

    app: str
    name: str
    state: str
    framework: str
    url: str
    release: int | None
    owner: str
    created_at: datetime


class AppsAnswer(Shape):
    """The apps that the caller can see."""

    apps: list[AppAnswer]


class BuildAnswer(Shape):
    """A build."""

    build_id: str
    app: str
    number: int
    state: str
    evidence: list[Step]
    reason: str
    log_tail: str
    approval_id: str | None
    approval_state: str | None


class ChangeRequest(Shape):
    """A change to an app, in words."""

    text: str


class RollbackRequest(Shape):
    """A kept release to bring back."""

    release: int
    with_data: bool = False


class SettingsRequest(Shape):
    """Settings to set and to unset."""

    set: dict[str, str] = {}
    unset: list[str] = []


class SettingsAnswer(Shape):
    """Names only; values are never shown again."""

    version: int
    names: list[str]


class LogsAnswer(Shape):
    """The last lines that the app printed."""

    lines: list[str]


class ReleaseAnswer(Shape):
    """A release."""

    release: int
    live: bool
    kept: bool
    has_data: bool
    summary: str
    at: datetime


class ReleasesAnswer(Shape):
    """An app's releases, the newest first."""

    releases: list[ReleaseAnswer]


class SigninRequest(Shape):
    """Whom a link signs in."""

    user: str


class SigninAnswer(Shape):
    """A link that works once, within 15 minutes."""

    url: str


class Done(Shape):
    """It is done."""

    status: str
    detail: str = ""


class Problem(Shape):
    """RFC 9457."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str
    title: str
    status: int
    detail: str
    log_tail: str | None = None
    errors: list[dict[str, Any]] | None = None
