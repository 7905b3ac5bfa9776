"""Filling in a modal by its labels, and what the client does not let somebody send. Called by what people do (`users`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tests.support.discord import payloads, permissions
from tests.support.discord.content import walk
from tests.support.discord.options import NotSent, Upload, resolve_user, upload
from tests.support.discord.state import Channel, Json, Modal, Role

if TYPE_CHECKING:
    from tests.support.discord.server import LocalDiscord

TEXT, MENU, UPLOAD, RADIO, CHECKS, CHECK = 4, 3, 19, 21, 22, 23
Entry = str | bool | Sequence[str] | Sequence[Upload] | Sequence[Any]  #: people, roles and channels as themselves


def inputs(modal: Modal) -> dict[str, Json]:
    """What can be filled in, by its label."""
    found: dict[str, Json] = {}
    for one in modal.components:
        if one["type"] == 18:
            found[one["label"]] = one["component"]
        elif one["type"] == 1:
            found |= {each["label"]: each for each in one["components"]}
    return found


def value_of(modal: Modal, label: str) -> str:
    """What a text input of a form shows before anything is typed."""
    return str(_named(modal, label).get("value", ""))


def _named(modal: Modal, name: str) -> Json:
    known = inputs(modal)
    found = known.get(name) or next((one for one in known.values() if one.get("custom_id") == name), None)
    assert found is not None, f"the form has no {name!r}; it has {sorted(known)}"
    return found


def filled(server: LocalDiscord, channel: Channel, modal: Modal, entries: Mapping[str, Entry]) -> tuple[list[Json], Json]:
    """The components of a form that was filled in, and the files that it holds.

    Raises:
        NotSent: the client does not send this.
    """
    given = {str(_named(modal, name)["custom_id"]): entry for name, entry in entries.items()}
    resolved: Json = {}
    made: list[Json] = []
    for one in modal.components:
        if one["type"] == 18:
            inner = one["component"]
            made.append(
                {"type": 18, "id": one["id"], "component": _entered(server, channel, inner, one["label"], given, resolved)}
            )
        elif one["type"] == 1:
            each = [_entered(server, channel, inner, inner["label"], given, resolved) for inner in one["components"]]
            made.append({"type": 1, "id": one["id"], "components": each})
        else:
            made.append({"type": one["type"], "id": one["id"]})
    for known, told in resolved.get("channels", {}).items():
        told["permissions"] = str(permissions.in_channel(server, server.channels[known], modal.interaction.user))
    return made, resolved


def _entered(server: LocalDiscord, channel: Channel, one: Json, label: str, given: Mapping[str, Entry], resolved: Json) -> Json:
    base: Json = {"type": one["type"], "id": one["id"], "custom_id": one["custom_id"]}
    entry = given.get(one["custom_id"])
    match one["type"]:
        case 4:
            return base | {"value": _text(one, label, one.get("value", "") if entry is None else str(entry))}
        case 19:
            files = [upload(server, channel, file, resolved) for file in entry or ()]  # type: ignore[arg-type, union-attr]
            return base | {"values": _counted(one, label, files, default_least=1)}
        case 23:
            return base | {"value": bool(one.get("default")) if entry is None else bool(entry)}
        case 3 | 21 | 22:
            values = _chosen(one, label, entry)
            if one["type"] == RADIO:
                if one.get("required", True) and not values:
                    raise NotSent(f"{label}: This field is required")
                return base | {"value": values[0] if values else None}
            return base | {"values": _counted(one, label, values, default_least=1)}
        case 5 | 6 | 7 | 8:
            named = one.get("default_values", []) if entry is None else list(entry)  # type: ignore[call-overload]
            values = [_named_one(server, channel, each, resolved) for each in named]
            return base | {"values": _counted(one, label, values, default_least=1)}
        case kind:
            raise AssertionError(f"a component of type {kind} cannot be filled in yet")


def _named_one(server: LocalDiscord, channel: Channel, one: Any, resolved: Json) -> str:
    """A person, a role or a channel that was chosen, or that a menu chooses before anybody did."""
    guild = server.guilds[channel.guild] if channel.guild else None
    if isinstance(one, dict):
        known = str(one["id"])
        if one["type"] == "user":
            assert known in server.people, f"Discord knows no user {known}"
            resolved.setdefault("users", {})[known] = payloads.person(server.people[known])
            return known
        if one["type"] == "channel":
            one = server.channels[known]
        else:
            assert guild is not None
            one = guild.roles[known]
    if isinstance(one, str):
        one = server.channel(one, guild)
    if isinstance(one, Role):
        resolved.setdefault("roles", {})[one.id] = payloads.role(one)
        return one.id
    if isinstance(one, Channel):
        resolved.setdefault("channels", {})[one.id] = payloads.channel(server, one)
        return one.id
    return resolve_user(server, channel, one, resolved)


def _text(one: Json, label: str, text: str) -> str:
    if one.get("required", True) and not text:
        raise NotSent(f"{label}: This field is required")
    if text and not one.get("min_length", 0) <= len(text) <= one.get("max_length", 4000):
        raise NotSent(f"{label}: Must be between {one.get('min_length', 0)} and {one.get('max_length', 4000)} in length.")
    return text


def _chosen(one: Json, label: str, entry: Any) -> list[str]:
    options = one.get("options", [])
    if entry is None:
        return [each["value"] for each in options if each.get("default")]
    wanted = [entry] if isinstance(entry, str) else list(entry)
    found = []
    for choice in wanted:
        values = [each["value"] for each in options if choice in (each["label"], each["value"])]
        assert values, f"{choice!r} is no choice of {label}: {[each['label'] for each in options]}"
        found.append(values[0])
    return found


def _counted(one: Json, label: str, values: list[str], *, default_least: int) -> list[str]:
    if not values and not one.get("required", True):
        return values
    least, most = one.get("min_values", default_least), one.get("max_values", 1)
    if not least <= len(values) <= most:
        raise NotSent(f"{label}: {len(values)} chosen, {least} to {most}")
    return values


def component(components: Sequence[Json], *, label: str = "", custom_id: str = "", kinds: Sequence[int] = (2,)) -> Json:
    """A button or menu by what it says or by its ``custom_id``; the start of it, up to a colon, is enough."""
    shown = [one for one in walk(components) if one["type"] in kinds]

    def named(one: Json) -> bool:
        its = str(one.get("custom_id", ""))
        if custom_id:
            return its == custom_id or its.startswith(f"{custom_id}:")
        return label in (one.get("label"), one.get("placeholder"), (one.get("emoji") or {}).get("name"))

    found = [one for one in shown if named(one)]
    all_shown = [one.get("label") or one.get("placeholder") or one.get("custom_id") for one in shown]
    assert len(found) == 1, f"{len(found)} of {label or custom_id!r}; there are {all_shown}"
    return found[0]
