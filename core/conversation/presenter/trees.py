"""A revision's files as the lines of a tree, for platforms that show it in a fixed width.

Called by the chat adapters' renderers. A place of a path is its place among `paths`, which is what their menus send back.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.conversation.presenter.phrases import size
from core.words.cards import FileEntry

_MARKS = {"added": "+", "changed": "~", "removed": "−", "": " "}


def tree(files: Sequence[FileEntry]) -> list[str]:
    """The lines of the tree: names, sizes, purposes; with a mark in front where something changed."""
    rows: list[tuple[str, str, str, str]] = []
    seen: set[tuple[str, ...]] = set()
    for file in sorted(files, key=lambda f: _order(f.path)):
        *folders, name = file.path.split("/")
        for depth in range(len(folders)):
            if tuple(folders[: depth + 1]) not in seen:
                seen.add(tuple(folders[: depth + 1]))
                rows.append((" ", "  " * depth + folders[depth] + "/", "", ""))
        amount = "" if file.change == "removed" else size(file.size)
        rows.append((_MARKS[file.change], "  " * len(folders) + name, amount, file.purpose))
    marked = any(mark != " " for mark, *_ in rows)
    wide = min(max((len(name) for _, name, *_ in rows), default=0), 40)
    return [
        f"{mark + ' ' if marked else ''}{name:<{wide}}  {amount:>7}  {purpose}".rstrip() for mark, name, amount, purpose in rows
    ]


def _order(path: str) -> list[tuple[bool, str]]:
    """Folders before files, as people look for them."""
    parts = path.split("/")
    return [(at == len(parts) - 1, part) for at, part in enumerate(parts)]


def paths(files: Sequence[FileEntry]) -> list[str]:
    """The sorted paths of what is there."""
    return sorted(file.path for file in files if file.change != "removed")


def short(path: str, most: int) -> str:
    """A path by its end, which tells it from others."""
    return path if len(path) <= most else "…" + path[-(most - 1) :]
