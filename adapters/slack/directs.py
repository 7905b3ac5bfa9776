"""The direct messages between the bot and each person: opened once, remembered.

Asked by whatever has something for one person and no place for it.
"""

from __future__ import annotations

from adapters.slack.calls import Calls

MOST = 20_000  #: that are remembered


class Directs:
    """Channels of direct messages."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._known: dict[tuple[str, str], str] = {}

    async def channel(self, workspace: str, user: str) -> str:
        """The channel.

        Raises:
            SlackBusy, SlackRefusal: it cannot be opened.
        """
        known = self._known.get((workspace, user))
        if known is None:
            answer = await self._calls.call(workspace, "conversations.open", users=user)
            known = self._known[workspace, user] = str(answer["channel"]["id"])
            if len(self._known) > MOST:
                del self._known[next(iter(self._known))]
        return known
