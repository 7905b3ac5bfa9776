"""The Nexus that a CLI command talks to: the running one of the data folder, or one started for the time.

Used by the CLI. One started for the time is a process of its own, like ``nexus up``; it is stopped at the end of the command, and its apps
and data are there again at the next start.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from bot.client import Client
from bot.platform.data_folder import DataFolder, RunningInstance
from core.errors import OperatorError

START_SECONDS = 300.0  #: the first start may install parts


@contextlib.asynccontextmanager
async def instance(data: DataFolder, *, port: int, say: Callable[[str], None]) -> AsyncIterator[Client]:
    """A client of the Nexus on this folder.

    Raises:
        OperatorError: none runs and none can be started; with what it printed.
    """
    async with contextlib.AsyncExitStack() as stack:
        found = data.running()
        if found is None:
            say("Starting a Nexus for the time")
            found = await stack.enter_async_context(_started(data, port=_free_or(port)))
        elif found.url is None:
            found = await _published(data, None)
        yield await stack.enter_async_context(Client(found.url or "", data))


@contextlib.asynccontextmanager
async def _started(data: DataFolder, *, port: int) -> AsyncIterator[RunningInstance]:
    root = Path(__file__).resolve().parent.parent
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "up", "--data", str(data.wanted), "--port", str(port), "--quiet"),
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield await _published(data, process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.communicate()


async def _published(data: DataFolder, process: asyncio.subprocess.Process | None) -> RunningInstance:
    loop = asyncio.get_running_loop()
    until = loop.time() + START_SECONDS
    while loop.time() < until:
        if process is not None and process.returncode is not None:
            assert process.stderr is not None
            raise OperatorError((await process.stderr.read()).decode(errors="replace").strip() or "Nexus could not be started.")
        found = data.running()
        if found is not None and found.url:
            return found
        await asyncio.sleep(0.05)
    raise OperatorError("Nexus did not start in time; `nexus doctor` says what may be missing.")


def _free_or(port: int) -> int:
    """The port when nobody listens on it, else 0: any free one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port
