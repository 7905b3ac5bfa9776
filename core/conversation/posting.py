"""Posting once: what may have been posted already is looked for before it is posted again.

Used by the chat platforms' own ``posting`` for everything that makes a message. It knows what this process posted, which threads it opened
a moment ago (nobody else wrote there, so there is nothing to look for), and of which keys an answer was lost. It neither reads nor posts by
itself, and what a look that is not possible means, says the platform.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable

from core.conversation.outbox import Clock
from core.conversation.remembered import Known
from core.errors import TemporaryError

FRESH = 120.0  #: seconds in which a thread that this process opened holds nothing of another's

Look = Callable[[bool], Awaitable[str | None]]  #: given whether an answer was lost
Send = Callable[[], Awaitable[str]]


class Busy(TemporaryError):
    """The platform cannot be reached just now, or asks to wait."""

    kind = "chat-busy"

    def __init__(self, message: str, *, error: str = "", doubtful: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.error = error  #: the platform's own word for it
        self.doubtful = doubtful  #: it may have been done all the same
        self.retry_after = retry_after  #: seconds that it asks to wait


class Posted:
    """What this process knows of what was posted."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._posted: Known[str] = Known()
        self._doubts: Known[bool] = Known()
        self._fresh: Known[float] = Known()

    def opened(self, place: Hashable) -> None:
        """This process has just opened this thread."""
        self._fresh.keep(place, self._clock.now() + FRESH)

    def forget(self, place: Hashable, key: str) -> None:
        """It was taken away."""
        self._posted.pop((place, key), None)

    def doubts(self, place: Hashable, key: str) -> bool:
        """Whether it may have been posted, though no answer said so."""
        return (place, key) in self._doubts

    async def once(self, place: Hashable, key: str, *, look: Look, send: Send) -> tuple[str, bool]:
        """The message with this key in a place, and whether it was posted just now.

        Raises:
            Busy: it may or may not have been posted; ask again.
        """
        if known := self._posted.get((place, key)):
            return known, False
        doubtful = self.doubts(place, key)
        if doubtful or self._fresh.get(place, 0.0) <= self._clock.now():
            found = await look(doubtful)
            if found is not None:
                self._keep(place, key, found)
                return found, False
        try:
            made = await send()
        except Busy as error:
            if error.doubtful:
                self._doubts.keep((place, key), True)
            raise
        except asyncio.CancelledError:
            self._doubts.keep((place, key), True)
            raise
        self._keep(place, key, made)
        return made, True

    def _keep(self, place: Hashable, key: str, message: str) -> None:
        self._posted.keep((place, key), message)
        self._doubts.pop((place, key), None)
