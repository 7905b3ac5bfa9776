"""What the migrations of a change would do to the data that an app has: found by reading the statements, not by words in them.

Asked for the review card, before anything runs. A table that the same migrations made holds nothing yet, so what happens to it is no loss.
The bodies of DO blocks are read like files; the body of a function counts where it is called. SQL that is put together at run time cannot
be read, and is reported as such: what cannot be told is shown to the person who decides.

It is a help for that person and no wall: a snapshot is taken before every migration, and the migrator's rights end at the app's database.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.sql.script import Refused, Statement, cut, tokens

MAX_SHOWN = 160  #: characters of a statement
_MAX_DEPTH = 4  #: bodies inside bodies


class Effect(enum.StrEnum):
    """What a statement would do."""

    LOSES = "loses"  #: rows, columns or values that are there now are gone afterwards
    UNTOLD = "untold"  #: it runs SQL that is made at run time
    RENAMES = "renames"  #: nothing is lost, and code that uses the old name stops working
    MAY_FAIL = "may_fail"  #: it fails where there are rows already; then nothing happens


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One statement with an effect."""

    path: str
    line: int
    effect: Effect
    statement: str  #: on one line, shortened

    def __str__(self) -> str:
        return f"{self.path}: {self.statement}"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  #: "word", "name" (quoted), "text", "mark"
    value: str  #: words in upper case
    depth: int  #: of parentheses


def effects(migrations: Mapping[str, str], earlier: Mapping[str, str] | None = None) -> tuple[Finding, ...]:
    """The findings in new migration files, in the order in which they run. ``earlier`` are files that have run: functions made there
    may be called now."""
    known = _Known()
    for sql in (earlier or {}).values():
        for statement in _statements(sql):
            _function(statement.sql, _tokens(statement.sql), known, 0)
    found: list[Finding] = []
    for path, sql in sorted(migrations.items()):
        for statement in _statements(sql):
            for effect, text in dict.fromkeys(_of_statement(statement.sql, known, 0)):
                found.append(Finding(path=path, line=statement.line, effect=effect, statement=_shortened(text)))
    return tuple(found)


def destructive(migrations: Mapping[str, str], earlier: Mapping[str, str] | None = None) -> list[str]:
    """The statements that lose data, or might, as lines for the card."""
    return [str(found) for found in effects(migrations, earlier) if found.effect in {Effect.LOSES, Effect.UNTOLD}]


class _Known:
    """What the migrations have made so far."""

    def __init__(self) -> None:
        self.tables: set[str] = set()  #: made by these migrations, so empty of anybody's data
        self.columns: set[tuple[str, str]] = set()
        self.functions: dict[str, Effect] = {}  #: those whose body would lose data


def _statements(sql: str) -> Sequence[Statement]:
    try:
        return list(cut(sql.removeprefix("\ufeff")))
    except Refused:
        return ()  # it cannot be run either


def _tokens(sql: str) -> list[_Token]:
    found: list[_Token] = []
    depth = 0
    try:
        for kind, begin, end in tokens(sql):
            text = sql[begin:end]
            if kind == "word":
                found.append(_Token("word", text.upper(), depth))
            elif kind == "quoted":
                found.append(_Token("name", text[1:-1].replace('""', '"'), depth))
            elif kind in {"string", "dollar"}:
                found.append(_Token("text", _unquoted(text), depth))
            else:
                depth += (text == "(") - (text == ")")
                found.append(_Token("mark", text, depth + (text == ")")))
    except Refused:
        pass
    return found


def _unquoted(text: str) -> str:
    if text.startswith("$"):
        tag = text[: text.index("$", 1) + 1]
        return text[len(tag) : -len(tag)]
    if text[0] in "eE":
        return re.sub(r"\\(.)", r"\1", text[2:-1], flags=re.DOTALL)
    return text[1:-1].replace("''", "'")


# -- statements ---------------------------------------------------------------------------------------------------------------------


def _of_statement(sql: str, known: _Known, depth: int) -> Iterator[tuple[Effect, str]]:
    found = _tokens(sql)
    words = [token.value if token.kind == "word" else "" for token in found]
    if not found:
        return
    if words[0] == "DO":
        for token in found:
            if token.kind == "text":
                yield from _of_body(token.value, known, depth)
        return
    if words[0] == "CREATE" and _function(sql, found, known, depth):
        return
    yield from ((effect, sql) for effect in _of_tokens(found, known))
    _remember(found, known)


def _of_body(body: str, known: _Known, depth: int) -> Iterator[tuple[Effect, str]]:
    """Statements of PL/pgSQL: what stands between semicolons, from its first verb on."""
    if depth >= _MAX_DEPTH:
        yield Effect.UNTOLD, body
        return
    for piece in _statements_of_body(body):
        found = _tokens(piece)
        start = next((n for n, token in enumerate(found) if _is_verb(found, n) or _is_execute(found, n)), None)
        if start is None:
            yield from ((effect, piece) for effect in _calls(found, known))
        elif _is_execute(found, start):
            text = found[start + 1] if start + 1 < len(found) else None
            plain = text is not None and text.kind == "text" and not any(t.value in {"|", "%"} for t in found[start + 2 :])
            if plain and text is not None:
                for statement in _statements(text.value):
                    yield from _of_statement(statement.sql, known, depth + 1)
            else:
                yield Effect.UNTOLD, piece
        else:
            yield from ((effect, piece) for effect in _of_tokens(found[start:], known))
            _remember(found[start:], known)


def _statements_of_body(body: str) -> Iterator[str]:
    start = 0
    try:
        for kind, begin, end in tokens(body):
            if kind == "mark" and body[begin:end] == ";":
                yield body[start:begin]
                start = end
    except Refused:
        pass
    yield body[start:]


_EVENTS = {"FOR", "ON", "OR", "DO", "AFTER", "BEFORE", "OF", ",", "NO", "KEY"}
_VERBS = {"DROP", "TRUNCATE", "DELETE", "UPDATE", "ALTER", "CREATE", "MERGE"}


def _is_verb(found: Sequence[_Token], n: int) -> bool:
    """Whether a statement begins here: these words also stand in FOR UPDATE, ON DELETE, DO UPDATE and the like."""
    if found[n].kind != "word" or found[n].value not in _VERBS:
        return False
    before = found[n - 1].value if n else ""
    return found[n].value not in {"UPDATE", "DELETE", "TRUNCATE"} or before not in _EVENTS


def _is_execute(found: Sequence[_Token], n: int) -> bool:
    following = found[n + 1].value if n + 1 < len(found) else ""
    return found[n].kind == "word" and found[n].value == "EXECUTE" and following not in {"FUNCTION", "PROCEDURE"}


def _of_tokens(found: Sequence[_Token], known: _Known) -> Iterator[Effect]:
    """The effects of one statement."""
    head = found[0].value if found[0].kind == "word" else ""
    if head == "DROP":
        yield from _drop(found, known)
    elif head == "TRUNCATE":
        names = _names(found[1:], skip={"TABLE", "ONLY"})
        if not names or not set(names) <= known.tables:
            yield Effect.LOSES
    elif head == "ALTER":
        yield from _alter(found, known)
    else:
        for n, token in enumerate(found):
            if not _is_verb(found, n):
                continue
            if token.value == "DELETE":
                table = _name(found[n + 1 :], skip={"FROM", "ONLY"})
                into_merge = n > 0 and found[n - 1].value == "THEN"
                if into_merge or table not in known.tables:
                    yield Effect.LOSES
            elif token.value == "UPDATE" and (n == 0 or found[n - 1].value in {"(", ")"}):
                yield from _update(found[n:], known)
        yield from _calls(found, known)


def _drop(found: Sequence[_Token], known: _Known) -> Iterator[Effect]:
    words = [token.value for token in found[1:4]]
    kind = words[0] if words else ""
    if kind in {"TABLE", "FOREIGN"} or words[:2] == ["MATERIALIZED", "VIEW"]:
        names = _names(found[1:], skip={"TABLE", "FOREIGN", "MATERIALIZED", "VIEW", "IF", "EXISTS"})
        new = set(names) <= known.tables and bool(names)
        known.tables -= set(names)
        if not new:
            yield Effect.LOSES
    elif kind in {"SCHEMA", "TYPE", "DOMAIN", "SEQUENCE", "VIEW", "EXTENSION", "OWNED", "DATABASE"}:
        yield Effect.LOSES


def _alter(found: Sequence[_Token], known: _Known) -> Iterator[Effect]:
    kind = found[1].value if len(found) > 1 else ""
    if kind in {"TYPE", "DOMAIN"}:
        words = [token.value for token in found if token.kind == "word"]
        if "DROP" in words and "ATTRIBUTE" in words:
            yield Effect.LOSES
        elif "RENAME" in words:
            yield Effect.RENAMES
        return
    if kind not in {"TABLE", "VIEW", "MATERIALIZED", "FOREIGN"}:
        return
    table, rest = _table_and_rest(found[2:])
    if table in known.tables:
        return
    for action in _actions(rest):
        words = [token.value if token.kind == "word" else "" for token in action]
        yield from _action(action, words, table, known)


def _action(action: Sequence[_Token], words: Sequence[str], table: str, known: _Known) -> Iterator[Effect]:
    if words[:1] == ["DROP"] and words[1:2] not in (["CONSTRAINT"], ["EXPRESSION"]):
        yield Effect.LOSES
    elif words[:1] == ["ALTER"] and words[1:2] != ["CONSTRAINT"] and "TYPE" in words:
        at = words.index("TYPE")
        to_text = words[at + 1 : at + 2] == ["TEXT"] and len(action) == at + 2
        if words[at - 1] == "DATA" or at <= 3:
            yield from () if to_text else (Effect.LOSES,)
    elif words[:1] == ["ALTER"] and words[-3:] == ["SET", "NOT", "NULL"]:
        if (table, _column(action[1:])) not in known.columns:
            yield Effect.MAY_FAIL
    elif words[:1] == ["RENAME"] and words[1:2] != ["CONSTRAINT"]:
        yield Effect.RENAMES
    elif words[:1] == ["ADD"] and words[1:2] not in (
        ["CONSTRAINT"],
        ["PRIMARY"],
        ["UNIQUE"],
        ["FOREIGN"],
        ["CHECK"],
        ["EXCLUDE"],
    ):
        if "EXISTS" not in words[:5]:
            known.columns.add((table, _column(action[1:])))
        top = [token.value for token in action if token.depth == action[0].depth and token.kind == "word"]
        required = any(pair == ("NOT", "NULL") for pair in pairwise(top)) or "PRIMARY" in top
        serial = any(word.endswith("SERIAL") or word.startswith("SERIAL") for word in top)
        if required and not serial and not {"DEFAULT", "GENERATED"} & set(top):
            yield Effect.MAY_FAIL


def _update(found: Sequence[_Token], known: _Known) -> Iterator[Effect]:
    """An UPDATE of every row, unless it only fills what was just added."""
    base = found[0].depth
    end = next(
        (n for n, token in enumerate(found) if token.depth < base or (token.value == ")" and token.depth == base and n)),
        len(found),
    )
    here = [token for token in found[:end] if token.depth == base]
    words = [token.value if token.kind == "word" else "" for token in here]
    if "SET" not in words:
        return
    table = _name(here[1:], skip={"ONLY"})
    if table in known.tables:
        return
    if "WHERE" in words and not _always(here[words.index("WHERE") + 1 :]):
        return
    changed = [
        here[n - 1]
        for n, token in enumerate(here)
        if token.kind == "mark" and token.value == "=" and n >= 2 and here[n - 2].value in {"SET", ","}
    ]
    if not changed or any((table, _plain(token)) not in known.columns for token in changed):
        yield Effect.LOSES


def _always(condition: Sequence[_Token]) -> bool:
    text = " ".join(token.value for token in condition).strip(" ;")
    return text == "TRUE" or re.fullmatch(r"(\w+) = \1", text) is not None


def _calls(found: Sequence[_Token], known: _Known) -> Iterator[Effect]:
    """Calls of functions that would lose data."""
    for n in range(len(found) - 1):
        effect = known.functions.get(_plain(found[n])) if found[n].kind in {"word", "name"} else None
        named = n > 0 and found[n - 1].value in {"FUNCTION", "PROCEDURE"}  # a trigger runs it later; a comment does not
        if effect is not None and found[n + 1].value == "(" and not named:
            yield effect


def _function(sql: str, found: Sequence[_Token], known: _Known, depth: int) -> bool:
    """Whether it makes a function; one whose body would lose data is remembered."""
    words = [token.value if token.kind == "word" else "" for token in found[:5]]
    kind = next((n for n, word in enumerate(words) if word in {"FUNCTION", "PROCEDURE"}), None)
    if words[:1] != ["CREATE"] or kind is None:
        return False
    name = _name(found[kind + 1 :])
    bodies = [token.value for token in found if token.kind == "text"]
    if "ATOMIC" in {token.value for token in found}:
        bodies.append(sql[sql.upper().index("ATOMIC") + 6 :])
    inside = {effect for body in bodies for effect, _ in _of_body(body, known, depth + 1)} & {Effect.LOSES, Effect.UNTOLD}
    if inside:
        known.functions[name] = Effect.LOSES if Effect.LOSES in inside else Effect.UNTOLD
    else:
        known.functions.pop(name, None)
    return True


def _remember(found: Sequence[_Token], known: _Known) -> None:
    words = [token.value if token.kind == "word" else "" for token in found[:6]]
    if words[:2] == ["CREATE", "TABLE"] and words[2:3] != ["IF"]:
        known.tables.add(_name(found[2:]))


# -- names --------------------------------------------------------------------------------------------------------------------------


def _plain(token: _Token) -> str:
    return token.value.lower() if token.kind == "word" else token.value


def _name(found: Sequence[_Token], skip: frozenset[str] | set[str] = frozenset()) -> str:
    return next(iter(_names(found, skip)), "")


def _column(found: Sequence[_Token]) -> str:
    return _name(found, skip={"COLUMN", "IF", "NOT", "EXISTS"})


def _names(found: Sequence[_Token], skip: frozenset[str] | set[str] = frozenset()) -> list[str]:
    """The names in a list, without ``public.``; it ends at the first word that is none."""
    names: list[str] = []
    n = 0
    while n < len(found):
        token = found[n]
        if token.kind == "word" and token.value in skip:
            n += 1
            continue
        if token.kind not in {"word", "name"}:
            break
        name = _plain(token)
        while n + 2 < len(found) and found[n + 1].value == "." and found[n + 2].kind in {"word", "name"}:
            name = f"{name}.{_plain(found[n + 2])}"
            n += 2
        names.append(name.removeprefix("public."))
        n += 1
        if n < len(found) and found[n].value == "*":
            n += 1
        if n >= len(found) or found[n].value != ",":
            break
        n += 1
    return names


def _table_and_rest(found: Sequence[_Token]) -> tuple[str, Sequence[_Token]]:
    n = 0
    while n < len(found) and found[n].kind == "word" and found[n].value in {"VIEW", "TABLE", "IF", "EXISTS", "ONLY"}:
        n += 1
    start = n
    n += 1
    while n + 1 < len(found) and found[n].value == ".":
        n += 2
    if n < len(found) and found[n].value == "*":
        n += 1
    return _name(found[start:]), found[n:]


def _actions(found: Sequence[_Token]) -> Iterator[Sequence[_Token]]:
    """What stands between the commas of an ALTER TABLE."""
    start = 0
    base = found[0].depth if found else 0
    for n, token in enumerate(found):
        if token.value == "," and token.kind == "mark" and token.depth == base:
            yield found[start:n]
            start = n + 1
    if found[start:]:
        yield found[start:]


def _shortened(statement: str) -> str:
    line = " ".join(re.sub(r"--[^\n]*", " ", statement).split())
    return line if len(line) <= MAX_SHOWN else line[: MAX_SHOWN - 1] + "…"
