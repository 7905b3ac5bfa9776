"""Telling somebody, once, that their thread cannot be reached any more.

Used by the chat platforms' ``reaching``, which say it in direct messages, each in its own way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from core.conversation.remembered import Known
from core.errors import NexusError, TemporaryError
from core.words.thread_ref import ThreadRef

log = structlog.get_logger(__name__)


class Lost:
    """The threads that cannot be reached, of which this process has told."""

    def __init__(self) -> None:
        self._told: Known[bool] = Known()

    async def tell(self, thread: ThreadRef, why: NexusError, say: Callable[[str], Awaitable[None]]) -> None:
        """Tell the person for whom the thread was opened; ``say`` does it, given the key of the message.

        Raises:
            TemporaryError: they could not be told now; tell them again.
        """
        place = (thread.workspace, thread.channel, thread.thread)
        if place in self._told:
            return
        untold = why if not thread.user else None
        if untold is None:
            try:
                await say(f"lost:{thread.channel}:{thread.thread}")
            except TemporaryError:
                raise
            except NexusError as error:
                untold = error
        if untold is not None:
            about = {"channel": thread.channel, "thread": thread.thread, "user": thread.user, "why": untold.message}
            log.warning("nobody can be told of a thread that is closed", **about)
        self._told.keep(place, True)
