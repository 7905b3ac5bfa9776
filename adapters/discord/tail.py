"""The message of a followed log, in Discord. When it is written, and until when, is `core.conversation.tailing`.

Started by `adapters.discord.answering` when somebody asks for it, ended by `adapters.discord.desk` when somebody presses Stop. A
place whose server is empty is the direct messages with somebody.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from adapters.discord.calls import Calls
from adapters.discord.directs import Directs
from adapters.discord.inbound import PLATFORM, Where
from adapters.discord.ports import DiscordEngine
from adapters.discord.render.tail import over, tail
from core.conversation.outbox import Clock
from core.conversation.ports import Marks
from core.conversation.tailing import IN_PRIVATE, Tail, Tails
from core.words.inbound import Who
from core.words.thread_ref import ThreadRef


class DiscordTails:
    """The logs that this process follows in Discord."""

    def __init__(
        self,
        calls: Calls,
        engine: DiscordEngine,
        marks: Marks,
        directs: Directs,
        *,
        clock: Clock | None = None,
        today: Callable[[], float] = time.time,
    ) -> None:
        self._directs = directs
        self._tails = Tails(TailMessages(calls), engine, marks, clock=clock, today=today)

    @property
    def following(self) -> int:
        """How many there are."""
        return self._tails.following

    async def start(self, where: Where, who: Who, slug: str) -> str:
        """Follow the log where they are. Returns what to say about it, empty when they see it.

        Raises:
            Conflict: too many are followed, or this one already is.
            NexusError: the app has no log, or Discord takes no message there.
        """

        async def private() -> ThreadRef:
            if where.direct:
                return _place(where)
            return ThreadRef(platform=PLATFORM, workspace="", channel=await self._directs.channel(where.user), thread="")

        here = where.place if where.within and not where.direct else None
        place = await self._tails.start(who, slug, here=here, private=private)
        return "" if place.channel == where.channel else IN_PRIVATE.format(slug=slug)

    async def stop(self, where: Where, message: str) -> None:
        """Somebody pressed Stop."""
        await self._tails.stop(_place(where), message)

    async def close(self) -> None:
        """Stop following; each message says so."""
        await self._tails.close()


def _place(where: Where) -> ThreadRef:
    server = "" if where.direct else where.workspace
    return ThreadRef(platform=PLATFORM, workspace=server, channel=where.channel, thread=where.thread, user=where.user)


class TailMessages:
    """Writes them."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def post(self, place: ThreadRef, shown: Tail) -> str:
        sent = await self._calls.send(_channel(place), tail(shown), reply_to="" if place.workspace else place.thread)
        return str(sent["id"])

    async def edit(self, place: ThreadRef, message: str, shown: Tail) -> None:
        await self._calls.edit(_channel(place), message, tail(shown))

    async def over(self, place: ThreadRef, message: str, why: str) -> None:
        await self._calls.edit(_channel(place), message, over(why))


def _channel(place: ThreadRef) -> str:
    """Where its messages are: a thread is a channel of its own, but for direct messages."""
    return place.thread if place.workspace and place.thread else place.channel
