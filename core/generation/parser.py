"""The parser of what a model writes: a stream of text, cut anywhere, into files, edits and removals.

Fed by the pipeline with every piece as it arrives. It is incremental (nothing is read twice), linear in the text, pure, and
bounded in memory; it gives the same events and the same result for every way of cutting the stream. It never unescapes anything
and never raises on what a model wrote: hostile paths, oversize files, duplicates and unclosed files are reported.

Recognised are exactly the marks of `core.generation.sentinels` with this request's nonce: the opening one at the start of a
line, the closing one anywhere, because models forget the line break before it. Where they forget the closing one itself, the
next opening one ends a file. Everything else is either a file's content or
prose. One exception: an answer that is a JSON object of files and nothing else is read as that, because its strings say exactly
what is meant, and asking again costs as much as the whole answer. Files in markdown fences are not: where such a file ends is a
guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO

from core.errors import InvalidInput
from core.files import MAX_FILE_BYTES, MAX_TREE_BYTES, check_path
from core.generation import sentinels
from core.generation.answers import files_of_json
from core.generation.edits import Edit, read_edits
from core.generation.problem import Problem

PROGRESS_CHARS = 2_000  #: a FileProgress for every so many characters of a file
MAX_PROSE = 20_000  #: characters of prose that are kept
MAX_ANSWER = 2 * MAX_TREE_BYTES  #: characters of an answer without any mark that are kept, because it may be JSON
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


@dataclass(frozen=True, slots=True)
class EditStarted:
    """An edit's opening mark was read; whether it applies is seen when the answer is over."""

    path: str


ParserEvent = FileStarted | FileProgress | FileEnded | EditStarted


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a whole stream held."""

    files: Mapping[str, str]  #: the closed files with accepted paths; of duplicates the last closed one
    prose: str  #: text outside of files, at most `MAX_PROSE` characters of it
    unclosed: Mapping[str, str]  #: the file that the stream ended in, with what there was of it, a last line break included
    duplicates: Sequence[str]  #: paths that were opened more than once
    problems: Sequence[Problem]  #: hostile paths, oversize files, edits that cannot be read
    edits: Mapping[str, Sequence[Edit]] = field(default_factory=dict)  #: in the order of the answer; they follow a whole file
    broken_edits: Sequence[str] = ()  #: paths with an edit that was cut off or is not in the format
    removed: Sequence[str] = ()  #: files that shall be no more
    was_json: bool = False  #: the answer was a JSON object of files


class _OpenFile:
    """The file, or the edit of one, being read. ``problem`` means that it is skipped."""

    def __init__(self, kind: str, path: str, room: int, problem: Problem | None) -> None:
        self.kind = kind
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
        if self.kind != "file":
            return []
        return [FileProgress(self.path, n * PROGRESS_CHARS) for n in range(before + 1, self.chars // PROGRESS_CHARS + 1)]

    def content(self) -> str:
        """The content without the line breaks that belong to the marks, and without one outer markdown fence."""
        return whole(self.path, self.text.getvalue())

    def beginning(self) -> str:
        """The content so far, to its last character."""
        raw = self.text.getvalue()
        head = _AFTER_OPENING.match(raw)
        return raw[head.end() :] if head else raw


def whole(path: str, raw: str) -> str:
    """A file's content from what stood between its marks."""
    head = _AFTER_OPENING.match(raw)
    body = raw[head.end() :] if head else raw
    if head and head.group().endswith("\r\n") and body.endswith("\r\n"):
        body = body[:-2]
    elif body.endswith("\n"):
        body = body[:-1]
    return strip_fence(path, body)


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
        marks = {
            "file": sentinels.opening(nonce),
            "edit": sentinels.edit_opening(nonce),
            "delete": sentinels.removal(nonce),
        }
        # One literal prefix, which the regular expression engine finds quickly; an opening mark must be at the start of a line.
        openings = "|".join(rf"(?<=\n<<<)(?P<{kind}>{re.escape(mark[3:])})" for kind, mark in marks.items())
        self._marks = re.compile(rf"<<<(?:(?P<end>{re.escape(sentinels.closing(nonce)[3:])})|{openings})")
        self._keep = max(map(len, (*marks.values(), sentinels.closing(nonce))))
        self._nonce = nonce
        self._buffer = "\n"  # so that an opening mark at the very start is at the start of a line
        self._virtual = 1  # that line break is not part of the prose
        self._file: _OpenFile | None = None
        self._room = MAX_TREE_BYTES
        self._files: dict[str, str] = {}
        self._unclosed: dict[str, str] = {}
        self._edits: dict[str, list[Edit]] = {}
        self._broken: dict[str, None] = {}
        self._removed: dict[str, None] = {}
        self._opened: dict[str, int] = {}
        self._paths: set[str] = set()
        self._problems: list[Problem] = []
        self._prose = StringIO(newline="")
        self._prose_room = MAX_ANSWER

    def feed(self, text: str) -> list[ParserEvent]:
        """Read one piece, cut anywhere."""
        self._buffer += text
        return self._read(final=False)

    def finish(self) -> Parsed:
        """The stream is over. What was still open is unclosed."""
        self._read(final=True)
        if self._file is not None:
            self._leave_unclosed()
        prose = self._prose.getvalue()
        said = None if self._prose_room == MAX_PROSE else files_of_json(prose)
        for path, text in (said or {}).items():
            self._open("file", path)
            assert self._file is not None
            self._file.take("\n" + text + "\n")
            self._close()
        return Parsed(
            files=dict(self._files),
            prose="" if said else prose[:MAX_PROSE].strip(),
            unclosed={path: text for path, text in self._unclosed.items() if path not in self._files},
            duplicates=tuple(path for path, times in self._opened.items() if times > 1),
            problems=tuple(self._problems),
            edits={path: tuple(edits) for path, edits in self._edits.items() if path not in self._broken},
            broken_edits=tuple(self._broken),
            removed=tuple(path for path in self._removed if path not in self._files),
            was_json=bool(said),
        )

    def _read(self, *, final: bool) -> list[ParserEvent]:
        events: list[ParserEvent] = []
        buffer, at, search_from = self._buffer, 0, 0
        while True:
            mark = self._marks.search(buffer, search_from)
            if mark is None:
                # What could still become a mark stays in the buffer.
                stop = len(buffer) if final else max(at, search_from, len(buffer) - self._keep)
                break
            kind = mark.lastgroup or ""
            if kind == "end":
                search_from = mark.end()
                if self._file is not None:
                    events += self._take(buffer[at : mark.start()])
                    events += self._close()
                    at = search_from
                continue
            line = mark.start() - 1  # the line break before it belongs to the mark
            header = _Header.read(buffer, mark.end())
            if header is None and not final:
                stop = line
                break
            if header is None or header.path is None:
                search_from = mark.start() + 1
                continue
            events += self._take(buffer[at:line])
            if self._file is not None:
                # The mark was forgotten: what is cut off does not go on with another file.
                events += self._close()
            events += self._open(kind, header.path)
            at = search_from = header.end
        events += self._take(buffer[at:stop])
        self._buffer = buffer[stop:]
        return events

    def _take(self, text: str) -> list[ParserEvent]:
        if self._file is not None:
            return self._file.take(text)
        if text and self._virtual:
            text, self._virtual = text[1:], 0
        self._prose.write(text[: max(0, self._prose_room - self._prose.tell())])
        return []

    def _open(self, kind: str, written_path: str) -> list[ParserEvent]:
        self._virtual = 0
        if self._prose_room != MAX_PROSE:
            self._prose_room = MAX_PROSE
            self._prose.seek(min(self._prose.tell(), MAX_PROSE))
            self._prose.truncate()
        path = written_path.strip().removeprefix("./")
        problem: Problem | None = None
        try:
            check_path(path)
        except InvalidInput as error:
            path = ascii(path)[1:-1]
            problem = Problem(path=path, line=None, message=error.message)
        if path not in self._paths and len(self._paths) >= MAX_OPENED:
            problem = Problem(path=path, line=None, message=f"It comes after {MAX_OPENED} others; write fewer files.")
        if problem is None:
            self._paths.add(path)
        if kind == "delete":
            if problem is None:
                self._removed[path] = None
            else:
                self._report(problem)
            return []
        self._file = _OpenFile(kind, path, min(self._room, MAX_FILE_BYTES), problem)
        if problem is not None:
            return []
        if kind == "edit":
            return [EditStarted(path)]
        self._opened[path] = self._opened.get(path, 0) + 1
        return [FileStarted(path)]

    def _close(self) -> list[ParserEvent]:
        file = self._end_file()
        if file.problem is not None:
            return []
        if file.kind == "edit":
            edits = read_edits(file.beginning(), self._nonce)
            if edits is None:
                self._broken[file.path] = None
            else:
                self._edits.setdefault(file.path, []).extend(edits)
            return []
        content = file.content()
        self._files[file.path] = content
        return [FileEnded(file.path, content)]

    def _leave_unclosed(self) -> None:
        file = self._end_file()
        if file.problem is not None:
            return
        if file.kind == "edit":
            self._broken[file.path] = None
        else:
            self._unclosed[file.path] = file.beginning()

    def _end_file(self) -> _OpenFile:
        assert self._file is not None
        file, self._file = self._file, None
        if file.problem is None:
            self._room -= file.chars
        else:
            self._report(file.problem)
        return file

    def _report(self, problem: Problem) -> None:
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(problem)


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
