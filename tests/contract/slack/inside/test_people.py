"""Who acts is asked of Slack, rarely and once; who is no full member is told so."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from adapters.slack.people import GROUPS_LIFE, PERSON_LIFE
from core.conversation.desk import Bot
from core.errors import Forbidden, TemporaryError
from tests.contract.slack.inside.house import House, People, Process


def team(house: House) -> str:
    return house.slack.workspace.id


def members(house: House) -> People:
    assert isinstance(house.members, People)
    return house.members


async def test_a_member_has_a_name_and_an_admin_is_known(house: House, process: Process) -> None:
    chief = house.slack.workspace.add_user("Grace", is_admin=True)
    assert (await process.people.who(team(house), house.ada.id)).name == "Ada"
    await process.people.who(team(house), chief.id)
    assert members(house).admins == {house.ada.id: False, chief.id: True}
    assert await process.people.is_admin(team(house), chief.id)


async def test_groups_are_at_most_a_minute_old(house: House, process: Process) -> None:
    group = house.slack.workspace.add_group("reviewers", [house.ada])
    assert (await process.people.who(team(house), house.ada.id)).groups == {group.id}
    group.users.clear()
    assert (await process.people.who(team(house), house.ada.id)).groups == {group.id}
    house.slack.advance(GROUPS_LIFE + 1)
    assert (await process.people.who(team(house), house.ada.id)).groups == frozenset()
    assert len(house.slack.called("usergroups.list")) == 2


async def test_a_person_is_looked_at_again_after_a_minute(house: House, process: Process) -> None:
    await process.people.who(team(house), house.ada.id)
    house.ada.person.is_admin = True
    house.slack.advance(PERSON_LIFE + 1)
    await process.people.who(team(house), house.ada.id)
    assert members(house).admins[house.ada.id]


async def test_many_who_ask_at_once_ask_slack_once(house: House, process: Process) -> None:
    await asyncio.gather(*(process.people.who(team(house), house.ada.id) for _ in range(50)))
    assert [len(house.slack.called(method)) for method in ("users.info", "usergroups.list", "auth.test")] == [1, 1, 1]


async def test_an_error_is_remembered_by_nobody(house: House, process: Process) -> None:
    house.slack.fault("users.info", status=503)
    with pytest.raises(TemporaryError):
        await process.people.who(team(house), house.ada.id)
    assert (await process.people.who(team(house), house.ada.id)).name == "Ada"


async def test_without_the_scope_nobody_is_in_a_group(house: House, process: Process) -> None:
    house.slack.workspace.add_group("reviewers", [house.ada])
    house.slack.workspace.scopes.discard("usergroups:read")
    assert (await process.people.who(team(house), house.ada.id)).groups == frozenset()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"restricted": True}, "Guests cannot use Nexus"),
        ({"team": "T0ELSEWHERE"}, "another workspace"),
        ({"deleted": True}, "closed"),
    ],
)
async def test_who_is_no_full_member_is_refused_privately_with_the_reason(
    house: House, process: Process, changed: dict[str, Any], reason: str
) -> None:
    for name, value in changed.items():
        setattr(house.ada.person, name, value)
    await house.ada.command("/nexus", "build a todo app")
    await house.settled()
    assert not house.engine.calls
    assert reason in house.told(house.ada)[0]
    assert not members(house).admins


async def test_a_guest_who_talks_in_a_thread_is_refused_where_it_is_an_apps_and_left_alone_elsewhere(
    house: House, process: Process
) -> None:
    thread = await house.app_thread()
    other = await house.ada.say("#general", "lunch?")
    guest = house.slack.workspace.add_user("Eve", restricted=True)
    await house.ada.command("/nexus", "list")
    await house.settled()
    await guest.say("#general", "yes please", other.ts)
    await guest.say("#general", "make it red", thread)
    await house.settled()
    (told,) = house.told(guest)
    assert "Guests cannot use Nexus" in told
    assert not house.engine.calls


async def test_a_guest_who_talks_before_anybody_acted_is_left_alone(house: House, process: Process) -> None:
    said = await house.ada.say("#general", "lunch?")
    guest = house.slack.workspace.add_user("Eve", restricted=True)
    await guest.say("#general", "yes please", said.ts)
    await house.settled()
    assert not house.told(guest)


async def test_another_bot_gets_no_answer(house: House, process: Process) -> None:
    robot = house.slack.workspace.add_user("Robot")
    robot.person.is_bot = True
    with pytest.raises(Bot):
        await process.people.who(team(house), robot.id)
    await robot.mention("#general", "list")
    await house.settled()
    assert not house.told(robot)
    assert not house.direct(robot)


async def test_what_slack_cannot_say_for_a_moment_is_asked_again(house: House, process: Process) -> None:
    house.slack.fault("users.info", status=503, times=2)
    await house.ada.command("/nexus", "build a todo app")
    await house.settled()
    assert house.engine.did == ["build"]


async def test_what_slack_does_not_say_at_all_is_told_to_the_one_who_acted(house: House, process: Process) -> None:
    house.slack.fault("users.info", status=503, times=9)
    await house.ada.command("/nexus", "build a todo app")
    await house.settled()
    assert not house.engine.calls
    assert "Nothing was done; try again in a minute." in house.told(house.ada)[0]


async def test_the_names_of_chosen_approvers_are_kept(house: House, process: Process) -> None:
    grace = house.slack.workspace.add_user("Grace")
    group = house.slack.workspace.add_group("reviewers", [grace])
    ada = await process.people.who(team(house), house.ada.id)
    await process.people.keep_names(ada, team(house), [grace.id, group.id, "S0GONE"])
    assert members(house).kept == {grace.id: "Grace", group.id: "@reviewers"}


async def test_a_guest_cannot_be_named_as_an_approver(house: House, process: Process) -> None:
    guest = house.slack.workspace.add_user("Eve", restricted=True)
    ada = await process.people.who(team(house), house.ada.id)
    with pytest.raises(Forbidden, match="Eve is no full member"):
        await process.people.keep_names(ada, team(house), [guest.id])
