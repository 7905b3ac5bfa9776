"""The client stays connected and loses nothing that is said meanwhile, over the wire of the local Discord."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.discord.app import NexusClient
from adapters.discord.completing import Offered
from adapters.discord.inbound import Said, Sought, Told, Where
from adapters.discord.manifest import commands
from adapters.discord.registering import differences
from core.errors import OperatorError
from tests.support.discord.server import LocalDiscord
from tests.support.passing_clock import PassingClock


@dataclass
class Ledger:
    """What several processes keep together."""

    keys: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    where: list[Where] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


class Desk:
    """Takes words down, each once in all processes."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def arriving(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    async def keep(self, told: Told) -> bool:
        new = told.key not in self.ledger.keys
        self.ledger.keys.add(told.key)
        return new

    async def see_through(self, told: Told) -> None:
        assert isinstance(told, Said)
        self.ledger.said.append(told.text)
        self.ledger.where.append(told.where)

    async def offered(self, sought: Sought) -> Sequence[Offered]:
        return []

    async def removed(self, workspace: str, why: str) -> None:
        self.ledger.gone.append(workspace)


@pytest.fixture
async def local() -> AsyncIterator[LocalDiscord]:
    async with LocalDiscord() as made:
        yield made
        assert made.violations == []


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """One for each attempt to connect that failed. discord.py waits five seconds before it begins another session, and longer each
    time that Discord is away; here it does not."""
    made: list[float] = []

    async def at_once(client: NexusClient, shard: int | None, *, initial: bool = False) -> None: ...

    monkeypatch.setattr(NexusClient, "before_identify_hook", at_once)
    monkeypatch.setattr("discord.backoff.ExponentialBackoff.delay", lambda _: made.append(0.02) or made[-1])
    return made


@contextlib.asynccontextmanager
async def served(local: LocalDiscord, ledger: Ledger, *, wait: bool = True) -> AsyncIterator[None]:
    """A process that is connected. Its own waits pass at once; discord.py's do not."""
    client = NexusClient(api_url=local.api_url, clock=PassingClock(), guild_ready_timeout=0.05)
    client.take(Desk(ledger))
    task = asyncio.create_task(client.serve(SecretStr(local.token)))
    try:
        if wait:
            await local.wait_for(client.is_ready)
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_commands_are_registered_once_and_then_left_alone(local: LocalDiscord, ledger: Ledger) -> None:
    for changes in (2, 2):
        async with served(local, ledger):
            pass
        there = list(local.commands[""].values())
        assert differences(there, commands()) == []
        assert len([call for call in local.calls if "/commands" in call.route and call.method != "GET"]) == changes
        await local.wait_for(lambda: not local.gateway.live)


async def test_a_command_that_was_changed_is_put_right(local: LocalDiscord, ledger: Ledger) -> None:
    async with served(local, ledger):
        pass
    for command in local.commands[""].values():
        command["contexts"] = [0]
    async with served(local, ledger):
        pass
    assert differences(list(local.commands[""].values()), commands()) == []


async def test_a_token_that_discord_does_not_know_is_named(local: LocalDiscord, ledger: Ledger) -> None:
    local.token = "another"
    with pytest.raises(OperatorError, match="DISCORD_TOKEN"):
        await NexusClient(api_url=local.api_url).serve(SecretStr("a.b.c"))


async def test_what_is_typed_and_said_arrives(local: LocalDiscord, ledger: Ledger) -> None:
    ada = local.guild.add_user("Ada")
    async with served(local, ledger):
        done = await ada.slash("#general", "nexus list")
        assert done.error == ""
        await ada.mention_bot("#general", "a shop")
        await ada.direct("a todo app")
        await local.wait_for(lambda: len(ledger.said) == 3)
    assert ledger.said == ["list", "a shop", "a todo app"]


async def test_of_several_processes_one_does_it_and_one_acknowledges_it(local: LocalDiscord, ledger: Ledger) -> None:
    ada = local.guild.add_user("Ada")
    async with served(local, ledger), served(local, ledger):
        assert (await ada.slash("#general", "nexus list")).error == ""
        await ada.mention_bot("#general", "a shop")
        await local.wait_for(lambda: len(ledger.said) == 2)
    assert ledger.said == ["list", "a shop"]
    assert len(local.called("POST /interactions/{interaction}/{token}/callback")) == 1


async def test_what_is_said_while_the_connection_is_cut_arrives(local: LocalDiscord, ledger: Ledger) -> None:
    ada = local.guild.add_user("Ada")
    async with served(local, ledger):
        local.cut()
        await ada.mention_bot("#general", "while it was cut")
        await local.wait_for(lambda: ledger.said)
    assert ledger.said == ["while it was cut"]


async def test_what_is_said_while_discord_cannot_be_reached_arrives(
    local: LocalDiscord, ledger: Ledger, pauses: list[float]
) -> None:
    ada = local.guild.add_user("Ada")
    async with served(local, ledger):
        await local.down()
        await ada.mention_bot("#general", "while it was away")
        await local.wait_for(lambda: len(pauses) > 3, why="some attempts in vain")
        await local.up()
        await local.wait_for(lambda: ledger.said)
        assert ledger.said == ["while it was away"]
        assert len(local.gateway.sessions) == 1


async def test_a_discord_that_is_away_at_the_start_is_connected_to_later(local: LocalDiscord, ledger: Ledger) -> None:
    ada = local.guild.add_user("Ada")
    await local.down()
    async with served(local, ledger, wait=False):
        await local.up()
        await local.wait_for_sessions()
        await ada.mention_bot("#general", "a shop")
        await local.wait_for(lambda: ledger.said)
    assert ledger.said == ["a shop"]


async def test_a_server_that_removes_the_bot_is_told_of(local: LocalDiscord, ledger: Ledger) -> None:
    async with served(local, ledger):
        local.guild.remove_bot()
        await local.wait_for(lambda: ledger.gone)
    assert ledger.gone == [local.guild.id]


async def test_where_only_the_person_has_installed_it_nexus_has_no_place(local: LocalDiscord, ledger: Ledger) -> None:
    ada, ben = local.guild.add_user("Ada"), local.guild.add_user("Ben")
    ada.install()
    elsewhere = local.add_guild("Globex", bot=False)
    elsewhere.join(ada)
    async with served(local, ledger):
        for place in (ada.group(ben), local.channel("#general", elsewhere), ada.dm, local.channel("#general")):
            assert (await ada.slash(place, "nexus list")).error == ""
        await local.wait_for(lambda: len(ledger.where) == 4)
    found = [(where.workspace, where.channel, where.direct, where.admin) for where in ledger.where]
    assert found == [
        ("", "", False, None),
        ("", "", False, None),
        ("", ada.dm.id, True, None),
        (local.guild.id, local.channel_id("#general"), False, False),
    ]
    assert {(where.user, where.name) for where in ledger.where} == {(ada.id, "Ada")}


async def test_words_in_a_thread_that_was_opened_again_know_its_channel(local: LocalDiscord, ledger: Ledger) -> None:
    ada = local.guild.add_user("Ada")
    opened = await ada.open_thread("#general", "Todo")
    assert opened.thread is not None
    opened.thread.archived = True
    async with served(local, ledger):
        await ada.say(opened.thread, "make it blue")
        await local.wait_for(lambda: ledger.where)
    assert (ledger.where[0].channel, ledger.where[0].thread) == (local.channel_id("#general"), opened.thread.id)
