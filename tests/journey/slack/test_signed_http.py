"""Slack by signed requests, through the real proxy: every kind of delivery."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.journey.slack.conftest import Opened
from tests.support.browser import CHROMIUM
from tests.support.slack import LocalSlack, SlackUser
from tests.support.slack_house import SlackHouse, Talk


@pytest.fixture(scope="module")
async def house(opened: Opened, slack: LocalSlack) -> AsyncIterator[SlackHouse]:
    async with opened(sockets=False, NEXUS_BROWSER="") as made:
        slack.deliver_to(f"http://localhost:{made.nexus.port}/slack/events")
        yield made


@pytest.fixture(scope="module")
def ada(slack: LocalSlack) -> SlackUser:
    return slack.workspace.add_user("Ada")


async def test_what_slack_did_not_sign_is_refused(house: SlackHouse, slack: LocalSlack, ada: SlackUser) -> None:
    assert slack.http is not None
    assert await slack.http.verify_url(), "Slack's own question is answered"
    good, slack.http.secret = slack.http.secret, "another secret"
    forged = await ada.command("/nexus", "list")
    slack.http.secret, slack.http.timestamp_offset = good, -400
    stale = await ada.command("/nexus", "list")
    slack.http.timestamp_offset = 0
    assert ["http 401"] * 2 == [one.deliveries[0].attempts[0].failure for one in (forged, stale)]
    assert [] == house.private(ada)


async def test_every_kind_of_delivery_is_taken(house: SlackHouse, ada: SlackUser) -> None:
    typed = ada.command("/nexus", "build")  # a command, and the submission of a modal
    form = await house.form(ada, typed, "Build an app")
    refused = await ada.submit(form, {"What should it do?": " "})
    assert refused.errors
    filled = {"What should it do?": "notes: title, done", "Framework": "express", "Name": "notes"}
    await ada.submit(form, filled)
    talk = await house.opened(ada)
    pictured = ("The first page of Notes", "on a phone") if CHROMIUM is not None else ()
    review = await talk.card("Ready for review", *pictured)
    await house.told(ada, ada.choose(review, "file", "README.md"), "README.md")  # a choice
    await ada.press(review, "Approve & deploy")  # a press
    await talk.card("Live", "v1, approved by Ada")
    await house.told(ada, ada.mention("#general", "show", talk.ts), "Notes", "Live")  # an event
    await ada.open_home()
    await house.home(ada, "Notes", "live · v1", "[Logs]")


async def test_a_message_and_its_shortcut_come_by_http_too_and_once(house: SlackHouse, slack: LocalSlack, ada: SlackUser) -> None:
    wish = await ada.say("#general", "We need a list of keys: door, holder")
    assert wish.message is not None
    picked = await ada.shortcut("build_this", wish.message)
    await picked.again()
    talk = Talk(slack=slack, channel=wish.message.channel, ts=wish.ts)
    working = await talk.card("[Cancel]")
    await ada.press(working, "Cancel")
    await talk.card("Cancelled")
    said = await ada.say(talk.channel, "keys: door, holder, since", talk.ts)
    again = await said.again()
    assert ["http"] == [attempt.via for attempt in again]
    working = await talk.card("[Cancel]", "since")
    await ada.press(working, "Cancel")
    await talk.over(2)
    asked = await house.nexus.sql("SELECT fact ->> 'text' AS text FROM events WHERE fact ->> 'kind' = 'build.requested'")
    assert 2 == sum("keys: door, holder" in row["text"] for row in asked)
