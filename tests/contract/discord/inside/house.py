"""A local Discord, and processes of the bot as far as they take in what people do: the real client over a gateway, the real dialogue, an
engine that remembers what it was asked."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Protocol

import discord
from pydantic import SecretStr

from adapters.discord.answering import Answering
from adapters.discord.app import NexusClient
from adapters.discord.attachments import Attachments
from adapters.discord.calls import API_URL, Calls
from adapters.discord.desk import KINDS, DiscordDesk, Parts
from adapters.discord.directs import Directs
from adapters.discord.drafts import Drafts
from adapters.discord.home import Homes
from adapters.discord.interactions import Interactions
from adapters.discord.outbound import DiscordChat
from adapters.discord.people import DiscordPeople
from adapters.discord.ports import Members
from adapters.discord.render.card import render
from adapters.discord.tail import DiscordTails
from core.conversation.dialogue import Dialogue
from core.conversation.fake_chat import MemoryInbox
from core.conversation.journal import Journal, Store
from core.conversation.outbox import Clock
from core.conversation.ports import Marks
from core.ids import ThreadId
from core.words.cards import Button, Card, Link
from tests.support import stories
from tests.support.desk_house import Engine as Engine
from tests.support.desk_house import KeptInMemory
from tests.support.desk_house import People as People
from tests.support.discord import Channel, DiscordUser, LocalDiscord, Message, Receipt, render_text
from tests.support.passing_clock import PassingClock
from tests.unit.conversation.test_dialogue import THREAD


class Client(NexusClient):
    """Remembers which messages it was told of, and has handed on."""

    heard: set[str]

    async def on_message(self, message: discord.Message) -> None:
        await super().on_message(message)
        self.heard.add(str(message.id))


@dataclass(kw_only=True)
class Process:
    """One process of the bot."""

    client: Client
    desk: DiscordDesk
    chat: DiscordChat
    calls: Calls
    people: DiscordPeople
    tails: DiscordTails
    interactions: Interactions
    clock: PassingClock


@dataclass(kw_only=True)
class House:
    """A local Discord with people in it, and processes of the bot."""

    discord: LocalDiscord
    ada: DiscordUser
    stack: AsyncExitStack
    engine: Engine
    inbox: Marks = field(default_factory=MemoryInbox)
    members: People | Members = field(default_factory=People)
    removed: list[tuple[str, str]] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    kept: Store = field(default_factory=lambda: KeptInMemory())

    async def process(self, *, listens: bool = True, patient: bool = False) -> Process:
        """Start a process; one that does not listen is told of nothing, and can speak. One that is patient waits before it tries something
        again, or lets another process go first."""
        local = self.discord
        client = Client(api_url=local.api_url, guild_ready_timeout=0.01)
        client.heard = set()
        made = assembled(self, client, time=local.clock, patient=patient, api_url=local.api_url)
        desk = made.desk
        self.stack.push_async_callback(made.chat.close)
        if listens:
            client.take(desk)
            live = len(local.gateway.live)
            serving = asyncio.create_task(client.serve(SecretStr(local.token)), name="serving")

            async def stop() -> None:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)

            self.stack.push_async_callback(stop)
            await local.wait_for_sessions(live + 1)
            await client.wait_until_ready()
        else:
            await client.login(local.token)
            self.stack.push_async_callback(client.close)
        self.stack.push_async_callback(desk.close)
        self.processes.append(made)
        return made

    async def settled(self) -> None:
        """Wait until everything that was acknowledged is seen through."""
        for process in self.processes:
            await process.desk.settled()

    async def heard(self, act: Receipt) -> Message:
        """Wait until every process was told of words that somebody said, and until what comes of them is done."""
        said = act.said
        assert said is not None, act.error
        listening = [one.client for one in self.processes if one.client.is_ready()]
        await self.discord.wait_for(lambda: all(said.id in one.heard for one in listening), why="everybody was told")
        await self.settled()
        return said

    # -- what is there -------------------------------------------------------------------------------------------------------

    @property
    def guild(self) -> str:
        return self.discord.guild.id

    @property
    def general(self) -> str:
        return self.discord.channel_id("#general")

    async def app_thread(self, thread: ThreadId = THREAD) -> Channel:
        """A thread in #general in which the todo app is talked about."""
        opened = await self.ada.open_thread("#general", "a todo app")
        assert opened.thread is not None
        self.engine.places[self.general, opened.thread.id] = thread
        return opened.thread

    async def card(self, process: Process, place: str | Channel, *actions: Button | Link, reply_to: str = "") -> Message:
        """A message of the bot's with these buttons."""
        channel = self.discord.channel_id(place)
        card = Card(kind="notice", title="A card", actions=list(actions))
        sent = await process.calls.send(channel, render(card).view, reply_to=reply_to)
        return next(one for one in self.discord.messages(channel) if one.id == sent["id"])

    def private(self, user: DiscordUser) -> list[Message]:
        """What only this person sees."""
        return self.discord.ephemeral(user)

    def told(self, user: DiscordUser) -> list[str]:
        """The same, as they read it."""
        return [render_text(one) for one in self.private(user)]

    def direct(self, user: DiscordUser) -> list[Message]:
        """What the bot wrote to this person alone."""
        return [one for one in self.discord.direct(user) if one.author == self.discord.bot.id]

    def public(self) -> list[Message]:
        """What the bot wrote where others see it."""
        return [
            one
            for one in self.discord.all_messages
            if one.author == self.discord.bot.id
            and not one.ephemeral
            and not one.deleted
            and not self.discord.channels[one.channel].is_direct
        ]


class Asked(Protocol):
    """What a process is put together with beside its client."""

    engine: Engine
    inbox: Marks
    members: People | Members
    kept: Store
    removed: list[tuple[str, str]]


def assembled(asked: Asked, client: Client, *, time: Clock, patient: bool = False, api_url: str = API_URL) -> Process:
    """A process; ``time`` is Discord's."""
    clock = PassingClock()
    engine, inbox, members = asked.engine, asked.inbox, asked.members
    calls = Calls(client)
    chat, directs = DiscordChat(calls, clock=clock), Directs(calls)
    people = DiscordPeople(calls, members, engine, now=time.now)
    tails = DiscordTails(calls, engine, inbox, directs, clock=time)
    interactions, drafts = Interactions(calls, clock=time), Drafts(now=time.now)

    async def removed(workspace: str, why: str) -> None:
        asked.removed.append((workspace, why))

    desk = DiscordDesk(
        Parts(
            dialogue=Dialogue(engine, inbox),
            engine=engine,
            calls=calls,
            people=people,
            attachments=Attachments(api_url=api_url),
            interactions=interactions,
            drafts=drafts,
            answering=Answering(
                calls, interactions, inbox, engine, tails, directs, drafts, link=chat.link, roles=people.roles, clock=clock
            ),
            directs=directs,
            tails=tails,
            homes=Homes(engine, people, members, link=chat.link),
            removed=removed,
            journal=Journal(asked.kept, KINDS),
            clock=time if patient else clock,
        )
    )
    return Process(
        client=client, desk=desk, chat=chat, calls=calls, people=people, tails=tails, interactions=interactions, clock=clock
    )


async def furnished(stack: AsyncExitStack, **house: object) -> House:
    """A house without a process."""
    discord = await stack.enter_async_context(LocalDiscord())
    engine = Engine("discord", discord.guild.id)
    engine.apps_there = [app.model_copy(update={"updated_at": stories.START}) for app in engine.apps_there]
    return House(discord=discord, ada=discord.guild.add_user("Ada"), stack=stack, engine=engine, **house)  # type: ignore[arg-type]
