"""Questions to Discord by a bot's token that change nothing and wait for nobody.

Asked by `nexus doctor` (`adapters.discord.checks`) and by `nexus discord invite` (`adapters.discord.inviting`), which want to know at once
how things are: nothing is repeated and no rate limit waited out, unlike in `adapters.discord.calls`, which is for whatever must arrive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Self

import aiohttp
import discord
import yarl
from pydantic import SecretStr

from core.errors import TemporaryError

SECONDS: Final = 10.0  #: for one question
AGENT: Final = (
    f"DiscordBot (https://github.com/Rapptz/discord.py, {discord.__version__})"  #: without such a name, Discord answers nobody
)


class Refusal(Exception):
    """Discord said no; ``status`` is the HTTP status, ``code`` Discord's own (0 where it gave none)."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(f"{message} ({code or status})")
        self.status = status
        self.code = code


class Asking:
    """A client for a few questions; used as a context manager."""

    def __init__(self, api_url: str, token: SecretStr) -> None:
        self.api_url = api_url
        self._token = token

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=SECONDS),
            headers={"Authorization": f"Bot {self._token.get_secret_value()}", "User-Agent": AGENT},
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=True,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def get(self, path: str, **params: str) -> Any:
        """What Discord answers to this.

        Raises:
            Refusal: it said no.
            TemporaryError: it is not reachable, asks to wait, or fails.
        """
        try:
            async with self._session.get(self.api_url + path, params=params) as response:
                if response.status == 429:
                    raise TemporaryError("Discord asks to wait just now: too much was asked of it with this token.")
                if response.status >= 500:
                    raise TemporaryError(f"Discord fails just now, with status {response.status}.")
                try:
                    body = await response.json(content_type=None)
                except ValueError as error:
                    raise TemporaryError(f"What answers at {self.api_url} is not Discord's API.") from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise TemporaryError(f"Discord is not reachable at {self.api_url}.") from error
        if response.status >= 400:
            told = body if isinstance(body, Mapping) else {}
            raise Refusal(response.status, int(told.get("code") or 0), str(told.get("message") or "no reason given"))
        return body

    async def greeted(self, gateway_url: str) -> bool:
        """Whether a gateway greets who connects. Nothing is begun there, so it costs no session.

        Raises:
            TemporaryError: it is not reachable.
        """
        try:
            async with self._session.ws_connect(yarl.URL(gateway_url).with_query(v="10", encoding="json")) as socket:
                hello = await socket.receive_json(timeout=SECONDS)
                return isinstance(hello, Mapping) and hello.get("op") == 10
        except (aiohttp.ClientError, OSError, TimeoutError, TypeError, ValueError) as error:
            raise TemporaryError(f"Discord's gateway is not reachable at {gateway_url}.") from error
