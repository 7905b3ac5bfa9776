"""The gateway of the local Discord: who is told of what, and sessions that are lost and found."""

from __future__ import annotations

from typing import Any

import aiohttp
import discord
import pytest

from tests.support.discord import DiscordUser, LocalDiscord
from tests.unit.discord_server.cards import Card
from tests.unit.discord_server.conftest import Bot, Connect, intents, point_at


async def test_every_process_with_the_token_hears_everything(local: LocalDiscord, ada: DiscordUser, connect: Connect) -> None:
    first, second = await connect(local), await connect(local)
    await ada.say("#general", "hello")
    await local.wait_for(lambda: first.heard and second.heard)
    assert [one.content for one in first.heard + second.heard] == ["hello", "hello"]


async def test_without_the_intent_words_are_told_only_where_they_are_to_the_bot(
    local: LocalDiscord, ada: DiscordUser, connect: Connect
) -> None:
    bot = await connect(local, content=False)
    await ada.say("#general", "hello", files={"a.txt": b"x"})
    await ada.mention_bot("#general", "hello")
    await ada.direct("hello")
    await local.wait_for(lambda: len(bot.heard) == 3)
    assert [(one.content, len(one.attachments)) for one in bot.heard] == [
        ("", 0),
        (f"<@{local.bot.id}> hello", 0),
        ("hello", 0),
    ]


async def test_an_intent_that_was_not_granted_is_refused(connect: Connect) -> None:
    async with LocalDiscord(message_content=False) as strict:
        with pytest.raises(discord.PrivilegedIntentsRequired):
            await connect(strict)
        assert strict.gateway.closes == [4014]
        bot = await connect(strict, content=False)
        assert bot.application is not None
        assert bot.application.flags.gateway_message_content_limited is False


async def test_a_token_that_is_unknown_is_refused(local: LocalDiscord) -> None:
    point_at(local)
    async with Bot(intents()) as bot:
        with pytest.raises(discord.LoginFailure):
            await bot.login("of.no.body")
    identify = {"op": 2, "d": {"token": "of.no.body", "intents": 1, "properties": {}}}
    assert await closed(local, {"op": 1, "d": None}, identify) == 4004


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"op": 8, "d": {}}, 4003),
        ({"no": "op"}, 4002),
        ({"op": 2, "d": {"token": "TOKEN", "intents": 1 << 30, "properties": {}}}, 4013),
    ],
)
async def test_what_makes_no_sense_closes_the_connection(local: LocalDiscord, said: dict[str, Any], code: int) -> None:
    if said.get("d"):
        said["d"]["token"] = local.token
    assert await closed(local, said) == code


async def closed(local: LocalDiscord, *frames: dict[str, Any]) -> int | None:
    """The code with which the gateway closes a connection that says this."""
    async with aiohttp.ClientSession() as session, session.ws_connect(local.gateway_url) as socket:
        for frame in frames:
            await socket.send_json(frame)
        async for _ in socket:
            pass
        return socket.close_code


async def test_what_was_missed_is_told_when_the_session_is_resumed(
    local: LocalDiscord, ada: DiscordUser, connect: Connect
) -> None:
    bot = await connect(local)
    assert local.cut() == 1
    await local.wait_for(lambda: not local.gateway.live)
    await ada.say("#general", "missed")
    await local.wait_for(lambda: bot.heard)
    assert [one.content for one in bot.heard] == ["missed"]
    assert (local.gateway.identified, local.gateway.sessions[0].resumed) == (1, 1)


async def test_a_client_that_is_asked_to_reconnect_goes_on_with_its_session(
    local: LocalDiscord, ada: DiscordUser, connect: Connect
) -> None:
    bot = await connect(local)
    local.gateway.ask_to_reconnect()
    await local.wait_for(lambda: bot.resumed)
    await ada.say("#general", "hello")
    await local.wait_for(lambda: bot.heard)
    assert local.gateway.identified == 1


async def test_a_session_that_is_over_is_begun_anew(local: LocalDiscord, ada: DiscordUser, connect: Connect) -> None:
    bot = await connect(local)
    local.gateway.forget()
    local.cut()
    await local.wait_for(lambda: local.gateway.identified == 2 and local.gateway.live)
    await ada.say("#general", "hello")
    await local.wait_for(lambda: bot.heard)
    assert [one.content for one in bot.heard] == ["hello"]
    assert bot.resumed == 0


async def test_each_shard_hears_of_its_own_servers(local: LocalDiscord, connect: Connect) -> None:
    others = [local.add_guild(name) for name in ("One", "Two", "Three", "Four")]
    local.gateway.shards = 2
    bot = await connect(local)
    await local.wait_for_sessions(2)
    for guild in others:
        await guild.add_user("Ben").say(guild.channel("#general"), guild.name)
    await local.wait_for(lambda: len(bot.heard) == 4)
    assert {one.content for one in bot.heard} == {"One", "Two", "Three", "Four"}
    assert sorted(one.shard for one in local.gateway.live) == [(0, 2), (1, 2)]


async def test_the_bot_is_told_of_servers_that_it_joins_and_leaves(local: LocalDiscord, connect: Connect) -> None:
    bot = await connect(local)
    local.add_guild("Other")
    await local.wait_for(lambda: len(bot.guilds) == 2)
    local.guild.remove_bot()
    await local.wait_for(lambda: len(bot.guilds) == 1)
    assert [one.name for one in bot.guilds] == ["Other"]
    channel = bot.get_partial_messageable(int(local.channel_id("#general")))
    with pytest.raises(discord.Forbidden, match="50001"):
        await channel.send(view=Card("x"))
