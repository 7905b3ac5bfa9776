"""How fast Slack is called."""

from __future__ import annotations

import asyncio

import pytest

from adapters.slack.faults import SlackBusy
from adapters.slack.pace import Limit, Pace
from tests.support.passing_clock import PassingClock

LIMITS = {"post": Limit(every=1.0, burst=3, per_channel=True), "edit": Limit(every=2.0, burst=1)}


class HeldClock(PassingClock):
    """Time passes when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await self.passed.wait()


async def test_a_burst_goes_through_and_the_rest_comes_one_after_the_other() -> None:
    clock = PassingClock()
    pace = Pace(clock, LIMITS)
    times = []
    for _ in range(6):
        await pace.turn("T1", "post", "C1", urgent=False, patience=None)
        times.append(clock.now() - 1000)
    assert times == [0, 0, 0, 1, 2, 3]


async def test_each_channel_has_its_own_budget_for_posts_and_a_workspace_one_for_edits() -> None:
    clock = PassingClock()
    pace = Pace(clock, LIMITS)
    for channel in ("C1", "C2", "C3", "C4"):
        await pace.turn("T1", "post", channel, urgent=False, patience=None)
    assert not clock.slept
    await pace.turn("T1", "edit", "C1", urgent=False, patience=None)
    await pace.turn("T2", "edit", "C1", urgent=False, patience=None)
    assert not clock.slept
    await pace.turn("T1", "edit", "C2", urgent=False, patience=None)
    assert clock.slept == [2.0]


async def test_who_waits_is_served_in_order_and_what_is_urgent_goes_ahead() -> None:
    clock = PassingClock()
    pace = Pace(clock, LIMITS)
    done: list[str] = []

    async def edit(name: str, *, urgent: bool = False) -> None:
        await pace.turn("T1", "edit", "C1", urgent=urgent, patience=None)
        done.append(name)

    await edit("first")
    await asyncio.gather(edit("second"), edit("third"), edit("last state", urgent=True))
    assert done == ["first", "last state", "second", "third"]


async def test_what_has_no_limit_waits_for_nobody() -> None:
    clock = PassingClock()
    pace = Pace(clock, LIMITS)
    for _ in range(100):
        await pace.turn("T1", "views.open", "", urgent=False, patience=0.0)
    assert not clock.slept


async def test_who_is_not_willing_to_wait_is_told_how_long_it_would_take() -> None:
    clock = PassingClock()
    pace = Pace(clock, LIMITS)
    await pace.turn("T1", "edit", "", urgent=False, patience=0.0)
    with pytest.raises(SlackBusy) as busy:
        await pace.turn("T1", "edit", "", urgent=False, patience=1.0)
    assert busy.value.retry_after == 2.0
    assert not busy.value.doubtful
    await pace.turn("T1", "edit", "", urgent=False, patience=2.0)


async def test_a_429_stops_the_whole_line_even_what_is_urgent() -> None:
    clock = PassingClock()
    pace = Pace(clock, LIMITS)
    pace.hold("T1", "post", "C1", 30)
    await pace.turn("T1", "post", "C2", urgent=False, patience=0.0)
    await pace.turn("T1", "post", "C1", urgent=True, patience=None)
    assert clock.now() == 1030
    pace.hold("T1", "post", "C1", 61)
    with pytest.raises(SlackBusy):
        await pace.turn("T1", "post", "C1", urgent=False, patience=None)


async def test_after_a_429_those_who_waited_go_one_by_one_and_not_all_at_once() -> None:
    clock = PassingClock()
    pace = Pace(clock, LIMITS)
    pace.hold("T1", "post", "C1", 10)
    times: list[float] = []

    async def post(*, urgent: bool) -> None:
        await pace.turn("T1", "post", "C1", urgent=urgent, patience=None)
        times.append(clock.now() - 1000)

    await asyncio.gather(post(urgent=True), post(urgent=False), post(urgent=True), post(urgent=False))
    assert times == [10, 11, 12, 13]


async def test_after_a_429_what_is_urgent_goes_first_of_those_who_wait() -> None:
    clock = PassingClock()
    pace = Pace(clock, LIMITS)
    pace.hold("T1", "edit", "", 10)
    done: list[str] = []

    async def edit(name: str, *, urgent: bool = False) -> None:
        await pace.turn("T1", "edit", "C1", urgent=urgent, patience=None)
        done.append(name)

    await asyncio.gather(edit("progress"), edit("more progress"), edit("review", urgent=True), edit("live", urgent=True))
    assert done == ["review", "live", "progress", "more progress"]


async def test_who_gives_up_waiting_is_not_waited_for() -> None:
    clock = HeldClock()
    pace = Pace(clock, LIMITS)
    pace.hold("T1", "edit", "", 10)
    first, second = (asyncio.create_task(pace.turn("T1", "edit", "", urgent=False, patience=None)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    clock.time += 10
    clock.passed.set()
    await second


async def test_a_long_line_is_waited_for_without_a_429() -> None:
    clock = PassingClock()
    pace = Pace(clock, LIMITS)
    await asyncio.gather(*(pace.turn("T1", "post", "C1", urgent=False, patience=None) for _ in range(203)))
    assert clock.now() == 1200


async def test_lines_that_are_as_good_as_new_are_forgotten() -> None:
    clock = PassingClock()
    pace = Pace(clock, LIMITS)
    for number in range(3000):
        await pace.turn("T1", "post", f"C{number}", urgent=False, patience=None)
        clock.time += 10
    assert len(pace._lines) <= 1000
