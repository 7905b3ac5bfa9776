"""The Chat port: a platform where threads live.

Called by the outbox, which keeps what each message shows up to date, and by the dialogue for private answers. Slack, Discord and
the web page implement it alike.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod

from core.words.cards import Card
from core.words.thread_ref import ThreadRef


class Capability(enum.StrEnum):
    """What a platform can do beyond the required verbs."""

    TABS = "tabs"  #: shows the sections of a card as tabs
    LIVE_LOG = "live log"  #: follows a log inside a card
    STREAMING = "streaming"  #: shows progress by a stream of its own
    THREAD_REPLIES = "thread replies"  #: can read plain replies in a thread
    OWN_WORDS = "own words"  #: what people type in a thread is seen there without being said again


class Chat(ABC):
    """A chat platform.

    The contract: `post` with a key that was posted before in that thread shows the card in that message and posts nothing; `edit`
    with the same card is free; calls honour the platform's limits and raise `TemporaryError` with nothing half done. Where a channel
    cannot be reached any more (archived, deleted, the bot removed), they raise a `NexusError` that is not temporary, after the person
    for whom the thread was opened has been told. Where the platform lets Nexus in no more, they raise an `OperatorError`.
    """

    platform: str
    capabilities: frozenset[Capability]

    @abstractmethod
    async def open_thread(self, workspace: str, channel: str, title: str, *, key: str, user: str = "") -> ThreadRef:
        """Start a thread for this user; the same key gives the same thread. It may be elsewhere, when the channel is closed to the bot."""

    @abstractmethod
    async def post(self, thread: ThreadRef, card: Card, *, key: str) -> str:
        """Post a card; returns the platform's message id."""

    @abstractmethod
    async def edit(self, thread: ThreadRef, message: str, card: Card) -> None:
        """Show this card in place of the old one."""

    @abstractmethod
    async def say(self, thread: ThreadRef, text: str, *, author: str, key: str) -> str:
        """Show plain words of a person that cannot be seen in the thread yet (typed into a form, or on a platform that shows none)."""

    @abstractmethod
    async def post_file(self, thread: ThreadRef, name: str, content: bytes, *, key: str) -> str:
        """Attach a file; returns the platform's message id."""

    async def link(self, thread: ThreadRef) -> str:
        """A URL that opens the thread (or the channel), empty where there is none."""
        return ""
