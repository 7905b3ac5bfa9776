"""A question about an artifact is answered once, by somebody who may, in time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from core.approvals.approvals import expire
from core.errors import Conflict, Forbidden, NexusError, NotFound
from core.ids import ApprovalId, Digest
from core.ledger.tables import Approval, Deployment, now
from core.words.views import BuildView, WorkspaceSettings
from tests.support.engine_house import House, key, version


def asked(build: BuildView) -> ApprovalId:
    assert build.approval is not None
    return build.approval.approval


async def deployments(house: House) -> int:
    async with house.ledger.reading() as session:
        return (await session.scalar(select(func.count()).select_from(Deployment))) or 0


async def state(house: House, build: BuildView) -> str:
    view = await house.engine.build_view(await house.you(), build.build)
    assert view.approval is not None
    return view.approval.state


async def overdue(house: House) -> None:
    async with house.ledger.transaction() as t:
        await t.session.execute(update(Approval).values(deadline=now() - timedelta(seconds=1)))


async def test_of_many_who_press_at_once_one_deploys_and_the_others_are_told_who_it_was(house: House) -> None:
    you = await house.you()
    build = await house.built(you, "shop")

    async def press() -> str:
        try:
            await house.engine.approve(you, asked(build), build.artifact)
        except Conflict as error:
            return error.message
        return ""

    answers = await asyncio.gather(*(press() for _ in range(12)))
    assert 1 == answers.count("")
    assert {"", "Approved already by You; nothing was deployed twice."} == set(answers)
    assert 1 == await deployments(house)
    app = (await house.row("shop")).id
    assert ["approved"] == [fact.outcome for fact in await house.facts(app, "approval.ended")]


async def test_approving_and_discarding_at_once_is_one_of_them(house: House) -> None:
    you = await house.you()
    build = await house.built(you, "shop")
    done = await asyncio.gather(
        *(house.engine.approve(you, asked(build)) if n % 2 else house.engine.discard(you, asked(build)) for n in range(8)),
        return_exceptions=True,
    )
    assert 7 == sum(isinstance(answer, Conflict) for answer in done)
    assert ("approved" if await deployments(house) else "discarded") == await state(house, build)


async def test_a_card_of_another_artifact_approves_nothing(house: House) -> None:
    you = await house.you()
    build = await house.built(you, "shop")
    with pytest.raises(Conflict, match="has changed since"):
        await house.engine.approve(you, asked(build), Digest("sha256:" + "0" * 64))
    assert "pending" == await state(house, build)
    assert 0 == await deployments(house)


async def test_a_newer_build_takes_the_place_of_the_older_question_when_it_is_asked_for(house: House) -> None:
    you = await house.you()
    old = await house.built(you, "shop")
    new = await house.built(you, "shop", version(2))
    with pytest.raises(Conflict, match="newer build"):
        await house.engine.approve(you, asked(old))
    assert ("superseded", "pending") == (await state(house, old), await state(house, new))


async def test_past_its_deadline_a_question_is_closed_whether_or_not_the_tick_has_come(house: House) -> None:
    you = await house.you()
    build = await house.built(you, "shop")
    await overdue(house)
    with pytest.raises(Conflict, match="past its deadline"):
        await house.engine.approve(you, asked(build))
    assert "pending" == await state(house, build)
    assert 1 == await expire(house.ledger)
    assert 0 == await expire(house.ledger)
    assert "expired" == await state(house, build)
    with pytest.raises(Conflict, match="past its deadline"):
        await house.engine.approve(you, asked(build))


async def test_many_questions_of_many_apps_expire_in_one_tick_while_people_press(house: House) -> None:
    you = await house.you()
    builds = [await house.built(you, f"shop-{n}") for n in range(6)]
    await overdue(house)
    done = await asyncio.gather(
        expire(house.ledger), *(house.engine.approve(you, asked(build)) for build in builds), return_exceptions=True
    )
    assert 6 == done[0]
    assert all(isinstance(answer, Conflict) for answer in done[1:])
    assert {"expired"} == {await state(house, build) for build in builds}


async def test_who_cannot_see_the_app_is_told_that_there_is_no_such_approval(house: House) -> None:
    ada, eve = await house.member("ada"), await house.member("eve")
    build = await house.built(ada, "shop")
    for act in (house.engine.approve(eve, asked(build)), house.engine.discard(eve, asked(build))):
        with pytest.raises(NotFound):
            await act
    with pytest.raises(NotFound):
        await house.engine.approve(ada, ApprovalId("ap_none"))
    assert "pending" == await state(house, build)


async def test_a_named_approver_may_approve_the_app_of_somebody_else_and_change_nothing_else(house: House) -> None:
    you, ada, bob = await house.you(), await house.member("ada"), await house.member("bob")
    await house.engine.set_workspace(you, WorkspaceSettings(approvers="named", named_approvers=["bob"], self_approval=False))
    build = await house.built(ada, "shop")
    with pytest.raises(Forbidden, match="somebody else"):
        await house.engine.approve(ada, asked(build))
    assert "" == (await house.engine.build_view(bob, build.build)).approval.refusal  # type: ignore[union-attr]
    with pytest.raises(Forbidden, match="belongs to somebody else"):
        await house.engine.change(bob, "shop", "add a field", key=key())
    view = await house.engine.approve(bob, asked(build), build.artifact)
    assert "live" == (await house.deployed(bob, view)).state
    with pytest.raises(Forbidden):
        await house.engine.reveal(bob, "shop")


async def test_who_was_named_once_sees_nothing_more_when_names_do_not_decide_any_longer(house: House) -> None:
    you, ada, bob = await house.you(), await house.member("ada"), await house.member("bob")
    build = await house.built(ada, "shop")
    await house.engine.set_workspace(you, WorkspaceSettings(approvers="named", named_approvers=["bob"]))
    assert "shop" == (await house.engine.app(bob, "shop")).slug
    await house.engine.set_workspace(you, WorkspaceSettings(approvers="anyone", named_approvers=["bob"]))
    with pytest.raises(NotFound):
        await house.engine.app(bob, "shop")
    with pytest.raises(NotFound):
        await house.engine.approve(bob, asked(build))


async def test_settings_by_which_nobody_could_approve_are_refused(house: House) -> None:
    you = await house.you()
    for nobody in (WorkspaceSettings(approvers="named"), WorkspaceSettings(approvers="requester", self_approval=False)):
        with pytest.raises(NexusError, match=r"Name at least one|nobody could approve"):
            await house.engine.set_workspace(you, nobody)
    with pytest.raises(Forbidden):
        await house.engine.set_workspace(await house.member("ada"), WorkspaceSettings())


async def test_nothing_of_a_deleted_app_is_approved(house: House) -> None:
    you = await house.you()
    build = await house.built(you, "shop")
    await house.reconciled(house.engine.delete(you, "shop"))
    with pytest.raises(Conflict, match="was deleted"):
        await house.engine.approve(you, asked(build))


async def test_an_approved_artifact_that_is_not_here_any_more_says_what_to_do(house: House) -> None:
    you = await house.you()
    view = await house.approved(you, await house.built(you, "shop"))
    for folder in (house.store.root / "artifacts").iterdir():
        folder.rename(folder.with_name("gone"))
    ended = await house.deployed(you, view)
    assert ("failed", "start") == (ended.state, ended.stage)
    assert "ask for a change to build it again" in ended.reason
