"""Waves: the planned files in the order in which they can be written, a few to a call.

Pure; asked by the pipeline. A small app is one call: every call costs the time until its first word, and within one answer a
model sees what it has just written. Beyond `Sizes.files` files that no longer holds: an answer of a dozen files takes minutes,
and what cuts it off costs all that would have come after. Then files go in waves: what a file imports is written before it, and
what does not depend on each other is written at the same time.

A plan that names no import says nothing about the order; its files go one call after the other as they stand, each shown what
is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.words.plan import PlannedFile

Call = Sequence[PlannedFile]
Wave = Sequence[Call]  #: calls that may run at the same time


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much goes into one call."""

    files: int = 8  #: some 12,000 tokens of code: far from every vendor's limit on an answer, a minute or two of writing
    least: int = 4  #: a call of its own is worth its price from so many files on
    parallel: int = 3  #: calls at the same time; more run into the rate limits of small accounts


def waves(files: Sequence[PlannedFile], sizes: Sizes) -> Sequence[Wave]:
    """All of ``files``, each once."""
    if len(files) <= sizes.files:
        return [[list(files)]] if files else []
    by_path = {file.path: file for file in files}
    needs = {file.path: [path for path in file.imports if path in by_path and path != file.path] for file in files}
    if not any(needs.values()):
        return [[files[at : at + sizes.files]] for at in range(0, len(files), sizes.files)]
    planned: list[Wave] = []
    waiting: list[PlannedFile] = []
    for level in _levels(needs):
        if waiting and len(waiting) + len(level) > sizes.files:
            planned.append(_calls(waiting, sizes))
            waiting = []
        waiting += [by_path[path] for path in level]
    planned.append(_calls(waiting, sizes))
    return planned


def _calls(files: Sequence[PlannedFile], sizes: Sizes) -> Wave:
    """Files that stand in order; those that must see each other come first into the same call where there is but one."""
    among = {file.path for file in files}
    apart = not any(path in among for file in files for path in file.imports if path != file.path)
    fewest = -(-len(files) // sizes.files)
    count = max(fewest, min(sizes.parallel, len(files) // sizes.least)) if apart else fewest
    return [files[len(files) * n // count : len(files) * (n + 1) // count] for n in range(count)]


def _levels(needs: Mapping[str, Sequence[str]]) -> Sequence[Sequence[str]]:
    """Paths by the length of the longest way down; what needs each other in a circle is one level. In the plan's order within each."""
    depth = _depths(needs)
    levels: dict[int, list[str]] = {}
    for path in needs:
        levels.setdefault(depth[path], []).append(path)
    return [levels[number] for number in sorted(levels)]


def _depths(needs: Mapping[str, Sequence[str]]) -> Mapping[str, int]:
    """Tarjan's components, each a step above the deepest that it needs. Plans have at most 50 files, so recursion is shallow."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    depth: dict[str, int] = {}
    stack: list[str] = []

    def visit(path: str) -> None:
        index[path] = low[path] = len(index)
        stack.append(path)
        for other in needs[path]:
            if other not in index:
                visit(other)
            if other not in depth:
                low[path] = min(low[path], low[other])
        if low[path] == index[path]:
            circle = stack[stack.index(path) :]
            del stack[stack.index(path) :]
            below = [depth[other] for member in circle for other in needs[member] if other in depth]
            for member in circle:
                depth[member] = 1 + max(below, default=-1)

    for path in needs:
        if path not in index:
            visit(path)
    return depth
