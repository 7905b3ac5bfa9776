"""The app itself: who it is, its commands, where its gateway is, its direct conversations."""

from __future__ import annotations

from typing import Any

from tests.support.discord import payloads
from tests.support.discord.api import Part
from tests.support.discord.errors import Refused
from tests.support.discord.rest import Call, Created, Routes
from tests.support.discord.state import DM, Channel, Json

#: what Discord adds to a command that does not say it
DEFAULTS: Json = {
    "type": 1,
    "name_localizations": None,
    "description": "",
    "description_localizations": None,
    "default_member_permissions": None,
    "nsfw": False,
    "contexts": None,
    "integration_types": [0],
}


class Application(Part):
    def routes(self) -> Routes:
        commands = "/applications/{application}/commands"
        in_guild = "/applications/{application}/guilds/{guild}/commands"
        return [
            ("GET", "/users/@me", lambda call: payloads.person(self.server.bot) | {"verified": True, "mfa_enabled": False}),
            ("GET", "/users/{user}", self.user),
            ("GET", "/oauth2/applications/@me", lambda call: self.server.application()),
            ("GET", "/applications/@me", lambda call: self.server.application()),
            ("GET", "/gateway", lambda call: {"url": self.server.gateway_url}),
            ("GET", "/gateway/bot", self.gateway),
            ("POST", "/users/@me/channels", self.open_direct),
            *(
                route
                for path in (commands, in_guild)
                for route in (
                    ("GET", path, self.list),
                    ("POST", path, self.create),
                    ("PUT", path, self.replace),
                    ("GET", path + "/{command}", self.get),
                    ("PATCH", path + "/{command}", self.edit),
                    ("DELETE", path + "/{command}", self.delete),
                )
            ),
        ]

    def user(self, call: Call) -> Json:
        if call.ids["user"] not in self.server.people:
            raise Refused(10013)
        return payloads.person(self.server.people[call.ids["user"]])

    def gateway(self, call: Call) -> Json:
        limit = {
            "total": 1000,
            "remaining": 1000 - self.server.gateway.identified,
            "reset_after": 86_400_000,
            "max_concurrency": 1,
        }
        return {"url": self.server.gateway_url, "shards": self.server.gateway.shards, "session_start_limit": limit}

    def open_direct(self, call: Call) -> Json:
        user = str(call.json.get("recipient_id"))
        if user not in self.server.people:
            raise Refused(10013)
        if self.server.people[user].bot:
            raise Refused(50007)
        return payloads.channel(self.server, self.direct(user))

    def direct(self, user: str) -> Channel:
        """Their conversation with the app; opened where there is none."""
        people = {user, self.server.bot.id}
        for place in self.server.channels.values():
            if place.kind == DM and place.people == people:
                return place
        place = Channel(id=self.server.clock.snowflake(), kind=DM, people=people, created=self.server.clock.iso())
        self.server.channels[place.id] = place
        return place

    # -- commands --------------------------------------------------------------------------------------------------------------

    def _scope(self, call: Call) -> str:
        """``""`` for everywhere, or the id of a server."""
        if call.ids["application"] != self.server.application_id:
            raise Refused(10002)
        guild = call.ids.get("guild", "")
        if guild and (guild not in self.server.guilds or not self.server.guilds[guild].has_bot):
            raise Refused(50001)
        return guild

    def _commands(self, call: Call) -> dict[str, Json]:
        return self.server.commands.setdefault(self._scope(call), {})

    def list(self, call: Call) -> list[Json]:
        return list(self._commands(call).values())

    def get(self, call: Call) -> Json:
        commands = self._commands(call)
        if call.ids["command"] not in commands:
            raise Refused(10063)
        return commands[call.ids["command"]]

    def create(self, call: Call) -> Json:
        commands, body = self._commands(call), call.json
        same = next((one for one in commands.values() if _identity(one) == _identity(body)), None)
        if same is None and len([one for one in commands.values() if one["type"] == body.get("type", 1)]) >= 100:
            raise Refused(30032)
        made = self._made(call, body, same["id"] if same else None)
        commands[made["id"]] = made
        return made if same else Created(made)

    def edit(self, call: Call) -> Json:
        old = self.get(call)
        changed = self._made(call, {**old, **call.json}, old["id"])
        self._commands(call)[old["id"]] = changed
        return changed

    def delete(self, call: Call) -> None:
        del self._commands(call)[self.get(call)["id"]]

    def replace(self, call: Call) -> Any:
        old = {_identity(one): one["id"] for one in self._commands(call).values()}
        made = [self._made(call, body, old.get(_identity(body))) for body in call.body]
        self.server.commands[self._scope(call)] = {one["id"]: one for one in made}
        return made

    def _made(self, call: Call, body: Json, known: str | None) -> Json:
        scope = self._scope(call)
        found = DEFAULTS | {key: value for key, value in body.items() if key not in ("id", "version")}
        found |= {
            "id": known or self.server.clock.snowflake(),
            "application_id": self.server.application_id,
            "version": self.server.clock.snowflake(),
            "options": [_option(one) for one in body.get("options") or []],
        }
        if not found["options"]:
            found.pop("options")  # Discord leaves out what is not there
        if scope:
            found["guild_id"] = scope
        else:
            found["dm_permission"] = not found["contexts"] or 1 in found["contexts"]
        return found


def _identity(command: Json) -> tuple[str, int]:
    return str(command["name"]), int(command.get("type") or 1)


def _option(option: Json) -> Json:
    """As Discord gives it back: false and empty values are left out."""
    found = {key: value for key, value in option.items() if value is not None and value is not False and value != []}
    if option.get("options"):
        found["options"] = [_option(one) for one in option["options"]]
    return found
