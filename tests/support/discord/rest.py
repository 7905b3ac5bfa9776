"""The REST API, version 10: who calls, what they send, faults, rate limits and the record of every call; the work is done by `api_*`.

A handler takes a `Call` and gives what Discord answers (None: 204), or raises `Refused`. It does not wait, so that calls never mix.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.support.discord import validation
from tests.support.discord.errors import Refused, invalid, not_found, unauthorized
from tests.support.discord.faults import Fault
from tests.support.discord.state import Json

if TYPE_CHECKING:
    from tests.support.discord.server import LocalDiscord

Handler = Callable[["Call"], Any]
Routes = list[tuple[str, str, Handler]]
API = "/api/v10"
_BY_TOKEN = ("/interactions/", "/webhooks/")  #: allowed by the token in the path


@dataclass(kw_only=True, eq=False)
class Call:
    """A call of the API, and how it was answered."""

    method: str
    path: str  #: without ``/api/v10`` and the query
    route: str  #: ``POST /channels/{channel}/messages``
    at: float
    ids: Mapping[str, str] = field(default_factory=dict)  #: what stands in the braces
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None  #: the JSON, of multipart what ``payload_json`` says
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict, repr=False)  #: number -> name and content
    reason: str = ""  #: for the audit log
    port: int = 0  #: of the connection that it came by, which tells the app's processes apart
    status: int = 0  #: 0 while it is not answered, or where the connection broke
    answer: Any = None
    fault: Fault | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def json(self) -> Json:
        """The body, where there has to be one."""
        return self.body if isinstance(self.body, dict) else {}


class Created(dict[str, Any]):
    """An answer with 201."""


class Rest:
    """The API of one local Discord."""

    def __init__(self, server: LocalDiscord, routes: Routes) -> None:
        self._server = server
        self._routes = routes

    def routes(self) -> list[web.RouteDef]:
        found = [web.route(method, API + path, self._served(method, path, handler)) for method, path, handler in self._routes]
        return [*found, web.route("*", API + "/{rest:.*}", self._served("*", "/{rest}", _nothing))]

    def _served(self, method: str, path: str, handler: Handler) -> Callable[[web.Request], Any]:
        async def served(request: web.Request) -> web.StreamResponse:
            call = Call(
                method=request.method,
                path=request.path.removeprefix(API),
                route=f"{method} {path}",
                at=self._server.clock.now(),
                ids=dict(request.match_info),
                query=dict(request.query),
                reason=request.headers.get("X-Audit-Log-Reason", ""),
                port=request.transport.get_extra_info("peername")[1] if request.transport is not None else 0,
            )
            self._server.calls.append(call)
            try:
                return await self._answer(call, request, handler)
            finally:
                self._server.poke()

        return served

    async def _answer(self, call: Call, request: web.Request, handler: Handler) -> web.StreamResponse:
        await _read(call, request)
        fault = call.fault = self._server.faults.take(call.method, call.path)
        allowed, headers = self._server.limits.spend(call.route, _major(call), self._server.clock.now())
        if not allowed:
            return self._limited(call, headers, float(headers["X-RateLimit-Reset-After"]))
        if fault is not None:
            await fault.wait()
            if fault.cut:
                return _cut(request)
            if fault.retry_after:
                return self._limited(call, headers, fault.retry_after, everywhere=fault.is_global, banned=fault.banned)
            if (refusal := fault.refusal()) is not None:
                return self._refused(call, refusal, headers)
            if fault.status and not fault.after:
                return _broken(call, fault.status)
        try:
            self._admit(call, request)
            answer = handler(call)
        except Refused as refusal:
            if refusal.code in (50006, 50035) and not call.problems:
                self._server.violations.append(f"{call.method} {call.path}: {refusal}")
            return self._refused(call, refusal, headers)
        if fault is not None and fault.delay:
            self._server.poke()
            await asyncio.sleep(fault.delay)
        if fault is not None and fault.lose:
            return _cut(request)
        if fault is not None and fault.status:
            return _broken(call, fault.status)
        call.status, call.answer = 204 if answer is None else 201 if isinstance(answer, Created) else 200, answer
        return web.Response(status=204, headers=headers) if answer is None else _json(answer, call.status, headers)

    def _admit(self, call: Call, request: web.Request) -> None:
        """Is it the app, and is the body what Discord takes?"""
        if not call.path.startswith(_BY_TOKEN) and request.headers.get("Authorization") not in self._server.authorizations():
            raise unauthorized()
        if call.body is validation.NO_JSON:
            raise Refused(50109)
        call.problems = list(
            validation.problems(call.method, call.path, call.body, files=[name for name, _ in call.files.values()])
        )
        if call.problems:
            self._server.violations += [f"{call.method} {call.path}{problem}" for problem in call.problems]
            raise invalid(call.problems)

    def _refused(self, call: Call, refusal: Refused, headers: Mapping[str, str]) -> web.Response:
        call.status, call.answer = refusal.status, refusal.body()
        return _json(call.answer, refusal.status, headers)

    def _limited(
        self, call: Call, headers: Mapping[str, str], seconds: float, *, everywhere: bool = False, banned: bool = False
    ) -> web.Response:
        call.status = 429
        if banned:
            return web.Response(status=429, text="<html>error code: 1015</html>", content_type="text/html")
        call.answer = {"message": "You are being rate limited.", "retry_after": seconds, "global": everywhere}
        told = {"Retry-After": str(max(1, round(seconds))), "Via": "1.1 google", "X-RateLimit-Scope": "user"}
        if everywhere:
            return _json(call.answer, 429, {**told, "X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"})
        left = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": str(seconds)}
        return _json(call.answer, 429, {**headers, **told, **left})


def _nothing(call: Call) -> Any:
    raise not_found()


def _major(call: Call) -> str:
    """What a bucket is kept for, besides its route."""
    return "".join(call.ids.get(name, "") for name in ("channel", "guild", "token"))


def _json(answer: Any, status: int, headers: Mapping[str, str]) -> web.Response:
    # Without a charset, which discord.py does not expect.
    return web.Response(body=json.dumps(answer).encode(), status=status, headers=headers, content_type="application/json")


def _broken(call: Call, status: int) -> web.Response:
    call.status = status
    return web.Response(status=status, text="<html>error</html>", content_type="text/html")


def _cut(request: web.Request) -> web.Response:
    """The connection is closed without an answer."""
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=500)


async def _read(call: Call, request: web.Request) -> None:
    """The body, whatever way it comes."""
    raw = ""
    if request.content_type == "multipart/form-data":
        async for part in await request.multipart():
            content = bytes(await part.read())
            if part.name == "payload_json":
                raw = content.decode()
            elif part.name and part.name.startswith("files["):
                call.files[part.name[6:-1]] = (part.filename or "file", content)
        raw = raw or "{}"
    elif request.can_read_body:
        raw = await request.text()
    if raw:
        try:
            call.body = json.loads(raw)
        except ValueError:
            call.body = validation.NO_JSON
