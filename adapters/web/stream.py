"""Server-sent events: what changes in the threads, and an app's log, live.

Called by the routes. Between the engine's endless iterators and a browser that may be slow stands a buffer where the newest version of
a message replaces older ones, so a stream holds at most one version of each. Ids are message versions: a browser that comes back with
``Last-Event-ID`` gets everything since.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from aiohttp import web

from adapters.web import page, render
from adapters.web.ports import WebEngine
from core.ids import ThreadId
from core.words.inbound import Who
from core.words.views import MessageView, ThreadView

BEAT = 15.0  #: seconds between signs of life
MAX_LINES = 1_000  #: lines of a log that wait for a slow browser; older ones are left out

_T = TypeVar("_T")
StillSignedIn = Callable[[], Awaitable[bool]]

HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class _Events:
    """Writes events to one response."""

    def __init__(self, response: web.StreamResponse) -> None:
        self._response = response

    async def send(self, event: str, data: object, *, number: int | None = None) -> None:
        # json.dumps escapes line breaks and every non-ASCII character, lone surrogates included: one data line, always.
        head = f"id: {number}\n" if number is not None else ""
        await self._response.write(f"{head}event: {event}\ndata: {json.dumps(data)}\n\n".encode())


class _Intake:
    """Reads an endless iterator in the background, into whatever ``keep`` does, and rings."""

    def __init__(self, source: AsyncIterator[_T], keep: Callable[[_T], None]) -> None:
        self._bell = asyncio.Event()
        self._task = asyncio.create_task(self._read(source, keep))

    async def _read(self, source: AsyncIterator[_T], keep: Callable[[_T], None]) -> None:
        try:
            async for item in source:
                keep(item)
                self._bell.set()
        finally:
            self._bell.set()
            close = getattr(source, "aclose", None)
            if close is not None:
                await close()

    async def wait(self, seconds: float) -> bool:
        """True when something came, False when the time is over. Raises what the source raised; ends when it ended."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._bell.wait(), seconds)
        rang = self._bell.is_set()
        self._bell.clear()
        if self._task.done():
            self._task.result()
            raise EOFError
        return rang

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def _run(
    response: web.StreamResponse,
    intake: _Intake,
    drain: Callable[[], Awaitable[None]],
    still_signed_in: StillSignedIn,
    beat: float,
) -> None:
    """Drain whenever the intake rings; beat in between, and end when the session has ended."""
    events = _Events(response)
    loop = asyncio.get_running_loop()
    try:
        last = loop.time()
        while True:
            if await intake.wait(max(0.01, last + beat - loop.time())):
                await drain()
            if loop.time() >= last + beat:
                last = loop.time()
                if not await still_signed_in():
                    await events.send("signed-out", {})
                    return
                await events.send("beat", {})
    except (EOFError, ConnectionResetError):
        return  # the browser comes back by itself, or has gone
    finally:
        await intake.close()


async def messages(
    response: web.StreamResponse,
    engine: WebEngine,
    who: Who,
    *,
    thread: ThreadId | None,
    after: int,
    as_json: bool,
    assets: str,
    still_signed_in: StillSignedIn,
    beat: float = BEAT,
) -> None:
    """The threads as they change: ``threads`` once, then ``thread``, ``message`` and ``touched`` (a message in a thread that this
    reader does not look at; as JSON, and without ``thread``, every message is sent whole)."""
    events = _Events(response)
    fresh: dict[str, MessageView] = {}
    moved: dict[str, ThreadView] = {}

    def keep(item: MessageView | ThreadView) -> None:
        if isinstance(item, ThreadView):
            moved[item.thread] = item
        else:
            fresh[item.message] = item

    async def drain() -> None:
        # A thread first: a message in a new thread then finds its line in the list.
        for view in [moved.pop(key) for key in list(moved)]:
            data = view.model_dump(mode="json")
            await events.send("thread", data if as_json else data | {"html": page.thread_item(view, thread or "")})
        for message in sorted([fresh.pop(key) for key in list(fresh)], key=lambda m: m.version):
            if as_json and thread in {None, message.thread}:
                await events.send("message", message.model_dump(mode="json"), number=message.version)
            elif message.thread == thread:
                data = {"thread": message.thread, "message": message.message, "order": message.order}
                await events.send("message", data | {"html": render.message(message)}, number=message.version)
            else:
                await events.send("touched", {"thread": message.thread}, number=message.version)

    intake = _Intake(engine.watch(who, after=after), keep)
    try:
        # After the watch has begun, so that nothing falls between the two.
        await asyncio.sleep(0)
        threads = await engine.threads(who)
        listed = (
            {"threads": [t.model_dump(mode="json") for t in threads]}
            if as_json
            else {"html": page.thread_list(threads, thread or "")}
        )
        await events.send("threads", {"assets": assets, **listed}, number=after)
    except BaseException:
        await intake.close()
        raise
    await _run(response, intake, drain, still_signed_in, beat)


async def log(
    response: web.StreamResponse,
    engine: WebEngine,
    who: Who,
    slug: str,
    *,
    still_signed_in: StillSignedIn,
    beat: float = BEAT,
) -> None:
    """An app's log: ``tail`` with the last lines, then ``lines`` as they come."""
    events = _Events(response)
    waiting: deque[str] = deque(maxlen=MAX_LINES)

    async def drain() -> None:
        if lines := [render.log_line(line) for line in waiting]:
            waiting.clear()
            await events.send("lines", {"lines": lines})

    intake = _Intake(engine.follow_logs(who, slug), waiting.append)
    try:
        await asyncio.sleep(0)
        tail = await engine.logs(who, slug)
        await events.send("tail", {"lines": [render.log_line(line) for line in tail[-MAX_LINES:]]})
    except BaseException:
        await intake.close()
        raise
    await _run(response, intake, drain, still_signed_in, beat)
