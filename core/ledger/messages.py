"""Messages of threads that live in this ledger (the web page's), and the record of what was sent to other platforms.

Written by the web `Chat` and the outbox; read by the page. Versions grow over all messages and threads in commit order, so that a
reader which asks "after version N" never misses one.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import NotFound
from core.ids import ThreadId, new_id
from core.ledger.ledger import MESSAGES_CHANNEL, WRITE_ORDER_LOCK, Ledger, Transaction
from core.ledger.tables import Message, SentMessage, Thread, now
from core.words.cards import Card
from core.words.sent import Sent
from core.words.views import MessageView


async def next_version(transaction: Transaction) -> int:
    """The next version, under the lock that makes versions visible in order; call it last in a transaction."""
    await transaction.session.flush()
    await transaction.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITE_ORDER_LOCK})
    transaction.notify(MESSAGES_CHANNEL, "")
    return int((await transaction.session.execute(text("SELECT nextval('message_versions')"))).scalar_one())


def view(row: Message) -> MessageView:
    return MessageView(
        message=row.id,
        thread=ThreadId(row.thread_id),
        order=row.order,
        version=row.version,
        author=row.author,
        text=row.text,
        card=None if row.card is None else Card.model_validate(row.card),
        at=row.at,
    )


class SentRecord:
    """What each message on a platform last showed."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def find(self, thread: ThreadId, key: str) -> Sent | None:
        async with self._ledger.reading() as session:
            row = await session.get(SentMessage, (thread, key))
        return None if row is None else Sent(message_id=row.message, card_digest=row.card_digest)

    async def record(self, thread: ThreadId, key: str, sent: Sent) -> None:
        async with self._ledger.transaction() as t:
            values = {"message": sent.message_id, "card_digest": sent.card_digest}
            await t.session.execute(
                insert(SentMessage)
                .values(thread_id=thread, key=key, **values)
                .on_conflict_do_update(index_elements=["thread_id", "key"], set_=values)
            )


class Messages:
    """The messages table."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def open(self, workspace: str, title: str, key: str, /) -> ThreadId:
        """A thread of the page without an app as yet; the same key gives the same thread."""
        async with self._ledger.transaction() as t:
            await t.session.execute(
                insert(Thread)
                .values(
                    id=new_id("t"),
                    workspace_id=workspace,
                    platform="web",
                    workspace_ref=workspace,
                    channel="",
                    thread=key,
                    title=title[:200],
                    version=await next_version(t),
                    presented=0,
                    updated_at=now(),
                )
                .on_conflict_do_nothing()
            )
            found = await t.session.scalar(
                select(Thread.id).where(Thread.platform == "web", Thread.workspace_ref == workspace, Thread.thread == key)
            )
        return ThreadId(str(found))

    async def post(
        self, thread: ThreadId, key: str, /, *, card: Card | None = None, author: str = "", text: str = ""
    ) -> MessageView:
        """Post; a key that was posted before in this thread gives that message unchanged."""
        found = await self.find(thread, key)
        if found is not None:
            return found
        async with self._ledger.transaction() as t:
            await _hold_thread(t, thread)
            version = await next_version(t)
            made = await t.session.execute(
                insert(Message)
                .values(
                    id=new_id("msg"),
                    thread_id=thread,
                    key=key,
                    version=version,
                    author=author,
                    text=text,
                    card=None if card is None else card.model_dump(mode="json"),
                    at=now(),
                )
                .on_conflict_do_nothing(index_elements=["thread_id", "key"])
                .returning(Message.id)
            )
            made.scalar()
            await t.session.execute(update(Thread).where(Thread.id == thread).values(version=version, updated_at=now()))
        again = await self.find(thread, key)
        if again is None:
            raise NotFound(f"There is no thread {thread!r}.")
        return again

    async def edit(self, message: str, card: Card, /) -> None:
        """Show this card instead."""
        async with self._ledger.transaction() as t:
            thread = await t.session.scalar(select(Message.thread_id).where(Message.id == message))
            if thread is None:
                raise NotFound(f"There is no message {message!r}.")
            await _hold_thread(t, thread)
            shown, wanted = (
                await t.session.scalar(select(Message.card).where(Message.id == message)),
                card.model_dump(mode="json"),
            )
            if shown == wanted:
                return
            version = await next_version(t)
            await t.session.execute(update(Message).where(Message.id == message).values(card=wanted, version=version))
            await t.session.execute(update(Thread).where(Thread.id == thread).values(version=version, updated_at=now()))

    async def find(self, thread: ThreadId, key: str, /) -> MessageView | None:
        """The message of this key."""
        async with self._ledger.reading() as session:
            row = await session.scalar(select(Message).where(Message.thread_id == thread, Message.key == key))
        return None if row is None else view(row)

    async def of(self, thread: ThreadId) -> Sequence[MessageView]:
        """A thread's messages in order."""
        async with self._ledger.reading() as session:
            return await messages_of(session, thread)


async def _hold_thread(t: Transaction, thread: str) -> None:
    """Its row first, then the lock of the order of writing, as with apps: see `Transaction.hold`."""
    if await t.session.scalar(select(Thread.id).where(Thread.id == thread).with_for_update(key_share=True)) is None:
        raise NotFound(f"There is no thread {thread!r}.")


async def messages_of(session: AsyncSession, thread: ThreadId) -> list[MessageView]:
    rows = await session.scalars(select(Message).where(Message.thread_id == thread).order_by(Message.order))
    return [view(row) for row in rows]
