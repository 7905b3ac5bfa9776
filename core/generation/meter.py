"""A meter: what the model calls of a build have used, told as they go.

An ending carries the usage of its calls; a call that is closed early gets no ending, and yet its vendor is paid. Whoever runs a build
opens a meter around it and reads what it costs from there; the pipeline asks it how often a model was asked. Every `Model` that costs
something counts here, with each request that ended, failed or was closed early. It travels with the context, so that calls in tasks of
their own count on the same meter.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from core.generation.model import Usage


class Meter:
    """The usage of all requests since it was opened, and what there was ``before``."""

    def __init__(self, before: Usage) -> None:
        self.usage = before


_NOTHING = Usage()
_open: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def metering(before: Usage = _NOTHING) -> Iterator[Meter]:
    """A meter that counts what is called inside, here and in tasks that are started here."""
    meter = Meter(before)
    token = _open.set(meter)
    try:
        yield meter
    finally:
        _open.reset(token)


def counted() -> Usage:
    """What the open meter says; nothing where none is open."""
    meter = _open.get()
    return _NOTHING if meter is None else meter.usage


def count(usage: Usage) -> None:
    """Count one request, when somebody wants to know."""
    meter = _open.get()
    if meter is not None:
        meter.usage += usage
