"""What every `Sandbox` promises, on the fake and on the real walls of this machine."""

# The condition is in another process: nothing there can set an event. Small local files do not block.
# ruff: noqa: ASYNC110

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from adapters.sandboxes.bubblewrap import Bubblewrap
from adapters.sandboxes.confined import ConfinedSandbox
from adapters.sandboxes.detect import detect
from core.errors import MissingPart
from core.verification.fake_sandbox import FakeSandbox
from core.verification.sandbox import Command, Ending, Outcome, Sandbox
from core.words.walls import Isolation, Limits

PYTHON = os.path.realpath(sys.executable)
_TAIL = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A command for the real walls, and how the fake is told to end it."""

    code: str
    fake: Outcome | None


def exited(code: int, output: str) -> Outcome:
    return Outcome(ending=Ending.EXITED, exit_code=code, output=output, seconds=0.1)


CASES: Mapping[str, Case] = {
    "greets": Case(code="print('hello')", fake=exited(0, "hello\n")),
    "fails": Case(
        code="import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)",
        fake=exited(3, "out\nerr\n"),
    ),
    "speaks two bytes": Case(
        code="import os; os.write(1, b'\\xff caf\\xc3'); os.write(1, b'\\xa9')", fake=exited(0, "\ufffd café")
    ),
    "prints much": Case(
        code="for n in range(30000): print(f'line {n}')",
        fake=exited(0, "".join(f"line {n}\n" for n in range(30000))),
    ),
    "never ends": Case(code="import time; print('up', flush=True); time.sleep(600)", fake=None),
    "kills itself": Case(
        code="import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
        fake=Outcome(ending=Ending.SIGNALLED, exit_code=143, output="", seconds=0.1),
    ),
    "takes all memory": Case(
        code="hoard = [bytearray(16 << 20) for _ in range(999)]",
        fake=Outcome(ending=Ending.OUT_OF_MEMORY, exit_code=137, output="", seconds=0.1),
    ),
}


@dataclass(slots=True, kw_only=True)
class Harness:
    sandbox: Sandbox
    workdir: Path
    tokens: list[str] = field(default_factory=list)

    def command(self, case: str, **options: Any) -> Command:
        token = f"{case} {secrets.token_hex(8)}"
        self.tokens.append(token)
        return Command(argv=(PYTHON, "-c", CASES[case].code, token), workdir=self.workdir, **options)

    async def run(self, case: str, **options: Any) -> Outcome:
        return await self.sandbox.run(self.command(case, **options))

    def left(self) -> list[str]:
        """Commands of which something still runs."""
        if isinstance(self.sandbox, FakeSandbox):
            return [command.argv[-1] for command in self.sandbox.running]
        running = []
        for name in os.listdir("/proc"):
            if name.isdecimal():
                try:
                    running.append(Path("/proc", name, "cmdline").read_bytes())
                except OSError:
                    continue
        return [token for token in self.tokens if any(token.encode() in line for line in running)]


def _script(command: Command) -> Outcome | None:
    return CASES[command.argv[-1].rpartition(" ")[0]].fake


REAL = ["bubblewrap", "bubblewrap as an ordinary user", "restricted"]


async def _sandbox(kind: str) -> Sandbox:
    if kind == "fake":
        return FakeSandbox(_script)
    try:
        confinement = await detect(forced=kind.partition(" ")[0])
    except MissingPart as error:
        if kind == "restricted" or os.environ.get("CI"):
            raise
        pytest.skip(f"no namespaces can be made here: {error}")
    if kind == "bubblewrap as an ordinary user":
        assert isinstance(confinement, Bubblewrap)
        confinement = Bubblewrap(program=confinement.program, own_user_namespace=True)
    return ConfinedSandbox(confinement)


@pytest.fixture(scope="session", params=["fake", *REAL])
async def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return await _sandbox(request.param)


@pytest.fixture(scope="session", params=REAL)
async def walls(request: pytest.FixtureRequest) -> Sandbox:
    return await _sandbox(request.param)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Not pytest's: another pytest that starts meanwhile closes its base folder to the sandbox's users."""
    folder = Path(tempfile.mkdtemp(prefix="nx"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def harness(sandbox: Sandbox, tmp_path: Path) -> Harness:
    return Harness(sandbox=sandbox, workdir=tmp_path)


async def test_a_command_that_works_ends_with_its_output_and_code_zero(harness: Harness) -> None:
    outcome = await harness.run("greets")
    assert (outcome.ending, outcome.exit_code, outcome.output, outcome.ok) == (Ending.EXITED, 0, "hello\n", True)
    assert outcome.seconds > 0


async def test_a_command_that_fails_is_an_outcome_with_both_streams(harness: Harness) -> None:
    outcome = await harness.run("fails")
    assert (outcome.ending, outcome.exit_code, outcome.output, outcome.ok) == (
        Ending.EXITED,
        3,
        "out\nerr\n",
        False,
    )


async def test_output_that_is_not_text_is_replaced_and_characters_are_not_cut(harness: Harness) -> None:
    pieces: list[str] = []
    outcome = await harness.sandbox.run(harness.command("speaks two bytes"), on_output=pieces.append)
    assert outcome.output == "\ufffd café"
    assert "".join(pieces) == "\ufffd café"


async def test_all_output_is_streamed_and_the_last_64_kib_are_kept(harness: Harness) -> None:
    pieces: list[str] = []
    outcome = await harness.sandbox.run(harness.command("prints much"), on_output=pieces.append)
    whole = "".join(f"line {n}\n" for n in range(30000))
    assert "".join(pieces) == whole
    assert outcome.output == whole[-_TAIL:]


async def test_the_time_limit_ends_a_command_and_is_told(harness: Harness) -> None:
    outcome = await harness.run("never ends", limits=Limits(seconds=1.0))
    assert outcome.ending is Ending.TIMED_OUT
    assert not outcome.ok
    assert outcome.seconds >= 1.0
    assert harness.left() == []


async def test_the_memory_limit_ends_a_command_and_is_told(harness: Harness) -> None:
    outcome = await harness.run("takes all memory", limits=Limits(memory_mb=128))
    assert outcome.ending is Ending.OUT_OF_MEMORY
    assert not outcome.ok


async def test_a_command_killed_by_a_signal_says_so(harness: Harness) -> None:
    outcome = await harness.run("kills itself")
    assert (outcome.ending, outcome.exit_code, outcome.ok) == (Ending.SIGNALLED, 143, False)


async def test_a_cancelled_run_leaves_nothing_running(harness: Harness) -> None:
    command = harness.command("never ends", limits=Limits(seconds=None))
    up = asyncio.Event()
    task = asyncio.create_task(harness.sandbox.run(command, on_output=lambda _: up.set()))
    if isinstance(harness.sandbox, FakeSandbox):
        while not harness.left():
            await asyncio.sleep(0)
    else:
        await asyncio.wait_for(up.wait(), 20)
    assert harness.left() == [command.argv[-1]]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert harness.left() == []


async def test_it_says_how_strong_the_walls_are(harness: Harness) -> None:
    expected = {True: {Isolation.NAMESPACES}, False: {Isolation.USER, Isolation.PROCESS}}
    strong = isinstance(harness.sandbox, FakeSandbox) or isinstance(getattr(harness.sandbox, "confinement", None), Bubblewrap)
    assert harness.sandbox.isolation in expected[strong]


# What a fake cannot show.


async def test_what_a_command_writes_into_its_folder_stays_and_can_be_read(walls: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "in.txt").write_text("given")
    script = "set -e; cat source/in.txt > source/out.txt; mkdir made; echo new > made/file; rm source/in.txt"
    outcome = await walls.run(Command(argv=("/bin/sh", "-c", script), workdir=tmp_path))
    assert outcome.ok, outcome
    assert (tmp_path / "source" / "out.txt").read_text() == "given"
    assert (tmp_path / "made" / "file").read_text() == "new\n"
    assert not (tmp_path / "source" / "in.txt").exists()
    assert (tmp_path / "made").stat().st_uid == os.geteuid()


async def test_the_folder_is_called_app_in_arguments_and_environment(walls: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\ncat $CONFIG\n")
    (tmp_path / "tool").chmod(0o755)
    (tmp_path / "config").write_text("blue")
    command = Command(argv=("/app/tool",), workdir=tmp_path, env={"CONFIG": "/app/config"})
    outcome = await walls.run(command)
    assert (outcome.exit_code, outcome.output) == (0, "blue")


async def test_a_program_that_is_not_there_is_an_outcome(walls: Sandbox, tmp_path: Path) -> None:
    outcome = await walls.run(Command(argv=("/usr/bin/no-such-program",), workdir=tmp_path))
    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 127)
    assert "no-such-program" in outcome.output


async def test_a_reader_that_fails_ends_the_command(walls: Sandbox, tmp_path: Path) -> None:
    def fail(_: str) -> None:
        raise ValueError("the reader fails")

    harness = Harness(sandbox=walls, workdir=tmp_path)
    command = harness.command("never ends", limits=Limits(seconds=None))
    with pytest.raises(ValueError, match="the reader fails"):
        await walls.run(command, on_output=fail)
    assert harness.left() == []


async def test_a_command_dies_when_nexus_is_killed(walls: Sandbox, tmp_path: Path) -> None:
    assert isinstance(walls, ConfinedSandbox)
    kind = "bubblewrap" if isinstance(walls.confinement, Bubblewrap) else "restricted"
    token = f"orphan {secrets.token_hex(8)}"
    work = tmp_path / "work"
    work.mkdir()
    nexus = (
        "import asyncio, sys; from pathlib import Path\n"
        "from adapters.sandboxes.confined import ConfinedSandbox; from adapters.sandboxes.detect import detect\n"
        "from core.verification.sandbox import Command, Limits\n"
        "async def main():\n"
        "    sandbox = ConfinedSandbox(await detect(forced=sys.argv[1]))\n"
        "    code = \"import time; print('up', flush=True); time.sleep(600)\"\n"
        "    command = Command(argv=(sys.argv[3], '-c', code, sys.argv[4]), workdir=Path(sys.argv[2]))\n"
        "    await sandbox.run(command, on_output=lambda text: print(text, flush=True))\n"
        "asyncio.run(main())\n"
    )
    root = Path(__file__).resolve().parents[2]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", nexus, kind, str(work), PYTHON, token),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert process.stdout is not None
    assert (await asyncio.wait_for(process.stdout.readline(), 30)) == b"up\n"
    process.kill()
    await process.wait()
    harness = Harness(sandbox=walls, workdir=tmp_path, tokens=[token])
    async with asyncio.timeout(20):
        while harness.left():
            await asyncio.sleep(0.02)


async def test_walls_that_cannot_be_made_any_more_are_a_missing_part(tmp_path: Path) -> None:
    sandbox = ConfinedSandbox(Bubblewrap(program=tmp_path / "no-bwrap", own_user_namespace=True))
    with pytest.raises(MissingPart, match="nexus doctor"):
        await sandbox.run(Command(argv=("/bin/true",), workdir=tmp_path))
