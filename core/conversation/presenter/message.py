"""A message that a thread should show; made by the presenter, kept up to date by the outbox."""

from __future__ import annotations

from dataclasses import dataclass

from core.words.cards import Card


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A card of Nexus's, or words of a person. The key is the same however often the card changes."""

    key: str
    card: Card | None = None
    author: str = ""
    text: str = ""
    seen: bool = False  #: the words were typed in the thread itself
