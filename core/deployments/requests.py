"""Asking for a deployment: an approved build, a rollback, new settings, a start or a restart.

Called by the engine's face. Each writes the row, its first event and the job in one transaction. A release's number is taken here, so
that the card can say it from the start; numbers are never used twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.approvals import approvals
from core.deployments import settings
from core.errors import Conflict, NotFound
from core.ids import ApprovalId, DeploymentId, new_id
from core.ledger.ledger import Ledger, Transaction
from core.ledger.queue import Work, WorkKind
from core.ledger.tables import App, Approval, Deployment, Release
from core.ledger.vault import Vault
from core.people import visible_app
from core.words.events import DeploymentRequested
from core.words.inbound import Who

Purpose = Literal["deploy", "rollback", "settings", "start", "restart"]
#: Whoever presses twice wants it once.
_STARTING = (Deployment.purpose.in_(("start", "restart")), Deployment.state.in_(("queued", "running")))


class DeploymentRequests:
    """Takes requests for deployments."""

    def __init__(self, ledger: Ledger, vault: Vault) -> None:
        self._ledger = ledger
        self._vault = vault

    async def approve(self, who: Who, approval: ApprovalId, digest: str | None) -> DeploymentId | None:
        """Approve a build and begin to deploy exactly that artifact; None when a second person must approve too. See
        `approvals.decide` for the errors."""
        async with self._ledger.transaction() as t:
            decided = await approvals.decide(t, who, approval, digest=digest, approve=True)
            if decided is None:
                return None
            row, build, app = decided
            await t.session.refresh(row, ["decided_by"])  # two names, where two had to say yes
            return await self._begin(
                t,
                app,
                who,
                by=row.decided_by,
                purpose="deploy",
                key=f"approval:{row.id}",
                build=build.id,
                artifact=row.digest,
                release=await next_release(t, app.id),
                settings_version=await settings.newest_version(t.session, app.id),
            )

    async def discard(self, who: Who, approval: ApprovalId) -> None:
        """Say no to a build."""
        async with self._ledger.transaction() as t:
            await approvals.decide(t, who, approval, digest=None, approve=False)

    async def rollback(self, who: Who, slug: str, number: int, *, with_data: bool, key: str) -> DeploymentId:
        """Bring a kept release back, as a new one: its code alone, or with the data as it left them and its settings.

        Raises:
            NotFound: no such release.
            Conflict: it is live already, its artifact was pruned, or no snapshot of its data is kept.
        """
        async with self._ledger.transaction() as t:
            if (known := await _known(t, key)) is not None:
                return known
            app = await visible_app(t.session, who, slug=slug, manage=True)
            release = await t.session.get(Release, (app.id, number))
            if release is None:
                raise NotFound(f"{slug!r} has no release v{number}; `/nexus rollback {slug}` shows the kept ones.")
            if not release.kept:
                raise Conflict(f"v{number} of {slug!r} is not kept any more; choose a newer one.")
            if number == app.live_release and not (with_data and release.snapshot):
                raise Conflict(f"v{number} of {slug!r} is live already.")
            if with_data and not release.snapshot:
                raise Conflict(f"No data of v{number} are kept; roll back its code alone.")
            newest = await settings.newest_version(t.session, app.id)
            return await self._begin(
                t,
                app,
                who,
                purpose="rollback",
                key=key,
                build=release.build_id,
                artifact=release.artifact,
                release=await next_release(t, app.id),
                settings_version=release.settings_version if with_data else newest,
                from_release=number,
                with_data=with_data,
            )

    async def again(self, who: Who, slug: str, purpose: Literal["start", "restart"], *, key: str) -> DeploymentId:
        """Start the live release again, in a new instance; as a new release, when settings have been changed that nothing has used yet.

        Raises:
            Conflict: it never was live, is being started again already, or (for start) runs already.
        """
        async with self._ledger.transaction() as t:
            if (known := await _known(t, key)) is not None:
                return known
            app = await visible_app(t.session, who, slug=slug, manage=True)
            release = await self._live(t.session, app)
            if purpose == "start" and app.wanted == "running" and not app.crashed:
                raise Conflict(f"{slug!r} is running already.")
            if await t.session.scalar(select(Deployment.id).where(Deployment.app_id == app.id, *_STARTING).limit(1)):
                raise Conflict(f"{slug!r} is being started again already; its newest card says how far it is.")
            newest = await settings.newest_version(t.session, app.id)
            unused = newest > release.settings_version and not await t.session.scalar(
                select(Deployment.id).where(Deployment.app_id == app.id, Deployment.settings_version == newest).limit(1)
            )
            return await self._begin(
                t,
                app,
                who,
                purpose="settings" if unused else purpose,
                key=key,
                build=release.build_id,
                artifact=release.artifact,
                release=await next_release(t, app.id) if unused else release.number,
                settings_version=newest if unused else release.settings_version,
            )

    async def set_settings(
        self, who: Who, slug: str, *, set: Mapping[str, str], unset: Sequence[str], key: str
    ) -> DeploymentId | None:
        """Change settings, and apply them by a new release when the app is live; None when there is nothing to apply now."""
        async with self._ledger.transaction() as t:
            if (known := await _known(t, key)) is not None:
                return known
            if not await t.first(f"settings {key}"):
                return None
            app = await visible_app(t.session, who, slug=slug, manage=True)
            current = await settings.newest_version(t.session, app.id)
            version = await settings.change(t, self._vault, who, app, set=set, unset=unset, current=current)
            if version is None or app.live_release is None or app.wanted != "running":
                return None
            release = await self._live(t.session, app)
            return await self._begin(
                t,
                app,
                who,
                purpose="settings",
                key=key,
                build=release.build_id,
                artifact=release.artifact,
                release=await next_release(t, app.id),
                settings_version=version,
            )

    async def _live(self, session: AsyncSession, app: App) -> Release:
        release = await session.get(Release, (app.id, app.live_release)) if app.live_release is not None else None
        if release is None:
            pending = await session.scalar(select(Approval.id).where(Approval.app_id == app.id, Approval.state == "pending"))
            hint = "approve its card" if pending else "build it first"
            raise Conflict(f"{app.slug!r} has never been live; {hint}.")
        return release

    async def _begin(
        self,
        t: Transaction,
        app: App,
        who: Who,
        *,
        purpose: Purpose,
        key: str,
        build: str,
        artifact: str,
        release: int,
        settings_version: int,
        from_release: int | None = None,
        with_data: bool = False,
        by: str | None = None,
    ) -> DeploymentId:
        row = Deployment(
            id=new_id("d"),
            app_id=app.id,
            build_id=build,
            key=key,
            purpose=purpose,
            artifact=artifact,
            release=release,
            settings_version=settings_version,
            from_release=from_release,
            with_data=with_data,
            requested_by=who.principal,
        )
        t.session.add(row)
        t.tell(
            app.id,
            DeploymentRequested(
                deployment=row.id,
                build=build,
                purpose=purpose,
                release=release,
                by=by or who.name,
                from_release=from_release,
                with_data=with_data,
            ),
        )
        t.wake(Work(WorkKind.DEPLOYMENT, row.id))
        return DeploymentId(row.id)


async def next_release(t: Transaction, app: str) -> int:
    """The next free release number of an app."""
    await t.hold(app)
    released = await t.session.scalar(select(func.max(Release.number)).where(Release.app_id == app))
    asked = await t.session.scalar(select(func.max(Deployment.release)).where(Deployment.app_id == app))
    return max(released or 0, asked or 0) + 1


async def _known(t: Transaction, key: str) -> DeploymentId | None:
    """What this key has begun already; whoever comes with it at the same time waits."""
    await t.alone(f"deployment {key}")
    found = await t.session.scalar(select(Deployment.id).where(Deployment.key == key))
    return None if found is None else DeploymentId(found)
