"""A migrated ledger on a throwaway Postgres; one database per test session, one server per session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from core.ledger.ledger import Ledger
from core.ledger.migrations import migrate
from core.ledger.tables import App, Principal, Thread, Workspace
from tests.support.postgres import ThrowawayPostgres, throwaway_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[ThrowawayPostgres]:
    with throwaway_postgres() as server:
        yield server


@pytest.fixture(scope="session")
async def ledger(postgres: ThrowawayPostgres) -> AsyncIterator[Ledger]:
    made = Ledger(postgres.admin_dsn)
    await migrate(made.engine)
    async with made.transaction() as t:
        t.session.add(Workspace(id="w", platform="local", external_id="local", name="Local"))
        await t.session.flush()
        t.session.add(Principal(id="p", workspace_id="w", platform="local", external_id="you", name="You"))
    yield made
    await made.close()


@pytest.fixture
async def app(ledger: Ledger) -> str:
    """An app with a thread of its own; returns its id, which is also its slug and its thread's id."""
    from core.ids import new_id

    name = new_id("a").replace("_", "-")
    async with ledger.transaction() as t:
        t.session.add(App(id=name, workspace_id="w", owner_id="p", slug=name, name=name))
        await t.session.flush()
        t.session.add(
            Thread(id=name, workspace_id="w", platform="web", workspace_ref="", channel="", thread=name, app_id=name, title=name)
        )
    return name
