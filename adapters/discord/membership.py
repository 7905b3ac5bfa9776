"""Whether somebody is still in the server whose apps they are told of in direct messages.

Asked by `adapters.discord.outbound`. A channel of a server is closed by Discord to whoever leaves it; the direct messages with the bot are
not. Where Discord does not say (the bot itself is not in that server any more), they are as they were.
"""

from __future__ import annotations

from adapters.discord.calls import Calls
from adapters.discord.faults import ChannelClosed, DiscordRefusal
from core.conversation.remembered import Remembered
from core.words.thread_ref import ThreadRef

LIFE = 60.0  #: seconds that an answer is good for
LEFT = "That person left the server whose app it is, so they are told nothing of it any more."
_NOBODY = frozenset({10007, 10013})  # no such member, no such user


class Membership:
    """Members of servers."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._there = Remembered(self._ask, LIFE)

    async def check(self, place: ThreadRef) -> None:
        """Raises:
        ChannelClosed: whoever these direct messages are with is not in that server any more.
        DiscordBusy: Discord does not say just now.
        """
        if place.workspace and place.user and not await self._there.get((place.workspace, place.user)):
            raise ChannelClosed(LEFT)

    async def close(self) -> None:
        """Stop asking."""
        await self._there.close()

    async def _ask(self, member: tuple[str, str]) -> bool:
        guild, user = member
        try:
            await self._calls.call("GET", "/guilds/{guild_id}/members/{user_id}", guild_id=guild, user_id=user)
        except DiscordRefusal as error:
            return error.code not in _NOBODY
        return True
