"""Answering interactions: the first answer within its deadline and once, and all others by the interaction's token while it lives."""

from __future__ import annotations

from typing import Any

from tests.support.discord import content, payloads
from tests.support.discord.api import Part
from tests.support.discord.api_messages import Messages
from tests.support.discord.errors import Refused, invalid
from tests.support.discord.rest import Call, Routes
from tests.support.discord.state import COMMAND, CONTEXT_COMMAND, EPHEMERAL, LOADING, REPLY, Interaction, Json, Message, Modal

MESSAGE, DEFERRED, UPDATE_LATER, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
#: what may answer what: a command, a component, autocomplete, a form
ANSWERS = {
    2: (MESSAGE, DEFERRED, MODAL),
    3: (MESSAGE, DEFERRED, UPDATE_LATER, UPDATE, MODAL),
    4: (CHOICES,),
    5: (MESSAGE, DEFERRED, UPDATE_LATER, UPDATE),
}


class Interactions(Part):
    def routes(self) -> Routes:
        hook = "/webhooks/{application}/{token}"
        return [
            ("POST", "/interactions/{interaction}/{token}/callback", self.callback),
            ("POST", hook, self.follow_up),
            ("GET", hook + "/messages/{message}", self.get),
            ("PATCH", hook + "/messages/{message}", self.edit),
            ("DELETE", hook + "/messages/{message}", self.delete),
        ]

    # -- the first answer ------------------------------------------------------------------------------------------------------------

    def callback(self, call: Call) -> Json | None:
        interaction = self.server.interactions.get(call.ids["token"])
        if interaction is None or interaction.id != call.ids["interaction"]:
            raise Refused(10062)
        kind = int(call.json["type"])
        try:
            if interaction.acknowledged:
                raise Refused(40060)
            if interaction.expired or self.server.clock.now() > interaction.at + self.server.timings.ack:
                raise Refused(10062)
            if kind not in ANSWERS[interaction.kind] or (kind in (UPDATE_LATER, UPDATE) and interaction.message is None):
                raise invalid([f"/type: Value must be one of {ANSWERS[interaction.kind]}, not {kind}."])
            self._answered(interaction, kind, call)
        except Refused as refusal:
            interaction.refusals.append(refusal.code)
            raise
        interaction.answered, interaction.answered_at = kind, self.server.clock.now()
        interaction.settled.set()
        self.server.poke()
        return _callback_response(self.server, interaction) if call.query.get("with_response") in ("1", "true", "True") else None

    def _answered(self, interaction: Interaction, kind: int, call: Call) -> None:
        data: Json = call.json.get("data") or {}
        if kind == CHOICES:
            interaction.choices = list(data.get("choices") or [])
        elif kind == MODAL:
            interaction.modal = Modal(
                custom_id=data["custom_id"],
                title=data["title"],
                components=content.numbered(data["components"]),
                interaction=interaction,
            )
            self.server.modals.append(interaction.modal)
        elif kind == UPDATE_LATER:
            interaction.original = interaction.message
        elif kind == UPDATE:
            assert interaction.message is not None
            Messages(self.server).change(interaction.message, call, data)
            interaction.original = interaction.message
        else:
            message = self._new(interaction, ephemeral=bool(int(data.get("flags") or 0) & EPHEMERAL))
            if kind == DEFERRED:
                message.flags |= LOADING
            else:
                content.apply(self.server, message, data, call.files)
                message.mentions, message.everyone = content.notified(self.server, message, data.get("allowed_mentions"))
            interaction.original = message
            self.server.add_message(message)

    def _new(self, interaction: Interaction, *, ephemeral: bool) -> Message:
        kind = CONTEXT_COMMAND if interaction.payload["data"].get("target_id") else COMMAND
        message = Message(
            id=self.server.clock.snowflake(),
            channel=interaction.channel,
            author=self.server.bot.id,
            at=self.server.clock.now(),
            kind=kind if interaction.kind == 2 else REPLY if interaction.message else 0,
            interaction=interaction,
            only_for=interaction.user if ephemeral else None,
        )
        if interaction.message is not None and interaction.kind == 3:
            message.reference = interaction.message.id
        if ephemeral:
            message.flags |= EPHEMERAL
        return message

    # -- by the token ----------------------------------------------------------------------------------------------------------------

    def _interaction(self, call: Call) -> Interaction:
        interaction = self.server.interactions.get(call.ids["token"])
        if interaction is None or call.ids["application"] != self.server.application_id:
            raise Refused(10015)
        if self.server.clock.now() > interaction.at + self.server.timings.token:
            raise Refused(50027)
        if not interaction.acknowledged:
            raise Refused(10015)
        return interaction

    def follow_up(self, call: Call) -> Any:
        interaction = self._interaction(call)
        body, original = call.json, interaction.original
        if original is not None and original.loading and not original.deleted:
            # The first follow-up takes the place of "is thinking", with its privacy.
            original.flags &= ~LOADING
            try:
                content.apply(self.server, original, {**body, "flags": int(body.get("flags") or 0) & ~EPHEMERAL}, call.files)
            except Refused:
                original.flags |= LOADING
                raise
            original.mentions, original.everyone = content.notified(self.server, original, body.get("allowed_mentions"))
            self.server.events.message_changed(original)
            self.server.poke()
            return payloads.message(self.server, original)
        if interaction.private_install and interaction.extra >= self.server.timings.followups:
            raise Refused(40094)
        message = self._new(interaction, ephemeral=bool(int(body.get("flags") or 0) & EPHEMERAL))
        if original is not None and message.reference is None:
            message.reference, message.kind = original.id, REPLY
        content.apply(self.server, message, body, call.files)
        message.mentions, message.everyone = content.notified(self.server, message, body.get("allowed_mentions"))
        interaction.followups.append(message)
        interaction.extra += 1
        self.server.add_message(message)
        return payloads.message(self.server, message)

    def _message(self, call: Call, interaction: Interaction) -> Message:
        wanted = call.ids["message"]
        if wanted == "@original":
            found = interaction.original
        else:
            mine = [*([interaction.original] if interaction.original else []), *interaction.followups]
            found = next((one for one in mine if one.id == wanted), None)
        if found is None or found.deleted:
            raise Refused(10008)
        return found

    def get(self, call: Call) -> Json:
        return payloads.message(self.server, self._message(call, self._interaction(call)))

    def edit(self, call: Call) -> Json:
        interaction = self._interaction(call)
        message = self._message(call, interaction)
        loading = message.flags & LOADING
        message.flags &= ~LOADING
        try:
            Messages(self.server).change(message, call)
        except Refused:
            message.flags |= loading
            raise
        return payloads.message(self.server, message)

    def delete(self, call: Call) -> None:
        self.server.delete_message(self._message(call, self._interaction(call)))


def _callback_response(server: Any, interaction: Interaction) -> Json:
    told: Json = {"id": interaction.id, "type": interaction.kind}
    resource: Json = {"type": interaction.answered}
    original = interaction.original
    if original is not None:
        told |= {
            "response_message_id": original.id,
            "response_message_loading": original.loading,
            "response_message_ephemeral": original.ephemeral,
        }
        if interaction.answered in (MESSAGE, DEFERRED, UPDATE):
            resource["message"] = payloads.message(server, original)
    return {"interaction": told, "resource": resource}
