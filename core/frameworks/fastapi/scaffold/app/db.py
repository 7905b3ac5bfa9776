"""The database: one pool on DATABASE_URL, opened at the first query and healed by itself."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import asyncpg

# InternalClientError: an idle connection on which the server said goodbye, before asyncpg saw that it is closed.
GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    ConnectionError,
)


class Unreachable(Exception):
    """The database cannot be reached; the text says why."""


@contextmanager
def reaching() -> Iterator[None]:
    """Tells a database that cannot be reached from a file that cannot be read: both are an OSError."""
    try:
        yield
    except (OSError, asyncpg.InternalClientError) as error:
        raise Unreachable(f"{type(error).__name__}: {error}") from error


class Database:
    def __init__(self) -> None:
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def pool(self) -> asyncpg.Pool:
        if self._pool is None:
            async with self._opening:
                if self._pool is None:
                    self._pool = await asyncpg.create_pool(
                        os.environ["DATABASE_URL"], min_size=0, max_size=8, command_timeout=20, timeout=5
                    )
        return self._pool

    async def rows(self, sql: str, *values: Any) -> Sequence[asyncpg.Record]:
        """The rows of a SELECT; asked once more when the connection turns out to be gone."""
        pool = await self.pool()
        with reaching():
            try:
                return await pool.fetch(sql, *values)
            except GONE:
                return await pool.fetch(sql, *values)

    async def row(self, sql: str, *values: Any) -> asyncpg.Record | None:
        """The first row; right for statements that write, which are never repeated."""
        pool = await self.pool()
        with reaching():
            return await pool.fetchrow(sql, *values)

    async def value(self, sql: str, *values: Any) -> Any:
        rows = await self.rows(sql, *values)
        return rows[0][0] if rows else None

    async def close(self) -> None:
        if self._pool is not None:
            self._pool.terminate()


database = Database()
