"""Channels are told the news that they asked for: from then on, in order, once, whatever dies or is away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import pytest
from sqlalchemy import func, select, update

from core.conversation.chat import Chat
from core.errors import InvalidInput, NotFound, TemporaryError, TooLarge
from core.ids import AppId
from core.ledger.feed import Feed
from core.ledger.tables import App, EventRow, Subscription
from core.operations import notifying, subscriptions
from core.operations.notifying import Notifying
from core.words import events as e
from core.words.inbound import Who
from core.words.notifications import NOTIFICATIONS
from core.words.thread_ref import ThreadRef
from tests.support.engine_house import House, listening
from tests.support.fate import Died, Fate, FatedLedger
from tests.support.team import CHAT, TalkingChat, channel, mate

NEWS = channel("news")
ALL = tuple(NOTIFICATIONS)


@contextlib.asynccontextmanager
async def telling(house: House, *processes: Mapping[str, Chat]) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        tasks = []
        for chats in processes:
            feed = Feed(house.ledger)
            await stack.enter_async_context(listening(feed))
            tasks.append(asyncio.create_task(Notifying(house.ledger, feed, chats).run()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def app(house: House, who: Who, slug: str) -> str:
    """An app that nothing has happened to yet."""
    async with house.ledger.transaction() as t:
        t.session.add(App(id=f"a_{slug}", workspace_id=who.workspace, owner_id=who.principal, slug=slug, name=slug.capitalize()))
    return f"a_{slug}"


async def happens(house: House, app: str, *facts: e.Fact) -> None:
    for fact in facts:
        async with house.ledger.transaction() as t:
            t.tell(AppId(app), fact)


def crash(reason: str) -> e.Fact:
    return e.AppCrashed(release=1, reason=reason.capitalize())


async def everybody_told(house: House) -> None:
    """Until no subscription has events before it that may be news."""
    behind = (
        select(func.count())
        .select_from(Subscription)
        .join(App, App.workspace_id == Subscription.workspace_id)
        .join(EventRow, EventRow.app_id == App.id)
        .where(*notifying._news_for())
    )
    async with asyncio.timeout(30):
        while True:
            async with house.ledger.reading() as session:
                if not await session.scalar(behind):
                    return
            await asyncio.sleep(0.01)


def told(chat: TalkingChat, place: ThreadRef = NEWS) -> list[str]:
    """What this channel was told: the title, what happened, and its words."""
    return [
        f"{m.card.title}: {m.card.status}. {m.card.subtitle}"
        for m in chat.messages
        if m.card is not None and m.thread.channel == place.channel
    ]


async def test_a_channel_is_told_what_it_asked_for_from_then_on_in_order(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    shop = await app(house, ada, "shop")
    await happens(house, shop, crash("before anybody asked."))
    await house.engine.subscribe(ada, NEWS, "shop", ["crashed", "recovered"])
    async with telling(house, {CHAT: chat}):
        await happens(house, shop, *(crash(f"number {n}") for n in range(5)), e.AppStopped(by="Ada"))
        await happens(house, shop, e.AppRecovered(release=1, url="http://x"), e.Said(by="Ada", text="no news"))
        await everybody_told(house)
    assert [*(f"Shop: Crashed. Number {n}." for n in range(5)), "Shop: Recovered. v1 answers again."] == told(chat)


async def test_a_real_life_is_told_with_a_link_to_its_thread(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    await house.engine.subscribe(ada, NEWS, None, ALL)
    await house.live(ada, "shop")
    async with telling(house, {CHAT: chat}):
        await everybody_told(house)
    assert ["Ready for review", "Live"] == [m.card.status for m in chat.messages if m.card is not None]
    assert "http://shop.localhost:8080" in told(chat)[1]


async def test_one_app_or_all_also_those_to_come_and_never_those_of_others(house: House) -> None:
    ada, eve, chat = await mate(house, "ada"), await mate(house, "eve", workspace="T2"), TalkingChat(CHAT)
    shop, other = await app(house, ada, "shop"), await app(house, ada, "other")
    foreign = await app(house, eve, "foreign")
    everything = channel("everything")
    await house.engine.subscribe(ada, NEWS, "shop", ["crashed"])
    await house.engine.subscribe(ada, everything, None, ["crashed"])
    await house.engine.subscribe(eve, channel("theirs", workspace="T2"), None, ["crashed"])
    later = await app(house, ada, "later")
    async with telling(house, {CHAT: chat}):
        for one in (shop, other, later, foreign):
            await happens(house, one, crash("boom"))
        await everybody_told(house)
    assert ["Shop: Crashed. Boom."] == told(chat)
    assert ["Shop", "Other", "Later"] == [line.partition(":")[0] for line in told(chat, everything)]
    assert ["Foreign: Crashed. Boom."] == told(chat, channel("theirs"))


async def test_a_channel_that_asked_for_one_app_and_for_all_is_told_once(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    shop = await app(house, ada, "shop")
    await house.engine.subscribe(ada, NEWS, None, ALL)
    await house.engine.subscribe(ada, NEWS, "shop", ["crashed"])
    async with telling(house, {CHAT: chat}):
        await happens(house, shop, crash("boom"))
        await everybody_told(house)
    assert ["Shop: Crashed. Boom."] == told(chat)


async def test_of_two_processes_one_tells_and_nothing_is_told_twice(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    apps = [await app(house, ada, slug) for slug in ("shop", "blog")]
    places = [channel(f"news-{n}") for n in range(10)]  # more than are told at once
    for place in places:
        await house.engine.subscribe(ada, place, None, ["crashed"])
    async with telling(house, {CHAT: chat}, {CHAT: chat}):
        await asyncio.gather(*(happens(house, one, *(crash(f"{one} {n}") for n in range(3))) for one in apps))
        await everybody_told(house)
    assert [call for call in chat.calls if call[0] == "post"] == chat.calls
    assert len(chat.calls) == 10 * 2 * 3
    for place in places:
        for one in apps:
            found = [line for line in told(chat, place) if one[2:].capitalize() in line]
            assert [f"{one[2:].capitalize()}: Crashed. {one.capitalize()} {n}." for n in range(3)] == found


async def test_a_process_without_the_platform_tells_nothing_of_it(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    shop = await app(house, ada, "shop")
    await house.engine.subscribe(ada, NEWS, None, ALL)
    await happens(house, shop, crash("boom"))
    for chats in ({}, {"web": TalkingChat("web")}):
        assert [] == await Notifying(house.ledger, house.feed, chats)._behind()
    async with telling(house, {"web": TalkingChat("web")}, {CHAT: chat}):
        await everybody_told(house)
    assert ["Shop: Crashed. Boom."] == told(chat)


async def test_a_process_that_died_between_telling_and_keeping_it_is_followed_by_one_that_tells_nothing_twice(
    house: House,
) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    shop = await app(house, ada, "shop")
    await house.engine.subscribe(ada, NEWS, None, ALL)
    await happens(house, shop, crash("one"), crash("two"))
    fate = Fate()
    dying = Notifying(FatedLedger(house.ledger, fate), house.feed, {CHAT: chat})
    chat.before = lambda *_: setattr(fate, "dead", True)
    ((subscription, _),) = await dying._behind()
    with pytest.raises(Died):
        await dying._tell_some(subscription)
    assert ["Shop: Crashed. One."] == told(chat)
    chat.before = lambda *_: None
    async with telling(house, {CHAT: chat}):
        await everybody_told(house)
    assert ["Shop: Crashed. One.", "Shop: Crashed. Two."] == told(chat)


async def test_after_an_outage_everything_is_told_in_order(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    shop, failed = await app(house, ada, "shop"), asyncio.Event()
    await house.engine.subscribe(ada, NEWS, None, ALL)
    chat.fail(TemporaryError("The platform is down."))
    chat.before = lambda *_: failed.set()
    async with telling(house, {CHAT: chat}):
        await happens(house, shop, crash("one"))
        async with asyncio.timeout(20):
            await failed.wait()
        await happens(house, shop, crash("two"))
        await everybody_told(house)
    assert ["Shop: Crashed. One.", "Shop: Crashed. Two."] == told(chat)
    assert [""] == [view.trouble for view in await house.engine.subscriptions(ada)]


async def test_what_came_while_nobody_told_is_told_later(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    shop = await app(house, ada, "shop")
    await house.engine.subscribe(ada, NEWS, None, ALL)
    await happens(house, shop, crash("one"))
    for _ in range(2):
        async with telling(house, {CHAT: chat}):
            await everybody_told(house)
    await happens(house, shop, crash("two"))
    async with telling(house, {CHAT: chat}):
        await everybody_told(house)
    assert ["Shop: Crashed. One.", "Shop: Crashed. Two."] == told(chat)


async def test_a_channel_that_is_gone_is_shown_with_its_trouble_until_it_is_back(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    shop = await app(house, ada, "shop")
    await house.engine.subscribe(ada, NEWS, None, ALL)
    chat.fail(NotFound("The channel is archived; choose another."))
    async with telling(house, {CHAT: chat}):
        await happens(house, shop, crash("one"))
        await everybody_told(house)
        assert ["The channel is archived; choose another."] == [v.trouble for v in await house.engine.subscriptions(ada)]
        await happens(house, shop, crash("two"))
        await everybody_told(house)
    assert ["Shop: Crashed. Two."] == told(chat)
    assert [""] == [view.trouble for view in await house.engine.subscriptions(ada)]


async def test_news_that_nobody_can_show_does_not_hold_up_what_comes_after(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifying, "UNEXPECTED_TRIES", 2)
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    shop = await app(house, ada, "shop")
    await house.engine.subscribe(ada, NEWS, None, ALL)
    await happens(house, shop, crash("one"), crash("two"))
    here = Notifying(house.ledger, house.feed, {CHAT: chat})
    chat.fail(*(RuntimeError("a defect") for _ in range(notifying.UNEXPECTED_TRIES + 1)))
    for _ in range(notifying.UNEXPECTED_TRIES + 1):
        ((subscription, before),) = await here._behind()
        await here._catch_up(subscription, before)
    assert ["Shop: Crashed. Two."] == told(chat)
    assert [] == await here._behind()


async def test_a_link_that_cannot_be_made_keeps_nothing_from_being_told(house: House) -> None:
    class Linkless(TalkingChat):
        async def link(self, thread: ThreadRef) -> str:
            raise NotFound("There is no such message.")

    ada, chat = await mate(house, "ada"), Linkless(CHAT)
    await house.engine.subscribe(ada, NEWS, None, ["review"])
    await house.built(ada, "shop")
    async with telling(house, {CHAT: chat}):
        await everybody_told(house)
    assert 1 == len(told(chat))


async def test_a_deleted_app_is_told_of_and_then_nothing_is_left_of_its_notifications(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    shop, quiet = await app(house, ada, "shop"), channel("quiet")
    await house.engine.subscribe(ada, NEWS, "shop", ["stopped"])
    await house.engine.subscribe(ada, quiet, "shop", ["live"])
    await house.engine.subscribe(ada, NEWS, None, ["live"])
    async with house.ledger.transaction() as t:
        await t.session.execute(update(App).values(wanted="deleted"))
    assert [""] == [view.app for view in await house.engine.subscriptions(ada)]
    await happens(house, shop, e.AppDeleted(by="Ada", snapshot=""))
    async with telling(house, {CHAT: chat}):
        await everybody_told(house)
    assert ["Shop: Deleted. Ada deleted it."] == told(chat)
    assert [] == told(chat, quiet)
    async with house.ledger.reading() as session:
        assert [None] == list(await session.scalars(select(Subscription.app_id)))


async def test_asking_again_replaces_what_was_asked_for_and_forgets_nothing_that_is_still_to_be_told(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    shop = await app(house, ada, "shop")
    await house.engine.subscribe(ada, NEWS, None, ["crashed"])
    await happens(house, shop, crash("one"))  # while nobody tells
    await asyncio.gather(*(house.engine.subscribe(ada, NEWS, None, ["crashed", "live"]) for _ in range(4)))
    (view,) = await house.engine.subscriptions(ada)
    assert ("news", "", ["live", "crashed"], "ada") == (view.channel, view.app, view.kinds, view.by)
    async with telling(house, {CHAT: chat}):
        await everybody_told(house)
    assert ["Shop: Crashed. One."] == told(chat)


async def test_off_is_of_one_app_or_of_everything_in_that_channel(house: House) -> None:
    ada = await mate(house, "ada")
    for slug in ("shop", "blog"):
        await app(house, ada, slug)
        await house.engine.subscribe(ada, NEWS, slug, ALL)
    await house.engine.subscribe(ada, NEWS, None, ALL)
    await house.engine.subscribe(ada, channel("other"), None, ALL)
    assert await house.engine.unsubscribe(ada, NEWS, "shop")
    assert not await house.engine.unsubscribe(ada, NEWS, "shop")
    assert [("news", "blog"), ("news", ""), ("other", "")] == [(v.channel, v.app) for v in await house.engine.subscriptions(ada)]
    assert await house.engine.unsubscribe(ada, NEWS, None)
    assert not await house.engine.unsubscribe(ada, NEWS, None)
    assert ["other"] == [view.channel for view in await house.engine.subscriptions(ada)]


async def test_what_is_no_news_and_apps_that_are_not_theirs_are_refused(house: House) -> None:
    ada, eve = await mate(house, "ada"), await mate(house, "eve", workspace="T2")
    await app(house, ada, "shop")
    for kinds in ([], ["weather"], ["live", "weather"]):
        with pytest.raises(InvalidInput, match="review, live, failed, crashed, recovered, stopped"):
            await house.engine.subscribe(ada, NEWS, None, kinds)
    for call in (
        house.engine.subscribe(eve, channel("theirs", workspace="T2"), "shop", ALL),
        house.engine.unsubscribe(eve, channel("theirs", workspace="T2"), "shop"),
        house.engine.subscribe(ada, NEWS, "nothing", ALL),
    ):
        with pytest.raises(NotFound):
            await call
    assert [] == await house.engine.subscriptions(eve)


async def test_a_workspace_has_so_many_and_may_still_change_those(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await mate(house, "ada")
    monkeypatch.setattr(subscriptions, "MAX_SUBSCRIPTIONS", 2)
    for name in ("one", "two"):
        await house.engine.subscribe(ada, channel(name), None, ALL)
    with pytest.raises(TooLarge, match="notify off"):
        await house.engine.subscribe(ada, channel("three"), None, ALL)
    await house.engine.subscribe(ada, channel("two"), None, ["live"])
    assert [list(ALL), ["live"]] == [view.kinds for view in await house.engine.subscriptions(ada)]


async def test_when_nothing_happened_nothing_old_is_looked_at_again(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    shop, blog = await app(house, ada, "shop"), await app(house, ada, "blog")
    await house.engine.subscribe(ada, NEWS, "shop", ALL)
    await happens(house, shop, crash("one"))
    here = Notifying(house.ledger, house.feed, {CHAT: chat})
    ((subscription, before),) = await here._behind()
    assert [] == await here._behind()  # it is being told
    await here._catch_up(subscription, before)
    assert ["Shop: Crashed. One."] == told(chat)
    await happens(house, blog, crash("of another app"))
    assert [] == await here._behind()
    assert here._looked == await house.engine.last_event()
    chat.fail(TemporaryError("The platform is down."))
    await happens(house, shop, crash("two"))
    ((subscription, before),) = await here._behind()
    await here._catch_up(subscription, before)
    assert [(subscription, before)] == await here._behind()  # and so it is looked at again
