"""What goes wrong with the local Discord when a test asks for it."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import discord
import pytest

from tests.support.discord import Limits, LocalDiscord, render_text
from tests.unit.discord_server.cards import Card, refused
from tests.unit.discord_server.conftest import Connect
from tests.unit.discord_server.test_messages import general

POST = "POST /channels/*/messages"


async def test_a_rate_limit_is_told_and_waited_for(local: LocalDiscord, connect: Connect) -> None:
    bot = await connect(local, gateway=False)
    local.fault(POST, retry_after=0.01)
    local.fault(POST, retry_after=0.01, is_global=True)
    await general(bot, local).send(view=Card("x"))
    assert [one.status for one in local.called("POST /channels/{channel}/messages")] == [429, 429, 200]
    assert len(local.messages("#general")) == 1


async def test_the_limits_of_a_route_are_in_its_headers(connect: Connect) -> None:
    async with LocalDiscord(limits=Limits.real()) as strict:
        url = f"{strict.api_url}/channels/{strict.channel_id('#general')}/messages"
        body = {"content": "x", "allowed_mentions": {"parse": []}}
        answers = []
        async with aiohttp.ClientSession(headers={"Authorization": f"Bot {strict.token}"}) as session:
            for _ in range(6):
                async with session.post(url, json=body) as response:
                    answers.append((response.status, response.headers["X-RateLimit-Remaining"]))
        assert answers == [(200, "4"), (200, "3"), (200, "2"), (200, "1"), (200, "0"), (429, "0")]


async def test_an_answer_may_be_lost_after_the_message_was_posted(local: LocalDiscord, connect: Connect) -> None:
    channel = general(await connect(local, gateway=False), local)
    local.fault(POST, lose=True)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await channel.send(view=Card("lost"), nonce="n")
    local.fault(POST, cut=True)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await channel.send(view=Card("cut"))
    sent = await channel.send(view=Card("lost"), nonce="n")
    assert [(one.id, render_text(one)) for one in local.messages("#general")] == [(str(sent.id), "lost")]


async def test_an_error_of_the_server_comes_before_or_after_the_effect(local: LocalDiscord, connect: Connect) -> None:
    channel = general(await connect(local, gateway=False), local)
    local.fault(POST, status=503)
    assert (await refused(channel.send(view=Card("before"))))[0] == 503
    local.fault(POST, status=503, after=True)
    assert (await refused(channel.send(view=Card("after"))))[0] == 503
    local.fault(POST, code=50013)
    assert await refused(channel.send(view=Card("refused"))) == (403, 50013)
    assert [render_text(one) for one in local.messages("#general")] == ["after"]


async def test_a_call_is_held_until_it_is_let_go(local: LocalDiscord, connect: Connect) -> None:
    channel = general(await connect(local, gateway=False), local)
    fault = local.fault(POST, held=True)
    sending = asyncio.create_task(channel.send(view=Card("x")))
    await local.wait_for(lambda: fault.used)
    assert local.messages("#general") == []
    fault.release()
    await sending
    assert len(local.messages("#general")) == 1


async def test_discord_is_down_and_comes_back(local: LocalDiscord, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("discord.backoff.ExponentialBackoff.delay", lambda _: 0.01)
    bot = await connect(local)
    channel = general(bot, local)
    await local.down()
    with pytest.raises((aiohttp.ClientError, OSError)):
        await channel.send(view=Card("x"))
    await local.up()
    await local.wait_for_sessions()
    await channel.send(view=Card("back"))
    assert [render_text(one) for one in local.messages("#general")] == ["back"]


async def test_an_unknown_path_and_a_foreign_token_are_refused(local: LocalDiscord) -> None:
    answers = []
    async with aiohttp.ClientSession() as session:
        for path, token in (("/nowhere", local.token), ("/users/@me", "another")):
            async with session.get(local.api_url + path, headers={"Authorization": f"Bot {token}"}) as response:
                answers.append((response.status, await response.json()))
    assert answers == [(404, {"message": "404: Not Found", "code": 0}), (401, {"message": "401: Unauthorized", "code": 0})]
    assert time.time() - discord.utils.snowflake_time(int(local.guild.id)).timestamp() < 600
