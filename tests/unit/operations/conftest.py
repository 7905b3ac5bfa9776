"""An engine over a real ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.ledger.ledger import Ledger
from tests.support.engine_house import House, listening
from tests.support.ledger import ledger, migrated, postgres

__all__ = ["ledger", "migrated", "postgres"]


@pytest.fixture
async def house(ledger: Ledger, tmp_path: Path) -> AsyncIterator[House]:
    made = House(ledger=ledger, folder=tmp_path)
    async with listening(made.feed):
        yield made
