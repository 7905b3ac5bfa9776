"""Weaker walls, for where no namespace can be made: a separate user where we are root, Landlock, limits, a seccomp filter.

Called by `adapters.sandboxes.detect`. Nothing can be mounted elsewhere, so ``/app`` and the targets of mounts are replaced by
the real paths in the arguments and the environment. A build still has no network, by seccomp; an instance listens on a TCP
port of the loopback interface, and where Landlock knows ports it can connect to those alone that it was given.
"""

from __future__ import annotations

import asyncio
import errno
import mimetypes
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from adapters.sandboxes import gate, ownership, users
from adapters.sandboxes.confinement import APP, PREFIX, PYTHON, Confinement, Request, Walls, orders_for, resource_limits
from adapters.sandboxes.inside import landlock
from adapters.sandboxes.orders import FileRules, Payload
from core.errors import DataFolderError, DiskFull
from core.words.walls import Isolation, Limits, Mount, Network

_FIRST_GROUP, _LAST_GROUP = 62_000, 64_999  # one for each artifact, so that only its own instances can read it
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/proc")
_READABLE = (
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/passwd", "/etc/group"),
    *(
        "/etc/nsswitch.conf",
        "/etc/hosts",
        "/etc/host.conf",
        "/etc/gai.conf",
        "/etc/resolv.conf",
        "/etc/services",
        "/etc/protocols",
    ),
    *("/etc/localtime", "/etc/timezone", "/etc/os-release", "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ssl/cert.pem"),
    *("/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted", "/etc/ca-certificates/extracted"),
    f"/etc/python{sys.version_info.major}.{sys.version_info.minor}",  # where Debian keeps its sitecustomize.py
    *map(str, mimetypes.knownfiles),  # Python reads those that are there, and gives up at one that it sees and may not read
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
_PORT_RULES_SINCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Restricted(Confinement):
    """Walls without namespaces: `Isolation.USER` as root, `Isolation.PROCESS` otherwise."""

    @property
    def own_network(self) -> bool:
        return False

    @property
    def separate_user(self) -> bool:
        return self.isolation is Isolation.USER

    def describe(self) -> str:
        version = landlock.version()
        parts = [
            "separate users" if self.separate_user else "the same user as Nexus: only code that Nexus wrote may run",
            f"Landlock {version}" if version else "no Landlock in this kernel",
        ]
        return f"restricted ({', '.join(parts)}){': ' + self.note if self.note else ''}"

    async def enclose(self, request: Request) -> Walls:
        return await asyncio.to_thread(self._enclose, request)

    def _enclose(self, request: Request) -> Walls:
        user = users.lease(PYTHON) if self.separate_user else None
        scratch: Path | None = None
        try:
            scratch = Path(os.path.realpath(tempfile.mkdtemp(prefix="nexus-")))
            given = [request.folder] if request.folder_writable else []
            given += [mount.source for mount in request.mounts if mount.writable and mount.source.is_dir()]
            groups: list[int] = []
            for mount in request.mounts:
                _link(mount, request.folder)
            if user is not None:
                groups = [users.GATE, *self._open_ways(request)]
                for folder in (scratch, *given):
                    ownership.give(folder, user.uid)
            uid = None if user is None else user.uid
            orders = orders_for(
                request,
                self._payload(request, scratch, uid, groups),
                argv=None,
                inputs=[],
                uid=uid,
                wrappers=0,
                remove=[str(scratch)],
            )
        except BaseException as error:
            if scratch is not None:
                os.rmdir(scratch)
            if user is not None:
                user.release()
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise DiskFull from error
            raise
        return Walls(orders=orders, user=user, given=tuple(given), top_mode=0o700)

    def _open_ways(self, request: Request) -> Sequence[int]:
        """Let the pool user reach what it must reach; returns the groups that it needs for that."""
        allowed = landlock.version() > 0
        paths = [request.folder, PREFIX, *self.programs, *(mount.source for mount in request.mounts)]
        for path in dict.fromkeys(paths):
            gate.open_way(path, allowed=allowed)
        if request.folder_writable:
            return ()
        group = request.folder.lstat().st_gid
        if not _FIRST_GROUP <= group <= _LAST_GROUP:
            group = _FIRST_GROUP + secrets.randbelow(_LAST_GROUP - _FIRST_GROUP + 1)
        ownership.admit(request.folder, mode=0o050, group=group)
        return (group,)

    def _payload(self, request: Request, scratch: Path, uid: int | None, groups: Sequence[int]) -> Payload:
        home = str(scratch / "home")
        real = _Paths(request)
        environment = self.environment(request, home=home, temporary=str(scratch))
        return Payload(
            argv=[real.in_text(word) for word in request.argv],
            env={name: real.in_text(value) for name, value in environment.items()},
            folder=str(request.folder),
            home=home,
            files=self.home_files(request, home=home),
            uid=uid,
            groups=list(groups),
            umask=0o022,
            limits=self._limits(request.limits),
            nice=5,
            rules=self._rules(request, scratch),
            internet=_internet(request),
        )

    def _limits(self, limits: Limits) -> dict[str, int]:
        wanted = resource_limits(limits)
        if not self.separate_user:
            # The kernel counts everything that this user runs, Nexus too; a limit below that would let nothing start.
            wanted["RLIMIT_NPROC"] += _threads_of(os.getuid())
        return wanted

    def _rules(self, request: Request, scratch: Path) -> FileRules:
        readable = [*_SYSTEM, *_READABLE, str(PREFIX), *map(str, self.programs)]
        if request.network is Network.REGISTRIES:
            readable += map(str, self.registries.files)
        paths = [(path, landlock.READ) for path in dict.fromkeys(readable)]
        paths += [(path, landlock.DEVICE) for path in _DEVICES]
        writing = landlock.READ | landlock.WRITE
        paths += [(str(scratch), writing), (str(request.folder), writing if request.folder_writable else landlock.READ)]
        paths += [(str(mount.source), writing if mount.writable else landlock.READ) for mount in request.mounts]
        serving = request.serve_port is not None
        return FileRules(
            handled=landlock.ALL,
            paths=paths,
            bind_ports=[request.serve_port] if request.serve_port is not None else None,
            connect_ports=[*request.connect_ports] if serving else None,
        )


def _internet(request: Request) -> str:
    if request.network is Network.REGISTRIES:
        return "all"
    if request.serve_port is None:
        return "none"
    return "tcp"


class _Paths:
    """Where the inner paths really are."""

    def __init__(self, request: Request) -> None:
        pairs = [(os.path.normpath(mount.target), str(mount.source)) for mount in request.mounts]
        pairs.append((APP, str(request.folder)))
        self._real = dict(sorted(((inner, real) for inner, real in pairs if inner != real), key=lambda pair: -len(pair[0])))
        self._real |= {quote(inner, safe=""): quote(real, safe="") for inner, real in self._real.items()}
        names = "|".join(re.escape(inner) for inner in sorted(self._real, key=len, reverse=True))
        self._pattern = re.compile(rf"(?<![\w./%-])(?:{names})(?![\w.-])") if names else None

    def in_text(self, text: str) -> str:
        """``text`` with every inner path that stands in it as a word replaced."""
        return self._pattern.sub(lambda match: self._real[match[0]], text) if self._pattern else text


def _link(mount: Mount, folder: Path) -> None:
    """A mount right inside ``/app`` can be had by a link there, for programs that look for it by itself."""
    parent, _, name = os.path.normpath(mount.target).rpartition("/")
    if parent != APP:
        return
    place = folder / name
    try:
        place.symlink_to(mount.source)
    except FileExistsError as error:
        if place.is_symlink() and os.readlink(place) == str(mount.source):
            return
        raise DataFolderError(f"{str(place)!r} is in the way of a mount; remove it.") from error


def _threads_of(uid: int) -> int:
    count = 0
    for pid in os.listdir("/proc"):
        if pid.isdecimal():
            try:
                if os.stat(f"/proc/{pid}").st_uid == uid:
                    count += len(os.listdir(f"/proc/{pid}/task"))
            except OSError:
                continue
    return count
