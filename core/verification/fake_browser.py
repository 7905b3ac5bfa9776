"""A Browser in memory: tells what a script says of each page, and opens none.

Used by tests of whatever calls a `Browser`. ``visits`` has what was asked for, ``open`` how many tabs are not closed yet.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from core.hosting.host import Address
from core.verification.browser import Browser, NotSeen, Seen, Sight, Tab, Visit
from core.verification.pictures import picture_of

Script = Callable[[Visit], Seen | NotSeen]

#: The start of a PNG of 1280 × 800 pixels: as much as anybody here reads of one.
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", 1280, 800) + b"\x08\x02\x00\x00\x00\x00\x00\x00\x00"


def all_well(visit: Visit) -> Seen:
    """The script of pages that open as they should."""
    return Seen(sights=[Sight(path=path, requests=3) for path in visit.paths], wide=picture_of(PNG))


class FakeBrowser(Browser):
    """Sees what ``script`` says."""

    def __init__(self, script: Script = all_well, *, why_not: str = "") -> None:
        self.why_not = why_not
        self.visits: list[Visit] = []
        self.open = 0
        self.swept = 0
        self._script = script

    @asynccontextmanager
    async def tab(self) -> AsyncIterator[Tab]:
        self.open += 1
        try:
            yield _FakeTab(self, self._script)
        finally:
            self.open -= 1

    async def sweep(self) -> None:
        self.swept += 1


class _FakeTab(Tab):
    def __init__(self, browser: FakeBrowser, script: Script) -> None:
        self._browser = browser
        self._script = script

    async def visit(self, address: Address, visit: Visit) -> Seen | NotSeen:
        if self._browser.why_not:
            return NotSeen(why=self._browser.why_not)
        self._browser.visits.append(visit)
        return self._script(visit)
