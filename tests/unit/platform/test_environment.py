"""The script ``nexus`` and the environment it makes, on a small checkout whose lock files name no package: no index is needed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BOT = "import os, sys; print('ran', sys.argv[1:], sys.prefix)"


@pytest.fixture
def checkout(place: Path) -> Path:
    """Nexus's script and set-up, with a program that tells how it was called; in a folder with a space."""
    folder = place / "a checkout"
    (folder / "bot" / "platform").mkdir(parents=True)
    shutil.copy2(ROOT / "nexus", folder)
    shutil.copy2(ROOT / "bot" / "platform" / "environment.py", folder / "bot" / "platform")
    (folder / "bot" / "__init__.py").touch()
    (folder / "bot" / "__main__.py").write_text(BOT)
    for name in ("requirements.lock", "requirements-dev.lock"):
        (folder / name).write_text(f"# {name}\n")
    return folder


@pytest.fixture
def environment(place: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(place),
        "NEXUS_PYTHON": sys.executable,
        "UV_OFFLINE": "1",
        "PIP_NO_INDEX": "1",
    }


def run(script: Path, *words: str, env: dict[str, str], cwd: Path | str = "/") -> subprocess.CompletedProcess[str]:
    return subprocess.run([script, *words], env=env, cwd=cwd, capture_output=True, text=True, timeout=120)


def ran(*words: str, venv: Path) -> str:
    return f"ran {list(words)} {venv}\n"


def test_it_makes_the_environment_and_says_nothing_on_stdout_but_the_commands_words(
    checkout: Path, environment: dict[str, str]
) -> None:
    first = run(checkout / "nexus", "token", "ann", env=environment)
    second = run(checkout / "nexus", "token", "a b", env=environment)

    assert first.stdout == ran("token", "ann", venv=checkout / ".venv")
    assert re.fullmatch(r"nexus: making .*\nnexus: ready in \d+ s\n", first.stderr)
    assert (second.stdout, second.stderr) == (ran("token", "a b", venv=checkout / ".venv"), "")


def test_it_works_from_anywhere_and_through_links(checkout: Path, place: Path, environment: dict[str, str]) -> None:
    elsewhere = place / "elsewhere"
    (elsewhere / "bot").mkdir(parents=True)
    (elsewhere / "bot" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    (place / "first").symlink_to("a checkout/nexus")
    (elsewhere / "second").symlink_to(place / "first")

    done = run(Path("second"), "list", env={**environment, "PATH": f"{elsewhere}:{environment['PATH']}"}, cwd=elsewhere)
    assert done.stdout == ran("list", venv=checkout / ".venv")


def test_a_changed_lock_file_renews_it(checkout: Path, environment: dict[str, str]) -> None:
    run(checkout / "nexus", "list", env=environment)
    (checkout / "requirements.lock").write_text("# newer\n")
    renewed = run(checkout / "nexus", "list", env=environment)

    assert renewed.stderr.startswith("nexus: renewing")
    assert run(checkout / "nexus", "list", env=environment).stderr == ""


def test_the_one_for_testing_serves_for_running(checkout: Path, environment: dict[str, str]) -> None:
    run(checkout / "nexus", "list", env=environment)
    tested = run(checkout / "nexus", "test", env=environment)

    assert "requirements-dev.lock" in tested.stderr
    assert run(checkout / "nexus", "list", env=environment).stderr == ""
    assert run(checkout / "nexus", "check", env=environment).stderr == ""


def test_a_broken_environment_is_made_anew(checkout: Path, environment: dict[str, str]) -> None:
    run(checkout / "nexus", "list", env=environment)
    (checkout / ".venv" / "bin" / "python").unlink()
    (checkout / ".venv" / "bin" / "python").symlink_to("/nowhere/python")
    done = run(checkout / "nexus", "list", env=environment)

    assert done.stdout == ran("list", venv=checkout / ".venv")
    assert "making" in done.stderr


def test_an_interrupted_making_is_completed(checkout: Path, environment: dict[str, str]) -> None:
    run(checkout / "nexus", "list", env=environment)
    (checkout / ".venv" / ".nexus-stamp").unlink()

    assert "renewing" in run(checkout / "nexus", "list", env=environment).stderr
    assert (checkout / ".venv" / ".nexus-stamp").exists()


def test_two_at_once_make_one(checkout: Path, environment: dict[str, str]) -> None:
    both = [
        subprocess.Popen([checkout / "nexus", str(n)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for n in range(2)
    ]
    said = [process.communicate(timeout=120) for process in both]

    assert [out for out, _ in said] == [ran(str(n), venv=checkout / ".venv") for n in range(2)]
    assert "".join(err for _, err in said).count("making") == 1


def test_another_place_can_be_named(checkout: Path, place: Path, environment: dict[str, str]) -> None:
    done = run(checkout / "nexus", "list", env={**environment, "NEXUS_VENV": str(place / "else" / "where")})

    assert done.stdout == ran("list", venv=place / "else" / "where")
    assert not (checkout / ".venv").exists()


def test_somebodys_folder_is_not_overwritten(checkout: Path, environment: dict[str, str]) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "thesis.txt").write_text("years of work")
    done = run(checkout / "nexus", "list", env=environment)

    assert done.returncode == 1
    assert "is not a virtual environment" in done.stderr
    assert (checkout / ".venv" / "thesis.txt").read_text() == "years of work"


def test_packages_that_cannot_be_had_are_said_and_nothing_runs(checkout: Path, environment: dict[str, str]) -> None:
    (checkout / "requirements.lock").write_text(f"nexus-is-no-package==1 --hash=sha256:{'0' * 64}\n")
    done = run(checkout / "nexus", "list", env=environment)

    assert done.returncode == 1
    assert done.stdout == ""
    assert "could not be installed" in done.stderr
    assert not (checkout / ".venv" / ".nexus-stamp").exists()


def test_a_missing_lock_file_is_said(checkout: Path, environment: dict[str, str]) -> None:
    (checkout / "requirements.lock").unlink()
    done = run(checkout / "nexus", "list", env=environment)

    assert done.returncode == 1
    assert "git checkout requirements.lock" in done.stderr


def test_without_a_fitting_python_the_remedy_is_said(checkout: Path, place: Path, environment: dict[str, str]) -> None:
    old = place / "old"
    old.mkdir()
    for name in ("dirname", "readlink"):
        (old / name).symlink_to(shutil.which(name) or "")
    script = checkout / "nexus"
    script.write_text(script.read_text().replace(" /usr/bin/python3 /usr/local/bin/python3", ""))
    done = run(script, "list", env={"PATH": str(old), "HOME": str(place)})

    assert done.returncode == 1
    assert "Python 3.11 or newer is needed" in done.stderr
    assert "apt install" in done.stderr


def test_without_uv_pip_makes_it(checkout: Path, place: Path, environment: dict[str, str]) -> None:
    bare = place / "bare"
    bare.mkdir()
    for name in ("dirname", "readlink"):
        (bare / name).symlink_to(shutil.which(name) or "")
    done = run(checkout / "nexus", "list", env={**environment, "PATH": str(bare)})

    assert done.stdout == ran("list", venv=checkout / ".venv")
    assert (checkout / ".venv" / "bin" / "pip").exists()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_lock_files_pin_every_wish_with_hashes_and_name_no_address(name: str) -> None:
    lock = (ROOT / name).read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wishes = project["dependencies"] + (project["optional-dependencies"]["dev"] if "dev" in name else [])
    pinned = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    wanted = {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=; ]", wish)[0].lower()) for wish in wishes}

    assert wanted <= pinned
    assert "://" not in lock
    assert len(re.findall(r"^[a-z0-9-]+==.*\\\n    --hash=sha256:", lock, re.MULTILINE)) == len(
        re.findall(r"^[a-z0-9-]+==", lock, re.MULTILINE)
    )


def test_nothing_but_the_standard_library_is_needed_to_begin() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import runpy; runpy.run_path({str(ROOT / 'bot/platform/environment.py')!r})"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
