"""Every framework runs what the starter writes: installed, built, started without a sandbox, over a real Postgres, driven over HTTP."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings

from adapters.models.starter import python_code
from adapters.models.starter.layouts import LAYOUTS
from core.files import FileTree
from core.frameworks.framework import Framework, Toolchain
from core.frameworks.registry import FRAMEWORKS
from core.frameworks.vite import ViteFramework
from core.words.plan import FieldType, FrameworkName, Plan, Resource, ResourceField
from tests.contract.running_app import RunningApp, built, database, environment, install, migrations, run, started
from tests.support.postgres import ThrowawayPostgres, free_port
from tests.unit.models.starter.test_starter_any_text import TEXTS
from tests.unit.models.starter.writing import changed, written

DESCRIPTIONS = (
    "a todo app with due dates and priorities",
    "track invoices: number, customer, amount, paid",
    "blog with comments",
    "order: order, user, group, class, select, constructor, json, model_config, ctid, one_of, q, limit",
    'gauges: count (integer), ratio (number), price (money), when (datetime), day (date), email, url, is_ok, kind (it\'s, a "b", c)',
    "a CRM with notes",
)

#: whose server is their own; the others have the Express scaffold's, of which these tests need to be told once
with_own_server = pytest.mark.parametrize(
    "framework",
    [pytest.param(FRAMEWORKS[name], id=name) for name in ("fastapi", "express", "nextjs")],
    indirect=True,
    scope="session",
)

#: one app after another; of what takes longer to build one app with many kinds of things is tried, below
quickly_built = pytest.mark.parametrize(
    "framework",
    [pytest.param(FRAMEWORKS[name], id=name) for name in ("fastapi", "express")],
    indirect=True,
    scope="session",
)


def value(one: ResourceField, number: int = 1) -> Any:
    """A value that a field takes."""
    return {
        FieldType.TEXT: f"Text {number} – “ä” <b>'\"",
        FieldType.LONG_TEXT: f"Line {number}\nand another",
        FieldType.INTEGER: 40 + number,
        FieldType.NUMBER: 1.5 + number,
        FieldType.MONEY: 1234.5 + number,
        FieldType.BOOLEAN: True,
        FieldType.DATE: f"2030-02-{number:02}",
        FieldType.DATETIME: f"2030-02-{number:02}T09:30:00Z",
        FieldType.EMAIL: f"user{number}@example.com",
        FieldType.URL: f"https://example.com/{number}",
        FieldType.CHOICE: one.choices[-1] if one.choices else "",
        FieldType.REFERENCE: None,
    }[one.type]


def wrong(one: ResourceField) -> Any:
    """A value that a field refuses."""
    return {
        FieldType.TEXT: ["no"],
        FieldType.LONG_TEXT: {"no": 1},
        FieldType.INTEGER: 1.5,
        FieldType.NUMBER: "many",
        FieldType.MONEY: 1.005,
        FieldType.BOOLEAN: "perhaps",
        FieldType.DATE: "2030-02-30",
        FieldType.DATETIME: "soon",
        FieldType.EMAIL: "nobody",
        FieldType.URL: "javascript:alert(1)",
        FieldType.CHOICE: "none of them",
        FieldType.REFERENCE: 9_999,
    }[one.type]


def same(one: ResourceField, got: Any, sent: Any) -> bool:
    if one.type is FieldType.DATETIME:
        return str(got).replace("+00:00", "Z").replace(".000Z", "Z") == sent
    return bool(got == sent)


async def drive(app: RunningApp, resource: Resource) -> None:
    """Create, read, list, search, change and delete over one resource; every wrong value is refused by name."""
    path = f"/api/{resource.name}"
    targets = {
        one.name: (await app.call("GET", f"/api/{one.references}"))[1][0]["id"] for one in resource.fields if one.references
    }
    sent = {one.name: value(one) for one in resource.fields} | targets
    status, row = await app.call("POST", path, json={**sent, "zzz_unknown": 1, "id": 77})
    assert status == 201, row
    assert isinstance(row["id"], int)
    assert row["id"] != 77
    assert row["created_at"]
    assert row["updated_at"]
    for one in resource.fields:
        assert same(one, row[one.name], sent[one.name]), (one.name, row[one.name])
    one_path = f"{path}/{row['id']}"
    assert (await app.call("GET", one_path)) == (200, row)
    status, second = await app.call("POST", path, json={one.name: value(one, 2) for one in resource.fields} | targets)
    assert status == 201
    status, rows = await app.call("GET", path)
    assert status == 200
    assert [other["id"] for other in rows] == [second["id"], row["id"]]
    assert app.headers.get("X-Total-Count", app.headers.get("x-total-count")) == "2"
    assert len((await app.call("GET", f"{path}?limit=1&offset=1"))[1]) == 1
    for one in resource.fields:
        status, problem = await app.call("PATCH", one_path, json={one.name: wrong(one)})
        assert (status, one.name in problem.get("errors", {})) == (422, True), (one.name, problem, app.log.read_text()[-3000:])
        if one.required:
            for empty in (None, "", "   "):
                status, problem = await app.call("PUT", one_path, json={one.name: empty})
                assert (status, list(problem["errors"])) == (422, [one.name])
    assert (await app.call("GET", one_path)) == (200, row), "a refused change changed something"
    for method in ("PUT", "PATCH"):
        status, after = await app.call(method, one_path, json=sent)
        assert status == 200
        assert {**after, "updated_at": 0} == {**row, "updated_at": 0}
        assert after["updated_at"] > row["updated_at"]
    required = {one.name for one in resource.fields if one.required and one.type is not FieldType.BOOLEAN}
    status, problem = await app.call("POST", path, json={})
    assert (status, set(problem["errors"])) == (422, required)
    assert (await app.call("DELETE", one_path))[0] == 204
    for method in ("GET", "DELETE"):
        status, problem = await app.call(method, one_path)
        assert (status, problem["status"]) == (404, 404)
    assert app.headers["Content-Type"].startswith("application/problem+json")
    assert (await app.call("PATCH", one_path, json=sent))[0] == 404
    # The second row stays: the next resource may refer to it.


@pytest.mark.parametrize("description", DESCRIPTIONS)
@quickly_built
async def test_every_resource_of_a_generated_app_can_be_created_read_changed_and_deleted(
    description: str, framework: Framework, tools: Toolchain, folder: Path, layer: Path, postgres: ThrowawayPostgres
) -> None:
    assert await _driven(description, framework, tools, folder, layer, postgres)


async def test_an_app_with_many_kinds_of_things_keeps_them_in_every_framework(
    framework: Framework, tools: Toolchain, folder: Path, layer: Path, postgres: ThrowawayPostgres
) -> None:
    assert ["orders", "gauges"] == await _driven(". ".join(DESCRIPTIONS[3:5]), framework, tools, folder, layer, postgres)


async def _driven(
    description: str, framework: Framework, tools: Toolchain, folder: Path, layer: Path, postgres: ThrowawayPostgres
) -> list[str]:
    """Its resources, once each was used in every way."""
    plan, tree = await written(description, framework.name)
    url = await database(postgres, migrations(tree))
    async with started(framework, tree, tools, folder, layer, url) as app:
        status, page = await app.call("GET", "/")
        assert status == 200
        assert "<title>" in page
        schema = json.loads(tree[LAYOUTS[framework.name].schema])
        assert [resource["name"] for resource in schema["resources"]] == [resource.name for resource in plan.resources]
        for resource in _parents_first(plan):
            await drive(app, resource)
        assert "Traceback" not in app.log.read_text()
    return [resource.name for resource in plan.resources]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=TEXTS.filter(lambda text: any(character.isalnum() for character in text)))
async def test_the_tables_of_any_description_can_be_made(postgres: ThrowawayPostgres, text: str) -> None:
    plan, tree = await written(text)
    connection = await asyncpg.connect(postgres.admin_dsn)
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(tree["migrations/0001_init.sql"])
        for resource in plan.resources:
            names = ", ".join(f'"{one.name}"' for one in resource.fields)
            assert await connection.fetch(f'SELECT id, created_at, updated_at, {names} FROM "{resource.name}"') == []
        await transaction.rollback()
    finally:
        await connection.close()


def test_fields_may_have_the_name_of_anything_in_python(tools: Toolchain, folder: Path, tmp_path: Path) -> None:
    spec = FRAMEWORKS["fastapi"]
    layer = install(spec, spec.scaffold(), tools, tmp_path / "made")
    listing = "import pydantic, builtins, keyword; print(*dir(pydantic.BaseModel), *dir(builtins), *keyword.kwlist)"
    said = subprocess.run(
        [layer / "bin" / "python", "-W", "ignore", "-c", listing], capture_output=True, text=True, check=True
    ).stdout
    names = sorted({name.lower() for name in said.split() if re.fullmatch("[a-z][a-z0-9_]{0,39}", name.lower())})
    resources = [
        Resource(
            name=f"r{n}s", singular=["date", "line", "record", "none", "true", "number"][n] if n < 6 else f"r{n}", fields=fields
        )
        for n, fields in enumerate(
            [ResourceField(name=name, type=list(FieldType)[k % 10], required=k % 2 == 0) for k, name in enumerate(chunk)]
            for chunk in (names[start : start + 30] for start in range(0, len(names), 30))
        )
    ]
    assert len(names) > 150
    tree = spec.scaffold().with_files(python_code.files(resources))
    tree.write_to(tmp_path / "app")
    (tmp_path / "app" / ".venv").symlink_to(layer)
    (recipe,) = spec.build(tree, tools)
    assert "Warning" not in run([recipe], tmp_path / "app", folder)


def _parents_first(plan: Plan) -> list[Resource]:
    return sorted(plan.resources, key=lambda resource: any(one.type is FieldType.REFERENCE for one in resource.fields))


@pytest.mark.parametrize("body", ["{bad", "", "null", "[1]", '"text"', "\x00", '{"title": '])
async def test_a_body_that_is_no_json_object_is_a_400(todos: RunningApp, body: str) -> None:
    status, problem = await todos.call("POST", "/api/todos", data=body, headers={"content-type": "application/json"})
    assert (status, problem["status"]) in {(400, 400), (422, 422)}
    assert problem["detail"]


@pytest.mark.parametrize("id", ["0", "99", "-1", "x", "1e3", "%00", "9" * 30, "1;DROP TABLE todos", "²"])
async def test_an_id_that_is_not_there_is_a_404(todos: RunningApp, id: str) -> None:
    for method in ("GET", "DELETE", "PATCH"):
        status, problem = await todos.call(method, f"/api/todos/{id}", **({"json": {"title": "x"}} if method == "PATCH" else {}))
        assert (status, problem["status"]) == (404, 404)


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "offset=-1", "limit=-5", "q=" + "x" * 300])
async def test_parameters_out_of_bounds_are_a_422(todos: RunningApp, query: str) -> None:
    assert (await todos.call("GET", f"/api/todos?{query}"))[0] == 422


async def test_hostile_texts_are_stored_and_found_as_they_are(todos: RunningApp) -> None:
    texts = ["'; DROP TABLE todos; --", "100%", "a_b", "back\\slash", "<script>alert(1)</script>", "$1", "{{7*7}}", "日本語 👍🏽"]
    for title in texts:
        assert (await todos.call("POST", "/api/todos", json={"title": title}))[0] == 201
    for title in texts:
        status, rows = await todos.call("GET", "/api/todos", params={"q": title})
        assert (status, [row["title"] for row in rows]) == (200, [title])
    for title in ("nul\0", "x" * 501, "lone \ud800"):
        body = json.dumps({"title": title})
        status, problem = await todos.call("POST", "/api/todos", data=body, headers={"content-type": "application/json"})
        assert (status, list(problem["errors"])) == (422, ["title"])
    assert (await todos.call("GET", "/api/todos", params={"q": "\0"}))[0] == 200


async def test_a_reference_is_emptied_when_its_target_goes(todos: RunningApp) -> None:
    _, project = await todos.call("POST", "/api/projects", json={"name": "House"})
    _, todo = await todos.call("POST", "/api/todos", json={"title": "Paint", "project": project["id"]})
    status, rows = await todos.call("GET", f"/api/todos?project={project['id']}")
    assert [row["id"] for row in rows] == [todo["id"]]
    assert (await todos.call("DELETE", f"/api/projects/{project['id']}"))[0] == 204
    status, after = await todos.call("GET", f"/api/todos/{todo['id']}")
    assert (status, after["project"]) == (200, None)


async def test_twenty_clients_at_once_are_served(todos: RunningApp) -> None:
    answers = await asyncio.gather(*(todos.call("POST", "/api/todos", json={"title": f"n{n}"}) for n in range(60)))
    assert {status for status, _ in answers} == {201}
    assert len({row["id"] for _, row in answers}) == 60


async def test_the_app_heals_when_its_connections_are_cut(todos: RunningApp, postgres: ThrowawayPostgres) -> None:
    assert (await todos.call("GET", "/api/todos"))[0] == 200
    admin = await asyncpg.connect(postgres.admin_dsn)
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'db\\_%'")
    await admin.close()
    async with asyncio.timeout(5):
        while (await todos.call("GET", "/api/todos"))[0] != 200:
            pass
    assert (await todos.call("GET", "/healthz"))[0] == 200


FAULTY = {
    "fastapi": (
        "app/resources/__init__.py",
        "from fastapi import APIRouter\n\nfrom app.db import database\n\nrouter = APIRouter()\nROUTERS = [router]\n\n\n"
        "@router.get('/file')\nasync def file() -> str:\n    return open('/nonexistent').read()\n\n\n"
        "@router.get('/row')\nasync def row() -> int:\n    return await database.value('SELECT 1')\n",
    ),
    "express": (
        "src/resources/index.js",
        "import fs from 'node:fs/promises';\nimport express from 'express';\nimport { database } from '../db.js';\n\n"
        "const at = (table, get) => ({ table, router: () => express.Router().get('/', async (q, s) => s.json(await get())) });\n"
        "export const resources = [\n  at('file', () => fs.readFile('/nonexistent', 'utf8')),\n"
        "  at('row', async () => (await database.query('SELECT 1 AS one')).rows[0].one),\n];\n",
    ),
    "nextjs": (
        "lib/resources/index.ts",
        "import fs from 'node:fs/promises';\nimport { crud, type Resource } from '../crud';\nimport { query } from '../db';\n\n"
        "const at = (table: string, get: () => Promise<unknown>): Resource =>\n"
        "  ({ ...crud({ table, one: table, fields: {} }), list: async () => Response.json(await get()) });\n"
        "export const resources = [\n  at('file', () => fs.readFile('/nonexistent', 'utf8')),\n"
        "  at('row', async () => (await query('SELECT 1 AS one')).rows[0]?.one),\n];\n",
    ),
}


@with_own_server
async def test_only_a_database_that_does_not_answer_is_blamed(
    framework: Framework, tools: Toolchain, folder: Path, layer: Path, postgres: ThrowawayPostgres
) -> None:
    """A file that is not there, and a database whose socket is not there, are the same error of the system."""
    way = folder / f"{framework.name}-way"
    way.symlink_to(postgres.socket_dir)
    url = (await database(postgres, {})).replace(str(postgres.socket_dir), str(way))
    path, code = FAULTY[framework.name]
    tree = framework.scaffold().with_files({path: code})
    async with started(framework, tree, tools, folder, layer, url) as app:
        assert (await app.call("GET", "/api/row")) == (200, 1)
        status, problem = await app.call("GET", "/api/file")
        assert (status, problem["status"], "database" in str(problem)) == (500, 500, False)
        async with asyncio.timeout(5):
            while "/nonexistent" not in app.log.read_text():  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.01)
        admin = await asyncpg.connect(postgres.admin_dsn)
        for _ in range(10):  # the end of a connection is seen at one of many moments
            way.unlink()
            await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'db\\_%'")
            async with asyncio.timeout(5):
                while (answer := await app.call("GET", "/api/row"))[0] == 200:
                    pass
            assert answer[0] == 503
            assert "The database does not answer" in answer[1]["detail"]
            way.symlink_to(postgres.socket_dir)
            assert (await app.call("GET", "/api/row")) == (200, 1)
        await admin.close()


@with_own_server
async def test_health_is_bad_while_the_database_is_gone_and_the_app_stays_up(
    framework: Framework, tools: Toolchain, folder: Path, layer: Path
) -> None:
    tree = framework.scaffold()
    built(framework, tree, tools, folder, layer)
    gone = "postgresql://nobody:nothing@/none?host=/nonexistent"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3), started(framework, tree, tools, folder, layer, gone):
            pytest.fail("it must not become healthy")


async def test_a_change_of_the_starter_runs_on_the_data_that_are_there(
    framework: Framework, tools: Toolchain, folder: Path, layer: Path, postgres: ThrowawayPostgres
) -> None:
    plan, tree = await written("a todo app with due dates", framework.name)
    url = await database(postgres, migrations(tree))
    async with started(framework, tree, tools, folder, layer, url) as app:
        assert (await app.call("POST", "/api/todos", json={"title": "Stays", "notes": "kept"}))[0] == 201
    for request in (
        "add a priority field and add a required owner email",
        "also track projects with name and deadline",
        "add a project to todos",
        "rename title to headline",
        "hide the notes field",
        "add 'urgent' to priority",
        "add comments",
        "make the header green",
    ):
        plan, after = await changed(plan, tree, request)
        new = {path: sql for path, sql in migrations(after).items() if path not in tree}
        await database(postgres, new, before=url)
        tree = after
    async with started(framework, tree, tools, folder, layer, url) as app:
        _, rows = await app.call("GET", "/api/todos")
        assert [(row["headline"], row["priority"], row["owner_email"], row["project"]) for row in rows] == [
            ("Stays", None, None, None)
        ]
        assert "notes" not in rows[0]
        status, row = await app.call("PATCH", f"/api/todos/{rows[0]['id']}", json={"priority": "urgent", "done": True})
        assert (status, row["priority"], row["done"]) == (200, "urgent", True)
        status, problem = await app.call("POST", "/api/todos", json={"headline": "New"})
        assert (status, list(problem["errors"])) == (422, ["owner_email"])
        assert (await app.call("POST", "/api/comments", json={"body": "Hm", "todo": rows[0]["id"]}))[0] == 201


async def test_the_scaffold_alone_builds_starts_and_serves_its_page(
    framework: Framework, tools: Toolchain, folder: Path, layer: Path, postgres: ThrowawayPostgres
) -> None:
    tree = framework.scaffold()
    url = await database(postgres, migrations(tree))
    async with started(framework, tree, tools, folder, layer, url) as app:
        status, html = await app.call("GET", "/")
        assert (status, "text/html" in app.headers["Content-Type"]) == (200, True)
        assert "no-cache" in app.headers["Cache-Control"] or "no-store" in app.headers["Cache-Control"]
        loaded = {path.lstrip("/") for path in re.findall(r'<(?:script|link)[^>]*(?:src|href)="([^"]+)"', html)}
        kinds = set()
        for path in loaded:
            assert (await app.call("GET", f"/{path}"))[0] == 200, path
            kinds.add(app.headers["Content-Type"].split(";")[0].rsplit("/", 1)[1])
            forever = "immutable" in app.headers["Cache-Control"]
            assert forever == bool(re.search(r"[-/~.][\w-]{8,}\.(js|css)$", path)), path
        assert {"javascript", "css", "svg+xml"} <= kinds
        for path in ("/api/nothing", "/../package.json", "/package.json", "/.env.example", "/server.js", "/nothing.js"):
            assert (await app.call("GET", path))[0] == 404, path


@pytest.mark.parametrize(
    "framework",
    [pytest.param(found, id=name) for name, found in FRAMEWORKS.items() if isinstance(found, ViteFramework)],
    indirect=True,
    scope="session",
)
async def test_an_address_that_is_no_file_shows_the_page_and_an_unknown_one_of_the_api_does_not(todos: RunningApp) -> None:
    page = await todos.call("GET", "/")
    for path in ("/reports", "/reports/2030?by=month", "/apiary"):
        assert await todos.call("GET", path) == page
        assert "default-src 'self'" in todos.headers["Content-Security-Policy"]
        assert todos.headers["Cache-Control"] == "no-cache"
    for method, path in (("GET", "/api/reports"), ("GET", "/api"), ("POST", "/reports"), ("GET", "/assets/none.js")):
        status, problem = await todos.call(method, path)
        assert (status, problem["status"]) == (404, 404), path
    status, _ = await todos.call("GET", "/reports", headers={"accept": "application/json"})
    assert status == 404


async def test_the_socket_may_be_connected_to_by_the_proxy_and_is_gone_after_the_end(
    framework: Framework, tools: Toolchain, folder: Path, layer: Path, postgres: ThrowawayPostgres
) -> None:
    url = await database(postgres, {})
    async with started(framework, framework.scaffold(), tools, folder, layer, url) as app:
        assert app.socket.stat().st_mode & 0o777 == 0o666
    assert not app.socket.exists()
    assert app.process.returncode in (0, -signal.SIGTERM)


async def test_without_a_socket_the_app_listens_on_its_port(
    framework: Framework, tools: Toolchain, folder: Path, layer: Path, postgres: ThrowawayPostgres, tmp_path: Path
) -> None:
    tree = framework.scaffold()
    artifact = built(framework, tree, tools, folder, layer)
    port = free_port()
    command = framework.start(tree, tools)
    env = environment(
        tmp_path, {**command.env, "DATABASE_URL": await database(postgres, {}), "HOST": "127.0.0.1", "PORT": str(port)}
    )
    process = await asyncio.create_subprocess_exec(*command.argv, cwd=artifact, env=env, stdout=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(20), aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{port}/healthz") as response:
                        assert response.status == 200
                        break
                except aiohttp.ClientConnectorError:
                    await asyncio.sleep(0.02)
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 8)


async def test_a_stale_socket_file_is_replaced(
    framework: Framework,
    tools: Toolchain,
    folder: Path,
    layer: Path,
    postgres: ThrowawayPostgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stale = folder / f"{framework.name}.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(stale))
    url = await database(postgres, {})
    async with started(framework, framework.scaffold(), tools, folder, layer, url, socket=stale) as app:
        assert (await app.call("GET", "/healthz"))[0] == 200


BROKEN = {
    "fastapi": ("app/resources/broken.py", "def broken(:\n", "broken.py"),
    "express": ("src/broken.js", "export const x = ;\n", "src/broken.js:1"),
    "react": ("src/broken.tsx", "export const x = ;\n", "src/broken.tsx"),
    "vue": ("src/App.vue", "<template>\n  <p>{{ title</p>\n</template>\n", "src/App.vue:2"),
    "nextjs": ("lib/broken.ts", "export const x = ;\n", "lib/broken.ts"),
}


async def test_a_syntax_error_fails_the_build_and_names_the_file(
    framework: Framework, tools: Toolchain, folder: Path, layer: Path, tmp_path: Path
) -> None:
    path, content, said = BROKEN[framework.name]
    tree = framework.scaffold().with_files({path: content})
    tree.write_to(tmp_path)
    (tmp_path / framework.layer_folder).symlink_to(layer)
    with pytest.raises(AssertionError, match=said):
        run(framework.build(tree, tools), tmp_path, folder)


TYPED = {
    "react": ("src/App.tsx", "export function App() {\n  const total: number = 'none';\n  return <p>{total}</p>;\n}\n"),
    "vue": (
        "src/App.vue",
        '<script setup lang="ts">\nconst total: number = "none";\n</script>\n<template>{{ total }}</template>\n',
    ),
}


@pytest.mark.parametrize("name", list(TYPED))
async def test_a_wrong_type_fails_the_build_and_is_told_with_its_place(
    name: FrameworkName, tools: Toolchain, folder: Path, tmp_path: Path
) -> None:
    spec = FRAMEWORKS[name]
    path, content = TYPED[name]
    tree = spec.scaffold().with_files({path: content})
    layer = install(spec, tree, tools, tmp_path / "made")
    tree.write_to(tmp_path / "app")
    (tmp_path / "app" / "node_modules").symlink_to(layer)
    with pytest.raises(AssertionError, match=rf"{re.escape(path)}.*not assignable to type 'number'"):
        run(spec.build(tree, tools), tmp_path / "app", folder)


async def test_an_import_of_what_is_not_installed_fails_the_build(tools: Toolchain, folder: Path, tmp_path: Path) -> None:
    spec = FRAMEWORKS["fastapi"]
    tree = spec.scaffold().with_files({"app/main.py": "import not_installed_anywhere\n"})
    layer = install(spec, spec.scaffold(), tools, tmp_path / "made")
    tree.write_to(tmp_path / "app")
    (tmp_path / "app" / ".venv").symlink_to(layer)
    with pytest.raises(AssertionError, match="not_installed_anywhere"):
        run(spec.build(tree, tools), tmp_path / "app", folder)


OWN_NODE_SERVER = FileTree(
    {
        "index.js": "const http = require('node:http');\n"
        "const side = http.createServer((q, s) => s.end('side')).listen(0);\n"
        "http.createServer((q, s) => { s.setHeader('content-type', 'application/json');\n"
        "s.end('{\"database\": true}'); })"
        ".listen(process.env.PORT || 3000, () => console.log('up'));\n",
        "package.json": '{"scripts": {"preinstall": "exit 1"}}',
    }
)
FOREIGN = {
    "fastapi": FileTree(
        {
            "main.py": "from fastapi import FastAPI\n\napi = FastAPI()\n\n\n"
            "@api.get('/healthz')\ndef healthz():\n    return {'database': True}\n"
        }
    ),
    "express": OWN_NODE_SERVER,
    "react": OWN_NODE_SERVER,
    "vue": OWN_NODE_SERVER,
    "nextjs": OWN_NODE_SERVER,
}


async def test_an_app_that_is_not_from_the_scaffold_runs_too(
    framework: Framework, tools: Toolchain, folder: Path, layer: Path
) -> None:
    async with started(framework, FOREIGN[framework.name], tools, folder, layer, "") as app:
        assert (await app.call("GET", "/healthz")) == (200, {"database": True})


async def test_a_dependency_that_an_app_adds_is_installed_without_running_its_scripts(tools: Toolchain, tmp_path: Path) -> None:
    express = FRAMEWORKS["express"]
    layer = install(express, express.with_dependencies(express.scaffold(), {"dayjs": "1.11.23"}), tools, tmp_path / "e")
    assert (layer / "dayjs" / "package.json").is_file()
    fastapi = FRAMEWORKS["fastapi"]
    layer = install(fastapi, fastapi.with_dependencies(fastapi.scaffold(), {"itsdangerous": "2.2.0"}), tools, tmp_path / "f")
    assert next(layer.glob("lib/python*/site-packages/itsdangerous/__init__.py")).is_file()


def test_a_dependency_that_does_not_exist_fails_the_install_and_is_named(tools: Toolchain, tmp_path: Path) -> None:
    for spec in FRAMEWORKS.values():
        tree = spec.with_dependencies(spec.scaffold(), {"nexus-has-no-such-package-zz": "9.9.9"})
        with pytest.raises(AssertionError, match="nexus-has-no-such-package-zz"):
            install(spec, tree, tools, tmp_path / spec.name)
