"""The app manifest: complete, accepted by Slack, and asking for nothing that is not used."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import jsonschema
import pytest
import yaml
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.manifest import EVENTS, SCOPES, manifest
from bot.chats import slack_manifest
from core.errors import InvalidInput
from tests.support.slack import LocalSlack
from tests.support.slack.scopes import BY_CHANNEL, NEEDED
from tests.unit.docs.documents import ROOT

URL = "https://nexus.example.com"

#: The scopes that are needed for something that is no method: commands, events, and what methods that go by channel need.
_FOR_EVENTS = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
}


def _text(most: int, least: int = 1) -> dict[str, Any]:
    return {"type": "string", "minLength": least, "maxLength": most}


def _closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


_URL = {"type": "string", "pattern": "^https://", "maxLength": 3000}
_NAMES = {"type": "array", "items": _text(50), "maxItems": 100, "uniqueItems": True}

#: The limits of Slack's published schema of manifests, version 1, as far as this one uses it.
SCHEMA = _closed(
    ["_metadata", "display_information", "features", "oauth_config", "settings"],
    _metadata=_closed([], major_version={"const": 1}, minor_version={"type": "integer"}),
    display_information=_closed(
        ["name"],
        name=_text(35),
        description=_text(140),
        long_description=_text(4000, 175),
        background_color={"type": "string", "pattern": "^#[0-9a-fA-F]{3}([0-9a-fA-F]{3})?$"},
    ),
    features=_closed(
        [],
        app_home=_closed(
            [],
            home_tab_enabled={"const": True},
            messages_tab_enabled={"const": True},
            messages_tab_read_only_enabled={"const": False},
        ),
        bot_user=_closed(["display_name"], display_name=_text(80), always_online={"type": "boolean"}),
        shortcuts={
            "type": "array",
            "maxItems": 10,
            "items": _closed(
                ["name", "type", "callback_id", "description"],
                name=_text(24),
                type={"enum": ["message", "global"]},
                callback_id=_text(255),
                description=_text(150),
            ),
        },
        slash_commands={
            "type": "array",
            "items": _closed(
                ["command", "description"],
                command={"type": "string", "pattern": "^/[^ ]+$", "minLength": 2, "maxLength": 32},
                url=_URL,
                description=_text(2000),
                usage_hint=_text(1000),
                should_escape={"type": "boolean"},
            ),
        },
    ),
    oauth_config=_closed(["scopes"], scopes=_closed(["bot"], bot=_NAMES), redirect_urls={"type": "array", "items": _URL}),
    settings=_closed(
        [],
        event_subscriptions=_closed(["bot_events"], bot_events=_NAMES, request_url=_URL),
        interactivity=_closed(["is_enabled"], is_enabled={"const": True}, request_url=_URL, message_menu_options_url=_URL),
        org_deploy_enabled={"const": False},
        socket_mode_enabled={"type": "boolean"},
        token_rotation_enabled={"const": False},
    ),
)


def strings() -> set[str]:
    """Every string in the code of Slack's adapter, but for the manifest's own."""
    found = set()
    for file in (ROOT / "adapters" / "slack").rglob("*.py"):
        if file.name != "manifest.py":
            found |= {
                node.value
                for node in ast.walk(ast.parse(file.read_text()))
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
    return found


def called() -> set[str]:
    """The methods of the Web API that are called with a bot's token."""
    known = {name for name in dir(AsyncWebClient) if "_" in name}
    return {one for one in strings() if re.fullmatch(r"[a-z]+(\.[a-zA-Z]+)+", one) and one.replace(".", "_") in known}


def handled() -> set[str]:
    """The events for which there is a listener."""
    tree = ast.parse((ROOT / "adapters" / "slack" / "app.py").read_text())
    return {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "app.event" and isinstance(node.args[0], ast.Constant)
    }


async def _refusal(made: dict[str, Any]) -> object:
    """What Slack says against it; None when it takes it."""
    async with LocalSlack() as slack:
        client = AsyncWebClient(token=slack.app_token, base_url=slack.api_url)
        try:
            await client.apps_manifest_validate(manifest=json.dumps(made))
        except SlackApiError as error:
            return error.response.data
    return None


@pytest.mark.parametrize("url", ["", URL, URL + "/behind/a/path/"])
async def test_slack_takes_it(url: str) -> None:
    made = manifest(url=url)

    jsonschema.validate(made, SCHEMA)
    assert await _refusal(made) is None


def test_without_an_address_it_is_for_socket_mode_and_names_none() -> None:
    made = manifest()

    assert made["settings"]["socket_mode_enabled"] is True
    assert "url" not in json.dumps(made).replace("usage_hint", "")


def test_with_an_address_everything_is_sent_there() -> None:
    made = manifest(url=URL + "/")

    assert made["settings"]["socket_mode_enabled"] is False
    assert {
        made["settings"]["event_subscriptions"]["request_url"],
        made["settings"]["interactivity"]["request_url"],
        made["features"]["slash_commands"][0]["url"],
    } == {f"{URL}/slack/events"}
    assert [f"{URL}/slack/oauth_redirect"] == made["oauth_config"]["redirect_urls"]


@pytest.mark.parametrize("url", ["http://nexus.example.com", "nexus.example.com", "https://", "https://x/?a=b", "https://a:b@x/"])
def test_an_address_that_slack_would_not_take_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="https"):
        manifest(url=url)


@pytest.mark.parametrize("command", ["/Nexus", "/a b", "/" + "x" * 32, "/", "", "/a/b"])
def test_a_command_that_slack_would_not_take_is_refused(command: str) -> None:
    with pytest.raises(InvalidInput, match="slash command"):
        manifest(command=command)


def test_the_command_may_have_another_name() -> None:
    assert "/apps" == manifest(command="apps")["features"]["slash_commands"][0]["command"]


def test_every_scope_is_used_and_every_use_has_its_scope() -> None:
    methods = called()
    assert {"chat.postMessage", "chat.update", "users.info", "views.open"} <= methods  # the search finds something
    channels = ("channels", "groups", "im")
    needed: dict[str, str] = {"commands": "the slash command"}
    for method in methods:
        one_of = NEEDED.get(method, ())
        granted = [scope for scope in one_of if scope in SCOPES]
        assert granted or not one_of, f"{method} needs {' or '.join(one_of)}"
        needed.update(dict.fromkeys(granted, method))
        if method in BY_CHANNEL:
            needed.update({f"{family}:{BY_CHANNEL[method]}": method for family in channels})
    for event in EVENTS:
        if event in _FOR_EVENTS:
            needed[_FOR_EVENTS[event]] = event

    assert {} == {scope: use for scope, use in needed.items() if scope not in SCOPES}
    assert set() == set(SCOPES) - set(needed)


def test_every_event_is_handled_and_every_listener_is_told() -> None:
    asked_for = {event.partition(".")[0] for event in EVENTS}
    assert asked_for == handled()


def test_every_scope_and_event_says_what_it_is_for_and_the_guide_says_the_same() -> None:
    assert all(SCOPES.values())
    assert all(EVENTS.values())
    guide = (ROOT / "docs" / "slack.md").read_text()
    assert [f"| `{scope}` | {use} |" for scope, use in SCOPES.items()] == re.findall(
        r"^\| `[a-z_.]+(?::[a-z_.]+)?` \| .* \|$", guide, re.M
    )


def test_what_is_printed_as_yaml_and_as_json_is_the_same() -> None:
    printed = slack_manifest(url=URL, command="/nexus", as_json=False)

    assert manifest(url=URL) == yaml.safe_load(printed) == json.loads(slack_manifest(url=URL, command="/nexus", as_json=True))
    assert printed.startswith("_metadata:")
