"""Pruning: what nobody can come back to any more is removed, so that no disk is filled by old releases.

Called by the program's ticks. Of every app the last releases stay, those of the last days, and the live one; with them their artifacts and
their data. An app's releases are counted among its own alone, and an artifact goes only when no app needs it. The rows go first: a crash
leaves files that nothing refers to, which the next tick removes. It never touches events: they are the history.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, text, update

from core.hosting.host import Host, InstanceState
from core.ids import Digest, InstanceId
from core.ledger.ledger import Ledger
from core.ledger.tables import App, Approval, Deployment, InboxKey, PictureRow, Release, SigninLink, StepRow, WebSession, now
from core.verification.artifacts import ArtifactStore

log = structlog.get_logger(__name__)

KEPT_RELEASES = 5  #: per app, whatever their age
KEPT_FOR = timedelta(days=3)  #: however many there are
LAST_SNAPSHOT_FOR = timedelta(days=30)  #: of a deleted app's data
STRAY_FOR = timedelta(days=1)  #: a snapshot that no row refers to: it may be one that is being made
KEYS_FOR = timedelta(days=7)  #: idempotency keys; nothing is delivered again that late
QUEUE_FOR = timedelta(days=3)  #: its log, and jobs whose worker was cut off from Postgres: rows say what can move, not jobs

_UNFINISHED = ("queued", "running")


class Pruning:
    """Removes what is not kept."""

    def __init__(self, ledger: Ledger, store: ArtifactStore, host: Host, snapshots: Path) -> None:
        self._ledger = ledger
        self._store = store
        self._host = host
        self._snapshots = snapshots

    async def prune(self) -> None:
        """Remove all of it."""
        for instance in await self._let_releases_go():
            status = await self._host.poll(instance)
            if status.state in {InstanceState.EXITED, InstanceState.STOPPED}:
                await self._host.forget(instance)
        pruned = await self._store.prune(await self._needed_artifacts())
        needed = await self._needed_snapshots()
        removed = await asyncio.to_thread(_remove_but, self._snapshots, needed)
        await self._forget_old_rows()
        if pruned.artifacts or pruned.layers or removed:
            log.info("pruned", artifacts=pruned.artifacts, layers=pruned.layers, snapshots=removed)

    async def _let_releases_go(self) -> list[InstanceId]:
        """Mark the releases that are not kept any more; returns their instances."""
        gone: list[InstanceId] = []
        for app in await self._apps_with_old_releases():
            async with self._ledger.transaction() as t:
                await t.hold(app)
                found = await t.session.execute(_old_releases().where(App.id == app))
                numbers = [row.number for row in found]
                released = await t.session.scalars(
                    update(Release)
                    .where(Release.app_id == app, Release.number.in_(numbers))
                    .values(kept=False, snapshot="")
                    .returning(Release.instance)
                )
                gone += [InstanceId(instance) for instance in released]
        return gone

    async def _apps_with_old_releases(self) -> Sequence[str]:
        async with self._ledger.reading() as session:
            return sorted({row.app_id for row in await session.execute(_old_releases())})

    async def _needed_artifacts(self) -> Collection[Digest]:
        async with self._ledger.reading() as session:
            kept = await session.scalars(select(Release.artifact).where(Release.kept).distinct())
            asked = await session.scalars(select(Approval.digest).where(Approval.state == "pending"))
            going_up = await session.scalars(select(Deployment.artifact).where(Deployment.state.in_(_UNFINISHED)))
            return {Digest(digest) for digest in (*kept, *asked, *going_up)}

    async def _needed_snapshots(self) -> Collection[str]:
        async with self._ledger.reading() as session:
            kept = await session.scalars(select(Release.snapshot).where(Release.snapshot != ""))
            coming_back = await session.scalars(
                select(StepRow.output["snapshot"].astext)
                .join(Deployment, Deployment.id == StepRow.work_id)
                .where(StepRow.name == "source", Deployment.state.in_(_UNFINISHED))
            )
            return {*kept, *coming_back}

    async def _forget_old_rows(self) -> None:
        moment = now()
        async with self._ledger.transaction() as t:
            await t.session.execute(delete(InboxKey).where(InboxKey.at < moment - KEYS_FOR))
            await t.session.execute(delete(SigninLink).where(SigninLink.expires_at < moment))
            await t.session.execute(delete(PictureRow).where(PictureRow.created_at < moment - KEPT_FOR, ~_still_shown()))
            await t.session.execute(delete(WebSession).where(WebSession.expires_at < moment))
            for old in ("pgqueuer_log WHERE created < :before", "pgqueuer WHERE updated < :before"):
                await t.session.execute(text(f"DELETE FROM {old}"), {"before": moment - QUEUE_FOR})  # noqa: S608 - our own words


def _old_releases() -> Select[tuple[str, int]]:
    """The kept releases that need not be: of deleted apps all, of others those that are old, neither live nor about to be."""
    newer = func.row_number().over(partition_by=Release.app_id, order_by=Release.number.desc())
    ranked = select(Release.app_id, Release.number, Release.created_at, newer.label("rank")).where(Release.kept).subquery()
    wanted = (
        select(Deployment.id)
        .where(
            Deployment.app_id == ranked.c.app_id,
            Deployment.state.in_(_UNFINISHED),
            or_(Deployment.from_release == ranked.c.number, Deployment.release == ranked.c.number),
        )
        .exists()
    )
    old = and_(
        ranked.c.rank > KEPT_RELEASES,
        ranked.c.created_at < now() - KEPT_FOR,
        ranked.c.number != func.coalesce(App.live_release, 0),
        ~wanted,
    )
    return select(ranked.c.app_id, ranked.c.number).join(App, App.id == ranked.c.app_id).where(or_(App.actual == "deleted", old))


def _still_shown() -> ColumnElement[bool]:
    """Whether a card shows the picture: somebody may still approve its build, or it is on its way, or live."""
    asked = select(Approval.id).where(Approval.build_id == PictureRow.build_id, Approval.state == "pending")
    going_up = select(Deployment.id).where(Deployment.build_id == PictureRow.build_id, Deployment.state.in_(_UNFINISHED))
    live = (
        select(Release.number)
        .join(App, and_(App.id == Release.app_id, App.live_release == Release.number))
        .where(Release.build_id == PictureRow.build_id, App.wanted != "deleted")
    )
    return or_(asked.exists(), going_up.exists(), live.exists())


def _remove_but(folder: Path, needed: Collection[str]) -> int:
    removed = 0
    with contextlib.suppress(FileNotFoundError):
        for path in list(folder.iterdir()):
            kept_for = LAST_SNAPSHOT_FOR if path.name.endswith("-last.dump") else STRAY_FOR
            with contextlib.suppress(FileNotFoundError):
                if path.name not in needed and time.time() - path.stat().st_mtime > kept_for.total_seconds():
                    path.unlink()
                    removed += 1
    return removed
