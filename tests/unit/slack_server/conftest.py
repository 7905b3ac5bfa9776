"""A local Slack for a test, with somebody in it, and apps on it made with the real SDK and the real Bolt."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.slack import LocalSlack, SlackUser, Timings

QUICK = Timings(ack=0.25, retries=(0.0, 60.0, 300.0))


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack() as server:
        yield server


@pytest.fixture
async def hasty() -> AsyncIterator[LocalSlack]:
    """One that waits only a moment for an acknowledgement; for tests in which none comes."""
    async with LocalSlack(timings=QUICK) as server:
        yield server


@pytest.fixture
def ada(slack: LocalSlack) -> SlackUser:
    return slack.workspace.add_user("Ada")


@pytest.fixture
def client(slack: LocalSlack) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


Connect = Callable[..., Awaitable[list[AsyncSocketModeHandler]]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connects an app of the real Bolt to a local Slack, by as many sockets as are asked for."""
    async with AsyncExitStack() as stack:

        async def connected(app: AsyncApp, slack: LocalSlack, sockets: int = 1) -> list[AsyncSocketModeHandler]:
            handlers = []
            for _ in range(sockets):
                handler = AsyncSocketModeHandler(app, slack.app_token, ping_interval=0.2)
                stack.push_async_callback(handler.close_async)
                await handler.connect_async()  # type: ignore[no-untyped-call]
                handlers.append(handler)
            await slack.wait_for_sockets(sockets)
            return handlers

        yield connected


def bolt(slack: LocalSlack) -> AsyncApp:
    """An app of the real Bolt, with the token of the first workspace."""
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    return AsyncApp(client=client, signing_secret=slack.signing_secret)
