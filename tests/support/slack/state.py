"""What Slack knows: workspaces with their people, channels, messages, views and files.

Written by the Web API (`api_*`) and by what people do (`people.py`); read by tests through `LocalSlack`. It decides nothing: who may do
what is decided by those who write.
"""

from __future__ import annotations

import itertools
import secrets
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from tests.support.slack.streams import Stream

Json = dict[str, Any]
_ALPHABET = string.ascii_uppercase + string.digits
_NUMBERS = itertools.count(1)


def new_id(prefix: str, length: int = 10) -> str:
    """``U0…``: unique, in the shape of Slack's ids."""
    number = f"{next(_NUMBERS):03X}"
    return prefix + "0" + "".join(secrets.choice(_ALPHABET) for _ in range(length - 2 - len(number))) + number


@dataclass(kw_only=True)
class Person:
    """A member of a workspace."""

    id: str
    team: str
    name: str
    email: str
    is_admin: bool = False
    is_owner: bool = False
    is_bot: bool = False
    deleted: bool = False
    restricted: bool = False  #: a guest
    tz: str = "Europe/Amsterdam"


@dataclass(kw_only=True)
class Channel:
    """A channel, or a direct conversation with the bot."""

    id: str
    team: str
    name: str
    kind: Literal["channel", "group", "im"] = "channel"
    members: set[str] = field(default_factory=set)
    archived: bool = False


@dataclass(kw_only=True)
class Version:
    """What a message showed at one time."""

    at: float
    text: str
    blocks: list[Json]


@dataclass(kw_only=True, eq=False)
class Message:
    """A message as it is now, and all it was."""

    ts: str
    team: str
    channel: str
    user: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    thread_ts: str | None = None  #: of a reply, and of a parent that has replies
    broadcast: bool = False
    bot_id: str | None = None
    username: str | None = None
    ephemeral_to: str | None = None
    files: list[str] = field(default_factory=list)
    unfurl_links: bool | None = None
    unfurl_media: bool | None = None
    reactions: dict[str, set[str]] = field(default_factory=dict)
    edits: list[Version] = field(default_factory=list)  #: what it showed before, oldest first
    edited_at: str | None = None
    deleted: bool = False
    stream: Stream | None = None

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass(kw_only=True)
class StoredFile:
    """An uploaded file."""

    id: str
    team: str
    name: str
    title: str
    user: str
    content: bytes = b""
    length: int = 0
    alt_text: str = ""
    uploaded: bool = False
    complete: bool = False  #: completed, whether shared or not
    shares: list[tuple[str, str]] = field(default_factory=list)  #: channel and message timestamp


@dataclass(kw_only=True, eq=False)
class View:
    """A modal or a Home tab, as somebody sees it."""

    id: str
    team: str
    user: str
    body: Json
    hash: str
    root: str
    previous: str | None = None
    state: Json = field(default_factory=dict)  #: what was typed or chosen: block id -> action id -> value

    @property
    def title(self) -> str:
        return str((self.body.get("title") or {}).get("text", ""))

    @property
    def blocks(self) -> list[Json]:
        blocks: list[Json] = self.body.get("blocks", [])
        return blocks


@dataclass(kw_only=True)
class Group:
    """A user group."""

    id: str
    handle: str
    name: str
    users: list[str]
    disabled: bool = False


@dataclass(kw_only=True)
class Workspace:
    """A team, its people and channels, and how the app is installed in it."""

    id: str
    name: str
    domain: str
    app_id: str
    bot: Person
    bot_id: str
    scopes: set[str]
    token: str
    installed: bool = True
    people: dict[str, Person] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    files: dict[str, StoredFile] = field(default_factory=dict)
    modals: dict[str, list[View]] = field(default_factory=dict)  #: user id -> stack, the visible one last
    homes: dict[str, View] = field(default_factory=dict)
    statuses: dict[tuple[str, str], str] = field(default_factory=dict)  #: channel and thread -> status line of the assistant

    def message(self, channel: str, ts: str) -> Message | None:
        """The message with this timestamp that everybody sees."""
        for message in reversed(self.messages):
            if message.ts == ts and message.channel == channel and message.ephemeral_to is None and not message.deleted:
                return message
        return None

    def shown(self, channel: str) -> Iterator[Message]:
        """Messages of a channel that are not deleted, oldest first."""
        return (one for one in self.messages if one.channel == channel and not one.deleted)

    def dm(self, user: str) -> Channel:
        """The direct conversation of the bot with this person; opened when there is none."""
        for channel in self.channels.values():
            if channel.kind == "im" and user in channel.members:
                return channel
        channel = Channel(id=new_id("D"), team=self.id, name="directmessage", kind="im", members={user, self.bot.id})
        self.channels[channel.id] = channel
        return channel

    def views(self) -> Iterator[View]:
        """Every view that is open, and every Home tab."""
        yield from (view for stack in self.modals.values() for view in stack)
        yield from self.homes.values()
