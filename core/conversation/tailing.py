"""A log that is followed: one message with the last lines, edited for some minutes.

Used by the chat platforms, each of which writes the message in its own way (`TailMessages`). In an app's thread it is shown there,
elsewhere in the person's direct messages, since a channel is no place for it. The lines come masked from the engine; the message says
until when it is followed, and loses its button when that is over: the time is up, Stop, the app ended, Nexus ends. After a crash nobody
edits it any more; then Stop takes the button away.

Stop may be pressed at another process than the one that follows: it leaves a mark in the ledger, which is looked at before every edit.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from core.conversation.outbox import Clock, RealClock
from core.conversation.ports import Marks
from core.errors import Conflict, NexusError, TemporaryError
from core.words.inbound import Who
from core.words.thread_ref import ThreadRef
from core.words.views import ThreadView

log = structlog.get_logger(__name__)

LIFE = 300.0  #: seconds that a log is followed
INTERVAL = 2.0  #: seconds between edits
LINES = 10
LAST_TRIES = 5  #: for the edit that takes the button away
GOODBYE = 5.0  #: seconds for the last edits at the end
OVER = "This log is not followed any more."
IN_PRIVATE = "The log of {slug} is followed in your direct messages with Nexus."
MOST = 20  #: logs that one process follows at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """What the message shows. ``ends_at`` is Unix time; ``ended`` says why it is over, and is empty while it is not."""

    slug: str
    lines: Sequence[str]
    ends_at: int
    ended: str = ""


class TailMessages(Protocol):
    """Writes the messages of a platform."""

    async def post(self, place: ThreadRef, tail: Tail) -> str:
        """Returns the message's id."""
        ...

    async def edit(self, place: ThreadRef, message: str, tail: Tail) -> None:
        """Show this instead.

        Raises:
            TemporaryError: not just now.
            NexusError: the message is gone.
        """
        ...

    async def over(self, place: ThreadRef, message: str, why: str) -> None:
        """Take the button away, of a message whose lines nobody here knows."""
        ...


class Logs(Protocol):
    """The engine, as far as logs are followed."""

    async def thread_at(self, who: Who, ref: ThreadRef) -> ThreadView | None: ...
    async def logs(self, who: Who, slug: str, lines: int = 100) -> list[str]: ...
    def follow_logs(self, who: Who, slug: str, *, lines: int = 0) -> AsyncIterator[str]: ...


@dataclass(eq=False, slots=True, kw_only=True)
class _Followed:
    place: ThreadRef
    message: str
    slug: str
    until: float  # by the clock
    ends_at: int
    lines: deque[str]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    seen: tuple[str, ...] | None = None  # the lines that the message shows, where that is known
    changed: bool = False
    leaving: bool = False  # Nexus ends
    gone: bool = False  # the message is
    ended: str = ""

    def shown(self) -> Tail:
        return Tail(slug=self.slug, lines=tuple(self.lines), ends_at=self.ends_at, ended=self.ended)


class Tails:
    """The logs that this process follows."""

    def __init__(
        self,
        messages: TailMessages,
        engine: Logs,
        marks: Marks,
        *,
        clock: Clock | None = None,
        today: Callable[[], float] = time.time,
    ) -> None:
        self._messages = messages
        self._engine = engine
        self._marks = marks
        self._clock = clock or RealClock()
        self._today = today
        self._running: dict[asyncio.Task[None], _Followed] = {}
        self._starting: set[tuple[tuple[str, str], str]] = set()

    @property
    def following(self) -> int:
        """How many there are."""
        return len(self._running)

    async def start(
        self, who: Who, slug: str, *, here: ThreadRef | None, private: Callable[[], Awaitable[ThreadRef]]
    ) -> ThreadRef:
        """Follow the log ``here``, where that is the app's thread, else in the ``private`` place. Returns where.

        Raises:
            Conflict: too many are followed, or this one already is.
            NexusError: the app has no log, or the platform takes no message there.
        """
        place = here if here is not None and await self._is_its_thread(here, who, slug) else await private()
        what = (_at(place), slug)
        if what in self._starting or any((_at(one.place), one.slug) == what for one in self._running.values()):
            raise Conflict(f"The log of {slug} is followed already; look a little further up.")
        if len(self._running) + len(self._starting) >= MOST:
            raise Conflict("Many logs are followed at this moment; try again in some minutes, or read it with logs.")
        self._starting.add(what)
        try:
            await self._begin(place, who, slug)
        finally:
            self._starting.discard(what)
        return place

    async def _begin(self, place: ThreadRef, who: Who, slug: str) -> None:
        lines = deque(await self._engine.logs(who, slug, LINES), maxlen=LINES)
        one = _Followed(
            place=place,
            message="",
            slug=slug,
            until=self._clock.now() + LIFE,
            ends_at=int(self._today() + LIFE),
            lines=lines,
            seen=tuple(lines),
        )
        one.message = await self._messages.post(place, one.shown())
        task = asyncio.create_task(self._run(one, who), name=f"tail {slug}")
        self._running[task] = one
        task.add_done_callback(lambda done: self._running.pop(done, None))

    async def _is_its_thread(self, place: ThreadRef, who: Who, slug: str) -> bool:
        """Whether this is the app's thread. Others may be read by people who see nothing of the app."""
        there = await self._engine.thread_at(who, place)
        return there is not None and there.app == slug

    async def stop(self, place: ThreadRef, message: str) -> None:
        """Somebody pressed Stop."""
        following = next((one for one in self._running.values() if _mark(one.place, one.message) == _mark(place, message)), None)
        if following is not None:
            following.stop.set()
            return
        # Another process follows it and sees the mark, or nobody does any more. Either way the button goes at once.
        await self._marks.first(_mark(place, message))
        await self._messages.over(place, message, OVER)

    async def close(self) -> None:
        """Stop following; each message says so."""
        for one in self._running.values():
            one.leaving = True
            one.stop.set()
        if self._running:
            await asyncio.wait(list(self._running), timeout=GOODBYE)
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, one: _Followed, who: Who) -> None:
        reader = asyncio.create_task(self._read(one, who), name=f"read log of {one.slug}")
        try:
            while not one.gone:
                await self._pause(one)
                if ended := await self._over(one, reader):
                    await self._end(one, ended)
                    return
                if one.changed:
                    await self._edit(one)
        except Exception:
            log.exception("a log cannot be followed any more", slug=one.slug)
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def _end(self, one: _Followed, why: str) -> None:
        """Say that it is over, and take the button away."""
        one.ended = why
        for _ in range(LAST_TRIES):
            await self._edit(one)
            if not one.changed:
                return
            await self._clock.sleep(INTERVAL)

    async def _pause(self, one: _Followed) -> None:
        """Until the next edit may be made, or Stop is pressed here."""
        waits = [asyncio.ensure_future(self._clock.sleep(INTERVAL)), asyncio.ensure_future(one.stop.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _over(self, one: _Followed, reader: asyncio.Task[None]) -> str:
        """Why it is over; empty while it is not."""
        if one.leaving:
            return "Nexus is being restarted."
        if one.stop.is_set() or await self._marks.seen(_mark(one.place, one.message)):
            return "Somebody stopped it."
        if reader.done():
            if not reader.cancelled() and (error := reader.exception()) is not None:
                log.warning("a log ended", slug=one.slug, exc_info=error)
                return error.message if isinstance(error, NexusError) else "The log cannot be read any more."
            return "The app, or this copy of it, has ended."
        return "The time is up." if self._clock.now() >= one.until else ""

    async def _read(self, one: _Followed, who: Who) -> None:
        """Begins with the last lines once more: some may have come while the message was posted."""
        lines: deque[str] = deque(maxlen=LINES)
        async for line in self._engine.follow_logs(who, one.slug, lines=LINES):
            lines.append(line)
            one.lines = lines
            one.changed = tuple(lines) != one.seen

    async def _edit(self, one: _Followed) -> None:
        one.changed, one.seen = False, tuple(one.lines)
        try:
            await self._messages.edit(one.place, one.message, one.shown())
        except TemporaryError:
            one.changed, one.seen = True, None  # the next edit shows it
        except NexusError as error:
            log.info("a followed log is not shown any more", slug=one.slug, reason=error.message)
            one.gone = True


def _at(place: ThreadRef) -> tuple[str, str]:
    """The channel: one that is followed twice in a channel would be the same lines twice."""
    return place.workspace, place.channel


def _mark(place: ThreadRef, message: str) -> str:
    return f"{place.platform}:{place.workspace}:tail:{place.channel}:{message}:stop"
