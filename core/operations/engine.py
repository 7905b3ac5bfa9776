"""The engine's face: everything that a person can do or see, whichever platform they come from.

Called by the dialogue, the API and the web page. Every method checks that the principal may; refusals are `UserError`s with the
reason. It answers from the ledger; the work itself is done by whichever worker takes it from the queue.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.approvals import approvals
from core.builds.pictures import load_picture
from core.builds.requests import BuildRequest, BuildRequests
from core.builds.revisions import load_tree
from core.builds.spending import spent
from core.deployments import settings as app_settings
from core.deployments.platform import Platform
from core.deployments.requests import DeploymentRequests
from core.errors import Conflict, NotFound, TemporaryError
from core.files import FileTree
from core.generation.choice import ModelChoice
from core.ids import LOCAL_PLATFORM, AppId, ApprovalId, BuildId, DeploymentId, Digest, InstanceId, TenantId, ThreadId
from core.ledger.feed import Feed
from core.ledger.ledger import CANCEL_CHANNEL, EVENTS_CHANNEL, MESSAGES_CHANNEL, Transaction
from core.ledger.messages import messages_of, view
from core.ledger.queue import Work, WorkKind
from core.ledger.tables import App, Build, Deployment, EventRow, Message, Release, Thread, now
from core.operations import looking
from core.people import People, Sight, sight, visible_app
from core.tenants.provisioning import Provisioning
from core.verification.pictures import Picture
from core.words.attachment import Attachment
from core.words.events import BuildCancelled, DatabaseFacts, Event
from core.words.inbound import Who
from core.words.plan import FrameworkName
from core.words.views import (
    AppView,
    BuildView,
    DeploymentView,
    MessageView,
    ReleaseView,
    RevealedDatabase,
    TenantView,
    ThreadView,
    WorkspaceSettings,
)

T = TypeVar("T")

PATIENCE = 60.0  #: seconds that somebody who stops or deletes an app waits for it


class Engine:
    """What people can do and see."""

    def __init__(self, platform: Platform, feed: Feed, models: ModelChoice, people: People) -> None:
        self._p = platform
        self._ledger = platform.ledger
        self._feed = feed
        self._people = people
        self._builds = BuildRequests(platform.ledger, models)
        self._deployments = DeploymentRequests(platform.ledger, platform.vault)
        self._provisioning = Provisioning(platform.ledger, platform.registry, platform.tenants)
        self.providers = models.providers

    # -- people -----------------------------------------------------------------------------------------------------------

    async def principal(self, platform: str, external_id: str, name: str = "") -> Who:
        """The principal of this platform's user, made when new. Only the local platform is served as yet."""
        if platform != LOCAL_PLATFORM:
            raise NotFound(f"There is no platform {platform!r} here.")
        return await self._people.local(external_id, name)

    async def workspace(self, who: Who) -> WorkspaceSettings:
        """What the workspace has decided."""
        return await self._people.settings(who)

    async def set_workspace(self, who: Who, settings: WorkspaceSettings) -> None:
        """Decide for the workspace; its owner alone may."""
        await self._people.set_settings(who, settings)

    # -- builds -----------------------------------------------------------------------------------------------------------

    async def build(self, who: Who, request: BuildRequest, *, thread: ThreadId | None = None, key: str) -> BuildView:
        """A new app. The same key gives the same build."""
        return await self.build_view(who, await self._builds.build(who, request, thread=thread, key=key))

    async def change(self, who: Who, slug: str, text: str, *, attachments: Sequence[Attachment] = (), key: str) -> BuildView:
        """A change to an app."""
        return await self.build_view(who, await self._builds.change(who, slug, text, attachments=attachments, key=key))

    async def retry(self, who: Who, build: BuildId, *, key: str) -> BuildView:
        """The same request once more."""
        return await self.build_view(who, await self._builds.retry(who, build, key=key))

    async def push(
        self,
        who: Who,
        *,
        name: str,
        files: FileTree,
        framework: FrameworkName,
        dependencies: Mapping[str, str],
        requires_database: bool,
        key: str,
    ) -> BuildView:
        """Files from outside, verified like any other."""
        build = await self._builds.push(
            who,
            name=name,
            files=files,
            framework=framework,
            dependencies=dependencies,
            requires_database=requires_database,
            key=key,
        )
        return await self.build_view(who, build)

    async def cancel(self, who: Who, build: BuildId) -> None:
        """Ask a build to stop."""
        await self._builds.cancel(who, build)

    async def build_view(self, who: Who, build: BuildId) -> BuildView:
        """A build with its files' names, its approval, and why this principal may not approve it."""
        async with self._ledger.transaction() as t:
            row, app = await self._build(t, who, build)
            refusal = await approvals.refusal_for(t, who, row, app)
            return await looking.build_view(t.session, row, refusal=refusal)

    async def builds(self, who: Who, slug: str) -> list[BuildView]:
        """An app's builds, the newest first, without files."""
        async with self._ledger.reading() as session:
            app = await visible_app(session, who, slug=slug)
            rows = await session.scalars(select(Build).where(Build.app_id == app.id).order_by(Build.number.desc()).limit(50))
            return [await looking.build_view(session, row, whole=False) for row in rows]

    async def wait_build(self, who: Who, build: BuildId) -> BuildView:
        """The build once it is over."""
        return await self._until(lambda: self.build_view(who, build), lambda v: v.state.over)

    async def files(self, who: Who, build: BuildId) -> FileTree:
        """The files of a build's revision."""
        async with self._ledger.transaction() as t:
            row, _ = await self._build(t, who, build)
            if row.revision_id is None:
                raise NotFound("This build has written no files yet.")
            return (await load_tree(t.session, row.revision_id))[0]

    async def file(self, who: Who, build: BuildId, path: str) -> str:
        """One file's text."""
        tree = await self.files(who, build)
        if path not in tree:
            raise NotFound(f"There is no file {path[:200]!a} in this build.")
        return tree[path]

    async def picture(self, who: Who, build: BuildId, digest: str) -> Picture:
        """A picture of what a build made."""
        async with self._ledger.transaction() as t:
            row, _ = await self._build(t, who, build)
            return await load_picture(t.session, row.id, digest)

    # -- approvals and deployments ----------------------------------------------------------------------------------------

    async def approve(self, who: Who, approval: ApprovalId, digest: Digest | None = None) -> DeploymentView:
        """Approve an artifact and begin to deploy it; ``digest`` must be its own when given."""
        return await self._deployment(who, await self._deployments.approve(who, approval, digest))

    async def discard(self, who: Who, approval: ApprovalId) -> None:
        """Say no to a build."""
        await self._deployments.discard(who, approval)

    async def rollback(self, who: Who, slug: str, number: int, *, with_data: bool, key: str) -> DeploymentView:
        """Bring a kept release back."""
        return await self._deployment(who, await self._deployments.rollback(who, slug, number, with_data=with_data, key=key))

    async def start(self, who: Who, slug: str, *, key: str) -> DeploymentView:
        """Start a stopped app."""
        return await self._deployment(who, await self._deployments.again(who, slug, "start", key=key))

    async def restart(self, who: Who, slug: str, *, key: str) -> DeploymentView:
        """A new instance of the live release, without a failed request."""
        return await self._deployment(who, await self._deployments.again(who, slug, "restart", key=key))

    async def stop(self, who: Who, slug: str) -> None:
        """Stop an app; its data stay. Returns when it is stopped.

        Raises:
            Conflict: it is not running, or is just being deployed.
        """
        async with self._ledger.transaction() as t:
            app = await visible_app(t.session, who, slug=slug, change=True)
            if app.live_release is None or app.wanted != "running":
                raise Conflict(f"{slug!r} is not running.")
            if await t.session.scalar(
                select(Deployment.id).where(Deployment.app_id == app.id, Deployment.state.in_(["queued", "running"]))
            ):
                raise Conflict(f"{slug!r} is just being deployed; wait for its card, then stop it.")
            app.wanted, app.wanted_by = "stopped", who.name
            t.wake(Work(WorkKind.APP, app.id))
            wanted = app.id
        await self._until_actual(wanted, "stopped")

    async def delete(self, who: Who, slug: str) -> str:
        """Delete an app, its database and its route, for good. Returns the file name of a last snapshot of its data, empty when it had
        none."""
        async with self._ledger.transaction() as t:
            app = await visible_app(t.session, who, slug=slug, change=True)
            app.wanted, app.wanted_by = "deleted", who.name
            await approvals.supersede(t, app.id, by_build="")
            running = await t.session.scalars(
                select(Build).where(Build.app_id == app.id, Build.state.in_(["queued", "running"])).with_for_update()
            )
            for build in running:
                build.cancelled_by = who.name
                if build.state == "queued":
                    build.state, build.ended_at = "cancelled", now()
                    t.tell(app.id, BuildCancelled(build=build.id, by=who.name))
                t.notify(CANCEL_CHANNEL, build.id)
            t.wake(Work(WorkKind.APP, app.id))
            wanted = AppId(app.id)
        await self._until_actual(wanted, "deleted")
        last = EventRow.fact["kind"].astext == "app.deleted"
        async with self._ledger.reading() as session:
            fact = await session.scalar(select(EventRow.fact).where(EventRow.app_id == wanted, last))
        return "" if fact is None else str(fact["snapshot"])

    async def wait_deployment(self, who: Who, deployment: DeploymentId) -> DeploymentView:
        """The deployment once it is over."""
        return await self._until(lambda: self._deployment(who, deployment), lambda v: v.state.over)

    # -- settings ---------------------------------------------------------------------------------------------------------

    async def settings(self, who: Who, slug: str) -> tuple[int, list[str]]:
        """The newest version's number and the names that are set; values are never shown again."""
        async with self._ledger.reading() as session:
            app = await visible_app(session, who, slug=slug)
            version = await app_settings.newest_version(session, app.id)
            return version, sorted(await app_settings.sealed_of(session, app.id, version))

    async def set_settings(
        self, who: Who, slug: str, *, set: Mapping[str, str], unset: Sequence[str], key: str
    ) -> DeploymentView | None:
        """Change settings; the deployment that applies them, None when the app is not running."""
        made = await self._deployments.set_settings(who, slug, set=set, unset=unset, key=key)
        return None if made is None else await self._deployment(who, made)

    # -- seeing -----------------------------------------------------------------------------------------------------------

    async def apps(self, who: Who) -> list[AppView]:
        """The apps that the principal can see, the last changed first."""
        async with self._ledger.reading() as session:
            theirs = (await sight(session, who)).apps()
            rows = await session.scalars(select(App).where(theirs, App.wanted != "deleted").order_by(App.updated_at.desc()))
            return [await looking.app_view(session, row, self._p.edge) for row in rows]

    async def app(self, who: Who, slug: str) -> AppView:
        """One app."""
        async with self._ledger.reading() as session:
            return await looking.app_view(session, await visible_app(session, who, slug=slug), self._p.edge)

    async def releases(self, who: Who, slug: str) -> list[ReleaseView]:
        """An app's releases, the newest first."""
        async with self._ledger.reading() as session:
            app = await visible_app(session, who, slug=slug)
            rows = await session.scalars(select(Release).where(Release.app_id == app.id).order_by(Release.number.desc()))
            return [await looking.release_view(session, app, row) for row in rows]

    async def logs(self, who: Who, slug: str, lines: int = 100) -> list[str]:
        """The last lines that the live instance printed."""
        return list(await self._p.host.logs(await self._live_instance(who, slug), lines=lines))

    async def follow_logs(self, who: Who, slug: str) -> AsyncIterator[str]:
        """Lines as they come; ends when the instance ends."""
        async for line in self._p.host.follow(await self._live_instance(who, slug)):
            yield line

    async def database(self, who: Who, slug: str) -> DatabaseFacts | None:
        """Where the app's database is; None when it has none (yet)."""
        async with self._ledger.reading() as session:
            app = await visible_app(session, who, slug=slug)
        tenant = await self._p.registry.of_app(app.id)
        if tenant is None:
            return None
        access = self._p.tenants.access(tenant)
        return DatabaseFacts(
            tenant=tenant.tenant,
            host=access.host,
            port=access.port,
            name=tenant.database,
            role=tenant.app_role,
            size_limit_mb=tenant.limits.size_mb,
            connections=tenant.limits.connections,
        )

    async def reveal(self, who: Who, slug: str) -> RevealedDatabase:
        """How to reach the database, password and all; for those who may change the app."""
        async with self._ledger.reading() as session:
            app = await visible_app(session, who, slug=slug, change=True)
        tenant = await self._p.registry.of_app(app.id)
        if tenant is None:
            raise NotFound(f"{slug!r} has no database yet; it gets one with its first deployment.")
        access = self._p.tenants.access(tenant)
        return RevealedDatabase(url=access.public_url, app_url=access.url)

    async def deployment_of(self, who: Who, build: BuildId) -> DeploymentView | None:
        """The newest deployment of a build, None when it was never deployed."""
        async with self._ledger.transaction() as t:
            row, _ = await self._build(t, who, build)
            found = await t.session.scalar(
                select(Deployment).where(Deployment.build_id == row.id).order_by(Deployment.created_at.desc()).limit(1)
            )
            return None if found is None else await looking.deployment_view(t.session, found)

    async def provision_tenant(self, who: Who) -> TenantView:
        """A database without an app."""
        return await self._provisioning.provision(who)

    async def tenants(self, who: Who) -> list[TenantView]:
        """The principal's own databases, with their passwords."""
        return await self._provisioning.mine(who)

    async def drop_tenant(self, who: Who, tenant: TenantId) -> None:
        """Remove a database that belongs to no app."""
        await self._provisioning.drop(who, tenant)

    async def usage(self, who: Who, slug: str) -> dict[str, object]:
        """What the app uses: database size in MB, connections, rows per table (estimates), memory in MB, number of builds,
        tokens and estimated cost of its models."""
        async with self._ledger.reading() as session:
            app = await visible_app(session, who, slug=slug)
            builds = await session.scalar(select(func.count()).select_from(Build).where(Build.app_id == app.id))
            release = await session.get(Release, (app.id, app.live_release)) if app.live_release is not None else None
            models = await spent(session, app=app.id)
        tenant = await self._p.registry.of_app(app.id)
        database = await self._p.tenants.usage(tenant) if tenant is not None else None
        stats = await self._p.host.stats(InstanceId(release.instance)) if release is not None else None
        return {
            "builds": builds,
            "tokens": models.tokens,
            "cost_usd": round(models.cost_usd, 4),
            "unpriced_tokens": models.unpriced_tokens,
            "size_mb": round(database.size_mb, 1) if database is not None else None,
            "size_limit_mb": tenant.limits.size_mb if tenant is not None else None,
            "connections": database.connections if database is not None else None,
            "tables": dict(database.tables) if database is not None else {},
            "memory_mb": round(stats.memory_mb, 1) if stats is not None else None,
        }

    # -- threads ----------------------------------------------------------------------------------------------------------

    async def threads(self, who: Who) -> list[ThreadView]:
        """The threads that the principal can see, the last changed first."""
        async with self._ledger.reading() as session:
            seen = await sight(session, who)
            theirs = or_(Thread.app_id.in_(select(App.id).where(seen.apps())), _without_app(seen))
            rows = (await session.scalars(select(Thread).where(theirs).order_by(Thread.updated_at.desc()).limit(200))).all()
            apps = (await session.scalars(select(App).where(App.id.in_([row.app_id for row in rows])))).all()
            views = [await looking.thread_view(session, row) for row in rows]
            del apps  # kept until here, so that the session knew them
            return views

    async def thread(self, who: Who, thread: ThreadId) -> ThreadView:
        """One thread."""
        async with self._ledger.reading() as session:
            return await looking.thread_view(session, await self._thread(session, who, thread))

    async def messages(self, who: Who, thread: ThreadId) -> list[MessageView]:
        """A thread's messages in order."""
        async with self._ledger.reading() as session:
            await self._thread(session, who, thread)
            return await messages_of(session, thread)

    async def latest(self, who: Who) -> int:
        """The newest version of any message or thread: where a reader that has seen everything goes on from."""
        async with self._ledger.reading() as session:
            newest = [await session.scalar(select(func.max(table.version))) or 0 for table in (Message, Thread)]
        return max(newest)

    async def watch(self, who: Who, *, after: int) -> AsyncIterator[MessageView | ThreadView]:
        """Messages with a version above ``after`` and the threads they are in, as they come; never ends."""
        async with contextlib.aclosing(self._feed.wakes(MESSAGES_CHANNEL)) as wakes:
            async for _ in wakes:
                try:
                    async with self._ledger.reading() as session:
                        # One look at both tables: a message that came between two looks would be passed over for ever.
                        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
                        rows = (
                            await session.scalars(select(Message).where(Message.version > after).order_by(Message.version))
                        ).all()
                        changed = (await session.scalars(select(Thread).where(Thread.version > after))).all()
                        seen = await sight(session, who)
                        theirs = [thread for thread in changed if await _sees(session, seen, thread)]
                        threads = [await looking.thread_view(session, thread) for thread in theirs]
                except TemporaryError:
                    continue
                for view_ in threads:
                    yield view_
                names = {thread.id for thread in theirs}
                for row in rows:
                    if row.thread_id in names:
                        yield view(row)
                after = max([after, *(row.version for row in rows), *(t.version for t in changed)])

    async def last_event(self, *, app: AppId | None = None) -> int:
        """The id of the newest event, of one app when given."""
        return await self._ledger.last_event(app=app)

    async def events(self, who: Who, *, app: AppId | None = None, after: int = 0) -> AsyncIterator[Event]:
        """Events that the principal can see, from after an id on, as they come; never ends."""
        async with contextlib.aclosing(self._feed.wakes(EVENTS_CHANNEL)) as wakes:
            async for _ in wakes:
                while True:
                    try:
                        found = await self._ledger.events(after=after, app=app)
                        async with self._ledger.reading() as session:
                            seen = await sight(session, who)
                            rows = await session.scalars(select(App).where(App.id.in_({event.app for event in found})))
                            theirs = {row.id for row in rows if seen.sees(row)}
                    except TemporaryError:
                        break
                    if not found:
                        break
                    for event in found:
                        after = event.id
                        if event.app in theirs:
                            yield event

    # -- inside -----------------------------------------------------------------------------------------------------------

    async def _build(self, t: Transaction, who: Who, build: str) -> tuple[Build, App]:
        row = await t.session.get(Build, build)
        if row is None:
            raise NotFound("That build is not known here, or is not yours to see.")
        return row, await visible_app(t.session, who, app=row.app_id)

    async def _deployment(self, who: Who, deployment: DeploymentId) -> DeploymentView:
        async with self._ledger.reading() as session:
            row = await session.get(Deployment, deployment)
            if row is None:
                raise NotFound("That deployment is not known here, or is not yours to see.")
            await visible_app(session, who, app=row.app_id)
            return await looking.deployment_view(session, row)

    async def _live_instance(self, who: Who, slug: str) -> InstanceId:
        async with self._ledger.reading() as session:
            app = await visible_app(session, who, slug=slug)
            release = await session.get(Release, (app.id, app.live_release)) if app.live_release is not None else None
        if release is None:
            raise Conflict(f"{slug!r} has never been live, so it has no log yet.")
        return InstanceId(release.instance)

    async def _thread(self, session: AsyncSession, who: Who, thread: ThreadId) -> Thread:
        row = await session.get(Thread, thread)
        if row is None or not await _sees(session, await sight(session, who), row):
            raise NotFound("There is no such thread here that you can see.")
        return row

    async def _until(self, look: Callable[[], Awaitable[T]], done: Callable[[T], bool]) -> T:
        async with contextlib.aclosing(self._feed.wakes(EVENTS_CHANNEL)) as wakes:
            async for _ in wakes:
                with contextlib.suppress(TemporaryError):
                    if done(seen := await look()):
                        return seen
        raise AssertionError("unreachable")

    async def _until_actual(self, app: str, wanted: str) -> None:
        """Until the app is as it was wanted.

        Raises:
            Conflict: somebody wants something else by now.
            TemporaryError: it takes long; it goes on by itself.
        """

        async def look() -> tuple[str, str]:
            async with self._ledger.reading() as session:
                now_wanted, actual = (await session.execute(select(App.wanted, App.actual).where(App.id == app))).one()
            return now_wanted, actual

        try:
            async with asyncio.timeout(PATIENCE):
                now_wanted, actual = await self._until(look, lambda seen: seen[0] != wanted or seen[1] == wanted)
        except TimeoutError:
            raise TemporaryError("That takes longer than usual, and goes on by itself; look again in a minute.") from None
        if actual != wanted:
            raise Conflict(f"Somebody else decided otherwise in the meantime: the app is to be {now_wanted} now.")


def _without_app(seen: Sight) -> ColumnElement[bool]:
    """Threads without an app as yet that are theirs to see: everybody's where everybody sees everything, else who opened them."""
    here = and_(Thread.app_id.is_(None), Thread.workspace_id == seen.workspace)
    return here if seen.everything else and_(here, Thread.channel == seen.principal)


async def _sees(session: AsyncSession, seen: Sight, thread: Thread) -> bool:
    if thread.app_id is not None:
        app = await session.get(App, thread.app_id)
        return app is not None and seen.sees(app)
    return thread.workspace_id == seen.workspace and (seen.everything or thread.channel == seen.principal)


__all__ = ["BuildRequest", "Engine"]
