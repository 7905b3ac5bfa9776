"""The gateway, version 10: sessions of the app, what they are told, and what goes wrong with them.

Every process of the app has sessions of its own and is told of everything; sessions that lost their connection keep what they missed, and
get it when they resume. Frames are plain text: compression is an offer that Discord need not take.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from tests.support.discord import payloads
from tests.support.discord.state import Json

if TYPE_CHECKING:
    from tests.support.discord.server import LocalDiscord

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME, RECONNECT, MEMBERS, INVALID, HELLO, ACK = (
    0,
    1,
    2,
    3,
    4,
    6,
    7,
    8,
    9,
    10,
    11,
)
_ALL_INTENTS = (1 << 26) - 1


class Intent:
    """What a session asks to be told of."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    DIRECT_MESSAGES = 1 << 12
    MESSAGE_CONTENT = 1 << 15


@dataclass(kw_only=True, eq=False)
class Session:
    """One identified connection, through its reconnects."""

    id: str
    intents: int
    shard: tuple[int, int]
    socket: web.WebSocketResponse | None
    seq: int = 0
    events: list[Json] = field(default_factory=list)  #: everything that it was told
    resumed: int = 0
    lost_at: float | None = None  #: when the connection went
    over: bool = False
    wire: asyncio.Queue[Json] = field(default_factory=asyncio.Queue)  #: what is still to be sent

    @property
    def alive(self) -> bool:
        return self.socket is not None and not self.socket.closed

    def is_for(self, guild: str | None) -> bool:
        number, count = self.shard
        return number == ((int(guild) >> 22) % count if guild else 0)


class Gateway:
    """All sessions of the app."""

    def __init__(self, server: LocalDiscord) -> None:
        self._server = server
        self.shards = 1  #: what `/gateway/bot` recommends
        self.sessions: list[Session] = []
        self.identified = 0  #: how many sessions were started
        self.closes: list[int] = []  #: the codes with which the gateway closed connections
        self.received: list[Json] = []  #: what the app sent, heartbeats left out
        self._sockets: dict[web.WebSocketResponse, web.Request] = {}

    @property
    def live(self) -> list[Session]:
        """Sessions that are connected now."""
        return [one for one in self.sessions if one.alive and not one.over]

    # -- telling -----------------------------------------------------------------------------------------------------------------

    def dispatch(self, name: str, data: Callable[[int], Json], *, guild: str | None, intent: int) -> int:
        """Tell every session that asked for it; how many there are, of those that are connected."""
        told = 0
        for session in self.sessions:
            if session.over or not session.is_for(guild) or (intent and not session.intents & intent):
                continue
            self._send(session, name, data(session.intents))
            told += session.alive
        return told

    def _send(self, session: Session, name: str, data: Json) -> None:
        session.seq += 1
        event = {"op": DISPATCH, "t": name, "s": session.seq, "d": json.loads(json.dumps(data))}
        session.events.append(event)
        if session.alive:
            session.wire.put_nowait(event)

    # -- a connection --------------------------------------------------------------------------------------------------------------

    async def connected(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        self._sockets[socket] = request
        session: Session | None = None
        sender: asyncio.Task[None] | None = None
        with contextlib.suppress(ConnectionError):
            try:
                await socket.send_json({"op": HELLO, "d": {"heartbeat_interval": int(self._server.timings.heartbeat * 1000)}})
                async for frame in socket:
                    if frame.type is not aiohttp.WSMsgType.TEXT:
                        continue
                    before = session
                    session = await self._heard(socket, session, frame.data) or session
                    if session is not before and session is not None:
                        sender = asyncio.create_task(_sending(session, socket))
            finally:
                if sender is not None:
                    sender.cancel()
                    await asyncio.gather(sender, return_exceptions=True)
                self._lost(socket, session)
        return socket

    def _lost(self, socket: web.WebSocketResponse, session: Session | None) -> None:
        self._sockets.pop(socket, None)
        if session is not None and session.socket is socket:
            session.socket, session.lost_at = None, self._server.clock.now()
            session.wire = asyncio.Queue()
            session.over = session.over or socket.close_code in (1000, 1001)  # closed like this by the app: it is done with it
        self._server.poke()

    async def _heard(self, socket: web.WebSocketResponse, session: Session | None, frame: str) -> Session | None:
        try:
            said = json.loads(frame)
            op, data = int(said["op"]), said.get("d")
        except (ValueError, KeyError, TypeError):
            return await self._close(socket, 4002)
        if op == HEARTBEAT:
            await socket.send_json({"op": ACK})
            return session
        self.received.append(said)
        if op == IDENTIFY:
            return await self._close(socket, 4005) if session else await self._identify(socket, data)
        if op == RESUME:
            return await self._close(socket, 4005) if session else await self._resume(socket, data)
        if session is None:
            return await self._close(socket, 4003)
        if op not in (PRESENCE, VOICE, MEMBERS):
            return await self._close(socket, 4001)
        return session

    async def _identify(self, socket: web.WebSocketResponse, data: Any) -> Session | None:
        if not isinstance(data, dict) or "properties" not in data or not isinstance(data.get("intents"), int):
            return await self._close(socket, 4002)
        if f"Bot {data.get('token')}" not in self._server.authorizations():
            return await self._close(socket, 4004)
        number, count = data.get("shard") or (0, 1)
        if not 0 <= number < count:
            return await self._close(socket, 4010)
        intents = data["intents"]
        if intents & ~_ALL_INTENTS:
            return await self._close(socket, 4013)
        if intents & ~self._server.allowed_intents() & (Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT):
            return await self._close(socket, 4014)
        session = Session(id=secrets.token_hex(16), intents=intents, shard=(number, count), socket=socket)
        self.sessions.append(session)
        self.identified += 1
        guilds = [one for one in self._server.guilds.values() if one.has_bot and session.is_for(one.id)]
        ready: Json = {
            "v": 10,
            "user": payloads.person(self._server.bot) | {"verified": True, "mfa_enabled": False, "email": None},
            "guilds": [{"id": one.id, "unavailable": True} for one in guilds],
            "private_channels": [],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self._server.gateway_url,
            "shard": [number, count],
            "application": {"id": self._server.application_id, "flags": self._server.application_flags()},
        }
        self._send(session, "READY", ready)
        if intents & Intent.GUILDS:
            for guild in guilds:
                self._send(session, "GUILD_CREATE", payloads.guild_created(self._server, guild))
        self._server.poke()
        return session

    async def _resume(self, socket: web.WebSocketResponse, data: Any) -> Session | None:
        if not isinstance(data, dict) or f"Bot {data.get('token')}" not in self._server.authorizations():
            return await self._close(socket, 4004)
        session = next((one for one in self.sessions if one.id == data.get("session_id") and not one.over), None)
        oldest = self._server.clock.now() - self._server.timings.session
        seq = data.get("seq")
        if session is None or (session.lost_at is not None and session.lost_at < oldest) or not isinstance(seq, int):
            if session is not None:
                session.over = True
            await socket.send_json({"op": INVALID, "d": False})
            return None
        if seq > session.seq:
            session.over = True
            return await self._close(socket, 4007)
        if session.socket is not None:
            await session.socket.close(code=4000)
        session.socket, session.lost_at, session.resumed, session.wire = socket, None, session.resumed + 1, asyncio.Queue()
        for event in session.events:
            if event["s"] > seq:
                session.wire.put_nowait(event)
        self._send(session, "RESUMED", {"_trace": []})
        self._server.poke()
        return session

    async def _close(self, socket: web.WebSocketResponse, code: int) -> None:
        self.closes.append(code)
        self._server.poke()
        await socket.close(code=code)

    # -- trouble -----------------------------------------------------------------------------------------------------------------------

    def cut(self) -> int:
        """Break every connection; how many there were. The sessions can be resumed."""
        for request in list(self._sockets.values()):
            if request.transport is not None:
                request.transport.abort()
        return len(self._sockets)

    async def close_all(self, code: int = 4000) -> None:
        """Close every connection with a code."""
        for socket in list(self._sockets):
            self.closes.append(code)
            await socket.close(code=code)

    def ask_to_reconnect(self) -> None:
        """Op 7, as Discord does when it moves."""
        for session in self.live:
            session.wire.put_nowait({"op": RECONNECT, "d": None})

    def invalidate(self, *, resumable: bool = False) -> None:
        """Op 9: the session is over; or only the connection, with ``resumable``."""
        for session in self.live:
            session.over = not resumable
            session.wire.put_nowait({"op": INVALID, "d": resumable})

    def forget(self) -> None:
        """Forget every session: whoever tries to resume must begin again."""
        for session in self.sessions:
            session.over = True

    async def close(self) -> None:
        for socket in list(self._sockets):
            await socket.close(code=1001)
        self.cut()


async def _sending(session: Session, socket: web.WebSocketResponse) -> None:
    """One frame after the other, so that the order of events is the order in which they happened."""
    wire = session.wire
    with contextlib.suppress(ConnectionError, RuntimeError):
        while True:
            await socket.send_json(await wire.get())
