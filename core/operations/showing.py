"""Showing: keeps every thread's messages what its app's events say.

Run by workers. Woken by events, it folds a thread's events into messages and hands them to the outbox; how far a thread shows is kept on
its row, so that after a crash, or an outage of a platform, the rest is shown, in order, once. One process shows a thread at a time.
"""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy import func, select, update

from core.conversation.chat import ThreadRef
from core.conversation.outbox import Outbox
from core.conversation.presenter import AppFacts, present
from core.errors import TemporaryError
from core.ids import AppId, ThreadId
from core.ledger.feed import Feed
from core.ledger.ledger import EVENTS_CHANNEL, Ledger
from core.ledger.tables import App, EventRow, Thread, now
from core.ledger.waking import holding

log = structlog.get_logger(__name__)


class Showing:
    """Shows threads."""

    def __init__(self, ledger: Ledger, feed: Feed, outbox: Outbox) -> None:
        self._ledger = ledger
        self._feed = feed
        self._outbox = outbox
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Show until cancelled."""
        try:
            async for _ in self._feed.wakes(EVENTS_CHANNEL):
                try:
                    for thread in await self._behind():
                        if thread not in self._tasks:
                            task = asyncio.create_task(self._catch_up(thread), name=f"show {thread}")
                            self._tasks[thread] = task
                            task.add_done_callback(self._done)
                except TemporaryError as error:
                    log.warning("threads cannot be shown just now", error=error.message)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            await self._outbox.close()

    def _done(self, task: asyncio.Task[None]) -> None:
        for thread in [name for name, known in self._tasks.items() if known is task]:
            del self._tasks[thread]

    async def _behind(self) -> list[str]:
        """Threads that show less than their app's events tell."""
        newest = select(func.max(EventRow.id)).where(EventRow.app_id == Thread.app_id).correlate(Thread).scalar_subquery()
        async with self._ledger.reading() as session:
            return list(await session.scalars(select(Thread.id).where(Thread.app_id.is_not(None), Thread.presented < newest)))

    async def _catch_up(self, thread: str) -> None:
        try:
            async with holding(self._ledger, f"thread:{thread}") as mine:
                while mine and await self._show(thread):
                    pass
        except TemporaryError as error:
            log.warning("thread cannot be shown just now", thread=thread, error=error.message)
        except Exception:
            log.exception("thread cannot be shown", thread=thread)

    async def _show(self, thread: str) -> bool:
        """Show what there is; False when there was nothing new."""
        async with self._ledger.reading() as session:
            row = await session.get(Thread, thread)
            app = await session.get(App, row.app_id) if row is not None and row.app_id is not None else None
        if row is None or app is None:
            return False
        events = await self._ledger.events(app=AppId(app.id))
        if not events or events[-1].id <= row.presented:
            return False
        facts = AppFacts(slug=app.slug, name=app.name, framework=app.framework)
        ref = ThreadRef(platform=row.platform, workspace=row.workspace_ref, channel=row.channel, thread=row.thread)
        self._outbox.show(ThreadId(thread), ref, present(events, app=facts, now=now()))
        await self._outbox.settled(ThreadId(thread))
        async with self._ledger.transaction() as t:
            await t.session.execute(update(Thread).where(Thread.id == thread).values(presented=events[-1].id))
        return True
