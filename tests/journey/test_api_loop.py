"""The loop over the API, as by curl: describe, generate, verify, approve, deploy, use, change, roll back, stop, delete."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.support.nexus import Nexus, User

GENERATED = {
    *("files", "dependencies", "instructions", "requires_database"),
    *("build_id", "app", "framework", "summary", "resources", "evidence", "approval_id", "artifact"),
}


@pytest.fixture(params=["express", "fastapi"])
def app(request: pytest.FixtureRequest, todos: dict[str, Any], books: dict[str, Any]) -> dict[str, Any]:
    """A live app of each framework."""
    return todos if request.param == "express" else books


def fields(app: dict[str, Any]) -> dict[str, object]:
    """A record that its resource takes."""
    return {"title": "Water the plants", **({"author": "A", "pages": 3} if app["resources"] == ["books"] else {})}


async def test_generating_answers_with_the_promised_fields(app: dict[str, Any]) -> None:
    assert set(app) - {"deployed"} == GENERATED
    assert all(set(file) == {"path", "content"} for file in app["files"])
    paths = [file["path"] for file in app["files"]]
    assert {"README.md", ".env.example"} <= set(paths)
    assert any(path.startswith("migrations/") and path.endswith(".sql") for path in paths)
    assert all(isinstance(version, str) and version for version in app["dependencies"].values())
    assert app["framework"] in app["dependencies"]
    assert app["requires_database"] is True
    assert len(app["instructions"]) > 100
    assert app["resources"] in (["todos"], ["books"])
    assert app["artifact"].startswith("sha256:")


async def test_the_evidence_is_of_a_real_try_out(app: dict[str, Any]) -> None:
    seen = {step["name"]: step for step in app["evidence"]}
    assert {"install", "build", "database", "start", "page", app["resources"][0]} <= set(seen)
    assert {"done"} == {step["state"] for step in seen.values()}
    assert "create, read, update, delete, bad input refused" == seen[app["resources"][0]]["detail"]


async def test_deploying_answers_with_the_promised_fields(nexus: Nexus, app: dict[str, Any]) -> None:
    deployed, slug = app["deployed"], app["app"]
    assert {"deployment_id", "status", "app_url", "release", "database", "hosting", "environment"} == set(deployed)
    assert "deployed" == deployed["status"]
    assert f"http://{slug}.localhost:{nexus.port}" == deployed["app_url"]
    assert 1 == deployed["release"]
    assert {"tenant_id", "connection_string", "name", "role"} == set(deployed["database"])
    assert {"service_id", "domain"} == set(deployed["hosting"])
    assert f"{slug}.localhost" == deployed["hosting"]["domain"]
    assert {"DATABASE_URL", "PLATFORM_API_URL"} == set(deployed["environment"])
    assert f"http://localhost:{nexus.port}/api" == deployed["environment"]["PLATFORM_API_URL"]


async def test_the_live_app_keeps_its_records_in_the_database_that_was_named(nexus: Nexus, app: dict[str, Any]) -> None:
    slug, base = app["app"], "/api/" + app["resources"][0]
    made = (await nexus.app(slug, "POST", base, fields(app))).ok(201)
    here = f"{base}/{made['id']}"
    assert "Water the plants" == (await nexus.app(slug, "GET", here)).ok()["title"]
    assert "Read" == (await nexus.app(slug, "PUT", here, {**fields(app), "title": "Read"})).ok()["title"]
    assert made["id"] in [record["id"] for record in (await nexus.app(slug, "GET", base)).ok()]
    database, inside = app["deployed"]["database"], app["deployed"]["environment"]["DATABASE_URL"]
    assert f"{database['role']}:" in inside
    assert f"/{database['name']}" in inside
    connection = await asyncpg.connect(database["connection_string"], timeout=10)
    try:
        query = f"SELECT title FROM {app['resources'][0]} WHERE id = $1"
        assert "Read" == await connection.fetchval(query, made["id"])
    finally:
        await connection.close()
    assert 204 == (await nexus.app(slug, "DELETE", here)).status
    assert 404 == (await nexus.app(slug, "GET", here)).status


async def test_the_live_app_refuses_bad_records_and_serves_a_page(nexus: Nexus, app: dict[str, Any]) -> None:
    slug, base = app["app"], "/api/" + app["resources"][0]
    assert 422 == (await nexus.app(slug, "POST", base, {"title": ""})).status
    assert 400 == (await nexus.request("POST", base, host=f"{slug}.localhost", data=b"{")).status
    page = await nexus.app(slug, "GET", "/")
    assert 200 == page.status
    assert "text/html" in page.headers["Content-Type"]
    assert "<title>" in page.text
    assert 200 == (await nexus.app(slug, "GET", "/healthz")).status


async def test_the_thread_of_an_app_made_over_the_api_shows_what_the_card_promises(
    nexus: Nexus, alice: User, app: dict[str, Any]
) -> None:
    card = await alice.card(app["app"], "deploy", tone="good")
    text = str(card)
    database = app["deployed"]["database"]
    for shown in (app["deployed"]["app_url"], database["name"], database["role"], app["deployed"]["hosting"]["service_id"]):
        assert shown in text
    password = database["connection_string"].split(":")[2].split("@")[0]
    assert password not in str(await alice.messages(app["app"]))
    assert {"section files", "section setup", "section deploy"} <= {
        f"section {child.get('id')}" for child in (await alice.cards(app["app"]))[0]["children"]
    }


async def test_the_answer_of_generate_can_be_sent_back_whole_to_deploy(warm: Nexus, alice: User) -> None:
    generated = await alice.generate("recipes: name, minutes")
    body = {key: generated[key] for key in ("files", "dependencies", "framework", "requires_database")}
    body |= {"app_name": generated["app"], "user_id": "alice"}
    deployed = (await alice.post("/api/ai/deploy/app", body)).ok()
    assert 1 == deployed["release"]
    assert 1 == len([f for f in await warm.events(generated["app"]) if f["kind"] == "build.requested"]), "verified a second time"
    again = (await alice.post("/api/ai/deploy/app", body)).ok()
    assert deployed["deployment_id"] == again["deployment_id"]


async def test_the_short_paths_are_the_same_calls(warm: Nexus, alice: User) -> None:
    generated = (await alice.post("/ai/generate/app", {"description": "a list of plants", "framework": "express"})).ok()
    assert set(generated) == GENERATED
    deployed = (await alice.post("/ai/deploy/app", {"build_id": generated["build_id"], "user_id": "alice"})).ok()
    assert "deployed" == deployed["status"]
    assert 200 == (await warm.app(generated["app"], "GET", "/healthz")).status
    await alice.delete(f"/api/v1/apps/{generated['app']}")


async def test_a_client_that_asks_for_a_stream_sees_every_step_and_then_the_result(warm: Nexus, alice: User) -> None:
    names, steps, result = [], [], None
    async for name, data in alice.stream("POST", "/api/ai/generate/app", {"description": "birds seen", "framework": "express"}):
        names.append(name)
        if name == "build.step" and data["fact"]["step"]["state"] == "done":
            steps.append(data["fact"]["step"]["name"])
        if name == "result":
            result = data
    assert "result" == names[-1]
    assert names.index("build.requested") < names.index("build.planned") < names.index("build.file") < names.index("build.ready")
    assert ["plan", "write"] == steps[:2]
    assert {"install", "build"} <= set(steps)
    assert result is not None
    assert set(result) == GENERATED

    names = []
    async for name, data in alice.stream("POST", "/api/ai/deploy/app", {"build_id": result["build_id"]}):
        names.append(name)
        result = data
    assert "result" == names[-1]
    assert {"deployment.requested", "deployment.step", "deployment.live"} <= set(names)
    assert "deployed" == result["status"]


async def test_a_stream_tells_of_its_own_call_and_not_of_the_past(warm: Nexus, alice: User, todos: dict[str, Any]) -> None:
    kinds = [name async for name, _ in alice.stream("POST", f"/api/v1/apps/{todos['app']}/rollback", {"release": 1})]
    if kinds == ["problem"]:  # v1 is live: what else is to be rolled back to comes with the first setting
        (await alice.put(f"/api/v1/apps/{todos['app']}/settings", {"set": {"A": "b"}})).ok()
        kinds = [name async for name, _ in alice.stream("POST", f"/api/v1/apps/{todos['app']}/rollback", {"release": 1})]
    assert "deployment.requested" == kinds[0]
    assert ["deployment.live", "result"] == kinds[-2:]
    assert 1 == kinds.count("deployment.requested")
    await alice.put(f"/api/v1/apps/{todos['app']}/settings", {"unset": ["A"]})


async def test_a_failure_in_a_stream_ends_with_the_problem_document(warm: Nexus, alice: User) -> None:
    seen = [item async for item in alice.stream("POST", "/api/ai/generate/app", {"description": ""})]
    assert ["problem"] == [name for name, _ in seen]
    assert 400 == seen[0][1]["status"]
    assert "/problems/invalid-input" == seen[0][1]["type"]


async def test_a_repeated_idempotency_key_has_one_effect(warm: Nexus, alice: User, bob: User) -> None:
    body, key = {"description": "wines: name, year", "framework": "express"}, {"Idempotency-Key": "one-wine-app"}
    answers = await asyncio.gather(*(alice.post("/api/ai/generate/app", body, headers=key) for _ in range(4)))
    assert 1 == len({answer.ok()["build_id"] for answer in answers})
    other = (await bob.post("/api/ai/generate/app", body, headers=key)).ok()
    assert other["build_id"] != answers[0].json["build_id"], "somebody else's key is theirs"


async def test_change_keep_the_data_roll_back_with_data_and_delete(warm: Nexus, alice: User) -> None:
    nexus, slug = warm, "journey-todos"
    first = await alice.live(slug)
    await _add(nexus, slug, "before")
    changed = await alice.change(slug, "add a priority field")
    assert "ready" == changed["state"]
    assert 1 == (await alice.get(f"/api/v1/apps/{slug}")).ok()["release"], "nothing is deployed unasked"
    second = (await alice.post("/api/ai/deploy/app", {"build_id": changed["build_id"]})).ok()
    assert 2 == second["release"]
    assert first["database"]["tenant_id"] == second["database"]["tenant_id"]
    assert ["before"] == await _titles(nexus, slug), "the data are still there"
    made = await _add(nexus, slug, "after", priority="high")
    assert "high" == made["priority"]

    releases = (await alice.get(f"/api/v1/apps/{slug}/releases")).ok()["releases"]
    assert [(2, True, True), (1, False, True)] == [(r["release"], r["live"], r["kept"]) for r in releases]
    code = (await alice.post(f"/api/v1/apps/{slug}/rollback", {"release": 1})).ok()
    assert "v3" in code["detail"]
    assert {"before", "after"} == set(await _titles(nexus, slug)), "code alone leaves the data"
    assert "priority" not in (await _add(nexus, slug, "third"))
    whole = (await alice.post(f"/api/v1/apps/{slug}/rollback", {"release": 1, "with_data": True})).ok()
    assert "v4" in whole["detail"]
    assert ["before"] == await _titles(nexus, slug), "the data are as v1 left them"

    stopped = (await alice.post(f"/api/v1/apps/{slug}/stop")).ok()
    assert "stopped" == stopped["status"]
    page = await nexus.app(slug, "GET", "/")
    assert 503 == page.status
    assert "is stopped" in page.text
    (await alice.post(f"/api/v1/apps/{slug}/start")).ok()
    assert ["before"] == await _titles(nexus, slug)
    (await alice.post(f"/api/v1/apps/{slug}/restart")).ok()
    assert ["before"] == await _titles(nexus, slug)

    gone = (await alice.delete(f"/api/v1/apps/{slug}")).ok()
    assert "deleted" == gone["status"]
    assert "snapshot" in gone["detail"]
    assert 404 == (await nexus.app(slug, "GET", "/")).status
    (await alice.get(f"/api/v1/apps/{slug}")).problem(404, "not-found")
    assert not await nexus.sql("SELECT 1 FROM pg_database WHERE datname = $1", first["database"]["name"])
    assert not await nexus.sql("SELECT 1 FROM pg_roles WHERE rolname = $1", first["database"]["role"])
    dumps = [path for path in (nexus.folder.root / "snapshots").iterdir() if path.name in gone["detail"]]
    assert [True] == [path.stat().st_size > 0 for path in dumps]


async def test_settings_reach_the_app_by_a_restart_and_are_never_shown_again(
    warm: Nexus, alice: User, todos: dict[str, Any]
) -> None:
    slug, secret = todos["app"], "s3cret-value-of-the-test"
    before = (await alice.get(f"/api/v1/apps/{slug}")).ok()["release"]
    answer = await alice.put(f"/api/v1/apps/{slug}/settings", {"set": {"GREETING": secret, "OTHER": "1"}})
    assert ["GREETING", "OTHER"] == answer.ok()["names"]
    assert before + 1 == (await alice.get(f"/api/v1/apps/{slug}")).ok()["release"]
    assert secret not in answer.text
    assert ["GREETING"] == (await alice.put(f"/api/v1/apps/{slug}/settings", {"unset": ["OTHER"]})).ok()["names"]
    assert secret not in str(await alice.messages(slug))
    assert secret not in str(await warm.events(slug))
    for table in ("settings_versions", "deployments", "events", "messages"):
        assert not await warm.sql(f"SELECT 1 FROM {table} t WHERE t::text LIKE '%' || $1 || '%'", secret), table
    log = (warm.folder.logs / "nexus.log").read_text()
    assert secret not in log
    (await alice.put(f"/api/v1/apps/{slug}/settings", {"unset": ["GREETING"]})).ok()
    for body in ({"set": {"DATABASE_URL": "x"}}, {"set": {"lower": "x"}}, {"unset": ["NEVER_SET"]}, {"set": {"A": "x\0"}}):
        (await alice.put(f"/api/v1/apps/{slug}/settings", body)).problem(400, "invalid-input")


async def test_logs_are_the_lines_that_the_app_printed(warm: Nexus, alice: User, todos: dict[str, Any]) -> None:
    await warm.app(todos["app"], "GET", "/api/todos?q=find-me-in-the-log")
    lines = (await alice.get(f"/api/v1/apps/{todos['app']}/logs?lines=5")).ok()["lines"]
    assert len(lines) <= 5
    assert any("find-me-in-the-log" in line for line in lines)


async def _add(nexus: Nexus, slug: str, title: str, **more: object) -> dict[str, Any]:
    made: dict[str, Any] = (await nexus.app(slug, "POST", "/api/todos", {"title": title, **more})).ok(201)
    return made


async def _titles(nexus: Nexus, slug: str) -> list[str]:
    return [record["title"] for record in (await nexus.app(slug, "GET", "/api/todos")).ok()]
