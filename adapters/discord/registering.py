"""Registering the commands: Discord is asked which it has, and told what differs from those of `adapters.discord.manifest`.

Called by `adapters.discord.app` when it starts; `differences` by `nexus doctor` too, which changes nothing. Where nothing differs, the
question is the only call: Discord takes 200 new commands a day, and whoever types a command that changes meanwhile is told to try again.
A command is known by its kind and name, so that several processes which start at the same time do no harm.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

log = structlog.get_logger(__name__)

Payload = Mapping[str, Any]
Call = Callable[..., Awaitable[Any]]  #: `adapters.discord.calls.Calls.call`

_PATH = "/applications/{application_id}/commands"
_ONE = _PATH + "/{command_id}"
_ENTRY_POINT = 4  # a type of command that Discord makes by itself
_COMPARED = frozenset(
    {
        "type",
        "name",
        "name_localizations",
        "description",
        "description_localizations",
        "options",
        "default_member_permissions",
        "nsfw",
        "integration_types",
        "contexts",
    }
)
_UNSET: Mapping[str, Any] = {
    "name_localizations": None,
    "description_localizations": None,
    "default_member_permissions": None,
    "nsfw": False,
    "options": [],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One command that is not as it should be. ``there`` is None where it is missing, ``wanted`` where it is none of ours."""

    there: Payload | None
    wanted: Payload | None

    def __str__(self) -> str:
        if self.there is None:
            return f"{_named(self.wanted or {})} is missing"
        if self.wanted is None:
            return f"{_named(self.there)} is none of Nexus's"
        return f"{_named(self.wanted)} is another"


def differences(there: Sequence[Payload], wanted: Sequence[Payload]) -> list[str]:
    """What is not as it should be, as words; nothing where all is well."""
    return [str(one) for one in _differing(there, wanted)]


async def register(call: Call, application: str, wanted: Sequence[Payload]) -> list[str]:
    """Make the commands those that are wanted; returns what was not as it should be.

    Raises:
        TemporaryError: Discord cannot be asked just now.
        NexusError: it refuses.
    """
    there = await call("GET", _PATH, query={"with_localizations": "true"}, application_id=application)
    found = list(_differing(there, wanted))
    for one in found:
        if one.wanted is None:
            await call("DELETE", _ONE, application_id=application, command_id=str((one.there or {})["id"]))
        elif one.there is None:
            await call("POST", _PATH, json=dict(one.wanted), application_id=application)
        else:
            changed = _changed(one.there, one.wanted)
            await call("PATCH", _ONE, json=changed, application_id=application, command_id=str(one.there["id"]))
    if found:
        log.info("commands are registered", changed=[str(one) for one in found])
    return [str(one) for one in found]


def _differing(there: Sequence[Payload], wanted: Sequence[Payload]) -> Iterator[Difference]:
    left = {_identity(one): one for one in there if _identity(one)[0] != _ENTRY_POINT}
    for one in wanted:
        known = left.pop(_identity(one), None)
        if known is None or _told(known) != _told(one):
            yield Difference(there=known, wanted=one)
    for one in left.values():
        yield Difference(there=one, wanted=None)


def _identity(command: Payload) -> tuple[int, str]:
    return int(command.get("type", 1)), str(command.get("name", ""))


def _told(command: Payload) -> dict[str, Any]:
    """What a command says, without what Discord adds to it, and alike for what is left out and what is said to be nothing."""
    told = {name: _plain(value) for name, value in command.items() if name in _COMPARED}
    told["type"] = _identity(command)[0]
    for several in ("integration_types", "contexts"):
        told[several] = sorted(command.get(several) or ())
    return {name: value for name, value in told.items() if not _nothing(value)}


def _changed(there: Payload, wanted: Payload) -> dict[str, Any]:
    """The fields that make the one the other."""
    old, new = _told(there), _told(wanted)
    return {
        name: wanted.get(name, _UNSET.get(name)) for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        plain = {name: _plain(one) for name, one in value.items()}
        return {name: one for name, one in plain.items() if not _nothing(one)}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def _nothing(value: Any) -> bool:
    return value is None or value is False or (isinstance(value, str | list | dict) and not value)


def _named(command: Payload) -> str:
    kind, name = _identity(command)
    return f"/{name}" if kind == 1 else name
