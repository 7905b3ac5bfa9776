"""Waking: takes jobs off the queue and calls who moves the row. The row is the truth, and a lock in Postgres says who moves it.

`Waker.run` is called by every worker. A job that is lost, doubled or late does no harm: a worker first takes the work's advisory lock
(which Postgres frees the moment its holder dies), then looks at the row, and the reconciler wakes every unfinished row that nobody holds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import asyncpg
import structlog
from pgqueuer import AsyncpgDriver, Job, QueueManager
from pgqueuer.queries import Queries

from core.errors import TemporaryError
from core.ledger.ledger import Ledger, lock_key
from core.ledger.queue import Work, WorkKind

log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def holding(ledger: Ledger, name: str, *, wait: float = 0.0) -> AsyncIterator[bool]:
    """Hold the advisory lock of ``name`` for the length of the block; yields False, holding nothing, when somebody else has it and
    keeps it for ``wait`` seconds.

    When the lock's connection is lost, the block is cancelled where it stands: from that moment another worker may have taken over.

    Raises:
        TemporaryError: Postgres is not there, or the lock was lost with its connection.
    """
    connection = await ledger.connect()
    task = asyncio.current_task()
    assert task is not None
    over = lost = False

    def gone(_: object) -> None:
        nonlocal lost
        if not over and not lost:
            lost = True
            log.warning("lock lost with its connection", lock=name)
            task.cancel()

    try:
        if not await _lock(connection, lock_key(name), wait):
            yield False
            return
        connection.add_termination_listener(gone)
        yield True
    except asyncio.CancelledError:
        if lost and task.uncancel() == 0:
            raise TemporaryError("The connection that held a lock was lost; somebody goes on with the work.") from None
        raise
    finally:
        over = True
        connection.remove_termination_listener(gone)
        with contextlib.suppress(asyncpg.PostgresError, OSError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            connection.terminate() if connection.is_closed() else await connection.close(timeout=5)


async def _lock(connection: asyncpg.Connection[Any], key: int, wait: float) -> bool:
    try:
        if wait <= 0:
            return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", key))
        await connection.execute(f"SET lock_timeout = {round(wait * 1000)}")
        await connection.execute("SELECT pg_advisory_lock($1)", key)
    except asyncpg.LockNotAvailableError:
        return False
    except (asyncpg.PostgresError, OSError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise TemporaryError("The database is not reachable just now; try again in a few seconds.") from error
    return True


class Waker:
    """Takes jobs off the queue and calls the handler of their kind, until it is cancelled; survives Postgres going away."""

    def __init__(self, ledger: Ledger, handlers: Mapping[WorkKind, Callable[[str], Awaitable[None]]]) -> None:
        self._ledger = ledger
        self._handlers = handlers
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_hand: set[Work] = set()
        self._over = False

    async def run(self) -> None:
        self._over = False
        try:
            while True:
                try:
                    await self._serve()
                except Exception as error:  # whatever the drivers make of a connection that is cut
                    log.warning("the queue lost its connection, trying again", error=repr(error))
                await asyncio.sleep(0.5)
        finally:
            self._over = True
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
        """Begin a work here, in a task of its own: the job has done its part, the row and its lock do the rest.

        A build or a deployment that a task of this process has in hand already, be it only waiting for its turn, gets no second one."""
        if self._over:
            return
        if work.kind is not WorkKind.APP:
            if work in self._in_hand:
                return
            self._in_hand.add(work)
        task = asyncio.create_task(self._advance(work), name=f"{work.kind} {work.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _advance(self, work: Work) -> None:
        try:
            await self._handlers[work.kind](work.id)
        except TemporaryError as error:
            log.warning(
                "a work could not be moved just now; the reconciler will wake it again", work=work.id, error=error.message
            )
        except Exception:
            log.exception("a work could not be moved; the reconciler will wake it again", work=work.id)
        finally:
            self._in_hand.discard(work)
