"""conversations.*: channels, direct conversations, their members and their history."""

from __future__ import annotations

from tests.support.slack.api import Refused, Request, method
from tests.support.slack.payloads import shown_channel, shown_message
from tests.support.slack.state import Channel, Json, Message

_KINDS = {"public_channel": "channel", "private_channel": "group", "im": "im"}


@method("conversations.open")
def open_conversation(request: Request) -> Json:
    team, users = request.team, [one for one in request.text("users").split(",") if one]
    if request.text("channel"):
        channel = request.channel(write=False)
    else:
        if not users:
            raise Refused("users_list_not_supplied")
        person = team.people.get(users[0])
        if person is None or len(users) > 1:
            raise Refused("user_not_found" if person is None else "method_not_supported_for_channel_type")
        if person.deleted:
            raise Refused("user_disabled")
        if person.is_bot:
            raise Refused("cannot_dm_bot")
        channel = team.dm(person.id)
    shown = shown_channel(team, channel) if request.flag("return_im") else {"id": channel.id}
    return {"channel": shown, "no_op": True, "already_open": True}


@method("conversations.join")
def join_conversation(request: Request) -> Json:
    channel = request.channel(write=False)
    if channel.kind != "channel":
        raise Refused("method_not_supported_for_channel_type")
    if channel.archived:
        raise Refused("is_archived")
    channel.members.add(request.team.bot.id)
    return {"channel": shown_channel(request.team, channel)}


@method("conversations.info")
def conversation_info(request: Request) -> Json:
    return {"channel": shown_channel(request.team, request.channel(write=False))}


@method("conversations.list")
def conversation_list(request: Request) -> Json:
    team = request.team
    kinds = {_KINDS.get(one.strip(), "") for one in (request.text("types") or "public_channel").split(",")}
    if "" in kinds:
        raise Refused("invalid_types")
    rows = [
        one
        for one in team.channels.values()
        if one.kind in kinds
        and (one.kind == "channel" or team.bot.id in one.members)
        and not (one.archived and request.flag("exclude_archived"))
    ]
    rows, more = request.page(rows)
    return {"channels": [shown_channel(team, one) for one in rows], "response_metadata": more}


@method("conversations.members")
def conversation_members(request: Request) -> Json:
    members, more = request.page(sorted(request.channel(write=False).members))
    return {"members": members, "response_metadata": more}


def _readable(request: Request) -> Channel:
    channel = request.channel(write=False)
    if request.team.bot.id not in channel.members:
        raise Refused("not_in_channel")
    return channel


def _between(request: Request, messages: list[Message]) -> list[Message]:
    oldest, latest = request.text("oldest") or "0", request.text("latest") or "9999999999.999999"
    inclusive = request.flag("inclusive")
    return [one for one in messages if oldest < one.ts < latest or (inclusive and one.ts in (oldest, latest))]


def _page(request: Request, messages: list[Message]) -> Json:
    page, more = request.page(messages, default=100)
    metadata = bool(request.flag("include_all_metadata"))
    return {
        "messages": [shown_message(request.team, one, metadata=metadata) for one in page],
        "has_more": bool(more["next_cursor"]),
        "response_metadata": more,
    }


@method("conversations.history")
def history(request: Request) -> Json:
    channel = _readable(request)
    shown = [one for one in request.team.shown(channel.id) if one.ephemeral_to is None and (not one.is_reply or one.broadcast)]
    return _page(request, _between(request, shown)[::-1])


@method("conversations.replies")
def replies(request: Request) -> Json:
    channel, parent = _readable(request), request.required("ts")
    thread = [one for one in request.team.shown(channel.id) if one.ephemeral_to is None and parent in (one.ts, one.thread_ts)]
    if not thread:
        raise Refused("thread_not_found")
    return _page(
        request, [one for one in thread if one.ts == parent] + _between(request, [one for one in thread if one.ts != parent])
    )
