"""What was acknowledged is done, also when the process that acknowledged it dies before."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import text

from adapters.slack.desk import KINDS, Told
from adapters.slack.inbound import Pressed, Where
from core.conversation.journal import ATTEMPTS, Journal
from core.errors import TemporaryError
from core.ledger.deliveries import Deliveries, Delivery
from core.ledger.inbox import LedgerInbox
from core.ledger.ledger import Ledger
from core.ledger.vault import Vault
from core.people import People
from tests.contract.slack.inside.house import furnished
from tests.support.dying import Away, begins_nothing
from tests.support.ledger import ledger, migrated, postgres
from tests.support.passing_clock import PassingClock

__all__ = ["ledger", "migrated", "postgres"]


@pytest.mark.parametrize("way", ["command", "button", "reply"])
async def test_what_a_process_acknowledged_before_it_died_another_does_once(ledger: Ledger, way: str) -> None:
    async with AsyncExitStack() as stack:
        kept = Deliveries(ledger, Vault([os.urandom(32)]), "slack")
        house = await furnished(stack, inbox=LedgerInbox(ledger), members=People(ledger), kept=kept)
        first = await house.process()
        thread = await house.app_thread()
        begins_nothing(first.desk)
        match way:
            case "command":
                receipt = await house.ada.command("/nexus", "build a todo app", "#general")
            case "button":
                button = {
                    "type": "button",
                    "action_id": "restart",
                    "text": {"type": "plain_text", "text": "Restart"},
                    "value": "todo",
                }
                await first.calls.call(
                    house.slack.workspace.id,
                    "chat.postMessage",
                    channel=house.general,
                    thread_ts=thread,
                    text="live",
                    blocks=[{"type": "actions", "elements": [button]}],
                )
                receipt = await house.ada.press(house.slack.messages("#general", thread)[-1], "Restart")
            case _:
                receipt = await house.ada.say("#general", "add a priority", thread)
        assert receipt.acknowledged
        assert [] == house.engine.did
        async with ledger.transaction() as t:
            await t.session.execute(text("UPDATE deliveries SET leased_until = now() - interval '1 second'"))
        second = await house.process(sockets=False)
        running = asyncio.create_task(second.desk.run())
        try:
            await house.slack.wait_for(lambda: bool(house.engine.did))
            await house.settled()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert 1 == len(house.engine.did)
        async with ledger.reading() as session:
            assert 0 == await session.scalar(text("SELECT count(*) FROM deliveries"))


async def test_what_cannot_be_kept_is_acknowledged_and_done_all_the_same() -> None:
    async with AsyncExitStack() as stack:
        house = await furnished(stack, kept=Away())
        await house.process()
        assert (await house.ada.command("/nexus", "build a todo app", "#general")).acknowledged
        await house.settled()
        assert ["build"] == house.engine.did


class Left(Away):
    """What a process left behind."""

    def __init__(self, *left: Delivery) -> None:
        self.left = list(left)
        self.forgotten = asyncio.Queue[str]()

    async def done(self, keys: Collection[str]) -> None:
        for key in keys:
            await self.forgotten.put(key)

    async def take(self) -> Sequence[Delivery]:
        taken, self.left = self.left, []
        return taken


async def test_what_kills_every_process_or_cannot_be_read_is_given_up() -> None:
    killer = Delivery(key="press 1", content="{}", attempts=ATTEMPTS + 1)
    store = Left(killer, Delivery(key="press 2", content='{"kind": "Sung", "told": {}}', attempts=2))
    begun: list[Told] = []

    async def begin(told: Told) -> None:
        begun.append(told)

    running = asyncio.create_task(Journal(store, KINDS, clock=PassingClock()).run(begin))
    assert ["press 1", "press 2"] == [await store.forgotten.get(), await store.forgotten.get()]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [] == begun


async def test_everything_that_is_kept_comes_back_as_it_was() -> None:
    pressed = Pressed(
        where=Where(workspace="T1", user="U1", channel="C1", trigger="1.2", response_url="https://hooks.slack.com/x"),
        key="press 1",
        action="approve",
        value="ap_1 b_1 sha256:ab",
    )

    class Memory(Left):
        async def keep(self, contents: Mapping[str, str]) -> Collection[str]:
            self.left += [Delivery(key=key, content=content, attempts=2) for key, content in contents.items()]
            return set(contents)

        async def renew(self, keys: Collection[str]) -> None:
            pass

    journal, begun = Journal(Memory(), KINDS, clock=PassingClock()), asyncio.Queue[Told]()
    assert await journal.keep(pressed)
    running = asyncio.create_task(journal.run(begun.put))
    assert pressed == await begun.get()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


class Slow(Left):
    """A ledger that takes its time, and counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Mapping[str, str]] = []
        self.go_on = asyncio.Event()

    async def keep(self, contents: Mapping[str, str]) -> Collection[str]:
        self.kept.append(contents)
        await self.go_on.wait()
        if "broken" in contents:
            raise TemporaryError("The ledger cannot be reached just now.")
        return set(contents)


def press(key: str) -> Pressed:
    return Pressed(where=Where(workspace="T1", user="U1"), key=key, action="logs", value="todo")


async def test_what_comes_while_the_ledger_writes_is_written_together_and_one_of_two_that_are_alike_is_ours() -> None:
    store = Slow()
    journal = Journal(store, KINDS, clock=PassingClock())
    first = asyncio.create_task(journal.keep(press("1")))
    while not store.kept:  # noqa: ASYNC110 - it is a task of its own
        await asyncio.sleep(0)
    others = [asyncio.create_task(journal.keep(press(key))) for key in ("2", "3", "2")]
    await asyncio.sleep(0)
    store.go_on.set()
    assert [True, True, True, False] == [await one for one in (first, *others)]
    assert [["1"], ["2", "3"]] == [list(contents) for contents in store.kept]


async def test_who_was_written_together_with_what_broke_is_done_all_the_same() -> None:
    store = Slow()
    store.go_on.set()
    journal = Journal(store, KINDS, clock=PassingClock())
    assert [True, True] == await asyncio.gather(journal.keep(press("1")), journal.keep(press("broken")))
    assert await journal.keep(press("2"))
    assert [["1", "broken"], ["2"]] == [list(contents) for contents in store.kept]
