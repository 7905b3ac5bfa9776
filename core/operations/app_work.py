"""App work: make what is the same as what is wanted.

Run by workers: woken for an app after a stop, a delete or a deployment, and for every app on start and on a timer. It looks at the
host, the router and the tenants and repairs the difference, so that it does not matter who died when. It is also what sees that a live
instance has ended, says so in the thread, and starts it again.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence

import structlog
from sqlalchemy import and_, select, update

from core.deployments.platform import LOG_LINES, Platform, app_lock
from core.errors import NexusError, NotHealthy, TemporaryError
from core.hosting.host import Instance, InstanceState, Status
from core.hosting.router import Notice, Route
from core.ids import InstanceId
from core.ledger.tables import App, Deployment, Release, now
from core.ledger.waking import holding
from core.verification.logs import tail
from core.words.events import AppCrashed, AppDeleted, AppRecovered, AppStopped

log = structlog.get_logger(__name__)

#: Seconds to wait before the n-th restart in a row of an app that keeps ending.
BACKOFF = (0.0, 2.0, 10.0, 30.0, 120.0, 600.0, 1800.0)

STEADY = 600.0  #: seconds after a restart until an app that runs counts as one that does not keep ending


class AppWork:
    """Moves apps to where they should be."""

    def __init__(self, platform: Platform) -> None:
        self._p = platform
        self._crashes: dict[str, tuple[int, float]] = {}  # instance: how often in a row, when the last restart was tried

    async def advance(self, app: str, *, wait: float = 30.0) -> None:
        """Repair one app, after ``wait`` seconds at most for who has it in hand.

        Does nothing while a deployment of it runs: that ends with waking this again."""
        async with holding(self._p.ledger, app_lock(app), wait=wait) as mine:
            if not mine:
                return
            async with self._p.ledger.reading() as session:
                row = await session.get(App, app)
                assert row is not None
                busy = await session.scalar(
                    select(Deployment.id).where(Deployment.app_id == app, Deployment.state.in_(["queued", "running"]))
                )
                release = await session.get(Release, (app, row.live_release)) if row.live_release is not None else None
            if row.wanted == "deleted":
                await self._delete(row)
            elif busy is not None:
                return
            elif row.wanted == "stopped":
                await self._stop(row, release)
            elif release is not None:
                await self._run(row, release)

    # -- running ----------------------------------------------------------------------------------------------------------

    async def _run(self, app: App, release: Release) -> None:
        instance = InstanceId(release.instance)
        status = await self._p.host.poll(instance)
        clock = asyncio.get_running_loop().time()
        tries, last = self._crashes.get(instance, (0, 0.0))
        if status.state is InstanceState.RUNNING:
            await self._keep_routed(app, instance)
            if app.crashed:
                await self._recovered(app, release)
            return
        if status.state is InstanceState.EXITED and not app.crashed:
            tries = tries if clock - last < STEADY else 0
            await self._crashed(app, release, status)
        if tries and clock - last < BACKOFF[min(tries, len(BACKOFF) - 1)]:
            return
        try:
            await self._launch(app, release, instance)
        except TemporaryError:
            raise  # that is not the app's fault, and nothing to wait longer for
        except NexusError as error:
            self._crashes[instance] = (tries + 1, clock)
            log.warning("app does not come back", app=app.id, error=error.message)
            if not app.crashed:
                await self._mark_crashed(app, release, error.message, getattr(error, "log_tail", ""))
            return
        if app.crashed:
            self._crashes[instance] = (tries + 1, clock)
            await self._recovered(app, release)

    async def _launch(self, app: App, release: Release, instance: InstanceId) -> None:
        material = await self._p.material(app.id, release.build_id, release.settings_version)
        access = None
        if material.needs_database:
            tenant = await self._p.registry.for_app(app.id, app.owner_id)
            access = self._p.tenants.access(tenant)
        started = await self._p.launch(app.id, release.artifact, instance, material, access)
        try:
            await self._p.until_healthy(started)
        except NotHealthy:
            await self._p.host.stop(instance, grace_seconds=1.0)
            raise
        await self._p.route(app, started)

    async def _keep_routed(self, app: App, instance: InstanceId) -> None:
        found = next((i for i in await self._p.host.instances() if i.instance == instance), None)
        if found is None:
            return
        await self._put_route(self._p.route_of(app, found.address))
        await self._end_strays(app, found)

    async def _end_strays(self, app: App, keep: Instance) -> None:
        await self._p.end_others(app.id, but=keep.instance)

    async def _crashed(self, app: App, release: Release, status: Status) -> None:
        reason = "it used more memory than it may" if status.out_of_memory else f"exit code {status.exit_code}"
        tail = "\n".join(await self._p.host.logs(InstanceId(release.instance), lines=LOG_LINES))
        await self._mark_crashed(app, release, f"The app ended by itself ({reason}). It is started again.", tail)

    async def _mark_crashed(self, app: App, release: Release, reason: str, log_tail: str) -> None:
        material = await self._p.material(app.id, release.build_id, release.settings_version)
        masks = self._p.masks(material, await self._p.registry.of_app(app.id))
        lines = tail(log_tail, masks, lines=LOG_LINES).splitlines()
        async with self._p.ledger.transaction() as t:
            marked = await t.session.execute(
                update(App).where(App.id == app.id, App.crashed.is_(False)).values(crashed=True).returning(App.id)
            )
            if marked.scalar() is not None:
                t.tell(app.id, AppCrashed(release=release.number, reason=reason, log_tail=lines))
        app.crashed = True

    async def _recovered(self, app: App, release: Release) -> None:
        await self._p.probe(app, InstanceId(release.instance))
        async with self._p.ledger.transaction() as t:
            marked = await t.session.execute(
                update(App).where(App.id == app.id, App.crashed.is_(True)).values(crashed=False).returning(App.id)
            )
            if marked.scalar() is not None:
                t.tell(app.id, AppRecovered(release=release.number, url=self._p.edge.url(app.slug)))

    async def _put_route(self, route: Route) -> None:
        if (await self._p.router.routes()).get(route.name) != route:
            await self._p.router.add(route)

    # -- stopped ----------------------------------------------------------------------------------------------------------

    async def _stop(self, app: App, release: Release | None) -> None:
        if release is not None:
            await self._put_route(self._stopped_route(app))
        else:  # never live: what a first deployment left that failed
            await self._p.router.remove(app.id)
        await self._p.end_others(app.id, but="")
        if app.actual != "stopped":
            async with self._p.ledger.transaction() as t:
                await t.hold(app.id)
                fresh = await t.session.get(App, app.id)
                assert fresh is not None
                if fresh.wanted == "stopped" and fresh.actual != "stopped":
                    fresh.actual, fresh.crashed = "stopped", False
                    t.tell(app.id, AppStopped(by=fresh.wanted_by))

    def _stopped_route(self, app: App) -> Route:
        notice = Notice(status=503, title=f"{app.name} is stopped", text="Its owner has stopped it. Its data are kept.")
        return self._p.route_of(app, notice)

    # -- deleted ----------------------------------------------------------------------------------------------------------

    async def _delete(self, app: App) -> None:
        if app.actual == "deleted":
            return
        await self._p.router.remove(app.id)
        await self._p.end_others(app.id, but="")
        name = f"{app.id}-last.dump"
        tenant = await self._p.registry.of_app(app.id)
        if tenant is not None:
            if await self._p.tenants.usage(tenant) is not None:
                await self._p.tenants.snapshot(tenant, self._p.snapshots / name)
            await self._p.tenants.drop(tenant)
            await self._p.registry.set_state(tenant.tenant, "dropped")
        async with self._p.ledger.transaction() as t:
            await t.hold(app.id)
            fresh = await t.session.get(App, app.id)
            assert fresh is not None
            fresh.actual = "deleted"
            await t.session.execute(
                update(Deployment)
                .where(Deployment.app_id == app.id, Deployment.state.in_(["queued", "running"]))
                .values(state="failed", reason="The app was deleted.", ended_at=now())
            )
            kept = await asyncio.to_thread((self._p.snapshots / name).exists)
            t.tell(app.id, AppDeleted(by=fresh.wanted_by, snapshot=name if kept else ""))

    # -- everything -------------------------------------------------------------------------------------------------------

    async def astray(self) -> list[str]:
        """The ids of the apps that are not as they should be, by one look at everything: to be looked at again by `advance`."""
        live = and_(Release.app_id == App.id, Release.number == App.live_release)
        async with self._p.ledger.reading() as session:
            rows = (await session.execute(select(App, Release).outerjoin(Release, live).where(App.actual != "deleted"))).all()
            unfinished = select(Deployment.app_id).where(Deployment.state.in_(["queued", "running"]))
            busy = set(await session.scalars(unfinished))
        routes, kept = await self._p.router.routes(), await self._p.host.instances(ended=True)
        running = {instance.instance for instance in await self._p.host.instances()}
        of_app: dict[str, list[Instance]] = defaultdict(list)
        for instance in kept:
            of_app[instance.app].append(instance)
        return [
            app.id
            for app, release in rows
            if app.wanted == "deleted"
            or (app.id not in busy and not self._right(app, release, routes.get(app.id), of_app[app.id], running))
        ]

    def _right(
        self, app: App, release: Release | None, route: Route | None, kept: Sequence[Instance], running: Collection[InstanceId]
    ) -> bool:
        if app.wanted == "stopped" or release is None:
            wanted = None if release is None else self._stopped_route(app)
            return app.actual == "stopped" and not kept and route == wanted
        if app.crashed or release.instance not in running or [i.instance for i in kept] != [release.instance]:
            return False
        return route == self._p.route_of(app, kept[0].address)

    async def sweep(self) -> None:
        """Remove what belongs to no app: instances and routes of apps that are gone."""
        routes, instances = await self._p.router.routes(), await self._p.host.instances(ended=True)
        async with self._p.ledger.reading() as session:  # after they were looked up: an app may be new
            known = set(await session.scalars(select(App.id).where(App.wanted != "deleted")))
        for name in routes:
            if name.startswith("app_") and name not in known:
                await self._p.router.remove(name)
        for instance in instances:
            if instance.app.startswith("app_") and instance.app not in known:
                await self._p.host.stop(instance.instance)
                await self._p.host.forget(instance.instance)

    async def stop_everything(self) -> None:
        """Stop every instance of this machine, keeping what is wanted: they are started again at the next start."""
        found = await self._p.host.instances()
        await asyncio.gather(*(self._p.host.stop(i.instance, grace_seconds=5.0) for i in found), return_exceptions=True)
