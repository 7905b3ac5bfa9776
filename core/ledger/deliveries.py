"""Deliveries: what people did on a chat platform, from before it is acknowledged until it is done.

Written by a platform's adapter. A platform tells once and wants an acknowledgement in seconds; whoever acknowledged and died before the
work was done would lose it without a word. So it is kept here first, sealed since forms hold secrets, under a lease that the process
renews; when the lease runs out, another process, or the next start, takes it up. It may be done twice then, which the keys make harmless.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from pydantic import SecretStr
from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from core.errors import OperatorError
from core.ledger.ledger import Ledger
from core.ledger.tables import DeliveryRow, InboxKey, now
from core.ledger.vault import Vault

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One that was taken up. ``attempts`` counts this one."""

    key: str
    content: str = field(repr=False)
    attempts: int


class Deliveries:
    """The record of them. ``to_all`` is for a platform that tells every process everything: a slow process is told by the record, then,
    that another has done it all already."""

    def __init__(self, ledger: Ledger, vault: Vault, platform: str, *, to_all: bool = False) -> None:
        self._ledger = ledger
        self._vault = vault
        self._platform = platform
        self._to_all = to_all

    async def keep(self, contents: Mapping[str, str]) -> Collection[str]:
        """Keep these, by key, leased to the caller. Returns the keys that are new; the others are in somebody's hands already."""
        rows = [
            {
                "platform": self._platform,
                "key": key,
                "sealed": self._vault.seal(SecretStr(content), owner=self._platform, name=key),
                "attempts": 1,
                "leased_until": now() + LEASE,
                "at": now(),
            }
            for key, content in sorted(contents.items())  # two who keep the same ones wait for each other, and for nobody else
        ]
        async with self._ledger.transaction() as t:
            if self._to_all:
                told = [{"key": self._told(str(row["key"])), "at": now()} for row in rows]
                new = set(await t.session.scalars(insert(InboxKey).values(told).on_conflict_do_nothing().returning(InboxKey.key)))
                rows = [row for row in rows if self._told(str(row["key"])) in new]
                if not rows:
                    return set()
            made = await t.session.execute(insert(DeliveryRow).values(rows).on_conflict_do_nothing().returning(DeliveryRow.key))
            return set(made.scalars())

    def _told(self, key: str) -> str:
        return f"{self._platform}:told:{key}"

    async def done(self, keys: Collection[str]) -> None:
        """Forget these."""
        async with self._ledger.transaction() as t:
            await t.session.execute(delete(DeliveryRow).where(self._here, DeliveryRow.key.in_(keys)))

    async def renew(self, keys: Collection[str]) -> None:
        """Work on these goes on."""
        async with self._ledger.transaction() as t:
            await t.session.execute(
                update(DeliveryRow).where(self._here, DeliveryRow.key.in_(keys)).values(leased_until=now() + LEASE)
            )

    async def take(self, limit: int = 20) -> Sequence[Delivery]:
        """Those whose lease has run out, the oldest first; leased to the caller from now on."""
        lost = (
            select(DeliveryRow.key)
            .where(self._here, DeliveryRow.leased_until < now())
            .order_by(DeliveryRow.at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        async with self._ledger.transaction() as t:
            rows = await t.session.scalars(
                update(DeliveryRow)
                .where(self._here, DeliveryRow.key.in_(lost.scalar_subquery()))
                .values(leased_until=now() + LEASE, attempts=DeliveryRow.attempts + 1)
                .returning(DeliveryRow)
                .execution_options(synchronize_session=False, populate_existing=True)
            )
            taken = sorted(rows, key=lambda row: row.at)
            return [Delivery(key=row.key, content=self._content(row), attempts=row.attempts) for row in taken]

    def _content(self, row: DeliveryRow) -> str:
        """Empty where nobody can read it any more, as with a key that is gone: it shall not keep the others from being taken up."""
        try:
            return self._vault.open(row.sealed, owner=self._platform, name=row.key).get_secret_value()
        except OperatorError as error:
            log.error("what somebody did cannot be read any more", key=row.key, reason=error.message)
            return ""

    @property
    def _here(self) -> ColumnElement[bool]:
        return DeliveryRow.platform == self._platform
