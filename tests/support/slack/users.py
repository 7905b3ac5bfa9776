"""`SlackUser`: a person in a workspace, and what they can do. Each act returns a `Receipt`.

A person can do only what Slack lets them do: a button that is not shown cannot be pressed, a message of another cannot be deleted, a
command in a thread is refused by Slack itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tests.support.slack import acting, forms, hooks
from tests.support.slack.api import Refused
from tests.support.slack.consent import Consent
from tests.support.slack.deliveries import Delivery
from tests.support.slack.forms import Entry
from tests.support.slack.payloads import acting as acting_fields
from tests.support.slack.payloads import channel_in_interaction, shown_message, shown_view
from tests.support.slack.receipts import Receipt
from tests.support.slack.state import Json, Message, Person, StoredFile, View, new_id
from tests.support.slack.submitting import apply

if TYPE_CHECKING:
    from tests.support.slack.server import LocalSlack
    from tests.support.slack.workspaces import Team

_MENTION = re.compile(r"&lt;([@#!][A-Z0-9a-z^|_.\-]+|https?://[^\s|&]+)&gt;")
_TROUBLE = {"timeout": "operation_timeout"}


def escaped(text: str) -> str:
    """Text as Slack sends it: ``&``, ``<`` and ``>`` escaped, mentions and links in angle brackets kept."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MENTION.sub(r"<\1>", plain)


class SlackUser(Consent):
    """Somebody."""

    def __init__(self, slack: LocalSlack, team: Team, person: Person) -> None:
        self.slack, self.team, self.person = slack, team, person

    @property
    def id(self) -> str:
        return self.person.id

    @property
    def name(self) -> str:
        return self.person.name

    def __repr__(self) -> str:
        return f"<{self.name} of {self.team.name}>"

    @property
    def dm(self) -> str:
        """The id of their direct conversation with the bot."""
        return self.team.dm(self.id).id

    # -- words ---------------------------------------------------------------------------------------------------------------

    async def say(
        self, channel: str, text: str, thread_ts: str | None = None, *, files: Mapping[str, bytes] | None = None
    ) -> Receipt:
        """Write in a channel, or in a thread of it; with files, as they are dropped into the message."""
        channel_id = self.team.channel_id(channel)
        place = self.team.channels[channel_id]
        if place.archived or self.id not in place.members:
            return Receipt(slack=self.slack, sent=False, error="You cannot write here.")
        if thread_ts is not None:
            parent = self.team.message(channel_id, thread_ts)
            assert parent is not None, f"there is no thread {thread_ts} in {place.name}"
            parent.thread_ts = parent.ts
        message = Message(
            ts=self.slack.clock.ts(),
            team=self.team.id,
            channel=channel_id,
            user=self.id,
            text=escaped(text),
            thread_ts=thread_ts,
            files=[self._file(name, content).id for name, content in (files or {}).items()],
        )
        self.slack.add_message(message)
        events = [self.slack.events.said(message)]
        if f"<@{self.team.bot.id}>" in message.text and place.kind != "im":
            # A mention is heard twice, under two event ids: as a mention, and as a message of the channel.
            events.insert(0, {key: value for key, value in events[0].items() if key != "channel_type"} | {"type": "app_mention"})
        sent = [await self.slack.events.send(self.team, event, place) for event in events]
        return Receipt(slack=self.slack, message=message, deliveries=[one for one in sent if one is not None])

    async def mention(self, channel: str, text: str, thread_ts: str | None = None, **more: Mapping[str, bytes]) -> Receipt:
        """``@Nexus text``."""
        return await self.say(channel, f"<@{self.team.bot.id}> {text}", thread_ts, **more)

    async def direct(self, text: str, thread_ts: str | None = None, **more: Mapping[str, bytes]) -> Receipt:
        """Write to the bot alone."""
        return await self.say(self.dm, text, thread_ts, **more)

    async def delete(self, message: Message) -> None:
        """Take a message away: their own, or any of an administrator."""
        assert message.user == self.id or self.person.is_admin or self.person.is_owner, f"{self.name} may not delete it"
        message.deleted = True
        self.slack.events.deleted(message)
        self.slack.poke()

    def _file(self, name: str, content: bytes) -> StoredFile:
        file = StoredFile(
            id=new_id("F"),
            team=self.team.id,
            name=name,
            title=name,
            user=self.id,
            content=content,
            length=len(content),
            uploaded=True,
            complete=True,
        )
        self.team.files[file.id] = file
        return file

    # -- commands and shortcuts ------------------------------------------------------------------------------------------------

    async def command(self, command: str, text: str = "", channel: str = "#general", *, in_thread: bool = False) -> Receipt:
        """``/nexus text``. Slack refuses commands inside threads."""
        if in_thread:
            return Receipt(slack=self.slack, sent=False, error=f"{command} is not supported in threads. Sorry!")
        if "commands" not in self.team.scopes or not self.team.installed:
            return Receipt(slack=self.slack, sent=False, error=f"{command} is not a valid command.")
        place = self.team.channels[self.team.channel_id(channel)]
        url = self.slack.triggers.response_url(self.slack.hooks_url, "commands", self.team.id, self.id, place.id)
        named = channel_in_interaction(place)
        payload: Json = {
            "token": self.slack.verification_token,
            "team_id": self.team.id,
            "team_domain": self.team.domain,
            "channel_id": place.id,
            "channel_name": named["name"],
            "user_id": self.id,
            "user_name": self.name.lower().replace(" ", "."),
            "command": command,
            "text": escaped(text),
            "api_app_id": self.team.app_id,
            "is_enterprise_install": "false",
            "response_url": url,
            "trigger_id": self.slack.triggers.new(self.team.id, self.id),
        }
        receipt = await self._interact("slash_commands", payload)
        if receipt.error:
            receipt.error = f'{command} failed with the error "{receipt.error}"'
        if receipt.answer:
            body = receipt.answer if isinstance(receipt.answer, dict) else {"text": str(receipt.answer)}
            try:
                ticket = self.slack.triggers.response_urls[url.rpartition("/")[2]]
                receipt.message = hooks.show(self.slack, self.team, ticket, body)
            except Refused as why:
                receipt.error = f'{command} failed with the error "{why}"'
        return receipt

    async def shortcut(self, callback_id: str, message: Message | None = None) -> Receipt:
        """A shortcut from the menu of a message, or a global one."""
        payload: Json = {
            "type": "shortcut" if message is None else "message_action",
            **acting_fields(self.slack, self.team, self.person),
            "callback_id": callback_id,
            "trigger_id": self.slack.triggers.new(self.team.id, self.id),
            "action_ts": self.slack.clock.ts(),
        }
        if message is not None:
            channel = self.team.channels[message.channel]
            payload |= {
                "message_ts": message.ts,
                "channel": channel_in_interaction(channel),
                "message": shown_message(self.team, message),
                "response_url": self.slack.triggers.response_url(self.slack.hooks_url, "app", self.team.id, self.id, channel.id),
            }
        return await self._interact("interactive", payload)

    # -- messages and views ----------------------------------------------------------------------------------------------------

    async def press(self, shown: Message | View, label: str = "", *, action_id: str = "", confirm: bool = True) -> Receipt:
        """Press a button. Where it asks to be confirmed, they say yes, unless ``confirm=False``.

        A button that only opens a link sends an action too, which the app has to acknowledge.
        """
        self._sees(shown)
        block, element = acting.find(
            shown, label=label, action_id=action_id, kinds=("button", "icon_button", "workflow_button", "feedback_buttons")
        )
        if "confirm" in element and not confirm:
            return Receipt(slack=self.slack, sent=False)
        value: Json = {key: element[key] for key in ("text", "value", "style", "url") if key in element}
        return await self._act(shown, block, element, value)

    async def choose(self, shown: Message | View, action_id: str, option: str, *, confirm: bool = True) -> Receipt:
        """Choose in a select, an overflow menu, radio buttons or checkboxes, by what the option says."""
        self._sees(shown)
        block, element = acting.find(shown, action_id=action_id)
        if "confirm" in element and not confirm:
            return Receipt(slack=self.slack, sent=False)
        if element["type"] == "overflow":
            return await self._act(shown, block, element, {"selected_option": acting.option(element, option)})
        value = forms.entered(element, option)
        if isinstance(shown, View):
            shown.state.setdefault(block["block_id"], {})[element["action_id"]] = value
        return await self._act(shown, block, element, {key: held for key, held in value.items() if key != "type"})

    async def look_up(self, shown: Message | View, action_id: str, typed: str = "") -> Receipt:
        """Type into a menu that asks the app for its options; the receipt has them."""
        self._sees(shown)
        block, element = acting.find(shown, action_id=action_id, kinds=("external_select", "multi_external_select"))
        payload = acting.payload(self.slack, self.team, self.person, shown, block, element, {})
        asked = {"type": "block_suggestion", "action_id": action_id, "block_id": block["block_id"], "value": typed}
        left_out = {"actions", "trigger_id", "response_url", "state"}
        return await self._interact("interactive", {key: held for key, held in payload.items() if key not in left_out} | asked)

    async def submit(self, view: View, entries: Mapping[str, Entry] | None = None) -> Receipt:
        """Fill in a modal by its labels and send it; what the app answers is applied to the modal."""
        stack = self.team.modals.get(self.id, [])
        assert stack[-1:] == [view], f"{self.name} does not see this modal"
        errors = forms.fill(view, entries or {})
        if errors:
            return Receipt(slack=self.slack, view=view, sent=False, errors=errors, error="the form is not filled in")
        payload = {
            "type": "view_submission",
            **acting_fields(self.slack, self.team, self.person),
            "trigger_id": self.slack.triggers.new(self.team.id, self.id, view),
            "view": shown_view(self.team, view),
            "response_urls": [],
        }
        receipt = await self._interact("interactive", payload)
        receipt.view = view
        if receipt.error:
            receipt.error = "We had some trouble connecting. Try again?"
        else:
            apply(self.slack, self.team, self.id, view, receipt)
        self.slack.poke()
        return receipt

    async def close(self, view: View) -> Receipt:
        """Close a modal; the app is told where the modal asks for it."""
        stack = self.team.modals.get(self.id, [])
        assert stack[-1:] == [view], f"{self.name} does not see this modal"
        cleared = bool(view.body.get("clear_on_close"))
        self.team.modals[self.id] = [] if cleared else stack[:-1]
        if not view.body.get("notify_on_close"):
            return Receipt(slack=self.slack, view=view, sent=False)
        payload = {
            "type": "view_closed",
            **acting_fields(self.slack, self.team, self.person),
            "view": shown_view(self.team, view),
            "is_cleared": cleared,
        }
        return await self._interact("interactive", payload)

    async def open_home(self, tab: str = "home") -> Receipt:
        """Open the app's Home tab, or its ``messages`` tab."""
        event = self.slack.events.home_opened(self.team, self.person, tab)
        sent = await self.slack.events.send(self.team, event)
        return Receipt(slack=self.slack, deliveries=[sent] if sent else [])

    # -- channels ----------------------------------------------------------------------------------------------------------------

    async def join(self, channel: str) -> Receipt:
        return await self._membership(channel, "member_joined_channel", self.id)

    async def leave(self, channel: str) -> Receipt:
        return await self._membership(channel, "member_left_channel", self.id)

    async def invite_bot(self, channel: str) -> Receipt:
        return await self._membership(channel, "member_joined_channel", self.team.bot.id)

    async def remove_bot(self, channel: str) -> Receipt:
        return await self._membership(channel, "channel_left", self.team.bot.id)

    async def archive(self, channel: str) -> Receipt:
        """Archive a channel."""
        place = self.team.channels[self.team.channel_id(channel)]
        place.archived = True
        kind = "group_archive" if place.kind == "group" else "channel_archive"
        sent = await self.slack.events.send(self.team, {"type": kind, "channel": place.id, "user": self.id})
        return Receipt(slack=self.slack, deliveries=[sent] if sent else [])

    async def _membership(self, channel: str, kind: str, who: str) -> Receipt:
        place = self.team.channels[self.team.channel_id(channel)]
        if kind == "member_joined_channel":
            place.members.add(who)
        else:
            place.members.discard(who)
        event: Json = {"type": kind, "user": who, "channel": place.id, "channel_type": "G" if place.kind == "group" else "C"}
        if kind == "channel_left":
            event = {"type": "group_left" if place.kind == "group" else kind, "channel": place.id, "actor_id": self.id}
        sent = await self.slack.events.send(self.team, event | {"team": self.team.id})
        return Receipt(slack=self.slack, deliveries=[sent] if sent else [])

    # -- inside ------------------------------------------------------------------------------------------------------------------

    def _sees(self, shown: Message | View) -> None:
        if isinstance(shown, View):
            stack = self.team.modals.get(self.id, [])
            assert (stack and stack[-1] is shown) or self.team.homes.get(self.id) is shown, f"{self.name} does not see this view"
            return
        assert not shown.deleted, "the message is not there any more"
        assert shown.ephemeral_to in (None, self.id), f"{self.name} does not see this message"
        assert self.id in self.team.channels[shown.channel].members, f"{self.name} is not in this channel"

    async def _act(self, shown: Message | View, block: Json, element: Json, value: Json) -> Receipt:
        payload = acting.payload(self.slack, self.team, self.person, shown, block, element, value)
        receipt = await self._interact("interactive", payload)
        if receipt.error:
            receipt.error = "This app responded with an error, or not at all."
        return receipt

    async def _interact(self, kind: str, payload: Json) -> Receipt:
        delivery = Delivery(kind=kind, payload=payload)
        attempt = await self.slack.deliveries.once(delivery)
        error = "" if attempt.acknowledged else _TROUBLE.get(attempt.failure, "dispatch_failed")
        return Receipt(slack=self.slack, deliveries=[delivery], error=error)
