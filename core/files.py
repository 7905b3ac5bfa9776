"""A tree of source files: the value that a revision is made of.

Made by generation, by the API from what is pushed, and read back from the ledger. It refuses paths that could leave their folder,
hide, collide or run something at install time, and trees over the size limits, before anything is written anywhere. Rules and
limits: `facts` on paths in docs/architecture.md.
"""

from __future__ import annotations

import hashlib
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Self

from core.errors import InvalidInput, TooLarge
from core.ids import Digest

MAX_FILES = 120  #: a scaffold brings up to 46, and a plan may name 50 more
MAX_FILE_BYTES = 200_000
MAX_TREE_BYTES = 2_000_000
MAX_PATH_CHARS = 200

_FORBIDDEN_SEGMENTS = {".git", ".github", "node_modules", ".venv", "__pycache__"}
_FORBIDDEN_NAMES = {
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pnpmfile.cjs",
    ".pnpmfile.mjs",
    "pip.conf",
    "uv.toml",
    "bunfig.toml",
}
_DEVICE_NAMES = {"con", "prn", "aux", "nul"} | {f"{p}{n}" for p in ("com", "lpt") for n in range(1, 10)}
_SEGMENT = re.compile(r"[\w@()\[\].,+=$ -]+", re.UNICODE)


def check_path(path: str) -> str:
    """Return ``path`` unchanged when it is a safe relative POSIX path.

    Raises:
        InvalidInput: with the reason; the path is quoted with escapes, so the message is safe to show.
    """

    def refuse(why: str) -> InvalidInput:
        return InvalidInput(f"The file path {path[:120]!a} is not accepted: {why}. Rename the file and send it again.")

    if not path or len(path) > MAX_PATH_CHARS:
        raise refuse(f"it must have 1 to {MAX_PATH_CHARS} characters")
    if any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for c in path):
        raise refuse("it has control or invisible characters")
    if path.startswith(("/", "~")) or "\\" in path or re.match(r"[A-Za-z]:", path):
        raise refuse("it must be relative, with forward slashes")
    for segment in path.split("/"):
        if segment in {"", ".", ".."}:
            raise refuse("it has an empty, '.' or '..' part")
        if not _SEGMENT.fullmatch(segment) or segment != segment.strip() or segment.endswith("."):
            raise refuse(f"the part {segment!a} has characters that not every system allows")
        folded = unicodedata.normalize("NFC", segment).casefold()
        if folded in _FORBIDDEN_SEGMENTS or folded in _FORBIDDEN_NAMES:
            raise refuse(f"{segment!a} belongs to the tools")
        if folded.split(".")[0] in _DEVICE_NAMES:
            raise refuse(f"{segment!a} is a device name on Windows")
    return path


class FileTree(Mapping[str, str]):
    """An immutable, checked mapping from path to text, in path order.

    Raises (on construction):
        InvalidInput: a hostile or colliding path, or text with a NUL character or a lone surrogate.
        TooLarge: more than 120 files, a file over 200 kB, or a tree over 2 MB (UTF-8).
    """

    __slots__ = ("_digest", "_files")

    def __init__(self, files: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        pairs = list(files.items()) if isinstance(files, Mapping) else list(files)
        if len(pairs) > MAX_FILES:
            raise TooLarge(f"{len(pairs)} files are more than the {MAX_FILES} that one app may have; leave some out.")
        seen: dict[str, str] = {}
        folders: set[str] = set()
        total = 0
        for path, content in pairs:
            check_path(path)
            key = unicodedata.normalize("NFC", path).casefold()
            if key in seen:
                raise InvalidInput(f"The files {seen[key]!a} and {path!a} are the same name on some systems; rename one.")
            seen[key] = path
            parts = key.split("/")
            folders.update("/".join(parts[:n]) for n in range(1, len(parts)))
            try:
                size = len(content.encode())
            except UnicodeEncodeError:
                raise InvalidInput(f"The file {path!a} is not valid text; send UTF-8.") from None
            if "\0" in content:
                raise InvalidInput(f"The file {path!a} has a NUL character; only text files are accepted.")
            if size > MAX_FILE_BYTES:
                raise TooLarge(f"The file {path!a} has {size:,} bytes; at most {MAX_FILE_BYTES:,} are accepted.")
            total += size
        if total > MAX_TREE_BYTES:
            raise TooLarge(f"The files have {total:,} bytes together; at most {MAX_TREE_BYTES:,} are accepted.")
        for key, path in seen.items():
            if key in folders:
                raise InvalidInput(f"{path!a} is a file and a folder at once; rename one.")
        self._files: dict[str, str] = dict(sorted(pairs))
        self._digest: Digest | None = None

    def __getitem__(self, path: str, /) -> str:
        return self._files[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileTree) and self._files == other._files

    def __repr__(self) -> str:
        return f"<FileTree {len(self)} files {self.digest[:19]}>"

    @property
    def digest(self) -> Digest:
        """SHA-256 over the sorted paths and contents, each with its length in front."""
        if self._digest is None:
            total = hashlib.sha256()
            for path, content in self._files.items():
                for part in (path.encode(), content.encode()):
                    total.update(len(part).to_bytes(8, "big"))
                    total.update(part)
            self._digest = Digest("sha256:" + total.hexdigest())
        return self._digest

    def size(self, path: str) -> int:
        """Bytes of one file in UTF-8."""
        return len(self._files[path].encode())

    def with_files(self, changes: Mapping[str, str | None]) -> Self:
        """A new tree with these files replaced or added; None removes one."""
        merged = {**self._files, **changes}
        return type(self)({path: content for path, content in merged.items() if content is not None})

    def under(self, folder: str) -> Self:
        """The files below a folder, with their whole paths."""
        return type(self)({p: c for p, c in self._files.items() if p.startswith(folder.rstrip("/") + "/")})

    def zipped(self, folder: str) -> bytes:
        """A .zip of the tree inside ``folder``. The same tree is the same archive: every file has the same date."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, content in self.items():
                entry = zipfile.ZipInfo(f"{folder}/{path}", (2000, 1, 1, 0, 0, 0))
                archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
        return packed.getvalue()

    def write_to(self, folder: Path) -> None:
        """Write every file below ``folder``, which must be new and empty: nothing there can be a link made by somebody else."""
        for path, content in self._files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8", newline="")


def read_tree(folder: Path) -> FileTree:
    """Read a trusted folder of ours (a scaffold), every text file in it."""
    return FileTree(
        {
            p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8")
            for p in sorted(folder.rglob("*"))
            if p.is_file() and "__pycache__" not in p.parts
        }
    )
