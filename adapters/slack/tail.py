"""A log that is followed: one message with the last lines, edited for some minutes.

Started by `adapters.slack.answering` when somebody asks for it, ended by `adapters.slack.desk` when somebody presses Stop. In an
app's thread it is shown there, elsewhere in the person's direct messages, since a channel is no place for it. The lines come
masked from the engine; the message says until when it is followed, and loses its button when that is over: the time is up, Stop,
the app ended, Nexus ends. After a crash nobody edits it any more; then Stop takes the button away.

Stop may be pressed at another process than the one that follows: it leaves a mark in the ledger, which is looked at before every
edit.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from adapters.slack.calls import Calls
from adapters.slack.directs import Directs
from adapters.slack.faults import SlackRefusal
from adapters.slack.inbound import STOP_TAIL, Where
from adapters.slack.ports import Marks, SlackEngine
from adapters.slack.render.blocks import Block, actions, header, mrkdwn, preformatted
from adapters.slack.render.blocks import context as small
from adapters.slack.render.buttons import Ids, button
from adapters.slack.render.text import clip
from core.conversation.outbox import Clock, RealClock
from core.errors import Conflict, NexusError, TemporaryError
from core.words.inbound import Who

log = structlog.get_logger(__name__)

LIFE = 300.0  #: seconds that a log is followed
INTERVAL = 2.0  #: seconds between edits
LINES = 10
WIDTH = 250  #: characters of a line
LAST_TRIES = 5  #: for the edit that takes the button away
GOODBYE = 5.0  #: seconds for the last edits at the end
OVER = "This log is not followed any more."
MOST = 20  #: logs that one process follows at a time


@dataclass(eq=False, slots=True, kw_only=True)
class _Tail:
    workspace: str
    channel: str
    slug: str
    ts: str
    until: float  # by the clock
    ends_at: int  # Unix time, as it is shown
    lines: deque[str]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    changed: bool = False
    leaving: bool = False  # Nexus ends
    gone: bool = False  # the message is
    ended: str = ""  # why, when it has

    @property
    def mark(self) -> str:
        return f"slack:{self.workspace}:tail:{self.channel}:{self.ts}:stop"


class Tails:
    """The logs that this process follows."""

    def __init__(
        self,
        calls: Calls,
        engine: SlackEngine,
        marks: Marks,
        directs: Directs,
        *,
        clock: Clock | None = None,
        today: Callable[[], float] = time.time,
    ) -> None:
        self._calls = calls
        self._engine = engine
        self._marks = marks
        self._directs = directs
        self._clock = clock or RealClock()
        self._today = today
        self._running: dict[asyncio.Task[None], _Tail] = {}

    async def start(self, where: Where, who: Who, slug: str) -> str:
        """Follow the log where they are. Returns what to say about it, empty when they see it.

        Raises:
            Conflict: too many are followed, or this one already is.
            NexusError: the app has no log, or Slack takes no message there.
        """
        here = await self._in_its_thread(where, who, slug)
        channel = where.channel if here else await self._directs.channel(where.workspace, where.user)
        if any((one.channel, one.slug) == (channel, slug) for one in self._running.values()):
            raise Conflict(f"The log of {slug} is followed already; look a little further up.")
        if len(self._running) >= MOST:
            raise Conflict("Many logs are followed at this moment; try again in some minutes, or read it with logs.")
        lines = deque(await self._engine.logs(who, slug, LINES), maxlen=LINES)
        tail = _Tail(
            workspace=where.workspace,
            channel=channel,
            slug=slug,
            ts="",
            until=self._clock.now() + LIFE,
            ends_at=int(self._today() + LIFE),
            lines=lines,
        )
        answer = await self._calls.call(
            where.workspace,
            "chat.postMessage",
            channel=channel,
            thread_ts=where.thread if here else None,
            text=f"The log of {slug}",
            blocks=_blocks(tail),
            unfurl_links=False,
            unfurl_media=False,
        )
        tail.ts = str(answer["ts"])
        task = asyncio.create_task(self._run(tail, who), name=f"tail {slug}")
        self._running[task] = tail
        task.add_done_callback(lambda done: self._running.pop(done, None))
        return "" if channel == where.channel else f"The log of {slug} is followed in your direct messages with Nexus."

    async def _in_its_thread(self, where: Where, who: Who, slug: str) -> bool:
        """Whether they are in this app's thread. Others may be read by people who see nothing of the app."""
        if not where.within or where.place is None:
            return False
        there = await self._engine.thread_at(who, where.place)
        return there is not None and there.app == slug

    async def stop(self, workspace: str, channel: str, ts: str) -> None:
        """Somebody pressed Stop."""
        tail = next(
            (one for one in self._running.values() if (one.workspace, one.channel, one.ts) == (workspace, channel, ts)), None
        )
        if tail is not None:
            tail.stop.set()
            return
        # Another process follows it and sees the mark, or nobody does any more. Either way the button goes at once.
        gone = _Tail(workspace=workspace, channel=channel, slug="", ts=ts, until=0, ends_at=0, lines=deque())
        await self._marks.first(gone.mark)
        await self._calls.call(
            workspace, "chat.update", channel=channel, ts=ts, text="The log is not followed any more.", blocks=[_note(OVER)]
        )

    async def close(self) -> None:
        """Stop following; each message says so."""
        for tail in self._running.values():
            tail.leaving = True
            tail.stop.set()
        if self._running:
            await asyncio.wait(list(self._running), timeout=GOODBYE)
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, tail: _Tail, who: Who) -> None:
        reader = asyncio.create_task(self._read(tail, who), name=f"read log of {tail.slug}")
        try:
            while not tail.gone:
                await self._pause(tail)
                if ended := await self._over(tail, reader):
                    await self._end(tail, ended)
                    return
                if tail.changed:
                    await self._edit(tail)
        except Exception:
            log.exception("a log cannot be followed any more", slug=tail.slug)
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def _end(self, tail: _Tail, why: str) -> None:
        """Say that it is over, and take the button away."""
        tail.ended = why
        for _ in range(LAST_TRIES):
            await self._edit(tail)
            if not tail.changed:
                return
            await self._clock.sleep(INTERVAL)

    async def _pause(self, tail: _Tail) -> None:
        """Until the next edit may be made, or Stop is pressed here."""
        waits = [asyncio.ensure_future(self._clock.sleep(INTERVAL)), asyncio.ensure_future(tail.stop.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _over(self, tail: _Tail, reader: asyncio.Task[None]) -> str:
        """Why it is over; empty while it is not."""
        if tail.leaving:
            return "Nexus is being restarted."
        if tail.stop.is_set() or await self._marks.seen(tail.mark):
            return "Somebody stopped it."
        if reader.done():
            if not reader.cancelled() and (error := reader.exception()) is not None:
                log.warning("a log ended", slug=tail.slug, exc_info=error)
                return error.message if isinstance(error, NexusError) else "The log cannot be read any more."
            return "The app, or this copy of it, has ended."
        return "The time is up." if self._clock.now() >= tail.until else ""

    async def _read(self, tail: _Tail, who: Who) -> None:
        async for line in self._engine.follow_logs(who, tail.slug):
            tail.lines.append(line)
            tail.changed = True

    async def _edit(self, tail: _Tail) -> None:
        tail.changed = False
        blocks = _blocks(tail)
        try:
            await self._calls.call(
                tail.workspace,
                "chat.update",
                urgent=bool(tail.ended),
                channel=tail.channel,
                ts=tail.ts,
                text=f"The log of {tail.slug}",
                blocks=blocks,
            )
        except TemporaryError:
            tail.changed = True  # the next edit shows it
        except SlackRefusal as error:
            log.info("a followed log is not shown any more", slug=tail.slug, reason=error.error)
            tail.gone = True


def _blocks(tail: _Tail) -> list[Block]:
    shown = "\n".join(clip(line, WIDTH) for line in tail.lines).strip("\n")
    row = [actions([button(Ids(), STOP_TAIL, "Stop")])] if not tail.ended else []
    # Slack shows the time in each reader's own zone.
    until = f"Followed until <!date^{tail.ends_at}^{{time_secs}}|{LIFE / 60:.0f} minutes after it began>."
    note = _note(f"{tail.ended} {OVER}") if tail.ended else small(mrkdwn(until))
    body = preformatted(shown) if shown.strip() else _note("Nothing was printed yet.")
    return [header(f"Log of {tail.slug}"), body, note, *row]


def _note(text: str) -> Block:
    return small({"type": "plain_text", "text": text, "emoji": False})
