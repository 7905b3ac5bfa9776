"""Finding what was posted already: in a thread, or among the newest messages of a channel, by the mark that each message carries.

Used by `adapters.discord.posting` before it posts what this process cannot know was never posted. The mark is the id of the container at
the top of a message, which only its author can set; so only the bot's own messages are looked at. What was read is remembered, and
the next look reads what is newer. It posts nothing.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from adapters.discord.calls import Calls, Json
from adapters.discord.render.mark import mark
from core.conversation.remembered import Known

PAGE = 50
CONTAINER = 17  #: a type of components
NEWEST = 500  #: messages that are looked at the first time


@dataclass(slots=True, kw_only=True)
class _Read:
    """What was read of a channel."""

    begun: int = 0  #: when the last look began, by the count of looks
    newest: int = 0  #: the id of the newest message
    marked: dict[int, str] = field(default_factory=dict)  #: messages by their marks
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Finder:
    """Looks things up."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._read: Known[_Read] = Known()
        self._count = itertools.count(1)

    async def find(self, channel: str, key: str) -> str | None:
        """The message with the key in this channel, thread or conversation. Those who look at the same time share a look.

        Raises:
            DiscordBusy, DiscordRefusal: it cannot be read.
        """
        come = next(self._count)
        if channel not in self._read:
            self._read.keep(channel, _Read())
        read = self._read[channel]
        async with read.lock:
            if read.begun < come:  # whatever was posted before this one came is in a look that began later
                begun = next(self._count)
                await self._look(channel, read)
                read.begun = begun
        return read.marked.get(mark(key))

    def forget(self, channel: str, key: str) -> None:
        """That one was taken away."""
        if channel in self._read:
            self._read[channel].marked.pop(mark(key), None)

    async def post_in(self, guild: str, forum: str, names: Collection[str], key: str) -> str | None:
        """The post with one of these names in a forum whose first message, which has the same id, has the key; archived ones are not
        looked at."""
        answer = await self._calls.call("GET", "/guilds/{guild_id}/threads/active", guild_id=guild, needs="read")
        for thread in sorted(answer.get("threads") or (), key=lambda one: int(one["id"]), reverse=True):
            ours = str(thread.get("owner_id")) == self._calls.bot and str(thread.get("parent_id")) == forum
            if ours and thread.get("name") in names and await self.find(str(thread["id"]), key) == str(thread["id"]):
                return str(thread["id"])
        return None

    async def _look(self, channel: str, read: _Read) -> None:
        found: dict[int, str] = {}
        newest, before, looked = read.newest, None, 0
        while looked < NEWEST:
            page: list[Json] = await self._calls.call(
                "GET",
                "/channels/{channel_id}/messages",
                channel_id=channel,
                query={"limit": PAGE, "before": before},
                needs="read",
            )
            for message in page:
                newest = max(newest, int(message["id"]))
                if str((message.get("author") or {}).get("id")) == self._calls.bot:
                    for one in marks(message):
                        found.setdefault(one, str(message["id"]))
            looked += len(page)
            if len(page) < PAGE or int(page[-1]["id"]) <= read.newest:
                break
            before = str(page[-1]["id"])
        read.marked |= found
        read.newest = newest


def marks(message: Json) -> Iterator[int]:
    """The marks that a message carries: the ids of the containers at its top."""
    for component in message.get("components") or ():
        if component.get("type") == CONTAINER and isinstance(component.get("id"), int):
            yield component["id"]
