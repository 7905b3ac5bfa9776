"""Progress by Slack's own stream: a plan whose tasks tick off by themselves, in place of edits, where that is the better of the two.

Used by `adapters.slack.outbound` for cards that are working; the end of a card is always an edit of the same message. What is known of
streams was found in docs.slack.dev (chat.startStream, appendStream, stopStream; blocks as chunks since April 2026), in issue 1859 of
python-slack-sdk and in what others measured:

- In a channel only the one ``recipient_user_id`` sees a stream move. Everybody else sees its first chunk and then nothing until it is
  stopped (agentconnect-md/agentconnect#1494). A build in a channel is watched by those who will approve it, so there progress is edited,
  which all see; in a direct conversation it is streamed. `Streaming` says so, and can say otherwise.
- Chunks of type ``blocks`` can hold buttons while the stream runs; they stay until the message is edited. So **Cancel** is in the first
  chunk, beside the title, and goes when the last edit replaces everything. Nothing but the stream's text could hold a button otherwise.
- A stream takes no metadata until it is stopped. The block with the title carries the key as its id, by which a stream is found whose
  answer was lost.
- ``title`` and ``status`` of a task replace, ``details`` are added to those before. Progress therefore sends no details.
- Slack closes a stream half a minute after its last append, and after five minutes in any case. So it is kept alive, and stopped and
  edited before its time is over. A stream that is open refuses chat.update (``streaming_state_conflict``), one that is closed allows it.
- Stopping a stream notifies the reader, an edit notifies nobody: who streamed hears that a review waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from adapters.slack.calls import Calls
from adapters.slack.faults import (
    MessageGone,
    ScopeMissing,
    SlackBusy,
    SlackRefusal,
    StreamClosed,
    TokenLost,
)
from adapters.slack.finding import mark, metadata
from adapters.slack.render.blocks import Block, section
from adapters.slack.render.buttons import Ids, button
from adapters.slack.render.progress import chunks
from adapters.slack.render.text import clip, markup
from core.conversation.outbox import Clock, RealClock
from core.errors import NexusError
from core.words.cards import Button, Card, Tone
from core.words.thread_ref import ThreadRef

log = structlog.get_logger(__name__)

KEEP_ALIVE = 15.0  #: seconds without progress until Slack is told that there is more to come
LIFE = 240.0  #: seconds after which edits go on; Slack's own limit is about 300
#: Refusals that are about this one stream, and say nothing of the next.
OWN_FAULT = frozenset(
    {
        "channel_not_found",
        "invalid_thread_ts",
        "is_archived",
        "missing_recipient_team_id",
        "missing_recipient_user_id",
        "not_in_channel",
        "team_not_found",
        "thread_not_found",
        "user_not_found",
        "user_not_in_channel",
    }
)

Edit = Callable[[ThreadRef, str, Card], Awaitable[None]]
Locks = Callable[[ThreadRef], asyncio.Lock]


class Streaming(enum.StrEnum):
    """Where progress is streamed."""

    NEVER = "never"  #: edits everywhere
    DIRECT = "direct"  #: in direct conversations, whose one reader sees the stream
    EVERYWHERE = "everywhere"  #: in channels too, where only who asked sees it move


@dataclass(slots=True, kw_only=True)
class _Stream:
    """A message that is being streamed by this process."""

    thread: ThreadRef
    message: str
    key: str
    card: Card
    begun: float
    appended: float
    keeper: asyncio.Task[None] | None = None


class Streams:
    """The streams of this process. ``edit`` shows a card by an edit; ``locks`` are held by whoever writes to a thread."""

    def __init__(
        self, calls: Calls, edit: Edit, locks: Locks, *, streaming: Streaming = Streaming.DIRECT, clock: Clock | None = None
    ) -> None:
        self._calls = calls
        self._edit = edit
        self._locks = locks
        self._streaming = streaming
        self._clock = clock or RealClock()
        self._open: dict[tuple[str, str, str], _Stream] = {}
        self._refused: set[tuple[str, bool]] = set()  # by workspace, and whether it was a direct conversation

    async def start(self, thread: ThreadRef, card: Card, key: str) -> str | None:
        """Begin to stream the card's progress; returns the message, None where it has to be posted.

        Raises:
            SlackBusy: the stream may have begun.
            TokenLost: it cannot be posted either.
        """
        direct = thread.channel.startswith("D")
        if not self._wanted(thread, card, direct=direct):
            return None
        try:
            answer = await self._calls.call(
                thread.workspace,
                "chat.startStream",
                patience=0.0,
                channel=thread.channel,
                thread_ts=thread.thread,
                recipient_user_id=thread.user or None,
                recipient_team_id=thread.workspace if thread.user else None,
                task_display_mode="plan",
                chunks=[{"type": "blocks", "blocks": [head(card, key)]}, *chunks(None, card)],
            )
        except SlackBusy as error:
            if error.doubtful or error.retry_after is None:
                raise
            return None
        except TokenLost:
            raise
        except SlackRefusal as error:
            if error.error not in OWN_FAULT:
                self._refused.add((thread.workspace, direct))
            log.info("progress is edited, not streamed", channel=thread.channel, why=error.error)
            return None  # where it cannot be posted either, posting says so
        message, now = str(answer["ts"]), self._clock.now()
        stream = _Stream(thread=thread, message=message, key=key, card=card, begun=now, appended=now)
        self._open[thread.workspace, thread.channel, message] = stream
        stream.keeper = asyncio.create_task(self._keep(stream), name=f"stream {message}")
        return message

    async def show(self, thread: ThreadRef, message: str, card: Card) -> bool:
        """Show a card's progress in its stream; False where it is to be edited in: there is no stream, or it has just ended."""
        stream = self._open.get((thread.workspace, thread.channel, message))
        if stream is None:
            return False
        news = chunks(stream.card, card)
        try:
            if card.tone is not Tone.WORKING or self._is_old(stream):
                await self._stop(stream, news)
                return False
            if news:
                await self._append(stream, news)
        except (StreamClosed, MessageGone, ScopeMissing) as error:
            log.info("a stream is over", channel=thread.channel, message=message, why=error.error)
            self._forget(stream)
            return False
        stream.card = card
        return True

    async def close(self) -> None:
        """Leave the streams as they are: who edits such a message next stops its stream."""
        keepers = [stream.keeper for stream in self._open.values() if stream.keeper is not None]
        self._open.clear()
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)

    def _wanted(self, thread: ThreadRef, card: Card, *, direct: bool) -> bool:
        if card.tone is not Tone.WORKING or card.kind == "notice" or not thread.thread:
            return False
        if self._streaming is Streaming.NEVER or (thread.workspace, direct) in self._refused:
            return False
        return direct or (self._streaming is Streaming.EVERYWHERE and bool(thread.user))

    def _is_old(self, stream: _Stream) -> bool:
        return self._clock.now() - stream.begun >= LIFE

    async def _append(self, stream: _Stream, news: list[Block]) -> None:
        await self._calls.call(
            stream.thread.workspace, "chat.appendStream", channel=stream.thread.channel, ts=stream.message, chunks=news
        )
        stream.appended = self._clock.now()

    async def _stop(self, stream: _Stream, news: list[Block]) -> None:
        await self._calls.call(
            stream.thread.workspace,
            "chat.stopStream",
            urgent=True,
            channel=stream.thread.channel,
            ts=stream.message,
            chunks=news or None,
            metadata=metadata(stream.key),
        )
        self._forget(stream)

    def _forget(self, stream: _Stream) -> None:
        self._open.pop((stream.thread.workspace, stream.thread.channel, stream.message), None)
        if stream.keeper is not None and stream.keeper is not asyncio.current_task():
            stream.keeper.cancel()

    async def _keep(self, stream: _Stream) -> None:
        """Keep a stream alive while nothing happens, and end it before Slack does."""
        place = (stream.thread.workspace, stream.thread.channel, stream.message)
        while True:
            now = self._clock.now()
            await self._clock.sleep(max(0.1, min(stream.appended + KEEP_ALIVE, stream.begun + LIFE) - now))
            async with self._locks(stream.thread):
                if self._open.get(place) is not stream:
                    return
                try:
                    if await self._tended(stream):
                        continue
                    await self._edit(stream.thread, stream.message, stream.card)
                except SlackBusy:
                    continue
                except NexusError as error:
                    log.info("a stream is not looked after any more", message=stream.message, why=error.message)
                self._forget(stream)
                return

    async def _tended(self, stream: _Stream) -> bool:
        """Whether the stream goes on."""
        with contextlib.suppress(StreamClosed):
            if self._is_old(stream):
                await self._stop(stream, [])
                return False
            if self._clock.now() - stream.appended >= KEEP_ALIVE:
                await self._append(stream, chunks(None, stream.card)[:1])
            return True
        return False


def head(card: Card, key: str) -> Block:
    """The first block of a stream: what it is about, the button that stops it, and the key by which it is found again."""
    title = f"*{markup(clip(card.title.strip() or 'Nexus', 150))}*"
    below = markup(clip(card.subtitle.strip(), 500))
    block: Block = {**section(f"{title}\n{below}" if below else title), "block_id": mark(key)}
    press = next((action for action in card.actions if isinstance(action, Button)), None)
    if press is not None:
        block["accessory"] = button(Ids(), press.action, press.label, press.value, style=press.style, confirm=press.confirm)
    return block
