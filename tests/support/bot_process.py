"""A process of ``nexus bot`` beside a Nexus, as journeys and benches start one. The Nexus's environment says which chats it serves."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field

import psutil

from tests.support.nexus import DOWN_SECONDS, Nexus


@dataclass(slots=True, kw_only=True)
class Bot:
    """A process of ``nexus bot`` beside a Nexus."""

    nexus: Nexus
    process: asyncio.subprocess.Process
    reader: asyncio.Task[None]
    printed: list[str] = field(default_factory=list)

    @classmethod
    async def begin(cls, nexus: Nexus, *more: str, **env: str) -> Bot:
        """Start one; it is there when the chat platform has its connection."""
        process = await nexus.spawn("bot", "--data", str(nexus.data), *more, **env)
        printed: list[str] = []
        return cls(nexus=nexus, process=process, reader=asyncio.create_task(_read(process, printed)), printed=printed)

    @property
    def said(self) -> str:
        return "".join(self.printed)

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    async def killed(self) -> None:
        """``kill -9``."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self._gone()

    @contextlib.contextmanager
    def sleeping(self) -> Iterator[None]:
        """It hears everything a while later, as on a machine that is busy with other things."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    async def down(self) -> None:
        """SIGTERM, as an init would send it; it must end well."""
        self.process.send_signal(signal.SIGTERM)
        await self._gone()
        assert 0 == self.process.returncode, self.said

    async def _gone(self) -> None:
        async with asyncio.timeout(DOWN_SECONDS):
            await self.process.wait()
        await self.reader
        self.process._transport.close()  # type: ignore[attr-defined]

    def has(self, port: int) -> bool:
        """Whether a connection from this port is its own."""
        return any(c.laddr and c.laddr.port == port for c in psutil.Process(self.process.pid).net_connections("tcp"))


async def _read(process: asyncio.subprocess.Process, printed: list[str]) -> None:
    """What it says, on both streams."""

    async def one(stream: asyncio.StreamReader | None) -> None:
        assert stream is not None
        while piece := await stream.read(65536):
            printed.append(piece.decode(errors="replace"))

    await asyncio.gather(*(one(stream) for stream in (process.stdout, process.stderr) if stream is not None))
