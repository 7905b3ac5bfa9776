"""Data folders on short paths that other users can enter, and a way to run a piece of Nexus that can be killed."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from bot.platform import parts
from bot.platform.data_folder import DataFolder

ROOT = Path(__file__).parents[3]


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty folder, removed afterwards; pytest's own lie below a private one."""
    folder = Path(tempfile.mkdtemp(prefix="nexus-t-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def data(place: Path) -> Iterator[DataFolder]:
    folder = DataFolder.open(place / "d", shared=place / "shared")
    yield folder
    folder.remove()


@pytest.fixture
def bin_folder() -> Path:
    return parts.postgres().path.parent


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def eventually(true: Callable[[], bool] | Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    """Wait until a condition holds."""
    until = time.monotonic() + seconds
    while True:
        answer = true()
        if answer if isinstance(answer, bool) else await answer:
            return
        assert time.monotonic() < until, "it did not come true in time"
        await asyncio.sleep(0.01)


@pytest.fixture(name="eventually")
def _eventually() -> Callable[..., Awaitable[None]]:
    return eventually


def processes_of(folder: Path) -> list[psutil.Process]:
    """The processes whose command line names the folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if any(str(folder) in word for word in words) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


@pytest.fixture(name="processes_of")
def _processes_of() -> Callable[[Path], list[psutil.Process]]:
    return processes_of


@pytest.fixture
def killed() -> Callable[[str, str], None]:
    """Run ``code`` with the argument in another Python, and kill -9 it when it has said that it is ready."""

    def run(code: str, argument: str) -> None:
        process = subprocess.Popen(
            [sys.executable, "-c", code, argument],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        with process:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "ready"
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL

    return run
