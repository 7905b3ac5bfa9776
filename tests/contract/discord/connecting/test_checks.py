"""What the doctor finds of Discord, against the local Discord: good tokens, bad ones, what was not granted, and no Discord at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.discord.checks import Checked, check
from adapters.discord.inviting import application_of
from adapters.discord.manifest import PERMISSIONS, commands
from core.errors import OperatorError, TemporaryError
from core.words.check import Check, Verdict
from tests.support.discord.faults import Fault
from tests.support.discord.permissions import bits
from tests.support.discord.server import LocalDiscord
from tests.support.postgres import free_port


@pytest.fixture
async def discord() -> AsyncIterator[LocalDiscord]:
    """A Discord in which Nexus has been started: its commands are there."""
    async with LocalDiscord() as made:
        made.commands[""] = {
            str(number): {**command, "id": str(number), "application_id": made.application_id, "version": "1"}
            for number, command in enumerate(commands(), start=1)
        }
        yield made
        assert made.violations == []


def configured(discord: LocalDiscord, **changes: Any) -> Checked:
    known: dict[str, Any] = {"api_url": discord.api_url, "token": SecretStr(discord.token)}
    return Checked(**{**known, **changes})


def by_name(found: list[Check]) -> dict[str, Check]:
    return {one.name: one for one in found}


def verdicts(found: list[Check]) -> list[tuple[str, Verdict]]:
    return [(one.name, one.verdict) for one in found]


def lacking(discord: LocalDiscord, *names: str) -> None:
    """Take permissions from the bot in the first server."""
    for role in discord.guild.roles.values():
        role.permissions &= ~bits(*names)


ALL_WELL = [
    (name, Verdict.OK) for name in ("discord", "discord replies", "discord servers", "discord commands", "discord gateway")
]


async def test_where_all_is_well_it_says_as_whom_and_where_and_begins_no_session(discord: LocalDiscord) -> None:
    discord.add_guild("Globex")
    found = await check(configured(discord))
    said = by_name(found)

    assert ALL_WELL == verdicts(found)
    assert all(part in said["discord"].found for part in (f"Nexus ({discord.application_id})", "@"))
    assert f"Acme, Globex: all {len(PERMISSIONS)} permissions that are needed" == said["discord servers"].found
    assert f"{discord.gateway_url}; 1000 of 1000" in said["discord gateway"].found
    assert ([], []) == (discord.gateway.sessions, [one for one in discord.calls if one.method != "GET"])
    assert not any(one.remedy for one in found)


async def test_a_token_that_discord_refuses_fails_with_the_remedy_and_is_not_shown(discord: LocalDiscord) -> None:
    found = await check(configured(discord, token=SecretStr("abc.wrong.def")))

    assert [("discord", Verdict.FAIL)] == verdicts(found)
    assert "refuses DISCORD_TOKEN" in found[0].found
    assert "Reset Token" in found[0].remedy
    assert "wrong" not in repr(found) + repr(configured(discord, token=SecretStr("abc.wrong.def")))


@pytest.mark.parametrize("asked_for", [True, False])
async def test_an_intent_that_is_not_granted_is_told_with_what_goes_without_it_unless_it_is_not_wanted(
    discord: LocalDiscord, asked_for: bool
) -> None:
    discord.message_content = False
    found = by_name(await check(configured(discord, message_content=asked_for)))["discord replies"]

    assert "only where they mention the bot" in found.found
    if asked_for:
        assert Verdict.WARN is found.verdict
        assert "Message Content Intent" in found.remedy
        assert "NEXUS_DISCORD_MESSAGE_CONTENT=false" in found.remedy
    else:
        assert (Verdict.OK, "") == (found.verdict, found.remedy)


async def test_in_no_server_it_says_how_to_get_into_one(discord: LocalDiscord) -> None:
    discord.guild.remove_bot()
    found = by_name(await check(configured(discord)))["discord servers"]
    assert (Verdict.WARN, True) == (found.verdict, "`nexus discord invite`" in found.remedy)


@pytest.mark.parametrize(
    ("names", "verdict", "said"),
    [
        (["create_public_threads"], Verdict.WARN, f"Create Public Threads ({PERMISSIONS['create_public_threads']})"),
        (["attach_files", "send_messages_in_threads"], Verdict.FAIL, "Send Messages in Threads (cards, progress"),
    ],
)
async def test_a_missing_permission_is_named_by_server_with_what_it_is_for_and_what_to_do(
    discord: LocalDiscord, names: list[str], verdict: Verdict, said: str
) -> None:
    discord.add_guild("Globex")
    lacking(discord, *names)
    found = by_name(await check(configured(discord)))

    assert verdict is found["discord Acme"].verdict
    assert said in found["discord Acme"].found
    assert f"`nexus discord invite --guild {discord.guild.id}`" in found["discord Acme"].remedy
    assert found["discord servers"].found.startswith("Globex: all")


async def test_whoever_administers_needs_nothing_else(discord: LocalDiscord) -> None:
    lacking(discord, *PERMISSIONS)
    role = discord.guild.add_role("Everything", "administrator")
    discord.guild.members[discord.bot.id].roles.append(role.id)
    assert ALL_WELL == verdicts(await check(configured(discord)))


async def test_of_many_servers_some_are_named_and_the_rest_is_counted(discord: LocalDiscord) -> None:
    for number in range(7):
        guild = discord.add_guild(f"Poor {number}")
        for role in guild.roles.values():
            role.permissions &= ~bits("attach_files")
        discord.add_guild(f"Rich {number}")
    found = [one.found for one in await check(configured(discord)) if one.name.startswith("discord servers")]

    assert found[0].startswith("Acme, Rich 0, Rich 1, Rich 2, Rich 3 and 3 more: all")
    assert "permissions are missing in Poor 5, Poor 6 too" == found[1]


async def test_commands_that_are_missing_another_or_none_of_nexus_are_named(discord: LocalDiscord) -> None:
    first, second = discord.commands[""].values()
    first["description"] = "Something else"
    discord.commands[""] = {"1": first, "3": {**second, "id": "3", "name": "Older"}}
    found = by_name(await check(configured(discord)))["discord commands"]

    assert Verdict.WARN is found.verdict
    assert all(words in found.found for words in ("/nexus is another", "Build this is missing", "Older is none of Nexus's"))
    assert "registers them when it starts" in found.remedy


async def test_what_in_the_portal_keeps_nexus_from_working_is_named_with_the_page(discord: LocalDiscord) -> None:
    discord.portal = {"interactions_endpoint_url": "https://other.example/in", "bot_require_code_grant": True}
    found = [one for one in await check(configured(discord)) if one.verdict is not Verdict.OK]

    assert [("discord", Verdict.FAIL), ("discord", Verdict.WARN)] == verdicts(found)
    assert "https://other.example/in" in found[0].found
    assert ["Interactions Endpoint URL" in found[0].remedy, "Code Grant" in found[1].remedy] == [True, True]


async def test_few_session_starts_are_told_with_when_there_are_more(discord: LocalDiscord) -> None:
    discord.gateway.identified = 995
    found = by_name(await check(configured(discord)))["discord gateway"]
    assert Verdict.WARN is found.verdict
    assert "5 of 1000" in found.found
    assert "1 day" in found.remedy


async def test_a_gateway_that_cannot_be_reached_is_told_where_the_api_can(discord: LocalDiscord) -> None:
    elsewhere = f"ws://127.0.0.1:{free_port()}"
    found = await check(configured(discord, gateway_url=elsewhere))

    assert [*ALL_WELL[:-1], ("discord gateway", Verdict.WARN)] == verdicts(found)
    assert elsewhere in found[-1].found
    assert "HTTPS_PROXY" in found[-1].remedy


async def test_a_discord_that_is_not_reachable_is_said_to_be_and_no_token_is_blamed(discord: LocalDiscord) -> None:
    elsewhere = f"http://127.0.0.1:{free_port()}/api/v10"
    found = await check(configured(discord, api_url=elsewhere))

    assert [("discord", Verdict.WARN)] == verdicts(found)
    assert f"not reachable at {elsewhere}" in found[0].found
    assert "discordstatus.com" in found[0].remedy


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("GET /users/@me", retry_after=30), "asks to wait"),
        (Fault("GET /users/@me", status=502), "status 502"),
        (Fault("GET /applications/@me", cut=True, times=2), "not reachable"),
    ],
)
async def test_a_discord_that_asks_to_wait_or_fails_is_not_blamed_on_the_token(
    discord: LocalDiscord, fault: Fault, said: str
) -> None:
    discord.faults.add(fault)
    found = await check(configured(discord))
    assert [("discord", Verdict.WARN)] == verdicts(found)
    assert said in found[0].found


async def test_what_discord_does_not_tell_leaves_the_rest_told(discord: LocalDiscord) -> None:
    discord.faults.add("GET /users/@me/guilds", code=50001)
    discord.faults.add("GET /applications/*/commands", status=500)
    found = await check(configured(discord))

    assert [*ALL_WELL[:2], ("discord servers", Verdict.WARN), ("discord commands", Verdict.WARN), ALL_WELL[4]] == verdicts(found)
    assert "50001" in found[2].found


async def test_the_application_of_a_token_is_asked_for(discord: LocalDiscord) -> None:
    assert discord.application_id == await application_of(SecretStr(discord.token), api_url=discord.api_url)
    with pytest.raises(OperatorError, match="Reset Token"):
        await application_of(SecretStr("a.b.c"), api_url=discord.api_url)
    with pytest.raises(TemporaryError, match="not reachable"):
        await application_of(SecretStr("a.b.c"), api_url=f"http://127.0.0.1:{free_port()}")
