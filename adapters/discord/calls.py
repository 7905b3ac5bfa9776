"""The one way to Discord's REST API by the bot's token: discord.py's client, which honours rate limits and repeats what failed.

Everything in this folder that asks Discord something goes through `Calls`; the answers are Discord's own payloads, so that nothing depends
on what a gateway has told this process. discord.py waits where a rate limit says so, and repeats a request after a 500, 502 or 504; a
message carries a nonce, by which Discord makes it once. There is no second loop here. Whether a request whose answer was lost was carried
out is for the caller to find out (`DiscordBusy.doubtful`). It logs paths, channels and errors, and never what was sent.

discord.py names its host in these places: `Route.BASE` (every request, those of interactions too), `DiscordWebSocket.DEFAULT_GATEWAY`
(where nothing else is known: a client without shards asks nobody, and after a session was refused), and the addresses of pictures and
files, which come in payloads. `point_at` sets the first two.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import discord
import structlog
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import MultipartParameters, Route, handle_message_parameters

from adapters.discord.faults import DiscordBusy, DiscordRefusal, Malformed, TokenLost, translated
from core.errors import NexusError

log = structlog.get_logger(__name__)
# discord.py logs what is sent and received at DEBUG; that may hold a secret that is meant for one person.
logging.getLogger("discord").setLevel(logging.INFO)


def _no_token(record: logging.LogRecord) -> bool:
    """discord.py writes down the address at which it has to wait: by the token in an interaction's, anybody can answer it."""
    if isinstance(record.args, tuple):
        record.args = tuple(_TOKEN.sub(r"\1…", one) if isinstance(one, str) else one for one in record.args)
    return True


_TOKEN = re.compile(r"(/(?:interactions|webhooks)/\d+/)[^/?\s]+")
logging.getLogger("discord.http").addFilter(_no_token)

API_URL = "https://discord.com/api/v10"
TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)
UPLOAD_TIMEOUT = aiohttp.ClientTimeout(total=180, sock_connect=10)
#: Seconds that discord.py may wait for a rate limit, for its client's ``max_ratelimit_timeout``. Longer than every window of a bucket that
#: is used here (threads of a channel: 50 in 300 s): discord.py refuses at once what would not be reset in time, though there is room left.
LONGEST_WAIT = 330.0
MENTIONS_NOBODY = discord.AllowedMentions.none()

Json = Mapping[str, Any]
Trouble = Callable[[str, str], Awaitable[None]]  #: told the server (empty: all of them) and why


def point_at(api_url: str = API_URL, gateway_url: str = "") -> None:
    """Where the API is from now on, in this whole process; and the gateway, where that is not for the API to say."""
    Route.BASE = api_url.rstrip("/")
    if gateway_url:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)


async def _nobody(workspace: str, why: str) -> None:
    """Told of trouble where nobody wants to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that is sent with a message, which names it as ``attachment://<name>``."""

    name: str
    content: bytes
    about: str = ""  #: what it is, for who cannot see it


class Calls:
    """The REST API, for every server. ``trouble`` is told, once, that the token is accepted no more, or that a server removed the bot."""

    def __init__(self, client: discord.Client, *, trouble: Trouble = _nobody) -> None:
        self._client = client
        self._trouble = trouble
        self._troubles: set[tuple[str, str]] = set()  # that were told

    @property
    def bot(self) -> str:
        """The bot's own id.

        Raises:
            DiscordBusy: it is not logged in.
        """
        user = self._client.user
        if user is None:
            raise _away("not logged in")
        return str(user.id)

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        query: Mapping[str, object] | None = None,
        message: MultipartParameters | None = None,
        needs: str = "",
        **ids: str,
    ) -> Any:
        """Make a request: ``call("GET", "/channels/{channel_id}", channel_id=channel)``.

        Raises:
            DiscordBusy: it may succeed later.
            DiscordRefusal: it will not.
        """
        arguments: dict[str, Any] = {}
        if query is not None:
            arguments["params"] = {name: value for name, value in query.items() if value is not None}
        if message is not None:
            arguments |= _arguments(message)
        elif json is not None:
            arguments["json"] = json
        return await self._request(Route(method, path, **ids), arguments, needs=needs, ids=ids)

    async def call_once(self, method: str, path: str, message: MultipartParameters, *, needs: str = "", **ids: str) -> Any:
        """Make a request that Discord would carry out twice: discord.py does not repeat it where it may have been done already."""
        arguments = {**_arguments(message), "raise_for_status": _doubtful}
        return await self._request(Route(method, path, **ids), arguments, needs=needs, ids=ids)

    async def _request(self, route: Route, arguments: Mapping[str, Any], *, needs: str, ids: Mapping[str, str]) -> Any:
        http = self._client.http
        if self._client.is_closed() or http.token is None:
            raise _away("closed" if self._client.is_closed() else "not logged in")
        told = {name: one for name, one in ids.items() if name != "webhook_token"}  # whoever has that may answer
        log.debug("discord call", method=route.method, path=route.path, **told)
        try:
            with self.translating(f"{route.method} {route.path}", needs=needs):
                return await http.request(route, **{"timeout": TIMEOUT, **arguments})
        except TokenLost as error:
            await self.told("", error)
            raise

    async def send(
        self,
        channel: str,
        view: discord.ui.LayoutView,
        *,
        nonce: str = "",
        files: Sequence[Upload] = (),
        reply_to: str = "",
        mentions: discord.AllowedMentions = MENTIONS_NOBODY,
        needs: str = "post",
    ) -> Json:
        """Post a message; with a nonce that was used some minutes ago, Discord answers with the message that was made then."""
        reference: Any = discord.utils.MISSING
        if reply_to:
            reference = {"message_id": reply_to, "fail_if_not_exists": False}
        with handle_message_parameters(
            view=view,
            nonce=nonce or None,
            files=_files(files) or discord.utils.MISSING,
            allowed_mentions=mentions,
            message_reference=reference,
        ) as message:
            sent: Json = await self.call(
                "POST", "/channels/{channel_id}/messages", channel_id=channel, message=message, needs="file" if files else needs
            )
            return sent

    async def edit(
        self,
        channel: str,
        message: str,
        view: discord.ui.LayoutView,
        *,
        kept: Sequence[str] | None = None,
        files: Sequence[Upload] = (),
    ) -> Json:
        """Show this in a message of the bot's. ``kept`` are the ids of the files it has that stay; None: all of them."""
        attachments: Any = discord.utils.MISSING
        if kept is not None or files:
            attachments = [*(_Kept(one) for one in kept or ()), *_files(files)]
        with handle_message_parameters(view=view, attachments=attachments, allowed_mentions=MENTIONS_NOBODY) as parameters:
            edited: Json = await self.call(
                "PATCH",
                "/channels/{channel_id}/messages/{message_id}",
                channel_id=channel,
                message_id=message,
                message=parameters,
                needs="file" if files else "post",
            )
            return edited

    @contextlib.contextmanager
    def translating(self, what: str, *, needs: str = "") -> Iterator[None]:
        """What discord.py or the network raises in here is raised as one of ours."""
        try:
            yield
        except NexusError:
            raise
        except (discord.DiscordException, aiohttp.ClientError, TimeoutError, OSError, ValueError, RuntimeError) as raised:
            if isinstance(raised, RuntimeError):
                if "closed" not in str(raised):
                    raise
                raise _away("closed") from raised  # aiohttp's word for a session that is
            error = translated(what, raised, needs=needs)
            if isinstance(error, DiscordBusy):
                log.warning("discord call failed", call=what, error=error.error, doubtful=error.doubtful, wait=error.retry_after)
            elif isinstance(error, DiscordRefusal):
                level = log.error if isinstance(error, Malformed) else log.info
                level("discord refused", call=what, code=error.code, why=error.message)
            raise error from raised

    async def told(self, workspace: str, error: DiscordRefusal) -> None:
        """Tell of trouble that whoever runs this Nexus, or keeps that server, has to mend; once."""
        if (workspace, error.message) not in self._troubles:
            self._troubles.add((workspace, error.message))
            await self._trouble(workspace, error.message)


class _Kept(discord.Object):
    """A file of a message that stays."""

    def to_dict(self) -> dict[str, str]:
        return {"id": str(self.id)}


def _files(uploads: Sequence[Upload]) -> list[discord.File]:
    return [discord.File(io.BytesIO(one.content), one.name, description=one.about[:1024] or None) for one in uploads]


def _arguments(message: MultipartParameters) -> dict[str, Any]:
    if message.multipart:
        return {"files": message.files, "form": message.multipart, "timeout": UPLOAD_TIMEOUT}
    return {"json": message.payload}


async def _doubtful(answer: aiohttp.ClientResponse) -> None:
    """Raises where discord.py would ask again."""
    if answer.status in {500, 502, 504, 524}:
        raise aiohttp.ClientResponseError(answer.request_info, answer.history, status=answer.status)


def _away(error: str) -> DiscordBusy:
    return DiscordBusy("Nexus is not connected to Discord just now; what is not done yet is done as soon as it is.", error=error)
