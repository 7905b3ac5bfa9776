"""An app that was tried behind walls, on a machine that cannot make them any more."""

from __future__ import annotations

from sqlalchemy import update

from core.hosting.host import InstanceState
from core.ids import InstanceId
from core.ledger.tables import Build
from core.words.walls import Isolation
from tests.support.engine_house import House, version


async def live_and_stopped(house: House, *, own_code: bool) -> str:
    """A live app of a Nexus that was stopped; its id."""
    you = await house.you()
    await house.live(you, "shop", tree=version(1))
    app = await house.row("shop")
    async with house.ledger.transaction() as t:
        await t.session.execute(update(Build).where(Build.app_id == app.id).values(own_code=own_code))
    await house.host.stop(InstanceId((await house.releases(app.id))[0].instance))
    return app.id


async def running(house: House, app: str) -> bool:
    (release,) = await house.releases(app)
    return (await house.host.poll(InstanceId(release.instance))).state is InstanceState.RUNNING


async def test_other_peoples_code_is_not_started_without_them_and_the_thread_says_so(house: House) -> None:
    app = await live_and_stopped(house, own_code=False)
    await house.worker(isolation=Isolation.PROCESS).apps.advance(app)
    assert not await running(house, app)
    (told,) = await house.facts(app, "app.crashed")
    assert "NEXUS_ALLOW_UNCONFINED" in told.reason
    await house.worker().apps.advance(app)
    assert await running(house, app)


async def test_a_deployment_of_it_fails_with_the_setting_that_allows_it(house: House) -> None:
    you = await house.you()
    asked = await house.approved(you, await house.built(you, "shop"))
    await house.worker(isolation=Isolation.PROCESS).deployments.advance(asked.deployment)
    row = await house.deployment_row(asked.deployment)
    assert row.state == "failed"
    assert "NEXUS_ALLOW_UNCONFINED" in row.reason


async def test_what_nexus_wrote_itself_runs(house: House) -> None:
    app = await live_and_stopped(house, own_code=True)
    await house.worker(isolation=Isolation.PROCESS).apps.advance(app)
    assert await running(house, app)


async def test_everything_runs_where_it_is_allowed(house: House) -> None:
    app = await live_and_stopped(house, own_code=False)
    await house.worker(isolation=Isolation.PROCESS, allow_unconfined=True).apps.advance(app)
    assert await running(house, app)
