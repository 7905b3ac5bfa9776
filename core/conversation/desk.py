"""The desk: takes up what people do on a chat platform after it was acknowledged, and sees it through to the private answer.

The part that is the same for every platform; `adapters.slack.desk` and `adapters.discord.desk` are the others. What was kept is done in
tasks of their own, which `close` waits for. For each it is asked who it is and what they mean, the dialogue does it, and the answer is
brought. It decides nothing: refusals come from the dialogue and from the platform's people, and are said to the one who asked. An exception
that nobody meant is logged, and they are told that something went wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, Generic, TypeVar

import structlog

from core.conversation.journal import Journal, Told
from core.conversation.outbox import Clock, RealClock
from core.conversation.ports import Handles
from core.errors import NexusError, TemporaryError
from core.ids import ThreadId
from core.words.inbound import Answer, Inbound, Who
from core.words.views import ThreadView

log = structlog.get_logger(__name__)

AT_ONCE = 24  #: requests that are seen through at the same time; the others wait in line, acknowledged
PAUSES = (0.5, 2.0, 5.0)  #: seconds before each further attempt at what fails for the moment
NOTHING_DONE = "Nexus cannot find out just now who you are or what this is about. Nothing was done; try again in a minute."
GIVES_WAY = 0.5  #: seconds, at most, that something acknowledged lets others be acknowledged first
GOODBYE = 20.0  #: seconds that `close` waits for what is under way

ToldT = TypeVar("ToldT", bound=Told)
WhereT = TypeVar("WhereT")


class Bot(Exception):
    """It is no person: there is nobody to answer."""


class Desk(ABC, Generic[ToldT, WhereT]):
    """Takes up what people do."""

    platform: str

    def __init__(self, journal: Journal[ToldT], dialogue: Handles, *, clock: Clock | None = None) -> None:
        self._journal = journal
        self._dialogue = dialogue
        self._clock = clock or RealClock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._arriving = 0
        self._nobody_arrives = asyncio.Event()
        self._nobody_arrives.set()

    # -- what a platform does in its own way ----------------------------------------------------------------------------------

    @abstractmethod
    async def do(self, told: ToldT) -> None:
        """Do what was kept, to its end."""

    @abstractmethod
    async def who(self, where: WhereT) -> Who:
        """Who acted there.

        Raises:
            Bot: nobody.
            NexusError: somebody who may not, or it cannot be told just now.
        """

    @abstractmethod
    async def give(self, where: WhereT, answer: Answer, *, key: str, who: Who | None, asked: Inbound | None) -> None:
        """Bring the answer to the one who acted, once."""

    @abstractmethod
    async def say(self, where: WhereT, text: str) -> None:
        """Say something to the one who acted."""

    @abstractmethod
    async def wrong(self, where: WhereT) -> None:
        """Tell them of a defect of ours."""

    # -- tasks ----------------------------------------------------------------------------------------------------------------

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it in a task of its own. Raises nothing."""
        task = asyncio.create_task(self._guarded(work), name=f"{self.platform} desk")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @contextlib.contextmanager
    def arriving(self) -> Iterator[None]:
        """Something arrives, until it is acknowledged: what was begun gives way to it. For platforms that acknowledge by a call."""
        self._arriving += 1
        self._nobody_arrives.clear()
        try:
            yield
        finally:
            self._arriving -= 1
            if not self._arriving:
                self._nobody_arrives.set()

    async def keep(self, told: ToldT) -> bool:
        """Keep it until it is seen through; False when another has it in hand. Raises nothing."""
        with self.arriving():
            return await self._journal.keep(told)

    async def see_through(self, told: ToldT) -> None:
        """Do what was kept, and forget it."""
        await self.do(told)
        await self._journal.done(told)

    async def run(self) -> None:
        """Take up what processes that died have left, until cancelled."""

        async def again(told: ToldT) -> None:
            self.begin(self.see_through(told))

        await self._journal.run(again)

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def close(self) -> None:
        """See through what was acknowledged, as long as that takes no more than `GOODBYE`; then stop."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=GOODBYE)
        for task in (left := list(self._tasks)):
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            async with self._places:
                await self._give_way()
                await work
        except Exception:
            log.exception("what somebody did could not be handled", platform=self.platform)
        finally:
            work.close()  # where its turn never came

    async def _give_way(self) -> None:
        """What waits for its acknowledgement goes first: whoever has theirs can wait a moment for what comes of it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GIVES_WAY):
                await self._nobody_arrives.wait()

    # -- from what somebody did to their answer -----------------------------------------------------------------------------------

    async def through(self, where: WhereT, key: str, mean: Callable[[Who], Awaitable[Inbound | Answer | None]]) -> None:
        """Find out who it is and what they mean (nothing, when that is None), do it, and bring the answer; where ``mean`` gives one
        itself, that. Raises nothing."""
        who: Who | None = None
        asked: Inbound | None = None
        try:
            try:
                who, meant = await self._meant(where, mean)
                if meant is None:
                    return
                if isinstance(meant, Answer):
                    answer = meant
                else:
                    asked = meant
                    await self._give_way()
                    answer = await self._dialogue.handle(asked)
                await self._give_way()
            except Bot:
                return
            except NexusError as error:
                answer = Answer(text=error.message, error=True)
            await self._brought(where, answer, key=key, who=who, asked=asked)
        except Exception:
            log.exception("what somebody did could not be done", platform=self.platform, key=key)
            await self.wrong(where)

    async def _meant(
        self, where: WhereT, mean: Callable[[Who], Awaitable[Inbound | Answer | None]]
    ) -> tuple[Who, Inbound | Answer | None]:
        """Who it is and what they mean. The platform and the ledger are asked again when they cannot say: it was acknowledged, so
        nobody else does it."""
        for pause in (*PAUSES, None):
            try:
                who = await self.who(where)
                return who, await mean(who)
            except TemporaryError as error:
                if pause is None:
                    log.warning("what somebody did could not be looked into", platform=self.platform, reason=error.message)
                    raise TemporaryError(NOTHING_DONE) from error
                await self._clock.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def _brought(self, where: WhereT, answer: Answer, *, key: str, who: Who | None, asked: Inbound | None) -> None:
        try:
            await self.give(where, answer, key=key, who=who, asked=asked)
        except NexusError as error:  # a log that cannot be followed, a file that the platform does not take
            log.info("an answer could not be given", platform=self.platform, key=key, reason=error.message)
            await self.say(where, error.message)


def thread_id(thread: ThreadView | None) -> ThreadId | None:
    """Its id, where there is one."""
    return thread.thread if thread is not None else None
