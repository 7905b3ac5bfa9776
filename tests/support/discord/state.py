"""What Discord knows: servers with their members, roles and channels, messages, files, commands and interactions.

Written by the API (`api_*`) and by what people do (`users`); read by tests through `LocalDiscord`. It decides nothing: who may do what is
decided by those who write. Ids are text everywhere, as they are in JSON.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

TEXT, DM, VOICE, GROUP_DM, CATEGORY, ANNOUNCEMENT = 0, 1, 2, 3, 4, 5
ANNOUNCEMENT_THREAD, PUBLIC_THREAD, PRIVATE_THREAD, STAGE, FORUM, MEDIA = 10, 11, 12, 13, 15, 16
THREADS = (ANNOUNCEMENT_THREAD, PUBLIC_THREAD, PRIVATE_THREAD)
KINDS = {
    "text": TEXT,
    "voice": VOICE,
    "category": CATEGORY,
    "announcement": ANNOUNCEMENT,
    "stage": STAGE,
    "forum": FORUM,
    "media": MEDIA,
}

EPHEMERAL, LOADING, HAS_THREAD, V2 = 1 << 6, 1 << 7, 1 << 5, 1 << 15
DEFAULT, THREAD_CREATED, REPLY, COMMAND, THREAD_STARTER, CONTEXT_COMMAND = 0, 18, 19, 20, 21, 23
SYSTEM = (THREAD_CREATED, THREAD_STARTER)


@dataclass(kw_only=True, eq=False)
class Person:
    """An account, of a person or a bot."""

    id: str
    name: str
    bot: bool = False
    system: bool = False
    takes_messages: bool = True  #: whether apps may write to them directly
    installed: bool = False  #: whether they installed the app for themselves


@dataclass(kw_only=True, eq=False)
class Role:
    id: str
    name: str
    permissions: int = 0
    position: int = 1
    managed: bool = False
    bot: str = ""  #: of a managed role: the app that it belongs to


@dataclass(kw_only=True, eq=False)
class Member:
    """A person in a server."""

    person: Person
    joined: str
    roles: list[str] = field(default_factory=list)
    nick: str | None = None


@dataclass(kw_only=True, eq=False)
class Overwrite:
    """What a channel allows and denies to a role or a member."""

    target: str
    is_member: bool
    allow: int = 0
    deny: int = 0


@dataclass(kw_only=True, eq=False)
class Channel:
    """A channel, a thread, a post of a forum, or a direct conversation."""

    id: str
    kind: int
    name: str = ""
    guild: str | None = None
    parent: str | None = None  #: of a thread: its channel
    position: int = 0
    topic: str | None = None
    overwrites: dict[str, Overwrite] = field(default_factory=dict)
    people: set[str] = field(default_factory=set)  #: of a direct conversation or a thread: who is in it
    owner: str = ""  #: who opened a thread
    created: str = ""
    archived: bool = False
    locked: bool = False
    archived_at: str = ""
    auto_archive: int = 1440
    tags: list[str] = field(default_factory=list)  #: that a post carries
    offered: list[str] = field(default_factory=list)  #: of a forum: names of the tags that posts may carry, by their ids
    needs_tag: bool = False
    deleted: bool = False

    @property
    def is_thread(self) -> bool:
        return self.kind in THREADS

    @property
    def is_direct(self) -> bool:
        return self.kind in (DM, GROUP_DM)


@dataclass(kw_only=True, eq=False)
class Attachment:
    """A file of a message."""

    id: str
    channel: str
    name: str
    content: bytes = field(repr=False)
    kind: str = "application/octet-stream"
    description: str | None = None
    ephemeral: bool = False


@dataclass(kw_only=True, eq=False)
class Message:
    """A message as it is now, and all that it was."""

    id: str
    channel: str
    author: str
    at: float
    kind: int = DEFAULT
    content: str = ""
    components: list[Json] = field(default_factory=list)
    embeds: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    flags: int = 0
    nonce: str | int | None = None
    reference: str | None = None  #: the message to which it replies, or that a thread starts from
    reference_channel: str | None = None
    thread: str | None = None  #: the thread that was opened on it
    interaction: Interaction | None = None  #: what it answers
    only_for: str | None = None  #: an ephemeral message: who sees it
    mentions: list[str] = field(default_factory=list)  #: who was notified
    mentioned_roles: list[str] = field(default_factory=list)
    everyone: bool = False  #: whether all were notified
    reactions: dict[str, set[str]] = field(default_factory=dict)
    edited_at: float | None = None
    edits: list[tuple[str, list[Json]]] = field(default_factory=list)  #: content and components it had, oldest first
    deleted: bool = False

    @property
    def is_v2(self) -> bool:
        return bool(self.flags & V2)

    @property
    def ephemeral(self) -> bool:
        return self.only_for is not None

    @property
    def loading(self) -> bool:
        """It says that the app is thinking."""
        return bool(self.flags & LOADING)

    def file(self, name: str) -> bytes:
        """The content of one of its files."""
        found = {one.name: one.content for one in self.attachments}
        assert name in found, f"{name!r} is none of {sorted(found)}"
        return found[name]


@dataclass(kw_only=True, eq=False)
class Modal:
    """A form that an app showed somebody."""

    custom_id: str
    title: str
    components: list[Json]
    interaction: Interaction  #: what it answered
    open: bool = True


@dataclass(kw_only=True, eq=False)
class Interaction:
    """Something that a person asked of the app, and how it was answered."""

    id: str
    token: str
    kind: int  #: 2 command, 3 component, 4 autocomplete, 5 form
    user: str
    channel: str
    at: float
    payload: Json
    message: Message | None = None  #: where the button or menu was
    private_install: bool = False  #: allowed by the person's own installation alone
    answered: int = 0  #: the type of the first answer, 0 for none
    answered_at: float | None = None
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    extra: int = 0  #: messages that count as follow-ups
    modal: Modal | None = None
    choices: list[Json] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)  #: codes of first answers that were refused
    expired: bool = False  #: the person was told that the application did not respond
    settled: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def acknowledged(self) -> bool:
        return self.answered > 0


@dataclass(kw_only=True, eq=False)
class Guild:
    """A server."""

    id: str
    name: str
    owner: str = ""
    has_bot: bool = True
    roles: dict[str, Role] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
