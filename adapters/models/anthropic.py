"""Anthropic's models, over the Messages API.

Constructed by the wiring; everything but the request's shape and the events' meaning is in `adapters.models.streaming`. The key
appears in no outcome and no log line.

Source of the events: the types of the anthropic SDK, ``anthropic.types``. A stream cut off without ``message_stop`` raises nothing
there, and an error inside a stream is an `APIStatusError` with status 200.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
from pydantic import SecretStr

from adapters.models.calls import Attempt, Call, CallLimits, Receipt, Stop, StopKind
from adapters.models.defaults import ANTHROPIC_MODEL
from adapters.models.faults import Cause, Fault, connection_fault, detail, fault
from adapters.models.streaming import StreamingModel
from core.frameworks.framework import Framework
from core.generation.model import Usage
from core.words.plan import FrameworkName

_CACHED = {"type": "ephemeral"}
_MAX_CACHE_MARKS = 4  # the vendor's limit


class AnthropicModel(StreamingModel):
    """A model at Anthropic, or at any server that speaks the Messages API at ``base_url``."""

    provider = "anthropic"
    label = "Anthropic"
    key_setting = "ANTHROPIC_API_KEY"

    def __init__(
        self,
        api_key: SecretStr,
        *,
        frameworks: Callable[[FrameworkName], Framework],
        model: str = ANTHROPIC_MODEL,
        base_url: str | None = None,
        limits: CallLimits | None = None,
    ) -> None:
        super().__init__(name=model, frameworks=frameworks, limits=limits)
        self._key = api_key
        self._client = anthropic.AsyncAnthropic(
            api_key=api_key.get_secret_value(), base_url=base_url, max_retries=0, timeout=self.timeout
        )

    async def close(self) -> None:
        await self._client.close()

    async def _attempt(self, call: Call, receipt: Receipt) -> Attempt:
        stream = None
        meter = _Meter()
        try:
            stream = await self._client.messages.create(**self._request(call))
            receipt.request_id = stream.response.headers.get("request-id")
            kind = stream.response.headers.get("content-type", "")
            if kind.startswith(("text/html", "application/json")):
                yield Fault(cause=Cause.UNREADABLE, detail=f"an answer of type {kind}")
                return
            receipt.begun = True
            reason: str | None = None
            said = ""
            async for event in stream:
                if event.type == "content_block_delta" and event.delta.type == "text_delta":
                    yield event.delta.text
                elif event.type == "message_start":
                    receipt.usage = meter.read(event.message.usage)
                elif event.type == "message_delta":
                    receipt.usage, receipt.told = meter.read(event.usage), True
                    reason = event.delta.stop_reason or reason
                    if event.delta.stop_details is not None:
                        said = event.delta.stop_details.explanation or event.delta.stop_details.category or ""
                elif event.type == "message_stop":
                    break
            # Also at the end of a stream without its last event: what was said about the reason counts.
            yield Stop(kind=_kind(reason), detail=self._said(said))
        except (anthropic.AnthropicError, httpx2.HTTPError, ValueError) as error:
            receipt.request_id = getattr(error, "request_id", None) or receipt.request_id
            if receipt.begun and isinstance(error, anthropic.APIStatusError):
                receipt.usage, receipt.told = receipt.usage or Usage(), True  # an error instead of an answer
            yield self._fault(error, begun=stream is not None)
        finally:
            if stream is not None:
                await stream.close()

    def _request(self, call: Call) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": self.name,
            "max_tokens": call.max_tokens,
            "system": call.prompt.system,
            "messages": [{"role": "user", "content": _content(call)}],
            "stream": True,
        }
        if call.schema is not None:
            request["output_config"] = {"format": {"type": "json_schema", "schema": dict(call.schema)}}
        return request

    def _fault(self, error: Exception, *, begun: bool) -> Stop | Fault:
        if isinstance(error, anthropic.APIStatusError):
            return fault(
                status=error.status_code,
                codes=[error.type],
                said=error.api_message or f"HTTP {error.status_code}",
                secret=self._key.get_secret_value(),
                headers=error.response.headers,
                shaped=isinstance(error.body, dict),
            )
        if isinstance(error, anthropic.APIConnectionError | httpx2.HTTPError):
            found = connection_fault(error, self._key.get_secret_value())
            return Stop(kind=StopKind.CUT) if begun and found.cause is not Cause.TIMED_OUT else found
        return Fault(cause=Cause.UNREADABLE, detail=type(error).__name__)

    def _said(self, text: str) -> str:
        return detail(text, self._key.get_secret_value())


class _Meter:
    """The tokens of one call: the counts of later events replace those of earlier ones."""

    def __init__(self) -> None:
        self._counts = {"input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0}

    def read(self, usage: object) -> Usage:
        for name in self._counts:
            value = getattr(usage, name, None)
            if isinstance(value, int):
                self._counts[name] = value
        cached, written = self._counts["cache_read_input_tokens"], self._counts["cache_creation_input_tokens"]
        return Usage(
            input_tokens=self._counts["input_tokens"] + written + cached,
            cached_tokens=cached,
            cache_write_tokens=written,
            output_tokens=self._counts["output_tokens"],
        )


def _content(call: Call) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    shared: list[dict[str, Any]] = []
    for block in call.prompt.blocks:
        content.append({"type": "text", "text": block.text})
        if block.image is not None:
            data = base64.b64encode(block.image.data).decode()
            content.append({"type": "image", "source": {"type": "base64", "media_type": block.image.media_type, "data": data}})
        if block.shared:
            shared.append(content[-1])
    for part in shared[-_MAX_CACHE_MARKS:]:
        part["cache_control"] = _CACHED
    return content


def _kind(stop_reason: str | None) -> StopKind:
    if stop_reason in {"max_tokens", "model_context_window_exceeded"}:
        return StopKind.LENGTH
    if stop_reason == "refusal":
        return StopKind.REFUSAL
    if stop_reason in {None, "pause_turn"}:
        return StopKind.CUT
    return StopKind.END
