"""Orphans: processes whose parent has ended. They come to Nexus, and are buried when they end.

Called by `bot.program`. The warden of an app forks away from Nexus, to outlive it, and so goes to the first process of the machine when
it ends, which waits for it. In a container the first process is whatever was started there: Nexus itself, or a program that never waits
for anybody. Each app that was ever started would then keep a process id for good, until the container has none left.

Refuses to wait for a process that somebody here may be waiting for: one that has just ended is left alone, because whoever started it
takes its exit code at once. Only Linux has adoption; elsewhere nothing is found.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import sys

LOOK_SECONDS = 60.0
_SET_CHILD_SUBREAPER = 36


class Orphans:
    """The adopted children of this process."""

    def __init__(self) -> None:
        self._seen: frozenset[tuple[int, str]] = frozenset()

    def adopt(self) -> None:
        """From now on, whoever is orphaned below comes here."""
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Bury those that were dead at the last look already."""
        dead = _dead_children()
        for pid, _ in dead & self._seen:
            _bury(pid)
        self._seen = dead - self._seen

    def bury(self) -> None:
        """Bury all who are dead, at the very end, when nobody waits for anything any more."""
        for pid, _ in _dead_children():
            _bury(pid)


def _bury(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _dead_children() -> frozenset[tuple[int, str]]:
    """Process id and start time, in the kernel's own count, of every child that has ended and was not waited for."""
    found = set()
    own = str(os.getpid())
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir("/proc"):
            if name.isdecimal():
                with contextlib.suppress(OSError), open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
                    if fields[:2] == ["Z", own]:
                        found.add((int(name), fields[19]))
    return frozenset(found)
