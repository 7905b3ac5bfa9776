"""What migrations would do to the data that an app has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sql.effects import MAX_SHOWN, Effect, destructive, effects


def of(sql: str, earlier: str = "") -> list[Effect]:
    return [found.effect for found in effects({"migrations/0002_x.sql": sql}, {"migrations/0001_x.sql": earlier})]


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE todos;",
        'drop table if exists "Todos" cascade',
        "DROP MATERIALIZED VIEW totals",
        "DROP VIEW totals",
        "DROP SCHEMA public CASCADE",
        "DROP TYPE mood",
        "TRUNCATE todos, lists",
        "TRUNCATE TABLE ONLY todos RESTART IDENTITY",
        "DELETE FROM todos",
        "DELETE FROM todos WHERE done",
        "UPDATE todos SET title = ''",
        "UPDATE todos SET title = '' WHERE true",
        "UPDATE todos SET title = '' WHERE 1 = 1",
        "ALTER TABLE todos DROP COLUMN title",
        "ALTER TABLE todos DROP title",
        "ALTER TABLE ONLY public.todos ADD note text, DROP COLUMN IF EXISTS title CASCADE",
        "ALTER TABLE todos ALTER COLUMN due TYPE date USING due::date",
        "ALTER TABLE todos ALTER due SET DATA TYPE varchar(3)",
        "ALTER TYPE address DROP ATTRIBUTE city",
        "WITH gone AS (DELETE FROM todos RETURNING *) SELECT count(*) FROM gone",
        "WITH x AS (UPDATE todos SET title = '' RETURNING 1) SELECT * FROM x",
        "MERGE INTO todos USING gone ON todos.id = gone.id WHEN MATCHED THEN DELETE",
        "DO $$ BEGIN DROP TABLE todos; END $$",
        "DO $$ BEGIN IF true THEN DELETE FROM todos; END IF; END $$",
        "DO $$ BEGIN EXECUTE 'DROP TABLE todos'; END $$",
        "CREATE TABLE IF NOT EXISTS todos (id int); DROP TABLE todos",
        "CREATE TEMP TABLE todos (id int); DROP TABLE todos",
        "CREATE TABLE other (id int); DROP TABLE other; DROP TABLE other",
        "CREATE FUNCTION wipe() RETURNS void LANGUAGE sql AS $$ DELETE FROM todos $$; SELECT wipe()",
        "CREATE FUNCTION wipe() RETURNS int BEGIN ATOMIC DELETE FROM todos; SELECT 1; END; SELECT wipe()",
    ],
)
def test_what_loses_data_is_found(sql: str) -> None:
    assert Effect.LOSES in of(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "-- DROP TABLE todos\n/* TRUNCATE todos */ SELECT 'DELETE FROM todos; DROP TABLE todos'",
        "COMMENT ON TABLE todos IS $$ DROP TABLE todos; $$",
        'CREATE TABLE "drop table" (id int)',
        "CREATE TABLE a (id int REFERENCES b ON DELETE CASCADE ON UPDATE SET NULL)",
        "SELECT * FROM todos FOR UPDATE",
        "INSERT INTO todos VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 2",
        "CREATE TRIGGER t AFTER UPDATE OR DELETE ON todos FOR EACH ROW EXECUTE FUNCTION touch()",
        "CREATE FUNCTION touch() RETURNS trigger AS $$ BEGIN DELETE FROM log; RETURN NEW; END $$ LANGUAGE plpgsql;"
        "CREATE TRIGGER t AFTER INSERT ON todos FOR EACH ROW EXECUTE FUNCTION touch()",
        "ALTER TABLE todos DROP CONSTRAINT todos_check",
        "ALTER TABLE todos ALTER title DROP DEFAULT, ALTER title DROP NOT NULL",
        "ALTER TABLE todos ALTER title TYPE text",
        "ALTER TABLE todos ADD COLUMN rank int; UPDATE todos SET rank = id",
        "UPDATE todos SET title = '' WHERE title IS NULL",
        "CREATE TABLE a (id int); INSERT INTO a VALUES (1); UPDATE a SET id = 2; DELETE FROM a; ALTER TABLE a DROP id; DROP TABLE a",
        "DROP INDEX i; DROP TRIGGER t ON todos; DROP FUNCTION f()",
        "DO $$ BEGIN EXECUTE 'CREATE TABLE q (id int)'; END $$",
        "CREATE TYPE mood AS ENUM ('DROP TABLE todos')",
        "'",
    ],
)
def test_what_loses_nothing_is_not_named(sql: str) -> None:
    assert of(sql) == []


@pytest.mark.parametrize(
    "sql",
    [
        "DO $$ BEGIN EXECUTE 'DROP ' || 'TABLE todos'; END $$",
        "DO $$ BEGIN EXECUTE format('ALTER TABLE %I ADD x int', 'todos'); END $$",
        "DO $$ DECLARE q text := 'x'; BEGIN EXECUTE q; END $$",
    ],
)
def test_sql_made_at_run_time_is_named_because_it_cannot_be_told(sql: str) -> None:
    assert of(sql) == [Effect.UNTOLD]
    assert len(destructive({"m.sql": sql})) == 1


@pytest.mark.parametrize(
    ("sql", "effect"),
    [
        ("ALTER TABLE todos RENAME TO tasks", Effect.RENAMES),
        ("ALTER TABLE todos RENAME title TO name", Effect.RENAMES),
        ("ALTER TABLE todos ADD COLUMN rank int NOT NULL", Effect.MAY_FAIL),
        ("ALTER TABLE todos ALTER title SET NOT NULL", Effect.MAY_FAIL),
    ],
)
def test_what_breaks_without_losing_data_is_told_apart(sql: str, effect: Effect) -> None:
    assert ([effect], []) == (of(sql), destructive({"m.sql": sql}))


@pytest.mark.parametrize(
    "column",
    ["rank int NOT NULL DEFAULT 0", "id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "id bigserial PRIMARY KEY", "rank int"],
)
def test_a_column_that_every_row_can_have_is_fine(column: str) -> None:
    assert of(f"ALTER TABLE todos ADD COLUMN {column}") == []


def test_a_function_of_an_earlier_migration_counts_where_it_is_called() -> None:
    earlier = "CREATE FUNCTION wipe() RETURNS void LANGUAGE sql AS $$ TRUNCATE todos $$"
    assert ([Effect.LOSES], [], []) == (of("SELECT wipe()", earlier), of("SELECT wipe()"), of("SELECT 1", earlier))


def test_a_finding_says_where_and_what_on_one_short_line() -> None:
    sql = "SELECT 1;\n\nDROP TABLE -- all of it\n  todos" + ", todos" * 100
    [found] = effects({"migrations/2.sql": sql})
    assert (3, MAX_SHOWN) == (found.line, len(found.statement))
    assert str(found).startswith("migrations/2.sql: DROP TABLE todos, todos")


_PIECES = st.sampled_from(
    ["DROP", "TABLE", "ALTER", "todos", "(", ")", ",", ";", "$$", "'", '"', "DO", "UPDATE", "SET", "=", "EXECUTE", "CREATE", "FUNCTION",
     "ADD", "NOT", "NULL", "TYPE", ".", "*", "BEGIN", "ATOMIC", "END", "DELETE", "WITH", "AS", "--", "/*", "\n", "RENAME", "ß", "|"]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=40).map(" ".join) | st.text(max_size=200))
def test_no_text_is_too_strange_to_be_read(sql: str) -> None:
    assert all(found.statement for found in effects({"m.sql": sql}, {"0.sql": sql}))


def test_bodies_inside_bodies_are_read_to_a_depth_and_then_cannot_be_told() -> None:
    sql = "SELECT 1"
    for n in range(300):
        sql = f"DO $a{n}$ BEGIN EXECUTE $b{n}$ {sql} $b{n}$; END $a{n}$"
    assert of(sql) == [Effect.UNTOLD]
