"""What the calls of the API have in common: finding what a path names, and refusing what the app may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.discord import permissions
from tests.support.discord.errors import Refused
from tests.support.discord.rest import Call
from tests.support.discord.state import Channel, Guild, Message

if TYPE_CHECKING:
    from tests.support.discord.server import LocalDiscord


class Part:
    """Some calls of the API."""

    def __init__(self, server: LocalDiscord) -> None:
        self.server = server

    def guild(self, call: Call) -> Guild:
        """The server in the path, of which the app is a member."""
        guild = self.server.guilds.get(call.ids["guild"])
        if guild is None:
            raise Refused(10004)
        if not guild.has_bot:
            raise Refused(50001)
        return guild

    def channel(self, call: Call, *needs: str) -> Channel:
        """The channel in the path; where the app may see it, and may do all of ``needs``."""
        return self.place(call.ids["channel"], *needs)

    def place(self, channel: str, *needs: str) -> Channel:
        place = self.server.channels.get(channel)
        if place is None or place.deleted:
            raise Refused(10003)
        bot = self.server.bot.id
        if not permissions.may(self.server, place, bot, "view_channel"):
            raise Refused(50001)
        if not permissions.may(self.server, place, bot, *needs):
            raise Refused(50013)
        return place

    def message(self, call: Call, place: Channel) -> Message:
        """The message in the path, where everybody there sees it."""
        found = self.server.message(place.id, call.ids["message"])
        if found is None:
            raise Refused(10008)
        return found
