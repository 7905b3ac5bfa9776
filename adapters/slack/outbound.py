"""Slack as a `Chat`: threads, cards edited in place, people's own words, files.

Called by the outbox, one caller at a time for each thread. Every message carries the key that it was posted with, so that one that may have
been posted (an answer was lost, a process died before it wrote down the id) is looked for before it is posted: in the thread, which this
process need not do in threads that it opened itself a moment ago, or among the newest messages of the channel for a thread's first message.
An app that hardly may read (one that is distributed outside the Marketplace: once a minute) looks when there is a reason to doubt, and
waits for its turn then; one that may not read at all, or not in a channel that it could not join, posts again: twice is better than never.

A card that was found is edited to what it shall show, since nobody knows what it shows. A message that somebody deleted is left deleted
while its card tells of progress, as they did not want to see it; a card on which somebody must act, or that tells how it ended, is posted
anew, as nobody would ever know otherwise. When the channel or the thread is gone, the person for whom the thread was opened is told in a
direct message, and the error is raised.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from adapters.slack.calls import Calls
from adapters.slack.faults import ChannelClosed, Malformed, MessageGone, SlackRefusal, StillStreaming, StreamClosed, ThreadGone
from adapters.slack.finding import Finder, metadata
from adapters.slack.pictures import LONGEST, Pictures, images
from adapters.slack.posting import Posting
from adapters.slack.reaching import Reach
from adapters.slack.render.blocks import rich
from adapters.slack.render.card import Rendered, notification, render
from adapters.slack.render.text import clip, markup, pieces, words
from adapters.slack.stream import Streaming, Streams
from adapters.slack.uploads import shared_at, upload
from core.conversation.chat import Capability, Chat
from core.conversation.outbox import Clock, RealClock
from core.conversation.remembered import Known
from core.errors import NexusError
from core.words.cards import Card, Tone
from core.words.thread_ref import ThreadRef

log = structlog.get_logger(__name__)

T = TypeVar("T")

PLATFORM = "slack"
SAID = 2000  #: characters of a block of people's own words
NOTIFIED = 500  #: characters of them in a notification
TITLE = 1000
#: Tones in which a card that somebody deleted is posted anew.
TELLING = frozenset({Tone.WAITING, Tone.GOOD, Tone.BAD})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A card as it was written into a message."""

    message: str
    rendered: Rendered
    pictures: Mapping[str, str]


class SlackChat(Chat):
    """All workspaces in which the app is installed."""

    platform = PLATFORM
    capabilities = frozenset({Capability.STREAMING, Capability.THREAD_REPLIES, Capability.OWN_WORDS})

    def __init__(
        self,
        calls: Calls,
        *,
        pictures: Pictures | None = None,
        streaming: Streaming = Streaming.DIRECT,
        clock: Clock | None = None,
    ) -> None:
        self._calls = calls
        self._pictures = pictures
        self._finder = Finder(calls)
        self._reach = Reach(calls, self._finder)
        self._posting = Posting(clock or RealClock())
        self._streams = Streams(calls, self._edit, self._lock, streaming=streaming, clock=clock)
        self._locks: Known[asyncio.Lock] = Known()
        self._shown: Known[str] = Known()  # by message: the digest of its card
        self._moved: Known[str] = Known()  # by message: the one that was posted in its place
        self._gone: Known[bool] = Known()  # messages that somebody deleted
        self._links: Known[str] = Known()
        self._later: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Stop what goes on in the background. Messages that are being streamed are taken over by whoever edits them next."""
        await self._streams.close()
        tasks = list(self._later)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._pictures is not None:
            await self._pictures.close()

    # -- threads -----------------------------------------------------------------------------------------------------------

    async def open_thread(self, workspace: str, channel: str, title: str, *, key: str, user: str = "") -> ThreadRef:
        """Post the message that the thread hangs on, which mentions the user who asked.

        A public channel is joined where the app may, so that it hears replies; where the channel stays closed to the bot, the thread is
        opened in the direct conversation with the user, and its first message says why.
        """
        asked = f"<@{user}> asked for an app: " if user else "An app: "
        text = asked + markup(clip(" ".join(title.split()), TITLE))
        try:
            return await self._open(workspace, channel, text, key=key, user=user)
        except ChannelClosed as closed:
            if not user or channel.startswith("D"):
                raise
            log.info("a thread is opened in a direct message", channel=channel, why=closed.message)
            why = f"\nIt is here and not in <#{channel}>, because I cannot write there. {markup(closed.message)}"
            return await self._open(workspace, await self._reach.direct(workspace, user), text + why, key=key, user=user)

    async def _open(self, workspace: str, channel: str, text: str, *, key: str, user: str) -> ThreadRef:
        place = ThreadRef(platform=PLATFORM, workspace=workspace, channel=channel, thread="", user=user)

        async def look(patience: float | None) -> str | None:
            return await self._joining(place, lambda: self._finder.in_channel(workspace, channel, key, patience=patience))

        root, new = await self._posting.once(place, key, look=look, send=lambda: self._send(place, key, text=text))
        thread = ThreadRef(platform=PLATFORM, workspace=workspace, channel=channel, thread=root, user=user)
        if new:
            self._posting.opened(thread)
        return thread

    async def link(self, thread: ThreadRef) -> str:
        """Slack's permanent link, asked for once; while Slack cannot be asked, an address that leads whoever is signed in there."""
        place = (thread.workspace, thread.channel, thread.thread)
        if place not in self._links:
            if not thread.thread:
                return f"https://slack.com/app_redirect?team={thread.workspace}&channel={thread.channel}"
            try:
                answer = await self._calls.call(
                    thread.workspace, "chat.getPermalink", patience=2.0, channel=thread.channel, message_ts=thread.thread
                )
            except NexusError:
                return f"https://slack.com/archives/{thread.channel}/p{thread.thread.replace('.', '')}"
            self._links.keep(place, str(answer["permalink"]))
        return self._links[place]

    # -- messages ----------------------------------------------------------------------------------------------------------

    async def post(self, thread: ThreadRef, card: Card, *, key: str) -> str:
        written: _Written | None = None

        async def send() -> str:
            nonlocal written
            streamed = await self._streams.start(thread, card, key)
            if streamed is not None:
                return streamed
            written = await self._write(thread, card, lambda r: self._send(thread, key, text=r.text, blocks=r.blocks or None))
            return written.message

        async with self._lock(thread), self._telling(thread, card.title):
            message, new = await self._posting.once(
                thread, key, look=lambda patience: self._finder.in_thread(thread, key, patience=patience), send=send
            )
            if not new:
                await self._show(thread, message, card)
            elif written is not None:
                await self._finish(thread, card, written)
            else:
                self._shown.keep(_at(thread, message), _digest(card))
            return message

    async def edit(self, thread: ThreadRef, message: str, card: Card) -> None:
        async with self._lock(thread), self._telling(thread, card.title):
            await self._show(thread, message, card)

    async def say(self, thread: ThreadRef, text: str, *, author: str, key: str) -> str:
        parts = list(pieces(text, SAID)) or [""]
        blocks = [
            rich({"type": "rich_text_section", "elements": [*(words(f"{author}: ", "bold") if not at else []), *words(part)]})
            for at, part in enumerate(parts)
        ]
        async with self._telling(thread, clip(text, 100)):
            message, _ = await self._posting.once(
                thread,
                key,
                look=lambda patience: self._finder.in_thread(thread, key, patience=patience),
                send=lambda: self._send(thread, key, text=markup(clip(f"{author}: {text}", NOTIFIED)), blocks=blocks),
            )
        return message

    async def post_file(self, thread: ThreadRef, name: str, content: bytes, *, key: str) -> str:
        """The message that shows the file, or the file's id while Slack has not said which that is. A file of the same name and size in
        the same thread is taken for one whose answer was lost."""
        async with self._telling(thread, name):
            return await self._file_once(thread, name, content, key=key)

    # -- writing -----------------------------------------------------------------------------------------------------------

    async def _show(self, thread: ThreadRef, message: str, card: Card) -> None:
        """Make a message show this card, whatever it shows now, and whatever became of it."""
        message = self._moved.get(_at(thread, message), message)
        place = _at(thread, message)
        if self._shown.get(place) == _digest(card):
            return
        if place not in self._gone:
            if await self._streams.show(thread, message, card):
                self._shown.keep(place, _digest(card))
                return
            try:
                await self._edit(thread, message, card)
                return
            except MessageGone as gone:
                log.info("a message is gone", channel=thread.channel, message=message, why=gone.message)
                self._gone.keep(place, True)
        if card.tone in TELLING:
            await self._post_anew(thread, message, card)

    async def _post_anew(self, thread: ThreadRef, message: str, card: Card) -> None:
        """In place of one that somebody deleted; found again by the id of the deleted one."""
        key = f"again:{message}"
        written: _Written | None = None

        async def send() -> str:
            nonlocal written
            written = await self._write(thread, card, lambda r: self._send(thread, key, text=r.text, blocks=r.blocks or None))
            return written.message

        made, new = await self._posting.once(
            thread, key, look=lambda patience: self._finder.in_thread(thread, key, patience=patience), send=send
        )
        self._moved.keep(_at(thread, message), made)
        if new and written is not None:
            await self._finish(thread, card, written)
        elif not new:
            await self._edit(thread, made, card)

    async def _edit(self, thread: ThreadRef, message: str, card: Card) -> None:
        async def update(rendered: Rendered) -> str:
            urgent = card.tone is not Tone.WORKING
            await self._joining(thread, lambda: self._update(thread, message, rendered, urgent=urgent))
            return message

        await self._finish(thread, card, await self._write(thread, card, update))

    async def _update(self, thread: ThreadRef, message: str, rendered: Rendered, *, urgent: bool) -> None:
        async def update() -> None:
            await self._calls.call(
                thread.workspace,
                "chat.update",
                urgent=urgent,
                channel=thread.channel,
                ts=message,
                text=rendered.text,
                blocks=rendered.blocks,
            )

        try:
            await update()
        except StillStreaming:  # begun by another process, which is no more
            with contextlib.suppress(StreamClosed):
                await self._calls.call(thread.workspace, "chat.stopStream", urgent=True, channel=thread.channel, ts=message)
            await update()

    async def _write(self, thread: ThreadRef, card: Card, write: Callable[[Rendered], Awaitable[str]]) -> _Written:
        """Write a card in the best way that Slack accepts: with its pictures, without, as text."""
        pictures = {} if self._pictures is None else await self._pictures.ready(thread.workspace, card)
        for used in [pictures, {}] if pictures else [{}]:
            rendered = render(card, pictures=used, in_thread=True)
            try:
                return _Written(message=await write(rendered), rendered=rendered, pictures=used)
            except Malformed:
                if used and self._pictures is not None:
                    self._pictures.forget(thread.workspace, used)
        rendered = Rendered(blocks=[], text=notification(card))
        return _Written(message=await write(rendered), rendered=rendered, pictures={})

    async def _finish(self, thread: ThreadRef, card: Card, written: _Written) -> None:
        """What belongs to a card beside its message: files with what did not fit, pictures that were not ready."""
        if card.tone is not Tone.WORKING:
            for name, text in written.rendered.rest:
                await self._attach(thread, written.message, name, text.encode())
        self._shown.keep(_at(thread, written.message), _digest(card))
        missing = {image.path for image in images(card)} - set(written.pictures)
        if self._pictures is not None and missing and written.rendered.blocks and not self._is_later():
            task = asyncio.create_task(self._show_pictures(self._pictures, thread, written.message, card), name="pictures")
            self._later.add(task)
            task.add_done_callback(self._later.discard)

    def _is_later(self) -> bool:
        return asyncio.current_task() in self._later

    async def _show_pictures(self, pictures: Pictures, thread: ThreadRef, message: str, card: Card) -> None:
        """Edit pictures in when Slack has them, if the card is still shown by then."""
        if not await pictures.ready(thread.workspace, card, wait=LONGEST):
            return
        async with self._lock(thread):
            if self._shown.get(_at(thread, message)) == _digest(card):
                try:
                    await self._edit(thread, message, card)
                except NexusError as error:
                    log.info("pictures are not shown", message=message, why=error.message)

    async def _attach(self, thread: ThreadRef, message: str, name: str, content: bytes) -> None:
        """Put a file with what did not fit into the thread, once."""
        key = f"rest:{message}:{name}:{hashlib.sha256(content).hexdigest()[:16]}"
        try:
            await self._file_once(thread, name, content, key=key)
        except SlackRefusal as error:
            log.warning("what does not fit a message is not attached", name=name, channel=thread.channel, why=error.message)

    async def _file_once(self, thread: ThreadRef, name: str, content: bytes, *, key: str) -> str:
        async def send() -> str:
            file = await upload(self._calls, thread.workspace, name, content, channel=thread.channel, thread=thread.thread)
            return shared_at(file, thread.channel) or str(file["id"])

        message, _ = await self._posting.once(
            thread,
            key,
            look=lambda patience: self._finder.file_in_thread(thread, name, len(content), patience=patience),
            send=send,
        )
        return message

    async def _send(self, thread: ThreadRef, key: str, *, text: str, blocks: Sequence[Mapping[str, Any]] | None = None) -> str:
        return await self._joining(thread, lambda: self._post_message(thread, key, text, blocks))

    async def _joining(self, thread: ThreadRef, write: Callable[[], Awaitable[T]]) -> T:
        """Write; in a public channel that the bot is not in, after it has joined."""
        try:
            return await write()
        except ChannelClosed as closed:
            if closed.error != "not_in_channel" or not await self._reach.join(thread.workspace, thread.channel):
                raise
            return await write()

    async def _post_message(self, thread: ThreadRef, key: str, text: str, blocks: Sequence[Mapping[str, Any]] | None) -> str:
        answer = await self._calls.call(
            thread.workspace,
            "chat.postMessage",
            channel=thread.channel,
            thread_ts=thread.thread or None,
            text=text,
            blocks=blocks,
            metadata=metadata(key),
            unfurl_links=False,
            unfurl_media=False,
        )
        return str(answer["ts"])

    # -- together ----------------------------------------------------------------------------------------------------------

    def _lock(self, thread: ThreadRef) -> asyncio.Lock:
        place = (thread.workspace, thread.channel, thread.thread)
        if place not in self._locks:
            self._locks.keep(place, asyncio.Lock())
        return self._locks[place]

    @contextlib.asynccontextmanager
    async def _telling(self, thread: ThreadRef, what: str) -> AsyncIterator[None]:
        """When the thread cannot be reached any more, the person for whom it was opened is told."""
        try:
            yield
        except (ChannelClosed, ThreadGone) as error:
            await self._reach.tell_lost(thread, what, error)
            raise


def _at(thread: ThreadRef, message: str) -> tuple[str, str, str]:
    """A channel that two workspaces share has the same id in both."""
    return thread.workspace, thread.channel, message


def _digest(card: Card) -> str:
    return hashlib.sha256(card.model_dump_json().encode()).hexdigest()
