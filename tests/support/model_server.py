"""A local server that speaks the wire formats of both model vendors, streaming, and plays scripted behaviours.

Used by the tests of the model adapters through the vendors' real SDKs. It is strict where the vendors are: keys, model names, required
parameters, removed parameters and strict schemas are checked, so a request that a vendor would refuse is refused here.
"""

from __future__ import annotations

import asyncio
import functools
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from adapters.models.streaming import CallLimits
from core.generation import sentinels
from core.words.plan import Plan

KEY = "sk-test-0123456789abcdefghijklmnop"
FAST = CallLimits(deadline=20.0, silence=10.0, backoff=0.01, tries=3)  #: for models under test
MODELS = ("gpt-6.2-sol", "claude-sonnet-5-5")
StopName = Literal["end", "length", "refusal", "filter", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """A vendor's error, with both vendors' names for it."""

    status: int
    openai: str
    anthropic: str
    message: str = "The server says what is wrong."
    headers: Mapping[str, str] = field(default_factory=dict)


OVERLOADED = Error(status=529, openai="server_is_overloaded", anthropic="overloaded_error", message="Overloaded")
RATE_LIMITED = Error(status=429, openai="rate_limit_exceeded", anthropic="rate_limit_error", headers={"retry-after": "0"})
RATE_LIMITED_LONG = Error(status=429, openai="rate_limit_exceeded", anthropic="rate_limit_error", headers={"retry-after": "3600"})
NO_CREDIT = Error(status=429, openai="insufficient_quota", anthropic="billing_error", message="You exceeded your current quota.")
UNKNOWN_MODEL = Error(status=404, openai="model_not_found", anthropic="not_found_error", message="model: no-such-model")
SERVER_ERROR = Error(status=500, openai="server_error", anthropic="api_error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One scripted answer."""

    text: Callable[[str], str] = lambda nonce: ""  #: from the request's nonce to the whole text
    stop: StopName = "end"
    error: Error | None = None  #: instead of an answer, or inside the stream after ``error_after`` pieces
    error_after: int | None = None
    cut_after: int | None = None  #: pieces after which the connection is dropped
    hang_after: int | None = None  #: pieces after which nothing more comes
    piece: int = 16  #: characters in a piece
    by_byte: bool = False  #: every byte of the stream in a write of its own
    pause: float = 0.0  #: seconds between pieces
    garbage: bool = False  #: an event that is not JSON


# -- behaviours ---------------------------------------------------------------------------------------------------------------------


def planning(plan: Plan, **how: Any) -> Reply:
    """The plan, as JSON."""
    text = plan.model_dump_json()
    return Reply(text=lambda nonce: text, **how)


def writing(files: Mapping[str, str], **how: Any) -> Reply:
    """The files, in the asked format."""
    return Reply(text=lambda nonce: "".join(sentinels.emit(path, text, nonce) for path, text in files.items()), **how)


def fenced(files: Mapping[str, str]) -> Reply:
    """Every file's content in a markdown fence."""
    return writing({path: f"```python\n{text}```" for path, text in files.items()})


def chatty(files: Mapping[str, str]) -> Reply:
    """Talk before, between and after the files."""
    write = writing(files).text
    return Reply(text=lambda nonce: f"Sure! Here is your app:\n\n{write(nonce)}\nLet me know what you think. `<<<file:x y>>>`\n")


def saying(text: str, **how: Any) -> Reply:
    """Only this text."""
    return Reply(text=lambda nonce: text, **how)


GIT_CLONE = saying("```bash\ngit clone https://example.com/todo.git && cd todo && npm install\n```\nThen open the page.")


# -- the server ---------------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class ModelServer:
    """What it will say, and what it was asked. The last reply of each list repeats."""

    origin: str = ""
    plans: list[Reply] = field(default_factory=list)
    files: list[Reply] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)  #: a client left before the end of its answer

    @property
    def openai_url(self) -> str:
        return f"{self.origin}/v1"

    @property
    def anthropic_url(self) -> str:
        return self.origin

    def script(self, *, plans: Sequence[Reply] = (), files: Sequence[Reply] = ()) -> None:
        self.plans, self.files = list(plans), list(files)
        self.requests.clear()
        self.disconnected.clear()

    def _next(self, plan: bool) -> Reply:
        replies = self.plans if plan else self.files
        return replies.pop(0) if len(replies) > 1 else replies[0]


class _Refusal(Exception):
    def __init__(self, error: Error) -> None:
        super().__init__(error.message)
        self.error = error


class _Vendor:
    """The shape of one vendor's requests and events."""

    def check(self, request: web.Request, body: dict[str, Any]) -> None:
        raise NotImplementedError

    def is_plan(self, body: dict[str, Any]) -> bool:
        raise NotImplementedError

    def error(self, error: Error) -> dict[str, Any]:
        raise NotImplementedError

    def error_event(self, error: Error) -> dict[str, Any]:
        raise NotImplementedError

    def before(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        raise NotImplementedError

    def piece(self, text: str) -> dict[str, Any]:
        raise NotImplementedError

    def after(self, body: dict[str, Any], text: str, stop: StopName) -> list[dict[str, Any]]:
        raise NotImplementedError


class _OpenAI(_Vendor):
    def check(self, request: web.Request, body: dict[str, Any]) -> None:
        _check_key(request.headers.get("authorization", "").removeprefix("Bearer "))
        if body.get("model") not in MODELS:
            raise _Refusal(UNKNOWN_MODEL)
        known = {"model", "instructions", "input", "max_output_tokens", "prompt_cache_key", "store", "stream", "text"}
        _require(set(body) <= known, f"unknown parameters: {sorted(set(body) - known)}")
        _require(body.get("stream") is True, "stream")
        _require(len(body.get("prompt_cache_key", "")) <= 64, "prompt_cache_key is too long")
        _require(all(part["type"] == "input_text" for turn in body["input"] for part in turn["content"]), "input")
        if self.is_plan(body):
            form = body["text"]["format"]
            _require(form["type"] == "json_schema" and form["strict"] is True and bool(form["name"]), "text.format")
            _check_strict(form["schema"])

    def is_plan(self, body: dict[str, Any]) -> bool:
        return "text" in body

    def error(self, error: Error) -> dict[str, Any]:
        return {"error": {"message": error.message, "type": "invalid_request_error", "param": None, "code": error.openai}}

    def error_event(self, error: Error) -> dict[str, Any]:
        return {"type": "error", "code": error.openai, "message": error.message, "param": None, "sequence_number": 9}

    def before(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        item = {"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []}
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        where = {"output_index": 0, "item_id": "msg_1", "content_index": 0}
        return [
            {"type": "response.created", "sequence_number": 0, "response": self._response(body, "in_progress")},
            {"type": "response.in_progress", "sequence_number": 1, "response": self._response(body, "in_progress")},
            {"type": "response.output_item.added", "sequence_number": 2, "output_index": 0, "item": item},
            {"type": "response.content_part.added", "sequence_number": 3, "part": part, **where},
        ]

    def piece(self, text: str) -> dict[str, Any]:
        where = {"output_index": 0, "item_id": "msg_1", "content_index": 0, "sequence_number": 4}
        return {"type": "response.output_text.delta", "delta": text, "logprobs": [], **where}

    def after(self, body: dict[str, Any], text: str, stop: StopName) -> list[dict[str, Any]]:
        where = {"output_index": 0, "item_id": "msg_1", "content_index": 0, "sequence_number": 5}
        if stop == "missing":
            return []
        if stop == "refusal":
            words = "I can't help with that."
            done = self._response(body, "completed", usage=True)
            return [
                {"type": "response.refusal.delta", "delta": words, **where},
                {"type": "response.refusal.done", "refusal": words, **where},
                {"type": "response.completed", "sequence_number": 6, "response": done},
            ]
        if stop in ("length", "filter"):
            reason = "max_output_tokens" if stop == "length" else "content_filter"
            cut = self._response(body, "incomplete", usage=True) | {"incomplete_details": {"reason": reason}}
            return [{"type": "response.incomplete", "sequence_number": 6, "response": cut}]
        return [
            {"type": "response.output_text.done", "text": text, "logprobs": [], **where},
            {"type": "response.completed", "sequence_number": 6, "response": self._response(body, "completed", usage=True)},
        ]

    def _response(self, body: dict[str, Any], status: str, *, usage: bool = False) -> dict[str, Any]:
        counted = {
            "input_tokens": 120,
            "input_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 0},
            "output_tokens": 30,
            "output_tokens_details": {"reasoning_tokens": 4},
            "total_tokens": 150,
        }
        return {
            "id": "resp_1",
            "object": "response",
            "created_at": 1_790_000_000,
            "status": status,
            "model": body["model"],
            "output": [],
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": counted if usage else None,
        }


class _Anthropic(_Vendor):
    def check(self, request: web.Request, body: dict[str, Any]) -> None:
        _check_key(request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer "))
        if body.get("model") not in MODELS:
            raise _Refusal(UNKNOWN_MODEL)
        known = {"model", "max_tokens", "system", "messages", "stream", "output_config"}
        _require(set(body) <= known, f"unknown parameters: {sorted(set(body) - known)}")
        _require("anthropic-version" in request.headers and isinstance(body.get("max_tokens"), int), "max_tokens")
        _require(body.get("stream") is True and body["messages"][-1]["role"] == "user", "prefill is not supported")
        parts = [part for turn in body["messages"] for part in turn["content"]]
        _require(all(part["type"] == "text" and part["text"] for part in parts), "text blocks must be non-empty")
        _require(sum("cache_control" in part for part in parts) <= 4, "at most 4 cache_control blocks")
        if self.is_plan(body):
            _require(body["output_config"]["format"]["type"] == "json_schema", "output_config.format")
            _check_strict(body["output_config"]["format"]["schema"])

    def is_plan(self, body: dict[str, Any]) -> bool:
        return "output_config" in body

    def error(self, error: Error) -> dict[str, Any]:
        return {"type": "error", "error": {"type": error.anthropic, "message": error.message}, "request_id": "req_1"}

    error_event = error

    def before(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        usage = {"input_tokens": 20, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 100, "output_tokens": 1}
        message = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        return [
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "ping"},
        ]

    def piece(self, text: str) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}

    def after(self, body: dict[str, Any], text: str, stop: StopName) -> list[dict[str, Any]]:
        if stop == "missing":
            return []
        reason = {"end": "end_turn", "length": "max_tokens", "refusal": "refusal", "filter": "refusal"}[stop]
        delta: dict[str, Any] = {"stop_reason": reason, "stop_sequence": None}
        if stop in ("refusal", "filter"):
            delta["stop_details"] = {"type": "refusal", "category": "cyber", "explanation": "I can't help with that."}
        return [
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 30}},
            {"type": "message_stop"},
        ]


def _check_key(key: str) -> None:
    if key != KEY:
        said = f"Incorrect API key provided: {key[:11]}*****{key[-4:]}."  # as vendors do
        raise _Refusal(Error(status=401, openai="invalid_api_key", anthropic="authentication_error", message=said))


def _require(true: bool, what: str) -> None:
    if not true:
        raise _Refusal(Error(status=400, openai="invalid_value", anthropic="invalid_request_error", message=what))


def _check_strict(schema: Any) -> None:
    """What both vendors' strict modes ask of a schema."""
    if isinstance(schema, list):
        for item in schema:
            _check_strict(item)
    elif isinstance(schema, dict):
        refused = {"$ref", "default", "pattern", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"}
        if isinstance(schema.get("type"), str):
            _require(not refused & set(schema), f"schema keywords: {sorted(refused & set(schema))}")
        if schema.get("type") == "object":
            _require(schema.get("additionalProperties") is False, "additionalProperties must be false")
            _require(schema.get("required") == list(schema["properties"]), "every property must be required")
        for value in schema.values():
            _check_strict(value)


def _nonce(body: dict[str, Any]) -> str:
    """The nonce that the request asks for, or empty."""
    found = re.findall(r"<<<file:([0-9a-f]+) ", json.dumps(body))
    return str(found[-1]) if found else ""


async def _answer(server: ModelServer, vendor: _Vendor, request: web.Request) -> web.StreamResponse:
    body = await request.json()
    server.requests.append(body)
    try:
        vendor.check(request, body)
        reply = server._next(vendor.is_plan(body))
        if reply.error is not None and reply.error_after is None:
            raise _Refusal(reply.error)
    except _Refusal as refusal:
        headers = {**refusal.error.headers, "x-request-id": "req_1", "request-id": "req_1"}
        return web.json_response(vendor.error(refusal.error), status=refusal.error.status, headers=headers)
    headers = {"content-type": "text/event-stream; charset=utf-8", "x-request-id": "req_1", "request-id": "req_1"}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)

    async def send(event: dict[str, Any]) -> None:
        raw = f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
        for part in (bytes([byte]) for byte in raw) if reply.by_byte else (raw,):
            await response.write(part)

    try:
        for event in vendor.before(body):
            await send(event)
        text = reply.text(_nonce(body))
        pieces = [text[at : at + reply.piece] for at in range(0, len(text), reply.piece)]
        for number in range(len(pieces) + 1):
            if number == reply.cut_after:
                assert request.transport is not None
                request.transport.abort()
                return response
            if number == reply.hang_after:
                await asyncio.Event().wait()
            if reply.error is not None and number == reply.error_after:
                await send(vendor.error_event(reply.error))
                return response
            if reply.garbage:
                await response.write(f"event: {vendor.piece('')['type']}\ndata: {{not json\n\n".encode())
            if number < len(pieces):
                await send(vendor.piece(pieces[number]))
                await asyncio.sleep(reply.pause)
        for event in vendor.after(body, text, reply.stop):
            await send(event)
    except (asyncio.CancelledError, ConnectionResetError):
        server.disconnected.set()
        raise
    return response


@asynccontextmanager
async def model_server() -> AsyncIterator[ModelServer]:
    """Both vendors on one free port of the loopback."""
    server = ModelServer()
    app = web.Application(client_max_size=8_000_000)
    openai, anthropic = _OpenAI(), _Anthropic()
    app.router.add_post("/v1/responses", functools.partial(_answer, server, openai))
    app.router.add_post("/v1/messages", functools.partial(_answer, server, anthropic))
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
