"""Threads show what their apps' events say: all of it, in order, once, whoever shows them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy import select, text

from core.conversation.fake_chat import FakeChat
from core.conversation.outbox import Outbox
from core.errors import NexusError, OperatorError
from core.ids import AppId
from core.ledger.feed import Feed
from core.ledger.messages import Messages, SentRecord
from core.ledger.tables import EventRow, Thread
from core.operations.showing import Showing
from core.words.events import Said
from tests.support.engine_house import House, listening, version


@contextlib.asynccontextmanager
async def shown_by(house: House, chat: FakeChat, *, processes: int = 1) -> AsyncIterator[None]:
    """So many processes show threads on this platform."""
    async with contextlib.AsyncExitStack() as stack:
        tasks = []
        for _ in range(processes):
            feed = Feed(house.ledger)
            await stack.enter_async_context(listening(feed))
            showing = Showing(house.ledger, feed, Outbox({"web": chat}, SentRecord(house.ledger)))
            tasks.append(asyncio.create_task(showing.run()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await look():  # noqa: ASYNC110 - it is in the database
            await asyncio.sleep(0.01)


async def caught_up(house: House) -> bool:
    """Whether every thread shows everything."""
    newest = select(EventRow.id).where(EventRow.app_id == Thread.app_id).order_by(EventRow.id.desc()).limit(1).scalar_subquery()
    async with house.ledger.reading() as session:
        return (await session.scalar(select(Thread.id).where(Thread.presented < newest).limit(1))) is None


async def say(house: House, app: AppId, *words: str) -> None:
    for word in words:
        async with house.ledger.transaction() as t:
            t.tell(app, Said(by="Ada", text=word))


async def test_a_thread_shows_the_whole_story_in_order_and_the_last_word_within_moments(house: House) -> None:
    you, chat = await house.you(), FakeChat("web")
    async with shown_by(house, chat):
        build = await house.built(you, "shop")
        for number in range(40):  # each comes while the one before is being shown
            await say(house, build.app, f"word {number}")
        began = asyncio.get_running_loop().time()
        await until(lambda: caught_up(house))
        assert asyncio.get_running_loop().time() - began < 10  # and not when the feed looks by itself
    words = [message.text for message in chat.messages if message.text.startswith("word")]
    assert [f"word {number}" for number in range(40)] == words


async def test_what_is_told_while_a_thread_has_its_last_look_is_not_left_for_when_the_feed_looks_by_itself(house: House) -> None:
    showing = Showing(house.ledger, house.feed, Outbox({}, SentRecord(house.ledger)))
    looks: asyncio.Queue[str] = asyncio.Queue()
    last = asyncio.Event()

    async def look(thread: str, platform: str) -> None:
        looks.put_nowait(thread)
        await last.wait()

    showing._catch_up = look  # type: ignore[method-assign]
    for _ in range(3):
        showing._begin("t", "web")
    async with asyncio.timeout(10):
        assert "t" == await looks.get()
        last.set()
        assert "t" == await looks.get()
        while showing._tasks:  # noqa: ASYNC110 - it is over as soon as it begins
            await asyncio.sleep(0)
    assert looks.empty()


async def test_of_two_processes_one_writes_and_nothing_is_shown_twice(house: House) -> None:
    you, chat = await house.you(), FakeChat("web")
    async with shown_by(house, chat, processes=2):
        builds = [await house.built(you, f"shop-{n}") for n in range(3)]
        await asyncio.gather(*(say(house, build.app, *(f"{build.slug} {n}" for n in range(15))) for build in builds))
        await until(lambda: caught_up(house))
    keys = [(message.thread, message.key) for message in chat.messages]
    assert len(keys) == len(set(keys))
    posted = [call for call in chat.calls if call[0] in {"post", "say"}]
    assert len(posted) == len(keys)
    for build in builds:
        words = [message.text for message in chat.messages if message.text.startswith(build.slug)]
        assert [f"{build.slug} {n}" for n in range(15)] == words


async def test_a_thread_waits_for_whoever_runs_nexus_and_is_shown_whole_when_that_is_mended(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.operations.showing.OPERATOR_PAUSE", 0.0)
    you, chat = await house.you(), FakeChat("web")
    tried: list[str] = []

    def refused(verb: str, key: str) -> None:
        tried.append(key)
        raise OperatorError("The token is not accepted any more.")

    async def tried_again() -> bool:
        return len(tried) >= 2

    chat.before = refused
    async with shown_by(house, chat):
        build = await house.built(you, "shop")
        await say(house, build.app, "one")
        await until(tried_again)
        assert not await caught_up(house)
        assert 1 == len(set(tried)), "what comes first is tried first"
        chat.before = lambda verb, key: None
        await say(house, build.app, "two")
        await until(lambda: caught_up(house))
    assert ["one", "two"] == [message.text for message in chat.messages if message.text in {"one", "two"}]
    keys = [message.key for message in chat.messages]
    assert tried[0] == keys[0]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("how", ["press", "opened"])
async def test_what_a_closed_place_did_not_take_is_shown_once_it_is_open_again(house: House, how: str) -> None:
    you, chat = await house.you(), FakeChat("web")

    def closed(verb: str, key: str) -> None:
        raise NexusError("The thread is locked.")

    async with shown_by(house, chat):
        build = await house.built(you, "shop")
        await until(lambda: caught_up(house))
        before = len(chat.messages)
        chat.before = closed
        await say(house, build.app, "while it was closed")
        await until(lambda: caught_up(house))
        chat.before = lambda verb, key: None
        assert len(chat.messages) == before
        (thread,) = [one for one in await house.engine.threads(you) if one.app == build.slug]
        if how == "press":
            await house.engine.show_again(you, thread.thread)
        else:
            ref = await house.engine.thread_ref(you, thread.thread)
            assert ref is not None
            await house.engine.opened_again("web", ref.workspace)

        async def shown() -> bool:
            return len(chat.messages) > before

        await until(shown)
        await until(lambda: caught_up(house))
    assert ["while it was closed"] == [message.text for message in chat.messages[before:]]


async def test_what_was_told_while_nobody_showed_is_shown_afterwards_once(house: House) -> None:
    you, chat = await house.you(), FakeChat("web")
    await house.live(you, "shop")
    for _ in range(2):
        async with shown_by(house, chat):
            await until(lambda: caught_up(house))
        await say(house, AppId((await house.row("shop")).id), "later")
    async with shown_by(house, chat):
        await until(lambda: caught_up(house))
    keys = [message.key for message in chat.messages]
    assert len(keys) == len(set(keys))
    assert ["later", "later"] == [message.text for message in chat.messages if message.text == "later"]


async def test_a_thread_goes_on_after_more_events_than_are_read_at_once(house: House) -> None:
    you, chat = await house.you(), FakeChat("web")
    build = await house.built(you, "shop")
    async with house.ledger.transaction() as t:
        await t.session.execute(
            text(
                "INSERT INTO events (app_id, seq, fact, at) SELECT :app, 1000 + n, "
                """jsonb_build_object('kind', 'build.note', 'build', CAST(:build AS text), 'text', 'note ' || n), now() """
                "FROM generate_series(1, 6000) n"
            ),
            {"app": build.app, "build": build.build},
        )
        await t.session.execute(text("UPDATE apps SET last_seq = 7000 WHERE id = :app"), {"app": build.app})
    await say(house, build.app, "the last word")
    async with shown_by(house, chat):
        await until(lambda: caught_up(house))
    assert "the last word" in [message.text for message in chat.messages]


async def test_when_postgres_cuts_every_connection_showing_goes_on(house: House) -> None:
    you, chat = await house.you(), FakeChat("web")
    async with shown_by(house, chat, processes=2):
        build = await house.built(you, "shop")
        await until(lambda: caught_up(house))
        with contextlib.suppress(Exception):
            async with house.ledger.transaction() as t:
                await t.session.execute(
                    text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()")
                )
        await house.ledger.engine.dispose()

        async def said() -> bool:
            with contextlib.suppress(Exception):
                await say(house, build.app, "afterwards")
                return True
            return False

        await until(said)
        await until(lambda: caught_up(house))
    assert "afterwards" in [message.text for message in chat.messages]


async def test_messages_are_in_order_and_every_version_reaches_who_watches_though_many_write_at_once(house: House) -> None:
    you = await house.you()
    builds = [await house.built(you, f"shop-{n}", version(1)) for n in range(3)]
    messages = Messages(house.ledger)
    seen: dict[str, int] = {}

    async def watch() -> None:
        async with contextlib.aclosing(house.engine.watch(you, after=0)) as items:  # type: ignore[type-var]
            async for item in items:
                if hasattr(item, "message"):
                    assert item.version > seen.get(item.message, 0)
                    seen[item.message] = item.version
                    if len(seen) == 60:
                        return

    watching = asyncio.create_task(watch())
    await asyncio.gather(
        *(messages.post(build.thread, f"key {n}", author="Ada", text=str(n)) for n in range(20) for build in builds)  # type: ignore[arg-type]
    )
    async with asyncio.timeout(10):  # nothing is left for when the feed looks by itself
        await watching
    for build in builds:
        found = await house.engine.messages(you, build.thread)  # type: ignore[arg-type]
        assert sorted(m.order for m in found) == [m.order for m in found]
        assert {m.message: m.version for m in found} == {m.message: seen[m.message] for m in found}
