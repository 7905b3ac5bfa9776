"""OpenAI's models, over the Responses API.

Constructed by the wiring; everything but the request's shape and the events' meaning is in `adapters.models.streaming`. Answers are not
stored at the vendor, and the key appears in no outcome and no log line.

Source of the events: the types of the openai SDK, ``openai.types.responses``. Of caching: the vendor's guide. Models before GPT-5.6 cache
every prefix by themselves; later ones look for a prefix only where it was marked, and writing costs, so that there the shared prefix is
marked and nothing else is written. The marks are sent to the vendor alone: servers that imitate its API may refuse what they do not know.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any

import httpx2
import openai
from openai.types.responses import ResponseUsage
from pydantic import SecretStr

from adapters.models.calls import Attempt, Call, CallLimits, Receipt, Stop, StopKind
from adapters.models.defaults import OPENAI_MODEL
from adapters.models.faults import Cause, Fault, connection_fault, detail, fault
from adapters.models.streaming import StreamingModel
from core.frameworks.framework import Framework
from core.generation.model import Usage
from core.generation.prompts import Block
from core.words.plan import FrameworkName

_MAX_CACHE_MARKS = 4  # the vendor's limit
_GENERATION = re.compile(r"gpt-(\d+)(?:\.(\d+))?\b")
_REFUSALS = {"invalid_prompt", "bio_policy", "misalignment_policy_violation", "content_policy_violation"}


class OpenAIModel(StreamingModel):
    """A model at OpenAI, or at any server that speaks the Responses API at ``base_url``."""

    provider = "openai"
    label = "OpenAI"
    key_setting = "OPENAI_API_KEY"
    address_hint = "A server that speaks chat.completions and not the Responses API belongs into COMPATIBLE_BASE_URL."

    def __init__(
        self,
        api_key: SecretStr,
        *,
        frameworks: Callable[[FrameworkName], Framework],
        model: str = OPENAI_MODEL,
        base_url: str | None = None,
        limits: CallLimits | None = None,
        cache_marks: bool | None = None,
    ) -> None:
        """``cache_marks`` None marks the shared prefix where the vendor itself answers."""
        super().__init__(name=model, frameworks=frameworks, limits=limits)
        self._key = api_key
        self._cache_marks = base_url is None if cache_marks is None else cache_marks
        self._client = openai.AsyncOpenAI(
            api_key=api_key.get_secret_value(), base_url=base_url, max_retries=0, timeout=self.timeout
        )

    async def close(self) -> None:
        await self._client.close()

    async def _attempt(self, call: Call, receipt: Receipt) -> Attempt:
        stream = None
        try:
            stream = await self._client.responses.create(**self._request(call))
            receipt.request_id = stream.response.headers.get("x-request-id")
            kind = stream.response.headers.get("content-type", "")
            if kind.startswith(("text/html", "application/json")):
                yield Fault(cause=Cause.UNREADABLE, detail=f"an answer of type {kind}")
                return
            receipt.begun = True
            refusal: list[str] = []
            async for event in stream:
                if event.type == "response.output_text.delta":
                    yield event.delta
                elif event.type == "response.refusal.delta":
                    refusal.append(event.delta)
                elif event.type in {"response.completed", "response.incomplete"}:
                    receipt.usage, receipt.told = _usage(event.response.usage), True
                    yield Stop(kind=_kind(event.response, bool(refusal)), detail=self._said("".join(refusal)))
                    return
                elif event.type == "response.failed":
                    receipt.usage, receipt.told = _usage(event.response.usage) or Usage(), True
                    error = event.response.error
                    yield self._in_stream(error.code if error else None, error.message if error else "")
                    return
                elif event.type == "error":
                    receipt.usage, receipt.told = Usage(), True
                    yield self._in_stream(event.code, event.message)
                    return
            yield Stop(kind=StopKind.CUT)
        except (openai.OpenAIError, httpx2.HTTPError, ValueError) as error:
            receipt.request_id = getattr(error, "request_id", None) or receipt.request_id
            yield self._fault(error, begun=stream is not None)
        finally:
            if stream is not None:
                await stream.close()

    def _request(self, call: Call) -> dict[str, Any]:
        marks = self._cache_marks and _takes_marks(self.name)
        request: dict[str, Any] = {
            "model": self.name,
            "instructions": call.prompt.system,
            "input": [{"role": "user", "content": _content(call, marks=marks)}],
            "max_output_tokens": call.max_tokens,
            "prompt_cache_key": _cache_key(call),
            "store": False,
            "stream": True,
        }
        if marks:
            request["prompt_cache_options"] = {"mode": "explicit"}
        if call.schema is not None:
            request["text"] = {"format": {"type": "json_schema", "name": "plan", "schema": dict(call.schema), "strict": True}}
        return request

    def _in_stream(self, code: str | None, message: str) -> Stop | Fault:
        if code in _REFUSALS:
            return Stop(kind=StopKind.REFUSAL, detail=self._said(message))
        return fault(status=None, codes=[code], said=message, secret=self._key.get_secret_value())

    def _fault(self, error: Exception, *, begun: bool) -> Stop | Fault:
        if isinstance(error, openai.APIStatusError):
            shaped = isinstance(error.body, dict)
            if error.code in _REFUSALS:
                return Stop(kind=StopKind.REFUSAL, detail=self._said(_message(error)))
            return fault(
                status=error.status_code,
                codes=[error.code, error.type],
                said=_message(error),
                secret=self._key.get_secret_value(),
                headers=error.response.headers,
                shaped=shaped,
            )
        if isinstance(error, openai.APIConnectionError | httpx2.HTTPError):
            found = connection_fault(error, self._key.get_secret_value())
            return Stop(kind=StopKind.CUT) if begun and found.cause is not Cause.TIMED_OUT else found
        if isinstance(error, openai.APIError):
            return self._in_stream(error.code or error.type, error.message)
        return Fault(cause=Cause.UNREADABLE, detail=type(error).__name__)

    def _said(self, text: str) -> str:
        return detail(text, self._key.get_secret_value())


def _content(call: Call, *, marks: bool) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    shared: list[dict[str, Any]] = []
    for block in call.prompt.blocks:
        content.append({"type": "input_text", "text": block.text})
        if block.image is not None:
            content.append({"type": "input_image", "detail": "auto", "image_url": _data_url(block)})
        if block.shared:
            shared.append(content[-1])
    for part in shared[-_MAX_CACHE_MARKS:] if marks else ():
        part["prompt_cache_breakpoint"] = {"mode": "explicit"}
    return content


def _data_url(block: Block) -> str:
    assert block.image is not None
    return f"data:{block.image.media_type};base64,{base64.b64encode(block.image.data).decode()}"


def _takes_marks(model: str) -> bool:
    found = _GENERATION.match(model)
    return found is not None and (int(found[1]), int(found[2] or 0)) >= (5, 6)


def _kind(response: openai.types.responses.Response, refused: bool) -> StopKind:
    if response.incomplete_details is not None and response.incomplete_details.reason is not None:
        return StopKind.REFUSAL if response.incomplete_details.reason == "content_filter" else StopKind.LENGTH
    if response.status == "incomplete":
        return StopKind.LENGTH
    return StopKind.REFUSAL if refused else StopKind.END


def _message(error: openai.APIStatusError) -> str:
    body = error.body
    return str(body["message"]) if isinstance(body, dict) and "message" in body else f"HTTP {error.status_code}"


def _usage(usage: ResponseUsage | None) -> Usage | None:
    if usage is None:
        return None
    details = usage.input_tokens_details
    return Usage(
        input_tokens=usage.input_tokens,
        cached_tokens=getattr(details, "cached_tokens", 0) or 0,
        cache_write_tokens=getattr(details, "cache_write_tokens", 0) or 0,
        output_tokens=usage.output_tokens,
    )


def _cache_key(call: Call) -> str:
    """The same for requests that share a prefix, so that the vendor sends them to the same cache."""
    prefix = hashlib.sha256(call.prompt.system.encode())
    for block in call.prompt.blocks:
        if block.shared:
            prefix.update(block.text.encode("utf-8", "replace"))
            break
    return prefix.hexdigest()[:32]
