"""Imports of Python files: each must lead to a module of the app, to a package among its dependencies, or to the standard library.

And what is taken from a module of the app must be defined there, as far as that is certain: a module that makes names at run time is not
asked. What stands in a ``try`` or under ``TYPE_CHECKING`` may fail. Which distribution brings which import name is known for the pinned
list (`python_imports.json`); as soon as an app has a package beyond it, an unknown name may be that package's.
"""

from __future__ import annotations

import ast
import functools
import json
import re
import sys
import warnings
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from core.errors import InvalidInput
from core.files import FileTree
from core.frameworks.framework import Framework
from core.generation.problem import Problem, ProblemKind

_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)
_MODULE_NAMES = {
    "__name__",
    "__file__",
    "__doc__",
    "__package__",
    "__spec__",
    "__path__",
    "__loader__",
    "__dict__",
    "__version__",
}
_ODD = {"opentelemetry-api": "opentelemetry"}
_AT_RUN_TIME = {"globals", "vars", "locals", "exec", "setattr"}
_TEST = re.compile(r"(?:^|/)(?:tests?/|test_[^/]*\.py$|conftest\.py$)|_test\.py$")


class PythonImports:
    """Checks the imports of one app's Python files."""

    def __init__(self, tree: FileTree, framework: Framework) -> None:
        self._tree = tree
        self._folders = {path[:n] for path in tree if path.endswith(".py") for n in _cuts(path)}
        self._locals = {path.partition("/")[0].removesuffix(".py") for path in tree if path.endswith(".py")}
        self._installed, self._certain = _installed(tree, framework)
        self._names: dict[str, frozenset[str] | None] = {}

    def check(self, path: str) -> Iterator[Problem]:
        """The imports of one file that lead nowhere."""
        parsed = _parsed(self._tree[path]) if path.endswith(".py") else None
        if parsed is None:
            return
        for node in _imports(parsed):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield from self._module(path, node.lineno, alias.name)
            elif node.level:
                package = path.split("/")[:-1]
                base = package[: len(package) - node.level + 1]
                if node.level - 1 > len(package):
                    yield _missing_module(path, node.lineno, "." * node.level + (node.module or ""))
                else:
                    yield from self._from(path, node, "/".join([*base, *(node.module or "").split(".")]).strip("/"))
            elif node.module is not None:
                found = list(self._module(path, node.lineno, node.module))
                yield from found
                if not found and node.module.partition(".")[0] in self._locals:
                    yield from self._from(path, node, node.module.replace(".", "/"))

    def _module(self, path: str, line: int, name: str) -> Iterator[Problem]:
        top = name.partition(".")[0]
        if top in self._locals:
            if self._file(name.replace(".", "/")) is None:
                yield _missing_module(path, line, name)
        elif top not in sys.stdlib_module_names and top not in self._installed and self._certain and not _TEST.search(path):
            beside = "/".join([*path.split("/")[:-1], top])
            if self._file(beside) is not None:
                meant = beside.replace("/", ".")
                message = f"It imports {top!a}, which is found only as {meant}; import that."
                yield Problem(path=path, line=line, message=message, kind=ProblemKind.MISSING_MODULE, subject=name)
                return
            package = _packages().get(top, top)
            message = (
                f"It imports {top[:80]!a}, of the package {package[:80]!a}, which is not among the dependencies; add it there"
            )
            message += "." if top in _packages() else " if it exists, or do it without."
            yield Problem(path=path, line=line, message=message, kind=ProblemKind.MISSING_PACKAGE, subject=package)

    def _from(self, path: str, node: ast.ImportFrom, place: str) -> Iterator[Problem]:
        target = self._file(place)
        if target is None:
            yield _missing_module(path, node.lineno, "." * node.level + (node.module or ""))
            return
        defined = frozenset[str]() if target == "" else self._defined(target)
        if defined is None:
            return
        for alias in node.names:
            if alias.name in {"*", *_MODULE_NAMES} or alias.name in defined:
                continue
            package = target.endswith("__init__.py") or target == ""
            if target == path or (package and self._file(f"{place}/{alias.name}".strip("/")) is not None):
                continue
            where = target or place + "/"
            message = (
                f"It imports {alias.name[:80]!a} of {where}, which does not define it; define it there, or import what is there."
            )
            kind = ProblemKind.MISSING_NAME
            yield Problem(path=path, line=node.lineno, message=message, kind=kind, subject=f"{where}:{alias.name}")

    def _file(self, place: str) -> str | None:
        """The file of a module; "" for a folder without one, None when there is neither."""
        for path in (place + ".py", f"{place}/__init__.py".lstrip("/")):
            if path in self._tree:
                return path
        return "" if place in self._folders or place == "" else None

    def _defined(self, path: str) -> frozenset[str] | None:
        if path not in self._names:
            parsed = _parsed(self._tree[path])
            self._names[path] = None if parsed is None else _defined(parsed)
        return self._names[path]


def _missing_module(path: str, line: int, name: str) -> Problem:
    message = f"It imports {name[:120]!a}, and there is no such module; write it, or correct the name."
    return Problem(path=path, line=line, message=message, kind=ProblemKind.MISSING_MODULE, subject=name)


def _cuts(path: str) -> Iterator[int]:
    return (n for n, character in enumerate(path) if character == "/")


# -- what a file says ---------------------------------------------------------------------------------------------------------------


def _parsed(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _imports(module: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that must succeed. Without recursion."""
    left: list[ast.AST] = [module]
    while left:
        node = left.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.Try | ast.TryStar):
            left += [*node.finalbody]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            left += node.orelse
        elif isinstance(node, ast.stmt | ast.Module | ast.match_case):
            left += ast.iter_child_nodes(node)


def _defined(module: ast.Module) -> frozenset[str] | None:
    """The names at the top of a module, in whichever branch; None when some are made at run time."""
    if any(
        (isinstance(node, ast.Name) and node.id in _AT_RUN_TIME) or (isinstance(node, ast.Attribute) and node.attr == "modules")
        for node in ast.walk(module)
    ):
        return None
    names: set[str] = set()
    left: list[ast.AST] = list(module.body)
    while left:
        node = left.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node.name == "__getattr__":
                return None
            names.add(node.name)
            names |= {name for inner in ast.walk(node) if isinstance(inner, ast.Global) for name in inner.names}
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            if any(alias.name == "*" for alias in node.names):
                return None
            names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif (isinstance(node, ast.MatchAs | ast.MatchStar) and node.name) or (isinstance(node, ast.ExceptHandler) and node.name):
            names.add(node.name)
        left += ast.iter_child_nodes(node)
    return frozenset(names)


# -- what is installed --------------------------------------------------------------------------------------------------------------


@functools.cache
def _brought() -> Mapping[str, Mapping[str, list[str]]]:
    read: Mapping[str, Mapping[str, list[str]]] = json.loads(
        Path(__file__).with_name("python_imports.json").read_text(encoding="utf-8")
    )
    return read


@functools.cache
def _packages() -> Mapping[str, str]:
    """Import name to the listed package that brings it."""
    return {name: package for package, names in _brought().items() for name in names["own"]}


def _installed(tree: FileTree, framework: Framework) -> tuple[Collection[str], bool]:
    """The import names that the dependencies bring, and whether those are all."""
    try:
        named = {*framework.dependencies(tree)}
        own = {*framework.dependencies(framework.scaffold())}
        for text in framework.dependency_files(tree).values():
            locked = set(_PINNED.findall(text))
            own |= locked - {*named} if locked else set()
            named |= locked
    except InvalidInput:
        return (), False
    own = {_normal(name) for name in own}
    brought: set[str] = set()
    certain = True
    for name in map(_normal, named):
        if name in _brought():
            brought.update(_brought()[name]["own"], _brought()[name]["with"])
        else:
            certain = certain and name in own
            brought.add(_ODD.get(name, name.replace("-", "_")))
    return frozenset(brought), certain


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
