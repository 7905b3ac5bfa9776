"""The live stream: what changed, in order, from where the reader was."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from core.ids import ThreadId
from core.words.views import AppState
from tests.support import fake_cards
from tests.support.fake_engine import ADA, FakeSite


class _Reader:
    """Parses events as they come."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def next(self, *wanted: str) -> tuple[str, dict[str, Any], str]:
        """The next event of these names (or any but a beat): name, data, id."""
        async with asyncio.timeout(5):
            while True:
                name, data, number = await self._one()
                if name in wanted or (not wanted and name != "beat"):
                    return name, data, number

    async def _one(self) -> tuple[str, dict[str, Any], str]:
        fields: dict[str, str] = {}
        while True:
            line = (await self._response.content.readline()).decode()
            if not line:
                raise EOFError
            if line == "\n":
                if "event" in fields:
                    return fields["event"], json.loads(fields["data"]), fields.get("id", "")
                fields = {}
                continue
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name] = value


@asynccontextmanager
async def _stream(client: aiohttp.ClientSession, path: str, **headers: str) -> AsyncIterator[_Reader]:
    async with client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()}) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        yield _Reader(response)


async def test_it_begins_with_the_list_and_then_tells_every_change(site: FakeSite, ada: aiohttp.ClientSession) -> None:
    thread = ThreadId("thr_shelf")
    async with _stream(ada, "/chat/stream?thread=thr_shelf") as events:
        name, data, _ = await events.next()
        assert name == "threads"
        assert "Book club shelf" in data["html"]
        await site.engine.show(thread, fake_cards.working(4), key="build")
        name, data, number = await events.next()
        assert (name, data["thread"], number) == ("message", "thr_shelf", str(site.engine.newest))
        assert "Building" in data["html"]
        site.engine.put_thread("thr_shelf", "Shelf", AppState.REVIEW)
        name, data, number = await events.next()
        assert (name, data["state"], number) == ("thread", "review", "")
        assert "Needs review" in data["html"]


async def test_a_reader_that_comes_back_gets_what_it_missed_and_nothing_twice(site: FakeSite, ada: aiohttp.ClientSession) -> None:
    thread = ThreadId("thr_shelf")
    async with _stream(ada, "/chat/stream?thread=thr_shelf") as events:
        await events.next("threads")
        await site.engine.show(thread, fake_cards.working(4), key="build")
        _, _, seen = await events.next("message")
    for stage in (5, 4, 5):
        await site.engine.show(thread, fake_cards.working(stage), key="build")
    await site.engine.post(thread, "said:2", author="Ada", text="and covers")
    for query, headers in ((f"?thread=thr_shelf&after={seen}", {}), ("?thread=thr_shelf&after=0", {"Last_Event_ID": seen})):
        async with _stream(ada, f"/chat/stream{query}", **headers) as events:
            await events.next("threads")
            got = [await events.next("message") for _ in range(2)]
        assert [number for _, _, number in got] == sorted((number for _, _, number in got), key=int)
        assert int(got[0][2]) > int(seen)
        assert "and covers" in got[1][1]["html"]


async def test_other_threads_are_told_of_but_not_shown(site: FakeSite, ada: aiohttp.ClientSession) -> None:
    thread = ThreadId("thr_party")
    async with _stream(ada, "/chat/stream?thread=thr_todo") as events:
        await events.next("threads")
        await site.engine.post(thread, "said:9", author="Bo", text="secret plans")
        name, data, number = await events.next()
    assert (name, data) == ("touched", {"thread": "thr_party"})
    assert number == str(site.engine.newest)


async def test_threads_of_others_are_not_even_told_of(site: FakeSite, ada: aiohttp.ClientSession) -> None:
    thread = site.engine.put_thread("thr_foreign", "Foreign", AppState.LIVE)
    site.engine.foreign.add(thread)
    async with _stream(ada, "/chat/stream") as events:
        _, data, _ = await events.next("threads")
        assert "Foreign" not in data["html"]
        await site.engine.post(thread, "k1", author="Bo", text="theirs")
        await site.engine.post(ThreadId("thr_todo"), "k2", author="Ada", text="mine")
        assert (await events.next())[1] == {"thread": "thr_todo"}


async def test_a_program_gets_values_of_every_thread(site: FakeSite, ada: aiohttp.ClientSession) -> None:
    thread = ThreadId("thr_shelf")
    async with _stream(ada, "/chat/stream", Accept="application/json") as events:
        _, data, _ = await events.next("threads")
        assert {t["thread"] for t in data["threads"]} >= {"thr_todo", "thr_shelf"}
        await site.engine.show(thread, fake_cards.review(), key="build")
        _, data, _ = await events.next("message")
    assert data["card"]["status"] == "Ready for review"


async def test_no_text_breaks_out_of_its_event(site: FakeSite, ada: aiohttp.ClientSession) -> None:
    thread = ThreadId("thr_todo")
    async with _stream(ada, "/chat/stream?thread=thr_todo") as events:
        await events.next("threads")
        await site.engine.post(thread, "k", author="Bo\n\nevent: x", text="a\r\n\r\nevent: signed-out\ndata: {}\n\n\u2028\ud800")
        name, data, _ = await events.next()
    assert name == "message"
    assert "event: signed-out" in data["html"]


async def test_a_stream_ends_with_its_session(site: FakeSite) -> None:
    token = await site.sessions.issue(ADA.principal)
    async with (
        aiohttp.ClientSession(site.url, headers={"Cookie": f"nexus={token}"}) as client,
        _stream(client, "/chat/stream") as events,
    ):
        await events.next("threads")
        await events.next("beat")
        await site.sessions.revoke(token)
        assert (await events.next("signed-out"))[1] == {}


async def test_whoever_leaves_is_forgotten(site: FakeSite, ada: aiohttp.ClientSession) -> None:
    async with _stream(ada, "/chat/stream") as events:
        await events.next("threads")
        assert site.engine.readers == 1
    async with asyncio.timeout(5):
        await site.engine.left.wait()
    assert site.engine.readers == 0


async def test_a_shutdown_does_not_wait_for_streams(site: FakeSite, ada: aiohttp.ClientSession) -> None:
    async with _stream(ada, "/chat/stream") as events, _stream(ada, "/apps/todo/log") as log:
        await events.next("threads")
        await log.next("tail")
        async with asyncio.timeout(3):
            await site.stop()
    assert (site.engine.readers, site.engine.followers) == (0, 0)


@pytest.mark.parametrize("position", ["x", "-1", "1.5", "9" * 30, "٣"])
async def test_a_position_that_is_no_number_is_refused(ada: aiohttp.ClientSession, position: str) -> None:
    async with ada.get("/chat/stream", params={"after": position}) as answer:
        assert answer.status == 400


async def test_a_log_begins_with_its_tail_and_goes_on(site: FakeSite, ada: aiohttp.ClientSession) -> None:
    async with _stream(ada, "/apps/todo/log") as log:
        _, data, _ = await log.next()
        assert data["lines"] == fake_cards.LOG_LINES
        site.engine.log("\x1b[32mone\x1b[0m")
        assert (await log.next())[1]["lines"] == ["one"]
        site.engine.log("x" * 100_000)
        (line,) = (await log.next())[1]["lines"]
        assert len(line) < 2_100


async def test_the_log_of_another_app_is_not_found(ada: aiohttp.ClientSession) -> None:
    async with ada.get("/apps/none/log") as answer:
        assert answer.status == 404


async def test_a_slow_reader_gets_the_newest_version_alone(site: FakeSite, ada: aiohttp.ClientSession) -> None:
    thread = ThreadId("thr_shelf")
    async with _stream(ada, "/chat/stream?thread=thr_shelf") as events:
        await events.next("threads")
        for stage in (4, 5, 4, 5, 4):  # without a pause: nothing is sent in between
            await site.engine.show(thread, fake_cards.working(stage), key="build")
        _, _, number = await events.next("message")
    assert number == str(site.engine.newest)
