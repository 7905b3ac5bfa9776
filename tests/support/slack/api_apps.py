"""apps.* and oauth.v2.access: sockets, manifests, installing and uninstalling."""

from __future__ import annotations

import json
import secrets
from typing import Any

from tests.support.slack.api import Refused, Request, method
from tests.support.slack.scopes import ALL
from tests.support.slack.state import Json


@method("apps.connections.open")
def open_connection(request: Request) -> Json:
    return {"url": request.slack.sockets.new_url()}


@method("apps.uninstall")
def uninstall(request: Request) -> Json:
    if (request.text("client_id"), request.text("client_secret")) != (request.slack.client_id, request.slack.client_secret):
        raise Refused("client_id_token_mismatch" if request.text("client_id") != request.slack.client_id else "bad_client_secret")
    request.slack.uninstall(request.team)
    return {}


@method("oauth.v2.access")
def oauth_access(request: Request) -> Json:
    slack = request.slack
    if request.text("client_id") != slack.client_id:
        raise Refused("invalid_client_id")
    if request.text("client_secret") != slack.client_secret:
        raise Refused("bad_client_secret")
    if request.text("grant_type") == "refresh_token":
        raise Refused("invalid_refresh_token")
    grant = slack.grants.pop(request.text("code"), None)
    if grant is None or grant.expires <= slack.clock.now():
        raise Refused("invalid_code")
    if request.text("redirect_uri") != grant.redirect_uri:
        raise Refused("bad_redirect_uri")
    team = slack.workspaces[grant.team]
    slack.install(team, scopes=set(grant.scopes))
    return {
        "access_token": team.token,
        "token_type": "bot",
        "scope": ",".join(sorted(team.scopes)),
        "bot_user_id": team.bot.id,
        "app_id": team.app_id,
        "team": {"name": team.name, "id": team.id},
        "enterprise": None,
        "is_enterprise_install": False,
        "authed_user": {"id": grant.user},
    }


@method("apps.manifest.validate")
def validate_manifest(request: Request) -> Json:
    try:
        manifest = json.loads(request.required("manifest"))
    except ValueError:
        raise Refused("invalid_manifest", errors=[{"message": "not JSON", "pointer": "/"}]) from None
    problems = list(manifest_problems(manifest))
    if problems:
        raise Refused("invalid_manifest", errors=[{"message": message, "pointer": pointer} for message, pointer in problems])
    return {}


_TOP = {"_metadata", "display_information", "features", "oauth_config", "settings", "functions", "workflows", "outgoing_domains"}
_LENGTHS = (
    ("/display_information/name", 1, 35),
    ("/display_information/description", 0, 140),
    ("/display_information/long_description", 0, 4000),
    ("/features/bot_user/display_name", 1, 80),
)
#: What each event needs among the bot's scopes.
_EVENTS = {
    "app_home_opened": (),
    "app_mention": ("app_mentions:read",),
    "app_uninstalled": (),
    "channel_archive": ("channels:read",),
    "channel_deleted": ("channels:read",),
    "channel_left": ("channels:read",),
    "channel_rename": ("channels:read",),
    "channel_unarchive": ("channels:read",),
    "file_shared": ("files:read",),
    "group_archive": ("groups:read",),
    "group_left": ("groups:read",),
    "link_shared": ("links:read",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "member_left_channel": ("channels:read", "groups:read"),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "message.mpim": ("mpim:history",),
    "reaction_added": ("reactions:read",),
    "subteam_created": ("usergroups:read",),
    "subteam_members_changed": ("usergroups:read",),
    "subteam_updated": ("usergroups:read",),
    "team_join": ("users:read",),
    "tokens_revoked": (),
    "user_change": ("users:read",),
}
_SCOPES = ALL | {
    "links:read",
    "mpim:read",
    "mpim:history",
    "reactions:read",
    "users:read.email",
    "assistant:write",
    "channels:join",
}


def manifest_problems(manifest: Any) -> list[tuple[str, str]]:
    """What is wrong with a manifest: messages and where."""
    if not isinstance(manifest, dict):
        return [("must be an object", "/")]
    found = [(f"must not have property {key}", f"/{key}") for key in manifest if key not in _TOP]
    for pointer, least, most in _LENGTHS:
        value = _at(manifest, pointer)
        if (value is None and least) or (value is not None and not least <= len(str(value)) <= most):
            found.append((f"must be {least} to {most} characters", pointer))
    commands = _at(manifest, "/features/slash_commands") or []
    for index, command in enumerate(commands):
        name = str(command.get("command", ""))
        if not name.startswith("/") or not 2 <= len(name) <= 32 or name != name.lower() or " " in name:
            found.append(("must begin with / and have 1 to 31 characters after it", f"/features/slash_commands/{index}/command"))
        if not command.get("description"):
            found.append(("must have a description", f"/features/slash_commands/{index}/description"))
    for index, shortcut in enumerate(_at(manifest, "/features/shortcuts") or []):
        if not 1 <= len(str(shortcut.get("name", ""))) <= 24:
            found.append(("must be 1 to 24 characters", f"/features/shortcuts/{index}/name"))
        if shortcut.get("type") not in ("message", "global"):
            found.append(("must be message or global", f"/features/shortcuts/{index}/type"))
    scopes = _at(manifest, "/oauth_config/scopes/bot") or []
    found += [(f"unknown scope {one}", "/oauth_config/scopes/bot") for one in scopes if one not in _SCOPES]
    if commands and "commands" not in scopes:
        found.append(("slash commands need the scope commands", "/oauth_config/scopes/bot"))
    for event in _at(manifest, "/settings/event_subscriptions/bot_events") or []:
        if event not in _EVENTS:
            found.append((f"unknown event {event}", "/settings/event_subscriptions/bot_events"))
        elif _EVENTS[event] and not any(scope in scopes for scope in _EVENTS[event]):
            found.append((f"{event} needs the scope {_EVENTS[event][0]}", "/settings/event_subscriptions/bot_events"))
    if not _at(manifest, "/settings/socket_mode_enabled"):
        for pointer in ("/settings/event_subscriptions/request_url", "/settings/interactivity/request_url"):
            if _at(manifest, pointer.rpartition("/")[0]) and not str(_at(manifest, pointer) or "").startswith("https://"):
                found.append(("must be an https URL where socket mode is off", pointer))
    return found


def _at(value: Any, pointer: str) -> Any:
    for key in pointer.strip("/").split("/"):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def new_code() -> str:
    """A code for oauth.v2.access."""
    return f"{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
