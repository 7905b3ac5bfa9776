"""A worker that is killed anywhere in a deployment: the next one goes on, and it ends as if nobody had died."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

import pytest

from core.deployments import platform
from core.ids import InstanceId
from core.ledger.tables import Deployment
from core.words.inbound import Who
from core.words.views import DeploymentView
from tests.support.engine_house import House, key, version
from tests.support.fate import Died, Fate


def fates() -> Iterator[Fate]:
    """One after the other, until somebody lives through theirs."""
    for at in itertools.count(1):
        fate = Fate(at)
        yield fate
        if not fate.dead:
            assert at > 15, "there was hardly anything to die at"
            return


async def ended(house: House, asked: DeploymentView, fate: Fate) -> Deployment:
    """What becomes of it: a worker with this fate has it, then others have, and look after the app."""
    with contextlib.suppress(Died):
        await house.worker(fate).deployments.advance(asked.deployment)
    for _ in range(3):
        await house.here.reconciler.apps()
        await house.here.deployments.advance(asked.deployment)
    await house.here.reconciler.apps()
    return await house.deployment_row(asked.deployment)


async def told_once(house: House, app: str, deployment: str, kind: str) -> None:
    found = [fact for fact in await house.facts(app, kind) if fact.deployment == deployment]
    assert 1 == len(found)


async def begun(house: House, you: Who) -> str:
    """v1 with seven rows in its table, live; the app's id."""
    await house.live(you, "shop")
    await put_rows(house, things_1=7)
    return (await house.row("shop")).id


async def put_rows(house: House, **rows: int) -> None:
    tenant = await house.registry.of_app((await house.row("shop")).id)
    assert tenant is not None
    for table, count in rows.items():
        house.tenants.put_rows(tenant, table, count)


def instance_of(asked: DeploymentView) -> InstanceId:
    return InstanceId("i" + asked.deployment.removeprefix("d"))


async def test_a_killed_deployment_ends_live_once_with_a_snapshot_from_before_its_migration(house: House) -> None:
    you = await house.you()
    app = await begun(house, you)
    for number, fate in enumerate(fates(), 2):
        asked = await house.approved(you, await house.built(you, "shop", version(number)))
        row = await ended(house, asked, fate)
        assert "live" == row.state, (fate.calls[-1], row.reason)
        await house.assert_live("shop", number, releases=range(1, number + 1))
        await told_once(house, app, row.id, "deployment.live")
        assert {"things_1": 7} | {f"things_{n}": 0 for n in range(2, number + 1)} == await house.rows_in("shop")
        (dump,) = house.snapshots.glob(f"{app}-v{number - 1}-*.dump")
        assert f"things_{number}" not in dump.read_text(), fate.calls
        assert dump.name == (await house.releases(app))[-2].snapshot


async def test_a_killed_first_deployment_ends_live_once(house: House) -> None:
    you = await house.you()
    for number, fate in enumerate(fates()):
        asked = await house.approved(you, await house.built(you, f"shop-{number}"))
        row = await ended(house, asked, fate)
        assert "live" == row.state, (fate.calls[-1], row.reason)
        await house.assert_live(f"shop-{number}", 1, releases=[1])


async def test_a_killed_deployment_that_fails_after_the_switch_leaves_the_old_release_live(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "HEALTH_SECONDS", 0.05)
    monkeypatch.setattr(platform, "PROBE_PAUSE", 0.001)
    you = await house.you()
    app = await begun(house, you)
    old = (await house.releases(app))[0].instance
    for fate in fates():
        asked = await house.approved(you, await house.built(you, "shop", version(2)))
        mine = instance_of(asked)
        # It answers until visitors are led to it: so the failure comes after the switch.
        house.prober.sick = lambda instance, mine=mine: instance == mine and house.leads_to("shop") == mine
        row = await ended(house, asked, fate)
        assert "failed" == row.state
        assert row.stage in {"probe", "health"}, fate.calls[-1]  # whoever takes over after the switch meets it earlier
        assert old == (await house.assert_live("shop", 1, releases=[1])).instance
        await told_once(house, app, row.id, "deployment.failed")
        assert mine not in house.machine.kept


async def test_a_killed_rollback_with_data_ends_with_the_data_of_then(house: House) -> None:
    you = await house.you()
    app = await begun(house, you)
    await house.live(you, "shop", 2)
    for number, fate in enumerate(fates(), 3):
        before = await house.rows_in("shop")
        asked = await house.engine.rollback(you, "shop", number - 2, with_data=True, key=key())
        row = await ended(house, asked, fate)
        assert "live" == row.state, (fate.calls[-1], row.reason)
        await house.assert_live("shop", number, releases=range(1, number + 1))
        await told_once(house, app, row.id, "deployment.live")
        # It goes to and fro between the two versions.
        assert ({"things_1": 7} if "things_2" in before else {"things_1": 7, "things_2": 0}) == await house.rows_in("shop")


async def test_a_killed_rollback_with_data_that_fails_puts_the_newer_data_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "HEALTH_SECONDS", 0.05)
    monkeypatch.setattr(platform, "PROBE_PAUSE", 0.001)
    you = await house.you()
    app = await begun(house, you)
    await house.live(you, "shop", 2)
    await put_rows(house, things_2=3)
    for fate in fates():
        asked = await house.engine.rollback(you, "shop", 1, with_data=True, key=key())
        mine = instance_of(asked)
        house.prober.sick = lambda instance, mine=mine: instance == mine
        row = await ended(house, asked, fate)
        assert ("failed", "health") == (row.state, row.stage), fate.calls[-1]
        await house.assert_live("shop", 2, releases=[1, 2])
        await told_once(house, app, row.id, "deployment.failed")
        assert {"things_1": 7, "things_2": 3} == await house.rows_in("shop"), fate.calls
