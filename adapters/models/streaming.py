"""What every vendor's model has in common: prompts in, text out, one retry layer, typed outcomes.

The base class of the vendor modules, which know nothing of each other: each only turns a `Call` into its vendor's request and the answer's
events into pieces of text and one `Stop` or `Fault`. Here is decided what that means: ask again within the deadline, or which outcome of
the `Model` port it is. A stream that has begun is never asked for again here, because the reader has its pieces already; the pipeline asks
for what is missing. The SDKs' own retries are off.
"""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import random
import time
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Self

import httpx2
import structlog
from pydantic import ValidationError

from adapters.models.answers import json_in
from adapters.models.attached import attached
from adapters.models.calls import Attempt, Call, CallLimits, Receipt, Stop, StopKind
from adapters.models.faults import Cause, Fault
from core.frameworks.framework import Framework
from core.generation import meter, prompts
from core.generation import model as port
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
from core.generation.plan_schema import plan_schema
from core.generation.prompts import Prompt
from core.words.plan import FRAMEWORK_NAMES, FrameworkName, Plan

log = structlog.get_logger(__name__)

_ABOUT_PICTURES = ("image", "picture", "vision", "multimodal", "mmproj", "content must be a string")


class StreamingModel(Model):
    """A vendor's model over its streaming API."""

    label: str  #: the vendor's name, for people
    key_setting: str  #: the name of the setting that holds the key
    address_hint: str = ""  #: what else may help where something else answers than the vendor's API

    def __init__(self, *, name: str, frameworks: Callable[[FrameworkName], Framework], limits: CallLimits | None = None) -> None:
        self.name = name
        self._frameworks = frameworks
        self._limits = limits or CallLimits()
        self._takes_pictures = True  # until the model says otherwise

    @property
    def timeout(self) -> httpx2.Timeout:
        """For the vendor's client; the deadline is kept here."""
        return httpx2.Timeout(self._limits.silence, connect=min(15.0, self._limits.silence))

    def named(self, name: str) -> Self:
        """Another model of the same vendor, over the same client."""
        other = copy.copy(self)
        other.name = name
        other._takes_pictures = True
        return other

    @abstractmethod
    def _attempt(self, call: Call, receipt: Receipt) -> Attempt:
        """One request: pieces of text, then exactly one `Stop` or `Fault`. Closing it closes the HTTP response. What becomes known of its
        cost goes into ``receipt`` at once."""

    @abstractmethod
    async def close(self) -> None:
        """Close the client's connections."""

    def _easier(self, call: Call, fault: Fault) -> Call | None:
        """The same request in a way that this model may take, after it did not take this one; None when there is none."""
        if not call.pictures:
            return None
        about = fault.cause in {Cause.NOT_ACCEPTED, Cause.TOO_LARGE} or about_pictures(fault)
        return call.without_pictures() if about and not fault.retry_after else None

    def _unusable(self) -> None:
        """An answer that was to be JSON was none."""

    # -- the port

    async def plan(self, brief: Brief) -> PlanOutcome:
        names = FRAMEWORK_NAMES if brief.framework is None else (brief.framework,)
        prompt = attached(prompts.plan(brief, [self._frameworks(name) for name in names]), brief.attachments)
        return await self._plan(prompt, plan_schema(brief.framework))

    async def plan_change(self, brief: ChangeBrief) -> PlanOutcome:
        framework = brief.plan.framework
        prompt = attached(prompts.plan_change(brief, self._frameworks(framework)), brief.attachments)
        return await self._plan(prompt, plan_schema(framework))

    def write(self, writing: Writing, nonce: str) -> AsyncIterator[str | port.Ended]:
        prompt = prompts.write(writing, self._frameworks(writing.plan.framework), nonce)
        return self._files(attached(prompt, writing.brief.attachments))

    def resume(self, writing: Writing, path: str, partial: str, nonce: str) -> AsyncIterator[str | port.Ended]:
        prompt = prompts.resume(writing, self._frameworks(writing.plan.framework), path, partial, nonce)
        return self._files(attached(prompt, writing.brief.attachments))

    def repair(self, failure: Failure, nonce: str) -> AsyncIterator[str | port.Ended]:
        return self._files(prompts.repair(failure, self._frameworks(failure.plan.framework), nonce))

    # -- plans

    async def _plan(self, prompt: Prompt, schema: Mapping[str, Any]) -> PlanOutcome:
        spent = Usage()
        notes: list[str] = []
        what = f"{self.label} made no usable plan"
        outcome: PlanOutcome = Failed(reason=f"{what}; try again.", retryable=True, usage=spent, outage=what)
        tokens = self._limits.plan_tokens
        asked = prompt
        deadline = self._deadline()
        for _ in range(1 + self._limits.plan_corrections):
            text, ended = await self._whole(Call(prompt=asked, schema=schema, max_tokens=tokens), deadline)
            spent += ended.usage
            notes += [note for note in ended.notes if note not in notes]
            if not isinstance(ended, Complete | Partial):
                return dataclasses.replace(ended, usage=spent, notes=notes)
            try:
                # Also of an answer that was cut: JSON that closes is whole, whatever became of the stream after it.
                return Complete(value=Plan.model_validate_json(json_in(text)), usage=spent, notes=notes)
            except ValidationError as error:
                if isinstance(ended, Partial):
                    outcome = Partial(reason=ended.reason, usage=spent, notes=notes)
                    tokens *= 2
                    continue
                wrong = _told(error)
                reason = f"The plan that {self.label} made is not usable: {wrong} Try again, or choose another model."
                outcome = Failed(reason=reason, retryable=True, usage=spent, outage=what, notes=notes)
                asked = prompt.with_correction(f"Your last answer was not a usable plan: {wrong} Answer with the plan, as JSON.")
                if any(one["type"] == "json_invalid" for one in error.errors(include_url=False)):
                    self._unusable()
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
        pictures = call.pictures
        if pictures and not self._takes_pictures:
            call = call.without_pictures()
        number, unseen = 1, False
        while True:
            pieces: list[str] = []
            end: Stop | Fault | None = None
            receipt = Receipt()
            began = time.monotonic()
            said = 0
            try:
                async with aclosing(self._attempt(call, receipt)) as attempt:
                    while end is None:
                        try:
                            async with asyncio.timeout_at(deadline):
                                item = await anext(attempt, None)
                        except TimeoutError:
                            item = Fault(cause=Cause.TIMED_OUT, detail="deadline")
                        if isinstance(item, str):
                            said += len(item)
                            pieces.append("" if keeps_pieces else item)
                            if keeps_pieces:
                                yield item
                        else:
                            end = item or Stop(kind=StopKind.CUT)
            finally:
                # Also of a call that its reader closed: it is paid for.
                used = receipt.total(self.name, call.characters, said)
                meter.count(used)
                self._log(end, receipt, number, time.monotonic() - began)
            spent += used
            if isinstance(end, Stop) and (end.kind is not StopKind.CUT or pieces):
                for piece in () if keeps_pieces else pieces:
                    yield piece
                self._takes_pictures = self._takes_pictures and not unseen
                yield self._outcome(end, spent, self._left_out(pictures, call))
                return
            fault = end if isinstance(end, Fault) else Fault(cause=Cause.SERVER_ERROR, detail="the stream held nothing")
            easier = None if keeps_pieces and pieces else self._easier(call, fault)
            if easier is not None:
                unseen = unseen or (len(easier.pictures) < len(call.pictures) and fault.cause is not Cause.TOO_LARGE)
                call = easier
                continue
            wait = self._wait(fault, number, deadline)
            if (keeps_pieces and pieces) or wait is None:
                yield self._failed(fault, spent)
                return
            number += 1
            await asyncio.sleep(wait)

    def _wait(self, fault: Fault, number: int, deadline: float) -> float | None:
        """Seconds before the next try; None when there is none."""
        if not fault.cause.passing or number == self._limits.tries:
            return None
        backoff = self._limits.backoff * 2 ** (number - 1) * random.uniform(0.5, 1.0)  # noqa: S311  # jitter, not a secret
        wait = max(backoff, fault.retry_after or 0.0)
        in_time = asyncio.get_running_loop().time() + wait < deadline
        return wait if in_time and wait <= max(backoff, self._limits.longest_wait) else None

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._limits.deadline

    def _outcome(self, stop: Stop, spent: Usage, notes: Sequence[str]) -> port.Ended:
        if stop.kind is StopKind.END:
            return Complete(value=None, usage=spent, notes=notes)
        if stop.kind is StopKind.LENGTH:
            return Partial(
                reason=f"The answer of {self.label} reached its length limit before its end.", usage=spent, notes=notes
            )
        if stop.kind is StopKind.CUT:
            return Partial(reason=f"The answer of {self.label} broke off before its end.", usage=spent, notes=notes)
        said = f' It said: "{stop.detail}"' if stop.detail else ""
        reason = f"{self.label} declined to write this.{said} Describe the app in other words."
        return Refused(reason=reason, usage=spent, notes=notes)

    def _failed(self, fault: Fault, spent: Usage) -> Failed:
        return Failed(
            reason=fault.sentence(vendor=self.label, model=self.name, key=self.key_setting, hint=self.address_hint),
            retryable=fault.cause.passing,
            usage=spent,
            outage=fault.what(vendor=self.label, model=self.name) if fault.cause.elsewhere else "",
        )

    def _left_out(self, pictures: Sequence[str], call: Call) -> Sequence[str]:
        if not pictures or call.pictures:
            return ()
        names = ", ".join(repr(name) for name in pictures)
        several = len(pictures) > 1
        return (
            f"{self.label} does not take pictures with the model {self.name}, or not {'these' if several else 'this one'}: "
            f"{names} {'were' if several else 'was'} left out.",
        )

    def _log(self, end: Stop | Fault | None, receipt: Receipt, number: int, seconds: float) -> None:
        what = "closed" if end is None else end.kind.value if isinstance(end, Stop) else end.cause.name.lower()
        log.info(
            "model called",
            provider=self.provider,
            model=self.name,
            outcome=what,
            detail="" if end is None else end.detail,
            attempt=number,
            seconds=round(seconds, 2),
            request_id=receipt.request_id,
        )


def about_pictures(fault: Fault) -> bool:
    """Whether the vendor speaks of the pictures in a request."""
    return any(word in fault.detail.lower() for word in _ABOUT_PICTURES)


def _told(error: ValidationError) -> str:
    """The first few errors of a plan, as a sentence."""
    first = [
        f"{'.'.join(str(part) for part in e['loc']) or 'the answer'}: {e['msg']}" for e in error.errors(include_url=False)[:3]
    ]
    return "; ".join(first) + "."
