"""Pages that want out, or never end. A real Chromium, real walls, and pages as bad as can be."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from adapters.browsers.chromium import Chromium
from core.errors import NotHealthy
from core.verification.browser import NotSeen, Seen, Visit

from .conftest import App


@contextlib.asynccontextmanager
async def none_left() -> AsyncIterator[None]:
    """Whatever was started meanwhile has ended at the end; what ran before, such as a Postgres of other tests, has its own children."""
    started: dict[int, psutil.Process] = {}
    before = {process.pid for process in psutil.Process().children()}

    async def watch() -> None:
        while True:
            for child in psutil.Process().children():
                if child.pid not in before:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        started.update((process.pid, process) for process in (child, *child.children(recursive=True)))
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    yield
    watching.cancel()
    assert len(started) > 3, "a browser is several processes"
    assert [process for process in started.values() if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []


ATTACK = """<p>words<img src="/never"><script type=module>
const told = (what) => fetch('/told?' + encodeURIComponent(what));
async function attempt(name, act) { try { await act(); await told(`${name} reached`); } catch { await told(`${name} refused`); } }
const frame = (url) => new Promise((done, fail) => {
  const made = document.createElement('iframe');
  made.onload = () => { try { made.contentDocument.body.innerText.length ? done() : fail() } catch { fail() } };
  made.onerror = fail; made.src = url; document.body.append(made); setTimeout(fail, 1000);
});
const socket = (url) => new Promise((done, fail) => { const made = new WebSocket(url); made.onopen = done; made.onerror = fail; });
const image = (url) => new Promise((done, fail) => { const made = new Image(); made.onload = done; made.onerror = fail; made.src = url; });
await attempt('file', () => fetch('file:///etc/passwd'));
await attempt('frame', () => frame('file:///etc/passwd'));
await attempt('driver', () => fetch('file:///app/order.json'));
await attempt('host', () => fetch('http://127.0.0.1:PORT/', {mode: 'no-cors'}));
await attempt('name', () => fetch('http://localhost:PORT/', {mode: 'no-cors'}));
await attempt('network', () => fetch('http://192.0.2.1/', {mode: 'no-cors'}));
await attempt('image', () => image('https://example.com/favicon.ico'));
await attempt('debugger', () => fetch('http://127.0.0.1:9222/json', {mode: 'no-cors'}));
await attempt('websocket', () => socket('ws://127.0.0.1:9222/devtools/browser'));
await attempt('settings', () => frame('chrome://version'));
await told('over');
</script>"""


async def test_a_page_reaches_its_app_and_nothing_else(browser: Chromium, app: App) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        app.pages["/"] = ATTACK.replace("PORT", str(server.getsockname()[1]))
        async with none_left(), browser.tab() as tab:
            found = await tab.visit(app.address, Visit())
        with pytest.raises(BlockingIOError):
            server.accept()
    assert isinstance(found, Seen)
    assert found.sights[0].trouble == ""
    told = [asked.removeprefix("/told?") for asked in app.asked if asked.startswith("/told?")]
    assert told[-1] == "over"
    assert [one for one in told if "reached" in one] == []
    assert len(told) == 11


BUSY = "<p>words<script>setTimeout(() => { for (;;); }, 50)</script>"


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("<p>words<script>for (;;);</script>", "was not loaded after 1 s"),
        (BUSY, "does not respond"),
        ("<p>words<script>for (;;) alert('again')</script>", "opens dialogs without end"),
        ("<p>words<img src='/never'>", "was not loaded after 1 s"),
        ("<p>words<script>setInterval(() => location.reload(), 1)</script>", ""),
        ("<p>words<script>for (let n = 0; n < 1e6; n++) console.log('line', n)</script>", ""),
        ("<p>words<script>console.log('x'.repeat(1e8))</script>", ""),
    ],
)
async def test_a_page_without_an_end_has_one(browser: Chromium, app: App, page: str, said: str) -> None:
    browser._patience = 1.0
    app.pages["/"] = page
    async with none_left(), browser.tab() as tab:
        found = await tab.visit(app.address, Visit(paths=["/", "/"]))
    assert isinstance(found, Seen)
    assert said in found.sights[0].trouble


@pytest.mark.parametrize(
    "code",
    [
        "const kept = []; for (;;) kept.push(new Uint8Array(1e7).fill(1))",
        "const kept = []; for (;;) kept.push({of: kept.length, and: 'x'.repeat(100) + kept.length})",
    ],
)
async def test_a_page_that_takes_all_memory_takes_its_own(browser: Chromium, app: App, code: str) -> None:
    app.pages["/"] = f"<p>words<script>{code}</script>"
    async with none_left(), browser.tab() as tab:
        with contextlib.suppress(NotHealthy):  # the whole browser, or the page alone: which goes first is the machine's choice
            found = await tab.visit(app.address, Visit())
            assert isinstance(found, Seen)
            assert not found.sights[0].good


async def test_a_cancelled_visit_leaves_no_process_and_no_file(browser: Chromium, app: App, place: Path) -> None:
    app.pages["/"] = "<p>words<script>fetch('/told?here')</script><img src='/never'>"

    async def visit() -> None:
        async with browser.tab() as tab:
            await tab.visit(app.address, Visit())

    async with none_left():
        task = asyncio.create_task(visit())
        async with asyncio.timeout(60):
            while "/told?here" not in app.asked:  # noqa: ASYNC110 - the browser is another process
                await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert list((place / "b").iterdir()) == []


async def test_a_tab_that_nobody_used_leaves_nothing(browser: Chromium, place: Path) -> None:
    async with none_left(), browser.tab():
        async with asyncio.timeout(60):
            while not list((place / "b").glob("*/ready.json")):  # noqa: ASYNC110 - the browser is another process
                await asyncio.sleep(0.02)
    assert list((place / "b").iterdir()) == []


async def test_what_a_killed_nexus_left_is_swept_but_not_what_is_in_use(browser: Chromium, place: Path) -> None:
    (place / "b" / "left").mkdir(parents=True)
    (place / "b" / "left" / "seen.json").write_text("{}")
    async with browser.tab():
        (used,) = [path for path in (place / "b").iterdir() if path.name != "left"]
        await browser.sweep()
        assert list((place / "b").iterdir()) == [used]
    assert list((place / "b").iterdir()) == []


LIAR = """\
#!{python}
import json, os, socket, sys
found = [os.path.exists(path) for path in {secrets!r}]
os.chdir("/app")
sight = {{"path": "/" * 450, "trouble": "", "errors": [str(found)] + ["x" * 401] * 12, "error_count": 10**9, "requests": -5,
         "elsewhere": [], "empty": False, "fits": True, "seconds": 1e99}}
open("seen", "w").write(json.dumps({{"sights": [sight] * 33, "pictures": {{"wide": "wide.png", "narrow": "/../x.png"}}}}))
{trick}
os.rename("seen", "seen.json")
os.kill(os.getppid(), 9)
"""


@pytest.mark.parametrize(
    "trick",
    [
        'os.symlink("/etc/passwd", "wide.png")',
        'os.mkfifo("wide.png")',
        'open("wide.png", "wb").truncate(10_000_000)',
        'open("wide.png", "w").write("<script>alert(1)</script>")',
        'os.mkdir("wide.png")',
    ],
)
async def test_what_a_taken_over_browser_writes_is_bounded_and_checked(
    browser: Chromium, app: App, place: Path, trick: str
) -> None:
    """The program plays a browser whose page has taken it over: it writes into the shared folder whatever it likes."""
    (place / "program").mkdir()
    secret = place / "secret.key"
    secret.write_text("sesame")
    secrets = [str(secret), str(app.address.path), "/proc/1/root" + str(secret), str(place / "b")]
    browser._program = place / "program" / "chromium"
    browser._program.write_text(
        textwrap.dedent(LIAR).format(python=os.path.realpath(sys.executable), secrets=secrets, trick=trick)
    )
    browser._program.chmod(0o755)
    async with browser.tab() as tab:
        found = await tab.visit(app.address, Visit())
    assert isinstance(found, Seen), found
    assert found.wide is None
    assert found.narrow is None
    assert len(found.sights) == 32
    assert len(found.sights[0].errors) == 12
    assert found.sights[0].errors[0] == str([False] * 4), "neither a secret nor a socket of another place is seen"
    assert max(len(text) for text in (found.sights[0].path, *found.sights[0].errors)) == 400
    assert (found.sights[0].requests, found.sights[0].seconds) == (0, 50.0)


@pytest.mark.parametrize(
    "content", ["", "[]", "null", '{"sights": 1}', "[" * 100_000, '{"sights": [], "pictures": 7}', "x" * 1_000_000]
)
async def test_nonsense_of_a_taken_over_browser_is_no_answer(browser: Chromium, app: App, place: Path, content: str) -> None:
    (place / "program").mkdir()
    (place / "program" / "said").write_text(content)
    browser._program = place / "program" / "chromium"
    browser._program.write_text(f"#!/bin/sh\ncp {place}/program/said /app/seen.json\nkill -9 $PPID\n")
    browser._program.chmod(0o755)
    async with browser.tab() as tab:
        assert isinstance(await tab.visit(app.address, Visit()), NotSeen)
