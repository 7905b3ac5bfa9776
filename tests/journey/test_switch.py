"""Nobody who uses an app notices that it is deployed, restarted or rolled back: under load, no request fails and no record is lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from tests.support.nexus import Nexus, User, until


class Load:
    """Reads and writes without a pause, over connections that are kept and over new ones."""

    def __init__(self, nexus: Nexus, slug: str, resource: str, record: dict[str, object]) -> None:
        self._url = f"http://127.0.0.1:{nexus.port}"
        self._headers = {"Host": f"{slug}.localhost:{nexus.port}"}
        self._path, self._record = f"/api/{resource}", record
        self.answered = 0
        self.written: list[int] = []
        self.failures: list[str] = []

    async def _ask(self, session: aiohttp.ClientSession, method: str, path: str, wanted: int, **more: Any) -> Any:
        try:
            async with session.request(method, self._url + path, headers=self._headers, **more) as response:
                body = await response.read()
                if response.status != wanted:
                    self.failures.append(f"{method} {path}: {response.status} {body[:200]!r}")
                    return None
                self.answered += 1
                return await response.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            self.failures.append(f"{method} {path}: {error!r}")
            return None

    async def _read(self, *, kept: bool) -> None:
        connector = aiohttp.TCPConnector(force_close=not kept)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=20)) as session:
            while True:
                await self._ask(session, "GET", "/healthz", 200)
                await self._ask(session, "GET", self._path + "?limit=1", 200)

    async def _write(self, *, kept: bool) -> None:
        connector = aiohttp.TCPConnector(force_close=not kept)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=20)) as session:
            while True:
                made = await self._ask(session, "POST", self._path, 201, json=self._record)
                if made is not None:
                    self.written.append(made["id"])

    @contextlib.asynccontextmanager
    async def going(self) -> AsyncIterator[None]:
        """Load for the length of the block, and for some requests before and after it."""
        tasks = [asyncio.create_task(do(kept=kept)) for kept in (True, True, False) for do in (self._read, self._write)]
        try:
            await self._more()
            yield
            await self._more()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _more(self) -> None:
        enough = self.answered + 60

        async def had_enough() -> bool:
            return self.answered >= enough or bool(self.failures)

        await until(had_enough, what="the app answers under load")


@pytest.fixture(scope="module", params=["express", "fastapi"])
async def served(request: pytest.FixtureRequest, warm: Nexus, alice: User) -> tuple[str, Callable[[], Load]]:
    """A live app with an older release to roll back to."""
    slug = f"switched-{request.param}"
    await alice.live(slug, "a todo app with due dates", request.param)
    changed = await alice.change(slug, "add a priority field")
    await alice.deploy(changed)
    return slug, lambda: Load(warm, slug, "todos", {"title": "under load"})


@pytest.mark.parametrize("doing", ["restart", "rollback", "change", "settings"])
async def test_no_request_fails_and_no_record_is_lost(
    warm: Nexus, alice: User, served: tuple[str, Callable[[], Load]], doing: str
) -> None:
    slug, new_load = served
    base = f"/api/v1/apps/{slug}"
    before = (await alice.get(base)).ok()["release"]
    build = await alice.change(slug, "add a colour field") if doing == "change" else None
    load = new_load()
    async with load.going():
        match doing:
            case "restart":
                (await alice.post(base + "/restart")).ok()
            case "rollback":
                (await alice.post(base + "/rollback", {"release": 1})).ok()
            case "change":
                assert build is not None
                await alice.deploy(build)
            case _:
                (await alice.put(base + "/settings", {"set": {"GREETING": "hello"}})).ok()
    after = (await alice.get(base)).ok()["release"]
    assert after == (before if doing == "restart" else before + 1)
    assert [] == load.failures
    assert load.written
    kept = await warm.app(slug, "GET", "/api/todos?limit=1")
    ids = set()
    for offset in range(0, int(kept.headers["X-Total-Count"]), 500):
        ids |= {todo["id"] for todo in (await warm.app(slug, "GET", f"/api/todos?limit=500&offset={offset}")).ok()}
    assert set(load.written) <= ids


async def test_a_request_that_is_under_way_is_finished_by_the_old_code(warm: Nexus, alice: User) -> None:
    """A slow answer of the old release comes whole, although the switch happens meanwhile."""
    generated = await alice.generate("a list of clocks", "express", app_name="switched-slow")
    source = next(f["content"] for f in generated["files"] if f["path"] == "server.js")
    slow = """\
app.get('/slow', (request, response) => {
  response.write('first ');
  console.log('slow begins');
  setTimeout(() => response.end('last'), 2500);
});
app.use('/api'"""
    files = [
        {**f, "content": source.replace("app.use('/api'", slow, 1)} if f["path"] == "server.js" else f for f in generated["files"]
    ]
    body = {"app_name": "switched-slow", "framework": "express", "files": files}
    (await alice.post("/api/ai/deploy/app", body)).ok()
    waiting = asyncio.create_task(warm.app("switched-slow", "GET", "/slow"))

    async def begun() -> bool:
        return "slow begins" in (await alice.get("/api/v1/apps/switched-slow/logs")).ok()["lines"]

    await until(begun, what="the slow request has begun")
    (await alice.post("/api/v1/apps/switched-slow/restart")).ok()
    assert "first last" == (await waiting).text
