"""Installations: one workspace by its token, or many by OAuth, over a real ledger."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp
from slack_bolt.error import BoltError
from slack_sdk.oauth.installation_store import Installation as SlackInstallation
from yarl import URL

from adapters.slack.http import add_slack
from adapters.slack.installations import WHOLE_ORGANISATION, SlackInstallations, States, Store, oauth_flow, web_client
from adapters.slack.manifest import SCOPES
from core.errors import OperatorError, TemporaryError
from core.ledger.inbox import LedgerInbox
from core.ledger.installations import Installations
from core.ledger.ledger import Ledger
from core.ledger.vault import Vault
from tests.support.ledger import ledger, migrated, postgres
from tests.support.slack import LocalSlack, SlackUser

__all__ = ["ledger", "migrated", "postgres"]
KEY = b"k" * 32

#: The SDK calls oauth.v2.access with what aiohttp is going to give up.
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")


@pytest.fixture
def kept(ledger: Ledger) -> Installations:
    return Installations(ledger, Vault([b"v" * 32]))


def one(slack: LocalSlack, kept: Installations, token: str = "") -> SlackInstallations:
    return SlackInstallations(kept, web_client(slack.api_url), token=SecretStr(token or slack.bot_token))


def many(slack: LocalSlack, kept: Installations) -> SlackInstallations:
    return SlackInstallations(kept, web_client(slack.api_url))


# -- one ---------------------------------------------------------------------------------------------------------------------


async def test_the_workspace_of_the_token_is_learned_once(slack: LocalSlack, kept: Installations) -> None:
    installations = one(slack, kept)
    bots = await asyncio.gather(*(installations.bot(slack.workspace.id) for _ in range(5)))

    assert {("Acme", slack.workspace.bot.id)} == {(bot.name, bot.bot_user) for bot in bots if bot}
    assert 1 == len(slack.called("auth.test"))
    assert slack.bot_token == (await installations.token(slack.workspace.id)).get_secret_value()
    told = await installations.authorize(None, slack.workspace.id)
    assert told is not None
    assert (slack.workspace.bot_id, slack.bot_token) == (told.bot_id, told.bot_token)


async def test_the_token_is_in_no_table(slack: LocalSlack, kept: Installations) -> None:
    await one(slack, kept).bot(slack.workspace.id)
    row = await kept.find("slack", slack.workspace.id)
    assert row is not None
    assert ("Acme", {}) == (row.name, row.secrets)


async def test_another_workspace_is_none_of_the_one(slack: LocalSlack, kept: Installations) -> None:
    installations = one(slack, kept)

    assert await installations.authorize(None, "T0OTHER") is None
    assert await installations.authorize("E0ORG", None) is None
    with pytest.raises(OperatorError, match="not installed"):
        await installations.token("T0OTHER")


async def test_a_token_that_slack_refuses_is_told_with_the_remedy_and_authorizes_nothing(
    slack: LocalSlack, kept: Installations
) -> None:
    installations, told = one(slack, kept, "xoxb-wrong"), list[str]()
    introducing = asyncio.create_task(installations.introduce(told.append, pause=0.01))
    await slack.wait_for(lambda: len(slack.called("auth.test")) >= 3)
    introducing.cancel()
    await asyncio.gather(introducing, return_exceptions=True)

    assert 1 == len(told)
    assert "OAuth & Permissions" in told[0]
    assert "xoxb-wrong" not in told[0]
    assert await installations.authorize(None, slack.workspace.id) is None


async def test_while_slack_is_away_the_workspace_is_asked_for_again(slack: LocalSlack, kept: Installations) -> None:
    installations, told = one(slack, kept), list[str]()
    await slack.begin_outage()
    with pytest.raises(TemporaryError):
        await installations.token(slack.workspace.id)
    introducing = asyncio.create_task(installations.introduce(told.append, pause=0.01))
    await slack.end_outage()
    await introducing
    assert [f"Slack knows Nexus in Acme ({slack.workspace.id})."] == told


async def test_when_the_only_app_is_removed_the_trouble_is_kept_until_it_works_again(
    slack: LocalSlack, kept: Installations
) -> None:
    installations = one(slack, kept)
    await installations.bot(slack.workspace.id)
    await installations.removed(slack.workspace.id, "the app was uninstalled")

    row = await kept.find("slack", slack.workspace.id)
    assert row is not None
    assert "SLACK_BOT_TOKEN" in row.trouble
    await installations.bot(slack.workspace.id)
    row = await kept.find("slack", slack.workspace.id)
    assert row is not None
    assert "" == row.trouble


async def test_a_configured_token_leaves_what_was_installed_alone(slack: LocalSlack, kept: Installations) -> None:
    await kept.save("slack", slack.workspace.id, name="Acme", secrets={"bot": SecretStr("xoxb-installed")})
    await one(slack, kept).bot(slack.workspace.id)
    row = await kept.find("slack", slack.workspace.id)
    assert row is not None
    assert "xoxb-installed" == row.secrets["bot"].get_secret_value()


# -- many --------------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Page:
    """The site's pages of an installation, in a browser."""

    base: URL
    session: aiohttp.ClientSession

    async def begin(self, **query: str) -> str:
        """Open the install page; the address of Slack's."""
        async with self.session.get(self.base / "slack/install", params=query) as response:
            text = await response.text()
            assert 200 == response.status, text
            for name, morsel in response.cookies.items():  # they are for TLS alone; the test has none
                self.session.cookie_jar.update_cookies({name: morsel.value}, self.base)
        found = re.search(r'href="(http[^"]+/oauth/v2/authorize[^"]+)"', text)
        assert found, text
        return found[1].replace("&amp;", "&")

    async def come_back(self, address: str) -> tuple[int, str]:
        """Where Slack sends the browser."""
        async with self.session.get(self.base / "slack/oauth_redirect", params=URL(address).query) as response:
            assert "no-store" == response.headers["Cache-Control"]
            return response.status, await response.text()


@pytest.fixture
async def browser(slack: LocalSlack, bolt: AsyncApp, ledger: Ledger, kept: Installations) -> AsyncIterator[Page]:
    site = web.Application()
    flow = oauth_flow(
        kept,
        LedgerInbox(ledger),
        web_client(slack.api_url),
        client_id=slack.client_id,
        client_secret=SecretStr(slack.client_secret),
        state_key=KEY,
        scopes=sorted(SCOPES),
    )
    add_slack(site, bolt, signing_secret=None, oauth=flow)
    async with TestServer(site) as server, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Page(server.make_url("/"), session)


@pytest.fixture
def grace(slack: LocalSlack) -> SlackUser:
    """Somebody in a workspace that has not installed it."""
    return slack.add_workspace("Globex", installed=False).add_user("Grace")


async def test_a_workspace_installs_it_and_is_served_with_its_own_token(
    slack: LocalSlack, kept: Installations, browser: Page, grace: SlackUser
) -> None:
    status, text = await browser.come_back(grace.consent(await browser.begin()))
    assert (200, True) == (status, "Globex" in text)

    installations, team = many(slack, kept), grace.team
    told = await installations.authorize(None, team.id)
    assert told is not None
    assert (team.token, team.bot.id, team.bot_id) == (told.bot_token, told.bot_user_id, told.bot_id)
    assert team.token == (await installations.token(team.id)).get_secret_value()
    assert set(SCOPES) == team.scopes
    assert await installations.authorize(None, slack.workspace.id) is None


async def test_tokens_are_sealed_in_the_ledger(kept: Installations, ledger: Ledger, browser: Page, grace: SlackUser) -> None:
    await browser.come_back(grace.consent(await browser.begin()))
    connection = await ledger.connect()
    try:
        row = dict(await connection.fetchrow("SELECT * FROM installations"))
    finally:
        await connection.close()
    assert grace.team.id == row["workspace_ref"]
    assert grace.team.token not in str(row)


async def test_a_state_is_good_once(browser: Page, grace: SlackUser) -> None:
    address = await browser.begin()
    assert 200 == (await browser.come_back(grace.consent(address)))[0]
    status, text = await browser.come_back(grace.consent(address))
    assert (401, True) == (status, "finished already" in text)


async def test_a_state_of_another_browser_is_refused(browser: Page, grace: SlackUser) -> None:
    address = await browser.begin()
    browser.session.cookie_jar.clear()
    status, text = await browser.come_back(grace.consent(address))
    assert (400, True) == (status, "another browser" in text)
    assert not grace.team.installed


async def test_states_are_signed_and_expire(ledger: Ledger) -> None:
    states = States(KEY, LedgerInbox(ledger))
    good = await states.async_issue()
    forged = jwt.encode({"aud": "slack install", "jti": "x", "exp": 2**40}, b"o" * 32, algorithm="HS256")
    old = jwt.encode({"aud": "slack install", "jti": "y", "exp": 1}, KEY, algorithm="HS256")
    other = jwt.encode({"aud": "api", "jti": "z", "exp": 2**40}, KEY, algorithm="HS256")
    endless = jwt.encode({"aud": "slack install", "jti": "e"}, KEY, algorithm="HS256")

    assert [False] * 5 == [await states.async_consume(state) for state in (forged, old, other, endless, "nonsense")]
    assert [True, False] == [await states.async_consume(good), await States(KEY, LedgerInbox(ledger)).async_consume(good)]


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ({"error": "access_denied"}, 400, "You chose not to install"),
        ({"error": "<script>"}, 400, "Slack did not finish it"),
        ({"code": "wrong", "state": "right"}, 401, "does not take the code"),
        ({"state": "right"}, 401, "no code"),
        ({}, 400, "another browser"),
    ],
    ids=["cancelled", "strange", "wrong code", "no code", "nothing"],
)
async def test_an_installation_that_fails_says_why_and_how_to_begin_again(
    browser: Page, query: dict[str, str], status: int, said: str
) -> None:
    address = URL(await browser.begin())
    sent = {name: address.query["state"] if value == "right" else value for name, value in query.items()}
    found, text = await browser.come_back(str(URL("http://x/").with_query(sent)))

    assert (status, True) == (found, said in text)
    assert '<a href="/slack/install">' in text
    assert "<script>" not in text


async def test_while_slack_is_away_an_installation_says_so(slack: LocalSlack, browser: Page, grace: SlackUser) -> None:
    back = grace.consent(await browser.begin())
    await slack.begin_outage()
    status, text = await browser.come_back(back)
    assert (503, True) == (status, "not reachable" in text)


def installation(**changes: Any) -> SlackInstallation:
    known = {"user_id": "U1", "team_id": "T1", "team_name": "Acme", "bot_token": "xoxb-1", "bot_id": "B1", "bot_user_id": "U9"}
    return SlackInstallation(**{**known, **changes})


async def test_a_whole_organisation_is_refused_with_a_sentence(kept: Installations) -> None:
    for whole in (installation(is_enterprise_install=True), installation(team_id=None)):
        with pytest.raises(BoltError, match="whole organisation") as refused:
            await Store(kept).async_save(whole)
        assert WHOLE_ORGANISATION == str(refused.value)
    with pytest.raises(BoltError, match="bot user"):
        await Store(kept).async_save(installation(bot_token=None))
    assert [] == await kept.every("slack")


async def test_a_workspace_that_removes_it_is_forgotten(slack: LocalSlack, kept: Installations) -> None:
    await Store(kept).async_save(installation())
    installations = many(slack, kept)
    assert await installations.authorize(None, "T1") is not None

    await installations.removed("T1", "the app was uninstalled")
    assert await installations.authorize(None, "T1") is None
    with pytest.raises(OperatorError, match="install it again"):
        await installations.token("T1")


async def test_installing_again_ends_the_trouble(slack: LocalSlack, kept: Installations) -> None:
    await Store(kept).async_save(installation())
    await many(slack, kept).trouble("T1", "The app needs the scope files:write.")
    assert ["The app needs the scope files:write."] == [one.trouble for one in await kept.every("slack")]
    await Store(kept).async_save(installation(bot_token="xoxb-2"))
    assert [("", "xoxb-2")] == [(one.trouble, one.secrets["bot"].get_secret_value()) for one in await kept.every("slack")]
