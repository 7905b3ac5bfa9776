"""Discord's clock: real time plus what a test moved it by, so that fifteen minutes pass without waiting.

`LocalDiscord.advance` moves it. Everything with a life (interaction tokens, deadlines, nonces, links to files, rate limits) reads it, and
the ids of all things are made of it, as Discord's are.
"""

from __future__ import annotations

from datetime import UTC, datetime

from tests.support.local.clock import MovedClock

EPOCH = 1_420_070_400_000  #: milliseconds at which Discord's ids begin


class Clock(MovedClock):
    """Seconds since 1970 as Discord sees them."""

    def __init__(self) -> None:
        super().__init__()
        self._last = 0

    def snowflake(self) -> str:
        """A new id, higher than every one before."""
        self._last = max((int(self.now() * 1000) - EPOCH) << 22, self._last + 1)
        return str(self._last)

    def iso(self, at: float | None = None) -> str:
        """A time as Discord writes it."""
        moment = datetime.fromtimestamp(self.now() if at is None else at, UTC)
        return moment.isoformat(timespec="microseconds")


def made_at(snowflake: str) -> float:
    """When an id was made, in seconds since 1970."""
    return ((int(snowflake) >> 22) + EPOCH) / 1000
