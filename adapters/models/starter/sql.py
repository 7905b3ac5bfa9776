"""The schema of an app as SQL: the first migration, and the statements of later ones.

Names are always quoted, so that "order" and "group" are names like any other; texts of people are quoted as literals.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from core.words.plan import FieldType, Resource, ResourceField

TYPES = {
    FieldType.TEXT: "text",
    FieldType.LONG_TEXT: "text",
    FieldType.INTEGER: "bigint",
    FieldType.NUMBER: "numeric",
    FieldType.MONEY: "numeric(14,2)",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATE: "date",
    FieldType.DATETIME: "timestamptz",
    FieldType.EMAIL: "text",
    FieldType.URL: "text",
    FieldType.CHOICE: "text",
    FieldType.REFERENCE: "bigint",
}
_LONGEST_NAME = 63  #: bytes; Postgres cuts longer names off


def name(identifier: str) -> str:
    """A quoted identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """A quoted literal."""
    return "'" + value.replace("'", "''") + "'"


def constraint(table: str, column: str, what: str) -> str:
    """A constraint's name that later migrations can find again."""
    whole = f"{table}_{column}_{what}"
    if len(whole) <= _LONGEST_NAME:
        return name(whole)
    return name(f"{table[:24]}_{column[:24]}_{hashlib.sha256(whole.encode()).hexdigest()[:8]}")


def choice_check(table: str, one: ResourceField) -> str:
    """The rule that a choice is one of its values."""
    values = ", ".join(text(value) for value in one.choices)
    return f"CONSTRAINT {constraint(table, one.name, 'choice')} CHECK ({name(one.name)} IN ({values}))"


def column(table: str, one: ResourceField, *, added: bool = False, reference: bool = True) -> str:
    """A column's definition. One that is ``added`` to a table with rows never has to have a value."""
    parts = [name(one.name), TYPES[one.type]]
    if one.type is FieldType.BOOLEAN:
        parts.append("NOT NULL DEFAULT false")
    elif one.required and not added:
        parts.append("NOT NULL")
    if one.required and not added and one.type in {FieldType.TEXT, FieldType.LONG_TEXT}:
        parts.append(f"CHECK ({name(one.name)} <> '')")
    if one.type is FieldType.EMAIL:
        parts.append(f"CHECK (position('@' IN {name(one.name)}) > 1)")
    if one.type is FieldType.URL:
        parts.append(f"CHECK ({name(one.name)} ~ '^https?://')")
    if one.type is FieldType.CHOICE:
        parts.append(choice_check(table, one))
    if one.type is FieldType.REFERENCE and reference:
        parts.append(references(one))
    return " ".join(parts)


def references(one: ResourceField) -> str:
    """What happens when the referenced row goes: with a required reference the row goes too, otherwise the reference is emptied."""
    return f"REFERENCES {name(one.references)} ON DELETE {'CASCADE' if one.required else 'SET NULL'}"


def create_tables(resources: Sequence[Resource], existing: Sequence[str] = ()) -> list[str]:
    """CREATE TABLE for each, with indexes; references to tables that come later are added at the end."""
    statements: list[str] = []
    later: list[str] = []
    there = set(existing)
    for resource in resources:
        there.add(resource.name)
        lines = ["id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"]
        for one in resource.fields:
            known = one.references in there
            lines.append(column(resource.name, one, reference=known))
            if one.type is FieldType.REFERENCE and not known:
                later.append(f"ALTER TABLE {name(resource.name)} ADD FOREIGN KEY ({name(one.name)}) {references(one)};")
        lines += ["created_at timestamptz NOT NULL DEFAULT now()", "updated_at timestamptz NOT NULL DEFAULT now()"]
        statements.append(f"CREATE TABLE {name(resource.name)} (\n  " + ",\n  ".join(lines) + "\n);")
        statements += indexes(resource.name, resource.fields)
    return statements + later


def indexes(table: str, fields: Sequence[ResourceField]) -> list[str]:
    """Indexes for what is looked up: references and dates."""
    wanted = {FieldType.REFERENCE, FieldType.DATE, FieldType.DATETIME}
    return [f"CREATE INDEX ON {name(table)} ({name(one.name)});" for one in fields if one.type in wanted]


def script(heading: str, statements: Sequence[str]) -> str:
    """A migration file."""
    return f"-- {heading}\n\n" + "\n\n".join(statements) + "\n"
