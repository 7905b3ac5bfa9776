"""Socket Mode: two sockets to Slack at all times, so that what people do arrives while one of them is being renewed.

Run by the program when an app-level token is configured. Slack sends each event over any one of an app's sockets, renews each of them
every few hours, and says so some seconds before (``disconnect``): then the next one is opened, and only when Slack has greeted it
the old one is left. What is not acknowledged is sent again by Slack, to whichever process has a socket then.

The SDK's own client was read and not taken. On ``disconnect`` it closes the old socket before it opens the new one; when opening fails
it tries the same URL for ever, although Slack gives each out for one use and half a minute; and an invalid token is asked for again,
and logged, every ten seconds. The sockets, the envelopes and what answers them are the SDK's, Bolt's and aiohttp's; only the keeping
open is written here.

It acknowledges nothing by itself: Bolt's listeners do.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from pydantic import SecretStr
from slack_bolt.adapter.socket_mode.internals import build_headers
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode.request import SocketModeRequest

from adapters.slack.installations import web_client

log = structlog.get_logger(__name__)

SOCKETS = 2
HEARTBEAT = 10.0  #: seconds between our pings; a socket that does not answer one within half of it is dead

TURNED_OFF = (
    "Socket Mode is turned off in Slack. Turn it on under Settings > Socket Mode at https://api.slack.com/apps, or remove "
    "SLACK_APP_TOKEN to have Slack send signed requests. Nexus looks again every minute."
)
TOO_MANY = (
    "Slack allows ten sockets per app, and all are taken: run fewer Nexus processes with this SLACK_APP_TOKEN. Nexus looks again "
    "every minute."
)

#: What Slack says when it is not this token's fault and will pass.
_PASSING = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org", "ratelimited"}
)


def refusal(error: str) -> str:
    """Why no socket can be had, and what to do, for the code that Slack gives."""
    if error in {"missing_scope", "not_allowed_token_type"}:
        return (
            f"Slack gives no socket to SLACK_APP_TOKEN ({error}). It must be an app-level token (xapp-…) with the scope "
            "connections:write, made under Basic Information > App-Level Tokens at https://api.slack.com/apps."
        )
    if error in {"socket_mode_not_enabled", "not_enabled"}:
        return TURNED_OFF
    return (
        f"Slack refuses SLACK_APP_TOKEN ({error}). Make a new app-level token with the scope connections:write under Basic Information > "
        "App-Level Tokens at https://api.slack.com/apps, set SLACK_APP_TOKEN to it and start again."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """Seconds; tests give shorter ones."""

    first: float = 0.5  #: before the second attempt; doubled for each further one
    longest: float = 20.0  #: between attempts while Slack is not reachable
    operator: float = 60.0  #: between attempts while somebody must put something right
    hello: float = 10.0  #: until Slack greets a new socket
    leaving: float = 15.0  #: that an old socket is still read after its successor was greeted
    drain: float = 3.0  #: at the end, for what was received to be acknowledged


class _Refused(Exception):
    """Slack gives no socket; the message says what to do."""


class _Socket:
    """One connection. ``leaving`` is set when it ended or Slack said that it will."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.greeted = asyncio.Event()
        self.leaving = asyncio.Event()
        self.reason = ""

    async def read(self, begin: Callable[[_Socket, SocketModeRequest], None]) -> None:
        """Read to the end."""
        try:
            async for message in self.ws:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._heard(message.data, begin)
        finally:
            self.leaving.set()

    def _heard(self, data: str, begin: Callable[[_Socket, SocketModeRequest], None]) -> None:
        try:
            envelope: dict[str, Any] = json.loads(data)
            match envelope.get("type"):
                case "hello":
                    self.greeted.set()
                case "disconnect":
                    self.reason = str(envelope.get("reason", ""))
                    self.leaving.set()
                case _:
                    request = SocketModeRequest.from_dict(envelope)
                    if request is not None:
                        begin(self, request)
        except (ValueError, AttributeError, TypeError):
            log.warning("Slack sent something over a socket that cannot be read", length=len(data))


class Sockets:
    """Keeps the sockets of one app. ``tell`` gets sentences for whoever runs this Nexus: each trouble once, and its end."""

    def __init__(
        self,
        app: AsyncApp,
        token: SecretStr,
        *,
        api_url: str,
        tell: Callable[[str], None] = lambda _: None,
        pauses: Pauses | None = None,
    ) -> None:
        self._app = app
        self._token = token
        self._client = web_client(api_url)
        self._tell = tell
        self._pauses = pauses or Pauses()
        self._trouble = ""  # what was told last, while it lasts
        self._sockets: dict[_Socket, asyncio.Task[None]] = {}
        self._work: set[asyncio.Task[None]] = set()
        self._welcomed = False

    @property
    def open(self) -> int:
        """How many sockets Slack has greeted and not asked to leave."""
        return sum(one.greeted.is_set() and not one.leaving.is_set() for one in self._sockets)

    async def run(self) -> None:
        """Keep them open until cancelled. What was received by then is acknowledged before the sockets are closed."""
        async with aiohttp.ClientSession(trust_env=True) as session:
            places = [asyncio.create_task(self._place(session), name=f"slack socket {n + 1}") for n in range(SOCKETS)]
            try:
                await asyncio.gather(*places)
            finally:
                for place in places:
                    place.cancel()
                await asyncio.gather(*places, return_exceptions=True)
                await self._close()

    async def _place(self, session: aiohttp.ClientSession) -> None:
        """One of the two: a socket, or the way to one."""
        old: _Socket | None = None
        pause = 0.0
        while True:
            new = await self._opened(session, pause)
            if old is not None:
                self._spawn(self._leave(old))
            since = asyncio.get_running_loop().time()
            await new.leaving.wait()
            pause = 0.0
            match new.reason:
                case "link_disabled":
                    pause = self._told(TURNED_OFF, self._pauses.operator)
                case "too_many_websockets":
                    pause = self._told(TOO_MANY, self._pauses.operator)
                case _ if asyncio.get_running_loop().time() - since < self._pauses.first:
                    pause = self._pauses.first  # it was shut in our face
            log.info("a socket to Slack is renewed", reason=new.reason or "closed")
            old = new

    async def _opened(self, session: aiohttp.ClientSession, pause: float) -> _Socket:
        """A socket that Slack has greeted, however long that takes."""
        attempt = 0
        while True:
            if pause:
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
            try:
                socket = await self._open(session)
            except _Refused as refused:
                pause = self._told(str(refused), self._pauses.operator)
            except SlackApiError as error:
                wait = float(error.response.headers.get("Retry-After", 0) or 0) if error.response.status_code == 429 else 0.0
                pause = max(wait * 2, self._unreachable(error, attempt))  # twice: the pause is cut by up to half
            except (aiohttp.ClientError, SlackClientError, OSError, TimeoutError, ValueError) as error:
                pause = self._unreachable(error, attempt)
            else:
                self._well()
                return socket
            attempt += 1

    async def _open(self, session: aiohttp.ClientSession) -> _Socket:
        try:
            answer = await self._client.apps_connections_open(app_token=self._token.get_secret_value())
        except SlackApiError as error:
            code = str(error.response.get("error", "")) if isinstance(error.response.data, dict) else ""
            if error.response.status_code >= 429 or not code or code in _PASSING:
                raise
            raise _Refused(refusal(code)) from error
        # aiohttp answers Slack's pings by itself, and closes a socket on which ours are not answered. Slack leaves the TCP connection
        # open after it has agreed to close, so that is not waited for.
        ws = await session.ws_connect(
            str(answer["url"]),
            heartbeat=HEARTBEAT,
            timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
        )
        socket = _Socket(ws)
        reader = asyncio.create_task(socket.read(self._begin), name="slack reader")
        self._sockets[socket] = reader
        reader.add_done_callback(lambda _: self._sockets.pop(socket, None))
        try:
            async with asyncio.timeout(self._pauses.hello):
                await _first(socket.greeted, socket.leaving)
        except BaseException:
            await self._end(socket)
            raise
        if not socket.greeted.is_set() and not socket.reason:
            await self._end(socket)
            raise aiohttp.ClientConnectionError("Slack closed the socket before it greeted it")
        return socket

    async def _leave(self, socket: _Socket) -> None:
        """Read an old socket on for what is under way there, then close it."""
        reader = self._sockets.get(socket)
        if reader is not None:
            await asyncio.wait({reader}, timeout=self._pauses.leaving)
        await self._end(socket)

    async def _end(self, socket: _Socket) -> None:
        reader = self._sockets.get(socket)
        if reader is not None:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        await socket.ws.close()

    async def _close(self) -> None:
        sockets = list(self._sockets)
        for reader in list(self._sockets.values()):
            reader.cancel()
        if self._work:
            await asyncio.wait(self._work, timeout=self._pauses.drain)
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, *(self._end(one) for one in sockets), return_exceptions=True)

    # -- envelopes -------------------------------------------------------------------------------------------------

    def _begin(self, socket: _Socket, request: SocketModeRequest) -> None:
        self._spawn(self._answer(socket, request))

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _answer(self, socket: _Socket, request: SocketModeRequest) -> None:
        """Let Bolt handle it, and acknowledge it as Bolt says. Without, Slack sends it again."""
        try:
            response = await self._app.async_dispatch(
                AsyncBoltRequest(mode="socket_mode", body=request.payload, headers=build_headers(request))
            )
            if response.status != 200:
                log.warning("what Slack sent was not handled", kind=request.type, status=response.status)
                return
            envelope: dict[str, Any] = {"envelope_id": request.envelope_id}
            if response.body:
                kind = response.headers.get("content-type", [""])[0]
                envelope["payload"] = (
                    json.loads(response.body) if kind.startswith("application/json") else {"text": response.body}
                )
            await self._send(socket, json.dumps(envelope))
        except Exception:
            log.exception("what Slack sent could not be handled", kind=request.type)

    async def _send(self, socket: _Socket, text: str) -> None:
        for one in (socket, *self._sockets):  # Slack takes an acknowledgement on any socket of the app
            if not one.ws.closed:
                try:
                    await one.ws.send_str(text)
                except (ConnectionError, aiohttp.ClientError):
                    continue
                return
        log.warning("an acknowledgement could not be sent; Slack will send its message again")

    # -- what is told ----------------------------------------------------------------------------------------------

    def _told(self, sentence: str, pause: float) -> float:
        if sentence != self._trouble:
            self._trouble = sentence
            log.error(sentence)
            self._tell(sentence)
        return pause

    def _unreachable(self, error: Exception, attempt: int) -> float:
        if not self._trouble:
            self._trouble = "Slack is not reachable just now. Nexus goes on working, keeps trying, and catches up."
            log.warning(self._trouble, error=repr(error)[:300])
            self._tell(self._trouble)
        return min(self._pauses.longest, self._pauses.first * 2.0 ** min(attempt, 10))

    def _well(self) -> None:
        if self._trouble:
            said = "Slack is reachable again."
        elif not self._welcomed:
            said = "Slack is connected by Socket Mode."
        else:
            return
        self._welcomed, self._trouble = True, ""
        log.info(said)
        self._tell(said)


async def _first(*events: asyncio.Event) -> None:
    """Wait for any of them."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
