"""Which processes belong to a run, what they use, and how to end every one of them; straight from ``/proc``.

Called by the warden and by the process host. Standard library only: the warden must stay small.
"""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_TICKS = os.sysconf("SC_CLK_TCK")


def _numbers() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _stat(pid: int) -> list[bytes]:
    """Fields of ``/proc/<pid>/stat`` from the state on; the command's name may hold anything and is cut off."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()


def descendants(root: int) -> dict[int, int]:
    """Every living descendant of ``root`` and how deep below it stands (a child is 1)."""
    below: dict[int, list[int]] = {}
    for pid in _numbers():
        try:
            fields = _stat(pid)
        except OSError:
            continue
        if fields[0] not in (b"Z", b"X"):
            below.setdefault(int(fields[1]), []).append(pid)
    depths: dict[int, int] = {}
    edge, depth = [root], 0
    while edge:
        depth += 1
        edge = [child for parent in edge for child in below.get(parent, ())]
        depths.update(dict.fromkeys(edge, depth))
    return depths


def owned_by(uid: int) -> set[int]:
    """Every living process whose real user is ``uid``."""
    found = set()
    for pid in _numbers():
        try:
            # The folder's owner is root once a program made itself undumpable; the status file tells the truth.
            with open(f"/proc/{pid}/status", "rb") as file:
                status = file.read()
        except OSError:
            continue
        if b"\nState:\tZ" not in status and int(status.partition(b"\nUid:")[2].split(maxsplit=1)[0]) == uid:
            found.add(pid)
    return found


def memory_bytes(pids: Iterable[int]) -> int:
    """Resident memory of these processes that is no file's: private, and shared anonymous memory once for each sharer."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/status", "rb") as file:
                for line in file:
                    if line.startswith((b"RssAnon:", b"RssShmem:")):
                        total += int(line.split()[1]) * 1024
        except OSError:
            continue
    return total


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time used by these processes and by children that they have waited for."""
    total = 0
    for pid in pids:
        try:
            total += sum(int(field) for field in _stat(pid)[11:15])
        except OSError:
            continue
    return total / _TICKS


def signal_all(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def kill_user(uid: int) -> None:
    """Kill every process of a pool user at one stroke, so that none can fork away from it. Needs root; forks."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
