"""Who acts: a Discord user as a principal of a server.

Asked by `adapters.discord.desk` for everything that somebody does, before it is done. In a server, what they do comes with their
name, their roles and what they may do, so that Discord need not be asked. In direct messages it is asked, every minute at most:
which server is meant (that of the thread; else the one in which they used Nexus last; else the first that they share with the
bot), and who they are there.

It refuses, with the reason, who shares no server with the bot. Of bots it knows nothing: they get no answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from adapters.discord.calls import Calls, Json
from adapters.discord.faults import DiscordRefusal
from adapters.discord.inbound import PLATFORM, Named, Where
from adapters.discord.ports import DiscordEngine, Members
from core.conversation.desk import Bot
from core.conversation.remembered import Remembered
from core.errors import Forbidden, InvalidInput, NexusError
from core.words.inbound import Who

log = structlog.get_logger(__name__)

LIFE = 60.0  #: seconds that a member, a server and where somebody is at home are good for
NAME_LIFE = 3600.0  #: seconds; of a server
PAGE = 200  #: servers that Discord lists at a time
AT_ONCE = 10  #: servers that are looked into together
ADMINISTRATES = 0x8 | 0x20  # ADMINISTRATOR, MANAGE_GUILD
STRANGER = (
    "Nexus works for members of the servers that it is in, and you share none with it. Ask whoever keeps your server to invite it, "
    "or join one that has it."
)
NOT_THERE = "You are not a member of the server that this belongs to, so you cannot use Nexus there."
_NO_MEMBER = frozenset({10004, 10007, 10013, 50001})  # no such server, member or user, or it cannot be seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Guild:
    """A server. ``roles``: what each of them may do, by id."""

    name: str
    owner: str
    roles: Mapping[str, int]

    def administers(self, guild: str, user: str, roles: Collection[str]) -> bool:
        """Whether somebody with these roles decides for it."""
        return user == self.owner or any(self.roles.get(role, 0) & ADMINISTRATES for role in (guild, *roles))


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody in a server."""

    name: str
    roles: tuple[str, ...]
    bot: bool = False


class DiscordPeople:
    """The people of every server."""

    def __init__(
        self, calls: Calls, members: Members, engine: DiscordEngine, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._calls = calls
        self._members = members
        self._engine = engine
        self._there = Remembered(self._member, LIFE, now=now)
        self._guilds = Remembered(self._guild, LIFE, now=now)
        self._ours = Remembered(self._own_guilds, LIFE, now=now)
        self._homes = Remembered(self._home, LIFE, now=now)
        self._names = Remembered(self._name, NAME_LIFE, now=now)

    async def settle(self, where: Where) -> Where:
        """The same, in a server.

        Raises:
            Forbidden: they share none with the bot.
            TemporaryError: Discord does not say just now.
        """
        if where.workspace:
            return where
        if where.channel and where.thread:
            known = await self._engine.workspace_at(PLATFORM, where.channel, where.thread)
            if known:
                return replace(where, workspace=known)
        return replace(where, workspace=await self._homes.get(where.user))

    async def who(self, where: Where) -> Who:
        """The principal.

        Raises:
            Bot: it is no person.
            Forbidden: they are no member of the server, or share none with the bot.
            TemporaryError: Discord does not say just now.
        """
        guild = (await self.settle(where)).workspace
        name, roles, admin = await self._known(where, guild)
        return await self._members.member(
            PLATFORM, guild, workspace_name=await self.called(guild), user=where.user, name=name, admin=admin, groups=roles
        )

    async def is_admin(self, where: Where) -> bool:
        """Whether they may decide for the server."""
        return (await self._known(where, (await self.settle(where)).workspace))[2]

    async def roles(self, where: Where) -> Collection[str]:
        """The ids of the server's roles; none where they cannot be told."""
        try:
            return (await self._guilds.get((await self.settle(where)).workspace)).roles
        except NexusError as error:
            log.info("a server's roles cannot be told", reason=error.message)
            return ()

    async def keep_names(self, who: Who, where: Where, chosen: Sequence[Named]) -> None:
        """Remember what those who were chosen as approvers are called, so that cards can say it.

        Raises:
            InvalidInput: one of them is no person and no role, but everybody, or a bot.
        """
        guild = (await self.settle(where)).workspace if chosen else ""
        for one in chosen:
            if one.bot:
                raise InvalidInput(f"{one.name} is a bot, so it can approve nothing. Choose people and roles.")
            if one.id == guild:
                raise InvalidInput("That role is everybody here: choose “Anyone here” instead, or other roles.")
        for one in chosen:
            await self._members.name(who, one.id, f"@{one.name}" if one.role else one.name, group=one.role)

    async def close(self) -> None:
        """Stop asking."""
        for kept in (self._there, self._guilds, self._ours, self._homes, self._names):
            await kept.close()

    async def _known(self, where: Where, guild: str) -> tuple[str, Sequence[str], bool]:
        """Their name and roles in the server, and whether they decide for it."""
        if not where.workspace:
            member = await self._there.get((guild, where.user))
            if member is None:
                raise Forbidden(NOT_THERE)
            if member.bot:
                raise Bot(where.user)
            admin = (await self._guilds.get(guild)).administers(guild, where.user, member.roles)
            return member.name, member.roles, admin
        if where.admin is not None:
            return where.name, where.roles, where.admin
        try:
            admin = (await self._guilds.get(guild)).administers(guild, where.user, where.roles)
        except DiscordRefusal as error:  # the commands are there, and the bot is not
            if error.code not in _NO_MEMBER:
                raise
            admin = False
        return where.name, where.roles, admin

    async def called(self, guild: str) -> str:
        """The server's name; empty, which changes no name that is known, where it cannot be told."""
        try:
            return await self._names.get(guild)
        except NexusError as error:
            log.info("a server's name cannot be told", guild=guild, reason=error.message)
            return ""

    # -- asked of Discord --------------------------------------------------------------------------------------------------------

    async def _home(self, user: str) -> str:
        """The server that is meant where none is."""
        ours = await self._ours.get("")
        last = await self._members.last_workspace(PLATFORM, user)
        if last is not None and last in ours and await self._there.get((last, user)) is not None:
            return last
        for at in range(0, len(ours), AT_ONCE):
            looked = ours[at : at + AT_ONCE]
            for guild, member in zip(
                looked, await asyncio.gather(*(self._there.get((one, user)) for one in looked)), strict=True
            ):
                if member is not None:
                    return guild
        raise Forbidden(STRANGER)

    async def _own_guilds(self, _: str) -> Sequence[str]:
        """The servers that the bot is in, oldest first."""
        found: list[str] = []
        while True:
            page: list[Json] = await self._calls.call(
                "GET", "/users/@me/guilds", query={"limit": PAGE, "after": found[-1] if found else None}
            )
            found += [str(guild["id"]) for guild in page]
            if len(page) < PAGE:
                return found

    async def _guild(self, guild: str) -> Guild:
        answer: Json = await self._calls.call("GET", "/guilds/{guild_id}", guild_id=guild)
        roles = {str(role["id"]): int(role.get("permissions") or 0) for role in answer.get("roles") or ()}
        return Guild(name=str(answer.get("name") or guild), owner=str(answer.get("owner_id") or ""), roles=roles)

    async def _name(self, guild: str) -> str:
        return (await self._guilds.get(guild)).name

    async def _member(self, key: tuple[str, str]) -> Member | None:
        guild, user = key
        try:
            answer: Json = await self._calls.call("GET", "/guilds/{guild_id}/members/{user_id}", guild_id=guild, user_id=user)
        except DiscordRefusal as error:
            if error.code in _NO_MEMBER:
                return None
            raise
        return _read(answer, user)


def _read(answer: Mapping[str, Any], user: str) -> Member:
    person: Mapping[str, Any] = answer.get("user") or {}
    name = answer.get("nick") or person.get("global_name") or person.get("username") or user
    return Member(name=str(name), roles=tuple(map(str, answer.get("roles") or ())), bot=person.get("bot") is True)
