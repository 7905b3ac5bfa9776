"""The direct messages between the bot and each person: opened once, remembered.

Asked by whatever has something for one person and no place for it. A person has one such channel with the bot, whichever server they share.
"""

from __future__ import annotations

from adapters.discord.calls import Calls
from core.conversation.remembered import Known


class Directs:
    """Channels of direct messages."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._known: Known[str] = Known()

    async def channel(self, user: str) -> str:
        """The channel.

        Raises:
            DiscordBusy, DiscordRefusal: it cannot be opened.
        """
        known = self._known.get(user)
        if known is None:
            answer = await self._calls.call("POST", "/users/@me/channels", json={"recipient_id": user})
            known = str(answer["id"])
            self._known.keep(user, known)
        return known
