"""Another Discord, simcord's, takes the answers too: what comes first and in time, what is private, what is a form."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import simcord
from simcord.components import walk_components

from adapters.discord.manifest import commands
from adapters.discord.render.card import render
from core.conversation.fake_chat import MemoryInbox
from core.conversation.journal import Store
from core.conversation.ports import Marks
from core.words.cards import Button, Card, Confirm
from tests.contract.discord.inside.house import Client, Engine, KeptInMemory, People, Process, assembled

STOP = Button(action="stop", value="todo", label="Stop", confirm=Confirm(title="Stop?", text="…", yes="Stop it"))
CARD = Card(kind="notice", title="Todo", actions=[STOP, Button(action="change", value="todo", label="Change…")])


class Time:
    """simcord's, on which nobody waits longer than a test says."""

    def __init__(self, env: simcord.Env) -> None:
        self._env = env

    def now(self) -> float:
        return self._env.now().timestamp()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class Simulated:
    """A server of simcord's, and a process of the bot in it."""

    env: simcord.Env
    process: Process
    general: simcord.ChannelHandle
    ada: simcord.MemberActor
    engine: Engine

    async def card(self) -> simcord.actors.MessageLike:
        await self.process.calls.send(str(self.general.id), render(CARD).view)
        await self.env.settle()
        message = self.general.last_message
        assert message is not None
        return message


@dataclass
class Needs:
    """What the process is put together with."""

    engine: Engine
    inbox: Marks
    members: People
    kept: Store
    removed: list[tuple[str, str]]


@pytest.fixture
async def simulated() -> AsyncIterator[Simulated]:
    client = Client()
    client.heard = set()
    env = simcord.Env(client, shard_count=1)
    needs = Needs(Engine("discord"), MemoryInbox(), People(), KeptInMemory(), [])
    process = assembled(needs, client, time=Time(env))
    client.take(process.desk)
    env.backend.register_commands(None, commands())
    await env.start()
    guild = env.create_guild("Acme")
    needs.engine.workspace_id = str(guild.id)
    ada = guild.add_member(env.create_user("ada"))
    try:
        yield Simulated(env, process, guild.create_text_channel("general"), ada, needs.engine)
    finally:
        await process.desk.close()
        await process.chat.close()
        await env.shutdown()
    env.raise_errors()


def text(shown: simcord.ResponseMessage | None) -> str:
    assert shown is not None
    return "\n".join(str(one["content"]) for one in walk_components(shown.components) if one.get("type") == 10)


async def test_a_command_is_answered_privately_in_the_place_of_is_thinking(simulated: Simulated) -> None:
    done = await simulated.ada.slash(simulated.general, "nexus list")
    assert (done.acknowledged, done.ephemeral) == (True, True)
    assert "todo" in text(done.response)
    assert not done.followups


async def test_a_form_is_the_first_answer_and_what_is_sent_is_answered(simulated: Simulated) -> None:
    shown = await simulated.ada.slash(simulated.general, "nexus build")
    assert shown.modal is not None
    sent = await simulated.ada.submit_modal(shown, {"description": "a shop for books"})
    assert simulated.engine.did == ["build"]
    assert "It is being built" in text(sent.response)


async def test_a_form_that_was_refused_is_opened_again_by_a_button(simulated: Simulated) -> None:
    shown = await simulated.ada.slash(simulated.general, "nexus delete", app="todo")
    refused = await simulated.ada.submit_modal(shown, {"confirm": "tudo"})
    assert refused.response is not None
    again = await simulated.ada.click(refused.response, label="Open it again")
    assert again.modal is not None
    assert "tudo" in str(again.modal)
    await simulated.ada.submit_modal(again, {"confirm": "todo"})
    assert simulated.engine.calls == [("delete", "todo")]


async def test_a_button_that_asks_asks_privately(simulated: Simulated) -> None:
    asked = await simulated.ada.click(await simulated.card(), label="Stop")
    (question,) = asked.followups
    assert question.ephemeral
    assert not simulated.engine.calls
    (button,) = [one for one in walk_components(question.components) if one.get("type") == 2]
    done = await simulated.ada.click(question, custom_id=button["custom_id"])
    assert simulated.engine.calls == [("stop", "todo")]
    assert not done.followups
    assert "todo is stopped" in text(question)
