"""Reaching a person when the place where they are expected is closed to the bot: joining it, or writing to them directly.

Used by `adapters.slack.outbound`. It joins public channels where the app has the scope for it, and opens the direct conversation with a
person; it tells somebody once that their thread cannot be reached any more. It invites nobody and opens nothing that an admin has closed.
"""

from __future__ import annotations

from adapters.slack.calls import Calls
from adapters.slack.directs import Directs
from adapters.slack.faults import ScopeMissing, SlackRefusal
from adapters.slack.finding import LOOK_PATIENCE, Finder, metadata
from adapters.slack.render.text import markup
from core.conversation.losing import Lost
from core.errors import NexusError, TemporaryError
from core.words.thread_ref import ThreadRef


class Reach:
    """Ways to a person."""

    def __init__(self, calls: Calls, finder: Finder) -> None:
        self._calls = calls
        self._finder = finder
        self._directs = Directs(calls)
        self._stays_out: set[str] = set()  # workspaces where the app may not join
        self._lost = Lost()

    async def join(self, workspace: str, channel: str) -> bool:
        """Become a member of a public channel, to hear replies there too; False where that cannot be."""
        if workspace in self._stays_out:
            return False
        try:
            await self._calls.call(workspace, "conversations.join", channel=channel)
        except ScopeMissing:
            self._stays_out.add(workspace)
            return False
        except SlackRefusal:
            return False
        return True

    async def direct(self, workspace: str, user: str) -> str:
        """The channel of the direct conversation with this person."""
        return await self._directs.channel(workspace, user)

    async def tell_lost(self, thread: ThreadRef, what: str, why: NexusError) -> None:
        """Tell the person for whom the thread was opened that it cannot be reached any more; once per thread.

        Raises:
            TemporaryError: they could not be told now; tell them again.
        """

        async def say(key: str) -> None:
            channel = await self.direct(thread.workspace, thread.user)
            if channel != thread.channel and not await self._said(thread.workspace, channel, key):
                await self._calls.call(
                    thread.workspace,
                    "chat.postMessage",
                    channel=channel,
                    text=(
                        f"I cannot reach the thread of *{markup(what)}* in <#{thread.channel}> any more. {markup(why.message)} "
                        "The work goes on; `/nexus list` shows your apps."
                    ),
                    metadata=metadata(key),
                    unfurl_links=False,
                    unfurl_media=False,
                )

        await self._lost.tell(thread, why, say)

    async def _said(self, workspace: str, channel: str, key: str) -> bool:
        """Another process may have told them. Where that cannot be read, they are told: twice is better than never."""
        try:
            return await self._finder.in_channel(workspace, channel, key, patience=LOOK_PATIENCE) is not None
        except (SlackRefusal, TemporaryError):
            return False
