"""The inbox of idempotency keys, for what people do that has no row of its own. Asked by the dialogue."""

from __future__ import annotations

from core.ledger.ledger import Ledger
from core.ledger.tables import InboxKey


class LedgerInbox:
    """Remembers keys, for every process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def first(self, key: str) -> bool:
        """Whether this key is new; from now on it is not."""
        async with self._ledger.transaction() as t:
            return await t.first(key)

    async def seen(self, key: str) -> bool:
        """Whether this key is known, which stays as it is."""
        async with self._ledger.reading() as session:
            return await session.get(InboxKey, key) is not None
