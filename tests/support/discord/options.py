"""The options of a command as the client sends them, and what the client does not let somebody send.

Called by what people do (`users`). What a command asks for is what the app registered; there is nothing else that can be typed.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.discord import payloads
from tests.support.discord.state import Attachment, Channel, Json, Role

if TYPE_CHECKING:
    from tests.support.discord.server import LocalDiscord
    from tests.support.discord.users import DiscordUser

SUBCOMMAND, GROUP, TEXT, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, FILE = range(1, 12)
Upload = tuple[str, bytes]  #: name and content


class NotSent(Exception):
    """The client does not let them send it, and says why."""


@dataclass(kw_only=True)
class Entered:
    """What was entered, as it is sent."""

    options: list[Json]
    resolved: Json = field(default_factory=dict)


def available(server: LocalDiscord, user: DiscordUser, channel: Channel) -> Iterator[Json]:
    """The commands that somebody is offered in a place: the app's where it is installed, with what the commands say of themselves."""
    context = 2 if channel.guild is None and not _with_app(server, channel) else 1 if channel.guild is None else 0
    in_guild = channel.guild is not None and server.guilds[channel.guild].has_bot
    for scope in ("", channel.guild or "-"):
        for command in server.commands.get(scope, {}).values():
            contexts, types = command.get("contexts"), command.get("integration_types") or [0]
            if contexts is not None and context not in contexts:
                continue
            by_guild = 0 in types and (in_guild or (context == 1 and _shares(server, user)))
            if by_guild or (1 in types and user.person.installed):
                yield command


def _with_app(server: LocalDiscord, channel: Channel) -> bool:
    return channel.people is not None and server.bot.id in channel.people


def _shares(server: LocalDiscord, user: DiscordUser) -> bool:
    return any(guild.has_bot and user.id in guild.members for guild in server.guilds.values())


def find(commands: Iterator[Json], words: str, kind: int = 1) -> tuple[Json, list[Json]]:
    """A command by its words (``nexus env set``), and the path of subcommands in it."""
    if kind != 1:
        found = next((one for one in commands if one["type"] == kind and one["name"] == words), None)
        assert found is not None, f"{words!r} is in nobody's menu here"
        return found, []
    first, *rest = words.removeprefix("/").split()
    found = next((one for one in commands if one["type"] == 1 and one["name"] == first), None)
    assert found is not None, f"there is no /{first} here"
    path: list[Json] = []
    at = found
    for word in rest:
        at = next((one for one in at.get("options", []) if one["type"] in (SUBCOMMAND, GROUP) and one["name"] == word), None)
        assert at is not None, f"/{words} is not registered: no {word!r}"
        path.append(at)
    last = path[-1] if path else found
    inner = [one["name"] for one in last.get("options", []) if one["type"] in (SUBCOMMAND, GROUP)]
    assert not inner, f"/{words} is not complete: one of {inner} is to follow"
    return found, path


def entered(
    server: LocalDiscord,
    user: DiscordUser,
    channel: Channel,
    command: Json,
    path: list[Json],
    values: Mapping[str, Any],
    *,
    focused: str = "",
) -> Entered:
    """What was typed into a command's options.

    Raises:
        NotSent: the client does not send this.
    """
    known = {one["name"]: one for one in (path[-1] if path else command).get("options", [])}
    unknown = sorted(set(values) - set(known))
    assert not unknown, f"no option of this command: {unknown}; it has {sorted(known)}"
    missing = [name for name, one in known.items() if one.get("required") and name not in values]
    if missing and not focused:
        raise NotSent(f"This option is required. Specify a value: {', '.join(missing)}")
    found = Entered(options=[])
    for name, value in values.items():
        option = known[name]
        if name == focused:
            assert option.get("autocomplete"), f"{name} is not completed"
            found.options.append({"name": name, "type": option["type"], "value": str(value), "focused": True})
        else:
            given = _value(server, user, channel, option, value, found.resolved)
            found.options.append({"name": name, "type": option["type"], "value": given})
    for one in reversed(path):
        found.options = [{"name": one["name"], "type": one["type"], "options": found.options}]
    return found


def _value(server: LocalDiscord, user: DiscordUser, channel: Channel, option: Json, value: Any, resolved: Json) -> Any:
    name, kind = option["name"], option["type"]
    if option.get("choices"):
        chosen = [one["value"] for one in option["choices"] if value in (one["name"], one["value"])]
        assert chosen, f"{value!r} is no choice of {name}: {[one['name'] for one in option['choices']]}"
        return chosen[0]
    if kind == TEXT:
        text = str(value)
        if not option.get("min_length", 0) <= len(text) <= option.get("max_length", 6000):
            raise NotSent(f"{name}: {len(text)} characters are too few or too many")
        return text
    if kind in (INTEGER, NUMBER):
        number = int(value) if kind == INTEGER else float(value)
        if not option.get("min_value", number) <= number <= option.get("max_value", number):
            raise NotSent(f"{name}: {number} is too little or too much")
        return number
    if kind == BOOLEAN:
        return bool(value)
    if kind == USER:
        return resolve_user(server, channel, value, resolved)
    if kind == CHANNEL:
        place = server.channel(value, server.guilds.get(channel.guild or ""))
        kinds = option.get("channel_types")
        if kinds and place.kind not in kinds:
            raise NotSent(f"{name}: {place.name} is not of the right kind")
        resolved.setdefault("channels", {})[place.id] = payloads.channel(server, place) | {"permissions": "0"}
        return place.id
    if kind == ROLE:
        assert isinstance(value, Role)
        resolved.setdefault("roles", {})[value.id] = payloads.role(value)
        return value.id
    assert kind == FILE, f"an option of type {kind} cannot be typed yet"
    return upload(server, channel, value, resolved)


def resolve_user(server: LocalDiscord, channel: Channel, user: DiscordUser, resolved: Json) -> str:
    """Somebody who is named in an interaction."""
    resolved.setdefault("users", {})[user.id] = payloads.person(user.person)
    if channel.guild and (member := server.guilds[channel.guild].members.get(user.id)):
        resolved.setdefault("members", {})[user.id] = payloads.member(member, with_user=False) | {"permissions": "0"}
    return user.id


def upload(server: LocalDiscord, channel: Channel, file: Upload, resolved: Json | None = None) -> str:
    """A file that somebody adds; its id."""
    made = attach(server, channel.id, file)
    made.ephemeral = True
    if resolved is not None:
        resolved.setdefault("attachments", {})[made.id] = payloads.attachment(server, made)
    return made.id


def attach(server: LocalDiscord, channel: str, file: Upload) -> Attachment:
    name, content = file
    if len(content) > payloads.MAX_FILE:
        raise NotSent("Your files are too powerful. Max file size is 10MB.")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    made = Attachment(id=server.clock.snowflake(), channel=channel, name=name, content=content, kind=kind)
    server.files[made.id] = made
    return made
