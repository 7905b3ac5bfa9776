"""The shapes of the three protocols: what each asks of a request, and how it says a thing.

Strict where the vendors are: keys, model names, required parameters, removed parameters and strict schemas are checked, so that a
request that a vendor would refuse is refused here. What is read from a cache depends on what was sent before, as it does there.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.support.model_server.replies import UNKNOWN_MODEL, Error, StopName

KEY = "sk-test-0123456789abcdefghijklmnop"
MODELS = ("gpt-6.2-sol", "claude-sonnet-5-5", "gpt-4.1", "claude-haiku-5-5")


class Refusal(Exception):
    """The vendor does not accept the request."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a request is said to have used; ``cached`` and ``written`` are parts of ``input``."""

    input: int = 120
    cached: int = 0
    written: int = 0
    output: int = 30


class Vendor(ABC):
    """One protocol."""

    id_header: str

    @abstractmethod
    def check(self, request: web.Request, body: dict[str, Any]) -> None: ...

    @abstractmethod
    def is_plan(self, body: dict[str, Any]) -> bool: ...

    @abstractmethod
    def prompt(self, body: dict[str, Any]) -> str:
        """All text that was sent."""

    @abstractmethod
    def prefixes(self, body: dict[str, Any]) -> list[str]:
        """What a cache would keep of the request."""

    @abstractmethod
    def error(self, error: Error) -> dict[str, Any]: ...

    @abstractmethod
    def error_event(self, error: Error) -> dict[str, Any]: ...

    @abstractmethod
    def before(self, body: dict[str, Any], tokens: Tokens) -> list[dict[str, Any]]: ...

    @abstractmethod
    def piece(self, text: str, *, thinking: bool = False) -> dict[str, Any]: ...

    @abstractmethod
    def after(self, body: dict[str, Any], text: str, stop: StopName, tokens: Tokens) -> list[dict[str, Any]]: ...

    def frame(self, event: dict[str, Any]) -> str:
        return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n"

    def last_frame(self) -> str:
        return ""

    def whole(self, body: dict[str, Any], text: str, stop: StopName, tokens: Tokens) -> dict[str, Any] | None:
        """The answer of a server that does not stream; None when it does."""
        return None


def require(true: bool, what: str) -> None:
    if not true:
        raise Refusal(Error(status=400, openai="invalid_value", anthropic="invalid_request_error", message=what))


def check_key(key: str) -> None:
    if key != KEY:
        said = f"Incorrect API key provided: {key[:11]}*****{key[-4:]}."  # as vendors do
        raise Refusal(Error(status=401, openai="invalid_api_key", anthropic="authentication_error", message=said))


def check_model(body: dict[str, Any]) -> None:
    if body.get("model") not in MODELS:
        raise Refusal(UNKNOWN_MODEL)


def check_strict(schema: Any) -> None:
    """What both vendors' strict modes ask of a schema."""
    if isinstance(schema, list):
        for item in schema:
            check_strict(item)
    elif isinstance(schema, dict):
        refused = {"$ref", "default", "pattern", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"}
        if isinstance(schema.get("type"), str):
            require(not refused & set(schema), f"schema keywords: {sorted(refused & set(schema))}")
        if schema.get("type") == "object":
            require(schema.get("additionalProperties") is False, "additionalProperties must be false")
            require(schema.get("required") == list(schema["properties"]), "every property must be required")
        for value in schema.values():
            check_strict(value)


class OpenAI(Vendor):
    """The Responses API."""

    id_header = "x-request-id"

    def check(self, request: web.Request, body: dict[str, Any]) -> None:
        check_key(request.headers.get("authorization", "").removeprefix("Bearer "))
        check_model(body)
        known = {"model", "instructions", "input", "max_output_tokens", "prompt_cache_key", "store", "stream", "text"}
        if body["model"].startswith("gpt-6"):
            known |= {"prompt_cache_options"}
        require(set(body) <= known, f"unknown parameters: {sorted(set(body) - known)}")
        require(body.get("stream") is True, "stream")
        require(len(body.get("prompt_cache_key", "")) <= 64, "prompt_cache_key is too long")
        parts = [part for turn in body["input"] for part in turn["content"]]
        require(all(part["type"] in ("input_text", "input_image") for part in parts), "input")
        require(all(part["image_url"].startswith("data:image/") for part in parts if part["type"] == "input_image"), "image_url")
        marks = [part for part in parts if "prompt_cache_breakpoint" in part]
        require(len(marks) <= 4 and ("prompt_cache_options" in body) >= bool(marks), "prompt_cache_breakpoint")
        if self.is_plan(body):
            form = body["text"]["format"]
            require(form["type"] == "json_schema" and form["strict"] is True and bool(form["name"]), "text.format")
            check_strict(form["schema"])

    def is_plan(self, body: dict[str, Any]) -> bool:
        return "text" in body

    def prompt(self, body: dict[str, Any]) -> str:
        return "\n".join([body["instructions"], *(part.get("text", "") for turn in body["input"] for part in turn["content"])])

    def prefixes(self, body: dict[str, Any]) -> list[str]:
        if "prompt_cache_options" not in body:
            return [str(body.get("prompt_cache_key"))]
        return marked(body["instructions"], body["input"][0]["content"], "prompt_cache_breakpoint")

    def error(self, error: Error) -> dict[str, Any]:
        return {"error": {"message": error.message, "type": "invalid_request_error", "param": None, "code": error.openai}}

    def error_event(self, error: Error) -> dict[str, Any]:
        return {"type": "error", "code": error.openai, "message": error.message, "param": None, "sequence_number": 9}

    def before(self, body: dict[str, Any], tokens: Tokens) -> list[dict[str, Any]]:
        item = {"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []}
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        where = {"output_index": 0, "item_id": "msg_1", "content_index": 0}
        return [
            {"type": "response.created", "sequence_number": 0, "response": self._response(body, "in_progress")},
            {"type": "response.in_progress", "sequence_number": 1, "response": self._response(body, "in_progress")},
            {"type": "response.output_item.added", "sequence_number": 2, "output_index": 0, "item": item},
            {"type": "response.content_part.added", "sequence_number": 3, "part": part, **where},
        ]

    def piece(self, text: str, *, thinking: bool = False) -> dict[str, Any]:
        where = {"output_index": 0, "item_id": "msg_1", "content_index": 0, "sequence_number": 4}
        kind = "response.reasoning_summary_text.delta" if thinking else "response.output_text.delta"
        more = {"summary_index": 0} if thinking else {"logprobs": []}
        return {"type": kind, "delta": text, **more, **where}

    def after(self, body: dict[str, Any], text: str, stop: StopName, tokens: Tokens) -> list[dict[str, Any]]:
        where = {"output_index": 0, "item_id": "msg_1", "content_index": 0, "sequence_number": 5}
        if stop == "missing":
            return []
        if stop == "refusal":
            words = "I can't help with that."
            return [
                {"type": "response.refusal.delta", "delta": words, **where},
                {"type": "response.refusal.done", "refusal": words, **where},
                {"type": "response.completed", "sequence_number": 6, "response": self._response(body, "completed", tokens)},
            ]
        if stop in ("length", "filter"):
            reason = "max_output_tokens" if stop == "length" else "content_filter"
            cut = self._response(body, "incomplete", tokens) | {"incomplete_details": {"reason": reason}}
            return [{"type": "response.incomplete", "sequence_number": 6, "response": cut}]
        return [
            {"type": "response.output_text.done", "text": text, "logprobs": [], **where},
            {"type": "response.completed", "sequence_number": 6, "response": self._response(body, "completed", tokens)},
        ]

    def _response(self, body: dict[str, Any], status: str, tokens: Tokens | None = None) -> dict[str, Any]:
        usage = tokens and {
            "input_tokens": tokens.input,
            "input_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.written},
            "output_tokens": tokens.output,
            "output_tokens_details": {"reasoning_tokens": 4},
            "total_tokens": tokens.input + tokens.output,
        }
        empty = {"error": None, "incomplete_details": None, "instructions": None, "metadata": {}}
        fixed = {"output": [], "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
        head = {"id": "resp_1", "object": "response", "created_at": 1_790_000_000, "status": status, "model": body["model"]}
        return {**head, **empty, **fixed, "usage": usage}


class Anthropic(Vendor):
    """The Messages API."""

    id_header = "request-id"

    def check(self, request: web.Request, body: dict[str, Any]) -> None:
        check_key(request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer "))
        check_model(body)
        known = {"model", "max_tokens", "system", "messages", "stream", "output_config"}
        require(set(body) <= known, f"unknown parameters: {sorted(set(body) - known)}")
        require("anthropic-version" in request.headers and isinstance(body.get("max_tokens"), int), "max_tokens")
        require(body.get("stream") is True and body["messages"][-1]["role"] == "user", "prefill is not supported")
        parts = [part for turn in body["messages"] for part in turn["content"]]
        require(all(part["type"] == "image" or part["text"] for part in parts), "text blocks must be non-empty")
        require(all(part["source"]["type"] == "base64" for part in parts if part["type"] == "image"), "image.source")
        require(sum("cache_control" in part for part in parts) <= 4, "at most 4 cache_control blocks")
        if self.is_plan(body):
            require(body["output_config"]["format"]["type"] == "json_schema", "output_config.format")
            check_strict(body["output_config"]["format"]["schema"])

    def is_plan(self, body: dict[str, Any]) -> bool:
        return "output_config" in body

    def prompt(self, body: dict[str, Any]) -> str:
        return "\n".join([body["system"], *(part.get("text", "") for turn in body["messages"] for part in turn["content"])])

    def prefixes(self, body: dict[str, Any]) -> list[str]:
        return marked(body["system"], body["messages"][0]["content"], "cache_control")

    def error(self, error: Error) -> dict[str, Any]:
        return {"type": "error", "error": {"type": error.anthropic, "message": error.message}, "request_id": "req_body"}

    error_event = error

    def before(self, body: dict[str, Any], tokens: Tokens) -> list[dict[str, Any]]:
        usage = {
            "input_tokens": tokens.input - tokens.cached - tokens.written,
            "cache_creation_input_tokens": tokens.written,
            "cache_read_input_tokens": tokens.cached,
            "output_tokens": 1,
        }
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "content": []}
        return [
            {"type": "message_start", "message": {**head, "stop_reason": None, "stop_sequence": None, "usage": usage}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "ping"},
        ]

    def piece(self, text: str, *, thinking: bool = False) -> dict[str, Any]:
        delta = {"type": "thinking_delta", "thinking": text} if thinking else {"type": "text_delta", "text": text}
        return {"type": "content_block_delta", "index": 0, "delta": delta}

    def after(self, body: dict[str, Any], text: str, stop: StopName, tokens: Tokens) -> list[dict[str, Any]]:
        if stop == "missing":
            return []
        reason = {"end": "end_turn", "length": "max_tokens", "refusal": "refusal", "filter": "refusal"}[stop]
        delta: dict[str, Any] = {"stop_reason": reason, "stop_sequence": None}
        if stop in ("refusal", "filter"):
            delta["stop_details"] = {"type": "refusal", "category": "cyber", "explanation": "I can't help with that."}
        return [
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": delta, "usage": {"output_tokens": tokens.output}},
            {"type": "message_stop"},
        ]


def marked(system: str, parts: list[dict[str, Any]], mark: str) -> list[str]:
    """The prefixes that end at a mark, without the marks themselves."""
    plain = [{key: value for key, value in part.items() if key != mark} for part in parts]
    return [json.dumps([system, *plain[: at + 1]]) for at, part in enumerate(parts) if mark in part]
