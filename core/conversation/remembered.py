"""What a process remembers of a platform, so that it need not ask again: answers for a while, and a bounded number of things.

Used by the chat adapters. It is lost with the process; whatever must outlive that is in the ledger.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

MOST = 20_000  #: answers that are kept in memory
REMEMBERED = 5000  #: things

K = TypeVar("K")
T = TypeVar("T")
V = TypeVar("V")


class Known(dict[Hashable, T], Generic[T]):
    """What was learned last, of a bounded number of things."""

    def keep(self, place: Hashable, value: T) -> None:
        self.pop(place, None)
        while len(self) >= REMEMBERED:
            del self[next(iter(self))]
        self[place] = value


class Remembered(Generic[K, V]):
    """Answers that are asked for once at a time, and kept for a while. An error is kept by nobody."""

    def __init__(self, ask: Callable[[K], Awaitable[V]], life: float, *, now: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._life = life
        self._now = now
        self._kept: dict[K, tuple[float, V]] = {}
        self._asking: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K) -> V:
        """The answer, at most ``life`` seconds old."""
        kept = self._kept.get(key)
        if kept is not None and self._now() - kept[0] < self._life:
            return kept[1]
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._renew(key), name="ask the platform")
            task.add_done_callback(lambda done: self._done(key, done))
        return await asyncio.shield(task)  # one who gives up takes the answer from nobody

    def forget(self, key: K) -> None:
        """Ask anew the next time."""
        self._kept.pop(key, None)

    def _done(self, key: K, task: asyncio.Task[V]) -> None:
        self._asking.pop(key, None)
        if not task.cancelled():
            task.exception()  # seen, even when everybody who asked has given up

    async def _renew(self, key: K) -> V:
        asked = self._now()
        answer = await self._ask(key)
        self._kept.pop(key, None)
        self._kept[key] = (asked, answer)
        if len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]
        return answer

    async def close(self) -> None:
        """Stop asking."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
