"""A Nexus of each module's own, with a local Slack in front of it. No browser opens the pages where no test looks at them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from tests.support.nexus import Nexus, new_nexus
from tests.support.slack import LocalSlack
from tests.support.slack_house import SlackHouse, house, settings

Opened = Callable[..., AbstractAsyncContextManager[SlackHouse]]


@pytest.fixture(scope="module")
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack() as made:
        yield made


@pytest.fixture(scope="module")
def opened(slack: LocalSlack, warm: Nexus) -> Opened:
    """``async with opened(sockets=…, bots=…) as house``; more settings by name."""

    @asynccontextmanager
    async def open_house(*, sockets: bool = True, bots: int = 0, **more: str) -> AsyncIterator[SlackHouse]:
        env = {"NEXUS_BROWSER": "none", **settings(slack, sockets=sockets), **more}
        async with house(slack, new_nexus(like=warm, **env), bots=bots) as made:
            yield made

    return open_house
