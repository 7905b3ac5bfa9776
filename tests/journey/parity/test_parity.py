"""Parity is a test: the journey, step by step, on the page, in Slack and in Discord alike, on the real product.

`steps` is the table, `substitutes` the list of what one platform cannot do as another does.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
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
from tests.support.writing_house import Scene, Theatre, theatre

Arrive = Callable[[Nexus, str], AbstractAsyncContextManager[Person]]
PLATFORMS: dict[str, Arrive] = {"web": on_the_page, "slack": in_slack, "discord": in_discord}


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Theatre]:
    async with theatre() as made:
        yield made


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_the_whole_journey_is_the_same_or_has_its_substitute(platform: str, warm: Nexus, stage: Theatre) -> None:
    nexus = new_nexus(like=warm, NEXUS_BROWSER="none", **stage.environment)
    scene = stage.add(Scene("notes"))
    try:
        async with PLATFORMS[platform](nexus, NEWS) as person:
            walk = Walk(person=person, nexus=nexus, scene=scene, substitutes=SUBSTITUTES)
            for step in STEPS:
                try:
                    await step.sees(walk, await step.does(walk))
                except BaseException as error:
                    error.add_note(f"at the step “{step.name}” on {platform}")
                    raise
            assert walk.listed == set(walk.told), "what is listed stands in for something"
        assert [] == nexus.faults(), json.dumps(nexus.faults(), indent=1)
    finally:
        await nexus.close()
