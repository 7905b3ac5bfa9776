"""Two different people say yes to what removes data, where the workspace wants it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from adapters.api.generation import GenerationCalls, approved
from adapters.problems import status_of
from core.approvals.approvals import expire
from core.errors import Conflict, Forbidden, NotFound
from core.ids import ApprovalId, Digest
from core.ledger.tables import Approval, Build, Deployment, now
from core.words.inbound import Who
from core.words.views import BuildView, WorkspaceSettings
from tests.support.engine_house import House, key, version
from tests.support.team import DROP, dropping, mate


def asked(build: BuildView) -> ApprovalId:
    assert build.approval is not None
    return build.approval.approval


async def begun(house: House, build: BuildView) -> int:
    """How many deployments of this build there are."""
    async with house.ledger.reading() as session:
        found = select(func.count()).select_from(Deployment).where(Deployment.build_id == build.build)
        return (await session.scalar(found)) or 0


async def wants(house: House, who: Who, *, two: bool) -> None:
    settings = await house.engine.workspace(who)
    await house.engine.set_workspace(who, settings.model_copy(update={"second_person": two}))


async def test_among_people_the_first_yes_is_noted_and_the_second_deploys_with_both_names(house: House) -> None:
    alice, bob = await mate(house, "alice"), await mate(house, "bob")
    build = await dropping(house, alice)
    (question,) = (await house.facts(build.app, "approval.requested"))[-1:]
    assert "two people here" == question.who
    assert await house.engine.approve(alice, asked(build), build.artifact) is None
    assert (0, "pending") == (await begun(house, build), (await house.engine.build_view(bob, build.build)).approval.state)  # type: ignore[union-attr]
    (given,) = await house.facts(build.app, "approval.given")
    assert (asked(build), build.build, "alice") == (given.approval, given.build, given.by)
    view = await house.engine.approve(bob, asked(build), build.artifact)
    assert view is not None
    assert "live" == (await house.deployed(bob, view)).state
    assert "alice and bob" == (await house.facts(build.app, "approval.ended"))[-1].by
    with pytest.raises(Conflict, match="Approved already by alice and bob; nothing was deployed twice"):
        await house.engine.approve(alice, asked(build))
    assert 1 == await begun(house, build)


async def test_the_same_person_twice_is_one_person_also_in_many_presses_at_once(house: House) -> None:
    alice = await mate(house, "alice")
    build = await dropping(house, alice)
    done = await asyncio.gather(*(house.engine.approve(alice, asked(build)) for _ in range(6)), return_exceptions=True)
    assert 1 == done.count(None)
    assert {"You have said yes already. It removes data, so a second person must say yes too; ask a colleague."} == {
        str(answer) for answer in done if isinstance(answer, Conflict)
    }
    assert 6 == 1 + sum(isinstance(answer, Conflict) for answer in done)
    assert 1 == len(await house.facts(build.app, "approval.given"))
    assert 0 == await begun(house, build)


async def test_of_eight_people_at_once_exactly_two_count_and_one_deployment_begins(house: House) -> None:
    people = [await mate(house, f"person {n}") for n in range(8)]
    build = await dropping(house, people[0])
    done = await asyncio.gather(
        *(house.engine.approve(who, asked(build), build.artifact) for who in people), return_exceptions=True
    )
    refused = [answer for answer in done if isinstance(answer, Conflict)]
    assert (1, 6) == (done.count(None), len(refused))
    (ended,) = (await house.facts(build.app, "approval.ended"))[-1:]
    (given,) = await house.facts(build.app, "approval.given")
    first, second = ended.by.split(" and ")
    assert first == given.by != second
    assert {f"Approved already by {ended.by}; nothing was deployed twice."} == {answer.message for answer in refused}
    assert 1 == await begun(house, build)


async def test_what_removes_nothing_needs_one_yes(house: House) -> None:
    alice = await mate(house, "alice")
    await house.live(alice, "shop")
    assert await house.engine.approve(alice, asked(await house.built(alice, "shop", version(2)))) is not None


async def test_ones_own_machine_asks_nobody_else_unless_it_is_to(house: House) -> None:
    you, ada = await house.you(), await house.member("ada")
    build = await dropping(house, ada)
    await wants(house, you, two=True)
    assert await house.engine.approve(ada, asked(build)) is None
    assert await house.engine.approve(you, asked(build)) is not None
    again = await dropping(house, you, "other")
    await house.engine.discard(you, asked(again))
    await wants(house, you, two=False)
    build = await house.built(you, "other", version(2, **DROP, **{"app/more.py": "MORE = 1\n"}))
    assert await house.engine.approve(you, asked(build)) is not None


async def test_the_setting_of_the_moment_decides(house: House) -> None:
    boss, bob = await mate(house, "boss", admin=True), await mate(house, "bob")
    build = await dropping(house, boss)
    assert await house.engine.approve(boss, asked(build)) is None
    await wants(house, boss, two=False)
    view = await house.engine.approve(boss, asked(build))  # now one is enough, and it may be the same
    assert view is not None
    assert "boss" == (await house.facts(build.app, "approval.ended"))[-1].by
    await house.deployed(boss, view)
    other = await dropping(house, boss, "other")  # asked for while one was enough
    await wants(house, boss, two=True)
    assert await house.engine.approve(boss, asked(other)) is None
    assert await house.engine.approve(bob, asked(other)) is not None


async def test_one_person_alone_discards_also_after_a_first_yes(house: House) -> None:
    alice, bob = await mate(house, "alice"), await mate(house, "bob")
    build = await dropping(house, alice)
    await house.engine.approve(alice, asked(build))
    await house.engine.discard(alice, asked(build))
    assert ("discarded", "alice") == (lambda fact: (fact.outcome, fact.by))((await house.facts(build.app, "approval.ended"))[-1])
    with pytest.raises(Conflict, match="Discarded by alice"):
        await house.engine.approve(bob, asked(build))
    assert 0 == await begun(house, build)


async def test_the_second_yes_is_guarded_like_the_first(house: House) -> None:
    alice, bob = await mate(house, "alice"), await mate(house, "bob")
    build = await dropping(house, alice)
    other = Digest("sha256:" + "0" * 64)
    with pytest.raises(Conflict, match="has changed since"):
        await house.engine.approve(alice, asked(build), other)
    assert [] == await house.facts(build.app, "approval.given")
    await house.engine.approve(alice, asked(build))
    with pytest.raises(Conflict, match="has changed since"):
        await house.engine.approve(bob, asked(build), other)
    eve = await mate(house, "eve", workspace="T2")
    with pytest.raises(NotFound):
        await house.engine.approve(eve, asked(build))
    async with house.ledger.transaction() as t:
        await t.session.execute(update(Approval).values(deadline=now() - timedelta(seconds=1)))
    for who in (alice, bob):
        with pytest.raises(Conflict, match="past its deadline"):
            await house.engine.approve(who, asked(build))
    await expire(house.ledger)
    with pytest.raises(Conflict, match="past its deadline"):
        await house.engine.approve(bob, asked(build))
    assert 0 == await begun(house, build)


async def test_a_first_yes_does_not_count_for_the_build_that_comes_next(house: House) -> None:
    alice, bob = await mate(house, "alice"), await mate(house, "bob")
    old = await dropping(house, alice)
    await house.engine.approve(alice, asked(old))
    new = await house.built(alice, "shop", version(2, **DROP, **{"app/more.py": "MORE = 1\n"}))
    with pytest.raises(Conflict, match="newer build"):
        await house.engine.approve(bob, asked(old))
    assert await house.engine.approve(bob, asked(new)) is None
    assert (0, 0) == (await begun(house, old), await begun(house, new))


async def test_the_policy_holds_for_both(house: House) -> None:
    boss, alice, bob = await mate(house, "boss", admin=True), await mate(house, "alice"), await mate(house, "bob")
    build = await dropping(house, alice)
    await house.people.name(boss, "S1", "operations", group=True)
    settings = WorkspaceSettings(approvers="named", named_approvers=["S1"], self_approval=False, second_person=True)
    await house.engine.set_workspace(boss, settings)
    with pytest.raises(Forbidden, match="Only named people may approve here: operations"):
        await house.engine.approve(bob, asked(build))
    with pytest.raises(Forbidden, match="somebody else"):
        await house.engine.approve(await mate(house, "alice", groups=["S1"]), asked(build))
    assert await house.engine.approve(await mate(house, "bob", groups=["S1"]), asked(build)) is None
    assert await house.engine.approve(boss, asked(build)) is not None
    newer = await house.built(alice, "shop", version(3, **DROP, **{"migrations/0010_drop.sql": "DROP TABLE things_3;\n"}))
    assert (
        "two of operations and the admins, but not alice, who asked for it"
        == (await house.facts(newer.app, "approval.requested"))[-1].who
    )


async def test_a_build_on_one_that_removes_data_and_was_never_deployed_removes_them_too(house: House) -> None:
    alice = await mate(house, "alice")
    before = await dropping(house, alice)
    build = await house.engine.push(
        alice,
        name="shop",
        files=version(2, **DROP, **{"app/more.py": "MORE = 1\n"}),
        framework="fastapi",
        dependencies={},
        requires_database=True,
        key=key(),
    )
    async with house.ledger.transaction() as t:  # as a change would be
        base = (await house.build_row(before.build)).revision_id
        await t.session.execute(update(Build).where(Build.id == build.build).values(base_revision=base))
    await house.here.builds.advance(build.build)
    build = await house.engine.build_view(alice, build.build)
    (ready,) = (await house.facts(build.app, "build.ready"))[-1:]
    assert any("DROP TABLE things_2" in line for line in ready.destructive)
    assert await house.engine.approve(alice, asked(build)) is None


async def test_what_was_removed_once_is_not_removed_again_until_the_data_are_back(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop", tree=version(2))
    await house.live(you, "shop", tree=version(2, **DROP))
    later = version(2, **DROP, **{"app/more.py": "MORE = 1\n"})

    async def losses(tree: object) -> list[str]:
        build = await house.built(you, "shop", tree)  # type: ignore[arg-type]
        return list((await house.facts(build.app, "build.ready"))[-1].destructive)

    assert [] == await losses(later)
    view = await house.engine.rollback(you, "shop", 1, with_data=False, key="code")
    await house.deployed(you, view)
    assert [] == await losses(later.with_files({"app/more.py": "MORE = 2\n"}))
    view = await house.engine.rollback(you, "shop", 1, with_data=True, key="data")
    await house.deployed(you, view)
    assert ["migrations/0009_drop.sql: DROP TABLE things_2"] == await losses(later.with_files({"app/more.py": "MORE = 3\n"}))


async def test_the_api_answers_a_first_yes_with_a_conflict_that_says_what_is_missing(house: House) -> None:
    alice, bob = await mate(house, "alice"), await mate(house, "bob")
    build = await dropping(house, alice)
    calls = GenerationCalls(house.engine, house.edge)
    with pytest.raises(Conflict, match="second person must approve it too") as refused:
        await calls._deployed(alice, build)
    assert 409 == status_of(refused.value)
    with pytest.raises(Conflict, match="You have said yes already"):
        await calls._deployed(alice, build)
    assert approved(begun_view := await house.engine.approve(bob, asked(build))) == begun_view
