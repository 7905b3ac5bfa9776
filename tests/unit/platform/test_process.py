"""What every long-running process does: a part that dies ends it in good order, and the log goes to its file."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bot.process import at_work, log_to_file, until_told_to_stop


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    kept = structlog.get_config()
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:], root.level = handlers, level
    structlog.configure(**kept)


async def test_a_part_that_dies_ends_the_process_as_if_it_were_told_to_stop() -> None:
    told = asyncio.create_task(until_told_to_stop())
    await asyncio.sleep(0)  # it listens now
    others: list[str] = []

    async def works() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            others.append("ended")

    async def dies() -> None:
        raise RuntimeError("a defect")

    async with at_work({"works": works(), "dies": dies()}):
        await told
    assert ["ended"] == others
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().remove_signal_handler(number)


async def test_a_part_may_come_to_its_end() -> None:
    ended = asyncio.Event()

    async def done() -> None:
        ended.set()

    async with at_work({"done": done()}):
        await ended.wait()
        await asyncio.sleep(0)  # its end is looked at
    assert ended.is_set()


@pytest.mark.usefixtures("logging_as_it_was")
def test_the_log_is_json_lines_in_the_file_that_is_named(tmp_path: Path) -> None:
    log_to_file(tmp_path / "bot-1.log", "info")
    structlog.get_logger("test").info("said", number=1)
    structlog.get_logger("test").debug("not said")
    (line,) = (tmp_path / "bot-1.log").read_text().splitlines()
    assert ("said", 1, "info") == tuple(json.loads(line)[key] for key in ("event", "number", "level"))
