"""The vocabulary of Web API methods: a request, a refusal, and the table of methods.

Every ``api_*`` module registers its methods here; `webapi` calls them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.slack.state import Channel, Json, Message, Workspace

if TYPE_CHECKING:
    from tests.support.slack.server import LocalSlack


class Refused(Exception):
    """The answer ``{"ok": false, "error": …}``."""

    def __init__(self, error: str, *messages: str, **extra: Any) -> None:
        super().__init__(error)
        self.answer: Json = {"ok": False, "error": error, **extra}
        if messages:
            self.answer["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in messages]}


@dataclass(kw_only=True)
class Request:
    """One call, after its token was checked."""

    slack: LocalSlack
    method: str
    args: Json
    token: str = ""
    team_or_none: Workspace | None = None

    @property
    def team(self) -> Workspace:
        assert self.team_or_none is not None, f"{self.method} is called without a workspace"
        return self.team_or_none

    def text(self, name: str) -> str:
        """An argument as text; empty when it is not there."""
        value = self.args.get(name)
        return "" if value is None else str(value)

    def required(self, name: str) -> str:
        if not self.text(name):
            raise Refused("invalid_arguments", f"missing required field: {name}")
        return self.text(name)

    def flag(self, name: str) -> bool | None:
        """A boolean, as JSON or as ``1``, ``true``, ``0``, ``false``."""
        value = self.args.get(name)
        return None if value is None else str(value).lower() in ("1", "true")

    def channel(self, name: str = "channel", *, write: bool = True) -> Channel:
        """The channel that is named, where the bot may write (or read) it."""
        team, wanted = self.team, self.text(name)
        channel = team.channels.get(wanted)
        if channel is None and write and wanted in team.people:
            channel = team.dm(wanted)
        if channel is None:
            channel = next((one for one in team.channels.values() if one.kind != "im" and f"#{one.name}" == wanted), None)
        if channel is None or (channel.kind != "channel" and team.bot.id not in channel.members):
            raise Refused("channel_not_found")
        if write:
            if channel.archived:
                raise Refused("is_archived")
            if team.bot.id not in channel.members and "chat:write.public" not in team.scopes:
                raise Refused("not_in_channel")
        return channel

    def message(self, channel: Channel, name: str = "ts") -> Message:
        message = self.team.message(channel.id, self.required(name))
        if message is None:
            raise Refused("message_not_found")
        return message

    def page(self, rows: list[Any], default: int = 100) -> tuple[list[Any], Json]:
        """A page of rows, and the response_metadata that leads to the next one."""
        limit, start = int(self.args.get("limit") or default), int(self.text("cursor") or 0)
        more = start + limit < len(rows)
        return rows[start : start + limit], {"next_cursor": str(start + limit) if more else ""}


Handler = Callable[[Request], Json]
METHODS: dict[str, Handler] = {}


def method(name: str) -> Callable[[Handler], Handler]:
    """Register the function that answers this method."""

    def register(handler: Handler) -> Handler:
        METHODS[name] = handler
        return handler

    return register
