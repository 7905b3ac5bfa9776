"""Notifying: tells channels what happened to the apps they are subscribed to.

Run by the processes that have a chat platform. How far a channel was told is on its row: after a crash, or an outage of the platform,
the rest is told, in order, once. One process tells a channel at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

import structlog
from sqlalchemy import ColumnElement, or_, select, update

from core.conversation.chat import Chat
from core.conversation.presenter import AppFacts
from core.conversation.presenter.notification import kind_of, news_card
from core.errors import NexusError, TemporaryError
from core.ledger.feed import Feed
from core.ledger.ledger import EVENTS_CHANNEL, Ledger
from core.ledger.tables import App, EventRow, Principal, Subscription, Thread
from core.ledger.waking import holding
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


class Notifying:
    """Tells channels."""

    def __init__(self, ledger: Ledger, feed: Feed, chats: Mapping[str, Chat]) -> None:
        self._ledger = ledger
        self._feed = feed
        self._chats = chats
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Tell until cancelled."""
        try:
            async with contextlib.aclosing(self._feed.wakes(EVENTS_CHANNEL)) as wakes:
                async for _ in wakes:
                    try:
                        for subscription in await self._behind():
                            self._begin(subscription)
                    except TemporaryError as error:
                        log.warning("channels cannot be told just now", error=error.message)
                    except Exception:
                        log.exception("channels cannot be told just now")
        finally:
            tasks = list(self._tasks.values())
            self._tasks.clear()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, subscription: str) -> None:
        if subscription in self._tasks:  # it looks once more when it is through; what it misses is told at the next wake
            return
        task = asyncio.create_task(self._catch_up(subscription), name=f"tell {subscription}")
        self._tasks[subscription] = task
        task.add_done_callback(lambda _: self._tasks.pop(subscription, None))

    async def _behind(self) -> list[str]:
        """Subscriptions of this process's platforms for which there is news."""
        if not self._chats:
            return []
        news = select(EventRow.id).join(App, EventRow.app_id == App.id).where(*_news_for()).correlate(Subscription).exists()
        async with self._ledger.reading() as session:
            return list(await session.scalars(select(Subscription.id).where(Subscription.platform.in_(self._chats), news)))

    async def _catch_up(self, subscription: str) -> None:
        try:
            async with holding(self._ledger, f"subscription:{subscription}") as mine:
                while mine and await self._tell_some(subscription):
                    pass
        except TemporaryError as error:
            log.warning("channel cannot be told just now", subscription=subscription, error=error.message)
        except Exception:
            log.exception("channel cannot be told", subscription=subscription)

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
        place = ThreadRef(platform=row.platform, workspace=row.workspace_ref, channel=row.channel, thread="", user=user)
        for event, app, thread in news:
            fact = FACT.validate_python(event.fact)
            trouble = row.trouble
            if kind_of(fact) in row.kinds:
                trouble = await self._tell(place, event.id, fact, app, thread)
            async with self._ledger.transaction() as t:
                await t.session.execute(
                    update(Subscription).where(Subscription.id == subscription).values(told=event.id, trouble=trouble)
                )
        return bool(news)

    async def _tell(self, place: ThreadRef, event: int, fact: Fact, app: App, thread: Thread | None) -> str:
        """Post one; returns why the channel cannot be told, empty when it was."""
        chat = self._chats[place.platform]
        link = ""
        if thread is not None and thread.opened and thread.platform == place.platform:
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
        return ""


def _news_for() -> tuple[ColumnElement[bool], ...]:
    """Conditions over events, apps and subscriptions: what this subscription was not told of yet and may be news to it."""
    return (
        EventRow.id > Subscription.told,
        EventRow.fact["kind"].astext.in_(NEWS),
        App.workspace_id == Subscription.workspace_id,
        or_(Subscription.app_id.is_(None), Subscription.app_id == App.id),
    )
