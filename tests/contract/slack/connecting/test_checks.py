"""What the doctor finds of Slack, against the local Slack: good tokens, bad ones, missing scopes, and no Slack at all."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from adapters.slack.checks import Checked, check
from adapters.slack.manifest import SCOPES
from core.ledger.installations import Installation
from core.words.check import Check, Verdict
from tests.support.slack import LocalSlack


def configured(slack: LocalSlack, **changes: Any) -> Checked:
    known: dict[str, Any] = {
        "api_url": slack.api_url,
        "bot_token": SecretStr(slack.bot_token),
        "app_token": SecretStr(slack.app_token),
        "signing_secret": None,
    }
    return Checked(**{**known, **changes})


def by_name(found: list[Check]) -> dict[str, Check]:
    return {one.name: one for one in found}


def verdicts(found: list[Check]) -> list[tuple[str, Verdict]]:
    return [(one.name, one.verdict) for one in found]


ALL_WELL = [("slack", Verdict.OK), ("slack scopes", Verdict.OK), ("slack sockets", Verdict.OK)]


async def test_where_all_is_well_it_says_where_and_as_whom_and_leaves_no_socket_open(slack: LocalSlack) -> None:
    slack.workspace.scopes = set(SCOPES)
    found = await check(configured(slack))

    assert ALL_WELL == verdicts(found)
    assert all(part in found[0].found for part in ("Acme", slack.workspace.id, "@"))
    assert f"all {len(SCOPES)} that are needed" == found[1].found
    assert [] == slack.sockets.ever
    assert not any(one.remedy for one in found)


async def test_more_scopes_than_are_used_are_named(slack: LocalSlack) -> None:
    slack.workspace.scopes = {*SCOPES, "users:read.email"}
    assert "granted and not used: users:read.email" in by_name(await check(configured(slack)))["slack scopes"].found


@pytest.mark.parametrize(("missing", "verdict"), [("files:write", Verdict.WARN), ("chat:write", Verdict.FAIL)])
async def test_a_missing_scope_is_named_with_what_it_is_for_and_what_to_do(
    slack: LocalSlack, missing: str, verdict: Verdict
) -> None:
    slack.workspace.scopes = set(SCOPES) - {missing}
    found = by_name(await check(configured(slack)))["slack scopes"]

    assert verdict is found.verdict
    assert f"{missing} ({SCOPES[missing]})" in found.found
    assert f"Add the scope {missing} under OAuth & Permissions" in found.remedy
    assert "reinstall" in found.remedy


async def test_a_token_that_slack_refuses_fails_with_the_remedy_and_is_not_shown(slack: LocalSlack) -> None:
    found = await check(configured(slack, bot_token=SecretStr("xoxb-wrong")))

    assert Verdict.FAIL is found[0].verdict
    assert "invalid_auth" in found[0].found
    assert "OAuth & Permissions" in found[0].remedy
    assert "xoxb-wrong" not in repr(found)


async def test_an_app_that_was_removed_is_said_to_be(slack: LocalSlack) -> None:
    slack.uninstall(slack.workspace)
    assert "account_inactive" in by_name(await check(configured(slack)))["slack"].found


@pytest.mark.parametrize(
    ("token", "error", "said"),
    [
        ("xapp-wrong", "", "Make a new app-level token"),
        ("", "not_enabled", "Turn it on"),
        ("", "missing_scope", "connections:write"),
    ],
)
async def test_an_app_token_that_gets_no_socket_fails_with_the_remedy(
    slack: LocalSlack, token: str, error: str, said: str
) -> None:
    if error:
        slack.fault("apps.connections.open", error=error)
    found = by_name(await check(configured(slack, app_token=SecretStr(token or slack.app_token))))["slack sockets"]

    assert Verdict.FAIL is found.verdict
    assert said in found.remedy


@pytest.mark.parametrize("refuse", [True, False])
async def test_a_slack_that_is_not_reachable_is_said_to_be_and_no_token_is_blamed(slack: LocalSlack, refuse: bool) -> None:
    await slack.begin_outage(refuse=refuse)
    found = await check(configured(slack))
    await slack.end_outage()

    assert [("slack", Verdict.WARN), ("slack sockets", Verdict.WARN)] == verdicts(found)
    assert all("not reachable" in one.found and slack.api_url in one.found for one in found)
    assert all("status.slack.com" in one.remedy for one in found)


async def test_a_slack_that_asks_to_wait_is_not_blamed_on_the_token(slack: LocalSlack) -> None:
    slack.fault("auth.test", retry_after=30)
    assert Verdict.WARN is (await check(configured(slack)))[0].verdict


@pytest.mark.parametrize(("secret", "verdict"), [("0123456789abcdef" * 2, Verdict.OK), ("xoxb-1", Verdict.WARN)])
async def test_a_signing_secret_is_looked_at(slack: LocalSlack, secret: str, verdict: Verdict) -> None:
    found = by_name(await check(configured(slack, app_token=None, signing_secret=SecretStr(secret))))["slack requests"]
    assert verdict is found.verdict
    assert secret not in repr(found)


async def test_the_trouble_of_the_one_workspace_is_told(slack: LocalSlack) -> None:
    kept = Installation(platform="slack", workspace=slack.workspace.id, name="Acme", secrets={}, trouble="It broke.")
    other = Installation(platform="slack", workspace="T0OTHER", name="Globex", secrets={}, trouble="Another's.")
    found = await check(configured(slack, installed=[other, kept]))

    assert ["It broke."] == [one.found for one in found if one.verdict is Verdict.WARN]
    assert all(one.remedy for one in found if one.verdict is not Verdict.OK)


async def test_of_many_workspaces_each_is_looked_at(slack: LocalSlack) -> None:
    gone, fine = slack.add_workspace("Globex", scopes=SCOPES), slack.workspace
    fine.scopes = set(SCOPES)
    installed = [
        Installation(platform="slack", workspace=team.id, name=team.name, secrets={"bot": SecretStr(team.token)})
        for team in (fine, gone)
    ]
    bare = Installation(platform="slack", workspace="T0BARE", name="Initech", secrets={})
    slack.revoke_tokens(gone)
    found = await check(configured(slack, bot_token=None, installed=[*installed, bare]))

    assert [
        (f"slack {fine.id}", Verdict.OK),
        (f"slack {fine.id} scopes", Verdict.OK),
        (f"slack {gone.id}", Verdict.FAIL),
        ("slack T0BARE", Verdict.WARN),
        ("slack sockets", Verdict.OK),
    ] == verdicts(found)
    assert "token_revoked" in found[2].found
    assert "/slack/install" in found[2].remedy


async def test_where_none_has_installed_it_the_way_is_told(slack: LocalSlack) -> None:
    found = await check(configured(slack, bot_token=None, installed=[]))
    assert (Verdict.WARN, True) == (found[0].verdict, "/slack/install" in found[0].remedy)


async def test_without_a_ledger_it_says_when_workspaces_are_seen(slack: LocalSlack) -> None:
    assert "while a Nexus runs" in (await check(configured(slack, bot_token=None)))[0].found
