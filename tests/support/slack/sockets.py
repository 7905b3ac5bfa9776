"""Socket Mode: single-use URLs, up to ten sockets, envelopes to one of them in turn, acknowledgements with a deadline."""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from tests.support.slack.deliveries import Attempt, Delivery
from tests.support.slack.state import Json

if TYPE_CHECKING:
    from tests.support.slack.server import LocalSlack

MAX_SOCKETS = 10
HOST = "applink-local-1"


@dataclass(eq=False)
class _Waiting:
    attempt: Attempt
    since: float
    answered: asyncio.Future[None]


@dataclass(eq=False)
class Socket:
    """One connection of the app."""

    number: int
    ws: web.WebSocketResponse
    transport: asyncio.BaseTransport | None
    frozen: bool = False  #: half-open: nothing that the app sends is heard, pings are not answered
    leaving: bool = False  #: was told to go; gets no more envelopes
    waiting: dict[str, _Waiting] = field(default_factory=dict)
    envelopes: list[Json] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)  #: envelope ids

    def cut(self) -> None:
        """Break the connection without a word."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask the app to go: ``warning``, ``refresh_requested``, ``link_disabled`` or ``too_many_websockets``."""
        self.leaving = reason != "warning"
        await self.ws.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": HOST}})


class Sockets:
    """The app's sockets."""

    def __init__(self, slack: LocalSlack) -> None:
        self._slack = slack
        self._tickets: dict[str, float] = {}
        self._turn = 0
        self._count = 0
        self.live: list[Socket] = []
        self.ever: list[Socket] = []  #: every socket there was, in order

    def new_url(self) -> str:
        """A URL that opens one socket, once."""
        ticket = secrets.token_urlsafe(18)
        self._tickets[ticket] = self._slack.clock.now() + self._slack.timings.socket_ticket
        return f"{self._slack.url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={self._slack.app_id}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One socket, from hello to its end."""
        if self._tickets.pop(request.query.get("ticket", ""), 0) < self._slack.clock.now():
            return web.Response(status=404, text="the URL was used before, or is too old")
        ws = web.WebSocketResponse(autoping=False)
        await ws.prepare(request)
        self._count += 1
        socket = Socket(self._count, ws, request.transport)
        if len(self.live) >= MAX_SOCKETS:
            await socket.disconnect("too_many_websockets")
            await ws.close()
            return ws
        socket.leaving = True  # until it has said hello
        self.live.append(socket)
        self.ever.append(socket)
        try:
            await ws.send_json(
                {
                    "type": "hello",
                    "num_connections": len(self.live),
                    "debug_info": {"host": HOST, "build_number": 1, "approximate_connection_time": 18060},
                    "connection_info": {"app_id": self._slack.app_id},
                }
            )
            socket.leaving = False
            self._slack.poke()
            async for message in ws:
                if socket.frozen:
                    continue
                if message.type is WSMsgType.PING:
                    await ws.pong(message.data)
                elif message.type is WSMsgType.TEXT:
                    self._heard(socket, message.data)
        finally:
            self.live.remove(socket)
            for waiting in socket.waiting.values():
                waiting.attempt.failure = "disconnected"
                if not waiting.answered.done():
                    waiting.answered.set_result(None)
            self._slack.poke()
        return ws

    def _heard(self, socket: Socket, text: str) -> None:
        """An acknowledgement."""
        answer: Json = json.loads(text)
        envelope_id = str(answer.get("envelope_id", ""))
        socket.acknowledged.append(envelope_id)
        waiting = socket.waiting.get(envelope_id)
        if waiting is None:
            return
        attempt = waiting.attempt
        attempt.seconds = self._slack.clock.now() - waiting.since
        if waiting.answered.done():
            attempt.late = True
        else:
            attempt.acknowledged, attempt.answer = True, answer.get("payload")
            waiting.answered.set_result(None)
        self._slack.poke()

    def next(self) -> Socket | None:
        """The socket whose turn it is."""
        open_ones = [one for one in self.live if not one.leaving and not one.ws.closed]
        if not open_ones:
            return None
        self._turn += 1
        return open_ones[self._turn % len(open_ones)]

    async def deliver(self, delivery: Delivery, attempt: Attempt) -> None:
        """`Way`: one envelope to one socket."""
        socket = self.next()
        if socket is None:
            attempt.failure = "no connection"
            return
        attempt.via, attempt.envelope_id = f"socket {socket.number}", str(uuid.uuid4())
        envelope: Json = {
            "envelope_id": attempt.envelope_id,
            "type": delivery.kind,
            "payload": delivery.payload,
            "accepts_response_payload": delivery.kind == "slash_commands" or delivery.payload.get("type") == "view_submission",
        }
        if delivery.kind == "events_api":
            reason = {"http_timeout": "timeout"}.get(attempt.reason, attempt.reason)
            envelope |= {"retry_attempt": attempt.number, "retry_reason": reason}
        socket.envelopes.append(envelope)
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        socket.waiting[attempt.envelope_id] = _Waiting(attempt, self._slack.clock.now(), answered)
        try:
            await socket.ws.send_json(envelope)
        except (ConnectionError, RuntimeError):
            attempt.failure = "disconnected"
            return
        deadline = asyncio.create_task(self._slack.clock.sleep(self._slack.timings.ack))
        try:
            await asyncio.wait({deadline, answered}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            deadline.cancel()
            if not answered.done():
                answered.cancel()
        if not attempt.acknowledged and not attempt.failure:
            attempt.failure = "timeout"

    def cut(self) -> None:
        """Break every connection without a word."""
        for socket in list(self.live):
            socket.cut()

    async def close(self) -> None:
        for socket in list(self.live):
            await socket.ws.close()
