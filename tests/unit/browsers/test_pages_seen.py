"""What Chromium tells of pages: that which a person who opens them would see, and no more."""

from __future__ import annotations

import pytest

from adapters.browsers.chromium import NO_BROWSER, Chromium
from core.hosting.host import TcpAddress
from core.verification.browser import Cookie, NotSeen, Seen, Sight, Visit
from core.verification.fake_sandbox import FakeSandbox
from core.words.walls import Isolation

from .conftest import PYTHON, App


async def seen(browser: Chromium, app: App, **visit: object) -> dict[str, Sight]:
    """Open every page of the app with one browser, "/" first."""
    app.pages.setdefault("/", "<p>words")
    async with browser.tab() as tab:
        found = await tab.visit(app.address, Visit(paths=sorted(app.pages), **visit))  # type: ignore[arg-type]
    assert isinstance(found, Seen), found
    return {sight.path: sight for sight in found.sights}


async def test_every_kind_of_page_is_told_apart(browser: Chromium, app: App) -> None:
    """One browser for all of them: to start one takes longer than to open ten pages."""
    app.pages |= {
        "/": '<title>A</title><link rel=icon href="/favicon.ico"><h1>Words</h1><script>console.warn("no matter")</script>',
        "/throws": "<p>words<script>nowhere.to.be.found()</script>",
        "/rejects": "<p>words<script>Promise.reject(new Error('nobody caught it'))</script>",
        "/logs": "<p>words<script>console.error('it', 'went', {wrong: 1}); console.log('fine')</script>",
        "/lacks": '<p>words<img src="/missing.png"><script src="/missing.js"></script>',
        "/later": "<p>words<script>setTimeout(() => fetch('/told').then(() => { throw new Error('at last') }), 30)</script>",
        "/bare": "<main id=root></main>",
        "/drawn": "<svg width=10 height=10></svg>",
        "/refused401": "<p>words<script>fetch('/refused')</script>",
        "/elsewhere": '<p>words<img src="https://elsewhere.example/a.png"><script src="http://192.0.2.1/b.js"></script>',
        "/asks": "<p>words<script>for (let n = 0; n < 5; n++) alert(n); confirm('?'); prompt('?')</script>",
        "/wide": "<p style='width: 2000px'>words",
        "/waits": "<p>words<script>new EventSource('/never')</script>",
        "/moves": "<p>words<script>onbeforeunload = (event) => event.preventDefault()</script>",
        "/opens": "<p>words<script>for (let n = 0; n < 1000; n++) window.open('/drawn?' + n)</script>",
        "/gives": "<p>words<script>const a = document.createElement('a'); a.href = '/file'; setTimeout(() => a.click(), 50)</script>",
        "/prints": "<p>words<script>console.log('x'.repeat(3e7)); console.error('and an end')</script>",
    }
    sights = await seen(browser, app, forgiven=[401])
    assert {path: sight.trouble for path, sight in sights.items() if sight.trouble} == {}
    assert set(sights) == set(app.pages)
    good = {"/", "/drawn", "/refused401", "/elsewhere", "/asks", "/wide", "/waits", "/moves", "/opens", "/gives"}
    assert {path for path, sight in sights.items() if sight.good} == good

    assert sights["/throws"].errors[0].startswith("Uncaught: ReferenceError: nowhere is not defined at /throws")
    assert sights["/rejects"].errors[0].startswith("Uncaught (in promise): Error: nobody caught it")
    assert sights["/logs"].errors == ("console.error: it went Object",)
    assert sights["/lacks"].errors == ("/missing.png answered 404", "/missing.js answered 404")
    assert "at last" in sights["/later"].errors[0]
    assert sights["/bare"].empty
    assert set(sights["/elsewhere"].elsewhere) == {"https://elsewhere.example/a.png", "http://192.0.2.1/b.js"}
    assert sights["/prints"].errors == ("console.error: and an end",)
    assert sights["/"].requests == 2
    assert len([asked for asked in app.asked if asked.startswith("/drawn?")]) < 20, "windows are closed, not visited"


async def test_the_first_page_is_photographed_wide_and_as_on_a_phone(browser: Chromium, app: App) -> None:
    app.pages["/"] = "<meta name=viewport content='width=device-width'><p style='width: 600px'>words"
    async with browser.tab() as tab:
        found = await tab.visit(app.address, Visit())
    assert isinstance(found, Seen)
    assert found.wide is not None
    assert found.narrow is not None
    assert (found.wide.width, found.wide.height, found.wide.media_type) == (1280, 800, "image/png")
    assert (found.narrow.width, found.narrow.height) == (390, 844)
    assert not found.sights[0].fits_phone


async def test_a_picture_of_much_becomes_a_jpeg_of_a_bounded_size(browser: Chromium, app: App) -> None:
    app.pages["/"] = """<canvas id=c width=1280 height=800></canvas><script>
        const pen = c.getContext('2d'), noise = pen.createImageData(1280, 800);
        for (let n = 0; n < noise.data.length; n++) noise.data[n] = n % 4 === 3 ? 255 : Math.random() * 255;
        pen.putImageData(noise, 0, 0)</script>"""
    async with browser.tab() as tab:
        found = await tab.visit(app.address, Visit())
    assert isinstance(found, Seen)
    assert found.sights[0].good
    assert found.wide is None or (found.wide.media_type == "image/jpeg" and len(found.wide.content) <= 300_000)


async def test_cookies_are_there_before_the_first_page(browser: Chromium, app: App) -> None:
    app.pages["/"] = "<p>words"
    await seen(browser, app, cookies=[Cookie(name="session", value="abc")])
    assert app.cookies[0] == "session=abc"


async def test_where_walls_have_no_network_of_their_own_no_page_is_opened(app: App) -> None:
    sandbox = FakeSandbox(isolation=Isolation.USER)
    browser = Chromium(PYTHON, sandbox, python=PYTHON, folder=app.address.path.parent)
    assert "cannot wall one in" in browser.why_not
    async with browser.tab() as tab:
        assert await tab.visit(app.address, Visit()) == NotSeen(why=browser.why_not)
    assert sandbox.commands == []


async def test_without_a_browser_the_remedy_is_told(app: App) -> None:
    browser = Chromium(None, FakeSandbox(), python=PYTHON, folder=app.address.path.parent)
    assert browser.why_not == NO_BROWSER


async def test_an_app_without_a_socket_is_not_opened(browser: Chromium) -> None:
    async with browser.tab() as tab:
        found = await tab.visit(TcpAddress(host="127.0.0.1", port=1), Visit())
    assert isinstance(found, NotSeen)


@pytest.mark.parametrize("program", ["/bin/false", "/nowhere/chromium"])
async def test_a_browser_that_does_not_start_is_the_machines_fault(browser: Chromium, app: App, program: str) -> None:
    browser._program = type(PYTHON)(program)
    async with browser.tab() as tab:
        found = await tab.visit(app.address, Visit())
    assert isinstance(found, NotSeen)
