"""`LocalSlack`: a Slack on a free port of this machine, for tests with the real SDK and the real bot.

    async with LocalSlack() as slack:
        ada = slack.workspace.add_user("Ada")            # a SlackUser
        ...                                              # start the app with slack.api_url, slack.bot_token, slack.app_token
        said = await ada.command("/nexus", "help", "#general")
        await slack.wait_for(lambda: slack.messages("#general"))

It speaks the Web API, Socket Mode and signed HTTP. It is as strict as Slack is known to be, and stricter where Slack is lenient by
chance. It has no pages, no search, no threads of people who are not scripted, and it keeps nothing when it is closed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import aiohttp

from tests.support.local.server import LocalServer
from tests.support.slack import rendering
from tests.support.slack.clock import Clock
from tests.support.slack.deliveries import Deliveries, Delivery, Way
from tests.support.slack.events import Events
from tests.support.slack.faults import Fault, Faults
from tests.support.slack.http_delivery import HttpDelivery
from tests.support.slack.limits import Limits
from tests.support.slack.scopes import ALL
from tests.support.slack.sockets import Sockets
from tests.support.slack.state import Message, StoredFile, View, Workspace
from tests.support.slack.timings import Timings
from tests.support.slack.triggers import Triggers
from tests.support.slack.users import SlackUser
from tests.support.slack.webapi import Call, Token, WebApi
from tests.support.slack.workspaces import Team, new_workspace


@dataclass(frozen=True, kw_only=True)
class Grant:
    """An OAuth code that somebody's consent gave."""

    team: str
    user: str
    scopes: frozenset[str]
    redirect_uri: str
    expires: float


class LocalSlack(LocalServer):
    """One app, its workspaces, and everything that can be asked of Slack."""

    name = "Slack"

    def __init__(
        self, *, timings: Timings | None = None, limits: Limits | None = None, scopes: Iterable[str] = ALL, echo: bool = True
    ) -> None:
        super().__init__()
        self.timings = timings or Timings()
        self.limits = limits or Limits.off()
        self.echo = echo  #: whether the app is told of what it does itself, as Slack does
        self.clock = Clock()
        self.app_id = "A0LOCAL1"
        self.client_id = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}"
        self.client_secret = secrets.token_hex(16)
        self.signing_secret = secrets.token_hex(16)
        self.verification_token = secrets.token_hex(12)
        self.app_token = f"xapp-1-{self.app_id}-{secrets.token_hex(16)}"
        self.tokens: dict[str, Token] = {}
        self.grants: dict[str, Grant] = {}
        self.workspaces: dict[str, Workspace] = {}
        self.uploads: dict[str, StoredFile] = {}
        self.calls: list[Call] = []
        self.faults = Faults()
        self.triggers = Triggers(clock=self.clock, timings=self.timings)
        self.sockets = Sockets(self)
        self.http: HttpDelivery | None = None
        self._client: aiohttp.ClientSession | None = None
        self.deliveries = Deliveries(self)
        self.events = Events(self)
        self.workspace = self.add_workspace("Acme", scopes=scopes)

    # -- running -----------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self._serve(WebApi(self).routes())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.faults.release()
        await self.deliveries.close()
        await self.sockets.close()
        if self._client is not None:
            await self._client.close()
        await self._end()

    @property
    def api_url(self) -> str:
        """What the SDK takes as ``base_url``, and the bot as SLACK_API_URL."""
        return f"{self.url}/api/"

    @property
    def hooks_url(self) -> str:
        return f"{self.url}/hooks"

    @property
    def bot_token(self) -> str:
        """Of the first workspace."""
        return self.workspace.token

    @property
    def way(self) -> Way:
        """How the app is reached."""
        return self.http or self.sockets

    def client(self) -> aiohttp.ClientSession:
        """What Slack reaches the app with."""
        if self._client is None:
            # A new connection for each request: the app may have been restarted since the last.
            self._client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True))
        return self._client

    def deliver_to(self, url: str) -> HttpDelivery:
        """From now on, deliver by signed HTTP to this request URL instead of sockets."""
        self.http = HttpDelivery(self, url)
        return self.http

    # -- what tests wait for and see -----------------------------------------------------------------------------------------

    async def wait_for_sockets(self, count: int = 1) -> None:
        """Until the app has so many sockets."""
        await self.wait_for(lambda: len([one for one in self.sockets.live if not one.leaving]) >= count, why=f"{count} sockets")

    def describe(self) -> str:
        """The last calls and all messages, for failures."""
        calls = [f"  {one.method} -> {'ok' if one.ok else one.answer}" for one in self.calls[-15:]]
        messages = [
            f"  {team.name} {one.channel} {one.ts} in {one.thread_ts}"
            + (f" only to {one.ephemeral_to}" if one.ephemeral_to else "")
            + "\n    "
            + rendering.render_text(one).replace("\n", "\n    ")
            for team in self.workspaces.values()
            for one in team.messages[-10:]
        ]
        return "\n".join(["the last calls:", *calls, "the messages:", *messages])

    def called(self, method: str) -> list[Call]:
        """The calls of a method, oldest first."""
        return [one for one in self.calls if one.method == method]

    def messages(
        self, channel: str, thread_ts: str | None = None, *, user: SlackUser | None = None, team: Workspace | None = None
    ) -> list[Message]:
        """What is seen in a channel, or in a thread with its parent, in order; with ``user``, also what only they see."""
        workspace = user.team if user else team or self.workspace
        channel = self.workspace_of(workspace).channel_id(channel)
        return [
            one
            for one in workspace.shown(channel)
            if (one.ephemeral_to is None or (user is not None and one.ephemeral_to == user.id))
            and (thread_ts in (one.ts, one.thread_ts) if thread_ts else not one.is_reply or one.broadcast)
        ]

    def workspace_of(self, workspace: Workspace) -> Team:
        assert isinstance(workspace, Team)
        return workspace

    def views(self, user: SlackUser) -> list[View]:
        """The stack of modals this person has open, the visible one last."""
        return list(user.team.modals.get(user.id, []))

    def home(self, user: SlackUser) -> View | None:
        """The Home tab this person has."""
        return user.team.homes.get(user.id)

    def files(self, team: Workspace | None = None) -> list[StoredFile]:
        """The files whose upload was completed."""
        return [one for one in (team or self.workspace).files.values() if one.complete]

    def delivered(self, kind: str) -> list[Delivery]:
        """Deliveries of an event type, of an interaction type, or of ``slash_commands``."""
        return [one for one in self.deliveries.all if kind in (one.kind, one.payload.get("type"), one.event.get("type"))]

    # -- workspaces ----------------------------------------------------------------------------------------------------------

    def add_workspace(self, name: str, *, scopes: Iterable[str] = ALL, installed: bool = True) -> Team:
        """Another workspace, with a #general in which the bot is."""
        team = new_workspace(self, name, set(scopes))
        self.workspaces[team.id] = team
        if installed:
            self.install(team)
        else:
            team.installed = False
        return team

    def install(self, team: Workspace, scopes: set[str] | None = None) -> str:
        """Install the app, or install it again: a new token, the old one is revoked when it was uninstalled."""
        if scopes is not None:
            team.scopes = scopes
        if not team.installed or team.token not in self.tokens or self.tokens[team.token].state:
            team.token = f"xoxb-{secrets.randbelow(10**12)}-{secrets.token_hex(12)}"
            self.tokens[team.token] = Token(team=team.id)
        team.installed = True
        return team.token

    def uninstall(self, team: Workspace) -> None:
        """Take the app out of a workspace: its token dies, and it is told."""
        self.tokens[team.token].state = "account_inactive"
        team.installed = False
        self.events.uninstalled(team)

    def revoke_tokens(self, team: Workspace) -> None:
        """An administrator revokes the token without uninstalling."""
        self.tokens[team.token].state = "token_revoked"
        self.events.tokens_revoked(team)

    # -- messages: the one place where they come, change and go -----------------------------------------------------------------

    def add_message(self, message: Message) -> None:
        self.workspaces[message.team].messages.append(message)
        if message.bot_id and self.echo and message.ephemeral_to is None:
            self.events.message(message)
        self.poke()

    def changed_message(self, message: Message) -> None:
        if self.echo and message.ephemeral_to is None:
            self.events.changed(message)
        self.poke()

    def delete_message(self, message: Message) -> None:
        message.deleted = True
        if self.echo and message.ephemeral_to is None:
            self.events.deleted(message)
        self.poke()

    # -- trouble -------------------------------------------------------------------------------------------------------------

    def fault(self, method: str, **what: Any) -> Fault:
        """Script a fault for the next calls of a method (or ``*``, ``upload``, ``response_url``); see `Fault` for what can go wrong."""
        return self.faults.add(Fault(method, **what))

    def advance(self, seconds: float) -> None:
        """Let time pass for Slack."""
        self.clock.advance(seconds)
        self.poke()

    async def begin_outage(self, *, refuse: bool = True) -> None:
        """Slack is down: sockets break, and calls find nobody there, or 503 with ``refuse=False``."""
        self.sockets.cut()
        await self._go_away(refuse=refuse)
        await self.wait_for(lambda: not self.sockets.live, why="all sockets broken")

    async def end_outage(self) -> None:
        """Slack is back, at the same address."""
        await self._come_back()
