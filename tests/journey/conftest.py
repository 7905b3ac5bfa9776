"""The real product, started once for all journeys; those that kill something get instances of their own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.support.nexus import Nexus, User, new_nexus
from tests.support.writing_house import house as house


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "builds: the test begins builds, and says so")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def nexus() -> AsyncIterator[Nexus]:
    """A running Nexus. At the end it is stopped by SIGTERM: no process of it is left, and its log tells of no fault."""
    made = new_nexus()
    try:
        yield await made.up()
        await made.down()
        assert made.faults() == [], json.dumps(made.faults(), indent=1)
    finally:
        await made.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def warm(nexus: Nexus) -> Nexus:
    """The same, with the packages of both frameworks in its cache."""
    alice = nexus.user("warmer")
    for framework in ("express", "fastapi"):
        await alice.generate("notes", framework)
    return nexus


@pytest.fixture(scope="session")
def alice(nexus: Nexus) -> User:
    return nexus.user("alice")


@pytest.fixture(scope="session")
def bob(nexus: Nexus) -> User:
    return nexus.user("bob")


@pytest.fixture(scope="session")
def owner(nexus: Nexus) -> User:
    """The person who runs this Nexus."""
    return nexus.user("you")


@pytest_asyncio.fixture
async def another(warm: Nexus) -> AsyncIterator[Callable[..., Awaitable[Nexus]]]:
    """Make instances of one's own: ``await another()``. They begin with what the shared one has installed and cached."""
    made: list[Nexus] = []

    async def make(**env: str) -> Nexus:
        made.append(new_nexus(like=warm, **env))
        return made[-1]

    yield make
    for one in made:
        await one.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def todos(warm: Nexus, alice: User) -> dict[str, Any]:
    """Alice's live Express app, ``todos["app"]``, with what its generation and its deployment answered."""
    generated = await alice.generate("a todo app with due dates", "express", app_name="shared-todos")
    return {**generated, "deployed": await alice.deploy(generated)}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def books(warm: Nexus, alice: User) -> dict[str, Any]:
    """Alice's live FastAPI app."""
    generated = await alice.generate("books: title, author, pages, read", "fastapi", app_name="shared-books")
    return {**generated, "deployed": await alice.deploy(generated)}
