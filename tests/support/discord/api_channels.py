"""Channels and threads: reading them, opening threads and posts, waking, closing and deleting them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tests.support.discord import content, payloads, permissions
from tests.support.discord.api import Part
from tests.support.discord.errors import Refused
from tests.support.discord.rest import Call, Created, Routes
from tests.support.discord.state import (
    ANNOUNCEMENT,
    ANNOUNCEMENT_THREAD,
    FORUM,
    HAS_THREAD,
    MEDIA,
    PRIVATE_THREAD,
    PUBLIC_THREAD,
    TEXT,
    THREAD_CREATED,
    THREAD_STARTER,
    Channel,
    Json,
    Message,
)

if TYPE_CHECKING:
    from tests.support.discord.server import LocalDiscord


class Channels(Part):
    def routes(self) -> Routes:
        return [
            ("GET", "/channels/{channel}", lambda call: payloads.channel(self.server, self.channel(call))),
            ("PATCH", "/channels/{channel}", self.edit),
            ("DELETE", "/channels/{channel}", self.delete),
            ("POST", "/channels/{channel}/messages/{message}/threads", self.on_message),
            ("POST", "/channels/{channel}/threads", self.open),
            ("GET", "/channels/{channel}/threads/archived/public", self.archived),
            ("PUT", "/channels/{channel}/thread-members/@me", self.join),
            ("DELETE", "/channels/{channel}/thread-members/@me", self.leave),
            ("PUT", "/channels/{channel}/thread-members/{user}", self.add),
        ]

    # -- threads -------------------------------------------------------------------------------------------------------------------

    def on_message(self, call: Call) -> Json:
        place = self.channel(call, "create_public_threads", "read_message_history")
        if place.kind not in (TEXT, ANNOUNCEMENT):
            raise Refused(50024)
        message = self.message(call, place)
        if message.id in self.server.channels or message.thread is not None:
            raise Refused(160004)
        thread = open_thread(self.server, place, call.json, owner=self.server.bot.id, message=message)
        return Created(payloads.channel(self.server, thread))

    def open(self, call: Call) -> Json:
        place = self.channel(call)
        bot = self.server.bot.id
        if place.kind in (FORUM, MEDIA):
            return self._post(call, place)
        if place.kind not in (TEXT, ANNOUNCEMENT):
            raise Refused(50024)
        kind = int(call.json.get("type") or PRIVATE_THREAD)
        need = "create_private_threads" if kind == PRIVATE_THREAD else "create_public_threads"
        if not permissions.may(self.server, place, bot, need):
            raise Refused(50013)
        thread = open_thread(self.server, place, call.json, owner=bot, kind=kind)
        return Created(payloads.channel(self.server, thread))

    def _post(self, call: Call, place: Channel) -> Json:
        bot = self.server.bot.id
        if not permissions.may(self.server, place, bot, "send_messages", *(["attach_files"] if call.files else [])):
            raise Refused(50013)
        applied = call.json.get("applied_tags") or []
        if place.needs_tag and not applied:
            raise Refused(40067)
        if not {str(tag) for tag in applied} <= {str(at) for at, name in enumerate(place.offered) if not name.startswith("!")}:
            raise Refused(50013)
        body = call.json["message"]
        thread, message = open_post(self.server, place, call.json, body, call.files, owner=bot)
        return Created(payloads.channel(self.server, thread) | {"message": payloads.message(self.server, message)})

    def archived(self, call: Call) -> Json:
        place, bot = self.channel(call, "read_message_history"), self.server.bot.id
        found = [one for one in self.server.threads(place.id) if one.archived and one.kind != PRIVATE_THREAD]
        found.sort(key=lambda one: one.archived_at, reverse=True)
        if "before" in call.query:
            found = [one for one in found if one.archived_at < call.query["before"]]
        limit = int(call.query.get("limit", 50))
        return {
            "threads": [payloads.channel(self.server, one) for one in found[:limit]],
            "members": [payloads.thread_member(self.server, one, bot) for one in found[:limit] if bot in one.people],
            "has_more": len(found) > limit,
        }

    def _open_thread(self, call: Call) -> Channel:
        thread = self.channel(call)
        if not thread.is_thread:
            raise Refused(50024)
        if thread.archived:
            raise Refused(50083)
        return thread

    def join(self, call: Call) -> None:
        self._open_thread(call).people.add(self.server.bot.id)

    def leave(self, call: Call) -> None:
        self._open_thread(call).people.discard(self.server.bot.id)

    def add(self, call: Call) -> None:
        thread = self._open_thread(call)
        if not permissions.may(self.server, thread, call.ids["user"], "view_channel"):
            raise Refused(50001)
        thread.people.add(call.ids["user"])

    # -- a channel or thread itself ---------------------------------------------------------------------------------------------------

    def edit(self, call: Call) -> Json:
        place, body, bot = self.channel(call), call.json, self.server.bot.id
        if not place.is_thread:
            if not permissions.may(self.server, place, bot, "manage_channels"):
                raise Refused(50013)
            place.name, place.topic = body.get("name", place.name), body.get("topic", place.topic)
            self.server.events.channel("CHANNEL_UPDATE", place)
            return payloads.channel(self.server, place)
        manages = permissions.may(self.server, place, bot, "manage_threads")
        if place.archived and body.get("archived") is not False:
            raise Refused(50083)
        only_waking = set(body) <= {"archived"} and body.get("archived") is False
        allowed = (
            manages
            or place.owner == bot
            or (only_waking and permissions.may(self.server, place, bot, "send_messages_in_threads"))
        )
        if not allowed or ("locked" in body and not manages) or (place.locked and not manages):
            raise Refused(50013)
        place.name = body.get("name", place.name)
        place.locked = body.get("locked", place.locked)
        place.auto_archive = body.get("auto_archive_duration", place.auto_archive)
        place.tags = body.get("applied_tags", place.tags)
        if body.get("archived", place.archived) != place.archived:
            place.archived, place.archived_at = body["archived"], self.server.clock.iso()
        self.server.events.channel("THREAD_UPDATE", place)
        self.server.poke()
        return payloads.channel(self.server, place)

    def delete(self, call: Call) -> Json:
        place = self.channel(call)
        if not place.is_direct and not permissions.may(
            self.server, place, self.server.bot.id, "manage_threads" if place.is_thread else "manage_channels"
        ):
            raise Refused(50013)
        answer = payloads.channel(self.server, place)
        if not place.is_direct:
            self.server.delete_channel(place)
        return answer


def open_thread(
    server: LocalDiscord,
    place: Channel,
    body: Mapping[str, object],
    *,
    owner: str,
    message: Message | None = None,
    kind: int = PUBLIC_THREAD,
) -> Channel:
    """A thread of a text channel, on a message or by itself, with the messages that Discord writes about it."""
    now = server.clock.iso()
    thread = Channel(
        id=message.id if message is not None else server.clock.snowflake(),
        kind=ANNOUNCEMENT_THREAD if place.kind == ANNOUNCEMENT else kind,
        name=str(body["name"]),
        guild=place.guild,
        parent=place.id,
        owner=owner,
        created=now,
        people={owner},
        auto_archive=int(str(body.get("auto_archive_duration") or 1440)),
    )
    server.channels[thread.id] = thread
    server.events.thread_created(thread)
    told = Message(id=server.clock.snowflake(), channel=thread.id, author=owner, at=server.clock.now())
    if message is not None:
        message.thread, message.flags = thread.id, message.flags | HAS_THREAD
        server.events.message_changed(message)
        told.kind, told.reference, told.reference_channel = THREAD_STARTER, message.id, place.id
        server.add_message(told)
    elif kind != PRIVATE_THREAD:
        told.channel, told.kind, told.content = place.id, THREAD_CREATED, thread.name
        told.reference, told.reference_channel = thread.id, thread.id
        server.add_message(told)
    server.poke()
    return thread


def open_post(
    server: LocalDiscord,
    place: Channel,
    body: Mapping[str, object],
    message: Json,
    files: Mapping[str, tuple[str, bytes]],
    *,
    owner: str,
) -> tuple[Channel, Message]:
    """A post of a forum: a thread with its first message, which has the thread's id."""
    thread = Channel(
        id=server.clock.snowflake(),
        kind=PUBLIC_THREAD,
        name=str(body["name"]),
        guild=place.guild,
        parent=place.id,
        owner=owner,
        created=server.clock.iso(),
        people={owner},
        tags=list(body.get("applied_tags") or []),  # type: ignore[call-overload]
        auto_archive=int(str(body.get("auto_archive_duration") or 1440)),
    )
    first = Message(id=thread.id, channel=thread.id, author=owner, at=server.clock.now())
    server.channels[thread.id] = thread
    try:
        content.apply(server, first, message, files)
    except Refused:
        del server.channels[thread.id]
        raise
    first.mentions, first.everyone = content.notified(server, first, message.get("allowed_mentions"))
    server.events.thread_created(thread)
    server.add_message(first)
    return thread, first
