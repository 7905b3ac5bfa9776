"""A Chromium behind real walls, and an app on a unix socket whose pages a test writes."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from adapters.browsers.chromium import Chromium
from adapters.sandboxes.confined import ConfinedSandbox
from adapters.sandboxes.confinement import Confinement
from adapters.sandboxes.detect import detect
from bot.platform.parts import chromium
from core.errors import MissingPart
from core.hosting.host import UnixAddress

PYTHON = Path(os.path.realpath(sys.executable))


@pytest.fixture(scope="session")
async def walls() -> Confinement:
    try:
        return await detect(forced="bubblewrap")
    except MissingPart as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no namespaces can be made here: {error}")


@pytest.fixture
def place() -> Iterator[Path]:
    """Not pytest's: another pytest that starts meanwhile closes its base folder to the sandbox's users."""
    folder = Path(tempfile.mkdtemp(prefix="nxb"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def browser(walls: Confinement, place: Path) -> Chromium:
    found = chromium()
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is needed in CI: apt-get install chromium")
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    return Chromium(found.path, ConfinedSandbox(walls), python=PYTHON, folder=place / "b", patience=6.0)


@dataclass
class App:
    """Serves ``pages``; ``asked`` has the path and query of every request, requests of /never are answered once the page has
    told that it is over."""

    address: UnixAddress
    pages: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.cookies.append(request.headers.get("Cookie", ""))
        if request.path in self.pages:
            return web.Response(text="<!doctype html>" + self.pages[request.path], content_type="text/html")
        match request.path:
            case "/never":
                await self.hold.wait()
                return web.Response()
            case "/refused":
                return web.Response(status=401)
            case "/file":
                return web.Response(body=bytes(1000), headers={"Content-Disposition": "attachment; filename=a.bin"})
            case "/told":
                if request.query_string == "over":
                    self.hold.set()
                return web.Response()
        return web.Response(status=404)


@pytest_asyncio.fixture
async def app(place: Path) -> AsyncIterator[App]:
    (place / "i").mkdir()
    made = App(UnixAddress(path=place / "i" / "http.sock"))
    server = web.Server(made.answer)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    await web.UnixSite(runner, str(made.address.path)).start()
    made.address.path.chmod(0o777)
    yield made
    made.hold.set()
    await runner.cleanup()
