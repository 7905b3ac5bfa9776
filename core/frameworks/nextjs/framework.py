"""Next.js: the App Router in TypeScript, with route handlers over pg, React components for the page, and Tailwind.

A build is one `next build` by ``launchers/build_next.cjs``, which settles for any Next.js app what the platform needs (a folder that is
read-only later, packages that lie elsewhere, the same bytes for the same files) and keeps of its output what runs. The page is rendered
when it is asked for: no database is there while an app is built. An instance is started by ``launchers/launch_next.cjs``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from core.errors import InvalidInput
from core.files import FileTree
from core.frameworks.express.framework import server
from core.frameworks.framework import Recipe, StartCommand, Toolchain
from core.frameworks.npm import NodeFramework, scaffold_files, serve, syntax_check
from core.frameworks.page import page
from core.frameworks.react_ui import react_ui
from core.frameworks.typescript_page import tailwind
from core.words.plan import Feature
from core.words.walls import Limits

_HERE = Path(__file__).parent
_OVERLAYS: frozenset[Feature] = frozenset({"authentication"})  #: features that change the scaffold
#: the page's files that are the same in every framework, and their places here
_FROM_PAGE = {
    "app.css": "app/app.css",
    "theme.css": "app/theme.css",
    "schema.json": "lib/schema.json",
    "favicon.svg": "public/favicon.svg",
}
_ROUTES = ("app/", "pages/", "src/app/", "src/pages/")
_SETTINGS = frozenset({"next.config.ts", "postcss.config.mjs", "tsconfig.json", "proxy.ts", "lib/problems.ts"})
#: what an app uses of the components; how the others are made needs no telling
_USED = frozenset({"ui/schema.ts", "ui/api.ts"})


class NextJS(NodeFramework):
    """Next.js, `app/`."""

    name = "nextjs"
    label = "Next.js"
    features = _OVERLAYS | {"search"}
    home = _HERE

    def scaffold(self, features: Collection[Feature] = ()) -> FileTree:
        return _scaffold(_OVERLAYS & frozenset(features))

    def is_fixture(self, path: str) -> bool:
        within = path.startswith(("ui/", "lib/auth/", "app/api/", "app/healthz/"))
        return super().is_fixture(path) or path in _SETTINGS or (within and path not in _USED)

    def install(self, tools: Toolchain) -> Sequence[Recipe]:
        # sharp makes pictures smaller, which is switched off: 18 MB for nothing.
        extra = ('--config.ignored-optional-dependencies=["sharp"]',)
        installing = [replace(recipe, argv=[*recipe.argv, *extra]) for recipe in super().install(tools)]
        return [*installing, Recipe(name="trim", argv=[str(tools.node), str(tools.launchers / "trim_modules.cjs")])]

    def build(self, tree: FileTree, tools: Toolchain) -> Sequence[Recipe]:
        if not _has_routes(tree):  # somebody's own server, without anything to compile
            self.entry(tree)
            return [syntax_check(tools)]
        return [
            Recipe(
                name="compile",
                argv=[str(tools.node), str(tools.launchers / "build_next.cjs")],
                env={"NODE_ENV": "production", "NO_COLOR": "1", "NEXUS_BUILD_KEY": tree.digest.removeprefix("sha256:")},
                limits=Limits(cpus=2, memory_mb=2048, pids=512, open_files=4096, seconds=240),
            )
        ]

    def start(self, tree: FileTree, tools: Toolchain) -> StartCommand:
        if not _has_routes(tree):
            return serve(tools, self.entry(tree))
        return serve(tools, "--enable-source-maps", str(tools.launchers / "launch_next.cjs"))

    def entry(self, tree: FileTree) -> str:
        try:
            return super().entry(tree)
        except InvalidInput:
            raise InvalidInput("There is no app folder. Add app/layout.tsx and app/page.tsx, which show the page.") from None


def _has_routes(tree: FileTree) -> bool:
    return any(path.startswith(_ROUTES) for path in tree)


@cache
def _scaffold(features: frozenset[Feature]) -> FileTree:
    shared = page("")
    api = server("server", features)
    return FileTree(
        {
            **{path: content for path, content in api.items() if not path.startswith("server/")},  # migrations, .env.example
            **{place: shared[f"/{path}"] for path, place in _FROM_PAGE.items()},
            **tailwind("app"),
            **react_ui("ui", features),
            **scaffold_files(_HERE, features),
        }
    )
