"""`DiscordUser`: a person, and what they can do. Each act returns a `Receipt`.

A person can do only what Discord lets them do: a button that is not shown cannot be pressed, a command that is not registered cannot be
typed, and what the client checks it checks here too.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.support.discord import content, forms, options, payloads, permissions
from tests.support.discord.api_application import Application
from tests.support.discord.api_channels import open_post, open_thread
from tests.support.discord.forms import Entry
from tests.support.discord.options import NotSent
from tests.support.discord.receipts import Receipt
from tests.support.discord.state import FORUM, MEDIA, REPLY, Channel, Guild, Interaction, Json, Message, Modal, Person

if TYPE_CHECKING:
    from tests.support.discord.server import LocalDiscord

COMMAND, COMPONENT, AUTOCOMPLETE, FORM = 2, 3, 4, 5
NO_ANSWER = "The application did not respond"
FAILED = "This interaction failed"


class DiscordUser:
    """Somebody."""

    def __init__(self, discord: LocalDiscord, person: Person) -> None:
        self.discord, self.person = discord, person

    @property
    def id(self) -> str:
        return self.person.id

    @property
    def name(self) -> str:
        return self.person.name

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    def dm(self) -> Channel:
        """Their direct conversation with the bot."""
        return Application(self.discord).direct(self.id)

    def install(self) -> None:
        """Install the app for themselves: its commands are everywhere where they are."""
        self.person.installed = True

    def close_direct_messages(self) -> None:
        """Take no direct messages from apps."""
        self.person.takes_messages = False

    def group(self, *others: DiscordUser) -> Channel:
        """A conversation of several people, in which the app is not."""
        clock = self.discord.clock
        place = Channel(
            id=clock.snowflake(), kind=3, people={self.id, *(one.id for one in others)}, owner=self.id, created=clock.iso()
        )
        self.discord.channels[place.id] = place
        return place

    # -- words -----------------------------------------------------------------------------------------------------------------

    async def say(
        self, place: str | Channel, text: str = "", *, files: Mapping[str, bytes] | None = None, reply_to: Message | None = None
    ) -> Receipt:
        """Write in a channel, a thread, a post or a direct conversation; as a reply, which notifies whom it replies to."""
        channel = self.discord.channel(place)
        needs = "send_messages_in_threads" if channel.is_thread else "send_messages"
        refused = Receipt(discord=self.discord, sent=False, error="You do not have permission to send messages here.")
        if channel.deleted or channel.kind in (FORUM, MEDIA) or not permissions.may(self.discord, channel, self.id, needs):
            return refused
        if channel.is_thread:
            if channel.locked and not permissions.may(self.discord, channel, self.id, "manage_threads"):
                return refused
            channel.people.add(self.id)
            if channel.archived:
                channel.archived = False
                self.discord.events.channel("THREAD_UPDATE", channel)
        message = self._message(channel, text, files)
        if reply_to is not None:
            assert reply_to.channel == channel.id, "a reply is where the message is"
            message.kind, message.reference = REPLY, reply_to.id
            message.mentions = list(dict.fromkeys([*message.mentions, reply_to.author]))
        self.discord.add_message(message)
        return Receipt(discord=self.discord, said=message)

    async def mention_bot(self, place: str | Channel, text: str, **more: Any) -> Receipt:
        """``@Nexus text``."""
        return await self.say(place, f"<@{self.discord.bot.id}> {text}", **more)

    async def direct(self, text: str = "", **more: Any) -> Receipt:
        """Write to the bot alone."""
        return await self.say(self.dm, text, **more)

    async def open_post(
        self, forum: str | Channel, title: str, text: str, *, files: Mapping[str, bytes] | None = None
    ) -> Receipt:
        """A post of their own in a forum."""
        place = self.discord.channel(forum)
        uploads = {str(number): file for number, file in enumerate((files or {}).items())}
        thread, message = open_post(self.discord, place, {"name": title}, {"content": text}, uploads, owner=self.id)
        return Receipt(discord=self.discord, said=message, thread=thread)

    async def open_thread(self, on: Message | str, name: str) -> Receipt:
        """A thread of their own, on a message or in a channel."""
        message = on if isinstance(on, Message) else None
        place = self.discord.channel(message.channel if message else str(on))
        thread = open_thread(self.discord, place, {"name": name}, owner=self.id, message=message)
        return Receipt(discord=self.discord, thread=thread)

    async def edit(self, message: Message, text: str) -> None:
        """Change their own words."""
        assert message.author == self.id, f"{self.name} may not edit it"
        message.edits.append((message.content, message.components))
        message.content, message.edited_at = text, self.discord.clock.now()
        self.discord.events.message_changed(message)

    async def delete(self, message: Message) -> None:
        """Take a message away: their own, or any where they manage messages."""
        place = self.discord.channels[message.channel]
        allowed = message.author == self.id or permissions.may(self.discord, place, self.id, "manage_messages")
        assert allowed, f"{self.name} may not delete it"
        self.discord.delete_message(message)

    def _message(self, channel: Channel, text: str, files: Mapping[str, bytes] | None) -> Message:
        message = Message(
            id=self.discord.clock.snowflake(),
            channel=channel.id,
            author=self.id,
            at=self.discord.clock.now(),
            content=text,
            attachments=[options.attach(self.discord, channel.id, file) for file in (files or {}).items()],
        )
        message.mentions, message.everyone = content.notified(self.discord, message, None)
        roles = self.discord.guilds[channel.guild].roles if channel.guild else {}
        message.mentioned_roles = [role for role in roles if f"<@&{role}>" in text]
        return message

    # -- commands --------------------------------------------------------------------------------------------------------------

    async def slash(self, place: str | Channel, command: str, /, **values: Any) -> Receipt:
        """``/nexus build`` with its options, as registered; files are ``(name, content)``, people `DiscordUser`, channels ``#name``."""
        channel = self.discord.channel(place)
        try:
            self._may_ask(channel)
            found, path = options.find(options.available(self.discord, self, channel), command)
            entered = options.entered(self.discord, self, channel, found, path, values)
        except NotSent as why:
            return Receipt(discord=self.discord, sent=False, error=str(why))
        return await self._interact(COMMAND, channel, self._command(found, entered.options, entered.resolved))

    async def autocomplete(self, place: str | Channel, command: str, option: str, typed: str = "", /, **values: Any) -> Receipt:
        """What is offered while an option is typed; the receipt has the ``choices``."""
        channel = self.discord.channel(place)
        found, path = options.find(options.available(self.discord, self, channel), command)
        entered = options.entered(self.discord, self, channel, found, path, {**values, option: typed}, focused=option)
        return await self._interact(AUTOCOMPLETE, channel, self._command(found, entered.options, entered.resolved))

    async def pick(self, message: Message, command: str) -> Receipt:
        """A command of the menu of a message: ``Build this``."""
        self._sees(message)
        channel = self.discord.channels[message.channel]
        found, _ = options.find(options.available(self.discord, self, channel), command, kind=3)
        # What somebody picks is shown to the app whole, whatever it may read otherwise.
        resolved = {"messages": {message.id: payloads.message(self.discord, message)}}
        return await self._interact(COMMAND, channel, self._command(found, [], resolved) | {"target_id": message.id})

    def _command(self, command: Json, entered: list[Json], resolved: Json) -> Json:
        data: Json = {"id": command["id"], "name": command["name"], "type": command["type"]}
        data |= {"options": entered} if entered else {}
        data |= {"resolved": resolved} if resolved else {}
        return data | ({"guild_id": command["guild_id"]} if "guild_id" in command else {})

    def _may_ask(self, channel: Channel) -> None:
        allowed = channel.guild is None or permissions.may(self.discord, channel, self.id, "use_application_commands")
        if channel.kind in (FORUM, MEDIA) or not allowed:
            raise NotSent("You do not have permission to use application commands here.")

    # -- what messages and forms offer -------------------------------------------------------------------------------------------

    async def click(self, message: Message, label: str = "", *, custom_id: str = "") -> Receipt:
        """Press a button by what it says, or by its ``custom_id`` (up to a colon is enough). A link is only opened."""
        self._sees(message)
        button = forms.component(message.components, label=label, custom_id=custom_id)
        assert not button.get("disabled"), f"{label or custom_id} cannot be pressed"
        if "custom_id" not in button:
            return Receipt(discord=self.discord, sent=False)
        data = {"custom_id": button["custom_id"], "component_type": 2, "id": button["id"]}
        return await self._interact(COMPONENT, self.discord.channels[message.channel], data, message)

    async def choose(self, message: Message, option: str, *, menu: str = "", custom_id: str = "") -> Receipt:
        """Choose in a menu by what the option says or its value; the menu by its placeholder, where there are several."""
        self._sees(message)
        menus = [one for one in content.walk(message.components) if one["type"] == 3]
        found = menus[0] if len(menus) == 1 else forms.component(menus, label=menu, custom_id=custom_id, kinds=(3,))
        assert not found.get("disabled"), f"{menu or custom_id} cannot be opened"
        values = [one["value"] for one in found["options"] if option in (one["label"], one["value"])]
        assert values, f"{option!r} is not offered: {[one['label'] for one in found['options']]}"
        data = {"custom_id": found["custom_id"], "component_type": 3, "id": found["id"], "values": values[:1]}
        return await self._interact(COMPONENT, self.discord.channels[message.channel], data, message)

    async def submit(self, modal: Modal, entries: Mapping[str, Entry] | None = None) -> Receipt:
        """Fill in a form by its labels and send it; it closes when the app answers. Files are ``[(name, content)]``."""
        assert modal.open, "the form is not open any more"
        assert modal.interaction.user == self.id, f"{self.name} does not see this form"
        channel = self.discord.channels[modal.interaction.channel]
        try:
            components, resolved = forms.filled(self.discord, channel, modal, entries or {})
        except NotSent as why:
            return Receipt(discord=self.discord, sent=False, error=str(why))
        data: Json = {"custom_id": modal.custom_id, "components": components, **({"resolved": resolved} if resolved else {})}
        receipt = await self._interact(FORM, channel, data, modal.interaction.message)
        if receipt.acknowledged:
            modal.open = False
        else:
            receipt.error = "Something went wrong. Try again."
        return receipt

    # -- inside ----------------------------------------------------------------------------------------------------------------

    def _sees(self, message: Message) -> None:
        assert not message.deleted, "the message is not there any more"
        assert message.only_for in (None, self.id), f"{self.name} does not see this message"
        place = self.discord.channels[message.channel]
        assert permissions.may(self.discord, place, self.id, "view_channel") or self.id in place.people, (
            f"{self.name} is not here"
        )

    async def _interact(self, kind: int, channel: Channel, data: Json, message: Message | None = None) -> Receipt:
        """Send it to the app, and wait until it answers or its time is over."""
        clock = self.discord.clock
        interaction = Interaction(
            id=clock.snowflake(),
            token=secrets.token_urlsafe(60),
            kind=kind,
            user=self.id,
            channel=channel.id,
            at=clock.now(),
            payload={},
            message=message,
        )
        interaction.payload = self._payload(interaction, channel, data)
        interaction.private_install = "0" not in interaction.payload["authorizing_integration_owners"]
        self.discord.interactions[interaction.token] = interaction
        self.discord.events.interaction(interaction.payload)
        told = list(self.discord.gateway.live)
        self.discord.poke()
        deadline = asyncio.ensure_future(clock.sleep(self.discord.timings.ack))
        settled = asyncio.ensure_future(interaction.settled.wait())
        try:
            await asyncio.wait((deadline, settled), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (deadline, settled):
                one.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await one
        receipt = Receipt(discord=self.discord, interaction=interaction)
        if not interaction.acknowledged:
            interaction.expired = True
            receipt.error = FAILED if kind == COMPONENT else NO_ANSWER
            if told and all(one.alive for one in told):  # nobody is to blame where the app was cut off or killed
                self.discord.violations.append(f"{self.name} got no answer in time to {interaction.payload['data']}")
        return receipt

    def _payload(self, interaction: Interaction, channel: Channel, data: Json) -> Json:
        server = self.discord
        guild: Guild | None = server.guilds[channel.guild] if channel.guild else None
        with_bot = channel.guild is None and server.bot.id in channel.people
        owners = {"0": guild.id} if guild is not None and guild.has_bot else {"0": "0"} if with_bot else {}
        found: Json = {
            "id": interaction.id,
            "application_id": server.application_id,
            "type": interaction.kind,
            "token": interaction.token,
            "version": 1,
            "channel_id": channel.id,
            "channel": payloads.channel(server, channel),
            "data": data,
            "locale": "en-US",
            "entitlements": [],
            "context": 0 if guild is not None else 1 if with_bot else 2,
            "authorizing_integration_owners": owners | ({"1": self.id} if self.person.installed else {}),
            "attachment_size_limit": payloads.MAX_FILE,
            "app_permissions": str(permissions.in_channel(server, channel, server.bot.id) or permissions.DIRECT),
        }
        if guild is not None:
            may = permissions.in_channel(server, channel, self.id)
            found["channel"]["permissions"] = str(may)
            found |= {
                "guild_id": guild.id,
                "guild": {"id": guild.id, "locale": "en-US", "features": []},
                "guild_locale": "en-US",
                "member": payloads.member(guild.members[self.id]) | {"permissions": str(may)},
            }
        else:
            found["user"] = payloads.person(self.person)
        if interaction.message is not None:
            found["message"] = payloads.message(server, interaction.message)
        return found
