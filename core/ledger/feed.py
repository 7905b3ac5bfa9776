"""The feed: wakes readers of the ledger when something was written, in whichever process it was written.

One connection LISTENs for the whole process. Readers never trust the feed for content: they are woken and read what is after their
own position, so a lost notification costs at most ``IDLE`` seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any

import asyncpg
import structlog

from core.errors import TemporaryError
from core.ledger.ledger import CUT_OFF, Ledger

log = structlog.get_logger(__name__)

IDLE = 15.0  #: seconds after which a reader looks by itself


class Feed:
    """Fan-out of NOTIFY to the readers in this process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._readers: dict[str, set[Callable[[str], None]]] = defaultdict(set)

    async def run(self) -> None:
        """Listen until cancelled; after a lost connection every reader is woken once, for what it may have missed."""
        while True:
            gone = asyncio.Event()
            with contextlib.suppress(TemporaryError, asyncpg.PostgresError, *CUT_OFF):
                connection = await self._ledger.connect()
                try:
                    connection.add_termination_listener(lambda _, gone=gone: gone.set())
                    for channel in ("nexus_events", "nexus_messages", "nexus_cancel"):
                        await connection.add_listener(channel, self._heard)
                    for readers in self._readers.values():
                        for reader in list(readers):
                            reader("")
                    await gone.wait()
                    log.warning("the feed lost its connection, trying again")
                finally:
                    connection.terminate()
            await asyncio.sleep(0.3)

    def _heard(self, _: Any, __: int, channel: str, payload: Any) -> None:
        for reader in list(self._readers[channel]):
            reader(str(payload))

    @contextlib.contextmanager
    def subscribed(self, channel: str, reader: Callable[[str], None]) -> Iterator[None]:
        """Call ``reader`` with each payload (empty after a reconnect) for the length of the block."""
        self._readers[channel].add(reader)
        try:
            yield
        finally:
            self._readers[channel].discard(reader)

    async def wakes(self, channel: str) -> AsyncGenerator[None, None]:
        """Yield at once, and then whenever something was written to the channel, or after `IDLE` seconds; several writes may give one
        wake."""
        event = asyncio.Event()
        with self.subscribed(channel, lambda _: event.set()):
            while True:
                event.clear()
                yield
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), IDLE)
