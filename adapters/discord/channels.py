"""What a channel is: a direct message, a text channel, a forum, a thread. Asked of Discord, and remembered for a moment.

Used by `adapters.discord.outbound`, since a `ThreadRef` does not say it: where a thread is opened, and where its messages go.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from adapters.discord.calls import Calls, Json
from adapters.discord.faults import DiscordRefusal
from core.conversation.remembered import Known, Remembered

LIFE = 60.0  #: seconds that an answer is good for
NEEDS_TAG = 1 << 4  #: a flag of a forum


class Kind(enum.Enum):
    """What can be done in a channel."""

    DIRECT = "direct"  #: the direct messages of one person and the bot
    TEXT = "text"  #: messages, and threads on them
    POSTS = "posts"  #: threads alone: a forum, or a media channel
    THREAD = "thread"  #: is a thread itself
    OTHER = "other"  #: messages at most: the chat of a voice channel


KINDS = {
    0: Kind.TEXT,
    1: Kind.DIRECT,
    5: Kind.TEXT,
    10: Kind.THREAD,
    11: Kind.THREAD,
    12: Kind.THREAD,
    15: Kind.POSTS,
    16: Kind.POSTS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel, as far as it matters here."""

    id: str
    kind: Kind
    parent: str = ""  #: of a thread
    tags: tuple[str, ...] = ()  #: that a post there has to carry one of; empty where it need not


class Channels:
    """Channels of every server, and direct messages."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._channels: Remembered[str, Channel] = Remembered(self._ask, LIFE)
        self._direct: Known[bool] = Known()

    async def look(self, channel: str) -> Channel:
        """What it is.

        Raises:
            DiscordBusy, DiscordRefusal: it cannot be seen.
        """
        return await self._channels.get(channel)

    def direct(self, channel: str) -> None:
        """That one is known to be the direct messages with somebody."""
        self._direct.keep(channel, True)

    async def is_direct(self, channel: str) -> bool:
        """Whether it is the direct messages with somebody, which the bot can always see. That never changes."""
        if channel not in self._direct:
            try:
                found = (await self.look(channel)).kind is Kind.DIRECT
            except DiscordRefusal:
                return False
            self._direct.keep(channel, found)
        return self._direct[channel]

    async def close(self) -> None:
        """Stop asking."""
        await self._channels.close()

    async def _ask(self, channel: str) -> Channel:
        answer: Json = await self._calls.call("GET", "/channels/{channel_id}", channel_id=channel, needs="read")
        tags: tuple[str, ...] = ()
        if int(answer.get("flags") or 0) & NEEDS_TAG:
            tags = tuple(str(tag["id"]) for tag in answer.get("available_tags") or () if not tag.get("moderated"))
        return Channel(
            id=str(answer["id"]),
            kind=KINDS.get(int(answer["type"]), Kind.OTHER),
            parent=str(answer.get("parent_id") or ""),
            tags=tags,
        )
