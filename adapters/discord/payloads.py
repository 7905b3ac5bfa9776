"""What discord.py made of Discord's payloads, as payloads again, so that one pure module reads what people do (`adapters.discord.inbound`).

Called by `adapters.discord.app`. discord.py hands out the inner data of an interaction as they came, and of everything else its own
objects; what is here is what `inbound` reads, and nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import discord

_ELSEWHERE = 2  # the context of an interaction between people


def of_interaction(interaction: discord.Interaction[Any]) -> dict[str, Any]:
    """An interaction as INTERACTION_CREATE tells of it."""
    payload: dict[str, Any] = {
        "id": str(interaction.id),
        "type": interaction.type.value,
        "application_id": str(interaction.application_id),
        "token": interaction.token,
        "data": interaction.data or {},
        "attachment_size_limit": interaction.filesize_limit,
    }
    if interaction.context.private_channel:
        payload["context"] = _ELSEWHERE
    if interaction.is_user_integration() and not interaction.is_guild_integration():
        payload["authorizing_integration_owners"] = {"1": str(interaction.user.id)}
    if interaction.channel is not None:
        payload["channel"] = _channel(interaction.channel)
    user = _user(interaction.user) if interaction.user else {}
    if interaction.guild_id is None:
        payload["user"] = user
    else:
        payload["guild_id"] = str(interaction.guild_id)
        payload["member"] = _member(interaction.user, user) | _may(interaction.user)
    if interaction.message is not None:
        payload["message"] = _message(interaction.message)
    return payload


def of_message(message: discord.Message) -> dict[str, Any]:
    """A message as MESSAGE_CREATE tells of it."""
    author = message.author
    payload = _message(message) | {
        "author": _user(author),
        "content": message.content,
        "mentions": [_mentioned(one) for one in message.mentions],
        "attachments": _files(message.attachments),
        "message_snapshots": [
            {"message": {"content": one.content, "attachments": _files(one.attachments)}} for one in message.message_snapshots
        ],
        "type": message.type.value,
        "webhook_id": str(message.webhook_id) if message.webhook_id else None,
        "edited_timestamp": message.edited_at.isoformat() if message.edited_at else None,
    }
    if message.guild is not None:
        payload["guild_id"] = str(message.guild.id)
        if isinstance(author, discord.Member):
            payload["member"] = _member(author, {}) | _may(author)
    return payload


def _message(message: discord.Message) -> dict[str, Any]:
    """A message that was pressed in, or replied to."""
    payload: dict[str, Any] = {
        "id": str(message.id),
        "channel_id": str(message.channel.id),
        "author": {"id": str(message.author.id), "bot": message.author.bot},
        "flags": message.flags.value,
        "components": [{"id": getattr(one, "id", None)} for one in message.components],
    }
    above = message.reference
    if above is not None and above.message_id is not None:
        payload["message_reference"] = {"type": above.type.value, "message_id": str(above.message_id)}
        if isinstance(above.resolved, discord.Message):
            payload["referenced_message"] = _message(above.resolved)
    return payload


def _files(files: Sequence[discord.Attachment]) -> list[dict[str, Any]]:
    return [{"id": str(file.id), "filename": file.filename, "size": file.size, "url": file.url} for file in files]


def _channel(channel: Any) -> dict[str, Any]:
    parent = channel.parent_id if isinstance(channel, discord.Thread) else None
    return {"id": str(channel.id), "type": channel.type.value, "parent_id": str(parent) if parent else None}


def _user(user: discord.User | discord.Member) -> dict[str, Any]:
    return {
        "id": str(user.id),
        "username": user.name,
        "global_name": user.global_name,
        "bot": user.bot,
        "system": user.system,
    }


def _member(member: discord.User | discord.Member, user: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(member, discord.Member):
        return {"user": user}
    # The ids as they came: `roles` leaves out those that this process was not told of, as all are right after a start.
    roles = [str(role) for role in member._roles]
    return {"user": user, "nick": member.nick, "roles": roles}


def _may(member: discord.User | discord.Member) -> dict[str, str]:
    """What their roles allow in the whole server, where this process knows all of these; its owner may do anything. What an interaction
    tells is not taken: that is of one channel, and whoever decides for a channel could make somebody an admin of Nexus there."""
    if not isinstance(member, discord.Member) or member.guild.unavailable:
        return {}
    known = member.guild.default_role is not None and len(member.roles) == len(member._roles) + 1
    return {"permissions": str(member.guild_permissions.value)} if known or member.id == member.guild.owner_id else {}


def _mentioned(user: discord.User | discord.Member) -> dict[str, Any]:
    nick = user.nick if isinstance(user, discord.Member) else None
    return _user(user) | ({"member": {"nick": nick}} if nick else {})
