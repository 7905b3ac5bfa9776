"""Control groups, version 1 or 2: the limits of the kernel itself, where this process may make groups.

Called by the warden, which makes the group, puts the program in and removes it at the end. Where no group can be made the
warden measures memory by itself and `setrlimit` bounds the number of processes. Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

_CONTROLLERS = ("memory", "pids", "cpu")
_PERIOD = 100_000  # microseconds


@dataclass(frozen=True, slots=True)
class Group:
    """A group made for one run. ``folders`` has one folder per hierarchy; ``limits_memory`` is false where nothing could."""

    folders: tuple[Path, ...] = ()
    memory: Path | None = None
    limited: frozenset[str] = field(default_factory=frozenset)

    def join(self) -> None:
        """Put the calling process in."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text("0")

    def members(self) -> set[int]:
        found: set[int] = set()
        for folder in self.folders:
            with contextlib.suppress(OSError):
                found |= {int(line) for line in (folder / "cgroup.procs").read_text().split()}
        return found - {0}

    def out_of_memory(self) -> bool:
        """Whether the kernel has killed anything in here for memory."""
        if self.memory is None:
            return False
        for name in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError):
                for line in (self.memory / name).read_text().splitlines():
                    word, _, count = line.partition(" ")
                    if word == "oom_kill" and count.strip() != "0":
                        return True
        return False

    def remove(self) -> None:
        """Kill what is left inside and remove the folders."""
        for folder in self.folders:
            for _ in range(100):
                with contextlib.suppress(OSError):
                    (folder / "cgroup.kill").write_text("1")
                for pid in self.members():
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
                try:
                    folder.rmdir()
                except FileNotFoundError:
                    break
                except OSError:  # a killed process stays in its group until it is gone
                    time.sleep(0.01)
                else:
                    break


def _places(mounts: str, own: str) -> dict[str, list[Path]]:
    """Controller ("" for version 2) to the folders below which a group may be made, best first."""
    mine: dict[str, str] = {}
    for line in own.splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            mine[name] = path
    places: dict[str, list[Path]] = {}
    for line in mounts.splitlines():
        words = line.split()
        if len(words) < 4 or words[2] not in ("cgroup", "cgroup2"):
            continue
        root = Path(words[1])
        names_here = [""] if words[2] == "cgroup2" else words[3].split(",")
        for name in names_here:
            if name == "" or name in _CONTROLLERS:
                below = root / mine.get(name, "/").lstrip("/")
                places[name] = [below, root] if below != root else [root]
    return places


def make(name: str, *, memory_mb: int, pids: int, cpus: float) -> Group:
    """Make a group with these limits; as much of it as this machine lets us, which may be nothing."""
    try:
        places = _places(Path("/proc/self/mounts").read_text(), Path("/proc/self/cgroup").read_text())
    except OSError:
        return Group()
    memory = memory_mb * 1024 * 1024
    if "memory" not in places and (group := _make_v2(places.get("", []), name, memory, pids, cpus)):
        return group
    wanted = {
        "memory": [("memory.limit_in_bytes", str(memory)), ("memory.memsw.limit_in_bytes", str(memory))],
        "pids": [("pids.max", str(pids))],
        "cpu": [("cpu.cfs_period_us", str(_PERIOD)), ("cpu.cfs_quota_us", str(int(cpus * _PERIOD)))],
    }
    folders: dict[str, Path] = {}
    for controller, values in wanted.items():
        for place in places.get(controller, []):
            folder = place / name
            try:
                folder.mkdir(exist_ok=True)
            except OSError:
                continue
            try:
                (folder / values[0][0]).write_text(values[0][1])
                for file, value in values[1:]:
                    if (folder / file).exists():
                        (folder / file).write_text(value)
            except OSError:
                with contextlib.suppress(OSError):
                    folder.rmdir()
                continue
            folders[controller] = folder
            break
    return Group(tuple(dict.fromkeys(folders.values())), folders.get("memory"), frozenset(folders))


def _make_v2(places: list[Path], name: str, memory: int, pids: int, cpus: float) -> Group | None:
    for place in places:
        folder = place / name
        try:
            for controller in _CONTROLLERS:
                with contextlib.suppress(OSError):  # may be on already, or not ours to give
                    (place / "cgroup.subtree_control").write_text(f"+{controller}")
            folder.mkdir(exist_ok=True)
        except OSError:
            continue
        limited = set()
        for controller, file, value in (
            ("memory", "memory.max", str(memory)),
            ("pids", "pids.max", str(pids)),
            ("cpu", "cpu.max", f"{int(cpus * _PERIOD)} {_PERIOD}"),
        ):
            with contextlib.suppress(OSError):
                (folder / file).write_text(value)
                limited.add(controller)
        with contextlib.suppress(OSError):
            (folder / "memory.swap.max").write_text("0")
        with contextlib.suppress(OSError):
            (folder / "memory.oom.group").write_text("1")
        if limited:
            return Group((folder,), folder if "memory" in limited else None, frozenset(limited))
        with contextlib.suppress(OSError):
            folder.rmdir()
    return None
