"""A local Slack and one process of the bot that takes in what people do there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.contract.slack.inside.house import House, Process, furnished


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        yield await furnished(stack)


@pytest.fixture
async def process(house: House) -> Process:
    return await house.process()
