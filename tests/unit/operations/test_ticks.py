"""The ticks go on whatever becomes of Postgres."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from bot import program
from core.ledger.ledger import Ledger


@dataclass(frozen=True)
class Nexus:
    """As much of it as the ticks' lock needs."""

    ledger: Ledger


async def test_when_the_lock_is_lost_with_its_connection_the_ticks_begin_again(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: asyncio.Queue[int] = asyncio.Queue()

    async def ticks(nexus: object) -> None:
        begun.put_nowait(1)
        await asyncio.Event().wait()

    monkeypatch.setattr(program, "_run_ticks", ticks)
    ticking = asyncio.create_task(program._ticking(Nexus(ledger)))  # type: ignore[arg-type]
    try:
        for _ in range(2):
            async with asyncio.timeout(20):
                await begun.get()
            async with ledger.reading() as session:
                await session.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid) "
                        "WHERE locktype = 'advisory' AND datname = current_database()"
                    )
                )
        async with asyncio.timeout(20):
            await begun.get()
        assert not ticking.done()
    finally:
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)


async def test_while_postgres_is_away_the_ticks_wait_for_it(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = asyncio.Event()

    async def ticks(nexus: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(program, "_run_ticks", ticks)
    away = Ledger(ledger.dsn.replace("host=", "host=/nowhere"))
    asked = asyncio.Event()
    connect = away.connect

    async def connecting() -> object:
        asked.set()
        return await connect()

    monkeypatch.setattr(away, "connect", connecting)
    ticking = asyncio.create_task(program._ticking(Nexus(away)))  # type: ignore[arg-type]
    try:
        async with asyncio.timeout(20):
            await asked.wait()
            away.dsn = ledger.dsn
            await begun.wait()
        assert not ticking.done()
    finally:
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
        await away.close()
