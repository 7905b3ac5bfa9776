"""Joining a running Nexus from another process: found when it is ready, waited for while it is not, and followed when it moves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot import joining
from bot.joining import join, look, until_moved
from bot.platform.data_folder import DataFolder
from bot.platform.postgres import EmbeddedPostgres

Eventually = Callable[..., Awaitable[None]]


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "LOOK_SECONDS", 0.01)


@pytest.fixture
def theirs(data: DataFolder, place: Path) -> DataFolder:
    """The same folder, as another process has it."""
    return DataFolder.open(data.wanted, shared=place / "shared")


def ready(data: DataFolder, url: str = "http://localhost:8080", port: int = 20_001) -> None:
    """What a Nexus leaves in the folder when it is ready."""
    data.claim()
    (data.run / "postgres.port").write_text(f"{port}\n")
    data.publish(url)


def test_nobody_is_found_before_a_nexus_says_where_it_is(data: DataFolder, theirs: DataFolder) -> None:
    assert look(theirs) is None
    data.claim()
    assert look(theirs) is None
    (data.run / "postgres.port").write_text("20001\n")
    assert look(theirs) is None
    data.publish("http://localhost:8080")
    assert look(theirs) is not None
    data.release()
    assert look(theirs) is None


def test_what_is_found_is_what_the_nexus_has(data: DataFolder, theirs: DataFolder, bin_folder: Path) -> None:
    ready(data, "http://localhost")
    found = look(theirs)

    assert found is not None
    assert ("http://localhost", 80, 20_001) == (found.url, found.caddy.port, found.postgres.port)
    own = EmbeddedPostgres(data, bin=bin_folder)
    assert own.dsn().get_secret_value().replace("port=0", "port=20001") == found.postgres.dsn().get_secret_value()


async def test_a_nexus_that_does_not_run_yet_is_waited_for_and_that_is_told_once(
    data: DataFolder, theirs: DataFolder, eventually: Eventually
) -> None:
    told: list[str] = []
    joined = asyncio.create_task(join(theirs, tell=told.append))
    await eventually(lambda: bool(told))
    ready(data)
    assert "http://localhost:8080" == (await joined).url
    assert 1 == len(told)
    assert "nexus up" in told[0]


async def test_a_nexus_that_is_reached_elsewhere_has_moved_and_one_that_is_down_has_not(
    data: DataFolder, theirs: DataFolder, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    ready(data)
    joined = look(theirs)
    assert joined is not None
    looks: list[bool] = []
    monkeypatch.setattr(joining, "look", lambda folder: (looks.append(True), look(folder))[1])
    for change in (lambda: data.release(), lambda: ready(data)):  # down, and up again where it was
        moved = asyncio.create_task(until_moved(theirs, joined))
        change()
        before = len(looks)
        await eventually(lambda before=before: len(looks) > before + 2)
        assert not moved.done()
        moved.cancel()
        await asyncio.gather(moved, return_exceptions=True)
    ready(data, port=20_002)
    await until_moved(theirs, joined)


def test_each_process_of_a_kind_has_a_number_of_its_own(data: DataFolder, theirs: DataFolder) -> None:
    assert [1, 2, 3] == [data.slot("bot"), theirs.slot("bot"), data.slot("bot")]
    assert 1 == theirs.slot("other")
