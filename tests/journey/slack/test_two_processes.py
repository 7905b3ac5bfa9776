"""Two processes of the bot beside one Nexus: killed, cut off from Slack, or told the same twice, every thread ends as it should."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from tests.journey.slack.conftest import Opened
from tests.support.bot_process import Bot
from tests.support.nexus import until
from tests.support.slack import LocalSlack, Message, SlackUser, render_text
from tests.support.slack_house import SlackHouse, Talk


@pytest.fixture(scope="module")
async def house(opened: Opened) -> AsyncIterator[SlackHouse]:
    async with opened(bots=2, NEXUS_CHATS="false") as made:
        yield made


@pytest.fixture(scope="module")
def ada(slack: LocalSlack) -> SlackUser:
    return slack.workspace.add_user("Ada")


@pytest.fixture(scope="module")
def grace(slack: LocalSlack) -> SlackUser:
    return slack.workspace.add_user("Grace")


async def replaced(house: SlackHouse, bot: Bot) -> None:
    """``kill -9`` of one process; another one is started in its place."""
    await bot.killed()
    await house.slack.wait_for(lambda: len(house.slack.sockets.live) == 2, why="the sockets of the killed process are gone")
    await house.bot()


async def counted(house: SlackHouse, slug: str) -> dict[str, int]:
    """How often each kind of thing happened to an app."""
    kinds = [fact["kind"] for fact in await house.nexus.events(slug)]
    return {kind: kinds.count(kind) for kind in kinds}


async def happened(house: SlackHouse, slug: str, kind: str, times: int) -> None:
    """Wait until something happened so often to an app, whoever shows it."""

    async def look() -> bool:
        return (await counted(house, slug)).get(kind, 0) >= times

    await until(look, what=f"{times} times {kind} of {slug}")


# -- killed ----------------------------------------------------------------------------------------------------------------------


async def test_whoever_shows_a_thread_may_be_killed_at_any_point(house: SlackHouse, ada: SlackUser, grace: SlackUser) -> None:
    talk = await house.asked(ada, "notes: title, text --framework express --name notes")
    building = await talk.card("Building")
    await replaced(house, house.writer(talk))
    review = await talk.card("Ready for review")
    assert [building] == [review] == talk.cards
    await ada.press(review, "Approve & deploy")
    await talk.card("Deploying", "Deploying v1")
    await replaced(house, house.writer(talk))
    live = await talk.card("Live", "v1, approved by Ada")
    assert [review, live] == await talk.over(2)
    assert 200 == (await house.nexus.app("notes", "GET", "/healthz")).status
    await ada.say(talk.channel, "add a priority", talk.ts)
    await talk.card("Building", "add a priority")
    for bot in [bot for bot in house.bots if bot.alive]:
        await bot.killed()
    await happened(house, "notes", "approval.requested", 2)
    assert [] == house.slack.sockets.live
    for _ in range(2):
        await house.bot()
    change = await talk.card("Ready for review", "add a priority")
    assert [review, live, change] == await talk.over(3)
    await house.told(grace, grace.press(review, "Setup"), "Setup of notes")
    await house.told(grace, grace.press(live, "Logs"), "Log of notes")
    talk.once()


async def test_a_click_whose_process_died_is_seen_through_by_another_and_counts_once(
    house: SlackHouse, slack: LocalSlack, ada: SlackUser
) -> None:
    talk = await house.asked(ada, "keys: door, holder --framework express --name keys")
    review = await talk.card("Ready for review")
    kim = slack.workspace.add_user("Kim")
    before_anything = slack.fault("users.info", held=True)
    receipt = await kim.press(review, "Setup")
    await slack.wait_for(lambda: before_anything.used, why="the click is looked into")
    await replaced(house, house.bot_of(receipt))
    await given_up(house)
    before_anything.release()
    await slack.wait_for(lambda: [one for one in house.private(kim) if "Setup of keys" in render_text(one)], why="the answer")
    before_the_answer = slack.fault("chat.postEphemeral", held=True)
    receipt = await kim.press(review, "Approve & deploy")
    await slack.wait_for(lambda: before_the_answer.used, why="the answer is on its way")
    await replaced(house, house.bot_of(receipt))
    before_the_answer.release()
    await given_up(house)
    live = await talk.card("Live", "v1, approved by Kim")
    assert [review, live] == await talk.over(2)
    await until(lambda: kept_nothing(house), what="the click is seen through")
    assert 1 == (await counted(house, "keys"))["deployment.requested"]


async def given_up(house: SlackHouse) -> None:
    """As after the half minute for which a dead process is waited for."""
    await house.nexus.sql("UPDATE deliveries SET leased_until = now() - interval '1 second'")


async def kept_nothing(house: SlackHouse) -> bool:
    return not await house.nexus.sql("SELECT key FROM deliveries")


# -- cut off ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refuse", [True, False], ids=["nobody answers", "503"])
async def test_work_goes_on_while_slack_is_down_and_the_thread_catches_up(
    house: SlackHouse, slack: LocalSlack, ada: SlackUser, refuse: bool
) -> None:
    slug = "cups" if refuse else "mugs"
    talk = await house.asked(ada, f"{slug}: colour, size --framework express --name {slug}")
    building = await talk.card("Building")
    await slack.begin_outage(refuse=refuse)
    await happened(house, slug, "approval.requested", 1)
    build = (await house.nexus.event(slug, "build.ready"))["build"]
    assert "Building" in render_text(building)
    await slack.end_outage()
    await slack.wait_for_sockets(4)
    review = await talk.card("Ready for review")
    assert [building] == [review] == await talk.over(1)
    assert build in json.dumps(review.blocks)
    talk.once()


async def everywhere(house: SlackHouse, shown: Message, label: str, *people: SlackUser) -> None:
    """They press the same button at the same moment, twice each and in both processes, and what they did is delivered again."""
    receipts = await asyncio.gather(*(one.press(shown, label) for one in (*people, *people)))
    assert 2 == len({house.bot_of(one).process.pid for one in receipts}), "both processes are asked"
    again = await receipts[0].again()
    assert all(one.acknowledged for one in (*receipts, *again))


# -- twice -----------------------------------------------------------------------------------------------------------------------


async def test_what_is_delivered_again_or_pressed_twice_has_one_effect(
    house: SlackHouse, slack: LocalSlack, ada: SlackUser, grace: SlackUser
) -> None:
    said = await ada.mention("#general", "build pens: colour, price --framework express --name pens")
    again = await said.again()
    assert all(attempt.acknowledged for attempt in again)
    talk = Talk(slack=slack, channel=slack.workspace.channel_id("#general"), ts=said.ts)
    working = await talk.card("[Cancel]")
    await everywhere(house, working, "Cancel", ada, grace)
    cancelled = await talk.card("Cancelled")
    await everywhere(house, cancelled, "Try again", ada, ada)
    review = await talk.card("Ready for review")
    assert [cancelled, review] == await talk.over(2)
    facts = await counted(house, "pens")
    assert (2, 1) == (facts["build.requested"], facts["build.cancelled"]), facts
    await everywhere(house, review, "Approve & deploy", ada, grace)
    live = await talk.card("Live", "v1, approved by")
    await everywhere(house, live, "Restart", ada, ada)
    await talk.card("Live", "restarted by Ada")
    facts = await counted(house, "pens")
    assert (1, 2) == (facts["approval.ended"], facts["deployment.requested"]), facts
    talk.once()


# -- doors that close --------------------------------------------------------------------------------------------------------------


async def test_who_asked_is_told_when_the_thread_cannot_be_reached_and_the_work_goes_on(
    house: SlackHouse, slack: LocalSlack, ada: SlackUser, grace: SlackUser
) -> None:
    olga = slack.workspace.add_user("Olga", is_admin=True)
    for name in ("old", "closed", "tidy"):
        slack.workspace.add_channel(name, private=name == "closed", members=[ada, grace, olga])
    talks = {
        name: await house.asked(ada, f"{name} things: label --framework express --name {name}", f"#{name}")
        for name in ("old", "closed", "tidy")
    }
    for talk in talks.values():
        await talk.card("[Cancel]")
    await olga.archive("#old")
    await olga.remove_bot("#closed")
    root = slack.workspace.message(talks["tidy"].channel, talks["tidy"].ts)
    assert root is not None
    await olga.delete(root)

    def told(name: str, why: str) -> list[Message]:
        where = f"<#{talks[name].channel}>"
        return [one for one in house.private(ada) if not one.ephemeral_to and where in one.text and why in one.text]

    why = {"old": "The channel is archived", "closed": "cannot see that channel", "tidy": "thread was deleted"}
    await ada.press(await talks["tidy"].card("Ready for review"), "Approve & deploy")  # what is there can be used still
    for name, reason in why.items():
        await slack.wait_for(lambda name=name, reason=reason: told(name, reason), timeout=60, why=f"Ada is told of #{name}")
        await happened(house, name, "approval.requested", 1)
    await happened(house, "tidy", "deployment.live", 1)
    shown = await house.told(ada, ada.command("/nexus", "show old"), "Review", "[Approve & deploy]")
    await house.told(ada, ada.press(shown, "Approve & deploy"), "old is being deployed as v1")
    await happened(house, "old", "deployment.live", 1)
    await house.told(ada, ada.command("/nexus", "show old"), "Live", "[Open]")
    assert [1, 1, 1] == [len(told(name, reason)) for name, reason in why.items()], "once each"
    assert not [one for one in house.private(grace) if "cannot reach" in one.text], "and nobody else"


async def test_whoever_runs_nexus_is_told_what_slack_does_not_allow_any_more_and_nothing_is_lost(
    house: SlackHouse, slack: LocalSlack, ada: SlackUser
) -> None:
    talk = await house.asked(ada, "lamps: room, watts --framework express --name lamps")
    building = await talk.card("[Cancel]")
    slack.revoke_tokens(slack.workspace)
    await told_to_whoever_runs_it(house, "The app was removed from the workspace: install the Nexus app")
    await happened(house, "lamps", "approval.requested", 1)
    house.nexus.env["SLACK_BOT_TOKEN"] = slack.install(slack.workspace, slack.workspace.scopes - {"chat:write"})
    await started_again(house)
    await told_to_whoever_runs_it(house, "The app needs the scope chat:write")
    assert "Ready for review" not in render_text(building)
    slack.workspace.scopes |= {"chat:write"}
    await started_again(house)
    review = await talk.card("Ready for review")
    assert [building] == [review] == await talk.over(1)
    talk.once()


async def started_again(house: SlackHouse) -> None:
    """As after a change of settings; one process is enough for what is left to do."""
    await asyncio.gather(*(bot.down() for bot in house.bots if bot.alive))
    await house.bot()


async def told_to_whoever_runs_it(house: SlackHouse, words: str) -> None:
    """In the terminal of the process that noticed, where they look, and to nobody in Slack."""
    await house.slack.wait_for(lambda: any(words in bot.said for bot in house.bots), timeout=60, why=words)
