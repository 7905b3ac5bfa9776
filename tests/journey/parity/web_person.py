"""Somebody on Nexus's own page, in a real Chromium: what they type, click and read."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Locator, Page, expect

from tests.journey.parity.people import SEEN_SECONDS, Cannot, File, Person, Shown, plain
from tests.support.browser import chromium
from tests.support.nexus import Nexus, until

SEEN = SEEN_SECONDS * 1000  #: ms

#: What is read of an element: all its tabs, one after the other, and what is said of a file when one points at it; no icons. Each version
#: of a card that is drawn is told to the test.
READING = """
window.nexusWords = (node) => {
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  if (node.nodeType !== Node.ELEMENT_NODE || node.matches('svg, script, .vh, .copy, .source')) return '';
  const inner = [...node.childNodes].map(window.nexusWords).join('') + (node.matches('.row-file') ? ` ${node.title}` : '');
  return node.matches('b, i, em, strong, code') ? inner : ` ${inner} `;
};
window.nexusShown = (root) => {
  const pressed = [...root.querySelectorAll('.card-actions .btn, [data-follow], form footer .btn')];
  return {
    words: window.nexusWords(root),
    buttons: pressed.map((one) => window.nexusWords(one).trim()),
    links: Object.fromEntries(pressed.filter((one) => one.href).map((one) => [window.nexusWords(one).trim(), one.href])),
    inputs: [...root.querySelectorAll('.field label')].map((one) => one.firstChild.textContent.trim()),
    id: root.id,
  };
};
const last = new Map();
new MutationObserver(() => {
  for (const row of document.querySelectorAll('#messages > li.msg.shown')) {
    const words = window.nexusWords(row);
    if (last.get(row.id) === words) continue;
    last.set(row.id, words);
    window.nexusDrawn(row.id, words);
  }
}).observe(document, { subtree: true, childList: true, characterData: true });
"""


class WebPerson(Person):
    """The person who runs this Nexus, signed in."""

    platform = "web"
    name = "You"

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.complaints: list[str] = []
        self._drawn: dict[str, list[str]] = {}
        self._threads: list[str] = []
        self._at = "/"  #: where they did what they did last
        page.on("console", lambda m: self.complaints.append(f"{m.text} {m.location}") if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    async def arrive(self, link: str) -> None:
        """Sign in."""
        await self.page.expose_function("nexusDrawn", lambda row, words: self._drawn.setdefault(row, []).append(words))
        await self.page.add_init_script(READING)
        await self.page.goto(link)
        await self._box()

    async def _box(self) -> Locator:
        box = self.page.locator("#box")
        await expect(box).to_be_visible()
        await self.page.wait_for_selector("html[data-ready]")
        return box

    async def _go(self, path: str) -> None:
        """By the list of threads, as people do; nowhere, when it is open already."""
        if await self._path() != path:
            await self._alone()
            await self.page.locator(f'#side a[href="{path}"]').last.click()
            await self.page.wait_for_url(self.url + path)
            await expect(self.page.locator("#main")).to_have_attribute("data-thread", path.removeprefix("/t/").strip("/"))

    async def _path(self) -> str:
        return str(await self.page.evaluate("location.pathname"))

    async def _alone(self) -> None:
        """What was answered before is put away, so that what comes is new."""
        for drawer in await self.page.locator("dialog.drawer").all():
            await drawer.get_by_role("button", name="Close").click()
        if await self.page.locator("#notes .note").count():
            await self.page.locator("#notes").get_by_role("button", name="Dismiss").click()

    # -- what they do --------------------------------------------------------------------------------------------------------

    async def types(self, text: str, *, thread: Any = None, place: str = "") -> None:
        if thread is not None:
            await self._go(thread)
        await self._send(f"/nexus {text}")

    async def leaves(self) -> None:
        await self._go("/")

    async def replies(self, thread: Any, text: str) -> None:
        await self._go(thread)
        await self._send(text)

    async def _send(self, text: str) -> None:
        await self._alone()
        self._at = await self._path()
        box = await self._box()
        await box.fill(text)
        async with self.page.expect_response(lambda answer: answer.url.endswith("/chat/messages")) as answered:
            await box.press("Enter")
        assert (await answered.value).ok

    async def press(self, shown: Shown, label: str, *, yes: bool = True) -> None:
        button = await self._button(shown, label)
        asks = await button.get_attribute("data-confirm") is not None
        await button.click()
        if asks:
            question = self.page.get_by_role("alertdialog")
            await question.locator(".btn-primary" if yes else "[data-close]").click()
            await expect(question).to_have_count(0)

    async def _button(self, shown: Shown, label: str) -> Locator:
        thread, row = shown.handle
        if not row:
            place = self.page.locator("dialog[open]").last
        else:
            await self._alone()
            await self._go(thread)
            self._at = thread
            place = self.page.locator(f"#{row}")
        return place.locator(".btn, [data-follow]").filter(has_text=re.compile(rf"^\s*{re.escape(label)}\s*$"))

    async def submits(self, form: Shown, values: Mapping[str, str]) -> None:
        dialog = await self._filled(form, values)
        await expect(dialog).to_have_count(0)

    async def _filled(self, form: Shown, values: Mapping[str, str]) -> Locator:
        dialog = self.page.locator("dialog.modal[open]")
        for label, value in values.items():
            named = re.compile(rf"^{re.escape(label)}(\s+optional)?$")
            field = dialog.locator(".field").filter(has=self.page.locator("label", has_text=named))
            control = field.locator("input, textarea, select")
            if await control.evaluate("one => one.tagName") == "SELECT":
                await control.select_option(value)
            else:
                await control.fill(value)
        await dialog.locator('[type="submit"]').click()
        return dialog

    async def closes(self, form: Shown) -> None:
        dialog = self.page.locator("dialog.modal[open]")
        await dialog.locator("[data-close]").click()
        await expect(dialog).to_have_count(0)

    async def tab(self, shown: Shown, name: str) -> str:
        """Open a tab of a card; what is in it."""
        thread, row = shown.handle
        await self._go(thread)
        await self.page.locator(f"#{row}").get_by_role("tab", name=name, exact=True).click()
        panel = self.page.locator(f"#{row} [role=tabpanel]:visible")
        return plain(await panel.inner_text())

    # -- what comes of it ----------------------------------------------------------------------------------------------------

    async def answer(self, act: Awaitable[None], *words: str) -> Shown:
        await act
        seen: list[Shown] = []

        async def look() -> list[Shown]:
            if (path := await self._path()) != self._at:
                raise Cannot(f"the page went to {path}")
            seen[:] = await self._read("#notes .note, dialog.drawer[open]")
            return [one for one in seen if one.says(*words)]

        try:
            return (await until(look, seconds=SEEN_SECONDS, what=f"they are told {words}"))[-1]
        except AssertionError as error:
            raise AssertionError("\n---\n".join([str(error), *map(str, seen)])) from None

    async def form(self, act: Awaitable[None], title: str) -> Shown:
        await act
        found = self.page.locator("dialog.modal[open], #notes .note, dialog.drawer[open]")
        await expect(found.first).to_be_visible(timeout=SEEN)
        forms = await self._read("dialog.modal[open]")
        if not forms:
            (other,) = await self._read("#notes .note, dialog.drawer[open]")
            raise Cannot(other.words)
        (form,) = forms
        assert form.words.startswith(title), form
        return form

    async def refused(self, form: Shown, values: Mapping[str, str]) -> str:
        dialog = await self._filled(form, values)
        trouble = dialog.locator(".form-error")
        gone = asyncio.create_task(dialog.wait_for(state="detached", timeout=SEEN))
        told = asyncio.create_task(trouble.wait_for(state="visible", timeout=SEEN))
        await asyncio.wait({gone, told}, return_when=asyncio.FIRST_COMPLETED)
        try:
            if not told.done() or told.exception() is not None:
                raise Cannot("the form is gone")
        finally:
            for task in (gone, told):
                task.cancel()
            await asyncio.gather(gone, told, return_exceptions=True)
        return plain(await trouble.inner_text())

    async def opens(self, act: Awaitable[None]) -> Any:
        before = await self._path()
        await act

        async def look() -> str:
            path = await self._path()
            return path if path.startswith("/t/") and path != before else ""

        self._threads.append(await until(look, seconds=SEEN_SECONDS, what="a thread opens"))
        return self._threads[-1]

    async def gets(self, act: Awaitable[None]) -> File:
        async with self.page.expect_download() as download:
            await act
        got = await download.value
        return File(name=got.suggested_filename, content=Path(await got.path()).read_bytes(), by="browser")

    async def question(self, shown: Shown, label: str) -> str:
        button = await self._button(shown, label)
        if await button.get_attribute("data-confirm") is None:
            raise Cannot("it does not ask")
        await button.click()
        question = self.page.get_by_role("alertdialog")
        asked = plain(await question.inner_text())
        await question.locator("[data-close]").click()
        await expect(question).to_have_count(0)
        return asked

    async def look(self, shown: Shown) -> Shown:
        thread, row = shown.handle
        if row:
            await self._go(thread)
        (now,) = await self._read(f"#{row}" if row else "#notes .note, dialog.drawer[open]")
        return now

    # -- what is there -------------------------------------------------------------------------------------------------------

    async def _read(self, selector: str) -> list[Shown]:
        found = await self.page.evaluate("s => [...document.querySelectorAll(s)].map(window.nexusShown)", selector)
        path = await self._path()
        return [
            Shown(
                words=plain(one["words"]),
                buttons=one["buttons"],
                links=one["links"],
                inputs=one["inputs"],
                handle=(path, one["id"]),
            )
            for one in found
        ]

    async def cards(self, thread: Any) -> list[Shown]:
        await self._go(thread)
        return await self._read("#messages > li.msg.shown")

    async def said(self, thread: Any) -> str:
        await self._go(thread)
        return "\n".join(one.words for one in await self._read("#messages > li.msg.said"))

    async def before(self, shown: Shown) -> str:
        return "\n".join(plain(words) for words in self._drawn.get(shown.handle[1], []))

    async def reads(self, shown: Shown, path: str) -> str:
        await self.tab(shown, "Files")
        row = self.page.locator(f"#{shown.handle[1]}")
        await row.locator(f'[role=treeitem][data-path="{path}"]').click()
        await expect(row.locator(".source-path")).to_have_text(path)
        body = row.locator(".source-body pre")
        await expect(body).to_be_visible()
        return plain(await body.inner_text())

    async def completed(self, typed: str) -> list[str]:
        box = await self._box()
        await box.fill(f"/nexus {typed}")
        offers = self.page.locator("#completions")
        await expect(offers).to_have_attribute("data-for", f"/nexus {typed}")
        found = [plain(one) for one in await offers.get_by_role("option").all_inner_texts()]
        await box.fill("")
        return found

    async def news(self, place: str) -> list[str]:
        raise Cannot("the page has no channels")

    async def listed(self, app: str) -> str:
        """What the list of threads says of an app."""
        return plain(await self.page.locator("#threads li").filter(has_text=app).inner_text())

    async def others_see(self) -> str:
        """Every thread, as whoever opens it now is shown it."""
        return "\n".join([await (await self.page.request.get(self.url + path)).text() for path in ("/", *self._threads)])


@asynccontextmanager
async def on_the_page(nexus: Nexus, news: str) -> AsyncIterator[WebPerson]:
    """Whoever runs a Nexus, which is started for it; the browser has nothing to complain of."""
    async with chromium() as browser:
        await nexus.up()
        link = re.search(r"http\S+/signin\S+", nexus.said)
        assert link is not None, nexus.said
        context: BrowserContext = await browser.new_context(viewport={"width": 1440, "height": 900})
        try:
            you = WebPerson(await context.new_page(), nexus.url)
            await you.arrive(link[0])
            yield you
            assert [] == you.complaints
        finally:
            await context.close()
        await nexus.down()
