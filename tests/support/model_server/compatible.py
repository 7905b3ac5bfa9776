"""``chat.completions`` as servers of one's own speak it: each with habits of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.support.model_server.replies import Error, StopName
from tests.support.model_server.vendors import Refusal, Tokens, Vendor, check_key, check_strict, require


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What this server does and does not."""

    models: tuple[str, ...] = ("qwen-coder", "tiny")
    wants_key: bool = False
    json_schema: bool = True  #: False refuses it
    json_object: bool = True  #: False refuses it
    stream_options: bool = True  #: False refuses them
    window: int | None = None  #: tokens, of which four characters make one; more is refused, as vLLM does it
    pictures: bool = True  #: False refuses them, as llama.cpp does it
    index: bool = True  #: chunks name the choice's index
    usage: bool = True
    finish: bool = True  #: the last chunk says why it is the last
    streams: bool = True  #: False answers whole, whatever was asked
    error_status: int | None = None  #: of an error, instead of its own


class Compatible(Vendor):
    """A server with these habits."""

    id_header = "x-request-id"

    def __init__(self) -> None:
        self.habits = Habits()

    def check(self, request: web.Request, body: dict[str, Any]) -> None:
        habits = self.habits
        if habits.wants_key:
            check_key(request.headers.get("authorization", "").removeprefix("Bearer "))
        if body.get("model") not in habits.models:
            message = f"model '{body.get('model')}' not found"
            raise Refusal(Error(status=404, openai="not_found", anthropic="", message=message))
        known = {"model", "messages", "max_tokens", "stream", "stream_options", "response_format"}
        require(set(body) <= known, f"unknown parameters: {sorted(set(body) - known)}")
        require(habits.stream_options or "stream_options" not in body, "Unrecognized request argument supplied: stream_options")
        require([turn["role"] for turn in body["messages"]] == ["system", "user"], "messages")
        content = body["messages"][1]["content"]
        pictures = [] if isinstance(content, str) else [part for part in content if part["type"] == "image_url"]
        if pictures and not habits.pictures:
            message = "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
            raise Refusal(Error(status=500, openai="server_error", anthropic="", message=message))
        require(bool(pictures) or isinstance(content, str), "content must be a string")
        form = body.get("response_format", {"type": "text"})
        require(habits.json_schema or form["type"] != "json_schema", "'response_format.type' must be 'json_object' or 'text'")
        require(habits.json_object or form["type"] != "json_object", "'response_format.type' must be 'text'")
        if form["type"] == "json_schema":
            check_strict(form["json_schema"]["schema"])
        if habits.window is not None:
            asked = len(self.prompt(body)) // 4
            if asked + body.get("max_tokens", 0) > habits.window:
                message = (
                    f"This model's maximum context length is {habits.window} tokens. However, you requested "
                    f"{asked + body.get('max_tokens', 0)} tokens ({asked} in the messages). Please reduce the length."
                )
                raise Refusal(Error(status=400, openai="BadRequestError", anthropic="", message=message))

    def is_plan(self, body: dict[str, Any]) -> bool:
        return "one JSON object of this JSON schema" in self.prompt(body)

    def prompt(self, body: dict[str, Any]) -> str:
        parts = [turn["content"] for turn in body["messages"]]
        texts = [part if isinstance(part, str) else "\n".join(one.get("text", "") for one in part) for part in parts]
        return "\n".join(texts)

    def prefixes(self, body: dict[str, Any]) -> list[str]:
        return []

    def error(self, error: Error) -> dict[str, Any]:
        return {"error": {"message": error.message, "type": error.openai, "param": None, "code": error.status}}

    def error_event(self, error: Error) -> dict[str, Any]:
        return self.error(error)

    def before(self, body: dict[str, Any], tokens: Tokens) -> list[dict[str, Any]]:
        return [self._chunk({"role": "assistant", "content": ""})]

    def piece(self, text: str, *, thinking: bool = False) -> dict[str, Any]:
        return self._chunk({"reasoning_content": text} if thinking else {"content": text})

    def after(self, body: dict[str, Any], text: str, stop: StopName, tokens: Tokens) -> list[dict[str, Any]]:
        if stop == "missing":
            return []
        chunks = [self._chunk({}, _REASONS[stop])] if self.habits.finish else []
        if self.habits.usage and body.get("stream_options", {}).get("include_usage"):
            chunks.append({**self._chunk({}), "choices": [], "usage": _usage(tokens)})
        return chunks

    def frame(self, event: dict[str, Any]) -> str:
        return f"data: {json.dumps(event, ensure_ascii=False)}\n\n"

    def last_frame(self) -> str:
        return "data: [DONE]\n\n"

    def whole(self, body: dict[str, Any], text: str, stop: StopName, tokens: Tokens) -> dict[str, Any] | None:
        if self.habits.streams:
            return None
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": _REASONS.get(stop)}
        return {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice], "usage": _usage(tokens)}

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        choice: dict[str, Any] = {"delta": delta, "finish_reason": reason}
        if self.habits.index:
            choice["index"] = 0
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": "qwen-coder"}
        return {**head, "choices": [choice]}


_REASONS = {"end": "stop", "length": "length", "refusal": "content_filter", "filter": "content_filter"}


def _usage(tokens: Tokens) -> dict[str, Any]:
    total = tokens.input + tokens.output
    return {"prompt_tokens": tokens.input, "completion_tokens": tokens.output, "total_tokens": total}
