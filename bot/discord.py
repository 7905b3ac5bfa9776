"""Whether and how Discord is configured: read out of the settings, in one place.

Asked by the wiring, which constructs Discord's adapters, and by the CLI. It asks nobody whether a token is good; `nexus doctor` does. What
cannot be a bot's token is refused with what it looks like and where the token is: the developer portal shows four things that are easily
mistaken for it. No refusal shows what was set.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.settings import Settings
from core.errors import OperatorError

GUIDE = "docs/discord.md says where it is found."

_ID = re.compile(r"\d{17,20}")
_KEY = re.compile(r"[0-9a-fA-F]{64}")
_SECRET = re.compile(r"[\w-]{32}")
_TOKEN = re.compile(r"([\w-]{20,})\.[\w-]+\.[\w-]{20,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscordSettings:
    """A whole configuration."""

    token: SecretStr = field(repr=False)
    api_url: str
    gateway_url: str = ""  #: empty: as the API says
    message_content: bool = True  #: whether the privileged intent is asked for


def discord(settings: Settings) -> DiscordSettings | None:
    """How Discord is configured; None when it is not.

    Raises:
        OperatorError: what is set cannot be a bot's token, or an address is none.
    """
    given = settings.discord_token.get_secret_value() if settings.discord_token is not None else ""
    token = given.strip().strip("\"'").removeprefix("Bot ").strip()
    if not token:
        return None
    if wrong := _no_token(token):
        raise OperatorError(
            f"DISCORD_TOKEN is no bot token: {wrong}. Copy the token from the application's Bot page (Reset Token) at "
            f"https://discord.com/developers/applications. {GUIDE}"
        )
    return DiscordSettings(
        token=SecretStr(token),
        api_url=_address("DISCORD_API_URL", settings.discord_api_url, "https", "http"),
        gateway_url=_address("DISCORD_GATEWAY_URL", settings.discord_gateway_url, "wss", "ws")
        if settings.discord_gateway_url
        else "",
        message_content=settings.discord_message_content,
    )


def _no_token(token: str) -> str:
    """What this is instead; empty for what may be a token."""
    if any(character.isspace() for character in token):
        return "there is a space or a line break in it"
    if _ID.fullmatch(token):
        return "it is an id, as an application's is"
    if _KEY.fullmatch(token):
        return "it is the application's public key"
    if _SECRET.fullmatch(token):
        return "it looks like the client secret of the OAuth2 page"
    if token.startswith("mfa."):
        return "it is a person's, and people's accounts may not be run by programs"
    if token.startswith(("http://", "https://")):
        return "it is an address"
    if token.startswith(("xoxb-", "xapp-", "xoxp-")):
        return "it is one of Slack's"
    found = _TOKEN.fullmatch(token)
    if found is None:
        return "a bot's token has three parts with a dot between them"
    return "" if _names_an_id(found[1]) else "its first part is not an id, so something is missing or was added"


def _names_an_id(part: str) -> bool:
    """Whether this first part of a token is somebody's id in base64, as all of Discord's are."""
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).isdigit()
    except (binascii.Error, ValueError):
        return False


def _address(name: str, value: str, *schemes: str) -> str:
    address = value.strip().rstrip("/")
    parts = urlsplit(address)
    if parts.scheme not in schemes or not parts.hostname:
        raise OperatorError(f"{name} is no address: it begins with {schemes[0]}://. Leave it out for Discord itself.")
    return address
