"""What validation says of migrations."""

from __future__ import annotations

import pytest

from core.files import FileTree
from core.generation.problem import ProblemKind
from core.generation.validation import sql
from core.words.plan import FieldType, Plan, Resource, ResourceField

PATH = "migrations/0001_init.sql"


def lines(text: str, path: str = PATH) -> list[int | None]:
    return [problem.line for problem in sql.check(path, text)]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1;\nCOPY todos FROM stdin;",
        "SELECT 1;\nCREATE EXTENSION plpython3u;",
        "SELECT 1;\nCOMMIT;",
        "SELECT 1;\nSELECT 'open",
        "SELECT 1;\nCREATE TABLE a (id int",
        "SELECT 1;\nCREATE TABLE a (id int));",
        "SELECT 1; CREATE TABLE a (\nid int,);",
        "SELECT 1;\nCREATE TABLE `a` (id int);",
        "CREATE TABLE a (\nid int AUTO_INCREMENT);",
        "CREATE TABLE a (\nat DATETIME);",
        "SELECT 1;\nHere are the tables;",
    ],
)
def test_what_postgres_or_the_platform_would_refuse_is_told_with_its_line(text: str) -> None:
    assert lines(text) == [2]
    assert lines(text, "seeds/demo.sql") == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-- nothing\n",
        "CREATE TABLE a (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, datetime timestamptz, b text DEFAULT 'DATETIME,)');",
        "CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE INDEX i ON a USING gin (b gin_trgm_ops);",
        "(SELECT 1) UNION (SELECT 2); VALUES (1, '`');",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END;",
        "DO $$ BEGIN here is, ) not SQL; END $$;",
        "BEGIN; CREATE TABLE a (id int); COMMIT;",
        "SELECT ARRAY[1, 2][1], '{,}'::text[];",
    ],
)
def test_good_sql_has_no_problem(text: str) -> None:
    assert lines(text) == []


def missing(*migrations: str) -> list[str]:
    plan = Plan(
        name="x",
        framework="fastapi",
        summary="x",
        resources=[Resource(name="todos", singular="todo", fields=[ResourceField(name="title", type=FieldType.TEXT)])],
    )
    tree = FileTree({f"migrations/{n:04}.sql": text for n, text in enumerate(migrations)})
    found = list(sql.tables(tree, plan))
    assert all(problem.kind is ProblemKind.NO_TABLE for problem in found)
    return [problem.subject for problem in found]


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE todos (id int)",
        'CREATE TABLE IF NOT EXISTS public."todos" (id int)',
        "CREATE UNLOGGED TABLE Todos (id int)",
        "CREATE OR REPLACE VIEW todos AS SELECT 1 AS id",
        "CREATE MATERIALIZED VIEW todos AS SELECT 1 AS id",
        "ALTER TABLE tasks RENAME TO todos",
        "DO $$ BEGIN EXECUTE 'CREATE TABLE todos ()'; END $$",
    ],
)
def test_a_resource_has_a_table_or_view_of_its_name_or_one_that_cannot_be_told(text: str) -> None:
    assert missing("CREATE TABLE other (id int)", text) == []


def test_a_resource_without_a_table_is_a_problem() -> None:
    assert missing('CREATE TABLE tasks (id int); CREATE TABLE "Todos" (id int); -- CREATE TABLE todos') == ["todos"]


def test_without_migrations_nothing_is_said_of_tables() -> None:
    assert missing() == []
