"""The teller: writes progress facts of a running work to the ledger, in order, a few times a second.

Used by builds and deployments while they run. Progress comes from synchronous callbacks, often many at once; one writer gathers what
has come since its last transaction. `drain` is called before anything final is written, so that the order of events is the order
of what happened.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog

from core.errors import TemporaryError
from core.ledger.ledger import Ledger
from core.words.events import Fact

log = structlog.get_logger(__name__)


class Teller:
    """Facts of one app, on their way to the ledger."""

    def __init__(self, ledger: Ledger, app: str) -> None:
        self._ledger = ledger
        self._app = app
        self._waiting: list[Fact] = []
        self._something = asyncio.Event()
        self._writing = asyncio.Lock()

    def tell(self, fact: Fact) -> None:
        """Take a fact; returns at once."""
        self._waiting.append(fact)
        self._something.set()

    async def drain(self) -> None:
        """Return when everything taken so far is written."""
        async with self._writing:
            facts, self._waiting = self._waiting, []
            if facts:
                try:
                    async with self._ledger.transaction() as t:
                        t.tell(self._app, *facts)
                except TemporaryError:
                    self._waiting = facts + self._waiting
                    raise

    async def _run(self) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            try:
                await self.drain()
            except TemporaryError as error:
                log.warning("progress could not be written yet", error=error.message)
                self._something.set()
                await asyncio.sleep(0.5)
            except Exception:  # what comes next is told nevertheless
                log.exception("progress could not be written")
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def telling(ledger: Ledger, app: str) -> AsyncIterator[Teller]:
    """A teller for the length of the block; what is left is written at its end."""
    teller = Teller(ledger, app)
    writer = asyncio.create_task(teller._run())
    try:
        yield teller
    finally:
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
        with contextlib.suppress(TemporaryError):
            await teller.drain()
