"""The Model port's fake: it says what a script tells it to, and remembers what it was asked.

For tests of whatever stands on the port. It keeps the port's contract: one `Ended` last, and closing early is noticed at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any

from core.generation import meter, sentinels
from core.generation.model import Brief, ChangeBrief, Complete, Ended, Failure, Model, PlanOutcome, Usage, Writing
from core.words.plan import Plan

CALL = Usage(input_tokens=10, output_tokens=5, calls=1)  #: what every scripted call costs
DONE: Complete[None] = Complete(value=None, usage=CALL)

Script = Callable[[str], Iterable[str | Ended]]  #: from the nonce to the pieces; without an Ended, DONE is added


def files(contents: Mapping[str, str]) -> Script:
    """A script that writes these files, a few characters at a time."""

    def pieces(nonce: str) -> Iterable[str | Ended]:
        text = "".join(sentinels.emit(path, content, nonce) for path, content in contents.items())
        return [text[at : at + 7] for at in range(0, len(text), 7)]

    return pieces


def planned(plan: Plan) -> Complete[Plan]:
    """A plan that came to its own end."""
    return Complete(value=plan, usage=CALL)


class FakeModel(Model):
    """Answers the n-th plan call with ``plans[n]`` and the n-th stream call with ``streams[n]``; the last of each repeats. Where calls come
    at the same time, ``answer`` chooses by verb and arguments instead."""

    provider = "fake"
    name = "fake-1"

    def __init__(
        self,
        plans: Sequence[PlanOutcome] = (),
        streams: Sequence[Script] = (),
        answer: Callable[[str, tuple[Any, ...]], Script] | None = None,
    ) -> None:
        self._answer = answer
        self._plans = list(plans)
        self._streams = list(streams)
        self.asked: list[tuple[str, tuple[Any, ...]]] = []  #: verb and arguments of every call
        self.closed = 0  #: streams that have ended or been closed

    async def plan(self, brief: Brief) -> PlanOutcome:
        return self._next_plan("plan", brief)

    async def plan_change(self, brief: ChangeBrief) -> PlanOutcome:
        return self._next_plan("plan_change", brief)

    def write(self, writing: Writing, nonce: str) -> AsyncIterator[str | Ended]:
        return self._next_stream("write", nonce, writing)

    def resume(self, writing: Writing, path: str, partial: str, nonce: str) -> AsyncIterator[str | Ended]:
        return self._next_stream("resume", nonce, writing, path, partial)

    def repair(self, failure: Failure, nonce: str) -> AsyncIterator[str | Ended]:
        return self._next_stream("repair", nonce, failure)

    def _next_plan(self, verb: str, *arguments: Any) -> PlanOutcome:
        self.asked.append((verb, arguments))
        outcome = self._plans.pop(0) if len(self._plans) > 1 else self._plans[0]
        meter.count(outcome.usage)
        return outcome

    def _next_stream(self, verb: str, nonce: str, *arguments: Any) -> AsyncIterator[str | Ended]:
        self.asked.append((verb, arguments))
        if self._answer is not None:
            script = self._answer(verb, arguments)
        else:
            script = self._streams.pop(0) if len(self._streams) > 1 else self._streams[0]
        return self._play(script, nonce)

    async def _play(self, script: Script, nonce: str) -> AsyncIterator[str | Ended]:
        last: Ended = DONE
        try:
            for piece in script(nonce):
                if not isinstance(piece, str):
                    last = piece
                    break
                yield piece
        finally:
            self.closed += 1
            meter.count(last.usage)
        yield last
