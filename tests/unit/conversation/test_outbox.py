"""The outbox makes a thread look as wanted: nothing twice, nothing out of order, the last state always."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator

import pytest

from core.conversation.chat import Capability
from core.conversation.fake_chat import FakeChat, MemorySentMessages
from core.conversation.outbox import LONGEST_DELAY, UNEXPECTED_TRIES, Outbox
from core.conversation.presenter import AppFacts, Message, present
from core.errors import NotFound, OperatorError, TemporaryError
from core.ids import ThreadId
from core.words.cards import Card, Tone
from core.words.thread_ref import ThreadRef
from tests.support import stories as s

THREAD, OTHER = ThreadId("t_1"), ThreadId("t_2")


class HandClock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.time = 100.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._count = itertools.count()

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (self.time + seconds, next(self._count), woken))
        await woken.wait()

    async def pass_(self, seconds: float) -> None:
        """Let time pass, and everything due happen."""
        end = self.time + seconds
        await idle()
        while self._sleepers and self._sleepers[0][0] <= end + 1e-9:
            self.time, _, woken = heapq.heappop(self._sleepers)
            woken.set()
            await idle()
        self.time = end


async def idle() -> None:
    """Let everything run that can run now."""
    for _ in range(200):
        await asyncio.sleep(0)


class Stage:
    """An outbox with its surroundings. The platform takes an edit of a message every 2 seconds."""

    def __init__(self, interval: float = 2.0) -> None:
        self.clock = HandClock()
        self.chat = FakeChat("fake", min_interval=interval, now=self.clock.now)
        self.sent = MemorySentMessages()
        self.interval = interval
        self.outbox = self.restarted()

    def restarted(self) -> Outbox:
        self.outbox = Outbox({"fake": self.chat}, self.sent, intervals={"fake": self.interval}, clock=self.clock)
        return self.outbox

    async def show(self, *messages: Message, thread: ThreadId = THREAD) -> None:
        self.outbox.show(thread, ref(thread), messages)
        await idle()

    def statuses(self) -> list[str]:
        return [m.card.status if m.card is not None else m.text for m in self.chat.messages]


def ref(thread: ThreadId) -> ThreadRef:
    return ThreadRef(platform="fake", workspace="w", channel="c", thread=thread)


def card(key: str, status: str) -> Message:
    return Message(key=key, card=Card(kind="build", title="Todo", status=status, tone=Tone.WORKING))


def words(key: str, text: str) -> Message:
    return Message(key=key, author="Ann", text=text)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    yield made
    await made.outbox.close()


async def test_what_is_missing_is_posted_in_order(stage: Stage) -> None:
    await stage.show(words("said:1", "a todo app"), card("build:1", "Building"), card("deploy:1", "Deploying"))
    assert stage.chat.calls == [("say", "said:1"), ("post", "build:1"), ("post", "deploy:1")]
    await stage.outbox.settled()


async def test_what_is_equal_is_skipped_and_what_differs_is_edited(stage: Stage) -> None:
    await stage.show(words("said:1", "a todo app"), card("build:1", "Building"), card("build:2", "Building"))
    await stage.clock.pass_(5)
    await stage.show(words("said:1", "a todo app"), card("build:1", "Ready"), card("build:2", "Building"))
    assert stage.chat.calls[3:] == [("edit", "build:1")]
    assert stage.statuses() == ["a todo app", "Ready", "Building"]


async def test_edits_keep_the_interval_and_the_latest_wins_and_the_last_is_always_written(stage: Stage) -> None:
    await stage.show(card("build:1", "0"))
    for n in range(1, 8):
        await stage.show(card("build:1", str(n)))
        await stage.clock.pass_(0.5)
    assert [c.status for c in stage.chat.messages[0].history] == ["0", "4"]
    await stage.clock.pass_(0.5)
    assert [c.status for c in stage.chat.messages[0].history] == ["0", "4", "7"]
    await asyncio.wait_for(stage.outbox.settled(), 5)


async def test_a_message_that_waits_for_its_interval_does_not_hold_up_new_ones(stage: Stage) -> None:
    await stage.show(card("build:1", "Building"))
    await stage.show(card("build:1", "Ready"), card("deploy:1", "Deploying"))
    assert stage.statuses() == ["Building", "Deploying"]
    await stage.clock.pass_(2)
    assert stage.statuses() == ["Ready", "Deploying"]


async def test_a_platform_without_an_interval_is_edited_at_once() -> None:
    stage = Stage(interval=0.0)
    for n in range(5):
        await stage.show(card("build:1", str(n)))
    assert [c.status for c in stage.chat.messages[0].history] == ["0", "1", "2", "3", "4"]


async def test_a_passing_fault_is_repeated_later_with_growing_delays_and_keeps_the_order(stage: Stage) -> None:
    stage.chat.fail(*(TemporaryError() for _ in range(3)))
    await stage.show(words("said:1", "a todo app"), card("build:1", "Building"))
    assert stage.chat.calls == []
    tries: list[float] = []
    stage.chat.before = lambda verb, key: tries.append(stage.clock.time - 100)
    await stage.clock.pass_(30)
    assert tries == [1.0, 3.0, 7.0, 7.0]
    assert stage.chat.calls == [("say", "said:1"), ("post", "build:1")]


async def test_delays_do_not_grow_for_ever(stage: Stage) -> None:
    stage.chat.fail(*(TemporaryError() for _ in range(12)))
    tries: list[float] = []
    stage.chat.before = lambda verb, key: tries.append(stage.clock.time)
    await stage.show(card("build:1", "Building"))
    await stage.clock.pass_(3600)
    assert tries[-1] - tries[-2] == LONGEST_DELAY
    assert stage.statuses() == ["Building"]


async def test_what_is_newer_when_a_fault_has_passed_is_shown_instead(stage: Stage) -> None:
    stage.chat.fail(TemporaryError())
    await stage.show(card("build:1", "Building"))
    await stage.show(card("build:1", "Ready"))
    await stage.clock.pass_(1)
    assert [c.status for c in stage.chat.messages[0].history] == ["Ready"]


async def test_a_lost_answer_posts_nothing_twice(stage: Stage) -> None:
    stage.chat.lose_answers(1)
    await stage.show(words("said:1", "a todo app"), card("build:1", "Building"))
    await stage.clock.pass_(10)
    assert stage.chat.calls == [("say", "said:1"), ("post", "build:1")]
    assert stage.statuses() == ["a todo app", "Building"]


async def test_after_a_restart_nothing_is_posted_twice_and_what_changed_is_edited(stage: Stage) -> None:
    await stage.show(words("said:1", "a todo app"), card("build:1", "Building"))
    await stage.outbox.close()
    await stage.clock.pass_(5)
    stage.restarted()
    await stage.show(words("said:1", "a todo app"), card("build:1", "Ready"))
    assert stage.chat.calls[2:] == [("edit", "build:1")]


async def test_a_crash_between_posting_and_recording_posts_nothing_twice(stage: Stage) -> None:
    await stage.show(card("build:1", "Building"))
    stage.sent.sent.clear()
    stage.restarted()
    await stage.clock.pass_(5)
    await stage.show(card("build:1", "Building"))
    assert len(stage.chat.messages) == 1


async def test_a_card_that_cannot_be_shown_does_not_stop_the_thread(stage: Stage) -> None:
    stage.chat.fail(NotFound("The channel is gone."))
    await stage.show(card("build:1", "Building"), card("deploy:1", "Deploying"))
    assert stage.statuses() == ["Deploying"]
    await asyncio.wait_for(stage.outbox.settled(), 5)
    await stage.show(card("build:1", "Building"), card("deploy:1", "Deploying"))
    assert stage.statuses() == ["Deploying", "Building"]


async def test_an_error_nobody_translated_is_repeated_and_then_given_up_for_that_card(stage: Stage) -> None:
    def broken(verb: str, key: str) -> None:
        if key == "build:1":
            raise RuntimeError("a defect in an adapter")

    stage.chat.before = broken
    await stage.show(card("build:1", "Building"), card("deploy:1", "Deploying"))
    await stage.clock.pass_(2**UNEXPECTED_TRIES)
    assert stage.statuses() == ["Deploying"]


async def test_what_whoever_runs_nexus_must_mend_leaves_the_thread_as_it_is_in_order(stage: Stage) -> None:
    stage.chat.fail(OperatorError("The token is not accepted any more."))
    await stage.show(card("build:1", "Building"), card("deploy:1", "Deploying"))
    assert (stage.statuses(), stage.outbox.left_unshown(THREAD)) == ([], True)
    await stage.show(card("build:1", "Ready"), card("deploy:1", "Deploying"))
    assert (stage.statuses(), stage.outbox.left_unshown(THREAD)) == (["Ready", "Deploying"], False)


async def test_a_platform_that_is_not_set_up_stops_nothing(stage: Stage) -> None:
    elsewhere = ThreadRef(platform="elsewhere", workspace="w", channel="c", thread="x")
    stage.outbox.show(OTHER, elsewhere, [card("build:1", "Building")])
    await asyncio.wait_for(stage.outbox.settled(OTHER), 5)
    assert [] == stage.chat.messages
    await stage.show(card("build:1", "Ready"))
    assert ["Ready"] == stage.statuses()


async def test_threads_do_not_wait_for_each_other(stage: Stage) -> None:
    stage.chat.fail(TemporaryError())
    await stage.show(card("build:1", "Building"))
    await stage.show(card("build:1", "Building"), thread=OTHER)
    assert [m.thread.thread for m in stage.chat.messages] == [OTHER]
    await stage.clock.pass_(1)
    assert [m.thread.thread for m in stage.chat.messages] == [OTHER, THREAD]


async def test_a_thread_has_one_writer_however_often_it_is_wanted(stage: Stage) -> None:
    inside = most = 0

    async def counted(*args: object, **kwargs: object) -> str:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1
        return "m1"

    stage.chat.post = counted  # type: ignore[method-assign]
    for n in range(20):
        stage.outbox.show(THREAD, ref(THREAD), [card(f"build:{k}", "x") for k in range(n)])
        await asyncio.sleep(0)
    await idle()
    assert most == 1


async def test_closing_leaves_no_task_behind(stage: Stage) -> None:
    stage.chat.fail(TemporaryError())
    await stage.show(card("build:1", "Building"))
    await stage.show(card("build:1", "Building"), thread=OTHER)
    await stage.show(card("build:1", "Ready"), thread=OTHER)
    await stage.outbox.close()
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("outbox")]


async def test_a_whole_life_ends_with_the_thread_as_the_presenter_wants_it(stage: Stage) -> None:
    events = s.whole_life()
    for length in range(1, len(events) + 1):
        await stage.show(*present(events[:length], app=AppFacts(slug="x"), now=s.START))
        await stage.clock.pass_(0.3)
    await stage.clock.pass_(10)
    wanted = present(events, app=AppFacts(slug="x"), now=s.START)
    assert stage.chat.shown() == [m.card if m.card is not None else f"{m.author}: {m.text}" for m in wanted]


async def test_words_that_everybody_can_read_there_already_are_not_said_again_whatever_happens() -> None:
    class Talking(FakeChat):
        capabilities = frozenset({Capability.OWN_WORDS})

    for chat, expected in ((Talking("fake"), ["Ready", "b"]), (FakeChat("fake"), ["a", "Ready", "b"])):
        stage = Stage()
        stage.chat = chat
        typed = Message(key="said:1", author="Ann", text="a", seen=True)
        for _ in range(2):
            stage.restarted()
            await stage.show(typed, card("build:1", "Ready"), words("said:2", "b"))
            await stage.outbox.settled()
        assert expected == stage.statuses()
        await stage.outbox.close()
