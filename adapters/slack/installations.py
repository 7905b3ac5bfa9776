"""Installations: which workspaces Nexus is in, and the token for each.

Two ways, chosen by the settings. With ``SLACK_BOT_TOKEN`` it is the one workspace of that token, learned from ``auth.test``; the token
is in no table. With ``SLACK_CLIENT_ID`` and ``SLACK_CLIENT_SECRET`` it is every workspace in which somebody went through
``/slack/install``; their tokens are in the ledger, sealed. `SlackInstallations` answers both Bolt, which asks whom an event is for
(`authorize`), and whoever calls Slack (`token`). Bolt's own way, ``auth.test`` at every event, is not taken: it would take its share of
the three seconds that an acknowledgement may take, and fail when Slack's API does.

Refuses installations for a whole Enterprise Grid organisation: a workspace is what has settings, members and apps here, and such an
installation has none. What goes wrong with a workspace's token is kept with it, for `nexus doctor`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import jwt
import structlog
from pydantic import SecretStr
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltError
from slack_bolt.oauth.async_callback_options import AsyncCallbackOptions, AsyncFailureArgs, AsyncSuccessArgs
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth.installation_store import Installation as SlackInstallation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.http import page
from adapters.slack.paths import INSTALL, OAUTH_REDIRECT
from core.errors import OperatorError, TemporaryError
from core.ledger.inbox import LedgerInbox
from core.ledger.installations import Installation, Installations

log = structlog.get_logger(__name__)

# The SDK logs what it sends at DEBUG.
_quiet = logging.getLogger("slack_sdk.quiet")
_quiet.setLevel(logging.INFO)

PLATFORM = "slack"
BOT = "bot"  #: the name of the sealed secret
STATE_SECONDS = 600  #: from the page of an installation until Slack sends the browser back

WHOLE_ORGANISATION = (
    "Nexus cannot be installed for a whole organisation. Install it in one workspace: open the install page again and choose a workspace, "
    "not the organisation, in Slack's upper right corner."
)
NOT_INSTALLED = "Nexus is not installed in this workspace, or not any more. Whoever runs it can install it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """Nexus in one workspace."""

    workspace: str
    name: str
    bot_id: str
    bot_user: str
    token: SecretStr = field(repr=False)
    scopes: tuple[str, ...] = ()


def web_client(api_url: str, **options: Any) -> AsyncWebClient:
    """A client of the Web API for calls that are not a workspace's: of tokens and sockets. It repeats nothing by itself."""
    client = AsyncWebClient(base_url=api_url, timeout=15, retry_handlers=[], trust_env_in_session=True, logger=_quiet, **options)
    client.proxy = None  # the session reads the environment itself, and obeys NO_PROXY
    return client


class SlackInstallations:
    """The workspaces. With a ``token`` it is that one's alone."""

    def __init__(self, kept: Installations, client: AsyncWebClient, *, token: SecretStr | None = None) -> None:
        self._kept = kept
        self._client = client
        self._token = token
        self._only: Bot | None = None
        self._learning = asyncio.Lock()

    async def bot(self, workspace: str) -> Bot | None:
        """Nexus in this workspace; None where it is not installed.

        Raises:
            TemporaryError: Slack or the ledger cannot be asked just now.
            OperatorError: Slack refuses ``SLACK_BOT_TOKEN``.
        """
        if self._token is not None:
            only = await self.only()
            return only if only.workspace == workspace else None
        return _bot(await self._kept.find(PLATFORM, workspace))

    async def token(self, workspace: str) -> SecretStr:
        """The token for calls to this workspace.

        Raises:
            TemporaryError: see `bot`.
            OperatorError: Nexus is not installed there any more.
        """
        bot = await self.bot(workspace)
        if bot is None:
            raise OperatorError(f"Nexus is not installed in Slack's workspace {workspace!r} any more; install it again there.")
        return bot.token

    async def only(self) -> Bot:
        """The workspace of ``SLACK_BOT_TOKEN``."""
        assert self._token is not None
        async with self._learning:
            if self._only is None:
                self._only = await self._learned(self._token)
            return self._only

    async def introduce(self, tell: Callable[[str], None], *, pause: float = 30.0) -> None:
        """Ask Slack who Nexus is there until it says so, and tell whoever runs it, or why it does not."""
        said = ""
        while self._token is not None:
            try:
                bot = await self.only()
            except TemporaryError:
                pass  # the sockets tell of it
            except OperatorError as error:
                if error.message != said:
                    said = error.message
                    log.error(said)
                    tell(said)
            else:
                tell(f"Slack knows Nexus in {bot.name} ({bot.workspace}).")
                return
            await asyncio.sleep(pause)

    async def _learned(self, token: SecretStr) -> Bot:
        try:
            told = await self._client.auth_test(token=token.get_secret_value())
        except SlackApiError as error:
            if error.response.status_code >= 429:
                raise TemporaryError("Slack does not say just now which workspace SLACK_BOT_TOKEN is for.") from error
            raise OperatorError(
                f"Slack refuses SLACK_BOT_TOKEN ({error.response.get('error')}). Copy the Bot User OAuth Token (xoxb-…) from OAuth & "
                "Permissions at https://api.slack.com/apps and start again."
            ) from error
        except Exception as error:
            raise TemporaryError("Slack is not reachable just now.") from error
        bot = Bot(
            workspace=str(told["team_id"]),
            name=str(told.get("team") or ""),
            bot_id=str(told.get("bot_id") or ""),
            bot_user=str(told["user_id"]),
            token=token,
            scopes=tuple(str(told.headers.get("x-oauth-scopes", "")).replace(" ", "").split(",")),
        )
        known = await self._kept.find(PLATFORM, bot.workspace)
        if (
            known is None or not known.secrets
        ):  # a row without a token, for what may go wrong; one of an installation stays as it is
            await self._kept.save(PLATFORM, bot.workspace, name=bot.name, secrets={}, facts={"bot_user": bot.bot_user})
        return bot

    async def authorize(self, enterprise_id: str | None, team_id: str | None) -> AuthorizeResult | None:
        """Bolt's question whom a request is for. None is an answer: Nexus is not installed there."""
        try:
            bot = await self.bot(team_id) if team_id else None
        except OperatorError as error:
            log.warning("what Slack sent cannot be answered", why=error.message)
            return None
        if bot is None:
            return None
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=bot.workspace,
            team=bot.name,
            bot_id=bot.bot_id,
            bot_user_id=bot.bot_user,
            bot_token=bot.token.get_secret_value(),
            bot_scopes=list(bot.scopes),
        )

    async def removed(self, workspace: str, why: str) -> None:
        """The app was uninstalled, or its token revoked: forget the token, or say of a configured one that it is good for nothing."""
        log.warning("Nexus was removed from a workspace of Slack's", workspace=workspace, why=why)
        if self._token is None:
            await self._kept.remove(PLATFORM, workspace)
            return
        self._only = None
        await self.trouble(
            workspace,
            f"Nexus was removed from this workspace ({why}). Install the app again and set SLACK_BOT_TOKEN to its new token.",
        )

    async def trouble(self, workspace: str, why: str) -> None:
        """Keep what goes wrong there, for `nexus doctor`; empty when it is over."""
        await self._kept.trouble(PLATFORM, workspace, why)


def _bot(kept: Installation | None) -> Bot | None:
    if kept is None or BOT not in kept.secrets:
        return None
    return Bot(
        workspace=kept.workspace,
        name=kept.name,
        bot_id=str(kept.facts.get("bot_id", "")),
        bot_user=str(kept.facts.get("bot_user", "")),
        token=kept.secrets[BOT],
        scopes=tuple(kept.facts.get("scopes", ())),
    )


# -- by OAuth ------------------------------------------------------------------------------------------------------------------


class Store(AsyncInstallationStore):
    """Where Bolt's installation flow puts what it got. Nothing else of Bolt's asks it: see `SlackInstallations.authorize`."""

    def __init__(self, kept: Installations) -> None:
        self._kept = kept

    async def async_save(self, installation: SlackInstallation) -> None:
        if installation.is_enterprise_install or not installation.team_id:
            raise BoltError(WHOLE_ORGANISATION)
        if not installation.bot_token:
            raise BoltError(
                "Slack gave no bot token, so the app has no bot user. Make it from the manifest that `nexus slack manifest` prints."
            )
        facts: dict[str, Any] = {
            "app": installation.app_id,
            "bot_id": installation.bot_id,
            "bot_user": installation.bot_user_id,
            "scopes": sorted(installation.bot_scopes or ()),
            "enterprise": installation.enterprise_id,
            "installed_by": installation.user_id,
        }
        name = installation.team_name or installation.team_id
        await self._kept.save(
            PLATFORM, installation.team_id, name=name, secrets={BOT: SecretStr(installation.bot_token)}, facts=facts
        )
        log.info("Nexus was installed in a workspace of Slack's", workspace=installation.team_id)


class Once(Protocol):
    """Says of a key whether it is new; `core.ledger.inbox.LedgerInbox` does, for every process."""

    async def first(self, key: str) -> bool: ...


class States(AsyncOAuthStateStore):
    """The state of an installation that is under way: signed, good for ten minutes and for one use. In the browser it is bound to a
    cookie, by Bolt."""

    def __init__(self, key: bytes, once: Once) -> None:
        self._key = key
        self._once = once

    async def async_issue(self, *args: Any, **kwargs: Any) -> str:
        claims = {"aud": "slack install", "jti": secrets.token_urlsafe(16), "exp": int(time.time()) + STATE_SECONDS}
        return jwt.encode(claims, self._key, algorithm="HS256")

    async def async_consume(self, state: str) -> bool:
        try:
            claims = jwt.decode(
                state, self._key, algorithms=["HS256"], audience="slack install", options={"require": ["exp", "jti", "aud"]}
            )
        except jwt.InvalidTokenError:
            return False
        return await self._once.first(f"slack install {claims['jti']}")


def oauth_flow(
    kept: Installations,
    inbox: LedgerInbox,
    client: AsyncWebClient,
    *,
    client_id: str,
    client_secret: SecretStr,
    state_key: bytes,
    scopes: list[str],
) -> AsyncOAuthFlow:
    """Bolt's installation flow over the ledger."""
    settings = AsyncOAuthSettings(
        client_id=client_id,
        client_secret=client_secret.get_secret_value(),
        scopes=scopes,
        user_scopes=[],
        install_path=INSTALL,
        redirect_uri_path=OAUTH_REDIRECT,
        authorization_url=client.base_url.removesuffix("/").removesuffix("/api") + "/oauth/v2/authorize",
        installation_store=Store(kept),
        state_store=States(state_key, inbox),
        state_expiration_seconds=STATE_SECONDS,
        callback_options=AsyncCallbackOptions(success=_succeeded, failure=_failed),
    )
    return AsyncOAuthFlow(client=client, settings=settings)


_REASONS = {
    "access_denied": "You chose not to install Nexus; nothing was installed.",
    "invalid_browser": "This was begun in another browser, or more than ten minutes ago. Begin again.",
    "invalid_state": "This was begun more than ten minutes ago, or finished already. Begin again.",
    "missing_code": "Slack sent no code. Begin again.",
    "invalid_code": "Slack does not take the code any more, or SLACK_CLIENT_SECRET is not this app's. Begin again; if it stays so, tell "
    "whoever runs Nexus.",
}


async def _succeeded(args: AsyncSuccessArgs) -> BoltResponse:
    name = args.installation.team_name or "your workspace"
    return page(200, "Nexus is installed", f"Open Slack, go to a channel of {name}, and type /invite @Nexus there.")


async def _failed(args: AsyncFailureArgs) -> BoltResponse:
    log.warning("Nexus could not be installed in a workspace of Slack's", reason=args.reason, error=str(args.error or "")[:300])
    told = (
        str(args.error)
        if isinstance(args.error, BoltError)
        else _REASONS.get(args.reason, "Slack did not finish it. Begin again.")
    )
    return page(400 if args.suggested_status_code == 200 else args.suggested_status_code, "Nexus was not installed", told)
