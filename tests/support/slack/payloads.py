"""The JSON that Slack sends and answers: users, channels, messages, views and events in Slack's own shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.slack.state import Channel, Json, Message, Person, StoredFile, View, Workspace, new_id

if TYPE_CHECKING:
    from tests.support.slack.server import LocalSlack


def shown_message(team: Workspace, message: Message, *, metadata: bool = True) -> Json:
    """A message as the Web API and interactions give it."""
    shown: Json = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text, "team": team.id}
    if message.bot_id:
        shown |= {
            "bot_id": message.bot_id,
            "app_id": team.app_id,
            "bot_profile": {
                "id": message.bot_id,
                "app_id": team.app_id,
                "name": team.bot.name,
                "team_id": team.id,
                "deleted": False,
            },
        }
    if message.username:
        shown |= {"username": message.username, "subtype": "bot_message"}
    if message.thread_ts:
        shown["thread_ts"] = message.thread_ts
        if message.is_reply:
            parent = team.message(message.channel, message.thread_ts)
            shown["parent_user_id"] = parent.user if parent else message.user
        else:
            replies = [
                one
                for one in team.shown(message.channel)
                if one.thread_ts == message.ts and one.is_reply and not one.ephemeral_to
            ]
            shown |= {"reply_count": len(replies), "latest_reply": replies[-1].ts if replies else message.ts, "subscribed": False}
    if message.blocks:
        shown["blocks"] = message.blocks
    if message.attachments:
        shown["attachments"] = message.attachments
    if message.files:
        shown["files"] = [shown_file(team, team.files[one]) for one in message.files]
    if message.edited_at:
        shown["edited"] = {"user": message.user, "ts": message.edited_at}
    if message.reactions:
        shown["reactions"] = [
            {"name": name, "users": sorted(who), "count": len(who)} for name, who in message.reactions.items() if who
        ]
    if metadata and message.metadata:
        shown["metadata"] = message.metadata
    return shown


def shown_file(team: Workspace, file: StoredFile) -> Json:
    slack = getattr(team, "slack", None)  # Slack's own host for files is another one than its API's
    base = f"{slack.url if slack is not None else 'https://files.slack.com'}/files-pri/{team.id}-{file.id}"
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title,
        "user": file.user,
        "size": len(file.content),
        "alt_txt": file.alt_text,
        "mode": "hosted",
        "url_private": f"{base}/{file.name}",
        "url_private_download": f"{base}/download/{file.name}",
        "permalink": f"https://{team.domain}.slack.com/files/{file.user}/{file.id}/{file.name}",
        "shares": {"public": {channel: [{"ts": ts}] for channel, ts in file.shares}},
    }


def shown_person(team: Workspace, person: Person) -> Json:
    profile: Json = {
        "real_name": person.name,
        "display_name": person.name,
        "image_48": f"https://avatars.slack-edge.com/{person.id}.png",
    }
    if "users:read.email" in team.scopes and not person.is_bot:
        profile["email"] = person.email
    return {
        "id": person.id,
        "team_id": person.team,
        "name": person.name.lower().replace(" ", "."),
        "real_name": person.name,
        "deleted": person.deleted,
        "is_admin": person.is_admin or person.is_owner,
        "is_owner": person.is_owner,
        "is_primary_owner": person.is_owner,
        "is_restricted": person.restricted,
        "is_ultra_restricted": False,
        "is_bot": person.is_bot,
        "is_app_user": False,
        "tz": person.tz,
        "profile": profile,
    }


def shown_channel(team: Workspace, channel: Channel) -> Json:
    shown: Json = {
        "id": channel.id,
        "is_channel": channel.kind == "channel",
        "is_group": False,
        "is_im": channel.kind == "im",
        "is_mpim": False,
        "is_private": channel.kind != "channel",
        "is_archived": channel.archived,
        "context_team_id": team.id,
    }
    if channel.kind == "im":
        return shown | {"user": next(iter(channel.members - {team.bot.id}))}
    return shown | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_general": channel.name == "general",
        "is_member": team.bot.id in channel.members,
        "num_members": len(channel.members),
    }


def shown_view(team: Workspace, view: View) -> Json:
    """A view as views.* answers it and as interactions carry it."""
    body = view.body
    return {
        "id": view.id,
        "team_id": team.id,
        "type": body["type"],
        "blocks": view.blocks,
        "private_metadata": body.get("private_metadata", ""),
        "callback_id": body.get("callback_id", ""),
        "external_id": body.get("external_id", ""),
        "state": {"values": view.state},
        "hash": view.hash,
        "title": body.get("title"),
        "submit": body.get("submit"),
        "close": body.get("close"),
        "clear_on_close": body.get("clear_on_close", False),
        "notify_on_close": body.get("notify_on_close", False),
        "root_view_id": view.root,
        "previous_view_id": view.previous,
        "app_id": team.app_id,
        "app_installed_team_id": team.id,
        "bot_id": team.bot_id,
    }


def channel_in_interaction(channel: Channel) -> Json:
    """Interactions and commands name channels, but not private ones."""
    return {"id": channel.id, "name": {"channel": channel.name, "group": "privategroup", "im": "directmessage"}[channel.kind]}


def acting(slack: LocalSlack, team: Workspace, user: Person) -> Json:
    """What every interaction has in common."""
    return {
        "user": {"id": user.id, "username": user.name.lower().replace(" ", "."), "name": user.name.lower(), "team_id": team.id},
        "api_app_id": team.app_id,
        "token": slack.verification_token,
        "team": {"id": team.id, "domain": team.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def event_callback(slack: LocalSlack, team: Workspace, event: Json) -> Json:
    """An event in its envelope."""
    return {
        "token": slack.verification_token,
        "team_id": team.id,
        "context_team_id": team.id,
        "context_enterprise_id": None,
        "api_app_id": team.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": new_id("Ev", 12),
        "event_time": int(slack.clock.now()),
        "authorizations": [
            {"enterprise_id": None, "team_id": team.id, "user_id": team.bot.id, "is_bot": True, "is_enterprise_install": False}
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{new_id('E', 20)}",
    }
