"""What `nexus doctor` asks of Slack: whether tokens are good, what was granted, and what is in the way.

Called by the wiring for the doctor. It asks ``auth.test``, whose answer carries the scopes of the token, and ``apps.connections.open``,
whose URL it does not use: no socket is opened. Which events an app is subscribed to, Slack tells nobody who has only these tokens; an
event whose scope is missing is found with the scope. It changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError, SlackClientError

from adapters.slack.installations import BOT, web_client
from adapters.slack.manifest import SCOPES
from adapters.slack.paths import EVENTS, INSTALL
from adapters.slack.sockets import refusal
from core.ledger.installations import Installation
from core.words.check import Check, Verdict

APPS = "https://api.slack.com/apps"
#: Without these nothing works; without the others, something.
ESSENTIAL = frozenset({"commands", "chat:write"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What is configured. ``installed`` are the workspaces that the ledger knows, None when no ledger could be asked."""

    api_url: str
    bot_token: SecretStr | None = field(repr=False)
    app_token: SecretStr | None = field(repr=False)
    signing_secret: SecretStr | None = field(repr=False)
    installed: Sequence[Installation] | None = None


async def check(slack: Checked) -> list[Check]:
    """Look at all of it."""
    found = []
    if slack.bot_token is not None:
        found += await _workspace("slack", slack, slack.bot_token)
    else:
        found += await _installed(slack)
    found.append(await _sockets(slack, slack.app_token) if slack.app_token is not None else _requests(slack.signing_secret))
    return found


async def _installed(slack: Checked) -> list[Check]:
    if slack.installed is None:
        known = "many workspaces, which are seen while a Nexus runs on the data folder"
        return [Check(name="slack", verdict=Verdict.OK, found=known)]
    if not slack.installed:
        return [
            Check(
                name="slack",
                verdict=Verdict.WARN,
                found="no workspace has installed Nexus yet",
                remedy=f"Open {INSTALL} at the address under which Slack reaches this Nexus.",
            )
        ]
    found: list[Check] = []
    for one in slack.installed:
        name = f"slack {one.workspace}"
        token = one.secrets.get(BOT)
        if token is None:
            left = Check(
                name=name,
                verdict=Verdict.WARN,
                found=one.trouble or f"{one.name} has no token of an installation",
                remedy=f"Install Nexus there again: {INSTALL}.",
            )
            found.append(left)
        else:
            found += await _workspace(name, slack, token, known=one)
    return found


async def _workspace(name: str, slack: Checked, token: SecretStr, *, known: Installation | None = None) -> list[Check]:
    """A workspace's token: good, for whom, and with which scopes."""
    try:
        told = await web_client(slack.api_url).auth_test(token=token.get_secret_value())
    except SlackApiError as error:
        if not _refused(error):
            return [_unreachable(name, slack.api_url)]
        code = error.response.get("error")
        where = "copy the Bot User OAuth Token from OAuth & Permissions" if slack.bot_token is not None else f"open {INSTALL}"
        return [
            Check(
                name=name,
                verdict=Verdict.FAIL,
                found=f"Slack refuses the bot's token{f' for {known.name}' if known is not None else ''} ({code})",
                remedy=f"Install the app in the workspace again and {where} ({APPS}).",
            )
        ]
    except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError):
        return [_unreachable(name, slack.api_url)]
    found = [Check(name=name, verdict=Verdict.OK, found=f"{told.get('team')} ({told['team_id']}), as @{told.get('user')}")]
    known = known or next((one for one in slack.installed or () if one.workspace == told["team_id"]), None)
    if known is not None and known.trouble:
        found.append(
            Check(
                name=name,
                verdict=Verdict.WARN,
                found=known.trouble,
                remedy="It is forgotten when Nexus is started or installed again and the trouble is over.",
            )
        )
    if told.get("bot_id") is None:
        found.append(
            Check(
                name=name,
                verdict=Verdict.FAIL,
                found="the token is a person's and not the bot's",
                remedy=f"Copy the Bot User OAuth Token (xoxb-…) from OAuth & Permissions ({APPS}).",
            )
        )
    found.append(_scopes(name, str(told.headers.get("x-oauth-scopes") or "")))
    return found


def _scopes(name: str, header: str) -> Check:
    granted = {scope.strip() for scope in header.split(",") if scope.strip()}
    missing = [scope for scope in SCOPES if scope not in granted]
    more = sorted(granted - set(SCOPES))
    unused = f"; granted and not used: {', '.join(more)}" if more else ""
    if not missing:
        return Check(name=f"{name} scopes", verdict=Verdict.OK, found=f"all {len(SCOPES)} that are needed{unused}")
    return Check(
        name=f"{name} scopes",
        verdict=Verdict.FAIL if ESSENTIAL & set(missing) else Verdict.WARN,
        found="missing: " + "; ".join(f"{scope} ({SCOPES[scope]})" for scope in missing) + unused,
        remedy=f"Add the scope{'s' if len(missing) > 1 else ''} {', '.join(missing)} under OAuth & Permissions at {APPS}, then reinstall "
        "the app there. `nexus slack manifest` has them all.",
    )


async def _sockets(slack: Checked, token: SecretStr) -> Check:
    name = "slack sockets"
    try:
        await web_client(slack.api_url).apps_connections_open(app_token=token.get_secret_value())
    except SlackApiError as error:
        if not _refused(error):
            return _unreachable(name, slack.api_url)
        code = str(error.response.get("error"))
        return Check(name=name, verdict=Verdict.FAIL, found=f"Slack gives none ({code})", remedy=refusal(code))
    except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError):
        return _unreachable(name, slack.api_url)
    return Check(name=name, verdict=Verdict.OK, found="Socket Mode is on, and SLACK_APP_TOKEN gets sockets")


def _requests(secret: SecretStr | None) -> Check:
    name = "slack requests"
    value = secret.get_secret_value() if secret is not None else ""
    if len(value) == 32 and all(character in "0123456789abcdef" for character in value):
        return Check(
            name=name, verdict=Verdict.OK, found=f"signed ones are taken at {EVENTS}; whether Slack reaches it, only Slack knows"
        )
    return Check(
        name=name,
        verdict=Verdict.WARN,
        found="SLACK_SIGNING_SECRET does not look like one: 32 digits and letters a to f",
        remedy=f"Copy it from Basic Information > App Credentials ({APPS}).",
    )


def _refused(error: SlackApiError) -> bool:
    """Whether Slack said no, rather than failed."""
    return error.response.status_code < 429 and isinstance(error.response.data, dict) and bool(error.response.get("error"))


def _unreachable(name: str, api_url: str) -> Check:
    return Check(
        name=name,
        verdict=Verdict.WARN,
        found=f"Slack is not reachable at {api_url}",
        remedy="Look at this machine's network and proxy (HTTPS_PROXY), and at https://status.slack.com. Nexus keeps trying by itself.",
    )
