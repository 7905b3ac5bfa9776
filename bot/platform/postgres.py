"""The embedded Postgres: the ledger's database and the tenants', on one machine, with nothing to install.

Started by `bot.wiring` unless ``POSTGRES_URL`` names another one. The wheel brings the programs; the launcher is ours, because
the wheel's own uses trust authentication and opens up parent folders. Every connection authenticates with scram-sha-256. It listens on
loopback alone, on a port that is kept in the data folder, and on a socket in the runtime folder.

As root it runs as another, existing user (Postgres refuses root), in a folder of that user's own. That user must be nobody
else's: an app that ran as the same user could read all databases' files. Sandboxes therefore avoid `EmbeddedPostgres.uid`.

Refuses a cluster of another major version: that is an upgrade, which nobody should find happening by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Final
from urllib.parse import quote

import asyncpg
from pydantic import SecretStr

from bot.platform.child import Child, Process, Recipe
from bot.platform.data_folder import DataFolder
from core.errors import DataFolderError, MissingPart, OperatorError

SUPERUSER: Final = "nexus"
LEDGER: Final = "nexus"  #: the ledger's database
MAX_CONNECTIONS: Final = 200

#: In order of preference when Nexus is root. The first is for operators who make one; ``daemon`` comes before ``nobody`` because
#: ``nobody`` is what other programs drop to most.
USERS: Final = ("nexus-postgres", "daemon", "nobody")

#: Outside of every system's range for outgoing connections, so that a kept port stays free.
_PORTS: Final = range(20_000, 32_000)

_HBA = """\
# Written by Nexus at every start.
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
host all all ::1/128 scram-sha-256
"""

_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_permissions": "0777",  # whoever gets the socket mounted still needs a password
    "password_encryption": "scram-sha-256",
    "max_connections": str(MAX_CONNECTIONS),
    "superuser_reserved_connections": "10",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "wal_compression": "on",
    "max_parallel_workers_per_gather": "1",
    "io_method": "sync",  # no extra processes on a laptop
    "jit": "off",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # statements hold people's data
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "cluster_name": "nexus",
}


class PostgresPlace:
    """Where a data folder's Postgres is reached, by whoever may read the folder."""

    def __init__(self, data: DataFolder, *, port: int = 0) -> None:
        self._data = data
        self._port = port

    @classmethod
    def of(cls, data: DataFolder) -> PostgresPlace | None:
        """The one that a running Nexus started; None when none has started one there yet."""
        with contextlib.suppress(OSError, ValueError):
            return cls(data, port=int(_port_file(data).read_text()))
        return None

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1, which is also in the socket's name; known once started."""
        return self._port

    @property
    def socket_dir(self) -> Path:
        """The folder of the socket ``.s.PGSQL.<port>``."""
        return self._data.runtime / "pg"

    @property
    def password(self) -> SecretStr:
        """The superuser's: random, in that it is derived from the folder's random key."""
        return SecretStr(self._data.secret("postgres superuser").hex())

    def dsn(self, database: str = LEDGER, *, driver: str = "postgresql") -> SecretStr:
        """A superuser's URL over the socket, for asyncpg and libpq; ``driver="postgresql+asyncpg"`` for SQLAlchemy."""
        folder = quote(str(self.socket_dir), safe="/")
        return SecretStr(
            f"{driver}://{SUPERUSER}:{self.password.get_secret_value()}@/{quote(database)}?host={folder}&port={self._port}"
        )


class EmbeddedPostgres(PostgresPlace):
    """A supervised Postgres on a data folder. One at a time per folder: the caller has claimed the folder."""

    def __init__(self, data: DataFolder, *, bin: Path) -> None:
        super().__init__(data)
        self._bin = bin
        self._user = _user_for(data)
        self._child = Child(
            name="postgres",
            run=data.run,
            logs=data.logs,
            prepare=self._prepare,
            ready=self._answers,
            # INT disconnects the clients and writes a checkpoint; QUIT gives that up and recovers at the next start.
            stop_signals=((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0)),
            ready_seconds=60.0,  # recovery after a crash replays at most max_wal_size
        )

    # -- what others need ------------------------------------------------------------------------------------------

    @property
    def bin(self) -> Path:
        """The folder of initdb, pg_dump, pg_restore and psql."""
        return self._bin

    @property
    def uid(self) -> int:
        """The user that the server runs as."""
        return self._user.pw_uid if self._user else os.geteuid()

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def restarts(self) -> int:
        """How often it was brought back since `start`."""
        return self._child.restarts

    def tail(self, lines: int = 20) -> str:
        """The last lines of the server's log."""
        return self._child.tail(lines)

    # -- life ------------------------------------------------------------------------------------------------------

    async def start(self) -> bool:
        """Start it, making the cluster and the ledger's database when missing; returns whether a running one was adopted.

        Raises:
            ChildFailed: it does not start; with its log's tail.
            DataFolderError: its files are of another major version.
            DiskFull: no room for the cluster.
        """
        await asyncio.to_thread(self._make_cluster)
        self._port = self._kept_port()
        adopted = await self._child.start()
        await self._make_ledger()
        return adopted

    async def stop(self) -> None:
        """Stop it, with a checkpoint; no process of it is left."""
        await self._child.stop()

    # -- steps -----------------------------------------------------------------------------------------------------

    @property
    def _home(self) -> Path:
        return self._data.root / "postgres"

    @property
    def _cluster(self) -> Path:
        return self._home / "data"

    def _make_cluster(self) -> None:
        for folder, mode in ((self._home, 0o700), (self.socket_dir, 0o711)):
            folder.mkdir(exist_ok=True)
            folder.chmod(mode)
            if self._user and folder.stat().st_uid != self._user.pw_uid:
                os.chown(folder, self._user.pw_uid, self._user.pw_gid)
        if self._cluster.exists():
            self._check_version()
            return
        self._data.check_room()
        new, secret = self._home / "data.new", self._home / ".password"
        shutil.rmtree(new, ignore_errors=True)
        secret.unlink(missing_ok=True)
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(self.password.get_secret_value())
        if self._user:
            os.chown(secret, self._user.pw_uid, self._user.pw_gid)
        try:
            self._initdb(new, secret)
        finally:
            secret.unlink(missing_ok=True)
        new.rename(self._cluster)

    def _initdb(self, folder: Path, secret: Path) -> None:
        argv = [str(self._bin / "initdb"), "-D", str(folder), "-U", SUPERUSER, "--pwfile", str(secret)]
        argv += ["-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--locale-provider=builtin"]
        argv += ["--builtin-locale=C.UTF-8", "--no-instructions"]
        ids = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []} if self._user else {}
        try:
            done = subprocess.run(  # type: ignore[call-overload]
                argv, env=_ENVIRONMENT, cwd="/", capture_output=True, text=True, timeout=120, umask=0o077, **ids
            )
        except (FileNotFoundError, PermissionError) as error:
            raise MissingPart(
                f"Postgres's initdb cannot be run at {argv[0]!r}: {error.strerror}. `nexus doctor` says more."
            ) from error
        if done.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            self._data.check_room(32 * 1024 * 1024)
            raise OperatorError(f"Postgres's initdb failed: {(done.stderr or done.stdout).strip()[-600:]}")

    def _check_version(self) -> None:
        has = (self._cluster / "PG_VERSION").read_text().strip()
        shown = subprocess.run([self._bin / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
        comes = shown.split()[-1].partition(".")[0]
        if has != comes:
            raise DataFolderError(
                f"The databases in {str(self._data.wanted)!r} were written by Postgres {has}, and this Nexus brings {comes}. Run the "
                "Nexus that made them and move them over with pg_dump, or choose another folder with --data."
            )

    def _kept_port(self) -> int:
        """The port of last time, while its process lives or the port is free; otherwise another one."""
        file = _port_file(self._data)
        with contextlib.suppress(OSError, ValueError):
            port = int(file.read_text())
            if self._child.survivor() or self._orphan() is not None or _is_free(port):
                return port
        port = next(p for p in random.sample(_PORTS, len(_PORTS)) if _is_free(p))
        file.write_text(f"{port}\n")
        return port

    async def _prepare(self) -> Recipe:
        """Before each start: no stale pid file, our own access rules, our own settings."""
        self._data.check_room(32 * 1024 * 1024)
        if (orphan := self._orphan()) is not None:  # it runs, but our pid file of it is lost
            orphan.send(signal.SIGINT)
            await orphan.gone_within(20.0)
        else:
            # In a container pids repeat: Postgres would take any process with the old number for its own predecessor.
            (self._cluster / "postmaster.pid").unlink(missing_ok=True)
        hba = self._cluster / "pg_hba.conf"
        if hba.read_text() != _HBA:
            hba.write_text(_HBA)
        settings = _SETTINGS | {"port": str(self._port), "unix_socket_directories": str(self.socket_dir)}
        argv = [str(self._bin / "postgres"), "-D", str(self._cluster)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        return Recipe(
            argv=argv,
            env=_ENVIRONMENT,
            uid=self._user.pw_uid if self._user else None,
            gid=self._user.pw_gid if self._user else None,
        )

    def _orphan(self) -> Process | None:
        """The server that holds the cluster now, according to Postgres's own pid file."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int((self._cluster / "postmaster.pid").read_text().split()[0])
            argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if os.fsencode(self._cluster) in argv:
                return Process.of(pid)
        return None

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.dsn("postgres").get_secret_value(), timeout=5)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        await connection.close()
        return True

    async def _make_ledger(self) -> None:
        """The ledger's database, and nobody but its owner in any database of the platform's."""
        connection = await asyncpg.connect(self.dsn("postgres").get_secret_value(), timeout=10)
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", LEDGER):
                await connection.execute(f'CREATE DATABASE "{LEDGER}" STRATEGY wal_log')
            for database in ("postgres", "template1", LEDGER):
                await connection.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')
        finally:
            await connection.close()


_ENVIRONMENT: Final = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C", "LC_ALL": "C", "TZ": "UTC"}


def _user_for(data: DataFolder) -> pwd.struct_passwd | None:
    """Whom the server runs as: None for ourselves; the owner of an existing cluster, whatever is preferred today."""
    if os.geteuid() != 0:
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError as error:
            raise OperatorError(
                f"Postgres does not run as the user {os.geteuid()}, who has no name on this machine. Add it (a line in /etc/passwd), run "
                "Nexus as another user, or name another Postgres in POSTGRES_URL."
            ) from error
        return None
    with contextlib.suppress(OSError, KeyError):
        owner = pwd.getpwuid((data.root / "postgres" / "data").stat().st_uid)
        if owner.pw_uid != 0:
            return owner
    for name in USERS:
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            if user.pw_uid != 0:
                return user
    raise MissingPart(
        f"Postgres refuses to run as root, and none of the users {', '.join(USERS)} exists. Make one "
        "(`useradd --system nexus-postgres`), or run Nexus as an ordinary user."
    )


def _port_file(data: DataFolder) -> Path:
    return data.run / "postgres.port"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
