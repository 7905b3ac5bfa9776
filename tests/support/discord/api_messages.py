"""Messages of channels, threads and direct conversations."""

from __future__ import annotations

from tests.support.discord import content, payloads, permissions
from tests.support.discord.api import Part
from tests.support.discord.errors import Refused, invalid
from tests.support.discord.rest import Call, Routes
from tests.support.discord.state import CATEGORY, DM, FORUM, MEDIA, REPLY, SYSTEM, Channel, Json, Message


class Messages(Part):
    def routes(self) -> Routes:
        one = "/channels/{channel}/messages/{message}"
        return [
            ("GET", "/channels/{channel}/messages", self.history),
            ("POST", "/channels/{channel}/messages", self.create),
            ("GET", one, self.get),
            ("PATCH", one, self.edit),
            ("DELETE", one, self.delete),
            ("POST", "/channels/{channel}/typing", self.typing),
            ("PUT", one + "/reactions/{emoji}/@me", self.react),
        ]

    # -- reading -----------------------------------------------------------------------------------------------------------------

    def get(self, call: Call) -> Json:
        place = self.channel(call, "read_message_history")
        return payloads.blinded(self.server, self.message(call, place))

    def history(self, call: Call) -> list[Json]:
        place, limit = self.channel(call), int(call.query.get("limit", 50))
        if not 1 <= limit <= 100:
            raise invalid([f"/limit: int value should be between 1 and 100, not {limit}."])
        if not permissions.may(self.server, place, self.server.bot.id, "read_message_history"):
            return []
        found = [one for one in self.server.all_messages if one.channel == place.id and not one.deleted and not one.ephemeral]
        found.sort(key=lambda one: int(one.id))
        if "before" in call.query:
            found = [one for one in found if int(one.id) < int(call.query["before"])][-limit:]
        elif "after" in call.query:
            found = [one for one in found if int(one.id) > int(call.query["after"])][:limit]
        elif "around" in call.query:
            middle = int(call.query["around"])
            older = [one for one in found if int(one.id) < middle][-(limit // 2) :]
            found = older + [one for one in found if int(one.id) >= middle][: limit - len(older)]
        else:
            found = found[-limit:]
        return [payloads.blinded(self.server, one) for one in reversed(found)]

    # -- writing -----------------------------------------------------------------------------------------------------------------

    def create(self, call: Call) -> Json:
        place = self.channel(call)
        self.may_write(place, files=bool(call.files))
        body = call.json
        nonce = body.get("nonce")
        if nonce is not None and body.get("enforce_nonce") and (same := self._posted(place, nonce)) is not None:
            return payloads.message(self.server, same, for_gateway=True)
        message = Message(
            id=self.server.clock.snowflake(), channel=place.id, author=self.server.bot.id, at=self.server.clock.now(), nonce=nonce
        )
        if (reference := body.get("message_reference")) is not None:
            original = self.server.message(place.id, str(reference.get("message_id")))
            if original is None and reference.get("fail_if_not_exists", True):
                raise invalid(["/message_reference: Unknown message"])
            if original is not None and original.kind in SYSTEM:
                raise invalid(["/message_reference: Cannot reply to a system message"])
            if original is not None:
                message.reference, message.kind = original.id, REPLY
        content.apply(self.server, message, body, call.files)
        message.mentions, message.everyone = content.notified(self.server, message, body.get("allowed_mentions"))
        self.wake(place)
        self.server.add_message(message)
        return payloads.message(self.server, message, for_gateway=True)

    def may_write(self, place: Channel, *, files: bool = False) -> None:
        """Raises what Discord answers where the app may not write."""
        if place.kind in (CATEGORY, FORUM, MEDIA):
            raise Refused(50008)
        if place.kind == DM:
            [user] = place.people - {self.server.bot.id}
            if not self.server.may_write_to(user):
                raise Refused(50007)
            return
        bot = self.server.bot.id
        needs = ["send_messages_in_threads" if place.is_thread else "send_messages", *(["attach_files"] if files else [])]
        if not permissions.may(self.server, place, bot, *needs):
            raise Refused(50013)
        if place.locked and not permissions.may(self.server, place, bot, "manage_threads"):
            raise Refused(50083 if place.archived else 160005)

    def wake(self, place: Channel) -> None:
        """Writing into an archived thread opens it again."""
        if place.is_thread and place.archived:
            place.archived, place.archived_at = False, self.server.clock.iso()
            self.server.events.channel("THREAD_UPDATE", place)

    def _posted(self, place: Channel, nonce: object) -> Message | None:
        """What was posted with this nonce a short while ago."""
        oldest = self.server.clock.now() - self.server.timings.nonce
        for one in reversed(self.server.all_messages):
            if one.at < oldest:
                return None
            if one.channel == place.id and one.author == self.server.bot.id and str(one.nonce) == str(nonce):
                return one
        return None

    def edit(self, call: Call) -> Json:
        place = self.channel(call)
        message = self.message(call, place)
        if message.author != self.server.bot.id:
            raise Refused(50005)
        if message.kind in SYSTEM:
            raise Refused(50021)
        if place.archived:
            raise Refused(50083)
        if call.files and not permissions.may(self.server, place, self.server.bot.id, "attach_files"):
            raise Refused(50013)
        self.change(message, call)
        return payloads.message(self.server, message)

    def change(self, message: Message, call: Call, body: Json | None = None) -> None:
        """Make it what the call says, and tell of it."""
        before = (message.content, message.components)
        content.apply(self.server, message, call.json if body is None else body, call.files, new=False)
        message.edits.append(before)
        message.edited_at = self.server.clock.now()
        self.server.events.message_changed(message)
        self.server.poke()

    def delete(self, call: Call) -> None:
        place = self.channel(call)
        message = self.message(call, place)
        if message.author != self.server.bot.id and not permissions.may(
            self.server, place, self.server.bot.id, "manage_messages"
        ):
            raise Refused(50013)
        if place.archived:
            raise Refused(50083)
        self.server.delete_message(message)

    def typing(self, call: Call) -> None:
        self.channel(call, "send_messages")

    def react(self, call: Call) -> None:
        place = self.channel(call, "read_message_history", "add_reactions")
        self.message(call, place).reactions.setdefault(call.ids["emoji"], set()).add(self.server.bot.id)
