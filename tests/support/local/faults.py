"""Faults by script: what goes wrong with the next calls, used up in the order in which they were asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar


@dataclass(eq=False, kw_only=True)
class Scripted:
    """What happens to the next ``times`` calls of some kind. What can go wrong on one platform alone, it says itself."""

    times: int = 1
    retry_after: float = 0  #: answer 429 with this Retry-After; nothing takes effect
    lose: bool = False  #: it takes effect, and the connection breaks instead of an answer
    delay: float = 0.0  #: the answer comes so many seconds after the effect
    held: bool = False  #: the call waits, before it has an effect, until `release`
    used: int = 0  #: how many calls it met
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self) -> None:
        """Let the held calls go on."""
        self._released.set()

    async def wait(self) -> None:
        """Where a held call waits."""
        if self.held:
            await self._released.wait()


FaultT = TypeVar("FaultT", bound=Scripted)


class Script(Generic[FaultT]):
    """The faults of one platform."""

    def __init__(self) -> None:
        self._script: list[FaultT] = []

    def put(self, fault: FaultT) -> FaultT:
        self._script.append(fault)
        return fault

    def met(self, concerns: Callable[[FaultT], bool]) -> FaultT | None:
        """What goes wrong with a call, if anything."""
        for fault in self._script:
            if fault.used < fault.times and concerns(fault):
                fault.used += 1
                return fault
        return None

    def release(self) -> None:
        """Let everything held go; at the end of a test."""
        for fault in self._script:
            fault.release()
