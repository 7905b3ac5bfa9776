"""Who owns the files of a working folder: the pool user while untrusted code runs, Nexus before and after.

Called by confinements, as root, when nothing of the command runs. The folder's content is hostile: a link may point at
``/etc/shadow``, a second name may have been made for a file of the system, folders may nest without end. So nothing is
ever followed: every step goes through a descriptor of the folder, and a file with several names keeps its owner.
"""

from __future__ import annotations

import contextlib
import os
import stat

_DEEPEST = 120  # folders in folders; node_modules of a large app have about 30
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def give(folder: os.PathLike[str] | str, uid: int) -> bool:
    """Make ``folder`` and what is in it belong to ``uid``. A file with more than one name is left alone: it may be part of
    a shared package store, which an app's code must not write to."""
    return _walk(folder, uid, taking=False)


def take_back(folder: os.PathLike[str] | str, uid: int, *, top_mode: int = 0o755) -> bool:
    """Make what belongs to ``uid`` in ``folder`` ours again, readable by everybody (who may pass the folder itself, which gets
    ``top_mode``) and without set-id bits. Pipes, sockets and devices are removed: whoever copies the folder would hang on
    them. False when folders nest too deep to be settled."""
    return _walk(folder, uid, taking=True, top_mode=top_mode)


def admit(folder: os.PathLike[str] | str, *, mode: int, group: int | None = None) -> int:
    """Let others into ``folder`` itself: add ``mode``'s bits, and make it ``group``'s. Returns the group it has then."""
    fd = os.open(folder, _FOLDER)
    try:
        here = os.fstat(fd)
        if group is not None and here.st_gid != group:
            os.fchown(fd, -1, group)
        if here.st_mode & mode != mode:
            os.fchmod(fd, stat.S_IMODE(here.st_mode) | mode)
        return os.fstat(fd).st_gid
    finally:
        os.close(fd)


def _walk(folder: os.PathLike[str] | str, uid: int, *, taking: bool, top_mode: int = 0o755) -> bool:
    owner, group = (os.geteuid(), os.getegid()) if taking else (uid, uid)
    settled = True

    def settle(fd: int, depth: int) -> None:
        nonlocal settled
        here = os.fstat(fd)
        if not taking or here.st_uid == uid:
            os.fchown(fd, owner, group)
        if taking:
            os.fchmod(fd, top_mode if depth == 0 else 0o755)
        if depth > _DEEPEST:
            settled = False
            return
        with os.scandir(fd) as entries:
            for entry in entries:
                try:
                    _entry(entry, fd, depth)
                except FileNotFoundError:
                    continue

    def _entry(entry: os.DirEntry[str], fd: int, depth: int) -> None:
        info = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(info.st_mode):
            inner = os.open(entry.name, _FOLDER, dir_fd=fd)
            try:
                settle(inner, depth + 1)
            finally:
                os.close(inner)
        elif stat.S_ISREG(info.st_mode):
            if taking and info.st_uid == uid:
                os.chown(entry.name, owner, group, dir_fd=fd, follow_symlinks=False)
                mode = (stat.S_IMODE(info.st_mode) & 0o777) | 0o644 | (0o111 if info.st_mode & 0o100 else 0)
                if mode != stat.S_IMODE(info.st_mode):
                    _chmod(entry.name, mode, fd)
            elif not taking and info.st_nlink == 1:
                os.chown(entry.name, owner, group, dir_fd=fd, follow_symlinks=False)
        elif stat.S_ISLNK(info.st_mode):
            if not taking or info.st_uid == uid:
                os.chown(entry.name, owner, group, dir_fd=fd, follow_symlinks=False)
        elif taking:
            with contextlib.suppress(OSError):
                os.unlink(entry.name, dir_fd=fd)

    top = os.open(folder, _FOLDER)
    try:
        settle(top, 0)
    finally:
        os.close(top)
    return settled


def _chmod(name: str, mode: int, fd: int) -> None:
    """By descriptor, because Linux cannot change a mode by name without following links."""
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=fd)
    try:
        os.fchmod(file, mode)
    finally:
        os.close(file)
