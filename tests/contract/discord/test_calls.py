"""How Nexus speaks to Discord's API, and what its refusals and silences become."""

from __future__ import annotations

import logging

import discord
import pytest
import structlog
from discord.gateway import DiscordWebSocket
from discord.http import Route

from adapters.discord.calls import Calls, point_at
from adapters.discord.faults import (
    NEEDS,
    REFUSALS,
    ChannelClosed,
    DiscordBusy,
    DiscordRefusal,
    InteractionOver,
    Malformed,
    MessageGone,
    ThreadExists,
    TokenLost,
    refusal,
)
from adapters.discord.notes import note
from tests.contract.discord.conftest import Outside

SECRET = "hunter2-and-more"


async def test_what_is_sent_is_logged_nowhere(outside: Outside, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    one = await outside.process()
    said: list[str] = []
    with structlog.testing.capture_logs() as logged:
        for fault in ({}, {"code": 50035}, {"status": 502}, {"retry_after": 1.0}, {"lose": True}):
            if fault:
                outside.discord.fault("POST /channels/*/messages", **fault)
            try:
                await one.calls.send(outside.channel, note(SECRET, "key"))
            except (DiscordBusy, Malformed) as error:
                said.append(str(error))
    assert len(outside.discord.messages("#general")) == 4
    assert "discord refused" in str(logged)
    assert len(said) == 2
    assert SECRET not in str(said) + str(logged) + caplog.text
    assert outside.discord.token not in str(logged) + caplog.text


async def test_the_token_by_which_an_interaction_is_answered_is_logged_nowhere(
    outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    one = await outside.process()
    for kind, path in (
        ("webhooks", "/webhooks/{webhook_id}/{webhook_token}/messages/@original"),
        ("interactions", "/interactions/{webhook_id}/{webhook_token}/callback"),
    ):
        outside.discord.fault(f"* /{kind}/*", retry_after=1.0)
        with structlog.testing.capture_logs() as logged, pytest.raises(DiscordRefusal):
            await one.calls.call("POST", path, json={"type": 5}, webhook_id="123", webhook_token=SECRET)
        assert f"/{kind}/123/…" in caplog.text
        assert SECRET not in str(logged) + caplog.text


async def test_before_it_is_logged_in_and_after_it_was_closed_it_is_a_passing_fault(outside: Outside) -> None:
    client = discord.Client(intents=discord.Intents(guilds=True))
    calls = Calls(client)
    with pytest.raises(DiscordBusy):
        assert calls.bot
    with pytest.raises(DiscordBusy) as early:
        await calls.call("GET", "/users/@me")
    await client.login(outside.discord.token)
    assert (await calls.call("GET", "/users/@me"))["id"] == calls.bot == outside.discord.bot.id
    await client.close()
    with pytest.raises(DiscordBusy) as late:
        await calls.call("GET", "/users/@me")
    assert not early.value.doubtful
    assert not late.value.doubtful


async def test_a_call_that_reached_nobody_is_not_doubtful_and_one_that_broke_off_is(outside: Outside) -> None:
    one = await outside.process()
    for fault in ({"cut": True}, {"lose": True}, {"status": 503}):
        outside.discord.fault("GET /users/@me", **fault, times=2)  # aiohttp itself asks twice where asking changes nothing
        with pytest.raises(DiscordBusy) as busy:
            await one.calls.call("GET", "/users/@me")
        assert busy.value.doubtful
        outside.discord.faults = type(outside.discord.faults)()
    await outside.discord.down()
    with pytest.raises(DiscordBusy) as busy:
        await one.calls.call("GET", "/users/@me")
    assert not busy.value.doubtful
    await outside.discord.up()


async def test_a_body_that_breaks_a_rule_is_refused_with_its_place(outside: Outside) -> None:
    one = await outside.process()
    with pytest.raises(Malformed, match="custom_id"):
        row = {"type": 1, "components": [{"type": 2, "style": 2, "label": "Go", "custom_id": "x" * 101}]}
        await one.calls.call(
            "POST", "/channels/{channel_id}/messages", channel_id=outside.channel, json={"flags": 1 << 15, "components": [row]}
        )
    assert outside.discord.violations
    outside.discord.violations.clear()


@pytest.mark.parametrize(
    ("code", "kind", "remedy"),
    [
        (10003, ChannelClosed, "/nexus show"),
        (10008, MessageGone, "deleted"),
        (10062, InteractionOver, "too late"),
        (50001, ChannelClosed, "View Channel"),
        (50007, ChannelClosed, "privacy settings"),
        (50013, ChannelClosed, NEEDS["reply"]),
        (160004, ThreadExists, "already"),
        (99999, DiscordRefusal, "99999"),
    ],
)
async def test_a_refusal_is_of_a_kind_and_says_what_to_do(
    outside: Outside, code: int, kind: type[DiscordRefusal], remedy: str
) -> None:
    one = await outside.process()
    outside.discord.fault("GET /users/@me", code=code, status=403)
    with pytest.raises(DiscordRefusal) as refused:
        await one.calls.call("GET", "/users/@me", needs="reply")
    assert type(refused.value) is kind
    assert refused.value.code == code
    assert remedy in refused.value.message


def test_every_refusal_is_a_sentence_of_its_own_with_nothing_left_to_fill_in() -> None:
    for code in REFUSALS:
        for needs in NEEDS:
            said = refusal("GET /users/@me", code, needs=needs).message
            assert said.endswith(".")
            assert "{" not in said


async def test_a_token_that_is_refused_is_told_once(outside: Outside) -> None:
    one = await outside.process()
    outside.discord.token += "changed"
    for _ in range(3):
        with pytest.raises(TokenLost):
            await one.calls.call("GET", "/users/@me")
    assert len(outside.troubles) == 1


async def test_another_server_that_speaks_the_api_is_one_setting_away(outside: Outside) -> None:
    assert outside.discord.api_url == Route.BASE
    point_at("http://localhost:1/api/v10/", "ws://localhost:1/gateway")
    assert Route("GET", "/users/@me").url == "http://localhost:1/api/v10/users/@me"
    assert str(DiscordWebSocket.DEFAULT_GATEWAY) == "ws://localhost:1/gateway"
