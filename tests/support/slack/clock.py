"""Slack's clock: real time plus what a test moved it by, so that half an hour passes without waiting.

`LocalSlack.advance` moves it. Everything with a life (trigger ids, response urls, streams, deadlines, redeliveries, rate limits) reads it;
only the timestamps of signed requests are real, since the app compares them with its own clock.
"""

from __future__ import annotations

from tests.support.local.clock import MovedClock


class Clock(MovedClock):
    """Seconds since 1970 as Slack sees them."""

    def __init__(self) -> None:
        super().__init__()
        self._last = 0

    def ts(self) -> str:
        """A new message timestamp, later than every one before."""
        self._last = max(int(self.now() * 1_000_000), self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"
