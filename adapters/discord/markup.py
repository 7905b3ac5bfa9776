"""Discord's markup in what people write: mentions, emoji and commands, as the words that they see. Pure.

Used by `adapters.discord.inbound`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapters.discord.fields import id_of, part_of, parts_of, text_of

_ENTITY = re.compile(r"<(?:(@[!&]?|#)([0-9]{1,20})|a?:([A-Za-z0-9_]{1,40}):[0-9]{1,20}|/([^<>:\n]{1,110}):[0-9]{1,20})>")
_SOMEBODY = re.compile(r"\s*<@[!&]?([0-9]{1,20})>")


def plain(text: str, names: Mapping[str, str], *, without: Sequence[str] = ()) -> str:
    """Discord's markup as the words that people see; mentions of ``without`` (the bot) are left out."""

    def shown(match: re.Match[str]) -> str:
        kind, of, emoji, slash = match[1], match[2], match[3], match[4]
        if emoji:
            return f":{emoji}:"
        if slash:
            return f"/{slash}"
        if of in without:
            return ""
        return f"{kind[0]}{names.get(of, of)}"

    return _ENTITY.sub(shown, text).strip()


def names_in(part: Mapping[str, Any]) -> dict[str, str]:
    """What the people, roles and channels are called whom words may mention."""
    found: dict[str, str] = {}
    for kind in ("mentions", "mention_channels"):
        found |= {id_of(one, "id"): called(one) for one in parts_of(part, kind)}
    for kind in ("users", "roles", "channels"):
        found |= {key: called(one) for key, one in part_of(part, kind).items() if isinstance(one, Mapping)}
    return {key: name for key, name in found.items() if key and name}


def called(user: Mapping[str, Any]) -> str:
    """The name that a user, a role or a channel goes by."""
    return (
        text_of(part_of(user, "member"), "nick")
        or text_of(user, "global_name")
        or text_of(user, "username")
        or text_of(user, "name")
    )


def mentioned(payload: Mapping[str, Any], text: str) -> Iterator[str]:
    """The ids of those whom a message mentions; who is replied to may be among them."""
    yield from (id_of(one, "id") for one in parts_of(payload, "mentions"))
    yield from (match[2] for match in _ENTITY.finditer(text) if match[1] in {"@", "@!", "@&"})


def addressed(text: str) -> str:
    """The id of the one with whom the words begin; empty where they begin with nobody."""
    begins = _SOMEBODY.match(text)
    return begins[1] if begins is not None else ""
