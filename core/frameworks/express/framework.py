"""Express on Node.js, with pg.

Any app that keeps the platform contract runs, not only the scaffold's. The scaffold's server is also that of the Vite frameworks, which
have it in a folder of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path

from core.files import FileTree
from core.frameworks.accounts import account_tables
from core.frameworks.framework import Recipe, StartCommand, Toolchain
from core.frameworks.npm import NodeFramework, scaffold_files, serve, syntax_check
from core.frameworks.page import is_page_fixture, page
from core.words.plan import Feature

_HERE = Path(__file__).parent
_OVERLAYS: frozenset[Feature] = frozenset({"authentication"})  #: features with a folder below ``features/``
_SETTLED = frozenset({"features.js", "pages.js", "problems.js"})


class Express(NodeFramework):
    """Node.js, `server.js`."""

    name = "express"
    label = "Express"
    features = _OVERLAYS | {"search"}
    home = _HERE
    kinds = ("dependencies",)

    def scaffold(self, features: Collection[Feature] = ()) -> FileTree:
        return _scaffold(_OVERLAYS & frozenset(features))

    def guide(self) -> str:
        return server_guide("src") + super().guide()

    def is_fixture(self, path: str) -> bool:
        return super().is_fixture(path) or is_server_fixture(path, "src") or is_page_fixture(path, "public")

    def build(self, tree: FileTree, tools: Toolchain) -> Sequence[Recipe]:
        self.entry(tree)
        return [syntax_check(tools)]

    def start(self, tree: FileTree, tools: Toolchain) -> StartCommand:
        return serve(tools, self.entry(tree))


def server(folder: str, features: Collection[Feature] = ()) -> Mapping[str, str]:
    """The scaffold's server for an app whose top folder belongs to its front end: ``server.js`` and what is below ``src/``, both right
    below ``folder``; the migrations and ``.env.example`` stay at the top. ``<folder>/pages.js``, which serves the page, is for the caller
    to replace."""
    files = account_tables(features)
    for path, content in scaffold_files(_HERE, _OVERLAYS & frozenset(features)).items():
        if path == "server.js":
            files[f"{folder}/server.js"] = content.replace("from './src/", "from './")
        elif path.startswith("src/"):
            files[f"{folder}/{path.removeprefix('src/')}"] = content
        elif path.startswith("migrations/") or path == ".env.example":
            files[path] = content
    return files


def server_guide(folder: str) -> str:
    """How an app is written on that server, when it is below ``folder``."""
    return (_HERE / "server.md").read_text(encoding="utf-8").replace("src/", f"{folder}/")


def is_server_fixture(path: str, folder: str) -> bool:
    """Of that server, what a model needs to know only that it is there."""
    inside = path.removeprefix(f"{folder}/")
    return inside != path and (inside in _SETTLED or inside.startswith("auth/"))


@cache
def _scaffold(features: frozenset[Feature]) -> FileTree:
    return scaffold_files(_HERE, features).with_files({**page("public"), **account_tables(features)})
