"""A supervised child: it comes back, it is adopted, it is stopped for good, and its log stays small."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from bot.platform.child import Child, ChildFailed, Process, Recipe, bound, tail

Eventually = Callable[..., Awaitable[None]]


class Sleeper:
    """A child that writes a file when it is ready."""

    def __init__(self, place: Path, script: str | None = None) -> None:
        self.flag = place / "flag"
        self.script = script or f"echo started $MARK >&2; touch {self.flag}; exec sleep 600 # {place}"
        self.starts = 0
        self.child = Child(
            name="sleeper",
            run=place,
            logs=place,
            prepare=self.prepare,
            ready=self.ready,
            stop_signals=((signal.SIGTERM, 0.5),),
            ready_seconds=5.0,
        )

    async def prepare(self) -> Recipe:
        self.starts += 1
        self.flag.unlink(missing_ok=True)
        return Recipe(argv=["/bin/sh", "-c", self.script], env={"PATH": os.environ["PATH"], "MARK": "here"})

    async def ready(self) -> bool:
        return self.flag.exists()


@pytest.fixture
def sleeper(place: Path) -> Iterator[Sleeper]:
    made = Sleeper(place)
    yield made
    assert made.child.pid is None


async def test_it_is_ready_when_start_returns(sleeper: Sleeper) -> None:
    adopted = await sleeper.child.start()
    try:
        assert not adopted
        assert sleeper.flag.exists()
        assert sleeper.child.tail() == "started here"
    finally:
        await sleeper.child.stop()


async def test_it_gets_nothing_of_our_environment(sleeper: Sleeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    await sleeper.child.start()
    try:
        assert sleeper.child.pid is not None
        assert "OPENAI_API_KEY" not in psutil.Process(sleeper.child.pid).environ()
    finally:
        await sleeper.child.stop()


async def test_it_comes_back_when_it_is_killed(sleeper: Sleeper, eventually: Eventually) -> None:
    await sleeper.child.start()
    try:
        first = sleeper.child.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: sleeper.child.restarts == 1)
        assert sleeper.child.pid not in (None, first)
    finally:
        await sleeper.child.stop()


ABANDON = """
import asyncio, os, pathlib, signal, sys
from bot.platform.child import Child, Recipe
place = pathlib.Path(sys.argv[1])
async def prepare():
    return Recipe(argv=["/bin/sh", "-c", f"touch {place}/flag; exec sleep 600"], env={"PATH": os.environ["PATH"]})
async def ready():
    return (place / "flag").exists()
async def main():
    await Child(name="sleeper", run=place, logs=place, prepare=prepare, ready=ready).start()
    print("ready", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_it_survives_a_killed_nexus_and_is_adopted_and_brought_back_by_the_next(
    sleeper: Sleeper, place: Path, killed: Callable[[str, str], None], eventually: Eventually
) -> None:
    await asyncio.to_thread(killed, ABANDON, str(place))
    assert sleeper.child.survivor()
    adopted = await sleeper.child.start()
    try:
        assert adopted
        assert sleeper.starts == 0
        os.kill(sleeper.child.pid or 0, signal.SIGKILL)
        await eventually(lambda: sleeper.child.restarts == 1)
        assert sleeper.starts == 1
    finally:
        await sleeper.child.stop()


def stat_line(*, started: str | None = None) -> str:
    """This process's line of /proc, or one of an earlier process with the same pid."""
    name, _, rest = Path("/proc/self/stat").read_text().rpartition(")")
    fields = rest.split()
    fields[19] = started or fields[19]
    return f"{name}) {' '.join(fields)}"


async def test_a_reused_pid_is_not_taken_for_the_child(place: Path, sleeper: Sleeper) -> None:
    (place / "sleeper.pid").write_text(stat_line())
    assert sleeper.child.survivor()

    (place / "sleeper.pid").write_text(stat_line(started="1"))
    assert not sleeper.child.survivor()
    await sleeper.child.stop()  # must not signal this very process


def ended(process: psutil.Process) -> bool:
    """Also one that nobody has waited for: the first process of a container may not do it."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


async def test_stopping_leaves_no_process_even_of_a_stubborn_family(
    place: Path, processes_of: Callable[[Path], list[psutil.Process]], eventually: Eventually
) -> None:
    stubborn = Sleeper(place, f"trap '' TERM; sleep 600 & touch {place}/flag; while :; do sleep 600; done")
    await stubborn.child.start()
    assert stubborn.child.pid is not None
    family = psutil.Process(stubborn.child.pid).children(recursive=True)
    assert family
    await stubborn.child.stop()

    await eventually(lambda: all(ended(process) for process in family))
    assert not processes_of(place)


async def test_what_ends_at_once_fails_with_its_words(place: Path) -> None:
    failing = Sleeper(place, "echo the disk is on fire; exit 3")
    with pytest.raises(ChildFailed, match="the disk is on fire") as caught:
        await failing.child.start()

    assert "the disk is on fire" in caught.value.log_tail
    assert failing.child.pid is None


async def test_what_never_gets_ready_is_stopped(place: Path) -> None:
    slow = Sleeper(place, f"exec sleep 600 # {place}")
    slow.child._ready_seconds = 0.2
    with pytest.raises(ChildFailed, match="not ready within"):
        await slow.child.start()

    assert slow.child.pid is None


async def test_a_survivor_that_does_not_answer_is_started_anew(
    sleeper: Sleeper, place: Path, killed: Callable[[str, str], None]
) -> None:
    await asyncio.to_thread(killed, ABANDON, str(place))
    sleeper.flag.unlink()
    sleeper.child._ready_seconds = 0.5
    adopted = await sleeper.child.start()
    try:
        assert not adopted
        assert sleeper.starts == 1
    finally:
        await sleeper.child.stop()


async def test_waiting_for_an_end_takes_no_longer_than_said(place: Path) -> None:
    sleeper = Sleeper(place)
    await sleeper.child.start()
    try:
        process = Process.of(sleeper.child.pid or 0)
        assert process is not None
        assert not await process.gone_within(0.1)
    finally:
        await sleeper.child.stop()
    assert await process.gone_within(0.1)


def test_a_long_log_is_cut_down_to_its_end(place: Path) -> None:
    log = place / "log"
    with open(log, "ab") as writer:
        writer.write(b"".join(b"line %04d\n" % n for n in range(1000)))
        writer.flush()
        bound(log, limit=4000)
        writer.write(b"line 1000\n")

    lines = log.read_text().splitlines()
    assert lines[-2:] == ["line 0999", "line 1000"]
    assert len(lines) <= 101
    assert all(len(line) == 9 for line in lines)


def test_a_short_log_is_left_alone(place: Path) -> None:
    log = place / "log"
    log.write_text("a\nb\nc\n")
    bound(log, limit=4000)

    assert tail(log, 2) == "b\nc"
    assert tail(place / "none") == ""
