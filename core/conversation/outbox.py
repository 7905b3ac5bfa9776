"""The outbox: makes a thread on its platform look as the presenter wants it.

Called with all messages of a thread whenever one may have changed. It posts what is missing, in order, edits what differs, and skips
what is equal. It does no work twice after a crash: what each message last showed is on record, and posting a key again is harmless.

One writer per thread; latest wins: while an edit waits for its platform's interval, newer cards replace it, and the last one is always
written. A `TemporaryError` puts the whole thread off, so that the order stays; an `OperatorError` leaves the thread as it is until it is
wanted again, for it may take days until somebody has mended that; any other error gives up on that one card, not on the thread. The
callers see to it that only one process shows a thread at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.conversation.chat import Capability, Chat
from core.conversation.presenter.message import Message
from core.errors import NexusError, OperatorError, TemporaryError
from core.ids import ThreadId
from core.words.sent import Sent, SentMessages
from core.words.thread_ref import ThreadRef

log = logging.getLogger(__name__)

INTERVALS: Mapping[str, float] = {"web": 0.0, "slack": 1.5, "discord": 2.0}  #: seconds between edits of one message
FIRST_DELAY = 1.0  #: seconds until a failed call is repeated; doubled each time
LONGEST_DELAY = 60.0
UNEXPECTED_TRIES = 5  #: for an error that nobody translated


class Clock(Protocol):
    """Time, so that a test can make it pass."""

    def now(self) -> float:
        """Seconds, growing."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class RealClock:
    """The machine's."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def digest(message: Message) -> str:
    """The same for messages that look the same."""
    content = message.card.model_dump_json() if message.card is not None else f"{message.author}\0{message.text}"
    return hashlib.sha256(content.encode()).hexdigest()


@dataclass(slots=True, kw_only=True)
class _Line:
    """A thread that is being written to."""

    thread: ThreadId
    ref: ThreadRef
    wanted: Sequence[Message]
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    known: dict[str, Sent] = field(default_factory=dict)
    given_up: dict[str, str] = field(default_factory=dict)  # key to the digest that could not be shown
    task: asyncio.Task[None] | None = None


class Outbox:
    """Keeps threads up to date."""

    def __init__(
        self,
        chats: Mapping[str, Chat],
        sent: SentMessages,
        *,
        intervals: Mapping[str, float] = INTERVALS,
        clock: Clock | None = None,
    ) -> None:
        self.chats = chats
        self._sent = sent
        self._intervals = intervals
        self._clock = clock or RealClock()
        self._lines: dict[ThreadId, _Line] = {}
        self._written: dict[tuple[ThreadId, str], tuple[float, float]] = {}  # when, and the interval that counts from then
        self._unshown: set[ThreadId] = set()  # until whoever runs Nexus has mended something

    def show(self, thread: ThreadId, ref: ThreadRef, messages: Sequence[Message]) -> None:
        """Want the thread to look like this from now on. Returns at once."""
        self._unshown.discard(thread)
        line = self._lines.get(thread)
        if line is None:
            line = self._lines[thread] = _Line(thread=thread, ref=ref, wanted=messages)
            line.task = asyncio.create_task(self._write(line), name=f"outbox {thread}")
        else:
            line.wanted, line.ref = messages, ref
            line.changed.set()

    async def settled(self, thread: ThreadId | None = None) -> None:
        """Wait until everything wanted is shown, in one thread or in all."""
        while tasks := [ln.task for ln in self._lines.values() if ln.task is not None and thread in {None, ln.thread}]:
            await asyncio.wait(tasks)

    def left_unshown(self, thread: ThreadId) -> bool:
        """Whether a settled thread is not as wanted, because whoever runs this Nexus has to mend something first."""
        return thread in self._unshown

    async def leave(self, thread: ThreadId) -> None:
        """Stop writing to a thread, wherever that is: somebody else may do it from now on."""
        line = self._lines.pop(thread, None)
        if line is not None and line.task is not None:
            line.task.cancel()
            await asyncio.gather(line.task, return_exceptions=True)

    async def close(self) -> None:
        """Stop writing. What is not shown yet is shown when the thread is wanted again."""
        tasks = [line.task for line in self._lines.values() if line.task is not None]
        self._lines.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(self, line: _Line) -> None:
        failures = 0
        while True:
            line.changed.clear()
            try:
                due = await self._pass(line, last_try=failures >= UNEXPECTED_TRIES)
                failures = 0
            except Exception as error:
                delay = min(FIRST_DELAY * 2**failures, LONGEST_DELAY)
                failures += 1
                if not isinstance(error, TemporaryError):
                    log.warning("showing thread %s failed, again in %.0f s", line.thread, delay, exc_info=error)
                await self._clock.sleep(delay)
                continue
            if line.changed.is_set():
                continue
            if due is None:  # nothing is awaited between this and the removal, so no wish is lost
                if self._lines.get(line.thread) is line:
                    del self._lines[line.thread]
                self._forget_old_times()
                return
            await self._wait(line, due)

    async def _wait(self, line: _Line, seconds: float) -> None:
        """Until an edit is due, or something new is wanted."""
        waits = {asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(line.changed.wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            for wait in waits:
                with contextlib.suppress(asyncio.CancelledError):
                    await wait

    async def _pass(self, line: _Line, *, last_try: bool) -> float | None:
        """Write what can be written now. Returns the seconds until more is due, None when the thread is as wanted."""
        chat = self.chats.get(line.ref.platform)
        if chat is None:
            log.error("no chat platform %r is set up; thread %s is not shown", line.ref.platform, line.thread)
            return None
        due: float | None = None
        for message in line.wanted:
            if line.changed.is_set():
                return 0.0
            content = digest(message)
            if line.given_up.get(message.key) == content:
                continue
            try:
                wait = await self._show(line, chat, message, content)
            except TemporaryError:
                raise
            except OperatorError as error:
                log.warning("thread %s is not shown for now: %s", line.thread, error)
                self._unshown.add(line.thread)
                return None
            except NexusError as error:
                log.warning("message %s of thread %s cannot be shown: %s", message.key, line.thread, error)
                line.given_up[message.key] = content
                continue
            except Exception:
                if not last_try:
                    raise
                log.exception("message %s of thread %s cannot be shown", message.key, line.thread)
                line.given_up[message.key] = content
                continue
            if wait is not None:
                due = wait if due is None else min(due, wait)
        return due

    async def _show(self, line: _Line, chat: Chat, message: Message, content: str) -> float | None:
        """Write one message, or return the seconds until it may be written."""
        place = (line.thread, message.key)
        known = line.known.get(message.key) or await self._sent.find(line.thread, message.key)
        if known is not None:
            line.known[message.key] = known
            if known.card_digest == content or message.card is None:  # words are said once
                return None
        interval = self._intervals.get(line.ref.platform, 0.0)
        if known is None:
            if message.card is not None:
                made = await chat.post(line.ref, message.card, key=message.key)
            elif message.seen and Capability.OWN_WORDS in chat.capabilities:
                return None
            else:
                made = await chat.say(line.ref, message.text, author=message.author, key=message.key)
        else:
            last, _ = self._written.get(place, (float("-inf"), 0.0))
            if (wait := last + interval - self._clock.now()) > 0:
                return wait
            made = known.message_id
            assert message.card is not None
            await chat.edit(line.ref, made, message.card)
        self._written[place] = (self._clock.now(), interval)
        shown = Sent(message_id=made, card_digest=content)
        await self._sent.record(line.thread, message.key, shown)
        line.known[message.key] = shown
        return None

    def _forget_old_times(self) -> None:
        now = self._clock.now()
        for place in [place for place, (at, interval) in self._written.items() if at + interval <= now]:
            del self._written[place]
