"""What the desks of chat platforms are tested with: an engine that remembers what it was asked, principals in memory, and a journal's
store in memory. Used by the houses of `tests/contract/slack/inside` and `tests/contract/discord/inside`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence

from core.builds.requests import BuildRequest
from core.ids import PrincipalId, ThreadId, WorkspaceId
from core.ledger.deliveries import Delivery
from core.words.attachment import Attachment
from core.words.cards import Card
from core.words.inbound import Who
from core.words.thread_ref import ThreadRef
from core.words.views import BuildView, ThreadView
from tests.unit.conversation.test_dialogue import RecordingEngine

KEYED = {"build", "change", "fix", "retry", "rollback", "start", "restart", "set_settings"}


class Engine(RecordingEngine):
    """Takes keys as the real one does, and knows which threads are where."""

    def __init__(self, platform: str = "slack", workspace: str = "") -> None:
        super().__init__()
        self.platform, self.workspace_id = platform, workspace
        self.keys: set[object] = set()
        self.places: dict[tuple[str, str], ThreadId] = {}
        self.printed: asyncio.Queue[str | None] = asyncio.Queue()
        self.attached: list[list[Attachment]] = []
        self.askers: list[Who] = []
        self.asked = 0  # reads by the Home tab
        self.hold: asyncio.Event | None = None  # a build waits for it
        self.cards_there: list[Card] = []
        self.opened: list[tuple[str, str, str]] = []  # places that are open again

    def _do(self, *call: object) -> None:
        if call[0] in KEYED:
            if call[-1] in self.keys:
                return
            self.keys.add(call[-1])
        super()._do(*call)

    @property
    def did(self) -> list[object]:
        """The names of what was done, in order."""
        return [call[0] for call in self.calls]

    async def build(
        self,
        who: Who,
        request: BuildRequest,
        *,
        thread: ThreadId | None = None,
        place: ThreadRef | None = None,
        seen: bool = False,
        key: str,
    ) -> BuildView:
        if self.hold is not None:
            await self.hold.wait()
        self.askers.append(who)
        self.attached.append(list(request.attachments))
        return await super().build(who, request, thread=thread, place=place, seen=seen, key=key)

    async def thread_at(self, who: Who, ref: ThreadRef) -> ThreadView | None:
        thread = self.places.get((ref.channel, ref.thread))
        return await self.thread(who, thread) if thread is not None else None

    async def thread_ref(self, who: Who, thread: ThreadId) -> ThreadRef | None:
        for (channel, ts), known in self.places.items():
            if known == thread:
                return ThreadRef(platform=self.platform, workspace=self.workspace_id, channel=channel, thread=ts)
        return None

    async def workspace_at(self, platform: str, channel: str, thread: str) -> str | None:
        return self.workspace_id if (channel, thread) in self.places else None

    async def opened_again(self, platform: str, workspace: str, channel: str = "", thread: str = "") -> None:
        self.opened.append((workspace, channel, thread))

    async def cards(self, who: Who, thread: ThreadId) -> list[Card]:
        return self.cards_there

    async def follow_logs(self, who: Who, slug: str, *, lines: int = 0) -> AsyncIterator[str]:
        for line in (await self.logs(who, slug, lines))[-lines:] if lines else ():
            yield line
        while (line := await self.printed.get()) is not None:
            yield line


class People:
    """Principals in memory."""

    def __init__(self) -> None:
        self.admins: dict[str, bool] = {}
        self.kept: dict[str, str] = {}
        self.last: dict[str, str] = {}

    async def last_workspace(self, platform: str, user: str) -> str | None:
        return self.last.get(user)

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
    ) -> Who:
        self.admins[user] = admin
        return Who(principal=PrincipalId(user), workspace=WorkspaceId(workspace), name=name, groups=frozenset(groups))

    async def name(self, who: Who, external_id: str, name: str, *, group: bool = False) -> None:
        self.kept[external_id] = name

    async def names(self, who: Who, external_ids: Collection[str]) -> dict[str, str]:
        return {one: self.kept[one] for one in external_ids if one in self.kept}


class KeptInMemory:
    """What was told and is not done, for processes of one test; nobody dies here, so nothing is taken up."""

    def __init__(self) -> None:
        self.keys: set[str] = set()

    async def keep(self, contents: Mapping[str, str]) -> Collection[str]:
        new = set(contents) - self.keys
        self.keys |= new
        return new

    async def done(self, keys: Collection[str]) -> None:
        self.keys -= set(keys)

    async def renew(self, keys: Collection[str]) -> None:
        assert self.keys >= set(keys)

    async def take(self) -> Sequence[Delivery]:
        return []
