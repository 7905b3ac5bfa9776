"""Names that look like another package's: how squatters catch a slip of the hand, or a model's.

Asked by the package policy about names that are not on the pinned list, before the index is asked. Compared with the list and with
`well_known.json`, names that many people mean; a name that is itself among them looks like nothing else. A name that is refused wrongly
costs a sentence on a card; one that is accepted wrongly costs an app.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable
from pathlib import Path

from core.generation.packages import Registry

_AFFIXES = (
    *(
        "js",
        "node",
        "nodejs",
        "npm",
        "ts",
        "py",
        "python",
        "python3",
        "pip",
        "lib",
        "core",
        "utils",
        "util",
        "official",
        "latest",
        "new",
    ),
    *("pro", "plus", "dev", "beta", "package", "module", "secure", "2", "3"),
)


def looks_like(registry: Registry, name: str, listed: Iterable[str] = ()) -> str | None:
    """The well-known package that ``name`` could be taken for, None when there is none."""
    known = well_known(registry) | set(listed)
    if name in known:
        return None
    scope, _, base = name.rpartition("/")
    if scope:
        scopes = {entry.partition("/")[0] for entry in known if "/" in entry}
        if scope in scopes:
            return None  # somebody else's scope cannot be published to
        near = next((other for other in sorted(scopes) if _near(scope[1:], other[1:])), None)
        return near or (base if base in known else None)
    bare = _bare(name)
    for other in sorted(known):
        if bare == _bare(other) or _near(name, other):
            return other
    return next((other for other in _without_affix(name) if other in known), None)


@functools.cache
def well_known(registry: Registry) -> frozenset[str]:
    """Names that many people mean."""
    lists: dict[str, list[str]] = json.loads(Path(__file__).with_name("well_known.json").read_text(encoding="utf-8"))
    return frozenset(lists[registry])


def _bare(name: str) -> str:
    return re.sub(r"[-_.@/]", "", name)


def _without_affix(name: str) -> list[str]:
    found = []
    for affix in _AFFIXES:
        for separator in ("-", "_", ".", ""):
            if not separator and len(affix) > 2:
                continue
            if name.startswith(affix + separator):
                found.append(name.removeprefix(affix + separator))
            if name.endswith(separator + affix):
                found.append(name.removesuffix(separator + affix))
    return found


def _near(name: str, other: str) -> bool:
    """Whether a slip turns one into the other: one for names from five letters on, two from ten on, swapped neighbours at any length."""
    longer = max(len(name), len(other))
    allowed = 2 if min(len(name), len(other)) >= 10 else 1
    if longer - min(len(name), len(other)) > allowed:
        return False
    if len(other) < 5:
        return len(name) == len(other) and sorted(name) == sorted(other) and distance(name, other, 1) <= 1
    return distance(name, other, allowed) <= allowed


def distance(one: str, two: str, most: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours between two names; ``most + 1`` when there are more."""
    before: list[int] = []
    row = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(two, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == two[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most and min(before) > most:
            return most + 1
    return min(row[-1], most + 1)
