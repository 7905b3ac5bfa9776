"""What Discord knows, as the JSON that it sends. Called by the API, the gateway and by what people do; changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.support.discord import permissions
from tests.support.discord.state import (
    DM,
    FORUM,
    GROUP_DM,
    MEDIA,
    STAGE,
    THREAD_STARTER,
    VOICE,
    Attachment,
    Channel,
    Guild,
    Interaction,
    Json,
    Member,
    Message,
    Person,
    Role,
)

if TYPE_CHECKING:
    from tests.support.discord.server import LocalDiscord

REQUIRE_TAG = 1 << 4  #: a flag of a forum
MAX_FILE = 10 * 2**20  #: bytes of one file


def person(one: Person) -> Json:
    return {
        "id": one.id,
        "username": one.name if one.bot else one.name.lower().replace(" ", "_"),
        "global_name": None if one.bot else one.name,
        "discriminator": "4242" if one.bot else "0",
        "avatar": None,
        "bot": one.bot,
        "system": one.system,
        "public_flags": 0,
        "flags": 0,
    }


def member(one: Member, *, with_user: bool = True) -> Json:
    found: Json = {
        "roles": list(one.roles),
        "nick": one.nick,
        "avatar": None,
        "banner": None,
        "joined_at": one.joined,
        "premium_since": None,
        "communication_disabled_until": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
    }
    return {**found, "user": person(one.person)} if with_user else found


def role(one: Role) -> Json:
    return {
        "id": one.id,
        "name": one.name,
        "permissions": str(one.permissions),
        "position": one.position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": one.managed,
        "mentionable": False,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
        **({"tags": {"bot_id": one.bot}} if one.bot else {}),
    }


def channel(server: LocalDiscord, one: Channel) -> Json:
    """A channel, a thread or a direct conversation."""
    last = next((message.id for message in reversed(server.all_messages) if message.channel == one.id), None)
    found: Json = {"id": one.id, "type": one.kind, "last_message_id": last, "flags": 0}
    if one.is_direct:
        others = [server.people[user] for user in sorted(one.people) if user != server.bot.id]
        found |= {"recipients": [person(other) for other in others]}
        if one.kind == GROUP_DM:
            found |= {"name": one.name or None, "owner_id": one.owner, "icon": None}
        return found
    found |= {"guild_id": one.guild, "name": one.name, "parent_id": one.parent, "rate_limit_per_user": 0}
    if one.is_thread:
        count = len([message for message in server.all_messages if message.channel == one.id and not message.deleted])
        return found | {
            "owner_id": one.owner,
            "message_count": count,
            "total_message_sent": count,
            "member_count": len(one.people),
            "applied_tags": list(one.tags),
            "thread_metadata": {
                "archived": one.archived,
                "locked": one.locked,
                "archive_timestamp": one.archived_at or one.created,
                "auto_archive_duration": one.auto_archive,
                "create_timestamp": one.created,
                "invitable": True,
            },
        }
    found |= {
        "position": one.position,
        "topic": one.topic,
        "nsfw": False,
        "permission_overwrites": [
            {"id": over.target, "type": int(over.is_member), "allow": str(over.allow), "deny": str(over.deny)}
            for over in one.overwrites.values()
        ],
    }
    if one.kind in (VOICE, STAGE):
        found |= {"bitrate": 64000, "user_limit": 0, "rtc_region": None}
    if one.kind in (FORUM, MEDIA):
        found |= {
            "flags": REQUIRE_TAG if one.needs_tag else 0,
            "available_tags": [
                {"id": str(at), "name": name, "moderated": name.startswith("!"), "emoji_id": None, "emoji_name": None}
                for at, name in enumerate(one.offered)
            ],
            "default_reaction_emoji": None,
            "default_sort_order": None,
            "default_forum_layout": 0,
        }
    return found


def thread_member(server: LocalDiscord, one: Channel, user: str) -> Json:
    return {"id": one.id, "user_id": user, "join_timestamp": one.created, "flags": 0}


def guild(server: LocalDiscord, one: Guild) -> Json:
    """A server as `GET /guilds/{id}` gives it."""
    return {
        "id": one.id,
        "name": one.name,
        "owner_id": one.owner,
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "banner": None,
        "description": None,
        "features": [],
        "emojis": [],
        "stickers": [],
        "roles": [role(each) for each in one.roles.values()],
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "premium_progress_bar_enabled": False,
        "preferred_locale": "en-US",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "application_id": None,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "public_updates_channel_id": None,
        "safety_alerts_channel_id": None,
        "vanity_url_code": None,
        "max_members": 500_000,
        "max_presences": None,
        "hub_type": None,
    }


def guild_created(server: LocalDiscord, one: Guild) -> Json:
    """A server as the gateway tells of it: with what the app sees of its channels and open threads."""
    seen = [each for each in server.channels_of(one) if permissions.may(server, each, server.bot.id, "view_channel")]
    return guild(server, one) | {
        "joined_at": one.members[server.bot.id].joined,
        "large": False,
        "unavailable": False,
        "member_count": len(one.members),
        "members": [member(one.members[server.bot.id])],  # the others are told of with their intent alone
        "channels": [channel(server, each) for each in seen if not each.is_thread],
        "threads": [channel(server, each) for each in seen if each.is_thread and not each.archived],
        "presences": [],
        "voice_states": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def attachment(server: LocalDiscord, one: Attachment) -> Json:
    found: Json = {
        "id": one.id,
        "filename": one.name,
        "size": len(one.content),
        "url": link(server, one),
        "proxy_url": link(server, one),
        "content_type": one.kind,
        "content_scan_version": 0,
    }
    if one.description is not None:
        found["description"] = one.description
    if one.ephemeral:
        found["ephemeral"] = True
    if one.kind.startswith("image/"):
        found |= {"width": 100, "height": 100}
    return found


def link(server: LocalDiscord, one: Attachment) -> str:
    """A signed link, as Discord's: it ends some time after it was given."""
    ends = int(server.clock.now() + server.timings.link)
    folder = "ephemeral-attachments" if one.ephemeral else "attachments"
    name = quote(one.name)
    return f"{server.cdn_url}/{folder}/{one.channel}/{one.id}/{name}?ex={ends:x}&is=0&hm={server.signature(one.id, ends)}"


def message(server: LocalDiscord, one: Message, *, for_gateway: bool = False, deep: bool = True) -> Json:
    """A message as the app may see all of it; see `blinded` for what is kept from it."""
    interaction = one.interaction
    found: Json = {
        "id": one.id,
        "channel_id": one.channel,
        "type": one.kind,
        "author": person(server.people[one.author]),
        "content": one.content,
        "timestamp": server.clock.iso(one.at),
        "edited_timestamp": server.clock.iso(one.edited_at) if one.edited_at else None,
        "tts": False,
        "mention_everyone": one.everyone,
        "mentions": [person(server.people[user]) for user in one.mentions],
        "mention_roles": list(one.mentioned_roles),
        "mention_channels": [],
        "attachments": [attachment(server, each) for each in one.attachments],
        "embeds": one.embeds,
        "components": server.linked(one),
        "pinned": False,
        "flags": one.flags,
    }
    if one.nonce is not None and for_gateway:
        found["nonce"] = one.nonce
    if one.author == server.bot.id and interaction is not None:
        found |= {"webhook_id": server.application_id, "interaction_metadata": _metadata(server, interaction)}
    if one.author == server.bot.id:
        found["application_id"] = server.application_id
    if one.reference is not None:
        place = server.channels.get(one.reference_channel or one.channel)
        found["message_reference"] = {
            "type": 0,
            "channel_id": one.reference_channel or one.channel,
            "message_id": one.reference,
            **({"guild_id": place.guild} if place is not None and place.guild else {}),
        }
        if deep:
            original = server.message(one.reference_channel or one.channel, one.reference)
            found["referenced_message"] = None if original is None else blinded(server, original, deep=False)
    if one.thread is not None and one.thread in server.channels and one.kind != THREAD_STARTER:
        found["thread"] = channel(server, server.channels[one.thread])
    if one.reactions:
        found["reactions"] = [
            {
                "count": len(users),
                "me": server.bot.id in users,
                "emoji": {"id": None, "name": emoji},
                "count_details": {"burst": 0, "normal": len(users)},
                "me_burst": False,
                "burst_colors": [],
            }
            for emoji, users in one.reactions.items()
        ]
    place = server.channels[one.channel]
    if for_gateway and place.guild:
        found["guild_id"] = place.guild
        if (author := server.guilds[place.guild].members.get(one.author)) is not None:
            found["member"] = member(author, with_user=False)
    return found


def blinded(
    server: LocalDiscord, one: Message, *, content: bool | None = None, for_gateway: bool = False, deep: bool = True
) -> Json:
    """A message as the app gets it: without its words where it may not read them."""
    found = message(server, one, for_gateway=for_gateway, deep=deep)
    granted = server.message_content if content is None else content
    direct = server.channels[one.channel].kind == DM
    if not (granted or direct or one.author == server.bot.id or server.bot.id in one.mentions):
        found |= {"content": "", "embeds": [], "attachments": [], "components": []}
    return found


def _metadata(server: LocalDiscord, interaction: Interaction) -> Json:
    found: Json = {
        "id": interaction.id,
        "type": interaction.kind,
        "user": person(server.people[interaction.user]),
        "authorizing_integration_owners": interaction.payload["authorizing_integration_owners"],
    }
    if interaction.kind == 2:
        found["name"] = interaction.payload["data"]["name"]
    if interaction.message is not None:
        found["interacted_message_id"] = interaction.message.id
    return found
