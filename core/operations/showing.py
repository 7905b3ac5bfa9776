"""Showing: keeps every thread's messages what its app's events say.

Run by workers. Woken by events, it folds a thread's events into messages and hands them to the outbox; how far a thread shows is kept on
its row, so that after a crash, or an outage of a platform, the rest is shown, in order, once. One process shows a thread at a time. Where
a platform does not let Nexus in any more, threads wait for whoever runs it, and are looked at once a minute.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

import structlog
from sqlalchemy import select, update

from core.conversation.outbox import Outbox
from core.conversation.presenter import AppFacts, present
from core.conversation.redaction import shown_line
from core.errors import NexusError, OperatorError, TemporaryError
from core.ids import AppId, ThreadId
from core.ledger.feed import Feed
from core.ledger.ledger import Ledger
from core.ledger.tables import App, EventRow, Thread, now
from core.ledger.waking import holding
from core.operations.catching_up import CatchingUp
from core.operations.watching import place_of
from core.words.events import Event
from core.words.thread_ref import ThreadRef

log = structlog.get_logger(__name__)

HISTORIES = 64  #: apps whose events are kept in memory
#: Of one platform. Each takes a connection of Postgres for as long as the platform lets it wait, and there are not many of these.
THREADS_AT_ONCE = 24
OPERATOR_PAUSE = 60.0  #: seconds until a thread is tried again that waits for whoever runs this Nexus


class Showing(CatchingUp[str]):
    """Shows threads."""

    what = "thread"

    def __init__(self, ledger: Ledger, feed: Feed, outbox: Outbox) -> None:
        super().__init__(feed)
        self._ledger = ledger
        self._outbox = outbox
        self._turns: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(THREADS_AT_ONCE))  # by platform
        self._histories: dict[str, list[Event]] = {}  # of the apps shown last; events never change
        self._put_off: dict[str, float] = {}  # threads that wait for whoever runs this Nexus, and when they are tried again

    async def run(self) -> None:
        """Show until cancelled."""
        try:
            await super().run()
        finally:
            await self._outbox.close()

    def _waits(self, reader: str) -> bool:
        if self._put_off.get(reader, 0.0) > asyncio.get_running_loop().time():
            return True
        self._put_off.pop(reader, None)
        return False

    async def _behind(self) -> list[tuple[str, str]]:
        """Threads of this process's platforms that show less than their app's events tell, each with its platform."""
        newest = (
            select(EventRow.id)
            .where(EventRow.app_id == Thread.app_id)
            .order_by(EventRow.seq.desc())  # the index is by app and seq
            .limit(1)
            .correlate(Thread)
            .scalar_subquery()
        )
        async with self._ledger.reading() as session:
            ours = (Thread.app_id.is_not(None), Thread.platform.in_(self._outbox.chats))
            found = await session.execute(select(Thread.id, Thread.platform).where(*ours, Thread.presented < newest))
            return [(row.id, row.platform) for row in found]

    async def _history(self, app: AppId) -> list[Event]:
        """All events of an app; only those that are new are read."""
        known = self._histories.pop(app, [])
        while more := await self._ledger.events(app=app, after=known[-1].id if known else 0):
            known += more
        self._histories[app] = known
        if len(self._histories) > HISTORIES:
            del self._histories[next(iter(self._histories))]
        return known

    async def _catch_up(self, thread: str, platform: str) -> None:
        try:
            async with self._turns[platform], holding(self._ledger, f"thread:{thread}") as mine:
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
        events = await self._history(AppId(app.id))
        if not events or events[-1].id <= row.presented:
            return False
        facts = AppFacts(slug=app.slug, name=app.name, framework=app.framework)
        newest = events[-1].id
        ref = place_of(row)
        if not row.opened:
            try:
                ref = await self._open(row)
            except TemporaryError:
                raise
            except OperatorError as error:
                log.warning("thread cannot be opened for now", thread=thread, error=error.message)
                return self._wait_for_operator(thread)
            except NexusError as error:  # there is nobody to show it to; the next event is another try
                log.warning("thread cannot be opened", thread=thread, error=error.message)
                await self._shown(thread, newest)
                return True
        self._outbox.show(ThreadId(thread), ref, present(events, app=facts, now=now()))
        try:
            await self._outbox.settled(ThreadId(thread))
        except asyncio.CancelledError:  # this process has lost its lock, or ends: another one writes there now
            await self._outbox.leave(ThreadId(thread))
            raise
        if self._outbox.left_unshown(ThreadId(thread)):
            return self._wait_for_operator(thread)
        await self._shown(thread, newest)
        return True

    def _wait_for_operator(self, thread: str) -> bool:
        self._put_off[thread] = asyncio.get_running_loop().time() + OPERATOR_PAUSE
        return False

    async def _open(self, row: Thread) -> ThreadRef:
        """Open the thread on its platform. Done twice, because the first was cut off before it was written down, it is one thread."""
        chat = self._outbox.chats[row.platform]
        title = shown_line(row.title)  # they are somebody's words, typed where nobody else read them
        ref = await chat.open_thread(row.workspace_ref, row.channel, title, key=row.id, user=row.opened_for)
        async with self._ledger.transaction() as t:
            await t.session.execute(
                update(Thread).where(Thread.id == row.id).values(channel=ref.channel, thread=ref.thread, opened=True)
            )
        return ref

    async def _shown(self, thread: str, newest: int) -> None:
        async with self._ledger.transaction() as t:
            await t.session.execute(update(Thread).where(Thread.id == thread).values(presented=newest))
