"""``kill -9``, of Nexus and of its parts, at any point: every thread gets its ending, nothing is done twice, nothing is lost or left."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from tests.support.nexus import Nexus, User, new_nexus, until

Seen = Callable[[str, dict[str, Any]], bool]
BROKEN = (aiohttp.ClientError, ConnectionError, TimeoutError, AssertionError)


@pytest.fixture(scope="module")
async def folder(warm: Nexus) -> AsyncIterator[Nexus]:
    """One data folder, whose Nexus is killed and started again and again."""
    made = new_nexus(like=warm)
    try:
        yield await made.up()
        await made.down()
    finally:
        await made.close()


@pytest.fixture
async def mortal(folder: Nexus) -> Nexus:
    """Up, whatever the test before has left."""
    if folder.process is None or folder.process.returncode is not None:
        folder.process = None
        await folder.up()
    return folder


@pytest.fixture(scope="module")
def alice(folder: Nexus) -> User:
    return folder.user("alice")


def step(name: str, state: str = "running", detail: str = "") -> Seen:
    def seen(kind: str, fact: dict[str, Any]) -> bool:
        told = fact.get("step") or {}
        return (told.get("name"), told.get("state")) == (name, state) and detail in told.get("detail", "")

    return seen


def fact(kind: str) -> Seen:
    return lambda name, _: name == kind


async def kill_at(mortal: Nexus, user: User, path: str, body: object, point: Seen) -> list[str]:
    """Make the call, and kill Nexus the moment that the point is told of; returns the kinds of events seen."""
    kinds: list[str] = []
    killed = False
    with contextlib.suppress(*BROKEN):
        async for kind, event in user.stream("POST", path, body):
            kinds.append(kind)
            if not killed and point(kind, event.get("fact", {})):
                mortal.kill()
                killed = True
    assert killed, f"the point was never seen in {kinds}"
    await mortal.killed()
    return kinds


async def live_instances(mortal: Nexus, app: str) -> list[str]:
    """The instances of an app whose warden lives."""
    found = []
    for file in (mortal.folder.root / "instances").glob("*/instance.json"):
        if json.loads(file.read_text())["app"] == app:
            found.append(file.parent.name)
    return found


async def nothing_stray(mortal: Nexus) -> None:
    """Databases, instances and work folders are those of the apps, and no others."""

    async def strays() -> set[str]:
        databases = {r["datname"] for r in await mortal.sql("SELECT datname FROM pg_database WHERE NOT datistemplate")}
        wanted = {r["database"] for r in await mortal.sql("SELECT database FROM tenants WHERE state = 'ready'")}
        instances = {f.name for f in (mortal.folder.root / "instances").iterdir() if f.is_dir()}
        query = "SELECT r.instance FROM releases r JOIN apps a ON a.id = r.app_id AND a.live_release = r.number"
        live = {r["instance"] for r in await mortal.sql(query)}
        work = {p.name for p in (mortal.folder.root / "artifacts" / "work").iterdir()}
        return (databases - wanted - {"postgres", "nexus"}) | (instances - live) | work

    loop = asyncio.get_running_loop()
    deadline = loop.time() + 45  # what a fall of Postgres left is swept by a tick
    while left := await strays():
        assert loop.time() < deadline, left
        await asyncio.sleep(0.1)


async def shown_once(user: User, slug: str) -> None:
    """Every build and every deployment has one card, and each card is over."""

    async def settled() -> bool:
        cards = [c for c in await user.cards(slug) if c["kind"] in {"build", "deploy"}]
        return bool(cards) and all(c["tone"] != "working" for c in cards)

    await until(settled, what="every card is over")
    facts = await user.nexus.events(slug)
    cards = await user.cards(slug)
    for kind, event in (("build", "build.requested"), ("deploy", "deployment.requested")):
        assert sum(f["kind"] == event for f in facts) == sum(c["kind"] == kind for c in cards), kind
    messages = [m["message"] for m in await user.messages(slug)]
    assert len(messages) == len(set(messages))
    for kind in ("app.crashed", "app.recovered", "build.ready"):
        told = [str(f) for f in facts if f["kind"] == kind]
        assert len(told) == len(set(told))


BUILD_POINTS = {
    "asked": fact("build.requested"),
    "planned": fact("build.planned"),
    "writing": fact("build.file"),
    "installing": step("install"),
    "building": step("build"),
    "trying": step("try"),
    "started": step("try", detail="start"),
}


@pytest.mark.parametrize("point", BUILD_POINTS)
async def test_a_build_goes_on_after_nexus_was_killed(mortal: Nexus, alice: User, point: str) -> None:
    slug = f"built-{point}"
    # Another framework's packages, so that there is something to install.
    body = {
        "description": f"a list of {point} things",
        "framework": "fastapi" if point == "installing" else "express",
        "app_name": slug,
    }
    kinds = await kill_at(mortal, alice, "/api/ai/generate/app", body, BUILD_POINTS[point])
    assert "build.ready" not in kinds
    await mortal.up()
    ready = await mortal.event(slug, "build.ready")
    kinds = [f["kind"] for f in await mortal.events(slug)]
    assert (1, 1, 1) == tuple(kinds.count(k) for k in ("build.requested", "build.ready", "approval.requested"))
    build = (await alice.get(f"/api/v1/builds/{ready['build']}")).ok()
    assert ("ready", "pending") == (build["state"], build["approval_state"])
    assert 1 == (await alice.deploy({"build_id": ready["build"]}))["release"]
    assert 200 == (await mortal.app(slug, "GET", "/healthz")).status
    await shown_once(alice, slug)
    await nothing_stray(mortal)


DEPLOY_POINTS = {
    "asked": fact("deployment.requested"),
    "snapshot": step("snapshot", "done"),
    "migrated": step("migrate", "done"),
    "started": step("start", "done"),
    "healthy": step("health", "done"),
    "routed": step("route", "done"),
    "probed": step("probe", "done"),
}


@pytest.fixture(scope="module")
async def changing(folder: Nexus, alice: User) -> str:
    """A live app with a record, to be changed."""
    await alice.live("changing")
    (await folder.app("changing", "POST", "/api/todos", {"title": "kept"})).ok(201)
    return "changing"


@pytest.mark.parametrize("point", DEPLOY_POINTS)
async def test_a_deployment_ends_well_after_nexus_was_killed(mortal: Nexus, alice: User, changing: str, point: str) -> None:
    base = f"/api/v1/apps/{changing}"
    before = (await alice.get(base)).ok()["release"]
    build = await alice.change(changing, f"add a {point} field")
    kinds = await kill_at(mortal, alice, "/api/ai/deploy/app", {"build_id": build["build_id"]}, DEPLOY_POINTS[point])
    assert 200 == (await mortal.app(changing, "GET", "/healthz")).status, "the app answers while Nexus is dead"
    await mortal.up()
    assert "deployment.live" not in kinds
    live = await mortal.event(changing, "deployment.live", release=before + 1)
    rows = await mortal.sql("SELECT state FROM deployments WHERE build_id = $1", build["build_id"])
    assert ["live"] == [row["state"] for row in rows]
    facts = await mortal.events(changing)
    assert 1 == sum(f["kind"] == "deployment.live" and f["deployment"] == live["deployment"] for f in facts)
    view = (await alice.get(base)).ok()
    assert (before + 1, "live") == (view["release"], view["state"])
    releases = (await alice.get(base + "/releases")).ok()["releases"]
    assert list(range(before + 1, 0, -1)) == [r["release"] for r in releases]
    assert [True] == [r["live"] for r in releases if r["live"]]
    records = (await mortal.app(changing, "GET", "/api/todos")).ok()
    assert ["kept"] == [r["title"] for r in records]
    assert f"{point}" in records[0], "the new code answers, on its migrated database"

    async def alone() -> bool:
        return 1 == len(await live_instances(mortal, view_id))

    view_id = (await mortal.sql("SELECT id FROM apps WHERE slug = $1", changing))[0]["id"]
    await until(alone, what="one instance is left")
    dumps = [p.name for p in (mortal.folder.root / "snapshots").iterdir() if live["deployment"] in p.name]
    assert 1 == len(dumps)
    await shown_once(alice, changing)
    await nothing_stray(mortal)


@pytest.mark.parametrize("point", ["pause", "restore", "start"])
async def test_a_rollback_with_data_ends_well_after_nexus_was_killed(mortal: Nexus, alice: User, point: str) -> None:
    slug = f"rolled-{point}"
    base = f"/api/v1/apps/{slug}"
    await alice.live(slug)
    (await mortal.app(slug, "POST", "/api/todos", {"title": "before"})).ok(201)
    await alice.deploy(await alice.change(slug, "add a priority field"))
    (await mortal.app(slug, "POST", "/api/todos", {"title": "after"})).ok(201)
    await kill_at(mortal, alice, base + "/rollback", {"release": 1, "with_data": True}, step(point))
    await mortal.up()
    await mortal.event(slug, "deployment.live", release=3)
    records = (await mortal.app(slug, "GET", "/api/todos")).ok()
    assert ["before"] == [r["title"] for r in records]
    assert "priority" not in records[0]
    await shown_once(alice, slug)
    await nothing_stray(mortal)


async def test_an_app_deleted_while_nexus_is_killed_is_deleted_once(mortal: Nexus, alice: User) -> None:
    generated = await alice.live("deleted-app")
    asking = asyncio.create_task(alice.delete("/api/v1/apps/deleted-app"))

    async def wanted() -> bool:
        rows = await mortal.sql("SELECT wanted FROM apps WHERE slug = 'deleted-app'")
        return bool(rows[0]["wanted"] == "deleted")

    await until(wanted, what="the deletion is asked for")
    await mortal.killed()
    with contextlib.suppress(*BROKEN):
        await asking
    await mortal.up()
    await mortal.event("deleted-app", "app.deleted")
    assert 1 == [f["kind"] for f in await mortal.events("deleted-app")].count("app.deleted")
    assert 404 == (await mortal.app("deleted-app", "GET", "/")).status
    assert not await mortal.sql("SELECT 1 FROM pg_database WHERE datname = $1", generated["database"]["name"])
    await nothing_stray(mortal)


async def test_a_build_that_nexus_never_survives_is_given_up_with_a_reason(mortal: Nexus, alice: User) -> None:
    body = {"description": "a list of cats", "framework": "express", "app_name": "given-up"}
    await kill_at(mortal, alice, "/api/ai/generate/app", body, step("install"))
    for attempt in (2, 3):
        await mortal.begin()

        async def taken_up(attempt: int = attempt) -> bool:
            query = "SELECT attempts FROM builds b JOIN apps a ON a.id = b.app_id WHERE a.slug = 'given-up'"
            return bool((await mortal.sql(query))[0]["attempts"] == attempt)

        await until(taken_up, what=f"attempt {attempt}")
        await mortal.killed()
    await mortal.up()
    failed = await mortal.event("given-up", "build.failed")
    assert "interrupted 3 times" in failed["reason"]
    assert "failed" == (await alice.get("/api/v1/apps/given-up")).ok()["state"]
    await shown_once(alice, "given-up")
    await nothing_stray(mortal)


async def test_a_killed_postgres_comes_back_and_nothing_is_lost(mortal: Nexus, alice: User, changing: str) -> None:
    before = await mortal.sql("SELECT count(*) FROM events")
    pid = mortal.pid_of("postgres")
    os.kill(pid, signal.SIGKILL)

    async def back() -> bool:
        with contextlib.suppress(OSError, ValueError, IndexError):
            return mortal.pid_of("postgres") != pid and (await alice.get("/api/v1/apps")).status == 200
        return False

    await until(back, what="Postgres is back")
    assert before <= await mortal.sql("SELECT count(*) FROM events")

    async def kept() -> bool:
        answer = await mortal.app(changing, "GET", "/api/todos")
        return answer.status == 200 and ["kept"] == [r["title"] for r in answer.json]

    await until(kept, what="the app answers with its record")
    generated = await alice.generate("after the fall of Postgres: title", app_name="after-postgres")
    assert "deployed" == (await alice.deploy(generated))["status"]
    assert mortal.process is not None
    assert mortal.process.returncode is None


async def test_a_postgres_killed_in_the_middle_of_a_build_does_not_cost_the_build(mortal: Nexus, alice: User) -> None:
    for point in ("installing", "trying"):
        slug = f"bereft-{point}"
        with contextlib.suppress(*BROKEN):
            body = {"description": "a list of dogs", "framework": "express", "app_name": slug}
            async for kind, event in alice.stream("POST", "/api/ai/generate/app", body):
                if BUILD_POINTS[point](kind, event.get("fact", {})):
                    os.kill(mortal.pid_of("postgres"), signal.SIGKILL)
                    break

        async def ready(slug: str = slug) -> bool:
            with contextlib.suppress(OSError, Exception):
                return "build.ready" in [f["kind"] for f in await mortal.events(slug)]
            return False

        await until(ready, seconds=90, what="the build is ready")
        assert 1 == [f["kind"] for f in await mortal.events(slug)].count("build.ready")
        await shown_once(alice, slug)
    await nothing_stray(mortal)


async def test_a_postgres_killed_in_the_middle_of_a_deployment_does_not_cost_the_deployment(mortal: Nexus, alice: User) -> None:
    for point in ("migrated", "healthy"):
        slug = f"shaken-{point}"
        generated = await alice.generate("a list of birds", app_name=slug)
        with contextlib.suppress(*BROKEN):
            async for kind, event in alice.stream("POST", "/api/ai/deploy/app", {"build_id": generated["build_id"]}):
                if DEPLOY_POINTS[point](kind, event.get("fact", {})):
                    os.kill(mortal.pid_of("postgres"), signal.SIGKILL)
                    break

        async def live(slug: str = slug) -> bool:
            with contextlib.suppress(Exception):
                return "deployment.live" in [f["kind"] for f in await mortal.events(slug)]
            return False

        await until(live, seconds=90, what="the app is live")

        async def answers(slug: str = slug) -> bool:
            return (await mortal.app(slug, "GET", "/healthz")).status == 200

        await until(answers, what="the app answers")
        assert 1 == [f["kind"] for f in await mortal.events(slug)].count("deployment.live")
        await shown_once(alice, slug)


async def test_a_killed_caddy_comes_back_with_every_route(mortal: Nexus, alice: User, changing: str) -> None:
    pid = mortal.pid_of("caddy")
    os.kill(pid, signal.SIGKILL)

    async def back() -> bool:
        with contextlib.suppress(aiohttp.ClientError, OSError, ValueError, IndexError):
            answers = [await mortal.app(changing, "GET", "/healthz"), await alice.get("/api/v1/apps")]
            return [200, 200] == [answer.status for answer in answers]
        return False

    await until(back, what="Caddy is back")
    assert mortal.pid_of("caddy") != pid


async def test_a_caddy_killed_in_the_middle_of_a_build_and_of_a_deployment_costs_neither(mortal: Nexus, alice: User) -> None:
    with contextlib.suppress(*BROKEN):
        body = {"description": "a list of fish", "framework": "express", "app_name": "edgeless"}
        async for kind, event in alice.stream("POST", "/api/ai/generate/app", body):
            if step("install")(kind, event.get("fact", {})):
                os.kill(mortal.pid_of("caddy"), signal.SIGKILL)
    ready = await mortal.event("edgeless", "build.ready")
    with contextlib.suppress(*BROKEN):
        async for kind, event in alice.stream("POST", "/api/ai/deploy/app", {"build_id": ready["build"]}):
            if step("start")(kind, event.get("fact", {})):
                os.kill(mortal.pid_of("caddy"), signal.SIGKILL)
    await mortal.event("edgeless", "deployment.live")
    assert 200 == (await mortal.app("edgeless", "GET", "/healthz")).status
    await shown_once(alice, "edgeless")


async def test_a_killed_app_is_told_of_started_again_and_told_of_again(mortal: Nexus, alice: User, changing: str) -> None:
    victims = await mortal.processes(changing)
    assert victims
    for process in victims:
        process.kill()
    crashed = await mortal.event(changing, "app.crashed")
    assert "ended by itself" in crashed["reason"]
    await mortal.event(changing, "app.recovered")
    assert ["kept"] == [r["title"] for r in (await mortal.app(changing, "GET", "/api/todos")).ok()]
    assert "live" == (await alice.get(f"/api/v1/apps/{changing}")).ok()["state"]

    async def told() -> bool:
        notices = [str(card) for card in await alice.cards(changing) if card["kind"] == "notice"]
        return any("ended by itself" in notice for notice in notices) and len(notices) >= 2

    await until(told, what="the crash and the recovery are in the thread")


async def test_sigterm_stops_every_app_and_up_brings_them_back_with_their_data(mortal: Nexus, alice: User, changing: str) -> None:
    assert await mortal.processes(changing)
    (await alice.post("/api/v1/apps/edgeless/stop")).ok()
    await mortal.down()
    await mortal.up()
    assert ["kept"] == [r["title"] for r in (await mortal.app(changing, "GET", "/api/todos")).ok()], (
        "it answers when up says ready"
    )
    assert 503 == (await mortal.app("edgeless", "GET", "/")).status, "what was stopped is stopped still"
    (await alice.post("/api/v1/apps/edgeless/start")).ok()
    assert 200 == (await mortal.app("edgeless", "GET", "/healthz")).status


async def test_apps_answer_while_nexus_is_dead_and_the_next_one_takes_them_over(mortal: Nexus, changing: str) -> None:
    before = {process.pid for process in await mortal.processes(changing)}
    await mortal.killed()
    assert ["kept"] == [r["title"] for r in (await mortal.app(changing, "GET", "/api/todos")).ok()]
    assert 502 == (await mortal.request("GET", "/")).status
    await mortal.up()
    assert before == {process.pid for process in await mortal.processes(changing)}, "the same processes"
