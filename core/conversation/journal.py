"""The journal: what a platform told and was acknowledged, until it is done, so that a process that dies loses none of it.

Used by `core.conversation.desk`. It keeps before the acknowledgement, in the ledger, and hands out what another process left behind. When
the ledger cannot be reached in time, it is done without having been kept: platforms wait three seconds, and a person should not be
refused for that. What comes while the ledger writes is written together, next: in a burst of hundreds, one after the other would take
seconds.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Generic, Protocol, TypeVar, cast

import structlog
from pydantic import TypeAdapter

from core.conversation.outbox import Clock, RealClock
from core.errors import NexusError

log = structlog.get_logger(__name__)

PATIENCE = 1.5  #: seconds that keeping may take; platforms wait for three
PAUSE = 5.0  #: seconds between looks at what others left behind
MOST = 200  #: that are written at once
ATTEMPTS = 3  #: of what kills the process every time


class Told(Protocol):
    """What a person did, as an adapter reads it: a frozen dataclass of plain values. Its key is unique among all that people do."""

    @property
    def key(self) -> str: ...


T = TypeVar("T")
ToldT = TypeVar("ToldT", bound=Told)


class Kept(Protocol):
    """What was kept, as it is taken up; `core.ledger.deliveries.Delivery` is one."""

    @property
    def key(self) -> str: ...
    @property
    def content(self) -> str: ...
    @property
    def attempts(self) -> int: ...


class Store(Protocol):
    """Where it is kept; `core.ledger.deliveries.Deliveries` is one."""

    async def keep(self, contents: Mapping[str, str]) -> Collection[str]: ...
    async def done(self, keys: Collection[str]) -> None: ...
    async def renew(self, keys: Collection[str]) -> None: ...
    async def take(self) -> Sequence[Kept]: ...


class Together(Generic[T]):
    """Calls that come while one is under way are made together, as the next one. ``call`` gives what holds of those it was called for."""

    def __init__(self, call: Callable[[Sequence[T]], Awaitable[Sequence[bool]]]) -> None:
        self._call = call
        self._waiting: list[tuple[T, asyncio.Future[bool]]] = []
        self._task: asyncio.Task[None] | None = None

    async def add(self, one: T) -> bool:
        """Raises what the call that it was part of raised."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="journal writes")
        return await answer

    async def _run(self) -> None:
        while self._waiting:
            now, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            answers: Sequence[bool | BaseException]
            try:
                answers = await self._call([one for one, _ in now])
            except BaseException as error:
                answers = [error] * len(now)
            for (_, answer), got in zip(now, answers, strict=True):
                if answer.done():  # it was not waited for so long
                    continue
                if isinstance(got, asyncio.CancelledError):
                    answer.cancel()
                elif isinstance(got, BaseException):
                    answer.set_exception(got)
                else:
                    answer.set_result(got)


class Journal(Generic[ToldT]):
    """Keeps, and takes up; ``kinds`` are the classes of what people do."""

    def __init__(self, store: Store, kinds: Sequence[type[ToldT]], *, clock: Clock | None = None) -> None:
        self._store = store
        self._kinds: dict[str, TypeAdapter[ToldT]] = {kind.__name__: TypeAdapter(kind) for kind in kinds}
        self._clock = clock or RealClock()
        self._mine: set[str] = set()  # kept, and in this process's hands
        self._unsure: set[str] = set()  # of these, those that were not kept in time, and may be kept later
        self._over: set[str] = set()  # done, and perhaps kept all the same
        self._keeping, self._forgetting = Together(self._keep), Together(self._forget)

    async def keep(self, told: ToldT) -> bool:
        """Keep it. False when somebody has it in hand already, and there is nothing to do. Raises nothing."""
        content = json.dumps({"kind": type(told).__name__, "told": asdict(cast(Any, told))})
        try:
            async with asyncio.timeout(PATIENCE):
                ours = await self._keeping.add((told.key, content))
        except (NexusError, TimeoutError) as error:  # it may be kept all the same
            log.warning("what somebody did is not kept; were this process to die now, it would be lost", reason=str(error))
            self._unsure.add(told.key)
            ours = True
        if ours:
            self._mine.add(told.key)
        return ours

    async def done(self, told: ToldT) -> None:
        """It is done, or somebody was told that it is not. Raises nothing: what cannot be forgotten now is forgotten as soon as it can be,
        since to do it later would surprise whoever has asked for it again."""
        if told.key in self._mine:
            self._mine.discard(told.key)
            if told.key in self._unsure:
                self._unsure.discard(told.key)
                self._over.add(told.key)
            try:
                await self._forgetting.add(told.key)
            except NexusError as error:
                log.warning("what somebody did is kept for now", reason=error.message)
                self._mine.add(told.key)
                self._over.add(told.key)

    async def _keep(self, told: Sequence[tuple[str, str]]) -> Sequence[bool]:
        new = set(await self._store.keep(dict(told)))
        ours = []
        for key, _ in told:
            ours.append(key in new)
            new.discard(key)  # told twice at the same moment
        return ours

    async def _forget(self, keys: Sequence[str]) -> Sequence[bool]:
        await self._store.done(keys)
        return [True] * len(keys)

    async def run(self, begin: Callable[[ToldT], Awaitable[None]]) -> None:
        """Renew what is in hand, and begin what others left behind, until cancelled."""
        while True:
            try:
                if over := set(self._over):
                    await self._store.done(over)
                    self._over -= over
                    self._mine -= over
                if self._mine:
                    await self._store.renew(set(self._mine))
                for kept in await self._store.take():
                    await self._again(kept, begin)
            except NexusError as error:
                log.warning("what others may have left behind cannot be looked up just now", reason=error.message)
            await self._clock.sleep(PAUSE)

    async def _again(self, kept: Kept, begin: Callable[[ToldT], Awaitable[None]]) -> None:
        if kept.attempts > ATTEMPTS:
            log.error("what somebody did is given up: every process that took it up has died", key=kept.key)
            await self._store.done([kept.key])
            return
        try:
            content = json.loads(kept.content)
            told = self._kinds[content["kind"]].validate_python(content["told"])
        except (KeyError, ValueError) as error:  # whose words repeat what was kept, and secrets may be among it
            log.error("what another version of Nexus kept cannot be read", key=kept.key, reason=type(error).__name__)
            await self._store.done([kept.key])
            return
        log.info("taken up from a process that died", key=kept.key)
        self._mine.add(told.key)
        await begin(told)
