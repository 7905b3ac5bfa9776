"""The frameworks that Nexus knows; the only place that lists them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from core.errors import InvalidInput
from core.frameworks.express.framework import Express
from core.frameworks.fastapi.framework import FastAPI
from core.frameworks.framework import Framework
from core.frameworks.nextjs.framework import NextJS
from core.frameworks.react.framework import React
from core.frameworks.vue.framework import Vue
from core.words.plan import FrameworkName, framework_called

FRAMEWORKS: Mapping[FrameworkName, Framework] = MappingProxyType(
    {"fastapi": FastAPI(), "express": Express(), "react": React(), "nextjs": NextJS(), "vue": Vue()}
)


def framework(name: str) -> Framework:
    """The framework of this name, however it is written.

    Raises:
        InvalidInput: there is none; the message names the known ones and the nearest.
    """
    found = framework_called(name)
    if found is not None:
        return FRAMEWORKS[found]
    near = difflib.get_close_matches(name.strip().lower(), list(FRAMEWORKS), n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    *others, last = FRAMEWORKS
    raise InvalidInput(f"There is no framework {name.strip()[:40]!a} here.{hint} Nexus knows {', '.join(others)} and {last}.")
