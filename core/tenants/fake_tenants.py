"""Tenants without a database, for tests of whatever calls the port. Passes the same contract tests as the real ones.

It reads migrations only so far as the contract shows: file and line of a statement that is none, of a table made twice, of a COMMIT;
and which tables there are. No SQL runs. Data that a test wants to be there are put in with `put_rows`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import SecretStr

from core.errors import AppError, MigrationFailed, NotFound
from core.tenants.tenants import Access, Migration, MigrationReport, Tenant, TenantLimits, Tenants, TenantUsage

_OPAQUE = re.compile(r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$""", re.DOTALL)
_TABLE = re.compile(r'(CREATE|DROP)\s+TABLE\s+(IF\s+(?:NOT\s+)?EXISTS\s+)?"?([\w.]+)"?', re.IGNORECASE)
_VERBS = frozenset(
    {"ALTER", "ANALYZE", "CALL", "COMMENT", "CREATE", "DELETE", "DO", "DROP", "GRANT", "INSERT", "LOCK", "MERGE"}
    | {"REFRESH", "REINDEX", "REVOKE", "SELECT", "SET", "TRUNCATE", "UPDATE", "VALUES", "WITH"}
)
_TRANSACTION = frozenset({"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"})


@dataclass(slots=True)
class _Database:
    tables: dict[str, int] = field(default_factory=dict)
    applied: dict[str, str] = field(default_factory=dict)


class FakeTenants(Tenants):
    """Keeps tenants in a dict."""

    def __init__(self) -> None:
        self.overlong = 0  #: how many sessions the next `end_overlong` finds
        self._databases: dict[str, _Database] = {}
        self._frozen: set[str] = set()

    def put_rows(self, tenant: Tenant, table: str, rows: int) -> None:
        """Say how many rows a table has."""
        self._of(tenant).tables[table] = rows

    async def create(self, tenant: Tenant) -> None:
        self._databases.setdefault(tenant.database, _Database())

    def access(self, tenant: Tenant) -> Access:
        login = f"{tenant.app_role}:{tenant.app_password.get_secret_value()}"
        url = SecretStr(f"postgresql://{login}@127.0.0.1:5432/{tenant.database}")
        return Access(url=url, mounts=(), public_url=url, host="127.0.0.1", port=5432)

    async def migrate(self, tenant: Tenant, migrations: Sequence[Migration]) -> MigrationReport:
        database = self._of(tenant)
        applied, already = [], []
        ordered = sorted(migrations, key=lambda migration: migration.name)
        for migration in ordered:
            ran = database.applied.get(migration.name)
            if ran is not None and ran != _digest(migration):
                raise MigrationFailed(f"{migration.name} was edited after it ran; put it back as it was and add a new file")
        for migration in ordered:
            if migration.name in database.applied:
                already.append(migration.name)
                continue
            database.tables = _run(migration, database.tables)
            database.applied[migration.name] = _digest(migration)
            applied.append(migration.name)
        return MigrationReport(applied=applied, already=already)

    async def snapshot(self, tenant: Tenant, target: Path) -> int:
        text = json.dumps(asdict(self._of(tenant)))
        part = target.with_name(f".{target.name}.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text)
        part.replace(target)
        return len(text)

    async def restore(self, tenant: Tenant, source: Path) -> None:
        if not source.is_file():
            raise NotFound(f"there is no snapshot {source.name!r}; choose another")
        try:
            saved = _Database(**json.loads(source.read_text()))
        except (ValueError, TypeError) as error:
            raise AppError(
                "the snapshot could not be restored, the data are as they were; see the log, or choose another snapshot",
                log_tail=str(error),
            ) from error
        self._databases[tenant.database] = saved

    async def freeze(self, tenant: Tenant, frozen: bool) -> None:
        self._of(tenant)
        (self._frozen.add if frozen else self._frozen.discard)(tenant.database)

    async def usage(self, tenant: Tenant) -> TenantUsage | None:
        database = self._databases.get(tenant.database)
        if database is None:
            return None
        frozen = tenant.database in self._frozen
        return TenantUsage(size_mb=7.5, connections=0, frozen=frozen, tables=dict(database.tables))

    async def drop(self, tenant: Tenant) -> None:
        self._databases.pop(tenant.database, None)
        self._frozen.discard(tenant.database)

    async def databases(self) -> Sequence[str]:
        return sorted(self._databases)

    async def end_overlong(self, limits: TenantLimits) -> int:
        ended, self.overlong = self.overlong, 0
        return ended

    def _of(self, tenant: Tenant) -> _Database:
        if tenant.database not in self._databases:
            raise NotFound(f"there is no database {tenant.database!r}; create the tenant first")
        return self._databases[tenant.database]


def _digest(migration: Migration) -> str:
    return hashlib.sha256(migration.sql.replace("\r\n", "\n").strip().encode()).hexdigest()


def _run(migration: Migration, tables: dict[str, int]) -> dict[str, int]:
    """The tables after the file; all of it or, by an error, nothing."""
    after = dict(tables)
    plain = _OPAQUE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), migration.sql)
    position = 0
    for piece in plain.split(";"):
        words = piece.split()
        if words:
            start = position + len(piece) - len(piece.lstrip())
            problem = _problem(words[0]) or _change(piece, after)
            if problem:
                line = plain.count("\n", 0, start) + 1
                tail = f"ERROR:  {problem}\nLINE {line}: {migration.sql.splitlines()[line - 1]}"
                raise MigrationFailed(f"{migration.name}, line {line}: {problem}", log_tail=tail)
        position += len(piece) + 1
    return after


def _problem(word: str) -> str | None:
    if word.upper() in _TRANSACTION:
        return f"each migration file is one transaction already; remove {word.upper()}"
    verb = re.match(r"\(*(\w*)", word)
    if verb is not None and verb.group(1).upper() not in _VERBS:
        return f'syntax error at or near "{word}"'
    return None


def _change(piece: str, tables: dict[str, int]) -> str | None:
    if not (match := _TABLE.match(piece.strip())):
        return None
    verb, condition, name = match.group(1).upper(), match.group(2), match.group(3).removeprefix("public.").lower()
    if verb == "CREATE":
        if name in tables and not condition:
            return f'relation "{name}" already exists'
        tables.setdefault(name, 0)
    elif name in tables:
        del tables[name]
    elif not condition:
        return f'table "{name}" does not exist'
    return None
