"""Socket Mode against the local Slack: two sockets, no gap, and every kind of trouble."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from slack_bolt.async_app import AsyncApp

from adapters.slack.sockets import TURNED_OFF
from tests.contract.slack.connecting.conftest import PAUSES, Heard, running, sockets_of
from tests.support.slack import LocalSlack, SlackUser

UNREACHABLE = "Slack is not reachable just now. Nexus goes on working, keeps trying, and catches up."
AGAIN = "Slack is reachable again."


async def test_two_sockets_are_open_and_a_command_is_answered_over_either(
    slack: LocalSlack, ada: SlackUser, bolt: AsyncApp, heard: Heard
) -> None:
    async with running(sockets := sockets_of(slack, bolt, heard)):
        await slack.wait_for_sockets(2)
        answers = [(await ada.command("/nexus", f"help {n}", "#general")).answer for n in range(4)]

        assert ["help 0", "help 1", "help 2", "help 3"] == heard.commands
        assert [{"text": f"you said help {n}"} for n in range(4)] == answers
        assert [2, 2] == [len(one.envelopes) for one in slack.sockets.live]
        await slack.wait_for(lambda: sockets.open == 2)
    assert ["Slack is connected by Socket Mode."] == heard.told


async def test_at_the_end_no_socket_is_left(slack: LocalSlack, bolt: AsyncApp, heard: Heard) -> None:
    async with running(sockets_of(slack, bolt, heard)):
        await slack.wait_for_sockets(2)
    await slack.wait_for(lambda: not slack.sockets.live)
    assert 2 == len(slack.sockets.ever), "and none was opened on the way out"


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_a_socket_that_slack_renews_is_left_only_when_the_next_one_is_greeted(
    slack: LocalSlack, ada: SlackUser, bolt: AsyncApp, heard: Heard, reason: str
) -> None:
    async with running(sockets_of(slack, bolt, heard, pauses=replace(PAUSES, leaving=30.0))):
        await slack.wait_for_sockets(2)
        first, second = slack.sockets.live
        await first.disconnect(reason)
        await second.disconnect(reason)
        await slack.wait_for(lambda: len(slack.sockets.live) == 4)  # both old ones are still read

        slack.sockets.live[:] = [first]  # what was sent there before they were left
        first.leaving = False
        assert (await ada.command("/nexus", "late", "#general")).answer == {"text": "you said late"}
        slack.sockets.live[:] = slack.sockets.ever


async def test_the_old_socket_is_closed_after_a_while(slack: LocalSlack, bolt: AsyncApp, heard: Heard) -> None:
    async with running(sockets_of(slack, bolt, heard)):
        await slack.wait_for_sockets(2)
        old = slack.sockets.live[0]
        await old.disconnect("refresh_requested")
        await slack.wait_for(lambda: old not in slack.sockets.live)
        assert 2 == len(slack.sockets.live)
        assert 3 == len(slack.sockets.ever)


async def test_sockets_that_break_are_opened_anew_and_what_came_meanwhile_is_heard_once(
    slack: LocalSlack, ada: SlackUser, bolt: AsyncApp, heard: Heard
) -> None:
    async with running(sockets_of(slack, bolt, heard)):
        await slack.wait_for_sockets(2)
        slack.sockets.cut()
        await slack.wait_for(lambda: len(slack.sockets.ever) == 4 and len(slack.sockets.live) == 2)
        await ada.say("#general", "hello again")
        await slack.wait_for(lambda: heard.events)
    assert ["hello again"] == heard.events


async def test_a_socket_that_is_dead_without_a_word_is_noticed_and_replaced(
    slack: LocalSlack, bolt: AsyncApp, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.slack.sockets.HEARTBEAT", 0.2)
    async with running(sockets_of(slack, bolt, heard)):
        await slack.wait_for_sockets(2)
        dead = slack.sockets.live[0]
        dead.frozen = True
        await slack.wait_for(lambda: dead not in slack.sockets.live)
        await slack.wait_for_sockets(2)
        assert 3 == len(slack.sockets.ever), "the other one was left alone"


@pytest.mark.parametrize("refuse", [True, False])
async def test_while_slack_is_away_it_is_said_once_and_said_when_it_is_back(
    slack: LocalSlack, ada: SlackUser, bolt: AsyncApp, heard: Heard, refuse: bool
) -> None:
    async with running(sockets := sockets_of(slack, bolt, heard)):
        await slack.wait_for(lambda: sockets.open == 2)
        heard.told.clear()
        await slack.begin_outage(refuse=refuse)
        await slack.wait_for(lambda: heard.told)
        await slack.end_outage()
        await slack.wait_for_sockets(2)
        assert (await ada.command("/nexus", "back", "#general")).answer == {"text": "you said back"}
    assert [UNREACHABLE, AGAIN] == heard.told


async def test_slack_may_be_away_at_the_start(slack: LocalSlack, bolt: AsyncApp, heard: Heard) -> None:
    await slack.begin_outage()
    async with running(sockets_of(slack, bolt, heard)):
        await slack.wait_for(lambda: heard.told)
        await slack.end_outage()
        await slack.wait_for_sockets(2)
        await slack.wait_for(lambda: len(heard.told) > 1)
    assert [UNREACHABLE, AGAIN] == heard.told


async def test_when_socket_mode_is_turned_off_the_operator_is_told_once_and_it_comes_back_by_itself(
    slack: LocalSlack, bolt: AsyncApp, heard: Heard
) -> None:
    async with running(sockets := sockets_of(slack, bolt, heard)):
        await slack.wait_for(lambda: sockets.open == 2)
        heard.told.clear()
        off = slack.fault("apps.connections.open", error="not_enabled", times=1_000_000)
        for socket in list(slack.sockets.live):
            await socket.disconnect("link_disabled")
        await slack.wait_for(lambda: off.used >= 4)
        assert [TURNED_OFF] == heard.told

        off.times = 0
        before = len(slack.sockets.ever)
        await slack.wait_for(lambda: len(slack.sockets.ever) == before + 2)
        await slack.wait_for(lambda: len(heard.told) > 1)
    assert [TURNED_OFF, AGAIN] == heard.told


@pytest.mark.parametrize(
    ("error", "said"),
    [("invalid_auth", "Make a new app-level token"), ("missing_scope", "connections:write"), ("not_enabled", "Socket Mode")],
)
async def test_a_token_that_slack_refuses_is_told_once_with_the_remedy(
    slack: LocalSlack, bolt: AsyncApp, heard: Heard, error: str, said: str
) -> None:
    refused = slack.fault("apps.connections.open", error=error, times=1_000_000)
    async with running(sockets_of(slack, bolt, heard)):
        await slack.wait_for(lambda: refused.used >= 5)
    assert 1 == len(heard.told)
    assert said in heard.told[0]
    assert slack.app_token not in heard.told[0]


async def test_a_refused_token_is_no_busy_loop(
    slack: LocalSlack, bolt: AsyncApp, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    enough = asyncio.Event()
    real_sleep = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) >= 6:
            enough.set()
        await real_sleep(0)

    monkeypatch.setattr("adapters.slack.sockets.asyncio.sleep", sleep)
    slack.fault("apps.connections.open", error="invalid_auth", times=6)
    async with running(sockets_of(slack, bolt, heard, pauses=replace(PAUSES, operator=60.0))):
        await enough.wait()
    assert all(30.0 <= seconds <= 60.0 for seconds in waited if seconds >= 1.0)
    assert 6 <= sum(seconds >= 30.0 for seconds in waited)


async def test_slacks_wish_to_wait_is_honoured(
    slack: LocalSlack, bolt: AsyncApp, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    real_sleep = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        await real_sleep(0)

    monkeypatch.setattr("adapters.slack.sockets.asyncio.sleep", sleep)
    slack.fault("apps.connections.open", retry_after=30)
    async with running(sockets_of(slack, bolt, heard)):
        await slack.wait_for_sockets(2)
    assert any(seconds >= 30.0 for seconds in waited)


async def test_what_was_received_before_the_end_is_acknowledged(
    slack: LocalSlack, ada: SlackUser, bolt: AsyncApp, heard: Heard
) -> None:
    heard.before.clear()
    async with running(sockets_of(slack, bolt, heard)) as task:
        await slack.wait_for_sockets(2)
        typing = asyncio.create_task(ada.command("/nexus", "last words", "#general"))
        await slack.wait_for(lambda: heard.commands)
        task.cancel()
        heard.before.set()
        assert (await typing).answer == {"text": "you said last words"}


async def test_what_cannot_be_read_harms_nothing(slack: LocalSlack, ada: SlackUser, bolt: AsyncApp, heard: Heard) -> None:
    async with running(sockets_of(slack, bolt, heard)):
        await slack.wait_for_sockets(2)
        for socket in slack.sockets.live:
            for text in (
                "not json",
                "[]",
                '"text"',
                '{"type": 7}',
                '{"type": "events_api", "envelope_id": "x", "payload": 3}',
                "{}",
            ):
                await socket.ws.send_str(text)
        assert (await ada.command("/nexus", "still here", "#general")).answer == {"text": "you said still here"}
        assert 2 == len(slack.sockets.ever)


async def test_too_many_sockets_are_said_and_waited_out(slack: LocalSlack, bolt: AsyncApp, heard: Heard) -> None:
    async with running(sockets_of(slack, bolt, heard)):
        await slack.wait_for_sockets(2)
        one = slack.sockets.live[0]
        slack.sockets.live.extend([one] * 8)  # as if other processes held them
        await slack.sockets.live[1].disconnect("refresh_requested")
        await slack.wait_for(lambda: any("ten sockets" in said for said in heard.told))
        slack.sockets.live[:] = [socket for n, socket in enumerate(slack.sockets.live) if socket not in slack.sockets.live[:n]]
        await slack.wait_for(lambda: AGAIN in heard.told)
        assert 1 == sum("ten sockets" in said for said in heard.told)
