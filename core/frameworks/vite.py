"""What the frameworks on Vite share: React and Vue, each with an Express server beside its front end.

An app has two halves in one package: the front end in ``src/``, built by Vite into ``dist/``, and ``server/``, which is the Express
scaffold's server (kept once, there) with pages of its own: it serves ``dist/``, and ``index.html`` for every address that is no file.
A build checks the types, then bundles; neither needs a network, and nothing but ``dist/`` is written.

A framework is a subclass with ``scaffold/`` and ``features/<feature>/`` (its front end) in its `home`, and `components`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import ClassVar

from core.files import FileTree, read_tree
from core.frameworks.express.framework import is_server_fixture, server, server_guide
from core.frameworks.framework import Recipe, StartCommand, Toolchain
from core.frameworks.npm import ENTRIES, NodeFramework, scaffold_files, serve, syntax_check
from core.frameworks.page import page
from core.frameworks.typescript_page import tailwind
from core.words.plan import Feature
from core.words.walls import Limits

#: the page's files that are the same in every framework, and their places in these
_FROM_PAGE = {
    "app.css": "src/app.css",
    "theme.css": "src/theme.css",
    "schema.json": "src/schema.json",
    "favicon.svg": "public/favicon.svg",
}
_OVERLAYS: frozenset[Feature] = frozenset({"authentication"})  #: features that change the scaffold
_SETTINGS = frozenset({"vite.config.ts", "tsconfig.json"})
_LIMITS = Limits(cpus=2, memory_mb=2048, pids=256, open_files=4096, seconds=120)


class ViteFramework(NodeFramework):
    """A front end built by Vite, and a server."""

    features = _OVERLAYS | {"search"}
    entries = ("server/server.js", "server/index.js", *ENTRIES)

    checker: ClassVar[Sequence[str]]  #: the type checker below node_modules, and its arguments

    def scaffold(self, features: Collection[Feature] = ()) -> FileTree:
        return _scaffold(self, _OVERLAYS & frozenset(features))

    @abstractmethod
    def components(self, features: Collection[Feature]) -> Mapping[str, str]:
        """The files of the front end that are kept elsewhere than in ``scaffold/``."""

    def is_fixture(self, path: str) -> bool:
        return super().is_fixture(path) or path in _SETTINGS or is_server_fixture(path, "server")

    def guide(self) -> str:
        return server_guide("server") + super().guide()

    def build(self, tree: FileTree, tools: Toolchain) -> Sequence[Recipe]:
        self.entry(tree)
        recipes = [syntax_check(tools)]
        if "index.html" not in tree:  # somebody's own server, without a front end to build
            return recipes
        if "tsconfig.json" in tree:
            recipes.append(Recipe(name="types", argv=[str(tools.node), *self.checker], limits=_LIMITS))
        # Its own way of loading the configuration writes below node_modules, which is read-only.
        bundle = ("node_modules/vite/bin/vite.js", "build", "--configLoader", "runner", "--logLevel", "warn")
        recipes.append(
            Recipe(
                name="bundle", argv=[str(tools.node), *bundle], env={"NODE_ENV": "production", "NO_COLOR": "1"}, limits=_LIMITS
            )
        )
        return recipes

    def start(self, tree: FileTree, tools: Toolchain) -> StartCommand:
        return serve(tools, self.entry(tree))


@cache
def _scaffold(framework: ViteFramework, features: frozenset[Feature]) -> FileTree:
    shared = page("")
    return FileTree(
        {
            **server("server", features),
            **{place: shared[f"/{path}"] for path, place in _FROM_PAGE.items()},
            **tailwind("src"),
            **read_tree(Path(__file__).parent / "vite_files"),
            **framework.components(features),
            **scaffold_files(framework.home, features),
        }
    )
