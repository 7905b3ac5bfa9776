"""The frameworks that Nexus knows; the only place that lists them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from core.errors import InvalidInput
from core.frameworks.express.framework import Express
from core.frameworks.fastapi.framework import FastAPI
from core.frameworks.framework import Framework
from core.words.plan import FrameworkName

FRAMEWORKS: Mapping[FrameworkName, Framework] = MappingProxyType({"fastapi": FastAPI(), "express": Express()})


def framework(name: str) -> Framework:
    """The framework of this name, whatever its case.

    Raises:
        InvalidInput: there is none; the message names the known ones and the nearest.
    """
    wanted = name.strip().lower()
    for known, found in FRAMEWORKS.items():
        if wanted in {known, found.label.lower()}:
            return found
    near = difflib.get_close_matches(wanted, list(FRAMEWORKS), n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    known_ones = " and ".join(FRAMEWORKS)
    raise InvalidInput(f"There is no framework {name.strip()[:40]!a} here.{hint} Nexus knows {known_ones}.")
