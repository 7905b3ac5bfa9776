"""Opening threads: on a message in a text channel, as a post in a forum, as a first message in direct messages; elsewhere there is none.

Used by `adapters.discord.outbound`. Opening the same again gives the same: the first message is found by its mark, and Discord says when
there is a thread on it. Where the channel is closed to the bot, the thread is opened in the direct messages with the person who asked, and
says why. It asks nobody anything.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import discord
import structlog
from discord.http import handle_message_parameters

from adapters.discord.calls import MENTIONS_NOBODY, Calls, Json
from adapters.discord.channels import Channel, Channels, Kind
from adapters.discord.faults import Blocked, ChannelClosed, DiscordRefusal, Malformed, MessageGone, ThreadExists
from adapters.discord.finding import Finder
from adapters.discord.notes import note
from adapters.discord.posting import Posting, nonce
from adapters.discord.reaching import Reach
from adapters.discord.render.text import calm, escape
from core.conversation.measuring import clip
from core.words.thread_ref import ThreadRef

log = structlog.get_logger(__name__)

T = TypeVar("T")

PLATFORM = "discord"
NAME = 100  #: characters of a thread's name
NAMELESS = "An app"  #: where there is none, or a rule of the server forbids it
TITLE = 1000
WEEK, DAYS = 10_080, 4320  #: minutes without a message, after which Discord archives a thread

Fields = Mapping[str, object]


class Opening:
    """Opens threads."""

    def __init__(self, calls: Calls, channels: Channels, finder: Finder, posting: Posting, reach: Reach) -> None:
        self._calls = calls
        self._channels = channels
        self._finder = finder
        self._posting = posting
        self._reach = reach

    async def open(self, workspace: str, channel: str, title: str, *, key: str, user: str) -> ThreadRef:
        """The thread, which may be in the direct messages with the user."""
        try:
            return await self._open(workspace, channel, title, key=key, user=user)
        except ChannelClosed as closed:
            if not user or await self._channels.is_direct(channel):
                raise
            log.info("a thread is opened in a direct message", channel=channel, why=closed.message)
            why = f"\nIt is here and not in <#{channel}>, because I cannot open a thread there. {escape(closed.message)}"
            direct = await self._reach.direct(user)
            return await self._on_message(workspace, direct, title, key=key, user=user, direct=True, why=why)

    async def _open(self, workspace: str, channel: str, title: str, *, key: str, user: str) -> ThreadRef:
        there = await self._channels.look(channel)
        if there.kind is Kind.THREAD:
            return _ref(workspace, there.parent or channel, channel, user)
        if there.kind is Kind.POSTS:
            return await self._post(workspace, there, title, key=key, user=user)
        if there.kind is Kind.OTHER:
            raise ChannelClosed("There are no threads in that kind of channel: choose a text channel, or a forum.")
        direct = there.kind is Kind.DIRECT
        return await self._on_message(workspace, channel, title, key=key, user=user, direct=direct)

    async def _on_message(
        self, workspace: str, channel: str, title: str, *, key: str, user: str, direct: bool, why: str = ""
    ) -> ThreadRef:
        """A message, and a thread on it; the message alone in direct messages."""

        async def send() -> str:
            sent = await self._saying(
                title,
                user,
                lambda text: self._calls.send(
                    channel, note(text + why, key), nonce=nonce(channel, key), mentions=mentioning(user)
                ),
            )
            return str(sent["id"])

        root, new = await self._posting.once(channel, key, send=send)
        if not direct:
            try:
                await self._thread_on(channel, root, title)
            except (ChannelClosed, MessageGone) as error:
                if isinstance(error, ChannelClosed):  # nobody shall wait for a thread there
                    with contextlib.suppress(DiscordRefusal):
                        await self._calls.call(
                            "DELETE", "/channels/{channel_id}/messages/{message_id}", channel_id=channel, message_id=root
                        )
                self._posting.forget(channel, key)
                raise
            if new:
                self._posting.opened(root)
        return _ref(workspace, channel, root, user)

    async def _thread_on(self, channel: str, message: str, title: str) -> None:
        async def create(fields: Fields) -> None:
            await self._calls.call(
                "POST",
                "/channels/{channel_id}/messages/{message_id}/threads",
                channel_id=channel,
                message_id=message,
                json=fields,
                needs="thread",
            )

        with contextlib.suppress(ThreadExists):
            await self._named(title, create)

    async def _post(self, workspace: str, forum: Channel, title: str, *, key: str, user: str) -> ThreadRef:
        async def create(text: str, fields: Fields) -> Json:
            with handle_message_parameters(
                view=note(text, key),
                allowed_mentions=mentioning(user),
                channel_payload={**fields, "applied_tags": list(forum.tags[:1])},
            ) as message:
                made: Json = await self._calls.call_once(
                    "POST", "/channels/{channel_id}/threads", message, needs="post", channel_id=forum.id
                )
                return made

        async def send() -> str:
            try:
                made = await self._saying(title, user, lambda text: self._named(title, lambda fields: create(text, fields)))
            except Malformed as malformed:
                raise ChannelClosed(
                    "Posts in that channel need something that the bot has not: choose another one."
                ) from malformed
            return str(made["id"])

        async def look() -> str | None:
            return await self._finder.post_in(workspace, forum.id, {_name(title), NAMELESS}, key)

        post, new = await self._posting.once(forum.id, key, send=send, look=look)
        if new:
            self._posting.opened(post)
        return _ref(workspace, forum.id, post, user)

    async def _saying(self, title: str, user: str, send: Callable[[str], Awaitable[T]]) -> T:
        """Send what was asked; where a rule of the server blocks that, that something was."""
        asked = f"<@{user}> asked for an app" if user else "An app"
        try:
            return await send(f"{asked}: {escape(clip(' '.join(title.split()), TITLE))}")
        except Blocked as blocked:
            log.info("a title is not shown", why=blocked.message)
            return await send(f"{asked}.")

    async def _named(self, title: str, create: Callable[[Fields], Awaitable[T]]) -> T:
        fields = {"name": _name(title), "auto_archive_duration": WEEK}
        try:
            return await create(fields)
        except Blocked:
            return await create({**fields, "name": NAMELESS})
        except Malformed:
            return await create({**fields, "auto_archive_duration": DAYS})


def mentioning(user: str) -> discord.AllowedMentions:
    """Nobody but the user is told of what a message says."""
    if not user.isdecimal():
        return MENTIONS_NOBODY
    users: list[Any] = [discord.Object(int(user))]
    return discord.AllowedMentions(everyone=False, roles=False, users=users, replied_user=False)


def _name(title: str) -> str:
    return clip(" ".join(calm(title).split()), NAME) or NAMELESS


def _ref(workspace: str, channel: str, thread: str, user: str) -> ThreadRef:
    return ThreadRef(platform=PLATFORM, workspace=workspace, channel=channel, thread=thread, user=user)
