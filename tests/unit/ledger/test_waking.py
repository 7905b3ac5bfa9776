"""A work is begun once per process, and only while there is a process to do it."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from core.errors import TemporaryError
from core.ledger.ledger import Ledger
from core.ledger.tables import Build
from core.ledger.waking import Waker, Work, WorkKind, holding
from core.words.events import BuildNote, Said


async def test_a_build_that_is_in_hand_is_not_begun_a_second_time_until_it_is_over(ledger: Ledger) -> None:
    begun: list[str] = []
    gate = asyncio.Event()

    async def handle(name: str) -> None:
        begun.append(name)
        await gate.wait()

    waker = Waker(ledger, {WorkKind.BUILD: handle, WorkKind.APP: handle})
    for _ in range(5):
        waker.start(Work(WorkKind.BUILD, "b"))
        waker.start(Work(WorkKind.APP, "a"))
    await asyncio.sleep(0)
    assert ["a"] * 5 + ["b"] == sorted(begun)  # an app may have changed since the one in hand looked
    gate.set()
    await asyncio.gather(*waker._tasks)
    waker.start(Work(WorkKind.BUILD, "b"))
    await asyncio.gather(*waker._tasks)
    assert 2 == begun.count("b")


async def test_a_waker_that_has_ended_begins_nothing(ledger: Ledger) -> None:
    begun: list[str] = []

    async def handle(name: str) -> None:
        begun.append(name)

    waker = Waker(ledger, {WorkKind.BUILD: handle})
    running = asyncio.create_task(waker.run())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    waker.start(Work(WorkKind.BUILD, "b"))
    assert not waker._tasks
    assert not begun


async def test_a_lock_is_waited_for_as_long_as_was_said(ledger: Ledger) -> None:
    async with holding(ledger, "waited for") as mine:
        assert mine
        async with holding(ledger, "waited for", wait=0.05) as theirs:
            assert not theirs


async def test_who_is_stopped_while_holding_a_lock_is_stopped_and_nothing_else(ledger: Ledger) -> None:
    inside = asyncio.Event()

    async def hold() -> None:
        async with holding(ledger, "stopped"):
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with holding(ledger, "stopped", wait=5.0) as again:
        assert again


async def test_a_connection_that_cannot_be_had_is_a_passing_fault() -> None:
    away = Ledger("postgresql://nobody@/nothing?host=/nowhere&port=1")
    with pytest.raises(TemporaryError):
        await away.connect()
    with pytest.raises(TemporaryError):
        async with away.reading() as session:
            await session.execute(text("SELECT 1"))
    await away.close()


async def test_text_that_postgres_refuses_is_kept_as_near_to_it_as_it_can_be(ledger: Ledger, app: str) -> None:
    async with ledger.transaction() as t:
        t.tell(app, Said(by="p", text="a\0b\ud800c \\u0000 é"), BuildNote(build="b\0", text="plain"))
    said, note = [event.fact for event in await ledger.events(app=app)]  # type: ignore[arg-type]
    assert isinstance(said, Said)
    assert isinstance(note, BuildNote)
    assert ("a\ufffdb?c \\u0000 é", "b\ufffd") == (said.text, note.build)
    async with ledger.transaction() as t:
        row = Build(
            id="b_clean", app_id=app, number=1, key="k\0", purpose="new", text="\ud800", provider="", requested_by="p", request={}
        )
        t.session.add(row)
    async with ledger.reading() as session:
        found = await session.get(Build, "b_clean")
    assert found is not None
    assert ("k\ufffd", "?") == (found.key, found.text)
