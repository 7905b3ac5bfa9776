"""Handling folders that hostile code has written to: sealing (checking, hashing, taking ownership) and removing.

Called by the artifact store alone. No symbolic link made inside a sandbox is ever followed: every step opens one name below an open
folder and looks at what it got, so that a link swapped in between is an error and not a way out. Whatever could do harm later is
refused: links that leave the folder, devices, sockets, pipes, hard links into a shared cache (they are copied), set-uid bits (they are
dropped), and more than the limits in bytes, entries or depth.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import BuildFailed, DiskFull
from core.ids import Digest

_CHUNK = 1 << 20
_REMOVE_DEPTH = 60  #: open folders at a time
_O_PATH = getattr(os, "O_PATH", 0)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How large a folder may be."""

    total_bytes: int
    entries: int
    depth: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What is in a sealed folder."""

    digest: Digest  #: over every path, kind, mode, content and link target; empty when hashing was not asked for
    files: int
    total_bytes: int


@dataclass(slots=True, kw_only=True)
class _Walk:
    bounds: Bounds
    given_links: Mapping[str, str]
    links_out: Collection[str]
    hashing: bool
    hash: hashlib._Hash = field(default_factory=hashlib.sha256)
    entries: int = 0
    files: int = 0
    total: int = 0
    found: set[str] = field(default_factory=set)

    def feed(self, *parts: bytes) -> None:
        if self.hashing:
            for part in parts:
                self.hash.update(len(part).to_bytes(8, "big"))
                self.hash.update(part)


@contextlib.contextmanager
def disk_full_as_error() -> Iterator[None]:
    """Translate "no space left" and "over quota" into DiskFull."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull from error
        raise


def seal(
    folder: Path,
    *,
    bounds: Bounds,
    given_links: Mapping[str, str] | None = None,
    links_out: Collection[str] = (),
    hashing: bool = True,
) -> Sealed:
    """Check everything below ``folder``, make it ours, readable by all and writable by us alone (0755 and 0644), and hash it.

    ``given_links`` are links that we made (path to target): they must still be exactly that, and are not hashed. ``links_out`` are
    absolute targets that links may have. Other links must stay inside; ``/app/…`` counts as inside.

    Raises:
        BuildFailed: something in there is refused; the message says what.
        DiskFull: no room to copy a hard-linked file.
    """
    walk = _Walk(bounds=bounds, given_links=given_links or {}, links_out=links_out, hashing=hashing)
    with disk_full_as_error():
        fd = os.open(folder, _FOLDER)
        try:
            _own(fd, 0o755)
            _seal_folder(fd, "", 0, walk)
        finally:
            os.close(fd)
    for path in walk.given_links:
        if path not in walk.found:
            raise _refused(path, "the build removed it; it belongs to the platform")
    digest = Digest("sha256:" + walk.hash.hexdigest()) if hashing else Digest("")
    return Sealed(digest=digest, files=walk.files, total_bytes=walk.total)


def _refused(path: str, why: str) -> BuildFailed:
    return BuildFailed(f"{path[:120]!a} cannot be part of an app: {why}. Leave it out, or make it an ordinary file.")


def _seal_folder(fd: int, prefix: str, depth: int, walk: _Walk) -> None:
    if depth > walk.bounds.depth:
        raise _refused(prefix, f"folders are nested more than {walk.bounds.depth} deep")
    for name in sorted(os.listdir(fd), key=os.fsencode):
        path = prefix + name
        walk.entries += 1
        if walk.entries > walk.bounds.entries:
            raise BuildFailed(f"There are more than {walk.bounds.entries:,} files and folders after the build; make fewer.")
        kind = os.stat(name, dir_fd=fd, follow_symlinks=False)
        if path in walk.given_links:
            if not stat.S_ISLNK(kind.st_mode) or os.readlink(name, dir_fd=fd) != walk.given_links[path]:
                raise _refused(path, "the build replaced it; it belongs to the platform")
            walk.found.add(path)
        elif stat.S_ISLNK(kind.st_mode):
            target = os.readlink(name, dir_fd=fd)
            if not _stays_inside(target, depth) and target not in walk.links_out:
                raise _refused(path, f"it is a link to {target[:120]!a}, which is outside of the app")
            walk.feed(b"link", os.fsencode(path), os.fsencode(target))
        elif stat.S_ISDIR(kind.st_mode):
            walk.feed(b"folder", os.fsencode(path))
            with _opened(name, fd, kind, _FOLDER) as child:
                _own(child, 0o755)
                _seal_folder(child, path + "/", depth + 1, walk)
        elif stat.S_ISREG(kind.st_mode):
            _seal_file(name, fd, kind, path, walk)
        else:
            raise _refused(path, "it is a device, a socket or a pipe")


def _seal_file(name: str, folder: int, kind: os.stat_result, path: str, walk: _Walk) -> None:
    walk.files += 1
    walk.total += kind.st_size
    if walk.total > walk.bounds.total_bytes:
        raise BuildFailed(f"The files have more than {walk.bounds.total_bytes // 1_000_000:,} MB together; make them smaller.")
    mode = 0o755 if kind.st_mode & stat.S_IXUSR else 0o644
    ours = kind.st_uid == os.geteuid() and stat.S_IMODE(kind.st_mode) == mode and kind.st_nlink == 1
    if ours and not walk.hashing:
        return
    with _opened(name, folder, kind, _FILE) as fd:
        if kind.st_nlink > 1:  # its other name may be in a package store, or where the app can write
            _copy_over(fd, name, folder, mode)
        elif not ours:
            _own(fd, mode)
        if walk.hashing:
            content = hashlib.sha256()
            while chunk := os.read(fd, _CHUNK):
                content.update(chunk)
            walk.feed(b"program" if mode == 0o755 else b"file", os.fsencode(path), content.digest())


def _stays_inside(target: str, depth: int) -> bool:
    """Whether a link in a folder ``depth`` levels down stays inside. ".." may only lead: after a name it could climb out of another
    link's target instead of the folder that it is written behind."""
    if target.startswith("/app/"):
        target, depth = target.removeprefix("/app/"), 0
    if not target or target.startswith("/") or "\0" in target:
        return False
    parts = [part for part in target.split("/") if part not in {"", "."}]
    ups = 0
    while ups < len(parts) and parts[ups] == "..":
        ups += 1
    return ups <= depth and ".." not in parts[ups:]


@contextlib.contextmanager
def _opened(name: str, folder: int, seen: os.stat_result, flags: int) -> Iterator[int]:
    """Open the very thing that was seen, or refuse."""
    try:
        fd = os.open(name, flags, dir_fd=folder)
    except PermissionError:
        _unlock(name, folder)
        fd = os.open(name, flags, dir_fd=folder)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR, errno.ENOENT, errno.ENXIO}:
            raise _refused(name, "it changed while it was read") from None
        raise
    try:
        got = os.fstat(fd)
        if (got.st_dev, got.st_ino) != (seen.st_dev, seen.st_ino):
            raise _refused(name, "it changed while it was read")
        yield fd
    finally:
        os.close(fd)


def _unlock(name: str, folder: int) -> None:
    """Give ourselves back a file or folder of ours that was made unreadable; a link is not followed."""
    if not _O_PATH:
        raise _refused(name, "it cannot be read")
    fd = os.open(name, _O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        if not stat.S_ISLNK(os.fstat(fd).st_mode):
            os.chmod(f"/proc/self/fd/{fd}", 0o700)
    finally:
        os.close(fd)


def _own(fd: int, mode: int) -> None:
    kind = os.fstat(fd)
    if kind.st_uid != os.geteuid() or kind.st_gid != os.getegid():
        os.fchown(fd, os.geteuid(), os.getegid())
    if stat.S_IMODE(kind.st_mode) != mode:
        os.fchmod(fd, mode)


def _copy_over(fd: int, name: str, folder: int, mode: int) -> None:
    fresh = f".copy-{secrets.token_hex(8)}"
    target = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=folder)
    try:
        while chunk := os.read(fd, _CHUNK):
            view = memoryview(chunk)
            while view:
                view = view[os.write(target, view) :]
        os.fchmod(target, mode)
        os.rename(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(fresh, dir_fd=folder)
        raise
    finally:
        os.close(target)
    os.lseek(fd, 0, os.SEEK_SET)


def remove(path: Path) -> None:
    """Remove a file, link or folder, however it was made. Fine when it is gone.

    Unreadable folders are opened up first. Folders nested too deep for recursion and for open files are moved up into ``path`` and
    emptied from there (all of them moved would be simpler, and ten times slower).
    """
    try:
        parent = os.open(path.parent, _FOLDER)
    except FileNotFoundError:
        return
    try:
        try:
            kind = os.stat(path.name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(kind.st_mode):
            os.unlink(path.name, dir_fd=parent)
            return
        with _emptiable(path.name, parent) as top:
            while os.listdir(top):
                _empty(top, top, 0)
        os.rmdir(path.name, dir_fd=parent)
    finally:
        os.close(parent)


def _empty(folder: int, top: int, depth: int) -> None:
    """Remove what is in ``folder``; what is nested too deep is in ``top`` afterwards."""
    for name in os.listdir(folder):
        if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=folder)
            continue
        with _emptiable(name, folder) as inner:  # moving a folder, too, needs the right to write to it
            if depth < _REMOVE_DEPTH:
                _empty(inner, top, depth + 1)
            else:
                os.rename(name, f".gone-{secrets.token_hex(8)}", src_dir_fd=folder, dst_dir_fd=top)
        if depth < _REMOVE_DEPTH:
            os.rmdir(name, dir_fd=folder)


@contextlib.contextmanager
def _emptiable(name: str, folder: int) -> Iterator[int]:
    try:
        fd = os.open(name, _FOLDER, dir_fd=folder)
    except PermissionError:
        _unlock(name, folder)
        fd = os.open(name, _FOLDER, dir_fd=folder)
    try:
        if stat.S_IMODE(os.fstat(fd).st_mode) & 0o700 != 0o700:
            os.fchmod(fd, 0o700)
        yield fd
    finally:
        os.close(fd)
