"""Files that Nexus has not written: verified like any other, and a failure names its reason while what was live goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.nexus import Answer, Nexus, User

DEPLOY, SERVICES = "/api/ai/deploy/app", "/api/v1/hosting/services"
TINY = {
    "server.js": """\
import express from 'express';
const app = express();
app.get('/healthz', (request, response) => response.json({ ok: true }));
app.get('/', (request, response) => response.send('<!doctype html><title>Tiny</title><h1>Tiny</h1>'));
app.listen(process.env.PORT, process.env.HOST, () => console.log('tiny listens'));
"""
}


def tree(generated: Mapping[str, Any], **changed: str) -> list[dict[str, str]]:
    """The files of a generated app, some of them changed; ``migrations__0002_x_sql`` stands for ``migrations/0002_x.sql``."""
    files = {file["path"]: file["content"] for file in generated["files"]}
    for name, content in changed.items():
        stem, _, ending = name.replace("__", "/").rpartition("_")
        files[f"{stem}.{ending}"] = content
    return [{"path": path, "content": content} for path, content in files.items()]


def file(generated: Mapping[str, Any], path: str) -> str:
    return next(str(f["content"]) for f in generated["files"] if f["path"] == path)


@pytest.fixture(scope="module")
async def live(warm: Nexus, alice: User) -> dict[str, Any]:
    """A live app with a row in it, for pushes that fail."""
    generated = await alice.generate("a list of pens: title, price", "express", app_name="own-pens")
    await alice.deploy(generated)
    (await warm.app("own-pens", "POST", "/api/pens", {"title": "forbidden"})).ok(201)
    return {**generated}


async def push(user: User, generated: Mapping[str, Any], **changed: str) -> Answer:
    return await user.post(DEPLOY, {"app_name": generated["app"], "framework": "express", "files": tree(generated, **changed)})


async def still_live(nexus: Nexus, user: User, slug: str) -> None:
    """What was live is live: the same release, answering, with its row, and it is the only instance."""
    assert 1 == (await user.get(f"/api/v1/apps/{slug}")).ok()["release"]
    assert "live" == (await user.get(f"/api/v1/apps/{slug}")).ok()["state"]
    assert ["forbidden"] == [pen["title"] for pen in (await nexus.app(slug, "GET", "/api/pens")).ok()]
    app = (await nexus.sql("SELECT id FROM apps WHERE slug = $1 AND wanted <> 'deleted'", slug))[0]["id"]
    states = [f.read_text() for f in (nexus.folder.root / "instances").glob("*/instance.json")]
    assert 1 == sum(app in state for state in states)


async def test_files_that_nexus_has_not_seen_are_verified_and_deployed(warm: Nexus, alice: User) -> None:
    body = {
        "app_name": "own-tiny",
        "framework": "Express",
        "files": [{"path": path, "content": content} for path, content in TINY.items()],
        "dependencies": {"express": "5.3.0"},
        "requires_database": False,
        "user_id": "alice",
    }
    deployed = (await alice.post(DEPLOY, body)).ok()
    assert "deployed" == deployed["status"]
    assert deployed["database"] is None
    assert {"PLATFORM_API_URL"} == set(deployed["environment"])
    assert "<h1>Tiny</h1>" in (await warm.app("own-tiny", "GET", "/")).text
    evidence = (await warm.event("own-tiny", "build.ready"))["evidence"]
    assert {"install", "build", "start"} <= {step["name"] for step in evidence if step["state"] == "done"}
    assert not await warm.sql("SELECT 1 FROM tenants t JOIN apps a ON a.id = t.app_id WHERE a.slug = 'own-tiny'")

    changed = {**body, "files": [{"path": "server.js", "content": TINY["server.js"].replace("Tiny", "Small")}]}
    assert 2 == (await alice.post(DEPLOY, changed)).ok()["release"]
    assert "<h1>Small</h1>" in (await warm.app("own-tiny", "GET", "/")).text
    assert 2 == (await alice.post(DEPLOY, changed)).ok()["release"], "the same files are not deployed twice"


async def test_files_that_do_not_build_are_refused_with_the_line(warm: Nexus, alice: User, live: dict[str, Any]) -> None:
    problem = (await push(alice, live, server_js="const broken = ;\n")).problem(422, "build-failed")
    assert "SyntaxError" in problem["log_tail"]
    assert "server.js" in problem["detail"] + problem["log_tail"]
    await still_live(warm, alice, live["app"])


async def test_files_that_crash_at_their_start_are_refused_with_their_log(warm: Nexus, alice: User, live: dict[str, Any]) -> None:
    source = "console.log('about to fall');\nthrow new Error('fell over at the start');\n" + file(live, "server.js")
    problem = (await push(alice, live, server_js=source)).problem(422)
    assert "fell over at the start" in problem["log_tail"]
    await still_live(warm, alice, live["app"])


async def test_a_migration_that_does_not_run_is_refused_with_its_reason(warm: Nexus, alice: User, live: dict[str, Any]) -> None:
    problem = (await push(alice, live, migrations__0002_bad_sql="CREATE TABLE pens (id int);")).problem(422)
    assert "0002_bad.sql" in str(problem)
    assert "already exists" in str(problem)
    await still_live(warm, alice, live["app"])


async def test_a_migration_that_only_fails_on_the_real_data_leaves_the_old_release_live(
    warm: Nexus, alice: User, live: dict[str, Any]
) -> None:
    sql = "ALTER TABLE pens ADD COLUMN colour text;\nALTER TABLE pens ADD CONSTRAINT no_such CHECK (title <> 'forbidden');"
    problem = (await push(alice, live, migrations__0002_check_sql=sql)).problem(422)
    assert "migrate" in problem["detail"]
    assert "no_such" in str(problem)
    await still_live(warm, alice, live["app"])
    pens = (await warm.app(live["app"], "GET", "/api/pens")).ok()
    assert "colour" not in pens[0]
    failed = await alice.card(live["app"], "deploy", tone="bad")
    assert "v1" in str(failed), "the card says what is live still"


async def test_an_app_that_needs_a_setting_it_does_not_get_leaves_the_old_release_live(
    warm: Nexus, alice: User, live: dict[str, Any]
) -> None:
    """A setting is applied by a restart that fails safely: this one makes the app fall only once it is set."""
    watching = "if (process.env.FALL) { console.error('falling as told'); process.exit(3); }\n"
    generated = await alice.generate("a list of inks", "express", app_name="own-inks")
    assert 1 == (await push(alice, generated, server_js=watching + file(generated, "server.js"))).ok()["release"]
    refused = (await alice.put("/api/v1/apps/own-inks/settings", {"set": {"FALL": "1"}})).problem(422)
    assert "falling as told" in refused["log_tail"]
    assert 1 == (await alice.get("/api/v1/apps/own-inks")).ok()["release"]
    assert 200 == (await warm.app("own-inks", "GET", "/healthz")).status
    (await alice.post("/api/v1/apps/own-inks/restart")).ok()
    assert 200 == (await warm.app("own-inks", "GET", "/healthz")).status, "a restart takes the settings of the live release"
    (await alice.put("/api/v1/apps/own-inks/settings", {"unset": ["FALL"]})).ok()
    assert 200 == (await warm.app("own-inks", "GET", "/healthz")).status


async def test_a_first_deployment_that_fails_leaves_nothing_running_and_no_address(warm: Nexus, alice: User) -> None:
    """It passes its try-out, where the scratch database has another name, and falls at its real one."""
    generated = await alice.generate("a list of caps", "express", app_name="own-caps")
    source = "if (process.env.SECRET_OF_CAPS) throw new Error('not with that');\n" + file(generated, "server.js")
    (await alice.put("/api/v1/apps/own-caps/settings", {"set": {"SECRET_OF_CAPS": "x1y2z3-secret"}})).ok()
    problem = (await push(alice, generated, server_js=source)).problem(422)
    assert "not with that" in problem["log_tail"]
    assert "x1y2z3-secret" not in str(problem)
    view = (await alice.get("/api/v1/apps/own-caps")).ok()
    assert (None, "failed") == (view["release"], view["state"])
    assert 404 == (await warm.app("own-caps", "GET", "/")).status
    assert not any("own-caps" in p.read_text() for p in (warm.folder.root / "instances").glob("*/instance.json"))


async def test_what_an_app_prints_of_its_secrets_is_masked_in_problems(warm: Nexus, alice: User, live: dict[str, Any]) -> None:
    source = "console.log(process.env.DATABASE_URL); throw new Error(process.env.DATABASE_URL);\n" + file(live, "server.js")
    problem = (await push(alice, live, server_js=source)).problem(422)
    assert "postgresql://" not in problem["log_tail"].replace("postgresql://***", "")
    await still_live(warm, alice, live["app"])


async def test_a_service_is_made_deployed_stopped_started_and_rolled_back(warm: Nexus, alice: User, bob: User) -> None:
    generated = await alice.generate("a list of hats")
    made = (
        await alice.post(
            SERVICES,
            {"name": "own-hats", "files": generated["files"], "framework": "express", "dependencies": generated["dependencies"]},
        )
    ).ok(201)
    assert {"service_id", "name", "state", "domain", "url", "release", "framework"} == set(made)
    assert ("own-hats", "review", None) == (made["name"], made["state"], made["release"])
    base = f"{SERVICES}/{made['service_id']}"
    (await bob.post(base + "/deployments", {})).problem(404)
    first = (await alice.post(base + "/deployments", {})).ok()
    assert ("deployed", 1) == (first["status"], first["release"])
    (await warm.app("own-hats", "POST", "/api/hats", {"name": "top", "title": "top"})).ok(201)
    (await alice.post(base + "/start")).problem(409, "conflict")
    (await alice.post("/api/v1/apps/own-hats/stop")).ok()
    assert 503 == (await warm.app("own-hats", "GET", "/healthz")).status
    assert "stopped" == next(s for s in (await alice.get(SERVICES)).ok()["services"] if s["name"] == "own-hats")["state"]
    assert "deployed" == (await alice.post(base + "/start")).ok()["status"]
    assert 1 == len((await warm.app("own-hats", "GET", "/api/hats")).ok())
    service = {"name": "own-hats", "framework": "express", "files": tree(generated, NOTES_md="second")}
    assert "live" == (await alice.post(SERVICES, service)).ok(201)["state"], "made, tried, and not deployed"
    assert 2 == (await alice.post(base + "/deployments", {})).ok()["release"]
    assert 3 == (await alice.post(base + "/deployments", {"release": 1})).ok()["release"]
    (await alice.post(base + "/deployments", {"release": 9})).problem(404)
    (await alice.post(base + "/deployments", {"build_id": generated["build_id"]})).problem(404)
    (await alice.post(f"{SERVICES}/app_nothing/start")).problem(404)
