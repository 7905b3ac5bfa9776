"""The connection to Discord, as whoever runs Nexus hears of it: as whom Nexus is there, when Discord is away and when it is back.

Run by the composition root, beside the rest of Nexus. What Discord refuses for good, a wrong token above all, is told with its remedy and
ends the connection and nothing else: the page and the other platforms go on. discord.py loses a connection and resumes it every few hours,
which nobody needs to hear of; what lasts longer than `GRACE` is told, once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import structlog
from discord import VoiceClient
from pydantic import SecretStr

from adapters.discord.app import NexusClient
from core.errors import OperatorError

log = structlog.get_logger(__name__)

GRACE: Final = 10.0  #: seconds without Discord before it is told
NAMED: Final = 3  #: servers that are named
AWAY: Final = "Discord is not reachable just now. Nexus goes on working, keeps trying, and catches up."
BACK: Final = "Discord is reachable again."


def _no_fault(record: logging.LogRecord) -> bool:
    """discord.py writes down each attempt that fails as an error; that Discord is away is none of Nexus's."""
    if record.levelno == logging.ERROR:
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


logging.getLogger("discord.shard").addFilter(_no_fault)
VoiceClient.warn_nacl = VoiceClient.warn_dave = (
    False  # Nexus needs no voice, and nobody needs to read at each start that it has none
)


def proxy_to(url: str) -> str | None:
    """The proxy that this machine reaches an address by, as its environment says; discord.py does not look there."""
    parts = urlsplit(url)
    return None if not parts.hostname or proxy_bypass(parts.hostname) else getproxies().get(parts.scheme)


class Connection:
    """One client, connected."""

    def __init__(
        self,
        client: NexusClient,
        token: SecretStr,
        *,
        tell: Callable[[str], None],
        ready: Callable[[], None] = lambda: None,
        grace: float = GRACE,
    ) -> None:
        self._client = client
        self._token = token
        self._tell = tell
        self._ready = ready
        self._grace = grace
        self._here = asyncio.Event()
        self._gone = asyncio.Event()
        self._gone.set()
        for told in (self.on_ready, self.on_shard_resumed, self.on_shard_disconnect):
            client.event(told)

    async def run(self) -> None:
        """Connect, and stay connected until cancelled; or until Discord refuses Nexus for good, which is told."""
        telling = asyncio.create_task(self._telling(), name="discord connection")
        try:
            await self._client.serve(self._token)
        except OperatorError as error:
            log.error(error.message)
            self._tell(error.message)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def leave(self) -> None:
        """Take in nothing more. What was taken in can still be answered, until `run` is cancelled."""
        for shard in self._client.shards.values():
            await shard.disconnect()

    async def _telling(self) -> None:
        welcomed = away = False
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._grace):
                    await self._here.wait()
            if not self._here.is_set():
                away = True
                self._say(AWAY)
                await self._here.wait()
            if away and welcomed:
                self._say(BACK)
            elif not welcomed:
                self._say(self._welcome())
            welcomed, away = True, False
            await self._gone.wait()

    def _say(self, text: str) -> None:
        log.info(text)
        self._tell(text)

    def _welcome(self) -> str:
        user, servers = self._client.user, [guild.name for guild in self._client.guilds]
        known = f"Discord is connected, and knows Nexus as @{user.name if user is not None else 'nobody'}"
        if not servers:
            return f"{known}, in no server yet: `nexus discord invite` prints the link that adds it to one."
        more = len(servers) - NAMED
        return f"{known} in {', '.join(servers[:NAMED])}{f' and {more} more' if more > 0 else ''}."

    # -- what discord.py tells ----------------------------------------------------------------------------------------------------

    async def on_ready(self) -> None:
        """All servers are known, and what Discord lets the bot read."""
        self._ready()
        self._gone.clear()
        self._here.set()

    async def on_shard_resumed(self, shard: int) -> None:
        """It goes on where it was."""
        self._gone.clear()
        self._here.set()

    async def on_shard_disconnect(self, shard: int) -> None:
        """A connection was lost, or Discord asked for another."""
        self._here.clear()
        self._gone.set()
