"""A meter: what the model calls under way have used, told as they go.

An ending carries the usage of its calls; a build that is cancelled gets no ending, and yet its vendor is paid. Whoever runs a build
opens a meter around it and reads it when there was no ending; every `Model` that costs something counts here too, with each request
that ended, failed or was closed early. It travels with the context, so that calls in tasks of their own count on the same meter.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from core.generation.model import Usage


class Meter:
    """The usage of all requests since it was opened."""

    def __init__(self) -> None:
        self.usage = Usage()


_open: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def metering() -> Iterator[Meter]:
    """A meter that counts what is called inside, here and in tasks that are started here."""
    meter = Meter()
    token = _open.set(meter)
    try:
        yield meter
    finally:
        _open.reset(token)


def count(usage: Usage) -> None:
    """Count one request, when somebody wants to know."""
    meter = _open.get()
    if meter is not None:
        meter.usage += usage
