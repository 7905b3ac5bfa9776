"""How a migration file is cut into statements, and which of them are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sql.script import MAX_CHARACTERS, Refused, read_script


def cut(sql: str) -> list[tuple[int, str]]:
    return [(statement.line, statement.sql.strip()) for statement in read_script(sql).statements]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT ';'",
        "SELECT 'it''s; fine'",
        r"SELECT E'a\';b'",
        "SELECT E'a' -- x\n '\\';b'",
        'SELECT 1 AS "a;""b;"',
        "SELECT $$;$$",
        "SELECT $a$;$$;$b$;$a$",
        "SELECT a$b$c FROM t",
        "SELECT /* ; /* ; */ ; */ 1",
        "SELECT 1 -- ; x",
        "CREATE RULE_LIKE (a; b)",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END",
        "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC INSERT INTO t VALUES (1); END",
        "SELECT 'Ω;' AS größe",
        "DO $x$ BEGIN COMMIT; END $x$",
    ],
)
def test_a_semicolon_inside_ends_no_statement(statement: str) -> None:
    assert cut(f"{statement}\n;\nSELECT 2;") == [(1, statement), (statement.count("\n") + 3, "SELECT 2")]


def test_each_statement_knows_the_line_of_its_first_word() -> None:
    assert cut("\n-- a\nSELECT 1;\n\n/* b\n */ SELECT\n 2; SELECT 3") == [
        (3, "SELECT 1"),
        (6, "SELECT\n 2"),
        (7, "SELECT 3"),
    ]


def test_a_position_is_found_in_the_file() -> None:
    [_, second] = read_script("SELECT 1;\nSELECT\n 'x',\n oops").statements
    assert second.line_at(second.sql.index("oops") + 1) == 4
    assert second.line_at(1) == 2


@pytest.mark.parametrize("word", ["BEGIN", "begin work", "START TRANSACTION", "Begin Transaction"])
@pytest.mark.parametrize("end", ["COMMIT", "END", "commit work"])
def test_a_file_wrapped_in_a_transaction_is_unwrapped(word: str, end: str) -> None:
    assert cut(f"-- x\n{word};\nSELECT 1;\n{end};\n") == [(3, "SELECT 1")]


@pytest.mark.parametrize(
    ("sql", "line"),
    [
        ("BEGIN", 1),
        ("SELECT 1;\n\nCOMMIT", 3),
        ("BEGIN; SELECT 1; COMMIT; BEGIN; SELECT 2; COMMIT;", 1),
        ("BEGIN; SELECT 1; ROLLBACK;", 1),
        ("BEGIN; SELECT 1;\nCOMMIT AND CHAIN;", 1),
        ("BEGIN ISOLATION LEVEL SERIALIZABLE; COMMIT", 1),
        ("/**/eNd/**/", 1),
        ("SELECT 1;;;\n;abort", 2),
        ("\nPREPARE TRANSACTION 'x'", 2),
        ("RELEASE a", 1),
    ],
)
def test_whatever_else_ends_or_starts_a_transaction_is_refused(sql: str, line: int) -> None:
    with pytest.raises(Refused, match="each migration file is one transaction already") as refused:
        read_script(sql)
    assert refused.value.line == line


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("CREATE EXTENSION citext", "citext"),
        ("create extension if not exists Hstore with schema public cascade", "hstore"),
        ('CREATE EXTENSION IF NOT EXISTS "uuid-ossp"', "uuid-ossp"),
    ],
)
def test_allowed_extensions_are_taken_out_for_the_platform_to_install(sql: str, name: str) -> None:
    script = read_script(f"SELECT 1;\n{sql};\nSELECT 2")
    assert list(script.extensions) == [(name, 2)]
    assert [statement.line for statement in script.statements] == [1, 3]


@pytest.mark.parametrize("name", ["dblink", "postgres_fdw", "file_fdw", "plpython3u", '"citext "', '"Citext"', "lo", ""])
def test_other_extensions_are_refused(name: str) -> None:
    with pytest.raises(Refused, match=r"(?i)extension"):
        read_script(f"CREATE EXTENSION IF NOT EXISTS {name}")


@pytest.mark.parametrize("sql", ["\\d", "SELECT 1;\n\\i /etc/passwd", "SELECT 1 \\gexec", "\\! id"])
def test_psql_commands_are_refused(sql: str) -> None:
    with pytest.raises(Refused, match="psql"):
        read_script(sql)


def test_a_backslash_in_quotes_is_nobodys_command() -> None:
    assert len(cut("SELECT '\\d', $$\\i$$, \"\\\" -- \\!\n")) == 1


@pytest.mark.parametrize("sql", ["'", '"', "$$ $a$", "/* /* */", "E'\\'", "SELECT '''", "$tag$ $TAG$"])
def test_what_does_not_end_is_said(sql: str) -> None:
    with pytest.raises(Refused, match="does not end") as refused:
        read_script("SELECT 1;\n" + sql)
    assert refused.value.line == 2


def test_a_file_too_long_is_refused() -> None:
    with pytest.raises(Refused, match="split it"):
        read_script("x" * (MAX_CHARACTERS + 1))


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        ("E'x' " + "-" * 200_000, 1),
        ("INSERT INTO t VALUES (1);\n" * 40_000, 40_000),
        ("$a" * 200_000, 1),
    ],
    ids=["dashes", "many", "dollars"],
)
def test_a_huge_file_is_cut_to_its_end(sql: str, statements: int) -> None:
    found = read_script(sql).statements
    assert len(found) == statements
    assert sum(len(statement.sql) for statement in found) == len(sql.replace(";\n", ""))


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("'" + "''" * 200_000, "the ' quote does not end"),
        ("/*" * 200_000, "the comment does not end"),
        ("E'" + "\\" * 200_001, "the ' quote does not end"),
        ("(" * 200_000 + "begin atomic " * 1000, "one transaction already"),
    ],
    ids=["quotes", "comments", "backslashes", "parentheses"],
)
def test_a_huge_hostile_file_is_refused_with_the_reason(sql: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason) as refused:
        read_script(sql)
    assert refused.value.line == 1


@given(st.text(alphabet="ab1 \n'\"$;-/*\\()eE.", max_size=40))
def test_any_text_is_cut_or_refused_and_nothing_is_lost(sql: str) -> None:
    lines = sql.count("\n") + 1
    try:
        script = read_script(sql)
    except Refused as refusal:
        assert 1 <= refusal.line <= lines  # noqa: PT017
        return
    position = 0
    for statement in script.statements:
        position = sql.index(statement.sql, position)
        assert statement.line == sql.count("\n", 0, position) + 1
        position += len(statement.sql)
