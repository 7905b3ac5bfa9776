"""`core.tenants.tenants.Tenants` on a Postgres server (15 or later), ours or the operator's. Constructed by wiring alone.

Every verb takes the tenant's turn (an advisory lock, so that workers wait for each other), looks at what is there, and completes it;
nothing is remembered in this process. It refuses names that `core.tenants.credentials` would not make, and a server on which
tenants could connect to databases that are not theirs and that it may not close.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import asyncpg
from pydantic import SecretStr

from adapters.databases import migrating, rights, snapshots, watchdog
from adapters.databases.migrating import Patience
from adapters.databases.server import Server, end_sessions, plain_errors
from core.errors import NotFound, OperatorError
from core.tenants.tenants import Access, Migration, MigrationReport, Tenant, TenantLimits, Tenants, TenantUsage
from core.words.walls import Mount

if TYPE_CHECKING:
    from adapters.databases.server import Connection, ControlConnection

SOCKET_FOLDER = "/run/nexus/postgres"  #: where an instance finds the server's unix socket

#: A database that is not there, or that `create` had not opened yet.
_ABSENT = (asyncpg.InvalidCatalogNameError, asyncpg.ObjectNotInPrerequisiteStateError)

_TABLES = """
    SELECT c.relname AS name, greatest(c.reltuples, s.n_live_tup, 0)::bigint AS rows
    FROM pg_class c LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    ORDER BY c.relname
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What is there of a tenant."""

    roles: Collection[str]
    databases: Collection[str]  #: usable ones
    broken: Collection[str]  #: half-dropped, good for nothing but dropping


class PostgresTenants(Tenants):
    """Tenants on the server behind ``admin_dsn`` (a superuser, or a role with CREATEROLE and CREATEDB).

    ``socket_dir`` is the host's folder that holds the server's unix socket and nothing else; instances get it mounted and need no network.
    Without it, or where instances share the host's network (``shared_network``), they get the TCP address.
    """

    def __init__(
        self,
        admin_dsn: str,
        *,
        socket_dir: Path | None,
        public_host: str,
        public_port: int,
        pg_bin: Path,
        shared_network: bool = False,
        patience: Patience | None = None,
    ) -> None:
        self._server = Server(admin_dsn)
        self._socket_dir = None if shared_network else socket_dir
        self._host = public_host
        self._port = public_port
        self._pg_bin = pg_bin
        self._patience = patience or Patience()

    async def close(self) -> None:
        """Give the connections back."""
        await self._server.close()

    async def create(self, tenant: Tenant) -> None:
        rights.check_names(tenant)
        async with plain_errors(), self._server.turn(tenant.database) as control:
            await self._close_open_databases(control)
            found = await self._find(control, tenant)
            await self._make_roles(control, tenant, found)
            leftovers = {*found.broken, snapshots.building(tenant), snapshots.replaced(tenant)}
            for name in sorted(leftovers & {*found.broken, *found.databases}):
                await _drop_database(control, name)
            if tenant.database not in found.databases:
                await _create_database(control, tenant.database)
            await self._furnish(control, tenant, tenant.database)

    def access(self, tenant: Tenant) -> Access:
        login = f"{tenant.app_role}:{quote(tenant.app_password.get_secret_value(), safe='')}"
        public = SecretStr(f"postgresql://{login}@{self._host}:{self._port}/{tenant.database}")
        if self._socket_dir is None:
            return Access(url=public, mounts=(), public_url=public, host=self._host, port=self._port)
        # Of all ways to write a socket, the one that libpq, asyncpg, node-postgres and SQLAlchemy read alike.
        url = f"postgresql://{login}@/{tenant.database}?host={SOCKET_FOLDER}&port={self._port}"
        return Access(
            url=SecretStr(url),
            mounts=(Mount(source=self._socket_dir, target=SOCKET_FOLDER),),
            public_url=public,
            host=self._host,
            port=self._port,
        )

    async def migrate(self, tenant: Tenant, migrations: Sequence[Migration]) -> MigrationReport:
        async with self._inside(tenant) as (control, admin):
            return await migrating.migrate(
                self._server, tenant, migrations, control=control, admin=admin, patience=self._patience
            )

    async def snapshot(self, tenant: Tenant, target: Path) -> int:
        async with self._inside(tenant) as (_, admin):
            await migrating.settle(admin)
            return await snapshots.dump(self._server, tenant, target, pg_bin=self._pg_bin, seconds=self._patience.work_seconds)

    async def restore(self, tenant: Tenant, source: Path) -> None:
        rights.check_names(tenant)
        if not source.is_file():
            raise NotFound(f"there is no snapshot {source.name!r}; choose another")
        building = snapshots.building(tenant)
        async with plain_errors(), self._server.turn(tenant.database) as control:
            found = await self._find(control, tenant)
            await self._make_roles(control, tenant, found)
            await end_sessions(control, role=tenant.migrator_role)
            for name in sorted({*found.databases, *found.broken} - {tenant.database} | {*found.broken}):
                await _drop_database(control, name)
            exists = tenant.database in found.databases
            if exists:
                await self._furnish(control, tenant, tenant.database)  # a half-made one is completed first
            try:
                await _create_database(control, building)
                await self._furnish(control, tenant, building)
                await snapshots.load(
                    self._server,
                    tenant,
                    source,
                    frozen=exists and await self._frozen(tenant),
                    pg_bin=self._pg_bin,
                    seconds=self._patience.work_seconds,
                )
                await snapshots.swap(self._server, control, tenant, exists=exists)
            except BaseException:
                await _drop_database(control, building)
                raise
            await _drop_database(control, snapshots.replaced(tenant))

    async def freeze(self, tenant: Tenant, frozen: bool) -> None:
        async with self._inside(tenant) as (_, admin):
            await admin.execute(rights.rights(tenant, frozen=frozen))

    async def usage(self, tenant: Tenant) -> TenantUsage | None:
        rights.check_names(tenant)
        async with plain_errors():
            async with self._server.control() as control:
                connections = await control.fetchval("SELECT count(*) FROM pg_stat_activity WHERE usename = $1", tenant.app_role)
            try:
                async with self._server.admin(tenant.database) as admin:
                    return TenantUsage(
                        size_mb=round(await admin.fetchval("SELECT pg_database_size(current_database())") / 2**20, 2),
                        connections=connections,
                        frozen=await migrating.is_furnished(admin) and await migrating.is_frozen(admin),
                        tables={row["name"]: row["rows"] for row in await admin.fetch(_TABLES)},
                    )
            except _ABSENT:
                return None

    async def drop(self, tenant: Tenant) -> None:
        rights.check_names(tenant)
        async with plain_errors(), self._server.turn(tenant.database) as control:
            for name in (snapshots.building(tenant), snapshots.replaced(tenant), tenant.database):
                await _drop_database(control, name)
            for role in (tenant.app_role, tenant.migrator_role):
                await control.execute(f"DROP ROLE IF EXISTS {role}")

    async def databases(self) -> Sequence[str]:
        async with plain_errors(), self._server.control() as control:
            rows = await control.fetch(
                """
                SELECT datname FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba
                WHERE datname ~ $1 AND rolname = current_user ORDER BY datname
                """,
                rights.TENANT_NAME,
            )
            return [row["datname"] for row in rows]

    async def end_overlong(self, limits: TenantLimits) -> int:
        longest = max(self._patience.work_seconds, self._patience.file_seconds)
        async with plain_errors(), self._server.control() as control:
            return await watchdog.end_overlong(control, limits, work_seconds=longest)

    async def _find(self, control: ControlConnection, tenant: Tenant) -> _Found:
        names = [tenant.database, snapshots.building(tenant), snapshots.replaced(tenant)]
        rows = await control.fetch(
            """
            SELECT rolname AS name, 'role' AS kind FROM pg_roles WHERE rolname = ANY($1)
            UNION ALL
            SELECT datname, CASE WHEN datconnlimit = -2 THEN 'broken' ELSE 'database' END
            FROM pg_database WHERE datname = ANY($2)
            """,
            [tenant.app_role, tenant.migrator_role],
            names,
        )
        kinds = {kind: {row["name"] for row in rows if row["kind"] == kind} for kind in ("role", "database", "broken")}
        return _Found(roles=kinds["role"], databases=kinds["database"], broken=kinds["broken"])

    @asynccontextmanager
    async def _inside(self, tenant: Tenant) -> AsyncIterator[tuple[ControlConnection, Connection]]:
        """The tenant's turn, the admin in its database, and no session of a worker that died."""
        rights.check_names(tenant)
        missing = f"there is no database {tenant.database!r}; create the tenant first"
        async with plain_errors(), self._server.turn(tenant.database) as control:
            await end_sessions(control, role=tenant.migrator_role)
            async with AsyncExitStack() as stack:
                try:
                    admin = await stack.enter_async_context(self._server.admin(tenant.database))
                except _ABSENT as error:
                    raise NotFound(missing) from error
                if not await migrating.is_furnished(admin):
                    raise NotFound(missing)
                yield control, admin

    async def _make_roles(self, control: ControlConnection, tenant: Tenant, found: _Found) -> None:
        await control.execute(rights.roles(tenant, existing=found.roles, superuser=self._server.superuser))

    async def _furnish(self, control: ControlConnection, tenant: Tenant, name: str) -> None:
        await control.execute(rights.database(tenant, name))
        async with self._server.admin(name) as admin:
            await admin.execute(rights.furniture(tenant, superuser=self._server.superuser))
            await admin.execute(rights.rights(tenant, frozen=await migrating.is_frozen(admin)))

    async def _frozen(self, tenant: Tenant) -> bool:
        async with self._server.admin(tenant.database) as admin:
            return await migrating.is_frozen(admin)

    async def _close_open_databases(self, control: ControlConnection) -> None:
        for row in await control.fetch(rights.OPEN_DATABASES):
            if not (self._server.superuser or row["ours"]):
                raise OperatorError(
                    f"every app could connect to the database {row['datname']!r}; as a superuser, run:"
                    f' REVOKE CONNECT ON DATABASE "{row["datname"]}" FROM PUBLIC'
                )
            await control.execute(rights.close_database(row["datname"]))


async def _create_database(control: ControlConnection, name: str) -> None:
    """Closed until its rights are laid. WAL_LOG, as a file copy would wait for a checkpoint."""
    await control.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' STRATEGY wal_log ALLOW_CONNECTIONS false")


async def _drop_database(control: ControlConnection, name: str) -> None:
    await control.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
