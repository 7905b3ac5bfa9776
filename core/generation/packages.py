"""Which packages an app may use beyond its scaffold's own: a pinned list, in `packages.json`.

Asked by the pipeline (what a plan may have), by validation (what a tree has) and by the prompts (what a model is told). About a fifth of
generated apps name a package that does not exist, and such names can be squatted; so whatever is not on the list is refused, with the
reason. Versions are exact and were resolved together for Python 3.11 (wheels only) and Node.js 20.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
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
REGISTRY_LABEL: Mapping[Registry, str] = {"pypi": "Python", "npm": "Node.js"}

_NAME = re.compile(r"\s*(?P<name>@?[A-Za-z0-9][A-Za-z0-9._/-]*)")
_EXACT = re.compile(r"(==)?\d+(\.\d+)*((a|b|rc|\.post|\.dev)\d+|-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The answer to the names in a plan."""

    versions: Mapping[str, str]  #: name to exact version
    refused: Mapping[str, str]  #: name to the reason, a sentence


@functools.cache
def _lists() -> Mapping[Registry, Mapping[str, str]]:
    lists: Mapping[Registry, Mapping[str, str]] = json.loads(
        Path(__file__).with_name("packages.json").read_text(encoding="utf-8")
    )
    return lists


def allowed(framework: FrameworkName) -> Mapping[str, str]:
    """Name to exact version of every package that apps of this framework may add."""
    return _lists()[REGISTRY_OF[framework]]


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
        version = allowed(framework).get(name)
        if version is None:
            refused[entry[:80]] = refusal(framework, entry)
        else:
            versions[name] = version
    return Resolved(versions=versions, refused=refused)


def refusal(framework: FrameworkName, name: str) -> str:
    """Why a package is not accepted, as a sentence."""
    label = REGISTRY_LABEL[REGISTRY_OF[framework]]
    return f"The package {name[:80]!a} is not on the list of {label} packages that apps may use; do it without, or with one on the list."


def is_exact(version: str) -> bool:
    """Whether a version in a dependency file names exactly one release."""
    return _EXACT.fullmatch(version.strip()) is not None
