"""What every framework on Node.js shares: package.json, and its packages installed by pnpm.

The base of `Express`, of the Vite frameworks and of Next.js. Packages are installed from a package.json of our making (names and versions
alone), without lifecycle scripts, from the ``pnpm-lock.yaml`` beside the framework, to which those of the app are added. It knows no
build and no start command.
"""

from __future__ import annotations

import json
import posixpath
import re
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar

from core.errors import InvalidInput
from core.files import FileTree, read_tree
from core.frameworks.framework import Framework, Recipe, StartCommand, Toolchain
from core.words.plan import Feature
from core.words.walls import Limits, Mount, Network

_LOCK = "pnpm-lock.yaml"
_OWNED = frozenset(
    {
        _LOCK,
        "pnpm-workspace.yaml",
        "package-lock.json",
        "npm-shrinkwrap.json",
        "yarn.lock",
        "bun.lock",
        "bun.lockb",
        "deno.lock",
    }
)
#: where the server of a Node app usually starts
ENTRIES = (
    "server.js",
    "index.js",
    "app.js",
    "server.mjs",
    "server.cjs",
    "index.mjs",
    "src/server.js",
    "src/index.js",
    "src/app.js",
)
_NAME = re.compile(r"(?:@[a-z0-9~-][a-z0-9._~-]{0,100}/)?[a-z0-9~-][a-z0-9._~-]{0,100}")
_RANGE = re.compile(r"[0-9xX*^~<>=|. v+A-Za-z-]{1,100}")


class NodeFramework(Framework):
    """A framework whose apps have a package.json."""

    runtime = "Node.js"
    layer_folder = "node_modules"
    manifest = "package.json"

    home: ClassVar[Path]  #: the framework's own folder, with ``scaffold/`` and pnpm-lock.yaml
    #: the parts of package.json that are installed, the most important first; build tools are among devDependencies
    kinds: ClassVar[Sequence[str]] = ("dependencies", "devDependencies")
    entries: ClassVar[Sequence[str]] = ENTRIES  #: the scaffold's first; for apps whose package.json names none

    @abstractmethod
    def scaffold(self, features: Collection[Feature] = ()) -> FileTree: ...

    def guide(self) -> str:
        return (self.home / "guide.md").read_text(encoding="utf-8")

    def owns(self, path: str) -> bool:
        return path in _OWNED

    def package(self, tree: FileTree) -> dict[str, Any]:
        """The app's package.json, or the scaffold's where it has none.

        Raises:
            InvalidInput: it is no JSON object.
        """
        try:
            package = json.loads(tree.get(self.manifest) or self.scaffold()[self.manifest])
        except (ValueError, RecursionError):
            package = None
        if not isinstance(package, dict):
            raise InvalidInput("package.json is not a JSON object; correct it and send it again.")
        return package

    def entry(self, tree: FileTree) -> str:
        """The file that starts the server: ``main`` of package.json, or the first of `entries` that there is.

        Raises:
            InvalidInput: there is none.
        """
        main = self.package(tree).get("main")
        named = posixpath.normpath(main) if isinstance(main, str) and main else ""
        for path in (named, *self.entries):
            if path in tree:
                return path
        usual = self.entries[0]
        raise InvalidInput(
            f"There is no {usual}, and package.json names no other file as its main. Add {usual}, which listens on PORT."
        )

    def with_dependencies(self, tree: FileTree, dependencies: Mapping[str, str]) -> FileTree:
        package = self.package(tree)
        before = self._of(package)
        added = {name: version.strip() or "*" for name, version in dependencies.items()}
        merged = {**before, **added}
        for name, version in merged.items():
            _check(name, version)
        if merged == before and self.manifest in tree:
            return tree
        for kind in reversed(self.kinds):
            kept = package.get(kind) or {}
            mine = {name: version for name, version in added.items() if kind == self.kinds[0] or name in kept}
            if mine:
                package[kind] = dict(sorted({**kept, **mine}.items()))
                added = {name: version for name, version in added.items() if name not in mine}
        return tree.with_files({self.manifest: json.dumps(package, indent=2, ensure_ascii=False) + "\n"})

    def dependencies(self, tree: FileTree) -> Mapping[str, str]:
        return self._of(self.package(tree))

    def _of(self, package: Mapping[str, Any]) -> dict[str, str]:
        found: dict[str, str] = {}
        for kind in reversed(self.kinds):
            named = package.get(kind) or {}
            if not isinstance(named, dict):
                raise InvalidInput(f"`{kind}` in package.json must map names to versions; correct it and send it again.")
            for name, version in named.items():
                _check(name, version)
            found |= named
        return found

    def dependency_files(self, tree: FileTree) -> FileTree:
        wanted = dict(sorted(self.dependencies(tree).items()))
        files = {self.manifest: json.dumps({"name": "app", "private": True, "dependencies": wanted}, indent=2) + "\n"}
        # With packages of the app's own, too: pnpm adds those, and what the scaffold brings stays as it was tried.
        if self._locked.items() <= wanted.items():
            files[_LOCK] = (self.home / _LOCK).read_text(encoding="utf-8")
        return FileTree(files)

    @cached_property
    def _locked(self) -> Mapping[str, str]:
        return dict(self.dependencies(self.scaffold()))

    def install(self, tools: Toolchain) -> Sequence[Recipe]:
        return [
            Recipe(
                name="install",
                argv=[
                    *(
                        str(tools.node),
                        str(tools.pnpm),
                        "install",
                        "--prod",
                        "--ignore-scripts",
                        "--ignore-workspace",
                        "--ignore-pnpmfile",
                    ),
                    *("--prefer-offline", "--no-frozen-lockfile", "--reporter=append-only"),
                    *("--store-dir", str(tools.pnpm_store), f"--config.cache-dir={tools.pnpm_store / 'metadata'}"),
                    # The lock is ours; otherwise pnpm asks the registry about each of its packages, which takes 10 seconds.
                    *("--trust-lockfile", "--config.block-exotic-subdeps=true", "--config.update-notifier=false"),
                ],
                env={"CI": "true", "NO_COLOR": "1"},
                mounts=[Mount(source=tools.pnpm_store, target=str(tools.pnpm_store), writable=True)],
                network=Network.REGISTRIES,
                limits=Limits(cpus=2, memory_mb=1536, pids=256, open_files=4096, seconds=240),
            )
        ]


@cache
def scaffold_files(home: Path, features: frozenset[Feature] = frozenset()) -> FileTree:
    """The files of a framework's ``scaffold/``, and over them those of ``features/<feature>/``; read once."""
    tree = read_tree(home / "scaffold")
    for feature in sorted(features):
        tree = tree.with_files(read_tree(home / "features" / feature))
    return tree


def syntax_check(tools: Toolchain) -> Recipe:
    """Whether every JavaScript file of the tree can be parsed; runs none of them."""
    checker = str(tools.launchers / "check_js.cjs")
    argv = [str(tools.node), "--experimental-vm-modules", "--no-warnings", checker]
    return Recipe(name="syntax", argv=argv, limits=Limits(seconds=60))


def serve(tools: Toolchain, *argv: str) -> StartCommand:
    """Run this file (and its arguments) with node, listening where the platform wants it to."""
    listen = ("--require", str(tools.launchers / "listen.cjs"))
    return StartCommand(argv=[str(tools.node), *listen, *argv], env={"NODE_ENV": "production", "NO_COLOR": "1"})


def _check(name: str, version: object) -> None:
    if not _NAME.fullmatch(name) or not isinstance(version, str) or not _RANGE.fullmatch(version):
        raise InvalidInput(
            f"The dependency {name[:80]!a} is not accepted: only packages of the registry, by name and version, are installed. "
            'Write it like "name": "1.2.3" in package.json.'
        )
