"""A chat platform as a process serves it: the same for each of them.

Made by `bot.wiring_slack` and `bot.wiring_discord`, served by `bot.program` (``nexus up``) and `bot.chats` (``nexus bot``). It knows no
platform.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from aiohttp import web

from core.builds.pictures import load_picture
from core.conversation.chat import Chat
from core.ledger.ledger import Ledger

Tell = Callable[[str], None]  #: sentences for whoever runs this Nexus


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatPlatform:
    """A chat platform that is configured, as a process serves it."""

    chat: Chat
    add_to: Callable[[web.Application], None]  #: adds the routes that it needs
    serving: Callable[
        [], AbstractAsyncContextManager[None]
    ]  #: takes in what people do; at the end sees through what was taken in
    close: Callable[[], Awaitable[None]]


def pictures_in(ledger: Ledger) -> Callable[[str], Awaitable[tuple[bytes, str]]]:
    """What loads a picture of a card, by the path that the card has: its bytes and media type."""

    async def load(path: str) -> tuple[bytes, str]:
        _, _, build, _, digest = path.split("/")  # /builds/…/pictures/…
        async with ledger.reading() as session:
            picture = await load_picture(session, build, f"sha256:{digest}")
        return picture.content, picture.media_type

    return load
