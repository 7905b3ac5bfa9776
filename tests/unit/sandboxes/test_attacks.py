"""Untrusted code tries to get out, to look around, and to take the machine down. Real walls, real attacks."""

# The condition is in another process: nothing there can set an event. Small local files do not block.

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import stat
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapters.sandboxes.confined import ConfinedSandbox
from core.verification.sandbox import Command, Ending, Outcome
from core.words.walls import Isolation, Limits, Mount

Attack = Callable[..., Awaitable[Outcome]]
MIB = 1024 * 1024


def processes_with(word: str) -> list[int]:
    """Every process of this machine that has ``word`` in its command line."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal() and int(name) != os.getpid():
            try:
                if word.encode() in Path("/proc", name, "cmdline").read_bytes():
                    found.append(int(name))
            except OSError:
                continue
    return found


@contextmanager
def listening(address: tuple[str, int] | str) -> Iterator[socket.socket]:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as server:
        server.bind(address)
        server.listen()
        yield server


async def test_a_file_of_nexus_cannot_be_read(attack: Attack, tmp_path: Path) -> None:
    secret = tmp_path / "secret.key"
    secret.write_text("sesame")
    secret.chmod(0o600)
    outcome = await attack("import sys; print(open(sys.argv[1]).read())", str(secret))
    assert outcome.exit_code == 1
    assert "sesame" not in outcome.output


async def test_the_folder_of_another_app_cannot_be_listed_or_read(attack: Attack, tmp_path: Path) -> None:
    other = tmp_path / "other-app"
    other.mkdir()
    (other / "app.py").write_text("print('theirs')")
    outcome = await attack(
        "import os, sys\n"
        "for act in (lambda: os.listdir(sys.argv[1]), lambda: open(sys.argv[1] + '/app.py').read()):\n"
        "    try: print('got', act())\n"
        "    except OSError as error: print('no', type(error).__name__)",
        str(other),
    )
    assert "got" not in outcome.output
    assert outcome.output.count("no ") == 2


async def test_nothing_outside_the_working_folder_can_be_written(attack: Attack, tmp_path: Path) -> None:
    token = f"nexus-test-{secrets.token_hex(4)}"
    places = ["/etc", "/usr", "/usr/local/bin", "/var/tmp", "/root", "/dev", "/run", "/", str(tmp_path), "/dev/shm"]
    outcome = await attack(
        "import sys, os\n"
        "for place in sys.argv[2:]:\n"
        "    try: open(place + '/' + sys.argv[1], 'w').close()\n"
        "    except OSError: pass\n"
        "try: open('/tmp/' + sys.argv[1], 'w').close()\n"
        "except OSError: pass\n"
        "open('mine', 'w').close(); print('done')",
        token,
        *places,
    )
    assert outcome.output == "done\n"
    assert not [place for place in [*places, "/tmp"] if Path(place, token).exists()]


async def test_no_variable_of_nexus_is_seen_inside(attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-operator")
    outcome = await attack(
        "import os, glob\n"
        "print(sorted(os.environ))\n"
        "for path in glob.glob('/proc/[0-9]*/environ'):\n"
        "    try: print(open(path, 'rb').read())\n"
        "    except OSError: pass",
        env={"COLOUR": "blue"},
    )
    assert outcome.ok
    assert outcome.output.startswith("['COLOUR', 'HOME', 'LANG', 'PATH', 'TMPDIR', 'XDG_RUNTIME_DIR']\n")
    assert "key-of-the-operator" not in outcome.output


async def test_a_secret_of_the_app_stands_in_no_command_line(sandbox: ConfinedSandbox, workdir: Path) -> None:
    token = secrets.token_hex(8)
    seen = asyncio.Event()
    task = asyncio.create_task(
        sandbox.run(
            Command(argv=("/bin/sh", "-c", "echo up; sleep 60"), workdir=workdir, env={"APP_SECRET": token}),
            on_output=lambda _: seen.set(),
        )
    )
    try:
        await asyncio.wait_for(seen.wait(), 20)
        assert processes_with(token) == []
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_server_on_the_loopback_interface_cannot_be_reached(attack: Attack) -> None:
    with listening(("127.0.0.1", 0)) as server:
        outcome = await attack(
            "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 3); print('reached')",
            str(server.getsockname()[1]),
        )
    assert outcome.exit_code == 1
    assert "reached" not in outcome.output


@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_DGRAM"])
async def test_the_network_cannot_be_reached(attack: Attack, kind: str) -> None:
    outcome = await attack(
        "import socket, sys\n"
        "s = socket.socket(socket.AF_INET, getattr(socket, sys.argv[1])); s.settimeout(3)\n"
        "s.connect(('192.0.2.1', 53)); s.send(b'x'); print('sent')",
        kind,
    )
    assert outcome.exit_code == 1
    assert "sent" not in outcome.output


async def test_an_abstract_socket_of_the_host_cannot_be_reached(attack: Attack) -> None:
    name = f"nexus-test-{secrets.token_hex(8)}"
    with listening("\0" + name):
        outcome = await attack(
            "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect('\\0' + sys.argv[1]); print('reached')",
            name,
        )
    assert outcome.exit_code == 1
    assert "reached" not in outcome.output


async def test_a_process_of_the_host_cannot_be_signalled_or_traced(attack: Attack) -> None:
    victim = await asyncio.create_subprocess_exec("/bin/sleep", "60")
    try:
        outcome = await attack(
            "import ctypes, os, signal, sys\n"
            "pid = int(sys.argv[1]); libc = ctypes.CDLL(None, use_errno=True)\n"
            "print('traced', libc.ptrace(16, pid, None, None))\n"
            "for number in (signal.SIGKILL, signal.SIGSTOP):\n"
            "    try: os.kill(pid, number); print('signalled')\n"
            "    except OSError: print('refused')",
            str(victim.pid),
        )
        assert outcome.output == "traced -1\nrefused\nrefused\n"
        assert victim.returncode is None
        assert Path(f"/proc/{victim.pid}/stat").read_text().split()[2] == "S"
    finally:
        victim.kill()
        await victim.wait()


async def test_a_fork_bomb_is_held_and_nothing_of_it_is_left(attack: Attack) -> None:
    token = f"bomb-{secrets.token_hex(8)}"
    outcome = await attack(
        "import os, time\n"
        "made = 0\n"
        "while True:\n"
        "    try: child = os.fork()\n"
        "    except OSError: break\n"
        "    if child == 0: time.sleep(600)\n"
        "    made += 1\n"
        "print(made)",
        token,
        limits=Limits(pids=32, seconds=30),
    )
    assert outcome.ok, outcome
    assert 16 <= int(outcome.output) <= 40
    assert processes_with(token) == []


async def test_a_fork_bomb_that_never_ends_is_ended(attack: Attack) -> None:
    token = f"bomb-{secrets.token_hex(8)}"
    outcome = await attack(
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        token,
        limits=Limits(pids=32, seconds=2),
    )
    assert outcome.ending is Ending.TIMED_OUT
    assert processes_with(token) == []


@pytest.mark.parametrize(
    "code",
    [
        "hoard = [bytearray(16 << 20) for _ in range(1 << 12)]",
        "import mmap; m = mmap.mmap(-1, 4 << 30)\nfor i in range(0, 4 << 30, 4096): m[i] = 1",
        "import os\nfor _ in range(8):\n    if os.fork() == 0: break\nhoard = bytearray(100 << 20)\nimport time; time.sleep(60)",
    ],
    ids=["private", "shared", "many processes"],
)
async def test_a_memory_bomb_is_ended_and_told(attack: Attack, code: str) -> None:
    outcome = await attack(code, limits=Limits(memory_mb=256, seconds=60))
    assert outcome.ending is Ending.OUT_OF_MEMORY
    assert not outcome.ok


@pytest.mark.parametrize("call", ["os.memfd_create('x')", "ctypes.CDLL(None).shmget(0, 1 << 20, 0o1600) >= 0 or 1 / 0"])
async def test_memory_that_no_process_shows_cannot_be_had(attack: Attack, call: str) -> None:
    outcome = await attack(f"import os, ctypes; {call}; print('had it')")
    assert "had it" not in outcome.output
    assert outcome.exit_code == 1


async def test_a_single_file_cannot_fill_the_disk(attack: Attack, workdir: Path) -> None:
    outcome = await attack(
        "f = open('big', 'wb')\nfor _ in range(64): f.write(bytes(1 << 20)); f.flush()",
        limits=Limits(file_mb=8, seconds=30),
    )
    assert not outcome.ok
    assert (workdir / "big").stat().st_size <= 8 * MIB


async def test_endless_output_is_cut_and_ended(attack: Attack) -> None:
    outcome = await attack("import os\nwhile True: os.write(1, b'spam' * 16384)", limits=Limits(seconds=2, memory_mb=128))
    assert outcome.ending is Ending.TIMED_OUT
    assert 0 < len(outcome.output) <= 64 * 1024


async def test_a_daemon_left_behind_dies_with_the_command(attack: Attack) -> None:
    token = f"daemon-{secrets.token_hex(8)}"
    outcome = await attack(
        "import os, sys, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        null = os.open('/dev/null', os.O_RDWR)\n"
        "        for fd in (0, 1, 2): os.dup2(null, fd)\n"
        "        os.execve(sys.executable, [sys.executable, '-c', 'import time; time.sleep(600)', sys.argv[1]], {})\n"
        "    os._exit(0)\n"
        "os.wait(); time.sleep(0.3); print('left')",
        token,
    )
    assert outcome.output == "left\n"
    assert processes_with(token) == []


async def test_a_set_user_id_program_gives_no_power(attack: Attack) -> None:
    outcome = await attack(
        "import os, subprocess\n"
        "for call in (lambda: os.setuid(0), lambda: os.setresuid(0, 0, 0), lambda: os.setgid(0)):\n"
        "    try: call()\n"
        "    except OSError: pass\n"
        "print(os.geteuid() != 0 and os.getegid() != 0)\n"
        "status = open('/proc/self/status').read()\n"
        "print('NoNewPrivs:\\t1' in status, 'CapEff:\\t0000000000000000' in status, 'CapPrm:\\t0000000000000000' in status)",
    )
    assert outcome.output == "True\nTrue True True\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make the trap")
async def test_a_set_user_id_shell_in_the_working_folder_gives_no_power(sandbox: ConfinedSandbox, workdir: Path) -> None:
    shell = workdir / "sh"
    shell.write_bytes(Path("/bin/sh").read_bytes())
    (workdir / "second-name").hardlink_to(shell)  # two names: it stays root's
    shell.chmod(0o4755)
    outcome = await sandbox.run(Command(argv=("/app/sh", "-pc", "id -u"), workdir=workdir))
    assert outcome.output.strip() != "0"
    assert outcome.output.strip().isdecimal()


async def test_new_namespaces_mounts_and_keys_are_refused(attack: Attack) -> None:
    outcome = await attack(
        "import ctypes, os\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "print([libc.unshare(flag) for flag in (0x10000000, 0x20000, 0x40000000)])\n"
        "print(libc.mount(b'none', b'/tmp', b'tmpfs', 0, None), libc.chroot(b'/'))\n"
        "print(libc.syscall(250, 0, 0, 0, 0, 0) if os.uname().machine == 'x86_64' else -1)"
    )
    assert outcome.output == "[-1, -1, -1]\n-1 -1\n-1\n"


async def test_the_processes_of_the_host_show_nothing_of_worth(attack: Attack, sandbox: ConfinedSandbox) -> None:
    outcome = await attack(
        "import os, sys\n"
        "pid = sys.argv[1]; got = []\n"
        "for name in ('environ', 'mem', 'maps', 'cwd', 'root', 'fd/0'):\n"
        "    path = f'/proc/{pid}/{name}'\n"
        "    try: got.append((name, os.listdir(path) if name in ('cwd', 'root') else open(path, 'rb').read(64)))\n"
        "    except OSError: pass\n"
        "print(got, len([p for p in os.listdir('/proc') if p.isdecimal()]))",
        str(os.getpid()),
    )
    assert outcome.output.startswith("[] ")
    if sandbox.isolation is Isolation.NAMESPACES:
        assert int(outcome.output.split()[1]) <= 3


async def test_a_link_to_a_file_of_the_system_is_never_followed_by_us(attack: Attack, workdir: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    victim = outside / "shadow"
    victim.write_text("root:*")
    victim.chmod(0o600)
    before = victim.stat()
    plant = (
        "import os, sys\n"
        "os.symlink(sys.argv[1], 'file-link'); os.symlink(sys.argv[2], 'folder-link')\n"
        "os.symlink('/etc/shadow', 'shadow'); os.mkdir('deep'); os.symlink('../../outside', 'deep/up')"
    )
    for code in (plant, "print('again')"):  # the second run hands the planted links on to another user
        assert (await attack(code, str(victim), str(outside))).ok
    after = victim.stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755
    assert outside.stat().st_uid == os.geteuid()
    assert Path("/etc/shadow").stat().st_uid == 0
    assert os.readlink(workdir / "shadow") == "/etc/shadow"


async def test_what_comes_back_is_ours_and_has_no_set_id_bits_pipes_or_sockets(attack: Attack, workdir: Path) -> None:
    outcome = await attack(
        "import os, socket\n"
        "open('tool', 'w').write('x'); os.chmod('tool', 0o6711)\n"
        "open('hidden', 'w').write('y'); os.chmod('hidden', 0)\n"
        "os.mkdir('closed'); open('closed/file', 'w').write('z'); os.chmod('closed', 0)\n"
        "os.mkfifo('pipe'); s = socket.socket(socket.AF_UNIX); s.bind('socket')"
    )
    assert outcome.ok, outcome
    if os.geteuid() == 0:
        assert {path.lstat().st_uid for path in workdir.rglob("*")} == {0}
        assert not (workdir / "pipe").exists()
        assert not (workdir / "socket").exists()
        assert stat.S_IMODE((workdir / "tool").stat().st_mode) == 0o755
        assert stat.S_IMODE((workdir / "hidden").stat().st_mode) == 0o644
    (workdir / "closed").chmod(0o755)
    assert (workdir / "closed" / "file").read_text() == "z"


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user gives files to nobody")
async def test_folders_without_end_make_the_command_fail(attack: Attack, workdir: Path) -> None:
    outcome = await attack("import os\nfor _ in range(400): os.mkdir('d'); os.chdir('d')")
    assert not outcome.ok
    assert "too deep" in outcome.output


async def test_a_shared_package_store_cannot_be_poisoned_through_a_second_name(
    attack: Attack, workdir: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    store.mkdir()
    package = store / "package.js"
    package.write_text("good")
    (workdir / "package.js").hardlink_to(package)
    await attack("open('package.js', 'w').write('evil')")
    if os.geteuid() == 0:
        assert package.read_text() == "good"


async def test_the_file_tree_inside_cannot_be_changed(attack: Attack) -> None:
    outcome = await attack(
        "import os\n"
        "for path in ('/x', '/etc/x', '/run/x', '/dev/x', '/usr/x'):\n"
        "    try: os.mkdir(path); print('made', path)\n"
        "    except OSError: pass\n"
        "print('done')"
    )
    assert outcome.output == "done\n"


async def test_the_private_temporary_folder_is_bounded_and_gone_afterwards(attack: Attack, sandbox: ConfinedSandbox) -> None:
    outcome = await attack("import os, tempfile; print(tempfile.mkdtemp())")
    assert outcome.ok
    assert not Path(outcome.output.strip()).exists()
    if sandbox.isolation is Isolation.NAMESPACES:
        outcome = await attack(
            "import os\nfor n in range(999): open(f'/tmp/{n}', 'wb').write(bytes(1 << 20))",
            limits=Limits(memory_mb=128, seconds=30),
        )
        assert not outcome.ok


async def test_a_read_only_mount_cannot_be_written_and_a_writable_one_can(attack: Attack, tmp_path: Path) -> None:
    for name in ("layer", "cache"):
        (tmp_path / name).mkdir()
    (tmp_path / "layer" / "lib.txt").write_text("library")
    outcome = await attack(
        "import sys\n"
        "print(open(sys.argv[1] + '/lib.txt').read())\n"
        "open(sys.argv[2] + '/kept', 'w').write('kept')\n"
        "try: open(sys.argv[1] + '/evil', 'w').close(); print('wrote')\n"
        "except OSError: print('refused')",
        "/nexus/layer",
        "/nexus/cache",
        mounts=(
            Mount(source=tmp_path / "layer", target="/nexus/layer"),
            Mount(source=tmp_path / "cache", target="/nexus/cache", writable=True),
        ),
    )
    assert outcome.output == "library\nrefused\n"
    assert (tmp_path / "cache" / "kept").read_text() == "kept"
    assert os.listdir(tmp_path / "layer") == ["lib.txt"]


async def test_many_at_once_do_not_meet(sandbox: ConfinedSandbox, tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(6)]
    for folder in folders:
        folder.mkdir()
    code = "import os; open('me', 'w').write(str(os.getuid())); print(os.getuid())"
    outcomes = await asyncio.gather(
        *(sandbox.run(Command(argv=(os.path.realpath(sys.executable), "-c", code), workdir=folder)) for folder in folders)
    )
    assert all(outcome.ok for outcome in outcomes)
    if os.geteuid() == 0:
        assert len({outcome.output for outcome in outcomes}) == len(folders)
