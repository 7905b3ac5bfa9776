"""Control groups, version 1 or 2: the limits of the kernel itself, where this process may make groups.

Called by the warden, which makes the group, puts the program in and removes it at the end. Where no group can be made the
warden measures memory by itself and `setrlimit` bounds the number of processes. Standard library only, and little of it.
"""

from __future__ import annotations

import os
import signal
import time

from adapters.sandboxes.outside import processes

_CONTROLLERS = ("memory", "pids", "cpu")
_PERIOD = 100_000  # microseconds


class Group:
    """A group made for one run: a folder per hierarchy (one in version 2), and the controllers whose limits were set."""

    __slots__ = ("folders", "limited", "memory")

    def __init__(self, folders: dict[str, str]) -> None:
        self.folders = tuple(dict.fromkeys(folders.values()))
        self.memory = folders.get("memory")
        self.limited = frozenset(folders)

    def join(self) -> None:
        """Put the calling process in."""
        for folder in self.folders:
            _write(f"{folder}/cgroup.procs", "0")

    def members(self) -> set[int]:
        found: set[int] = set()
        for folder in self.folders:
            found.update(int(line) for line in _read(f"{folder}/cgroup.procs").split())
        return found - {0}

    def out_of_memory(self) -> bool:
        """Whether the kernel has killed anything in here for memory."""
        if self.memory is None:
            return False
        for name in ("memory.events", "memory.oom_control"):
            for line in _read(f"{self.memory}/{name}").splitlines():
                word, _, count = line.partition(" ")
                if word == "oom_kill" and count.strip() != "0":
                    return True
        return False

    def remove(self) -> None:
        """Kill what is left inside and remove the folders."""
        for folder in self.folders:
            for _ in range(200):
                processes.signal_all(self.members(), signal.SIGKILL)
                try:
                    os.rmdir(folder)
                except FileNotFoundError:
                    break
                except OSError:  # a killed process stays in its group until it is gone
                    time.sleep(0.005)
                else:
                    break


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def _wrote(path: str, text: str) -> bool:
    try:
        _write(path, text)
    except OSError:
        return False
    return True


def places(mounts: str, own: str) -> dict[str, list[str]]:
    """Controller ("" for version 2) to the folders below which a group may be made, best first; from the texts of
    ``/proc/self/mounts`` and ``/proc/self/cgroup``."""
    mine: dict[str, str] = {}
    for line in own.splitlines():
        _, names, path = line.split(":", 2)
        mine.update(dict.fromkeys(names.split(","), path))
    found: dict[str, list[str]] = {}
    for line in mounts.splitlines():
        words = line.split()
        if len(words) < 4 or words[2] not in ("cgroup", "cgroup2"):
            continue
        root = words[1]
        for name in [""] if words[2] == "cgroup2" else words[3].split(","):
            if name == "" or name in _CONTROLLERS:
                found[name] = list(dict.fromkeys(((root + mine.get(name, "/")).rstrip("/"), root)))
    return found


def make(name: str, *, memory_mb: int, pids: int, cpus: float) -> Group:
    """Make a group with these limits; as much of it as this machine lets us, which may be nothing."""
    found = places(_read("/proc/self/mounts"), _read("/proc/self/cgroup"))
    memory = str(memory_mb * 1024 * 1024)
    quota = str(int(cpus * _PERIOD))
    if "memory" not in found:
        wanted = {"memory": ("memory.max", memory), "pids": ("pids.max", str(pids)), "cpu": ("cpu.max", f"{quota} {_PERIOD}")}
        return _second(found.get("", []), name, wanted)
    folders = {}
    for controller, file, value in (
        ("memory", "memory.limit_in_bytes", memory),
        ("pids", "pids.max", str(pids)),
        ("cpu", "cpu.cfs_quota_us", quota),
    ):
        for place in found.get(controller, ()):
            folder = f"{place}/{name}"
            if not _made(folder):
                continue
            if _wrote(f"{folder}/{file}", value):
                folders[controller] = folder
                _wrote(f"{folder}/memory.memsw.limit_in_bytes", memory)
                break
            os.rmdir(folder)
    return Group(folders)


def _second(found: list[str], name: str, wanted: dict[str, tuple[str, str]]) -> Group:
    for place in found:
        folder = f"{place}/{name}"
        for controller in wanted:  # may be on already, or not ours to give; the writes below tell
            _wrote(f"{place}/cgroup.subtree_control", f"+{controller}")
        if not _made(folder):
            continue
        folders = {key: folder for key, (file, value) in wanted.items() if _wrote(f"{folder}/{file}", value)}
        _wrote(f"{folder}/memory.swap.max", "0")
        _wrote(f"{folder}/memory.oom.group", "1")
        if folders:
            return Group(folders)
        os.rmdir(folder)
    return Group({})


def left(name: str) -> Group:
    """The group of that name that a killed warden has left, to be removed."""
    found = places(_read("/proc/self/mounts"), _read("/proc/self/cgroup"))
    folders = [f"{place}/{name}" for several in found.values() for place in several]
    return Group({folder: folder for folder in folders if os.path.isdir(folder)})


def _made(folder: str) -> bool:
    try:
        os.mkdir(folder)
    except OSError:
        return False
    return True
