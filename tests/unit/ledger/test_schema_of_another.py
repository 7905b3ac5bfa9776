"""A process that joins a ledger takes only one of its own version, and changes nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from core.errors import DataFolderError
from core.ledger.ledger import Ledger
from core.ledger.migrations import check


async def test_a_ledger_of_the_same_version_is_taken_and_another_is_refused(ledger: Ledger) -> None:
    async with ledger.reading() as session:
        await check(session)
        newest = await session.scalar(text("SELECT version_num FROM alembic_version"))
    async with ledger.transaction() as t:
        await t.session.execute(text("UPDATE alembic_version SET version_num = '9999_newer'"))
    try:
        async with ledger.reading() as session:
            with pytest.raises(DataFolderError, match="9999_newer"):
                await check(session)
    finally:
        async with ledger.transaction() as t:
            await t.session.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": newest})
