"""Posting once in Discord: what is looked for there, and what it means where nothing can be read. The rest is `core.conversation.posting`.

Used by `adapters.discord.outbound` for everything that makes a message. Besides, Discord itself makes a message with the same nonce only
once within some minutes: where nothing can be read, that is what is left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

import structlog

from adapters.discord.faults import ChannelClosed
from adapters.discord.finding import Finder
from core.conversation.outbox import Clock
from core.conversation.posting import Posted, Send

log = structlog.get_logger(__name__)

NONCE = 25  #: characters that Discord takes

Look = Callable[[], Awaitable[str | None]]


def nonce(channel: str, key: str) -> str:
    """The same for every process that posts this."""
    return hashlib.sha256(f"{channel}\0{key}".encode()).hexdigest()[:NONCE]


class Posting:
    """What this process knows of what was posted."""

    def __init__(self, finder: Finder, clock: Clock) -> None:
        self._finder = finder
        self._posted = Posted(clock)

    def opened(self, channel: str) -> None:
        """This process has just opened this thread."""
        self._posted.opened(channel)

    def forget(self, channel: str, key: str) -> None:
        """It was taken away."""
        self._posted.forget(channel, key)
        self._finder.forget(channel, key)

    async def once(self, channel: str, key: str, *, send: Send, look: Look | None = None) -> tuple[str, bool]:
        """The message with this key in a channel or thread, and whether it is known to show what ``send`` has just sent.

        Raises:
            DiscordBusy: it may or may not have been posted; ask again.
        """

        async def looked(doubtful: bool) -> str | None:
            try:
                return await (look() if look is not None else self._finder.find(channel, key))
            except ChannelClosed as error:  # where it may not post either, that says so
                log.info("posting without a look", why=error.message, doubtful=doubtful)
            return None

        doubtful = self._posted.doubts(channel, key)
        made, new = await self._posted.once(channel, key, look=looked, send=send)
        return made, new and not doubtful  # by its nonce, it may be one that was made before, with other content
