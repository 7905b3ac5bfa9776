"""Fixing: what has one certain answer is mended without asking a model.

Called by the pipeline on what a model wrote, and before a repair on what verification rejected. Each fixer is a small pure
function from text (or tree and log) to new text; it changes nothing when it is not sure. What was mended is told in a sentence.
Files that are frozen or the platform's are never touched: the caller says which may be.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from core.files import FileTree
from core.frameworks.framework import Framework
from core.generation import packages
from core.generation.fixing import python, scripts
from core.generation.problem import Problem, ProblemKind

_SCRIPTS = (".js", ".jsx", ".mjs", ".ts", ".tsx", ".vue", ".html")
_PROSE = (".md", ".mdx", ".txt", ".rst")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """What was mended. Empty when nothing was."""

    files: dict[str, str]  #: path to new text
    packages: Sequence[str]  #: names on the list that are used and were not asked for
    notes: Sequence[str]


def tidy(text: str) -> str:
    """Without a byte order mark and Windows line ends, with a line break at the end. Nothing else is changed."""
    plain = re.sub(r"\r+(?:\n|\Z)", "\n", text.removeprefix("\ufeff"))
    return plain if not plain or plain.endswith("\n") else plain + "\n"


def fixed(tree: FileTree, framework: Framework, paths: Collection[str], problems: Sequence[Problem] = (), log: str = "") -> Fixed:
    """What can be mended in ``paths``, seen from the files themselves, what validation found and what a failing check printed."""
    files: dict[str, str] = {}
    notes: list[str] = []
    for path in sorted(paths):
        if path not in tree:
            continue
        text, said = _in_file(tree, framework, path)
        if text != tree[path]:
            files[path] = text
            notes += said
    if any(problem.kind is ProblemKind.NO_HEALTH_ROUTE for problem in problems) or not _has_health(tree):
        for path in sorted(paths):
            if path not in tree:
                continue
            with_route = _with_health_route(path, files.get(path, tree[path]))
            if with_route is not None:
                files[path] = with_route
                notes.append(f"{path} had no GET /healthz; it was added.")
                break
    wanted = _missing_packages(tree, framework, problems, log)
    notes += [f"The package {name} is used and was not asked for; it was added." for name in wanted]
    return Fixed(files=files, packages=wanted, notes=notes)


def _in_file(tree: FileTree, framework: Framework, path: str) -> tuple[str, list[str]]:
    notes: list[str] = []
    text = tree[path]
    if path.endswith(".py"):
        text, names = python.with_missing_imports(text)
        if names:
            notes.append(f"{path} used {_listed(names)} without importing it; the import was added.")
        text, bound = python.with_environment(text)
        if bound:
            notes.append(f"{path} listened at an address of its own; it takes HOST and PORT now.")
            text, _ = python.with_missing_imports(text)
    elif path.endswith(_SCRIPTS):
        text, names = scripts.with_missing_imports(path, text, framework.dependencies(tree))
        if names:
            notes.append(f"{path} used {_listed(names)} without importing it; the import was added.")
        text, bound = scripts.with_environment(path, text)
        if bound:
            notes.append(f"{path} named an address of its own; it takes the platform's now.")
        module = scripts.as_module(tree.with_files({path: text}), path)
        if module is not None:
            text = module
            notes.append(f"{path} mixed require and import; it imports now, as the project does.")
    return text, notes


def _has_health(tree: FileTree) -> bool:
    return any("/healthz" in text or "healthz/" in path for path, text in tree.items() if not path.lower().endswith(_PROSE))


def _with_health_route(path: str, text: str) -> str | None:
    if path.endswith(".py"):
        return python.with_health_route(text)
    return scripts.with_health_route(text) if path.endswith((".js", ".mjs", ".ts")) else None


def _missing_packages(tree: FileTree, framework: Framework, problems: Sequence[Problem], log: str) -> list[str]:
    """Names on the pinned list alone: whatever else is missing is a question, and no certainty."""
    named = [problem.subject for problem in problems if problem.kind is ProblemKind.MISSING_PACKAGE]
    named += python.packages_named_in(log) if packages.REGISTRY_OF[framework.name] == "pypi" else scripts.packages_named_in(log)
    present = {packages.normal_name(framework.name, name) for name in framework.dependencies(tree)}
    normal = dict.fromkeys(packages.normal_name(framework.name, name) for name in named)
    return [name for name in normal if name in packages.allowed(framework.name) and name not in present]


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
