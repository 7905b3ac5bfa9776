"""Parts of payloads, as values of the kind that is wanted: what is missing, or of another kind, is empty. Pure.

Used by `adapters.discord.inbound`, to which anything may come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def text_of(part: Mapping[str, Any], name: str) -> str:
    """A text."""
    value = part.get(name)
    return value if isinstance(value, str) else ""


def id_of(part: Mapping[str, Any], name: str) -> str:
    """An id, which Discord writes as text and libraries as a number."""
    value = part.get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def number_of(part: Mapping[str, Any], name: str) -> int:
    """A whole number, 0 where there is none."""
    value = part.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def part_of(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object."""
    value = body.get(name)
    return value if isinstance(value, Mapping) else {}


def parts_of(body: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """The objects of a list."""
    value = body.get(name)
    return (one for one in (value if isinstance(value, list) else []) if isinstance(one, Mapping))


def value_of(value: Any) -> str:
    """What was put into an option, as text."""
    return str(value) if isinstance(value, str | int | float) else ""


def is_number(text: str) -> bool:
    """Whether this may be an id, or the number of a set of permissions."""
    return text.isascii() and text.isdecimal() and len(text) <= 20
