"""What `FakeTenants` offers to tests besides the port."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import MigrationFailed
from core.tenants.credentials import fresh_tenant
from core.tenants.fake_tenants import FakeTenants
from core.tenants.tenants import Migration, TenantLimits


async def test_rows_that_a_test_puts_in_come_back_with_a_restore(tmp_path: Path) -> None:
    tenants, tenant = FakeTenants(), fresh_tenant()
    await tenants.create(tenant)
    await tenants.migrate(tenant, [Migration(name="1.sql", sql="CREATE TABLE public.todo (id int);")])
    tenants.put_rows(tenant, "todo", 7)
    await tenants.snapshot(tenant, tmp_path / "x")
    tenants.put_rows(tenant, "todo", 9)
    await tenants.restore(tenant, tmp_path / "x")
    usage = await tenants.usage(tenant)
    assert usage is not None
    assert usage.tables == {"todo": 7}


async def test_overlong_sessions_are_ended_once() -> None:
    tenants = FakeTenants()
    tenants.overlong = 2
    assert [await tenants.end_overlong(TenantLimits()) for _ in range(2)] == [2, 0]


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("CREATE TABLE a (t text DEFAULT 'x; y'); -- ; CREATE TABLE b", {"a"}),
        ("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN; RETURN NEW; END; $$; CREATE TABLE b ()", {"b"}),
        ('CREATE TABLE IF NOT EXISTS "c" (id int); CREATE TABLE IF NOT EXISTS c (id int)', {"c"}),
        ("CREATE TABLE d (id int); DROP TABLE d; DROP TABLE IF EXISTS d;", set()),
    ],
)
async def test_it_sees_which_tables_a_file_makes(sql: str, tables: set[str]) -> None:
    tenants, tenant = FakeTenants(), fresh_tenant()
    await tenants.create(tenant)
    await tenants.migrate(tenant, [Migration(name="1.sql", sql=sql)])
    usage = await tenants.usage(tenant)
    assert usage is not None
    assert set(usage.tables) == tables


async def test_a_table_made_twice_fails_with_its_line() -> None:
    tenants, tenant = FakeTenants(), fresh_tenant()
    await tenants.create(tenant)
    with pytest.raises(MigrationFailed, match=r'1\.sql, line 2: relation "a" already exists'):
        await tenants.migrate(tenant, [Migration(name="1.sql", sql="CREATE TABLE a ();\nCREATE TABLE a ();")])
