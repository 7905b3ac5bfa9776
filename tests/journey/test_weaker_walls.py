"""The loop where no namespace can be made, as inside most containers: forced here by NEXUS_SANDBOX, the walls are the real ones.

As root, every program has a user of its own. As an ordinary user there is no wall worth the name: what the starter wrote runs, and other
people's code does not.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.support.nexus import Nexus, new_nexus, until

AS_ROOT = os.geteuid() == 0
DEPLOY = "/api/ai/deploy/app"
FOREIGN = {
    "app_name": "foreign",
    "framework": "express",
    "files": [
        {
            "path": "server.js",
            "content": "import express from 'express';\n"
            "const app = express();\n"
            "app.get('/healthz', (request, response) => response.json({ ok: true }));\n"
            "app.get('/', (request, response) => response.send('<!doctype html><title>uid</title>' + process.getuid()));\n"
            "app.listen(process.env.PORT, process.env.HOST);\n",
        }
    ],
    "dependencies": {"express": "5.3.0"},
    "requires_database": False,
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def weaker(warm: Nexus) -> AsyncIterator[Nexus]:
    made = new_nexus(like=warm, NEXUS_SANDBOX="restricted", NEXUS_ALLOW_UNCONFINED="false")
    try:
        yield await made.up()
        await made.down()
        assert made.faults() == []
    finally:
        await made.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["express", "fastapi"])
async def app(weaker: Nexus, request: pytest.FixtureRequest) -> dict[str, Any]:
    """What generating and deploying it have answered."""
    user = weaker.user()
    generated = await user.generate("a todo app with due dates", request.param, app_name=f"weaker-{request.param}")
    return {**generated, "deployed": await user.deploy(generated)}


def test_it_says_what_the_walls_are(weaker: Nexus) -> None:
    assert "Weaker sandbox" in weaker.said
    assert ("separate users" if AS_ROOT else "the same user as Nexus") in weaker.said


#: What cannot be tried behind these walls, which have no network of their own, is said.
UNMADE = {"browser": ("skipped", "not opened in a browser: this sandbox cannot wall one in")}


def not_done(app: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {step["name"]: (step["state"], step["detail"]) for step in app["evidence"] if step["state"] != "done"}


async def test_an_app_is_tried_approved_and_live_behind_them(weaker: Nexus, app: dict[str, Any]) -> None:
    assert UNMADE == not_done(app)
    assert "deployed" == app["deployed"]["status"]
    slug = app["app"]
    page = await weaker.app(slug, "GET", "/")
    assert (200, True) == (page.status, "<html" in page.text)
    made = (await weaker.app(slug, "POST", "/api/todos", {"title": "Water the plants"})).ok(201)
    assert made == (await weaker.app(slug, "GET", f"/api/todos/{made['id']}")).ok()
    told = "a user of its own, without namespaces" if AS_ROOT else "limits only, without walls"
    assert told in str(await weaker.user().cards(slug))


async def test_two_builds_at_once_with_new_packages_do_not_disturb_each_other(weaker: Nexus) -> None:
    """The package stores are one for all builds; what pnpm and uv lock in them is not."""
    user = weaker.user()
    built = await asyncio.gather(*(user.generate("notes", framework) for framework in ("express", "fastapi", "express")))
    assert [UNMADE] * 3 == [not_done(one) for one in built]


async def test_other_peoples_code_runs_as_a_user_of_its_own_or_not_at_all(weaker: Nexus) -> None:
    answer = await weaker.user().post(DEPLOY, FOREIGN)
    if AS_ROOT:
        answer.ok()
        uid = (await weaker.app("foreign", "GET", "/")).text.rpartition(">")[2]
        assert 61_000 <= int(uid) <= 61_999
    else:
        assert "NEXUS_ALLOW_UNCONFINED" in answer.problem(422)["detail"]


async def test_apps_and_data_are_there_again_at_the_next_start(weaker: Nexus, app: dict[str, Any]) -> None:
    slug = app["app"]
    (await weaker.app(slug, "POST", "/api/todos", {"title": "Stays"})).ok(201)
    await weaker.down()
    await weaker.up()

    async def healthy() -> bool:
        return (await weaker.app(slug, "GET", "/healthz")).status == 200

    await until(healthy, what=f"{slug} is up again")
    assert "Stays" in [todo["title"] for todo in (await weaker.app(slug, "GET", "/api/todos")).ok()]
