"""Many workspaces: somebody installs Nexus in theirs through the proxy, is served there by signed requests, and takes it out again."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator

import pytest
from yarl import URL

from tests.support.nexus import Nexus, new_nexus, until
from tests.support.slack import LocalSlack, SlackUser, render_text

OUTSIDE = "nexus.example.com"  #: the name by which Slack and browsers reach it


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack() as made:
        yield made


@pytest.fixture
async def served(nexus: Nexus, slack: LocalSlack) -> AsyncIterator[Nexus]:
    made = new_nexus(
        like=nexus,
        SLACK_API_URL=slack.api_url,
        SLACK_CLIENT_ID=slack.client_id,
        SLACK_CLIENT_SECRET=slack.client_secret,
        SLACK_SIGNING_SECRET=slack.signing_secret,
    )
    try:
        yield await made.up()
        await made.down()
    finally:
        await made.close()


async def _install(nexus: Nexus, user: SlackUser) -> str:
    """In a browser, from the page to its end; what the last page says."""
    page = await nexus.request("GET", "/slack/install", host=OUTSIDE)
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    found = re.search(r'href="([^"]+/oauth/v2/authorize[^"]+)"', page.text)
    assert found, page.text
    back = URL(user.consent(html.unescape(found[1])))
    answer = await nexus.request("GET", f"/slack/oauth_redirect?{back.query_string}", host=OUTSIDE, headers={"Cookie": cookie})
    return answer.text


async def test_a_workspace_comes_is_served_and_goes(served: Nexus, slack: LocalSlack) -> None:
    team = slack.add_workspace("Globex", installed=False)
    grace, ada = team.add_user("Grace"), slack.workspace.add_user("Ada")
    slack.deliver_to(f"http://127.0.0.1:{served.port}/slack/events")

    assert "Nexus is installed" in await _install(served, grace)
    receipt = await grace.command("/nexus", "help", "#general")
    assert receipt.acknowledged, receipt.error
    shown = await slack.wait_for(lambda: slack.messages("#general", user=grace), why="help in Globex")
    assert "build" in render_text(shown[0])

    # Of another workspace nothing is known here, and nobody there is answered with the first one's token.
    await ada.command("/nexus", "list", "#general")
    refused = await slack.wait_for(lambda: slack.messages("#general", user=ada), why="a refusal")
    assert "not installed in this workspace" in render_text(refused[0])

    told = (await served.run("doctor")).out
    assert f"slack {team.id}" in told
    assert "Globex" in told

    slack.uninstall(team)
    await slack.wait_for(lambda: any(one.acknowledged for one in slack.delivered("app_uninstalled")), why="the end is heard")

    async def forgotten() -> bool:
        return await served.sql("SELECT 1 FROM installations") == []

    await until(forgotten, what="the token is forgotten")
    # Bolt writes down that somebody was refused.
    assert [] == [fault for fault in served.faults() if fault["logger"] != "slack_bolt.AsyncMultiTeamsAuthorization"]
