"""Scaffolding: what is done to the scaffold's files without a model: an app's name in them, its settings, features that come or go.

Pure; called by the pipeline, which names new apps, by the draft, which knows the settings, and for changes that add or remove a
feature. A file that is as the scaffold had it gets the scaffold's
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
from core.words.plan import Feature, Plan, Setting

MIGRATIONS = "migrations/"
_SETTING = re.compile(r"(?:^#.*\n)*^(?P<name>[A-Z][A-Z0-9_]*)=.*$", re.MULTILINE)
_NUMBERED = re.compile(r"migrations/(?P<number>\d+)(?P<name>[^/]*\.sql)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A tree with other features than before."""

    tree: FileTree
    touched: Collection[str]  #: paths that were added, replaced or removed
    by_hand: Mapping[str, str]  #: files that were changed since: path to the scaffold's version; empty where that has none


README = "README.md"
SETTINGS = ".env.example"


def titled(scaffold: FileTree, plan: Plan) -> FileTree:
    """The scaffold with a README that says what the app is."""
    if not scaffold.get(README, "").startswith("# App\n"):
        return scaffold
    name, summary = _line(plan.name) or "App", _line(plan.summary)
    heading = f"# {name}\n" + (f"\n{summary}\n" if summary else "")
    return scaffold.with_files({README: heading + scaffold[README].removeprefix("# App\n")})


def with_settings(tree: FileTree, settings: Iterable[Setting]) -> FileTree:
    """The tree with these settings in its `.env.example`, as the platform contract asks; those that it names already are as they were."""
    lines = "".join((f"# {purpose}\n" if (purpose := _line(one.purpose)) else "") + f"{one.name}=\n" for one in settings)
    before = tree.get(SETTINGS, "")
    text = _with_lines(before, lines)
    return tree if text == before else tree.with_files({SETTINGS: text})


def _with_lines(text: str, lines: str) -> str:
    """The text of a `.env.example` with those settings of ``lines`` that it does not name, and their comments."""
    for match in _SETTING.finditer(lines):
        if not re.search(rf"^#?\s*(?:export\s+)?{match['name']}\s*=", text, re.MULTILINE):
            text += ("\n" if text and not text.endswith("\n") else "") + match[0].rstrip("\n") + "\n"
    return text


def _line(text: str) -> str:
    """A model's words on one line of a file, without what a file does not take."""
    return " ".join(text.replace("\0", " ").split()).encode("utf-8", "ignore").decode()[:600]


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
        elif path == SETTINGS and path in tree:
            if (text := _with_lines(tree[path], will or "")) != tree[path]:
                changes[path] = text
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
