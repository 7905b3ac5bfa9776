"""The data folder: everything that one Nexus keeps on disk, and who may enter it.

Opened once by the CLI; the platform's modules, the sandboxes and the hosts get their folders from it.

Other users must be able to *enter* (not list) the folder when Nexus runs as root: Postgres refuses to run as root, and the
apps run as users of their own. A folder below a private one (``/root/x``, a private temporary folder) cannot be opened up
without opening somebody's home, so then the wanted folder keeps only a pointer file, ``location``, and the contents live
below ``/var/lib/nexus/folders``. Copying parts of the tree or granting ACLs were the alternatives; both are harder to see
and to undo.

Refuses: a folder of a newer Nexus, somebody else's folder, and a folder that holds something other than Nexus's data.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import pwd
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import platformdirs
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.errors import DataFolderError, DiskFull

FORMAT: Final = 1  #: version of the folder's layout; raised when an older Nexus could not use a newer folder
SHARED: Final = Path("/var/lib/nexus")  #: where root's data live when the wanted place cannot be entered by others
ROOM_BYTES: Final = 200 * 1024 * 1024  #: below this, no new work is begun

_FOREIGN_LIMIT = 50  #: a runtime folder this short leaves 40 bytes for the names of sockets (their paths end at ~100)
_OURS_WHEN_EMPTY = frozenset({"lost+found", ".format.new"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningInstance:
    """The Nexus that uses a data folder now."""

    pid: int
    url: str | None  #: None while it is still starting
    started_at: datetime


class DataFolder:
    """An opened data folder.

    `wanted` is the folder that was asked for and that messages name; `root` is where the contents are (mostly the same);
    `runtime` is a folder for sockets, whose path is at most 50 bytes long.
    """

    def __init__(self, *, wanted: Path, root: Path, runtime: Path) -> None:
        self.wanted = wanted
        self.root = root
        self.runtime = runtime
        self._lock: int | None = None
        self._slots: list[int] = []
        self._started_at = datetime.now(UTC)

    # -- opening -------------------------------------------------------------------------------------------------

    @classmethod
    def open(cls, path: Path | None = None, *, shared: Path = SHARED) -> DataFolder:
        """Open the folder, making it when it is not there. Without ``path``: the user's own data folder.

        Raises:
            DataFolderError: it cannot be used; the message says what to do.
            DiskFull: it cannot be made for want of room.
        """
        wanted = Path(os.path.abspath((path or default_folder()).expanduser()))
        try:
            return cls._open(wanted, shared)
        except PermissionError as error:
            raise DataFolderError(
                f"The data folder {str(wanted)!r} cannot be used: {error.strerror} at {error.filename!r}. "
                "Run Nexus as the folder's owner, or choose another folder with --data."
            ) from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull(f"No room left for the data folder {str(wanted)!r}; free some and try again.") from error
            raise DataFolderError(
                f"The data folder {str(wanted)!r} cannot be made or opened: {error.strerror or error}. "
                "Choose another with --data."
            ) from error

    @classmethod
    def _open(cls, wanted: Path, shared: Path) -> DataFolder:
        _make(wanted)
        with _locked(wanted):
            root = _contents(wanted, shared)
            _check_format(root, wanted)
            os.chmod(root, 0o711 if _is_root() else 0o700)
            run = _make(root / "run", 0o711)
            _make(root / "logs", 0o700)
            key = root / "secret.key"
            if not key.exists():
                write_private(key, secrets.token_bytes(32))
        runtime = run if len(os.fsencode(run)) <= _FOREIGN_LIMIT else _short_folder(root)
        return cls(wanted=wanted, root=root, runtime=runtime)

    # -- contents ------------------------------------------------------------------------------------------------

    def folder(self, name: str, *, mode: int | None = None) -> Path:
        """The folder ``name`` inside, made when missing: 0711 as root (its users enter, nobody lists), else 0700."""
        return _make(self.root / name, mode if mode is not None else (0o711 if _is_root() else 0o700))

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Pid files and the running instance; see `runtime` for sockets."""
        return self.root / "run"

    def secret(self, name: str) -> bytes:
        """32 bytes for one purpose (``jwt``, ``settings``, …), derived from the folder's key; the same at every call."""
        key = (self.root / "secret.key").read_bytes()
        if len(key) < 32:
            raise DataFolderError(
                f"{str(self.root / 'secret.key')!r} is damaged: it must hold 32 bytes. Put it back from a backup; "
                "without it the settings of your apps cannot be read."
            )
        return HKDF(hashes.SHA256(), 32, salt=b"nexus", info=name.encode()).derive(key)

    def check_room(self, needed: int = ROOM_BYTES) -> None:
        """Raise DiskFull when less than ``needed`` bytes are free."""
        free = shutil.disk_usage(self.root).free
        if free < needed:
            raise DiskFull(
                f"Only {free // 2**20} MB are free where Nexus keeps its data ({str(self.root)!r}) and {needed // 2**20} MB "
                "are needed; free some space and try again. Nothing was lost."
            )

    def remove(self) -> None:
        """Delete the contents, the runtime folder and the wanted folder. Nothing may run on it any more."""
        if self._lock is None and self.running() is not None:
            raise DataFolderError(f"A Nexus runs on {str(self.wanted)!r}; stop it before its data are deleted.")
        self.release()
        for folder in {self.runtime, self.root, self.wanted}:
            shutil.rmtree(folder, ignore_errors=True)

    # -- the running instance ------------------------------------------------------------------------------------

    def running(self) -> RunningInstance | None:
        """Who uses the folder now; None when nobody does. A crashed Nexus holds no lock and so does not count."""
        with contextlib.closing(_Descriptor(self.run / "lock")) as lock:
            if _flock(lock.fd, fcntl.LOCK_SH):
                return None
        try:
            told = json.loads((self.run / "instance.json").read_text())
            return RunningInstance(pid=told["pid"], url=told["url"], started_at=datetime.fromisoformat(told["started_at"]))
        except (OSError, ValueError, KeyError, TypeError):
            return RunningInstance(pid=0, url=None, started_at=datetime.now(UTC))  # claimed this very moment

    def claim(self) -> None:
        """Become the one instance that runs on this folder, until `release` or death.

        Raises:
            DataFolderError: another one runs, with its address.
        """
        if self._lock is not None:
            return
        lock = _Descriptor(self.run / "lock")
        until = time.monotonic() + 0.5  # `running` of another process holds the lock for an instant
        while not _flock(lock.fd, fcntl.LOCK_EX):
            if time.monotonic() > until:
                lock.close()
                other = self.running()
                where = f" at {other.url}" if other and other.url else ""
                raise DataFolderError(
                    f"A Nexus is already running{where} on {str(self.wanted)!r}"
                    f"{f' (process {other.pid})' if other and other.pid else ''}. "
                    "Use it, stop it, or choose another folder with --data."
                )
            time.sleep(0.01)
        self._lock = lock.fd
        self._started_at = datetime.now(UTC)
        self._tell(None)

    def publish(self, url: str) -> None:
        """Tell other processes where this instance answers; after `claim`."""
        if self._lock is None:
            raise RuntimeError("claim the data folder before publishing an address")
        self._tell(url)

    def release(self) -> None:
        """End the claim; fine without one."""
        if self._lock is not None:
            (self.run / "instance.json").unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def slot(self, kind: str) -> int:
        """The lowest number, from 1, that no living process of this kind has on this folder; this one's until it ends."""
        number = 0
        while True:
            number += 1
            lock = _Descriptor(self.run / f"{kind}-{number}.lock")
            if _flock(lock.fd, fcntl.LOCK_EX):
                self._slots.append(lock.fd)
                return number
            lock.close()

    def _tell(self, url: str | None) -> None:
        told = {"pid": os.getpid(), "url": url, "started_at": self._started_at.isoformat()}
        write_private(self.run / "instance.json", json.dumps(told).encode())


def default_folder() -> Path:
    """The user's own data folder; for root at home `SHARED`, because nobody else can enter root's home."""
    home_based = Path(platformdirs.user_data_dir("nexus", appauthor=False))
    if not _is_root():
        return home_based
    at_home = Path.home() == Path(pwd.getpwuid(0).pw_dir)
    if at_home and not os.environ.get("XDG_DATA_HOME") and not enterable(home_based):
        return SHARED
    return home_based


def enterable(path: Path) -> bool:
    """Whether every user can reach ``path``: each existing folder on the way, itself included, has the x bit for all."""
    resolved = path.resolve()
    return all(bool(p.stat().st_mode & stat.S_IXOTH) for p in (resolved, *resolved.parents) if p.is_dir())


def write_private(path: Path, content: bytes) -> None:
    """Replace ``path`` whole, readable by its owner alone."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)


def _contents(wanted: Path, shared: Path) -> Path:
    """Where the contents of ``wanted`` are; decides it for a new folder."""
    pointer = wanted / "location"
    _check_owner(wanted)
    if pointer.is_file() and not pointer.is_symlink():
        root = Path(pointer.read_text().strip())
        if not (root / "format").is_file():
            raise DataFolderError(
                f"The contents of the data folder {str(wanted)!r} should be at {str(root)!r} and are not. "
                f"Put them back, or remove {str(pointer)!r} to start with an empty folder."
            )
        _check_owner(root)
        return root
    if (wanted / "format").exists():
        return wanted
    strange = {entry.name for entry in wanted.iterdir()} - _OURS_WHEN_EMPTY
    if strange:
        raise DataFolderError(
            f"{str(wanted)!r} holds something else ({min(strange)!r}, …) and is not a data folder of Nexus. "
            "Choose an empty or a new folder with --data."
        )
    if not _is_root() or enterable(wanted.resolve().parent):
        return wanted
    _make(shared, 0o711)
    root = _make(_make(shared / "folders", 0o711) / secrets.token_hex(6), 0o711)
    (root / "origin").write_text(f"{wanted}\n")  # for a person who finds it
    write_private(root / "format", f"{FORMAT}\n".encode())
    write_private(pointer, f"{root}\n".encode())
    return root


def _check_owner(folder: Path) -> None:
    owner = folder.stat().st_uid
    if owner == os.geteuid():
        return
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = str(owner)
    raise DataFolderError(
        f"The data folder {str(folder)!r} belongs to the user {name!r}. Run Nexus as that user, or choose another "
        "folder with --data."
    )


def _check_format(root: Path, wanted: Path) -> None:
    file = root / "format"
    if not file.exists():
        write_private(file, f"{FORMAT}\n".encode())
        return
    try:
        found = int(file.read_text())
    except ValueError as error:
        raise DataFolderError(
            f"{str(file)!r} is damaged: it must hold a version number. Put it back from a backup, or choose another "
            "folder with --data."
        ) from error
    if found > FORMAT:
        raise DataFolderError(
            f"The data folder {str(wanted)!r} was written by a newer Nexus (format {found}; this one knows {FORMAT}). "
            "Update Nexus, or choose another folder with --data."
        )


def _short_folder(root: Path) -> Path:
    """A folder with a short path for sockets. /run is root's own; below /tmp a name can be squatted, so its owner is checked."""
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
    base = Path("/run") if _is_root() and os.access("/run", os.W_OK) else Path("/tmp")  # noqa: S108
    folder = base / f"nexus-{digest}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o711)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise DataFolderError(
            f"{str(folder)!r}, which Nexus needs for its sockets, belongs to somebody else. Have it removed, or choose a "
            "data folder with a path of at most 45 characters."
        )
    folder.chmod(0o711)
    return folder


def _is_root() -> bool:
    return os.geteuid() == 0


def _make(path: Path, mode: int | None = None) -> Path:
    """Make the folder and its parents. The mode is also set on one that is there, because umask and older versions differ."""
    missing = [p for p in (path, *path.parents) if not p.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for made in missing:
        made.chmod(0o711 if _is_root() else 0o700)
    if mode is not None and stat.S_IMODE(path.stat().st_mode) != mode:
        path.chmod(mode)
    return path


class _Descriptor:
    """An open lock file; never inherited by a child, so that no child keeps the lock of a dead Nexus."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def close(self) -> None:
        os.close(self.fd)


def _flock(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Two processes that open a new folder at once make it one after the other."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
