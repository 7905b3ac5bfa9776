"""Who may do what: every method of the engine, for everybody."""

from __future__ import annotations

import contextlib
import inspect

import pytest

from core.errors import Conflict, Forbidden, NotFound
from core.ids import PrincipalId, ThreadId, WorkspaceId
from core.operations.engine import BuildRequest, Engine
from core.words.inbound import Who
from core.words.views import WorkspaceSettings
from tests.support.engine_calls import CHANGING, SEEING, staged
from tests.support.engine_house import House, key

#: What is anybody's own: of nobody else's app.
OWN = {"principal", "workspace", "set_workspace", "build", "apps", "threads", "latest", "watch", "events", "last_event"} | {
    "provision_tenant",
    "tenants",
    "drop_tenant",
    "follow_logs",
    "thread_at",  # answers None
    "subscriptions",
    "workspace_usage",
    "check_deciding",
    "workspace_at",  # a platform's own id of a place, and nothing that is there
    "opened_again",
}


def test_every_method_of_the_engine_has_a_place_in_the_tables() -> None:
    methods = {name for name, _ in inspect.getmembers(Engine, inspect.isfunction) if not name.startswith("_")}
    assert set() == methods - SEEING.keys() - CHANGING.keys() - OWN


async def test_who_cannot_see_an_app_is_told_that_there_is_none_whatever_they_try(house: House) -> None:
    stage = await staged(house, await house.member("ada"))
    eve = await house.member("eve")
    nobody = Who(principal=PrincipalId("p_none"), workspace=eve.workspace, name="Nobody")
    elsewhere = Who(principal=eve.principal, workspace=WorkspaceId("w_none"), name="Eve")
    for who in (eve, nobody, elsewhere):
        for name, call in (SEEING | CHANGING).items():
            with pytest.raises((NotFound, Conflict)) as refused:
                await call(house.engine, who, stage)
            assert isinstance(refused.value, NotFound) or "is taken" in refused.value.message, name
    with pytest.raises(NotFound):
        async for _ in house.engine.follow_logs(eve, "shop"):
            pass
    await house.assert_live("shop", 2, releases=[1, 2])


async def test_a_named_approver_sees_all_of_it_and_changes_nothing(house: House) -> None:
    you, bob = await house.you(), await house.member("bob")
    stage = await staged(house, await house.member("ada"))
    await house.engine.set_workspace(you, WorkspaceSettings(approvers="named", named_approvers=["bob"]))
    for name, call in CHANGING.items():
        with pytest.raises(Forbidden):
            await call(house.engine, bob, stage)
            pytest.fail(name)
    for call in SEEING.values():
        with contextlib.suppress(Conflict):  # approved and so not discarded any more
            await call(house.engine, bob, stage)
    assert ["shop"] == [app.slug for app in await house.engine.apps(bob)]
    assert [stage.thread] == [thread.thread for thread in await house.engine.threads(bob)]


@pytest.mark.parametrize("name", ["ada", "you"])
async def test_its_owner_and_the_owner_of_the_workspace_may_do_everything(house: House, name: str) -> None:
    ada = await house.member("ada")
    stage = await staged(house, ada)
    who = ada if name == "ada" else await house.you()
    for call in (SEEING | CHANGING).values():
        with contextlib.suppress(Conflict):  # some cannot be done after others; nothing is forbidden
            await house.reconciled(call(house.engine, who, stage))  # type: ignore[arg-type]
    assert "deleted" == (await house.row("shop")).actual


async def test_lists_and_streams_show_everybody_their_own_and_the_owner_all(house: House) -> None:
    you, ada, eve = await house.you(), await house.member("ada"), await house.member("eve")
    of_ada = await house.built(ada, "adas")
    of_eve = await house.built(eve, "eves")
    seen = {who.name: {app.slug for app in await house.engine.apps(who)} for who in (you, ada, eve)}
    assert {"You": {"adas", "eves"}, "ada": {"adas"}, "eve": {"eves"}} == seen
    threads = {who.name: {thread.app for thread in await house.engine.threads(who)} for who in (you, ada, eve)}
    assert seen == threads
    told: set[str] = set()
    async with contextlib.aclosing(house.engine.events(eve)) as events:
        async for event in events:
            told.add(event.app)
            if event.fact.kind == "approval.requested":
                break
    assert {of_eve.app} == told
    moved = set()
    async with contextlib.aclosing(house.engine.watch(eve, after=0)) as watched:  # type: ignore[type-var]
        async for item in watched:
            moved.add(item.thread)
            break
    assert {of_eve.thread} == moved
    assert of_ada.thread not in moved


async def test_a_thread_whose_app_is_not_theirs_is_not_a_place_to_build_in(house: House) -> None:
    ada, eve = await house.member("ada"), await house.member("eve")
    build = await house.built(ada, "shop")
    view = await house.engine.build(eve, BuildRequest(description="mine"), thread=build.thread, key=key())
    assert view.thread != build.thread
    with pytest.raises(NotFound):
        await house.engine.messages(eve, ThreadId(str(build.thread)))


async def test_a_member_whose_threads_are_older_than_those_of_many_others_still_finds_them(house: House) -> None:
    ada, eve = await house.member("ada"), await house.member("eve")
    mine = await house.engine.build(ada, BuildRequest(description="mine"), key=key())
    for number in range(205):
        await house.engine.build(eve, BuildRequest(description=f"number {number}", name=f"eve-{number}"), key=key())
    assert [mine.thread] == [thread.thread for thread in await house.engine.threads(ada)]
    assert 200 == len(await house.engine.threads(eve))
