"""What the side of a chat platform that takes things in needs of the core, as protocols.

`core.operations.engine.Engine`, `core.conversation.dialogue.Dialogue`, `core.people.People` and `core.ledger.inbox.LedgerInbox`
satisfy them; tests give scripted fakes. What one platform needs besides is in its own ``ports``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Protocol

from core.ids import BuildId, ThreadId
from core.words.inbound import Answer, Inbound, Who
from core.words.thread_ref import ThreadRef
from core.words.views import AppView, BuildView, SubscriptionView, ThreadView, WorkspaceSettings, WorkspaceUsage


class Handles(Protocol):
    """Handles what people do; one for all platforms."""

    async def handle(self, inbound: Inbound) -> Answer: ...


class ChatEngine(Protocol):
    """The engine, as far as every chat platform asks it beside the dialogue. Every method raises `core.errors.UserError` kinds."""

    async def thread_at(self, who: Who, ref: ThreadRef) -> ThreadView | None:
        """The thread that is known at this place."""
        ...

    async def thread_ref(self, who: Who, thread: ThreadId) -> ThreadRef | None:
        """Where a thread is; None while it is not opened there."""
        ...

    async def apps(self, who: Who) -> list[AppView]: ...

    async def build_view(self, who: Who, build: BuildId) -> BuildView: ...

    async def workspace(self, who: Who) -> WorkspaceSettings: ...

    async def subscriptions(self, who: Who) -> list[SubscriptionView]: ...

    async def workspace_usage(self, who: Who) -> WorkspaceUsage: ...

    async def logs(self, who: Who, slug: str, lines: int = 100) -> list[str]: ...

    def follow_logs(self, who: Who, slug: str, *, lines: int = 0) -> AsyncIterator[str]:
        """The last ``lines``, and new ones from the moment it is first awaited, masked; ends with the app."""
        ...


class Members(Protocol):
    """The principals of chat platforms."""

    async def member(
        self,
        platform: str,
        workspace: str,
        *,
        workspace_name: str,
        user: str,
        name: str,
        admin: bool,
        groups: Collection[str] = (),
    ) -> Who: ...

    async def name(self, who: Who, external_id: str, name: str, *, group: bool = False) -> None:
        """Keep what a member or a group is called."""
        ...

    async def names(self, who: Who, external_ids: Collection[str]) -> dict[str, str]:
        """What these are called; those that are not known are left out."""
        ...


class Marks(Protocol):
    """Keys that are remembered in every process."""

    async def first(self, key: str) -> bool:
        """Whether this key is new; it is known from then on."""
        ...

    async def seen(self, key: str) -> bool:
        """Whether this key is known."""
        ...
