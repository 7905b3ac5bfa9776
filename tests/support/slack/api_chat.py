"""chat.*: posting, editing and deleting messages; streams are in `streams`."""

from __future__ import annotations

from tests.support.slack.api import Refused, Request, method
from tests.support.slack.content import MAX_EDIT, MAX_TEXT, check_metadata, message_content
from tests.support.slack.payloads import shown_message
from tests.support.slack.state import Channel, Json, Message, Version


def thread_of(request: Request, channel: Channel, name: str = "thread_ts") -> str | None:
    """The thread that a new message goes to; its parent must be there, and be no reply itself."""
    wanted = request.text(name)
    if not wanted:
        return None
    parent = request.team.message(channel.id, wanted)
    if parent is None:
        raise Refused("thread_not_found")
    if parent.is_reply:
        raise Refused("cannot_reply_to_message")
    parent.thread_ts = parent.ts
    return wanted


def remember(message: Message, at: float) -> None:
    """Keep what a message shows before it is changed."""
    message.edits.append(Version(at=at, text=message.text, blocks=message.blocks))


@method("chat.postMessage")
def post_message(request: Request) -> Json:
    team, channel = request.team, request.channel()
    content = message_content(request, limit=MAX_TEXT)
    metadata = check_metadata(request.args.get("metadata"))
    if any(request.text(name) for name in ("username", "icon_url", "icon_emoji")) and "chat:write.customize" not in team.scopes:
        raise Refused("missing_scope", needed="chat:write.customize", provided=",".join(sorted(team.scopes)))
    message = Message(
        ts=request.slack.clock.ts(),
        team=team.id,
        channel=channel.id,
        user=team.bot.id,
        bot_id=team.bot_id,
        thread_ts=thread_of(request, channel),
        broadcast=bool(request.flag("reply_broadcast")),
        metadata=metadata,
        username=request.text("username") or None,
        unfurl_links=request.flag("unfurl_links"),
        unfurl_media=request.flag("unfurl_media"),
        **content,
    )
    request.slack.add_message(message)
    return {"channel": channel.id, "ts": message.ts, "message": shown_message(team, message)}


@method("chat.postEphemeral")
def post_ephemeral(request: Request) -> Json:
    team, channel, user = request.team, request.channel(), request.required("user")
    if user not in channel.members:
        raise Refused("user_not_in_channel")
    content = message_content(request, limit=MAX_EDIT)
    message = Message(
        ts=request.slack.clock.ts(),
        team=team.id,
        channel=channel.id,
        user=team.bot.id,
        bot_id=team.bot_id,
        thread_ts=request.text("thread_ts") or None,
        ephemeral_to=user,
        **content,
    )
    request.slack.add_message(message)
    return {"message_ts": message.ts}


@method("chat.update")
def update(request: Request) -> Json:
    team, channel = request.team, request.channel()
    message = request.message(channel)
    if message.bot_id != team.bot_id:
        raise Refused("cant_update_message")
    if message.stream is not None and message.stream.is_open:
        raise Refused("streaming_state_conflict")
    content = message_content(request, limit=MAX_EDIT)
    metadata = check_metadata(request.args.get("metadata"))
    now = request.slack.clock.now()
    remember(message, now)
    # What is not in the call stays: a text without blocks leaves the old blocks to be seen.
    message.text = content.get("text", message.text)
    message.blocks = content.get("blocks", message.blocks)
    message.attachments = content.get("attachments", message.attachments)
    message.metadata = metadata or message.metadata
    if "blocks" not in content:
        message.edited_at = request.slack.clock.ts()
    request.slack.changed_message(message)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": shown_message(team, message)}


@method("chat.delete")
def delete(request: Request) -> Json:
    channel = request.channel()
    message = request.message(channel)
    if message.bot_id != request.team.bot_id or (message.stream is not None and message.stream.is_open):
        raise Refused("cant_delete_message")
    request.slack.delete_message(message)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.getPermalink")
def get_permalink(request: Request) -> Json:
    channel = request.channel(write=False)
    message = request.message(channel, "message_ts")
    link = f"https://{request.team.domain}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


@method("reactions.add")
def add_reaction(request: Request) -> Json:
    message = request.message(request.channel(), "timestamp")
    who = message.reactions.setdefault(request.required("name"), set())
    if request.team.bot.id in who:
        raise Refused("already_reacted")
    who.add(request.team.bot.id)
    return {}


@method("reactions.remove")
def remove_reaction(request: Request) -> Json:
    message = request.message(request.channel(), "timestamp")
    who = message.reactions.get(request.required("name"), set())
    if request.team.bot.id not in who:
        raise Refused("no_reaction")
    who.discard(request.team.bot.id)
    return {}


@method("assistant.threads.setStatus")
def set_status(request: Request) -> Json:
    channel = request.channel("channel_id")
    if request.team.message(channel.id, request.required("thread_ts")) is None:
        raise Refused("thread_not_found")
    loading = request.args.get("loading_messages") or []
    if not isinstance(loading, list) or len(loading) > 10:
        raise Refused("invalid_arguments", "no more than 10 items allowed [json-pointer:/loading_messages]")
    request.team.statuses[(channel.id, request.text("thread_ts"))] = request.text("status")
    return {}
