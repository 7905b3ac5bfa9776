"""Members of a chat platform: who they are, what they see, and what they may do to the apps of others."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from sqlalchemy import func, select

from core.errors import Conflict, Forbidden, NotFound
from core.ledger.tables import Principal, Workspace
from core.words.inbound import Who
from core.words.views import WorkspaceSettings
from tests.support.engine_calls import CHANGING, SEEING, Call, Stage, staged
from tests.support.engine_house import House, key
from tests.support.team import CHAT, dropping, mate

#: What everybody there may do: ask for what somebody approves.
ASKING = {"change", "retry", "push", "cancel", "fix"}
MANAGING: dict[str, Call] = {name: call for name, call in CHANGING.items() if name not in ASKING}


async def row_of(house: House, who: Who) -> Principal:
    async with house.ledger.reading() as session:
        found = await session.get(Principal, who.principal)
    assert found is not None
    return found


async def forbidden(house: House, who: Who, stage: Stage) -> set[str]:
    """What of all there is they may not do. What changes the app for good comes last."""
    refused = set()
    for name, call in (SEEING | CHANGING).items():
        try:
            await house.reconciled(call(house.engine, who, stage))  # type: ignore[arg-type]
        except Forbidden:
            refused.add(name)
        except Conflict:  # some cannot be done after others
            pass
    return refused


async def test_a_member_is_made_once_however_often_and_from_wherever_they_come(house: House) -> None:
    found = await asyncio.gather(*(mate(house, "ada") for _ in range(8)))
    assert 1 == len({who.principal for who in found})
    async with house.ledger.reading() as session:
        assert 1 == await session.scalar(select(func.count()).select_from(Workspace).where(Workspace.platform == CHAT))
        assert 1 == await session.scalar(select(func.count()).select_from(Principal).where(Principal.external_id == "ADA"))


async def test_name_role_and_workspace_are_what_they_are_there_now(house: House) -> None:
    who = await mate(house, "ada", admin=True)
    assert ("ada", "owner") == ((await row_of(house, who)).name, (await row_of(house, who)).role)
    again = await house.people.member(CHAT, "T1", workspace_name="Renamed", user="ADA", name="Ada L.", admin=False)
    assert (who.principal, "Ada L.") == (again.principal, again.name)
    row = await row_of(house, who)
    assert ("Ada L.", "member") == (row.name, row.role)
    async with house.ledger.reading() as session:
        workspace = await session.get(Workspace, who.workspace)
    assert workspace is not None
    assert "Renamed" == workspace.name


async def test_a_member_without_a_name_is_called_by_their_id_and_a_long_name_is_cut(house: House) -> None:
    who = await house.people.member(CHAT, "T1", workspace_name="", user="U1", name="", admin=False)
    assert "U1" == who.name
    assert 200 == len((await house.people.member(CHAT, "T1", workspace_name="", user="U1", name="x" * 999, admin=False)).name)


async def test_the_same_id_in_another_workspace_is_somebody_else(house: House) -> None:
    here, there = await mate(house, "ada"), await mate(house, "ada", workspace="T2")
    assert here.principal != there.principal
    assert here.workspace != there.workspace
    await house.built(here, "shop")
    with pytest.raises(NotFound):
        await house.engine.app(there, "shop")
    assert [] == await house.engine.apps(there)


async def test_groups_are_those_of_the_moment(house: House) -> None:
    assert frozenset({"ops", "dev"}) == (await mate(house, "ada", groups=["ops", "dev"])).groups
    assert frozenset() == (await mate(house, "ada")).groups


async def test_names_of_those_who_were_chosen_are_kept_and_change_nobodys_role(house: House) -> None:
    ada = await mate(house, "ada", admin=True)
    await house.people.name(ada, "S1", "operations", group=True)
    await house.people.name(ada, "BOB", "Bob")
    await house.people.name(ada, "ADA", "Ada L.")
    assert {"S1": "operations", "BOB": "Bob", "ADA": "Ada L."} == await house.people.names(ada, ["S1", "BOB", "ADA", "NOBODY"])
    assert "owner" == (await row_of(house, ada)).role
    assert {} == await house.people.names(await mate(house, "eve", workspace="T2"), ["S1", "BOB", "ADA"])
    await house.people.name(ada, "S1", "on call", group=True)
    assert {"S1": "on call"} == await house.people.names(ada, ["S1"])


async def test_everybody_sees_every_app_of_their_workspace_and_may_ask_for_changes(house: House) -> None:
    stage = await staged(house, await mate(house, "ada"))
    await house.engine.set_workspace(await mate(house, "boss", admin=True), WorkspaceSettings(approvers="requester"))
    bob = await mate(house, "bob")
    assert ["shop"] == [app.slug for app in await house.engine.apps(bob)]
    assert [stage.thread] == [thread.thread for thread in await house.engine.threads(bob)]
    assert MANAGING.keys() | {"approve", "discard"} == await forbidden(house, bob, stage)


async def test_what_nobody_approves_is_for_those_who_may_approve_for_the_requester_and_for_admins(house: House) -> None:
    boss, ada, bob, eve = [await mate(house, name, admin=name == "boss") for name in ("boss", "ada", "bob", "eve")]
    on_call = await mate(house, "bob", groups=["S1"])
    await house.live(ada, "shop")
    for settings, may in (
        (WorkspaceSettings(approvers="anyone"), [boss, ada, bob, on_call, eve]),
        (WorkspaceSettings(approvers="named", named_approvers=["BOB"]), [boss, ada, bob, on_call]),
        (WorkspaceSettings(approvers="named", named_approvers=["S1"]), [boss, ada, on_call]),
        (WorkspaceSettings(approvers="requester"), [boss, ada]),
    ):
        await house.engine.set_workspace(boss, settings)
        for who in (boss, ada, bob, on_call, eve):  # bob is the same person, before and after he left the group
            if who in may:
                await house.engine.reveal(who, "shop")
            else:
                with pytest.raises(Forbidden, match="those who may approve here"):
                    await house.engine.reveal(who, "shop")


async def test_a_named_group_may_do_everything(house: House) -> None:
    stage = await staged(house, await mate(house, "ada"))
    settings = WorkspaceSettings(approvers="named", named_approvers=["S1"])
    await house.engine.set_workspace(await mate(house, "boss", admin=True), settings)
    assert set() == await forbidden(house, await mate(house, "bob", groups=["S1"]), stage)
    assert "deleted" == (await house.row("shop")).actual


async def test_whoever_is_no_admin_any_more_may_not_decide_for_the_workspace(house: House) -> None:
    await house.engine.set_workspace(await mate(house, "boss", admin=True), WorkspaceSettings(approvers="requester"))
    with pytest.raises(Forbidden):
        await house.engine.set_workspace(await mate(house, "boss"), WorkspaceSettings())


async def test_two_people_are_asked_for_among_people_and_one_on_ones_own_machine_unless_somebody_decides(house: House) -> None:
    boss, you = await mate(house, "boss", admin=True), await house.you()
    for who, two in ((boss, True), (you, False)):
        assert two == (await house.engine.workspace(who)).second_person
        await house.engine.set_workspace(who, WorkspaceSettings(second_person=not two))
        assert two != (await house.engine.workspace(who)).second_person


async def test_the_owner_of_the_local_workspace_sees_nothing_of_a_team_and_a_team_nothing_of_it(house: House) -> None:
    you, boss = await house.you(), await mate(house, "boss", admin=True)
    await house.built(you, "mine")
    await dropping(house, boss, "ours")
    assert ["mine"] == [app.slug for app in await house.engine.apps(you)]
    assert ["ours"] == [app.slug for app in await house.engine.apps(boss)]
    for who, slug in ((you, "ours"), (boss, "mine")):
        with pytest.raises(NotFound):
            await house.engine.change(who, slug, "add a field", key=key())
        with contextlib.suppress(NotFound):
            await house.engine.logs(who, slug)
            pytest.fail("seen")
