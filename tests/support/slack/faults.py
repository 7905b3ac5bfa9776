"""Faults by script: what goes wrong with the next calls of a method.

Tests ask for one with `LocalSlack.fault`; the Web API uses them up in the order in which they were asked for.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field


@dataclass(eq=False)
class Fault:
    """What happens to the next ``times`` calls of ``method``."""

    method: str
    times: int = 1
    error: str = ""  #: answer ``{"ok": false, "error": …}``; nothing takes effect
    status: int = 0  #: answer this status with a page that is no JSON; nothing takes effect
    retry_after: int = 0  #: answer 429 with this Retry-After; nothing takes effect
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


class Faults:
    """The script."""

    def __init__(self) -> None:
        self._script: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        self._script.append(fault)
        return fault

    def take(self, method: str) -> Fault | None:
        """What goes wrong with this call, if anything."""
        for fault in self._script:
            if fault.method in (method, "*") and fault.used < fault.times:
                fault.used += 1
                return fault
        return None

    def release(self) -> None:
        """Let everything held go; at the end of a test."""
        for fault in self._script:
            fault.release()
