"""The dependencies an app names: each must be the scaffold's own, on the list, or let in by the policy, in one exact version."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from core.errors import InvalidInput
from core.files import FileTree
from core.frameworks.framework import Framework
from core.generation import packages
from core.generation.problem import Problem, ProblemKind

_INSTALL_SCRIPTS = ("preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare")


def check(tree: FileTree, framework: Framework, accepted: Collection[str]) -> Iterator[Problem]:
    """Whatever is not accepted, and scripts that would run at install time (they are stripped, and never run)."""
    try:
        wanted = framework.dependencies(tree)
        own = framework.dependencies(framework.scaffold())
    except InvalidInput as error:
        yield Problem(path="", line=None, message=error.message)
        return
    known = {packages.normal_name(framework.name, name) for name in (*own, *accepted)} | set(packages.listed(framework.name))
    for name, version in wanted.items():
        if packages.normal_name(framework.name, name) not in known:
            message = packages.refusal(framework.name, name)
            yield Problem(path="", line=None, message=message, kind=ProblemKind.REFUSED_PACKAGE, subject=name)
        elif own.get(name) != version and not packages.is_exact(version):
            message = f"The package {name!a} asks for {version[:60]!a}; name one exact version."
            yield Problem(path="", line=None, message=message, kind=ProblemKind.INEXACT_VERSION, subject=name)


def scripts(path: str, text: str) -> Iterator[Problem]:
    """Scripts of a package.json that a package manager would run by itself."""
    if path.rpartition("/")[2] != "package.json":
        return
    try:
        named = json.loads(text)["scripts"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return
    for name in _INSTALL_SCRIPTS if isinstance(named, dict) else ():
        if name in named:
            message = f"Its script {name!a} would run while packages are installed, where no code of the app runs; remove it."
            yield Problem(path=path, line=None, message=message, kind=ProblemKind.SCRIPT, subject=name)
