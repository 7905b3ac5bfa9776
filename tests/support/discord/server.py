"""`LocalDiscord`: a Discord on a free port of this machine, for tests with the real discord.py and the real bot.

    async with LocalDiscord() as discord:
        ada = discord.guild.add_user("Ada")              # a DiscordUser
        ...                                              # start the bot with discord.api_url and discord.token
        done = await ada.slash("#general", "nexus help")
        print(render_text(await done.answer()))

It speaks the REST API and the gateway, version 10, and serves files. It is as strict as Discord is known to be, and stricter where Nexus
holds itself to more. It has no pages, no voice, no audit log, and it keeps nothing when it is closed.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import hashlib
import secrets
from typing import Any, Self

from aiohttp import web

from tests.support.discord import rendering
from tests.support.discord.api_application import Application
from tests.support.discord.api_channels import Channels
from tests.support.discord.api_guilds import Guilds
from tests.support.discord.api_interactions import Interactions
from tests.support.discord.api_messages import Messages
from tests.support.discord.cdn import Cdn
from tests.support.discord.clock import Clock
from tests.support.discord.content import media
from tests.support.discord.events import Events
from tests.support.discord.faults import Fault, Faults
from tests.support.discord.gateway import Gateway, Intent
from tests.support.discord.guilds import LocalGuild, new_guild
from tests.support.discord.limits import Limits
from tests.support.discord.payloads import link
from tests.support.discord.rest import API, Call, Rest
from tests.support.discord.state import SYSTEM, Attachment, Channel, Guild, Interaction, Json, Message, Modal, Person
from tests.support.discord.timings import Timings
from tests.support.discord.users import DiscordUser
from tests.support.local.server import LocalServer

CONTENT_FLAG, CONTENT_FLAG_LIMITED = 1 << 18, 1 << 19


class LocalDiscord(LocalServer):
    """One app, its servers, and everything that can be asked of Discord."""

    name = "Discord"

    def __init__(self, *, timings: Timings | None = None, limits: Limits | None = None, message_content: bool = True) -> None:
        super().__init__()
        self.timings = timings or Timings()
        self.limits = limits or Limits.off()
        self.message_content = message_content  #: whether the app may read what is not said to it
        self.members_intent = False
        self.clock = Clock()
        self.application_id = self.clock.snowflake()
        self.bot = Person(id=self.application_id, name="Nexus", bot=True)
        named = base64.urlsafe_b64encode(self.application_id.encode()).decode().rstrip("=")
        self.token = f"{named}.{secrets.token_urlsafe(4)[:6]}.{secrets.token_urlsafe(28)[:38]}"
        self.portal: Json = {}  #: what the application's settings say otherwise than usual
        self.people: dict[str, Person] = {self.bot.id: self.bot}
        self.guilds: dict[str, LocalGuild] = {}
        self.channels: dict[str, Channel] = {}
        self.all_messages: list[Message] = []
        self.commands: dict[str, dict[str, Json]] = {}  #: "" or a server -> command id -> command
        self.interactions: dict[str, Interaction] = {}  #: by their token
        self.modals: list[Modal] = []
        self.files: dict[str, Attachment] = {}  #: every file that was ever sent, by its id
        self.calls: list[Call] = []
        self.violations: list[str] = []  #: what Discord would have refused; a test's fixture asserts that there are none
        self.faults = Faults()
        self.gateway = Gateway(self)
        self.events = Events(self)
        self._secret = secrets.token_hex(8)
        self._tasks: set[asyncio.Task[None]] = set()
        self.guild = self.add_guild("Acme")

    # -- running -----------------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        parts = (Application(self), Guilds(self), Channels(self), Messages(self), Interactions(self))
        rest = Rest(self, [route for part in parts for route in part.routes()])
        await self._serve([web.get("/gateway", self.gateway.connected), *Cdn(self).routes(), *rest.routes()])
        return self

    async def __aexit__(self, *_: object) -> None:
        self.faults.release()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.gateway.close()
        await self._end()

    @property
    def api_url(self) -> str:
        """What the bot takes as DISCORD_API_URL, and discord.py as ``Route.BASE``."""
        return self.url + API

    @property
    def gateway_url(self) -> str:
        """What `/gateway/bot` answers, and what discord.py takes as ``DiscordWebSocket.DEFAULT_GATEWAY``."""
        return f"ws://127.0.0.1:{self._port}/gateway"

    @property
    def cdn_url(self) -> str:
        return self.url + "/cdn"

    # -- the app -------------------------------------------------------------------------------------------------------------------

    def authorizations(self) -> tuple[str, ...]:
        """What a call may have as its ``Authorization``."""
        return (f"Bot {self.token}",)

    def allowed_intents(self) -> int:
        """The privileged ones that were granted."""
        return (Intent.MESSAGE_CONTENT if self.message_content else 0) | (Intent.GUILD_MEMBERS if self.members_intent else 0)

    def application_flags(self) -> int:
        return CONTENT_FLAG_LIMITED if self.message_content else 0

    def application(self) -> Json:
        owner = Person(id="1", name="Operator")
        from_owner = {"id": owner.id, "username": "operator", "discriminator": "0", "avatar": None, "global_name": owner.name}
        return {
            "id": self.application_id,
            "name": self.bot.name,
            "icon": None,
            "description": "",
            "summary": "",
            "type": None,
            "bot_public": True,
            "bot_require_code_grant": False,
            "terms_of_service_url": None,
            "privacy_policy_url": None,
            "owner": from_owner,
            "verify_key": "0" * 64,
            "team": None,
            "flags": self.application_flags(),
            "hook": True,
            "tags": [],
            "interactions_endpoint_url": None,
            "redirect_uris": [],
            "integration_types_config": {"0": {}, "1": {}},
            "approximate_guild_count": len([one for one in self.guilds.values() if one.has_bot]),
            "approximate_user_install_count": len([one for one in self.people.values() if one.installed]),
            **self.portal,
        }

    # -- what tests wait for and see -----------------------------------------------------------------------------------------------

    async def said(self, place: str | Channel, words: str, *, user: DiscordUser | None = None, timeout: float = 20.0) -> Message:
        """The last message in a place that shows these words, once there is one."""

        def last() -> Message | None:
            found = [one for one in self.messages(place, user=user) if words in rendering.render_text(one)]
            return found[-1] if found else None

        return await self.wait_for(last, timeout=timeout, why=f"{words!r} is said")

    async def wait_for_sessions(self, count: int = 1) -> None:
        """Until so many sessions of the app are connected."""
        await self.wait_for(lambda: len(self.gateway.live) >= count, why=f"{count} sessions")

    def describe(self) -> str:
        """The last calls and all messages, for failures."""
        calls = [f"  {one.method} {one.path} -> {one.status} {one.answer if not one.ok else ''}" for one in self.calls[-15:]]
        messages = [
            f"  {one.id} in {self.channels[one.channel].name or 'a direct conversation'}"
            + (f" only to {one.only_for}" if one.only_for else "")
            + (" (deleted)" if one.deleted else "")
            + "\n    "
            + rendering.render_text(one).replace("\n", "\n    ")
            for one in self.all_messages[-12:]
        ]
        return "\n".join(["the last calls:", *calls, "the messages:", *messages, "violations:", *self.violations])

    def called(self, route: str) -> list[Call]:
        """The calls of a route, oldest first: ``POST /channels/{channel}/messages``."""
        return [one for one in self.calls if one.route == route]

    def channel_id(self, channel: str | Channel, guild: Guild | None = None) -> str:
        """Of ``#general``, in the first server unless said otherwise; an id is one already."""
        return self.channel(channel, guild).id

    def channel(self, channel: str | Channel, guild: Guild | None = None) -> Channel:
        """By its name, with or without ``#``, or by its id."""
        if isinstance(channel, Channel):
            return channel
        if channel in self.channels:
            return self.channels[channel]
        places = self.channels_of(guild or self.guild)
        found = [one for one in places if one.name == channel.removeprefix("#") and not one.is_thread]
        assert found, f"there is no {channel} in {sorted(one.name for one in places)}"
        return found[0]

    def channels_of(self, guild: Guild) -> list[Channel]:
        """Channels and threads of a server."""
        return [one for one in self.channels.values() if one.guild == guild.id and not one.deleted]

    def threads(self, channel: str | Channel = "#general") -> list[Channel]:
        """Threads or posts of a channel, oldest first."""
        parent = self.channel_id(channel)
        return [one for one in self.channels.values() if one.parent == parent and one.is_thread and not one.deleted]

    def messages(self, place: str | Channel, *, user: DiscordUser | None = None, system: bool = False) -> list[Message]:
        """What is seen in a channel, thread or direct conversation, in order; with ``user``, also what only they see."""
        channel = self.channel_id(place)
        return [
            one
            for one in self.all_messages
            if one.channel == channel
            and not one.deleted
            and (system or one.kind not in SYSTEM)
            and (one.only_for is None or (user is not None and one.only_for == user.id))
        ]

    def ephemeral(self, user: DiscordUser) -> list[Message]:
        """Everything that this person alone sees, oldest first; what only says that the app is thinking left out."""
        return [one for one in self.all_messages if one.only_for == user.id and not one.deleted and not one.loading]

    def direct(self, user: DiscordUser) -> list[Message]:
        """What stands in their conversation with the app."""
        return self.messages(user.dm)

    def modal(self, user: DiscordUser) -> Modal | None:
        """The form that this person has open."""
        found = [one for one in self.modals if one.open and one.interaction.user == user.id]
        return found[-1] if found else None

    def message(self, channel: str, message: str) -> Message | None:
        """The message of this id, where everybody there sees it."""
        for one in reversed(self.all_messages):
            if one.id == message and one.channel == channel and not one.deleted and not one.ephemeral:
                return one
        return None

    def linked(self, message: Message) -> list[Json]:
        """Its components, with links to their files."""
        files = {f"attachment://{one.name}": one for one in message.attachments}
        made = copy.deepcopy(message.components)
        for one in media(made):
            if (file := files.get(one["url"])) is not None:
                url = link(self, file)
                one |= {
                    "url": url,
                    "proxy_url": url,
                    "content_type": file.kind,
                    "attachment_id": file.id,
                    "width": 100,
                    "height": 100,
                }
        return made

    def signature(self, file: str, ends: int) -> str:
        """Of a link to a file."""
        return hashlib.sha256(f"{self._secret}{file}{ends}".encode()).hexdigest()

    # -- servers, channels, people -------------------------------------------------------------------------------------------------

    def add_guild(self, name: str, *, bot: bool = True) -> LocalGuild:
        """Another server, with a #general; with the app in it, or without."""
        guild = new_guild(self, name, bot=bot)
        self.guilds[guild.id] = guild
        if bot:
            self.events.guild_joined(guild)
        return guild

    def remove_bot(self, guild: Guild) -> None:
        """Somebody takes the app out of a server."""
        self.events.guild_left(guild)
        guild.has_bot = False
        guild.members.pop(self.bot.id, None)
        self.poke()

    def may_write_to(self, user: str) -> bool:
        """Whether the app may write to somebody directly."""
        shared = any(one.has_bot and user in one.members for one in self.guilds.values())
        return self.people[user].takes_messages and (shared or self.people[user].installed)

    def delete_channel(self, place: Channel) -> None:
        """Delete a channel with its threads, or a thread."""
        for thread in self.threads(place):
            self.delete_channel(thread)
        self.events.channel_deleted(place)
        place.deleted = True
        self.poke()

    # -- messages: the one place where they come and go ------------------------------------------------------------------------------

    def add_message(self, message: Message) -> None:
        self.all_messages.append(message)
        self.events.message(message)
        self.poke()

    def delete_message(self, message: Message) -> None:
        message.deleted = True
        self.events.message_deleted(message)
        self.poke()

    # -- trouble -------------------------------------------------------------------------------------------------------------------

    def fault(self, what: str, **more: Any) -> Fault:
        """Script a fault for the next calls that look like this: ``POST /channels/*/messages``, ``*``; see `Fault`."""
        return self.faults.add(what, **more)

    def advance(self, seconds: float) -> None:
        """Let time pass for Discord."""
        self.clock.advance(seconds)
        self.poke()

    def cut(self) -> int:
        """Break every connection to the gateway; how many there were. Sessions can be resumed."""
        return self.gateway.cut()

    async def down(self, seconds: float | None = None, *, refuse: bool = True) -> None:
        """Discord is down, until `up` or for so many seconds: nobody is there, or there is a 503 with ``refuse=False``."""
        self.gateway.cut()
        await self._go_away(refuse=refuse)
        await self.wait_for(lambda: not self.gateway.live, why="all connections broken")
        if seconds is not None:
            self.spawn(self._up_after(seconds))

    async def _up_after(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        await self.up()

    async def up(self) -> None:
        """Discord is back, at the same address."""
        await self._come_back()

    def spawn(self, work: Any) -> None:
        """Run in the background until it is done or Discord is closed."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
