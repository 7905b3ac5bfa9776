"""What is becomes what should be, whoever died when."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

import pytest
from sqlalchemy import update

from core.errors import Conflict, NexusError, NotFound, TemporaryError
from core.hosting.host import InstanceSpec, InstanceState
from core.hosting.router import Notice, Route
from core.ids import AppId, InstanceId, TenantId
from core.ledger.tables import TenantRow, now
from core.operations import app_work
from core.operations.reconcile import MAKING
from core.tenants.tenants import Tenant, TenantUsage
from tests.support.engine_house import House, version
from tests.support.fate import Died, Fate


class Clock:
    """Minutes that pass as a test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passed = 0.0
        import asyncio

        loop = asyncio.get_running_loop()

        class Loop:
            @staticmethod
            def time() -> float:
                return loop.time() + self.passed

        monkeypatch.setattr(app_work.asyncio, "get_running_loop", Loop)


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


async def kinds(house: House, slug: str) -> list[str]:
    wanted = {"app.crashed", "app.recovered", "app.stopped", "app.deleted"}
    return [fact.kind for fact in await house.facts((await house.row(slug)).id) if fact.kind in wanted]


async def test_an_app_that_is_as_it_should_be_is_not_touched(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    await house.built(you, "never-live")
    await house.live(you, "stopped")
    await house.reconciled(house.engine.stop(you, "stopped"))
    changes = house.router.changes
    assert [] == await house.here.apps.astray()
    await house.here.reconciler.apps()
    assert changes == house.router.changes


async def test_a_missing_and_a_wrong_route_are_put_right(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    app = (await house.row("shop")).id
    await house.router.remove(app)
    await house.here.reconciler.apps()
    await house.assert_live("shop", 1, releases=[1])
    gone = Notice(status=503, title="Gone", text="")
    await house.router.add(Route(name=app, hosts=[house.edge.host("shop")], target=gone))
    await house.here.reconciler.apps()
    await house.assert_live("shop", 1, releases=[1])


async def test_an_instance_that_ended_is_told_of_and_started_again(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    (instance,) = await house.host.instances()
    house.machine.prints(instance.instance, "last words")
    house.machine.ends(instance.instance, exit_code=3)
    await house.here.reconciler.apps()
    await house.assert_live("shop", 1, releases=[1])
    assert ["app.crashed", "app.recovered"] == await kinds(house, "shop")
    (crashed,) = await house.facts((await house.row("shop")).id, "app.crashed")
    assert ("exit code 3" in crashed.reason, ["last words"]) == (True, crashed.log_tail)


async def test_instances_that_nexus_itself_stopped_are_started_without_a_word(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    await house.here.apps.stop_everything()
    assert not await house.host.instances()
    await house.here.reconciler.apps()
    await house.assert_live("shop", 1, releases=[1])
    assert [] == await kinds(house, "shop")


async def test_an_app_that_keeps_ending_is_started_ever_more_seldom_and_a_steady_one_at_once_again(
    house: House, clock: Clock
) -> None:
    you = await house.you()
    await house.live(you, "shop")
    starts = len(house.machine.started)
    for _ in range(400):  # twenty minutes of ticks
        for instance in await house.host.instances():
            house.machine.ends(instance.instance, exit_code=1)
        await house.here.reconciler.apps()
        clock.passed += 3
    assert 5 <= len(house.machine.started) - starts <= 8
    assert len(await kinds(house, "shop")) <= 16
    clock.passed += 3600
    await house.here.reconciler.apps()  # up, and it stays up
    clock.passed += app_work.STEADY + 1
    (instance,) = await house.host.instances()
    house.machine.ends(instance.instance, exit_code=1)
    await house.here.reconciler.apps()
    await house.assert_live("shop", 1, releases=[1])


async def test_an_app_is_not_called_crashed_while_the_router_is_away(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    await house.here.apps.stop_everything()
    add = house.router.add

    async def away(route: Route) -> None:
        raise TemporaryError("The router cannot be reached just now.")

    await house.router.remove((await house.row("shop")).id)
    house.router.add = away  # type: ignore[method-assign]
    await house.here.reconciler.apps()
    house.router.add = add  # type: ignore[method-assign]
    house.router.down = True
    await house.here.reconciler.apps()
    house.router.down = False
    await house.here.reconciler.apps()
    await house.assert_live("shop", 1, releases=[1])
    assert [] == await kinds(house, "shop")


async def test_an_app_that_does_not_come_up_again_is_stopped_told_of_once_and_can_be_redeployed(
    house: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.deployments import platform

    monkeypatch.setattr(platform, "HEALTH_SECONDS", 0.02)
    you = await house.you()
    await house.live(you, "shop")
    (instance,) = await house.host.instances()
    old = instance.instance
    house.prober.sick = lambda name: name == old
    house.machine.ends(old, exit_code=1)
    for _ in range(3):
        await house.here.reconciler.apps()
        clock.passed += 3
    assert ["app.crashed"] == await kinds(house, "shop")
    assert "crashed" == (await house.engine.app(you, "shop")).state
    assert not await house.host.instances()
    again = await house.engine.restart(you, "shop", key="again")
    assert "live" == (await house.deployed(you, again)).state
    await house.assert_live("shop", 1, releases=[1])
    assert InstanceState.UNKNOWN == (await house.host.poll(old)).state


async def stray(house: House, app: str, name: str) -> None:
    spec = InstanceSpec(instance=InstanceId(name), app=AppId(app), folder=house.folder, argv=["x"])
    await house.host.start(spec)


async def test_strays_of_an_app_and_of_apps_that_are_gone_are_ended_and_those_of_nobody_are_not(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    app = (await house.row("shop")).id
    await stray(house, app, "i_stray")
    await stray(house, "app_gone", "i_gone")
    await stray(house, "try_out", "try_out")
    await house.router.add(Route(name="app_gone", hosts=("gone.localhost",), target=Notice(status=503, title="x", text="")))
    await house.router.add(Route(name="nexus", hosts=("localhost",), target=Notice(status=503, title="x", text="")))
    await house.here.reconciler.apps()
    await house.here.apps.sweep()
    await house.router.remove("nexus")  # it is still there to be removed
    running = {i.instance for i in await house.host.instances()} - {"try_out"}
    assert {(await house.assert_live("shop", 1, releases=[1])).instance} == running
    assert "try_out" in {i.instance for i in await house.host.instances()}
    assert house.router.resolve("gone.localhost") is None


async def test_what_is_kept_of_instances_that_were_stopped_and_not_forgotten_goes_too(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    app = (await house.row("shop")).id
    for owner, name in ((app, "i_stray"), ("app_gone", "i_gone")):
        await stray(house, owner, name)
        await house.host.stop(InstanceId(name))
    await house.here.reconciler.apps()
    await house.here.apps.sweep()
    (kept,) = await house.host.instances(ended=True)
    assert (await house.assert_live("shop", 1, releases=[1])).instance == kept.instance


async def test_what_a_first_deployment_left_that_nobody_ended_is_removed(house: House) -> None:
    you = await house.you()
    await house.built(you, "shop")
    app = (await house.row("shop")).id
    await stray(house, app, "i_left")
    (left,) = await house.host.instances()
    await house.router.add(Route(name=app, hosts=[house.edge.host("shop")], target=left.address))
    await house.here.reconciler.apps()
    assert not await house.host.instances()
    assert house.router.resolve(house.edge.host("shop")) is None


async def test_a_stopped_app_shows_a_notice_keeps_its_data_and_is_told_of_once(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    tenant = await house.registry.of_app((await house.row("shop")).id)
    assert tenant is not None
    house.tenants.put_rows(tenant, "orders", 5)
    await house.reconciled(house.engine.stop(you, "shop"))
    route = house.router.resolve(house.edge.host("shop"))
    assert route is not None
    assert isinstance(route.target, Notice)
    assert not await house.host.instances()
    await house.here.reconciler.apps()
    assert ["app.stopped"] == await kinds(house, "shop")
    asked = await house.engine.start(you, "shop", key="start")
    assert "live" == (await house.deployed(you, asked)).state
    assert {"orders": 5} == await house.rows_in("shop")


async def test_a_deletion_that_was_killed_anywhere_is_completed_with_a_last_snapshot(house: House) -> None:
    you = await house.you()
    for at in itertools.count(1):
        slug = f"shop-{at}"
        await house.live(you, slug)
        row = await house.row(slug)
        async with house.ledger.transaction() as t:
            app = await t.session.merge(row)
            app.wanted, app.wanted_by = "deleted", "You"
        fate = Fate(at)
        with contextlib.suppress(Died):
            await house.worker(fate).apps.advance(row.id)
        await house.here.reconciler.apps()
        after = await house.row(slug)
        assert "deleted" == after.actual, fate.calls
        (told,) = await house.facts(row.id, "app.deleted")
        assert (house.snapshots / told.snapshot).is_file(), fate.calls
        assert not [i for i in await house.host.instances() if i.app == row.id]
        assert house.router.resolve(house.edge.host(slug)) is None
        assert [] == await house.tenants.databases()
        if not fate.dead:
            break
    assert at > 5


async def test_an_app_that_was_never_deployed_is_deleted_with_nothing_to_keep_and_its_name_is_free(house: House) -> None:
    you = await house.you()
    await house.built(you, "shop")
    assert "" == await house.reconciled(house.engine.delete(you, "shop"))
    with pytest.raises(NotFound):
        await house.engine.app(you, "shop")
    await house.live(you, "shop")
    await house.assert_live("shop", 1, releases=[1])


async def test_a_deletion_answers_with_the_last_snapshot(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    name = await house.reconciled(house.engine.delete(you, "shop"))
    assert (house.snapshots / name).is_file()


# -- tenants ------------------------------------------------------------------------------------------------------------------


async def test_a_tenant_over_its_size_is_frozen_and_thawed_below_nine_tenths_whatever_befalls_the_others(house: House) -> None:
    you = await house.you()
    sizes: dict[str, float] = {}
    for slug in ("unlucky", "shop"):
        await house.live(you, slug)
    tenant = await house.registry.of_app((await house.row("shop")).id)
    unlucky = await house.registry.of_app((await house.row("unlucky")).id)
    assert tenant is not None
    assert unlucky is not None
    frozen: list[bool] = []
    usage = house.tenants.usage

    async def measured(who: Tenant) -> TenantUsage | None:
        if who.tenant == unlucky.tenant:
            raise NexusError("It does not answer.")
        found = await usage(who)
        assert found is not None
        return TenantUsage(size_mb=sizes["shop"], connections=0, frozen=found.frozen, tables={})

    house.tenants.usage = measured  # type: ignore[method-assign]
    limit = tenant.limits.size_mb
    for sizes["shop"] in (limit - 1, limit + 1, limit - 1, 0.95 * limit, 0.89 * limit):
        await house.here.reconciler.quotas()
        found = await measured(tenant)
        assert found is not None
        frozen.append(found.frozen)
    assert [False, True, True, True, False] == frozen


async def test_databases_that_were_given_up_or_asked_for_when_nexus_died_are_seen_to(house: House) -> None:
    you = await house.you()
    kept = await house.engine.provision_tenant(you)
    given_up = await house.engine.provision_tenant(you)
    await house.registry.set_state(TenantId(given_up.tenant), "dropped")
    async with house.ledger.transaction() as t:
        half = house.registry.add(t, you.principal)
    await house.here.reconciler.databases()
    assert [kept.database] == await house.tenants.databases()  # who makes the half one may be at it
    async with house.ledger.transaction() as t:
        await t.session.execute(update(TenantRow).values(created_at=now() - 2 * MAKING))
    await house.here.reconciler.databases()
    assert {kept.database, half.database} == set(await house.tenants.databases())
    assert {kept.tenant, half.tenant} == {view.tenant for view in await house.engine.tenants(you)}


async def test_a_database_of_ones_own_is_dropped_by_its_owner_alone_and_that_of_an_app_with_the_app(house: House) -> None:
    ada, eve = await house.member("ada"), await house.member("eve")
    view = await house.engine.provision_tenant(ada)
    with pytest.raises(NotFound):
        await house.engine.drop_tenant(eve, view.tenant)
    assert [] == await house.engine.tenants(eve)
    await house.engine.drop_tenant(ada, view.tenant)
    with pytest.raises(NotFound):
        await house.engine.drop_tenant(ada, view.tenant)
    await house.live(ada, "shop")
    (of_app,) = await house.engine.tenants(ada)
    with pytest.raises(Conflict, match="delete the app"):
        await house.engine.drop_tenant(ada, of_app.tenant)


async def test_nobody_gets_more_databases_than_there_are_for_one(house: House) -> None:
    import asyncio

    you = await house.you()
    done: list[Any] = await asyncio.gather(*(house.engine.provision_tenant(you) for _ in range(9)), return_exceptions=True)
    assert 4 == sum(isinstance(answer, Conflict) for answer in done)
    assert 5 == len(await house.engine.tenants(you))


async def test_works_that_nobody_holds_are_taken_up_from_their_rows(house: House) -> None:
    you = await house.you()
    begun = await house.engine.push(
        you,
        name="shop",
        files=version(1),
        framework="fastapi",
        dependencies={},
        requires_database=True,
        key="push",
    )
    waiting = await house.approved(you, await house.built(you, "other"))
    started: list[str] = []
    house.here.reconciler._waker.start = lambda work: started.append(work.id)  # type: ignore[method-assign]
    await house.here.reconciler.works()
    assert [waiting.deployment, begun.build] == started
