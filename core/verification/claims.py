"""Claims: small locked files that say "somebody alive is busy with this name".

Made by the artifact store for its work folders and by the try-out for its instance and database. The kernel lets go of the lock when
the process ends, however it ends, so a claim that can be locked is a leftover of a crash: its note says what to clear away. Unlike a
process id or a timestamp, that needs no guess and no clock, and works for any number of workers on one data folder.

It refuses to be a lock to wait on: a claim is had at once or not at all.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

_NAME = re.compile(r"[a-z0-9_-]{1,80}")
_HALF_MADE_SECONDS = 60.0


class Claim:
    """A held claim. ``note`` is what the next one needs in order to clear away after us; it holds no secret."""

    def __init__(self, path: Path, fd: int, note: Mapping[str, str]) -> None:
        self.name = path.name
        self.note = note
        self._path = path
        self._fd: int | None = fd

    def release(self) -> None:
        """The work is done and nothing is left; releasing twice is fine."""
        if self._fd is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._fd)
            self._fd = None

    def let_go(self) -> None:
        """Unlock but keep the note: clearing away failed, somebody shall try again."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class Claims:
    """The claims in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def claim(self, name: str, note: Mapping[str, str] | None = None) -> Claim:
        """Claim a fresh random name."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a name for a claim: {name!r}")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Locked under another name first: a claim that can be seen but is not yet locked would look abandoned.
        hidden = self._folder / f".{name}"
        fd = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(fd, json.dumps(dict(note or {})).encode())
            os.link(hidden, self._folder / name)
        except BaseException:
            os.close(fd)
            raise
        finally:
            hidden.unlink(missing_ok=True)
        return Claim(self._folder / name, fd, dict(note or {}))

    def held(self, name: str) -> bool:
        """Whether somebody alive holds it."""
        claim = self._take(self._folder / name)
        if claim is None:
            return (self._folder / name).exists()
        claim.let_go()
        return False

    def abandoned(self, prefix: str) -> Iterator[Claim]:
        """Take over, one after the other, the claims of the dead; the caller clears away and releases each."""
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.iterdir()):
            if path.name.startswith("."):
                with contextlib.suppress(FileNotFoundError):
                    if time.time() - path.stat().st_mtime > _HALF_MADE_SECONDS:
                        path.unlink()
            elif path.name.startswith(prefix) and (claim := self._take(path)) is not None:
                yield claim

    def _take(self, path: Path) -> Claim | None:
        try:
            fd = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not path.exists() or path.stat().st_ino != os.fstat(fd).st_ino:
                raise BlockingIOError  # released between the open and the lock
            note = json.loads(os.read(fd, 10_000) or b"{}")
        except (BlockingIOError, FileNotFoundError):
            os.close(fd)
            return None
        except ValueError:
            note = {}
        return Claim(path, fd, note)
