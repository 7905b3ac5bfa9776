"""``nexus up`` and ``nexus bot`` in Discord: they say as whom they are there, answer, and go without leaving a session behind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.support.bot_process import Bot
from tests.support.discord import DiscordUser, LocalDiscord, render_text
from tests.support.nexus import Nexus, new_nexus, until
from tests.support.slack import LocalSlack
from tests.support.slack_house import settings as slack_settings

CONNECTED = "Discord is connected, and knows Nexus as @Nexus in Acme."


@pytest.fixture
async def discord() -> AsyncIterator[LocalDiscord]:
    async with LocalDiscord() as made:
        yield made
        assert made.violations == []


@pytest.fixture
def ada(discord: LocalDiscord) -> DiscordUser:
    return discord.guild.add_user("Ada")


@pytest.fixture
async def fresh(nexus: Nexus) -> AsyncIterator[Callable[..., Nexus]]:
    """Make a Nexus of one's own; not started."""
    made: list[Nexus] = []

    def make(**env: str) -> Nexus:
        made.append(new_nexus(like=nexus, **env))
        return made[-1]

    yield make
    for one in made:
        await one.close()


def settings(discord: LocalDiscord) -> dict[str, str]:
    return {"DISCORD_TOKEN": discord.token, "DISCORD_API_URL": discord.api_url}


async def helped(ada: DiscordUser) -> str:
    """The answer to a plea for help."""
    receipt = await ada.slash("#general", "nexus help")
    assert receipt.acknowledged, receipt.error
    return render_text(await receipt.answer())


async def test_one_nexus_serves_slack_and_discord_and_the_doctor_finds_both_well(
    discord: LocalDiscord, ada: DiscordUser, fresh: Callable[..., Nexus]
) -> None:
    async with LocalSlack() as slack:
        ben = slack.workspace.add_user("Ben")
        nexus = fresh(**settings(discord), **slack_settings(slack))
        await nexus.up()
        await until(_true(lambda: CONNECTED in nexus.said and "Slack is connected" in nexus.said), what="both are connected")

        assert "build" in await helped(ada)
        assert (await ben.command("/nexus", "help", "#general")).acknowledged
        found = (await nexus.run("doctor")).out
        assert f"as @{discord.bot.name}" in found
        assert "Acme: all" in found
        assert "registered as Nexus has them: /nexus, Build this" in found
        assert "Socket Mode is on" in found

        await nexus.down()
        await discord.wait_for(lambda: not discord.gateway.live)
    assert [] == nexus.faults()


async def test_with_a_wrong_token_the_page_works_and_a_bot_with_a_right_one_serves_discord_beside_it(
    discord: LocalDiscord, ada: DiscordUser, fresh: Callable[..., Nexus]
) -> None:
    token = discord.token[:-4] + "0000"  # of before it was reset
    nexus = fresh(**settings(discord) | {"DISCORD_TOKEN": token})
    await nexus.up()
    await until(_true(lambda: "Discord does not accept DISCORD_TOKEN" in nexus.said), what="the token is told to be wrong")
    assert "Reset Token" in nexus.said
    assert token not in nexus.said
    assert 200 == (await nexus.request("GET", "/api/openapi.json")).status
    assert [] == discord.gateway.sessions

    bot = await Bot.begin(nexus, DISCORD_TOKEN=discord.token)
    try:
        await until(_true(lambda: CONNECTED in bot.said), what="it says as whom it is there")
        assert "build" in await helped(ada)
    finally:
        await bot.down()
    assert "Stopping" in bot.said
    await discord.wait_for(lambda: not discord.gateway.live)
    await nexus.down()


def _true(look: Callable[[], object]) -> Callable[[], Awaitable[bool]]:
    async def asked() -> bool:
        return bool(look())

    return asked
