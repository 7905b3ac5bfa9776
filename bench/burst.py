"""What ``bench.slack`` and ``bench.discord`` have in common: what is typed in a burst, what came of it, and the table that tells it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import sys
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from tests.support.nexus import ROOT

PEOPLE = 20
DEADLINE, GOAL = 3.0, 0.5  #: seconds: the platforms' for every acknowledgement, and ours for 99 of 100
OTHERS = ("list", "help", "help build")  #: what is typed beside builds


@dataclass(frozen=True, kw_only=True)
class Burst:
    """What one burst came to."""

    seconds: Sequence[float]  #: of each acknowledgement
    unacknowledged: int
    answered: float | None = None  #: seconds until the last private answer
    lost: int = 0
    doubled: int = 0
    shown: float | None = None  #: seconds until the last build's card was over

    def at(self, share: float) -> float:
        """The time that so many of 100 took at most."""
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(len(self.seconds) * share / 100))]

    @property
    def good(self) -> bool:
        """Whether it reached its goals."""
        return not (self.unacknowledged or self.lost or self.doubled) and self.at(99) <= GOAL


def mixed(number: int, builds: int) -> list[int | str]:
    """What is typed: the builds, as their numbers, evenly among the others."""
    every = number // builds if builds else number + 1
    return [n if n % every == 0 and n // every < builds else OTHERS[n % len(OTHERS)] for n in range(number)]


def faults(cards: Collection[Sequence[int]]) -> tuple[int, int]:
    """Of builds, by how many cards each of their threads has: how many have no thread or a thread no card, and how many two."""
    each = [count for one in cards for count in one]
    lost = sum(not one for one in cards) + each.count(0)
    return lost, sum(len(one) > 1 for one in cards) + sum(count > 1 for count in each)


@contextlib.asynccontextmanager
async def running(module: str, *arguments: str, env: Mapping[str, str]) -> AsyncIterator[None]:
    """The app that only acknowledges, as a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments), cwd=ROOT, env={**os.environ, **env}
    )
    try:
        yield
    finally:
        process.kill()
        await process.wait()


def tell(title: str, pairs: Sequence[tuple[str, Burst, str, Burst]]) -> bool:
    """Print the bursts of Nexus, each below by the side of the bare app's; whether all goals were reached."""
    console = Console(width=140)
    table = Table(title=title)
    for column in ("", "median", "99 of 100", "slowest", "not in time", "lost", "twice", "answered after", "built after"):
        table.add_column(column, justify="left" if not column else "right")
    for name, ours, bare, theirs in pairs:
        for label, burst in ((name, ours), (bare, theirs)):
            table.add_row(
                label,
                *(f"{1000 * one:.0f}" for one in (statistics.median(burst.seconds), burst.at(99), max(burst.seconds))),
                str(burst.unacknowledged),
                *(("", "") if burst.answered is None else (str(burst.lost), str(burst.doubled))),
                "" if burst.answered is None else f"{burst.answered:.1f} s",
                "" if burst.shown is None else f"{burst.shown:.0f} s",
            )
        medians = statistics.median(ours.seconds) / statistics.median(theirs.seconds)
        table.add_row("  ratio", f"{medians:.1f} ×", f"{ours.at(99) / theirs.at(99):.1f} ×")
    console.print(table)
    console.print(
        f"Goals: every acknowledgement within {DEADLINE:g} s, 99 of 100 within {1000 * GOAL:.0f} ms, nothing lost, nothing twice."
    )
    good = all(ours.good for _, ours, _, _ in pairs)
    console.print("Met." if good else "Not met.")
    return good
