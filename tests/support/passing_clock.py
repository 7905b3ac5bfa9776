"""A clock that is where it is told to be: who sleeps is awake at once, and later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class PassingClock:
    """Sleeping makes time pass. ``passed`` is told of every step, so that others keep up."""

    def __init__(self, passed: Callable[[float], None] = lambda seconds: None) -> None:
        self.time = 1000.0
        self.slept: list[float] = []
        self._passed = passed

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)
        self.time += seconds
        self._passed(seconds)
