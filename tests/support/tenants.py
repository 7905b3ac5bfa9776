"""Real tenants for tests: the adapter on a throwaway server, and logins as the tenant's own roles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg

from adapters.databases.migrating import Patience
from adapters.databases.postgres import PostgresTenants
from core.tenants.credentials import fresh_tenant
from core.tenants.tenants import Migration, Tenant, TenantLimits
from tests.support.postgres import ThrowawayPostgres

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]


def real_tenants(server: ThrowawayPostgres, *, dsn: str | None = None, patience: Patience | None = None) -> PostgresTenants:
    return PostgresTenants(
        dsn or server.admin_dsn,
        socket_dir=server.socket_dir,
        public_host="127.0.0.1",
        public_port=server.port,
        pg_bin=server.bin,
        patience=patience,
    )


@asynccontextmanager
async def living_tenant(tenants: PostgresTenants, *migrations: str, limits: TenantLimits | None = None) -> AsyncIterator[Tenant]:
    """A tenant with these migrations (001.sql, 002.sql, …), dropped at the end."""
    tenant = fresh_tenant(limits)
    await tenants.create(tenant)
    try:
        if migrations:
            await tenants.migrate(tenant, files(*migrations))
        yield tenant
    finally:
        await tenants.drop(tenant)


def files(*migrations: str) -> list[Migration]:
    return [Migration(name=f"{number:03}.sql", sql=sql) for number, sql in enumerate(migrations, start=1)]


@asynccontextmanager
async def login(
    server: ThrowawayPostgres, tenant: Tenant, *, migrator: bool = False, database: str | None = None
) -> AsyncIterator[Connection]:
    """A session as the app's role, or as the migrator's."""
    role = tenant.migrator_role if migrator else tenant.app_role
    password = tenant.migrator_password if migrator else tenant.app_password
    url = server.url(role, password.get_secret_value(), database or tenant.database)
    session: Connection = await asyncpg.connect(url, statement_cache_size=0)
    try:
        yield session
    finally:
        session.terminate()
