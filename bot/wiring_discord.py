"""The part of the wiring that puts Discord together. Its SDK is imported only where Discord is configured.

Called by `bot.wiring`, for `nexus up` and for `nexus bot` alike.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence

from bot.chat_platform import ChatPlatform, Tell, pictures_in
from bot.discord import DiscordSettings
from bot.process import at_work
from bot.wiring_face import Face
from core.conversation.journal import Journal
from core.ledger.deliveries import Deliveries
from core.words.check import Check


def discord_platform(discord: DiscordSettings, face: Face, tell: Tell) -> ChatPlatform:
    """Discord, put together; takes in nothing before it is `ChatPlatform.serving`."""
    from adapters.discord.answering import Answering
    from adapters.discord.app import NexusClient
    from adapters.discord.attachments import Attachments
    from adapters.discord.calls import Calls
    from adapters.discord.connection import Connection, proxy_to
    from adapters.discord.desk import KINDS, DiscordDesk
    from adapters.discord.desk import Parts as DeskParts
    from adapters.discord.directs import Directs
    from adapters.discord.drafts import Drafts
    from adapters.discord.home import Homes
    from adapters.discord.interactions import Interactions
    from adapters.discord.outbound import DiscordChat
    from adapters.discord.people import DiscordPeople
    from adapters.discord.pictures import Pictures
    from adapters.discord.tail import DiscordTails

    async def trouble(workspace: str, why: str) -> None:
        tell(f"Discord, server {workspace}: {why}" if workspace else f"Discord: {why}")

    client = NexusClient(
        api_url=discord.api_url,
        gateway_url=discord.gateway_url,
        message_content=discord.message_content,
        tell=tell,
        proxy=proxy_to(discord.api_url),
    )
    calls = Calls(client, trouble=trouble)
    chat = DiscordChat(calls, pictures=Pictures(pictures_in(face.ledger)), reads_replies=client.reads_replies)
    directs, drafts, interactions = Directs(calls), Drafts(), Interactions(calls)
    people = DiscordPeople(calls, face.people, face.engine)
    tails = DiscordTails(calls, face.engine, face.inbox, directs)
    desk = DiscordDesk(
        DeskParts(
            dialogue=face.dialogue,
            engine=face.engine,
            calls=calls,
            people=people,
            attachments=Attachments(api_url=discord.api_url),
            interactions=interactions,
            drafts=drafts,
            answering=Answering(
                calls, interactions, face.inbox, face.engine, tails, directs, drafts, link=chat.link, roles=people.roles
            ),
            directs=directs,
            tails=tails,
            homes=Homes(face.engine, people, face.people, link=chat.link),
            removed=trouble,
            journal=Journal(Deliveries(face.ledger, face.vault, chat.platform, to_all=True), KINDS),
        )
    )
    client.take(desk)
    connection = Connection(client, discord.token, tell=tell, ready=lambda: chat.reads_replies(client.reads_replies))

    @contextlib.asynccontextmanager
    async def serving() -> AsyncIterator[None]:
        async with at_work({"discord connection": connection.run()}):  # answers go by it, to the last of what was taken in
            try:
                async with at_work({"discord journal": desk.run()}):
                    yield
            finally:
                await connection.leave()
                await desk.close()

    return ChatPlatform(chat=chat, add_to=lambda site: None, serving=serving, close=chat.close)


async def discord_checks(discord: DiscordSettings) -> Sequence[Check]:
    """What the doctor finds of Discord."""
    from adapters.discord.checks import Checked, check

    return await check(
        Checked(
            api_url=discord.api_url, gateway_url=discord.gateway_url, token=discord.token, message_content=discord.message_content
        )
    )


async def discord_invitation(discord: DiscordSettings | None, *, application: str, guild: str) -> str:
    """The link that adds the app to a server; of the token's application where none is named."""
    from adapters.discord.inviting import application_of, invitation

    if discord is not None and not application:
        application = await application_of(discord.token, api_url=discord.api_url)
    return invitation(application, guild=guild)
