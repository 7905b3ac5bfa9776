"""The page of every framework, driven in a real browser by one table of steps: written five times, it must be one page to people."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, ConsoleMessage, Error, Page, expect

from adapters.models.starter.layouts import LAYOUTS
from core.frameworks.framework import Framework, Toolchain
from core.frameworks.registry import FRAMEWORKS
from tests.contract.conftest import TODOS
from tests.contract.running_app import RunningApp, database, migrations, started
from tests.support.browser import chromium
from tests.support.postgres import ThrowawayPostgres
from tests.unit.models.starter.writing import written

PASSWORD = "a rather long sentence"
#: what a browser says of an answer that the page expects
EXPECTED = re.compile(r"the server responded with a status of (401|422|429)")


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as made:
        yield made


@contextlib.asynccontextmanager
async def address(app: RunningApp) -> AsyncIterator[str]:
    """A port of the loopback for an app that listens on a unix socket: browsers know no others."""

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65_536):
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(str(app.socket))
        await asyncio.gather(pipe(reader, inner_writer), pipe(inner_reader, writer))

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    async with server:
        yield f"http://localhost:{server.sockets[0].getsockname()[1]}"


@contextlib.asynccontextmanager
async def opened(browser: Browser, app: RunningApp, **options: Any) -> AsyncIterator[Page]:
    """A tab of a browser of its own, nothing in it yet."""
    async with address(app) as url:
        context = await browser.new_context(base_url=url, locale="en-GB", **options)
        context.set_default_timeout(8_000)
        try:
            yield await context.new_page()
        finally:
            await context.close()


@contextlib.asynccontextmanager
async def watched(page: Page) -> AsyncIterator[Page]:
    """The app's page in this tab. At the end it must have complained of nothing."""
    complaints: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def failed(error: Error) -> None:
        complaints.append(str(error))

    page.on("console", said)
    page.on("pageerror", failed)
    try:
        await page.goto("/")
        yield page
    finally:
        page.remove_listener("console", said)
        page.remove_listener("pageerror", failed)
    assert not [text for text in complaints if not EXPECTED.search(text)]


@pytest.fixture(scope="session")
async def tab(browser: Browser, todos: RunningApp) -> AsyncIterator[Page]:
    async with opened(browser, todos) as page:
        yield page


@pytest.fixture
async def page(tab: Page, todos: RunningApp) -> AsyncIterator[Page]:
    """The page over an empty app, as on a first visit."""
    await clear(todos)
    async with watched(tab):
        yield tab
    await tab.unroute_all()
    await tab.evaluate("localStorage.clear()")
    await tab.goto("about:blank")


async def clear(app: RunningApp) -> None:
    for resource in ("todos", "projects"):
        _, rows = await app.call("GET", f"/api/{resource}?limit=500")
        await asyncio.gather(*(app.call("DELETE", f"/api/{resource}/{row['id']}") for row in rows))


def row(page: Page, title: str) -> Any:
    return page.locator("li.row", has=page.get_by_role("button", name=title, exact=True))


async def quick(page: Page, *titles: str) -> None:
    for title in titles:
        await page.get_by_label("Add a todo").fill(title)
        await page.keyboard.press("Enter")
        await expect(row(page, title)).to_be_visible()
        await expect(page.get_by_label("Add a todo")).to_have_value("")


async def press(page: Page, key: str) -> None:
    """A key on the page, while nothing is typed into."""
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press(key)


async def titles(page: Page) -> list[str]:
    return await page.locator(".row-title").all_inner_texts()


# --- the steps ------------------------------------------------------------------------------------------------------------------


async def an_empty_list_says_what_to_do(page: Page) -> None:
    await expect(page.get_by_role("heading", name="Todos and projects")).to_be_visible()
    await expect(page.get_by_role("heading", name="No todos yet")).to_be_visible()
    assert await page.title() == "Todos and projects"


async def a_line_and_enter_add_a_record(page: Page) -> None:
    await quick(page, "Buy milk")
    await expect(page.get_by_text("Todo added")).to_be_visible()
    await expect(page.locator("#summary")).to_have_text("1 todo · 1 open · Cost 0.00 in all")
    await expect(page.get_by_label("Add a todo")).to_be_focused()
    await page.reload()
    await expect(row(page, "Buy milk")).to_be_visible()


async def the_form_takes_every_kind_of_value_and_shows_them_again(page: Page) -> None:
    await page.get_by_role("link", name="Projects").click()
    await page.get_by_label("Add a project").fill("House")
    await page.keyboard.press("Enter")
    await expect(row(page, "House")).to_be_visible()
    await page.get_by_role("link", name="Todos").click()
    late = date.today() - timedelta(days=3)
    await page.get_by_role("button", name="New todo").click()
    sheet = page.get_by_role("dialog", name="New todo")
    await expect(sheet.get_by_label("Title")).to_be_focused()
    for label, value in (
        ("Title", "Paint"),
        ("Due date", late.isoformat()),
        ("Notes", "two\nlines"),
        ("Cost", "12.5"),
        ("Contact email", "ada@example.com"),
        ("Website", "https://www.example.com/"),
    ):
        await sheet.get_by_label(label).fill(value)
    await sheet.get_by_label("Priority").select_option("high")
    await sheet.get_by_label("Project").select_option("House")
    await sheet.get_by_role("button", name="Add todo").click()
    await expect(sheet).to_be_hidden()
    made = row(page, "Paint")
    for text in ("House", "High", "Overdue 3 days", "two\nlines", "Cost", "12.50", "ada@example.com", "example.com"):
        assert text in await made.inner_text()
    await expect(page.locator("#summary")).to_have_text("1 todo · 1 open · 1 overdue · Cost 12.50 in all")
    await made.get_by_role("button", name="Paint").click()
    sheet = page.get_by_role("dialog", name="Edit todo")
    assert [await sheet.get_by_label(label).input_value() for label in ("Due date", "Cost", "Priority", "Notes")] == [
        late.isoformat(),
        "12.5",
        "high",
        "two\nlines",
    ]


async def a_record_is_edited(page: Page) -> None:
    await quick(page, "Bread")
    await row(page, "Bread").get_by_role("button").click()
    sheet = page.get_by_role("dialog", name="Edit todo")
    await sheet.get_by_label("Title").fill("Rye bread")
    await page.keyboard.press("Control+Enter")
    await expect(sheet).to_be_hidden()
    await expect(page.get_by_text("Saved")).to_be_visible()
    await expect(row(page, "Rye bread").get_by_role("button")).to_be_focused()
    await expect(row(page, "Bread")).to_have_count(0)


async def a_tick_is_kept_and_can_be_taken_back(page: Page) -> None:
    await quick(page, "Buy milk")
    tick = page.get_by_label("Done: Buy milk")
    await tick.check()
    await expect(row(page, "Buy milk")).to_have_class(re.compile(r"\bfinished ended\b"))
    await expect(page.locator("#summary")).to_contain_text("0 open")
    await page.reload()
    await expect(tick).to_be_checked()
    async with page.expect_response(lambda response: response.request.method == "PATCH"):
        await tick.uncheck()
    await page.reload()
    await expect(tick).not_to_be_checked()


async def searching_narrows_the_list(page: Page) -> None:
    await quick(page, "Buy milk", "Sell car")
    await press(page, "/")
    search = page.get_by_role("searchbox", name="Search todos")
    await expect(search).to_be_focused()
    await search.fill("milk")
    await expect(row(page, "Sell car")).to_have_count(0)
    assert await titles(page) == ["Buy milk"]
    await search.fill("nothing like it")
    await expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    await search.fill("")
    await expect(row(page, "Sell car")).to_be_visible()


async def filters_keep_what_is_open_done_or_of_one_kind(page: Page) -> None:
    await quick(page, "Buy milk", "Sell car")
    async with page.expect_response(lambda response: response.request.method == "PATCH"):
        await page.get_by_label("Done: Sell car").check()
    filters = page.get_by_role("group", name="Filter")
    assert await filters.get_by_role("button").all_inner_texts() == ["All", "Open", "Done", "Low", "Medium", "High"]
    for pressed, left in (("Open", ["Buy milk"]), ("Done", ["Sell car"]), ("High", []), ("All", ["Sell car", "Buy milk"])):
        await filters.get_by_role("button", name=pressed).click()
        await expect(filters.get_by_role("button", name=pressed)).to_have_attribute("aria-pressed", "true")
        await expect(page.locator(".row-title")).to_have_text(left)


async def the_list_is_sorted_by_a_field(page: Page) -> None:
    await quick(page, "b", "c", "a")
    assert await titles(page) == ["a", "c", "b"]
    await page.get_by_label("Sort by").select_option("Title")
    await expect(page.locator(".row-title")).to_have_text(["a", "b", "c"])


async def deleting_asks_once_more(page: Page) -> None:
    await quick(page, "Buy milk", "Sell car")
    await row(page, "Buy milk").get_by_role("button").click()
    sheet = page.get_by_role("dialog", name="Edit todo")
    await sheet.get_by_role("button", name="Delete").click()
    await sheet.get_by_role("button", name="Delete for good?").click()
    await expect(sheet).to_be_hidden()
    await expect(page.locator(".row-title")).to_have_text(["Sell car"])
    await expect(page.get_by_text("Todo deleted")).to_be_visible()


async def bad_input_is_told_at_each_field(page: Page) -> None:
    await expect(page.get_by_role("button", name="New todo")).to_be_visible()
    await press(page, "n")
    sheet = page.get_by_role("dialog", name="New todo")
    await sheet.get_by_role("button", name="Add todo").click()
    await expect(page.locator("#error-title")).to_have_text("Title is needed.")
    await expect(sheet.get_by_label("Title")).to_be_focused()
    await sheet.get_by_label("Title").fill("Paint")
    await sheet.get_by_label("Contact email").fill("nobody")
    await sheet.get_by_label("Website").fill("no address")
    await sheet.get_by_label("Cost").fill("1.005")
    await sheet.get_by_role("button", name="Add todo").click()
    await expect(page.locator("#error-contact_email")).to_have_text("Give an address like name@example.com.")
    await expect(page.locator("#error-website")).to_have_text("Give an address like https://example.com.")
    await expect(page.locator("#error-cost")).to_have_text("Give at most two decimals.")
    await expect(page.locator("#error-title")).to_be_empty()
    for label, wrong in (("Title", False), ("Contact email", True), ("Website", True), ("Cost", True)):
        assert (await sheet.get_by_label(label).get_attribute("aria-invalid") == "true") is wrong, label
    assert await sheet.get_by_label("Title").input_value() == "Paint"
    await page.keyboard.press("Escape")
    await expect(sheet).to_be_hidden()
    assert await titles(page) == []


async def what_others_point_to_leads_to_them(page: Page) -> None:
    await page.get_by_role("link", name="Projects").click()
    await page.get_by_label("Add a project").fill("House")
    await page.keyboard.press("Enter")
    await row(page, "House").get_by_role("button").click()
    await page.get_by_role("dialog").get_by_role("button", name="Todos (0)").click()
    filtered = page.get_by_role("button", name="Remove the filter Project: House")
    await expect(filtered).to_be_visible()
    await quick(page, "Paint")
    await expect(row(page, "Paint").get_by_text("House", exact=True)).to_be_visible()
    await filtered.click()
    await expect(filtered).to_have_count(0)
    await page.go_back()
    await expect(row(page, "House")).to_be_visible()


async def light_and_dark_are_switched_and_remembered(page: Page) -> None:
    def colour() -> Awaitable[str]:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    await expect(page.locator("#list")).to_be_visible()
    light = await colour()
    await page.get_by_label("Switch between light and dark").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    dark = await colour()
    assert light != dark
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert await colour() == dark


async def a_server_that_does_not_answer_is_told_and_can_be_asked_again(page: Page) -> None:
    await quick(page, "Buy milk")
    await page.route("**/api/todos?*", lambda route: route.fulfill(status=422, json={"detail": "The database has gone."}))
    await page.reload()
    alert = page.get_by_role("alert").filter(has_text="That did not load")
    await expect(alert).to_contain_text("The database has gone.")
    await page.unroute("**/api/todos?*")
    await alert.get_by_role("button", name="Try again").click()
    await expect(row(page, "Buy milk")).to_be_visible()


async def a_change_that_is_refused_is_taken_back(page: Page) -> None:
    await quick(page, "Buy milk")
    await page.route("**/api/todos/*", lambda route: route.fulfill(status=422, json={"detail": "Not today."}))
    tick = page.get_by_label("Done: Buy milk")
    await tick.click()
    await expect(page.get_by_text("Not today.")).to_be_visible()
    await expect(tick).not_to_be_checked()


async def text_is_shown_as_text(page: Page) -> None:
    await quick(page, "<img src=x onerror=alert(1)>", "{{7*7}}")
    assert await page.locator("img").count() == 0


STEPS: tuple[Callable[[Page], Awaitable[None]], ...] = (
    an_empty_list_says_what_to_do,
    a_line_and_enter_add_a_record,
    the_form_takes_every_kind_of_value_and_shows_them_again,
    a_record_is_edited,
    a_tick_is_kept_and_can_be_taken_back,
    searching_narrows_the_list,
    filters_keep_what_is_open_done_or_of_one_kind,
    the_list_is_sorted_by_a_field,
    deleting_asks_once_more,
    bad_input_is_told_at_each_field,
    what_others_point_to_leads_to_them,
    light_and_dark_are_switched_and_remembered,
    a_server_that_does_not_answer_is_told_and_can_be_asked_again,
    a_change_that_is_refused_is_taken_back,
    text_is_shown_as_text,
)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
async def test_on_the_page(step: Callable[[Page], Awaitable[None]], page: Page) -> None:
    await step(page)


async def test_on_a_phone_nothing_is_wider_than_the_screen(browser: Browser, todos: RunningApp) -> None:
    await clear(todos)
    await todos.call("POST", "/api/todos", json={"title": "a" * 120, "cost": 1234567.5, "website": f"https://{'x' * 90}.example"})
    phone: Any = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}
    async with opened(browser, todos, **phone) as page, watched(page):
        await expect(row(page, "a" * 120)).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        await row(page, "a" * 120).get_by_role("button").click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        assert await page.evaluate("document.querySelector('dialog .sheet-body').scrollWidth") <= 360
        await page.keyboard.press("Escape")


@pytest.fixture(scope="session")
async def guarded(
    framework: Framework, tools: Toolchain, folder: Path, layer: Path, postgres: ThrowawayPostgres
) -> AsyncIterator[RunningApp]:
    """The same app with accounts."""
    _, plain = await written(TODOS, framework.name)
    layout = LAYOUTS[framework.name]
    scaffold = framework.scaffold()
    schema = json.dumps({**json.loads(plain[layout.schema]), "authentication": True})
    own = {path: text for path, text in plain.items() if scaffold.get(path) != text and path != ".env.example"}
    tree = framework.scaffold(("authentication",)).with_files({**own, layout.schema: schema})
    url = await database(postgres, migrations(tree))
    async with started(framework, tree, tools, folder, layer, url) as app:
        yield app


@pytest.mark.parametrize(
    "framework",
    [pytest.param(found, id=name) for name, found in FRAMEWORKS.items() if "authentication" in found.features],
    indirect=True,
    scope="session",
)
async def test_whoever_has_no_session_or_one_that_ended_gets_the_sign_in_view(browser: Browser, guarded: RunningApp) -> None:
    async with opened(browser, guarded) as page, watched(page):
        view = page.get_by_role("dialog", name="Welcome to Todos and projects")
        await expect(view).to_be_visible()
        await page.keyboard.press("Escape")
        await view.get_by_role("button", name="Create account").click()
        await expect(view.get_by_text("Name is needed.")).to_be_visible()
        await view.get_by_label("Name").fill("Ada Lovelace")
        await view.get_by_label("Email").fill("ada@example.com")
        await view.get_by_label("Password", exact=True).fill("short")
        await view.get_by_role("button", name="Create account").click()
        await expect(view.get_by_text("Use at least 10 characters.")).to_be_visible()
        await view.get_by_label("Password", exact=True).fill(PASSWORD)
        await view.get_by_role("button", name="Show the password").click()
        await expect(view.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
        await view.get_by_role("button", name="Create account").click()
        await expect(page.locator("#who")).to_contain_text("Ada Lovelace")
        await quick(page, "Buy milk")
        await page.reload()
        await expect(row(page, "Buy milk")).to_be_visible()

        await page.get_by_role("button", name="Sign out").click()
        view = page.get_by_role("dialog", name="Sign in to Todos and projects")
        await view.get_by_label("Email").fill("ada@example.com")
        await view.get_by_label("Password", exact=True).fill("not that one at all")
        await view.get_by_role("button", name="Sign in").click()
        await expect(view.get_by_role("alert")).to_have_text("The address or the password is wrong.")
        await expect(page.get_by_text("Buy milk")).to_have_count(0)
        await view.get_by_label("Password", exact=True).fill(PASSWORD)
        await view.get_by_role("button", name="Sign in").click()
        await expect(row(page, "Buy milk")).to_be_visible()

        await page.context.clear_cookies()
        await page.get_by_label("Add a todo").fill("Sell car")
        await page.keyboard.press("Enter")
        view = page.get_by_role("dialog", name="Sign in again")
        await expect(view.get_by_label("Email")).to_have_value("ada@example.com")
        await expect(view.get_by_label("Password", exact=True)).to_be_focused()
        await view.get_by_label("Password", exact=True).fill(PASSWORD)
        await view.get_by_role("button", name="Sign in").click()
        await expect(view).to_be_hidden()
        await expect(row(page, "Sell car")).to_be_visible()
