"""The links that bring Nexus to where people are: into a server, or to one person alone. Pure, but for the question whose token it is.

Printed by ``nexus discord invite``, and named by the doctor. What is asked for in a server is `adapters.discord.manifest.PERMISSIONS`, no
more.
"""

from __future__ import annotations

import re
from urllib.parse import urlencode

from pydantic import SecretStr

from adapters.discord.asking import Asking, Refusal
from adapters.discord.manifest import PERMISSIONS, SCOPES
from adapters.discord.permissions import bits, label
from core.errors import InvalidInput, OperatorError

AUTHORIZE = "https://discord.com/oauth2/authorize"
PORTAL = "https://discord.com/developers/applications"

_ID = re.compile(r"\d{17,20}")


def server_link(application: str, *, guild: str = "") -> str:
    """Adds Nexus to a server; to this one alone where it is named.

    Raises:
        InvalidInput: an id is none.
    """
    asked = {"client_id": _id(application, "application"), "integration_type": "0", "scope": " ".join(SCOPES)}
    asked["permissions"] = str(bits(PERMISSIONS))
    if guild:
        asked |= {"guild_id": _id(guild, "server"), "disable_guild_select": "true"}
    return f"{AUTHORIZE}?{urlencode(asked)}"


def personal_link(application: str) -> str:
    """Adds Nexus's commands to whoever opens it, wherever they are."""
    asked = {"client_id": _id(application, "application"), "integration_type": "1", "scope": "applications.commands"}
    return f"{AUTHORIZE}?{urlencode(asked)}"


def invitation(application: str, *, guild: str = "") -> str:
    """The links and what is asked for, as text for a terminal; the first line is the link and nothing else.

    Raises:
        InvalidInput: see `server_link`.
    """
    width = max(len(label(name)) for name in PERMISSIONS)
    lines = [
        server_link(application, guild=guild),
        "",
        "Open it to add Nexus to a server that you may manage. It asks for:",
        "",
        *(f"  {label(name):<{width}}  {why}" for name, why in PERMISSIONS.items()),
    ]
    if not guild:
        lines += [
            "",
            "For members of such a server who want its commands in direct messages and in other servers too, each for themselves:",
            "",
            f"  {personal_link(application)}",
        ]
    return "\n".join(lines) + "\n"


async def application_of(token: SecretStr, *, api_url: str) -> str:
    """The id of the application that this token is for.

    Raises:
        OperatorError: Discord refuses the token.
        TemporaryError: it cannot be asked just now.
    """
    async with Asking(api_url, token) as asking:
        try:
            return str((await asking.get("/applications/@me"))["id"])
        except Refusal as error:
            raise OperatorError(
                f"Discord refuses DISCORD_TOKEN: {error}. Copy the token from the application's Bot page (Reset Token) at {PORTAL}."
            ) from error


def _id(value: str, what: str) -> str:
    if not _ID.fullmatch(value.strip()):
        raise InvalidInput(
            f"{value!r} is no id of {'an' if what[0] in 'aeiou' else 'a'} {what}: it has 17 to 20 digits. Turn Developer Mode on in "
            "Discord (User Settings > Advanced), and Copy ID is in the menu of everything."
        )
    return value.strip()
