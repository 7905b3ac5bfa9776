"""Catching up: whenever events were written, whoever is behind is brought up to date, each in a task of its own.

What `core.operations.showing` (threads) and `core.operations.notifying` (channels) do alike. A reader that is told of more while it is
being caught up is looked at once more; at the end all tasks are cancelled, and whoever comes next goes on where they were.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import structlog

from core.errors import TemporaryError
from core.ledger.feed import Feed
from core.ledger.ledger import EVENTS_CHANNEL

log = structlog.get_logger(__name__)

Mark = TypeVar("Mark")  #: what is known of a reader when it is found to be behind


class CatchingUp(ABC, Generic[Mark]):
    """Woken by events; ``what`` names the readers in the log and in the names of tasks."""

    what: str

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()  # readers of which more was told while they were being caught up

    @abstractmethod
    async def _behind(self) -> Sequence[tuple[str, Mark]]:
        """The ids of those who are behind."""

    @abstractmethod
    async def _catch_up(self, reader: str, mark: Mark) -> None:
        """Bring one up to date. Raises nothing."""

    async def run(self) -> None:
        """Go on until cancelled."""
        try:
            async with contextlib.aclosing(self._feed.wakes(EVENTS_CHANNEL)) as wakes:
                async for _ in wakes:
                    try:
                        for reader, mark in await self._behind():
                            self._begin(reader, mark)
                    except TemporaryError as error:
                        log.warning("who is behind cannot be looked up just now", what=self.what, error=error.message)
                    except Exception:
                        log.exception("who is behind cannot be looked up", what=self.what)
        finally:
            tasks: list[asyncio.Task[Any]] = list(self._tasks.values())
            self._tasks.clear()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _waits(self, reader: str) -> bool:
        """Whether it is left alone for now."""
        return False

    def _begin(self, reader: str, mark: Mark) -> None:
        if reader in self._tasks:
            self._again.add(reader)  # it may have had its last look already
            return
        if self._waits(reader):
            return
        task = asyncio.create_task(self._catch_up(reader, mark), name=f"{self.what} {reader}")
        self._tasks[reader] = task
        task.add_done_callback(lambda _: self._done(reader, mark, task))

    def _done(self, reader: str, mark: Mark, task: asyncio.Task[None]) -> None:
        if self._tasks.get(reader) is task:
            del self._tasks[reader]
            if reader in self._again:
                self._again.discard(reader)
                self._begin(reader, mark)
