"""Posting once in Slack: what a look that is not possible means there. The rest is `core.conversation.posting`.

Used by `adapters.slack.outbound` for everything that makes a message. It neither reads nor posts by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from adapters.slack.faults import ChannelClosed, ScopeMissing, SlackBusy
from adapters.slack.finding import LOOK_PATIENCE
from core.conversation.outbox import Clock
from core.conversation.posting import Posted, Send
from core.words.thread_ref import ThreadRef

log = structlog.get_logger(__name__)

Look = Callable[[float | None], Awaitable[str | None]]  #: given its patience in seconds, None for all the time it takes


class Posting:
    """What this process knows of what was posted."""

    def __init__(self, clock: Clock) -> None:
        self._posted = Posted(clock)

    def opened(self, thread: ThreadRef) -> None:
        """This process has just opened the thread."""
        self._posted.opened(_place(thread))

    async def once(self, thread: ThreadRef, key: str, *, look: Look, send: Send) -> tuple[str, bool]:
        """The message with this key, and whether it was posted just now.

        Raises:
            SlackBusy: it may or may not have been posted; ask again.
        """

        async def looked(doubtful: bool) -> str | None:
            try:
                return await look(None if doubtful else LOOK_PATIENCE)
            except SlackBusy as error:
                if doubtful or error.retry_after is None:
                    raise
                log.info("posting without a look, which Slack allows too seldom", wait=error.retry_after)
            except (ScopeMissing, ChannelClosed) as error:  # where it may not post either, that says so
                log.info("posting without a look", why=error.message, doubtful=doubtful)
            return None

        return await self._posted.once(_place(thread), key, look=looked, send=send)


def _place(thread: ThreadRef) -> tuple[str, str, str]:
    return thread.workspace, thread.channel, thread.thread
