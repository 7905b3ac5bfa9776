"""What whoever runs Nexus hears of the connection, over the wire of the local Discord."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from adapters.discord.app import STRANGER, NexusClient
from adapters.discord.connection import AWAY, BACK, Connection, proxy_to
from tests.support.discord.server import LocalDiscord


@pytest.fixture
async def discord() -> AsyncIterator[LocalDiscord]:
    async with LocalDiscord() as made:
        yield made
        assert made.violations == []


@contextlib.asynccontextmanager
async def connected(
    discord: LocalDiscord, told: list[str], *, token: str = "", grace: float = 60.0
) -> AsyncIterator[tuple[Connection, asyncio.Task[None]]]:
    """A client that is run for the length of the block."""
    client = NexusClient(api_url=discord.api_url, tell=told.append, guild_ready_timeout=0.05)
    connection = Connection(client, SecretStr(token or discord.token), tell=told.append, grace=grace)
    task = asyncio.create_task(connection.run())
    try:
        yield connection, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert client.is_closed()


async def test_it_is_told_once_as_whom_nexus_is_there_and_where(discord: LocalDiscord) -> None:
    for name in ("Globex", "Initech", "Hooli"):
        discord.add_guild(name)
    told: list[str] = []
    async with connected(discord, told):
        await discord.wait_for(lambda: told)
    assert ["Discord is connected, and knows Nexus as @Nexus in Acme, Globex, Initech and 1 more."] == told
    await discord.wait_for(lambda: not discord.gateway.live)


async def test_in_no_server_the_way_into_one_is_told(discord: LocalDiscord) -> None:
    discord.guild.remove_bot()
    told: list[str] = []
    async with connected(discord, told):
        await discord.wait_for(lambda: told)
    assert "`nexus discord invite`" in told[0]


async def test_a_wrong_token_is_told_with_its_remedy_and_ends_the_connection_alone(discord: LocalDiscord) -> None:
    told: list[str] = []
    async with connected(discord, told, token="a.b.c") as (_, task):
        await task
        assert [STRANGER] == told
        assert [] == discord.gateway.sessions


async def test_without_the_intent_it_is_told_and_goes_on(discord: LocalDiscord) -> None:
    discord.message_content = False
    told: list[str] = []
    async with connected(discord, told):
        await discord.wait_for(lambda: len(told) == 2)
    assert "Message Content Intent" in told[0]
    assert told[1].startswith("Discord is connected")


async def test_who_leaves_is_sent_nothing_more_and_can_still_answer(discord: LocalDiscord) -> None:
    told: list[str] = []
    async with connected(discord, told) as (connection, task):
        await discord.wait_for(lambda: told)
        await connection.leave()
        await discord.wait_for(lambda: not discord.gateway.live)
        assert not task.done()
        assert (await connection._client.application_info()).id == int(discord.application_id)


async def test_a_short_gap_is_not_told(discord: LocalDiscord) -> None:
    told: list[str] = []
    async with connected(discord, told, grace=30):
        await discord.wait_for(lambda: told)
        discord.cut()
        await discord.wait_for(lambda: discord.gateway.live and discord.gateway.live[0].resumed == 1)
    assert 1 == len(told)


async def test_an_outage_is_told_once_and_so_is_its_end(discord: LocalDiscord, monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(client: NexusClient, shard: int | None, *, initial: bool = False) -> None:
        """discord.py waits five seconds before it begins another session."""

    monkeypatch.setattr(NexusClient, "before_identify_hook", at_once)
    monkeypatch.setattr("discord.backoff.ExponentialBackoff.delay", lambda _: 0.05)
    told: list[str] = []
    async with connected(discord, told, grace=0.2):
        await discord.wait_for(lambda: any(one.startswith("Discord is connected") for one in told))
        told.clear()
        await discord.down()
        await discord.wait_for(lambda: told)
        await discord.up()
        await discord.wait_for(lambda: len(told) == 2)
    assert [AWAY, BACK] == told


async def test_a_discord_that_is_away_at_the_start_is_told_to_be(discord: LocalDiscord) -> None:
    await discord.down()
    told: list[str] = []
    async with connected(discord, told, grace=0.05):
        await discord.wait_for(lambda: told)
    assert [AWAY] == told


def test_the_proxy_is_the_one_that_the_environment_names_but_for_addresses_that_it_excepts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "127.0.0.1,near.example")

    assert "http://proxy.example:3128" == proxy_to("https://discord.com/api/v10")
    assert [None, None, None] == [proxy_to(url) for url in ("https://near.example/api", "http://discord.com", "")]
