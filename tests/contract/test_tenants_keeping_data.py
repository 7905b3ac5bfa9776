"""What an honest app asks of its real Postgres: every kind of migration, and its data back as they were."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from adapters.databases.postgres import SOCKET_FOLDER, PostgresTenants
from core.errors import AppError, DiskFull, MigrationFailed
from core.tenants.tenants import Tenant
from core.words.walls import Mount
from tests.support.postgres import ThrowawayPostgres, throwaway_postgres
from tests.support.tenants import files, living_tenant, login, real_tenants

EVERYTHING = """
BEGIN;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE EXTENSION "hstore" WITH SCHEMA public;

CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE DOMAIN short AS text CHECK (length(VALUE) < 10);
CREATE TABLE person (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email citext UNIQUE,
    nick short,
    mood mood DEFAULT 'good',
    facts hstore,
    born timestamptz DEFAULT now(),
    note jsonb DEFAULT '{"a;b": 1}',
    upper_nick text GENERATED ALWAYS AS (upper(nick)) STORED
);
CREATE TABLE item (
    id bigserial PRIMARY KEY,
    owner uuid REFERENCES person ON DELETE CASCADE,
    name text NOT NULL DEFAULT 'it''s; -- fine',
    changed int DEFAULT 0
);
CREATE TABLE log (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE log_2030 PARTITION OF log FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');
CREATE INDEX ON item (lower(name));
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    NEW.changed := NEW.changed + 1; -- a ; in a body
    RETURN NEW;
END;
$body$;
CREATE TRIGGER touch BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION touch();
CREATE FUNCTION total() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM item; END;
CREATE VIEW names AS SELECT name FROM item;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM item;
CREATE SEQUENCE ticket START 100;
COMMENT ON TABLE item IS 'things; many';
INSERT INTO person (email, nick, facts) VALUES ('A@x.org', 'al', 'k=>v') RETURNING id;
INSERT INTO item (owner, name) SELECT id, 'first' FROM person;
REFRESH MATERIALIZED VIEW counted; -- a restore does that, too
COMMIT;
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[ThrowawayPostgres]:
    with throwaway_postgres() as server:
        yield server


@pytest.fixture(scope="module")
async def tenants(postgres: ThrowawayPostgres) -> AsyncIterator[PostgresTenants]:
    real = real_tenants(postgres)
    yield real
    await real.close()


@pytest.fixture
async def tenant(tenants: PostgresTenants) -> AsyncIterator[Tenant]:
    async with living_tenant(tenants, EVERYTHING) as made:
        yield made


async def contents(postgres: ThrowawayPostgres, tenant: Tenant) -> dict[str, list[tuple[object, ...]]]:
    queries = (
        "SELECT * FROM person",
        "SELECT * FROM item ORDER BY id",
        "SELECT total(), (SELECT n FROM counted), obj_description('item'::regclass)",
        "SELECT name FROM names ORDER BY name",
    )
    async with login(postgres, tenant) as app:
        return {query: [tuple(row) for row in await app.fetch(query)] for query in queries}


async def test_the_app_can_use_everything_a_migration_made(postgres: ThrowawayPostgres, tenant: Tenant) -> None:
    async with login(postgres, tenant) as app:
        assert await app.fetchval("SELECT nick FROM person WHERE email = 'a@X.ORG'") == "al"
        assert await app.fetchval("SELECT facts -> 'k' FROM person") == "v"
        assert await app.fetchval("UPDATE item SET name = 'second' RETURNING changed") == 1
        assert await app.fetchval("INSERT INTO item (name) VALUES ('x') RETURNING id") == 2
        assert await app.fetchval("SELECT nextval('ticket')") == 100
        await app.execute("INSERT INTO log VALUES (1, '2030-05-05')")
        assert await app.fetchval("SELECT total()") == 2


async def test_a_restore_brings_everything_back_as_it_was(
    tenants: PostgresTenants, postgres: ThrowawayPostgres, tenant: Tenant, tmp_path: Path
) -> None:
    async with login(postgres, tenant) as app:
        assert await app.fetchval("SELECT nextval('ticket')") == 100
    before = await contents(postgres, tenant)
    await tenants.snapshot(tenant, tmp_path / "x.dump")
    async with login(postgres, tenant) as app:
        await app.execute("DELETE FROM person")
        await app.execute("INSERT INTO item (name) SELECT 'more' FROM generate_series(1, 100)")
    await tenants.migrate(tenant, files(EVERYTHING, "DROP TABLE item CASCADE; CREATE TABLE brand_new (id int)"))

    await tenants.restore(tenant, tmp_path / "x.dump")
    assert await contents(postgres, tenant) == before
    async with login(postgres, tenant) as app:
        assert await app.fetchval("SELECT nextval('ticket')") == 101
        assert await app.fetchval("INSERT INTO item (name) VALUES ('next') RETURNING id") == 2
        assert await app.fetchval("UPDATE item SET name = 'z' WHERE id = 2 RETURNING changed") == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("CREATE TABLE mine (id int)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("SELECT lo_create(0)")
        assert await app.fetchval("SELECT has_database_privilege('public', current_database(), 'CONNECT')") is False


async def test_rights_and_default_rights_are_there_after_a_restore(
    tenants: PostgresTenants, postgres: ThrowawayPostgres, tenant: Tenant, tmp_path: Path
) -> None:
    await tenants.snapshot(tenant, tmp_path / "x.dump")
    await tenants.restore(tenant, tmp_path / "x.dump")
    await tenants.migrate(tenant, files(EVERYTHING, "CREATE TABLE late (id serial, word text)"))
    async with login(postgres, tenant) as app:
        assert await app.fetchval("INSERT INTO late (word) VALUES ('x') RETURNING id") == 1
    await tenants.freeze(tenant, True)
    await tenants.restore(tenant, tmp_path / "x.dump")
    async with login(postgres, tenant) as app:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("INSERT INTO item (name) VALUES ('x')")
        assert await app.execute("DELETE FROM item") == "DELETE 1"


async def test_the_apps_old_connections_end_and_new_ones_see_the_restored_data(
    tenants: PostgresTenants, postgres: ThrowawayPostgres, tenant: Tenant, tmp_path: Path
) -> None:
    """An app that reconnects as fast as it can does not keep the restore from happening."""
    await tenants.snapshot(tenant, tmp_path / "x.dump")
    async with login(postgres, tenant) as app:
        await app.execute("INSERT INTO item (name) VALUES ('later')")
    stop = asyncio.Event()

    async def insist() -> None:
        while not stop.is_set():
            try:
                async with login(postgres, tenant) as app:
                    while not stop.is_set():
                        await app.fetchval("SELECT count(*) FROM item")
            except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
                pass

    busy = [asyncio.create_task(insist()) for _ in range(4)]
    await tenants.restore(tenant, tmp_path / "x.dump")
    stop.set()
    await asyncio.gather(*busy)
    async with login(postgres, tenant) as app:
        assert await app.fetchval("SELECT array_agg(name) FROM item") == ["first"]


async def test_a_restore_that_fails_halfway_leaves_data_and_connections(
    tenants: PostgresTenants, postgres: ThrowawayPostgres, tenant: Tenant, tmp_path: Path
) -> None:
    await tenants.snapshot(tenant, tmp_path / "x.dump")
    dump = (tmp_path / "x.dump").read_bytes()
    (tmp_path / "cut.dump").write_bytes(dump[: len(dump) * 3 // 4])
    async with login(postgres, tenant) as app:
        await app.execute("INSERT INTO item (name) VALUES ('later')")
        with pytest.raises(AppError, match="the data are as they were"):
            await tenants.restore(tenant, tmp_path / "cut.dump")
        assert await app.fetchval("SELECT count(*) FROM item") == 2


async def test_a_snapshot_that_finds_the_disk_full_keeps_the_older_one(
    tenants: PostgresTenants, postgres: ThrowawayPostgres, tenant: Tenant, tmp_path: Path
) -> None:
    target = tmp_path / "x.dump"
    await tenants.snapshot(tenant, target)
    older = target.read_bytes()
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "pg_dump"
    program.write_text('#!/bin/sh\necho "pg_dump: error: could not write: No space left on device" >&2\nexit 1\n')
    program.chmod(0o755)
    full = PostgresTenants(
        postgres.admin_dsn, socket_dir=None, public_host="127.0.0.1", public_port=postgres.port, pg_bin=program.parent
    )
    with pytest.raises(DiskFull):
        await full.snapshot(tenant, target)
    await full.close()
    assert target.read_bytes() == older
    assert sorted(os.listdir(tmp_path)) == ["bin", "x.dump"]
    assert target.stat().st_mode & 0o777 == 0o600


async def test_the_address_with_a_socket_needs_no_network(
    tenants: PostgresTenants, postgres: ThrowawayPostgres, tenant: Tenant
) -> None:
    access = tenants.access(tenant)
    assert access.mounts == (Mount(source=postgres.socket_dir, target=SOCKET_FOLDER),)
    url = access.url.get_secret_value()
    assert urlsplit(url).hostname is None
    # Here nothing is mounted: the same address, with the folder's name outside.
    session = await asyncpg.connect(url.replace(SOCKET_FOLDER, str(postgres.socket_dir)))
    assert await session.fetchval("SELECT inet_server_addr()") is None
    assert await session.fetchval("SELECT current_user::text") == tenant.app_role
    await session.close()


async def test_the_public_address_and_the_one_for_a_shared_network_are_tcp(
    tenants: PostgresTenants, postgres: ThrowawayPostgres, tenant: Tenant
) -> None:
    shared = PostgresTenants(
        postgres.tcp_dsn,
        socket_dir=postgres.socket_dir,
        public_host="127.0.0.1",
        public_port=postgres.port,
        pg_bin=postgres.bin,
        shared_network=True,
    )
    access = shared.access(tenant)
    assert access.mounts == ()
    assert access.url == access.public_url == tenants.access(tenant).public_url
    session = await asyncpg.connect(access.url.get_secret_value())
    assert await session.fetchval("SELECT inet_server_port()") == postgres.port
    await session.close()


async def test_an_admin_over_tcp_snapshots_and_restores_too(postgres: ThrowawayPostgres, tenant: Tenant, tmp_path: Path) -> None:
    remote = real_tenants(postgres, dsn=postgres.tcp_dsn.replace("postgresql://", "postgresql+asyncpg://"))
    await remote.snapshot(tenant, tmp_path / "x.dump")
    await remote.restore(tenant, tmp_path / "x.dump")
    async with login(postgres, tenant) as app:
        assert await app.fetchval("SELECT count(*) FROM item") == 1
    await remote.close()


async def test_an_error_inside_a_function_shows_where(tenants: PostgresTenants, tenant: Tenant) -> None:
    sql = "SELECT 1;\n\nDO $$\nBEGIN\n  PERFORM 1 / 0;\nEND $$;"
    with pytest.raises(MigrationFailed, match=r"^002\.sql, line 3: division by zero") as failed:
        await tenants.migrate(tenant, files(EVERYTHING, sql))
    assert "CONTEXT:  SQL" in failed.value.log_tail or "CONTEXT:  PL/pgSQL" in failed.value.log_tail


async def test_an_error_shows_the_line_that_postgres_points_at_with_its_hint(tenants: PostgresTenants, tenant: Tenant) -> None:
    sql = "-- first\nSELECT 'ä;ö',\n       /* here */ nmae\nFROM item;"
    with pytest.raises(MigrationFailed, match=r'^002\.sql, line 3: column "nmae" does not exist') as failed:
        await tenants.migrate(tenant, files(EVERYTHING, sql))
    assert 'HINT:  Perhaps you meant to reference the column "item.name".' in failed.value.log_tail
    assert "LINE 3:        /* here */ nmae" in failed.value.log_tail


async def test_a_failing_constraint_at_the_end_of_a_file_fails_it(tenants: PostgresTenants, tenant: Tenant) -> None:
    sql = (
        "CREATE TABLE child (parent bigint REFERENCES item DEFERRABLE INITIALLY DEFERRED);\n"
        "INSERT INTO child VALUES (999);\n"
        "SELECT 1;"
    )
    with pytest.raises(MigrationFailed, match=r"^002\.sql, line 3: .*violates foreign key") as failed:
        await tenants.migrate(tenant, files(EVERYTHING, sql))
    assert "DETAIL:  Key (parent)=(999)" in failed.value.log_tail


async def test_an_extension_that_the_server_lacks_is_said_with_a_way_out(
    tenants: PostgresTenants, postgres: ThrowawayPostgres, tenant: Tenant
) -> None:
    if (postgres.bin.parent / "share" / "extension" / "pgcrypto.control").exists():
        wanted = "uuid-ossp"
    else:
        wanted = "pgcrypto"
    with pytest.raises(MigrationFailed, match=r"^002\.sql, line 2: .*gen_random_uuid\(\) needs no extension"):
        await tenants.migrate(tenant, files(EVERYTHING, f'\nCREATE EXTENSION IF NOT EXISTS "{wanted}";'))


async def test_usage_counts_rows_and_connections(tenants: PostgresTenants, postgres: ThrowawayPostgres, tenant: Tenant) -> None:
    async with login(postgres, tenant) as app:
        await app.execute("INSERT INTO item (name) SELECT 'x' FROM generate_series(1, 5000)")
        await app.execute("SELECT pg_stat_force_next_flush()")
        usage = await tenants.usage(tenant)
        assert usage is not None
        assert usage.connections == 1
        assert usage.tables == {"item": 5001, "log": 0, "person": 1}


async def test_an_empty_file_and_a_file_of_comments_are_applied(tenants: PostgresTenants, tenant: Tenant) -> None:
    report = await tenants.migrate(tenant, files(EVERYTHING, "", "-- nothing yet\n", "BEGIN; COMMIT;", ";;"))
    assert report.applied == ["002.sql", "003.sql", "004.sql", "005.sql"]
