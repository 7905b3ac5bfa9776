"""Subscriptions: which channels are told of what happens to which apps.

Called by the engine's face for people, and by `core.operations.notifying`, which does the telling.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, delete, func, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import InvalidInput, TooLarge
from core.ids import new_id
from core.ledger.ledger import Ledger
from core.ledger.tables import App, Principal, Subscription
from core.people import visible_app
from core.words.inbound import Who
from core.words.notifications import NOTIFICATIONS
from core.words.thread_ref import ThreadRef
from core.words.views import SubscriptionView

MAX_SUBSCRIPTIONS = 200  #: of one workspace


class Subscriptions:
    """The record of them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def of(self, who: Who) -> list[SubscriptionView]:
        """All of the workspace."""
        async with self._ledger.reading() as session:
            rows = await session.execute(
                select(Subscription, App.slug, Principal.name)
                .outerjoin(App, Subscription.app_id == App.id)
                .join(Principal, Subscription.by == Principal.id)
                .where(Subscription.workspace_id == who.workspace, (App.id.is_(None)) | (App.wanted != "deleted"))
                .order_by(Subscription.created_at)
            )
            return [
                SubscriptionView(channel=row.channel, app=slug or "", kinds=list(row.kinds), by=name, trouble=row.trouble)
                for row, slug, name in rows
            ]

    async def add(self, who: Who, place: ThreadRef, slug: str | None, kinds: Sequence[str]) -> None:
        """Tell this channel of these kinds of news from now on, in place of what it was told of before.

        Raises:
            InvalidInput: a kind is not one of `core.words.notifications.NOTIFICATIONS`, or there is none.
            TooLarge: the workspace has 200 already.
            NotFound: there is no such app that they can see.
        """
        wanted = [kind for kind in NOTIFICATIONS if kind in kinds]
        if not wanted or len(wanted) != len(set(kinds)):
            raise InvalidInput(f"Choose among these kinds of news: {', '.join(NOTIFICATIONS)}.")
        async with self._ledger.transaction() as t:
            await t.alone(f"subscriptions:{who.workspace}")
            app = await visible_app(t.session, who, slug=slug) if slug else None
            told = await _remove(
                t.session, _at(place), Subscription.app_id.is_(None) if app is None else Subscription.app_id == app.id
            )
            mine = select(func.count()).select_from(Subscription).where(Subscription.workspace_id == who.workspace)
            if (await t.session.scalar(mine) or 0) >= MAX_SUBSCRIPTIONS:
                raise TooLarge(f"This workspace has {MAX_SUBSCRIPTIONS} notifications already; turn one off with `notify off`.")
            await t.session.execute(
                insert(Subscription).values(
                    id=new_id("s"),
                    workspace_id=who.workspace,
                    platform=place.platform,
                    workspace_ref=place.workspace,
                    channel=place.channel,
                    app_id=None if app is None else app.id,
                    kinds=wanted,
                    by=who.principal,
                    told=await self._ledger.last_event() if told is None else told,
                )
            )

    async def remove(self, who: Who, place: ThreadRef, slug: str | None) -> bool:
        """Tell this channel of the app no more, without a slug of nothing any more; whether it was told."""
        async with self._ledger.transaction() as t:
            app = await visible_app(t.session, who, slug=slug) if slug else None
            told = await _remove(t.session, _at(place), true() if app is None else Subscription.app_id == app.id)
            return told is not None


def _at(place: ThreadRef) -> ColumnElement[bool]:
    return and_(
        Subscription.platform == place.platform,
        Subscription.workspace_ref == place.workspace,
        Subscription.channel == place.channel,
    )


async def _remove(session: AsyncSession, *where: ColumnElement[bool]) -> int | None:
    """Remove them; returns how far one of them was told, None when there was none."""
    gone = await session.execute(delete(Subscription).where(*where).returning(Subscription.told))
    return gone.scalar()
