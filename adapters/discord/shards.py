"""Connections that lose nothing: after an outage, a shard goes on with its session, as long as Discord keeps that.

Imported by `adapters.discord.app`. discord.py resumes a session when its connection breaks; but where the attempt to do so fails, since the
network or Discord is away for a moment, its `AutoShardedClient` begins another session (its `Client` does not), and what was said
meanwhile is told to nobody. Discord keeps what it would have told for some minutes: so every attempt is to resume, and when Discord has
forgotten the session it says so, and discord.py begins another one. discord.py has no setting for that, and makes its shards of the class
that its module names.
"""

from __future__ import annotations

from discord import shard
from discord.gateway import ReconnectWebSocket


class ResumingShard(shard.Shard):
    """A shard that resumes whenever it has a session."""

    async def reconnect(self) -> None:
        """Connect again, after an attempt that failed."""
        if self.ws.session_id is None:
            await super().reconnect()
        else:
            await self.reidentify(ReconnectWebSocket(self.id, resume=True))


def resume_always() -> None:
    """Have every client with shards made in this process do so."""
    shard.Shard = ResumingShard  # type: ignore[misc]
