"""Sign-in links and browser sessions in the ledger: digests of tokens, never tokens. Used by the web page's `Sessions`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update

from core.ids import PrincipalId, WorkspaceId
from core.ledger.ledger import Ledger
from core.ledger.tables import Principal, SigninLink, WebSession
from core.words.inbound import Who


class Signins:
    """Keeps digests of tokens."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def add_link(self, digest: str, principal: PrincipalId, expires: datetime) -> None:
        async with self._ledger.transaction() as t:
            t.session.add(SigninLink(token_hash=digest, principal_id=principal, expires_at=expires))

    async def take_link(self, digest: str, now: datetime) -> Who | None:
        """Whose link it is, for the first of all calls before it expires."""
        async with self._ledger.transaction() as t:
            taken = await t.session.execute(
                update(SigninLink)
                .where(SigninLink.token_hash == digest, SigninLink.used_at.is_(None), SigninLink.expires_at > now)
                .values(used_at=now)
                .returning(SigninLink.principal_id)
            )
            principal = taken.scalar()
            row = await t.session.get(Principal, principal) if principal is not None else None
            return None if row is None else _who(row)

    async def add_session(self, digest: str, principal: PrincipalId, expires: datetime) -> None:
        async with self._ledger.transaction() as t:
            t.session.add(WebSession(token_hash=digest, principal_id=principal, expires_at=expires))

    async def find_session(self, digest: str, now: datetime) -> Who | None:
        async with self._ledger.reading() as session:
            row = await session.scalar(
                select(Principal)
                .join(WebSession, WebSession.principal_id == Principal.id)
                .where(WebSession.token_hash == digest, WebSession.expires_at > now)
            )
            return None if row is None else _who(row)

    async def drop_session(self, digest: str) -> None:
        async with self._ledger.transaction() as t:
            await t.session.execute(delete(WebSession).where(WebSession.token_hash == digest))


def _who(row: Principal) -> Who:
    return Who(principal=PrincipalId(row.id), workspace=WorkspaceId(row.workspace_id), name=row.name)
