"""Slack's clock: real time plus what a test moved it by, so that half an hour passes without waiting.

`LocalSlack.advance` moves it. Everything with a life (trigger ids, response urls, streams, deadlines, redeliveries, rate limits) reads it;
only the timestamps of signed requests are real, since the app compares them with its own clock.
"""

from __future__ import annotations

import asyncio
import time


class Clock:
    """Seconds since 1970 as Slack sees them."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._last = 0
        self._moved = asyncio.Event()

    def now(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time pass; whoever sleeps past the new time wakes."""
        self._ahead += seconds
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    def ts(self) -> str:
        """A new message timestamp, later than every one before."""
        self._last = max(int(self.now() * 1_000_000), self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    async def sleep(self, seconds: float) -> None:
        """Until so many seconds passed, or a test said that they did."""
        until = self.now() + seconds
        while (left := until - self.now()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self._moved.wait()
            except TimeoutError:
                return
