"""The app manifest: what Slack is told that Nexus is, as data.

Printed by ``nexus slack manifest`` and pasted into Slack when the app is made; asked for `SCOPES` and `EVENTS` by `nexus doctor`, which
compares them with what a workspace has granted. A scope is here because a method that this folder calls, or an event that it handles,
needs it, and for no other reason; a test compares them with the code.

Without an address the app is for Socket Mode, which needs none. With one, Slack sends signed requests there, and workspaces may
install it by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from adapters.slack.paths import EVENTS as EVENTS_PATH
from adapters.slack.paths import OAUTH_REDIRECT
from core.errors import InvalidInput

NAME: Final = "Nexus"
COMMAND: Final = "/nexus"
SHORTCUT: Final = "build"  #: callback_id of the global shortcut
MESSAGE_SHORTCUT: Final = "build_this"  #: and of the one in a message's menu

#: Each scope of the bot and what it is for.
SCOPES: Final[Mapping[str, str]] = {
    "commands": "the slash command and the shortcuts",
    "chat:write": "threads, cards, progress and private answers",
    "app_mentions:read": "requests that mention the bot",
    "channels:join": "public channels that nobody has invited the bot to",
    "channels:history": "replies in threads of public channels",
    "groups:history": "replies in threads of private channels that the bot is in",
    "im:history": "what people write to the bot",
    "im:write": "direct messages to those who asked",
    "files:read": "pictures and texts that people attach",
    "files:write": "screenshots, logs and zips",
    "users:read": "names, and who is an admin or a guest",
    "usergroups:read": "groups that may approve",
}

#: Each event and what it is for. Those without a scope of their own come to every app.
EVENTS: Final[Mapping[str, str]] = {
    "app_home_opened": "the Home tab",
    "app_mention": "requests that mention the bot",
    "app_uninstalled": "the token is of no use any more",
    "message.channels": "replies in threads of public channels",
    "message.groups": "replies in threads of private channels",
    "message.im": "what people write to the bot",
    "tokens_revoked": "the token is of no use any more",
}

_LONG = (
    "Nexus turns a sentence into a live web app with its own database. Say what you need: Nexus writes the app, builds it, tries it in a "
    "sandbox, and shows in the thread what it made and what the trial proved. Somebody who may presses Approve & deploy, and a moment "
    "later the app answers at its own address. Reply in the thread to change it; every release can be rolled back."
)


def manifest(*, url: str = "", command: str = COMMAND) -> dict[str, Any]:
    """The manifest. ``url`` is where Slack reaches this Nexus from outside; empty for Socket Mode.

    Raises:
        InvalidInput: Slack would not take the address or the command.
    """
    base = _base(url)
    events: dict[str, Any] = {"bot_events": sorted(EVENTS)}
    interactivity: dict[str, Any] = {"is_enabled": True}
    slash: dict[str, Any] = {
        "command": _command(command),
        "description": "Build, change and run web apps",
        "usage_hint": "build a todo app with due dates | list | help",
        "should_escape": True,  # <@U…> and <#C…> in place of names, which several people and channels may share
    }
    oauth: dict[str, Any] = {"scopes": {"bot": sorted(SCOPES)}}
    if base:
        events["request_url"] = interactivity["request_url"] = slash["url"] = base + EVENTS_PATH
        interactivity["message_menu_options_url"] = base + EVENTS_PATH
        oauth["redirect_urls"] = [base + OAUTH_REDIRECT]
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": NAME,
            "description": "Turns a message into a live web app with its own database",
            "long_description": _LONG,
            "background_color": "#1f2a44",
        },
        "features": {
            "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True, "messages_tab_read_only_enabled": False},
            "bot_user": {"display_name": NAME, "always_online": True},
            "shortcuts": [
                {
                    "name": "Build an app",
                    "type": "global",
                    "callback_id": SHORTCUT,
                    "description": "Describe an app and have it built",
                },
                {
                    "name": "Build this",
                    "type": "message",
                    "callback_id": MESSAGE_SHORTCUT,
                    "description": "Build the app that this message describes",
                },
            ],
            "slash_commands": [slash],
        },
        "oauth_config": oauth,
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": not base,
            "token_rotation_enabled": False,
        },
    }


def _base(url: str) -> str:
    if not url:
        return ""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise InvalidInput(f"Slack sends requests to https addresses alone, such as https://nexus.example.com; {url!r} is none.")
    return url.rstrip("/")


def _command(command: str) -> str:
    name = "/" + command.removeprefix("/")
    if not 2 <= len(name) <= 32 or name != name.lower() or any(c.isspace() or c == "/" for c in name[1:]):
        raise InvalidInput(f"{command!r} is no slash command: Slack takes / and up to 31 small letters, without spaces.")
    return name
