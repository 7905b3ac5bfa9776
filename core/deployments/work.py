"""The work of a deployment: from an approved artifact to a live release, or back to what was live before.

Run by workers, woken by the queue. Steps, in order: snapshot, database, (restore), migrate, start, health, route, probe; then the
release is written and the old instance is drained. The URL is told only after a GET through the real proxy succeeded and the app's
database answered. One deployment of an app at a time, in the order they were asked for. After a crash the next worker goes through
the steps again: each is idempotent, and the two that are not for ever (snapshot, restore) are remembered in the ledger.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.builds.teller import Teller, telling
from core.deployments import settings
from core.deployments.platform import LOG_LINES, Platform, app_lock
from core.errors import AppError, NexusError, NotHealthy, OperatorError, TemporaryError
from core.files import FileTree
from core.frameworks.framework import Framework
from core.hosting.host import Instance
from core.hosting.router import Notice
from core.ids import InstanceId
from core.ledger.ledger import Transaction
from core.ledger.queue import Work, WorkKind
from core.ledger.tables import App, Deployment, Principal, Release, StepRow, now
from core.ledger.waking import holding
from core.tenants.tenants import Access, Tenant
from core.verification.logs import Masks, clean, tail
from core.verification.tryout import migrations_of
from core.words.cards import Step, StepState
from core.words.events import DatabaseFacts, DeploymentFailed, DeploymentLive, DeploymentStep, HostingFacts

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 3


class DeploymentWork:
    """Moves deployments."""

    def __init__(self, platform: Platform) -> None:
        self._p = platform

    async def advance(self, deployment: str) -> None:
        """Take a deployment as far as it goes. Fine to call for one that is over, or held by another worker."""
        async with self._p.ledger.reading() as session:
            row = await session.get(Deployment, deployment)
        if row is None or row.state not in {"queued", "running"}:
            return
        async with holding(self._p.ledger, app_lock(row.app_id), wait=30.0) as mine:
            if not mine:
                return
            while (taken := await self._take_up(row.app_id)) is not None:
                log.info("deployment", deployment=taken.id, purpose=taken.purpose, attempt=taken.attempts)
                async with telling(self._p.ledger, taken.app_id) as teller:
                    try:
                        await self._run(taken, teller)
                    except asyncio.CancelledError:
                        await self._give_back(taken)
                        raise

    async def _take_up(self, app: str) -> Deployment | None:
        """The app's oldest unfinished deployment, with this attempt counted."""
        async with self._p.ledger.transaction() as t:
            row = await t.session.scalar(
                select(Deployment)
                .where(Deployment.app_id == app, Deployment.state.in_(["queued", "running"]))
                .order_by(Deployment.created_at)
                .limit(1)
                .with_for_update()
            )
            if row is not None:
                if row.state == "queued":
                    await _of_what_is_live(t.session, row)
                row.state = "running"
                row.attempts += 1
            return row

    async def _give_back(self, row: Deployment) -> None:
        """Nexus is stopping: that is nothing the app did, so the attempt does not count."""
        taken = (Deployment.id == row.id, Deployment.state == "running", Deployment.attempts == row.attempts)
        with contextlib.suppress(TemporaryError):
            async with self._p.ledger.transaction() as t:
                await t.session.execute(update(Deployment).where(*taken).values(attempts=row.attempts - 1))

    async def _run(self, row: Deployment, teller: Teller) -> None:
        run = _Run(self._p, row, teller)
        if await run.is_failing():
            await run.fail("", "")
            return
        try:
            await run.go()
        except AppError as error:
            await run.fail(error.message, error.log_tail)
        except TemporaryError as error:
            if row.attempts < MAX_ATTEMPTS:
                raise
            await run.fail(error.message, "")
        except NexusError as error:
            await run.fail(error.message, "")
        except Exception:
            log.exception("deployment failed in Nexus itself", deployment=row.id)
            if row.attempts < MAX_ATTEMPTS:
                raise
            await run.fail("Nexus itself failed at this deployment; its log has the details. Try again later.", "")


async def _of_what_is_live(session: AsyncSession, row: Deployment) -> None:
    """New settings, a start or a restart are of what is live when their turn comes: another deployment may have come before them."""
    if row.purpose not in {"settings", "start", "restart"}:
        return
    app = await session.get(App, row.app_id)
    live = await session.get(Release, (row.app_id, app.live_release)) if app is not None else None
    if live is None:
        return
    row.build_id, row.artifact = live.build_id, live.artifact
    if row.purpose != "settings" and row.release != live.number:
        row.release, row.settings_version = live.number, live.settings_version


class _Run:
    """One attempt at a deployment."""

    def __init__(self, platform: Platform, row: Deployment, teller: Teller) -> None:
        self._p = platform
        self._row = row
        self._teller = teller
        self._stage = "prepare"
        self._masks = Masks({})
        self._instance = InstanceId("i" + row.id.removeprefix("d"))

    # -- the way up -------------------------------------------------------------------------------------------------------

    async def go(self) -> None:
        row = self._row
        if row.attempts > MAX_ATTEMPTS:
            raise NotHealthy(f"The deployment was interrupted {MAX_ATTEMPTS} times and was given up; try again.")
        app, live, by = await self._look()
        if app.wanted == "deleted":
            raise NotHealthy("The app was deleted in the meantime.")
        material = await self._p.material(app.id, row.build_id, row.settings_version)
        tenant = await self._p.registry.of_app(app.id)
        self._masks = self._p.masks(material, tenant)
        if row.with_data:
            await self._choose_snapshot()
            await self._pause(app)
        if live is not None and row.purpose in {"deploy", "rollback", "settings"} and await self._has_data(tenant):
            assert tenant is not None
            await self._snapshot(tenant, live)
        access: Access | None = None
        if material.needs_database or row.with_data:
            tenant = await self._database(app, material.tree)
            access = self._p.tenants.access(tenant)
            self._masks = self._p.masks(material, tenant)
        async with self._step("start") as say:
            instance = await self._p.launch(app.id, row.artifact, self._instance, material, access)
            say(material.spec.runtime)
        async with self._step("health") as say:
            say(f"answered after {await self._p.until_healthy(instance):.1f} s")
        async with self._step("route") as say:
            await self._p.route(app, instance)
            say(self._p.edge.host(app.slug))
        async with self._step("probe") as say:
            await self._p.probe(app, self._instance)
            say(f"GET {self._p.edge.url(app.slug)}/healthz is 200")
        await self._teller.drain()
        await self._write_release(
            DeploymentLive(
                deployment=row.id,
                release=row.release,
                url=self._p.edge.url(app.slug),
                database=None if tenant is None or access is None else self._database_facts(tenant, access),
                hosting=self._hosting_facts(app, material.spec, instance),
                settings=sorted(material.values),
                log_tail=await self._printed(10),
                seconds=(now() - row.created_at).total_seconds(),
            ),
            by,
        )
        try:
            await self._p.end_others(app.id, but=self._instance)
        except Exception:  # it is live, whatever becomes of the old one
            log.exception("the old instance is not gone yet; the reconciler ends it", app=app.id)

    async def _printed(self, lines: int) -> list[str]:
        """The last lines of the new instance, without what must not be seen."""
        return clean("\n".join(await self._p.host.logs(self._instance, lines=lines)), self._masks)

    async def _look(self) -> tuple[App, Release | None, str]:
        """The app, its live release, and the name of who asked."""
        async with self._p.ledger.reading() as session:
            app = await session.get(App, self._row.app_id)
            principal = await session.get(Principal, self._row.requested_by)
            assert app is not None
            live = await session.get(Release, (app.id, app.live_release)) if app.live_release is not None else None
        return app, live, principal.name if principal is not None else ""

    async def _pause(self, app: App) -> None:
        """Before the data are replaced beneath it, the running code stops: it must neither see them nor write into them."""
        async with self._step("pause") as say:
            notice = Notice(status=503, title=f"{app.name} is being rolled back", text="It is back in a few seconds.")
            await self._p.router.add(self._p.route_of(app, notice))
            await self._p.end_others(app.id, but=self._instance)
            say("visitors see a notice")

    async def _choose_snapshot(self) -> None:
        """Note which data come back, before the live release, which may be the same, is given newer ones."""
        if not await self._done("source"):
            async with self._p.ledger.transaction() as t:
                release = await t.session.get(Release, (self._row.app_id, self._row.from_release))
                assert release is not None
                await self._remember(t, "source", output={"snapshot": release.snapshot})

    async def _has_data(self, tenant: Tenant | None) -> bool:
        return tenant is not None and await self._p.tenants.usage(tenant) is not None

    def _snapshot_of(self, live: Release) -> str:
        return f"{self._row.app_id}-v{live.number}-{self._row.id}.dump"

    async def _snapshot(self, tenant: Tenant, live: Release) -> None:
        """The data as the live release leaves them, so that it can come back whole."""
        if await self._done("snapshot"):
            return
        async with self._step("snapshot") as say:
            name = self._snapshot_of(live)
            size = await self._p.tenants.snapshot(tenant, self._p.snapshots / name)
            async with self._p.ledger.transaction() as t:
                release = await t.session.get(Release, (self._row.app_id, live.number))
                assert release is not None
                release.snapshot = name
                await self._remember(t, "snapshot")
            say(f"data of v{live.number}, {size / 1000:.0f} kB")

    async def _database(self, app: App, tree: FileTree) -> Tenant:
        row = self._row
        async with self._step("database") as say:
            tenant = await self._p.registry.for_app(app.id, app.owner_id)
            await self._p.tenants.create(tenant)
            await self._p.registry.set_state(tenant.tenant, "ready")
            say(tenant.database)
        if row.with_data and not await self._done("restore"):
            async with self._step("restore") as say:
                chosen = await self._recorded("source")
                assert chosen is not None
                async with self._p.ledger.transaction() as t:
                    await self._remember(t, "restore", ended=False)
                await self._p.tenants.restore(tenant, self._p.snapshots / chosen["snapshot"])
                async with self._p.ledger.transaction() as t:
                    await self._remember(t, "restore")
                say(f"the data as v{row.from_release} left them")
        async with self._step("migrate") as say:
            report = await self._p.tenants.migrate(tenant, migrations_of(tree))
            say(f"{len(report.applied)} applied, {len(report.already)} before")
        return tenant

    async def _write_release(self, facts: DeploymentLive, by: str) -> None:
        row = self._row
        async with self._p.ledger.transaction() as t:
            await t.hold(row.app_id)
            fresh = await t.session.get(Deployment, row.id, with_for_update=True)
            app = await t.session.get(App, row.app_id)
            assert fresh is not None
            assert app is not None
            if app.wanted == "deleted":
                raise NotHealthy("The app was deleted in the meantime.")
            version = row.settings_version
            if row.with_data:
                version = await settings.bring_back(t, row.app_id, version, by=by)
            release = await t.session.get(Release, (row.app_id, row.release))
            if release is None:
                release = Release(app_id=row.app_id, number=row.release, build_id=row.build_id, by=by)
                t.session.add(release)
            release.artifact = row.artifact
            release.settings_version = version
            release.instance = self._instance
            release.kept = True
            app.live_release = row.release
            app.wanted, app.actual, app.crashed = "running", "running", False
            fresh.state, fresh.ended_at = "live", now()
            fresh.live = facts.model_dump(mode="json")
            t.tell(app.id, facts)
            t.wake(Work(WorkKind.APP, app.id))

    # -- the way back -----------------------------------------------------------------------------------------------------

    async def is_failing(self) -> bool:
        """Whether an attempt has begun to put things back: from then on there is no other way."""
        return await self._recorded("failing") is not None

    async def fail(self, reason: str, log_tail: str) -> None:
        """Put back what was there, and say why. Goes on where an attempt before was interrupted, with the reason that it had."""
        row = self._row
        app, live, _ = await self._look()
        with contextlib.suppress(OperatorError):  # a vault without the key: then no instance has got them either
            material = await self._p.material(app.id, row.build_id, row.settings_version)
            self._masks = self._p.masks(material, await self._p.registry.of_app(app.id))
        if not log_tail:
            log_tail = "\n".join(await self._printed(LOG_LINES))
        why = {"stage": self._stage, "reason": reason, "log_tail": tail(log_tail, self._masks)}
        async with self._p.ledger.transaction() as t:
            why = await self._remember(t, "failing", output=why)
        try:
            await self._put_back(app, live)
        except TemporaryError:
            raise
        except Exception as error:
            log.exception("what was live is not back yet; the reconciler goes on", app=app.id)
            if row.with_data and isinstance(error, NexusError):
                why["reason"] += f" And what was live did not come back as it was: {error.message}"
        await self._teller.drain()
        async with self._p.ledger.transaction() as t:
            await t.hold(row.app_id)
            fresh = await t.session.get(Deployment, row.id, with_for_update=True)
            assert fresh is not None
            if fresh.state not in {"queued", "running"}:
                return
            fresh.state, fresh.ended_at = "failed", now()
            fresh.stage, fresh.reason, fresh.log_tail = why["stage"], why["reason"], why["log_tail"]
            t.tell(
                app.id,
                DeploymentFailed(
                    deployment=row.id,
                    stage=why["stage"],
                    reason=why["reason"],
                    log_tail=why["log_tail"],
                    still_live=live.number if live is not None and app.wanted == "running" else None,
                ),
            )
            t.wake(Work(WorkKind.APP, app.id))

    async def _put_back(self, app: App, live: Release | None) -> None:
        if app.wanted != "deleted":
            if live is not None and self._row.with_data:
                await self._resume(app, live)
            else:
                await self._lead_back(app, live)
        if live is None or live.instance != self._instance:
            await self._p.host.stop(self._instance, grace_seconds=1.0)
            await self._p.host.forget(self._instance)

    async def _lead_back(self, app: App, live: Release | None) -> None:
        """The route leads to what was live; to nothing when nothing runs, until the reconciler has seen to it."""
        running = await self._p.host.instances()
        old = next((i for i in running if live is not None and i.instance == live.instance), None)
        if old is not None:
            await self._p.route(app, old)
        else:
            await self._p.router.remove(app.id)

    async def _resume(self, app: App, live: Release) -> None:
        """What was live comes back, on the data that it had."""
        tenant = await self._p.registry.of_app(app.id)
        if tenant is not None and await self._recorded("restore") is not None and not await self._done("put back"):
            await self._p.host.stop(self._instance, grace_seconds=1.0)
            await self._p.tenants.restore(tenant, self._p.snapshots / self._snapshot_of(live))
            async with self._p.ledger.transaction() as t:
                await self._remember(t, "put back")
        if app.wanted != "running":
            return
        access = None if tenant is None else self._p.tenants.access(tenant)
        material = await self._p.material(app.id, live.build_id, live.settings_version)
        instance = await self._p.launch(app.id, live.artifact, InstanceId(live.instance), material, access)
        await self._p.until_healthy(instance)
        await self._p.route(app, instance)

    # -- steps ------------------------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _step(self, name: str) -> AsyncIterator[_Say]:
        self._stage = name
        loop = asyncio.get_running_loop()
        began = loop.time()
        say = _Say()
        self._tell(name, StepState.RUNNING, "", None)
        try:
            yield say
        except NexusError as error:
            self._tell(name, StepState.FAILED, error.message[:200], loop.time() - began)
            raise
        self._tell(name, StepState.DONE, say.detail, loop.time() - began)

    def _tell(self, name: str, state: StepState, detail: str, seconds: float | None) -> None:
        step = Step(name=name, state=state, detail=detail, seconds=seconds)
        self._teller.tell(DeploymentStep(deployment=self._row.id, step=step))

    async def _done(self, name: str) -> bool:
        async with self._p.ledger.reading() as session:
            step = await session.get(StepRow, (self._row.id, name))
        return step is not None and step.ended_at is not None

    async def _recorded(self, name: str) -> dict[str, str] | None:
        """What is recorded of a step that was begun."""
        async with self._p.ledger.reading() as session:
            step = await session.get(StepRow, (self._row.id, name))
        return None if step is None else dict(step.output or {})

    async def _remember(
        self, t: Transaction, name: str, *, ended: bool = True, output: dict[str, str] | None = None
    ) -> dict[str, str]:
        """Record a step; what was recorded of it before stays. Returns that."""
        step = await t.session.get(StepRow, (self._row.id, name))
        if step is None:
            step = StepRow(work_id=self._row.id, name=name, output=output)
            t.session.add(step)
        step.attempts = self._row.attempts
        step.ended_at = step.ended_at or (now() if ended else None)
        return dict(step.output or {})

    # -- facts ------------------------------------------------------------------------------------------------------------

    def _database_facts(self, tenant: Tenant, access: Access) -> DatabaseFacts:
        return DatabaseFacts(
            tenant=tenant.tenant,
            host=access.host,
            port=access.port,
            name=tenant.database,
            role=tenant.app_role,
            size_limit_mb=tenant.limits.size_mb,
            connections=tenant.limits.connections,
        )

    def _hosting_facts(self, app: App, spec: Framework, instance: Instance) -> HostingFacts:
        return HostingFacts(
            service=app.id,
            runtime=spec.runtime,
            host=self._p.host.name,
            isolation=str(instance.isolation),
            memory_mb=self._p.limits.memory_mb,
            cpus=self._p.limits.cpus,
            domain=self._p.edge.host(app.slug),
        )


class _Say:
    """Takes a step's detail."""

    def __init__(self) -> None:
        self.detail = ""

    def __call__(self, detail: str) -> None:
        self.detail = detail
