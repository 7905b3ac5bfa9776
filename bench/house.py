"""A Nexus of its own for a benchmark: its own data folder and port, its own process, nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """A port that the operating system says is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def nexus(data: Path, port: int) -> AsyncIterator[tuple[float, psutil.Process]]:
    """A running Nexus; yields the seconds until it was ready, and its process."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "up", "--data", str(data), "--port", str(port),
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        while b"Sign in" not in (line := await process.stdout.readline()):
            if not line:
                raise SystemExit("Nexus did not start")
        yield time.perf_counter() - began, psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        await process.communicate()
