"""Faults by script: what goes wrong with the next calls.

Tests ask for one with `LocalDiscord.fault`; the API uses them up in the order in which they were asked for.
"""

from __future__ import annotations

import asyncio
import fnmatch
from dataclasses import dataclass, field
from typing import Any

from tests.support.discord.errors import Refused


@dataclass(eq=False)
class Fault:
    """What happens to the next ``times`` calls that look like ``what``: ``POST /channels/*/messages``, ``*``; a ``*`` may be anything."""

    what: str
    times: int = 1
    code: int = 0  #: refuse with this code of Discord's; nothing takes effect
    status: int = 0  #: answer this status, with a page that is no JSON where it is 500 or more; nothing takes effect …
    after: bool = False  #: … or, with this, everything
    retry_after: float = 0.0  #: answer 429; nothing takes effect
    is_global: bool = False  #: … of the global limit rather than the route's
    banned: bool = False  #: … by the proxy before Discord, with a page and no ``Via``
    lose: bool = False  #: it takes effect, and the connection breaks instead of an answer
    cut: bool = False  #: the connection breaks before it has an effect
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

    def refusal(self) -> Refused | None:
        return Refused(self.code, status=self.status) if self.code else None


class Faults:
    """The script."""

    def __init__(self) -> None:
        self._script: list[Fault] = []

    def add(self, what: str | Fault, **more: Any) -> Fault:
        fault = what if isinstance(what, Fault) else Fault(what, **more)
        self._script.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        """What goes wrong with this call, if anything."""
        for fault in self._script:
            if fault.used < fault.times and fnmatch.fnmatchcase(f"{method} {path}", fault.what):
                fault.used += 1
                return fault
        return None

    def release(self) -> None:
        """Let everything held go; at the end of a test."""
        for fault in self._script:
            fault.release()
