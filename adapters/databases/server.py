"""The Postgres server that tenants live on: connections to it, one owner per tenant at a time, and its errors in Nexus's words.

Used by the other modules of this folder alone. Nexus's own connections never look a name up in a tenant's schema: their search path
is ``pg_catalog``, so that nothing a tenant makes can stand in for what we mean.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit
from weakref import WeakValueDictionary

import asyncpg

from core.errors import DiskFull, OperatorError, TemporaryError

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
    ControlConnection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | Connection
    Pool = asyncpg.Pool[asyncpg.Record]

POOL_SIZE = 4
OLDEST_VERSION = 15  #: the first with CREATE DATABASE … STRATEGY
CONNECT_SECONDS = 10.0
_OURS = {"search_path": "pg_catalog", "application_name": "nexus"}
_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InternalClientError,
    OSError,
)


class Server:
    """A server and the admin's way into it."""

    def __init__(self, admin_dsn: str, *, pool_size: int = POOL_SIZE) -> None:
        scheme, rest = admin_dsn.split("://", 1)
        self._dsn = f"{scheme.split('+')[0]}://{rest}"
        self._pool_size = pool_size
        self._pool: Pool | None = None
        self._opening = asyncio.Lock()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.superuser: bool = False  #: known from the first connection on

    def dsn(self, database: str, *, role: str | None = None, password: str | None = None) -> str:
        """The server's address for another database or role. Without ``password``: for a program's arguments, with no secret."""
        parts = urlsplit(self._dsn)
        user, _, place = parts.netloc.rpartition("@")
        query = [(k, v) for k, v in parse_qsl(parts.query) if k not in {"user", "password", "dbname", "database"}]
        login = quote(role, safe="") if role is not None else user.partition(":")[0]
        if password is not None:
            login += ":" + quote(password, safe="")
        return urlunsplit(("postgresql", f"{login}@{place}", "/" + database, urlencode(query, safe="/"), ""))

    @property
    def admin_password(self) -> str:
        return urlsplit(self._dsn).password or ""

    async def connect(
        self, database: str | None, *, role: str | None = None, password: str | None = None, **settings: str
    ) -> Connection:
        """A connection of its own; the admin's without a role, in its own database without one. The caller closes it."""
        password = password if role is not None else self.admin_password
        return await asyncpg.connect(
            self.dsn(database, role=role, password=password) if database is not None else self._dsn,
            timeout=CONNECT_SECONDS,
            statement_cache_size=0,
            server_settings=_OURS | settings,
        )

    @asynccontextmanager
    async def admin(self, database: str) -> AsyncIterator[Connection]:
        """The admin inside a tenant's database."""
        connection = await self.connect(database)
        try:
            yield connection
        finally:
            await _close(connection)

    @asynccontextmanager
    async def control(self) -> AsyncIterator[ControlConnection]:
        """The admin in its own database, from the pool."""
        async with (await self._open()).acquire() as connection:
            yield connection

    @asynccontextmanager
    async def turn(self, database: str) -> AsyncIterator[ControlConnection]:
        """A control connection that alone, in all workers, may change this tenant."""
        lock = self._turns.setdefault(database, asyncio.Lock())
        async with lock, self.control() as connection:
            # The pool lets go of it on release, the server when the worker dies.
            await connection.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", f"nexus tenant {database}")
            yield connection

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def _open(self) -> Pool:
        async with self._opening:
            if self._pool is None:
                pool = await asyncpg.create_pool(
                    self._dsn,
                    min_size=0,
                    max_size=self._pool_size,
                    timeout=CONNECT_SECONDS,
                    max_inactive_connection_lifetime=60,
                    server_settings=_OURS,
                )
                try:
                    about = await pool.fetchrow(
                        """
                        SELECT rolsuper, current_setting('server_version_num')::int / 10000 AS version
                        FROM pg_roles WHERE rolname = current_user
                        """
                    )
                    assert about is not None
                    if about["version"] < OLDEST_VERSION:
                        raise OperatorError(
                            f"this server is Postgres {about['version']}; Nexus needs {OLDEST_VERSION} or later, see POSTGRES_URL"
                        )
                except BaseException:
                    pool.terminate()
                    raise
                self.superuser = about["rolsuper"]
                self._pool = pool
            return self._pool


async def _close(connection: Connection) -> None:
    try:
        await connection.close(timeout=5)
    except (TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        connection.terminate()


@asynccontextmanager
async def plain_errors() -> AsyncIterator[None]:
    """Postgres's and the system's errors in Nexus's words."""
    try:
        yield
    except asyncpg.DiskFullError as error:
        raise DiskFull from error
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidPasswordError) as error:
        raise OperatorError(f"Postgres refuses Nexus's login ({error}); check POSTGRES_URL") from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise OperatorError(
            f"Nexus's Postgres role may not do that ({error}); give it CREATEROLE and CREATEDB, or name a superuser"
        ) from error
    except _AWAY as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise DiskFull from error
        raise TemporaryError(f"Postgres does not answer just now ({error}); it is tried again by itself") from error


async def end_sessions(connection: ControlConnection, *, role: str | None = None, database: str | None = None) -> None:
    """End the sessions of a role or in a database, and see them gone."""
    await connection.fetchval(
        """
        SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND (usename = $1 OR datname = $2)
        """,
        role,
        database,
    )
