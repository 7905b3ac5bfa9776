"""What is Slack's own, by Socket Mode: ways to begin, the Home tab, and who may. The journey is that of every platform (`parity`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import pytest

from tests.journey.slack.conftest import Opened
from tests.support.slack import LocalSlack, SlackUser, View, mentions, render_text
from tests.support.slack.forms import Entry
from tests.support.slack_house import SlackHouse, Talk


@pytest.fixture(scope="module")
async def house(opened: Opened) -> AsyncIterator[SlackHouse]:
    async with opened() as made:
        await made.slack.wait_for_sockets(2)
        yield made


@dataclass(frozen=True, kw_only=True)
class Team:
    """The people of a group that may approve, beside whoever asks."""

    lin: SlackUser
    noor: SlackUser


@pytest.fixture(scope="module")
def ada(slack: LocalSlack) -> SlackUser:
    """Asks for apps."""
    return slack.workspace.add_user("Ada")


@pytest.fixture(scope="module", autouse=True)
def team(slack: LocalSlack, ada: SlackUser) -> Team:
    """There from the beginning: groups are asked for once a minute."""
    made = Team(lin=slack.workspace.add_user("Lin"), noor=slack.workspace.add_user("Noor"))
    slack.workspace.add_group("approvers", [ada, made.lin, made.noor])
    return made


@pytest.fixture(scope="module")
def grace(slack: LocalSlack) -> SlackUser:
    """A colleague."""
    return slack.workspace.add_user("Grace")


@pytest.fixture(scope="module")
def olga(slack: LocalSlack) -> SlackUser:
    """An administrator of the workspace."""
    return slack.workspace.add_user("Olga", is_admin=True)


# -- ways to begin ---------------------------------------------------------------------------------------------------------------


async def _cancelled(house: SlackHouse, user: SlackUser, talk: Talk) -> None:
    """What is under way in a thread is stopped."""
    working = await talk.card("[Cancel]")
    await house.told(user, user.press(working, "Cancel"), "being cancelled")
    over = await talk.card("Cancelled", f"Cancelled by {user.name}.", "[Try again]")
    assert working is over


async def test_a_mention_is_answered_in_its_own_thread(house: SlackHouse, slack: LocalSlack, ada: SlackUser) -> None:
    said = await ada.mention("#general", "build a list of trees: kind, height --framework express")
    talk = Talk(slack=slack, channel=said.message.channel if said.message else "", ts=said.ts)
    await _cancelled(house, ada, talk)
    shown = await house.told(ada, ada.mention("#general", "show", talk.ts), "Newest build: number 1, cancelled")
    assert (ada.id, talk.ts) == (shown.ephemeral_to, shown.thread_ts)
    talk.once()


async def test_a_colleagues_message_becomes_an_app_by_its_shortcut(
    house: SlackHouse, slack: LocalSlack, ada: SlackUser, grace: SlackUser
) -> None:
    wish = await grace.say("#general", "We need a list of keys: door, holder <!here>")
    assert wish.message is not None
    picked = await ada.shortcut("build_this", wish.message)
    assert picked.acknowledged
    talk = Talk(slack=slack, channel=wish.message.channel, ts=wish.ts)
    await _cancelled(house, grace, talk)
    assert not mentions(talk.cards[0])


async def test_the_shortcut_and_the_home_tab_lead_to_a_thread_between_the_two(
    house: SlackHouse, slack: LocalSlack, grace: SlackUser
) -> None:
    form = await house.form(grace, grace.shortcut("build"), "Build an app")
    await grace.submit(form, {"What should it do?": "recipes: title, steps", "Framework": "express"})
    talk = await house.opened(grace, grace.dm)
    await _cancelled(house, grace, talk)
    await grace.open_home()
    home = await house.home(grace, "[Build an app]", "Recipes")
    form = await house.form(grace, grace.press(home, "Build an app"), "Build an app")
    await grace.close(form)
    assert [] == slack.views(grace)


async def test_what_is_written_to_the_bot_alone_is_streamed_and_stays_between_the_two(
    house: SlackHouse, slack: LocalSlack, ada: SlackUser, grace: SlackUser
) -> None:
    said = await ada.direct("a list of plants: name, watered on --framework express")
    talk = Talk(slack=slack, channel=ada.dm, ts=said.ts)
    review = await talk.card("Ready for review", "[Discard]")
    assert review.stream is not None, "it was streamed, as its one reader sees that"
    assert not review.stream.is_open
    assert [review] == talk.cards
    await house.told(ada, ada.press(review, "Discard"), "The build is discarded.")
    await talk.card("Discarded by Ada.")
    assert "watered" not in "".join(render_text(one) for one in house.private(grace))


# -- who may ---------------------------------------------------------------------------------------------------------------------


async def test_a_workspace_decides_who_approves_and_every_click_is_held_to_it(
    house: SlackHouse, slack: LocalSlack, team: Team, ada: SlackUser, grace: SlackUser, olga: SlackUser
) -> None:
    """Ada asks, and is in the group of approvers with Lin and Noor; Grace is not; Olga is an admin."""
    await _decided(house, team, ada, olga)
    talk = await house.asked(ada, "visits: visitor, note --framework express --name visits")
    review = await talk.card("Ready for review", "@approvers, but not Ada, who asked for it")
    await house.told(grace, grace.press(review, "Approve & deploy"), "Only named people may approve here: @approvers.")
    await house.told(ada, ada.press(review, "Approve & deploy"), "somebody else than the requester")
    await house.told(ada, ada.mention("#general", "deploy", talk.ts), "somebody else than the requester")
    assert [review] == talk.showing("Ready for review"), "nothing came of it"
    await team.lin.press(review, "Approve & deploy")
    live = await talk.card("Live", "approved by Lin")
    for label in ("Reveal", "Settings", "Rollback…", "Restart", "Stop"):
        await house.told(grace, grace.press(live, label), "That is for whoever asked for 'visits'")
    await ada.say(talk.channel, "drop the note column for good", talk.ts)
    risky = await talk.card("Ready for review", "removes data")
    declined = await team.lin.press(risky, "Approve & deploy", confirm=False)
    assert not declined.sent, "it asks first"
    await house.told(team.lin, team.lin.press(risky, "Approve & deploy"), "Your yes is noted", "second person")
    half = await talk.card("One more yes", "Lin has said yes")
    await house.told(team.lin, team.lin.press(half, "Approve & deploy"), "You have said yes already")
    await house.told(ada, ada.press(half, "Approve & deploy"), "somebody else than the requester")
    await team.noor.press(half, "Approve & deploy")
    await talk.card("Live", "v2, approved by Lin and Noor")
    await house.home(ada, "Visits", "live · v2", "[Stop]", "Admins of the workspace can change this")
    home = await house.home(olga, "Visits", "live · v2", "@approvers", "[Approvals…]")
    form = await house.form(olga, olga.press(home, "Approvals…"), "Workspace settings")
    values = {"Who may approve": "Anyone here", "May people approve their own builds?": "Yes"}
    await _saved(house, olga, form, values)
    await ada.open_home()
    await house.home(ada, "Anyone here")


async def _decided(house: SlackHouse, team: Team, ada: SlackUser, olga: SlackUser) -> None:
    """An admin decides in the Home tab, in which others can only look."""
    await ada.open_home()
    looked = await house.home(ada, "Workspace", "Anyone here", "Admins of the workspace can change this")
    assert "[Approvals…]" not in render_text(looked)
    await house.told(ada, ada.command("/nexus", "settings"), "Only admins of this workspace may change")
    await olga.open_home()
    home = await house.home(olga, "[Approvals…]", "[Models…]")
    form = await house.form(olga, olga.press(home, "Approvals…"), "Workspace settings")
    values = {
        "Who may approve": "The people named below",
        "Named people: groups": ["@approvers"],
        "May people approve their own builds?": "No",
        "Must two say yes to what removes data?": "Yes",
    }
    nobody = await olga.submit(form, values | {"Named people: groups": []})
    assert "Name at least one person" in "".join(nobody.errors.values()), nobody.errors
    await _saved(house, olga, form, values)
    await ada.open_home()
    await house.home(ada, "@approvers", "need two people")


async def _saved(house: SlackHouse, user: SlackUser, form: View, values: Mapping[str, Entry]) -> None:
    """Sent from the Home tab, where there is no place for an answer but another modal."""
    said = await house.form(user, user.submit(form, values), "Nexus")
    assert "The workspace's settings are saved." in render_text(said)
    await user.close(said)
