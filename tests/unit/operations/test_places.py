"""Threads on chat platforms: made where they belong, opened once, and written to in order by whoever has that platform."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import pytest
from sqlalchemy import func, select, text

from core.builds.requests import BuildRequest
from core.conversation.chat import Chat
from core.conversation.fake_chat import FakeChat
from core.conversation.outbox import Outbox
from core.errors import Conflict, InvalidInput, NotFound, TemporaryError, TooLarge
from core.ids import AppId
from core.ledger.feed import Feed
from core.ledger.messages import SentRecord
from core.ledger.tables import App, EventRow, Thread
from core.operations.showing import THREADS_AT_ONCE, Showing
from core.words.cards import Card
from core.words.events import Said
from core.words.inbound import Who
from core.words.thread_ref import ThreadRef
from core.words.views import BuildView
from tests.support.engine_house import House, key, listening
from tests.support.fate import Died, Fate, FatedLedger
from tests.support.team import CHAT, TalkingChat, channel, mate


@contextlib.asynccontextmanager
async def shown_by(house: House, *processes: Mapping[str, Chat]) -> AsyncIterator[None]:
    """Processes with these platforms show threads."""
    async with contextlib.AsyncExitStack() as stack:
        tasks = []
        for chats in processes:
            feed = Feed(house.ledger)
            await stack.enter_async_context(listening(feed))
            tasks.append(asyncio.create_task(Showing(house.ledger, feed, Outbox(chats, SentRecord(house.ledger))).run()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def caught_up(house: House, platform: str = "") -> None:
    newest = select(EventRow.id).where(EventRow.app_id == Thread.app_id).order_by(EventRow.id.desc()).limit(1).scalar_subquery()
    behind = select(Thread.id).where(Thread.presented < newest, Thread.platform == platform if platform else True).limit(1)
    async with asyncio.timeout(30):
        while True:
            async with house.ledger.reading() as session:
                if await session.scalar(behind) is None:
                    return
            await asyncio.sleep(0.01)


async def asked(house: House, who: Who, words: str, place: ThreadRef | None, *, seen: bool = False) -> BuildView:
    return await house.engine.build(who, BuildRequest(description=words), place=place, seen=seen, key=key())


async def say(house: House, app: str, words: str) -> None:
    async with house.ledger.transaction() as t:
        t.tell(AppId(app), Said(by="Ada", text=words))


async def threads(house: House) -> list[Thread]:
    async with house.ledger.reading() as session:
        return list(await session.scalars(select(Thread).order_by(Thread.id)))


async def test_a_build_at_a_place_makes_a_thread_that_is_opened_when_it_is_shown(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    build = await asked(house, ada, "a list of chairs", channel("general", user="ADA"))
    (row,) = await threads(house)
    assert (CHAT, "T1", "general", False, "ADA") == (row.platform, row.workspace_ref, row.channel, row.opened, row.opened_for)
    assert build.thread is not None
    assert await house.engine.thread_ref(ada, build.thread) is None
    async with shown_by(house, {CHAT: chat}):
        await caught_up(house)
    (ref,) = chat.threads.values()
    assert ref.thread
    assert {ref.thread} == {message.thread.thread for message in chat.messages}
    there = await house.engine.thread_ref(ada, build.thread)
    assert there == channel("general", thread=ref.thread, user="ADA")
    found = await house.engine.thread_at(ada, there)
    assert found is not None
    assert (build.thread, build.slug) == (found.thread, found.app)


async def test_a_secret_among_the_words_does_not_open_the_thread(house: House) -> None:
    titles: list[str] = []

    class Titled(TalkingChat):
        async def open_thread(self, workspace: str, channel: str, title: str, *, key: str, user: str = "") -> ThreadRef:
            titles.append(title)
            return await super().open_thread(workspace, channel, title, key=key, user=user)

    ada = await mate(house, "ada")
    await asked(house, ada, "a shop with the key sk-live-0123456789abcdef", channel("general", user="ADA"))
    async with shown_by(house, {CHAT: Titled(CHAT)}):
        await caught_up(house)
    assert titles == ["a shop with the key •••"]


async def test_a_place_is_seen_by_its_workspace_alone(house: House) -> None:
    ada, eve = await mate(house, "ada"), await mate(house, "eve", workspace="T2")
    await asked(house, ada, "a list of chairs", channel("general", thread="17"))
    assert await house.engine.thread_at(ada, channel("general", thread="17")) is not None
    assert await house.engine.thread_at(eve, channel("general", thread="17")) is None
    assert await house.engine.thread_at(ada, channel("general", thread="18")) is None
    assert await house.engine.thread_at(ada, channel("general", thread="17", workspace="T2")) is None


async def test_what_is_refused_leaves_no_thread_and_posts_nothing(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    await asked(house, ada, "a list of tables", channel("other"))
    async with shown_by(house, {CHAT: chat}):
        for words, name in (("", "a"), ("x" * 20_000, "b"), ("a shop", "a-list-of-tables"), ("a shop", "www")):
            with pytest.raises((InvalidInput, Conflict, TooLarge)):
                request = BuildRequest(description=words, name=name)
                await house.engine.build(ada, request, place=channel(), key=key())
        await caught_up(house)
    assert {"other"} == {row.channel for row in await threads(house)}
    assert {"other"} == {ref.channel for ref in chat.threads.values()}
    assert {"other"} == {message.thread.channel for message in chat.messages}


async def test_the_same_request_twice_is_one_thread(house: House) -> None:
    ada = await mate(house, "ada")
    request = BuildRequest(description="a list of chairs")
    done = await asyncio.gather(*(house.engine.build(ada, request, place=channel(), key="same") for _ in range(4)))
    assert 1 == len({view.thread for view in done})
    assert 1 == len(await threads(house))


async def test_a_thread_that_was_opened_before_nexus_died_is_not_opened_again(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    build = await asked(house, ada, "a list of chairs", channel())
    fate = Fate()
    dying = FatedLedger(house.ledger, fate)
    showing = Showing(dying, house.feed, Outbox({CHAT: chat}, SentRecord(house.ledger)))
    chat.before = lambda verb, _: setattr(fate, "dead", verb == "open")
    with pytest.raises(Died):
        await showing._show(str(build.thread))
    assert (1, [False]) == (len(chat.threads), [row.opened for row in await threads(house)])
    chat.before = lambda verb, _: None
    async with shown_by(house, {CHAT: chat}):
        await caught_up(house)
    assert 1 == len(chat.threads)
    assert [True] == [row.opened for row in await threads(house)]
    (ref,) = chat.threads.values()
    assert {ref.thread} == {message.thread.thread for message in chat.messages}


async def test_what_happens_meanwhile_is_posted_in_order_below_what_opened_it(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    build = await asked(house, ada, "a list of chairs", channel())
    for number in range(5):
        await say(house, build.app, f"word {number}")
    async with shown_by(house, {CHAT: chat}):
        await caught_up(house)
        await say(house, build.app, "word 5")
        await caught_up(house)
    assert [f"word {number}" for number in range(6)] == [m.text for m in chat.messages if m.text.startswith("word")]
    assert chat.messages[0].card is not None


async def test_a_thread_that_is_there_already_is_used_and_not_opened(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    await asked(house, ada, "a list of chairs", channel("general", thread="17"), seen=True)
    async with shown_by(house, {CHAT: chat}):
        await caught_up(house)
    assert {} == chat.threads
    assert {"17"} == {message.thread.thread for message in chat.messages}
    assert [] == [message.text for message in chat.messages if message.text]  # the words are there for everybody to read


async def test_one_thread_has_one_app_and_the_next_gets_a_new_one_beside_it_with_its_words(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    first = await asked(house, ada, "a list of chairs", channel("general", thread="17"), seen=True)
    second = await asked(house, ada, "a list of tables,\nwith legs", channel("general", thread="17", user="ADA"), seen=True)
    assert first.thread != second.thread
    async with shown_by(house, {CHAT: chat}):
        await caught_up(house)
    (ref,) = chat.threads.values()
    assert "general" == ref.channel
    assert "17" != ref.thread
    assert ["a list of tables,\nwith legs"] == [m.text for m in chat.messages if m.thread.thread == ref.thread and m.text]
    assert [] == [m.text for m in chat.messages if m.thread.thread == "17" and m.text]


async def test_two_who_ask_in_one_thread_at_once_get_one_app_there_and_one_beside(house: House) -> None:
    ada, bob = await mate(house, "ada"), await mate(house, "bob")
    there = channel("general", thread="17")
    await asyncio.gather(asked(house, ada, "a list of chairs", there), asked(house, bob, "a list of tables", there))
    assert [False, True] == sorted(row.opened for row in await threads(house))
    async with house.ledger.reading() as session:
        assert 2 == await session.scalar(select(func.count()).select_from(App))


async def test_a_second_app_asked_for_by_a_reply_stays_in_the_channel(house: House) -> None:
    ada = await mate(house, "ada")
    first = await asked(house, ada, "a list of chairs", channel("general", thread="17", user="ADA"))
    second = await house.engine.build(
        ada, BuildRequest(description="a list of tables"), thread=first.thread, seen=True, key=key()
    )
    (row,) = [row for row in await threads(house) if row.id == second.thread]
    assert (CHAT, "general", False, "ADA") == (row.platform, row.channel, row.opened, row.opened_for)
    (said,) = await house.facts(second.app, "said")
    assert said.seen  # it is opened with these words


@pytest.mark.parametrize("platform", [FakeChat, TalkingChat])
async def test_words_typed_in_the_thread_are_said_only_where_nobody_sees_them(house: House, platform: type[FakeChat]) -> None:
    ada, chat = await mate(house, "ada"), platform(CHAT)
    build = await house.built(ada, "shop")  # on the page
    web = FakeChat("web")
    there = await asked(house, ada, "a list of chairs", channel("general", thread="17"), seen=True)
    async with house.ledger.transaction() as t:
        t.tell(build.app, Said(by="ada", text="typed on the page", seen=True))
        t.tell(there.app, Said(by="ada", text="typed there", seen=True))
        t.tell(there.app, Said(by="ada", text="typed into a form"))
    async with shown_by(house, {CHAT: chat, "web": web}):
        await caught_up(house)
    said = [message.text for message in chat.messages if message.text]
    everything = ["a list of chairs", "typed there", "typed into a form"]
    assert (everything if platform is FakeChat else everything[2:]) == said
    assert "typed on the page" in [message.text for message in web.messages]


@pytest.mark.parametrize(("words", "opens"), [("a list of chairs", True), ("a list\nof chairs", False), ("chairs " * 30, False)])
async def test_a_thread_that_is_opened_with_the_words_does_not_say_them_again(house: House, words: str, opens: bool) -> None:
    ada = await mate(house, "ada")
    build = await asked(house, ada, words, channel())
    (said,) = await house.facts(build.app, "said")
    assert opens == said.seen


async def test_a_place_that_cannot_be_opened_is_tried_again_when_there_is_more_to_tell_and_not_before(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    tries: list[str] = []
    chat.before = lambda verb, _: tries.append(verb)
    chat.fail(NotFound("The channel is archived."), NotFound("The channel is archived."))
    build = await asked(house, ada, "a list of chairs", channel())
    other = await asked(house, ada, "a list of tables", channel("other", thread="17"))
    async with shown_by(house, {CHAT: chat}):
        await caught_up(house)
        for number in range(3):  # others have news
            await say(house, other.app, f"word {number}")
            await caught_up(house)
        assert 1 == tries.count("open")
        await say(house, build.app, "more")
        await caught_up(house)
        await say(house, build.app, "the channel is back")
        await caught_up(house)
    assert 1 == len(chat.threads)
    assert "the channel is back" in [message.text for message in chat.messages]


async def test_an_outage_is_caught_up(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    build = await asked(house, ada, "a list of chairs", channel())
    chat.fail(TemporaryError("The platform is down."))
    failed = asyncio.Event()
    chat.before = lambda verb, _: failed.set()
    async with shown_by(house, {CHAT: chat}):
        async with asyncio.timeout(20):
            await failed.wait()
        await say(house, build.app, "it is back")
        await caught_up(house)
    assert 1 == len(chat.threads)
    assert "it is back" in [message.text for message in chat.messages]


async def test_processes_show_the_platforms_that_they_have_and_leave_the_others_alone(house: House) -> None:
    ada, web, chat = await mate(house, "ada"), FakeChat("web"), TalkingChat(CHAT)
    await house.built(await house.you(), "mine")
    await asked(house, ada, "a list of chairs", channel())
    async with shown_by(house, {"web": web}):
        await caught_up(house, "web")
        assert {"web"} == {message.thread.platform for message in web.messages}
        assert [] == chat.messages
        (row,) = [row for row in await threads(house) if row.platform == CHAT]
        assert (False, 0) == (row.opened, row.presented)
        async with shown_by(house, {CHAT: chat}):
            await caught_up(house)
    assert {CHAT} == {message.thread.platform for message in chat.messages}
    assert {"web"} == {message.thread.platform for message in web.messages}


async def test_of_two_processes_with_the_same_platform_one_opens_and_writes(house: House) -> None:
    ada, chat = await mate(house, "ada"), TalkingChat(CHAT)
    async with shown_by(house, {CHAT: chat}, {CHAT: chat}):
        builds = [await asked(house, ada, f"a list of {what}", channel()) for what in ("chairs", "tables", "lamps")]
        for build in builds:
            for number in range(5):
                await say(house, build.app, f"{build.slug} {number}")
        await caught_up(house)
    assert 3 == len(chat.threads)
    posted = [call for call in chat.calls if call[0] in {"post", "say"}]
    assert len(posted) == len(chat.messages)
    for build in builds:
        assert [f"{build.slug} {n}" for n in range(5)] == [m.text for m in chat.messages if m.text.startswith(f"{build.slug} ")]


async def test_threads_that_wait_for_their_platform_leave_the_database_to_others(house: House) -> None:
    ada = await mate(house, "ada")
    opening: set[str] = set()
    full, through = asyncio.Event(), asyncio.Event()

    class Slow(TalkingChat):
        async def open_thread(self, workspace: str, channel: str, title: str, *, key: str, user: str = "") -> ThreadRef:
            opening.add(key)
            if len(opening) == THREADS_AT_ONCE:
                full.set()
            await through.wait()
            return await super().open_thread(workspace, channel, title, key=key, user=user)

    for number in range(THREADS_AT_ONCE + 3):
        await asked(house, ada, f"app number {number}", channel())
    locks = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
    async with shown_by(house, {CHAT: Slow(CHAT)}):
        async with asyncio.timeout(30):
            await full.wait()
        async with house.ledger.reading() as session:
            assert await session.scalar(locks) == THREADS_AT_ONCE
        through.set()
        await caught_up(house)
    assert len(opening) == THREADS_AT_ONCE + 3


async def test_who_loses_the_right_to_write_to_a_thread_stops_in_the_middle(house: House) -> None:
    ada = await mate(house, "ada")
    posting, stopped = asyncio.Event(), asyncio.Event()

    class Slow(TalkingChat):
        async def post(self, thread: ThreadRef, card: Card, *, key: str) -> str:
            if not posting.is_set():
                posting.set()
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    stopped.set()
                    raise
            return await super().post(thread, card, key=key)

    await asked(house, ada, "a list of chairs", channel())
    chat = Slow(CHAT)
    async with shown_by(house, {CHAT: chat}), asyncio.timeout(60):
        await posting.wait()
        async with house.ledger.reading() as session:
            await session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()"
                )
            )
        await stopped.wait()
        await caught_up(house)
    assert [message.card is not None for message in chat.messages].count(True) == 1
