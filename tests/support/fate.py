"""Fate: kills a worker at the n-th thing that it does to the world.

``fated(port, fate)`` is the port, each of whose asynchronous calls is counted; `FatedLedger` counts transactions. Right after the chosen
one is done `Died` is raised, and from then on at every other, so that no ``finally`` of the dead can tidy up: as with ``kill -9``, nothing
more happens. To die before the next one would be the same: what a worker has in its head is lost.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar, cast

from core.ledger.ledger import Ledger, Transaction

P = TypeVar("P")


class Died(BaseException):
    """The worker is no more."""


class Fate:
    """Where a worker dies: after call ``at``, or after the first call of the name ``on``. ``calls`` names all that there were."""

    def __init__(self, at: int = 0, *, on: str = "") -> None:
        self._at, self._on = at, on
        self.dead = False
        self.calls: list[str] = []

    def before(self, call: str) -> int:
        if self.dead:
            raise Died
        self.calls.append(call)
        return len(self.calls)

    def behind(self, number: int) -> None:
        if self.dead or number == self._at or self.calls[number - 1] == self._on:
            self.dead = True
            raise Died


class _Fated:
    def __init__(self, port: Any, fate: Fate) -> None:
        self._port, self._fate = port, fate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not inspect.iscoroutinefunction(found):
            return found
        return self._counted(f"{type(self._port).__name__}.{name}", found)

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        async def counted(*args: Any, **more: Any) -> Any:
            number = self._fate.before(name)
            done = await call(*args, **more)
            self._fate.behind(number)
            return done

        return counted


def fated(port: P, fate: Fate | None) -> P:
    """The port, with this fate."""
    return port if fate is None else cast(P, _Fated(port, fate))


class FatedLedger(Ledger):
    """A ledger of the same database, where a transaction may be the last thing that is done. Reading is nothing done."""

    def __init__(self, ledger: Ledger, fate: Fate) -> None:
        self.dsn, self.engine = ledger.dsn, ledger.engine
        self._fate = fate

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        number = self._fate.before("transaction")
        async with super().transaction() as t:
            yield t
        self._fate.behind(number)

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Any]:
        if self._fate.dead:
            raise Died
        async with super().transaction() as t:
            yield t.session
