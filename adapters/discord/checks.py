"""What `nexus doctor` asks of Discord: whether the token is good, what was granted, and what is in the way.

Called by the wiring for the doctor. Everything is asked over HTTP by the bot's token; of the gateway only its greeting is awaited, which
begins no session. It changes nothing: what is not as it should be comes with the page where whoever runs Nexus mends it. What channels
take away from the bot is not looked at, since there are many, and since Nexus says so where it happens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from discord import ApplicationFlags
from pydantic import SecretStr

from adapters.discord.asking import Asking, Refusal
from adapters.discord.inviting import PORTAL
from adapters.discord.manifest import COMMAND, MENU_COMMAND, PERMISSIONS, commands
from adapters.discord.permissions import label, missing
from adapters.discord.registering import differences
from core.errors import TemporaryError
from core.words.check import Check, Verdict

#: Without these nothing works in a server; without the others, something.
ESSENTIAL: Final = frozenset({"view_channel", "read_messages", "send_messages", "send_messages_in_threads"})
PAGE: Final = 200  #: servers that Discord names at once
NAMED: Final = 5  #: servers that are named before the rest is counted
FEW_STARTS: Final = 20  #: of sessions; Discord resets a token that has used up its thousand


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What is configured."""

    token: SecretStr = field(repr=False)
    api_url: str
    gateway_url: str = ""
    message_content: bool = True


async def check(discord: Checked) -> list[Check]:
    """Look at all of it. What Discord refuses to one question does not keep the others from being asked."""
    async with Asking(discord.api_url, discord.token) as asking:
        try:
            me, app = await asking.get("/users/@me"), await asking.get("/applications/@me")
        except Refusal as error:
            return [
                Check(
                    name="discord",
                    verdict=Verdict.FAIL,
                    found=f"Discord refuses DISCORD_TOKEN: {error}",
                    remedy=f"Open your application's Bot page at {PORTAL}, press Reset Token, and set DISCORD_TOKEN to the new one.",
                )
            ]
        except TemporaryError as error:
            return [_unreachable("discord", error)]
        found = [Check(name="discord", verdict=Verdict.OK, found=f"{app.get('name')} ({app['id']}), as @{me.get('username')}")]
        found += _application(app)
        found.append(_replies(discord, app))
        for name, looked_at in (
            ("discord servers", _servers(asking)),
            ("discord commands", _commands(asking, str(app["id"]))),
            ("discord gateway", _gateway(asking, discord.gateway_url)),
        ):
            try:
                found += await looked_at
            except TemporaryError as error:
                found.append(_unreachable(name, error))
            except Refusal as error:
                found.append(
                    Check(
                        name=name,
                        verdict=Verdict.WARN,
                        found=f"Discord does not say: {error}",
                        remedy="Run the doctor again later.",
                    )
                )
        return found


def _application(app: Mapping[str, Any]) -> list[Check]:
    """What in the application's settings keeps Nexus from working."""
    found = []
    if endpoint := app.get("interactions_endpoint_url"):
        found.append(
            Check(
                name="discord",
                verdict=Verdict.FAIL,
                found=f"Discord sends commands and buttons to {endpoint} and not to Nexus",
                remedy=f"Empty the Interactions Endpoint URL on the General Information page at {PORTAL}.",
            )
        )
    if app.get("bot_require_code_grant"):
        found.append(
            Check(
                name="discord",
                verdict=Verdict.WARN,
                found="it can be added to no server by a link",
                remedy=f"Turn Requires OAuth2 Code Grant off on the Bot page at {PORTAL}.",
            )
        )
    return found


def _replies(discord: Checked, app: Mapping[str, Any]) -> Check:
    """Whether what people write in a thread can be read."""
    name, flags = "discord replies", ApplicationFlags._from_value(int(app.get("flags") or 0))
    granted = flags.gateway_message_content or flags.gateway_message_content_limited
    unread = "replies in threads are read only where they mention the bot; changes go by Change… and /nexus"
    if not discord.message_content:
        return Check(name=name, verdict=Verdict.OK, found=f"as NEXUS_DISCORD_MESSAGE_CONTENT says, {unread}")
    if granted:
        return Check(name=name, verdict=Verdict.OK, found="read in threads: the Message Content Intent is granted")
    return Check(
        name=name,
        verdict=Verdict.WARN,
        found=f"the Message Content Intent is not granted: {unread}",
        remedy=f"Turn Message Content Intent on, on the Bot page at {PORTAL}, and start Nexus again; or set "
        "NEXUS_DISCORD_MESSAGE_CONTENT=false.",
    )


async def _servers(asking: Asking) -> list[Check]:
    """In which servers the bot is, and what its roles lack there."""
    guilds: list[Mapping[str, Any]] = []
    while True:
        after = {"after": str(guilds[-1]["id"])} if guilds else {}
        page = await asking.get("/users/@me/guilds", limit=str(PAGE), **after)
        guilds += page
        if len(page) < PAGE:
            break
    if not guilds:
        return [
            Check(
                name="discord servers",
                verdict=Verdict.WARN,
                found="it is in none",
                remedy="Open the link that `nexus discord invite` prints, and choose a server.",
            )
        ]
    lacking = [(guild, gone) for guild in guilds if (gone := missing(int(guild.get("permissions") or 0), PERMISSIONS))]
    well = [str(guild["name"]) for guild in guilds if guild["id"] not in {one["id"] for one, _ in lacking}]
    found = []
    if well:
        found.append(
            Check(
                name="discord servers",
                verdict=Verdict.OK,
                found=f"{_named(well)}: all {len(PERMISSIONS)} permissions that are needed",
            )
        )
    found += [_lacking(guild, gone) for guild, gone in lacking[:NAMED]]
    if more := lacking[NAMED:]:
        found.append(
            Check(
                name="discord servers",
                verdict=Verdict.WARN,
                found=f"permissions are missing in {_named([str(guild['name']) for guild, _ in more])} too",
                remedy="`nexus discord invite` prints a link that adds them.",
            )
        )
    return found


def _lacking(guild: Mapping[str, Any], gone: Sequence[str]) -> Check:
    return Check(
        name=f"discord {guild['name']}",
        verdict=Verdict.FAIL if ESSENTIAL & set(gone) else Verdict.WARN,
        found="missing: " + "; ".join(f"{label(name)} ({PERMISSIONS[name]})" for name in gone),
        remedy=f"Turn {'it' if len(gone) == 1 else 'them'} on for the bot's role in Server Settings > Roles, or open the link that "
        f"`nexus discord invite --guild {guild['id']}` prints.",
    )


def _named(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


async def _commands(asking: Asking, application: str) -> list[Check]:
    """Whether what people can type is what Nexus has."""
    name = "discord commands"
    there = await asking.get(f"/applications/{application}/commands", with_localizations="true")
    wrong = differences(there, commands())
    if not wrong:
        return [Check(name=name, verdict=Verdict.OK, found=f"registered as Nexus has them: /{COMMAND}, {MENU_COMMAND}")]
    return [
        Check(
            name=name,
            verdict=Verdict.WARN,
            found="not as Nexus has them: " + "; ".join(wrong),
            remedy="Nexus registers them when it starts: `nexus up`, or `nexus bot`. With one that runs, look into its log.",
        )
    ]


async def _gateway(asking: Asking, wanted: str) -> list[Check]:
    """Whether Nexus could connect now."""
    name, told = "discord gateway", await asking.get("/gateway/bot")
    url, limit = wanted or str(told["url"]).rstrip("/"), told.get("session_start_limit") or {}
    if not await asking.greeted(url):
        raise TemporaryError(f"What answers at {url} is not Discord's gateway.")
    left, total = int(limit.get("remaining", 0)), int(limit.get("total", 0))
    said = f"reachable at {url}; {left} of {total} session starts left"
    if left > FEW_STARTS:
        return [Check(name=name, verdict=Verdict.OK, found=said)]
    again = timedelta(seconds=int(limit.get("reset_after", 0)) // 1000)
    return [
        Check(
            name=name,
            verdict=Verdict.WARN,
            found=said,
            remedy=f"Something starts over and over with this token: stop it. There are {total} again in {again}.",
        )
    ]


def _unreachable(name: str, error: TemporaryError) -> Check:
    return Check(
        name=name,
        verdict=Verdict.WARN,
        found=error.message,
        remedy="Look at this machine's network and proxy (HTTPS_PROXY), and at https://discordstatus.com. Nexus keeps trying by itself.",
    )
