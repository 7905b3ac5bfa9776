"""Joining: what a running Nexus started on a data folder, found by another process of the same machine.

Used by `bot.chats` and by the doctor. It starts nothing, and it joins only a Nexus that has brought the ledger up to date and says where
it is reached. The claim on the folder stays with the one that runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.platform.caddy import CaddyPlace
from bot.platform.data_folder import DataFolder
from bot.platform.postgres import PostgresPlace

LOOK_SECONDS = 0.5  #: between looks whether a Nexus runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A running Nexus, as far as another process needs it."""

    url: str
    postgres: PostgresPlace
    caddy: CaddyPlace

    def same(self, other: Joined) -> bool:
        """Whether both are reached in the same way."""
        return (self.url, self.postgres.port) == (other.url, other.postgres.port)


def look(data: DataFolder) -> Joined | None:
    """The Nexus that runs on this folder now; None when none does, or is not ready yet."""
    running, postgres = data.running(), PostgresPlace.of(data)
    if running is None or running.url is None or postgres is None:
        return None
    return Joined(url=running.url, postgres=postgres, caddy=CaddyPlace(data, port=urlsplit(running.url).port or 80))


async def join(data: DataFolder, *, tell: Callable[[str], None]) -> Joined:
    """Wait until a Nexus runs on this folder; that it is waited for is told once."""
    told = False
    while (found := await asyncio.to_thread(look, data)) is None:
        if not told:
            told = True
            tell(f"Waiting for a Nexus on {data.wanted}: start it with `nexus up`.")
        await asyncio.sleep(LOOK_SECONDS)
    return found


async def until_moved(data: DataFolder, joined: Joined) -> None:
    """Wait until the Nexus is reached in another way than it was, as after a start with another port. One that is down is waited for."""
    while True:
        found = await asyncio.to_thread(look, data)
        if found is not None and not found.same(joined):
            return
        await asyncio.sleep(LOOK_SECONDS * 4)
