"""A local Discord for a test, with somebody in it, and bots on it made with the real discord.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import discord
import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.support.discord import DiscordUser, LocalDiscord, Timings

QUICK = Timings(ack=0.25)
COMMAND: dict[str, Any] = {
    "name": "nexus",
    "description": "Build apps",
    "integration_types": [0, 1],
    "contexts": [0, 1, 2],
    "options": [
        {
            "type": 1,
            "name": "build",
            "description": "Build an app",
            "options": [
                {"type": 3, "name": "description", "description": "What it does", "required": True, "max_length": 100},
                {"type": 3, "name": "app", "description": "Which", "autocomplete": True},
                {"type": 11, "name": "file", "description": "Data"},
            ],
        }
    ],
}
MENU: dict[str, Any] = {"name": "Build this", "type": 3}


class Bot(discord.AutoShardedClient):
    """The real client; what it hears is handled by functions that a test sets, and remembered."""

    def __init__(self, intents: discord.Intents) -> None:
        super().__init__(intents=intents, allowed_mentions=discord.AllowedMentions.none(), guild_ready_timeout=0.01)
        self.heard: list[discord.Message] = []
        self.asked: list[discord.Interaction[Any]] = []
        self.resumed = 0
        self.answer: Callable[[discord.Interaction[Any]], Awaitable[None]] | None = None

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(message)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        self.asked.append(interaction)
        if self.answer is not None:
            await self.answer(interaction)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Without the pause between sessions that Discord asks for."""

    async def on_resumed(self) -> None:
        self.resumed += 1


def intents(*, content: bool = True) -> discord.Intents:
    return discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=content)


@pytest.fixture
async def local() -> AsyncIterator[LocalDiscord]:
    async with LocalDiscord() as server:
        yield server
    assert server.violations == []


@pytest.fixture
async def hasty() -> AsyncIterator[LocalDiscord]:
    """One that waits only a moment for an answer; for tests in which none comes."""
    async with LocalDiscord(timings=QUICK) as server:
        yield server


@pytest.fixture
def ada(local: LocalDiscord) -> DiscordUser:
    return local.guild.add_user("Ada")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    base, gateway = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    yield
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = base, gateway


def point_at(server: LocalDiscord) -> None:
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = server.api_url, yarl.URL(server.gateway_url)


Connect = Callable[..., Awaitable[Bot]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connects a bot to a local Discord; with ``gateway=False`` it only logs in."""
    async with AsyncExitStack() as stack:

        async def connected(server: LocalDiscord, *, gateway: bool = True, content: bool = True) -> Bot:
            point_at(server)
            bot = Bot(intents(content=content))
            stack.push_async_callback(bot.close)
            await bot.login(server.token)
            if gateway:
                task = asyncio.create_task(bot.connect())
                stack.push_async_callback(_ended, bot, task)
                ready = asyncio.create_task(bot.wait_until_ready())
                await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
                if task.done():
                    ready.cancel()
                    task.result()
            return bot

        yield connected


async def _ended(bot: Bot, task: asyncio.Task[None]) -> None:
    await bot.close()
    await asyncio.gather(task, return_exceptions=True)


async def register(server: LocalDiscord, bot: Bot, *commands: dict[str, Any]) -> None:
    """Register commands of the app."""
    await bot.http.bulk_upsert_global_commands(int(server.application_id), list(commands or (COMMAND, MENU)))  # type: ignore[arg-type]
