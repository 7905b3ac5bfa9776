"""What a model is told of each framework is true: an app that is written as the guide says passes, runs and shows its further page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from core.frameworks.framework import Framework, Toolchain
from core.generation.validation import validate
from tests.contract.running_app import RunningApp, database, migrations, started
from tests.contract.test_framework_pages import opened
from tests.support.browser import chromium
from tests.support.guided_apps import guided
from tests.support.postgres import ThrowawayPostgres

ACCOUNT = {"name": "Grace", "email": "grace@example.com", "password": "a rather long sentence"}


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as made:
        yield made


@pytest.fixture(scope="session")
async def app(
    framework: Framework, tools: Toolchain, folder: Path, layer: Path, postgres: ThrowawayPostgres
) -> AsyncIterator[RunningApp]:
    plan, tree = guided(framework.name)
    before = framework.scaffold(["authentication"])
    assert () == validate(tree, plan, framework, [path for path in tree if before.get(path) != tree[path]])
    async with started(framework, tree, tools, folder, layer, await database(postgres, migrations(tree))) as running:
        yield running


async def test_an_app_that_is_written_as_the_guide_says_serves_its_resources_and_its_own_routes(
    app: RunningApp, framework: Framework
) -> None:
    assert 401 == (await app.call("GET", "/api/reports"))[0]
    assert 201 == (await app.call("POST", "/api/auth/register", json=ACCOUNT))[0]
    status, project = await app.call("POST", "/api/projects", json={"name": "House"})
    assert 201 == status, app.log.read_text()
    task = {"title": "Paint", "project": project["id"], "status": "open", "due": "2030-01-02"}
    status, row = await app.call("POST", "/api/tasks", json=task)
    assert (201, {**task, "urgent": False}) == (status, {name: row[name] for name in [*task, "urgent"]})
    assert 422 == (await app.call("POST", "/api/tasks", json={**task, "status": "other"}))[0]
    assert [row["id"]] == [one["id"] for one in (await app.call("GET", "/api/tasks?q=pai&status=open&limit=5"))[1]]
    assert (200, [{"who": "Grace", "open": 1}]) == await app.call("GET", "/api/reports")
    refusing = "/api/tasks/next" if framework.name == "fastapi" else "/api/reports/next"
    assert 422 == (await app.call("GET", refusing))[0]


async def test_a_further_page_has_the_look_the_api_and_no_error(app: RunningApp, browser: Browser) -> None:
    async with opened(browser, app) as page:
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        await page.request.post("/api/auth/login", data=ACCOUNT)
        await page.goto("/reports")
        await expect(page.locator("#report")).to_have_text("Grace: 1 of 1")
        assert [] == said
        await page.goto("/")
        await expect(page.locator(".row-title")).to_have_text("Paint")
        hue = "getComputedStyle(document.documentElement).getPropertyValue('--accent-hue').trim()"
        assert "150" == await page.evaluate(hue)
