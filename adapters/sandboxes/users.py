"""The pool of user ids that untrusted programs run under, one program each, as root.

Called by confinements. A user is leased by locking a file named after it: the lock is inherited by an instance's warden and
falls with the last holder, so a crash of Nexus neither leaks a user nor hands one out twice, however many Nexuses run here.
The ids are in no user database. Refuses to lease a user who still has processes: they are killed first.

Containers of one machine share its users without knowing of each other's locks: the kernel counts their processes together, and the
machine itself can kill those of its containers. So each begins to count at another place, and they hardly ever meet.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

from adapters.sandboxes.outside import processes
from core.errors import DataFolderError, TemporaryError

FIRST, LAST = 61_000, 61_999  #: above every distribution's range for people and services, below nobody's
GATE = 60_900  #: the group that all pool users share, for entering folders on the way to theirs

_PLACES = (Path("/run/nexus-users"), Path("/tmp/nexus-users"))  # noqa: S108 - checked to be ours before use


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A leased user."""

    uid: int
    lock: int  #: descriptor that holds the lease

    def release(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self.lock)


def _folder() -> Path:
    for place in _PLACES:
        try:
            place.mkdir(mode=0o700, exist_ok=True)
            info = place.lstat()
        except OSError:
            continue
        if stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid() and not info.st_mode & 0o077:
            return place
    raise DataFolderError("Nexus needs a folder for its sandbox users: make /run/nexus-users writable for root.")


def lease(python: Path) -> User:
    """Lease a user that nobody else has and that runs nothing.

    Raises:
        TemporaryError: all are taken.
    """
    folder = _folder()
    start = _start()
    for uid in (*range(start, LAST + 1), *range(FIRST, start)):
        user = _try(folder, uid)
        if user is not None:
            evict(uid, python)
            return user
    raise TemporaryError("Every sandbox user is taken; it is tried again when one is free.")


def _start() -> int:
    try:
        here = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return FIRST
    return FIRST + zlib.crc32(b"%d" % here) % (LAST - FIRST + 1)


def lease_this(uid: int) -> User | None:
    """Lease exactly this user, None when somebody has it: how what a dead warden left behind is found."""
    return _try(_folder(), uid)


def _try(folder: Path, uid: int) -> User | None:
    fd = os.open(folder / str(uid), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return User(uid=uid, lock=fd)


def evict(uid: int, python: Path) -> None:
    """Kill whatever still runs as ``uid``. A process of its own does it: forking Nexus itself would be slow and unsafe."""
    code = (
        "import os, signal, sys; uid = int(sys.argv[1]); os.setgroups([]); "
        "os.setresgid(uid, uid, uid); os.setresuid(uid, uid, uid); os.kill(-1, signal.SIGKILL)"
    )
    for _ in range(50):
        if not processes.owned_by(uid):
            return
        subprocess.run([str(python), "-I", "-S", "-c", code, str(uid)], check=False, stderr=subprocess.DEVNULL)
