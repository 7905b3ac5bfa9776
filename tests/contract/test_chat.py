"""What every chat platform keeps: the fake, the page, Slack and Discord."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import discord
import pytest
from discord.http import Route
from pydantic import SecretStr

from adapters.discord.calls import Calls as DiscordCalls
from adapters.discord.calls import point_at
from adapters.discord.outbound import DiscordChat
from adapters.slack.calls import Calls, OneToken
from adapters.slack.outbound import SlackChat
from adapters.web.outbound import MemoryMessageStore, WebChat
from core.conversation.chat import Capability, Chat
from core.conversation.fake_chat import FakeChat
from core.errors import TemporaryError
from core.ids import ThreadId
from core.words.cards import Button, Card, Text, Tone
from core.words.thread_ref import ThreadRef
from tests.support.discord import rendering as discord_rendering
from tests.support.discord.server import LocalDiscord
from tests.support.slack.rendering import render_text
from tests.support.slack.server import LocalSlack


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A platform, and how to look at it from outside."""

    chat: Chat
    workspace: str
    channel: str
    user: str
    shown: Callable[[ThreadRef], list[str]]  #: the words of each message in a thread, from top to bottom
    lose: Callable[[], None] | None = None  #: lose the answer to the next message that is posted


def words(card: Card) -> str:
    return "\n".join([card.title, card.status, *(child.text for child in card.children if isinstance(child, Text))])


def fake() -> Platform:
    chat = FakeChat("fake")

    def shown(thread: ThreadRef) -> list[str]:
        here = [message for message in chat.messages if message.thread == thread]
        return [words(message.card) if message.card is not None else f"{message.author}: {message.text}" for message in here]

    return Platform(chat=chat, workspace="W1", channel="C1", user="U1", shown=shown, lose=lambda: chat.lose_answers(1))


def web() -> Platform:
    store = MemoryMessageStore()

    def shown(thread: ThreadRef) -> list[str]:
        here = store.in_thread(ThreadId(thread.thread))
        return [words(one.card) if one.card is not None else f"{one.author}: {one.text}" for one in here]

    return Platform(chat=WebChat(store), workspace="W1", channel="", user="U1", shown=shown)


async def slack(stack: AsyncExitStack) -> Platform:
    server = await stack.enter_async_context(LocalSlack())
    calls = Calls(OneToken(SecretStr(server.bot_token)), base_url=server.api_url)
    stack.push_async_callback(calls.close)
    chat = SlackChat(calls)
    stack.push_async_callback(chat.close)

    def shown(thread: ThreadRef) -> list[str]:
        return [render_text(message) for message in server.messages(thread.channel, thread.thread)[1:]]

    return Platform(
        chat=chat,
        workspace=server.workspace.id,
        channel=server.workspace.channel_id("#general"),
        user=server.workspace.add_user("Ada").id,
        shown=shown,
        lose=lambda: _lose(server),
    )


def _lose(server: LocalSlack) -> None:
    server.fault("chat.postMessage", lose=True)


async def in_discord(stack: AsyncExitStack) -> Platform:
    server = await stack.enter_async_context(LocalDiscord())
    stack.callback(point_at, Route.BASE)
    point_at(server.api_url)
    client = discord.Client(intents=discord.Intents(guilds=True))
    stack.push_async_callback(client.close)
    await client.login(server.token)
    chat = DiscordChat(DiscordCalls(client))
    stack.push_async_callback(chat.close)

    def shown(thread: ThreadRef) -> list[str]:
        here = [discord_rendering.render_text(message) for message in server.messages(thread.thread)]
        return [text.replace("**Ada** said:\n> ", "Ada: ") for text in here]

    return Platform(
        chat=chat,
        workspace=server.guild.id,
        channel=server.channel_id("#general"),
        user=server.guild.add_user("Ada").id,
        shown=shown,
        lose=lambda: _lose_in_discord(server),
    )


def _lose_in_discord(server: LocalDiscord) -> None:
    server.fault("POST /channels/*/messages", lose=True)


ELSEWHERE = {"slack": slack, "discord": in_discord}


@pytest.fixture(params=["fake", "web", "slack", "discord"])
async def platform(request: Any) -> AsyncIterator[Platform]:
    async with AsyncExitStack() as stack:
        made = ELSEWHERE.get(request.param)
        yield {"fake": fake, "web": web}[request.param]() if made is None else await made(stack)


def card(status: str = "Building", *, tone: Tone = Tone.WORKING) -> Card:
    return Card(
        kind="build",
        title="Todo app",
        tone=tone,
        status=status,
        children=[Text(text="A list of todos.")],
        actions=[Button(action="cancel", value="bld_1", label="Cancel")],
    )


async def opened(platform: Platform, key: str = "app_1") -> ThreadRef:
    return await platform.chat.open_thread(platform.workspace, platform.channel, "a todo app", key=key, user=platform.user)


async def test_it_says_what_it_is(platform: Platform) -> None:
    assert platform.chat.platform
    assert platform.chat.capabilities <= set(Capability)


async def test_the_same_key_opens_the_same_thread_and_another_key_another(platform: Platform) -> None:
    first, again, other = await opened(platform), await opened(platform), await opened(platform, "app_2")
    assert (first.platform, first.workspace) == (platform.chat.platform, platform.workspace)
    assert first.thread == again.thread
    assert first.thread != other.thread
    assert first.thread


async def test_messages_are_shown_in_the_order_in_which_they_were_posted(platform: Platform) -> None:
    thread = await opened(platform)
    ids = [await platform.chat.post(thread, card(f"Build {number}"), key=f"build:{number}") for number in range(3)]
    assert len(set(ids)) == 3
    assert [f"Build {number}" in text for number, text in enumerate(platform.shown(thread))] == [True] * 3
    assert all("A list of todos." in text for text in platform.shown(thread))


async def test_threads_have_nothing_to_do_with_each_other(platform: Platform) -> None:
    one, other = await opened(platform), await opened(platform, "app_2")
    first = await platform.chat.post(one, card("One"), key="build:1")
    second = await platform.chat.post(other, card("Other"), key="build:1")
    assert first != second
    assert ["Other" in text for text in platform.shown(other)] == [True]


async def test_a_key_is_posted_once(platform: Platform) -> None:
    thread = await opened(platform)
    assert len({await platform.chat.post(thread, card(), key="build:1") for _ in range(3)}) == 1
    assert len(platform.shown(thread)) == 1


async def test_a_key_that_was_posted_before_shows_what_it_is_posted_with(platform: Platform) -> None:
    thread = await platform.chat.open_thread(platform.workspace, platform.channel, "Todo", key="t1", user=platform.user)
    first = await platform.chat.post(thread, Card(kind="notice", title="One"), key="a")
    assert first == await platform.chat.post(thread, Card(kind="notice", title="Two", tone=Tone.GOOD), key="a")
    shown = [text for text in platform.shown(thread) if "One" in text or "Two" in text]
    assert 1 == len(shown)
    assert "Two" in shown[0]


async def test_an_edit_shows_the_new_card_in_place_of_the_old_one_and_the_same_card_again_changes_nothing(
    platform: Platform,
) -> None:
    thread = await opened(platform)
    message = await platform.chat.post(thread, card("Building"), key="build:1")
    await platform.chat.post(thread, card("Deploying"), key="deploy:1")
    for _ in range(2):
        await platform.chat.edit(thread, message, card("Live", tone=Tone.GOOD))
    first, second = platform.shown(thread)
    assert "Live" in first
    assert "Building" not in first
    assert "Deploying" in second


async def test_words_are_said_once_with_who_said_them(platform: Platform) -> None:
    thread = await opened(platform)
    for _ in range(2):
        await platform.chat.say(thread, "make it blue", author="Ada", key="said:1")
    await platform.chat.say(thread, "and green", author="Ada", key="said:2")
    assert [text.strip() for text in platform.shown(thread)] == ["Ada: make it blue", "Ada: and green"]


async def test_a_file_is_attached_once(platform: Platform) -> None:
    thread = await opened(platform)
    messages = {await platform.chat.post_file(thread, "build.log", b"a line\n", key="log:1") for _ in range(2)}
    assert len(messages) == 1
    assert len(platform.shown(thread)) == 1


async def test_a_link_is_an_address_or_nothing(platform: Platform) -> None:
    link = await platform.chat.link(await opened(platform))
    assert link == "" or link.startswith("https://")


@pytest.fixture(params=["fake", "slack", "discord"])
async def unreliable(request: Any) -> AsyncIterator[Platform]:
    """Platforms that are somewhere else, so that an answer can get lost."""
    async with AsyncExitStack() as stack:
        made = ELSEWHERE.get(request.param)
        yield fake() if made is None else await made(stack)


async def test_what_was_posted_though_its_answer_was_lost_is_posted_once(unreliable: Platform) -> None:
    assert unreliable.lose is not None
    thread = await opened(unreliable)
    chat = unreliable.chat
    for key in ("build:1", "said:1"):
        unreliable.lose()
        for attempt in range(2):
            try:
                await (
                    chat.post(thread, card(), key=key) if key == "build:1" else chat.say(thread, "blue", author="Ada", key=key)
                )
            except TemporaryError:
                assert attempt == 0
    assert len(unreliable.shown(thread)) == 2
