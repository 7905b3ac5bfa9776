"""A log that is followed is one message, edited for some minutes, which says when that is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from adapters.slack.directs import Directs
from adapters.slack.inbound import STOP_TAIL, Where
from adapters.slack.tail import SlackTails
from core.conversation.tailing import INTERVAL, LIFE, LINES, MOST
from core.errors import Conflict
from core.ids import PrincipalId, ThreadId, WorkspaceId
from core.words.inbound import Who
from tests.contract.slack.inside.house import House, Process
from tests.support.slack import Message, render_text

ADA = Who(principal=PrincipalId("p_ada"), workspace=WorkspaceId("w_1"), name="Ada")


class HandClock:
    """Time passes when the test says so."""

    def __init__(self) -> None:
        self.time = 0.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []
        self.asleep = asyncio.Event()

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        waker = asyncio.Event()
        sleeper = (self.time + seconds, waker)
        self._sleepers.append(sleeper)
        self.asleep.set()
        try:
            await waker.wait()
        finally:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)
            if not self._sleepers:
                self.asleep.clear()

    async def advance(self, seconds: float) -> None:
        """Wait until somebody sleeps, and let that much time pass."""
        await self.asleep.wait()
        self.time += seconds
        due = [one for one in self._sleepers if one[0] <= self.time]
        self._sleepers = [one for one in self._sleepers if one[0] > self.time]
        if not self._sleepers:
            self.asleep.clear()
        for _, waker in due:
            waker.set()


class Following:
    """Tails of one process, on a clock of their own."""

    def __init__(self, house: House, process: Process) -> None:
        self.house = house
        self.clock = HandClock()
        self.tails = SlackTails(process.calls, house.engine, house.inbox, Directs(process.calls), clock=self.clock)

    async def start(self, thread: str) -> Message:
        where = Where(
            workspace=self.house.slack.workspace.id,
            user=self.house.ada.id,
            channel=self.house.general if thread else "",
            thread=thread,
            within=bool(thread),
        )
        before = len(self.house.slack.workspace.messages)
        await self.tails.start(where, ADA, "todo")
        return next(one for one in self.house.slack.workspace.messages[before:] if one.bot_id)

    async def shows(self, message: Message, words: str) -> None:
        await self.house.slack.wait_for(lambda: words in render_text(message))

    async def stop(self, message: Message) -> None:
        await self.tails.stop(self.house.slack.workspace.id, message.channel, message.ts)

    @property
    def edits(self) -> int:
        return len(self.house.slack.called("chat.update"))


@pytest.fixture
async def following(house: House, process: Process) -> AsyncIterator[Following]:
    made = Following(house, process)
    yield made
    await made.tails.close()


def stoppable(message: Message) -> bool:
    return STOP_TAIL in str(message.blocks)


async def test_it_begins_with_the_last_lines_and_says_until_when(house: House, following: Following) -> None:
    thread = await house.app_thread()
    message = await following.start(thread)
    assert message.thread_ts == thread
    assert f"line {LINES - 1}" in render_text(message)
    assert "Followed until" in render_text(message)
    assert stoppable(message)


async def test_new_lines_come_with_the_next_edit_and_only_the_last_ones_are_shown(house: House, following: Following) -> None:
    message = await following.start(await house.app_thread())
    for number in range(30):
        house.engine.printed.put_nowait(f"GET /{number}.")
    await house.slack.wait_for(house.engine.printed.empty)
    await following.clock.advance(INTERVAL)
    await following.shows(message, "GET /29.")
    assert "GET /19." not in render_text(message)
    assert following.edits == 1


async def test_nothing_new_is_no_edit(house: House, following: Following) -> None:
    await following.start(await house.app_thread())
    for _ in range(5):
        await following.clock.advance(INTERVAL)
    await following.clock.asleep.wait()
    assert following.edits == 0


async def test_after_some_minutes_it_ends_by_itself(house: House, following: Following) -> None:
    message = await following.start(await house.app_thread())
    await following.clock.advance(LIFE)
    await following.shows(message, "The time is up.")
    assert not stoppable(message)


async def test_it_ends_with_the_app(house: House, following: Following) -> None:
    message = await following.start(await house.app_thread())
    house.engine.printed.put_nowait("goodbye")
    house.engine.printed.put_nowait(None)
    await house.slack.wait_for(house.engine.printed.empty)
    await following.clock.advance(INTERVAL)
    await following.shows(message, "has ended")
    assert "goodbye" in render_text(message)
    assert not stoppable(message)


async def test_stop_ends_it_at_once(house: House, following: Following) -> None:
    message = await following.start(await house.app_thread())
    await following.stop(message)
    await following.shows(message, "Somebody stopped it.")
    assert not stoppable(message)


async def test_stop_at_another_process_ends_it_too(house: House, process: Process, following: Following) -> None:
    message = await following.start(await house.app_thread())
    await Following(house, process).stop(message)
    await following.shows(message, "not followed any more")
    house.engine.printed.put_nowait("one more")
    await following.clock.advance(INTERVAL)
    await following.shows(message, "Somebody stopped it.")
    assert not stoppable(message)


async def test_stop_is_a_button_that_anybody_in_the_thread_can_press(house: House, process: Process) -> None:
    thread = await house.app_thread()
    following = Following(house, process)
    message = await following.start(thread)
    grace = house.slack.workspace.add_user("Grace")
    await grace.press(message, "Stop")  # arrives at a process that follows nothing
    await house.settled()
    assert not stoppable(message)
    await following.tails.close()


async def test_the_end_of_nexus_is_told(house: House, following: Following) -> None:
    message = await following.start(await house.app_thread())
    await following.tails.close()
    assert "Nexus is being restarted." in render_text(message)
    assert not stoppable(message)


async def test_outside_of_a_thread_it_is_followed_in_direct_messages(house: House, following: Following) -> None:
    message = await following.start("")
    assert message.channel == house.ada.dm


@pytest.mark.parametrize("known", [False, True])
async def test_in_a_thread_that_is_not_the_apps_it_is_followed_in_direct_messages(
    house: House, following: Following, known: bool
) -> None:
    said = await house.ada.say("#general", "who has seen the log?")
    thread = await house.app_thread(ThreadId("t_empty")) if known else said.ts
    message = await following.start(thread)
    assert message.channel == house.ada.dm


async def test_the_same_log_is_followed_once_in_a_place_and_not_without_end_many(house: House, following: Following) -> None:
    thread = await house.app_thread()
    await following.start(thread)
    with pytest.raises(Conflict, match="already"):
        await following.start(thread)
    assert MOST > 1


async def test_an_edit_that_slack_does_not_take_is_made_up_for(house: House, following: Following) -> None:
    message = await following.start(await house.app_thread())
    house.slack.fault("chat.update", status=503)
    await following.stop(message)
    await house.slack.wait_for(lambda: following.edits)
    await following.clock.advance(INTERVAL)
    await following.shows(message, "Somebody stopped it.")
    assert 2 == len(house.slack.called("chat.update")), "the one that was lost, and the one that makes up for it"


async def test_a_message_that_was_deleted_is_followed_no_more(house: House, following: Following) -> None:
    message = await following.start(thread := await house.app_thread())
    message.deleted = True
    house.engine.printed.put_nowait("a line")
    await house.slack.wait_for(house.engine.printed.empty)
    await following.clock.advance(INTERVAL)
    await house.slack.wait_for(lambda: not following.tails.following)
    assert message not in house.slack.messages("#general", thread), "and it is not posted anew"


async def test_a_press_on_follow_in_a_thread_follows_there(house: House, process: Process) -> None:
    thread = await house.app_thread()
    button = {"type": "button", "action_id": "follow", "text": {"type": "plain_text", "text": "Follow"}, "value": "todo"}
    blocks = [{"type": "actions", "elements": [button]}]
    await process.calls.call(
        house.slack.workspace.id, "chat.postMessage", channel=house.general, thread_ts=thread, text="log", blocks=blocks
    )
    await house.ada.press(house.slack.messages("#general", thread)[-1], "Follow")
    await house.settled()
    (message,) = [one for one in house.slack.messages("#general", thread) if "Log of todo" in render_text(one)]
    assert message.thread_ts == thread
    assert not house.told(house.ada)
