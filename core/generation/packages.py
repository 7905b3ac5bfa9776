"""Which packages an app may use beyond its scaffold's own: a pinned list, in `packages.json`.

Asked by the pipeline (what a plan may have), by validation (what a tree has) and by the prompts (what a model is told). About a fifth of
generated apps name a package that does not exist, and such names can be squatted; so whatever is not on the list is refused here, with
the reason, unless `core.generation.policy` knows better from the index. Versions are exact and were resolved together for Python 3.11
(wheels only) and Node.js 20, each framework's with the framework. It asks nobody.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.words.plan import FrameworkName

Registry = Literal["pypi", "npm"]
REGISTRY_OF: Mapping[FrameworkName, Registry] = {
    "fastapi": "pypi",
    "express": "npm",
    "react": "npm",
    "nextjs": "npm",
    "vue": "npm",
}
_SECTIONS: Mapping[FrameworkName, Sequence[str]] = {
    "fastapi": ("pypi",),
    "express": ("npm",),
    "react": ("npm", "react", "react-alone"),
    "nextjs": ("npm", "react", "nextjs"),
    "vue": ("npm", "vue"),
}
_TYPED = frozenset({"react", "nextjs", "vue"})  #: frameworks whose apps are TypeScript
REGISTRY_LABEL: Mapping[Registry, str] = {"pypi": "Python", "npm": "Node.js"}

_NAME = re.compile(r"\s*(?P<name>@?[A-Za-z0-9][A-Za-z0-9._/-]*)")
_EXACT = re.compile(r"(==)?\d+(\.\d+)*((a|b|rc|\.post|\.dev)\d+|-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The answer to the names in a plan."""

    versions: Mapping[str, str]  #: name to exact version
    refused: Mapping[str, str]  #: name to the reason, a sentence


@functools.cache
def _lists() -> Mapping[str, Mapping[str, str]]:
    lists: Mapping[str, Mapping[str, str]] = json.loads(Path(__file__).with_name("packages.json").read_text(encoding="utf-8"))
    return lists


@functools.cache
def allowed(framework: FrameworkName) -> Mapping[str, str]:
    """Name to exact version of every package that apps of this framework may add. What only describes the types of another is
    added with it, and not named here."""
    return {name: version for section in _SECTIONS[framework] for name, version in sorted(_lists()[section].items())}


@functools.cache
def listed(framework: FrameworkName) -> Mapping[str, str]:
    """`allowed`, and the packages of types that go with it."""
    if REGISTRY_OF[framework] == "pypi":
        return allowed(framework)
    return {**allowed(framework), **{_types(name): version for name, version in _lists()["types"].items()}}


def _types(name: str) -> str:
    return f"@types/{name}"


def normal_name(framework: FrameworkName, name: str) -> str:
    """The registry's own spelling: case does not count, and for Python nor do ``-``, ``_`` and ``.``."""
    lowered = name.strip().lower()
    return re.sub(r"[-_.]+", "-", lowered) if REGISTRY_OF[framework] == "pypi" else lowered


def resolve(framework: FrameworkName, wanted: Iterable[str], already: Mapping[str, str]) -> Resolved:
    """Exact versions for the packages that a plan wants; ``already`` are the scaffold's, which need nothing.

    A version in a wanted name is ignored: the list's is used.
    """
    versions: dict[str, str] = {}
    refused: dict[str, str] = {}
    present = {normal_name(framework, name) for name in already}
    for entry in wanted:
        match = _NAME.match(entry)
        name = normal_name(framework, match["name"]) if match else ""
        if name in present:
            continue
        version = listed(framework).get(name)
        if version is None:
            refused[entry[:80]] = refusal(framework, entry)
            continue
        versions[name] = version
        types = _types(name)
        if framework in _TYPED and types in listed(framework) and types not in present:
            versions[types] = listed(framework)[types]
    return Resolved(versions=versions, refused=refused)


def refusal(framework: FrameworkName, name: str) -> str:
    """Why a package is not accepted, as a sentence."""
    label = REGISTRY_LABEL[REGISTRY_OF[framework]]
    return f"The package {name[:80]!a} is not on the list of {label} packages that apps may use; do it without, or with one on the list."


def is_exact(version: str) -> bool:
    """Whether a version in a dependency file names exactly one release."""
    return _EXACT.fullmatch(version.strip()) is not None
