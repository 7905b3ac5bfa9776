"""Signed HTTP against the local Slack: what is signed is handled, and nothing else is looked at."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp

from adapters.slack.http import MAX_BODY, add_slack
from tests.contract.slack.connecting.conftest import Heard
from tests.support.slack import LocalSlack, SlackUser
from tests.support.slack.http_delivery import HttpDelivery


class Door:
    """The site, and whether it takes requests."""

    def __init__(self) -> None:
        self.open = True
        self.url = ""


@pytest.fixture
async def door(slack: LocalSlack, bolt: AsyncApp) -> AsyncIterator[Door]:
    made = Door()
    site = web.Application(client_max_size=4 * 2**20)
    add_slack(site, bolt, signing_secret=SecretStr(slack.signing_secret), taking=lambda: made.open)
    async with TestServer(site) as server:
        made.url = str(server.make_url("/slack/events"))
        yield made


@pytest.fixture
def delivery(slack: LocalSlack, door: Door) -> HttpDelivery:
    return slack.deliver_to(door.url)


async def test_a_command_and_an_event_are_answered(
    slack: LocalSlack, ada: SlackUser, heard: Heard, delivery: HttpDelivery
) -> None:
    assert "you said help" == (await ada.command("/nexus", "help", "#general")).answer
    await ada.say("#general", "hello")
    await slack.wait_for(lambda: heard.events)
    assert (["help"], ["hello"]) == (heard.commands, heard.events)


async def test_the_address_is_verified_when_it_is_entered_in_slack(delivery: HttpDelivery) -> None:
    assert await delivery.verify_url()


async def test_what_another_has_signed_is_refused(ada: SlackUser, heard: Heard, delivery: HttpDelivery) -> None:
    delivery.secret = "0" * 32
    receipt = await ada.command("/nexus", "help", "#general")

    assert ["http 401"] == [attempt.failure for attempt in receipt.deliveries[0].attempts]
    assert [] == heard.commands


@pytest.mark.parametrize(("offset", "heard_of"), [(-310, False), (310, False), (-200, True), (200, True)])
async def test_what_was_signed_more_than_five_minutes_ago_is_refused(
    ada: SlackUser, heard: Heard, delivery: HttpDelivery, offset: int, heard_of: bool
) -> None:
    delivery.timestamp_offset = offset
    await ada.command("/nexus", "help", "#general")
    assert (["help"] if heard_of else []) == heard.commands


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Slack-Request-Timestamp": "soon", "X-Slack-Signature": "v0=0"},
        {"X-Slack-Request-Timestamp": "9" * 5000, "X-Slack-Signature": "v0=0"},
        {"X-Slack-Signature": "v0=é"},
    ],
    ids=["none", "words", "digits", "accents"],
)
async def test_a_signature_that_is_none_is_refused_and_is_no_fault(
    headers: dict[str, str], heard: Heard, delivery: HttpDelivery, capsys: pytest.CaptureFixture[str]
) -> None:
    signed = delivery.headers(b"text=secret", "application/x-www-form-urlencoded")
    sent = {"Content-Type": signed["Content-Type"], **({**signed, **headers} if headers else {})}
    async with aiohttp.ClientSession() as session, session.post(delivery.url, data=b"text=secret", headers=sent) as response:
        assert 401 == response.status
    assert "secret" not in capsys.readouterr().out


async def test_a_body_that_is_no_text_is_refused(delivery: HttpDelivery) -> None:
    assert 401 == (await delivery.post(b"\xff\xfe", "application/json"))[0]


async def test_a_body_that_is_larger_than_slacks_is_refused_before_it_is_read(delivery: HttpDelivery) -> None:
    assert 413 == (await delivery.post(b"x" * (MAX_BODY + 1), "application/json"))[0]


async def test_slack_may_look_at_the_certificate_without_signing(door: Door, heard: Heard) -> None:
    async with aiohttp.ClientSession() as session, session.post(door.url, data={"ssl_check": "1", "token": "x"}) as response:
        assert (200, "") == (response.status, await response.text())
    assert [] == heard.commands


async def test_at_the_end_slack_is_asked_to_come_again(
    slack: LocalSlack, ada: SlackUser, heard: Heard, door: Door, delivery: HttpDelivery
) -> None:
    door.open = False
    receipt = await ada.say("#general", "hello")
    assert "http 503" == receipt.deliveries[0].attempts[0].failure
    door.open = True
    await slack.wait_for(lambda: heard.events)  # delivered again
    assert ["hello"] == heard.events


async def test_nothing_is_there_where_nothing_is_configured(slack: LocalSlack, bolt: AsyncApp) -> None:
    site = web.Application()
    add_slack(site, bolt, signing_secret=None)
    async with TestServer(site) as server, aiohttp.ClientSession() as session:
        for method, path in (("POST", "/slack/events"), ("GET", "/slack/install"), ("GET", "/slack/oauth_redirect")):
            async with session.request(method, server.make_url(path), data=json.dumps({})) as response:
                assert 404 == response.status, path
