"""Sign-in to the page: one-time links and sessions.

Called by the web routes and, for the links, by `nexus up` and `nexus signin`. A token is 256 random bits; the store sees only its
SHA-256, so that a copy of the database signs nobody in. It knows no HTTP and no cookie.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from core.ids import PrincipalId
from core.words.inbound import Who

LINK_LIFE = timedelta(minutes=15)
SESSION_LIFE = timedelta(days=30)


class SessionStore(Protocol):
    """Keeps digests of tokens. `take_link` is one guarded statement: of many simultaneous calls one gets the principal."""

    async def add_link(self, digest: str, principal: PrincipalId, expires: datetime) -> None: ...

    async def take_link(self, digest: str, now: datetime) -> Who | None:
        """Remove the link; whose it was, or None when there is none or it has expired."""
        ...

    async def add_session(self, digest: str, principal: PrincipalId, expires: datetime) -> None: ...

    async def find_session(self, digest: str, now: datetime) -> Who | None: ...

    async def drop_session(self, digest: str) -> None:
        """Fine when there is none."""
        ...


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Sessions:
    """Makes and checks tokens over a `SessionStore`."""

    def __init__(self, store: SessionStore, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._now = now

    async def create_link(self, principal: PrincipalId) -> str:
        """The token of a new link that signs this principal in once, within 15 minutes."""
        token = secrets.token_urlsafe(32)
        await self._store.add_link(_digest(token), principal, self._now() + LINK_LIFE)
        return token

    async def redeem(self, token: str) -> Who | None:
        """Whose link it is, the first time; None afterwards, when it has expired, and for anything else."""
        return await self._store.take_link(_digest(token), self._now())

    async def issue(self, principal: PrincipalId) -> str:
        """The token of a new session of 30 days."""
        token = secrets.token_urlsafe(32)
        await self._store.add_session(_digest(token), principal, self._now() + SESSION_LIFE)
        return token

    async def find(self, token: str) -> Who | None:
        """Who is signed in with this token."""
        return await self._store.find_session(_digest(token), self._now())

    async def revoke(self, token: str) -> None:
        """End this session."""
        await self._store.drop_session(_digest(token))


@dataclass(frozen=True, slots=True)
class _Entry:
    principal: PrincipalId
    expires: datetime


class MemorySessionStore:
    """The store for tests: forgets everything at the end of the process."""

    def __init__(self, people: Mapping[PrincipalId, Who]) -> None:
        self._people = people
        self.links: dict[str, _Entry] = {}
        self.sessions: dict[str, _Entry] = {}

    def _who(self, entry: _Entry | None, now: datetime) -> Who | None:
        return self._people.get(entry.principal) if entry and now < entry.expires else None

    async def add_link(self, digest: str, principal: PrincipalId, expires: datetime) -> None:
        self.links[digest] = _Entry(principal, expires)

    async def take_link(self, digest: str, now: datetime) -> Who | None:
        return self._who(self.links.pop(digest, None), now)

    async def add_session(self, digest: str, principal: PrincipalId, expires: datetime) -> None:
        self.sessions[digest] = _Entry(principal, expires)

    async def find_session(self, digest: str, now: datetime) -> Who | None:
        return self._who(self.sessions.get(digest), now)

    async def drop_session(self, digest: str) -> None:
        self.sessions.pop(digest, None)
