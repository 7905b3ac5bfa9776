"""Stages: what generation tells, as facts about the stages of writing.

Used by the build work while it generates and repairs. It decides nothing; the one thing that it starts is the naming of the app, as soon as
there is a plan, and it sees to it that this is over when writing is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from core.builds.teller import Teller
from core.generation import progress
from core.ledger.tables import now
from core.words.cards import Step, StepState
from core.words.events import BuildNote, BuildPlanned, BuildStep, FileWritten
from core.words.plan import Plan

Naming = Callable[[Plan], Awaitable[None]]  #: gives the app the name that was planned


class Stages:
    """Tells the stages of writing, one at a time."""

    def __init__(self, build: str, teller: Teller) -> None:
        self._build = build
        self._teller = teller
        self._name = ""
        self._since = now()

    def begin(self, name: str) -> None:
        self._name, self._since = name, now()
        self._tell(StepState.RUNNING, "", None)

    def end(self, *, detail: str = "") -> None:
        if self._name:
            self._tell(StepState.DONE, detail, (now() - self._since).total_seconds())
            self._name = ""

    def fail(self, detail: str) -> None:
        if self._name:
            self._tell(StepState.FAILED, detail[:200], (now() - self._since).total_seconds())
            self._name = ""

    def _tell(self, state: StepState, detail: str, seconds: float | None) -> None:
        self._teller.tell(BuildStep(build=self._build, step=Step(name=self._name, state=state, detail=detail, seconds=seconds)))


class Listener:
    """Turns what generation tells into facts."""

    def __init__(self, build: str, name_app: Naming, stages: Stages, teller: Teller) -> None:
        self._build, self._name_app, self._stages, self._teller = build, name_app, stages, teller
        self.naming: asyncio.Future[None] | None = None

    def __call__(self, event: progress.Progress) -> None:
        build = self._build
        match event:
            case progress.Planned(plan):
                self._stages.end(detail=plan.summary[:120])
                self._teller.tell(BuildPlanned(build=build, plan=plan))
                self.naming = asyncio.ensure_future(self._name_app(plan))
                self._stages.begin("write")
            case progress.FileWritten(path, size):
                self._teller.tell(FileWritten(build=build, path=path, size=size))
            case progress.Note(text):
                self._teller.tell(BuildNote(build=build, text=text))
            case progress.Retrying(reason, attempt):
                self._teller.tell(BuildNote(build=build, text=f"{reason} Asked again (try {attempt})."))
            case progress.Continuing(path, reason, number):
                said = f"{reason} {path} is continued where it stopped (time {number})."
                self._teller.tell(BuildNote(build=build, text=said))
            case progress.FileWriting():
                return


@contextlib.asynccontextmanager
async def listening(build: str, name_app: Naming, stages: Stages, teller: Teller) -> AsyncIterator[Listener]:
    """A listener, which at the end of the block has nothing left to do."""
    listener = Listener(build, name_app, stages, teller)
    try:
        yield listener
        if listener.naming is not None:
            await listener.naming
    finally:
        if listener.naming is not None:
            listener.naming.cancel()
            await asyncio.gather(listener.naming, return_exceptions=True)
