"""A real Postgres and a worker that died at any point: the same call again ends as if nothing had happened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from adapters.databases import rights
from adapters.databases.migrating import digest
from adapters.databases.postgres import PostgresTenants
from core.errors import MissingPart, NotFound, OperatorError, TemporaryError
from core.tenants.credentials import fresh_tenant
from core.tenants.tenants import Tenant
from tests.support.postgres import ThrowawayPostgres, free_port, throwaway_postgres
from tests.support.tenants import files, living_tenant, login, real_tenants

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

NOTE = "CREATE TABLE note (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text);"


@pytest.fixture(scope="module")
def postgres() -> Iterator[ThrowawayPostgres]:
    with throwaway_postgres() as server:
        yield server


@pytest.fixture(scope="module")
async def tenants(postgres: ThrowawayPostgres) -> AsyncIterator[PostgresTenants]:
    real = real_tenants(postgres)
    yield real
    await real.close()


@pytest.fixture(scope="module")
async def admin(postgres: ThrowawayPostgres) -> AsyncIterator[Connection]:
    connection: Connection = await asyncpg.connect(postgres.admin_dsn)
    yield connection
    await connection.close()


async def works(tenants: PostgresTenants, postgres: ThrowawayPostgres, tenant: Tenant) -> None:
    """Everything is right about it."""
    await tenants.migrate(tenant, files(NOTE))
    async with login(postgres, tenant) as app:
        await app.execute("INSERT INTO note (body) VALUES ('works')")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("CREATE TABLE mine (id int)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("SELECT lo_create(0)")
        assert await app.fetchval("SELECT has_database_privilege('public', current_database(), 'CONNECT')") is False
        assert await app.fetchval("SHOW search_path") == "public, extensions"


HALF_MADE = {
    "nothing": [],
    "one role": ["CREATE ROLE {app} LOGIN"],
    "both roles, powerful ones": ["CREATE ROLE {app} LOGIN CREATEDB CREATEROLE INHERIT", "CREATE ROLE {mig} NOLOGIN"],
    "a role that is a member of the other": ["CREATE ROLE {mig}", "CREATE ROLE {app} LOGIN IN ROLE {mig}"],
    "a closed database": ["CREATE DATABASE {db} ALLOW_CONNECTIONS false"],
    "an open and empty database": ["CREATE ROLE {app}", "CREATE ROLE {mig}", "CREATE DATABASE {db}"],
    "a database half dropped": [
        "CREATE DATABASE {db}",
        "UPDATE pg_database SET datconnlimit = -2 WHERE datname = '{db}'",
    ],
    "a restore that did not end": ["CREATE DATABASE {db}_new"],
    "a restore that had swapped": ["CREATE DATABASE {db}", "CREATE DATABASE {db}_old"],
}


@pytest.mark.parametrize("shape", HALF_MADE)
async def test_a_half_made_tenant_is_completed(
    tenants: PostgresTenants, postgres: ThrowawayPostgres, admin: Connection, shape: str
) -> None:
    tenant = fresh_tenant()
    for statement in HALF_MADE[shape]:
        await admin.execute(statement.format(db=tenant.database, app=tenant.app_role, mig=tenant.migrator_role))
    await tenants.create(tenant)
    await works(tenants, postgres, tenant)
    assert await named(admin, tenant) == {tenant.database}
    await tenants.drop(tenant)
    assert await named(admin, tenant) == set()
    assert await admin.fetchval("SELECT count(*) FROM pg_roles WHERE rolname ^@ $1", tenant.database) == 0


@pytest.mark.parametrize("shape", HALF_MADE)
async def test_a_half_made_tenant_is_dropped(tenants: PostgresTenants, admin: Connection, shape: str) -> None:
    tenant = fresh_tenant()
    for statement in HALF_MADE[shape]:
        await admin.execute(statement.format(db=tenant.database, app=tenant.app_role, mig=tenant.migrator_role))
    await tenants.drop(tenant)
    assert await named(admin, tenant) == set()
    assert await admin.fetchval("SELECT count(*) FROM pg_roles WHERE rolname ^@ $1", tenant.database) == 0


@pytest.mark.parametrize("shape", ["nothing", "a closed database", "an open and empty database"])
async def test_a_half_made_tenant_is_not_used(tenants: PostgresTenants, admin: Connection, tmp_path: Path, shape: str) -> None:
    tenant = fresh_tenant()
    for statement in HALF_MADE[shape]:
        await admin.execute(statement.format(db=tenant.database, app=tenant.app_role, mig=tenant.migrator_role))
    with pytest.raises(NotFound, match="create the tenant first"):
        await tenants.migrate(tenant, files(NOTE))
    with pytest.raises(NotFound, match="create the tenant first"):
        await tenants.snapshot(tenant, tmp_path / "x.dump")
    await tenants.drop(tenant)


@pytest.mark.parametrize("shape", HALF_MADE)
async def test_a_restore_completes_a_half_made_tenant(
    tenants: PostgresTenants, postgres: ThrowawayPostgres, admin: Connection, tmp_path: Path, shape: str
) -> None:
    async with living_tenant(tenants, NOTE) as source:
        await tenants.snapshot(source, tmp_path / "x.dump")
    tenant = fresh_tenant()
    for statement in HALF_MADE[shape]:
        await admin.execute(statement.format(db=tenant.database, app=tenant.app_role, mig=tenant.migrator_role))
    await tenants.restore(tenant, tmp_path / "x.dump")
    await works(tenants, postgres, tenant)
    assert await named(admin, tenant) == {tenant.database}
    await tenants.drop(tenant)


async def test_a_create_that_is_interrupted_anywhere_is_completed(tenants: PostgresTenants, postgres: ThrowawayPostgres) -> None:
    for moment in (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08):
        tenant = fresh_tenant()
        try:
            await asyncio.wait_for(tenants.create(tenant), moment)
        except TimeoutError:
            await tenants.create(tenant)
        await works(tenants, postgres, tenant)
        assert tenant.database in await tenants.databases()
        await tenants.drop(tenant)


async def test_a_restore_that_is_interrupted_anywhere_keeps_old_or_new(
    tenants: PostgresTenants, postgres: ThrowawayPostgres, admin: Connection, tmp_path: Path
) -> None:
    async with living_tenant(tenants, NOTE) as tenant:
        await tenants.snapshot(tenant, tmp_path / "x.dump")
        for moment in (0.001, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3):
            restored = True
            try:
                await asyncio.wait_for(tenants.restore(tenant, tmp_path / "x.dump"), moment)
            except TimeoutError:
                restored = False
            await works(tenants, postgres, tenant)
            await tenants.create(tenant)
            assert await named(admin, tenant) == {tenant.database}
            if restored:
                break


@pytest.mark.parametrize("committed", [True, False])
async def test_a_crash_between_a_migrations_commit_and_its_record_loses_and_repeats_nothing(
    tenants: PostgresTenants, postgres: ThrowawayPostgres, committed: bool
) -> None:
    [migration] = files("CREATE TABLE once (id int); INSERT INTO once VALUES (1);")
    async with living_tenant(tenants) as tenant:
        # As `migrate` does it, up to the moment in question.
        async with login(postgres, tenant, migrator=True) as worker:
            await worker.execute("BEGIN")
            transaction = await worker.fetchval("SELECT pg_current_xact_id()::text")
            await worker.execute(migration.sql)
            async with inside(postgres, tenant) as record:
                await record.execute(
                    "INSERT INTO nexus.migrations (name, digest, extensions, pending) VALUES ($1, $2, '{}', $3::text::xid8)",
                    migration.name,
                    digest(migration),
                    transaction,
                )
            if committed:
                await worker.execute("COMMIT")
            # The session of an aborted one is still open, as a killed worker's may be.
            report = await tenants.migrate(tenant, [migration])
        assert (report.applied, report.already) == (([], ["001.sql"]) if committed else (["001.sql"], []))
        async with login(postgres, tenant) as app:
            assert await app.fetchval("SELECT count(*) FROM once") == 1


async def test_migrating_twice_at_once_runs_each_file_once(tenants: PostgresTenants, postgres: ThrowawayPostgres) -> None:
    second = real_tenants(postgres)
    async with living_tenant(tenants) as tenant:
        wanted = files("CREATE TABLE one (id int)", "SELECT pg_sleep(0.1)", "CREATE TABLE two (id int)")
        reports = await asyncio.gather(*(who.migrate(tenant, wanted) for who in (tenants, second, tenants)))
        assert sorted(len(report.applied) for report in reports) == [0, 0, 3]
    await second.close()


async def test_many_tenants_are_made_at_once_by_two_workers(
    tenants: PostgresTenants, postgres: ThrowawayPostgres, admin: Connection
) -> None:
    second = real_tenants(postgres)
    await admin.execute("CREATE DATABASE newly_open")  # so that both have to close it
    made = [fresh_tenant() for _ in range(8)]
    await asyncio.gather(*(who.create(tenant) for tenant in made for who in (tenants, second)))
    assert {tenant.database for tenant in made} <= set(await tenants.databases())
    await asyncio.gather(*(who.drop(tenant) for tenant in made for who in (tenants, second)))
    assert not {tenant.database for tenant in made} & set(await tenants.databases())
    await second.close()


async def test_it_goes_on_after_its_connections_were_cut(tenants: PostgresTenants, admin: Connection) -> None:
    async with living_tenant(tenants, NOTE) as tenant:
        await admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = current_user"
        )
        try:
            usage = await tenants.usage(tenant)
        except TemporaryError:
            usage = await tenants.usage(tenant)  # at most the one call that met the cut
        assert "note" in usage.tables


async def test_a_server_that_is_away_is_a_passing_fault(postgres: ThrowawayPostgres) -> None:
    away = real_tenants(postgres, dsn=f"postgresql://postgres:x@127.0.0.1:{free_port()}/postgres")
    with pytest.raises(TemporaryError, match="does not answer"):
        await away.databases()
    await away.close()


async def test_a_wrong_admin_password_is_the_operators_matter(postgres: ThrowawayPostgres) -> None:
    wrong = real_tenants(postgres, dsn=f"postgresql://postgres:wrong@127.0.0.1:{postgres.port}/postgres")
    with pytest.raises(OperatorError, match="POSTGRES_URL"):
        await wrong.databases()
    await wrong.close()


async def test_a_server_too_old_is_said(postgres: ThrowawayPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.databases.server.OLDEST_VERSION", 99)
    old = real_tenants(postgres)
    with pytest.raises(OperatorError, match="needs 99 or later"):
        await old.databases()
    await old.close()


async def test_a_new_table_is_the_apps_from_its_commit_on(tenants: PostgresTenants, postgres: ThrowawayPostgres) -> None:
    """Also when the worker dies right after it; a frozen tenant's is not."""
    async with living_tenant(tenants) as tenant, login(postgres, tenant) as app:
        async with login(postgres, tenant, migrator=True) as worker:
            await worker.execute("CREATE TABLE one (id serial)")
        await app.execute("INSERT INTO one DEFAULT VALUES")
        await tenants.freeze(tenant, True)
        async with login(postgres, tenant, migrator=True) as worker:
            await worker.execute("CREATE TABLE two (id serial)")
        assert await app.execute("DELETE FROM two") == "DELETE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("INSERT INTO two DEFAULT VALUES")


async def test_a_missing_pg_dump_is_said(postgres: ThrowawayPostgres, tenants: PostgresTenants, tmp_path: Path) -> None:
    without = PostgresTenants(
        postgres.admin_dsn, socket_dir=None, public_host="127.0.0.1", public_port=postgres.port, pg_bin=tmp_path
    )
    async with living_tenant(tenants) as tenant:
        with pytest.raises(MissingPart, match="pg_dump"):
            await without.snapshot(tenant, tmp_path / "x.dump")
    assert [path.name for path in sorted(tmp_path.iterdir())] == []
    await without.close()


async def test_an_admin_that_is_no_superuser_works_once_the_server_is_closed(
    postgres: ThrowawayPostgres, tenants: PostgresTenants, admin: Connection, tmp_path: Path
) -> None:
    await admin.execute("CREATE ROLE modest LOGIN CREATEROLE CREATEDB PASSWORD 'm'")
    await admin.execute("CREATE DATABASE ours OWNER modest")
    await admin.execute("CREATE DATABASE theirs")
    modest = real_tenants(postgres, dsn=postgres.url("modest", "m", "ours"))
    with pytest.raises(OperatorError, match='REVOKE CONNECT ON DATABASE "theirs" FROM PUBLIC'):
        await modest.create(fresh_tenant())
    await admin.execute(rights.close_database("theirs"))

    async with living_tenant(modest, NOTE) as tenant, login(postgres, tenant) as app:
        await app.execute("INSERT INTO note (body) VALUES ('kept')")
        await modest.create(tenant)
        await modest.snapshot(tenant, tmp_path / "x.dump")
        await modest.freeze(tenant, True)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("INSERT INTO note (body) VALUES ('x')")
        await modest.restore(tenant, tmp_path / "x.dump")
        report = await modest.migrate(tenant, files(NOTE, "CREATE EXTENSION citext; ALTER TABLE note ADD tag citext"))
        assert report.applied == ["002.sql"]
        async with login(postgres, tenant) as again:
            assert await again.fetchval("SELECT body FROM note") == "kept"
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await again.execute("INSERT INTO note (body) VALUES ('x')")
    await modest.close()


async def named(admin: Connection, tenant: Tenant) -> set[str]:
    rows = await admin.fetch("SELECT datname FROM pg_database WHERE datname ^@ $1", tenant.database)
    return {row["datname"] for row in rows}


def inside(postgres: ThrowawayPostgres, tenant: Tenant) -> asyncpg.Pool[asyncpg.Record]:
    return asyncpg.create_pool(postgres.url("postgres", postgres.password, tenant.database), min_size=1, max_size=1)
