"""What each platform was last sent, and who keeps that: the outbox asks, the ledger answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from core.ids import ThreadId


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a message last showed."""

    message_id: str
    card_digest: str


class SentMessages(Protocol):
    """The record of what was sent; kept in the ledger."""

    async def find(self, thread: ThreadId, key: str) -> Sent | None: ...

    async def record(self, thread: ThreadId, key: str, sent: Sent) -> None: ...
