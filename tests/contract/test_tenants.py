"""The contract of `core.tenants.tenants.Tenants`, on the fake and on a real Postgres."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.databases.postgres import PostgresTenants
from core.errors import AppError, MigrationFailed, NotFound
from core.tenants.credentials import fresh_tenant
from core.tenants.fake_tenants import FakeTenants
from core.tenants.tenants import Migration, Tenant, TenantLimits, Tenants
from tests.support.postgres import ThrowawayPostgres, throwaway_postgres

TODO = Migration(name="001_todo.sql", sql="CREATE TABLE todo (id int PRIMARY KEY, title text NOT NULL);\n")
TAG = Migration(name="002_tag.sql", sql="-- tags; of todos\nCREATE TABLE tag (id int PRIMARY KEY);\n")


@pytest.fixture(scope="module")
def postgres() -> Iterator[ThrowawayPostgres]:
    with throwaway_postgres() as server:
        yield server


@pytest.fixture(params=["fake", "postgres"])
async def tenants(request: pytest.FixtureRequest) -> AsyncIterator[Tenants]:
    if request.param == "fake":
        yield FakeTenants()
        return
    server: ThrowawayPostgres = request.getfixturevalue("postgres")
    real = PostgresTenants(
        server.admin_dsn,
        socket_dir=server.socket_dir,
        public_host="127.0.0.1",
        public_port=server.port,
        pg_bin=server.bin,
    )
    yield real
    await real.close()


@pytest.fixture
async def tenant(tenants: Tenants) -> AsyncIterator[Tenant]:
    async with living(tenants) as made:
        yield made


@asynccontextmanager
async def living(tenants: Tenants) -> AsyncIterator[Tenant]:
    made = fresh_tenant()
    await tenants.create(made)
    yield made
    await tenants.drop(made)


async def tables(tenants: Tenants, tenant: Tenant) -> set[str]:
    usage = await tenants.usage(tenant)
    assert usage is not None
    return set(usage.tables)


async def test_a_tenant_is_there_from_create_to_drop(tenants: Tenants) -> None:
    tenant = fresh_tenant()
    assert await tenants.usage(tenant) is None

    await tenants.create(tenant)
    assert tenant.database in await tenants.databases()
    usage = await tenants.usage(tenant)
    assert usage is not None
    assert (usage.connections, usage.frozen, dict(usage.tables)) == (0, False, {})
    assert 0 < usage.size_mb < 20

    await tenants.drop(tenant)
    assert tenant.database not in await tenants.databases()
    assert await tenants.usage(tenant) is None


async def test_creating_again_keeps_what_is_there(tenants: Tenants, tenant: Tenant) -> None:
    await tenants.migrate(tenant, [TODO])
    await tenants.create(tenant)
    assert await tables(tenants, tenant) == {"todo"}


async def test_creating_the_same_tenant_many_times_at_once_makes_one(tenants: Tenants) -> None:
    tenant = fresh_tenant()
    await asyncio.gather(*(tenants.create(tenant) for _ in range(6)))
    assert list(await tenants.databases()).count(tenant.database) == 1
    await tenants.drop(tenant)


async def test_dropping_twice_is_fine(tenants: Tenants) -> None:
    tenant = fresh_tenant()
    await tenants.create(tenant)
    await tenants.drop(tenant)
    await tenants.drop(tenant)
    assert await tenants.usage(tenant) is None


async def test_access_has_the_apps_credentials_and_not_the_migrators(tenants: Tenants) -> None:
    tenant = fresh_tenant()
    access = tenants.access(tenant)
    for url in (access.url.get_secret_value(), access.public_url.get_secret_value()):
        assert url.startswith(f"postgresql://{tenant.app_role}:{tenant.app_password.get_secret_value()}@")
        assert tenant.database in url
        assert tenant.migrator_password.get_secret_value() not in url
    assert f"{access.host}:{access.port}/" in access.public_url.get_secret_value()
    assert tenant.app_password.get_secret_value() not in repr(access)


async def test_migrations_run_once_in_the_order_of_their_names(tenants: Tenants, tenant: Tenant) -> None:
    first = await tenants.migrate(tenant, [TAG, TODO])
    assert (first.applied, first.already) == (["001_todo.sql", "002_tag.sql"], [])
    again = await tenants.migrate(tenant, [TODO, TAG])
    assert (again.applied, again.already) == ([], ["001_todo.sql", "002_tag.sql"])
    assert await tables(tenants, tenant) == {"todo", "tag"}


async def test_only_what_is_new_runs(tenants: Tenants, tenant: Tenant) -> None:
    await tenants.migrate(tenant, [TODO])
    report = await tenants.migrate(tenant, [TODO, TAG])
    assert (report.applied, report.already) == (["002_tag.sql"], ["001_todo.sql"])


async def test_older_code_with_fewer_migrations_is_fine(tenants: Tenants, tenant: Tenant) -> None:
    await tenants.migrate(tenant, [TODO, TAG])
    report = await tenants.migrate(tenant, [TODO])
    assert (report.applied, report.already) == ([], ["001_todo.sql"])


async def test_a_failing_file_names_file_and_line_and_leaves_nothing_of_itself(tenants: Tenants, tenant: Tenant) -> None:
    bad = Migration(name="002_bad.sql", sql="CREATE TABLE half (id int);\n\n\nCREAT TABLE whole (id int);\n")
    with pytest.raises(MigrationFailed) as failed:
        await tenants.migrate(tenant, [TODO, bad])
    assert failed.value.message.startswith('002_bad.sql, line 4: syntax error at or near "CREAT"')
    assert 'ERROR:  syntax error at or near "CREAT"' in failed.value.log_tail
    assert "LINE 4: CREAT TABLE whole (id int)" in failed.value.log_tail
    assert await tables(tenants, tenant) == {"todo"}

    mended = Migration(name="002_bad.sql", sql="CREATE TABLE half (id int);\nCREATE TABLE whole (id int);\n")
    report = await tenants.migrate(tenant, [TODO, mended])
    assert (report.applied, report.already) == (["002_bad.sql"], ["001_todo.sql"])


async def test_an_edited_file_that_ran_is_refused_before_anything_runs(tenants: Tenants, tenant: Tenant) -> None:
    await tenants.migrate(tenant, [TODO])
    edited = Migration(name=TODO.name, sql=TODO.sql.replace("title", "name"))
    with pytest.raises(MigrationFailed, match=r"^001_todo\.sql was edited after it ran"):
        await tenants.migrate(tenant, [edited, TAG])
    assert await tables(tenants, tenant) == {"todo"}


async def test_other_line_ends_are_no_edit(tenants: Tenants, tenant: Tenant) -> None:
    await tenants.migrate(tenant, [TODO])
    same = Migration(name=TODO.name, sql=TODO.sql.replace("\n", "\r\n"))
    assert (await tenants.migrate(tenant, [same])).already == ["001_todo.sql"]


async def test_a_file_may_not_end_its_transaction(tenants: Tenants, tenant: Tenant) -> None:
    bad = Migration(name="001.sql", sql="CREATE TABLE a (id int);\nCOMMIT;\nCREATE TABLE b (id int);")
    with pytest.raises(MigrationFailed, match=r"^001\.sql, line 2: .*remove COMMIT"):
        await tenants.migrate(tenant, [bad])
    assert await tables(tenants, tenant) == set()


async def test_restoring_takes_back_tables_and_the_record_of_migrations(tenants: Tenants, tenant: Tenant, tmp_path: Path) -> None:
    await tenants.migrate(tenant, [TODO])
    target = tmp_path / "before.dump"
    size = await tenants.snapshot(tenant, target)
    assert size == target.stat().st_size > 0
    await tenants.migrate(tenant, [TODO, TAG])

    await tenants.restore(tenant, target)
    assert await tables(tenants, tenant) == {"todo"}
    report = await tenants.migrate(tenant, [TODO, TAG])
    assert (report.applied, report.already) == (["002_tag.sql"], ["001_todo.sql"])


async def test_a_dropped_tenant_comes_back_from_its_snapshot(tenants: Tenants, tenant: Tenant, tmp_path: Path) -> None:
    await tenants.migrate(tenant, [TODO])
    await tenants.snapshot(tenant, tmp_path / "last.dump")
    await tenants.drop(tenant)
    await tenants.restore(tenant, tmp_path / "last.dump")
    assert await tables(tenants, tenant) == {"todo"}


async def test_a_snapshot_replaces_an_older_one_and_leaves_no_other_file(
    tenants: Tenants, tenant: Tenant, tmp_path: Path
) -> None:
    target = tmp_path / "deep.folder" / "one.dump"
    await tenants.snapshot(tenant, target)
    await tenants.migrate(tenant, [TODO])
    await tenants.snapshot(tenant, target)
    assert os.listdir(target.parent) == ["one.dump"]
    await tenants.restore(tenant, target)
    assert await tables(tenants, tenant) == {"todo"}


async def test_a_broken_snapshot_changes_nothing(tenants: Tenants, tenant: Tenant, tmp_path: Path) -> None:
    await tenants.migrate(tenant, [TODO])
    (tmp_path / "broken.dump").write_bytes(b"PGDMP\x01 this is none")
    with pytest.raises(AppError, match="the data are as they were") as failed:
        await tenants.restore(tenant, tmp_path / "broken.dump")
    assert failed.value.log_tail
    assert await tables(tenants, tenant) == {"todo"}
    assert [name for name in await tenants.databases() if name.startswith(tenant.database)] == [tenant.database]


async def test_a_missing_snapshot_is_not_found(tenants: Tenants, tenant: Tenant, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"gone\.dump"):
        await tenants.restore(tenant, tmp_path / "gone.dump")


async def test_what_is_not_there_is_not_found(tenants: Tenants, tmp_path: Path) -> None:
    nobody = fresh_tenant()
    for doing in (
        tenants.migrate(nobody, [TODO]),
        tenants.snapshot(nobody, tmp_path / "x.dump"),
        tenants.freeze(nobody, True),
    ):
        with pytest.raises(NotFound, match="create the tenant first"):
            await doing
    assert os.listdir(tmp_path) == []


async def test_frozen_stays_frozen_through_migrations_restores_and_creates(
    tenants: Tenants, tenant: Tenant, tmp_path: Path
) -> None:
    async def frozen() -> bool:
        usage = await tenants.usage(tenant)
        assert usage is not None
        return usage.frozen

    await tenants.snapshot(tenant, tmp_path / "unfrozen.dump")
    await tenants.freeze(tenant, True)
    await tenants.freeze(tenant, True)
    assert await frozen()
    await tenants.migrate(tenant, [TODO])
    assert await frozen()
    await tenants.restore(tenant, tmp_path / "unfrozen.dump")
    assert await frozen()
    await tenants.create(tenant)
    assert await frozen()
    await tenants.freeze(tenant, False)
    assert not await frozen()


async def test_tenants_do_not_touch_each_other(tenants: Tenants, tenant: Tenant, tmp_path: Path) -> None:
    async with living(tenants) as other:
        await tenants.migrate(tenant, [TODO])
        await tenants.migrate(other, [TAG])
        await tenants.freeze(other, True)
        await tenants.snapshot(tenant, tmp_path / "one.dump")
        await tenants.restore(tenant, tmp_path / "one.dump")
        assert await tables(tenants, tenant) == {"todo"}
        assert await tables(tenants, other) == {"tag"}
        usage = await tenants.usage(tenant)
        assert usage is not None
        assert not usage.frozen


async def test_nothing_is_ended_when_nothing_is_overlong(tenants: Tenants, tenant: Tenant) -> None:
    assert await tenants.end_overlong(TenantLimits()) == 0
