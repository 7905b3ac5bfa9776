"""What every `Host` promises, on the fake and on real confined processes of this machine."""

# The condition is in another process: nothing there can set an event. Small local files do not block.
# ruff: noqa: ASYNC110

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from adapters.hosts.process import ProcessHost
from adapters.sandboxes.bubblewrap import Bubblewrap
from adapters.sandboxes.confinement import Confinement
from adapters.sandboxes.detect import detect
from core.errors import InvalidInput, MissingPart
from core.hosting.fake_host import FakeHost, Machine
from core.hosting.host import Host, Instance, InstanceSpec, InstanceState, Status, UnixAddress
from core.ids import AppId, InstanceId, new_id
from core.words.walls import Limits

PYTHON = os.path.realpath(sys.executable)

SERVER = """
import http.server, os, socket, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"served by " + str(os.getuid()).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def address_string(self): return "somebody"
    def log_message(self, *words): print("asked", flush=True)
class Server(http.server.HTTPServer):
    if "NEXUS_SOCKET" in os.environ:
        address_family = socket.AF_UNIX
        def server_bind(self): self.socket.bind(os.environ["NEXUS_SOCKET"]); self.server_name, self.server_port = "", 0
server = Server((os.environ["HOST"], int(os.environ["PORT"])), Handler)
print("up", flush=True)
server.serve_forever()
"""
PROGRAMS = {
    "serves": SERVER,
    "waits": "import time; print('up', flush=True); time.sleep(600)",
    "ends with 3": "import sys; print('bye', flush=True); sys.exit(3)",
    "takes all memory": "hoard = [bytearray(16 << 20) for _ in range(999)]",
    "ignores being told": (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    ),
    "stops with grace": (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (print('tidied', flush=True), sys.exit(0)))\n"
        "print('up', flush=True); time.sleep(600)"
    ),
    "leaves daemons": (
        "import os, subprocess, sys, time\n"
        "for _ in range(3):\n"
        "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', sys.argv[1]], start_new_session=True)\n"
        "print('up', flush=True); time.sleep(600)"
    ),
    "counts": "import time\nfor n in range(10**6): print('line', n, flush=True); time.sleep(0.01)",
    "shouts": "line = 'x' * 99 + '\\n'\nimport sys\nfor _ in range(200_000): sys.stdout.write(line)\nprint('up', flush=True)\n"
    "import time; time.sleep(600)",
}


@dataclass(slots=True, kw_only=True)
class Harness:
    make: Callable[[], Host]
    folder: Path
    machine: Machine | None  #: of the fake
    tokens: dict[InstanceId, str] = field(default_factory=dict)
    host: Host = field(init=False)

    def __post_init__(self) -> None:
        self.host = self.make()

    def spec(self, program: str, **options: Any) -> InstanceSpec:
        instance = InstanceId(new_id("ins"))
        self.tokens[instance] = f"{program} {secrets.token_hex(8)}"
        options.setdefault("limits", Limits(memory_mb=256, seconds=None))
        return InstanceSpec(
            instance=instance,
            app=AppId("app_1"),
            folder=self.folder,
            argv=(PYTHON, "-c", PROGRAMS[program], self.tokens[instance]),
            **options,
        )

    async def start(self, program: str, **options: Any) -> Instance:
        spec = self.spec(program, **options)
        instance = await self.host.start(spec)
        if self.machine is not None:
            self._play(instance.instance, program)
        return instance

    def _play(self, instance: InstanceId, program: str) -> None:
        """Let the fake do what the program does."""
        assert self.machine is not None
        if program == "ends with 3":
            self.machine.prints(instance, "bye")
            self.machine.ends(instance, exit_code=3)
        elif program == "takes all memory":
            self.machine.ends(instance, exit_code=137, out_of_memory=True)
        else:
            self.machine.prints(instance, "up")

    async def printed(self, instance: InstanceId, line: str = "up") -> None:
        async with asyncio.timeout(20):
            while line not in await self.host.logs(instance):
                await asyncio.sleep(0.01)

    async def ended(self, instance: InstanceId) -> Status:
        async with asyncio.timeout(30):
            while (status := await self.host.poll(instance)).state is InstanceState.RUNNING:
                await asyncio.sleep(0.01)
        return status

    def left(self, instance: InstanceId) -> list[int]:
        """Processes of the instance."""
        if self.machine is not None:
            return []
        found = []
        for name in os.listdir("/proc"):
            if name.isdecimal():
                try:
                    if self.tokens[instance].encode() in Path("/proc", name, "cmdline").read_bytes():
                        found.append(int(name))
                except OSError:
                    continue
        return found

    async def clear(self) -> None:
        for instance in self.tokens:
            await self.host.stop(instance, grace_seconds=0)
            await self.host.forget(instance)


REAL = ["bubblewrap", "bubblewrap as an ordinary user", "restricted"]


async def _confinement(kind: str) -> Confinement | None:
    if kind == "fake":
        return None
    try:
        confinement = await detect(forced=kind.partition(" ")[0])
    except MissingPart as error:
        if kind == "restricted" or os.environ.get("CI"):
            raise
        pytest.skip(f"no namespaces can be made here: {error}")
    if kind == "bubblewrap as an ordinary user":
        assert isinstance(confinement, Bubblewrap)
        return Bubblewrap(program=confinement.program, own_user_namespace=True)
    return confinement


@pytest.fixture(scope="session", params=["fake", *REAL])
async def confinement(request: pytest.FixtureRequest) -> Confinement | None:
    return await _confinement(request.param)


@pytest.fixture(scope="session", params=REAL)
async def walls(request: pytest.FixtureRequest) -> Confinement | None:
    return await _confinement(request.param)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Not pytest's: another pytest that starts meanwhile closes its base folder to the sandbox's users."""
    folder = Path(tempfile.mkdtemp(prefix="nx"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def runtime() -> Iterator[Path]:
    """Short, because a socket's path is."""
    folder = Path(tempfile.mkdtemp(prefix="nx"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


async def _harness(confinement: Confinement | None, tmp_path: Path, runtime: Path) -> AsyncIterator[Harness]:
    artifact = tmp_path / "artifact"
    artifact.mkdir()
    (artifact / "app.txt").write_text("the app")
    machine = Machine() if confinement is None else None

    def make() -> Host:
        if confinement is None:
            return FakeHost(machine)
        return ProcessHost(confinement, state_folder=tmp_path / "state", runtime_folder=runtime)

    harness = Harness(make=make, folder=artifact, machine=machine)
    yield harness
    await harness.clear()
    for instance in harness.tokens:
        assert harness.left(instance) == []
    assert list(runtime.iterdir()) == []


@pytest.fixture
async def harness(confinement: Confinement | None, tmp_path: Path, runtime: Path) -> AsyncIterator[Harness]:
    async for harness in _harness(confinement, tmp_path, runtime):
        yield harness


@pytest.fixture
async def real(walls: Confinement, tmp_path: Path, runtime: Path) -> AsyncIterator[Harness]:
    async for harness in _harness(walls, tmp_path, runtime):
        yield harness


async def ask(instance: Instance) -> bytes:
    """GET / of the instance, once it listens."""
    address = instance.address
    async with asyncio.timeout(20):
        while True:
            try:
                if isinstance(address, UnixAddress):
                    reader, writer = await asyncio.open_unix_connection(address.path)
                else:
                    reader, writer = await asyncio.open_connection(address.host, address.port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            break
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer.rpartition(b"\r\n\r\n")[2]


async def test_a_started_instance_runs_and_is_listed(harness: Harness) -> None:
    instance = await harness.start("waits")
    assert await harness.host.poll(instance.instance) == Status(state=InstanceState.RUNNING)
    assert list(await harness.host.instances()) == [instance]
    assert instance.app == "app_1"
    assert instance.isolation is harness.host.isolation
    assert instance.started_at.tzinfo is not None


async def test_starting_what_runs_returns_it_and_starts_nothing(harness: Harness) -> None:
    spec = harness.spec("waits")
    first = await harness.host.start(spec)
    others = await asyncio.gather(harness.host.start(spec), harness.make().start(spec))
    assert [first, first] == others
    if harness.machine is None:
        await harness.printed(spec.instance)
        assert len(harness.left(spec.instance)) == 1


async def test_starting_twice_at_once_starts_one(harness: Harness) -> None:
    spec = harness.spec("waits")
    first, second = await asyncio.gather(harness.host.start(spec), harness.make().start(spec))
    assert first == second


async def test_an_instance_that_ends_by_itself_tells_its_exit_code(harness: Harness) -> None:
    instance = (await harness.start("ends with 3")).instance
    assert await harness.ended(instance) == Status(state=InstanceState.EXITED, exit_code=3)
    assert list(await harness.host.instances()) == []
    assert list(await harness.host.logs(instance)) == ["bye"]


async def test_reaching_the_memory_limit_ends_it_and_is_told(harness: Harness) -> None:
    instance = (await harness.start("takes all memory", limits=Limits(memory_mb=128, seconds=None))).instance
    status = await harness.ended(instance)
    assert (status.state, status.out_of_memory) == (InstanceState.EXITED, True)


async def test_a_stopped_instance_is_gone_and_stopping_twice_is_fine(harness: Harness) -> None:
    instance = (await harness.start("waits")).instance
    await harness.printed(instance)
    await harness.host.stop(instance)
    assert (await harness.host.poll(instance)).state is InstanceState.STOPPED
    assert harness.left(instance) == []
    await harness.host.stop(instance)
    assert (await harness.host.poll(instance)).state is InstanceState.STOPPED


async def test_stopping_an_instance_that_has_ended_by_itself_changes_nothing(harness: Harness) -> None:
    instance = (await harness.start("ends with 3")).instance
    before = await harness.ended(instance)
    await harness.host.stop(instance)
    assert await harness.host.poll(instance) == before


async def test_a_stopped_instance_can_be_started_again(harness: Harness) -> None:
    spec = harness.spec("waits")
    await harness.host.start(spec)
    await harness.host.stop(spec.instance, grace_seconds=0)
    await harness.host.start(spec)
    assert (await harness.host.poll(spec.instance)).state is InstanceState.RUNNING


async def test_an_unknown_instance_is_unknown(harness: Harness) -> None:
    nobody = InstanceId("ins_nobody")
    assert await harness.host.poll(nobody) == Status(state=InstanceState.UNKNOWN)
    assert list(await harness.host.logs(nobody)) == []
    assert await harness.host.stats(nobody) is None
    assert [line async for line in harness.host.follow(nobody)] == []
    await harness.host.stop(nobody)
    await harness.host.forget(nobody)


async def test_a_new_host_over_the_same_state_finds_what_runs(harness: Harness) -> None:
    instance = await harness.start("waits")
    await harness.printed(instance.instance)
    harness.host = harness.make()
    assert list(await harness.host.instances()) == [instance]
    assert list(await harness.host.logs(instance.instance)) == ["up"]
    await harness.host.stop(instance.instance)
    assert harness.left(instance.instance) == []


async def test_logs_outlive_the_instance_until_it_is_forgotten(harness: Harness) -> None:
    instance = (await harness.start("waits")).instance
    await harness.printed(instance)
    with pytest.raises(InvalidInput):
        await harness.host.forget(instance)
    await harness.host.stop(instance)
    assert list(await harness.host.logs(instance)) == ["up"]
    assert list(await harness.host.instances()) == []
    assert [instance] == [found.instance for found in await harness.host.instances(ended=True)]
    await harness.host.forget(instance)
    assert list(await harness.host.instances(ended=True)) == []
    assert list(await harness.host.logs(instance)) == []
    assert (await harness.host.poll(instance)).state is InstanceState.UNKNOWN


async def test_the_last_lines_are_returned_oldest_first(harness: Harness) -> None:
    instance = (await harness.start("counts")).instance
    if harness.machine is not None:
        harness.machine.prints(instance, *(f"line {n}" for n in range(21)))
    await harness.printed(instance, "line 20")
    numbers = [int(line.split()[1]) for line in await harness.host.logs(instance, lines=5)]
    assert len(numbers) == 5
    assert numbers == list(range(numbers[0], numbers[0] + 5))
    assert list(await harness.host.logs(instance, lines=0)) == []


async def test_following_gives_new_lines_and_ends_with_the_instance(harness: Harness) -> None:
    instance = (await harness.start("counts")).instance
    await harness.printed(instance, "line 3" if harness.machine is None else "up")
    got: list[str] = []
    enough = asyncio.Event()

    async def read() -> None:
        async for line in harness.host.follow(instance):
            got.append(line)
            if len(got) >= 5:
                enough.set()

    reader = asyncio.create_task(read())
    if harness.machine is not None:
        await asyncio.sleep(0)
        harness.machine.prints(instance, *(f"line {n}" for n in range(10, 20)))
    await asyncio.wait_for(enough.wait(), 20)
    await harness.host.stop(instance)
    await asyncio.wait_for(reader, 20)
    numbers = [int(line.split()[1]) for line in got]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert numbers[0] > 0  # only from now on


async def test_following_from_the_last_lines_leaves_none_out(harness: Harness) -> None:
    instance = (await harness.start("counts")).instance
    if harness.machine is not None:
        harness.machine.prints(instance, *(f"line {n}" for n in range(21)))
    await harness.printed(instance, "line 20")
    numbers: list[int] = []
    async for line in harness.host.follow(instance, lines=5):
        numbers.append(int(line.split()[1]))
        if len(numbers) == 5 and harness.machine is not None:
            harness.machine.prints(instance, "line 21")
        if len(numbers) == 6:
            break
    assert numbers == list(range(numbers[0], numbers[0] + 6))
    assert numbers[0] >= 16


async def test_resources_in_use_are_told_while_it_runs(harness: Harness) -> None:
    instance = (await harness.start("waits")).instance
    await harness.printed(instance)
    stats = await harness.host.stats(instance)
    assert stats is not None
    assert 1 < stats.memory_mb < 200
    assert stats.cpu_seconds >= 0
    assert stats.pids >= 1
    await harness.host.stop(instance)
    assert await harness.host.stats(instance) is None


async def test_an_artifact_that_is_not_there_is_refused(harness: Harness) -> None:
    spec = harness.spec("waits")
    harness.folder.joinpath("app.txt").unlink()
    harness.folder.rmdir()
    with pytest.raises(InvalidInput, match="not there"):
        await harness.host.start(spec)


# What a fake cannot show.


async def test_an_instance_answers_at_its_address(real: Harness) -> None:
    instance = await real.start("serves")
    assert (await ask(instance)).startswith(b"served by ")
    if isinstance(instance.address, UnixAddress):  # a proxy may run as another user
        assert instance.address.path.stat().st_mode & 0o006 == 0o006
        assert instance.address.path.parent.stat().st_mode & 0o001


async def test_two_instances_of_one_artifact_serve_at_once(real: Harness) -> None:
    first, second = await asyncio.gather(real.start("serves"), real.start("serves"))
    assert first.address != second.address
    assert all(await asyncio.gather(ask(first), ask(second)))


async def test_being_told_to_stop_lets_an_instance_tidy_up(real: Harness) -> None:
    instance = (await real.start("stops with grace")).instance
    await real.printed(instance)
    await real.host.stop(instance)
    assert await real.host.poll(instance) == Status(state=InstanceState.STOPPED, exit_code=0)
    assert list(await real.host.logs(instance)) == ["up", "tidied"]


async def test_an_instance_that_will_not_stop_is_killed_after_its_grace(real: Harness) -> None:
    instance = (await real.start("ignores being told")).instance
    await real.printed(instance)
    await real.host.stop(instance, grace_seconds=0.3)
    assert (await real.host.poll(instance)).state is InstanceState.STOPPED
    assert real.left(instance) == []


async def test_everything_that_an_instance_started_stops_with_it(real: Harness) -> None:
    instance = (await real.start("leaves daemons")).instance
    await real.printed(instance)
    async with asyncio.timeout(20):
        while len(real.left(instance)) < 4:
            await asyncio.sleep(0.01)
    stats = await real.host.stats(instance)
    assert stats is not None
    assert stats.pids >= 4
    await real.host.stop(instance)
    assert real.left(instance) == []


async def test_an_instance_outlives_the_kill_of_the_nexus_that_started_it(
    real: Harness, walls: Confinement, tmp_path: Path, runtime: Path
) -> None:
    kind = "bubblewrap" if isinstance(walls, Bubblewrap) else "restricted"
    spec = real.spec("waits")
    nexus = (
        "import asyncio, sys; from pathlib import Path\n"
        "from adapters.hosts.process import ProcessHost; from adapters.sandboxes.detect import detect\n"
        "from core.hosting.host import InstanceSpec\n"
        "kind, state, runtime, folder, instance, *argv = sys.argv[1:]\n"
        "async def main():\n"
        "    walls = await detect(forced=kind)\n"
        "    host = ProcessHost(walls, state_folder=Path(state), runtime_folder=Path(runtime))\n"
        "    await host.start(InstanceSpec(instance=instance, app='app_1', folder=Path(folder), argv=argv))\n"
        "    print('started', flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", nexus, kind, str(tmp_path / "state"), str(runtime), str(real.folder)),
        *(spec.instance, *spec.argv),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        start_new_session=True,
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 30) == b"started\n"
    os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    await real.printed(spec.instance)
    assert (await real.host.poll(spec.instance)).state is InstanceState.RUNNING
    assert [found.instance for found in await real.host.instances()] == [spec.instance]
    await real.host.stop(spec.instance)
    assert (await real.host.poll(spec.instance)).state is InstanceState.STOPPED


async def test_how_it_ended_is_known_to_a_nexus_that_was_away(real: Harness) -> None:
    instance = (await real.start("ends with 3")).instance
    async with asyncio.timeout(20):
        while real.left(instance):
            await asyncio.sleep(0.01)
    real.host = real.make()
    assert await real.ended(instance) == Status(state=InstanceState.EXITED, exit_code=3)


async def test_the_log_is_bounded_on_disk_and_keeps_its_end(real: Harness, tmp_path: Path) -> None:
    instance = (await real.start("shouts")).instance  # 20 MB
    await real.printed(instance)
    log = tmp_path / "state" / instance / "output.log"
    async with asyncio.timeout(20):
        while log.stat().st_size > 5 * 1024 * 1024:
            await asyncio.sleep(0.01)
    lines = await real.host.logs(instance, lines=50)
    assert lines[-1] == "up"
    assert set(lines[:-1]) == {"x" * 99}


async def test_the_artifact_can_be_read_and_not_written(real: Harness) -> None:
    spec = real.spec("waits")
    code = (
        "print(open('/app/app.txt').read(), open('app.txt').read())\n"
        "import tempfile; tempfile.TemporaryFile().close()\n"
        "for path in ('/app/evil', 'evil'):\n"
        "    try: open(path, 'w').close(); print('wrote')\n"
        "    except OSError: print('refused')\n"
    )
    if not real.host.confinement.own_network:  # type: ignore[attr-defined]
        code = code.replace("'/app/app.txt'", "'app.txt'")
    argv = (PYTHON, "-c", code)
    await real.host.start(InstanceSpec(instance=spec.instance, app=spec.app, folder=spec.folder, argv=argv, limits=spec.limits))
    assert (await real.ended(spec.instance)).exit_code == 0
    assert list(await real.host.logs(spec.instance)) == ["the app the app", "refused", "refused"]
    assert os.listdir(real.folder) == ["app.txt"]


async def test_a_secret_is_in_the_environment_and_on_no_disk(real: Harness, tmp_path: Path, runtime: Path) -> None:
    token = secrets.token_hex(16)
    spec = real.spec("waits", env={"APP_SECRET": token})
    code = "import os, time; print(len(os.environ['APP_SECRET']), flush=True); time.sleep(600)"
    argv = (PYTHON, "-c", code)
    await real.host.start(
        InstanceSpec(instance=spec.instance, app=spec.app, folder=spec.folder, argv=argv, env=spec.env, limits=spec.limits)
    )
    await real.printed(spec.instance, "32")
    for folder in (tmp_path, runtime):
        for path in folder.rglob("*"):
            if path.is_file():
                assert token.encode() not in path.read_bytes(), path
    for name in os.listdir("/proc"):
        if name.isdecimal() and name != str(os.getpid()):
            try:
                assert token.encode() not in Path("/proc", name, "cmdline").read_bytes()
            except OSError:
                continue
