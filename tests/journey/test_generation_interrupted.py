"""A build that is interrupted while a model writes: by a person, by ``kill -9``, by a vendor that is down while another is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.support.model_server import OVERLOADED, Reply, planning, writing
from tests.support.nexus import Nexus, new_nexus
from tests.support.writing_acts import MORE
from tests.support.writing_apps import EXPRESS, plan_of
from tests.support.writing_house import House, Scene, shown, theatre, writing_house


def scene_of(house: House, slug: str, provider: str, *files: Reply) -> Scene:
    scene = house.theatre.add(Scene(slug, provider=provider))
    scene.play([planning(scene.marked(plan_of("express")))], files)
    return scene


@pytest.fixture(scope="module")
async def mortal(warm: Nexus) -> AsyncIterator[House]:
    """A Nexus that may be killed, where one vendor may take over from another."""
    async with theatre() as stage:
        nexus = new_nexus(like=warm, **stage.environment, NEXUS_BROWSER="none")
        try:
            async with writing_house(await nexus.up(), stage) as made:
                yield made
            await nexus.down()
        finally:
            await nexus.close()


@pytest.mark.parametrize("provider", ["openai", "anthropic", "compatible"])
async def test_cancelling_ends_the_call_at_once_and_keeps_what_it_cost(mortal: House, provider: str) -> None:
    scene = scene_of(mortal, f"cancelled-{provider}", provider, writing(EXPRESS, hang_after=60))
    await mortal.begin(scene, "notes")
    written = await mortal.fact(scene.slug, "build.file")
    assert not scene.left.is_set(), "the answer is not over"
    await mortal.user.press("cancel", written["build"])
    await scene.left.wait()
    told = await mortal.told(scene)
    assert "cancelled" == told.end
    assert ("quiet", "Cancelled") == (told.card["tone"], told.card["status"])
    assert MORE["is cancelled in the middle of an answer"][0] in told.text, shown(told)
    assert ["plan", "write"] == scene.verbs()
    (row,) = await mortal.rows("SELECT usage FROM builds WHERE id = $1", told.build)
    assert '"calls": 2' in row["usage"]
    (tokens,) = await mortal.rows("SELECT (usage->>'output_tokens')::int AS said FROM builds WHERE id = $1", told.build)
    assert tokens["said"] > 30, "of the plan, and of what was written until then"


async def test_another_provider_takes_over_from_one_that_is_down(mortal: House) -> None:
    scene = scene_of(mortal, "taken-over", "anthropic", writing(EXPRESS))
    scene.down = {"anthropic": Reply(error=replace(OVERLOADED, headers={"retry-after": "3600"}))}
    told = await mortal.ask(scene, "notes")
    assert told.ready, shown(told)
    assert MORE["is overloaded, and another provider is configured"][0] in told.text, shown(told)
    assert [("anthropic", "plan"), ("openai", "plan"), ("openai", "write")] == scene.calls
    assert dict(EXPRESS) == {path: told.files[path] for path in EXPRESS}


async def test_a_build_goes_on_after_nexus_was_killed_while_a_model_wrote(mortal: House) -> None:
    scene = scene_of(mortal, "killed-in-writing", "openai", writing(EXPRESS, hang_after=60), writing(EXPRESS))
    await mortal.begin(scene, "notes")
    await mortal.fact(scene.slug, "build.file")
    await mortal.nexus.killed()
    await scene.left.wait()
    await mortal.nexus.up()
    told = await mortal.told(scene)
    assert told.ready, shown(told)
    assert MORE["is in the middle of an answer when Nexus is killed"][0] in told.text, shown(told)
    assert ["plan", "write", "plan", "write"] == scene.verbs()
    listed = next(c for c in told.card["children"] if c["type"] == "section" and c["id"] == "files")["children"][0]["files"]
    paths = [file["path"] for file in listed]
    assert sorted(told.files) == sorted(paths), "each once"
    assert dict(EXPRESS) == {path: told.files[path] for path in EXPRESS}
    assert 1 == len(await mortal.facts(scene.slug, "build.ready"))
