"""What is pruned, and what must stay."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from core.errors import Conflict
from core.hosting.host import InstanceState
from core.ids import Digest, InstanceId, PrincipalId
from core.ledger.inbox import LedgerInbox
from core.ledger.signins import Signins
from core.ledger.tables import Deployment, InboxKey, PictureRow, Release, SigninLink, WebSession, now
from core.operations import pruning
from core.operations.pruning import Pruning
from tests.support.engine_house import House, key, version


def the_pruning(house: House) -> Pruning:
    return Pruning(house.ledger, house.store, house.host, house.snapshots)


async def long_ago(house: House, days: float = 10) -> None:
    """Everything that is there has been there for so long."""
    async with house.ledger.transaction() as t:
        await t.session.execute(update(Release).values(created_at=now() - timedelta(days=days)))
    for folder in (house.store.root / "artifacts", house.store.root / "layers", house.snapshots):
        for path in folder.iterdir():
            then = path.stat().st_mtime - days * 86_400
            os.utime(path, (then, then))


async def kept(house: House, slug: str) -> list[int]:
    return [row.number for row in await house.releases((await house.row(slug)).id) if row.kept]


async def test_the_last_five_releases_stay_with_what_they_need_and_the_older_ones_go_with_all_of_it(house: House) -> None:
    you = await house.you()
    for number in range(1, 9):
        await house.live(you, "shop", number)
    await house.live(you, "other", 20)
    await long_ago(house)
    old = await house.releases((await house.row("shop")).id)
    await the_pruning(house).prune()
    assert ([4, 5, 6, 7, 8], [1]) == (await kept(house, "shop"), await kept(house, "other"))
    rows = await house.releases((await house.row("shop")).id)
    for before, row in zip(old, rows, strict=True):
        there = await house.store.open(Digest(row.artifact)) is not None
        assert there == row.kept, row.number
        assert (bool(row.snapshot), (house.snapshots / (before.snapshot or "none")).exists()) == (
            row.kept and row.number < 8,
            row.kept and row.number < 8,
        )
    await house.assert_live("shop", 8, releases=range(1, 9))
    await house.assert_live("other", 1, releases=[1])
    with pytest.raises(Conflict, match="not kept any more"):
        await house.engine.rollback(you, "shop", 2, with_data=False, key=key())
    back = await house.engine.rollback(you, "shop", 5, with_data=True, key=key())
    assert "live" == (await house.deployed(you, back)).state


async def test_the_releases_of_the_last_days_stay_however_many_they_are(house: House) -> None:
    you = await house.you()
    for number in range(1, 9):
        await house.live(you, "shop", number)
    await long_ago(house, days=2)
    await the_pruning(house).prune()
    assert list(range(1, 9)) == await kept(house, "shop")


async def test_what_waits_for_approval_or_comes_back_just_now_stays(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "KEPT_RELEASES", 1)
    you = await house.you()
    for number in range(1, 4):
        await house.live(you, "shop", number)
    waiting = await house.built(you, "shop", version(4))
    back = await house.engine.rollback(you, "shop", 1, with_data=True, key=key())
    await long_ago(house)
    await the_pruning(house).prune()
    assert [1, 3] == await kept(house, "shop")
    assert "live" == (await house.deployed(you, back)).state
    assert waiting.artifact is not None
    assert await house.store.open(waiting.artifact) is not None


async def test_a_live_release_stays_though_it_is_the_oldest(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "KEPT_RELEASES", 1)
    you = await house.you()
    for number in (1, 2, 3):
        await house.live(you, "shop", number)
    async with house.ledger.transaction() as t:
        app = await t.session.merge(await house.row("shop"))
        app.live_release = 1
    await long_ago(house)
    await the_pruning(house).prune()
    assert [1, 3] == await kept(house, "shop")


async def test_an_artifact_that_two_apps_share_stays_for_the_one_that_still_has_it(house: House) -> None:
    you = await house.you()
    for slug in ("gone", "here"):
        await house.live(you, slug)
    await house.reconciled(house.engine.delete(you, "gone"))
    await long_ago(house)
    await the_pruning(house).prune()
    (row,) = await house.releases((await house.row("here")).id)
    assert await house.store.open(Digest(row.artifact)) is not None


async def test_of_a_deleted_app_only_the_last_snapshot_stays_for_a_month(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    await house.live(you, "shop", 2)
    last = await house.reconciled(house.engine.delete(you, "shop"))
    await long_ago(house)
    await the_pruning(house).prune()
    assert [last] == [path.name for path in house.snapshots.iterdir()]
    assert [] == list((house.store.root / "artifacts").iterdir())
    assert [] == list((house.store.root / "layers").iterdir())
    await long_ago(house, days=31)
    await the_pruning(house).prune()
    assert [] == list(house.snapshots.iterdir())


async def pictured(house: House) -> set[str]:
    async with house.ledger.reading() as session:
        return set(await session.scalars(select(PictureRow.build_id)))


async def test_pictures_stay_with_what_may_be_approved_and_what_is_live(house: House) -> None:
    you = await house.you()
    old, live = await house.live(you, "shop", 1), await house.live(you, "shop", 2)
    waiting = await house.built(you, "shop", version(3))
    await house.live(you, "gone")
    await house.reconciled(house.engine.delete(you, "gone"))
    async with house.ledger.reading() as session:
        builds = {row.id: row.build_id for row in await session.execute(select(Deployment.id, Deployment.build_id))}
    await the_pruning(house).prune()
    assert len(await pictured(house)) == 4, "those of the last days stay, whatever becomes of them"
    async with house.ledger.transaction() as t:
        await t.session.execute(update(PictureRow).values(created_at=now() - timedelta(days=10)))
    await the_pruning(house).prune()
    assert {builds[live.deployment], waiting.build} == await pictured(house)
    assert old.deployment in builds


async def test_what_is_new_is_never_touched(house: House) -> None:
    """An artifact that is tried and a snapshot that is made are not yet known to the ledger."""
    you = await house.you()
    await house.built(you, "shop")
    async with house.ledger.transaction() as t:
        await t.session.execute(text("UPDATE approvals SET state = 'expired'"))
    house.snapshots.mkdir()
    (house.snapshots / "half.part").write_text("half")
    await the_pruning(house).prune()
    assert 1 == len(list((house.store.root / "artifacts").iterdir()))
    assert ["half.part"] == [path.name for path in house.snapshots.iterdir()]


async def test_the_instance_of_a_release_that_goes_is_forgotten(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "KEPT_RELEASES", 1)
    you = await house.you()
    await house.live(you, "shop")
    (old,) = await house.host.instances()
    await house.live(you, "shop", 2)
    spec = house.machine.started[0]
    await house.host.start(spec)  # one that was left behind
    house.machine.ends(old.instance)
    await long_ago(house)
    await the_pruning(house).prune()
    assert InstanceState.UNKNOWN == (await house.host.poll(InstanceId(old.instance))).state
    await house.assert_live("shop", 2, releases=[1, 2])


async def test_old_keys_links_and_sessions_are_forgotten_and_those_that_hold_are_not(house: House) -> None:
    you = await house.you()
    inbox, signins = LedgerInbox(house.ledger), Signins(house.ledger)
    assert await inbox.first("old")
    async with house.ledger.transaction() as t:
        await t.session.execute(update(InboxKey).values(at=now() - pruning.KEYS_FOR - timedelta(minutes=1)))
    assert await inbox.first("new")
    for name, expires in (("old", now() - timedelta(minutes=1)), ("new", now() + timedelta(minutes=1))):
        await signins.add_link(name, PrincipalId(you.principal), expires)
        await signins.add_session(name, PrincipalId(you.principal), expires)
    await the_pruning(house).prune()
    async with house.ledger.reading() as session:
        counts = [await session.scalar(select(func.count()).select_from(t)) for t in (InboxKey, SigninLink, WebSession)]
    assert [1, 1, 1] == counts
    assert not await inbox.first("new")
    assert await signins.take_link("new", now()) == you
    assert await signins.take_link("new", now()) is None
    assert await signins.find_session("new", now()) == you
