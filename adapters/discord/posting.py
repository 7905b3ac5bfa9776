"""Posting once: what may have been posted already is looked for before it is posted again.

Used by `adapters.discord.outbound` for everything that makes a message. It knows what this process posted, which threads it opened a moment
ago (nobody else wrote there, so there is nothing to look for), and of which keys an answer was lost. Besides, Discord itself makes a
message with the same nonce only once within some minutes: where nothing can be read, that is what is left.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

import structlog

from adapters.discord.faults import ChannelClosed, DiscordBusy
from adapters.discord.finding import Finder
from core.conversation.outbox import Clock
from core.conversation.remembered import Known

log = structlog.get_logger(__name__)

FRESH = 120.0  #: seconds in which a thread that this process opened holds nothing of another's
NONCE = 25  #: characters that Discord takes

Look = Callable[[], Awaitable[str | None]]
Send = Callable[[], Awaitable[str]]


def nonce(channel: str, key: str) -> str:
    """The same for every process that posts this."""
    return hashlib.sha256(f"{channel}\0{key}".encode()).hexdigest()[:NONCE]


class Posting:
    """What this process knows of what was posted."""

    def __init__(self, finder: Finder, clock: Clock) -> None:
        self._finder = finder
        self._clock = clock
        self._posted: Known[str] = Known()
        self._doubts: Known[bool] = Known()
        self._fresh: Known[float] = Known()

    def opened(self, channel: str) -> None:
        """This process has just opened this thread."""
        self._fresh.keep(channel, self._clock.now() + FRESH)

    def forget(self, channel: str, key: str) -> None:
        """It was taken away."""
        self._posted.pop((channel, key), None)
        self._finder.forget(channel, key)

    async def once(self, channel: str, key: str, *, send: Send, look: Look | None = None) -> tuple[str, bool]:
        """The message with this key in a channel or thread, and whether it is known to show what ``send`` has just sent.

        Raises:
            DiscordBusy: it may or may not have been posted; ask again.
        """
        place = (channel, key)
        if known := self._posted.get(place):
            return known, False
        doubtful = place in self._doubts
        if doubtful or self._fresh.get(channel, 0.0) <= self._clock.now():
            found = await self._looked(look or (lambda: self._finder.find(channel, key)), doubtful=doubtful)
            if found is not None:
                self._keep(channel, key, found)
                return found, False
        try:
            made = await send()
        except DiscordBusy as error:
            if error.doubtful:
                self._doubts.keep(place, True)
            raise
        except asyncio.CancelledError:
            self._doubts.keep(place, True)
            raise
        self._keep(channel, key, made)
        return made, not doubtful  # by its nonce, it may be one that was made before, with other content

    def _keep(self, channel: str, key: str, message: str) -> None:
        self._posted.keep((channel, key), message)
        self._doubts.pop((channel, key), None)

    async def _looked(self, look: Look, *, doubtful: bool) -> str | None:
        try:
            return await look()
        except ChannelClosed as error:  # where it may not post either, that says so
            log.info("posting without a look", why=error.message, doubtful=doubtful)
        return None
