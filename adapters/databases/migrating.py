"""Runs migration files: untrusted SQL, one transaction a file, remembered once. Called by `adapters.databases.postgres`.

A file runs over a login of the migrator's own. A session of the admin with ``SET ROLE`` would be the admin's again after the file's
own ``RESET ROLE``.

The record of what ran must be atomic with the run, and out of the file's reach. The migrator may not write the record; a function
that writes it for him would be his to call. So the admin, over its own connection, writes the row with the transaction's id just
before the COMMIT, and clears the id after it. A row with an id counts if Postgres says that transaction committed
(``pg_xact_status``): a crash between any two steps loses and forges nothing.

Time is kept from here too: the file may override every timeout that the session has.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import asyncpg

from adapters.databases import rights
from adapters.databases.server import Server, end_sessions
from core.errors import MigrationFailed, NexusError, TemporaryError
from core.sql.script import Refused, Script, Statement, read_script
from core.tenants.tenants import Migration, MigrationReport, Tenant

if TYPE_CHECKING:
    from adapters.databases.server import Connection, ControlConnection

_TAIL = 4000

#: Checked inside the file's transaction, with everything it did in sight.
_AUDIT = """
    SELECT format('function %s is SECURITY DEFINER, which is not supported; leave it out', oid::regprocedure)
    FROM pg_proc WHERE prosecdef AND proowner = current_user::regrole
    UNION ALL
    SELECT format('%s has the rule %I; rules are not supported, use a trigger', ev_class::regclass, rulename)
    FROM pg_rewrite JOIN pg_class c ON c.oid = ev_class WHERE rulename <> '_RETURN' AND c.relowner = current_user::regrole
    UNION ALL
    SELECT format('%s has FORCE ROW LEVEL SECURITY; ENABLE is enough, as the app does not own it', oid::regclass)
    FROM pg_class WHERE relforcerowsecurity AND relowner = current_user::regrole
    UNION ALL
    SELECT 'a cast is not kept by a snapshot; use a function'
    FROM pg_cast c WHERE c.oid >= 16384 AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    LIMIT 1
"""

#: What Postgres's words mean here, where they are a riddle.
_ADVICE = {
    "25001": "each file runs in one transaction; leave CONCURRENTLY and the like out",
    "42501": "a migration may create tables, views, types and functions in the schema public, nothing else",
    "55P03": "the app held a lock for too long; try again, or make the migration smaller",
    "2D000": "each file is one transaction; leave COMMIT and ROLLBACK out",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long things may take."""

    file_seconds: float = 60.0  #: one migration file
    lock_seconds: float = 5.0  #: waiting for a lock; behind that wait the app's own queries queue
    work_seconds: float = 900.0  #: a snapshot, or a restore
    watch_seconds: float = 1.0  #: how often a running file is looked at


async def migrate(
    server: Server,
    tenant: Tenant,
    migrations: Sequence[Migration],
    *,
    control: ControlConnection,
    admin: Connection,
    patience: Patience,
) -> MigrationReport:
    """Run what has not run, in name order. ``admin`` is in the tenant's database, ``control`` holds its turn."""
    ordered = sorted(migrations, key=lambda migration: migration.name)
    for one, other in pairwise(ordered):
        if one.name == other.name:
            raise MigrationFailed(f"there are two migrations named {one.name!r}; rename one")
    record = await settle(admin)
    already = [migration for migration in ordered if migration.name in record]
    for migration in already:
        if record[migration.name] != digest(migration):
            raise MigrationFailed(f"{migration.name} was edited after it ran; put it back as it was and add a new file")
    pending = [(migration, _read(migration)) for migration in ordered if migration.name not in record]
    try:
        for migration, script in pending:
            await _File(server, tenant, control, admin, migration, script, patience).run()
    finally:
        await admin.execute(rights.rights(tenant, frozen=await is_frozen(admin)))
    return MigrationReport(
        applied=[migration.name for migration, _ in pending], already=[migration.name for migration in already]
    )


async def settle(admin: Connection) -> Mapping[str, str]:
    """Decide the rows that a crash left open; return names and digests of what ran."""
    await admin.execute(
        """
        DELETE FROM nexus.migrations WHERE pg_xact_status(pending) = 'aborted';
        UPDATE nexus.migrations SET pending = NULL WHERE pg_xact_status(pending) = 'committed'
        """
    )
    rows = await admin.fetch("SELECT name, digest, pending IS NOT NULL AS open FROM nexus.migrations")
    if any(row["open"] for row in rows):
        raise TemporaryError("a migration is still running; it is tried again by itself")
    return {row["name"]: row["digest"] for row in rows}


async def is_furnished(admin: Connection) -> bool:
    """Whether `create` came as far as Nexus's own tables."""
    return bool(await admin.fetchval("SELECT to_regclass('nexus.state') IS NOT NULL"))


async def is_frozen(admin: Connection) -> bool:
    return bool(await admin.fetchval("SELECT frozen FROM nexus.state"))


async def install_extension(admin: Connection, name: str) -> bool:
    """Whether it is there now. ``name`` is one of `script.EXTENSIONS`."""
    if name == "plpgsql":
        return True
    if not await admin.fetchval("SELECT true FROM pg_available_extensions WHERE name = $1", name):
        return False
    await admin.execute(f'CREATE EXTENSION IF NOT EXISTS "{name}" SCHEMA extensions CASCADE')
    return True


def digest(migration: Migration) -> str:
    """Line ends and blank ends do not count: a checkout may change them."""
    text = migration.sql.replace("\r\n", "\n").strip()
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _read(migration: Migration) -> Script:
    try:
        return read_script(migration.sql)
    except Refused as refused:
        raise _refusal(migration, refused) from refused


def _refusal(migration: Migration, refused: Refused) -> MigrationFailed:
    lines = migration.sql.split("\n")
    shown = lines[refused.line - 1] if refused.line <= len(lines) else ""
    return MigrationFailed(
        f"{migration.name}, line {refused.line}: {refused.reason}",
        log_tail=f"ERROR:  {refused.reason}\nLINE {refused.line}: {shown[:500]}",
    )


@dataclass(slots=True)
class _File:
    """One file on its way through Postgres."""

    server: Server
    tenant: Tenant
    control: ControlConnection
    admin: Connection
    migration: Migration
    script: Script
    patience: Patience
    at: Statement | None = field(default=None, init=False)
    waited: bool = field(default=False, init=False)  #: it was ended because it waited for a lock

    async def run(self) -> None:
        await self._install_extensions()
        try:
            async with self._session() as session:
                await self._transaction(session)
        except NexusError:
            raise
        except Exception as error:
            # What a hostile result does to the driver has many names; whatever it is, the file did not run.
            raise self._failure(error) from error
        finally:
            await end_sessions(self.control, role=self.tenant.migrator_role)
            await settle(self.admin)

    async def _install_extensions(self) -> None:
        for name, line in self.script.extensions:
            if not await install_extension(self.admin, name):
                builtin = {"pgcrypto", "uuid-ossp"}
                hint = "; gen_random_uuid() needs no extension" if name in builtin else ""
                refused = Refused(line, f"this Postgres does not have the extension {name!r}; do without it{hint}")
                raise _refusal(self.migration, refused)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Connection]:
        """The migrator's own login, ended whatever happens, and watched while it runs."""
        session = await self._log_in()
        watch = asyncio.create_task(self._watch(session.get_server_pid()))
        try:
            async with asyncio.timeout(self.patience.file_seconds):
                yield session
            await session.close(timeout=5)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            session.terminate()

    async def _log_in(self) -> Connection:
        tenant = self.tenant
        for attempt in (1, 2):
            try:
                return await self.server.connect(
                    tenant.database,
                    role=tenant.migrator_role,
                    password=tenant.migrator_password.get_secret_value(),
                    search_path="public, extensions",
                    lock_timeout=str(int(self.patience.lock_seconds * 1000)),
                    statement_timeout="0",
                    default_transaction_read_only="off",
                    standard_conforming_strings="on",
                )
            except asyncpg.InvalidAuthorizationSpecificationError:
                # A role can change its own password; an earlier file of this app did.
                if attempt == 2:
                    raise
                existing = (tenant.app_role, tenant.migrator_role)
                await self.control.execute(rights.roles(tenant, existing=existing, superuser=self.server.superuser))
        raise AssertionError

    async def _transaction(self, session: Connection) -> None:
        await session.execute("BEGIN")
        transaction = await self._transaction_id(session)
        for statement in self.script.statements:
            self.at = statement
            prepared = await session.prepare(statement.sql)
            async for _ in prepared.cursor(prefetch=100):  # rows are nobody's; they pass through in small parts
                pass
        await session.execute("SET CONSTRAINTS ALL IMMEDIATE")
        await session.execute("SET LOCAL search_path = pg_catalog, pg_temp")
        if problem := await session.fetchval(_AUDIT):
            self.at = None
            raise self._stopped(str(problem))
        if await self._transaction_id(session) != transaction:
            raise self._stopped("it left its transaction; remove what ends or starts one")
        await self.admin.execute(
            "INSERT INTO nexus.migrations (name, digest, extensions, pending) VALUES ($1, $2, $3, $4::text::xid8)",
            self.migration.name,
            digest(self.migration),
            [name for name, _ in self.script.extensions],
            transaction,
        )
        if await session.execute("COMMIT") != "COMMIT":
            raise self._stopped("its transaction could not be committed")

    async def _transaction_id(self, session: Connection) -> str:
        return str(await session.fetchval("SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text"))

    async def _watch(self, pid: int) -> None:
        """End a file that waits for a lock although it may have switched ``lock_timeout`` off."""
        while True:
            await asyncio.sleep(self.patience.watch_seconds)
            self.waited = await self.control.fetchval(
                """
                SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted
                               AND waitstart < clock_timestamp() - make_interval(secs => $2))
                """,
                pid,
                self.patience.lock_seconds + self.patience.watch_seconds,
            )
            if self.waited:
                await self.control.execute("SELECT pg_terminate_backend($1)", pid)
                return

    def _failure(self, error: BaseException) -> Exception:
        if isinstance(error, asyncpg.DiskFullError | asyncpg.CannotConnectNowError | asyncpg.TooManyConnectionsError):
            return error
        if self.waited:
            return self._stopped(f"it waited more than {self.patience.lock_seconds:g} s for a lock; {_ADVICE['55P03']}")
        if isinstance(error, TimeoutError):
            return self._stopped(f"it took longer than {self.patience.file_seconds:g} s; make it smaller or split it")
        if isinstance(error, asyncpg.PostgresError) and error.as_dict().get("message"):
            return self._postgres_said(error)
        return self._stopped(f"its connection ended: {error}")

    def _stopped(self, reason: str) -> MigrationFailed:
        place = f", line {self.at.line}" if self.at else ""
        return MigrationFailed(f"{self.migration.name}{place}: {reason}", log_tail=f"ERROR:  {reason}")

    def _postgres_said(self, error: asyncpg.PostgresError) -> MigrationFailed:
        said = error.as_dict()
        place, shown = "", ""
        if self.at:
            position = said.get("position")
            line = self.at.line_at(int(position)) if position else self.at.line
            place = f", line {line}"
            shown = self.at.sql.split("\n")[line - self.at.line][:500]
        advice = _ADVICE.get(str(error.sqlstate), "")
        tail = [f"{said.get('severity', 'ERROR')}:  {said['message']}"]
        tail += [f"{key.upper()}:  {said[key]}" for key in ("detail", "hint") if said.get(key)]
        if self.at:
            tail.append(f"LINE {place.rpartition(' ')[2]}: {shown}")
        if said.get("internal_query"):
            tail.append(f"QUERY:  {said['internal_query']}")
        if said.get("context"):
            tail.append(f"CONTEXT:  {said['context']}")
        message = f"{self.migration.name}{place}: {said['message']}" + (f" ({advice})" if advice else "")
        return MigrationFailed(message[:1000], log_tail="\n".join(tail)[:_TAIL])
