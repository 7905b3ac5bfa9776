"""``nexus bot``: a process that serves chats alone, for a Nexus that comes, goes and moves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest

from tests.support.bot_process import Bot
from tests.support.nexus import Nexus, new_nexus, until
from tests.support.postgres import free_port
from tests.support.slack import LocalSlack, SlackUser, render_text
from tests.support.slack_house import settings


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack() as made:
        yield made


@pytest.fixture
def ada(slack: LocalSlack) -> SlackUser:
    return slack.workspace.add_user("Ada")


@pytest.fixture
async def apart(nexus: Nexus) -> AsyncIterator[Nexus]:
    """A Nexus that leaves the chats to others; not started."""
    made = new_nexus(like=nexus, NEXUS_CHATS="false")
    yield made
    await made.close()


async def helped(slack: LocalSlack, ada: SlackUser) -> str:
    """The answer to a plea for help."""
    before = len(slack.messages("#general", user=ada))
    receipt = await ada.command("/nexus", "help", "#general")
    assert receipt.acknowledged, receipt.error
    shown = await slack.wait_for(lambda: slack.messages("#general", user=ada)[before:], why="help")
    return render_text(shown[0])


async def test_it_waits_for_a_nexus_outlives_its_death_and_follows_where_it_moves(
    slack: LocalSlack, ada: SlackUser, apart: Nexus
) -> None:
    apart.env |= settings(slack)
    bot = await Bot.begin(apart)
    try:
        await until(_true(lambda: "Waiting for a Nexus" in bot.said), what="it waits")
        await apart.up()
        await slack.wait_for_sockets(2)
        assert "build" in await helped(slack, ada)

        await apart.killed()
        assert bot.alive
        assert "build" in await helped(slack, ada)  # Postgres is there still

        apart.port = free_port()
        await apart.up()
        await until(_true(lambda: f"Serving chats for the Nexus at {apart.url}" in bot.said), what="it follows")
        await slack.wait_for(lambda: len(slack.sockets.live) == 2)
        assert "build" in await helped(slack, ada)
        assert 2 == len(slack.sockets.live)  # the Nexus itself has none
    finally:
        await bot.down()
    assert "Stopping" in bot.said
    await slack.wait_for(lambda: not slack.sockets.live)
    await apart.down()
    assert [] == apart.faults()


async def test_it_takes_signed_requests_at_a_port_of_its_own_which_the_nexus_does_not(
    slack: LocalSlack, ada: SlackUser, apart: Nexus
) -> None:
    apart.env |= settings(slack, sockets=False)
    await apart.up()
    port = free_port()
    bot = await Bot.begin(apart, "--port", str(port))
    try:
        await until(_true(lambda: "Serving chats" in bot.said), what="it serves")
        assert await slack.deliver_to(f"http://127.0.0.1:{port}/slack/events").verify_url()
        assert "build" in await helped(slack, ada)
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as response:
            assert (200, {"ok": True}) == (response.status, await response.json())
        assert 404 == (await apart.request("POST", "/slack/events", host="nexus.example.com")).status
    finally:
        await bot.down()
    await apart.down()


def _true(look: Callable[[], object]) -> Callable[[], Awaitable[bool]]:
    async def asked() -> bool:
        return bool(look())

    return asked
