"""Generated apps for the contract tests: every framework, installed once, and an app of each that runs while its tests do.

Modules about something else have fixtures of their own with some of these names.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from core.frameworks.framework import Framework, Toolchain
from core.frameworks.registry import FRAMEWORKS
from tests.contract.running_app import RunningApp, database, install, migrations, started, toolchain
from tests.support.postgres import ThrowawayPostgres, throwaway_postgres
from tests.unit.models.starter.writing import written

TODOS = (
    "todos and projects. Todos have title, project, due date, notes, priority (low, medium, high), cost, contact email, "
    "website and done"
)


@pytest.fixture(scope="session")
def postgres() -> Iterator[ThrowawayPostgres]:
    with throwaway_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Short, because the paths of unix sockets are limited; removed at the end."""
    with TemporaryDirectory(prefix="nxfw", dir="/tmp") as path:
        yield Path(path)


@pytest.fixture(scope="session")
def tools(folder: Path) -> Toolchain:
    return toolchain(folder)


@pytest.fixture(scope="session", params=list(FRAMEWORKS.values()), ids=list(FRAMEWORKS))
def framework(request: pytest.FixtureRequest) -> Framework:
    found: Framework = request.param
    return found


@pytest.fixture(scope="session")
def layers() -> dict[str, Path]:
    """What was installed: a fixture with parameters is made anew for each file that a worker gets."""
    return {}


@pytest.fixture(scope="session")
def layer(framework: Framework, tools: Toolchain, folder: Path, layers: dict[str, Path]) -> Path:
    if framework.name not in layers:
        layers[framework.name] = install(framework, framework.scaffold(), tools, folder / framework.name)
    return layers[framework.name]


@pytest.fixture(scope="session")
async def todos(
    framework: Framework, tools: Toolchain, folder: Path, layer: Path, postgres: ThrowawayPostgres
) -> AsyncIterator[RunningApp]:
    """An app with a field of almost every type."""
    _, tree = await written(TODOS, framework.name)
    url = await database(postgres, migrations(tree))
    async with started(framework, tree, tools, folder, layer, url) as app:
        yield app
