"""The embedded Caddy, for real: on its port, brought back with its routes, adopted, and gone without a trace."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import psutil
import pytest
from aiohttp import web

from adapters.routers.caddy import CaddyRouter
from bot.platform import parts
from bot.platform.caddy import EVERYWHERE, EmbeddedCaddy
from bot.platform.data_folder import DataFolder
from core.errors import PortTaken
from core.hosting.host import UnixAddress
from core.hosting.router import Notice, Route

Eventually = Callable[..., Awaitable[None]]

ABANDON = """
import asyncio, json, pathlib, sys
from adapters.routers.caddy import CaddyRouter
from bot.platform import parts
from bot.platform.caddy import EmbeddedCaddy
from bot.platform.data_folder import DataFolder
from core.hosting.host import UnixAddress
from core.hosting.router import Route
async def main():
    folder, port = json.loads(sys.argv[1])
    data = DataFolder.open(pathlib.Path(folder))
    nexus = UnixAddress(path=data.runtime / "n.sock")
    caddy = EmbeddedCaddy(data, program=parts.caddy().path, port=port, nexus=nexus)
    await caddy.start()
    router = CaddyRouter(caddy.admin_socket, targets=caddy.targets)
    await router.add(Route(name="kept", hosts=("kept.localhost",), target=nexus))
    print("ready", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.fixture
async def nexus(data: DataFolder) -> AsyncIterator[UnixAddress]:
    """Nexus's own server."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=f"nexus for {request.host}")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, data.runtime / "n.sock").start()
    yield UnixAddress(path=data.runtime / "n.sock")
    await runner.cleanup()


async def get(port: int, host: str, *, at: str = "127.0.0.1", path: str = "/") -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{at}:{port}{path}", headers={"Host": host}) as response,
    ):
        return response.status, await response.text()


def caddy_on(data: DataFolder, nexus: UnixAddress, port: int, **more: tuple[str, ...]) -> EmbeddedCaddy:
    return EmbeddedCaddy(data, program=parts.caddy().path, port=port, nexus=nexus, **more)


async def test_nexus_answers_at_localhost_and_nobody_elsewhere(
    data: DataFolder, nexus: UnixAddress, free_port: int, processes_of: Callable[[Path], list[psutil.Process]]
) -> None:
    caddy = caddy_on(data, nexus, free_port)
    await caddy.start()
    try:
        assert caddy.url == f"http://localhost:{free_port}"
        for host in ("localhost", f"localhost:{free_port}", "127.0.0.1", "[::1]"):
            assert await get(free_port, host) == (200, f"nexus for {host}")
        status, page = await get(free_port, "evil.example")
        assert status == 404
        assert "There is no app here" in page
    finally:
        await caddy.stop()
    assert processes_of(data.root) == []
    with pytest.raises(aiohttp.ClientConnectorError):
        await get(free_port, "localhost")


async def test_what_chat_platforms_send_reaches_nexus_by_any_name(data: DataFolder, nexus: UnixAddress, free_port: int) -> None:
    caddy = caddy_on(data, nexus, free_port)
    await caddy.start()
    try:
        router = CaddyRouter(caddy.admin_socket, targets=caddy.targets)
        notice = Notice(status=503, title="An app", text="It has a path of its own.")
        await router.add(Route(name="app", hosts=("app.localhost",), target=notice))
        await router.close()
        assert await get(free_port, "nexus.example.com", path="/slack/events") == (404, "404: Not Found")  # Nexus's own answer
        for host, path in (
            ("nexus.example.com", "/slackers"),
            ("nexus.example.com", "/chat/messages"),
            ("app.localhost", "/slack/x"),
        ):
            assert "<title>" in (await get(free_port, host, path=path))[1]
    finally:
        await caddy.stop()


async def test_only_its_user_can_enter_the_admin_socket(data: DataFolder, nexus: UnixAddress, free_port: int) -> None:
    caddy = caddy_on(data, nexus, free_port)
    await caddy.start()
    try:
        assert stat.S_IMODE(caddy.admin_socket.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(caddy.admin_socket.stat().st_mode) == 0o600
        listening = {c.laddr.ip for c in psutil.Process(caddy.pid or 0).net_connections() if c.status == "LISTEN"}
        assert listening <= {"127.0.0.1", "::1"}
    finally:
        await caddy.stop()


async def test_it_listens_on_every_interface_when_told(data: DataFolder, nexus: UnixAddress, free_port: int) -> None:
    caddy = caddy_on(data, nexus, free_port, bind=EVERYWHERE, hosts=("nexus.example",))
    await caddy.start()
    try:
        assert await get(free_port, "nexus.example", at="127.0.0.2") == (200, "nexus for nexus.example")
        assert (await get(free_port, "localhost"))[0] == 404
    finally:
        await caddy.stop()


async def test_a_taken_port_is_said_with_the_remedy(data: DataFolder, nexus: UnixAddress) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        port = foreign.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"Port {port} is taken .*--port"):
            await caddy_on(data, nexus, port).start()


async def test_the_port_of_another_nexus_is_taken_too(data: DataFolder, nexus: UnixAddress, free_port: int, place: Path) -> None:
    first = caddy_on(data, nexus, free_port)
    await first.start()
    other = DataFolder.open(place / "other")
    try:
        with pytest.raises(PortTaken):
            await caddy_on(other, nexus, free_port).start()
        assert await get(free_port, "localhost") == (200, "nexus for localhost")
    finally:
        await first.stop()
        other.remove()


async def test_killed_it_comes_back_with_the_apps_routes_and_refuses_nobody_meanwhile(
    data: DataFolder, nexus: UnixAddress, free_port: int, eventually: Eventually
) -> None:
    caddy = caddy_on(data, nexus, free_port)
    await caddy.start()
    router = CaddyRouter(caddy.admin_socket, targets=caddy.targets)
    try:
        await router.add(Route(name="a", hosts=("a.localhost",), target=nexus))
        await router.add(Route(name="b", hosts=("b.localhost",), target=Notice(status=503, title="Stopped", text="")))
        before = await router.routes()
        os.kill(caddy.pid or 0, signal.SIGKILL)
        assert await get(free_port, "a.localhost") == (200, "nexus for a.localhost")
        await eventually(lambda: caddy.restarts == 1)
        assert await router.routes() == before
        assert (await get(free_port, "b.localhost"))[0] == 503
    finally:
        await router.close()
        await caddy.stop()


async def test_routes_are_there_again_after_a_stop_on_another_port(data: DataFolder, nexus: UnixAddress, free_port: int) -> None:
    first = caddy_on(data, nexus, free_port)
    await first.start()
    router = CaddyRouter(first.admin_socket, targets=first.targets)
    await router.add(Route(name="a", hosts=("a.localhost",), target=nexus))
    await router.close()
    await first.stop()
    (first.targets / "left-behind").write_text("unix//nowhere")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        other_port = probe.getsockname()[1]
    second = caddy_on(data, nexus, other_port)
    await second.start()
    try:
        assert await get(other_port, "a.localhost") == (200, "nexus for a.localhost")
        assert not (second.targets / "left-behind").exists()
    finally:
        await second.stop()


async def test_a_configuration_that_a_crash_cut_short_does_not_stop_it(
    data: DataFolder, nexus: UnixAddress, free_port: int
) -> None:
    first = caddy_on(data, nexus, free_port)
    await first.start()
    await first.stop()
    saved = data.root / "caddy" / "caddy" / "autosave.json"
    saved.write_text(saved.read_text()[:100])
    second = caddy_on(data, nexus, free_port)
    await second.start()
    try:
        assert await get(free_port, "localhost") == (200, "nexus for localhost")
    finally:
        await second.stop()


async def test_it_survives_a_killed_nexus_serving_and_is_adopted_by_the_next(
    data: DataFolder,
    nexus: UnixAddress,
    free_port: int,
    killed: Callable[[str, str], None],
    eventually: Eventually,
    processes_of: Callable[[Path], list[psutil.Process]],
) -> None:
    await asyncio.to_thread(killed, ABANDON, json.dumps([str(data.wanted), free_port]))
    assert await get(free_port, "kept.localhost") == (200, "nexus for kept.localhost")

    caddy = caddy_on(data, nexus, free_port, hosts=("localhost", "also.localhost"))
    adopted = await caddy.start()
    try:
        assert adopted
        assert await get(free_port, "also.localhost") == (200, "nexus for also.localhost")
        assert await get(free_port, "kept.localhost") == (200, "nexus for kept.localhost")
        os.kill(caddy.pid or 0, signal.SIGKILL)
        await eventually(lambda: caddy.restarts == 1)
        assert await get(free_port, "kept.localhost") == (200, "nexus for kept.localhost")
    finally:
        await caddy.stop()
    assert processes_of(data.root) == []


async def test_a_survivor_on_another_port_is_started_anew_on_ours(
    data: DataFolder, nexus: UnixAddress, free_port: int, killed: Callable[[str, str], None]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        other_port = probe.getsockname()[1]
    await asyncio.to_thread(killed, ABANDON, json.dumps([str(data.wanted), other_port]))
    caddy = caddy_on(data, nexus, free_port)
    adopted = await caddy.start()
    try:
        assert not adopted
        assert await get(free_port, "kept.localhost") == (200, "nexus for kept.localhost")
        with pytest.raises(aiohttp.ClientConnectorError):
            await get(other_port, "localhost")
    finally:
        await caddy.stop()
