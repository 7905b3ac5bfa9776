"""How fast Slack may be called: one budget per channel for posts, one per workspace for every other method that is limited.

Used by `adapters.slack.calls` for every call of this process. Who waits, waits in line, a final state before all progress; what has no
limit here (private answers, views) waits for nobody. When Slack answers 429, everything in that line waits as long as Slack asks and goes
on one by one; what is not willing to wait so long is told. Nothing goes beyond the budget: it would only be refused, and cost others their
turn.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.slack.faults import SlackBusy
from core.conversation.outbox import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One call ``every`` so many seconds, after ``burst`` at once; per channel, or per workspace."""

    every: float
    burst: int
    per_channel: bool = False


#: https://docs.slack.dev/apis/web-api/rate-limits: posts about one a second and channel; the other methods by their tier (2: 20 a
#: minute, 3: 50, 4: 100). A little less is used than is allowed, since other processes call too.
LIMITS: Mapping[str, Limit] = {
    "chat.postMessage": Limit(every=1.0, burst=4, per_channel=True),
    "files.completeUploadExternal": Limit(every=1.0, burst=4, per_channel=True),
    "chat.update": Limit(every=1.25, burst=12),
    "chat.appendStream": Limit(every=0.65, burst=15),
    "chat.startStream": Limit(every=3.0, burst=8),
    "chat.stopStream": Limit(every=3.0, burst=8),
    "conversations.history": Limit(every=1.25, burst=10),
    "conversations.replies": Limit(every=1.25, burst=10),
    "conversations.join": Limit(every=1.25, burst=10),
    "conversations.open": Limit(every=1.25, burst=10),
}
LONGEST_HOLD = 60.0  #: seconds of a Retry-After that are waited for in place


@dataclass(slots=True, kw_only=True)
class _Line:
    """Everybody who wants the same budget."""

    limit: Limit | None
    free_at: float = float("-inf")  # when the budget would be whole again
    held_until: float = float("-inf")  # Slack answered 429
    waiting: list[tuple[bool, int]] = field(default_factory=list)  # a heap: what is urgent, then who came first
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def delay(self, now: float, *, behind: int = 0) -> float:
        """Seconds until a call may be made, with so many others before it."""
        held = max(0.0, self.held_until - now)
        if self.limit is None:
            return held
        owed = max(0.0, self.free_at - now) + behind * self.limit.every - (self.limit.burst - 1) * self.limit.every
        return max(held, owed)

    def spend(self, now: float) -> None:
        if self.limit is not None:
            self.free_at = max(self.free_at, now) + self.limit.every


class Pace:
    """The budgets of this process."""

    def __init__(self, clock: Clock, limits: Mapping[str, Limit] = LIMITS) -> None:
        self._clock = clock
        self._limits = limits
        self._lines: dict[tuple[str, str, str], _Line] = {}
        self._numbers = itertools.count()

    async def turn(self, workspace: str, method: str, channel: str, *, urgent: bool, patience: float | None) -> None:
        """Wait until this call may be made.

        Raises:
            SlackBusy: it would take longer than ``patience`` (seconds; None waits for any line, and `LONGEST_HOLD` for a 429).
        """
        line = self._line(workspace, method, channel)
        now = self._clock.now()
        expected = line.delay(now, behind=sum(not (urgent and later) for later, _ in line.waiting))
        longest = patience if patience is not None else max(LONGEST_HOLD, expected if line.held_until <= now else 0.0)
        if expected > longest:
            raise SlackBusy(
                f"Slack asks to wait {expected:.0f} s; it is tried again by itself.", error="ratelimited", retry_after=expected
            )
        if not expected and not line.waiting:
            line.spend(now)
            return
        place = (not urgent, next(self._numbers))
        heapq.heappush(line.waiting, place)
        try:
            while (wait := line.delay(self._clock.now())) > 0 or line.waiting[0] != place:
                if line.waiting[0] == place:
                    await self._clock.sleep(wait)
                else:
                    await line.moved.wait()
            line.spend(self._clock.now())
        finally:
            line.waiting.remove(place)
            heapq.heapify(line.waiting)
            moved, line.moved = line.moved, asyncio.Event()
            moved.set()

    def hold(self, workspace: str, method: str, channel: str, seconds: float) -> None:
        """Slack answered 429: nobody in this line calls for so long, and then one after the other, since Slack's budget is used up."""
        line = self._line(workspace, method, channel)
        line.held_until = max(line.held_until, self._clock.now() + seconds)
        if line.limit is not None:
            line.free_at = max(line.free_at, line.held_until + (line.limit.burst - 1) * line.limit.every)

    def _line(self, workspace: str, method: str, channel: str) -> _Line:
        limit = self._limits.get(method)
        place = (workspace, method, channel if limit is not None and limit.per_channel else "")
        line = self._lines.get(place)
        if line is None:
            self._forget_idle()
            line = self._lines[place] = _Line(limit=limit)
        return line

    def _forget_idle(self) -> None:
        """Keep no line that is as good as new."""
        now = self._clock.now()
        if len(self._lines) >= 1000:
            self._lines = {
                place: line for place, line in self._lines.items() if line.waiting or max(line.free_at, line.held_until) > now
            }
