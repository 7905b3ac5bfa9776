"""A local Slack, and the real Bolt behind Nexus's own sockets and routes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.sockets import Pauses, Sockets
from tests.support.slack import LocalSlack, SlackUser

PAUSES = Pauses(first=0.02, longest=0.05, operator=0.05, hello=5.0, leaving=0.2, drain=3.0)


@dataclass
class Heard:
    """What an app was told, and what it does before it acknowledges."""

    commands: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    before: asyncio.Event = field(default_factory=asyncio.Event)  #: awaited before an acknowledgement
    told: list[str] = field(default_factory=list)  #: sentences for the operator

    def __post_init__(self) -> None:
        self.before.set()


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack() as server:
        yield server


@pytest.fixture
def ada(slack: LocalSlack) -> SlackUser:
    return slack.workspace.add_user("Ada")


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def bolt(slack: LocalSlack, heard: Heard) -> AsyncApp:
    """An app of the real Bolt that answers a command and an event."""
    app = AsyncApp(
        client=AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[]),
        signing_secret=slack.signing_secret,
    )

    @app.command("/nexus")
    async def command(ack: AsyncAck, body: dict[str, str]) -> None:
        heard.commands.append(body["text"])
        await heard.before.wait()
        await ack(text=f"you said {body['text']}")

    @app.event("message")
    async def message(ack: AsyncAck, event: dict[str, str]) -> None:
        heard.events.append(event["text"])
        await ack()

    return app


@contextlib.asynccontextmanager
async def running(sockets: Sockets) -> AsyncIterator[asyncio.Task[None]]:
    """Sockets that are kept for the length of the block."""
    task = asyncio.create_task(sockets.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def sockets_of(slack: LocalSlack, app: AsyncApp, heard: Heard, *, token: str = "", pauses: Pauses = PAUSES) -> Sockets:
    return Sockets(app, SecretStr(token or slack.app_token), api_url=slack.api_url, tell=heard.told.append, pauses=pauses)
