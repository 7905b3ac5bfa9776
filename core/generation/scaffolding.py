"""Scaffolding: laying what the scaffold brings for a feature into an app that gets it later, and taking it out again.

Pure; called by the pipeline when a change adds or removes a feature. A file that is as the scaffold had it gets the scaffold's
other version; one that somebody has changed since is left, and named, so that a model wires it by hand. A migration of a
feature takes the next free number once and keeps it: what has run is never renumbered, and it stays when the feature goes, with
the rows it holds.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from core.files import FileTree
from core.frameworks.framework import Framework
from core.words.plan import Feature

MIGRATIONS = "migrations/"
_NUMBERED = re.compile(r"migrations/(?P<number>\d+)(?P<name>[^/]*\.sql)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A tree with other features than before."""

    tree: FileTree
    touched: Collection[str]  #: paths that were added, replaced or removed
    by_hand: Mapping[str, str]  #: files that were changed since: path to the scaffold's version; empty where that has none


def next_migration(paths: Iterable[str]) -> int:
    """The next free number."""
    return 1 + max((int(match["number"]) for path in paths if (match := _NUMBERED.fullmatch(path))), default=0)


def relaid(
    framework: Framework,
    tree: FileTree,
    before: Collection[Feature],
    after: Collection[Feature],
    frozen: Collection[str] = (),
) -> Laid:
    """``tree``, which was made with the features ``before``, with those of ``after``."""
    brought_before = [feature for feature in before if feature in framework.features]
    brought_after = [feature for feature in after if feature in framework.features]
    old, new = framework.scaffold(brought_before), framework.scaffold(brought_after)
    changes: dict[str, str | None] = {}
    by_hand: dict[str, str] = {}
    for path in sorted({*old, *new}):
        was, will = old.get(path), new.get(path)
        if was == will or path == framework.manifest:
            continue
        if path.startswith(MIGRATIONS):
            if was is None and will is not None and (place := _place(path, will, tree, {*frozen, *changes})):
                changes[place] = will
        elif tree.get(path) == will:
            continue
        elif tree.get(path) == was and path not in frozen:
            changes[path] = will
        else:
            by_hand[path] = will or ""
    laid = tree.with_files(changes)
    return Laid(tree=_with_packages(framework, laid, old, new), touched=tuple(changes), by_hand=by_hand)


def _place(path: str, text: str, tree: FileTree, taken: Collection[str]) -> str:
    """Where a feature's migration goes; empty when it is there already, from the last time."""
    match = _NUMBERED.fullmatch(path)
    name = match["name"] if match else path.removeprefix(MIGRATIONS)
    for there, content in tree.items():
        if there.startswith(MIGRATIONS) and there.endswith(name) and content == text:
            return ""
    return f"{MIGRATIONS}{next_migration([*tree, *taken]):04d}{name}"


def _with_packages(framework: Framework, tree: FileTree, old: FileTree, new: FileTree) -> FileTree:
    """Packages that the other scaffold has beyond the old one. None is taken away: other files may have come to use it."""
    before, after = framework.dependencies(old), framework.dependencies(new)
    added = {name: version for name, version in after.items() if name not in before}
    return framework.with_dependencies(tree, added) if added else tree
