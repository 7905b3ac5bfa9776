"""A local Discord and one process of the bot that takes in what people do there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.contract.discord.inside.house import House, Process, furnished


@pytest.fixture(autouse=True)
def addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Discord is, as it was, after a test."""
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        made = await furnished(stack)
        yield made
        await made.settled()
        assert made.discord.violations == []


@pytest.fixture
async def process(house: House) -> Process:
    return await house.process()
