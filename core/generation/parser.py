"""The parser of what a model writes: a stream of text, cut anywhere, into files.

Fed by the pipeline with every piece as it arrives. It is incremental (nothing is read twice), linear in the text, pure, and bounded in
memory; it gives the same events and the same result for every way of cutting the stream. It never unescapes anything and never raises on
what a model wrote: hostile paths, oversize files, duplicates and unclosed files are reported.

Recognised are exactly the marks of `core.generation.sentinels` with this request's nonce: the opening one at the start of a line, the
closing one anywhere, because models forget the line break before it. Everything else is either a file's content or prose.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO

from core.errors import InvalidInput
from core.files import MAX_FILE_BYTES, MAX_TREE_BYTES, check_path
from core.generation import sentinels
from core.generation.problem import Problem

PROGRESS_CHARS = 2_000  #: a FileProgress for every so many characters of a file
MAX_PROSE = 20_000  #: characters of prose that are kept
MAX_OPENED = 200  #: different paths in one stream; a tree takes far fewer
MAX_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class FileStarted:
    """A file's opening mark was read."""

    path: str


@dataclass(frozen=True, slots=True)
class FileProgress:
    """So many characters of a file have been read, about."""

    path: str
    chars: int


@dataclass(frozen=True, slots=True)
class FileEnded:
    """A file's closing mark was read."""

    path: str
    content: str


ParserEvent = FileStarted | FileProgress | FileEnded


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a whole stream held."""

    files: Mapping[str, str]  #: the closed files with accepted paths; of duplicates the last closed one
    prose: str  #: text outside of files, at most `MAX_PROSE` characters of it
    unclosed: Mapping[str, str]  #: files whose closing mark never came, with what there was of them
    duplicates: Sequence[str]  #: paths that were opened more than once
    problems: Sequence[Problem]  #: hostile paths, oversize files


class _OpenFile:
    """The file being read. ``problem`` means that it is skipped."""

    def __init__(self, path: str, room: int, problem: Problem | None) -> None:
        self.path = path
        self.room = room
        self.problem = problem
        self.chars = 0
        self.text = StringIO(newline="")

    def take(self, text: str) -> list[ParserEvent]:
        before = self.chars // PROGRESS_CHARS
        self.chars += len(text)
        if self.problem is not None:
            return []
        if self.chars > self.room:
            limit = min(self.room, MAX_FILE_BYTES)
            self.problem = Problem(path=self.path, line=None, message=f"It is longer than {limit:,} characters; make it shorter.")
            self.text = StringIO()
            return []
        self.text.write(text)
        return [FileProgress(self.path, n * PROGRESS_CHARS) for n in range(before + 1, self.chars // PROGRESS_CHARS + 1)]

    def content(self) -> str:
        """The content without the line breaks that belong to the marks, and without one outer markdown fence."""
        raw = self.text.getvalue()
        head = _AFTER_OPENING.match(raw)
        body = raw[head.end() :] if head else raw
        if head and head.group().endswith("\r\n") and body.endswith("\r\n"):
            body = body[:-2]
        elif body.endswith("\n"):
            body = body[:-1]
        return strip_fence(self.path, body)


_AFTER_OPENING = re.compile(r"[ \t]*\r?\n")
_FENCE_OPEN = re.compile(r"\s*(?P<mark>`{3,}|~{3,})(?P<info>[^\n`]*)\n")
_FENCE_CLOSE = re.compile(r"(?P<mark>`{3,}|~{3,})\s*")


def strip_fence(path: str, text: str) -> str:
    """``text`` without one markdown fence around all of it. A Markdown file keeps a fence that is its own, not one marked markdown."""
    opened = _FENCE_OPEN.match(text)
    if opened is None:
        return text
    if path.lower().endswith((".md", ".mdx")) and opened["info"].strip().lower() not in {"markdown", "md", "mdx"}:
        return text
    last = text.rstrip().rfind("\n") + 1
    closed = _FENCE_CLOSE.fullmatch(text, last)
    if last < opened.end() or closed is None or closed["mark"] != opened["mark"]:
        return text
    return text[opened.end() : last]


class Parser:
    """Reads one stream with one nonce. Feed every piece, then finish once."""

    def __init__(self, nonce: str) -> None:
        self._opening = "\n" + sentinels.opening(nonce)
        closing = re.escape(sentinels.closing(nonce))
        self._in_file = re.compile(f"(?P<end>{closing})|(?P<start>{re.escape(self._opening)})")
        self._in_prose = re.compile(f"(?P<start>{re.escape(self._opening)})")
        self._keep = max(len(self._opening), len(sentinels.closing(nonce))) - 1
        self._buffer = "\n"  # so that an opening mark at the very start is at the start of a line
        self._virtual = 1  # that line break is not part of the prose
        self._file: _OpenFile | None = None
        self._room = MAX_TREE_BYTES
        self._files: dict[str, str] = {}
        self._unclosed: dict[str, str] = {}
        self._opened: dict[str, int] = {}
        self._problems: list[Problem] = []
        self._prose = StringIO(newline="")

    def feed(self, text: str) -> list[ParserEvent]:
        """Read one piece, cut anywhere."""
        self._buffer += text
        return self._read(final=False)

    def finish(self) -> Parsed:
        """The stream is over. What was still open is unclosed."""
        self._read(final=True)
        if self._file is not None:
            self._leave_unclosed()
        return Parsed(
            files=dict(self._files),
            prose=self._prose.getvalue().strip(),
            unclosed={path: text for path, text in self._unclosed.items() if path not in self._files},
            duplicates=tuple(path for path, times in self._opened.items() if times > 1),
            problems=tuple(self._problems),
        )

    def _read(self, *, final: bool) -> list[ParserEvent]:
        events: list[ParserEvent] = []
        buffer, at, search_from = self._buffer, 0, 0
        while True:
            mark = (self._in_prose if self._file is None else self._in_file).search(buffer, search_from)
            if mark is None:
                # What could still become a mark stays in the buffer.
                stop = len(buffer) if final else max(at, search_from, len(buffer) - self._keep)
                break
            if mark["start"] is None:
                events += self._take(buffer[at : mark.start()])
                events += self._close()
                at = search_from = mark.end()
                continue
            header = _Header.read(buffer, mark.end())
            if header is None and not final:
                stop = mark.start()
                break
            if header is None or header.path is None:
                search_from = mark.start() + 1
                continue
            events += self._take(buffer[at : mark.start()])
            if self._file is not None:
                self._leave_unclosed()
            events += self._open(header.path)
            at = search_from = header.end
        events += self._take(buffer[at:stop])
        self._buffer = buffer[stop:]
        return events

    def _take(self, text: str) -> list[ParserEvent]:
        if self._file is not None:
            return self._file.take(text)
        if text and self._virtual:
            text, self._virtual = text[1:], 0
        self._prose.write(text[: max(0, MAX_PROSE - self._prose.tell())])
        return []

    def _open(self, written_path: str) -> list[ParserEvent]:
        self._virtual = 0
        path = written_path.strip().removeprefix("./")
        problem: Problem | None = None
        try:
            check_path(path)
        except InvalidInput as error:
            path = ascii(path)[1:-1]
            problem = Problem(path=path, line=None, message=error.message)
        if path not in self._opened and len(self._opened) >= MAX_OPENED:
            problem = Problem(path=path, line=None, message=f"It comes after {MAX_OPENED} others; write fewer files.")
        self._file = _OpenFile(path, min(self._room, MAX_FILE_BYTES), problem)
        if problem is not None:
            return []
        self._opened[path] = self._opened.get(path, 0) + 1
        return [FileStarted(path)]

    def _close(self) -> list[ParserEvent]:
        file = self._end_file()
        if file.problem is not None:
            return []
        content = file.content()
        self._files[file.path] = content
        return [FileEnded(file.path, content)]

    def _leave_unclosed(self) -> None:
        file = self._end_file()
        if file.problem is None:
            self._unclosed[file.path] = file.content()

    def _end_file(self) -> _OpenFile:
        assert self._file is not None
        file, self._file = self._file, None
        if file.problem is None:
            self._room -= file.chars
        elif len(self._problems) < MAX_PROBLEMS:
            self._problems.append(file.problem)
        return file


@dataclass(frozen=True, slots=True)
class _Header:
    """The rest of an opening mark: the path and where ``>>>`` ends; a path of None means that it is no mark after all."""

    path: str | None
    end: int

    @staticmethod
    def read(buffer: str, at: int) -> _Header | None:
        """None while more text is needed to tell."""
        window = buffer[at : at + sentinels.MAX_HEADER_PATH]
        close, line_end = window.find(">>>"), window.find("\n")
        if close > 0 and (line_end < 0 or close < line_end):
            return _Header(window[:close], at + close + 3)
        if line_end >= 0 or close == 0 or len(window) == sentinels.MAX_HEADER_PATH:
            return _Header(None, at)
        return None
