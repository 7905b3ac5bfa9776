"""One supervised child process: Postgres or Caddy.

Started by `bot.platform.postgres` and `bot.platform.caddy`. It is restarted when it dies, with a growing delay; it survives a
``kill -9`` of Nexus and is adopted by the next one; it writes its log straight to a file, which is kept bounded, because a
pipe to a dead Nexus would kill it.

The child's pid file is written by a shell that then becomes the program, so there is no moment in which the program runs and
nobody knows it. It holds the kernel's own start time of the process, so a reused pid is never taken for the child.

Refuses to signal a process that it cannot prove to be its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from core.errors import DiskFull, MissingPart, NexusError, OperatorError

log = logging.getLogger(__name__)

LOG_BYTES: Final = 8 * 1024 * 1024  #: a log file that is longer is cut down to its last quarter

_LAUNCH = 'cat "/proc/$$/stat" 2>/dev/null || echo "$$"; exec "$@" >&2'
_FIRST_DELAY = 0.1
_LONGEST_DELAY = 10.0
_STEADY_SECONDS = 30.0  #: after so long alive, the delay starts from the beginning again


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to start a child; made anew for every start, because ports and configurations change."""

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)  #: the whole environment: nothing of ours is inherited
    cwd: Path = Path("/")
    uid: int | None = None  #: another user, when Nexus runs as root
    gid: int | None = None
    fds: Sequence[int] = ()  #: open files that it inherits, under the same numbers


class ChildFailed(OperatorError):
    """A part of the platform does not start; its log says why."""

    def __init__(self, message: str, *, log_tail: str) -> None:
        super().__init__(message)
        self.log_tail = log_tail


class Child:
    """A supervised process.

    ``prepare`` makes the recipe before each start; ``ready`` says whether it serves now; ``stop_signals`` are sent in turn, each
    given its seconds, and SIGKILL to the whole group comes last.
    """

    def __init__(
        self,
        *,
        name: str,
        run: Path,
        logs: Path,
        prepare: Callable[[], Awaitable[Recipe]],
        ready: Callable[[], Awaitable[bool]],
        stop_signals: Sequence[tuple[signal.Signals, float]] = ((signal.SIGTERM, 10.0),),
        ready_seconds: float = 30.0,
    ) -> None:
        self.name = name
        self.log_file = logs / f"{name}.log"
        self.restarts = 0  #: how often it was brought back
        self._pid_file = run / f"{name}.pid"
        self._prepare = prepare
        self._ready = ready
        self._stop_signals = stop_signals
        self._ready_seconds = ready_seconds
        self._process: Process | None = None
        self._watcher: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        process = self._process
        return process.pid if process is not None and process.alive() else None

    def survivor(self) -> bool:
        """Whether a process that an earlier Nexus started is still there."""
        return Process.from_pid_file(self._pid_file) is not None

    async def start(self) -> bool:
        """Start it, or adopt the one that survived; returns whether it was adopted. Ready when this returns.

        Raises:
            ChildFailed: it ended, or was not ready in time.
        """
        self._process = Process.from_pid_file(self._pid_file)
        adopted = self._process is not None
        if adopted and not await self._becomes_ready():
            log.warning("%s survived but does not answer: starting it anew", self.name)
            await self.stop()
            adopted = False
        if not adopted:
            await self._start_once()
        self._watcher = asyncio.create_task(self._watch(), name=f"watch {self.name}")
        return adopted

    async def stop(self) -> None:
        """Stop it for good; when this returns no process of it is left. Fine when it does not run."""
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
            self._watcher = None
        await self._end()

    async def restart(self) -> None:
        """Stop it and start it anew, keeping the supervision."""
        await self.stop()
        await self.start()

    def tail(self, lines: int = 20) -> str:
        """The last lines of its log."""
        return tail(self.log_file, lines)

    async def _start_once(self) -> None:
        recipe = await self._prepare()
        self._process = self._launch(recipe)
        if not await self._becomes_ready():
            ended = not self._process.alive()
            await self._end()
            what = "ended at once" if ended else f"was not ready within {self._ready_seconds:g} s"
            said = self.tail()
            raise ChildFailed(
                f"{self.name} {what}; its log is {str(self.log_file)!r}."
                + (f" It says: {said.splitlines()[-1][:300]}" if said else ""),
                log_tail=said,
            )

    def _launch(self, recipe: Recipe) -> Process:
        try:
            with open(self._pid_file, "wb") as pid_file, open(self.log_file, "ab") as log_file:
                popen = subprocess.Popen(
                    ["/bin/sh", "-c", _LAUNCH, self.name, *recipe.argv],
                    stdin=subprocess.DEVNULL,
                    stdout=pid_file,
                    stderr=log_file,
                    env=dict(recipe.env),
                    cwd=recipe.cwd,
                    user=recipe.uid,
                    group=recipe.gid,
                    extra_groups=None if recipe.uid is None else [],
                    start_new_session=True,  # a Ctrl-C in the terminal is for Nexus, which stops its children in order
                    umask=0o077,
                    pass_fds=recipe.fds,
                )
        except FileNotFoundError as error:
            raise MissingPart(f"{self.name} cannot be started: {error.filename!r} is missing.") from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull from error
            raise
        return Process(pid=popen.pid, started=_start_time(popen.pid), popen=popen)

    async def _becomes_ready(self) -> bool:
        until = time.monotonic() + self._ready_seconds
        while time.monotonic() < until and self._process is not None and self._process.alive():
            if await self._ready():
                return True
            await asyncio.sleep(0.02)
        return False

    async def _end(self) -> None:
        process, self._process = self._process or Process.from_pid_file(self._pid_file), None
        if process is None:
            return
        for number, seconds in self._stop_signals:
            process.send(number)
            if await process.gone_within(seconds):
                break
        process.kill_group()
        await process.gone_within(10.0)
        self._pid_file.unlink(missing_ok=True)

    async def _watch(self) -> None:
        delay = _FIRST_DELAY
        while True:
            born = time.monotonic()
            while self._process is not None and not await self._process.gone_within(5.0):
                bound(self.log_file)
            if time.monotonic() - born > _STEADY_SECONDS:
                delay = _FIRST_DELAY
            log.warning("%s died: bringing it back", self.name)
            while True:
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LONGEST_DELAY)
                try:
                    if self._process is not None:
                        self._process.kill_group()  # what the dead one left behind would hold its ports
                    await self._start_once()
                    self.restarts += 1
                    break
                except (NexusError, OSError) as error:
                    log.error("%s does not come back: %s; next try in %.1f s", self.name, error, delay)


class Process:
    """A process that is certainly the one meant: its pid and the kernel's start time of it agree."""

    def __init__(self, *, pid: int, started: str | None, popen: subprocess.Popen[bytes] | None = None) -> None:
        self.pid = pid
        self._started = started
        self._popen = popen

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process that has this pid now."""
        started = _start_time(pid)
        return cls(pid=pid, started=started) if started is not None else None

    @classmethod
    def from_pid_file(cls, path: Path) -> Process | None:
        """The living process that the file tells of."""
        try:
            content = path.read_text()
            pid = int(content.split(maxsplit=1)[0])
        except (OSError, ValueError, IndexError):
            return None
        # Without /proc (macOS) the file has the pid alone: then the age of the file must agree.
        told = _field_22(content) if ")" in content else _start_time(pid, near=path.stat().st_mtime)
        process = cls(pid=pid, started=told)
        return process if told is not None and process.alive() else None

    def alive(self) -> bool:
        """Whether it runs; a zombie does not."""
        if self._popen is not None:
            return self._popen.poll() is None
        return self._started is not None and _start_time(self.pid) == self._started

    def send(self, number: signal.Signals) -> None:
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill_group(self) -> None:
        """Kill what is left of its process group. The group's number cannot be reused while a member lives."""
        if self.alive() or _is_group_of_dead_leader(self.pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    async def gone_within(self, seconds: float) -> bool:
        """Wait for its end."""
        try:
            fd = os.pidfd_open(self.pid)
        except (AttributeError, OSError):  # no pidfd on this system, or the process is gone
            return await self._poll_gone(seconds)
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        try:
            if not self.alive():
                return True
            loop.add_reader(fd, ended.set)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):  # wait_for can lose a cancellation that comes together with the end
                    await ended.wait()
        finally:
            loop.remove_reader(fd)
            os.close(fd)
        return not self.alive()

    async def _poll_gone(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > until:
                return False
            await asyncio.sleep(0.05)
        return True


def tail(path: Path, lines: int = 20) -> str:
    """The last lines of a file, decoded with replacement; empty when there is none."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 64 * 1024))
            return b"\n".join(file.read().splitlines()[-lines:]).decode(errors="replace")
    except FileNotFoundError:
        return ""


def bound(path: Path, limit: int = LOG_BYTES) -> None:
    """Cut a log down to its last quarter when it is over the limit. Its writer appends (O_APPEND) and so goes on at the end."""
    with contextlib.suppress(OSError):
        if path.stat().st_size <= limit:
            return
        with open(path, "r+b") as file:
            file.seek(-limit // 4, os.SEEK_END)
            file.readline()
            kept = file.read()
            file.truncate(0)
            file.seek(0)
            file.write(kept)


def _field_22(stat_line: str) -> str | None:
    """The start time in a line of /proc/PID/stat; the name before it, in brackets, may hold anything."""
    fields = stat_line.rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else None


def _start_time(pid: int, *, near: float | None = None) -> str | None:
    """When the process started, as a word that only it has; None when it is gone, or a zombie."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return _start_time_elsewhere(pid, near) if not Path("/proc/self/stat").exists() else None
    if line.rpartition(")")[2].split()[0] in "ZX":
        return None
    return _field_22(line)


def _start_time_elsewhere(pid: int, near: float | None) -> str | None:
    import psutil  # only where there is no /proc

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        created = process.create_time()
    except psutil.Error:
        return None
    return None if near is not None and abs(created - near) > 5 else f"{created:.2f}"


def _is_group_of_dead_leader(pid: int) -> bool:
    """Whether the group still has members although no process with that pid exists: only then it is certainly the old group."""
    if _exists(pid):
        return False
    try:
        os.killpg(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
