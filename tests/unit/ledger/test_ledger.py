"""The ledger writes rows, events and jobs together, in order, and only once."""

from __future__ import annotations

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.errors import DataFolderError, NotFound, OperatorError, TemporaryError
from core.ids import ThreadId
from core.ledger.feed import Feed
from core.ledger.ledger import Ledger
from core.ledger.messages import Messages
from core.ledger.migrations import migrate
from core.ledger.queue import Work, WorkKind
from core.ledger.tables import Row
from core.ledger.vault import Vault
from core.ledger.waking import Waker, holding
from core.words.cards import Card
from core.words.events import Said


async def test_the_migrations_make_exactly_the_tables_that_the_code_defines(ledger: Ledger) -> None:
    def compare(connection: object) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})  # type: ignore[arg-type]
        return [d for d in compare_metadata(context, Row.metadata) if "pgqueuer" not in str(d)]

    async with ledger.engine.connect() as connection:
        assert [] == await connection.run_sync(compare)


async def test_migrating_again_changes_nothing_and_a_newer_schema_is_refused(ledger: Ledger) -> None:
    await migrate(ledger.engine)
    async with ledger.engine.begin() as connection:
        newest = await connection.scalar(text("SELECT version_num FROM alembic_version"))
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        with pytest.raises(DataFolderError, match="newer Nexus"):
            await migrate(ledger.engine)
    finally:
        async with ledger.engine.begin() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": newest})


async def test_facts_get_sequence_numbers_without_gaps_though_many_write_at_once(ledger: Ledger, app: str) -> None:
    async def one(n: int) -> None:
        async with ledger.transaction() as t:
            t.tell(app, Said(by="p", text=f"{n}a"), Said(by="p", text=f"{n}b"))

    await asyncio.gather(*(one(n) for n in range(20)))
    events = await ledger.events(app=app)  # type: ignore[arg-type]
    assert [e.seq for e in events] == list(range(1, 41))
    assert [e.id for e in events] == sorted(e.id for e in events)
    texts = [e.fact.text for e in events if isinstance(e.fact, Said)]
    assert all(texts[i][:-1] == texts[i + 1][:-1] for i in range(0, 40, 2))


async def test_a_transaction_that_fails_leaves_no_event(ledger: Ledger, app: str) -> None:
    with pytest.raises(ZeroDivisionError):
        async with ledger.transaction() as t:
            t.tell(app, Said(by="p", text="never"))
            raise ZeroDivisionError
    assert [] == await ledger.events(app=app)  # type: ignore[arg-type]


async def test_events_cannot_be_changed_or_deleted(ledger: Ledger, app: str) -> None:
    async with ledger.transaction() as t:
        t.tell(app, Said(by="p", text="kept"))
    for statement in ("UPDATE events SET seq = 0", "DELETE FROM events", "TRUNCATE events"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with ledger.transaction() as t:
                await t.session.execute(text(statement))


async def test_an_idempotency_key_is_first_only_once_though_many_ask_at_once(ledger: Ledger) -> None:
    async def ask() -> bool:
        async with ledger.transaction() as t:
            return await t.first("the same")

    assert sorted(await asyncio.gather(*(ask() for _ in range(10)))) == [False] * 9 + [True]


async def test_a_lock_is_held_by_one_and_freed_when_its_holder_loses_its_connection(ledger: Ledger) -> None:
    async with holding(ledger, "work") as mine:
        assert mine
        async with holding(ledger, "work") as theirs:
            assert not theirs
    entered = asyncio.Event()

    async def hold() -> None:
        async with holding(ledger, "work"):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await entered.wait()
    async with ledger.reading() as session:
        await session.execute(text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"))
    with pytest.raises(TemporaryError):
        await task
    async with holding(ledger, "work") as again:
        assert again


async def test_a_woken_work_reaches_its_handler_also_after_the_queue_lost_its_connection(ledger: Ledger) -> None:
    seen: asyncio.Queue[str] = asyncio.Queue()
    waker = Waker(ledger, {WorkKind.BUILD: seen.put})
    running = asyncio.create_task(waker.run())
    try:
        async with ledger.transaction() as t:
            t.wake(Work(WorkKind.BUILD, "one"))
        assert "one" == await asyncio.wait_for(seen.get(), 60)
        async with ledger.reading() as session:
            await session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query ILIKE '%pgqueuer%'"
                )
            )
        async with ledger.transaction() as t:
            t.wake(Work(WorkKind.BUILD, "two"))
        assert "two" == await asyncio.wait_for(seen.get(), 60)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_the_feed_wakes_its_readers_on_what_is_committed(ledger: Ledger, app: str) -> None:
    feed = Feed(ledger)
    running = asyncio.create_task(feed.run())
    try:
        wakes = feed.wakes("nexus_events")
        await anext(wakes)
        listening = asyncio.create_task(anext(wakes))
        while not listening.done():
            async with ledger.transaction() as t:
                t.tell(app, Said(by="p", text="hear"))
            await asyncio.wait([listening], timeout=0.2)
        await wakes.aclose()  # type: ignore[attr-defined]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert await ledger.events(app=app)  # type: ignore[arg-type]


async def test_a_message_is_posted_once_per_key_and_every_edit_raises_its_version(ledger: Ledger, app: str) -> None:
    messages = Messages(ledger)
    card = Card(kind="notice", title="First")
    posted = await asyncio.gather(*(messages.post(ThreadId(app), "k", card=card) for _ in range(5)))
    assert 1 == len({m.message for m in posted})
    await messages.edit(posted[0].message, Card(kind="notice", title="Second"))
    (only,) = await messages.of(ThreadId(app))
    assert only.card is not None
    assert ("Second", True) == (only.card.title, only.version > posted[0].version)
    await messages.edit(only.message, Card(kind="notice", title="Second"))
    assert [only] == await messages.of(ThreadId(app))  # the same card again is nothing new
    with pytest.raises(NotFound):
        await messages.post(ThreadId("t_none"), "k", card=card)
    with pytest.raises(NotFound):
        await messages.edit("msg_none", card)


def test_a_sealed_secret_opens_only_for_its_owner_and_name_and_with_an_old_key_after_rotation() -> None:
    from pydantic import SecretStr

    old, new = b"o" * 32, b"n" * 32
    token = Vault([old]).seal(SecretStr("s3cret"), owner="app_1", name="KEY")
    assert "s3cret" not in token
    rotated = Vault([new, old])
    assert "s3cret" == rotated.open(token, owner="app_1", name="KEY").get_secret_value()
    for vault, owner, name in ((rotated, "app_2", "KEY"), (rotated, "app_1", "OTHER"), (Vault([new]), "app_1", "KEY")):
        with pytest.raises(OperatorError, match="set the value again"):
            vault.open(token, owner=owner, name=name)
