"""Notifying: tells channels what happened to the apps they are subscribed to.

Run by the processes that have a chat platform. How far a channel was told is on its row: after a crash, or an outage of the platform,
the rest is told, in order, once. One process tells a channel at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

import structlog
from sqlalchemy import ColumnElement, delete, func, or_, select, update

from core.conversation.chat import Chat
from core.conversation.presenter import AppFacts
from core.conversation.presenter.notification import kind_of, news_card
from core.errors import NexusError, TemporaryError
from core.ledger.feed import Feed
from core.ledger.ledger import Ledger
from core.ledger.tables import App, EventRow, Principal, Subscription, Thread
from core.ledger.waking import holding
from core.operations.catching_up import CatchingUp
from core.operations.watching import place_of
from core.words.events import FACT, Fact
from core.words.thread_ref import ThreadRef

log = structlog.get_logger(__name__)

NEWS = (
    "approval.requested",
    "deployment.live",
    "build.failed",
    "deployment.failed",
    "app.crashed",
    "app.recovered",
    "app.stopped",
    "app.deleted",
)  #: the kinds of events that can be news
AT_ONCE = 50  #: events that are looked up together
CHANNELS_AT_ONCE = 8  #: each takes a connection of Postgres for as long as it is told
UNEXPECTED_TRIES = 5  #: for an error that nobody translated


class Notifying(CatchingUp[int]):
    """Tells channels."""

    what = "channel"

    def __init__(self, ledger: Ledger, feed: Feed, chats: Mapping[str, Chat]) -> None:
        super().__init__(feed)
        self._ledger = ledger
        self._chats = chats
        self._turn = asyncio.Semaphore(CHANNELS_AT_ONCE)
        self._looked: int | None = None  # the event up to which everybody was told, or is known to be behind; None: not known yet
        self._failures: dict[str, int] = {}  # of the next event of a subscription, in a row, by errors that nobody translated

    async def _behind(self) -> list[tuple[str, int]]:
        """Subscriptions of this process's platforms for which there is news, and how far each was told. Only events that were not
        looked at before are, however long ago there was news for a quiet channel."""
        ours = Subscription.platform.in_(self._chats)
        async with self._ledger.reading() as session:
            looked = self._looked
            if looked is None:
                looked = await session.scalar(select(func.min(Subscription.told)).where(ours)) or 0
            newest = await session.scalar(select(func.max(EventRow.id))) or 0
            behind = (
                select(Subscription.id, Subscription.told)
                .join(App, App.workspace_id == Subscription.workspace_id)
                .join(EventRow, EventRow.app_id == App.id)
                .where(ours, EventRow.id > looked, EventRow.id <= newest, *_news_for())
                .distinct()
            )
            found = [(row.id, row.told) for row in await session.execute(behind)]
        self._looked = newest
        return found

    async def _catch_up(self, subscription: str, told: int) -> None:
        through = False
        try:
            async with self._turn, holding(self._ledger, f"subscription:{subscription}") as mine:
                while mine and await self._tell_some(subscription):
                    self._failures.pop(subscription, None)
                through = mine
        except TemporaryError as error:
            log.warning("channel cannot be told just now", subscription=subscription, error=error.message)
        except Exception:
            self._failures[subscription] = self._failures.get(subscription, 0) + 1
            log.exception("channel cannot be told", subscription=subscription)
        finally:
            if not through and self._looked is not None:  # the next wake looks at it again, whoever has it now
                self._looked = min(self._looked, told)

    async def _tell_some(self, subscription: str) -> bool:
        """Tell the next events; False when there were none."""
        async with self._ledger.reading() as session:
            row = await session.get(Subscription, subscription)
            if row is None:
                return False
            by = await session.get(Principal, row.by)
            found = await session.execute(
                select(EventRow, App, Thread)
                .join(App, EventRow.app_id == App.id)
                .outerjoin(Thread, Thread.app_id == App.id)
                .join(Subscription, Subscription.id == subscription)
                .where(*_news_for())
                .order_by(EventRow.id)
                .limit(AT_ONCE)
            )
            news = [(event, app, thread) for event, app, thread in found]
        user = by.external_id if by is not None else ""
        last_try = self._failures.get(subscription, 0) >= UNEXPECTED_TRIES
        place = ThreadRef(platform=row.platform, workspace=row.workspace_ref, channel=row.channel, thread="", user=user)
        for event, app, thread in news:
            fact = FACT.validate_python(event.fact)
            trouble = row.trouble
            if kind_of(fact) in row.kinds:
                trouble = await self._tell(place, event.id, fact, app, thread, last_try=last_try)
                last_try = False
            if not await self._told(subscription, event.id, trouble, over=row.app_id is not None and fact.kind == "app.deleted"):
                return False
        return bool(news)

    async def _told(self, subscription: str, event: int, trouble: str, *, over: bool) -> bool:
        """Keep how far it was told; False when there is nothing more to tell, because nobody wants it or there is no app any more."""
        this = Subscription.id == subscription
        done = (
            delete(Subscription).where(this).returning(Subscription.id)
            if over
            else update(Subscription).where(this).values(told=event, trouble=trouble).returning(Subscription.id)
        )
        async with self._ledger.transaction() as t:
            return (await t.session.execute(done)).scalar() is not None and not over

    async def _tell(self, place: ThreadRef, event: int, fact: Fact, app: App, thread: Thread | None, *, last_try: bool) -> str:
        """Post one; returns why the channel cannot be told, empty when it was."""
        chat = self._chats[place.platform]
        link = ""
        if thread is not None and thread.opened and thread.platform == place.platform:
            with contextlib.suppress(NexusError):  # it is news without a link too
                link = await chat.link(place_of(thread))
        card = news_card(fact, AppFacts(slug=app.slug, name=app.name, framework=app.framework), link)
        assert card is not None  # a kind of news
        try:
            await chat.post(place, card, key=f"news:{event}")
        except TemporaryError:
            raise
        except NexusError as error:
            log.warning("channel cannot be told", channel=place.channel, error=error.message)
            return error.message
        except Exception:
            if not last_try:
                raise
            log.exception("channel cannot be told", channel=place.channel)
            return "Something was told that could not be shown; the log of Nexus says what."
        return ""


def _news_for() -> tuple[ColumnElement[bool], ...]:
    """Conditions over events, apps and subscriptions: what this subscription was not told of yet and may be news to it."""
    return (
        EventRow.id > Subscription.told,
        EventRow.fact["kind"].astext.in_(NEWS),
        App.workspace_id == Subscription.workspace_id,
        or_(Subscription.app_id.is_(None), Subscription.app_id == App.id),
    )
