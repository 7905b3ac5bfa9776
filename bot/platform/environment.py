"""The virtual environment that ``./nexus`` runs in: made from the lock file, renewed when it is stale.

Run by the script ``nexus`` with any Python from 3.11 on, before a single dependency is there: standard library alone. Then it becomes
``python -m bot``. ``nexus lock`` renews the lock files, ``requirements.lock`` for running and ``requirements-dev.lock`` for testing.

The environment is ``.venv`` in the checkout, or ``NEXUS_VENV``, or a folder in the user's cache where the checkout cannot be
written. A stamp in it, written last, names the lock file and the Python it was made from; without a matching stamp nothing runs. Packages
are added and replaced in place: a Nexus that runs from the same folder goes on. ``uv`` is used where it works, and pip otherwise.

Refuses to write to standard output, which belongs to the command (``nexus token`` prints a token and nothing else).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

RUNTIME, DEV = "requirements.lock", "requirements-dev.lock"
DEV_COMMANDS = frozenset({"test", "check"})

_HEADER = """\
# {what} Renew with `./nexus lock` (add `--upgrade` for newer releases); the wishes are in pyproject.toml.
"""


class SetupFailed(Exception):
    """The environment cannot be made; the message has the remedy."""


def main(argv: list[str]) -> int:
    """Run a command of ``nexus``; returns only when it did not get that far."""
    checkout, rest = Path(argv[0]), argv[1:]
    try:
        if rest[:1] == ["lock"]:
            lock(checkout, rest[1:])
            return 0
        dev = bool(DEV_COMMANDS & set(rest[:1]))
        python = ready(checkout, dev=dev)
    except SetupFailed as error:
        print(f"nexus: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    path = [str(checkout), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    # -P: the folder that the command is called from is not searched for modules; it may have a `bot` of its own.
    return os.execve(python, [str(python), "-P", "-m", "bot", *rest], environment)  # noqa: S606


def ready(checkout: Path, *, dev: bool) -> Path:
    """The environment's Python, after making or renewing the environment when it must be."""
    venv = place(checkout)
    python = venv / "bin" / "python"
    wanted = stamp(checkout, dev=dev)
    if _is_fresh(venv, wanted, checkout):
        return python
    venv.parent.mkdir(parents=True, exist_ok=True)
    with _lock(venv):
        if not _is_fresh(venv, wanted, checkout):  # another one may have made it meanwhile
            dev = dev or _was_dev(venv)
            _make(checkout, venv, DEV if dev else RUNTIME)
            (venv / ".nexus-stamp").write_text(stamp(checkout, dev=dev) + _interpreter(venv))
    return python


def place(checkout: Path) -> Path:
    """Where the environment is."""
    if named := os.environ.get("NEXUS_VENV"):
        return Path(named).expanduser().absolute()
    venv = checkout / ".venv"
    if os.access(venv if venv.is_dir() else checkout, os.W_OK):
        return venv
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "nexus" / f"venv-{hashlib.sha256(os.fsencode(checkout)).hexdigest()[:12]}"


def stamp(checkout: Path, *, dev: bool) -> str:
    """What an environment is made from, first line of its stamp."""
    file = checkout / (DEV if dev else RUNTIME)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SetupFailed(f"{file.name} is missing in {str(checkout)!r}: get it back with `git checkout {file.name}`.") from error
    digest = hashlib.sha256(content).hexdigest()
    return f"{file.name} {digest}\n"


def _interpreter(venv: Path) -> str:
    """Its second line. The Python that it was made with, not the one that happens to be first on the path today."""
    return f"python {(venv / 'bin' / 'python').resolve()}\n"


def _is_fresh(venv: Path, wanted: str, checkout: Path) -> bool:
    try:
        found = (venv / ".nexus-stamp").read_text()
    except OSError:
        return False
    if not os.access(venv / "bin" / "python", os.X_OK):
        return False
    fitting = [wanted]
    if wanted.startswith(f"{RUNTIME} ") and (checkout / DEV).exists():
        fitting.append(stamp(checkout, dev=True))  # the one for testing has everything that the one for running has
    return found in [line + _interpreter(venv) for line in fitting]


def _was_dev(venv: Path) -> bool:
    with contextlib.suppress(OSError):
        return (venv / ".nexus-made").read_text() == DEV
    return False


def _make(checkout: Path, venv: Path, lock_file: str) -> None:
    started = time.monotonic()
    new = not (venv / "bin" / "python").exists()
    _say(f"{'making' if new else 'renewing'} {venv} from {lock_file}" + (", once; this can take a minute" if new else ""))
    (venv / ".nexus-stamp").unlink(missing_ok=True)
    uv = _uv(venv)
    if not _serves(venv):
        _create(venv, uv)
    (venv / ".nexus-made").write_text(lock_file)
    requirements = str(checkout / lock_file)
    python = str(venv / "bin" / "python")
    done = None
    if uv:
        argv = [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "--compile-bytecode", "-r", requirements]
        done = _run(argv)
        if done.returncode != 0:
            _say(f"uv did not manage ({_last(done)}); trying pip")
    if done is None or done.returncode != 0:
        _ensure_pip(venv, python)
        argv = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", requirements]
        done = _run(argv)
    if done.returncode != 0:
        raise SetupFailed(
            f"the packages of {lock_file} could not be installed:\n{_tail(done)}\nCheck the network, the package index that pip or uv "
            "is set up for, and the free disk space; then run the same command again."
        )
    _say(f"ready in {time.monotonic() - started:.0f} s")


def _serves(venv: Path) -> bool:
    """Whether the environment can be kept: its Python starts, is new enough, and has its own packages' folder."""
    code = "import sys, os, sysconfig; print(sys.version_info >= (3, 11) and os.path.isdir(sysconfig.get_path('purelib')))"
    try:
        return _run([str(venv / "bin" / "python"), "-I", "-c", code]).stdout.strip() == "True"
    except OSError:
        return False


def _create(venv: Path, uv: str | None) -> None:
    if venv.exists() and not (venv / "pyvenv.cfg").exists() and any(venv.iterdir()):
        raise SetupFailed(
            f"{str(venv)!r} is not a virtual environment and not empty; remove it, or name another one in NEXUS_VENV."
        )
    base = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)  # python3 may be another one tomorrow
    if uv and _run([uv, "venv", "--quiet", "--clear", "--no-project", "--python", base, str(venv)]).returncode == 0:
        return
    try:
        import ensurepip  # noqa: F401 - Debian leaves it out of python3
    except ImportError as error:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise SetupFailed(
            f"this Python {version} cannot make virtual environments (it has no ensurepip). On Debian and Ubuntu: "
            "apt install python3-venv. Elsewhere, install uv; ./nexus uses it when it is on the path."
        ) from error
    done = _run([base, "-m", "venv", "--clear", str(venv)])
    if done.returncode != 0:
        raise SetupFailed(f"the virtual environment {str(venv)!r} could not be made:\n{_tail(done)}")


def _ensure_pip(venv: Path, python: str) -> None:
    if _run([python, "-m", "pip", "--version"]).returncode == 0:
        return
    if _run([python, "-m", "ensurepip"]).returncode != 0:
        raise SetupFailed(
            f"there is no pip in {str(venv)!r} and it cannot be added. On Debian and Ubuntu: apt install python3-venv."
        )


def _uv(venv: Path) -> str | None:
    """A uv that works: on the path it may be a broken shim."""
    for found in (shutil.which("uv"), str(venv / "bin" / "uv")):
        if found:
            with contextlib.suppress(OSError):
                if _run([found, "--version"]).returncode == 0:
                    return found
    return None


def lock(checkout: Path, options: list[str]) -> None:
    """Write both lock files anew from pyproject.toml, with hashes, for every platform, and without any index's address."""
    uv = _uv(place(checkout))
    if uv is None:
        raise SetupFailed("`nexus lock` needs uv: run `./nexus doctor` once, which sets it up, or install it.")
    files: tuple[tuple[str, str, list[str]], ...] = (
        (RUNTIME, "What Nexus runs on.", []),
        (DEV, "What Nexus is tested with.", ["--extra", "dev", "-c", RUNTIME]),
    )
    for name, what, more in files:
        _say(f"resolving {name}")
        argv = [uv, "pip", "compile", "pyproject.toml", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
        argv += [
            "--no-header",
            "--no-emit-index-url",
            "--no-emit-find-links",
            "--no-emit-build-options",
            "-o",
            name,
            *more,
            *options,
        ]
        done = _run(argv, cwd=checkout)
        if done.returncode != 0:
            raise SetupFailed(f"{name} could not be resolved:\n{_tail(done)}")
        body = "".join(line for line in (checkout / name).read_text().splitlines(keepends=True) if not line.startswith("# "))
        if "://" in body or "--index" in body or "--find-links" in body:
            raise SetupFailed(f"{name} would name a package index or an address; look at it before it is committed.")
        (checkout / name).write_text(_HEADER.format(what=what) + body)


@contextlib.contextmanager
def _lock(venv: Path) -> Iterator[None]:
    """One at a time: two commands started together make one environment."""
    folder = os.open(venv.parent, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("waiting for another nexus that sets up the same environment")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _run(argv: list[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def _tail(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return "\n".join(f"    {line}" for line in lines[-8:])


def _last(done: subprocess.CompletedProcess[str]) -> str:
    lines = done.stderr.strip().splitlines()
    return lines[-1].strip()[:160] if lines else f"exit code {done.returncode}"


def _say(text: str) -> None:
    print(f"nexus: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
