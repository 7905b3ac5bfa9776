"""The Tenants port: every app's own database, owned by the platform.

Called by try-outs (a scratch tenant), deployments, rollback, delete and the quota tick. Two roles: ``…_mig`` runs DDL at deploy,
by the platform alone; ``…_app`` is what the app gets, DML only. Names are opaque: they say nothing about the app or its owner.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from core.ids import TenantId
from core.words.walls import Mount


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantLimits:
    """What a tenant may use."""

    connections: int = 20
    size_mb: int = 512
    statement_seconds: float = 30.0
    idle_in_transaction_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A database and how to reach it. ``app_password`` and ``migrator_password`` are kept encrypted by the ledger."""

    tenant: TenantId
    database: str
    app_role: str
    app_password: SecretStr
    migrator_role: str
    migrator_password: SecretStr
    limits: TenantLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How an app reaches its database. ``url`` is valid inside an instance that has ``mounts``; ``public_url`` is valid on this
    machine over TCP, for a person with psql."""

    url: SecretStr
    mounts: Sequence[Mount]
    public_url: SecretStr
    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file of ``migrations/``. Applied in name order, each in its own transaction, once; remembered with its digest."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationReport:
    """Which migrations ran now and which had run before."""

    applied: Sequence[str]
    already: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantUsage:
    """What a tenant uses at this moment."""

    size_mb: float
    connections: int
    frozen: bool
    tables: Mapping[str, int]  #: table name to its estimated number of rows


class Tenants(ABC):
    """Makes and keeps tenants.

    The contract, tested by attack on the real thing: a tenant's role cannot connect to another database, ``postgres`` or
    ``template1`` included; cannot run DDL; cannot raise its limits; cannot read another's names; a freeze holds against it and
    leaves DELETE. `create`, `drop`, `freeze` and `migrate` are idempotent: repeated after a crash at any point, they end the same.
    """

    @abstractmethod
    async def create(self, tenant: Tenant) -> None:
        """Make the database and both roles, or complete a half-made one; passwords are set to the given ones."""

    @abstractmethod
    def access(self, tenant: Tenant) -> Access:
        """How to reach it; does not touch the database."""

    @abstractmethod
    async def migrate(self, tenant: Tenant, migrations: Sequence[Migration]) -> MigrationReport:
        """Run what has not run yet, as the migrator.

        Raises:
            MigrationFailed: a statement failed (its transaction is rolled back, earlier files stay), a file that ran before was
                edited since, or it timed out; the message names file and line, the log tail has Postgres's words.
        """

    @abstractmethod
    async def snapshot(self, tenant: Tenant, target: Path) -> int:
        """Write a consistent dump to ``target`` (replaced whole or not at all); returns its size in bytes."""

    @abstractmethod
    async def restore(self, tenant: Tenant, source: Path) -> None:
        """Put the database back to a snapshot. All or nothing: a failing restore leaves the data as they were. Ends the
        app's connections."""

    @abstractmethod
    async def freeze(self, tenant: Tenant, frozen: bool) -> None:
        """Forbid INSERT and UPDATE (DELETE stays), or allow them again."""

    @abstractmethod
    async def usage(self, tenant: Tenant) -> TenantUsage | None:
        """Size and connections; None when there is no such database."""

    @abstractmethod
    async def drop(self, tenant: Tenant) -> None:
        """Remove database and roles; fine when they are gone."""

    @abstractmethod
    async def databases(self) -> Sequence[str]:
        """The names of all tenant databases that exist, for the reconciler."""

    @abstractmethod
    async def end_overlong(self, limits: TenantLimits) -> int:
        """Terminate tenants' statements and idle transactions that exceed the limits; returns how many. A tenant can override its
        own ``SET``s, so a watchdog tick calls this."""
