"""Who acts: what they may comes with what they do in a server, and is asked of Discord in direct messages, rarely and once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from adapters.discord.inbound import Named, Where
from adapters.discord.people import LIFE
from core.conversation.desk import Bot
from core.errors import Forbidden, InvalidInput, TemporaryError
from tests.contract.discord.inside.house import House, People, Process
from tests.support.discord import DiscordUser


def members(house: House) -> People:
    assert isinstance(house.members, People)
    return house.members


def direct(user: DiscordUser, **more: Any) -> Where:
    return Where(user=user.id, name=user.name, channel=user.dm.id, direct=True, **more)


def asked(house: House) -> list[str]:
    """What of people and servers was asked of Discord."""
    return [call.route for call in house.discord.calls if call.method == "GET" and "guild" in call.route]


async def test_in_a_server_everything_comes_with_what_they_do(house: House, process: Process) -> None:
    role = house.discord.guild.add_role("reviewers")
    chief = house.discord.guild.add_user("Grace", admin=True, roles=[role])
    await chief.slash("#general", "nexus build", description="a todo app")
    await house.ada.slash("#general", "nexus build", description="a todo app")
    await house.settled()
    grace, ada = house.engine.askers
    assert (grace.name, ada.name) == ("Grace", "Ada")
    assert role.id in grace.groups
    assert not ada.groups
    assert members(house).admins == {chief.id: True, house.ada.id: False}
    assert not [route for route in asked(house) if "members" in route]


async def test_roles_are_those_of_this_very_moment(house: House, process: Process) -> None:
    role = house.discord.guild.add_role("reviewers")
    await house.ada.slash("#general", "nexus build", description="a todo app")
    house.discord.guild.give(house.ada, role)
    await house.ada.slash("#general", "nexus build", description="a todo app")
    house.discord.guild.take(house.ada, role)
    await house.ada.slash("#general", "nexus build", description="a todo app")
    await house.settled()
    assert [role.id in one.groups for one in house.engine.askers] == [False, True, False]


@pytest.mark.parametrize("permission", ["administrator", "manage_guild"])
async def test_who_manages_the_server_decides_for_it(house: House, process: Process, permission: str) -> None:
    chief = house.discord.guild.add_user("Grace", roles=[house.discord.guild.add_role("chiefs", permission)])
    await chief.slash("#general", "nexus list")
    await house.heard(await chief.direct("list"))
    await house.settled()
    assert members(house).admins == {chief.id: True}
    assert await process.people.is_admin(direct(chief))


async def test_the_owner_decides_for_the_server_also_in_direct_messages(house: House, process: Process) -> None:
    owner = house.discord.guild.add_user("Grace", owner=True)
    await process.people.who(direct(owner))
    assert members(house).admins == {owner.id: True}


async def test_where_everybody_may_manage_the_server_everybody_decides_for_it(house: House, process: Process) -> None:
    await process.people.who(direct(house.ada))
    house.discord.guild.everybody_may("manage_guild")
    house.discord.advance(LIFE + 1)
    await process.people.who(direct(house.ada))
    assert members(house).admins == {house.ada.id: True}


async def test_in_direct_messages_a_member_is_looked_at_once_a_minute(house: House, process: Process) -> None:
    await asyncio.gather(*(process.people.who(direct(house.ada)) for _ in range(20)))
    asked_once = asked(house)
    assert asked_once.count("GET /guilds/{guild}/members/{user}") == 1
    role = house.discord.guild.add_role("reviewers")
    house.discord.guild.give(house.ada, role)
    assert not (await process.people.who(direct(house.ada))).groups
    house.discord.advance(LIFE + 1)
    assert (await process.people.who(direct(house.ada))).groups == {role.id}


async def test_of_several_servers_the_one_that_was_used_last_is_meant(house: House, process: Process) -> None:
    second, third = house.discord.add_guild("Beta"), house.discord.add_guild("Gamma")
    second.join(house.ada)
    third.join(house.ada)
    assert (await process.people.settle(direct(house.ada))).workspace == house.guild
    members(house).last[house.ada.id] = third.id
    house.discord.advance(LIFE + 1)
    assert (await process.people.settle(direct(house.ada))).workspace == third.id
    third.kick(house.ada)
    house.discord.advance(LIFE + 1)
    assert (await process.people.settle(direct(house.ada))).workspace == house.guild


async def test_a_conversation_that_is_known_says_which_server_is_meant(house: House, process: Process) -> None:
    second = house.discord.add_guild("Beta")
    second.join(house.ada)
    house.engine.workspace_id = second.id
    await house.app_thread()
    root = await house.heard(await house.ada.direct("hello"))
    house.engine.places[house.ada.dm.id, root.id] = next(iter(house.engine.places.values()))
    assert (await process.people.settle(direct(house.ada, thread=root.id))).workspace == second.id
    assert (await process.people.settle(direct(house.ada))).workspace == house.guild
    second.kick(house.ada)
    house.discord.advance(LIFE + 1)
    with pytest.raises(Forbidden, match="not a member"):
        await process.people.who(direct(house.ada, thread=root.id))


async def test_who_shares_no_server_with_the_bot_is_refused(house: House, process: Process) -> None:
    stranger = house.discord.add_guild("Elsewhere", bot=False).add_user("Eve")
    with pytest.raises(Forbidden, match="you share none with it"):
        await process.people.who(Where(user=stranger.id))
    assert not members(house).admins


async def test_another_bot_gets_no_answer(house: House, process: Process) -> None:
    robot = house.discord.guild.add_user("Robot")
    robot.person.bot = True
    with pytest.raises(Bot):
        await process.people.who(Where(user=robot.id))


async def test_an_error_is_remembered_by_nobody(house: House, process: Process) -> None:
    house.discord.fault("GET /guilds/*/members/*", code=130000, status=503)
    with pytest.raises(TemporaryError):
        await process.people.who(direct(house.ada))
    assert (await process.people.who(direct(house.ada))).name == "Ada"


async def test_the_names_of_chosen_approvers_are_kept(house: House, process: Process) -> None:
    where = direct(house.ada)
    ada = await process.people.who(where)
    chosen = [Named(id="77", name="Grace"), Named(id="88", name="reviewers", role=True)]
    await process.people.keep_names(ada, where, chosen)
    assert members(house).kept == {"77": "Grace", "88": "@reviewers"}


@pytest.mark.parametrize(("bot", "reason"), [(True, "is a bot"), (False, "everybody here")])
async def test_neither_bots_nor_everybody_can_be_named_as_approvers(
    house: House, process: Process, bot: bool, reason: str
) -> None:
    where = direct(house.ada)
    ada = await process.people.who(where)
    one = Named(id="99", name="Robot", bot=True) if bot else Named(id=house.guild, name="@everyone", role=True)
    with pytest.raises(InvalidInput, match=reason):
        await process.people.keep_names(ada, where, [Named(id="77", name="Grace"), one])
    assert not members(house).kept


async def test_the_roles_of_a_server_are_known_by_their_ids(house: House, process: Process) -> None:
    role = house.discord.guild.add_role("reviewers")
    assert role.id in await process.people.roles(direct(house.ada))
    house.discord.fault("GET /guilds/*", code=50001)
    house.discord.advance(LIFE + 1)
    assert not await process.people.roles(direct(house.ada))
