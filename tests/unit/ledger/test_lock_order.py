"""Whoever writes at the same time waits for each other in one order, and never for ever."""

from __future__ import annotations

import asyncio

from sqlalchemy import select

from core.ids import ThreadId
from core.ledger.ledger import Ledger
from core.ledger.messages import Messages
from core.ledger.tables import App, Thread
from core.words.cards import Card
from core.words.events import Said


async def test_who_has_an_app_in_hand_and_who_only_tells_of_it_both_come_to_an_end(ledger: Ledger, app: str) -> None:
    holding, telling = asyncio.Event(), asyncio.Event()

    async def holder() -> None:
        async with ledger.transaction() as t:
            await t.session.execute(select(App).where(App.id == app).with_for_update())
            holding.set()
            await telling.wait()
            t.tell(app, Said(by="p", text="held"))

    async def teller() -> None:
        await holding.wait()
        async with ledger.transaction() as t:
            t.tell(app, Said(by="p", text="told"))
            asyncio.get_running_loop().call_later(0.3, telling.set)  # by then this one waits inside Postgres

    async with asyncio.timeout(20):
        await asyncio.gather(holder(), teller())
    texts = [event.fact.text for event in await ledger.events(app=app)]  # type: ignore[arg-type, union-attr]
    assert ["held", "told"] == texts


async def test_who_has_a_thread_in_hand_and_who_posts_into_it_both_come_to_an_end(ledger: Ledger, app: str) -> None:
    holding, posting = asyncio.Event(), asyncio.Event()

    async def holder() -> None:
        async with ledger.transaction() as t:
            await t.session.execute(select(Thread).where(Thread.id == app).with_for_update())
            holding.set()
            await posting.wait()
            t.tell(app, Said(by="p", text="held"))

    async def poster() -> None:
        await holding.wait()
        asyncio.get_running_loop().call_later(0.3, posting.set)
        await Messages(ledger).post(ThreadId(app), "k", card=Card(kind="notice", title="Hello"))

    async with asyncio.timeout(20):
        await asyncio.gather(holder(), poster())
    assert 1 == len(await Messages(ledger).of(ThreadId(app)))
