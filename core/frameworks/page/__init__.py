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


def is_page_fixture(path: str, folder: str) -> bool:
    """Whether it is a module of the page that is used and not read: all but the one that talks to the API."""
    name = path.removeprefix(f"{folder}/")
    return name != path and name.endswith(".js") and name in _files() and name != "api.js"


def page(folder: str) -> dict[str, str]:
    """The page's files below ``folder``."""
    return {f"{folder}/{path}": content for path, content in _files().items()}
