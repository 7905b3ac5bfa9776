"""The whole loop by a person in a browser, on the real product: build, read, approve, use, change, roll back, delete."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from tests.support.browser import chromium
from tests.support.nexus import Nexus

SLOW = 90_000  #: ms; a build on a busy machine


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as made:
        yield made


@pytest.fixture
async def context(browser: Browser, warm: Nexus) -> AsyncIterator[BrowserContext]:
    """A browser that is signed in by a link of the command line."""
    made = await browser.new_context(viewport={"width": 1440, "height": 900})
    link = (await warm.run("signin")).ok().strip()
    page = await made.new_page()
    await page.goto(link)
    await expect(page.locator("textarea")).to_be_visible()
    await page.close()
    yield made
    await made.close()


class Room:
    """The thread that the page shows."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda m: self.complaints.append(f"{m.text} {m.location}") if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    async def say(self, text: str) -> None:
        await self.page.locator("textarea").fill(text)
        await self.page.locator("textarea").press("Enter")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    async def approve(self) -> None:
        await expect(self.button("Approve & deploy")).to_have_count(1, timeout=SLOW)
        await self.button("Approve & deploy").click()

    async def live(self, release: str) -> str:
        """Wait until this release is live; its address."""
        await expect(self.page.get_by_text(re.compile(rf"^{release}, live after")).last).to_be_visible(timeout=SLOW)
        link = self.page.get_by_role("link", name="Open", exact=True)
        await expect(link).to_have_count(1)
        return str(await link.get_attribute("href"))


async def test_a_person_builds_reads_approves_uses_changes_rolls_back_and_deletes_an_app(
    context: BrowserContext, warm: Nexus
) -> None:
    room = Room(await context.new_page())
    page = room.page
    await page.goto(warm.url + "/")

    await room.say("/nexus build a todo app with due dates --framework express --name by-hand")
    await expect(room.button("Approve & deploy")).to_be_visible(timeout=SLOW)
    await page.get_by_role("tab", name="Files").click()
    await page.get_by_text("0001_init.sql").first.click()
    await expect(page.get_by_text("CREATE TABLE").first).to_be_visible()
    await page.get_by_role("tab", name="Setup").click()
    await expect(page.get_by_text("Running it by hand").first).to_be_visible()
    await page.get_by_role("tab", name="Deploy").click()
    await expect(page.get_by_text("create, read, update, delete, bad input refused")).to_be_visible()

    await room.approve()
    address = await room.live("v1")
    assert f"http://by-hand.localhost:{warm.port}" == address.rstrip("/")

    app = await context.new_page()
    await app.goto(address)
    await app.get_by_placeholder("Add a todo").fill("water the plants")
    await app.get_by_placeholder("Add a todo").press("Enter")
    await expect(app.get_by_text("water the plants")).to_be_visible()

    await room.say("add a colour field")
    await room.approve()
    await room.live("v2")
    await app.reload()
    await expect(app.get_by_text("water the plants")).to_be_visible()
    (row,) = (await warm.app("by-hand", "GET", "/api/todos")).ok()
    assert row["colour"] is None
    (await warm.app("by-hand", "POST", "/api/todos", {"title": "written after the change", "colour": "red"})).ok(201)

    await room.button("Rollback…").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label(re.compile("Release")).select_option(value="1")
    await dialog.get_by_label("What comes back").select_option(index=1)
    await dialog.get_by_role("button", name=re.compile("Roll back")).click()
    await room.live("v3")
    (row,) = (await warm.app("by-hand", "GET", "/api/todos")).ok()
    assert "water the plants" == row["title"]
    assert "colour" not in row
    await app.reload()
    await expect(app.get_by_text("water the plants")).to_be_visible()
    await expect(app.get_by_text("written after the change")).to_have_count(0)

    await room.say("/nexus delete by-hand")
    await dialog.get_by_role("textbox").fill("by-hand")
    await dialog.get_by_role("button", name=re.compile("Delete")).click()
    await expect(page.get_by_text(re.compile("is deleted"))).to_be_visible(timeout=SLOW)
    assert 404 == (await warm.app("by-hand", "GET", "/")).status
    assert [] == room.complaints


async def test_a_sign_in_link_works_once(browser: Browser, warm: Nexus) -> None:
    link = (await warm.run("signin")).ok().strip()
    first, second = await browser.new_context(), await browser.new_context()
    try:
        page = await first.new_page()
        await page.goto(link)
        await expect(page.locator("textarea")).to_be_visible()
        other = await second.new_page()
        answer = await other.goto(link)
        assert answer is not None
        assert answer.status in {400, 401, 403, 404}
        await expect(other.locator("textarea")).to_have_count(0)
    finally:
        await first.close()
        await second.close()
