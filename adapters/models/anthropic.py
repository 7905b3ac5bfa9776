"""Anthropic's models, over the Messages API.

Constructed by the wiring; everything but the request's shape and the events' meaning is in `adapters.models.streaming`. The key
appears in no outcome and no log line.

Source of the events: the types of the anthropic SDK, ``anthropic.types``. A stream cut off without ``message_stop`` raises nothing
there, and an error inside a stream is an `APIStatusError` with status 200.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
from pydantic import SecretStr

from adapters.models.defaults import ANTHROPIC_MODEL
from adapters.models.faults import Cause, Fault, detail, fault
from adapters.models.streaming import Attempt, Call, CallLimits, Stop, StopKind, StreamingModel
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

    async def _attempt(self, call: Call) -> Attempt:
        stream = None
        meter = _Meter()
        try:
            stream = await self._client.messages.create(**self._request(call))
            request_id = stream.response.headers.get("request-id")
            reason: str | None = None
            said = ""
            async for event in stream:
                if event.type == "content_block_delta" and event.delta.type == "text_delta":
                    yield event.delta.text
                elif event.type == "message_start":
                    meter.read(event.message.usage)
                elif event.type == "message_delta":
                    meter.read(event.usage)
                    reason = event.delta.stop_reason or reason
                    if event.delta.stop_details is not None:
                        said = event.delta.stop_details.explanation or event.delta.stop_details.category or ""
                elif event.type == "message_stop":
                    yield Stop(kind=_kind(reason), usage=meter.usage, detail=self._said(said), request_id=request_id)
                    return
            # The end of the stream without its last event; what was said about the reason counts.
            yield Stop(kind=_kind(reason), usage=meter.usage, detail=self._said(said), request_id=request_id)
        except (anthropic.AnthropicError, httpx2.HTTPError, ValueError) as error:
            yield self._fault(error, meter.usage, begun=stream is not None)
        finally:
            if stream is not None:
                await stream.close()

    def _request(self, call: Call) -> dict[str, Any]:
        content: list[dict[str, Any]] = [{"type": "text", "text": block.text} for block in call.prompt.blocks]
        shared = [block for block, given in zip(content, call.prompt.blocks, strict=True) if given.shared]
        for block in shared[-_MAX_CACHE_MARKS:]:
            block["cache_control"] = _CACHED
        request: dict[str, Any] = {
            "model": self.name,
            "max_tokens": call.max_tokens,
            "system": call.prompt.system,
            "messages": [{"role": "user", "content": content}],
            "stream": True,
        }
        if call.schema is not None:
            request["output_config"] = {"format": {"type": "json_schema", "schema": dict(call.schema)}}
        return request

    def _fault(self, error: Exception, usage: Usage, *, begun: bool) -> Stop | Fault:
        if isinstance(error, anthropic.APITimeoutError | httpx2.TimeoutException):
            return Fault(cause=Cause.TIMED_OUT, detail="silence")
        if isinstance(error, anthropic.APIStatusError):
            return fault(
                status=error.status_code,
                codes=[error.type],
                said=error.api_message or f"HTTP {error.status_code}",
                secret=self._key.get_secret_value(),
                headers=error.response.headers,
                request_id=error.request_id,
                usage=usage if begun else None,
            )
        if isinstance(error, anthropic.APIConnectionError | httpx2.HTTPError):
            if begun:
                return Stop(kind=StopKind.CUT, usage=usage)
            return Fault(cause=Cause.UNREACHABLE, detail=self._said(str(error)))
        return Fault(cause=Cause.UNREADABLE, detail=type(error).__name__)

    def _said(self, text: str) -> str:
        return detail(text, self._key.get_secret_value())


class _Meter:
    """The tokens of one call: the counts of later events replace those of earlier ones."""

    def __init__(self) -> None:
        self._counts = {"input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0}

    def read(self, usage: object) -> None:
        for name in self._counts:
            value = getattr(usage, name, None)
            if isinstance(value, int):
                self._counts[name] = value

    @property
    def usage(self) -> Usage:
        read = self._counts["cache_read_input_tokens"]
        total = self._counts["input_tokens"] + self._counts["cache_creation_input_tokens"] + read
        return Usage(input_tokens=total, cached_tokens=read, output_tokens=self._counts["output_tokens"], calls=1)


def _kind(stop_reason: str | None) -> StopKind:
    if stop_reason in {"max_tokens", "model_context_window_exceeded"}:
        return StopKind.LENGTH
    if stop_reason == "refusal":
        return StopKind.REFUSAL
    if stop_reason in {None, "pause_turn"}:
        return StopKind.CUT
    return StopKind.END
