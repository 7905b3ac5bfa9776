"""Who may do what where: the documented order of roles and overwrites, of the server and then of the channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from tests.support.discord.state import PRIVATE_THREAD, Channel, Guild

if TYPE_CHECKING:
    from tests.support.discord.server import LocalDiscord

ALL = discord.Permissions.all().value
ADMINISTRATOR = discord.Permissions.administrator.flag


def bits(*names: str) -> int:
    """Permissions by their names in discord.py: ``send_messages``, ``create_public_threads``."""
    found = 0
    for name in names:
        found |= getattr(discord.Permissions, name).flag
    return found


EVERYONE = bits(
    "view_channel",
    "send_messages",
    "send_messages_in_threads",
    "create_public_threads",
    "create_private_threads",
    "attach_files",
    "embed_links",
    "read_message_history",
    "add_reactions",
    "use_application_commands",
    "use_external_apps",
    "connect",
    "speak",
)
DIRECT = bits("view_channel", "send_messages", "attach_files", "embed_links", "read_message_history", "add_reactions")


def in_guild(guild: Guild, user: str) -> int:
    """In the whole server."""
    member = guild.members.get(user)
    if member is None:
        return 0
    if guild.owner == user:
        return ALL
    found = guild.roles[guild.id].permissions
    for role in member.roles:
        found |= guild.roles[role].permissions if role in guild.roles else 0
    return ALL if found & ADMINISTRATOR else found


def in_channel(server: LocalDiscord, channel: Channel, user: str) -> int:
    """In a channel; a thread has the overwrites of its channel."""
    if channel.guild is None:
        return DIRECT if user in channel.people else 0
    guild = server.guilds[channel.guild]
    found = in_guild(guild, user)
    if found in (0, ALL):
        return found
    place = server.channels[channel.parent] if channel.is_thread and channel.parent else channel
    overwrites = place.overwrites
    if (everyone := overwrites.get(guild.id)) is not None:
        found = found & ~everyone.deny | everyone.allow
    of_roles = [overwrites[role] for role in guild.members[user].roles if role in overwrites]
    for one in of_roles:
        found &= ~one.deny
    for one in of_roles:
        found |= one.allow
    if (own := overwrites.get(user)) is not None:
        found = found & ~own.deny | own.allow
    if channel.kind == PRIVATE_THREAD and user not in channel.people and not found & bits("manage_threads"):
        return 0
    return found if found & bits("view_channel") else 0


def may(server: LocalDiscord, channel: Channel, user: str, *names: str) -> bool:
    """All of these."""
    wanted = bits(*names)
    return in_channel(server, channel, user) & wanted == wanted
