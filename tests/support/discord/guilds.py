"""A server and what its people do to it: channels, roles, permissions, threads that are closed, the app that is taken out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.discord import permissions
from tests.support.discord.state import KINDS, Channel, Guild, Member, Overwrite, Person, Role
from tests.support.discord.users import DiscordUser

if TYPE_CHECKING:
    from tests.support.discord.server import LocalDiscord

BOT_ROLE = permissions.bits(
    "view_channel",
    "send_messages",
    "send_messages_in_threads",
    "create_public_threads",
    "attach_files",
    "embed_links",
    "read_message_history",
)
Who = DiscordUser | Person | Role


@dataclass(kw_only=True, eq=False)
class LocalGuild(Guild):
    """A server of a local Discord."""

    discord: LocalDiscord

    def __repr__(self) -> str:
        return f"<server {self.name}>"

    # -- people and roles ------------------------------------------------------------------------------------------------------

    def add_user(self, name: str, *, admin: bool = False, owner: bool = False, roles: Iterable[Role] = ()) -> DiscordUser:
        """Somebody new; `join` takes in who is known already."""
        person = Person(id=self.discord.clock.snowflake(), name=name)
        self.discord.people[person.id] = person
        user = DiscordUser(self.discord, person)
        self.join(user, admin=admin, owner=owner, roles=roles)
        return user

    def join(self, user: DiscordUser, *, admin: bool = False, owner: bool = False, roles: Iterable[Role] = ()) -> None:
        """Somebody of another server joins this one too."""
        held = [*roles, *([self.administrators] if admin else [])]
        self.members[user.id] = Member(person=user.person, joined=self.discord.clock.iso(), roles=[role.id for role in held])
        if owner:
            self.owner = user.id

    def kick(self, user: DiscordUser) -> None:
        """Somebody is not a member any more."""
        del self.members[user.id]

    @property
    def administrators(self) -> Role:
        return next((one for one in self.roles.values() if one.name == "Administrators"), None) or self.add_role(
            "Administrators", "administrator"
        )

    def add_role(self, name: str, *names: str) -> Role:
        """A role with permissions by their names in discord.py."""
        role = Role(id=self.discord.clock.snowflake(), name=name, permissions=permissions.bits(*names))
        self.roles[role.id] = role
        return role

    def everybody_may(self, *names: str) -> None:
        """Grant permissions to everyone in the server."""
        self.roles[self.id].permissions |= permissions.bits(*names)

    def give(self, user: DiscordUser, role: Role) -> None:
        self.members[user.id].roles.append(role.id)

    def take(self, user: DiscordUser, role: Role) -> None:
        self.members[user.id].roles.remove(role.id)

    # -- channels --------------------------------------------------------------------------------------------------------------

    def add_channel(self, name: str, kind: str = "text", *, tags: Sequence[str] = ()) -> Channel:
        """A channel: text, voice, stage, announcement, forum, media or category. Posts have to carry one of the ``tags``, where there are
        any; those that begin with ``!`` are for moderators."""
        place = Channel(
            id=self.discord.clock.snowflake(),
            kind=KINDS[kind],
            name=name.removeprefix("#"),
            guild=self.id,
            created=self.discord.clock.iso(),
            offered=list(tags),
            needs_tag=bool(tags),
        )
        self.discord.channels[place.id] = place
        if self.id in self.discord.guilds:
            self.discord.events.channel("CHANNEL_CREATE", place)
        return place

    def channel(self, name: str) -> Channel:
        return self.discord.channel(name, self)

    def deny(self, channel: str | Channel, who: Who | None, *names: str) -> None:
        """In a channel: deny these permissions to a person, the bot or a role; ``None`` is everyone."""
        over = self._overwrite(channel, who)
        over.deny |= permissions.bits(*names)
        over.allow &= ~over.deny
        self.discord.events.channel("CHANNEL_UPDATE", self.discord.channel(channel, self))

    def allow(self, channel: str | Channel, who: Who | None, *names: str) -> None:
        """In a channel: allow these permissions."""
        over = self._overwrite(channel, who)
        over.allow |= permissions.bits(*names)
        over.deny &= ~over.allow
        self.discord.events.channel("CHANNEL_UPDATE", self.discord.channel(channel, self))

    def _overwrite(self, channel: str | Channel, who: Who | None) -> Overwrite:
        target = self.id if who is None else who.id
        is_member = who is not None and not isinstance(who, Role)
        return self.discord.channel(channel, self).overwrites.setdefault(target, Overwrite(target=target, is_member=is_member))

    def archive(self, thread: Channel, *, locked: bool = False) -> None:
        """Close a thread; locked, only those who manage threads open it again."""
        thread.archived, thread.locked, thread.archived_at = True, locked, self.discord.clock.iso()
        self.discord.events.channel("THREAD_UPDATE", thread)

    def lock(self, thread: Channel) -> None:
        """Lock a thread that stays open."""
        thread.locked = True
        self.discord.events.channel("THREAD_UPDATE", thread)

    def unlock(self, thread: Channel) -> None:
        thread.archived = thread.locked = False
        self.discord.events.channel("THREAD_UPDATE", thread)

    def delete_channel(self, channel: str | Channel) -> None:
        """Delete a channel with its threads, or a thread."""
        self.discord.delete_channel(self.discord.channel(channel, self))

    # -- the app ---------------------------------------------------------------------------------------------------------------

    def remove_bot(self) -> None:
        self.discord.remove_bot(self)

    def add_bot(self) -> None:
        """Take the app in (again)."""
        add_bot(self)
        self.discord.events.guild_joined(self)


def new_guild(server: LocalDiscord, name: str, *, bot: bool) -> LocalGuild:
    """A server with #general and an owner of its own."""
    guild = LocalGuild(discord=server, id=server.clock.snowflake(), name=name, has_bot=bot)
    guild.roles[guild.id] = Role(id=guild.id, name="@everyone", permissions=permissions.EVERYONE, position=0)
    guild.add_user(f"{name} owner", owner=True)
    if bot:
        add_bot(guild)
    guild.add_channel("general")
    return guild


def add_bot(guild: LocalGuild) -> None:
    server = guild.discord
    role = Role(id=server.clock.snowflake(), name=server.bot.name, permissions=BOT_ROLE, managed=True, bot=server.bot.id)
    guild.roles[role.id] = role
    guild.members[server.bot.id] = Member(person=server.bot, joined=server.clock.iso(), roles=[role.id])
    guild.has_bot = True
