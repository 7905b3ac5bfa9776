"""A local Slack, and what goes out to it from one process or several."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from adapters.slack.calls import Calls, OneToken
from adapters.slack.outbound import SlackChat
from adapters.slack.pictures import WAIT, Load, Pictures
from adapters.slack.stream import Streaming
from core.words.thread_ref import ThreadRef
from tests.support.passing_clock import PassingClock
from tests.support.slack.rendering import render_text
from tests.support.slack.server import LocalSlack
from tests.support.slack.state import Message
from tests.support.slack.users import SlackUser


@dataclass(kw_only=True)
class Process:
    """One process of the bot, as far as it speaks."""

    chat: SlackChat
    calls: Calls
    clock: PassingClock


@dataclass(kw_only=True)
class Outside:
    """A local Slack with somebody in it, and the processes that write there."""

    slack: LocalSlack
    ada: SlackUser
    channel: str
    stack: AsyncExitStack
    troubles: list[tuple[str, str]] = field(default_factory=list)

    def process(self, *, streaming: Streaming = Streaming.NEVER, load: Load | None = None, wait: float = WAIT) -> Process:
        """Another process, which knows nothing of the others. Its waits pass at once, for Slack too."""
        clock = PassingClock(passed=self.slack.advance)
        calls = Calls(OneToken(SecretStr(self.slack.bot_token)), base_url=self.slack.api_url, trouble=self.trouble, clock=clock)
        pictures = Pictures(calls, load, wait=wait, clock=clock) if load is not None else None
        chat = SlackChat(calls, pictures=pictures, streaming=streaming, clock=clock)
        self.stack.push_async_callback(calls.close)
        if pictures is not None:
            self.stack.push_async_callback(pictures.close)
        self.stack.push_async_callback(chat.close)
        return Process(chat=chat, calls=calls, clock=clock)

    async def trouble(self, workspace: str, why: str) -> None:
        self.troubles.append((workspace, why))

    async def thread(self, process: Process, key: str = "app_1", title: str = "a todo app") -> ThreadRef:
        """A thread in #general that Ada asked for."""
        return await process.chat.open_thread(self.slack.workspace.id, self.channel, title, key=key, user=self.ada.id)

    def shown(self, thread: ThreadRef) -> list[Message]:
        """The messages below the first one."""
        return self.slack.messages(thread.channel, thread.thread)[1:]

    def texts(self, thread: ThreadRef) -> list[str]:
        return [render_text(message) for message in self.shown(thread)]

    def direct(self) -> list[str]:
        """What the bot wrote to Ada alone."""
        return [message.text for message in self.slack.messages(self.slack.workspace.dm(self.ada.id).id)]

    def message(self, thread: ThreadRef, message: str) -> Message:
        return next(one for one in self.shown(thread) if one.ts == message)


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    async with LocalSlack() as slack, AsyncExitStack() as stack:
        ada = slack.workspace.add_user("Ada")
        yield Outside(slack=slack, ada=ada, channel=slack.workspace.channel_id("#general"), stack=stack)
