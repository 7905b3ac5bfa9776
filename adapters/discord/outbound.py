"""Discord as a `Chat`: threads, cards edited in place, people's own words, files.

Called by the outbox, one caller at a time for each thread. Every message carries a mark of the key that it was posted with, so that one
that may have been posted (an answer was lost, a process died before it wrote down the id) is looked for before it is posted, which this
process need not do in threads that it opened itself a moment ago; and a nonce of it, by which Discord makes it once.

A thread is one of Discord's in a text channel, a post in a forum, and in direct messages whatever replies to its first message. A thread
that was archived is opened again by writing to it.

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
from typing import TypeVar

import structlog
from discord import ui

from adapters.discord.calls import Calls, Json, Upload
from adapters.discord.channels import Channels
from adapters.discord.faults import (
    Blocked,
    ChannelClosed,
    DiscordRefusal,
    FileTooLarge,
    Malformed,
    MessageGone,
    ThreadArchived,
    ThreadGone,
)
from adapters.discord.finding import Finder, marks
from adapters.discord.membership import Membership
from adapters.discord.notes import FILES, attach, file_name, note, set_mark
from adapters.discord.opening import PLATFORM, Opening
from adapters.discord.pictures import Pictures
from adapters.discord.posting import Posting, nonce
from adapters.discord.reaching import Reach
from adapters.discord.render.card import Rendered, render
from adapters.discord.render.mark import mark
from adapters.discord.render.text import bold, escape
from adapters.discord.render.words import said
from core.conversation.chat import Capability, Chat
from core.conversation.measuring import clip, units
from core.conversation.outbox import Clock, RealClock
from core.conversation.remembered import Known
from core.errors import NexusError
from core.words.cards import Card, Tone
from core.words.thread_ref import ThreadRef

log = structlog.get_logger(__name__)

T = TypeVar("T")

SAID = 3000  #: characters of people's own words that a message shows at least; a file has all of them where there are more
QUOTED = "\n> "
WORDS = "words.txt"
#: Tones in which a card that somebody deleted is posted anew.
TELLING = frozenset({Tone.WAITING, Tone.GOOD, Tone.BAD})
PERMISSIONS = 50013


@dataclass(frozen=True, slots=True, kw_only=True)
class _Home:
    """Where the messages of a thread go."""

    channel: str
    reply_to: str = ""  #: in direct messages, the thread's first message

    def key(self, key: str) -> str:
        """Several threads share the direct messages with a person."""
        return f"{self.reply_to}:{key}" if self.reply_to else key


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What a message has that its edits keep."""

    mark: int
    files: Mapping[str, str]  #: name to id


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A card as it was written into a message."""

    message: str
    rest: Sequence[tuple[str, str]]


class DiscordChat(Chat):
    """All servers that the bot is in, and the direct messages with their members."""

    platform = PLATFORM

    def __init__(
        self, calls: Calls, *, pictures: Pictures | None = None, reads_replies: bool = True, clock: Clock | None = None
    ) -> None:
        self._calls = calls
        self._pictures = pictures
        self._channels = Channels(calls)
        self._membership = Membership(calls)
        finder = Finder(calls)
        self._reach = Reach(calls, finder, self._channels)
        self._posting = Posting(finder, clock or RealClock())
        self._opening = Opening(calls, self._channels, finder, self._posting, self._reach)
        self._locks: Known[asyncio.Lock] = Known()
        self._states: Known[_State] = Known()  # by channel and message
        self._shown: Known[str] = Known()  # by message: the digest of its card
        self._moved: Known[str] = Known()  # by message: the one that was posted in its place
        self._gone: Known[bool] = Known()  # messages that somebody deleted
        self.reads_replies(reads_replies)

    def reads_replies(self, reads: bool) -> None:
        """Whether Discord lets the bot read what people write in a thread."""
        self.capabilities = frozenset({Capability.OWN_WORDS, *([Capability.THREAD_REPLIES] if reads else [])})

    async def close(self) -> None:
        """Stop what goes on in the background."""
        await self._channels.close()
        await self._membership.close()

    # -- threads -----------------------------------------------------------------------------------------------------------

    async def open_thread(self, workspace: str, channel: str, title: str, *, key: str, user: str = "") -> ThreadRef:
        """The thread hangs on a message that mentions the user who asked. Where the channel stays closed to the bot, it is opened in the
        direct messages with the user, and its first message says why."""
        return await self._opening.open(workspace, channel, title, key=key, user=user)

    async def link(self, thread: ThreadRef) -> str:
        direct = False
        with contextlib.suppress(NexusError):
            direct = await self._channels.is_direct(thread.channel)
        if direct:
            return "/".join(filter(None, ["https://discord.com/channels/@me", thread.channel, thread.thread]))
        return f"https://discord.com/channels/{thread.workspace}/{thread.thread or thread.channel}"

    # -- messages ----------------------------------------------------------------------------------------------------------

    async def post(self, thread: ThreadRef, card: Card, *, key: str) -> str:
        async with self._lock(thread), self._telling(thread, card.title):
            home = await self._home(thread)
            message, written = await self._post_card(thread, home, card, key)
            if written is None:
                await self._show(thread, home, message, card)
            else:
                await self._finish(thread, home, card, written)
            return message

    async def edit(self, thread: ThreadRef, message: str, card: Card) -> None:
        async with self._lock(thread), self._telling(thread, card.title):
            await self._show(thread, await self._home(thread), message, card)

    async def say(self, thread: ThreadRef, text: str, *, author: str, key: str) -> str:
        async with self._telling(thread, clip(text, 100)):
            home = await self._home(thread)
            view, files = said(author, text), []
            if units(escape(text)) + len(QUOTED) * text.count("\n") > SAID:
                files.append(Upload(name=WORDS, content=text.encode(), about="all that was said"))
                attach(view, [WORDS])
            message, _ = await self._posting.once(
                home.channel, home.key(key), send=lambda: self._send(home, key, view, files=files)
            )
        return message

    async def post_file(self, thread: ThreadRef, name: str, content: bytes, *, key: str) -> str:
        async with self._telling(thread, name):
            return await self._files_once(await self._home(thread), [Upload(name=file_name(name), content=content)], key=key)

    # -- writing -----------------------------------------------------------------------------------------------------------

    async def _show(self, thread: ThreadRef, home: _Home, message: str, card: Card) -> None:
        """Make a message show this card, whatever it shows now, and whatever became of it."""
        message = self._moved.get((home.channel, message), message)
        place = (home.channel, message)
        if self._shown.get(place) == _digest(card):
            return
        if place not in self._gone:
            try:
                await self._edit(thread, home, message, card)
                return
            except MessageGone as gone:
                log.info("a message is gone", channel=home.channel, message=message, why=gone.message)
                self._gone.keep(place, True)
        if card.tone in TELLING:  # in place of one that somebody deleted; found again by the id of the deleted one
            made, written = await self._post_card(thread, home, card, f"again:{message}")
            self._moved.keep(place, made)
            if written is None:
                await self._edit(thread, home, made, card)
            else:
                await self._finish(thread, home, card, written)

    async def _post_card(self, thread: ThreadRef, home: _Home, card: Card, key: str) -> tuple[str, _Written | None]:
        """The message with this key, and how the card was written into it, if it was just now."""
        written: _Written | None = None

        async def write(view: ui.LayoutView, pictures: Sequence[Upload]) -> str:
            return await self._send(home, key, view, files=pictures)

        async def send() -> str:
            nonlocal written
            written = await self._write(card, write)
            return written.message

        message, new = await self._posting.once(home.channel, home.key(key), send=send)
        return message, written if new else None

    async def _edit(self, thread: ThreadRef, home: _Home, message: str, card: Card) -> None:
        state = await self._state(home, message)

        async def write(view: ui.LayoutView, pictures: Sequence[Upload]) -> str:
            if state.mark:
                set_mark(view, state.mark)
            named = {picture.name for picture in pictures}
            kept = [file for name, file in state.files.items() if name in named]
            new = [picture for picture in pictures if picture.name not in state.files]
            edited = await self._reopening(home, lambda: self._calls.edit(home.channel, message, view, kept=kept, files=new))
            self._remember(home, edited)
            return message

        await self._finish(thread, home, card, await self._write(card, write))

    async def _write(self, card: Card, write: Callable[[ui.LayoutView, Sequence[Upload]], Awaitable[str]]) -> _Written:
        """Write a card in the best way that Discord accepts: with its pictures, without, as a line."""
        pictures = {} if self._pictures is None else await self._pictures.ready(card)
        for used in [pictures, {}] if pictures else [{}]:
            rendered: Rendered = render(card, pictures={path: file.name for path, file in used.items()}, in_thread=True)
            files = list({file.name: file for file in used.values() if file.name in rendered.pictures}.values())
            try:
                return _Written(message=await write(rendered.view, files), rest=rendered.rest)
            except (Malformed, Blocked, FileTooLarge) as refused:
                log.warning("a card is shown in a simpler way", why=refused.message, pictures=len(files))
            except ChannelClosed as closed:  # perhaps it may write, and attach no files
                if not files or closed.code != PERMISSIONS:
                    raise
                log.info("a card is shown without its pictures", why=closed.message)
        line = bold(clip(card.title or "Nexus", 200)) + (escape(f": {clip(card.status, 200)}") if card.status else "")
        return _Written(message=await write(note(line, ""), []), rest=())

    async def _finish(self, thread: ThreadRef, home: _Home, card: Card, written: _Written) -> None:
        """What belongs to a card beside its message: files with what did not fit."""
        if card.tone is not Tone.WORKING and written.rest:
            uploads = [Upload(name=file_name(name), content=text.encode()) for name, text in written.rest[:FILES]]
            digest = hashlib.sha256("\0".join(text for _, text in written.rest).encode()).hexdigest()[:16]
            try:
                await self._files_once(home, uploads, key=f"rest:{written.message}:{digest}")
            except DiscordRefusal as error:
                log.warning("what does not fit a message is not attached", channel=home.channel, why=error.message)
        self._shown.keep((home.channel, written.message), _digest(card))

    async def _files_once(self, home: _Home, files: Sequence[Upload], *, key: str) -> str:
        view = note("", home.key(key), files=[file.name for file in files])
        message, _ = await self._posting.once(home.channel, home.key(key), send=lambda: self._send(home, key, view, files=files))
        return message

    async def _send(self, home: _Home, key: str, view: ui.LayoutView, *, files: Sequence[Upload] = ()) -> str:
        set_mark(view, mark(home.key(key)))

        async def send() -> Json:
            return await self._calls.send(
                home.channel, view, nonce=nonce(home.channel, home.key(key)), files=files, reply_to=home.reply_to, needs="reply"
            )

        sent = await self._reopening(home, send)
        self._remember(home, sent)
        return str(sent["id"])

    async def _reopening(self, home: _Home, write: Callable[[], Awaitable[T]]) -> T:
        """Write; in a thread that was archived, after it was opened again."""
        try:
            return await write()
        except ThreadArchived as archived:
            try:
                await self._calls.call(
                    "PATCH", "/channels/{channel_id}", channel_id=home.channel, json={"archived": False}, needs="unarchive"
                )
            except ChannelClosed as closed:
                raise ThreadGone(
                    "The thread is archived and locked. Unlock it, or go on elsewhere with /nexus show and the app's name.",
                    code=archived.code,
                ) from closed
            return await write()

    async def _state(self, home: _Home, message: str) -> _State:
        """What an edit has to keep; of messages that another process wrote, Discord knows it."""
        place = (home.channel, message)
        if place not in self._states:
            try:
                self._remember(
                    home,
                    await self._calls.call(
                        "GET", "/channels/{channel_id}/messages/{message_id}", channel_id=home.channel, message_id=message
                    ),
                )
            except ChannelClosed as closed:  # it may write there, and not read; or the edit says that it may neither
                log.info("editing without a look", why=closed.message)
                return _State(mark=0, files={})
        return self._states[place]

    def _remember(self, home: _Home, message: Json) -> None:
        files = {str(one["filename"]): str(one["id"]) for one in message.get("attachments") or ()}
        found = _State(mark=next(marks(message), 0), files=files)
        self._states.keep((home.channel, str(message["id"])), found)

    # -- together ----------------------------------------------------------------------------------------------------------

    async def _home(self, thread: ThreadRef) -> _Home:
        if await self._channels.is_direct(thread.channel):
            await self._membership.check(thread)
            return _Home(channel=thread.channel, reply_to=thread.thread)
        return _Home(channel=thread.thread or thread.channel)

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
        except (ChannelClosed, ThreadGone) as closed:
            why = await self._reach.why(thread, closed)
            await self._reach.tell_lost(thread, what, why)
            if why is closed:
                raise
            raise why from closed


def _digest(card: Card) -> str:
    return hashlib.sha256(card.model_dump_json().encode()).hexdigest()
