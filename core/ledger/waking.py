"""The queue: it only says "this work can move". The row is the truth, and a lock in Postgres says who moves it.

`enqueue` is called by the ledger inside a transaction; `Waker.run` by every worker. A job that is lost, doubled or late does no
harm: a worker first takes the work's advisory lock (which Postgres frees the moment its holder dies), then looks at the row, and
the reconciler wakes every unfinished row that nobody holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog
from pgqueuer import AsyncpgDriver, Job, QueueManager
from pgqueuer.queries import Queries

if TYPE_CHECKING:
    from core.ledger.ledger import Ledger

log = structlog.get_logger(__name__)


class WorkKind(enum.StrEnum):
    """What kind of row can move; also the name of the queue's entry point."""

    BUILD = "build"
    DEPLOYMENT = "deployment"
    APP = "app"  #: what is may differ from what is wanted: instances, route, deletion


@dataclass(frozen=True, slots=True)
class Work:
    """A row that can move."""

    kind: WorkKind
    id: str


async def enqueue(connection: asyncpg.Connection[Any], works: Sequence[Work]) -> None:
    """Put works on the queue, in the connection's open transaction."""
    queries = Queries(AsyncpgDriver(connection))
    await queries.enqueue([w.kind.value for w in works], [w.id.encode() for w in works], [0] * len(works))


@contextlib.asynccontextmanager
async def holding(ledger: Ledger, name: str, *, wait: float = 0.0) -> AsyncIterator[bool]:
    """Hold the advisory lock of ``name`` for the length of the block; yields False, holding nothing, when somebody else has it and
    keeps it for ``wait`` seconds.

    The task inside is cancelled when the lock's connection is lost: from that moment another worker may have taken over.
    """
    from core.ledger.ledger import lock_key

    connection = await ledger.connect()
    task = asyncio.current_task()
    over = False

    def lost(_: object) -> None:
        if not over and task is not None:
            log.warning("lock lost with its connection", lock=name)
            task.cancel("the connection that held the lock was lost")

    try:
        if not await _lock(connection, lock_key(name), wait):
            yield False
            return
        connection.add_termination_listener(lost)
        yield True
    finally:
        over = True
        connection.remove_termination_listener(lost)
        connection.terminate() if connection.is_closed() else await connection.close(timeout=5)


async def _lock(connection: asyncpg.Connection[Any], key: int, wait: float) -> bool:
    if wait <= 0:
        return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", key))
    await connection.execute(f"SET lock_timeout = {round(wait * 1000)}")
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", key)
    except asyncpg.LockNotAvailableError:
        return False
    return True


class Waker:
    """Takes jobs off the queue and calls the handler of their kind, until it is cancelled; survives Postgres going away."""

    def __init__(self, ledger: Ledger, handlers: Mapping[WorkKind, Callable[[str], Awaitable[None]]]) -> None:
        self._ledger = ledger
        self._handlers = handlers
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        try:
            while True:
                try:
                    await self._serve()
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, RuntimeError, ExceptionGroup) as error:
                    log.warning("the queue lost its connection, trying again", error=repr(error))
                await asyncio.sleep(0.5)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self) -> None:
        connection = await self._ledger.connect()
        try:
            manager = QueueManager(Queries(AsyncpgDriver(connection)))
            connection.add_termination_listener(lambda _: manager.shutdown.set())
            for kind in self._handlers:
                manager.entrypoint(kind.value)(self._take(kind))
            await manager.run(
                dequeue_timeout=timedelta(seconds=10),
                shutdown_on_listener_failure=True,
                log_aggregation_interval=timedelta(seconds=0),
            )
        finally:
            connection.terminate()

    def _take(self, kind: WorkKind) -> Callable[[Job], Awaitable[None]]:
        async def take(job: Job) -> None:
            self.start(Work(kind, (job.payload or b"").decode()))

        return take

    def start(self, work: Work) -> None:
        """Begin a work here, in a task of its own: the job has done its part, the row and its lock do the rest."""
        task = asyncio.create_task(self._advance(work), name=f"{work.kind} {work.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _advance(self, work: Work) -> None:
        try:
            await self._handlers[work.kind](work.id)
        except Exception:
            log.exception("a work could not be moved; the reconciler will wake it again", work=work.id)
