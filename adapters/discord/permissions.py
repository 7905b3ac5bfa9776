"""Names of permissions, as discord.py has them, as numbers and as Discord's pages show them. Pure; used by what invites and what checks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from discord import Permissions

#: Where Discord shows another name than the plain one.
_LABELS: Final = {"read_messages": "View Channels", "view_channel": "View Channels"}


def bits(names: Iterable[str]) -> int:
    """The number that has these permissions and no others."""
    return Permissions(**dict.fromkeys(names, True)).value


def missing(granted: int, names: Iterable[str]) -> list[str]:
    """Those of these permissions that are not granted. Who administers a server has them all."""
    given = Permissions(granted)
    return [] if given.administrator else [name for name in names if not getattr(given, name)]


def label(name: str) -> str:
    """As it stands in Discord's settings of a role."""
    return _LABELS.get(name) or " ".join(word if word == "in" else word.capitalize() for word in name.split("_"))
