"""The clock of a chat platform in tests: real time plus what a test moved it by, so that half an hour passes without waiting."""

from __future__ import annotations

import asyncio
import time


class MovedClock:
    """Seconds since 1970 as the platform sees them."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time pass; whoever sleeps past the new time wakes."""
        self._ahead += seconds
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def sleep(self, seconds: float) -> None:
        """Until so many seconds passed, or a test said that they did."""
        until = self.now() + seconds
        while (left := until - self.now()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self._moved.wait()
            except TimeoutError:
                return
