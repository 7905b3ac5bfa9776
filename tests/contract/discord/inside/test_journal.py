"""What was acknowledged is done, also when the process that acknowledged it dies before."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict

import pytest
from sqlalchemy import text

from adapters.discord.desk import KINDS
from adapters.discord.inbound import Filled, Named, Pressed, Said, Shared, Told, Where
from core.conversation.journal import Journal
from core.ledger.deliveries import Deliveries, Delivery
from core.ledger.inbox import LedgerInbox
from core.ledger.ledger import Ledger
from core.ledger.vault import Vault
from core.people import People
from core.words.cards import Button
from tests.contract.discord.inside.house import furnished
from tests.support.discord import Receipt, render_text
from tests.support.dying import Away, begins_nothing
from tests.support.ledger import ledger, migrated, postgres
from tests.support.passing_clock import PassingClock

__all__ = ["ledger", "migrated", "postgres"]


@pytest.mark.parametrize("way", ["command", "button", "reply", "form"])
async def test_what_a_process_acknowledged_before_it_died_another_does_once(ledger: Ledger, way: str) -> None:
    async with AsyncExitStack() as stack:
        kept = Deliveries(ledger, Vault([os.urandom(32)]), "discord")
        house = await furnished(stack, inbox=LedgerInbox(ledger), members=People(ledger), kept=kept)
        first = await house.process()
        thread = await house.app_thread()
        card = await house.card(first, thread, Button(action="restart", value="todo", label="Restart"))
        form = await (await house.ada.slash("#general", "nexus build")).shown() if way == "form" else None
        await house.settled()
        begins_nothing(first.desk)
        done: Receipt
        match way:
            case "command":
                done = await house.ada.slash("#general", "nexus build", description="a todo app")
            case "button":
                done = await house.ada.click(card, "Restart")
            case "form":
                assert form is not None
                done = await house.ada.submit(form, {"What should it do?": "a shop"})
            case _:
                done = await house.ada.say(thread, "add a priority")
                await house.heard(done)
        assert done.acknowledged or way == "reply"
        assert [] == house.engine.did
        async with ledger.transaction() as t:
            await t.session.execute(text("UPDATE deliveries SET leased_until = now() - interval '1 second'"))
        second = await house.process(listens=False)
        running = asyncio.create_task(second.desk.run())
        try:
            await house.discord.wait_for(lambda: bool(house.engine.did))
            await house.settled()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert 1 == len(house.engine.did)
        if way != "reply":
            assert any("being built" in told or "Restarting" in told for told in house.told(house.ada))
            await done.settled()
        async with ledger.reading() as session:
            assert 0 == await session.scalar(text("SELECT count(*) FROM deliveries"))


async def test_a_form_that_a_dead_process_was_to_open_is_offered_by_another_where_that_can_be_seen(ledger: Ledger) -> None:
    """Nobody acknowledged it, so that it can be answered by a direct message alone."""
    async with AsyncExitStack() as stack:
        kept = Deliveries(ledger, Vault([os.urandom(32)]), "discord")
        house = await furnished(stack, inbox=LedgerInbox(ledger), members=People(ledger), kept=kept)
        first = await house.process()
        begins_nothing(first.desk)
        asking = asyncio.create_task(house.ada.slash("#general", "nexus build"))
        await house.discord.wait_for(lambda: any(one.channel for one in house.discord.interactions.values()))
        async with ledger.transaction() as t:
            while not await t.session.scalar(text("SELECT count(*) FROM deliveries")):  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0)
        await first.interactions.close()
        house.discord.advance(4)
        assert (await asking).error
        async with ledger.transaction() as t:
            await t.session.execute(text("UPDATE deliveries SET leased_until = now() - interval '1 second'"))
        second = await house.process(listens=False)
        running = asyncio.create_task(second.desk.run())
        try:
            offer = await house.discord.wait_for(lambda: next(iter(house.direct(house.ada)), None))
            await house.settled()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert "“Build an app” needs a form" in render_text(offer)


async def test_what_cannot_be_kept_is_acknowledged_and_done_all_the_same() -> None:
    async with AsyncExitStack() as stack:
        house = await furnished(stack, kept=Away())
        await house.process()
        assert (await house.ada.slash("#general", "nexus build", description="a todo app")).acknowledged
        await house.settled()
        assert ["build"] == house.engine.did


class Left:
    """What a process left behind."""

    def __init__(self) -> None:
        self.left: list[Delivery] = []

    async def keep(self, contents: Mapping[str, str]) -> Collection[str]:
        self.left += [Delivery(key=key, content=content, attempts=2) for key, content in contents.items()]
        return set(contents)

    async def done(self, keys: Collection[str]) -> None: ...
    async def renew(self, keys: Collection[str]) -> None: ...

    async def take(self) -> Sequence[Delivery]:
        taken, self.left = self.left, []
        return taken


WHERE = Where(
    workspace="1",
    user="2",
    name="Ada",
    admin=True,
    roles=("3", "4"),
    channel="5",
    thread="6",
    within=True,
    interaction="7",
    application="8",
    token="secret",
    since=9.5,
    deferred="message",
    limit=10,
    command="11",
)


@pytest.mark.parametrize(
    "told",
    [
        Said(where=WHERE, key="said", text="a todo app", way="pick", files=(Shared(id="1", name="a", size=2, url="https://x"),)),
        Pressed(where=WHERE, key="press", action="approve", value="ap_1 b_1 sha256:ab", message="12", asks=True),
        Filled(
            where=WHERE,
            key="form",
            form="env",
            value="todo",
            values={"more": "A=b"},
            people=(Named(id="1", name="x", role=True),),
        ),
    ],
    ids=lambda told: type(told).__name__,
)
async def test_everything_that_is_kept_comes_back_as_it_was(told: Told) -> None:
    journal, begun = Journal(Left(), KINDS, clock=PassingClock()), asyncio.Queue[Told]()
    assert await journal.keep(told)
    running = asyncio.create_task(journal.run(begun.put))
    come = await begun.get()
    assert type(told) is type(come)
    assert json.dumps(asdict(told)) == json.dumps(asdict(come))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
