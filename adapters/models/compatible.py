"""Any server that speaks ``chat.completions``: Ollama, vLLM, llama.cpp and their like.

Constructed by the wiring; everything but the request's shape and the chunks' meaning is in `adapters.models.streaming`.

These servers agree on a name and on little else, so nothing is relied on that one of them lacks. A plan's JSON schema is asked for by
``response_format`` *and* stands in the prompt: some servers refuse the parameter, some ignore it without a word. What is refused (the
format, ``max_tokens`` that are more than the window, ``stream_options``) is left out and the request sent again at once; what works is
remembered per model. Chunks come without index, usage or finish reason, errors come with status 200, and a server that cannot stream
answers with one piece of JSON. A key is optional, since most of them have none.

It is a provider of its own, beside `openai`, because the two may be configured at once, and because a server that imitates the Responses
API cannot be told by looking from one that only has a part of it (many ignore the format there). The SDK's raw chunks are read here and
not its stream helper, which needs indexes.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import httpx2
import openai
from pydantic import SecretStr

from adapters.models.answers import Thinking
from adapters.models.calls import Attempt, Call, CallLimits, Receipt, Stop, StopKind
from adapters.models.faults import Cause, Fault, connection_fault, detail, fault
from adapters.models.streaming import StreamingModel, about_pictures
from core.frameworks.framework import Framework
from core.generation.model import Usage
from core.words.plan import FrameworkName

_NO_KEY = "none"  # the SDK wants one, servers without keys ignore it
_MAX_BODY = 8_000_000  # characters of an answer that is no stream
_Format = Literal["json_schema", "json_object", "prompt"]
_WEAKER: Mapping[_Format, _Format | None] = {"json_schema": "json_object", "json_object": "prompt", "prompt": None}
_ABOUT_FORMAT = ("response_format", "json_schema", "json_object", "schema", "grammar", "structured", "guided")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a server may be asked."""

    format: _Format = "json_schema"  #: the strongest way to ask for JSON that is not known to fail
    max_tokens: bool = True
    usage: bool = True  #: ``stream_options`` that ask for it


class CompatibleModel(StreamingModel):
    """A model behind ``chat.completions`` at ``base_url``."""

    provider = "compatible"
    key_setting = "COMPATIBLE_API_KEY"
    address_hint = "COMPATIBLE_BASE_URL is what stands before /chat/completions, and mostly ends in /v1."

    def __init__(
        self,
        base_url: str,
        *,
        frameworks: Callable[[FrameworkName], Framework],
        api_key: SecretStr | None = None,
        model: str = "",
        limits: CallLimits | None = None,
    ) -> None:
        """``model`` empty takes the first that the server names when it is first asked."""
        limits = limits or CallLimits()
        # Two more tries for a plan: each may have to find out that this server ignores what it was asked for.
        limits = dataclasses.replace(limits, plan_corrections=max(2, limits.plan_corrections))
        super().__init__(name=model or self.provider, frameworks=frameworks, limits=limits)
        self.label = urlsplit(base_url).netloc.rpartition("@")[2] or base_url
        self._model = model
        self._key = api_key or SecretStr("")
        self._manner = Manner()
        self._client = openai.AsyncOpenAI(
            api_key=self._key.get_secret_value() or _NO_KEY, base_url=base_url, max_retries=0, timeout=self.timeout
        )

    async def close(self) -> None:
        await self._client.close()

    def named(self, name: str) -> Self:
        other = super().named(name)
        other._model = name
        other._manner = Manner()
        return other

    # -- one request

    async def _attempt(self, call: Call, receipt: Receipt) -> Attempt:
        stream = None
        try:
            if not self._model:
                self._model = await self._first_model()
                # llama.cpp names a model by its file, whose folders are nobody's business.
                self.name = self._model.rpartition("/")[2] if self._model.startswith("/") else self._model
            stream = await self._client.chat.completions.create(**self._request(call))
            receipt.request_id = stream.response.headers.get("x-request-id")
            receipt.begun = True
            if "event-stream" not in stream.response.headers.get("content-type", "event-stream"):
                async for item in self._unstreamed(stream.response, receipt):
                    yield item
                return
            thinking, refusal, reason = Thinking(), "", None
            async for chunk in stream:
                if chunk.usage is not None:
                    receipt.usage = _usage(chunk.usage)
                receipt.request_id = receipt.request_id or chunk.id or None
                for choice in chunk.choices or ():
                    delta = choice.delta
                    if delta is not None and delta.content and (text := thinking.feed(delta.content)):
                        yield text
                    refusal += (delta.refusal or "") if delta is not None else ""
                    reason = choice.finish_reason or reason
            if text := thinking.rest():
                yield text
            receipt.told = reason is not None
            yield self._stop(reason, refusal)
        except (openai.OpenAIError, httpx2.HTTPError, ValueError, TypeError, AttributeError) as error:
            receipt.request_id = getattr(error, "request_id", None) or receipt.request_id
            yield self._fault(error, receipt, begun=stream is not None)
        finally:
            if stream is not None:
                await stream.close()

    async def _first_model(self) -> str:
        async for model in self._client.models.list():
            return model.id
        raise openai.OpenAIError("the server names no model")

    async def _unstreamed(self, response: httpx2.Response, receipt: Receipt) -> Attempt:
        """A server that does not stream answers whole; one that fails may say so with status 200."""
        raw = (await response.aread()).decode("utf-8", "replace")[:_MAX_BODY]
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            yield Fault(cause=Cause.UNREADABLE, detail=f"an answer of type {response.headers.get('content-type', '?')}")
            return
        choices = body.get("choices") if isinstance(body, dict) else None
        if not isinstance(choices, list) or not choices:
            error = body.get("error") if isinstance(body, dict) else None
            receipt.usage, receipt.told = Usage(), True
            yield self._in_stream(error) if error else Fault(cause=Cause.UNREADABLE, detail="an answer without choices")
            return
        message = choices[0].get("message") or {}
        receipt.usage, receipt.told = _usage(body.get("usage")), True
        thinking = Thinking()
        yield thinking.feed(message.get("content") or "") + thinking.rest()
        yield self._stop(choices[0].get("finish_reason"), message.get("refusal") or "")

    def _stop(self, reason: str | None, refusal: str) -> Stop:
        if refusal or reason == "content_filter":
            return Stop(kind=StopKind.REFUSAL, detail=self._said(refusal))
        if reason == "length":
            return Stop(kind=StopKind.LENGTH)
        return Stop(kind=StopKind.CUT if reason is None else StopKind.END)

    def _request(self, call: Call) -> dict[str, Any]:
        manner = self._manner
        request: dict[str, Any] = {
            "model": self._model,
            "messages": [
                {"role": "system", "content": call.prompt.system},
                {"role": "user", "content": _content(call)},
            ],
            "stream": True,
        }
        if manner.max_tokens:
            request["max_tokens"] = call.max_tokens
        if manner.usage:
            request["stream_options"] = {"include_usage": True}
        if call.schema is not None and manner.format == "json_schema":
            form = {"name": "plan", "schema": dict(call.schema), "strict": True}
            request["response_format"] = {"type": "json_schema", "json_schema": form}
        elif call.schema is not None and manner.format == "json_object":
            request["response_format"] = {"type": "json_object"}
        return request

    # -- what goes wrong

    def _easier(self, call: Call, fault: Fault) -> Call | None:
        if fault.cause not in {Cause.NOT_ACCEPTED, Cause.TOO_LARGE, Cause.SERVER_ERROR}:
            return super()._easier(call, fault)
        said, manner = fault.detail.lower(), self._manner
        if call.pictures and about_pictures(fault):
            return super()._easier(call, fault)
        if manner.usage and ("stream_options" in said or "include_usage" in said):
            self._manner = dataclasses.replace(manner, usage=False)
        elif manner.max_tokens and (fault.cause is Cause.TOO_LARGE or "max_tokens" in said or "max_completion_tokens" in said):
            self._manner = dataclasses.replace(manner, max_tokens=False)
        elif easier := super()._easier(call, fault):
            return easier
        elif call.schema is not None and (weaker := _WEAKER[manner.format]) and _is_about_format(fault):
            self._manner = dataclasses.replace(manner, format=weaker)
        elif manner.usage and fault.cause is Cause.NOT_ACCEPTED:
            self._manner = dataclasses.replace(manner, usage=False)
        else:
            return None
        return call

    def _unusable(self) -> None:
        """The format was ignored: a weaker way of asking may fare better, a stronger one cannot."""
        if weaker := _WEAKER[self._manner.format]:
            self._manner = dataclasses.replace(self._manner, format=weaker)

    def _in_stream(self, error: object) -> Fault:
        """An error that came with status 200."""
        body = error if isinstance(error, dict) else {"message": str(error)}
        code = body.get("code")
        status = code if isinstance(code, int) and 400 <= code < 600 else None
        codes = [str(body[key]) for key in ("code", "type") if body.get(key)]
        return fault(status=status, codes=codes, said=str(body.get("message", "")), secret=self._key.get_secret_value())

    def _fault(self, error: Exception, receipt: Receipt, *, begun: bool) -> Stop | Fault:
        if isinstance(error, openai.APIStatusError):
            body = error.body
            said = body.get("message") or body.get("detail") or body.get("error") if isinstance(body, dict) else ""
            return fault(
                status=error.status_code,
                codes=[error.code, error.type],
                said=str(said or f"HTTP {error.status_code}"),
                secret=self._key.get_secret_value(),
                headers=error.response.headers,
                shaped=isinstance(body, dict),
            )
        if isinstance(error, openai.APIConnectionError | httpx2.HTTPError):
            found = connection_fault(error, self._key.get_secret_value())
            return Stop(kind=StopKind.CUT) if begun and found.cause is not Cause.TIMED_OUT else found
        if isinstance(error, openai.APIError):
            receipt.usage, receipt.told = receipt.usage or Usage(), True
            return self._in_stream(error.body or error.message)
        return Fault(cause=Cause.UNREADABLE, detail=self._said(str(error)) or type(error).__name__)

    def _said(self, text: str) -> str:
        return detail(text, self._key.get_secret_value())


def _is_about_format(fault: Fault) -> bool:
    """Whether a weaker format may help: servers say little about what they do not know."""
    return fault.cause is Cause.NOT_ACCEPTED or any(word in fault.detail.lower() for word in _ABOUT_FORMAT)


def _content(call: Call) -> str | list[dict[str, Any]]:
    """Plain text wherever there are no pictures: templates of many servers take nothing else."""
    blocks = list(call.prompt.blocks)
    schema = ""
    if call.schema is not None:
        schema = f"\n\nThe answer is one JSON object of this JSON schema, and nothing else:\n{json.dumps(call.schema)}"
    if not call.pictures:
        return "\n\n".join(block.text for block in blocks) + schema
    content: list[dict[str, Any]] = []
    for block in blocks:
        content.append({"type": "text", "text": block.text})
        if block.image is not None:
            url = f"data:{block.image.media_type};base64,{base64.b64encode(block.image.data).decode()}"
            content.append({"type": "image_url", "image_url": {"url": url}})
    return [*content, {"type": "text", "text": schema.strip()}] if schema else content


def _usage(usage: object) -> Usage | None:
    """The tokens that a server tells; what it leaves out counts as none."""

    def number(of: object, name: str) -> int:
        value = of.get(name) if isinstance(of, dict) else getattr(of, name, None)
        return value if isinstance(value, int) else 0

    if usage is None:
        return None
    details = usage.get("prompt_tokens_details") if isinstance(usage, dict) else getattr(usage, "prompt_tokens_details", None)
    return Usage(
        input_tokens=number(usage, "prompt_tokens"),
        cached_tokens=number(details, "cached_tokens"),
        cache_write_tokens=number(details, "cache_write_tokens"),
        output_tokens=number(usage, "completion_tokens"),
    )
