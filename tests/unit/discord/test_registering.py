"""Commands are registered by what differs from those that there are, and by nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from adapters.discord.manifest import commands
from adapters.discord.registering import differences, register
from core.errors import TemporaryError

APP = "1"
_ADDED: Mapping[str, Any] = {
    "application_id": APP,
    "version": "9",
    "default_permission": True,
    "default_member_permissions": None,
    "dm_permission": True,
    "nsfw": False,
    "name_localizations": None,
    "description_localizations": None,
    "description": "",
    "handler": None,
}


def answered(value: Any) -> Any:
    """Options as Discord answers them: with what nobody said."""
    if isinstance(value, list):
        return [answered(one) for one in value]
    if not isinstance(value, dict):
        return value
    more = {"name_localizations": None} | ({"required": False, "description_localizations": None} if "type" in value else {})
    return {name: one for name, one in more.items() if name != "required" or value["type"] > 2} | {
        name: answered(one) for name, one in value.items()
    }


@dataclass
class Registry:
    """Discord's commands of one application, and the calls that were made."""

    there: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    away: bool = False

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        query: Mapping[str, object] | None = None,
        **ids: str,
    ) -> Any:
        if self.away:
            raise TemporaryError("Discord does not answer.")
        assert ids["application_id"] == APP
        one = ids.get("command_id", "")
        self.calls.append((method, one, json))
        assert path == "/applications/{application_id}/commands" + ("/{command_id}" if one else "")
        match method:
            case "GET":
                assert query == {"with_localizations": "true"}
                return list(self.there.values())
            case "POST":
                assert isinstance(json, dict)
                made = str(100 + len(self.calls))
                self.there[made] = {**_ADDED, **answered(json), "id": made}
                return self.there[made]
            case "PATCH":
                assert isinstance(json, dict)
                assert "type" not in json
                self.there[one] |= answered(json)
                return self.there[one]
            case _:
                return self.there.pop(one)

    def changes(self) -> list[tuple[str, str]]:
        return [(method, one) for method, one, _ in self.calls if method != "GET"]


@pytest.fixture
async def registered() -> Registry:
    registry = Registry()
    await register(registry.call, APP, commands())
    registry.calls.clear()
    return registry


def of(registry: Registry, name: str) -> dict[str, Any]:
    return next(one for one in registry.there.values() if one["name"] == name)


async def test_where_there_are_none_each_is_made() -> None:
    registry = Registry()
    assert await register(registry.call, APP, commands()) == ["/nexus is missing", "Build this is missing"]
    assert ["GET", "POST", "POST"] == [method for method, _, _ in registry.calls]
    assert [json for _, _, json in registry.calls[1:]] == commands()


async def test_where_nothing_differs_asking_is_all_that_is_done(registered: Registry) -> None:
    assert await register(registered.call, APP, commands()) == []
    assert registered.changes() == []


async def test_the_order_of_places_is_no_difference(registered: Registry) -> None:
    of(registered, "nexus")["contexts"] = [2, 0, 1]
    of(registered, "nexus")["integration_types"] = [1, 0]
    assert await register(registered.call, APP, commands()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"description": "Something else"},
        {"contexts": [0]},
        {"integration_types": [0]},
        {"nsfw": True},
        {"default_member_permissions": "8"},
        {"name_localizations": {"de": "nexus-de"}},
        {"description_localizations": {"de": "Etwas"}},
        {"options": []},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_what_differs_is_changed_and_nothing_else(registered: Registry, change: dict[str, Any]) -> None:
    nexus = of(registered, "nexus")
    nexus |= change
    assert await register(registered.call, APP, commands()) == ["/nexus is another"]
    assert registered.changes() == [("PATCH", nexus["id"])]
    assert set(registered.calls[-1][2]) == set(change)
    assert differences(list(registered.there.values()), commands()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("required", True), ("description", "Other"), ("choices", [{"name": "A", "value": "a"}]), ("max_length", 5)],
)
async def test_an_option_that_differs_is_a_difference(registered: Registry, name: str, value: Any) -> None:
    build = of(registered, "nexus")["options"][0]
    build["options"][0][name] = value
    assert await register(registered.call, APP, commands()) == ["/nexus is another"]
    assert registered.there[registered.changes()[0][1]]["options"] == answered(commands()[0]["options"])


async def test_what_is_none_of_ours_is_removed(registered: Registry) -> None:
    registered.there["7"] = {**_ADDED, "id": "7", "type": 1, "name": "old", "description": "Old"}
    assert await register(registered.call, APP, commands()) == ["/old is none of Nexus's"]
    assert registered.changes() == [("DELETE", "7")]


async def test_a_command_of_the_same_name_and_another_kind_is_another_command(registered: Registry) -> None:
    registered.there["7"] = {**_ADDED, "id": "7", "type": 2, "name": "nexus"}
    assert await register(registered.call, APP, commands()) == ["nexus is none of Nexus's"]


async def test_the_command_that_discord_makes_by_itself_is_left_alone(registered: Registry) -> None:
    registered.there["7"] = {**_ADDED, "id": "7", "type": 4, "name": "launch", "description": "Launch"}
    assert await register(registered.call, APP, commands()) == []
    assert registered.changes() == []


async def test_where_discord_cannot_be_asked_nothing_is_changed(registered: Registry) -> None:
    registered.away = True
    with pytest.raises(TemporaryError):
        await register(registered.call, APP, [])
    assert len(registered.there) == len(commands())
