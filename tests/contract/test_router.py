"""The Router contract, on the fake and on a real Caddy.

``Edge`` is what a browser sees: the fake is asked what it would route to, the real one is sent a request.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import shutil
import socket
import tempfile
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from adapters.routers.caddy import CaddyRouter
from bot.platform import parts
from bot.platform.caddy import EmbeddedCaddy
from bot.platform.data_folder import DataFolder
from core.errors import InvalidInput, TemporaryError
from core.hosting.fake_router import FakeRouter
from core.hosting.host import Address, TcpAddress, UnixAddress
from core.hosting.router import Notice, Route, Router

STOPPED = Notice(status=503, title="Stopped", text="Its owner has stopped it.")


class Upstream:
    """An instance: says its name, holds a request until told, echoes a websocket, streams."""

    def __init__(self, name: str, address: Address) -> None:
        self.name = name
        self.address = address
        self.held = asyncio.Event()
        self.release = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/hold", self._hold)
        app.router.add_get("/socket", self._socket)
        app.router.add_get("/stream", self._stream)
        app.router.add_route("*", "/{tail:.*}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        if isinstance(self.address, UnixAddress):
            await web.UnixSite(self._runner, self.address.path).start()
        else:
            await web.TCPSite(self._runner, self.address.host, self.address.port).start()

    async def stop(self) -> None:
        self.release.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        told = {name: value for name, value in request.headers.items() if name.startswith(("X-Forwarded", "Host"))}
        return web.json_response({"name": self.name, "headers": told})

    async def _hold(self, _: web.Request) -> web.Response:
        self.held.set()
        await self.release.wait()
        return web.Response(text=self.name)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        answer = web.WebSocketResponse()
        await answer.prepare(request)
        async for message in answer:
            await answer.send_str(f"{self.name}: {message.data}")
        return answer

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b"data: first\n\n")
        await self.release.wait()
        await answer.write(b"data: last\n\n")
        return answer


class Edge(ABC):
    """A router, and what is seen through it."""

    router: Router

    @abstractmethod
    async def get(self, host: str) -> tuple[int, str]:
        """Status, and the name of the instance or the page's text."""


class FakeEdge(Edge):
    def __init__(self) -> None:
        self.router: FakeRouter = FakeRouter()
        self.names: dict[Address, str] = {}

    async def get(self, host: str) -> tuple[int, str]:
        route = self.router.resolve(host)
        if route is None:
            return 404, "There is no app here"
        if isinstance(route.target, Notice):
            return route.target.status, f"{route.target.title} {route.target.text}"
        return 200, self.names[route.target]


class RealEdge(Edge):
    def __init__(self, caddy: EmbeddedCaddy) -> None:
        self.caddy = caddy
        self.router: CaddyRouter = CaddyRouter(caddy.admin_socket, targets=caddy.targets)
        self.session = aiohttp.ClientSession(base_url=f"http://127.0.0.1:{caddy.port}")

    async def get(self, host: str) -> tuple[int, str]:
        async with self.session.get("/", headers={"Host": host}) as response:
            if response.content_type == "application/json":
                return response.status, (await response.json())["name"]
            return response.status, await response.text()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
async def folder() -> AsyncIterator[DataFolder]:
    place = Path(tempfile.mkdtemp(prefix="nexus-t-"))
    place.chmod(0o711)
    yield DataFolder.open(place / "d")
    shutil.rmtree(place)


@pytest.fixture(scope="module")
async def instances(folder: DataFolder) -> AsyncIterator[dict[str, Upstream]]:
    made = {
        "one": Upstream("one", UnixAddress(path=folder.runtime / "one.sock")),
        "two": Upstream("two", UnixAddress(path=folder.runtime / "two.sock")),
        "tcp": Upstream("tcp", TcpAddress(host="127.0.0.1", port=free_port())),
    }
    for instance in made.values():
        await instance.start()
    yield made
    for instance in made.values():
        await instance.stop()


@pytest.fixture(scope="module")
async def caddy(folder: DataFolder, instances: dict[str, Upstream]) -> AsyncIterator[EmbeddedCaddy]:
    started = EmbeddedCaddy(folder, program=parts.caddy().path, port=free_port(), nexus=instances["one"].address)
    await started.start()
    yield started
    await started.stop()


@pytest.fixture
async def real(caddy: EmbeddedCaddy) -> AsyncIterator[RealEdge]:
    edge = RealEdge(caddy)
    yield edge
    for name in await edge.router.routes():
        await edge.router.remove(name)
    await edge.router.close()
    await edge.session.close()


@pytest.fixture(params=["fake", "caddy"])
def edge(request: pytest.FixtureRequest, instances: dict[str, Upstream]) -> Edge:
    if request.param == "caddy":
        return request.getfixturevalue("real")
    fake = FakeEdge()
    fake.names = {instance.address: name for name, instance in instances.items()}
    return fake


@pytest.fixture
def one(instances: dict[str, Upstream]) -> Address:
    return instances["one"].address


@pytest.fixture
def two(instances: dict[str, Upstream]) -> Address:
    return instances["two"].address


# -- the contract, on both -----------------------------------------------------------------------------------------


async def test_a_route_leads_its_hosts_to_its_instance(edge: Edge, one: Address) -> None:
    await edge.router.add(Route(name="a", hosts=("a.localhost", "a.example"), target=one))

    assert await edge.get("a.localhost") == (200, "one")
    assert await edge.get("A.Example") == (200, "one")


async def test_it_leads_to_tcp_addresses_too(edge: Edge, instances: dict[str, Upstream]) -> None:
    await edge.router.add(Route(name="a", hosts=("a.localhost",), target=instances["tcp"].address))

    assert await edge.get("a.localhost") == (200, "tcp")


async def test_an_unknown_host_gets_a_404_page_and_no_app(edge: Edge, one: Address) -> None:
    await edge.router.add(Route(name="a", hosts=("a.localhost",), target=one))

    for host in ("b.localhost", "x.a.localhost", "*.localhost", "*"):
        status, page = await edge.get(host)
        assert status == 404
        assert "There is no app here" in page


async def test_adding_the_same_name_replaces(edge: Edge, one: Address, two: Address) -> None:
    await edge.router.add(Route(name="a", hosts=("a.localhost",), target=one))
    await edge.router.add(Route(name="a", hosts=("a.localhost",), target=two))
    assert await edge.get("a.localhost") == (200, "two")

    await edge.router.add(Route(name="a", hosts=("new.localhost",), target=two))
    assert (await edge.get("a.localhost"))[0] == 404
    assert await edge.get("new.localhost") == (200, "two")
    assert list(await edge.router.routes()) == ["a"]


async def test_a_notice_is_shown_instead_of_the_app_and_back(edge: Edge, one: Address) -> None:
    running = Route(name="a", hosts=("a.localhost",), target=one)
    stopped = Route(name="a", hosts=("a.localhost",), target=STOPPED)
    await edge.router.add(running)
    await edge.router.add(stopped)
    status, page = await edge.get("a.localhost")
    assert status == 503
    assert "Its owner has stopped it." in page

    await edge.router.add(running)
    assert await edge.get("a.localhost") == (200, "one")


async def test_routes_tells_exactly_what_is_configured(edge: Edge, instances: dict[str, Upstream]) -> None:
    wanted = {
        "a": Route(name="a", hosts=("a.localhost", "a.example"), target=instances["one"].address),
        "b/ ~%ü": Route(name="b/ ~%ü", hosts=("b.localhost",), target=STOPPED),
        "c": Route(name="c", hosts=("c.localhost",), target=instances["tcp"].address),
    }
    assert await edge.router.routes() == {}
    for route in wanted.values():
        await edge.router.add(route)
    assert await edge.router.routes() == wanted

    await edge.router.add(Route(name="a", hosts=("a.localhost", "a.example"), target=instances["two"].address))
    assert (await edge.router.routes())["a"].target == instances["two"].address


async def test_adding_twice_changes_nothing(edge: Edge, one: Address) -> None:
    route = Route(name="a", hosts=("a.localhost",), target=one)
    await edge.router.add(route)
    await edge.router.add(route)

    assert await edge.router.routes() == {"a": route}


async def test_a_removed_routes_hosts_answer_404_and_the_others_stay(edge: Edge, one: Address, two: Address) -> None:
    await edge.router.add(Route(name="a", hosts=("a.localhost",), target=one))
    await edge.router.add(Route(name="b", hosts=("b.localhost",), target=two))
    await edge.router.remove("a")

    assert (await edge.get("a.localhost"))[0] == 404
    assert await edge.get("b.localhost") == (200, "two")


async def test_removing_an_unknown_name_changes_nothing(edge: Edge, one: Address) -> None:
    route = Route(name="a", hosts=("a.localhost",), target=one)
    await edge.router.add(route)
    await edge.router.remove("never-was")

    assert await edge.router.routes() == {"a": route}


async def test_two_processes_change_routes_at_once(real: RealEdge, one: Address) -> None:
    other = CaddyRouter(real.caddy.admin_socket, targets=real.caddy.targets)
    both = {"mine": real.router, "theirs": other}
    await asyncio.gather(
        *(
            router.add(Route(name=f"{whose}-{n}", hosts=(f"{whose}-{n}.localhost",), target=one))
            for n in range(8)
            for whose, router in both.items()
        ),
        *(router.add(Route(name="same", hosts=("same.localhost",), target=one)) for router in both.values()),
    )
    await other.close()

    assert sorted(await real.router.routes()) == sorted([*(f"{whose}-{n}" for n in range(8) for whose in both), "same"])
    assert await real.get("theirs-7.localhost") == (200, "one")
    assert len(list(real.caddy.targets.iterdir())) == 17


async def test_many_changes_at_once_all_hold(edge: Edge, one: Address) -> None:
    names = [f"app-{n}" for n in range(12)]
    await asyncio.gather(
        *(edge.router.add(Route(name=n, hosts=(f"{n}.localhost",), target=one)) for n in names),
        *(edge.router.add(Route(name="same", hosts=("same.localhost",), target=one)) for _ in range(4)),
    )

    assert sorted(await edge.router.routes()) == sorted([*names, "same"])


# -- the real one alone --------------------------------------------------------------------------------------------


async def test_a_fake_that_is_down_says_so(one: Address) -> None:
    router = FakeRouter()
    router.down = True
    with pytest.raises(TemporaryError):
        await router.add(Route(name="a", hosts=("a.localhost",), target=one))


async def test_an_unreachable_caddy_is_a_temporary_fault(folder: DataFolder, one: Address) -> None:
    router = CaddyRouter(folder.runtime / "nowhere.sock")
    with pytest.raises(TemporaryError):
        await router.add(Route(name="a", hosts=("a.localhost",), target=one))
    with pytest.raises(TemporaryError):
        await router.routes()
    await router.close()


@pytest.mark.parametrize("host", ["{env.HOME}.localhost", "*.localhost", "a b", "", "a..b", "a" * 64 + ".localhost"])
async def test_what_is_no_host_name_is_refused(real: RealEdge, one: Address, host: str) -> None:
    with pytest.raises(InvalidInput):
        await real.router.add(Route(name="a", hosts=(host,), target=one))


async def test_an_apps_route_never_takes_nexuss_own_host(real: RealEdge, two: Address) -> None:
    await real.router.add(Route(name="thief", hosts=("localhost",), target=two))

    assert await real.get("localhost") == (200, "one")


async def test_a_notices_words_are_shown_and_not_run(real: RealEdge) -> None:
    text = "<script>alert(1)</script> {env.HOME} {http.request.host} {file./etc/passwd} \\{x}"
    await real.router.add(Route(name="a", hosts=("a.localhost",), target=Notice(status=503, title=text, text=text)))
    status, page = await real.get("a.localhost")

    assert status == 503
    assert "<script>" not in page
    assert "root:" not in page
    assert page.count("&#123;env.HOME&#125;") == 3
    assert (await real.router.routes())["a"].target == Notice(status=503, title=text, text=text)


async def test_the_instance_learns_who_asked_and_cannot_be_lied_to(real: RealEdge, one: Address) -> None:
    await real.router.add(Route(name="a", hosts=("a.localhost",), target=one))
    sent = {"Host": "a.localhost:8080", "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil"}
    async with real.session.get("/", headers=sent) as response:
        told = (await response.json())["headers"]

    assert told == {
        "Host": "a.localhost:8080",
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "a.localhost:8080",
    }


async def test_an_instance_that_does_not_answer_gets_a_page_that_says_so(real: RealEdge, folder: DataFolder) -> None:
    await real.router.add(Route(name="a", hosts=("a.localhost",), target=UnixAddress(path=folder.runtime / "dead.sock")))
    status, page = await real.get("a.localhost")

    assert status == 502
    assert "does not answer just now" in page


async def test_an_instance_that_starts_again_is_waited_for(real: RealEdge, folder: DataFolder) -> None:
    late = Upstream("late", UnixAddress(path=folder.runtime / "late.sock"))
    await real.router.add(Route(name="a", hosts=("a.localhost",), target=late.address))
    asked = asyncio.create_task(real.get("a.localhost"))
    await asyncio.sleep(0)
    await late.start()
    try:
        assert await asked == (200, "late")
    finally:
        await late.stop()


async def test_events_come_through_one_by_one_and_outlive_a_change(
    real: RealEdge, instances: dict[str, Upstream], two: Address
) -> None:
    source = instances["one"]
    source.release.clear()
    await real.router.add(Route(name="a", hosts=("a.localhost",), target=source.address))
    async with real.session.get("/stream", headers={"Host": "a.localhost"}) as response:
        assert await response.content.readuntil(b"\n\n") == b"data: first\n\n"
        await real.router.add(Route(name="a", hosts=("a.localhost",), target=two))
        await real.router.add(Route(name="a", hosts=("a.localhost",), target=STOPPED))
        source.release.set()
        assert await response.content.readuntil(b"\n\n") == b"data: last\n\n"


async def test_a_websocket_passes_and_outlives_changes(real: RealEdge, one: Address, two: Address) -> None:
    await real.router.add(Route(name="a", hosts=("a.localhost",), target=one))
    async with real.session.ws_connect("/socket", headers={"Host": "a.localhost"}) as ws:
        await ws.send_str("hello")
        assert await ws.receive_str(timeout=10) == "one: hello"
        await real.router.add(Route(name="a", hosts=("a.localhost",), target=two))
        await real.router.add(Route(name="b", hosts=("b.localhost",), target=STOPPED))
        await ws.send_str("still there?")
        assert await ws.receive_str(timeout=10) == "one: still there?"


async def test_a_request_in_flight_is_answered_by_the_old_instance(
    real: RealEdge, instances: dict[str, Upstream], two: Address
) -> None:
    old = instances["one"]
    old.held.clear()
    old.release.clear()
    await real.router.add(Route(name="a", hosts=("a.localhost",), target=old.address))

    async def ask() -> str:
        async with real.session.get("/hold", headers={"Host": "a.localhost"}) as response:
            return await response.text()

    held = asyncio.create_task(ask())
    await asyncio.wait_for(old.held.wait(), 10)
    await real.router.add(Route(name="a", hosts=("a.localhost",), target=two))
    await real.router.add(Route(name="a", hosts=("a.localhost",), target=STOPPED))
    old.release.set()
    assert await held == "one"


@pytest.mark.parametrize("keep_alive", [True, False])
async def test_no_request_fails_while_the_route_is_switched_fifty_times(
    real: RealEdge, one: Address, two: Address, keep_alive: bool
) -> None:
    await real.router.add(Route(name="a", hosts=("a.localhost",), target=one))
    seen: collections.Counter[str] = collections.Counter()
    done = asyncio.Event()
    clients = [asyncio.create_task(hammer(real.caddy.port, seen, done, keep_alive)) for _ in range(6)]
    try:
        for n in range(50):
            before = seen.total()
            await real.router.add(Route(name="a", hosts=("a.localhost",), target=two if n % 2 == 0 else one))
            async with asyncio.timeout(20):
                while seen.total() < before + 6:  # noqa: ASYNC110 - every request counts, there is no one event
                    await asyncio.sleep(0)
    finally:
        done.set()
        await asyncio.gather(*clients)

    assert set(seen) == {"one", "two"}
    assert min(seen.values()) >= 100


async def hammer(port: int, seen: collections.Counter[str], done: asyncio.Event, keep_alive: bool) -> None:
    """Send requests without pause and without a client's forgiveness: one that fails is not sent again."""
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None
    connection = "keep-alive" if keep_alive else "close"
    request = f"POST / HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 0\r\nConnection: {connection}\r\n\r\n".encode()
    while not done.is_set():
        try:
            if reader is None or writer is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.partition("content-length:")[2].split()[0])
            body = (await reader.readexactly(length)).decode()
            seen[body.partition('"name": "')[2].partition('"')[0] or head.splitlines()[0]] += 1
        except (OSError, EOFError) as error:
            seen[repr(error)] += 1
            reader = None
        if writer is not None and (reader is None or not keep_alive):
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            reader = writer = None
    if writer is not None:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def test_without_a_shared_folder_the_address_is_in_the_configuration(real: RealEdge, one: Address, two: Address) -> None:
    apart = CaddyRouter(real.caddy.admin_socket)
    await apart.add(Route(name="a", hosts=("a.localhost",), target=one))
    assert await real.get("a.localhost") == (200, "one")
    await apart.add(Route(name="a", hosts=("a.localhost",), target=two))
    assert await real.get("a.localhost") == (200, "two")
    assert (await apart.routes())["a"].target == two
    assert list(real.caddy.targets.iterdir()) == []
    await apart.close()


async def test_no_address_file_is_left_of_removed_and_replaced_routes(real: RealEdge, one: Address, two: Address) -> None:
    await real.router.add(Route(name="a", hosts=("a.localhost",), target=one))
    await real.router.add(Route(name="a", hosts=("b.localhost",), target=two))
    assert len(list(real.caddy.targets.iterdir())) == 1
    await real.router.add(Route(name="a", hosts=("b.localhost",), target=STOPPED))
    await real.router.remove("a")
    assert list(real.caddy.targets.iterdir()) == []
