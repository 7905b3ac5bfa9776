"""Migrations: what the platform would refuse, what is certainly no Postgres, and tables that the plan promises.

The platform's own reader (`core.sql.script`) says what is not run. Beyond it only slips are named that no Postgres takes and models make:
another database's words, commas before a closing bracket, brackets without a partner. A grammar would say more, and was weighed: the
parsers that have Postgres's own are under the GPL or bring the process down on a long chain of operators, the others know too little of
its DDL. The try-out runs every migration twice, in the real one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.files import FileTree
from core.generation.problem import Problem, ProblemKind
from core.sql.script import Refused, Statement, read_script, tokens
from core.words.plan import Plan

_MIGRATION = re.compile(r"migrations/[^/]+\.sql")
_VERBS = frozenset(
    {
        *("ALTER", "ANALYZE", "CALL", "CLOSE", "CLUSTER", "COMMENT", "CREATE", "DEALLOCATE", "DECLARE", "DELETE"),
        *("DISCARD", "DO", "DROP", "EXECUTE", "EXPLAIN", "FETCH", "GRANT", "IMPORT", "INSERT", "LISTEN"),
        *("LOAD", "LOCK", "MERGE", "MOVE", "NOTIFY", "PREPARE", "REASSIGN", "REFRESH", "REINDEX", "RESET"),
        *("REVOKE", "SECURITY", "SELECT", "SET", "SHOW", "TABLE", "TRUNCATE", "UNLISTEN", "UPDATE", "VALUES"),
        *("WITH", "CHECKPOINT"),
    }
)
_FOREIGN = {
    "AUTO_INCREMENT": "GENERATED ALWAYS AS IDENTITY",
    "AUTOINCREMENT": "GENERATED ALWAYS AS IDENTITY",
    "DATETIME": "timestamptz",
    "TINYINT": "smallint or boolean",
    "MEDIUMTEXT": "text",
    "LONGTEXT": "text",
    "NVARCHAR": "text",
}


def check(path: str, text: str) -> Iterator[Problem]:
    """At most one problem of a migration file."""
    if not _MIGRATION.fullmatch(path):
        return
    try:
        script = read_script(text)
    except Refused as refused:
        yield _problem(path, refused.line, f"It is not run as it is: {refused.reason}.")
        return
    for statement in script.statements:
        if (found := _slip(statement)) is not None:
            yield _problem(path, found[0], found[1])
            return


def tables(tree: FileTree, plan: Plan) -> Iterator[Problem]:
    """Resources without a table or view of their name. Nothing is said when a statement could make one in a way that is not read."""
    made: set[str] = set()
    first = ""
    for path, text in tree.items():
        if not _MIGRATION.fullmatch(path):
            continue
        first = first or path
        try:
            statements = read_script(text).statements
        except Refused:
            return
        for statement in statements:
            words = list(statement.words)
            if words[:1] == ["DO"] or words[:1] == ["SELECT"] or "RENAME" in words:
                return
            made |= _made(words)
    for resource in plan.resources if first and plan.requires_database else ():
        if resource.name not in made:
            message = f"No migration makes the table {resource.name}, which the plan has; write its CREATE TABLE."
            yield Problem(path="", line=None, message=message, kind=ProblemKind.NO_TABLE, subject=resource.name)


def _made(words: list[str]) -> set[str]:
    """The table or view that a statement makes, in the case that Postgres keeps."""
    if words[:1] != ["CREATE"]:
        return set()
    kind = next((n for n, word in enumerate(words[:6]) if word in {"TABLE", "VIEW"}), None)
    if kind is None:
        return set()
    rest = words[kind + 1 :]
    rest = rest[3:] if rest[:3] == ["IF", "NOT", "EXISTS"] else rest
    rest = rest[1:] if rest[:1] in (["PUBLIC"], ['"public"']) else rest
    return {rest[0][1:-1] if rest[0].startswith('"') else rest[0].lower()} if rest else set()


def _slip(statement: Statement) -> tuple[int, str] | None:
    """What no Postgres takes: the line, and a sentence."""
    if not statement.words:
        return None
    first = statement.words[0]
    opened: list[int] = []
    before = ("", 0)
    creates = statement.begins("CREATE TABLE") or statement.begins("ALTER TABLE")
    for number, (kind, begin, end) in enumerate(tokens(statement.sql)):
        text = statement.sql[begin:end]
        if number == 0 and text != "(" and first not in _VERBS:
            return statement.line, f"It is not valid SQL: no statement begins with {first[:40]!a}."
        if text == "(":
            opened.append(begin)
        elif text in {")", "]"} and before[0] == ",":
            return statement.line_at(before[1] + 1), "It is not valid SQL: this comma has nothing behind it."
        elif text == "`":
            return statement.line_at(begin + 1), 'It is not valid SQL for Postgres: names are quoted with ", not with `.'
        elif creates and kind == "word" and opened and text.upper() in _FOREIGN and before[0] not in {"(", ","}:
            better = _FOREIGN[text.upper()]
            return statement.line_at(begin + 1), f"It is not valid SQL for Postgres: write {better} instead of {text}."
        if text == ")":
            if not opened:
                return statement.line_at(begin + 1), "It is not valid SQL: this ) closes nothing."
            opened.pop()
        before = (text, begin)
    return (statement.line_at(opened[-1] + 1), "It is not valid SQL: this ( is not closed.") if opened else None


def _problem(path: str, line: int, message: str) -> Problem:
    return Problem(path=path, line=line, message=message, kind=ProblemKind.SQL)
