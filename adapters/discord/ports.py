"""What the side of Discord that takes things in needs of the core beside `core.conversation.ports`, as protocols."""

from __future__ import annotations

from typing import Protocol

from core.conversation import ports
from core.conversation.ports import ChatEngine
from core.ids import ThreadId
from core.words.cards import Card
from core.words.inbound import Who
from core.words.views import BuildView, ReleaseView


class DiscordEngine(ChatEngine, Protocol):
    """The engine, as far as Discord asks it beside the dialogue."""

    async def workspace_at(self, platform: str, channel: str, thread: str) -> str | None:
        """The server whose thread is at this place; None when Nexus knows none there."""
        ...

    async def opened_again(self, platform: str, workspace: str, channel: str = "", thread: str = "") -> None:
        """Show what could not be shown in a place that was closed to Nexus: a thread, or all of a server."""
        ...

    async def cards(self, who: Who, thread: ThreadId) -> list[Card]:
        """The cards that a thread shows now."""
        ...

    async def releases(self, who: Who, slug: str) -> list[ReleaseView]: ...

    async def builds(self, who: Who, slug: str) -> list[BuildView]: ...

    async def settings(self, who: Who, slug: str) -> tuple[int, list[str]]: ...


class Members(ports.Members, Protocol):
    """The principals of chat platforms."""

    async def last_workspace(self, platform: str, user: str) -> str | None:
        """Where this person used Nexus last."""
        ...
