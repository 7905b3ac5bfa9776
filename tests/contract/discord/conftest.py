"""A local Discord, and what goes out to it from one process or several, over the wire with the real discord.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import discord
import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route

from adapters.discord.calls import LONGEST_WAIT, Calls, point_at
from adapters.discord.outbound import DiscordChat
from adapters.discord.pictures import WAIT, Load, Pictures
from core.words.thread_ref import ThreadRef
from tests.support.discord.rendering import render_text
from tests.support.discord.server import LocalDiscord
from tests.support.discord.state import Message
from tests.support.discord.users import DiscordUser
from tests.support.passing_clock import PassingClock


@dataclass(kw_only=True)
class Process:
    """One process of the bot, as far as it speaks."""

    chat: DiscordChat
    calls: Calls
    clock: PassingClock
    client: discord.Client


@dataclass(kw_only=True)
class Outside:
    """A local Discord with somebody in it, and the processes that write there."""

    discord: LocalDiscord
    ada: DiscordUser
    channel: str
    stack: AsyncExitStack
    troubles: list[tuple[str, str]] = field(default_factory=list)

    async def process(self, *, load: Load | None = None, wait: float = WAIT) -> Process:
        """Another process, which knows nothing of the others. Its waits pass at once, for Discord too."""
        client = discord.Client(intents=discord.Intents(guilds=True), max_ratelimit_timeout=LONGEST_WAIT)
        self.stack.push_async_callback(client.close)
        await client.login(self.discord.token)
        clock = PassingClock(passed=self.discord.advance)
        calls = Calls(client, trouble=self.trouble)
        chat = DiscordChat(calls, pictures=Pictures(load, wait=wait) if load is not None else None, clock=clock)
        self.stack.push_async_callback(chat.close)
        return Process(chat=chat, calls=calls, clock=clock, client=client)

    async def trouble(self, workspace: str, why: str) -> None:
        self.troubles.append((workspace, why))

    async def thread(self, process: Process, key: str = "app_1", title: str = "a todo app", channel: str = "") -> ThreadRef:
        """A thread that Ada asked for, in #general unless said otherwise."""
        return await process.chat.open_thread(self.discord.guild.id, channel or self.channel, title, key=key, user=self.ada.id)

    def place(self, channel: str = "") -> ThreadRef:
        """A channel itself."""
        return ThreadRef(
            platform="discord", workspace=self.discord.guild.id, channel=channel or self.channel, thread="", user=self.ada.id
        )

    def shown(self, thread: ThreadRef) -> list[Message]:
        """What stands in a thread; in direct messages, what replies to its first message."""
        if self.discord.channel(thread.channel).is_direct:
            return [one for one in self.discord.messages(thread.channel) if one.reference == thread.thread]
        return [one for one in self.discord.messages(thread.thread) if one.id != thread.thread]

    def texts(self, thread: ThreadRef) -> list[str]:
        return [render_text(message) for message in self.shown(thread)]

    def direct(self) -> list[str]:
        """What the bot wrote to Ada alone."""
        return [render_text(message) for message in self.discord.direct(self.ada)]

    def message(self, thread: ThreadRef, message: str) -> Message:
        return next(one for one in self.shown(thread) if one.id == message)


class Hurried:
    """What discord.py knows as asyncio, where sleeping makes time pass."""

    def __init__(self, clock: PassingClock) -> None:
        self.sleep = clock.sleep

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> PassingClock:
    """What discord.py waits for passes at once; how long it would have waited."""
    clock = PassingClock()
    monkeypatch.setattr("discord.http.asyncio", Hurried(clock))
    return clock


@pytest.fixture
async def outside(waits: PassingClock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Outside]:
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY)
    async with LocalDiscord() as local, AsyncExitStack() as stack:
        waits._passed = local.advance
        point_at(local.api_url)
        ada = local.guild.add_user("Ada")
        yield Outside(discord=local, ada=ada, channel=local.channel_id("#general"), stack=stack)
        assert local.violations == []
