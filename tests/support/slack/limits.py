"""Slack's rate limits, as token buckets: how often a method may be called, and what a refused call is told.

`Limits.off()` is for tests about something else, `Limits.real()` is what Slack documents or is known to do, `Limits.strict()` lets nearly
nothing through, so that a test of limits need not make fifty calls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tests.support.slack.clock import Clock

_TIER_1, _TIER_2, _TIER_3, _TIER_4 = 1, 20, 50, 100
#: Calls per minute and workspace.
PER_MINUTE = {
    "apps.connections.open": _TIER_1 * 10,
    "assistant.threads.setStatus": 600,
    "auth.test": 600,
    "bots.info": _TIER_3,
    "chat.appendStream": _TIER_4,
    "chat.delete": _TIER_3,
    "chat.getPermalink": 600,
    "chat.postEphemeral": _TIER_4,
    "chat.startStream": _TIER_2,
    "chat.stopStream": _TIER_2,
    "chat.update": _TIER_3,
    "conversations.history": _TIER_1,  # apps outside the Marketplace, since 2025
    "conversations.info": _TIER_3,
    "conversations.list": _TIER_2,
    "conversations.members": _TIER_4,
    "conversations.open": _TIER_3,
    "conversations.replies": _TIER_1,
    "files.completeUploadExternal": _TIER_4,
    "files.getUploadURLExternal": _TIER_4,
    "files.info": _TIER_4,
    "reactions.add": _TIER_3,
    "team.info": _TIER_3,
    "usergroups.list": _TIER_2,
    "usergroups.users.list": _TIER_2,
    "users.info": _TIER_4,
    "users.list": _TIER_2,
    "views.open": _TIER_4,
    "views.publish": _TIER_4,
    "views.push": _TIER_4,
    "views.update": _TIER_4,
}
#: chat.postMessage: one a second and channel, with a burst.
POST_PER_SECOND, POST_BURST = 1.0, 5.0


@dataclass
class _Bucket:
    capacity: float
    per_second: float
    left: float
    at: float

    def take(self, now: float) -> float:
        """Seconds to wait; 0 when the call may go through."""
        self.left = min(self.capacity, self.left + (now - self.at) * self.per_second)
        self.at = now
        if self.left >= 1:
            self.left -= 1
            return 0.0
        return (1 - self.left) / self.per_second


@dataclass
class Limits:
    """How much of each limit is left. ``scale`` multiplies what is allowed; 0 is no limits at all."""

    scale: float = 1.0
    burst: float | None = None  #: the capacity of every bucket, where it is not a minute's worth
    _buckets: dict[tuple[str, str, str], _Bucket] = field(default_factory=dict)

    @classmethod
    def off(cls) -> Limits:
        return cls(scale=0)

    @classmethod
    def real(cls, scale: float = 1.0) -> Limits:
        return cls(scale=scale)

    @classmethod
    def strict(cls, burst: float = 1.0, scale: float = 1.0) -> Limits:
        """The real rates, with no minute's worth to spend at once."""
        return cls(scale=scale, burst=burst)

    def refuse(self, clock: Clock, team: str, method: str, channel: str) -> int:
        """Whole seconds for Retry-After, or 0."""
        if not self.scale:
            return 0
        if method == "chat.postMessage":
            capacity, per_second = POST_BURST, POST_PER_SECOND
        elif method in PER_MINUTE:
            capacity, per_second, channel = float(PER_MINUTE[method]), PER_MINUTE[method] / 60, ""
        else:
            return 0
        capacity, per_second = max(1.0, self.burst or capacity * self.scale), per_second * self.scale
        bucket = self._buckets.setdefault((team, method, channel), _Bucket(capacity, per_second, capacity, clock.now()))
        return math.ceil(bucket.take(clock.now()))
