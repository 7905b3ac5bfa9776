"""Limits of commands and of what autocomplete offers that Discord's document does not tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

CHARACTERS = 8000  #: of names, descriptions and values of choices in one command
_NAME = re.compile(r"[-_'\w]{1,32}")

Problems = Iterator[str]


def command(body: Mapping[str, Any], at: str) -> Problems:
    """A command and all its options."""
    if (body.get("type") or 1) != 1:
        if body.get("options") or body.get("description") not in (None, "", "unchanged"):
            yield f"{at}/description: a command of a menu has neither description nor options"
        return
    yield from _named(body, at)
    yield from _options(body.get("options") or [], at, depth=0)
    if (length := _characters(body)) > CHARACTERS:
        yield f"{at}: {length} characters, at most {CHARACTERS}"


def choices(offered: Sequence[Mapping[str, Any]], at: str) -> Problems:
    """What autocomplete offers."""
    if len(offered) > 25:
        yield f"{at}: Must be 25 or fewer in length."
    for number, one in enumerate(offered):
        if not 1 <= len(str(one.get("name", ""))) <= 100:
            yield f"{at}/{number}/name: Must be between 1 and 100 in length."
        if isinstance(one.get("value"), str) and not 1 <= len(one["value"]) <= 100:
            yield f"{at}/{number}/value: Must be between 1 and 100 in length."


def _named(one: Mapping[str, Any], at: str) -> Problems:
    name = str(one.get("name", ""))
    if not _NAME.fullmatch(name) or name != name.lower():
        yield f"{at}/name: {name!r} does not match the pattern of names"
    if not 1 <= len(str(one.get("description") or "")) <= 100:
        yield f"{at}/description: Must be between 1 and 100 in length."


def _options(options: Sequence[Mapping[str, Any]], at: str, *, depth: int) -> Problems:
    names = [one["name"] for one in options]
    if len(names) != len(set(names)):
        yield f"{at}/options: two options of one name"
    groups = [one for one in options if one["type"] in (1, 2)]
    if groups and len(groups) != len(options):
        yield f"{at}/options: Sub-command and sub-command group option types are mutually exclusive to all other types"
    required = [bool(one.get("required")) for one in options]
    if required != sorted(required, reverse=True):
        yield f"{at}/options: Required options must be placed before non-required options"
    for number, one in enumerate(options):
        here = f"{at}/options/{number}"
        yield from _named(one, here)
        if one["type"] == 2 and depth:
            yield f"{here}: a group inside a group"
        if one["type"] == 1 and depth > 1:
            yield f"{here}: a subcommand inside a subcommand"
        if one.get("autocomplete") and one.get("choices"):
            yield f"{here}: autocomplete and choices exclude each other"
        yield from choices(one.get("choices") or [], f"{here}/choices")
        if one["type"] in (1, 2):
            yield from _options(one.get("options") or [], here, depth=depth + (1 if one["type"] == 2 else 2))


def _characters(one: Mapping[str, Any]) -> int:
    own = len(str(one.get("name", ""))) + len(str(one.get("description") or ""))
    offered = sum(len(str(each["name"])) + len(str(each["value"])) for each in one.get("choices") or [])
    return own + offered + sum(_characters(each) for each in one.get("options") or [])
