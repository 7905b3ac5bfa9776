"""What the web page needs of the rest, as protocols: the part of the engine's face that it calls, the dialogue, completion.

`core.operations.engine.Engine` and `core.conversation.dialogue.Dialogue` satisfy these; tests give a scripted fake.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol

from aiohttp import web

from core.files import FileTree
from core.ids import BuildId, ThreadId
from core.verification.pictures import Picture
from core.words.inbound import Answer, Inbound, Who
from core.words.views import AppView, BuildView, MessageView, ThreadView


class WebEngine(Protocol):
    """The engine, as far as the page reads from it. Every method raises `core.errors.UserError` kinds."""

    async def apps(self, who: Who) -> list[AppView]: ...

    async def threads(self, who: Who) -> list[ThreadView]: ...

    async def thread(self, who: Who, thread: ThreadId) -> ThreadView: ...

    async def messages(self, who: Who, thread: ThreadId) -> list[MessageView]: ...

    async def latest(self, who: Who) -> int:
        """The newest message version there is: where a stream that has seen everything goes on from."""
        ...

    def watch(self, who: Who, *, after: int) -> AsyncIterator[MessageView | ThreadView]: ...

    async def build_view(self, who: Who, build: BuildId) -> BuildView: ...

    async def file(self, who: Who, build: BuildId, path: str) -> str: ...

    async def files(self, who: Who, build: BuildId) -> FileTree: ...

    async def picture(self, who: Who, build: BuildId, digest: str) -> Picture: ...

    async def logs(self, who: Who, slug: str, lines: int = 100) -> list[str]: ...

    def follow_logs(self, who: Who, slug: str) -> AsyncIterator[str]:
        """New lines only, from the moment it is first awaited."""
        ...


class WebDialogue(Protocol):
    """Handles what people do; one for all platforms."""

    async def handle(self, inbound: Inbound) -> Answer: ...


class Suggestion(Protocol):
    """One completion of what stands in the box. ``text`` replaces all of it."""

    @property
    def text(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def hint(self) -> str: ...


Completer = Callable[[str, Sequence[str]], Sequence[Suggestion]]  #: (text of the box, slugs of the apps)
Authenticate = Callable[[web.Request], Awaitable[Who | None]]  #: for calls without a session cookie: a bearer token
