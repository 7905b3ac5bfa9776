"""The journey in Slack by signed requests, through the real proxy: every kind of delivery; and a crash, up to the mended app."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.generation.sentinels import emit_edit
from tests.journey.slack.conftest import Opened
from tests.support.browser import CHROMIUM
from tests.support.model_server import Reply, planning, writing
from tests.support.slack import LocalSlack, Message, SlackUser, render_text
from tests.support.slack_house import SlackHouse, Talk
from tests.support.writing_apps import EXPRESS, plan_of
from tests.support.writing_house import Scene, Theatre, theatre

INDEX = "src/resources/index.js"
MENDED = "search: ['title'], // only what is there"


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Theatre]:
    async with theatre() as made:
        yield made


@pytest.fixture(scope="module")
async def house(opened: Opened, slack: LocalSlack, stage: Theatre) -> AsyncIterator[SlackHouse]:
    async with opened(sockets=False, NEXUS_BROWSER="", **stage.environment) as made:
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


async def test_every_kind_of_delivery_is_taken_and_a_crash_is_mended(
    house: SlackHouse, slack: LocalSlack, stage: Theatre, ada: SlackUser
) -> None:
    scene = stage.add(Scene("notes"))
    scene.play([planning(scene.marked(plan_of("express")))], [writing(EXPRESS)])
    typed = ada.command("/nexus", "build --provider openai")  # a command, and the submission of a modal
    form = await house.form(ada, typed, "Build an app")
    refused = await ada.submit(form, {"What should it do?": " "})
    assert refused.errors
    filled = {"What should it do?": f"notes ({scene.mark})", "Framework": "express", "Name": "notes"}
    await ada.submit(form, filled)
    talk = await house.opened(ada)
    pictured = ("The first page of Notes", "on a phone") if CHROMIUM is not None else ()
    review = await talk.card("Ready for review", "openai", *pictured)
    await house.told(ada, ada.choose(review, "file", "README.md"), "README.md")  # a choice
    await ada.press(review, "Approve & deploy")  # a press
    live = await talk.card("Live", "v1, approved by Ada")
    await house.told(ada, ada.mention("#general", "show", talk.ts), "Notes", "Live")  # an event
    await ada.open_home()
    await house.home(ada, "Notes", "live · v1", "[Logs]")
    await _crash_mended(house, ada, scene, talk, live)


async def _crash_mended(house: SlackHouse, ada: SlackUser, scene: Scene, talk: Talk, live: Message) -> None:
    """Its process is killed: a card with the last lines, and a way to a review card of what mends it."""
    plan = scene.marked(plan_of("express", {INDEX: ""}))
    scene.play([planning(plan)], [Reply(text=lambda nonce: emit_edit(INDEX, "search: ['title'],", MENDED, nonce))])
    for process in await house.nexus.processes("notes"):
        process.kill()
    crash = await talk.card("Crashed", "stopped by itself", "Listening on", "[Propose a fix]")
    await talk.card("Recovered", "v1 answers again")
    assert 200 == (await house.nexus.app("notes", "GET", "/healthz")).status
    presses = [await ada.press(crash, "Propose a fix") for _ in range(2)]
    assert all(press.acknowledged for press in presses)
    review = await talk.card("Ready for review", "v1 crashed.")
    assert 1 == len(talk.showing("v1 crashed.", "Ready for review"))
    shown = await house.told(ada, ada.choose(review, "file", INDEX), "only what is there")
    assert ada.id == shown.ephemeral_to
    await ada.press(review, "Approve & deploy")
    await talk.card("Live", "v2, approved by Ada")
    assert "[Propose a fix]" not in "".join(talk.texts), "what crashed is not live any more"
    assert "[Open]" not in render_text(live)


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
    assert 2 == sum(fact["kind"] == "build.requested" for fact in await house.nexus.events("we-need-a-list-of"))
