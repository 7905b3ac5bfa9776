"""The walls of this machine, each kind that must work here, and a way to attack from inside."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.sandboxes.confined import ConfinedSandbox
from adapters.sandboxes.confinement import Confinement
from adapters.sandboxes.detect import detect
from core.errors import MissingPart
from core.verification.sandbox import Command, Outcome

PYTHON = os.path.realpath(sys.executable)

Attack = Callable[..., Awaitable[Outcome]]


@pytest.fixture(scope="session", params=["bubblewrap", "restricted"])
async def confinement(request: pytest.FixtureRequest) -> Confinement:
    try:
        return await detect(forced=request.param)
    except MissingPart as error:
        if request.param == "restricted" or os.environ.get("CI"):
            raise
        pytest.skip(f"no namespaces can be made here: {error}")


@pytest.fixture
def sandbox(confinement: Confinement) -> ConfinedSandbox:
    return ConfinedSandbox(confinement)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Not pytest's: another pytest that starts meanwhile closes its base folder to the sandbox's users."""
    folder = Path(tempfile.mkdtemp(prefix="nx"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def attack(sandbox: ConfinedSandbox, workdir: Path) -> Attack:
    """Run Python code inside; keywords are those of `Command`."""

    async def run(code: str, *words: str, **options: Any) -> Outcome:
        return await sandbox.run(Command(argv=(PYTHON, "-c", code, *words), workdir=workdir, **options))

    return run
