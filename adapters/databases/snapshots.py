"""Dumps a tenant's database and puts a dump back. Called by `adapters.databases.postgres`, which holds the tenant's turn.

Both programs log in as the migrator, not as the admin. A dump is the tenant's own text: its CHECK constraints and index expressions
call its functions while the data are read in, with the rights of whoever restores. What is Nexus's in it, the record of migrations,
is read in by the admin, from a table that no tenant role can write. Rights are not taken from the dump but laid anew.

A restore builds a new database beside the old one and swaps the names in one transaction; until then nothing has happened.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from adapters.databases import rights
from adapters.databases.migrating import install_extension
from adapters.databases.server import Server
from core.errors import AppError, DiskFull, MissingPart
from core.tenants.tenants import Tenant

if TYPE_CHECKING:
    from adapters.databases.server import ControlConnection

_TAIL = 4000
_SWAP_ATTEMPTS = 3
_END_EVERY = 0.02  # seconds, while the swap waits for the last session to leave


def building(tenant: Tenant) -> str:
    """The database that a restore builds."""
    return f"{tenant.database}_new"


def replaced(tenant: Tenant) -> str:
    """The database that a restore replaced, until it is dropped."""
    return f"{tenant.database}_old"


async def dump(server: Server, tenant: Tenant, target: Path, *, pg_bin: Path, seconds: float) -> int:
    """Write the dump beside ``target``, then move it there; its size in bytes."""
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
        await _run(
            [
                *(str(pg_bin / "pg_dump"), "--format=custom", "--no-password", f"--file={part}"),
                *("--schema=public", "--schema=nexus", "--exclude-table=nexus.state"),
                *("--no-owner", "--no-privileges", "--no-tablespaces", "--no-security-labels"),
                f"--dbname={server.dsn(tenant.database, role=tenant.migrator_role)}",
            ],
            password=tenant.migrator_password.get_secret_value(),
            seconds=seconds,
            failed="the snapshot could not be written; see the log",
        )
        size = part.stat().st_size
        part.replace(target)
        return size
    finally:
        part.unlink(missing_ok=True)


async def load(server: Server, tenant: Tenant, source: Path, *, frozen: bool, pg_bin: Path, seconds: float) -> None:
    """Fill the database `building`, which exists and is furnished, from a dump."""
    name = building(tenant)
    failed = "the snapshot could not be restored, the data are as they were; see the log, or choose another snapshot"
    restore = [str(pg_bin / "pg_restore"), "--no-password", "--exit-on-error", "--no-owner", "--no-privileges"]
    record = [*restore, "--data-only", "--schema=nexus", "--table=migrations", f"--dbname={server.dsn(name)}"]
    await _run([*record, str(source)], password=server.admin_password, seconds=seconds, failed=failed)
    async with server.admin(name) as admin:
        wanted = await admin.fetch("SELECT DISTINCT unnest(extensions) AS name FROM nexus.migrations")
        for row in wanted:
            if not await install_extension(admin, row["name"]):
                raise MissingPart(f"the snapshot needs the Postgres extension {row['name']!r}; install it on the server")
        address = server.dsn(name, role=tenant.migrator_role)
        await _run(
            [*restore, "--schema=public", f"--dbname={address}", str(source)],
            password=tenant.migrator_password.get_secret_value(),
            seconds=seconds,
            failed=failed,
        )
        await admin.execute(rights.rights(tenant, frozen=frozen))


async def swap(server: Server, control: ControlConnection, tenant: Tenant, *, exists: bool) -> None:
    """Give the built database the tenant's name, in one step; the sessions in the old one end."""
    old, new = tenant.database, building(tenant)
    ending = asyncio.create_task(_keep_ending(server, [old, new]))
    try:
        for attempt in range(1, _SWAP_ATTEMPTS + 1):
            try:
                async with control.transaction():
                    # A rename waits for sessions to leave (5 s at most) and lets none in meanwhile.
                    if exists:
                        await control.execute(f"ALTER DATABASE {old} RENAME TO {replaced(tenant)}")
                    await control.execute(f"ALTER DATABASE {new} RENAME TO {old}")
                return
            except asyncpg.ObjectInUseError:
                if attempt == _SWAP_ATTEMPTS:
                    raise
    finally:
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)


async def _keep_ending(server: Server, databases: Sequence[str]) -> None:
    connection = await server.connect(None)
    try:
        while True:
            await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY($1)", databases)
            await asyncio.sleep(_END_EVERY)
    finally:
        connection.terminate()


async def _run(argv: Sequence[str], *, password: str, seconds: float, failed: str) -> None:
    """Run one of Postgres's programs to its end; its environment is the password and nothing of ours."""
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PGPASSWORD": password, "PGCONNECT_TIMEOUT": "10"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except (FileNotFoundError, PermissionError) as error:
        raise MissingPart(f"{argv[0]} cannot be run; `nexus doctor` says where Nexus looks for it") from error
    try:
        async with asyncio.timeout(seconds):
            _, printed = await process.communicate()
    except TimeoutError as error:
        raise AppError(f"{failed} (it took longer than {seconds:g} s)") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        tail = printed.decode(errors="replace")[-_TAIL:]
        if "No space left on device" in tail:
            raise DiskFull
        raise AppError(failed, log_tail=tail)
