"""What the starter's migrations made of the database, and where the next one belongs.

Read by `adapters.models.starter.changes`, which must know of columns and tables that are hidden: they are in no plan, and their data stay.
Reads only the SQL that `adapters.models.starter.sql` writes. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from adapters.models.starter import sql
from adapters.models.starter.naming import field_name
from core.files import FileTree
from core.generation.scaffolding import MIGRATIONS
from core.generation.scaffolding import next_migration as following


def tables(tree: FileTree) -> set[str]:
    """The names of the tables, hidden ones too."""
    return {match[1] for source in _migrations(tree) for match in re.finditer(r'CREATE TABLE "([a-z0-9_]+)"', source)}


def columns(tree: FileTree, table: str) -> dict[str, str]:
    """The columns that the starter's migrations gave a table, hidden ones too, with their SQL types."""
    found: dict[str, str] = {}
    types = "|".join(sorted((re.escape(kind) for kind in set(sql.TYPES.values())), key=len, reverse=True))
    for source in _migrations(tree):
        created = re.search(rf'CREATE TABLE "{table}" \((.*?)\n\);', source, re.S)
        if created:
            found.update(re.findall(rf'^\s*"([a-z0-9_]+)" ({types})', created[1], re.M))
        for match in re.finditer(
            rf'ALTER TABLE "{table}" (?:ADD COLUMN IF NOT EXISTS "(\w+)" ({types})|RENAME COLUMN "(\w+)" TO "(\w+)"|DROP COLUMN "(\w+)")',
            source,
        ):
            if match[1]:
                found.setdefault(match[1], match[2])
            elif match[3] in found:
                found[match[4]] = found.pop(match[3])
            elif match[5]:
                found.pop(match[5], None)
    return found


def _migrations(tree: FileTree) -> Sequence[str]:
    return [content for path, content in tree.items() if path.startswith(MIGRATIONS) and path.endswith(".sql")]


def next_migration(tree: FileTree, frozen: frozenset[str], what: str) -> str:
    """The path of the next migration."""
    words = "_".join(field_name(what).split("_")[:5])[:40].strip("_") or "change"
    return f"{MIGRATIONS}{following([*tree, *frozen]):04d}_{words}.sql"
