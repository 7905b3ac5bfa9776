"""Validation: what can be said about an app's files without running anything.

Called by the pipeline on what a model wrote, and by the API on what is pushed. One module per check: elisions, syntax, imports, secrets,
the platform contract, packages, SQL. Paths and sizes are `core.files.FileTree`'s business. It never executes, imports or fetches; its
messages never repeat a secret; and whatever cannot be told for certain is left to the build and the try-out, because a false alarm costs
a round of repair that breaks what was right. It takes a bounded time and does not recurse, whatever the files hold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from core.errors import InvalidInput
from core.files import FileTree
from core.frameworks.framework import Framework
from core.generation.problem import Problem
from core.generation.validation import contract, elisions, packages, secrets, sql, syntax
from core.generation.validation.imports import Imports
from core.generation.validation.python import PythonImports
from core.generation.validation.scripts import Scripts
from core.words.plan import Plan

MAX_PROBLEMS = 50
MAX_PROBLEMS_PER_FILE = 10


def validate(
    tree: FileTree,
    plan: Plan,
    framework: Framework,
    written: Collection[str] | None = None,
    *,
    accepted: Collection[str] = (),
) -> tuple[Problem, ...]:
    """The problems of an app, at most `MAX_PROBLEMS`. ``written`` are the paths to look into; None looks into every file. ``accepted``
    are packages that the policy has let in beyond the list."""
    problems: list[Problem] = []
    scripts = Scripts(tree)
    imports = Imports(tree, scripts, framework.name, _installed(tree, framework))
    python = PythonImports(tree, framework)
    for path in tree:
        if written is None or path in written:
            for number, problem in enumerate(_of_file(path, tree[path], scripts, imports, python)):
                if number == MAX_PROBLEMS_PER_FILE:
                    break
                problems.append(problem)
    problems += contract.planned(tree, plan)
    problems += contract.check(tree, plan)
    problems += sql.tables(tree, plan)
    problems += packages.check(tree, framework, accepted)
    return tuple(problems[:MAX_PROBLEMS])


def _of_file(path: str, text: str, scripts: Scripts, imports: Imports, python: PythonImports) -> Iterator[Problem]:
    yield from elisions.check(path, text)
    yield from syntax.check(path, text, scripts)
    yield from secrets.check(path, text)
    yield from sql.check(path, text)
    yield from packages.scripts(path, text)
    yield from contract.ports(path, scripts)
    yield from imports.check(path)
    yield from python.check(path)


def _installed(tree: FileTree, framework: Framework) -> Collection[str]:
    try:
        return framework.dependencies(tree)
    except InvalidInput:
        return ()
