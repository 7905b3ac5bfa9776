"""The small parts that the walls are made of."""

# The condition is in another process: nothing there can set an event. Small local files do not block.

from __future__ import annotations

import fcntl
import os
import stat
import struct
from pathlib import Path
from types import SimpleNamespace

import pytest

from adapters.sandboxes import gate, ownership, users
from adapters.sandboxes.confined import ConfinedSandbox
from adapters.sandboxes.confinement import PYTHON, Request, Walls
from adapters.sandboxes.detect import detect
from adapters.sandboxes.inside import seccomp
from adapters.sandboxes.outside import cgroups, processes
from adapters.sandboxes.registries import Registries
from adapters.sandboxes.restricted import Restricted, _Paths
from core.errors import DataFolderError, InvalidInput, MissingPart, TemporaryError
from core.verification.sandbox import Command, Ending
from core.words.walls import Isolation, Limits, Mount

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


class WithoutGroups(Restricted):
    """As where no control group can be made."""

    async def enclose(self, request: Request) -> Walls:
        walls = await Restricted.enclose(self, request)
        walls.orders["group"] = "no/such/place"
        return walls


@pytest.mark.parametrize(
    "code",
    [
        "hoard = [bytearray(16 << 20) for _ in range(1 << 12)]",
        "import mmap; m = mmap.mmap(-1, 4 << 30)\nfor i in range(0, 4 << 30, 4096): m[i] = 1",
        "import os\nfor _ in range(8):\n    if os.fork() == 0: break\nhoard = bytearray(100 << 20)\nimport time; time.sleep(60)",
    ],
    ids=["private", "shared", "many processes"],
)
async def test_memory_is_bounded_where_no_control_group_can_be_made(code: str, tmp_path: Path) -> None:
    kind = Isolation.USER if os.geteuid() == 0 else Isolation.PROCESS
    outcome = await ConfinedSandbox(WithoutGroups(isolation=kind)).run(
        Command(argv=(str(PYTHON), "-c", code), workdir=tmp_path, limits=Limits(memory_mb=256, seconds=60))
    )
    assert outcome.ending is Ending.OUT_OF_MEMORY


async def test_without_a_bubblewrap_the_weaker_walls_serve_and_say_why() -> None:
    confinement = await detect(bwraps=())
    assert confinement.isolation in (Isolation.USER, Isolation.PROCESS)
    assert "no bwrap was found" in confinement.describe()


async def test_a_bubblewrap_that_does_not_work_is_named_with_the_reason(tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n")
    broken.chmod(0o755)
    confinement = await detect(bwraps=[broken])
    assert confinement.isolation is not Isolation.NAMESPACES
    assert str(broken) in confinement.describe()
    assert "No permissions to create new namespace" in confinement.describe()
    with pytest.raises(MissingPart, match="No permissions"):
        await detect(bwraps=[broken], forced="bubblewrap")


async def test_an_unknown_kind_of_walls_is_refused() -> None:
    with pytest.raises(MissingPart, match="'docker'"):
        await detect(forced="docker")


@pytest.mark.parametrize("target", ["relative", "/", "/proc/x", "/dev", "/app/../proc"])
async def test_a_mount_over_the_walls_themselves_is_refused(target: str, tmp_path: Path) -> None:
    from adapters.sandboxes.bubblewrap import Bubblewrap

    walls = Bubblewrap(program=Path("/bin/true"), own_user_namespace=True)
    request = Request(
        argv=("/bin/true",),
        env={},
        folder=tmp_path,
        folder_writable=True,
        mounts=(Mount(source=tmp_path, target=target),),
    )
    with pytest.raises(InvalidInput, match="mounted"):
        await walls.enclose(request)


def test_inner_paths_are_replaced_as_whole_words_only(tmp_path: Path) -> None:
    request = Request(
        argv=(),
        env={},
        folder=Path("/data/work/7"),
        folder_writable=True,
        mounts=(
            Mount(source=Path("/data/layers/9"), target="/app/.venv"),
            Mount(source=Path("/run/pg"), target="/nexus/pg"),
        ),
    )
    paths = _Paths(request)
    expected = {
        "/app": "/data/work/7",
        "/app/main.py": "/data/work/7/main.py",
        "/app/.venv/bin/python": "/data/layers/9/bin/python",
        "--dir=/app": "--dir=/data/work/7",
        "/app/bin:/usr/bin": "/data/work/7/bin:/usr/bin",
        "/application": "/application",
        "/my/app": "/my/app",
        "https://example.org/app": "https://example.org/app",
        "postgresql://u:p@/db?host=/nexus/pg": "postgresql://u:p@/db?host=/run/pg",
        "postgresql://u:p@%2Fnexus%2Fpg/db": "postgresql://u:p@%2Frun%2Fpg/db",
    }
    assert {text: paths.in_text(text) for text in expected} == expected


def test_the_system_call_filter_is_well_formed_for_each_machine_we_know() -> None:
    for machine in ("x86_64", "aarch64"):
        for internet in ("all", "tcp", "none"):
            code = seccomp.program(machine, internet=internet)
            assert len(code) % 8 == 0
            instructions = list(struct.iter_unpack("=HBBI", code))
            assert len(instructions) < 4096
            assert instructions[-1][0] == 0x06  # it ends with a return
            for place, (kind, yes, no, _) in enumerate(instructions):
                if kind & 0x07 == 0x05:
                    assert place + 1 + max(yes, no) < len(instructions)
    assert seccomp.program("riscv64", internet="none") == b""


def test_only_what_the_registries_need_goes_inside(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("")
    (tmp_path / ".npmrc").write_text(
        "registry=https://npm.example.org/\n//npm.example.org/:_authToken=hush\n@acme:registry=https://acme.example.org/\n"
        f"cafile={bundle}\nscript-shell=/tmp/evil\n"
    )
    environ = {
        "HTTPS_PROXY": "http://proxy.example.org:3128",
        "SSL_CERT_FILE": str(bundle),
        "UV_INDEX_URL": "https://pypi.example.org/simple",
        "npm_config_registry": "https://npm.example.org/",
        "NPM_CONFIG__AUTH": "hush",
        "OPENAI_API_KEY": "hush",
        "NODE_OPTIONS": "--require /tmp/evil.js",
    }
    found = Registries.of_this_machine(environ, tmp_path)
    assert set(found.env) == {"HTTPS_PROXY", "SSL_CERT_FILE", "UV_INDEX_URL", "npm_config_registry"}
    assert found.home[".npmrc"] == (
        f"registry=https://npm.example.org/\n@acme:registry=https://acme.example.org/\ncafile={bundle}\n"
    )
    assert found.files == {bundle}


def test_places_for_control_groups_are_read_from_both_versions() -> None:
    first = "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu,cpuacct 0 0\n".replace(
        "rw,", ""
    )
    assert cgroups.places(first, "5:memory:/a/b\n1:cpu,cpuacct:/\n") == {
        "memory": ["/sys/fs/cgroup/memory/a/b", "/sys/fs/cgroup/memory"],
        "cpu": ["/sys/fs/cgroup/cpu"],
    }
    second = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\nproc /proc proc rw 0 0\n"
    assert cgroups.places(second, "0::/user.slice\n") == {"": ["/sys/fs/cgroup/user.slice", "/sys/fs/cgroup"]}


def test_a_killed_process_is_counted_no_more() -> None:
    child = os.fork()
    if child == 0:
        os.pause() if hasattr(os, "pause") else os.read(os.pipe()[0], 1)
        os._exit(0)
    assert processes.descendants(os.getpid())[child] == 1
    processes.signal_all((child,), 9)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert child not in processes.descendants(os.getpid())  # dead, though nobody has asked for its status
    os.waitpid(child, 0)


@as_root
def test_a_leased_user_is_nobody_elses_until_it_is_released() -> None:
    first, second = users.lease(PYTHON), users.lease(PYTHON)
    try:
        assert first.uid != second.uid
        assert users.lease_this(first.uid) is None
    finally:
        first.release()
        second.release()
    again = users.lease_this(first.uid)
    assert again is not None
    again.release()


@as_root
def test_another_container_of_the_machine_begins_with_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    for inode in (4_026_531_836, 4_026_532_188, 4_026_532_193):
        monkeypatch.setattr(users.os, "stat", lambda path, inode=inode: SimpleNamespace(st_ino=inode))
        begun.append(users._start())
    assert len(set(begun)) == 3
    assert all(users.FIRST <= uid <= users.LAST for uid in begun)


@as_root
def test_every_user_can_be_leased_wherever_the_count_begins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(users, "_folder", lambda: tmp_path)
    monkeypatch.setattr(users, "LAST", users.FIRST + 4)
    monkeypatch.setattr(users, "_start", lambda: users.FIRST + 3)
    leased = [users.lease(PYTHON) for _ in range(5)]
    assert [user.uid - users.FIRST for user in leased] == [3, 4, 0, 1, 2]
    with pytest.raises(TemporaryError):
        users.lease(PYTHON)
    for user in leased:
        user.release()


@as_root
def test_what_still_runs_as_a_user_is_killed_before_it_is_leased() -> None:
    user = users.lease(PYTHON)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.setresuid(user.uid, user.uid, user.uid)
        os.write(write, b"x")
        os.read(os.pipe()[0], 1)
        os._exit(0)
    os.read(read, 1)
    for fd in (read, write):
        os.close(fd)
    assert processes.owned_by(user.uid) == {child}
    users.evict(user.uid, PYTHON)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
    user.release()


@as_root
def test_a_lease_falls_with_the_last_holder() -> None:
    user = users.lease(PYTHON)
    copy = fcntl.fcntl(user.lock, fcntl.F_DUPFD_CLOEXEC, 3)
    user.release()
    assert users.lease_this(user.uid) is None
    os.close(copy)
    again = users.lease_this(user.uid)
    assert again is not None
    again.release()


@as_root
def test_the_way_to_a_private_folder_is_opened_for_passing_through_alone(tmp_path: Path) -> None:
    private = tmp_path / "private"
    (private / "work").mkdir(parents=True)
    private.chmod(0o700)
    with pytest.raises(DataFolderError, match="chmod"):
        gate.open_way(private / "work", allowed=False)
    gate.open_way(private / "work", allowed=True)
    gate.open_way(private / "work", allowed=False)  # open now
    mode = stat.S_IMODE(private.stat().st_mode)
    assert mode & 0o007 == 0  # still closed to everybody else
    rules = {(tag, who): bits for tag, bits, who in gate._rules(private)}
    assert rules[(0x08, users.GATE)] == 1
    assert rules[(0x04, 0xFFFFFFFF)] == 0  # the file's own group gained nothing


@as_root
def test_ownership_goes_and_comes_back_without_following_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("x")
    folder = tmp_path / "work"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "link").symlink_to(outside)
    (folder / "file").write_text("y")
    (folder / "shared").write_text("z")
    (tmp_path / "store").hardlink_to(folder / "shared")
    assert ownership.give(folder, 61_500)
    owners = {path.name: path.lstat().st_uid for path in [folder, *folder.rglob("*")]}
    assert owners == {"work": 61_500, "sub": 61_500, "link": 61_500, "file": 61_500, "shared": 0}
    assert outside.stat().st_uid == 0
    assert ownership.take_back(folder, 61_500, top_mode=0o700)
    assert {path.lstat().st_uid for path in [folder, *folder.rglob("*")]} == {0}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@as_root
def test_a_working_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(OSError, match="link"):
        ownership.give(tmp_path / "link", 61_500)
    assert (tmp_path / "real").stat().st_uid == 0
