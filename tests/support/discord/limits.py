"""Rate limits: how many calls of a route a bucket takes in a window, and the headers that say so.

Off by default (the headers are there, and never say that nothing is left), since a test would only wait. `Limits.real` has the numbers
that Discord has been seen to use; they are not promised by Discord, who asks apps to follow the headers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

PLENTY = 10_000


@dataclass(slots=True)
class Bucket:
    """What is left of one window."""

    limit: int
    left: int
    ends: float


@dataclass(slots=True)
class Limits:
    """Calls and seconds by route; of the others ``other``."""

    routes: dict[str, tuple[int, float]] = field(default_factory=dict)
    other: tuple[int, float] = (PLENTY, 1.0)
    _buckets: dict[str, Bucket] = field(default_factory=dict)

    @classmethod
    def off(cls) -> Limits:
        return cls()

    @classmethod
    def real(cls) -> Limits:
        return cls(
            routes={
                "POST /channels/{channel}/messages": (5, 5.0),
                "PATCH /channels/{channel}/messages/{message}": (5, 5.0),
                "DELETE /channels/{channel}/messages/{message}": (5, 1.0),
                "GET /channels/{channel}/messages": (5, 5.0),
                "POST /channels/{channel}/messages/{message}/threads": (50, 300.0),
                "POST /channels/{channel}/threads": (50, 300.0),
                "POST /webhooks/{application}/{token}": (5, 2.0),
            },
            other=(30, 10.0),
        )

    def spend(self, route: str, major: str, now: float) -> tuple[bool, dict[str, str]]:
        """Whether the call may be made, and the headers of its answer."""
        limit, window = self.routes.get(route, self.other)
        bucket = self._buckets.get(route + major)
        if bucket is None or bucket.ends <= now:
            bucket = self._buckets[route + major] = Bucket(limit, limit, now + window)
        allowed = bucket.left > 0
        bucket.left = max(0, bucket.left - 1)
        headers = {
            "X-RateLimit-Limit": str(bucket.limit),
            "X-RateLimit-Remaining": str(bucket.left),
            "X-RateLimit-Reset": f"{bucket.ends:.3f}",
            "X-RateLimit-Reset-After": f"{bucket.ends - now:.3f}",
            "X-RateLimit-Bucket": hashlib.md5(route.encode(), usedforsecurity=False).hexdigest(),
        }
        return allowed, headers
