"""How fast Discord is answered in a burst: ``python -m bench.discord`` (from the checkout, in the environment that `./nexus check` makes).

Twenty people type 200 commands at the same moment into a local Discord: `/nexus list`, `/nexus help`, its `build` part, and some builds.
A Nexus of its own serves them (`nexus up`; with ``--bots``, so many processes of `nexus bot`); in turn with it, in a Discord of its own,
a discord.py bot that defers every command and does nothing else. Told are the acknowledgements as Discord sees them, how long it took
until everybody had their answer, and what was lost or came twice: a command without an answer or with one twice, a build without a thread
or with two, a thread with other than one card.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

from bench.burst import PEOPLE, Burst, faults, mixed, running, tell
from tests.support.bot_process import Bot
from tests.support.discord import Channel, DiscordUser, LocalDiscord, Message, Receipt, render_text
from tests.support.nexus import new_nexus

Asked = tuple[str, dict[str, Any]]


def commands(number: int, builds: int, after: int = 0) -> list[Asked]:
    """What is typed, with its options; ``after`` is how many builds there were before."""
    return [_build(after * number + one) if isinstance(one, int) else _other(one) for one in mixed(number, builds)]


def _build(number: int) -> Asked:
    chosen = {"framework": "express", "provider": "starter", "name": f"kind-{number}"}
    return "nexus build", {"description": f"things of kind {number}: name, colour", **chosen}


def _other(words: str) -> Asked:
    verb, _, part = words.partition(" ")
    return f"nexus {verb}", {"command": part} if part else {}


async def typed(people: list[DiscordUser], asked: list[Asked]) -> list[Receipt]:
    """All at the same moment."""
    return list(
        await asyncio.gather(*(people[n % len(people)].slash("#general", text, **more) for n, (text, more) in enumerate(asked)))
    )


def acknowledged(receipts: list[Receipt]) -> tuple[list[float], int]:
    seconds = [one.seconds for one in receipts if one.seconds is not None and one.acknowledged]
    return seconds, len(receipts) - len(seconds)


async def of_nexus(discord: LocalDiscord, people: list[DiscordUser], asked: list[Asked]) -> Burst:
    """A burst, and everything that comes of it."""
    began = time.perf_counter()
    receipts = await typed(people, asked)
    with contextlib.suppress(AssertionError):  # what is lost is counted
        await discord.wait_for(lambda: all(one.message is not None for one in receipts), timeout=120)
    answered = time.perf_counter() - began
    builds = [more["description"] for text, more in asked if text == "nexus build"]
    cards = await shown(discord, builds)
    took = time.perf_counter() - began
    lost, doubled = faults([[len(one) for one in found] for found in cards])
    said = [[render_text(one) for one in receipt.messages] for receipt in receipts]
    seconds, unacknowledged = acknowledged(receipts)
    return Burst(
        seconds=seconds,
        unacknowledged=unacknowledged,
        answered=answered,
        lost=lost + sum(not one for one in said),
        doubled=doubled + sum(len(one) > len(set(one)) for one in said),
        shown=took if builds else None,
    )


async def shown(discord: LocalDiscord, builds: list[str]) -> list[list[list[Message]]]:
    """The cards in the threads of each build, once every one has a card that is over."""

    def cards(thread: Channel) -> list[Message]:
        return [one for one in discord.messages(thread) if one.author == discord.bot.id]

    def found() -> list[list[list[Message]]]:
        threads = [(render_text(root) if root else "", one) for one in discord.threads() if (root := _root(discord, one)) or True]
        return [[cards(one) for root, one in threads if text.partition(":")[0] + ":" in root] for text in builds]

    def over() -> bool:
        return all(any("Ready for review" in render_text(card) for talk in one for card in talk) for one in found())

    with contextlib.suppress(AssertionError):
        await discord.wait_for(over, timeout=300)
    return found()


def _root(discord: LocalDiscord, thread: Channel) -> Message | None:
    return discord.message(thread.parent or "", thread.id)


async def of_bare(people: list[DiscordUser], asked: list[Asked]) -> Burst:
    """The same burst, to the bot that only defers."""
    seconds, unacknowledged = acknowledged(await typed(people, asked))
    return Burst(seconds=seconds, unacknowledged=unacknowledged)


def twenty(discord: LocalDiscord) -> list[DiscordUser]:
    return [discord.guild.add_user(f"Person {n}") for n in range(1, PEOPLE + 1)]


async def main(number: int, builds: int, rounds: int, bots: int) -> bool:
    """Nexus and the bare bot, each in a Discord of its own, in turn, so that both get their share of what else the machine does."""
    pairs = []
    async with LocalDiscord() as discord, LocalDiscord() as other:
        people, others = twenty(discord), twenty(other)
        env = {"DISCORD_TOKEN": other.token, "DISCORD_API_URL": other.api_url, "DISCORD_GATEWAY_URL": other.gateway_url}
        async with served(discord, bots), running("bench.discord.bare", env=env):
            await other.wait_for_sessions()
            other.commands |= discord.commands
            first = [_other("help")] * PEOPLE  # whom it has never seen, Nexus makes a member first
            await of_nexus(discord, people, first)
            await of_bare(others, first)
            for one in range(rounds):
                asked = commands(number, builds, one)
                ours = await of_nexus(discord, people, asked)
                pairs.append((f"Nexus, {one + 1}", ours, f"bare discord.py, {one + 1}", await of_bare(others, asked)))
    return tell(f"{number} commands at the same moment, {builds} of them builds; milliseconds until the acknowledgement", pairs)


@contextlib.asynccontextmanager
async def served(discord: LocalDiscord, bots: int) -> AsyncIterator[None]:
    """A Nexus, connected, and its commands registered."""
    env = {"DISCORD_TOKEN": discord.token, "DISCORD_API_URL": discord.api_url, "NEXUS_CHATS": str(not bots)}
    nexus = new_nexus(NEXUS_BROWSER="none", **env)
    beside: list[Bot] = []
    try:
        await nexus.up()
        for _ in range(bots):
            beside.append(await Bot.begin(nexus))
        await discord.wait_for_sessions(max(bots, 1))
        await discord.wait_for(lambda: discord.commands.get(""), why="the commands are registered")
        yield
    finally:
        for bot in beside:
            await bot.down()
        await nexus.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure a burst of commands in Discord.")
    parser.add_argument("--commands", type=int, default=200)
    parser.add_argument("--builds", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bots", type=int, default=0, help="processes of `nexus bot`; none: `nexus up` serves Discord itself")
    chosen = parser.parse_args()
    sys.exit(0 if asyncio.run(main(chosen.commands, chosen.builds, chosen.rounds, chosen.bots)) else 1)
