"""A model made of two: when the first one's vendor is down, the second takes over that call, and the thread is told.

Made by `core.generation.choice` where more than one vendor is configured. What another vendor could not do better is not passed on: a
refusal is an answer, an answer that was cut is continued by who began it, and a wrong key or an unknown model is put right by a person.
Never the starter: an app of another kind than was asked for is no help.

A vendor that was down is not asked again for a moment: a build is many calls, and each would wait for all the tries of a dead one.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import cast

from core.generation.model import Brief, ChangeBrief, Ended, Failed, Failure, Model, PlanOutcome, Writing

REST = 60.0  #: seconds in which a vendor that was down is not asked

Stream = AsyncGenerator[str | Ended]


class FallbackModel(Model):
    """``first``, and ``second`` for the calls that ``first`` cannot take."""

    def __init__(self, first: Model, second: Model, *, clock: Callable[[], float] = time.monotonic) -> None:
        assert not second.own_code, "the starter never stands in for a model that failed"
        self.provider, self.label, self.own_code = first.provider, first.label, first.own_code
        self._first, self._second, self._clock = first, second, clock
        self._down: tuple[float, Failed] | None = None  #: until when, and why

    @property
    def name(self) -> str:  # type: ignore[override]  # a name that the first one learns later is its name here too
        return self._first.name

    async def plan(self, brief: Brief) -> PlanOutcome:
        return await self._plan(lambda model: model.plan(brief))

    async def plan_change(self, brief: ChangeBrief) -> PlanOutcome:
        return await self._plan(lambda model: model.plan_change(brief))

    def write(self, writing: Writing, nonce: str) -> AsyncIterator[str | Ended]:
        return self._stream(lambda model: model.write(writing, nonce))

    def resume(self, writing: Writing, path: str, partial: str, nonce: str) -> AsyncIterator[str | Ended]:
        return self._stream(lambda model: model.resume(writing, path, partial, nonce))

    def repair(self, failure: Failure, nonce: str) -> AsyncIterator[str | Ended]:
        return self._stream(lambda model: model.repair(failure, nonce))

    async def _plan(self, ask: Callable[[Model], Awaitable[PlanOutcome]]) -> PlanOutcome:
        failed = self._resting()
        if failed is None:
            outcome = await ask(self._first)
            if not isinstance(outcome, Failed) or not outcome.outage:
                return outcome
            failed = self._rest(outcome)
        return cast(PlanOutcome, self._instead(failed, await ask(self._second)))

    async def _stream(self, ask: Callable[[Model], AsyncIterator[str | Ended]]) -> Stream:
        failed = self._resting()
        if failed is None:
            begun = False
            async with aclosing(cast(Stream, ask(self._first))) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Failed) and piece.outage:
                        failed = self._rest(piece)
                        break
                    begun = True
                    yield piece
            if failed is None:
                return
            if begun:
                # The reader has half an answer, which another model would not go on with. It asks for the rest, and gets it elsewhere.
                yield dataclasses.replace(failed, retryable=True)
                return
        async with aclosing(cast(Stream, ask(self._second))) as pieces:
            async for piece in pieces:
                yield piece if isinstance(piece, str) else cast(Ended, self._instead(failed, piece))

    def _rest(self, failed: Failed) -> Failed:
        self._down = (self._clock() + REST, failed)
        return failed

    def _resting(self) -> Failed | None:
        """Why the first one is not asked now; nothing of it is paid again."""
        if self._down is None or self._clock() >= self._down[0]:
            self._down = None
            return None
        return dataclasses.replace(self._down[1], usage=type(self._down[1].usage)())

    def _instead(self, failed: Failed, outcome: PlanOutcome | Ended) -> PlanOutcome | Ended:
        usage = failed.usage + outcome.usage
        if isinstance(outcome, Failed):
            return dataclasses.replace(
                outcome,
                reason=f"{failed.reason} {outcome.reason}",
                retryable=failed.retryable or outcome.retryable,
                usage=usage,
                outage="",
            )
        note = f"{failed.outage}; {self._second.label or self._second.provider} wrote it instead."
        return dataclasses.replace(outcome, usage=usage, notes=(note, *outcome.notes))
