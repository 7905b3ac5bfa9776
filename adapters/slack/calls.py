"""The one way to Slack's Web API: a client per workspace, one attempt per request, 429s honoured, one budget for this process.

Everything in this folder that asks Slack something goes through `Calls.call`. It repeats a request only after a 429, which says that
nothing was done; the SDK's own repetition is off, since it posts twice when an answer is lost. Whether a lost request was carried out is
for the caller to find out (`SlackBusy.doubtful`). It logs methods, channels and errors, and never what was sent.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import aiohttp
import structlog
from pydantic import SecretStr
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.faults import Malformed, ScopeMissing, SlackBusy, SlackRefusal, TokenLost, translated
from adapters.slack.pace import LONGEST_HOLD, Pace
from core.conversation.outbox import Clock, RealClock

log = structlog.get_logger(__name__)
# The SDK logs what is sent at DEBUG; that may hold a secret that is meant for one person.
_sdk_log = logging.getLogger("slack_sdk.quiet")
_sdk_log.setLevel(logging.INFO)

BASE_URL = "https://slack.com/api/"
TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)
TRIES = 3  #: requests per call, where Slack answers 429

Json = Mapping[str, Any]
Trouble = Callable[[str, str], Awaitable[None]]


class Tokens(Protocol):
    """Where the bot's token of a workspace comes from."""

    async def token(self, workspace: str) -> SecretStr:
        """Raises a `NexusError` where the app is not installed."""
        ...


class OneToken:
    """The same token for whatever workspace: it belongs to one."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    async def token(self, workspace: str) -> SecretStr:
        return self._token


async def _nobody(workspace: str, why: str) -> None:
    """Told of trouble where nobody wants to know."""


class Calls:
    """The Web API, for every workspace. ``trouble`` is told, once for each token, that a workspace does not accept it any more, or that a
    scope is missing."""

    def __init__(
        self,
        tokens: Tokens,
        *,
        base_url: str = BASE_URL,
        trouble: Trouble = _nobody,
        clock: Clock | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._tokens = tokens
        self._base_url = base_url
        self._trouble = trouble
        self._clock = clock or RealClock()
        self.pace = pace or Pace(self._clock)
        self._clients: dict[str, AsyncWebClient] = {}
        self._troubles: set[tuple[str, str, str]] = set()  # that were told: workspace, token, what
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def call(
        self, workspace: str, method: str, *, urgent: bool = False, patience: float | None = None, **arguments: object
    ) -> Json:
        """Call a method with the SDK's arguments for it; those that are None are left out.

        ``urgent`` goes ahead of those who wait for the same budget. ``patience`` is how many seconds this call may wait for its turn.

        Raises:
            SlackBusy: it may succeed later.
            SlackRefusal: it will not.
        """
        channel = str(arguments.get("channel") or arguments.get("channel_id") or "")
        for attempt in range(1, TRIES + 1):
            await self.pace.turn(workspace, method, channel, urgent=urgent, patience=patience)
            try:
                return await self._request(workspace, method, arguments)
            except SlackBusy as error:
                if error.retry_after is None:
                    log.warning("slack call failed", method=method, channel=channel, error=error.error, doubtful=error.doubtful)
                    raise
                self.pace.hold(workspace, method, channel, error.retry_after)
                log.info("slack asks to wait", method=method, channel=channel, seconds=error.retry_after)
                if attempt == TRIES or error.retry_after > (LONGEST_HOLD if patience is None else patience):
                    raise
            except SlackRefusal as error:
                level = log.error if isinstance(error, Malformed) else log.info
                level("slack refused", method=method, channel=channel, error=error.error, why=error.message)
                raise
        raise AssertionError("the last attempt returns or raises")

    async def upload(self, url: str, content: bytes) -> None:
        """Send a file to the address that `files.getUploadURLExternal` gave.

        Raises:
            SlackBusy: it did not arrive; a new address is needed.
        """
        try:
            async with self._http().post(url, data=content) as answer:
                if answer.status == 200:
                    return
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise translated("upload", error) from error
        raise SlackBusy("Slack did not take the file; it is tried again by itself.", error=str(status))

    async def close(self) -> None:
        """Close the connections. Whoever calls after that is told to try again later: in another process, or after the next start."""
        self._closed = True
        self._clients.clear()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _request(self, workspace: str, method: str, arguments: Mapping[str, object]) -> Json:
        token = (await self._tokens.token(workspace)).get_secret_value()
        try:
            return await self._once(workspace, token, method, arguments)
        except TokenLost as error:
            newer = (await self._tokens.token(workspace)).get_secret_value()
            if newer != token:  # installed again, or rotated, while this was under way
                return await self._once(workspace, newer, method, arguments)
            await self._told(workspace, token, error)
            raise
        except ScopeMissing as error:
            await self._told(workspace, token, error)
            raise

    async def _told(self, workspace: str, token: str, error: SlackRefusal) -> None:
        trouble = (workspace, token, error.message)
        if trouble not in self._troubles:
            self._troubles.add(trouble)
            await self._trouble(workspace, error.message)

    async def _once(self, workspace: str, token: str, method: str, arguments: Mapping[str, object]) -> Json:
        self._http()
        client = self._clients.get(workspace)
        if client is None or client.token != token:
            client = self._clients[workspace] = self._client(token)
        log.debug("slack call", method=method, channel=arguments.get("channel"))
        try:
            answer = await getattr(client, method.replace(".", "_"))(
                **{name: value for name, value in arguments.items() if value is not None}
            )
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise translated(method, error) from error
        data: Json = answer.data
        return data

    def _client(self, token: str) -> AsyncWebClient:
        client = AsyncWebClient(token=token, base_url=self._base_url, session=self._http(), retry_handlers=[], logger=_sdk_log)
        client.proxy = None  # the session reads the environment itself, and obeys NO_PROXY
        return client

    def _http(self) -> aiohttp.ClientSession:
        if self._closed:
            raise SlackBusy("Nexus is stopping; what is not done yet is done after the next start.", error="closed")
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT, trust_env=True, cookie_jar=aiohttp.DummyCookieJar())
        return self._session
