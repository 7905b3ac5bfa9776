"""A migrated ledger for every test, on one throwaway Postgres for the whole run.

In a test folder's ``conftest.py``::

    from tests.support.ledger import ledger, migrated, postgres

Each test gets a database of its own, copied from one that was migrated once: whatever looks at everything there is (the reconciler, the
deadline tick) sees that test's rows alone.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator

import asyncpg
import pytest

from core.ledger.ledger import Ledger
from core.ledger.migrations import migrate
from tests.support.postgres import ThrowawayPostgres, throwaway_postgres

_SERVER = pytest.StashKey[ThrowawayPostgres]()
_TEMPLATE = pytest.StashKey[str]()
_numbers = itertools.count(1)


def dsn_of(server: ThrowawayPostgres, database: str) -> str:
    """The superuser in this database."""
    return server.url("postgres", server.password, database)


async def execute(server: ThrowawayPostgres, sql: str) -> None:
    """Run a statement outside of any transaction."""
    connection = await asyncpg.connect(server.admin_dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> ThrowawayPostgres:
    """The server, the same one for every folder that asks."""
    stash = request.config.stash
    if _SERVER not in stash:
        stack = contextlib.ExitStack()
        request.config.add_cleanup(stack.close)
        stash[_SERVER] = stack.enter_context(throwaway_postgres())
    return stash[_SERVER]


@pytest.fixture(scope="session")
async def migrated(request: pytest.FixtureRequest, postgres: ThrowawayPostgres) -> str:
    """The name of an empty migrated database that nobody is connected to."""
    stash = request.config.stash
    if _TEMPLATE not in stash:
        await execute(postgres, "CREATE DATABASE migrated")
        made = Ledger(dsn_of(postgres, "migrated"))
        await migrate(made.engine)
        await made.close()
        stash[_TEMPLATE] = "migrated"
    return stash[_TEMPLATE]


@pytest.fixture
async def ledger(postgres: ThrowawayPostgres, migrated: str) -> AsyncIterator[Ledger]:
    """A ledger with nothing in it."""
    name = f"ledger_{next(_numbers)}"
    await execute(postgres, f"CREATE DATABASE {name} TEMPLATE {migrated}")
    made = Ledger(dsn_of(postgres, name))
    yield made
    await made.close()
    await execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")
