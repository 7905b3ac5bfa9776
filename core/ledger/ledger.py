"""The ledger: one Postgres that holds everything, and transactions in which rows, events and jobs are written together.

Built once by the wiring. Services open a `transaction`, change rows, `tell` facts and `wake` work; all of it is committed at once or
not at all. Facts are written last, under one lock for the whole ledger, so that event ids become visible in order and a reader that
asks "after id N" never misses one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from core.errors import DiskFull, NexusError, TemporaryError
from core.ids import AppId
from core.ledger.queue import Work, enqueue
from core.ledger.tables import App, EventRow, InboxKey, now, storable
from core.words.events import Event, Fact

#: Key of the advisory lock under which events and message versions are written.
WRITE_ORDER_LOCK = 0x6E657875

_TRY_AGAIN = frozenset({"40001", "40P01"})  #: serialization failure, deadlock: Postgres undid it all
_NOT_THERE = frozenset({"53300", "57P01", "57P02", "57P03"})  #: no place left, or it stops, crashes or starts just now
_DISK_FULL = "53100"

EVENTS_CHANNEL = "nexus_events"
MESSAGES_CHANNEL = "nexus_messages"
CANCEL_CHANNEL = "nexus_cancel"

#: What the driver raises when its connection is cut, at whatever it was.
CUT_OFF = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)

_UNREACHABLE = "The database is not reachable just now; try again in a few seconds."


def lock_key(name: str) -> int:
    """A signed 64-bit advisory lock key for a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


@dataclass(slots=True)
class Transaction:
    """An open transaction. Not for two tasks at once."""

    session: AsyncSession
    _facts: list[tuple[str, Fact]] = field(default_factory=list)
    _works: list[Work] = field(default_factory=list)
    _notices: list[tuple[str, str]] = field(default_factory=list)

    def tell(self, app: str, *facts: Fact) -> None:
        """Record facts of an app, in this order, when the transaction commits."""
        self._facts.extend((app, fact) for fact in facts)

    def wake(self, work: Work) -> None:
        """Say that a work can move, when the transaction commits."""
        self._works.append(work)

    def notify(self, channel: str, payload: str) -> None:
        """NOTIFY, when the transaction commits."""
        self._notices.append((channel, payload))

    async def hold(self, *apps: str) -> None:
        """Take apps in hand until the transaction ends, before anything of theirs is read in order to be changed.

        Everybody takes an app's row first, then rows of its builds, approvals and deployments, then the lock of the order of writing: so
        that two transactions never wait for each other."""
        query = select(App.id).where(App.id.in_(apps)).order_by(App.id).with_for_update(key_share=True)
        await self.session.execute(query)

    async def alone(self, name: str) -> None:
        """Let nobody else past this point with the same name until the transaction ends. To be asked for before `hold`."""
        await self.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key(name)})

    async def first(self, key: str) -> bool:
        """Whether this idempotency key is new; from now on it is not."""
        from sqlalchemy.dialects.postgresql import insert

        done = await self.session.execute(
            insert(InboxKey).values(key=key, at=now()).on_conflict_do_nothing().returning(InboxKey.key)
        )
        return done.scalar() is not None

    async def flush(self) -> None:
        """Write what was told and woken. Called by the ledger at the end."""
        await self.session.flush()
        if self._facts:
            await self.hold(*{app for app, _ in self._facts})
            await self.session.execute(select(text("pg_advisory_xact_lock(:key)")).params(key=WRITE_ORDER_LOCK))
            moment = now()
            for app, fact in self._facts:
                seq = (
                    await self.session.execute(
                        update(App)
                        .where(App.id == app)
                        .values(last_seq=App.last_seq + 1, updated_at=moment)
                        .returning(App.last_seq)
                        .execution_options(synchronize_session=False)
                    )
                ).scalar_one()
                self.session.add(EventRow(app_id=app, seq=seq, fact=fact.model_dump(mode="json"), at=moment))
                await self.session.flush()
            self._notices.append((EVENTS_CHANNEL, ""))
        for channel, payload in self._notices:
            await self.session.execute(text("SELECT pg_notify(:channel, :payload)"), {"channel": channel, "payload": payload})
        if self._works:
            await enqueue(await raw(await self.session.connection()), self._works)


class Ledger:
    """The Postgres of this Nexus. ``dsn`` is a libpq URL without driver name."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.engine: AsyncEngine = create_async_engine(
            dsn.replace("postgresql://", "postgresql+asyncpg://", 1),
            pool_size=10,
            max_overflow=10,
            pool_pre_ping=True,
            json_serializer=_to_json,
            hide_parameters=True,  # what people and apps wrote does not belong into Nexus's own log
        )

    async def close(self) -> None:
        await self.engine.dispose()

    async def connect(self) -> asyncpg.Connection[Any]:
        """A connection of its own, for LISTEN, locks and the queue.

        Raises:
            TemporaryError: Postgres is not there just now.
        """
        try:
            return await asyncpg.connect(self.dsn)
        except (asyncpg.PostgresError, *CUT_OFF) as error:
            raise TemporaryError(_UNREACHABLE) from error

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commit at the end, roll back on an exception.

        Raises:
            TemporaryError: Postgres is not there just now, or somebody was in the way; nothing was written.
            DiskFull: Postgres has no room; nothing was written.
        """
        try:
            async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
                transaction = Transaction(session)
                yield transaction
                await transaction.flush()
        except (InterfaceError, PoolTimeout, asyncpg.PostgresConnectionError, *CUT_OFF) as error:
            raise TemporaryError(_UNREACHABLE) from error
        except (DBAPIError, asyncpg.PostgresError) as error:
            translated = _translated(error)
            if translated is None:
                raise
            raise translated from error

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session for reading only."""
        async with self.transaction() as transaction:
            yield transaction.session

    async def events(self, *, after: int = 0, app: AppId | None = None, limit: int = 5000) -> Sequence[Event]:
        """Events with a greater id, oldest first."""
        query = select(EventRow).where(EventRow.id > after).order_by(EventRow.id).limit(limit)
        if app is not None:
            query = query.where(EventRow.app_id == app)
        async with self.reading() as session:
            rows = (await session.scalars(query)).all()
        return [Event.model_validate({"id": r.id, "app": r.app_id, "seq": r.seq, "at": r.at, "fact": r.fact}) for r in rows]

    async def last_event(self, *, app: AppId | None = None) -> int:
        """The greatest event id, of one app when given; 0 when there is none."""
        query = select(func.max(EventRow.id))
        if app is not None:
            query = query.where(EventRow.app_id == app)
        async with self.reading() as session:
            return (await session.scalar(query)) or 0


def _translated(error: DBAPIError | asyncpg.PostgresError) -> NexusError | None:
    """An error of Postgres's as one of ours; None when it is a defect."""
    state = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None)
    if state in _TRY_AGAIN:
        return TemporaryError("Somebody else was changing the same thing; try again.")
    if state == _DISK_FULL:
        return DiskFull()
    gone = isinstance(error, DBAPIError) and (error.connection_invalidated or isinstance(error.__cause__, OSError))
    return TemporaryError(_UNREACHABLE) if gone or state in _NOT_THERE else None


def _to_json(value: Any) -> str:
    """As JSON that Postgres takes: it refuses the NUL characters and lone surrogates that apps and models may write."""
    text = json.dumps(value, ensure_ascii=False)
    return text if "\\u0000" not in text and storable(text) == text else json.dumps(_storable(value), ensure_ascii=False)


def _storable(value: Any) -> Any:
    match value:
        case str():
            return storable(value)
        case dict():
            return {storable(str(name)): _storable(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_storable(inner) for inner in value]
        case _:
            return value


async def raw(connection: AsyncConnection) -> asyncpg.Connection[Any]:
    """The asyncpg connection beneath a SQLAlchemy one, in the same transaction."""
    pooled = await connection.get_raw_connection()
    driver: asyncpg.Connection[Any] = pooled.driver_connection  # type: ignore[assignment]
    return driver
