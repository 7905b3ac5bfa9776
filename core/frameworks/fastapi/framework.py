"""FastAPI on uvicorn, with asyncpg.

Dependencies are exact pins in ``requirements.txt``. As long as the scaffold's own pins are among them, the whole set is installed
from our lock with hashes; what an app adds is installed beside it. Wheels only: an sdist would run code while it installs.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path

from core.errors import InvalidInput
from core.files import FileTree, read_tree
from core.frameworks.accounts import account_tables
from core.frameworks.framework import Framework, Recipe, StartCommand, Toolchain
from core.frameworks.page import is_page_fixture, page
from core.words.plan import Feature
from core.words.walls import Limits, Mount, Network

_HERE = Path(__file__).parent
_OVERLAYS: frozenset[Feature] = frozenset({"authentication"})  #: features with a folder below ``features/``
_OWNED = frozenset(
    {"requirements.lock", "uv.lock", "poetry.lock", "pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "Pipfile.lock"}
)
_SETTLED = frozenset({"app/__init__.py", "app/features.py", "app/problems.py"})
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_VERSION = re.compile(r"(?:===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+")
_EXACT = re.compile(r"v?[0-9][A-Za-z0-9.+!_-]{0,60}")
_LINE = re.compile(rf"(?P<name>{_NAME.pattern})(?P<extras>\[[A-Za-z0-9,._ -]*\])?(?P<version>[^;]*)(?P<marker>;.*)?")


class FastAPI(Framework):
    """Python, `app.main:app` (or `main:app`) served by uvicorn."""

    name = "fastapi"
    label = "FastAPI"
    runtime = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    layer_folder = ".venv"
    manifest = "requirements.txt"
    features = _OVERLAYS | {"search"}

    def scaffold(self, features: Collection[Feature] = ()) -> FileTree:
        return _scaffold(_OVERLAYS & frozenset(features))

    def guide(self) -> str:
        return (_HERE / "guide.md").read_text(encoding="utf-8")

    def is_fixture(self, path: str) -> bool:
        return super().is_fixture(path) or path in _SETTLED or path.startswith("app/auth/") or is_page_fixture(path, "static")

    def owns(self, path: str) -> bool:
        return path in _OWNED

    def with_dependencies(self, tree: FileTree, dependencies: Mapping[str, str]) -> FileTree:
        lines = {_canonical(line["name"]): line[0].strip() for line in _lines(self._manifest(tree))}
        for name, version in dependencies.items():
            if not _NAME.fullmatch(name):
                raise _refused(name)
            lines[_canonical(name)] = name + _specifier(name, version)
        return tree.with_files({self.manifest: "".join(f"{line}\n" for line in lines.values())})

    def dependencies(self, tree: FileTree) -> Mapping[str, str]:
        return {
            line["name"]: (
                version[2:].strip() if (version := line["version"].strip()).startswith("==") and "," not in version else version
            )
            for line in _lines(self._manifest(tree))
        }

    def dependency_files(self, tree: FileTree) -> FileTree:
        wanted = {_canonical(line["name"]): line[0].strip() for line in _lines(self._manifest(tree))}
        own = {_canonical(line["name"]): line[0].strip() for line in _lines(_scaffold()[self.manifest])}
        text = "".join(f"{line}\n" for line in wanted.values())
        if all(wanted.get(name) == line for name, line in own.items()):
            lock = (_HERE / "requirements.lock").read_text(encoding="utf-8")
            locked = {_canonical(match[1]) for match in re.finditer(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)}
            text = lock + "".join(f"{line}\n" for name, line in wanted.items() if name not in locked or "[" in line)
        return FileTree({"requirements.lock": text})

    def install(self, tools: Toolchain) -> Sequence[Recipe]:
        return [
            Recipe(
                name="install",
                argv=[
                    str(tools.python),
                    "-I",
                    "-S",
                    str(tools.launchers / "install_fastapi.py"),
                    str(tools.uv),
                    str(tools.python),
                ],
                env={
                    "UV_CACHE_DIR": str(tools.uv_cache),
                    "UV_LINK_MODE": "hardlink",
                    "UV_NO_PROGRESS": "1",
                    "UV_PYTHON_DOWNLOADS": "never",
                },
                mounts=[Mount(source=tools.uv_cache, target=str(tools.uv_cache), writable=True)],
                network=Network.REGISTRIES,
                limits=Limits(cpus=2, memory_mb=1536, pids=256, seconds=240),
            )
        ]

    def build(self, tree: FileTree, tools: Toolchain) -> Sequence[Recipe]:
        return [Recipe(name="compile", argv=[*self._launcher(tools), "check"], env=_ENVIRONMENT, limits=Limits(seconds=60))]

    def start(self, tree: FileTree, tools: Toolchain) -> StartCommand:
        return StartCommand(argv=self._launcher(tools), env=_ENVIRONMENT)

    def _manifest(self, tree: FileTree) -> str:
        return tree.get(self.manifest) or _scaffold()[self.manifest]

    @staticmethod
    def _launcher(tools: Toolchain) -> list[str]:
        return [str(tools.python), "-I", "-S", str(tools.launchers / "launch_fastapi.py")]


_ENVIRONMENT = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}


@cache
def _scaffold(features: frozenset[Feature] = frozenset()) -> FileTree:
    tree = read_tree(_HERE / "scaffold").with_files(page("static"))
    for feature in sorted(features):
        tree = tree.with_files(read_tree(_HERE / "features" / feature))
    return tree.with_files(account_tables(features))


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _refused(what: str) -> InvalidInput:
    return InvalidInput(
        f"The dependency {what[:80]!a} is not accepted: only packages of the index, by name and version, are installed. "
        "Write it like `name==1.2.3` in requirements.txt."
    )


def _specifier(name: str, version: str) -> str:
    version = version.strip()
    if version in {"", "*", "latest"}:
        return ""
    if _EXACT.fullmatch(version):
        return "==" + version
    if all(_VERSION.fullmatch(part.strip()) for part in version.split(",")):
        return version
    raise _refused(f"{name} {version}")


def _lines(requirements: str) -> list[re.Match[str]]:
    """The requirement lines; options, addresses and paths are refused."""
    found = []
    for raw in requirements.splitlines():
        line = re.sub(r"(^|\s)#.*", "", raw).strip()
        if not line:
            continue
        match = _LINE.fullmatch(line)
        if match is None or any(c in line for c in "@/\\") or "--" in line:
            raise _refused(line)
        version = match["version"].strip().removeprefix("(").removesuffix(")")
        if version and not all(_VERSION.fullmatch(part.strip()) for part in version.split(",")):
            raise _refused(line)
        found.append(match)
    return found
