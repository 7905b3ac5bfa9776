"""Reaching a person when the place where they are expected is closed to the bot: writing to them directly.

Used by `adapters.discord.outbound`. It finds out why a place is closed, as far as Discord says it, and tells somebody once that their
thread cannot be reached any more. It opens nothing that an admin has closed.
"""

from __future__ import annotations

from adapters.discord.calls import Calls
from adapters.discord.channels import Channels
from adapters.discord.directs import Directs
from adapters.discord.faults import ChannelClosed, DiscordRefusal, GuildLost, ThreadGone, refusal
from adapters.discord.finding import Finder
from adapters.discord.notes import note
from adapters.discord.posting import nonce
from adapters.discord.render.text import bold, escape
from core.conversation.losing import Lost
from core.errors import NexusError
from core.words.thread_ref import ThreadRef

UNKNOWN_CHANNEL, MISSING_ACCESS, UNKNOWN_GUILD = 10003, 50001, 10004


class Reach:
    """Ways to a person."""

    def __init__(self, calls: Calls, finder: Finder, channels: Channels) -> None:
        self._calls = calls
        self._finder = finder
        self._channels = channels
        self._directs = Directs(calls)
        self._lost = Lost()

    async def direct(self, user: str) -> str:
        """The channel of the direct messages with this person."""
        channel = await self._directs.channel(user)
        self._channels.direct(channel)
        return channel

    async def why(self, thread: ThreadRef, closed: DiscordRefusal) -> DiscordRefusal:
        """What is really the matter with a place that is closed: the thread alone is gone, or the bot was removed from the server.

        Raises:
            TemporaryError: that cannot be found out now.
        """
        if not isinstance(closed, ChannelClosed) or closed.code not in (UNKNOWN_CHANNEL, MISSING_ACCESS):
            return closed
        if thread.workspace and not await self._channels.is_direct(thread.channel):
            try:
                await self._calls.call("GET", "/guilds/{guild_id}", guild_id=thread.workspace)
            except DiscordRefusal:
                lost = refusal("", UNKNOWN_GUILD)
                await self._calls.told(thread.workspace, lost)
                return lost
        if closed.code == UNKNOWN_CHANNEL and thread.thread:
            try:
                await self._channels.look(thread.channel)
            except DiscordRefusal:
                return closed  # the channel itself is gone
            return ThreadGone("The thread was deleted: go on elsewhere with /nexus show and the app's name.", code=closed.code)
        return closed

    async def tell_lost(self, thread: ThreadRef, what: str, why: NexusError) -> None:
        """Tell the person for whom the thread was opened that it cannot be reached any more; once per thread.

        Raises:
            TemporaryError: they could not be told now; tell them again.
        """
        where = "" if isinstance(why, GuildLost) else f" in <#{thread.channel}>"  # of which nobody knows the name there
        text = (
            f"I cannot reach the thread of {bold(what)}{where} any more. {escape(why.message)} "
            "The work goes on; `/nexus list` shows your apps."
        )

        async def say(key: str) -> None:
            channel = await self.direct(thread.user)
            if channel != thread.channel and await self._finder.find(channel, key) is None:
                await self._calls.send(channel, note(text, key), nonce=nonce(channel, key))

        await self._lost.tell(thread, why, say)
