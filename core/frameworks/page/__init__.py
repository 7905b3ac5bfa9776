"""The page that every scaffold serves: one list-and-form page over the JSON API, driven by ``schema.json``.

Plain HTML, CSS and JavaScript modules without a build step, kept once here and put into each scaffold's folder of static files.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from core.files import FileTree, read_tree


@cache
def _files() -> FileTree:
    return read_tree(Path(__file__).parent / "files")


def page(folder: str) -> dict[str, str]:
    """The page's files below ``folder``."""
    return {f"{folder}/{path}": content for path, content in _files().items()}
