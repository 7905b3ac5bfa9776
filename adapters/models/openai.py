"""OpenAI's models, over the Responses API.

Constructed by the wiring; everything but the request's shape and the events' meaning is in `adapters.models.streaming`. Answers are not
stored at the vendor, and the key appears in no outcome and no log line.

Source of the events: the types of the openai SDK, ``openai.types.responses``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import httpx2
import openai
from openai.types.responses import ResponseUsage
from pydantic import SecretStr

from adapters.models.defaults import OPENAI_MODEL
from adapters.models.faults import Cause, Fault, detail, fault
from adapters.models.streaming import Attempt, Call, CallLimits, Stop, StopKind, StreamingModel
from core.frameworks.framework import Framework
from core.generation.model import Usage
from core.words.plan import FrameworkName


class OpenAIModel(StreamingModel):
    """A model at OpenAI, or at any server that speaks the Responses API at ``base_url``."""

    provider = "openai"
    label = "OpenAI"
    key_setting = "OPENAI_API_KEY"

    def __init__(
        self,
        api_key: SecretStr,
        *,
        frameworks: Callable[[FrameworkName], Framework],
        model: str = OPENAI_MODEL,
        base_url: str | None = None,
        limits: CallLimits | None = None,
    ) -> None:
        super().__init__(name=model, frameworks=frameworks, limits=limits)
        self._key = api_key
        self._client = openai.AsyncOpenAI(
            api_key=api_key.get_secret_value(), base_url=base_url, max_retries=0, timeout=self.timeout
        )

    async def close(self) -> None:
        await self._client.close()

    async def _attempt(self, call: Call) -> Attempt:
        stream = None
        try:
            stream = await self._client.responses.create(**self._request(call))
            request_id = stream.response.headers.get("x-request-id")
            refusal: list[str] = []
            async for event in stream:
                if event.type == "response.output_text.delta":
                    yield event.delta
                elif event.type == "response.refusal.delta":
                    refusal.append(event.delta)
                elif event.type == "response.completed":
                    kind = StopKind.REFUSAL if refusal else StopKind.END
                    yield Stop(
                        kind=kind, usage=_usage(event.response.usage), detail=self._said("".join(refusal)), request_id=request_id
                    )
                    return
                elif event.type == "response.incomplete":
                    reason = event.response.incomplete_details.reason if event.response.incomplete_details else None
                    kind = StopKind.REFUSAL if reason == "content_filter" else StopKind.LENGTH
                    yield Stop(
                        kind=kind, usage=_usage(event.response.usage), detail=self._said("".join(refusal)), request_id=request_id
                    )
                    return
                elif event.type == "response.failed":
                    error = event.response.error
                    code, message = (error.code, error.message) if error else (None, "")
                    yield self._stream_fault(code, message, _usage(event.response.usage), request_id)
                    return
                elif event.type == "error":
                    yield self._stream_fault(event.code, event.message, Usage(calls=1), request_id)
                    return
            yield Stop(kind=StopKind.CUT, usage=Usage(calls=1), request_id=request_id)
        except (openai.OpenAIError, httpx2.HTTPError, ValueError) as error:
            yield self._fault(error, begun=stream is not None)
        finally:
            if stream is not None:
                await stream.close()

    def _request(self, call: Call) -> dict[str, Any]:
        content = [{"type": "input_text", "text": block.text} for block in call.prompt.blocks]
        request: dict[str, Any] = {
            "model": self.name,
            "instructions": call.prompt.system,
            "input": [{"role": "user", "content": content}],
            "max_output_tokens": call.max_tokens,
            "prompt_cache_key": _cache_key(call),
            "store": False,
            "stream": True,
        }
        if call.schema is not None:
            request["text"] = {"format": {"type": "json_schema", "name": "plan", "schema": dict(call.schema), "strict": True}}
        return request

    def _stream_fault(self, code: str | None, message: str, usage: Usage, request_id: str | None) -> Stop | Fault:
        if code in {"invalid_prompt", "bio_policy", "misalignment_policy_violation"}:
            return Stop(kind=StopKind.REFUSAL, usage=usage, detail=self._said(message), request_id=request_id)
        secret = self._key.get_secret_value()
        return fault(status=None, codes=[code], said=message, secret=secret, request_id=request_id, usage=usage)

    def _fault(self, error: Exception, *, begun: bool) -> Stop | Fault:
        if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
            return Fault(cause=Cause.TIMED_OUT, detail="silence")
        if isinstance(error, openai.APIStatusError):
            return fault(
                status=error.status_code,
                codes=[error.code, error.type],
                said=_message(error),
                secret=self._key.get_secret_value(),
                headers=error.response.headers,
                request_id=error.request_id,
            )
        if isinstance(error, openai.APIConnectionError | httpx2.HTTPError):
            if begun:
                return Stop(kind=StopKind.CUT, usage=Usage(calls=1))
            return Fault(cause=Cause.UNREACHABLE, detail=self._said(str(error)))
        if isinstance(error, openai.APIError):
            return fault(status=None, codes=[error.code, error.type], said=error.message, secret=self._key.get_secret_value())
        return Fault(cause=Cause.UNREADABLE, detail=type(error).__name__)

    def _said(self, text: str) -> str:
        return detail(text, self._key.get_secret_value())


def _message(error: openai.APIStatusError) -> str:
    body = error.body
    return str(body["message"]) if isinstance(body, dict) and "message" in body else f"HTTP {error.status_code}"


def _usage(usage: ResponseUsage | None) -> Usage:
    if usage is None:
        return Usage(calls=1)
    cached = getattr(usage.input_tokens_details, "cached_tokens", 0) or 0
    return Usage(input_tokens=usage.input_tokens, cached_tokens=cached, output_tokens=usage.output_tokens, calls=1)


def _cache_key(call: Call) -> str:
    """The same for requests that share a prefix, so that the vendor sends them to the same cache."""
    prefix = hashlib.sha256(call.prompt.system.encode())
    for block in call.prompt.blocks:
        if block.shared:
            prefix.update(block.text.encode("utf-8", "replace"))
            break
    return prefix.hexdigest()[:32]
