"""Parity is a test: the journey, step by step, on the page, in Slack and in Discord alike, on the real product.

`steps` is the table, `substitutes` the list of what one platform cannot do as another does. Each platform has a Nexus of its own; they are
gone through at the same time, since most of what takes time is waiting until a message may be edited again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager

import pytest

from tests.journey.parity.discord_person import in_discord
from tests.journey.parity.people import Person
from tests.journey.parity.slack_person import in_slack
from tests.journey.parity.steps import STEPS
from tests.journey.parity.substitutes import SUBSTITUTES
from tests.journey.parity.walk import Walk
from tests.journey.parity.ways import NEWS
from tests.journey.parity.web_person import on_the_page
from tests.support.nexus import Nexus, new_nexus
from tests.support.writing_house import Scene, theatre

Arrive = Callable[[Nexus, str], AbstractAsyncContextManager[Person]]
PLATFORMS: dict[str, Arrive] = {"web": on_the_page, "slack": in_slack, "discord": in_discord}


@pytest.fixture(scope="module")
async def walks(request: pytest.FixtureRequest, warm: Nexus) -> AsyncIterator[Mapping[str, asyncio.Task[Walk]]]:
    """Somebody on their way, for each platform that is asked for."""
    names = {item.name for item in request.session.items if item.path == request.path}
    wanted = [platform for platform in PLATFORMS if any(name.endswith(f"[{platform}]") for name in names)]
    async with theatre() as stage:
        settings = {"NEXUS_BROWSER": "none", **stage.environment}
        houses = {platform: new_nexus(like=warm, **settings) for platform in wanted}
        tasks = {
            platform: asyncio.create_task(through(platform, nexus, stage.add(Scene("notes"))))
            for platform, nexus in houses.items()
        }
        try:
            yield tasks
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
            for nexus in houses.values():
                await nexus.close()


async def through(platform: str, nexus: Nexus, scene: Scene) -> Walk:
    """All steps, one after the other."""
    async with PLATFORMS[platform](nexus, NEWS) as person:
        walk = Walk(person=person, nexus=nexus, scene=scene, substitutes=SUBSTITUTES)
        for step in STEPS:
            try:
                await step.sees(walk, await step.does(walk))
            except BaseException as error:
                error.add_note(f"at the step “{step.name}” on {platform}")
                raise
    return walk


@pytest.mark.timeout(480)  # the first of them waits while all three are gone through
@pytest.mark.parametrize("platform", PLATFORMS)
async def test_the_whole_journey_is_the_same_or_has_its_substitute(
    platform: str, walks: Mapping[str, asyncio.Task[Walk]]
) -> None:
    walk = await walks[platform]
    assert walk.listed == set(walk.told), "what is listed stands in for something"
    assert [] == walk.nexus.faults(), json.dumps(walk.nexus.faults(), indent=1)
