"""The real product with a local Discord in front of it: one Nexus, processes of ``nexus bot`` beside it, and people who use it there.

What tests know they see in Discord, as one of the people, or get from the Nexus as any other journey does.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tests.journey.parity.discord_person import DiscordPerson
from tests.journey.parity.people import SEEN_SECONDS, Shown
from tests.support.bot_process import Bot
from tests.support.discord import Channel, LocalDiscord, Receipt
from tests.support.nexus import Nexus, until


@dataclass(slots=True, kw_only=True)
class DiscordHouse:
    """A Nexus, its bots, and a Discord in front of them."""

    discord: LocalDiscord
    nexus: Nexus
    bots: list[Bot] = field(default_factory=list)

    def person(self, name: str, *, admin: bool = False) -> DiscordPerson:
        return DiscordPerson(self.discord, self.discord.guild.add_user(name, admin=admin))

    # -- processes ---------------------------------------------------------------------------------------------------------

    async def bot(self) -> Bot:
        """One more process of the bot, with its session."""
        before = len(self.discord.gateway.live)
        made = await Bot.begin(self.nexus)
        self.bots.append(made)
        try:
            await self.discord.wait_for_sessions(before + 1)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{made.said}") from None
        return made

    async def killed(self, *bots: Bot) -> None:
        """``kill -9``, until Discord knows."""
        left = len(self.discord.gateway.live) - len(bots)
        for bot in bots:
            await bot.killed()
        await self.discord.wait_for(lambda: len(self.discord.gateway.live) == left, why="the sessions of the killed are gone")

    async def replaced(self, bot: Bot) -> None:
        """``kill -9`` of one process; another one is started in its place."""
        await self.killed(bot)
        await self.bot()

    @property
    def alive(self) -> list[Bot]:
        return [bot for bot in self.bots if bot.alive]

    def writer(self, thread: Channel) -> Bot:
        """The process that wrote to the thread last."""
        wrote = [call for call in self.discord.calls if call.method != "GET" and call.ids.get("channel") == thread.id]
        return self._bot_at(wrote[-1].port)

    def taker(self, receipt: Receipt) -> Bot:
        """The process that took up what somebody did, and acknowledged it or is about to."""
        assert receipt.interaction is not None
        token = receipt.interaction.token
        return self._bot_at(next(call.port for call in self.discord.calls if token in call.path))

    def _bot_at(self, port: int) -> Bot:
        return next(bot for bot in self.alive if bot.has(port))

    # -- what happened -----------------------------------------------------------------------------------------------------

    async def counted(self, slug: str) -> dict[str, int]:
        """How often each kind of thing happened to an app."""
        kinds = [fact["kind"] for fact in await self.nexus.events(slug)]
        return {kind: kinds.count(kind) for kind in kinds}

    async def happened(self, slug: str, kind: str, times: int = 1) -> None:
        """Wait until something happened so often to an app, whoever shows it."""

        async def look() -> bool:
            return (await self.counted(slug)).get(kind, 0) >= times

        await until(look, what=f"{times} times {kind} of {slug}")

    async def given_up(self) -> None:
        """As after the half minute for which a dead process is waited for."""
        await self.nexus.sql("UPDATE deliveries SET leased_until = now() - interval '1 second'")

    async def over(self, who: DiscordPerson, thread: Channel, count: int) -> list[Shown]:
        """The cards of a thread, once there are so many and all of them tell how it ended; each is there once."""
        seen: list[Shown] = []

        async def look() -> bool:
            seen[:] = await who.cards(thread)
            return len(seen) >= count and not any("🔵" in card.words for card in seen)

        await until(look, seconds=SEEN_SECONDS, what=f"{count} cards that are over")
        assert count == len(seen), "\n---\n".join(map(str, seen))
        return seen


@contextlib.asynccontextmanager
async def house(nexus: Nexus, *, bots: int) -> AsyncIterator[DiscordHouse]:
    """A started Nexus for a Discord of its own. At the end nothing is left of it, its log tells of no fault, and Discord of none either."""
    async with LocalDiscord() as discord:
        nexus.env.update(DISCORD_TOKEN=discord.token, DISCORD_API_URL=discord.api_url)
        made = DiscordHouse(discord=discord, nexus=nexus)
        try:
            await nexus.up()
            for _ in range(bots):
                await made.bot()
            yield made
            for bot in made.alive:
                await bot.down()
            await nexus.down()
            assert nexus.faults() == [], json.dumps(nexus.faults(), indent=1)
            assert [] == discord.violations
        finally:
            for bot in made.alive:
                await bot.killed()
            await nexus.close()
