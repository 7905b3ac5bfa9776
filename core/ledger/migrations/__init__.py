"""Schema changes of the ledger: alembic revisions, run by `migrate` when Nexus starts.

Called by the program at start, under an advisory lock, so that several processes may start at once. It refuses a database that a
newer Nexus has migrated. A process that works beside another one changes nothing and asks `check`.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from core.errors import DataFolderError

MIGRATION_LOCK = 0x6E657861


def config() -> Config:
    """The alembic configuration, without a file."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    return made


async def check(session: AsyncSession) -> None:
    """For a process that joins a ledger which another one brought up to date.

    Raises:
        DataFolderError: it is of another version than this process.
    """
    found = (await session.execute(text("SELECT version_num FROM alembic_version"))).scalar()
    wanted = ScriptDirectory.from_config(config()).get_current_head()
    if found != wanted:
        raise DataFolderError(
            f"The Nexus on this data folder is of another version (its schema is {found!r}, this process knows {wanted!r}). Start both "
            "from the same."
        )


async def migrate(engine: AsyncEngine) -> None:
    """Bring the schema to this Nexus's version.

    Raises:
        DataFolderError: the database was written by a newer Nexus.
    """

    def upgrade(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        made = config()
        made.attributes["connection"] = connection
        known = {script.revision for script in ScriptDirectory.from_config(made).walk_revisions()}
        found = connection.execute(text("SELECT to_regclass('alembic_version')")).scalar()
        present = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if found else None
        if present is not None and present not in known:
            raise DataFolderError(
                f"The database was last used by a newer Nexus (its schema is {present!r}). Update this Nexus, or choose another "
                "data folder with --data."
            )
        try:
            command.upgrade(made, "head")
        except CommandError as error:
            raise DataFolderError(f"The database schema could not be brought up to date: {error}") from error

    async with engine.begin() as connection:
        await connection.run_sync(upgrade)
