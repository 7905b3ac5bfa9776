"""A database of an earlier Nexus is brought up to date with everything in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.engine import Connection

from core.ledger.ledger import Ledger
from core.ledger.migrations import config, migrate
from core.ledger.tables import Approval, Thread, now
from core.people import settings_of
from tests.support.ledger import dsn_of, execute
from tests.support.postgres import ThrowawayPostgres

#: What there was before chat platforms: an app with a thread, and a question about its build.
BEFORE: dict[str, dict[str, Any]] = {
    "workspaces": {"id": "w", "platform": "local", "external_id": "local", "settings": {"approvers": "requester"}},
    "principals": {"id": "p", "workspace_id": "w", "platform": "local", "external_id": "you", "name": "You", "role": "owner"},
    "apps": {"id": "a", "workspace_id": "w", "owner_id": "p", "slug": "shop"},
    "threads": {"id": "t", "workspace_id": "w", "platform": "web", "channel": "p", "thread": "t", "app_id": "a", "presented": 1},
    "events": {"app_id": "a", "seq": 1, "fact": {"kind": "said", "by": "You", "text": "a shop"}},
    "builds": {"id": "b", "app_id": "a", "number": 1, "requested_by": "p", "state": "ready"},
    "approvals": {"id": "ap", "app_id": "a", "build_id": "b", "digest": "sha256:1", "state": "pending"},
}
EMPTY = {sa.Boolean: False, sa.Integer: 0, sa.BigInteger: 0, sa.DateTime: now()}


def whole(table: sa.Table, given: dict[str, Any]) -> dict[str, Any]:
    """A row with something in every column that wants something."""
    wanted = [c for c in table.columns if not c.nullable and c.server_default is None and c.identity is None]
    fill = {c.name: next((v for kind, v in EMPTY.items() if isinstance(c.type, kind)), "") for c in wanted}
    json = {c.name: {} for c in wanted if isinstance(c.type, sa.JSON)}
    return {**fill, **json, **given}


@pytest.fixture
async def older(postgres: ThrowawayPostgres) -> AsyncIterator[Ledger]:
    """A ledger as the version before chat platforms left it."""
    await execute(postgres, "CREATE DATABASE older")
    made = Ledger(dsn_of(postgres, "older"))

    def fill(connection: Connection) -> None:
        alembic = config()
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, "0003")
        known = sa.MetaData()
        known.reflect(connection)
        for name, row in BEFORE.items():
            connection.execute(known.tables[name].insert().values(whole(known.tables[name], row)))

    async with made.engine.begin() as connection:
        await connection.run_sync(fill)
    yield made
    await made.close()
    await execute(postgres, "DROP DATABASE older WITH (FORCE)")


async def test_everything_stays_when_chat_platforms_come(older: Ledger) -> None:
    await migrate(older.engine)
    async with older.reading() as session:
        counts = {name: await session.scalar(sa.text(f"SELECT count(*) FROM {name}")) for name in BEFORE}
        thread = await session.get(Thread, "t")
        approval = await session.get(Approval, "ap")
        settings = await settings_of(session, "w")
    assert dict.fromkeys(BEFORE, 1) == counts
    assert thread is not None
    assert (True, "", "web", 1) == (thread.opened, thread.opened_for, thread.platform, thread.presented)
    assert approval is not None
    assert (False, None, "pending") == (approval.destructive, approval.first_by, approval.state)
    assert ("requester", False) == (settings.approvers, settings.second_person)
    assert ["said"] == [event.fact.kind for event in await older.events()]
