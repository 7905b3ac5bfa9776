"""The HTTP prober, against real servers on TCP and unix sockets, polite and hostile."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from adapters.probes.http import HttpProber
from core.errors import NotHealthy
from core.hosting.host import Address, TcpAddress, UnixAddress
from core.verification.prober import MAX_BODY, ProbeAnswer


async def ask(
    address: Address, path: str = "/", *, method: str = "GET", json: object = None, timeout: float = 5.0
) -> ProbeAnswer:
    return await HttpProber().request(address, method, path, host_header="app.localhost", json=json, timeout=timeout)


async def handle(request: web.Request) -> web.StreamResponse:
    match request.path:
        case "/move":
            return web.Response(status=302, headers={"Location": "/elsewhere", "Set-Cookie": "a=b"})
        case "/large":
            response = web.Response(body=b"x" * 1_000_000)
            response.enable_compression()
            return response
        case "/slow":
            endless = web.StreamResponse()
            await endless.prepare(request)
            with contextlib.suppress(ConnectionError):
                while True:
                    await endless.write(b".")
                    await asyncio.sleep(0.05)
    said = {"method": request.method, "host": request.host, "body": await request.text(), "cookie": request.headers.get("Cookie")}
    return web.json_response({**said, "path": request.raw_path})


@pytest_asyncio.fixture(params=["tcp", "unix"], loop_scope="session")
async def address(request: pytest.FixtureRequest) -> AsyncIterator[Address]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    with tempfile.TemporaryDirectory() as folder:
        if request.param == "tcp":
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            yield TcpAddress(host=host, port=port)
        else:
            path = Path(folder) / "app.sock"
            await web.UnixSite(runner, path).start()
            yield UnixAddress(path=path)
        await runner.cleanup()


async def test_method_path_host_and_body_arrive(address: Address) -> None:
    got = await ask(address, "/api/things/a%2Fb?q=1", method="PUT", json={"title": "ü"})
    assert got.status == 200
    assert got.headers["content-type"].startswith("application/json")
    assert got.json() == {
        "method": "PUT",
        "host": "app.localhost",
        "body": '{"title": "\\u00fc"}',
        "cookie": None,
        "path": "/api/things/a%2Fb?q=1",
    }


async def test_redirects_are_not_followed_and_cookies_not_kept(address: Address) -> None:
    prober = HttpProber()
    moved = await prober.request(address, "GET", "/move", host_header="app.localhost")
    assert (moved.status, moved.headers["location"]) == (302, "/elsewhere")
    after = await prober.request(address, "GET", "/", host_header="app.localhost")
    assert after.json()["cookie"] is None


async def test_only_the_start_of_a_large_answer_is_read(address: Address) -> None:
    assert len((await ask(address, "/large")).body) == MAX_BODY


async def test_an_answer_that_never_ends_is_given_up_in_time(address: Address) -> None:
    with pytest.raises(NotHealthy, match=r"no answer within 0\.3 s"):
        await ask(address, "/slow", timeout=0.3)


async def test_nobody_listening_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(NotHealthy, match="nothing listens there"):
        await ask(UnixAddress(path=tmp_path / "none.sock"))
    with pytest.raises(NotHealthy, match="nothing listens there"):
        await ask(TcpAddress(host="127.0.0.1", port=1))


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: nine\r\n\r\n", b""])
async def test_what_is_no_http_is_no_answer(said: bytes) -> None:
    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(reply, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        with pytest.raises(NotHealthy):
            await ask(TcpAddress(host=host, port=port))


def test_a_body_that_is_no_json_is_a_value_error() -> None:
    for body in (b"<html>", b"[" * 60_000, b"\xff"):
        with pytest.raises(ValueError):
            ProbeAnswer(status=200, body=body).json()
