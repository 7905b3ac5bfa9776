"""What the app is told through the Events API, made from what happens in Slack, and only what its scopes let it hear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.slack import scopes
from tests.support.slack.deliveries import Delivery
from tests.support.slack.payloads import event_callback, shown_message, shown_view
from tests.support.slack.state import Channel, Json, Message, Person, Workspace

if TYPE_CHECKING:
    from tests.support.slack.server import LocalSlack


class Events:
    """Makes events and sends them."""

    def __init__(self, slack: LocalSlack) -> None:
        self._slack = slack

    async def send(self, team: Workspace, event: Json, channel: Channel | None = None) -> Delivery | None:
        """Deliver an event; None where the app does not hear it. Returns after the first attempt."""
        heard = scopes.hears(team.scopes, event["type"], channel)
        if channel is not None and team.bot.id not in channel.members and event["type"] == "message":
            heard = False
        if not heard or (not team.installed and event["type"] not in ("app_uninstalled", "tokens_revoked")):
            return None
        event.setdefault("event_ts", self._slack.clock.ts())
        return await self._slack.deliveries.event(event_callback(self._slack, team, event))

    def spawn(self, team: Workspace, event: Json, channel: Channel | None = None) -> None:
        """Deliver an event in the background: an effect of something else."""
        if self._slack.http is None and not self._slack.sockets.ever:
            return  # nobody has ever listened
        self._slack.deliveries.spawn(self._send(team, event, channel))

    async def _send(self, team: Workspace, event: Json, channel: Channel | None) -> None:
        await self.send(team, event, channel)

    def said(self, message: Message) -> Json:
        """The event of a message that somebody wrote."""
        team = self._slack.workspaces[message.team]
        channel = team.channels[message.channel]
        event = shown_message(team, message, metadata=False)
        for key in ("reply_count", "latest_reply", "subscribed"):
            event.pop(key, None)
        if not message.is_reply:
            event.pop("thread_ts", None)
        if message.files:
            event["subtype"] = "file_share"
        return event | {"channel": channel.id, "channel_type": channel.kind, "event_ts": message.ts}

    def message(self, message: Message) -> None:
        """The app itself posted a message."""
        team = self._slack.workspaces[message.team]
        self.spawn(team, self.said(message), team.channels[message.channel])

    def _about(self, message: Message, subtype: str, what: Json) -> None:
        team = self._slack.workspaces[message.team]
        channel = team.channels[message.channel]
        event: Json = {"type": "message", "subtype": subtype, "hidden": True, "channel": channel.id, "ts": self._slack.clock.ts()}
        self.spawn(team, event | {"channel_type": channel.kind} | what, channel)

    def changed(self, message: Message) -> None:
        team = self._slack.workspaces[message.team]
        now = shown_message(team, message)
        before = message.edits[-1] if message.edits else None
        previous = now | ({"text": before.text, "blocks": before.blocks} if before else {})
        self._about(message, "message_changed", {"message": now, "previous_message": previous})

    def deleted(self, message: Message) -> None:
        team = self._slack.workspaces[message.team]
        self._about(message, "message_deleted", {"deleted_ts": message.ts, "previous_message": shown_message(team, message)})

    def uninstalled(self, team: Workspace) -> None:
        self.tokens_revoked(team)
        self.spawn(team, {"type": "app_uninstalled"})

    def tokens_revoked(self, team: Workspace) -> None:
        self.spawn(team, {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [team.bot.id]}})

    def home_opened(self, team: Workspace, user: Person, tab: str) -> Json:
        event: Json = {"type": "app_home_opened", "user": user.id, "channel": team.dm(user.id).id, "tab": tab}
        view = team.homes.get(user.id)
        return event | ({"view": shown_view(team, view)} if view and tab == "home" else {})
