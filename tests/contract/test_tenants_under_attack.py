"""Attacks on a real Postgres, as the app's role and by hostile migrations: what `Tenants` promises has to hold."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from adapters.databases.migrating import Patience
from adapters.databases.postgres import PostgresTenants
from core.errors import InvalidInput, MigrationFailed
from core.tenants.tenants import Tenant, TenantLimits
from tests.support.postgres import ThrowawayPostgres, throwaway_postgres
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
    real = real_tenants(postgres, patience=Patience(file_seconds=5, lock_seconds=0.2, watch_seconds=0.1))
    yield real
    await real.close()


@pytest.fixture(scope="module")
async def admin(postgres: ThrowawayPostgres) -> AsyncIterator[Connection]:
    connection: Connection = await asyncpg.connect(postgres.admin_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def tenant(tenants: PostgresTenants) -> AsyncIterator[Tenant]:
    async with living_tenant(tenants, NOTE) as made:
        yield made


@pytest.fixture(scope="module")
async def victim(tenants: PostgresTenants) -> AsyncIterator[Tenant]:
    """One tenant for the many attacks that must leave nothing."""
    async with living_tenant(tenants, NOTE) as made:
        yield made


@pytest.fixture(scope="module")
async def victim_app(postgres: ThrowawayPostgres, victim: Tenant) -> AsyncIterator[Connection]:
    async with login(postgres, victim) as session:
        yield session


@pytest.fixture(scope="module")
async def other(tenants: PostgresTenants) -> AsyncIterator[Tenant]:
    async with living_tenant(tenants, "CREATE TABLE secret (word text);") as made:
        yield made


@pytest.fixture
async def app(postgres: ThrowawayPostgres, tenant: Tenant) -> AsyncIterator[Connection]:
    async with login(postgres, tenant) as session:
        yield session


async def test_an_honest_app_reads_and_writes(app: Connection) -> None:
    await app.execute("INSERT INTO note (body) VALUES ('one'), ('two')")
    await app.execute("UPDATE note SET body = 'three' WHERE id = 2")
    await app.execute("DELETE FROM note WHERE id = 1")
    assert [tuple(row) for row in await app.fetch("SELECT * FROM note")] == [(2, "three")]


# Other databases


@pytest.mark.parametrize("migrator", [False, True])
@pytest.mark.parametrize("database", ["postgres", "template1", "template0", "of another", "of the operator"])
async def test_no_role_of_a_tenant_connects_to_another_database(
    postgres: ThrowawayPostgres,
    admin: Connection,
    victim: Tenant,
    other: Tenant,
    tenants: PostgresTenants,
    database: str,
    migrator: bool,
) -> None:
    names = {"of another": other.database, "of the operator": "ledger"}
    if database == "of the operator" and not await admin.fetchval("SELECT true FROM pg_database WHERE datname = 'ledger'"):
        await admin.execute("CREATE DATABASE ledger")  # open to everybody, as Postgres makes them
        await tenants.create(victim)
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ObjectNotInPrerequisiteStateError)):
        async with login(postgres, victim, migrator=migrator, database=names.get(database, database)):
            pass


async def test_closing_the_servers_databases_keeps_the_operators_other_roles_in(
    postgres: ThrowawayPostgres, admin: Connection, tenants: PostgresTenants, tenant: Tenant
) -> None:
    await admin.execute("CREATE ROLE reporting LOGIN PASSWORD 'r'")
    await admin.execute("CREATE DATABASE shop")
    await tenants.create(tenant)
    session = await asyncpg.connect(postgres.url("reporting", "r", "shop"))
    assert await session.fetchval("SELECT current_user") == "reporting"
    await session.close()


async def test_another_tenants_tables_cannot_be_named(app: Connection, other: Tenant) -> None:
    with pytest.raises(asyncpg.FeatureNotSupportedError):
        await app.fetch(f"SELECT * FROM {other.database}.public.secret")
    listed = await app.fetch("SELECT relname FROM pg_class WHERE relname = 'secret'")
    assert listed == []


async def test_notifications_do_not_cross_databases(postgres: ThrowawayPostgres, app: Connection, other: Tenant) -> None:
    heard: list[object] = []

    def hear(*message: object) -> None:
        heard.append(message[3])

    await app.add_listener("channel", hear)
    async with login(postgres, other) as neighbour:
        await neighbour.execute("NOTIFY channel, 'from outside'")
    await app.execute("NOTIFY channel, 'from inside'")
    async with asyncio.timeout(5):
        while not heard:
            await app.fetchval("SELECT 1")
    await app.remove_listener("channel", hear)
    assert heard == ["from inside"]


async def test_what_other_sessions_do_is_hidden(postgres: ThrowawayPostgres, app: Connection, other: Tenant) -> None:
    async with login(postgres, other) as neighbour:
        await neighbour.fetchval("SELECT 'the neighbour asks'")
        queries = [row["query"] for row in await app.fetch("SELECT query FROM pg_stat_activity WHERE usename <> current_user")]
    assert queries
    assert not any("neighbour" in (query or "") for query in queries)


# Rights


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE TEMP TABLE mine (id int)",
        "CREATE VIEW mine AS SELECT 1",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA mine",
        "CREATE TYPE mine AS ENUM ('a')",
        "CREATE INDEX ON note (body)",
        "CREATE EXTENSION pg_trgm",
        "CREATE EXTENSION dblink",
        "CREATE EXTENSION postgres_fdw",
        "CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION f()",
        "CREATE DATABASE mine",
        "CREATE ROLE mine",
        "CREATE PUBLICATION mine FOR ALL TABLES",
        "ALTER TABLE note ADD COLUMN extra text",
        "DROP TABLE note",
        "TRUNCATE note",
        "CREATE TRIGGER mine BEFORE INSERT ON note EXECUTE FUNCTION f()",
        "COMMENT ON TABLE note IS 'mine'",
        "ALTER DATABASE {database} CONNECTION LIMIT 1000",
        "ALTER DATABASE {database} SET statement_timeout = 0",
        "ALTER DATABASE {database} RENAME TO mine",
        "DROP DATABASE {database}",
        "ALTER ROLE {app} CONNECTION LIMIT 1000",
        "ALTER ROLE {app} CREATEDB",
        "ALTER ROLE {app} SUPERUSER",
        "ALTER ROLE {app} SET temp_file_limit = -1",
        "ALTER ROLE {app} SET log_min_messages = debug5",
        "ALTER ROLE {migrator} PASSWORD 'known'",
        "SET temp_file_limit = -1",
        "SET ROLE {migrator}",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION postgres",
        "GRANT {migrator} TO {app}",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {migrator} GRANT ALL ON TABLES TO {app}",
        "COPY note TO '/tmp/nexus-attack'",
        "COPY note FROM '/etc/passwd'",
        "COPY note FROM PROGRAM 'id'",
        "COPY note TO PROGRAM 'cat'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_read_binary_file('PG_VERSION')",
        "SELECT pg_ls_dir('.')",
        "SELECT pg_stat_file('PG_VERSION')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT lo_create(0)",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT lo_creat(-1)",
        "SELECT * FROM pg_authid",
        "SELECT * FROM pg_user_mapping",
        "SELECT * FROM nexus.migrations",
        "INSERT INTO nexus.migrations VALUES ('009.sql', 'x', '{{}}')",
        "UPDATE nexus.state SET frozen = false",
        "SELECT pg_reload_conf()",
        "ALTER SYSTEM SET fsync = off",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
        "LOAD '/tmp/evil.so'",
        "SELECT pg_create_logical_replication_slot('s', 'test_decoding')",
        "DO $$ BEGIN EXECUTE 'CREATE TABLE mine (id int)'; END $$",
    ],
)
async def test_the_app_may_not(victim_app: Connection, victim: Tenant, statement: str) -> None:
    names = {"database": victim.database, "app": victim.app_role, "migrator": victim.migrator_role}
    before = await victim_app.fetchval("SELECT count(*) FROM pg_class")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await victim_app.execute(statement.format(**names))
    assert await victim_app.fetchval("SELECT count(*) FROM pg_class") == before


async def test_a_granted_right_cannot_be_passed_on_to_everybody(app: Connection, admin: Connection, tenant: Tenant) -> None:
    # Without a grant option Postgres warns and grants nothing.
    await app.execute(f"GRANT CONNECT ON DATABASE {tenant.database} TO PUBLIC")
    await app.execute("GRANT SELECT ON note TO PUBLIC")
    everybody = "has_database_privilege('public', $1, 'CONNECT')"
    assert await admin.fetchval(f"SELECT {everybody}", tenant.database) is False
    assert await app.fetchval("SELECT has_table_privilege('public', 'note', 'SELECT')") is False


# Limits


async def test_the_connection_limit_stands_on_the_role(postgres: ThrowawayPostgres, tenants: PostgresTenants) -> None:
    async with living_tenant(tenants, limits=TenantLimits(connections=3)) as tenant:
        url = postgres.url(tenant.app_role, tenant.app_password.get_secret_value(), tenant.database)
        results = await asyncio.gather(*(asyncpg.connect(url) for _ in range(12)), return_exceptions=True)
        sessions = [result for result in results if isinstance(result, asyncpg.Connection)]
        refused = [result for result in results if isinstance(result, asyncpg.TooManyConnectionsError)]
        assert (len(sessions), len(refused)) == (3, 9)
        usage = await tenants.usage(tenant)
        assert usage is not None
        assert usage.connections == 3
        for session in sessions:
            await session.close()


async def test_a_statement_that_overrides_its_timeout_is_ended_from_outside(tenants: PostgresTenants, app: Connection) -> None:
    await app.execute("SET statement_timeout = 0")
    await app.execute("ALTER ROLE CURRENT_USER SET statement_timeout = 0")
    running = asyncio.create_task(app.execute("SELECT pg_sleep(60)"))
    await ended(tenants, TenantLimits(statement_seconds=0.1, idle_in_transaction_seconds=60))
    with pytest.raises((asyncpg.AdminShutdownError, asyncpg.ConnectionDoesNotExistError)):
        await running


async def test_an_idle_transaction_is_ended_from_outside(tenants: PostgresTenants, app: Connection) -> None:
    gone = asyncio.Event()
    app.add_termination_listener(lambda _: gone.set())
    await app.execute("SET idle_in_transaction_session_timeout = 0")
    await app.execute("BEGIN")
    await app.execute("SELECT count(*) FROM note")
    await ended(tenants, TenantLimits(statement_seconds=60, idle_in_transaction_seconds=0.1))
    async with asyncio.timeout(10):
        await gone.wait()
    assert app.is_closed()


async def test_a_transaction_kept_busy_by_pings_is_ended_too(
    tenants: PostgresTenants, app: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await app.execute("BEGIN")
    limits = TenantLimits(statement_seconds=60, idle_in_transaction_seconds=60)
    assert await tenants.end_overlong(limits) == 0
    monkeypatch.setattr("adapters.databases.watchdog.TRANSACTION_FACTOR", 0)  # instead of ten times the waiting
    await app.execute("SELECT 1")
    assert await tenants.end_overlong(limits) == 1


async def test_the_watchdog_leaves_everybody_else_alone(
    tenants: PostgresTenants, admin: Connection, postgres: ThrowawayPostgres, tenant: Tenant
) -> None:
    async with login(postgres, tenant) as idle, login(postgres, tenant, migrator=True) as migrator:
        operators: Connection = await asyncpg.connect(postgres.admin_dsn)
        await operators.execute("BEGIN")
        await migrator.execute("BEGIN")
        limits = TenantLimits(statement_seconds=0.001, idle_in_transaction_seconds=0.001)
        assert await tenants.end_overlong(limits) == 0
        assert await idle.fetchval("SELECT 1") == await migrator.fetchval("SELECT 1") == 1
        assert await operators.fetchval("SELECT 1") == 1
        await operators.close()


async def test_what_a_role_changed_of_its_own_is_undone_by_create(
    tenants: PostgresTenants, postgres: ThrowawayPostgres, tenant: Tenant
) -> None:
    async with login(postgres, tenant) as app:
        await app.execute(f"ALTER ROLE CURRENT_USER IN DATABASE {tenant.database} SET search_path = nowhere")
        await app.execute("ALTER ROLE CURRENT_USER SET default_transaction_read_only = on")
        await app.execute("ALTER ROLE CURRENT_USER PASSWORD 'stolen'")
    await tenants.create(tenant)
    async with login(postgres, tenant) as app:
        await app.execute("INSERT INTO note (body) VALUES ('works')")
        assert await app.fetchval("SHOW statement_timeout") == "30s"
        assert await app.fetchval("SHOW temp_file_limit") == "512MB"


# Freezing


async def test_a_freeze_leaves_reading_and_deleting(tenants: PostgresTenants, tenant: Tenant, app: Connection) -> None:
    await app.execute("INSERT INTO note (body) VALUES ('one'), ('two')")
    await tenants.freeze(tenant, True)
    for statement in ("INSERT INTO note (body) VALUES ('x')", "UPDATE note SET body = 'x'"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(statement)
    await app.execute("DELETE FROM note WHERE id = 1")
    assert await app.fetchval("SELECT count(*) FROM note") == 1
    await tenants.freeze(tenant, False)
    await app.execute("INSERT INTO note (body) VALUES ('again')")


async def test_a_table_of_a_later_migration_is_born_frozen(tenants: PostgresTenants, tenant: Tenant, app: Connection) -> None:
    await tenants.freeze(tenant, True)
    await tenants.migrate(tenant, files(NOTE, "CREATE TABLE late (id int); INSERT INTO late VALUES (1);"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute("INSERT INTO late VALUES (2)")
    assert await app.execute("DELETE FROM late") == "DELETE 1"
    await tenants.freeze(tenant, False)
    await app.execute("INSERT INTO late VALUES (2)")


WAYS_AROUND_A_FREEZE = {
    "a grant to the app": "GRANT ALL ON note TO {app} WITH GRANT OPTION",
    "a grant of a column": "GRANT INSERT (body), UPDATE (body) ON note TO {app}",
    "a grant to everybody": "GRANT INSERT, UPDATE ON note TO PUBLIC",
    "default privileges": "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC; CREATE TABLE more (body text)",
    "a view": "CREATE VIEW more AS SELECT body FROM note; GRANT ALL ON more TO PUBLIC",
}


@pytest.mark.parametrize("way", WAYS_AROUND_A_FREEZE)
async def test_a_migration_cannot_thaw_what_is_frozen(
    tenants: PostgresTenants, tenant: Tenant, app: Connection, way: str
) -> None:
    await tenants.freeze(tenant, True)
    attack = WAYS_AROUND_A_FREEZE[way].format(app=tenant.app_role)
    await tenants.migrate(tenant, files(NOTE, attack))
    for table in ["note"] + (["more"] if "more" in attack else []):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(f"INSERT INTO {table} (body) VALUES ('x')")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(f"UPDATE {table} SET body = 'x'")


DEFERRED = """
CREATE TABLE bait (id int);
CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
    SET CONSTRAINTS ALL DEFERRED;
    IF NEW.id < 3 THEN
        INSERT INTO public.bait VALUES (NEW.id + 1);
    ELSE
        CREATE OR REPLACE FUNCTION public.backdoor(text) RETURNS void LANGUAGE sql SECURITY DEFINER
            AS 'INSERT INTO public.note (body) VALUES ($1)';
        CREATE OR REPLACE RULE backdoor AS ON DELETE TO public.bait DO INSTEAD INSERT INTO public.note (body) VALUES ('rule');
        ALTER TABLE public.note FORCE ROW LEVEL SECURITY;
    END IF;
    RETURN NULL;
END $f$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON bait DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late();
INSERT INTO bait VALUES (1);
"""


async def test_what_a_deferred_trigger_slips_in_at_commit_is_harmless(
    tenants: PostgresTenants, tenant: Tenant, app: Connection, tmp_path: Path
) -> None:
    await tenants.migrate(tenant, files(NOTE, DEFERRED))
    assert await app.fetchval("SELECT prosecdef FROM pg_proc WHERE proname = 'backdoor'") is False
    await tenants.freeze(tenant, True)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute("SELECT backdoor('x')")
    await app.execute("DELETE FROM bait")
    assert await app.fetchval("SELECT count(*) FROM note") == 0
    assert await tenants.snapshot(tenant, tmp_path / "x.dump") > 0


# Hostile migrations


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("CREATE TABLE a (id int);\n;COMMIT", r"line 2: .*remove COMMIT"),
        ("/* x */ end", r"line 1: .*remove END"),
        ("ROLLBACK", "remove ROLLBACK"),
        ("SAVEPOINT a", "remove SAVEPOINT"),
        ("PREPARE TRANSACTION 'a'", "remove PREPARE TRANSACTION"),
        ("BEGIN; SELECT 1; COMMIT; SELECT 2", "remove BEGIN"),
        ("DO $$ BEGIN COMMIT; END $$", "invalid transaction termination"),
        ("SET standard_conforming_strings = off;\nSELECT 'a\\' || '; COMMIT; CREATE TABLE b (id int); --'", "line 2: .*multiple commands"),
        ("SELECT 1;\n\\! id", r"line 2: psql's"),
        ("COPY note FROM stdin;\n1\n\\.\n", "psql's|INSERT"),
        ("COPY note TO PROGRAM 'id'", "INSERT"),
        ("CREATE EXTENSION dblink", "'dblink' is not available to apps"),
        ("CREATE EXTENSION IF NOT EXISTS \"postgres_fdw\"", "'postgres_fdw' is not available"),
        ("DO $$ BEGIN CREATE EXTENSION pg_trgm; END $$", "permission denied"),
        ("CREATE SCHEMA mine", "in the schema public"),
        ("DO $$ BEGIN CREATE SCHEMA mine; END $$", r"permission denied.*\(a migration may create"),
        ("CREATE TABLE nexus.mine (id int)", "permission denied"),
        ("CREATE TABLE extensions.mine (id int)", "permission denied"),
        ("CREATE FUNCTION pg_catalog.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT null'", "permission denied"),
        ("INSERT INTO nexus.migrations VALUES ('009.sql', 'x', '{}')", "permission denied"),
        ("DELETE FROM nexus.migrations", "permission denied"),
        ("GRANT ALL ON SCHEMA nexus TO CURRENT_USER; INSERT INTO nexus.migrations VALUES ('9', '', '{}')", "permission denied"),
        ("GRANT ALL ON nexus.migrations TO CURRENT_USER; DELETE FROM nexus.migrations", "permission denied"),
        ("CREATE TRIGGER t BEFORE INSERT ON nexus.migrations EXECUTE FUNCTION suppress_redundant_updates_trigger()", "permission denied"),
        ("UPDATE nexus.state SET frozen = false", "permission denied"),
        ("ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT ALL ON TABLES TO PUBLIC", "permission denied"),
        ("ALTER SCHEMA public OWNER TO CURRENT_USER", "must be owner"),
        ("DROP SCHEMA public CASCADE", "must be owner"),
        ("SET ROLE postgres", "permission denied"),
        ("RESET ROLE; CREATE ROLE x", "in the schema public|permission denied"),
        ("DO $$ BEGIN CREATE ROLE x SUPERUSER; END $$", "permission denied"),
        ("SET SESSION AUTHORIZATION postgres", "permission denied"),
        ("ALTER ROLE CURRENT_USER CONNECTION LIMIT 100", "permission denied"),
        ("SELECT pg_read_file('/etc/passwd')", "permission denied"),
        ("SELECT lo_import('/etc/passwd')", "permission denied"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE c AS '/lib/x86_64-linux-gnu/libc.so.6', 'system'", "permission denied"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE internal AS 'pg_read_file'", "permission denied"),
        ("CREATE FUNCTION f() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'", "line 1: SECURITY DEFINER"),
        ("DO $$ BEGIN EXECUTE 'CREATE FUNCTION f() RETURNS int SECURITY ' || 'DEFINER LANGUAGE sql AS ''SELECT 1'''; END $$",
         r"function public\.f\(\) is SECURITY DEFINER"),
        ("DO $$ BEGIN CREATE RULE r AS ON DELETE TO note DO INSTEAD INSERT INTO note (body) VALUES (''); END $$", "the rule r"),
        ("ALTER TABLE note FORCE ROW LEVEL SECURITY", "FORCE ROW LEVEL SECURITY; ENABLE is enough"),
        ("CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()", "in the schema public"),
        ("DO $$ BEGIN CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f(); END $$", "permission denied|does not exist"),
        ("CREATE INDEX CONCURRENTLY ON note (body)", "leave CONCURRENTLY"),
        ("SELECT $1", "line 1|argument"),
        ("SELECT pg_terminate_backend(pg_backend_pid())", "terminating connection|connection"),
        ("SELECT 'open", "quote does not end"),
        ("SELECT 1; /* open", "comment does not end"),
        ("SELECT '\0'", "NUL"),
        ("SELECT '\ud800'", "002.sql"),
    ],
)  # fmt: skip
async def test_a_hostile_migration_fails_and_says_why(
    tenants: PostgresTenants, postgres: ThrowawayPostgres, victim: Tenant, sql: str, reason: str
) -> None:
    with pytest.raises(MigrationFailed, match=reason) as failed:
        await tenants.migrate(victim, files(NOTE, sql))
    assert failed.value.message.startswith("002.sql")
    assert failed.value.log_tail.startswith(("ERROR:", "FATAL:"))
    async with login(postgres, victim, migrator=True) as session:
        tables = await session.fetch("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
        assert [row["relname"] for row in tables] == ["note"]
        assert await session.fetchval("SELECT array_agg(name) FROM nexus.migrations") == ["001.sql"]


async def test_a_migration_that_never_ends_is_ended(postgres: ThrowawayPostgres, tenant: Tenant, admin: Connection) -> None:
    hasty = real_tenants(postgres, patience=Patience(file_seconds=0.3))
    with pytest.raises(MigrationFailed, match=r"^002\.sql, line 2: it took longer"):
        await hasty.migrate(tenant, files(NOTE, "SET statement_timeout = 0;\nSELECT pg_sleep(100)"))
    await hasty.close()
    assert await admin.fetchval("SELECT count(*) FROM pg_stat_activity WHERE usename = $1", tenant.migrator_role) == 0


async def test_a_migration_does_not_wait_for_a_lock_even_if_it_says_so(
    postgres: ThrowawayPostgres, tenant: Tenant, app: Connection
) -> None:
    patient = real_tenants(postgres, patience=Patience(file_seconds=600, lock_seconds=0.2, watch_seconds=0.1))
    await app.execute("BEGIN")
    await app.execute("SELECT * FROM note")
    alter = "ALTER TABLE note ADD COLUMN extra int"
    for sql in (alter, f"SET lock_timeout = 0; {alter}"):
        async with asyncio.timeout(60):
            with pytest.raises(MigrationFailed, match="lock"):
                await patient.migrate(tenant, files(NOTE, sql))
    await patient.close()


async def test_a_huge_result_is_nobodys_memory(tenants: PostgresTenants, tenant: Tenant) -> None:
    report = await tenants.migrate(tenant, files(NOTE, "SELECT repeat('x', 1000) FROM generate_series(1, 100000)"))
    assert report.applied == ["002.sql"]


async def test_a_migrator_that_changed_its_password_is_let_in_again(tenants: PostgresTenants, tenant: Tenant) -> None:
    change = "ALTER ROLE CURRENT_USER PASSWORD 'mine'; ALTER ROLE CURRENT_USER SET search_path = nowhere"
    await tenants.migrate(tenant, files(NOTE, change))
    report = await tenants.migrate(tenant, files(NOTE, change, "CREATE TABLE later (id int)"))
    assert report.applied == ["003.sql"]


async def test_settings_of_one_file_do_not_reach_the_next(tenants: PostgresTenants, tenant: Tenant) -> None:
    await tenants.migrate(tenant, files(NOTE, "SET search_path = pg_catalog", "CREATE TABLE later (id int)"))
    usage = await tenants.usage(tenant)
    assert usage is not None
    assert set(usage.tables) == {"note", "later"}


async def test_restoring_runs_the_tenants_functions_without_the_admins_rights(
    tenants: PostgresTenants, tenant: Tenant, admin: Connection, tmp_path: Path
) -> None:
    attack = """
        CREATE FUNCTION evil(int) RETURNS boolean LANGUAGE plpgsql AS $f$
        BEGIN
            BEGIN EXECUTE 'RESET ROLE'; EXECUTE 'RESET SESSION AUTHORIZATION'; EXCEPTION WHEN OTHERS THEN NULL; END;
            BEGIN EXECUTE 'CREATE ROLE conqueror SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
            RETURN true;
        END $f$;
        CREATE TABLE bait (id int CHECK (public.evil(id)));
        CREATE INDEX ON bait (id);
        INSERT INTO bait VALUES (1);
    """
    await tenants.migrate(tenant, files(NOTE, attack))
    await tenants.snapshot(tenant, tmp_path / "bait.dump")
    await tenants.restore(tenant, tmp_path / "bait.dump")
    assert await admin.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = 'conqueror'") == 0
    usage = await tenants.usage(tenant)
    assert usage is not None
    assert set(usage.tables) == {"note", "bait"}


async def test_objects_that_shadow_built_in_names_do_not_mislead_the_admin(
    tenants: PostgresTenants, tenant: Tenant, admin: Connection, tmp_path: Path
) -> None:
    attack = """
        CREATE FUNCTION public.format(text, VARIADIC "any") RETURNS text LANGUAGE internal AS 'text_format';
    """
    with pytest.raises(MigrationFailed, match="permission denied"):
        await tenants.migrate(tenant, files(NOTE, attack))
    attack = """
        CREATE FUNCTION public.pg_xact_status(xid8) RETURNS text LANGUAGE sql AS $$ SELECT 'aborted' $$;
        CREATE FUNCTION public.to_regclass(text) RETURNS regclass LANGUAGE sql AS $$ SELECT NULL::regclass $$;
        CREATE TABLE public.pg_proc (prosecdef boolean, proowner oid);
        CREATE TABLE public.pg_class (relname text);
        CREATE FUNCTION public.evil(name, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
        CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = public.evil);
        ALTER ROLE CURRENT_USER SET search_path = public, pg_catalog;
    """
    await tenants.migrate(tenant, files(NOTE, attack))
    await tenants.freeze(tenant, True)
    await tenants.snapshot(tenant, tmp_path / "x.dump")
    await tenants.restore(tenant, tmp_path / "x.dump")
    report = await tenants.migrate(tenant, files(NOTE, attack))
    assert report.already == ["001.sql", "002.sql"]
    usage = await tenants.usage(tenant)
    assert usage is not None
    assert usage.frozen


@pytest.mark.parametrize("database", ["postgres", "t_x; DROP ROLE postgres", "t_0123456789abcdef\n", "T_0123456789ABCDEF"])
async def test_a_name_that_is_no_tenants_is_refused(tenants: PostgresTenants, tenant: Tenant, database: str) -> None:
    stranger = dataclasses.replace(tenant, database=database)
    for call in (tenants.create, tenants.drop, tenants.usage):
        with pytest.raises(InvalidInput, match="not a tenant's name"):
            await call(stranger)


async def ended(tenants: PostgresTenants, limits: TenantLimits) -> None:
    async with asyncio.timeout(10):
        while await tenants.end_overlong(limits) == 0:
            pass
