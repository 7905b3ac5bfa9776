"""The process host under attack, after accidents, and its log."""

# The condition is in another process: nothing there can set an event. Small local files do not block.
# ruff: noqa: ASYNC110

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from adapters.hosts.process import ProcessHost, _Tail, _warden_of
from adapters.sandboxes.confinement import Confinement
from adapters.sandboxes.detect import detect
from adapters.sandboxes.inside import landlock
from adapters.sandboxes.outside import processes
from core.errors import InvalidInput, MissingPart, TemporaryError
from core.hosting.host import InstanceSpec, InstanceState
from core.ids import AppId, InstanceId
from core.words.walls import Isolation, Limits

PYTHON = os.path.realpath(sys.executable)
ONE = InstanceId("ins_1")


@pytest.fixture(scope="session", params=["bubblewrap", "restricted"])
async def confinement(request: pytest.FixtureRequest) -> Confinement:
    try:
        return await detect(forced=request.param)
    except MissingPart as error:
        if request.param == "restricted" or os.environ.get("CI"):
            raise
        pytest.skip(f"no namespaces can be made here: {error}")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Not pytest's: another pytest that starts meanwhile closes its base folder to the sandbox's users."""
    folder = Path(tempfile.mkdtemp(prefix="nx"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def runtime() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="nx"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def host(confinement: Confinement, tmp_path: Path, runtime: Path) -> AsyncIterator[ProcessHost]:
    (tmp_path / "artifact").mkdir()
    host = ProcessHost(confinement, state_folder=tmp_path / "state", runtime_folder=runtime)
    yield host
    for instance in await host.instances():
        await host.stop(instance.instance, grace_seconds=0)


def spec(tmp_path: Path, code: str, *words: str, env: dict[str, str] | None = None, pids: int = 64) -> InstanceSpec:
    return InstanceSpec(
        instance=ONE,
        app=AppId("app_1"),
        folder=tmp_path / "artifact",
        argv=(PYTHON, "-c", code, *words),
        env=env or {},
        limits=Limits(memory_mb=256, pids=pids, file_mb=4, seconds=None),
    )


async def ended(host: ProcessHost) -> list[str]:
    async with asyncio.timeout(30):
        while (await host.poll(ONE)).state is InstanceState.RUNNING:
            await asyncio.sleep(0.01)
    return list(await host.logs(ONE))


async def printed(host: ProcessHost, line: str) -> None:
    async with asyncio.timeout(20):
        while line not in await host.logs(ONE):
            await asyncio.sleep(0.01)


async def test_an_instance_reaches_no_server_but_its_database(host: ProcessHost, tmp_path: Path) -> None:
    code = (
        "import socket, sys\n"
        "for port in sys.argv[1:]:\n"
        "    try: socket.create_connection(('127.0.0.1', int(port)), 3).close(); print('reached')\n"
        "    except OSError: print('refused')\n"
    )
    with socket.socket() as database, socket.socket() as other:
        for server in (database, other):
            server.bind(("127.0.0.1", 0))
            server.listen()
        ports = [str(server.getsockname()[1]) for server in (database, other)]
        env = {"DATABASE_URL": f"postgresql://app:pw@127.0.0.1:{ports[0]}/db"}
        await host.start(spec(tmp_path, code, *ports, env=env))
        lines = await ended(host)
    if host.isolation is Isolation.NAMESPACES:
        assert lines == ["refused", "refused"]
    elif landlock.version() >= 4:
        assert lines == ["reached", "refused"]
    else:
        assert lines[0] == "reached"


async def test_an_instance_sees_nothing_of_nexus_or_of_another_app(host: ProcessHost, tmp_path: Path) -> None:
    other = tmp_path / "other-artifact"
    other.mkdir()
    (other / "secret").write_text("theirs")
    (tmp_path / "master.key").write_text("ours")
    (tmp_path / "master.key").chmod(0o600)
    code = (
        "import os, sys\n"
        "for path in sys.argv[1:]:\n"
        "    try: print(os.listdir(path) if path.endswith('/') else open(path).read())\n"
        "    except OSError: print('no')\n"
    )
    paths = [f"{other}/secret", f"{other}/", str(tmp_path / "master.key"), f"{tmp_path}/state/", f"{tmp_path}/"]
    await host.start(spec(tmp_path, code, *paths))
    assert await ended(host) == ["no"] * len(paths)


async def test_only_sockets_can_be_made_in_the_folder_for_sockets(host: ProcessHost, tmp_path: Path, runtime: Path) -> None:
    if not host.confinement.own_network or not landlock.version():
        assert not list(runtime.iterdir())
        return
    code = (
        "import os, socket, tempfile, time\n"
        "for act in (lambda: open('/run/nexus/app/file', 'w'), lambda: os.mkdir('/run/nexus/app/folder'),\n"
        "            lambda: os.symlink('/etc/shadow', '/run/nexus/app/link'), lambda: os.mkfifo('/run/nexus/app/pipe')):\n"
        "    try: act(); print('made')\n"
        "    except OSError: print('refused')\n"
        "s = socket.socket(socket.AF_UNIX); s.bind('/run/nexus/app/http.sock'); tempfile.TemporaryFile()\n"
        "os.mkdir('/tmp/a'); print('up', flush=True); time.sleep(600)\n"
    )
    await host.start(spec(tmp_path, code))
    await printed(host, "up")
    assert list(await host.logs(ONE)) == ["refused"] * 4 + ["up"]
    assert os.listdir(runtime / ONE) == ["http.sock"]


def _children() -> set[int]:
    """The processes below this one, without those of a Postgres that other tests of the run have started."""
    found = set()
    for pid in processes.descendants(os.getpid()):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() != "postgres":
                found.add(pid)
    return found


async def test_a_fork_bomb_in_an_instance_is_held_and_stopped(host: ProcessHost, tmp_path: Path) -> None:
    code = "import os\nprint('up', flush=True)\nwhile True:\n    try: os.fork()\n    except OSError: pass\n"
    before = _children()
    await host.start(spec(tmp_path, code, pids=32))
    await printed(host, "up")
    stats = await host.stats(ONE)
    assert stats is not None
    assert stats.pids <= 40
    await host.stop(ONE, grace_seconds=0)
    assert _children() <= before
    assert (await host.poll(ONE)).state is InstanceState.STOPPED


async def test_a_log_that_is_flooded_stays_small_and_the_host_answers(host: ProcessHost, tmp_path: Path) -> None:
    code = "import os\nwhile True: os.write(1, b'spam ' * 200 + b'\\n')\n"
    await host.start(spec(tmp_path, code))
    log = tmp_path / "state" / ONE / "output.log"
    async with asyncio.timeout(20):
        while not log.exists() or log.stat().st_size < 1_000_000:
            await asyncio.sleep(0.01)
    await host.stop(ONE, grace_seconds=0)
    assert log.stat().st_size <= 5 * 1024 * 1024


async def test_a_log_that_lost_its_warden_is_trimmed_by_a_tick(host: ProcessHost, tmp_path: Path) -> None:
    await host.start(spec(tmp_path, "print('short')"))
    assert await ended(host) == ["short"]
    log = tmp_path / "state" / ONE / "output.log"
    log.write_text("old\n" * 2_000_000 + "last\n")
    await host.trim_logs()
    assert log.stat().st_size <= 5 * 1024 * 1024
    assert list(await host.logs(ONE, lines=2)) == ["old", "last"]


async def test_a_killed_warden_takes_its_instance_with_it_and_the_next_start_works(
    host: ProcessHost, tmp_path: Path, runtime: Path
) -> None:
    code = "import time; print('up', flush=True); time.sleep(600)"
    await host.start(spec(tmp_path, code, "token-of-this-test"))
    await printed(host, "up")
    pid = _warden_of(tmp_path / "state" / ONE)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert await ended(host) == ["up"]
    status = await host.poll(ONE)
    assert (status.state, status.exit_code) == (InstanceState.EXITED, None)
    left = json.loads((tmp_path / "state" / ONE / "instance.json").read_text())["remove"]
    assert left
    await host.stop(ONE)
    assert [folder for folder in left if Path(folder).exists()] == []
    assert list(runtime.iterdir()) == []
    await host.start(spec(tmp_path, code))
    assert (await host.poll(ONE)).state is InstanceState.RUNNING


@pytest.mark.parametrize("instance", ["../escape", "a/b", "", ".", "x" * 65])
async def test_an_id_that_is_a_path_is_refused(host: ProcessHost, tmp_path: Path, instance: str) -> None:
    with pytest.raises(InvalidInput, match="id"):
        await host.poll(InstanceId(instance))
    with pytest.raises(InvalidInput, match="id"):
        await host.forget(InstanceId(instance))
    assert tmp_path.exists()


async def test_a_runtime_folder_too_long_for_sockets_is_refused(host: ProcessHost, tmp_path: Path) -> None:
    if not host.confinement.own_network:
        return
    long = ProcessHost(host.confinement, state_folder=tmp_path / "s", runtime_folder=tmp_path / ("x" * 100))
    with pytest.raises(InvalidInput, match="shorter runtime folder"):
        await long.start(spec(tmp_path, "pass"))


async def test_a_start_that_fails_leaves_nothing(
    host: ProcessHost, tmp_path: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise TemporaryError("Every sandbox user is taken; it is tried again when one is free.")

    monkeypatch.setattr(type(host.confinement), "enclose", refuse)
    with pytest.raises(TemporaryError):
        await host.start(spec(tmp_path, "pass"))
    assert list(runtime.iterdir()) == []
    assert (await host.poll(ONE)).state is InstanceState.UNKNOWN


def test_a_tail_goes_on_where_it_was_when_the_log_has_lost_its_first_half(tmp_path: Path) -> None:
    log = tmp_path / "output.log"
    log.write_text("".join(f"line {n}\n" for n in range(100)))
    assert _Tail(log, 2).new_lines(final=False) == ["line 98", "line 99"]
    tail = _Tail(log, 0)
    with log.open("a") as file:
        file.write("line 100\nline 1")
    assert tail.new_lines(final=False) == ["line 100"]
    log.write_text("".join(f"line {n}\n" for n in range(50, 101)) + "line 101\nline 102\n")
    assert tail.new_lines(final=False) == ["line 101", "line 102"]
    log.write_text("all of it is new\n")
    assert tail.new_lines(final=True) == ["all of it is new"]
