"""Express on Node.js, with pg.

Any app that keeps the platform contract runs, not only the scaffold's: the entry is ``main`` of package.json or ``server.js`` and
the like. Dependencies are installed by pnpm from a package.json of our making (names and versions alone), without lifecycle scripts; as
long as the app adds none, from our lock.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from core.errors import InvalidInput
from core.files import FileTree, read_tree
from core.frameworks.framework import Framework, Recipe, StartCommand, Toolchain
from core.frameworks.page import page
from core.words.plan import Feature
from core.words.walls import Limits, Mount, Network

_HERE = Path(__file__).parent
_OWNED = frozenset(
    {
        "pnpm-lock.yaml",
        "pnpm-workspace.yaml",
        "package-lock.json",
        "npm-shrinkwrap.json",
        "yarn.lock",
        "bun.lock",
        "bun.lockb",
        "deno.lock",
    }
)
_ENTRIES = (
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


class Express(Framework):
    """Node.js, `server.js`."""

    name = "express"
    label = "Express"
    runtime = "Node.js"
    layer_folder = "node_modules"
    manifest = "package.json"

    def scaffold(self, features: Collection[Feature] = ()) -> FileTree:
        return _scaffold()

    def owns(self, path: str) -> bool:
        return path in _OWNED

    def with_dependencies(self, tree: FileTree, dependencies: Mapping[str, str]) -> FileTree:
        package = _package(tree)
        merged = {**_dependencies(package), **{name: version.strip() or "*" for name, version in dependencies.items()}}
        for name, version in merged.items():
            _check(name, version)
        if merged == _dependencies(package) and self.manifest in tree:
            return tree
        package["dependencies"] = dict(sorted(merged.items()))
        return tree.with_files({self.manifest: json.dumps(package, indent=2, ensure_ascii=False) + "\n"})

    def dependencies(self, tree: FileTree) -> Mapping[str, str]:
        return _dependencies(_package(tree))

    def dependency_files(self, tree: FileTree) -> FileTree:
        wanted = dict(sorted(_dependencies(_package(tree)).items()))
        files = {self.manifest: json.dumps({"name": "app", "private": True, "dependencies": wanted}, indent=2) + "\n"}
        if wanted == _dependencies(_package(_scaffold())):
            files["pnpm-lock.yaml"] = (_HERE / "pnpm-lock.yaml").read_text(encoding="utf-8")
        return FileTree(files)

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

    def build(self, tree: FileTree, tools: Toolchain) -> Sequence[Recipe]:
        entry(tree)
        checker = str(tools.launchers / "check_js.cjs")
        argv = [str(tools.node), "--experimental-vm-modules", "--no-warnings", checker]
        return [Recipe(name="syntax", argv=argv, limits=Limits(seconds=60))]

    def start(self, tree: FileTree, tools: Toolchain) -> StartCommand:
        argv = [str(tools.node), "--require", str(tools.launchers / "listen.cjs"), entry(tree)]
        return StartCommand(argv=argv, env={"NODE_ENV": "production", "NO_COLOR": "1"})


def entry(tree: FileTree) -> str:
    """The file that starts the server.

    Raises:
        InvalidInput: there is none.
    """
    main = _package(tree).get("main")
    named = posixpath.normpath(main) if isinstance(main, str) and main else ""
    for path in (named, *_ENTRIES):
        if path in tree:
            return path
    raise InvalidInput(
        "There is no server.js, and package.json names no other file as its main. Add server.js, which listens on PORT."
    )


@cache
def _scaffold() -> FileTree:
    return read_tree(_HERE / "scaffold").with_files(page("public"))


def _package(tree: FileTree) -> dict[str, Any]:
    try:
        package = json.loads(tree.get("package.json") or _scaffold()["package.json"])
    except (ValueError, RecursionError):
        package = None
    if not isinstance(package, dict):
        raise InvalidInput("package.json is not a JSON object; correct it and send it again.")
    return package


def _dependencies(package: Mapping[str, Any]) -> dict[str, str]:
    found = package.get("dependencies") or {}
    if not isinstance(found, dict):
        raise InvalidInput("`dependencies` in package.json must map names to versions; correct it and send it again.")
    for name, version in found.items():
        _check(name, version)
    return dict(found)


def _check(name: str, version: object) -> None:
    if not _NAME.fullmatch(name) or not isinstance(version, str) or not _RANGE.fullmatch(version):
        raise InvalidInput(
            f"The dependency {name[:80]!a} is not accepted: only packages of the registry, by name and version, are installed. "
            'Write it like "name": "1.2.3" in package.json.'
        )
