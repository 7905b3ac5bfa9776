"""The server: three protocols on one port of the loopback, saying what its script says."""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from adapters.models.calls import CallLimits
from core.words.plan import Plan
from tests.support.model_server.behaviours import BEHAVIOURS
from tests.support.model_server.compatible import Compatible, Habits
from tests.support.model_server.replies import Reply
from tests.support.model_server.vendors import Anthropic, OpenAI, Refusal, Tokens, Vendor

FAST = CallLimits(deadline=20.0, silence=10.0, backoff=0.01, tries=3)  #: for models under test


@dataclass(slots=True)
class ModelServer:
    """What it will say, and what it was asked. The last reply of each list repeats."""

    origin: str = ""
    plans: list[Reply] = field(default_factory=list)
    files: list[Reply] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)  #: all text of each request
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)  #: a client left before the end of its answer
    compatible: Compatible = field(default_factory=Compatible)
    kept: set[str] = field(default_factory=set)  #: prefixes in the cache

    @property
    def openai_url(self) -> str:
        return f"{self.origin}/v1"

    @property
    def anthropic_url(self) -> str:
        return self.origin

    @property
    def compatible_url(self) -> str:
        return f"{self.origin}/v1"

    def script(self, *, plans: Sequence[Reply] = (), files: Sequence[Reply] = (), habits: Habits | None = None) -> None:
        """What it says from now on; what was before is forgotten."""
        self.plans, self.files = list(plans), list(files)
        self.requests.clear()
        self.prompts.clear()
        self.kept.clear()
        self.disconnected.clear()
        self.compatible.habits = habits or Habits()

    def play(self, behaviour: str, plan: Plan, files: Mapping[str, str]) -> None:
        """One of the named `BEHAVIOURS`, for an app of this plan and these files."""
        plans, written = BEHAVIOURS[behaviour](plan, files)
        self.script(plans=plans, files=written)

    def reply_to(self, vendor: Vendor, body: dict[str, Any], prompt: str) -> Reply:
        """What it says to this request."""
        replies = self.plans if vendor.is_plan(body) else self.files
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def left(self, prompt: str) -> None:
        """Who sent this request did not wait for the end of the answer."""
        self.disconnected.set()

    def _tokens(self, prefixes: Sequence[str], writes: bool) -> Tokens:
        if not prefixes:
            return Tokens()
        known = any(prefix in self.kept for prefix in prefixes)
        self.kept.update(prefixes)
        return Tokens(cached=100 if known else 0, written=100 if writes and not known else 0)


def _nonce(prompt: str) -> str:
    """The nonce that the request asks for, or empty."""
    found = re.findall(r"<<<(?:file|end):([0-9a-f]+)", prompt)
    return str(found[-1]) if found else ""


async def _answer(server: ModelServer, vendor: Vendor, request: web.Request) -> web.StreamResponse:
    body = await request.json()
    server.requests.append(body)
    ids = {vendor.id_header: f"req_{len(server.requests)}"}
    try:
        vendor.check(request, body)
        prompt = vendor.prompt(body)
        server.prompts.append(prompt)
        reply = server.reply_to(vendor, body, prompt)
        if reply.error is not None and reply.error_after is None:
            raise Refusal(reply.error)
    except Refusal as refusal:
        status = server.compatible.habits.error_status or refusal.error.status
        return web.json_response(vendor.error(refusal.error), status=status, headers={**refusal.error.headers, **ids})
    if reply.raw is not None:
        status, kind, raw = reply.raw
        return web.Response(status=status, body=raw.encode(), headers={"content-type": kind})
    text = reply.said(_nonce(prompt), prompt)
    tokens = server._tokens(vendor.prefixes(body), "prompt_cache_options" in body or isinstance(vendor, Anthropic))
    if (whole := vendor.whole(body, text, reply.stop, tokens)) is not None:
        return web.json_response(whole, headers=ids)
    response = web.StreamResponse(headers={"content-type": "text/event-stream; charset=utf-8", **ids})
    await response.prepare(request)

    async def send(frame: str) -> None:
        raw = frame.encode()
        for part in (bytes([byte]) for byte in raw) if reply.by_byte else (raw,):
            await response.write(part)

    try:
        for event in vendor.before(body, tokens):
            await send(vendor.frame(event))
        if reply.thinking:
            await send(vendor.frame(vendor.piece(reply.thinking, thinking=True)))
        pieces = [text[at : at + reply.piece] for at in range(0, len(text), reply.piece)]
        for number in range(len(pieces) + 1):
            if number == reply.cut_after:
                assert request.transport is not None
                request.transport.abort()
                return response
            if number == reply.hang_after:
                await asyncio.Event().wait()
            if reply.error is not None and number == reply.error_after:
                await send(vendor.frame(vendor.error_event(reply.error)))
                return response
            if reply.garbage:
                await send(re.sub(r"data: .*", "data: {not json", vendor.frame(vendor.piece(""))))
            if number < len(pieces):
                await send(vendor.frame(vendor.piece(pieces[number])))
                await asyncio.sleep(reply.pause)
        for event in vendor.after(body, text, reply.stop, tokens):
            await send(vendor.frame(event))
        if reply.stop != "missing":
            await send(vendor.last_frame())
    except (asyncio.CancelledError, ConnectionResetError):
        server.left(prompt)
        raise
    return response


@asynccontextmanager
async def model_server(server: ModelServer | None = None) -> AsyncIterator[ModelServer]:
    """All three protocols on one free port of the loopback; ``server`` decides what is said, where it is given."""
    server = server or ModelServer()
    app = web.Application(client_max_size=40_000_000)
    app.router.add_post("/v1/responses", functools.partial(_answer, server, OpenAI()))
    app.router.add_post("/v1/messages", functools.partial(_answer, server, Anthropic()))
    app.router.add_post("/v1/chat/completions", functools.partial(_answer, server, server.compatible))

    async def models(_: web.Request) -> web.Response:
        listed = [{"id": name, "object": "model", "created": 0, "owned_by": "me"} for name in server.compatible.habits.models]
        return web.json_response({"object": "list", "data": listed})

    app.router.add_get("/v1/models", models)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.origin = f"http://{host}:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()
