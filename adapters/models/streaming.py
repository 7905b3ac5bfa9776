"""What every vendor's model has in common: prompts in, text out, one retry layer, typed outcomes.

The base class of the vendor modules, which know nothing of each other: each only turns a `Call` into its vendor's request and the answer's
events into pieces of text and one `Stop` or `Fault`. Here is decided what that means: ask again within the deadline, or which outcome of
the `Model` port it is. A stream that has begun is never asked for again here, because the reader has its pieces already; the pipeline asks
for what is missing. The SDKs' own retries are off.
"""

from __future__ import annotations

import asyncio
import enum
import random
import time
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import httpx2
import structlog
from pydantic import ValidationError

from adapters.models.faults import Cause, Fault
from core.frameworks.framework import Framework
from core.generation import model as port
from core.generation import prompts
from core.generation.model import (
    Brief,
    ChangeBrief,
    Complete,
    Failed,
    Failure,
    Model,
    Partial,
    PlanOutcome,
    Refused,
    Usage,
    Writing,
)
from core.generation.prompts import Prompt
from core.words.plan import FRAMEWORK_NAMES, FrameworkName, Plan

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """What one verb of the port may cost. Times in seconds."""

    deadline: float = 900.0  #: for all tries together
    silence: float = 120.0  #: without a byte from the vendor
    tries: int = 4
    backoff: float = 1.0  #: before the second try; doubled for each further one, and jittered
    plan_tokens: int = 16_000  #: includes what the model thinks
    file_tokens: int = 64_000
    plan_corrections: int = 1  #: more tries for a plan that is cut off or not valid


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request."""

    prompt: Prompt
    schema: Mapping[str, Any] | None  #: the JSON schema that the answer is forced into
    max_tokens: int


class StopKind(enum.Enum):
    """How an answer stopped."""

    END = "end"  #: at its own end
    LENGTH = "length"  #: at the token limit
    CUT = "cut"  #: the stream broke off
    REFUSAL = "refusal"  #: the model or its vendor's filter will not


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """The answer is over."""

    kind: StopKind
    usage: Usage
    detail: str = ""
    request_id: str | None = None


Attempt = AsyncGenerator[str | Stop | Fault]


class StreamingModel(Model):
    """A vendor's model over its streaming API."""

    label: str  #: the vendor's name, for people
    key_setting: str  #: the name of the setting that holds the key

    def __init__(self, *, name: str, frameworks: Callable[[FrameworkName], Framework], limits: CallLimits | None = None) -> None:
        self.name = name
        self._frameworks = frameworks
        self._limits = limits or CallLimits()

    @property
    def timeout(self) -> httpx2.Timeout:
        """For the vendor's client; the deadline is kept here."""
        return httpx2.Timeout(self._limits.silence, connect=min(15.0, self._limits.silence))

    @abstractmethod
    def _attempt(self, call: Call) -> Attempt:
        """One request: pieces of text, then exactly one `Stop` or `Fault`. Closing it closes the HTTP response."""

    @abstractmethod
    async def close(self) -> None:
        """Close the client's connections."""

    # -- the port

    async def plan(self, brief: Brief) -> PlanOutcome:
        names = FRAMEWORK_NAMES if brief.framework is None else (brief.framework,)
        prompt = prompts.plan(brief, [self._frameworks(name) for name in names])
        return await self._plan(prompt, prompts.plan_schema(brief.framework))

    async def plan_change(self, brief: ChangeBrief) -> PlanOutcome:
        framework = brief.plan.framework
        return await self._plan(prompts.plan_change(brief, self._frameworks(framework)), prompts.plan_schema(framework))

    def write(self, writing: Writing, nonce: str) -> AsyncIterator[str | port.Ended]:
        return self._files(prompts.write(writing, self._frameworks(writing.plan.framework), nonce))

    def resume(self, writing: Writing, path: str, partial: str, nonce: str) -> AsyncIterator[str | port.Ended]:
        return self._files(prompts.resume(writing, self._frameworks(writing.plan.framework), path, partial, nonce))

    def repair(self, failure: Failure, nonce: str) -> AsyncIterator[str | port.Ended]:
        return self._files(prompts.repair(failure, self._frameworks(failure.plan.framework), nonce))

    # -- plans

    async def _plan(self, prompt: Prompt, schema: Mapping[str, Any]) -> PlanOutcome:
        spent = Usage()
        outcome: PlanOutcome = Failed(reason=f"{self.label} made no plan; try again.", retryable=True, usage=spent)
        tokens = self._limits.plan_tokens
        asked = prompt
        deadline = self._deadline()
        for _ in range(1 + self._limits.plan_corrections):
            text, ended = await self._whole(Call(prompt=asked, schema=schema, max_tokens=tokens), deadline)
            spent += ended.usage
            if isinstance(ended, Partial):
                outcome = Partial(reason=ended.reason, usage=spent)
                tokens *= 2
                continue
            if not isinstance(ended, Complete):
                return _with_usage(ended, spent)
            try:
                return Complete(value=Plan.model_validate_json(text), usage=spent)
            except ValidationError as error:
                wrong = _told(error)
                reason = f"The plan that {self.label} made is not usable: {wrong} Try again, or choose another model."
                outcome = Failed(reason=reason, retryable=True, usage=spent)
                asked = prompt.with_correction(f"Your last answer was not a usable plan: {wrong} Answer with the plan, as JSON.")
        return outcome

    async def _whole(self, call: Call, deadline: float) -> tuple[str, port.Ended]:
        text: list[str] = []
        async with aclosing(self._stream(call, deadline, keeps_pieces=False)) as pieces:
            async for piece in pieces:
                if not isinstance(piece, str):
                    return "".join(text), piece
                text.append(piece)
        raise AssertionError("a stream ends with an outcome")

    # -- files

    async def _files(self, prompt: Prompt) -> AsyncGenerator[str | port.Ended]:
        call = Call(prompt=prompt, schema=None, max_tokens=self._limits.file_tokens)
        async with aclosing(self._stream(call, self._deadline(), keeps_pieces=True)) as pieces:
            async for piece in pieces:
                yield piece

    # -- the one retry layer

    async def _stream(self, call: Call, deadline: float, *, keeps_pieces: bool) -> AsyncGenerator[str | port.Ended]:
        """Pieces and one outcome. Where the reader keeps the pieces, a call is only repeated while there were none."""
        spent = Usage()
        for number in range(1, self._limits.tries + 1):
            began = time.monotonic()
            pieces: list[str] = []
            end: Stop | Fault | None = None
            async with aclosing(self._attempt(call)) as attempt:
                while end is None:
                    try:
                        async with asyncio.timeout_at(deadline):
                            item = await anext(attempt, None)
                    except TimeoutError:
                        item = Fault(cause=Cause.TIMED_OUT, detail="deadline")
                    if isinstance(item, str):
                        pieces.append("" if keeps_pieces else item)
                        if keeps_pieces:
                            yield item
                    else:
                        end = item or Stop(kind=StopKind.CUT, usage=Usage(calls=1))
            spent += end.usage
            self._log(end, number, time.monotonic() - began)
            if isinstance(end, Stop) and (end.kind is not StopKind.CUT or pieces):
                for piece in () if keeps_pieces else pieces:
                    yield piece
                yield self._outcome(end, spent)
                return
            fault = end if isinstance(end, Fault) else Fault(cause=Cause.SERVER_ERROR, detail="the stream held nothing")
            wait = self._wait(fault, number, deadline)
            if (keeps_pieces and pieces) or wait is None:
                yield self._failed(fault, spent)
                return
            await asyncio.sleep(wait)

    def _wait(self, fault: Fault, number: int, deadline: float) -> float | None:
        """Seconds before the next try; None when there is none."""
        if not fault.cause.passing or number == self._limits.tries:
            return None
        backoff = self._limits.backoff * 2 ** (number - 1) * random.uniform(0.5, 1.0)  # noqa: S311  # jitter, not a secret
        wait = max(backoff, fault.retry_after or 0.0)
        return wait if asyncio.get_running_loop().time() + wait < deadline else None

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._limits.deadline

    def _outcome(self, stop: Stop, spent: Usage) -> port.Ended:
        if stop.kind is StopKind.END:
            return Complete(value=None, usage=spent)
        if stop.kind is StopKind.LENGTH:
            return Partial(reason=f"The answer of {self.label} reached its length limit before its end.", usage=spent)
        if stop.kind is StopKind.CUT:
            return Partial(reason=f"The answer of {self.label} broke off before its end.", usage=spent)
        said = f' It said: "{stop.detail}"' if stop.detail else ""
        return Refused(reason=f"{self.label} declined to write this.{said} Describe the app in other words.", usage=spent)

    def _failed(self, fault: Fault, spent: Usage) -> Failed:
        reason = fault.sentence(vendor=self.label, model=self.name, key=self.key_setting)
        return Failed(reason=reason, retryable=fault.cause.passing, usage=spent)

    def _log(self, end: Stop | Fault, number: int, seconds: float) -> None:
        what = end.kind.value if isinstance(end, Stop) else end.cause.name.lower()
        log.info(
            "model called",
            provider=self.provider,
            model=self.name,
            outcome=what,
            detail=end.detail,
            attempt=number,
            seconds=round(seconds, 2),
            request_id=end.request_id,
        )


def _with_usage(ended: Refused | Failed, usage: Usage) -> Refused | Failed:
    if isinstance(ended, Refused):
        return Refused(reason=ended.reason, usage=usage)
    return Failed(reason=ended.reason, retryable=ended.retryable, usage=usage)


def _told(error: ValidationError) -> str:
    """The first few errors of a plan, as a sentence."""
    first = [
        f"{'.'.join(str(part) for part in e['loc']) or 'the answer'}: {e['msg']}" for e in error.errors(include_url=False)[:3]
    ]
    return "; ".join(first) + "."
