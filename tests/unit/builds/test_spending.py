"""What models cost is summed per workspace and month, and a budget that is used up begins no further build."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from adapters.models.starter.model import Starter
from core.builds.spending import month_start, spent
from core.errors import Forbidden
from core.generation.fake_model import FakeModel, files, planned
from core.ledger.tables import Build
from core.operations.engine import BuildRequest
from core.words.attachment import Attachment
from core.words.inbound import Who
from core.words.plan import Plan
from core.words.views import BuildView, WorkspaceSettings
from tests.support.engine_house import House, key

PLAN = Plan(name="Shop", framework="fastapi", summary="A shop.", requires_database=False)


async def ask(house: House, who: Who, provider: str = "fake") -> BuildView:
    return await house.engine.build(who, BuildRequest(description="a shop", provider=provider), key=key())


async def used(house: House, build: BuildView, **usage: object) -> None:
    async with house.ledger.transaction() as t:
        await t.session.execute(update(Build).where(Build.id == build.build).values(usage=usage, state="failed"))


@pytest.fixture
async def you(house: House) -> Who:
    house.models._models["fake"] = FakeModel([planned(PLAN)], [files({})])
    house.models._models["starter"] = Starter()
    return await house.you()


async def test_what_was_used_is_summed_and_unknown_prices_are_told_apart(house: House, you: Who) -> None:
    await used(house, await ask(house, you), input_tokens=1000, output_tokens=200, cost_usd=0.5)
    await used(house, await ask(house, you), input_tokens=300, output_tokens=40, cost_usd=None)
    await ask(house, you)  # has told nothing yet
    async with house.ledger.reading() as session:
        so_far = await spent(session, workspace=you.workspace, since=month_start(datetime.now(UTC)))
        nothing = await spent(session, workspace="another")
    assert (1540, 0.5, 340) == (so_far.tokens, so_far.cost_usd, so_far.unpriced_tokens)
    assert (0, 0.0, 0) == (nothing.tokens, nothing.cost_usd, nothing.unpriced_tokens)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (WorkspaceSettings(budget_usd=0.5), "$0.50 of its $0.50"),
        (WorkspaceSettings(budget_tokens=1200), "1,200 of its 1,200 tokens"),
        (WorkspaceSettings(budget_usd=0), "$0.50 of its $0.00"),
    ],
)
async def test_a_budget_that_is_used_up_begins_no_build_but_the_starters(
    house: House, you: Who, settings: WorkspaceSettings, said: str
) -> None:
    await used(house, await ask(house, you), input_tokens=1000, output_tokens=200, cost_usd=0.5)
    await house.engine.set_workspace(you, settings)
    with pytest.raises(Forbidden, match=re.escape(said)):
        await ask(house, you)
    assert (await ask(house, you, "starter")).build


async def test_a_budget_with_something_left_lets_a_build_begin(house: House, you: Who) -> None:
    await used(house, await ask(house, you), input_tokens=1000, output_tokens=200, cost_usd=0.49)
    await house.engine.set_workspace(you, WorkspaceSettings(budget_usd=0.5, budget_tokens=1201))
    assert (await ask(house, you)).build


async def test_last_months_spending_does_not_count(house: House, you: Who) -> None:
    build = await ask(house, you)
    await used(house, build, input_tokens=1000, output_tokens=200, cost_usd=0.5)
    async with house.ledger.transaction() as t:
        await t.session.execute(update(Build).where(Build.id == build.build).values(created_at=datetime(2020, 1, 31, tzinfo=UTC)))
    await house.engine.set_workspace(you, WorkspaceSettings(budget_usd=0.5))
    assert (await ask(house, you)).build


async def test_what_is_attached_reaches_the_model_of_the_build_and_of_its_retry(house: House, you: Who) -> None:
    sketch = Attachment(name="sketch.png", media_type="image/png", data=b"\x89PNG\r\n\x1a\n")
    request = BuildRequest(description="a shop", provider="fake", attachments=[sketch])
    build = await house.engine.build(you, request, key=key())
    await house.worker().builds.advance(build.build)
    again = await house.engine.retry(you, build.build, key=key())
    await house.worker().builds.advance(again.build)
    model = house.models._models["fake"]
    assert isinstance(model, FakeModel)
    briefs = [arguments[0] for verb, arguments in model.asked if verb == "plan"]
    assert [[sketch], [sketch]] == [list(brief.attachments) for brief in briefs]


async def test_the_model_that_the_workspace_names_writes_for_its_provider_alone(house: House, you: Who) -> None:
    made: list[str] = []

    def named(name: str) -> FakeModel:
        made.append(name)
        return FakeModel([planned(PLAN)], [files({})])

    house.models._models["openai"] = FakeModel([planned(PLAN)], [files({})])
    house.models._named["openai"] = named
    await house.engine.set_workspace(you, WorkspaceSettings(provider="openai", model="other-1"))
    await ask(house, you, "fake")
    assert made == []
    build = await ask(house, you, "auto")
    await house.worker().builds.advance(build.build)
    assert made == ["other-1"]
