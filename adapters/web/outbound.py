"""The web page as a `Chat`: posting is writing to the ledger's messages, which tells the streams that are open.

Called by the outbox. It has no limits to honour and nothing to throttle: streams send the newest version of a message only.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from core.conversation.chat import Capability, Chat
from core.errors import NotFound, TooLarge
from core.ids import ThreadId, new_id
from core.words.cards import Card, Text
from core.words.thread_ref import ThreadRef
from core.words.views import MessageView

MAX_FILE_BYTES = 20_000


class MessageStore(Protocol):
    """Where the page's threads and messages live. `post` and `open` with a known key change nothing and answer as the first time."""

    async def open(self, workspace: str, title: str, key: str, /) -> ThreadId: ...

    async def post(
        self, thread: ThreadId, key: str, /, *, card: Card | None = None, author: str = "", text: str = ""
    ) -> MessageView: ...

    async def edit(self, message: str, card: Card, /) -> None:
        """Raises `NotFound` for an unknown message; the same card again is free."""
        ...

    async def find(self, thread: ThreadId, key: str, /) -> MessageView | None: ...


class WebChat(Chat):
    """The platform whose threads live in the ledger."""

    platform = "web"
    capabilities = frozenset({Capability.TABS, Capability.LIVE_LOG, Capability.THREAD_REPLIES})

    def __init__(self, messages: MessageStore) -> None:
        self._messages = messages

    async def open_thread(self, workspace: str, channel: str, title: str, *, key: str, user: str = "") -> ThreadRef:
        thread = await self._messages.open(workspace, title, key)
        return ThreadRef(platform=self.platform, workspace=workspace, channel=channel, thread=thread)

    async def post(self, thread: ThreadRef, card: Card, *, key: str) -> str:
        made = await self._messages.post(ThreadId(thread.thread), key, card=card)
        if made.card != card:  # posted before, by somebody who could not write it down
            await self._messages.edit(made.message, card)
        return made.message

    async def edit(self, thread: ThreadRef, message: str, card: Card) -> None:
        await self._messages.edit(message, card)

    async def say(self, thread: ThreadRef, text: str, *, author: str, key: str) -> str:
        return (await self._messages.post(ThreadId(thread.thread), key, author=author, text=text)).message

    async def post_file(self, thread: ThreadRef, name: str, content: bytes, *, key: str) -> str:
        """Shown as a card with the text in it. The page has downloads of its own for whole builds, so that is enough.

        Raises:
            TooLarge: over 20 kB.
        """
        if len(content) > MAX_FILE_BYTES:
            raise TooLarge(f"The file {name!a} has {len(content):,} bytes; a thread shows at most {MAX_FILE_BYTES:,}.")
        text = Text(text=content.decode("utf-8", "replace"), style="code")
        return await self.post(thread, Card(kind="notice", title=name, children=[text]), key=key)


class MemoryMessageStore:
    """The store for tests. ``changed`` is called with every new version of a message."""

    def __init__(self) -> None:
        self._threads: dict[tuple[str, str], ThreadId] = {}
        self._keys: dict[tuple[ThreadId, str], str] = {}
        self._messages: dict[str, MessageView] = {}
        self._version = itertools.count(1)

    def changed(self, message: MessageView) -> None:
        """For a subclass that tells watchers."""

    async def open(self, workspace: str, title: str, key: str, /) -> ThreadId:
        return self._threads.setdefault((workspace, key), ThreadId(new_id("thr")))

    async def post(
        self, thread: ThreadId, key: str, /, *, card: Card | None = None, author: str = "", text: str = ""
    ) -> MessageView:
        if known := await self.find(thread, key):
            return known
        made = MessageView(
            message=new_id("msg"),
            thread=thread,
            order=len(self._messages) + 1,
            version=next(self._version),
            author=author,
            text=text,
            card=card,
            at=datetime.now(UTC),
        )
        self._keys[thread, key] = made.message
        self._messages[made.message] = made
        self.changed(made)
        return made

    async def edit(self, message: str, card: Card, /) -> None:
        old = self._messages.get(message)
        if old is None:
            raise NotFound(f"There is no message {message!a}.")
        if old.card == card:
            return
        new = old.model_copy(update={"card": card, "version": next(self._version)})
        self._messages[message] = new
        self.changed(new)

    async def find(self, thread: ThreadId, key: str, /) -> MessageView | None:
        message = self._keys.get((thread, key))
        return self._messages[message] if message else None

    def in_thread(self, thread: ThreadId) -> Sequence[MessageView]:
        """All of a thread, in order."""
        return [m for m in self._messages.values() if m.thread == thread]

    @property
    def newest(self) -> int:
        """The newest version."""
        return max((m.version for m in self._messages.values()), default=0)

    def newer(self, version: int) -> Sequence[MessageView]:
        """Messages whose version is newer."""
        return sorted((m for m in self._messages.values() if m.version > version), key=lambda m: m.version)
