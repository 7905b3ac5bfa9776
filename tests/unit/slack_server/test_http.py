"""Signed HTTP of the local Slack, with the real Bolt behind aiohttp."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.app.async_app import AsyncApp

from tests.support.slack import LocalSlack
from tests.unit.slack_server.conftest import QUICK, bolt


class Served:
    """A Bolt app on a port of its own."""

    def __init__(self, app: AsyncApp) -> None:
        self.app = app
        self.statuses: list[int] = []
        self.broken = 0  #: how many requests to answer 500, unseen by the app
        self.stuck: asyncio.Event | None = None  #: requests wait for it

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.broken:
            self.broken -= 1
            return web.Response(status=500)
        if self.stuck is not None:
            await self.stuck.wait()
        answer = await to_aiohttp_response(await self.app.async_dispatch(await to_bolt_request(request)))
        self.statuses.append(answer.status)
        return answer


@pytest.fixture
async def hasty_http() -> AsyncIterator[tuple[LocalSlack, Served]]:
    async with LocalSlack(timings=QUICK) as slack:
        served = Served(bolt(slack))
        site = web.Application()
        site.add_routes([web.post("/slack/events", served.handle)])
        runner = web.AppRunner(site, shutdown_timeout=0.1)
        await runner.setup()
        listening = web.TCPSite(runner, "127.0.0.1", 0)
        await listening.start()
        slack.deliver_to(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
        yield slack, served
        await runner.cleanup()


async def test_the_request_url_is_verified(hasty_http: tuple[LocalSlack, Served]) -> None:
    slack, _ = hasty_http
    assert slack.http is not None
    assert await slack.http.verify_url()


async def test_commands_events_and_presses_arrive(hasty_http: tuple[LocalSlack, Served]) -> None:
    slack, served = hasty_http
    ada, heard = slack.workspace.add_user("Ada"), []

    @served.app.command("/nexus")
    async def nexus(ack: Any, say: Any) -> None:
        await ack(text="On it")
        button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
        await say("Ready?", blocks=[{"type": "actions", "elements": [button]}])

    @served.app.action("go")
    async def go(ack: Any, body: Any) -> None:
        await ack()
        heard.append(body["user"]["id"])

    @served.app.event("app_mention")
    async def mentioned(event: Any) -> None:
        heard.append(event["text"])

    receipt = await ada.command("/nexus", "a & b")
    assert receipt.answer == "On it"
    assert receipt.message is not None
    [message] = await slack.wait_for(lambda: slack.messages("#general"))
    assert (await ada.press(message, "Go")).acknowledged
    await ada.mention("#general", "hello")
    await slack.wait_for(lambda: len(heard) == 2)
    assert heard == [ada.id, f"<@{slack.workspace.bot.id}> hello"]


async def test_an_event_comes_again_with_its_number_until_it_is_acknowledged(hasty_http: tuple[LocalSlack, Served]) -> None:
    slack, served = hasty_http
    ada, heard = slack.workspace.add_user("Ada"), []

    @served.app.event("message")
    async def message(body: Any, request: Any) -> None:
        heard.append((body["event_id"], request.headers["x-slack-retry-num"], request.headers["x-slack-retry-reason"]))

    served.broken = 2
    receipt = await ada.say("#general", "hello")
    [delivery] = receipt.deliveries
    await slack.wait_for(lambda: len(delivery.attempts) == 2 and delivery.attempts[1].failure)
    slack.advance(60)
    await slack.wait_for(lambda: heard)
    assert [one.failure for one in delivery.attempts] == ["http 500", "http 500", ""]
    assert heard == [(delivery.payload["event_id"], ["2"], ["http_error"])]


async def test_a_command_that_takes_too_long_fails_for_the_person(hasty_http: tuple[LocalSlack, Served]) -> None:
    slack, served = hasty_http
    ada = slack.workspace.add_user("Ada")
    served.stuck = asyncio.Event()
    receipt = await ada.command("/nexus", "help")
    served.stuck.set()
    assert receipt.error == '/nexus failed with the error "operation_timeout"'
    assert receipt.deliveries[0].attempts[0].failure == "timeout"


@pytest.mark.parametrize(("secret", "offset"), [("another", 0), ("", -301)], ids=["signed by another", "too old"])
async def test_a_request_that_is_not_slacks_is_turned_away_by_the_app(
    hasty_http: tuple[LocalSlack, Served], secret: str, offset: int
) -> None:
    slack, served = hasty_http
    assert slack.http is not None
    slack.http.secret = secret or slack.http.secret
    slack.http.timestamp_offset = offset
    receipt = await slack.workspace.add_user("Ada").command("/nexus")
    assert receipt.deliveries[0].attempts[0].failure == "http 401"
    assert served.statuses == [401]
