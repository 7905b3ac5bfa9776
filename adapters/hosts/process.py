"""The process host: app instances as confined processes of this machine.

Called by wiring; through its port by try-outs, deployments and the reconciler. Every instance has a warden, a process of its own
that outlives Nexus: it holds the lock on the instance's state folder while the instance lives and leaves a record of the
ending there. So this object keeps nothing in memory: what runs is what is locked. The environment, with its secrets, is
handed to the warden through a pipe and is on no disk.

State folder, per instance: ``instance.json`` (what it is), ``lock``, ``output.log``, ``ending.json``, ``stopped`` (a person or
the engine asked for the end). Runtime folder, per instance: the folder in which its socket is made.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import struct
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from adapters.sandboxes import users
from adapters.sandboxes.confinement import CODE, PYTHON, SOCKET_FOLDER, Confinement, Request, Walls
from adapters.sandboxes.outside import cgroups, processes, warden
from core.errors import InvalidInput, MissingPart
from core.hosting.host import (
    Address,
    Host,
    Instance,
    InstanceSpec,
    InstanceState,
    Stats,
    Status,
    TcpAddress,
    UnixAddress,
)
from core.ids import AppId, InstanceId
from core.words.walls import Isolation

_LOG_BYTES = 5 * 1024 * 1024
_LINE = 2_000  # characters
_INNER_PORT = 8000
_LONGEST_SOCKET = 107  # bytes, of the kernel
_FOLLOW_SECONDS = 0.1
_LOCK = struct.Struct("hh4xqqi4x")  # struct flock of 64-bit Linux
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PORTS = {"postgres": 5432, "postgresql": 5432, "http": 80, "https": 443}
_OF_THE_PLATFORM = ("DATABASE_URL", "PLATFORM_API_URL")


class ProcessHost(Host):
    """Runs instances inside ``confinement``. ``runtime_folder`` must be short: a socket's path has at most 107 bytes."""

    name = "process"

    def __init__(self, confinement: Confinement, *, state_folder: Path, runtime_folder: Path) -> None:
        self.confinement = confinement
        self.isolation = confinement.isolation
        self._state = state_folder
        self._runtime = runtime_folder
        state_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        runtime_folder.mkdir(mode=0o711, parents=True, exist_ok=True)

    async def start(self, spec: InstanceSpec) -> Instance:
        """Start it; returns as soon as the process exists, before it answers.

        Raises:
            InvalidInput: the artifact's folder is not there.
            MissingPart: the walls cannot be made any more.
        """
        folder = self._folder(spec.instance)
        if not spec.folder.is_dir():
            raise InvalidInput(f"The artifact {str(spec.folder)!r} is not there any more; build it again.")
        folder.mkdir(mode=0o700, exist_ok=True)
        async with _alone(folder):
            if _warden_of(folder) is not None and (known := _read_instance(folder)) is not None:
                return known
            await asyncio.to_thread(self._bury, spec.instance)
            for name in ("ending.json", "stopped"):
                (folder / name).unlink(missing_ok=True)
            try:
                return await self._launch(spec, folder)
            except BaseException:
                if _warden_of(folder) is None:
                    await asyncio.to_thread(self._bury, spec.instance)
                raise

    async def _launch(self, spec: InstanceSpec, folder: Path) -> Instance:
        address, request = self._request(spec)
        try:
            walls = await self.confinement.enclose(request)
        except BaseException:
            shutil.rmtree(self._sockets(spec.instance), ignore_errors=True)
            raise
        try:
            instance = Instance(
                instance=spec.instance,
                app=spec.app,
                address=address,
                started_at=datetime.now(UTC),
                isolation=self.isolation,
            )
            uid = None if walls.user is None else walls.user.uid
            if request.sockets is not None:
                walls.orders["remove"].append(str(request.sockets))
            walls.orders["folder"] = str(folder)
            walls.orders["log_bytes"] = _LOG_BYTES
            left = {"uid": uid, "group": walls.orders["group"], "remove": walls.orders["remove"]}
            _write_instance(folder, instance, left)
            await self._send(walls, spec.instance)
        finally:
            walls.let_go()
        return instance

    def _request(self, spec: InstanceSpec) -> tuple[Address, Request]:
        env = dict(spec.env)
        env["HOST"] = "127.0.0.1"
        address: Address
        sockets: Path | None = None
        port: int | None = None
        if self.confinement.own_network:
            sockets = self._sockets(spec.instance)
            address = UnixAddress(path=sockets / "http.sock")
            if len(os.fsencode(address.path)) > _LONGEST_SOCKET:
                raise InvalidInput(f"{str(self._runtime)!r} is too long for sockets; choose a shorter runtime folder.")
            sockets.mkdir(mode=0o711, exist_ok=True)
            address.path.unlink(missing_ok=True)
            env["NEXUS_SOCKET"] = f"{SOCKET_FOLDER}/http.sock"
            env["PORT"] = str(_INNER_PORT)
        else:
            port = _free_port()
            address = TcpAddress(host="127.0.0.1", port=port)
            env.pop("NEXUS_SOCKET", None)
            env["PORT"] = str(port)
        request = Request(
            argv=spec.argv,
            env=env,
            folder=spec.folder,
            folder_writable=False,
            mounts=spec.mounts,
            limits=spec.limits,
            sockets=sockets,
            serve_port=port,
            connect_ports=[number for name in _OF_THE_PLATFORM if (number := _port_of(spec.env.get(name, "")))],
        )
        return address, request

    async def _send(self, walls: Walls, instance: InstanceId) -> None:
        process = await asyncio.create_subprocess_exec(
            *warden.command(str(PYTHON), str(CODE)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin"},
            cwd="/",
            pass_fds=walls.keep_fds,
            start_new_session=True,
        )
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await process.communicate(warden.written(walls.orders))
        if process.returncode != 0:
            said = " ".join(await self.logs(instance, lines=5))
            raise MissingPart(f"The instance's walls could not be made; see `nexus doctor`. It said: {said[-500:]}")

    async def poll(self, instance: InstanceId) -> Status:
        folder = self._folder(instance)
        if _read_instance(folder) is None:
            return Status(state=InstanceState.UNKNOWN)
        if _warden_of(folder) is not None:
            return Status(state=InstanceState.RUNNING)
        state = InstanceState.STOPPED if (folder / "stopped").exists() else InstanceState.EXITED
        ended = _read_json(folder / "ending.json")
        if ended is None:  # the warden was killed, and the instance with it
            return Status(state=state)
        return Status(state=state, exit_code=ended["code"], out_of_memory=ended["ending"] == "out of memory")

    async def stop(self, instance: InstanceId, *, grace_seconds: float = 5.0) -> None:
        folder = self._folder(instance)
        if not (folder / "instance.json").exists():
            return
        if _warden_of(folder) is not None:
            (folder / "stopped").touch(mode=0o600)
            _tell(folder, signal.SIGTERM)
            if not await _gone(folder, grace_seconds):
                _tell(folder, signal.SIGUSR1)
                if not await _gone(folder, 30.0):  # a warden that is stuck: its children die with it
                    _tell(folder, signal.SIGKILL)
                    await _gone(folder, 5.0)
        await asyncio.to_thread(self._bury, instance)

    async def instances(self, *, ended: bool = False) -> Sequence[Instance]:
        found = []
        for folder in sorted(self._state.iterdir()):
            if (ended or _warden_of(folder) is not None) and (known := _read_instance(folder)) is not None:
                found.append(known)
        return found

    async def logs(self, instance: InstanceId, *, lines: int = 100) -> Sequence[str]:
        return await asyncio.to_thread(_last_lines, self._folder(instance) / "output.log", lines)

    async def follow(self, instance: InstanceId, *, lines: int = 0) -> AsyncIterator[str]:
        folder = self._folder(instance)
        path = folder / "output.log"
        tail = _Tail(path, lines)
        while True:
            running = _warden_of(folder) is not None
            for line in tail.new_lines(final=not running):
                yield line
            if not running:
                return
            await asyncio.sleep(_FOLLOW_SECONDS)

    async def stats(self, instance: InstanceId) -> Stats | None:
        folder = self._folder(instance)
        pid = _warden_of(folder)
        known = _read_json(folder / "instance.json")
        if pid is None or known is None:
            return None
        members = set(processes.descendants(pid))
        if known["uid"] is not None:
            members = processes.owned_by(known["uid"])
        if not members:
            return None
        return Stats(
            memory_mb=processes.memory_bytes(members) / 1024 / 1024,
            cpu_seconds=processes.cpu_seconds(members),
            pids=len(members),
        )

    async def forget(self, instance: InstanceId) -> None:
        folder = self._folder(instance)
        if _warden_of(folder) is not None:
            raise InvalidInput(f"{instance!r} is running; stop it before it is forgotten.")
        if folder.exists():
            await asyncio.to_thread(self._bury, instance)
            await asyncio.to_thread(_remove, folder)

    async def trim_logs(self) -> None:
        """Bound the logs that have no warden any more to do it: of instances whose warden was killed. For a slow tick."""
        await asyncio.to_thread(self._trim_logs)

    def _trim_logs(self) -> None:
        for folder in self._state.iterdir():
            if _warden_of(folder) is None:
                with contextlib.suppress(FileNotFoundError, NotADirectoryError), open(folder / "output.log", "rb+") as log:
                    warden.trim(log, _LOG_BYTES)

    def _bury(self, instance: InstanceId) -> None:
        """Remove what an instance leaves when its warden could not clean up: the machine lost power, somebody killed it."""
        known = _read_json(self._folder(instance) / "instance.json")
        if known is None:
            return
        if known["uid"] is not None and (user := users.lease_this(known["uid"])) is not None:
            users.evict(user.uid, PYTHON)
            user.release()
        cgroups.left(known["group"]).remove()
        for folder in known.get("remove", []):
            shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, instance: InstanceId) -> Path:
        if not _ID.fullmatch(instance):
            raise InvalidInput(f"{instance!r} is not an instance's id.")
        return self._state / instance

    def _sockets(self, instance: InstanceId) -> Path:
        return self._runtime / instance


class _Tail:
    """The end of a log that grows, and now and then loses its first half."""

    def __init__(self, path: Path, lines: int) -> None:
        self._path = path
        self._last = b""  # the last bytes seen, by which the place is found again
        self._rest = b""
        try:
            with open(path, "rb") as file:
                self._offset = _start_of_last(file, lines)
                before = max(0, self._offset - 256)
                file.seek(before)
                self._last = file.read(self._offset - before)
        except FileNotFoundError:
            self._offset = 0

    def new_lines(self, *, final: bool) -> list[str]:
        try:
            with open(self._path, "rb") as file:
                size = file.seek(0, os.SEEK_END)
                if size < self._offset:
                    file.seek(0)
                    whole = file.read()
                    found = whole.rfind(self._last) if self._last else -1
                    self._offset = found + len(self._last) if found >= 0 else 0
                    if found < 0:
                        self._rest = b""
                file.seek(self._offset)
                piece = file.read(1024 * 1024 if not final else -1)
        except FileNotFoundError:
            return []
        self._offset += len(piece)
        self._last = (self._last + piece)[-256:]
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if (final or len(self._rest) > 4 * _LINE) and self._rest:
            lines.append(self._rest)
            self._rest = b""
        return [_line(line) for line in lines]


def _start_of_last(file: BinaryIO, lines: int) -> int:
    """Where the last lines begin, with what follows the last whole one; the end of the file where none are wanted."""
    end = file.seek(0, os.SEEK_END)
    if lines <= 0:
        return end
    begin = max(0, end - lines * 4 * _LINE)
    file.seek(begin)
    text = file.read(end - begin)
    at = len(text)
    for _ in range(lines + 1):
        at = text.rfind(b"\n", 0, at)
        if at < 0:
            return begin
    return begin + at + 1


def _last_lines(path: Path, lines: int) -> list[str]:
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - lines * 4 * _LINE))
            text = file.read()
    except FileNotFoundError:
        return []
    whole = text.removesuffix(b"\n").split(b"\n") if text else []
    return [_line(line) for line in whole[-lines:]] if lines > 0 else []


def _line(raw: bytes) -> str:
    return raw.rstrip(b"\r")[: 4 * _LINE].decode("utf-8", "replace")[:_LINE]


def _warden_of(folder: Path) -> int | None:
    """The process id of the warden that holds the instance's lock, None when nobody does. Looking takes no lock."""
    try:
        fd = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        asked = _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = _LOCK.unpack(fcntl.fcntl(fd, fcntl.F_GETLK, asked))
    finally:
        os.close(fd)
    return None if kind == fcntl.F_UNLCK else pid


def _tell(folder: Path, number: signal.Signals) -> None:
    """Signal the warden, and surely nobody who got its process id after it."""
    pid = _warden_of(folder)
    if pid is None:
        return
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if _warden_of(folder) == pid:
            signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)


async def _gone(folder: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _warden_of(folder) is not None:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


@contextlib.asynccontextmanager
async def _alone(folder: Path) -> AsyncIterator[None]:
    """Nobody else, in this process or another, starts this instance meanwhile."""
    fd = os.open(folder / "starting", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(0.01)
        yield
    finally:
        os.close(fd)


def _port_of(url: str) -> int | None:
    try:
        parts = urlsplit(url)
        return parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return content


def _write_instance(folder: Path, instance: Instance, left: dict[str, Any]) -> None:
    address = instance.address
    content = {
        "instance": instance.instance,
        "app": instance.app,
        "socket": str(address.path) if isinstance(address, UnixAddress) else None,
        "port": address.port if isinstance(address, TcpAddress) else None,
        "started_at": instance.started_at.isoformat(),
        "isolation": instance.isolation.value,
        **left,
    }
    new = folder / "instance.json.new"
    new.write_text(json.dumps(content), encoding="utf-8")
    new.replace(folder / "instance.json")


def _remove(folder: Path) -> None:
    """Remove a state folder, what it belongs to last: cut off on the way, it is still found."""
    for path in folder.iterdir():
        if path.name != "instance.json":
            path.unlink()
    shutil.rmtree(folder)


def _read_instance(folder: Path) -> Instance | None:
    content = _read_json(folder / "instance.json")
    if content is None:
        return None
    address: Address
    if content["socket"] is not None:
        address = UnixAddress(path=Path(content["socket"]))
    else:
        address = TcpAddress(host="127.0.0.1", port=content["port"])
    return Instance(
        instance=InstanceId(content["instance"]),
        app=AppId(content["app"]),
        address=address,
        started_at=datetime.fromisoformat(content["started_at"]),
        isolation=Isolation(content["isolation"]),
    )
