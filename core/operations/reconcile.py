"""Reconcile, don't remember: what should be, against what is, on start and on a timer.

Called by the program's ticks. It wakes every unfinished build and deployment (those that somebody holds are skipped by their lock) and
repairs every app; nothing depends on a job in a queue having survived.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy import select

from core.errors import NexusError, TemporaryError
from core.ids import TenantId
from core.ledger.ledger import Ledger
from core.ledger.queue import Work, WorkKind
from core.ledger.tables import Build, Deployment, TenantRow, now
from core.ledger.waking import Waker
from core.operations.app_work import AppWork
from core.tenants.registry import TenantRegistry
from core.tenants.tenants import Tenant, Tenants

log = structlog.get_logger(__name__)

MAKING = timedelta(minutes=2)  #: as long as a database may take until whoever makes it is taken for dead


class Reconciler:
    """Finds what can move, and moves it."""

    def __init__(self, ledger: Ledger, waker: Waker, apps: AppWork, tenants: Tenants, registry: TenantRegistry) -> None:
        self._ledger = ledger
        self._waker = waker
        self._apps = apps
        self._tenants = tenants
        self._registry = registry

    async def works(self) -> None:
        """Take up every build and deployment that is not over and that no worker holds."""
        try:
            async with self._ledger.reading() as session:
                unfinished = ["queued", "running"]
                builds = list(
                    await session.scalars(select(Build.id).where(Build.state.in_(unfinished)).order_by(Build.created_at))
                )
                deployments = list(
                    await session.scalars(
                        select(Deployment.id).where(Deployment.state.in_(unfinished)).order_by(Deployment.created_at)
                    )
                )
        except TemporaryError:
            return
        for deployment in deployments:
            self._waker.start(Work(WorkKind.DEPLOYMENT, deployment))
        for build in builds:
            self._waker.start(Work(WorkKind.BUILD, build))

    async def apps(self) -> None:
        """Repair every app that is astray, a few at a time."""
        places = asyncio.Semaphore(4)

        async def repair(app: str) -> None:
            async with places:
                try:
                    await self._apps.advance(app, wait=0.0)
                except NexusError as error:
                    log.warning("app cannot be repaired just now", app=app, error=error.message)
                except Exception:
                    log.exception("app cannot be repaired", app=app)

        try:
            names = await self._apps.astray()
        except TemporaryError:
            return
        await asyncio.gather(*(repair(name) for name in names))

    async def quotas(self) -> None:
        """Freeze tenants that are over their size, and thaw those that are below nine tenths of it again."""
        async with self._ledger.reading() as session:
            rows = list(await session.scalars(select(TenantRow).where(TenantRow.state == "ready")))
        for row in rows:
            try:
                await self._keep_size(self._registry.tenant(row))
            except NexusError as error:  # one that cannot be reached is no reason to let the others grow
                log.warning("the size of a tenant cannot be seen to just now", tenant=row.id, error=error.message)

    async def _keep_size(self, tenant: Tenant) -> None:
        usage = await self._tenants.usage(tenant)
        if usage is None:
            return
        if usage.size_mb > tenant.limits.size_mb and not usage.frozen:
            await self._tenants.freeze(tenant, True)
            log.warning("tenant frozen: over its size", tenant=tenant.tenant, size_mb=usage.size_mb)
        elif usage.frozen and usage.size_mb < 0.9 * tenant.limits.size_mb:
            await self._tenants.freeze(tenant, False)
            log.info("tenant thawed", tenant=tenant.tenant)

    async def databases(self) -> None:
        """Complete what a crash has interrupted: remove the databases of tenants that were given up, and make those that were asked for
        over the API a while ago."""
        async with self._ledger.reading() as session:
            dropped = list(await session.scalars(select(TenantRow).where(TenantRow.state == "dropped")))
            asked = list(
                await session.scalars(
                    select(TenantRow).where(
                        TenantRow.state == "wanted", TenantRow.app_id.is_(None), TenantRow.created_at < now() - MAKING
                    )
                )
            )
        there = set(await self._tenants.databases()) if dropped else set()
        for row in dropped:
            if row.database in there:
                await self._tenants.drop(self._registry.tenant(row))
        for row in asked:
            await self._tenants.create(self._registry.tenant(row))
            await self._registry.set_state(TenantId(row.id), "ready")
