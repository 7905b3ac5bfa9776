"""The page in a real browser, over an engine that plays a script: live, by keyboard, on a phone, in the dark, and under attack."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from core.ids import ThreadId
from core.words import cards as c
from core.words.inbound import Action, Command, FormSubmit, Reply
from core.words.plan import FRAMEWORK_NAMES
from core.words.views import AppState
from tests.support import fake_cards
from tests.support.browser import chromium
from tests.support.fake_engine import FakeSite, furnish, make_site

TODO, SHELF, PARTY = ThreadId("thr_todo"), ThreadId("thr_shelf"), ThreadId("thr_party")


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all."""
    async with chromium() as made:
        yield made


@pytest.fixture
async def site() -> AsyncIterator[FakeSite]:
    """A furnished site on a free port."""
    made = make_site()
    await furnish(made.engine)
    await made.start()
    yield made
    await made.stop()


class Visit:
    """A signed-in browser window. Whatever the console says against the page is a failure."""

    def __init__(self, site: FakeSite, context: BrowserContext, page: Page) -> None:
        self.site = site
        self.context = context
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda m: self.complaints.append(m.text) if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))

    async def go(self, path: str = "/") -> Page:
        await self.page.goto(self.site.url + path)
        await self.page.wait_for_selector("html[data-ready]")
        return self.page

    async def last_post(self, kind: type[Command] | type[Reply] | type[Action] | type[FormSubmit]) -> object:
        """What the dialogue got last, when it is of this kind."""
        async with asyncio.timeout(5):
            while not self.site.dialogue.seen or not isinstance(self.site.dialogue.seen[-1], kind):
                await self.page.wait_for_timeout(20)
        return self.site.dialogue.seen[-1]


NewVisit = Callable[..., Awaitable[Visit]]


@pytest.fixture
async def visit(site: FakeSite, browser: Browser) -> AsyncIterator[NewVisit]:
    """Open windows: ``await visit(width=375)``."""
    opened: list[Visit] = []

    async def make(*, width: int = 1280, height: int = 800, **options: object) -> Visit:
        context = await browser.new_context(viewport={"width": width, "height": height}, **options)  # type: ignore[arg-type]
        context.set_default_timeout(6_000)
        page = await context.new_page()
        made = Visit(site, context, page)
        opened.append(made)
        await page.goto(await site.link())
        await page.wait_for_selector("html[data-ready]")
        return made

    yield make
    for made in opened:
        await made.context.close()
        assert made.complaints == []


# ── the journey ──


async def test_from_words_to_a_live_card_without_reloading(site: FakeSite, visit: NewVisit) -> None:
    v = await visit()
    page = v.page
    await page.get_by_role("button", name="Todo list").click()
    await expect(page.locator("#box")).to_have_value("A todo app with due dates and priorities")
    await page.get_by_role("radio", name="Express").check()
    await page.evaluate("window.sameDocument = true")
    await page.get_by_role("button", name="Send").click()

    await expect(page).to_have_url(re.compile("/t/thr_"))
    command = site.dialogue.seen[-1]
    assert isinstance(command, Command)
    assert command.text == "build --framework express A todo app with due dates and priorities"
    thread = ThreadId(page.url.rsplit("/", 1)[1])
    card = page.locator(".card")
    await expect(card.locator(".step-running")).to_contain_text("Plan")
    for stage, name in ((1, "Write the files"), (4, "Build"), (5, "Try it out")):
        await site.engine.show(thread, fake_cards.working(stage), key="build")
        await expect(card.locator(".step-running .step-name")).to_have_text(name)
    await expect(page.locator("#live")).to_have_text("Todo app: Building: Try it out")

    await site.engine.show(thread, fake_cards.review(), key="build")
    site.engine.put_thread(thread, "Todo app", AppState.REVIEW, app="todo")
    await expect(card.locator(".status")).to_have_text("Ready for review")
    await expect(page.locator(".top-state")).to_have_text("Needs review")
    await expect(page.locator(".src")).to_contain_text("The todo app: a page, a JSON API")
    await expect(page.locator(".src .k-kn").first).to_have_text("from")

    await page.get_by_role("button", name="Approve & deploy").click()
    action = await v.last_post(Action)
    assert isinstance(action, Action)
    assert (action.action, action.value, action.thread) == ("approve", "apr_1", thread)
    await expect(page.get_by_role("tab", name="Deploy")).to_have_attribute("aria-selected", "true")
    await site.engine.show(thread, fake_cards.live(), key="build")
    site.engine.put_thread(thread, "Todo app", AppState.LIVE, app="todo")
    await expect(page.get_by_role("link", name="todo.localhost:8080")).to_be_visible()
    site.engine.log("INFO: a line of this moment")
    await expect(page.locator(".log-lines")).to_contain_text("a line of this moment")
    assert await page.evaluate("window.sameDocument") is True


async def test_a_card_keeps_what_its_reader_did_when_it_is_edited(site: FakeSite, visit: NewVisit) -> None:
    v = await visit(height=560)
    page = await v.go("/t/thr_todo")
    await page.get_by_role("treeitem", name="app.css").click()
    await expect(page.locator(".source-path")).to_have_text("static/app.css")
    await page.evaluate(
        "for (const n of ['README.md', 'main.py', 'README.md']) document.querySelector(`[data-path='${n}']`).click()"
    )
    await page.get_by_role("treeitem", name="main.py").click()
    await expect(page.locator(".src .ln").nth(40)).to_be_attached()
    await page.get_by_role("treeitem", name="tests", exact=True).click()
    await expect(page.get_by_role("treeitem", name="test_todos.py")).to_be_hidden()
    await page.locator(".source-body").focus()
    await page.evaluate(
        "document.querySelector('.source-body').scrollTop = 300; document.querySelector('#scroll').scrollTop = 20"
    )
    node = await page.query_selector(".src")

    changed = fake_cards.review(note="Until Saturday.")
    await site.engine.show(TODO, changed.model_copy(update={"subtitle": "Edited"}), key="build")
    await expect(page.locator(".subtitle")).to_have_text("Edited")

    assert node
    assert await node.evaluate("(node) => node.isConnected")
    assert await page.evaluate("document.querySelector('.source-body').scrollTop") == 300
    assert await page.evaluate("document.querySelector('#scroll').scrollTop") == 20
    assert await page.evaluate("document.activeElement.className") == "source-body"
    await expect(page.get_by_role("treeitem", name="test_todos.py")).to_be_hidden()
    await expect(page.get_by_role("treeitem", name="main.py")).to_have_attribute("aria-selected", "true")

    await page.get_by_role("tab", name="Setup").click()
    await site.engine.show(TODO, fake_cards.deploying(1), key="build")
    await expect(page.locator(".status")).to_have_text("Deploying")
    await expect(page.get_by_role("tab", name="Setup")).to_have_attribute("aria-selected", "true")
    await expect(page.get_by_text("It runs as it is.")).to_be_visible()


async def test_a_card_that_outgrows_the_window_is_read_from_its_beginning(site: FakeSite, visit: NewVisit) -> None:
    v = await visit(height=560)
    page = await v.go("/t/thr_shelf")
    await site.engine.show(SHELF, fake_cards.review(), key="build")
    await expect(page.locator(".status")).to_have_text("Ready for review")
    await expect(page.locator(".card h2")).to_be_in_viewport()
    await expect(page.get_by_role("button", name="Approve & deploy")).to_be_in_viewport()
    await page.get_by_role("tab", name="Setup").focus()
    await site.engine.post(SHELF, "said:9", author="Bo", text="looks good")
    await expect(page.get_by_role("button", name="Newest")).to_be_visible()
    await expect(page.locator(".card h2")).to_be_in_viewport()
    await page.get_by_role("button", name="Newest").click()
    await expect(page.get_by_text("looks good")).to_be_in_viewport()
    await expect(page.get_by_role("button", name="Newest")).to_be_hidden()


async def test_a_focused_button_that_goes_leaves_focus_in_its_card(site: FakeSite, visit: NewVisit) -> None:
    v = await visit()
    page = await v.go("/t/thr_todo")
    await page.get_by_role("button", name="Approve & deploy").focus()
    await site.engine.show(TODO, fake_cards.live(), key="build")
    await expect(page.locator(".status")).to_have_text("Live")
    assert await page.evaluate("document.activeElement.matches('.card')")


async def test_the_list_follows_and_other_threads_are_marked(site: FakeSite, visit: NewVisit) -> None:
    v = await visit()
    page = await v.go("/t/thr_todo")
    await site.engine.post(SHELF, "said:2", author="Bo", text="and covers")
    row = page.locator('#threads [data-thread="thr_shelf"]')
    await expect(row).to_have_attribute("data-unread", "")
    site.engine.put_thread("thr_new", "A thread of this moment", AppState.BUILDING)
    await expect(page.locator("#threads .thread").first).to_contain_text("A thread of this moment")
    site.engine.put_thread("thr_new", "A thread of this moment", AppState.DELETED)
    await expect(page.locator("#threads")).not_to_contain_text("A thread of this moment")
    await row.click()
    await expect(page.get_by_text("and covers")).to_be_visible()
    await expect(row).not_to_have_attribute("data-unread", "")
    await page.go_back()
    await expect(page.locator(".top-title")).to_have_text("Todo app")


# ── what people do ──


async def test_a_reply_is_a_change_and_a_refusal_is_private_and_leaves_the_words(site: FakeSite, visit: NewVisit) -> None:
    v = await visit()
    page = await v.go("/t/thr_todo")
    box = page.locator("#box")
    await box.fill("Add tags")
    await box.press("Enter")
    reply = await v.last_post(Reply)
    assert isinstance(reply, Reply)
    assert (reply.text, reply.thread) == ("Add tags", "thr_todo")
    await expect(page.locator(".words").last).to_have_text("Add tags")
    await expect(box).to_have_value("")

    await box.fill("/nexus bild a thing")
    await box.press("Enter")
    note = page.locator(".note-error")
    await expect(note).to_contain_text("Only you see this")
    await expect(note).to_contain_text("Did you mean build?")
    await expect(box).to_have_value("/nexus bild a thing")
    await note.get_by_role("button", name="Dismiss").click()
    await expect(note).to_have_count(0)
    await expect(box).to_be_focused()


async def test_a_form_is_a_modal_that_keeps_what_was_typed_when_refused(site: FakeSite, visit: NewVisit) -> None:
    v = await visit()
    page = await v.go("/t/thr_todo")
    await page.get_by_role("button", name="Change…").click()
    dialog = page.get_by_role("dialog")
    words = dialog.get_by_label("What should change")
    await expect(words).to_be_focused()
    await dialog.get_by_role("button", name="Ask for it").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("needs a value")
    assert not any(isinstance(inbound, FormSubmit) for inbound in site.dialogue.seen)
    await words.fill("nothing at all")
    await dialog.get_by_label("Written by").select_option("starter")
    await dialog.get_by_label("Keep the data").uncheck()
    await dialog.get_by_role("button", name="Ask for it").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("That would change nothing")
    await words.fill("sort by date")
    await words.press("Control+Enter")
    await expect(dialog).to_have_count(0)
    await expect(page.locator(".note")).to_contain_text("Asked for")
    form = site.dialogue.seen[-1]
    assert isinstance(form, FormSubmit)
    assert form.values == {"text": "sort by date", "model": "starter", "data": "false"}
    assert len({inbound.key for inbound in site.dialogue.seen}) == len(site.dialogue.seen)


async def test_a_grave_deed_is_asked_about_and_no_is_the_easy_answer(site: FakeSite, visit: NewVisit) -> None:
    v = await visit()
    page = await v.go("/t/thr_todo")
    await page.get_by_role("button", name="Discard").click()
    dialog = page.get_by_role("alertdialog")
    await expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(dialog).to_have_count(0)
    assert site.dialogue.seen == []
    await page.get_by_role("button", name="Discard").click()
    await dialog.get_by_role("button", name="Discard").click()
    action = await v.last_post(Action)
    assert isinstance(action, Action)
    assert action.action == "discard"


async def test_a_private_card_opens_beside_and_is_not_in_the_thread(site: FakeSite, visit: NewVisit) -> None:
    v = await visit()
    page = await v.go("/t/thr_party")
    await page.get_by_role("button", name="Reveal password").click()
    drawer = page.get_by_role("dialog")
    await expect(drawer).to_contain_text("s3cret")
    await expect(drawer).to_contain_text("Only you see this")
    await page.keyboard.press("Escape")
    await expect(drawer).to_have_count(0)
    assert "s3cret" not in await page.content()


async def test_many_presses_are_one_action(site: FakeSite, visit: NewVisit) -> None:
    v = await visit()
    page = await v.go("/t/thr_todo")
    await page.evaluate("for (let n = 0; n < 8; n++) document.querySelector('[data-action=approve]').click()")
    await expect(page.locator(".status")).to_have_text("Deploying")
    assert len(site.dialogue.seen) == 1


async def test_what_is_over_is_folded_and_opens(visit: NewVisit) -> None:
    v = await visit()
    page = await v.go("/t/thr_party")
    old = page.locator(".card").first
    await expect(old.get_by_role("tab", name="Files")).to_be_hidden()
    await old.get_by_role("button", name="Show").click()
    await expect(old.get_by_role("tab", name="Files")).to_be_visible()
    await expect(old.locator(".src")).to_contain_text("The todo app")


# ── by keyboard alone ──


async def test_the_link_to_the_box_leads_there_and_fetches_nothing(visit: NewVisit) -> None:
    page = await (await visit()).go("/t/thr_todo")
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(urlsplit(request.url).path))
    await page.get_by_role("link", name="Skip to the box").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.type("/b")
    await expect(page.locator("#completions")).to_have_attribute("data-for", "/b")
    assert "/chat/complete" in fetched
    assert "/t/thr_todo" not in fetched
    await page.go_back()
    await page.get_by_role("link", name="New app").click()
    await expect(page).to_have_url(re.compile(r"/$"))
    await page.go_back()
    await expect(page.get_by_role("heading", name="Todo app", level=1)).to_be_visible()


async def test_everything_is_done_by_keyboard_alone(site: FakeSite, visit: NewVisit) -> None:
    v = await visit()
    page = await v.go("/t/thr_todo")
    press = page.keyboard.press
    first = "[...document.querySelectorAll('a, button, textarea, input')][0]"
    await page.evaluate(f"{first}.focus()")
    await expect(page.get_by_role("link", name="Skip to the box")).to_be_focused()
    await press("Enter")
    await expect(page.locator("#box")).to_be_focused()

    await page.keyboard.type("/bu")
    offers = page.locator("#completions")
    await expect(offers).to_have_attribute("data-for", "/bu")
    await expect(page.get_by_role("option")).to_have_count(1)
    await press("Tab")
    await expect(page.locator("#box")).to_have_value("/nexus build ")
    await page.keyboard.type("--fr")
    await expect(offers).to_have_attribute("data-for", "/nexus build --fr")
    await expect(page.get_by_role("option", name="--framework")).to_be_visible()
    await press("Tab")
    await expect(page.locator("#box")).to_have_value("/nexus build --framework ")
    await expect(page.get_by_role("option")).to_have_count(len(FRAMEWORK_NAMES))
    await press("Escape")
    await expect(page.get_by_role("option")).to_have_count(0)
    await page.locator("#box").fill("")
    await page.keyboard.type("/nexus logs ")
    await expect(offers).to_have_attribute("data-for", "/nexus logs ")
    await expect(page.get_by_role("option")).to_have_count(5)
    await press("ArrowDown")
    await expect(page.locator("#box")).to_have_attribute("aria-activedescendant", "completion-1")
    await press("ArrowUp")
    await press("Enter")
    await expect(page.locator("#box")).to_have_value(re.compile("/nexus logs [a-z]+"))
    await press("Escape")
    await page.locator("#box").fill("")

    tab = page.get_by_role("tab", name="Files")
    await tab.focus()
    for key, name in (
        ("ArrowRight", "Setup"),
        ("End", "Deploy"),
        ("ArrowRight", "Files"),
        ("ArrowLeft", "Deploy"),
        ("Home", "Files"),
    ):
        await press(key)
        await expect(page.get_by_role("tab", name=name)).to_be_focused()
        await expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")
    await press("Tab")
    await expect(page.get_by_role("treeitem", name="main.py")).to_be_focused()
    await press("Home")
    await expect(page.get_by_role("treeitem", name="migrations")).to_be_focused()
    await press("ArrowLeft")
    await expect(page.get_by_role("treeitem", name="001_todos.sql")).to_be_hidden()
    await press("ArrowRight")
    await press("ArrowRight")
    await expect(page.get_by_role("treeitem", name="001_todos.sql")).to_be_focused()
    await expect(page.locator(".src")).to_contain_text("CREATE TABLE todos")
    await press("ArrowLeft")
    await expect(page.get_by_role("treeitem", name="migrations")).to_be_focused()

    await page.get_by_role("button", name="Approve & deploy").focus()
    await press("Enter")
    action = await v.last_post(Action)
    assert isinstance(action, Action)
    assert action.action == "approve"
    await press("Control+k")
    await expect(page.locator("#box")).to_be_focused()


async def test_focus_is_always_seen(visit: NewVisit) -> None:
    v = await visit()
    page = await v.go("/t/thr_todo")
    await page.evaluate("document.activeElement.blur()")
    unseen = []
    for _ in range(40):
        await page.keyboard.press("Tab")
        shown = await page.evaluate(
            """() => { const e = document.activeElement; if (e === document.body || e.id === 'box') return null;
                const s = getComputedStyle(e); return s.outlineStyle !== 'none'
                  && parseFloat(s.outlineWidth) >= 1.5 ? null : e.outerHTML.slice(0, 90); }"""
        )
        if shown:
            unseen.append(shown)
    assert unseen == []


async def test_every_control_has_a_name_and_every_reference_leads_somewhere(visit: NewVisit) -> None:
    v = await visit()
    for path in ("/", "/t/thr_todo", "/t/thr_party"):
        page = await v.go(path)
        wrong = await page.evaluate(
            """() => [
              ...[...document.querySelectorAll('button, a[href], textarea, input')].filter((e) =>
                !(e.textContent.trim() || e.ariaLabel || e.title || e.labels?.length)).map((e) => e.outerHTML.slice(0, 120)),
              ...[...document.querySelectorAll('[aria-controls], [aria-labelledby]')].filter((e) =>
                !document.getElementById(e.getAttribute('aria-controls') ?? e.getAttribute('aria-labelledby')))
                .map((e) => e.outerHTML.slice(0, 120)),
              ...[...document.querySelectorAll('[id]')].map((e) => e.id).filter((id, at, all) => all.indexOf(id) !== at),
              ...(document.querySelectorAll('h1').length <= 1 ? [] : ['more than one h1']),
            ]"""
        )
        assert wrong == []


# ── small, dark, calm ──


@pytest.mark.parametrize("path", ["/", "/t/thr_todo", "/t/thr_party", "/t/thr_invoices", "/t/none"])
async def test_nothing_is_wider_than_a_phone(visit: NewVisit, path: str) -> None:
    v = await visit(width=375, height=700, has_touch=True, is_mobile=True)
    page = await v.go(path)
    for name in ("Files", "Setup", "Deploy"):
        for tab in await page.get_by_role("tab", name=name).all():
            if await tab.is_visible():
                await tab.click()
        assert await page.evaluate("document.documentElement.scrollWidth <= 375")
        assert await page.evaluate("document.getElementById('scroll').scrollWidth <= 375")
    v.complaints = [said for said in v.complaints if "404" not in said]


async def test_on_a_phone_the_threads_are_in_a_drawer(visit: NewVisit) -> None:
    v = await visit(width=375, height=700)
    page = await v.go("/")
    await expect(page.locator("#threads")).to_be_hidden()
    opener = page.locator("[data-drawer-open]")
    await opener.click()
    await expect(page.locator("#threads")).to_be_visible()
    assert await page.evaluate("document.getElementById('main').inert")
    await page.keyboard.press("Escape")
    await expect(page.locator("#threads")).to_be_hidden()
    await expect(opener).to_be_focused()
    await opener.click()
    await page.get_by_role("link", name="Todo app").click()
    await expect(page.locator("#threads")).to_be_hidden()
    await expect(page.locator(".top-title")).to_have_text("Todo app")


async def test_light_and_dark_follow_the_system_until_somebody_chooses(visit: NewVisit) -> None:
    v = await visit(color_scheme="dark")
    page = await v.go("/")

    async def ground() -> str:
        return str(await page.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert await ground() == "rgb(23, 22, 27)"
    await page.get_by_role("button", name="Light or dark").click()
    assert await ground() == "rgb(252, 251, 249)"
    await page.reload()
    assert await ground() == "rgb(252, 251, 249)"
    await page.wait_for_selector("html[data-ready]")
    await page.get_by_role("button", name="Light or dark").click()
    assert await ground() == "rgb(23, 22, 27)"
    await page.emulate_media(color_scheme="light")
    assert await ground() == "rgb(252, 251, 249)"


async def test_nothing_moves_for_those_who_asked_for_calm(visit: NewVisit) -> None:
    v = await visit(reduced_motion="reduce")
    page = await v.go("/t/thr_shelf")
    durations = await page.evaluate(
        "[...document.querySelectorAll('*')].map((e) => parseFloat(getComputedStyle(e).animationDuration))"
    )
    assert max(durations) <= 0.01


# ── hostile text ──


async def test_hostile_text_is_shown_and_never_runs(site: FakeSite, visit: NewVisit) -> None:
    hostile = (
        '<img src=x onerror="window.owned=1"><script>window.owned=1</script><svg onload=window.owned=1>\u202egnp.exe 👩‍💻 '
        + "z" * 100_000
    )
    card = c.Card(
        kind="build",
        title=hostile[:3_000],
        subtitle=hostile[:500],
        status="<b>status",
        children=[
            c.Text(text=hostile),
            c.Text(text=hostile, style="code"),
            c.Facts(facts=[c.Fact(label="<i>", value="javascript:window.owned=1", style="link")]),
            c.Steps(steps=[c.Step(name=hostile[:200], state=c.StepState.FAILED, detail=hostile)]),
            c.Log(lines=[hostile], live_app="todo"),
            c.Table(columns=["<th>"], rows=[[hostile[:300]]]),
            c.Section(id="files", title="Files", children=[c.Files(build="bld_1", files=fake_cards.entries())]),
            c.Section(id='"><script>', title="<script>", children=[c.Text(text="x")]),
        ],
        actions=[
            c.Button(action="x", value="\"'<>", label=hostile[:80], confirm=c.Confirm(title=hostile[:90], text=hostile[:900])),
            c.Link(label="go", url="javascript:window.owned=1"),
        ],
    )
    v = await visit(width=375, height=700)
    page = await v.go("/t/thr_todo")
    await site.engine.show(TODO, card, key="build")
    await site.engine.post(TODO, "said:x", author=hostile[:300], text=hostile)
    site.engine.put_thread(TODO, hostile[:200], AppState.REVIEW, app="todo")
    site.engine.log(hostile)
    await expect(page.locator(".words").last).to_contain_text("<script>window.owned=1</script>")
    await expect(page.locator(".log-lines")).to_contain_text("<script>")
    await page.locator("[data-action=x]").click()
    await expect(page.get_by_role("alertdialog")).to_contain_text("<script>window.owned=1</script>")
    await page.keyboard.press("Escape")
    assert await page.evaluate("window.owned") is None
    assert await page.evaluate("document.querySelectorAll('#main img, #main script, a[href^=javascript]').length") == 0
    wide = "[...document.querySelectorAll('#messages *')].filter((e) => e.getBoundingClientRect().right > 376"
    wide += " && !e.closest('pre, .table, .by b'))"
    assert await page.evaluate("document.getElementById('main').scrollWidth <= 375")
    assert await page.evaluate(f"{wide}.map((e) => e.className)") == []
    await v.go("/t/thr_todo")  # the same from the first answer
    assert await page.evaluate("window.owned") is None


async def test_the_browser_itself_refuses_markup_and_scripts_from_elsewhere(visit: NewVisit) -> None:
    v = await visit()
    page = await v.go("/")
    refused = await page.evaluate(
        """() => { const tries = [
            () => { document.body.innerHTML = '<b>x</b>'; },
            () => { const s = document.createElement('script'); s.text = 'window.owned = 1'; document.body.append(s); },
            () => trustedTypes.createPolicy('other', { createHTML: (h) => h }),
        ]; return tries.filter((attempt) => { try { attempt(); return false; } catch { return true; } }).length; }"""
    )
    assert refused == 3
    assert await page.evaluate("window.owned") is None
    assert v.complaints  # the browser said so
    v.complaints.clear()


# ── when things go away ──


async def test_it_comes_back_by_itself_and_catches_up(site: FakeSite, visit: NewVisit) -> None:
    v = await visit()
    page = await v.go("/t/thr_shelf")
    await expect(page.locator(".step-running .step-name")).to_have_text("Install dependencies")
    await site.stop()
    await expect(page.locator("#connection")).to_have_text("Reconnecting…")
    await page.locator("#box").fill("Add covers")
    await page.locator("#box").press("Enter")
    await expect(page.locator(".note-error")).to_contain_text("Nexus does not answer")
    await expect(page.locator("#box")).to_have_value("Add covers")
    await site.engine.show(SHELF, fake_cards.working(5), key="build")
    await site.engine.post(SHELF, "said:2", author="Bo", text="said while it was away")
    await site.again()
    await expect(page.locator(".step-running .step-name")).to_have_text("Try it out", timeout=15_000)
    await expect(page.get_by_text("said while it was away")).to_be_visible()
    await expect(page.locator("#connection")).to_have_text("")
    await page.locator("#box").press("Enter")
    await expect(page.locator(".words").last).to_have_text("Add covers")
    assert len([inbound for inbound in site.dialogue.seen if isinstance(inbound, Reply)]) == 1
    v.complaints = [said for said in v.complaints if "net::ERR" not in said]


async def test_whoever_is_signed_out_is_told_how_to_come_back(site: FakeSite, visit: NewVisit) -> None:
    v = await visit()
    page = await v.go("/t/thr_todo")
    site.store.sessions.clear()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("You are signed out")
    await expect(dialog).to_contain_text("./nexus signin")
    other = await v.context.new_page()
    await other.goto(await site.link())
    await dialog.get_by_role("button", name="I have a new link open").click()
    await expect(page.locator(".top-title")).to_have_text("Todo app")
    await expect(dialog).to_have_count(0)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    v.complaints = [said for said in v.complaints if "401" not in said]


async def test_an_unknown_thread_leads_back(visit: NewVisit) -> None:
    v = await visit()
    page = await v.go("/t/thr_none")
    await expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()
    await page.get_by_role("link", name="Build something").click()
    await expect(page.get_by_role("heading", name="What should we build?")).to_be_visible()
    v.complaints = [said for said in v.complaints if "404" not in said]


async def test_a_draft_is_there_again(visit: NewVisit) -> None:
    v = await visit()
    page = await v.go("/t/thr_todo")
    await page.locator("#box").fill("half a thought")
    await page.get_by_role("link", name="Invoice tracker").click()
    await expect(page.locator(".top-title")).to_have_text("Invoice tracker")
    await expect(page.locator("#box")).to_have_value("")
    await page.get_by_role("link", name="Todo app").click()
    await expect(page.locator("#box")).to_have_value("half a thought")


async def test_words_that_were_typed_before_the_script_was_there_stay_and_are_completed(visit: NewVisit) -> None:
    v = await visit()
    loaded = asyncio.Event()

    async def hold(route: Route) -> None:
        await loaded.wait()
        await route.continue_()

    await v.page.route("**/*.js", hold)
    await v.page.goto(v.site.url + "/t/thr_todo", wait_until="commit")
    await v.page.locator("#box").focus()
    await v.page.keyboard.type("/bu")
    loaded.set()
    await expect(v.page.locator("#completions")).to_have_attribute("data-for", "/bu")
    await expect(v.page.locator("#box")).to_have_value("/bu")
