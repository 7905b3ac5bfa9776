"""Refuses what Discord refuses of a request's body. First version: to be completed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

NO_JSON = object()  #: a body that could not be read


def problems(method: str, path: str, body: Any, *, files: Sequence[str] = ()) -> Iterator[str]:
    """What is wrong with the body of a call."""
    yield from ()
