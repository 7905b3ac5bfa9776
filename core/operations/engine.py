"""The engine's face: everything that a person can do or see, whichever platform they come from.

Called by the dialogue, the API and the web page. Every method checks that the principal may; refusals are `UserError`s with the
reason. It answers from the ledger; the work itself is done by whichever worker takes it from the queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import func, select

from core.approvals import approvals
from core.builds.pictures import load_picture
from core.builds.requests import BuildRequest, BuildRequests
from core.builds.revisions import load_tree
from core.builds.spending import builds_since, month_start, spent
from core.deployments import settings as app_settings
from core.deployments.platform import Platform
from core.deployments.requests import DeploymentRequests
from core.errors import Conflict, NotFound, TemporaryError
from core.files import FileTree
from core.generation.choice import ModelChoice
from core.ids import LOCAL_PLATFORM, AppId, ApprovalId, BuildId, DeploymentId, Digest, InstanceId, TenantId, ThreadId
from core.ledger.feed import Feed
from core.ledger.ledger import CANCEL_CHANNEL, Transaction
from core.ledger.queue import Work, WorkKind
from core.ledger.tables import App, Build, Deployment, EventRow, Release, Workspace, now
from core.operations import looking
from core.operations.subscriptions import Subscriptions
from core.operations.watching import Watching
from core.people import People, sight, visible_app
from core.tenants.provisioning import Provisioning
from core.verification.logs import Masks
from core.verification.pictures import Picture
from core.words.attachment import Attachment, attachment
from core.words.events import AppCrashed, BuildCancelled, DatabaseFacts
from core.words.inbound import Who
from core.words.plan import FrameworkName
from core.words.thread_ref import ThreadRef
from core.words.views import (
    AppView,
    BuildView,
    DeploymentView,
    ReleaseView,
    RevealedDatabase,
    SubscriptionView,
    TenantView,
    WorkspaceSettings,
    WorkspaceUsage,
)

T = TypeVar("T")

CRASH_CHARS = 20_000  #: of a crashed app's last lines, for whoever mends it
PATIENCE = 60.0  #: seconds that somebody who stops or deletes an app waits for it


class Engine(Watching):
    """What people can do and see."""

    def __init__(self, platform: Platform, feed: Feed, models: ModelChoice, people: People) -> None:
        super().__init__(platform.ledger, feed)
        self._p = platform
        self._people = people
        self._builds = BuildRequests(platform.ledger, models)
        self._deployments = DeploymentRequests(platform.ledger, platform.vault)
        self._provisioning = Provisioning(platform.ledger, platform.registry, platform.tenants)
        self._subscriptions = Subscriptions(platform.ledger)
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

    async def check_deciding(self, who: Who) -> None:
        """Refuse with `Forbidden` who may not decide for the workspace, before they fill in a form."""
        await self._people.check_deciding(who)

    async def check_managing(self, who: Who, slug: str) -> None:
        """Refuse with `Forbidden` who may not do to the app what nobody approves, before they fill in a form."""
        async with self._ledger.transaction() as t:
            await visible_app(t.session, who, slug=slug, manage=True)

    async def workspace_usage(self, who: Who) -> WorkspaceUsage:
        """The apps that the principal can see, and what the whole workspace used this month."""
        since = month_start(now())
        async with self._ledger.reading() as session:
            workspace = await session.get(Workspace, who.workspace)
            assert workspace is not None
            theirs = (await sight(session, who)).apps()
            here = select(func.count()).select_from(App).where(theirs, App.wanted != "deleted")
            models = await spent(session, workspace=who.workspace, since=since)
            return WorkspaceUsage(
                plan=workspace.plan,
                apps=(await session.scalar(here)) or 0,
                live=(await session.scalar(here.where(App.actual == "running"))) or 0,
                builds=await builds_since(session, who.workspace, since),
                tokens=models.tokens,
                cost_usd=models.cost_usd,
                unpriced_tokens=models.unpriced_tokens,
            )

    # -- builds -----------------------------------------------------------------------------------------------------------

    async def build(
        self,
        who: Who,
        request: BuildRequest,
        *,
        thread: ThreadId | None = None,
        place: ThreadRef | None = None,
        seen: bool = False,
        key: str,
    ) -> BuildView:
        """A new app, in ``thread`` where it has no app yet, else in a thread at ``place``, else in one of the page. ``seen``: the words
        were typed in the thread itself. The same key gives the same build."""
        return await self.build_view(who, await self._builds.build(who, request, thread=thread, place=place, seen=seen, key=key))

    async def change(
        self, who: Who, slug: str, text: str, *, attachments: Sequence[Attachment] = (), seen: bool = False, key: str
    ) -> BuildView:
        """A change to an app. ``seen``: the words were typed in its thread itself."""
        made = await self._builds.change(who, slug, text, attachments=attachments, seen=seen, key=key)
        return await self.build_view(who, made)

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

    async def fix(self, who: Who, slug: str, *, key: str) -> BuildView:
        """A change that mends what the app ended of by itself; its last lines go with it, as a file.

        Raises:
            Conflict: it has not crashed, or something newer is live since.
        """
        crash = EventRow.fact["kind"].astext == "app.crashed"
        async with self._ledger.reading() as session:
            app = await visible_app(session, who, slug=slug, change=True)
            newest = select(EventRow.fact).where(EventRow.app_id == app.id, crash).order_by(EventRow.id.desc()).limit(1)
            fact = await session.scalar(newest)
        if fact is None:
            raise Conflict(f"{slug!r} has not crashed; say in its thread what should be different.")
        crashed = AppCrashed.model_validate(fact)
        if app.live_release != crashed.release:
            raise Conflict(
                f"v{crashed.release} of {slug!r} crashed, but v{app.live_release} is live now; look at the newest card."
            )
        lines = "\n".join(crashed.log_tail).replace("\0", "").strip()[-CRASH_CHARS:]
        text = f"v{crashed.release} crashed. {crashed.reason} Find out why, and mend it."
        said = f"The last lines of v{crashed.release}:\n{lines}\n".encode("utf-8", "replace")
        tail = [attachment("log.txt", said)] if lines else []
        return await self.change(who, slug, text, attachments=tail, key=key)

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

    async def approve(self, who: Who, approval: ApprovalId, digest: Digest | None = None) -> DeploymentView | None:
        """Approve an artifact and begin to deploy it; ``digest`` must be its own when given. None when a second person must say yes
        too."""
        begun = await self._deployments.approve(who, approval, digest)
        return None if begun is None else await self._deployment(who, begun)

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
            app = await visible_app(t.session, who, slug=slug, manage=True)
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
            app = await visible_app(t.session, who, slug=slug, manage=True)
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

    # -- notifications ----------------------------------------------------------------------------------------------------

    async def subscriptions(self, who: Who) -> list[SubscriptionView]:
        """The workspace's channels that are told of what happens."""
        return await self._subscriptions.of(who)

    async def subscribe(self, who: Who, place: ThreadRef, slug: str | None, kinds: Sequence[str]) -> None:
        """Tell a channel of an app, or of all; see `Subscriptions.add`."""
        await self._subscriptions.add(who, place, slug, kinds)

    async def unsubscribe(self, who: Who, place: ThreadRef, slug: str | None) -> bool:
        """Tell it no more; whether it was told."""
        return await self._subscriptions.remove(who, place, slug)

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
            return await looking.app_views(session, rows.all(), self._p.edge)

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
        """The last lines that the live instance printed, without the secrets that it knows."""
        instance, masks = await self._live_instance(who, slug)
        return [masks.hide(line) for line in await self._p.host.logs(instance, lines=lines)]

    async def follow_logs(self, who: Who, slug: str, *, lines: int = 0) -> AsyncIterator[str]:
        """The last ``lines``, and lines as they come, without the secrets that it knows; ends when the instance ends."""
        instance, masks = await self._live_instance(who, slug)
        async for line in self._p.host.follow(instance, lines=lines):
            yield masks.hide(line)

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
        """How to reach the database, password and all; for those who may manage the app."""
        async with self._ledger.reading() as session:
            app = await visible_app(session, who, slug=slug, manage=True)
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

    async def _live_instance(self, who: Who, slug: str) -> tuple[InstanceId, Masks]:
        """The instance of the live release, and what its log must not show."""
        async with self._ledger.reading() as session:
            app = await visible_app(session, who, slug=slug)
            release = await session.get(Release, (app.id, app.live_release)) if app.live_release is not None else None
        if release is None:
            raise Conflict(f"{slug!r} has never been live, so it has no log yet.")
        material = await self._p.material(app.id, release.build_id, release.settings_version)
        return InstanceId(release.instance), self._p.masks(material, await self._p.registry.of_app(app.id))

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


__all__ = ["BuildRequest", "Engine"]
