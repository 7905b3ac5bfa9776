"""Posting once: what may have been posted already is looked for before it is posted again.

Used by `adapters.slack.outbound` for everything that makes a message. It knows what this process posted, which threads it opened a moment
ago (nobody else wrote there, so there is nothing to look for), and of which keys an answer was lost. It decides what a look that is not
possible means; it neither reads nor posts by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable

import structlog

from adapters.slack.faults import ChannelClosed, ScopeMissing, SlackBusy
from adapters.slack.finding import LOOK_PATIENCE
from core.conversation.outbox import Clock
from core.conversation.remembered import Known
from core.words.thread_ref import ThreadRef

log = structlog.get_logger(__name__)

FRESH = 120.0  #: seconds in which a thread that this process opened holds nothing of another's

Look = Callable[[float | None], Awaitable[str | None]]  #: given its patience in seconds, None for all the time it takes
Send = Callable[[], Awaitable[str]]


class Posting:
    """What this process knows of what was posted."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._posted: Known[str] = Known()
        self._doubts: Known[bool] = Known()
        self._fresh: Known[float] = Known()

    def opened(self, thread: ThreadRef) -> None:
        """This process has just opened the thread."""
        self._fresh.keep(_place(thread), self._clock.now() + FRESH)

    async def once(self, thread: ThreadRef, key: str, *, look: Look, send: Send) -> tuple[str, bool]:
        """The message with this key, and whether it was posted just now.

        Raises:
            SlackBusy: it may or may not have been posted; ask again.
        """
        place = (*_place(thread), key)
        if known := self._posted.get(place):
            return known, False
        doubtful = place in self._doubts
        if doubtful or self._fresh.get(_place(thread), 0.0) <= self._clock.now():
            found = await self._looked(look, doubtful=doubtful)
            if found is not None:
                self._keep(place, found)
                return found, False
        try:
            made = await send()
        except SlackBusy as error:
            if error.doubtful:
                self._doubts.keep(place, True)
            raise
        except asyncio.CancelledError:
            self._doubts.keep(place, True)
            raise
        self._keep(place, made)
        return made, True

    def _keep(self, place: Hashable, message: str) -> None:
        self._posted.keep(place, message)
        self._doubts.pop(place, None)

    async def _looked(self, look: Look, *, doubtful: bool) -> str | None:
        try:
            return await look(None if doubtful else LOOK_PATIENCE)
        except SlackBusy as error:
            if doubtful or error.retry_after is None:
                raise
            log.info("posting without a look, which Slack allows too seldom", wait=error.retry_after)
        except (ScopeMissing, ChannelClosed) as error:  # where it may not post either, that says so
            log.info("posting without a look", why=error.message, doubtful=doubtful)
        return None


def _place(thread: ThreadRef) -> tuple[str, str, str]:
    return thread.workspace, thread.channel, thread.thread
