"""How fast Discord is answered in a burst: ``python -m bench.discord`` (from the checkout, in the environment that `./nexus check` makes).

Twenty people type 200 commands at the same moment into a local Discord: `/nexus list`, `/nexus help`, its `build` part, and some builds.
A Nexus of its own serves them (`nexus up`; with ``--bots``, so many processes of `nexus bot`); beside it, a discord.py bot that defers
every command and does nothing else. Told are the acknowledgements as Discord sees them, how long it took until everybody had their
answer, and what was lost or came twice: a command without an answer or with one twice, a build without a thread or with two, a thread
with other than one card.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from typing import Any

from bench.burst import PEOPLE, Burst, faults, mixed, running, tell
from tests.support.bot_process import Bot
from tests.support.discord import Channel, DiscordUser, LocalDiscord, Message, Receipt, render_text
from tests.support.nexus import Nexus, new_nexus

Asked = tuple[str, dict[str, Any]]


def commands(number: int, builds: int) -> list[Asked]:
    """What is typed, with its options."""
    return [_build(one) if isinstance(one, int) else _other(one) for one in mixed(number, builds)]


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


async def of_bare(discord: LocalDiscord, people: list[DiscordUser], asked: list[Asked]) -> Burst:
    """The same burst, to the bot that only defers."""
    env = {"DISCORD_TOKEN": discord.token, "DISCORD_API_URL": discord.api_url, "DISCORD_GATEWAY_URL": discord.gateway_url}
    async with running("bench.discord.bare", env=env):
        await discord.wait_for_sessions()
        await typed(people, asked[:PEOPLE])  # as many as Nexus was asked before
        seconds, unacknowledged = acknowledged(await typed(people, asked))
    return Burst(seconds=seconds, unacknowledged=unacknowledged)


async def measured(number: int, builds: int, bots: int) -> tuple[Burst, Burst]:
    """Nexus and the bare bot, one after the other in the same Discord."""
    asked = commands(number, builds)
    async with LocalDiscord() as discord:
        people = [discord.guild.add_user(f"Person {n}") for n in range(1, PEOPLE + 1)]
        env = {
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "NEXUS_BROWSER": "none",
            "NEXUS_CHATS": str(not bots),
        }
        nexus = new_nexus(**env)
        ours = await _served(discord, nexus, people, asked, bots)
        await discord.wait_for(lambda: not discord.gateway.live)
        return ours, await of_bare(discord, people, asked)


async def _served(discord: LocalDiscord, nexus: Nexus, people: list[DiscordUser], asked: list[Asked], bots: int) -> Burst:
    beside: list[Bot] = []
    try:
        await nexus.up()
        for _ in range(bots):
            beside.append(await Bot.begin(nexus))
        await discord.wait_for_sessions(max(bots, 1))
        await discord.wait_for(lambda: discord.commands.get(""), why="the commands are registered")
        await of_nexus(discord, people, [_other("help")] * PEOPLE)  # whom it has never seen, Nexus makes a member first
        return await of_nexus(discord, people, asked)
    finally:
        for bot in beside:
            await bot.down()
        await nexus.close()


async def main(number: int, builds: int, bots: int) -> bool:
    ours, theirs = await measured(number, builds, bots)
    by = f"Nexus, {bots} of nexus bot" if bots else "Nexus"
    title = f"{number} commands at the same moment, {builds} of them builds; milliseconds until the acknowledgement"
    return tell(title, [(by, ours, "bare discord.py", theirs)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure a burst of commands in Discord.")
    parser.add_argument("--commands", type=int, default=200)
    parser.add_argument("--builds", type=int, default=8)
    parser.add_argument("--bots", type=int, default=0, help="processes of `nexus bot`; none: `nexus up` serves Discord itself")
    chosen = parser.parse_args()
    sys.exit(0 if asyncio.run(main(chosen.commands, chosen.builds, chosen.bots)) else 1)
