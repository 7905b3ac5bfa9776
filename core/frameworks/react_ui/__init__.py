"""The page in React and TypeScript: what `core.frameworks.page` is in plain JavaScript, with the same look, words and structure.

Kept once here for React and Next.js, which put the files into a folder of their own; they import one another alone. The style sheets
are the page's own.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from pathlib import Path

from core.files import read_tree
from core.frameworks.typescript_page import formats
from core.words.plan import Feature

_HERE = Path(__file__).parent


def react_ui(folder: str, features: Collection[Feature] = ()) -> dict[str, str]:
    """The components and hooks below ``folder``; with "authentication" the sign-in view and `SignedIn`, which goes around the rest."""
    return formats(folder) | {f"{folder}/{path}": content for path, content in _files("authentication" in features).items()}


@cache
def _files(authentication: bool) -> dict[str, str]:
    made = dict(read_tree(_HERE / "files").items())
    return {**made, **read_tree(_HERE / "features" / "authentication")} if authentication else made
