"""A deployment ends live, or leaves what was live as it was."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from core.deployments import platform, work
from core.errors import Conflict, NotHealthy, TemporaryError
from core.files import FileTree
from core.hosting.host import InstanceState
from core.ids import InstanceId
from core.words.inbound import Who
from core.words.views import DeploymentView
from tests.support.engine_house import House, key, version
from tests.support.fate import Died, Fate

SECRET = "the-value-of-a-setting"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "HEALTH_SECONDS", 0.05)
    monkeypatch.setattr(platform, "PROBE_PAUSE", 0.001)


def instance_of(asked: DeploymentView) -> InstanceId:
    return InstanceId("i" + asked.deployment.removeprefix("d"))


def broken(house: House, asked: DeploymentView, step: str) -> Callable[[], None]:
    """Let the step fail; returns what repairs it."""
    mine = instance_of(asked)

    async def no(*_: Any, **__: Any) -> Any:
        raise NotHealthy(f"No {step}.", log_tail="line 1: no")

    match step:
        case "snapshot":
            house.tenants.snapshot = no  # type: ignore[method-assign]
            return lambda: house.tenants.__dict__.pop("snapshot")
        case "database":
            house.tenants.create = no  # type: ignore[method-assign]
            return lambda: house.tenants.__dict__.pop("create")
        case "migrate":
            house.tenants.migrate = no  # type: ignore[method-assign]
            return lambda: house.tenants.__dict__.pop("migrate")
        case "start":
            house.store.open = no  # type: ignore[method-assign]
            return lambda: house.store.__dict__.pop("open")
        case "health":
            house.prober.sick = lambda instance: instance == mine
        case "probe":
            house.prober.sick = lambda instance: instance == mine and house.leads_to("shop") == mine

    def well() -> None:
        house.prober.sick = lambda instance: False

    return well


STEPS = ["snapshot", "database", "migrate", "start", "health", "probe"]


@pytest.mark.parametrize("step", STEPS)
async def test_failing_at_a_step_leaves_the_old_release_live_and_says_which_and_why(house: House, step: str) -> None:
    you = await house.you()
    await house.live(you, "shop")
    old = await house.assert_live("shop", 1, releases=[1])
    asked = await house.approved(you, await house.built(you, "shop", version(2)))
    well = broken(house, asked, step)
    view = await house.deployed(you, asked)
    well()
    assert ("failed", step) == (view.state, view.stage)
    assert old.instance == (await house.assert_live("shop", 1, releases=[1])).instance
    (failed,) = await house.facts((await house.row("shop")).id, "deployment.failed")
    assert (view.reason, 1) == (failed.reason, failed.still_live)
    assert InstanceState.UNKNOWN == (await house.host.poll(instance_of(asked))).state
    assert "live" == (await house.live(you, "shop", 3)).state
    await house.assert_live("shop", 3, releases=[1, 3])


@pytest.mark.parametrize("step", [step for step in STEPS if step != "snapshot"])
async def test_a_first_deployment_that_fails_leaves_nothing(house: House, step: str) -> None:
    you = await house.you()
    asked = await house.approved(you, await house.built(you, "shop"))
    well = broken(house, asked, step)
    view = await house.deployed(you, asked)
    well()
    await house.here.reconciler.apps()
    assert ("failed", step) == (view.state, view.stage)
    assert (None, "stopped") == ((await house.row("shop")).live_release, (await house.row("shop")).wanted)
    assert not await house.host.instances()
    assert house.router.resolve(house.edge.host("shop")) is None


async def test_the_database_of_a_first_release_has_no_snapshot_and_that_of_the_second_has_what_the_first_left(
    house: House,
) -> None:
    you = await house.you()
    await house.live(you, "shop")
    assert not house.snapshots.exists()
    await house.live(you, "shop", 2)
    (first, second) = await house.releases((await house.row("shop")).id)
    assert "things_2" not in (house.snapshots / first.snapshot).read_text()
    assert "" == second.snapshot


async def test_an_app_that_begins_to_use_a_database_gets_one_though_the_first_worker_died_making_it(house: House) -> None:
    you = await house.you()
    plain = FileTree({path: text for path, text in version(1).items() if not path.startswith("migrations/")})
    await house.deployed(you, await house.approved(you, await house.built(you, "shop", plain, database=False)))
    assert await house.engine.database(you, "shop") is None
    asked = await house.approved(you, await house.built(you, "shop", version(2)))
    with contextlib.suppress(Died):
        await house.worker(Fate(2)).deployments.advance(asked.deployment)
    assert "live" == (await house.deployed(you, asked)).state
    assert await house.engine.database(you, "shop") is not None


async def test_stopping_nexus_however_often_gives_no_deployment_up(house: House) -> None:
    you = await house.you()
    asked = await house.approved(you, await house.built(you, "shop"))
    waiting = asyncio.Event()

    async def wait(*_: Any, **__: Any) -> Any:
        waiting.set()
        await asyncio.Event().wait()

    house.tenants.create = wait  # type: ignore[method-assign]
    for _ in range(5):
        waiting.clear()
        working = asyncio.create_task(house.worker().deployments.advance(asked.deployment))
        await asyncio.wait_for(waiting.wait(), 20)
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
    del house.tenants.create
    assert "live" == (await house.deployed(you, asked)).state


async def test_one_that_kills_every_worker_is_given_up_with_what_was_live_live(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    asked = await house.approved(you, await house.built(you, "shop", version(2)))
    for _ in range(work.MAX_ATTEMPTS):
        with contextlib.suppress(Died):
            await house.worker(Fate(12)).deployments.advance(asked.deployment)
    view = await house.deployed(you, asked)
    assert "failed" == view.state
    assert "interrupted 3 times" in view.reason
    await house.here.reconciler.apps()
    await house.assert_live("shop", 1, releases=[1])


async def test_when_every_worker_dies_with_the_other_data_just_put_in_place_the_newer_ones_come_back(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    await house.live(you, "shop", 2)
    asked = await house.engine.rollback(you, "shop", 1, with_data=True, key=key())
    for _ in range(work.MAX_ATTEMPTS):
        with pytest.raises(Died):
            await house.worker(Fate(on="FakeTenants.restore")).deployments.advance(asked.deployment)
    assert {} == await house.rows_in("shop")
    assert "failed" == (await house.deployed(you, asked)).state
    assert {"things_2": 0} == await house.rows_in("shop")
    await house.here.reconciler.apps()
    await house.assert_live("shop", 2, releases=[1, 2])


async def test_a_passing_fault_is_tried_again_and_at_last_is_the_reason(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    asked = await house.approved(you, await house.built(you, "shop", version(2)))

    async def away(*_: Any, **__: Any) -> Any:
        raise TemporaryError("Postgres is away.")

    house.tenants.migrate = away  # type: ignore[method-assign]
    for _ in range(work.MAX_ATTEMPTS - 1):
        with pytest.raises(TemporaryError):
            await house.here.deployments.advance(asked.deployment)
    view = await house.deployed(you, asked)
    del house.tenants.migrate
    assert ("failed", "Postgres is away.") == (view.state, view.reason)
    await house.assert_live("shop", 1, releases=[1])


@pytest.mark.parametrize("tries", [1, 5])
async def test_while_the_router_is_away_a_failing_deployment_waits_with_its_ending(house: House, tries: int) -> None:
    you = await house.you()
    await house.live(you, "shop")
    asked = await house.approved(you, await house.built(you, "shop", version(2)))
    mine = instance_of(asked)
    house.prober.sick = lambda instance: instance == mine
    add = house.router.add

    async def away(*_: Any) -> None:
        raise TemporaryError("The router cannot be reached just now.")

    house.router.add = away  # type: ignore[method-assign]
    for _ in range(tries):
        with pytest.raises(TemporaryError):
            await house.here.deployments.advance(asked.deployment)
    house.router.add = add  # type: ignore[method-assign]
    house.prober.sick = lambda instance: False  # too late for this one: it has begun to put things back
    view = await house.deployed(you, asked)
    assert ("failed", "health") == (view.state, view.stage)
    await house.assert_live("shop", 1, releases=[1])


async def test_when_the_old_instance_does_not_go_the_new_one_is_live_nevertheless(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    asked = await house.approved(you, await house.built(you, "shop", version(2)))
    worker = house.worker()

    async def stuck(*_: Any, **__: Any) -> None:
        raise TemporaryError("It does not go.")

    worker.deployments._p.host.stop = stuck  # type: ignore[method-assign]
    await worker.deployments.advance(asked.deployment)
    assert "live" == (await house.deployment_row(asked.deployment)).state
    await house.here.reconciler.apps()
    await house.assert_live("shop", 2, releases=[1, 2])


# -- settings -----------------------------------------------------------------------------------------------------------------


async def environment(house: House, slug: str) -> dict[str, str]:
    (instance,) = await house.host.instances()
    return dict(house.machine.kept[instance.instance].spec.env)


async def set_env(house: House, who: Who, **values: str) -> DeploymentView | None:
    return await house.engine.set_settings(who, "shop", set=values, unset=[], key=key())


async def test_new_settings_are_a_release_and_an_older_one_comes_back_with_its_own(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    for number, value in ((2, "two-two-two"), (3, "three-three")):
        asked = await set_env(house, you, GREETING=value)
        assert asked is not None
        assert (number, "live") == (asked.release, (await house.deployed(you, asked)).state)
        assert value == (await environment(house, "shop"))["GREETING"]
    code_alone = await house.engine.rollback(you, "shop", 2, with_data=False, key=key())
    await house.deployed(you, code_alone)
    assert "three-three" == (await environment(house, "shop"))["GREETING"]
    whole = await house.engine.rollback(you, "shop", 2, with_data=True, key=key())
    await house.deployed(you, whole)
    assert "two-two-two" == (await environment(house, "shop"))["GREETING"]
    await house.assert_live("shop", 5, releases=[1, 2, 3, 4, 5])
    assert (3, ["GREETING"]) == await house.engine.settings(you, "shop")
    more = await set_env(house, you, FAREWELL="bye-bye-bye")
    assert more is not None
    await house.deployed(you, more)
    values = await environment(house, "shop")
    assert ("two-two-two", "bye-bye-bye") == (values["GREETING"], values["FAREWELL"])


async def test_settings_that_the_app_does_not_start_with_leave_the_old_ones(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    asked = await set_env(house, you, GREETING="hello-hello")
    assert asked is not None
    mine = instance_of(asked)
    house.prober.sick = lambda instance: instance == mine
    assert "failed" == (await house.deployed(you, asked)).state
    await house.assert_live("shop", 1, releases=[1])
    assert "GREETING" not in await environment(house, "shop")
    again = await house.engine.restart(you, "shop", key=key())
    assert "live" == (await house.deployed(you, again)).state
    assert "GREETING" not in await environment(house, "shop")


async def test_settings_of_a_stopped_app_are_what_it_starts_with(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    await house.reconciled(house.engine.stop(you, "shop"))
    assert await set_env(house, you, GREETING="hello-hello") is None
    asked = await house.engine.start(you, "shop", key=key())
    assert (2, "live") == (asked.release, (await house.deployed(you, asked)).state)
    assert "hello-hello" == (await environment(house, "shop"))["GREETING"]


async def test_what_is_asked_while_another_deployment_waits_is_of_what_is_live_then(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    newer = await house.approved(you, await house.built(you, "shop", version(2)))
    restart = await house.engine.restart(you, "shop", key=key())
    with_settings = await set_env(house, you, GREETING="hello-hello")
    assert with_settings is not None
    await house.here.deployments.advance(with_settings.deployment)
    assert {"live"} == {(await house.deployment_row(d.deployment)).state for d in (newer, restart, with_settings)}
    release = await house.assert_live("shop", 3, releases=[1, 2, 3])
    assert release.artifact == (await house.releases(release.app_id))[1].artifact


async def test_an_app_that_is_being_started_again_is_not_started_again_once_more(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    first = await house.engine.restart(you, "shop", key=key())
    for _ in range(2):
        with pytest.raises(Conflict, match="started again already"):
            await house.engine.restart(you, "shop", key=key())
    assert "live" == (await house.deployed(you, first)).state
    second = await house.engine.restart(you, "shop", key=key())
    assert "live" == (await house.deployed(you, second)).state


async def test_the_same_key_sets_settings_once(house: House) -> None:
    you, same = await house.you(), key()
    await house.live(you, "shop")
    views = [await house.engine.set_settings(you, "shop", set={"A": "1"}, unset=[], key=same) for _ in range(3)]
    assert 1 == len({view.deployment for view in views if view is not None})
    assert 1 == (await house.engine.settings(you, "shop"))[0]


async def test_no_secret_reaches_an_event_though_the_app_prints_its_environment(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    asked = await set_env(house, you, TOKEN=SECRET)
    assert asked is not None
    start = house.host.__class__.start

    async def talkative(self: Any, spec: Any) -> Any:
        started = await start(self, spec)
        self.machine.prints(spec.instance, *(f"{name}={value}\0" for name, value in spec.env.items()))
        return started

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(house.host.__class__, "start", talkative)
        await house.deployed(you, asked)
        failing = await set_env(house, you, OTHER="x")
        assert failing is not None
        mine = instance_of(failing)
        house.prober.sick = lambda instance: instance == mine
        await house.deployed(you, failing)
        house.prober.sick = lambda instance: False
        (instance,) = await house.host.instances()
        house.machine.ends(instance.instance, exit_code=1)
        await house.here.reconciler.apps()
    app = (await house.row("shop")).id
    told = "".join(fact.model_dump_json() for fact in await house.facts(app))
    password = (await house.engine.reveal(you, "shop")).url.get_secret_value().split(":")[2].split("@")[0]
    assert "DATABASE_URL=" in told
    assert SECRET not in told
    assert password not in told
    assert {"deployment.failed", "app.crashed"} <= {fact.kind for fact in await house.facts(app)}


# -- what people may ask for ------------------------------------------------------------------------------------------------------


async def test_a_release_that_is_live_comes_back_with_the_data_that_it_left_last(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    asked = await house.approved(you, await house.built(you, "shop", version(2)))
    well = broken(house, asked, "health")
    await house.deployed(you, asked)  # fails, after a snapshot and a migration
    well()
    tenant = await house.registry.of_app((await house.row("shop")).id)
    assert tenant is not None
    house.tenants.put_rows(tenant, "spoilt", 1)
    with pytest.raises(Conflict, match="live already"):
        await house.engine.rollback(you, "shop", 1, with_data=False, key=key())
    back = await house.engine.rollback(you, "shop", 1, with_data=True, key=key())
    assert "live" == (await house.deployed(you, back)).state
    assert "spoilt" not in await house.rows_in("shop")
    assert "things_2" not in await house.rows_in("shop")


async def test_an_app_that_is_being_deployed_is_not_stopped_and_one_that_starts_again_is_not_waited_for(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    asked = await house.engine.restart(you, "shop", key=key())
    with pytest.raises(Conflict, match="just being deployed"):
        await house.engine.stop(you, "shop")
    await house.deployed(you, asked)
    stopping = asyncio.create_task(house.engine.stop(you, "shop"))
    while (await house.row("shop")).wanted != "stopped":  # noqa: ASYNC110 - it is in the database
        await asyncio.sleep(0)
    again = await house.engine.start(you, "shop", key=key())
    await house.deployed(you, again)
    async with asyncio.timeout(20):
        with pytest.raises(Conflict, match="decided otherwise"):
            await stopping
    await house.assert_live("shop", 1, releases=[1])


async def test_an_app_that_is_deleted_while_it_is_deployed_stays_deleted(house: House) -> None:
    you = await house.you()
    await house.live(you, "shop")
    asked = await house.approved(you, await house.built(you, "shop", version(2)))
    waiting, go = asyncio.Event(), asyncio.Event()
    migrate = house.tenants.migrate

    async def slow(*arguments: Any) -> Any:
        waiting.set()
        await go.wait()
        return await migrate(*arguments)

    house.tenants.migrate = slow  # type: ignore[method-assign]
    working = asyncio.create_task(house.here.deployments.advance(asked.deployment))
    await waiting.wait()
    deleting = asyncio.create_task(house.reconciled(house.engine.delete(you, "shop")))
    while (await house.row("shop")).wanted != "deleted":  # noqa: ASYNC110 - it is in the database
        await asyncio.sleep(0)
    go.set()
    async with asyncio.timeout(20):
        await asyncio.gather(working, deleting)
    assert ("failed", "deleted") == ((await house.deployment_row(asked.deployment)).state, (await house.row("shop")).actual)
    assert not await house.host.instances()
    assert house.router.resolve(house.edge.host("shop")) is None
    assert [] == await house.tenants.databases()


async def test_requests_that_cannot_be_met_say_why(house: House) -> None:
    you = await house.you()
    await house.built(you, "shop")
    with pytest.raises(Conflict, match="approve its card"):
        await house.engine.restart(you, "shop", key=key())
    with pytest.raises(Conflict, match="not running"):
        await house.engine.stop(you, "shop")
    await house.deployed(you, await house.approved(you, await house.built(you, "shop")))
    with pytest.raises(Conflict, match="running already"):
        await house.engine.start(you, "shop", key=key())
    with pytest.raises(Conflict, match="live already"):
        await house.engine.rollback(you, "shop", 1, with_data=True, key=key())
    plain = FileTree({path: text for path, text in version(1).items() if not path.startswith("migrations/")})
    await house.deployed(you, await house.approved(you, await house.built(you, "page", plain, database=False)))
    asked = await house.engine.set_settings(you, "page", set={"A": "1"}, unset=[], key=key())
    assert asked is not None
    await house.deployed(you, asked)
    with pytest.raises(Conflict, match="No data of v1"):
        await house.engine.rollback(you, "page", 1, with_data=True, key=key())
