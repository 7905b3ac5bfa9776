"""What the gateway tells of: who of the sessions gets it is decided by the intents, the shard and what the app may see.

Called by the API and by what people do, after they changed something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.discord import payloads, permissions
from tests.support.discord.gateway import Intent
from tests.support.discord.state import Channel, Guild, Json, Message

if TYPE_CHECKING:
    from tests.support.discord.server import LocalDiscord


class Events:
    """Tells of one Discord."""

    def __init__(self, server: LocalDiscord) -> None:
        self._server = server

    def _tell(self, name: str, data: Json, guild: str | None, intent: int) -> None:
        self._server.gateway.dispatch(name, lambda _: data, guild=guild, intent=intent)

    def _sees(self, place: Channel) -> bool:
        if place.guild is not None and not self._server.guilds[place.guild].has_bot:
            return False
        return permissions.may(self._server, place, self._server.bot.id, "view_channel")

    # -- messages --------------------------------------------------------------------------------------------------------------

    def message(self, message: Message, name: str = "MESSAGE_CREATE") -> None:
        """Of a new or changed message: its words only where the session has the intent, or it is to the app."""
        place = self._server.channels[message.channel]
        if message.ephemeral or not self._sees(place):
            return

        def data(intents: int) -> Json:
            granted = bool(intents & Intent.MESSAGE_CONTENT)
            return payloads.blinded(self._server, message, content=granted, for_gateway=True)

        intent = Intent.GUILD_MESSAGES if place.guild else Intent.DIRECT_MESSAGES
        self._server.gateway.dispatch(name, data, guild=place.guild, intent=intent)

    def message_changed(self, message: Message) -> None:
        self.message(message, "MESSAGE_UPDATE")

    def message_deleted(self, message: Message) -> None:
        place = self._server.channels[message.channel]
        if message.ephemeral or not self._sees(place):
            return
        data: Json = {"id": message.id, "channel_id": message.channel, **({"guild_id": place.guild} if place.guild else {})}
        self._tell("MESSAGE_DELETE", data, place.guild, Intent.GUILD_MESSAGES if place.guild else Intent.DIRECT_MESSAGES)

    # -- channels and threads ------------------------------------------------------------------------------------------------------

    def channel(self, name: str, place: Channel) -> None:
        """``CHANNEL_CREATE``, ``CHANNEL_UPDATE`` and ``THREAD_UPDATE``."""
        if self._sees(place):
            self._tell(name, payloads.channel(self._server, place), place.guild, Intent.GUILDS)

    def channel_deleted(self, place: Channel) -> None:
        if place.is_thread:
            data: Json = {"id": place.id, "guild_id": place.guild, "parent_id": place.parent, "type": place.kind}
            self._tell("THREAD_DELETE", data, place.guild, Intent.GUILDS)
        else:
            self._tell("CHANNEL_DELETE", payloads.channel(self._server, place), place.guild, Intent.GUILDS)

    def thread_created(self, place: Channel) -> None:
        if self._sees(place):
            data = payloads.channel(self._server, place) | {"newly_created": True}
            self._tell("THREAD_CREATE", data, place.guild, Intent.GUILDS)

    # -- servers ---------------------------------------------------------------------------------------------------------------------

    def guild_joined(self, guild: Guild) -> None:
        self._tell("GUILD_CREATE", payloads.guild_created(self._server, guild), guild.id, Intent.GUILDS)

    def guild_left(self, guild: Guild) -> None:
        self._tell("GUILD_DELETE", {"id": guild.id}, guild.id, Intent.GUILDS)

    def guild_away(self, guild: Guild) -> None:
        """An outage of one server."""
        self._tell("GUILD_DELETE", {"id": guild.id, "unavailable": True}, guild.id, Intent.GUILDS)

    # -- interactions ----------------------------------------------------------------------------------------------------------------

    def interaction(self, payload: Json) -> int:
        """To every session of the shard; how many there are."""
        return self._server.gateway.dispatch("INTERACTION_CREATE", lambda _: payload, guild=payload.get("guild_id"), intent=0)
