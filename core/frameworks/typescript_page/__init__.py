"""What every page in TypeScript shares, whatever draws it: how values read, and the page's colours as Tailwind's.

Kept once here for React, Next.js and Vue, which put the files where each expects them. The rest of the look is `core.frameworks.page`'s.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from core.files import FileTree, read_tree


@cache
def _files() -> FileTree:
    return read_tree(Path(__file__).parent / "files")


def formats(folder: str) -> dict[str, str]:
    """``format.ts`` in ``folder``; it wants the page's ``schema.ts`` beside it."""
    return {f"{folder}/format.ts": _files()["format.ts"]}


def tailwind(folder: str) -> dict[str, str]:
    """``tailwind.css`` in ``folder``, for the style sheet beside it to import."""
    return {f"{folder}/tailwind.css": _files()["tailwind.css"]}
