"""Confinement: how walls are put around one command. What a bubblewrap and a weaker sandbox have in common.

Called by `adapters.sandboxes.confined` (runs) and `adapters.hosts.process` (instances), which start a warden with the orders
that `Confinement.enclose` returns. A confinement starts nothing itself. Everything outside the walls that it makes for a run
(a pool user, ownership of the working folder) is in the returned `Walls`, and undone by `Walls.open`.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adapters.sandboxes import ownership
from adapters.sandboxes.orders import Orders, Payload
from adapters.sandboxes.registries import Registries
from adapters.sandboxes.users import User
from core.words.walls import Isolation, Limits, Mount, Network

APP = "/app"  #: where the working folder is, inside
SOCKET_FOLDER = "/run/nexus/app"  #: where an instance without a network makes its socket, inside
CODE = Path(__file__).resolve().parents[2]  #: the folder that holds the ``adapters`` package
PYTHON = Path(os.path.realpath(sys.executable))  #: outside any virtual environment: what runs the warden and the launcher
PREFIX = Path(sys.base_prefix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One command to put walls around."""

    argv: Sequence[str]
    env: Mapping[str, str]
    folder: Path  #: becomes `APP` and the working directory
    folder_writable: bool
    mounts: Sequence[Mount] = ()
    network: Network = Network.NONE
    limits: Limits = field(default_factory=Limits)
    sockets: Path | None = None  #: host folder that becomes `SOCKET_FOLDER`: sockets may be made there, nothing else
    serve_port: int | None = None  #: the port it will listen on, where it has no network of its own
    connect_ports: Sequence[int] = ()  #: ports that it must reach, likewise


@dataclass(slots=True, kw_only=True)
class Walls:
    """Walls around one command, ready for a warden."""

    orders: Orders
    user: User | None = None  #: of the pool; the warden of an instance keeps it after `open`
    given: Sequence[Path] = ()  #: folders whose files belong to ``user`` for the time
    top_mode: int = 0o755  #: mode of those folders themselves, afterwards

    @property
    def keep_fds(self) -> tuple[int, ...]:
        """Descriptors that the warden must inherit."""
        return (self.user.lock,) if self.user is not None else ()

    async def open(self) -> bool:
        """Give the files back to Nexus and the user to the pool, once nothing of the command runs any more.

        Returns False when a folder was left in a state that cannot be read safely (folders nested too deep).
        """
        settled = True
        try:
            for scratch in self.orders["remove"]:  # there still when the warden was killed
                await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
            if self.user is not None:
                for folder in self.given:
                    settled &= await asyncio.to_thread(ownership.take_back, folder, self.user.uid, top_mode=self.top_mode)
        finally:
            self.let_go()
        return settled

    def let_go(self) -> None:
        """Close what this process holds; a warden that inherited the user goes on holding it."""
        if self.user is not None:
            self.user.release()
            self.user = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement(ABC):
    """A way of putting walls around a command."""

    isolation: Isolation
    programs: Sequence[Path] = ()  #: program folders (a Python, a Node, uv, pnpm), readable inside at their own paths
    registries: Registries = field(default_factory=Registries)
    note: str = ""  #: why this one and not a stronger one, for `nexus doctor`

    @property
    @abstractmethod
    def own_network(self) -> bool:
        """Whether a command without network truly reaches nothing: an instance must then be reached by a unix socket."""

    @abstractmethod
    async def enclose(self, request: Request) -> Walls:
        """Make everything ready for a warden.

        Raises:
            DataFolderError: the folder cannot be reached by the inner user.
            TemporaryError: every pool user is taken.
            DiskFull: no room for the scratch folder.
        """

    def describe(self) -> str:
        """One line for `nexus doctor`."""
        return f"{self.isolation.value}: {self.note}" if self.note else self.isolation.value

    def environment(self, request: Request, *, home: str, temporary: str) -> dict[str, str]:
        """The program's whole environment; nothing of ours but what the registries need, and that for an install alone."""
        folders = [str(path / "bin") if (path / "bin").is_dir() else str(path) for path in self.programs]
        environment = {
            "PATH": os.pathsep.join((*folders, "/usr/local/bin", "/usr/bin", "/bin")),
            "HOME": home,
            "LANG": "C.UTF-8",
            "TMPDIR": temporary,
            "XDG_RUNTIME_DIR": home,  # its owner's alone, as must be; pnpm makes its locks in /tmp otherwise, whatever TMPDIR is
        }
        if request.network is Network.REGISTRIES:
            environment.update(self.registries.env)
        environment.update(request.env)
        return environment

    def home_files(self, request: Request, *, home: str) -> dict[str, str]:
        """Settings of the registries' clients, in the private home of an install."""
        if request.network is not Network.REGISTRIES:
            return {}
        return {f"{home}/{name}": text for name, text in self.registries.home.items()}


def resource_limits(limits: Limits) -> dict[str, int]:
    """Limits that the kernel keeps for each process, or for each user. Memory is the warden's business: the address space
    of a JavaScript engine says nothing about its memory, so that its limit here is only a backstop."""
    mebibyte = 1024 * 1024
    return {
        "RLIMIT_NPROC": limits.pids,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_FSIZE": limits.file_mb * mebibyte,
        "RLIMIT_DATA": limits.memory_mb * 4 * mebibyte + 1024 * mebibyte,
        "RLIMIT_CORE": 0,
        "RLIMIT_MEMLOCK": 8 * mebibyte,
    }


def orders_for(
    request: Request,
    payload: Payload,
    *,
    argv: Sequence[str] | None,
    inputs: Sequence[str],
    uid: int | None,
    wrappers: int,
    remove: Sequence[str],
) -> Orders:
    """A warden's orders, for a run; an instance's host fills in ``folder`` and ``log_bytes``."""
    return Orders(
        argv=None if argv is None else list(argv),
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        inputs=list(inputs),
        payload=payload,
        uid=uid,
        wrappers=wrappers,
        group=f"nexus-{secrets.token_hex(8)}",
        memory_mb=request.limits.memory_mb,
        pids=request.limits.pids,
        cpus=request.limits.cpus,
        seconds=request.limits.seconds,
        remove=list(remove),
        report_fd=None,
        folder=None,
        log_bytes=0,
    )
