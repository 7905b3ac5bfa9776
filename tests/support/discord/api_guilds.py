"""Servers, their channels, roles and members."""

from __future__ import annotations

from tests.support.discord import payloads, permissions
from tests.support.discord.api import Part
from tests.support.discord.errors import Refused
from tests.support.discord.rest import Call, Routes
from tests.support.discord.state import Json


class Guilds(Part):
    def routes(self) -> Routes:
        return [
            ("GET", "/users/@me/guilds", self.mine),
            ("DELETE", "/users/@me/guilds/{guild}", self.leave),
            ("GET", "/guilds/{guild}", self.get),
            ("GET", "/guilds/{guild}/channels", self.channels),
            ("GET", "/guilds/{guild}/roles", lambda call: [payloads.role(one) for one in self.guild(call).roles.values()]),
            ("GET", "/guilds/{guild}/members", self.members),
            ("GET", "/guilds/{guild}/members/search", self.search),
            ("GET", "/guilds/{guild}/members/{user}", self.member),
            ("GET", "/guilds/{guild}/threads/active", self.active),
        ]

    def mine(self, call: Call) -> list[Json]:
        return [
            {
                "id": one.id,
                "name": one.name,
                "icon": None,
                "owner": False,
                "permissions": str(permissions.in_guild(one, self.server.bot.id)),
                "features": [],
            }
            for one in self.server.guilds.values()
            if one.has_bot
        ]

    def leave(self, call: Call) -> None:
        self.server.remove_bot(self.guild(call))

    def get(self, call: Call) -> Json:
        guild = self.guild(call)
        counts = {"approximate_member_count": len(guild.members), "approximate_presence_count": len(guild.members)}
        return payloads.guild(self.server, guild) | (counts if call.query.get("with_counts") in ("1", "true", "True") else {})

    def channels(self, call: Call) -> list[Json]:
        places = self.server.channels_of(self.guild(call))
        return [payloads.channel(self.server, one) for one in places if not one.is_thread]

    def members(self, call: Call) -> list[Json]:
        guild, after = self.guild(call), int(call.query.get("after", 0))
        if not self.server.members_intent:
            raise Refused(50001)
        found = sorted((one for one in guild.members.values() if int(one.person.id) > after), key=lambda one: int(one.person.id))
        return [payloads.member(one) for one in found[: int(call.query.get("limit", 1))]]

    def search(self, call: Call) -> list[Json]:
        guild, sought = self.guild(call), call.query.get("query", "").casefold()
        found = [one for one in guild.members.values() if one.person.name.casefold().startswith(sought)]
        return [payloads.member(one) for one in found[: int(call.query.get("limit", 1))]]

    def member(self, call: Call) -> Json:
        guild = self.guild(call)
        if call.ids["user"] not in self.server.people:
            raise Refused(10013)
        if call.ids["user"] not in guild.members:
            raise Refused(10007)
        return payloads.member(guild.members[call.ids["user"]])

    def active(self, call: Call) -> Json:
        bot = self.server.bot.id
        found = [one for one in self.server.channels_of(self.guild(call)) if one.is_thread and not one.archived]
        return {
            "threads": [payloads.channel(self.server, one) for one in reversed(found)],
            "members": [payloads.thread_member(self.server, one, bot) for one in found if bot in one.people],
        }
