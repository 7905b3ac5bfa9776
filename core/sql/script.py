"""Cuts a migration file into statements and says which of them Nexus does not run.

Called by `adapters.databases.migrating` before a database is touched, and by validation long before that.

It knows the outside of SQL (comments, quotes, dollar quotes, ``BEGIN ATOMIC`` bodies), as psql does, and nothing of the inside.
The cut is not what keeps a hostile file in its transaction: each piece goes to Postgres in the extended protocol, which takes
exactly one statement, so a wrong cut is an error and never a second statement. What has to be exact, and is, is the first word
of a piece: no setting changes how comments are read.

Refused here are statements that would break a promise (COMMIT, COPY, psql commands) or that could only fail with a riddle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

MAX_CHARACTERS = 2_000_000

#: What may be installed for a tenant: they reach no file, no network and no other database.
EXTENSIONS = frozenset(
    {
        "btree_gin",
        "btree_gist",
        "citext",
        "cube",
        "earthdistance",
        "fuzzystrmatch",
        "hstore",
        "intarray",
        "isn",
        "ltree",
        "pg_trgm",
        "pgcrypto",
        "plpgsql",
        "seg",
        "tablefunc",
        "unaccent",
        "uuid-ossp",
        "vector",
    }
)

_TRANSACTION = "each migration file is one transaction already; remove {}"
_NO_FILES = "a migration has no file and no input to copy; use INSERT"
_PLATFORM = "a migration may create tables, views, types and functions in the schema public, nothing else"
_REFUSED = {
    "BEGIN": _TRANSACTION,
    "START": _TRANSACTION,
    "COMMIT": _TRANSACTION,
    "END": _TRANSACTION,
    "ROLLBACK": _TRANSACTION,
    "ABORT": _TRANSACTION,
    "SAVEPOINT": _TRANSACTION,
    "RELEASE": _TRANSACTION,
    "PREPARE TRANSACTION": _TRANSACTION,
    "COPY": _NO_FILES,
    "CREATE DATABASE": _PLATFORM,
    "CREATE ROLE": _PLATFORM,
    "CREATE USER": _PLATFORM,
    "CREATE SCHEMA": _PLATFORM,
    "CREATE RULE": "rules are not supported; use a trigger",
    "CREATE OR REPLACE RULE": "rules are not supported; use a trigger",
    "CREATE CAST": "a cast is not kept by a snapshot; use a function",
    "CREATE EVENT": _PLATFORM,
    "VACUUM": "VACUUM cannot run in a transaction, and Postgres does it by itself; remove it",
}

_BLANK = r"[ \t\f\v]*(?:--[^\n\r]*)?[\n\r](?:\s|--[^\n\r]*[\n\r])*"  # where one E'' string goes on in the next
_TOKEN = re.compile(
    rf"""
    (?P<space>\s+|--[^\n\r]*)
  | (?P<comment>/\*)
  | (?P<string>[eE]'(?:[^'\\]|\\.|'')*'(?:{_BLANK}'(?:[^'\\]|\\.|'')*')*|'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<open>[eE]?'|")
  | (?P<dollar>\$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?\$)
  | (?P<word>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*)
  | (?P<number>\d\w*|\$\d+)
  | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Refused(Exception):
    """A file is not run, and why: ``reason`` is for the person (or model) who wrote it."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement as written, without its semicolon."""

    sql: str
    line: int  #: of its first character in the file, from 1
    words: Sequence[str] = field(repr=False)  #: upper case; quoted names in their quotes, everything else left out

    def begins(self, phrase: str) -> bool:
        wanted = phrase.split()
        return list(self.words[: len(wanted)]) == wanted

    def line_at(self, position: int) -> int:
        """The file's line of Postgres's error position (a character of ``sql``, from 1)."""
        return self.line + self.sql.count("\n", 0, max(position - 1, 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What to run, and which extensions to install before."""

    statements: Sequence[Statement]
    extensions: Sequence[tuple[str, int]]  #: name and line


def read_script(sql: str) -> Script:
    """Cut and check one file.

    Raises:
        Refused: something in it is not run by Nexus, or a quote or comment does not end.
    """
    if len(sql) > MAX_CHARACTERS:
        raise Refused(1, f"the file is longer than {MAX_CHARACTERS:,} characters; split it")
    if "\0" in sql:
        raise Refused(sql.count("\n", 0, sql.index("\0")) + 1, "a NUL character cannot stand in SQL; remove it")
    statements = _without_wrapper(list(cut(sql.removeprefix("\ufeff"))))
    kept: list[Statement] = []
    extensions: list[tuple[str, int]] = []
    for statement in statements:
        if statement.begins("CREATE EXTENSION"):
            extensions.append((_extension(statement), statement.line))
        else:
            _check(statement)
            kept.append(statement)
    return Script(statements=kept, extensions=extensions)


def _without_wrapper(statements: list[Statement]) -> list[Statement]:
    """A file wrapped whole in BEGIN … COMMIT asks for what it gets anyway."""
    if len(statements) < 2:
        return statements
    first, last = " ".join(statements[0].words), " ".join(statements[-1].words)
    opened = first in {"BEGIN", "BEGIN TRANSACTION", "BEGIN WORK", "START TRANSACTION"}
    closed = last in {"COMMIT", "COMMIT TRANSACTION", "COMMIT WORK", "END", "END TRANSACTION", "END WORK"}
    return statements[1:-1] if opened and closed else statements


def _check(statement: Statement) -> None:
    for phrase, reason in _REFUSED.items():
        if statement.begins(phrase):
            raise Refused(statement.line, reason.format(phrase))
    pairs = set(zip(statement.words, statement.words[1:], strict=False))
    if ("SECURITY", "DEFINER") in pairs and statement.words[0] in {"CREATE", "ALTER"}:
        raise Refused(statement.line, "SECURITY DEFINER is not supported; leave it out: the app has the rights it needs")


def _extension(statement: Statement) -> str:
    rest = list(statement.words[2:])
    if rest[:3] == ["IF", "NOT", "EXISTS"]:
        rest = rest[3:]
    if not rest:
        raise Refused(statement.line, "CREATE EXTENSION needs a name")
    name = rest[0][1:-1] if rest[0].startswith('"') else rest[0].lower()
    if name not in EXTENSIONS:
        allowed = ", ".join(sorted(EXTENSIONS))
        raise Refused(statement.line, f"the extension {name!r} is not available to apps; these are: {allowed}")
    return name


def cut(sql: str) -> Iterator[Statement]:
    start: int | None = None
    words: list[str] = []
    parentheses = bodies = 0
    line, counted = 1, 0
    for kind, begin, end in tokens(sql):
        text = sql[begin:end]
        if kind == "mark" and text == ";" and parentheses <= 0 and bodies == 0:
            if start is not None:
                yield Statement(sql=sql[start:begin], line=line, words=tuple(words))
            start, words, parentheses = None, [], 0
            continue
        if start is None:
            start = begin
            line += sql.count("\n", counted, start)
            counted = start
        if kind == "word":
            word = text.upper()
            if parentheses == 0:
                bodies = _bodies(bodies, words, word)
            words.append(word)
        elif kind == "quoted":
            words.append('"' + text[1:-1].replace('""', '"') + '"')
        elif text == "(":
            parentheses += 1
        elif text == ")":
            parentheses -= 1
        elif text == "\\":
            raise Refused(sql.count("\n", 0, begin) + 1, "psql's \\ commands are not SQL; remove them")
    if start is not None:
        yield Statement(sql=sql[start:].rstrip(), line=line, words=tuple(words))


def _bodies(depth: int, words: Sequence[str], word: str) -> int:
    """How deep we are in ``BEGIN ATOMIC … END`` of a function, whose semicolons end nothing."""
    if words[:1] != ["CREATE"] or not {"FUNCTION", "PROCEDURE"} & set(words[1:4]):
        return 0
    if word == "BEGIN" or (word == "CASE" and depth):
        return depth + 1
    return max(depth - 1, 0) if word == "END" else depth


def tokens(sql: str) -> Iterator[tuple[str, int, int]]:
    """Kind, start and end of everything that is not blank."""
    position = 0
    while position < len(sql):
        match = _TOKEN.match(sql, position)
        assert match is not None
        kind, end = str(match.lastgroup), match.end()
        if kind == "comment":
            position = _comment_end(sql, position)
            continue
        if kind == "dollar":
            closing = sql.find(match.group(), end)
            if closing < 0:
                raise Refused(sql.count("\n", 0, position) + 1, f"the text quoted by {match.group()} does not end")
            end = closing + len(match.group())
        elif kind == "open":
            raise Refused(sql.count("\n", 0, position) + 1, f"the {match.group()[-1]} quote does not end")
        if kind != "space":
            yield kind, position, end
        position = end


def _comment_end(sql: str, start: int) -> int:
    depth = 0
    for match in re.compile(r"/\*|\*/").finditer(sql, start):
        depth += 1 if match.group() == "/*" else -1
        if depth == 0:
            return match.end()
    raise Refused(sql.count("\n", 0, start) + 1, "the comment does not end")
