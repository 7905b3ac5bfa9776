"""What Discord is told that Nexus is: every command of the grammar, within Discord's limits, and nothing asked for that is not used."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Any

import discord
import jsonschema
import pytest

from adapters.discord.lines import NEWS, PICTURES, line
from adapters.discord.manifest import COMMAND, INTENTS, MENU_COMMAND, MESSAGE_CONTENT, PERMISSIONS, SCOPES, commands
from core.conversation.grammar import VERBS, parse
from core.conversation.names import PROVIDERS
from core.errors import InvalidInput
from core.words.notifications import NOTIFICATIONS
from core.words.plan import FRAMEWORK_NAMES
from tests.unit.docs.documents import ROOT

SUBCOMMAND, GROUP, TEXT, INTEGER, FILE = 1, 2, 3, 4, 11
#: `logs --follow` goes on printing in a terminal; here a log is followed by its button.
NOT_HERE = {("logs", "follow")}


def _closed(required: list[str], /, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


_NAME = {"type": "string", "pattern": r"^[-_a-z0-9]{1,32}$"}
_ABOUT = {"type": "string", "minLength": 1, "maxLength": 100}
_CHOICES = {
    "type": "array",
    "minItems": 1,
    "maxItems": 25,
    "items": _closed(["name", "value"], name=_ABOUT, value={"type": "string", "minLength": 1, "maxLength": 100}),
}
_COMMON = {"name": _NAME, "description": _ABOUT, "required": {"type": "boolean"}}
_NEED = ["type", "name", "description"]
_VALUE = {
    "oneOf": [
        _closed(
            _NEED,
            type={"const": TEXT},
            choices=_CHOICES,
            autocomplete={"const": True},
            min_length={"type": "integer", "minimum": 0, "maximum": 6000},
            max_length={"type": "integer", "minimum": 1, "maximum": 6000},
            **_COMMON,
        ),
        _closed(
            _NEED,
            type={"const": INTEGER},
            autocomplete={"const": True},
            min_value={"type": "integer"},
            max_value={"type": "integer", "maximum": 2**53},
            **_COMMON,
        ),
        _closed(_NEED, type={"const": FILE}, **_COMMON),
    ]
}


def _several(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "maxItems": 25, "items": items}


_SUB = _closed([*_NEED], type={"const": SUBCOMMAND}, name=_NAME, description=_ABOUT, options=_several(_VALUE))
_GROUP = _closed([*_NEED, "options"], type={"const": GROUP}, name=_NAME, description=_ABOUT, options=_several(_SUB))
_WHERE = {
    "integration_types": {"const": [0, 1]},
    "contexts": {"const": [0, 1, 2]},
}
#: Discord's documented limits, as far as these commands use them.
SCHEMA = {
    "oneOf": [
        _closed(
            [*_NEED, *_WHERE],
            type={"const": 1},
            name=_NAME,
            description=_ABOUT,
            options=_several({"oneOf": [_SUB, _GROUP]}),
            **_WHERE,
        ),
        _closed(["type", "name", *_WHERE], type={"const": 3}, name={"type": "string", "minLength": 1, "maxLength": 32}, **_WHERE),
    ]
}


def typed() -> dict[str, Any]:
    return next(one for one in commands() if one["name"] == COMMAND)


def leaves() -> Iterator[tuple[tuple[str, ...], list[dict[str, Any]]]]:
    """Each subcommand with its options."""
    for option in typed()["options"]:
        if option["type"] == GROUP:
            yield from (((option["name"], part["name"]), part["options"]) for part in option["options"])
        else:
            yield (option["name"],), option["options"]


def weight(part: dict[str, Any]) -> int:
    """The characters that Discord counts."""
    choices = sum(len(one["name"]) + len(str(one["value"])) for one in part.get("choices", []))
    return len(part["name"]) + len(part.get("description", "")) + choices + sum(map(weight, part.get("options", [])))


def test_discord_takes_every_command() -> None:
    made = commands()
    assert [COMMAND, MENU_COMMAND] == [one["name"] for one in made]
    for one in made:
        jsonschema.validate(one, SCHEMA)
        assert weight(one) <= 4000


def test_the_options_of_a_command_have_names_of_their_own_and_the_required_ones_come_first() -> None:
    for path, options in leaves():
        names = [one["name"] for one in options]
        assert len(set(names)) == len(names), path
        required = [bool(one.get("required")) for one in options]
        assert sorted(required, reverse=True) == required, path
        for one in options:
            assert not ("choices" in one and "autocomplete" in one), (path, one["name"])


def test_there_is_a_command_for_each_verb_in_the_order_of_the_help() -> None:
    assert list(VERBS) == [option["name"] for option in typed()["options"]]


def test_each_option_of_a_verb_can_be_given() -> None:
    for verb, known in VERBS.items():
        here = [option for path, options in leaves() if path[0] == verb for option in options]
        names = {one["name"] for one in here} | {choice["value"] for one in here for choice in one.get("choices", [])}
        assert [] == [name for name in known.options if name not in names and (verb, name) not in NOT_HERE]
        assert known.takes_app == ("app" in names), verb


def test_the_parts_of_a_verb_are_those_of_its_usage() -> None:
    assert {("env", "list"), ("env", "set"), ("env", "unset")} == {path for path, _ in leaves() if path[0] == "env"}
    assert {("notify", "on"), ("notify", "off"), ("notify", "list")} == {path for path, _ in leaves() if path[0] == "notify"}


def test_what_can_be_chosen_is_what_the_grammar_knows() -> None:
    chosen = {
        (path[0], one["name"]): [choice["value"] for choice in one["choices"]]
        for path, options in leaves()
        for one in options
        if "choices" in one
    }
    assert chosen == {
        ("build", "framework"): list(FRAMEWORK_NAMES),
        ("build", "provider"): list(PROVIDERS),
        ("rollback", "data"): ["with-data", "code-only"],
        ("settings", "part"): ["approvals", "models"],
        ("help", "command"): list(VERBS),
        **{("notify", name): [*NOTIFICATIONS, "all"] for name in NEWS},
    }


def refused(path: tuple[str, ...], given: dict[str, Any]) -> str:
    """What the grammar says against these options; empty where it reads them."""
    try:
        parse(line(path, given))
    except InvalidInput as error:
        return error.message
    return ""


def test_each_choice_is_read_by_the_grammar() -> None:
    for path, options in leaves():
        needed = {one["name"]: "A" for one in options if one.get("required")}
        for one in options:
            for choice in one.get("choices", []):
                assert refused(path, needed | {one["name"]: choice["value"]}) == "", (path, choice)


def test_each_command_can_be_sent_with_what_it_requires_alone() -> None:
    for path, options in leaves():
        assert refused(path, {one["name"]: "A" for one in options if one.get("required")}) == "", path


def test_files_can_be_added_to_a_build() -> None:
    files = [(path, one["name"]) for path, options in leaves() for one in options if one["type"] == FILE]
    assert files == [(("build",), name) for name in PICTURES]


# -- what is asked for -----------------------------------------------------------------------------------------------------------


def called() -> set[tuple[str, str]]:
    """Methods and paths of Discord's API that this folder calls."""
    found = set()
    for file in (ROOT / "adapters" / "discord").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
                found |= {
                    (method, path)
                    for method, path in itertools.pairwise(texts)
                    if method in {"GET", "POST", "PUT", "PATCH", "DELETE"} and path.startswith("/")
                }
    return found


#: Each permission, and a call that needs it.
NEEDED = {
    "view_channel": ("GET", "/channels/{channel_id}"),
    "send_messages": ("POST", "/channels/{channel_id}/messages"),
    "send_messages_in_threads": ("POST", "/channels/{channel_id}/messages"),
    "attach_files": ("POST", "/channels/{channel_id}/messages"),
    "read_message_history": ("GET", "/channels/{channel_id}/messages"),
    "create_public_threads": ("POST", "/channels/{channel_id}/messages/{message_id}/threads"),
}


def test_every_permission_is_used() -> None:
    assert set(NEEDED) == set(PERMISSIONS)
    assert set() == set(NEEDED.values()) - called()


def test_no_call_needs_a_permission_that_is_not_asked_for() -> None:
    """Methods that need more: of roles, members, messages of others, webhooks, invitations, channels that are made or removed."""
    foreign = ("/roles", "/bans", "/webhooks", "/invites", "/pins", "/reactions", "/thread-members", "/permissions")
    assert [] == [one for one in sorted(called()) if one[1].startswith("/channels") and any(part in one[1] for part in foreign)]
    assert [] == [one for one in sorted(called()) if one[0] in {"PUT", "DELETE"} and one[1] == "/channels/{channel_id}"]


def test_permissions_and_intents_are_discords() -> None:
    assert all(name in discord.Permissions.VALID_FLAGS for name in PERMISSIONS)
    assert all(name in discord.Intents.VALID_FLAGS for name in {**INTENTS, **MESSAGE_CONTENT})


def handled() -> set[str]:
    """The events for which there is a handler."""
    tree = ast.parse((ROOT / "adapters" / "discord" / "app.py").read_text())
    return {
        node.name.removeprefix("on_")
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("on_")
    }


@pytest.mark.parametrize(
    ("intent", "events"),
    [("guilds", {"guild_join", "guild_remove"}), ("guild_messages", {"message"}), ("dm_messages", {"message"})],
)
def test_every_intent_has_a_handler(intent: str, events: set[str]) -> None:
    assert intent in INTENTS
    assert events <= handled()


def test_everything_says_what_it_is_for() -> None:
    assert all(PERMISSIONS.values())
    assert all(INTENTS.values())
    assert all(MESSAGE_CONTENT.values())
    assert {"bot", "applications.commands"} == set(SCOPES)
    assert all(SCOPES.values())
