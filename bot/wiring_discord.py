"""The part of the wiring that puts Discord together. Its SDK is imported only where Discord is configured.

Called by `bot.wiring`, for `nexus up` and for `nexus bot` alike.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat_platform import ChatCheck, ChatPlatform, Tell
from bot.discord import DiscordSettings
from bot.platform.data_folder import DataFolder
from bot.wiring_face import Face


def discord_platform(discord: DiscordSettings, data: DataFolder, face: Face, tell: Tell) -> ChatPlatform:
    """Discord, put together; takes in nothing before it is `ChatPlatform.serving`."""
    raise NotImplementedError


async def discord_checks(discord: DiscordSettings) -> Sequence[ChatCheck]:
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
