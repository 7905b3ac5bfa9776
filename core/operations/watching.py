"""Watching: threads, their messages and events, as they are and as they come. The part of the engine's face that waits.

Called by the page's streams, the API, the CLI and the chat adapters, through `core.operations.engine.Engine`. Everything is looked up
again at every wake, with the rights of the moment: what somebody may not see any more does not reach them any more.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.conversation.presenter import AppFacts, present
from core.errors import NotFound, TemporaryError
from core.ids import AppId, ThreadId
from core.ledger.feed import Feed
from core.ledger.ledger import EVENTS_CHANNEL, MESSAGES_CHANNEL, Ledger
from core.ledger.messages import messages_of, view
from core.ledger.tables import App, Message, Thread, now
from core.operations import looking
from core.people import Sight, sight
from core.words.cards import Card
from core.words.events import Event
from core.words.inbound import Who
from core.words.thread_ref import ThreadRef
from core.words.views import MessageView, ThreadView

T = TypeVar("T")


class Watching:
    """Threads and events."""

    def __init__(self, ledger: Ledger, feed: Feed) -> None:
        self._ledger = ledger
        self._feed = feed

    async def threads(self, who: Who) -> list[ThreadView]:
        """The threads that the principal can see, the last changed first."""
        async with self._ledger.reading() as session:
            seen = await sight(session, who)
            theirs = or_(Thread.app_id.in_(select(App.id).where(seen.apps())), _without_app(seen))
            rows = await session.scalars(select(Thread).where(theirs).order_by(Thread.updated_at.desc()).limit(200))
            return await looking.thread_views(session, rows.all())

    async def thread(self, who: Who, thread: ThreadId) -> ThreadView:
        """One thread."""
        async with self._ledger.reading() as session:
            return await looking.thread_view(session, await self._thread(session, who, thread))

    async def thread_at(self, who: Who, ref: ThreadRef) -> ThreadView | None:
        """The thread that is known at this place of a platform, None when there is none that the principal can see."""
        async with self._ledger.reading() as session:
            row = await session.scalar(
                select(Thread).where(
                    Thread.platform == ref.platform,
                    Thread.workspace_ref == ref.workspace,
                    Thread.channel == ref.channel,
                    Thread.thread == ref.thread,
                )
            )
            if row is None or not await _sees(session, await sight(session, who), row):
                return None
            return await looking.thread_view(session, row)

    async def workspace_at(self, platform: str, channel: str, thread: str) -> str | None:
        """The platform's id of the workspace whose thread is at this place; None when Nexus knows none there."""
        async with self._ledger.reading() as session:
            found: str | None = await session.scalar(
                select(Thread.workspace_ref).where(
                    Thread.platform == platform, Thread.channel == channel, Thread.thread == thread, Thread.opened
                )
            )
        return found

    async def show_again(self, who: Who, thread: ThreadId) -> None:
        """Make sure that a thread shows what it should: somebody pressed what should not be there any more."""
        async with self._ledger.reading() as session:
            await self._thread(session, who, thread)
        await self._show_again(Thread.id == thread)

    async def opened_again(self, platform: str, workspace: str, channel: str = "", thread: str = "") -> None:
        """Show what could not be shown in a place that was closed to Nexus and is open again: a thread, or all of a workspace."""
        here = [Thread.platform == platform, Thread.workspace_ref == workspace]
        if thread:
            here += [Thread.channel == channel, Thread.thread == thread]
        await self._show_again(*here)

    async def _show_again(self, *which: ColumnElement[bool]) -> None:
        async with self._ledger.transaction() as t:
            await t.session.execute(update(Thread).where(*which, Thread.app_id.is_not(None)).values(presented=0))
            t.notify(EVENTS_CHANNEL, "")

    async def cards(self, who: Who, thread: ThreadId) -> list[Card]:
        """The cards that a thread shows, or will show in a moment, in order."""
        async with self._ledger.reading() as session:
            row = await self._thread(session, who, thread)
            app = await session.get(App, row.app_id) if row.app_id is not None else None
        if app is None:
            return []
        events: list[Event] = []
        while more := await self._ledger.events(app=AppId(app.id), after=events[-1].id if events else 0):
            events += more
        facts = AppFacts(slug=app.slug, name=app.name, framework=app.framework)
        return [message.card for message in present(events, app=facts, now=now()) if message.card is not None]

    async def thread_ref(self, who: Who, thread: ThreadId) -> ThreadRef | None:
        """Where a thread is on its platform; None while it is not opened there."""
        async with self._ledger.reading() as session:
            row = await self._thread(session, who, thread)
        return place_of(row) if row.opened else None

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
                        threads = await looking.thread_views(session, theirs)
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


def place_of(row: Thread) -> ThreadRef:
    """Where the thread is, or with an empty thread the channel where it is to be opened."""
    return ThreadRef(
        platform=row.platform,
        workspace=row.workspace_ref,
        channel=row.channel,
        thread=row.thread if row.opened else "",
        user=row.opened_for,
    )


def _without_app(seen: Sight) -> ColumnElement[bool]:
    """Threads without an app as yet that are theirs to see: everybody's where everybody sees everything, else who opened them."""
    here = and_(Thread.app_id.is_(None), Thread.workspace_id == seen.workspace)
    return here if seen.everything else and_(here, Thread.channel == seen.principal)


async def _sees(session: AsyncSession, seen: Sight, thread: Thread) -> bool:
    if thread.app_id is not None:
        app = await session.get(App, thread.app_id)
        return app is not None and seen.sees(app)
    return thread.workspace_id == seen.workspace and (seen.everything or thread.channel == seen.principal)
