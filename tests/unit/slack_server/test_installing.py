"""Installing and uninstalling in the local Slack: OAuth, several workspaces, and the manifest."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth import AuthorizeUrlGenerator
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.slack import LocalSlack
from tests.unit.slack_server.conftest import Connect, bolt
from tests.unit.slack_server.test_messages import refused

# slack_sdk 3.47 sends the client's secret by a class that aiohttp 3.14 calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
BACK = "https://nexus.example/slack/oauth_redirect"


def authorize_url(slack: LocalSlack, scopes: list[str]) -> str:
    generator = AuthorizeUrlGenerator(client_id=slack.client_id, scopes=scopes, redirect_uri=BACK)
    return generator.generate("state-1")


async def test_a_code_gives_a_token_once(slack: LocalSlack) -> None:
    team = slack.add_workspace("Globex", installed=False)
    ada = team.add_user("Ada")
    url = urlsplit(ada.consent(authorize_url(slack, ["chat:write", "commands"])))
    query = parse_qs(url.query)
    assert f"{url.scheme}://{url.netloc}{url.path}" == BACK
    assert query["state"] == ["state-1"]
    client = AsyncWebClient(base_url=slack.api_url)
    exchange: dict[str, Any] = {
        "client_id": slack.client_id,
        "client_secret": slack.client_secret,
        "code": query["code"][0],
        "redirect_uri": BACK,
    }
    assert (await refused(client.oauth_v2_access(**{**exchange, "client_secret": "x"})))[0] == "bad_client_secret"
    installed = await client.oauth_v2_access(**exchange)
    assert (installed["team"]["id"], installed["authed_user"]["id"], installed["enterprise"]) == (team.id, ada.id, None)
    assert installed["scope"] == "chat:write,commands"
    assert (await client.auth_test(token=installed["access_token"]))["team_id"] == team.id
    assert (await refused(client.oauth_v2_access(**exchange)))[0] == "invalid_code"


async def test_a_person_may_decline_and_a_code_gets_old(slack: LocalSlack) -> None:
    ada = slack.workspace.add_user("Ada")
    assert ada.consent(authorize_url(slack, ["chat:write"]), allow=False) == f"{BACK}?error=access_denied&state=state-1"
    code = parse_qs(urlsplit(ada.consent(authorize_url(slack, ["chat:write"]))).query)["code"][0]
    slack.advance(600)
    client = AsyncWebClient(base_url=slack.api_url)
    exchange = client.oauth_v2_access(client_id=slack.client_id, client_secret=slack.client_secret, code=code, redirect_uri=BACK)
    assert (await refused(exchange))[0] == "invalid_code"


async def test_workspaces_do_not_see_each_other(slack: LocalSlack) -> None:
    other = slack.add_workspace("Globex")
    client = AsyncWebClient(token=other.token, base_url=slack.api_url)
    channel = slack.workspace.channel_id("#general")
    assert (await refused(client.chat_postMessage(channel=channel, text="x")))[0] == "channel_not_found"
    await client.chat_postMessage(channel="#general", text="here")
    assert slack.messages("#general") == []
    assert [one.text for one in slack.messages("#general", team=other)] == ["here"]


async def test_the_app_is_told_that_it_was_uninstalled(slack: LocalSlack, connect: Connect) -> None:
    app, heard = bolt(slack), []

    @app.event("tokens_revoked")
    async def revoked(event: Any) -> None:
        heard.append(event["tokens"]["bot"])

    @app.event("app_uninstalled")
    async def uninstalled(body: Any) -> None:
        heard.append(body["team_id"])

    await connect(app, slack)
    await app.client.auth_test()
    bob = slack.workspace.add_user("Bob")
    slack.uninstall(slack.workspace)
    await slack.wait_for(lambda: len(slack.delivered("app_uninstalled")) == 1)
    with pytest.raises(SlackApiError, match="account_inactive"):
        await app.client.auth_test()
    assert (await bob.command("/nexus")).error == "/nexus is not a valid command."


async def test_a_manifest_is_checked(client: AsyncWebClient) -> None:
    manifest: dict[str, Any] = {
        "display_information": {"name": "Nexus"},
        "features": {
            "bot_user": {"display_name": "Nexus"},
            "slash_commands": [{"command": "/nexus", "description": "Build an app"}],
        },
        "oauth_config": {"scopes": {"bot": ["commands", "app_mentions:read"]}},
        "settings": {"socket_mode_enabled": True, "event_subscriptions": {"bot_events": ["app_mention"]}},
    }
    await client.apps_manifest_validate(manifest=manifest)
    manifest["oauth_config"]["scopes"]["bot"] = ["comands"]
    manifest["settings"]["socket_mode_enabled"] = False
    with pytest.raises(SlackApiError) as caught:
        await client.apps_manifest_validate(manifest=json.dumps(manifest))
    assert caught.value.response["error"] == "invalid_manifest"
    assert {one["message"] for one in caught.value.response["errors"]} == {
        "unknown scope comands",
        "slash commands need the scope commands",
        "app_mention needs the scope app_mentions:read",
        "must be an https URL where socket mode is off",
    }
