"""The typed route table: each call with its path, its shapes, its scope, and how a request becomes a value and an error a document.

Filled by `adapters.api.app`; read by aiohttp's router here and by `adapters.api.document`, which makes the OpenAPI document of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
from aiohttp import web
from pydantic import BaseModel, ValidationError

from adapters.api.authentication import Authentication
from adapters.api.tokens import Claims
from adapters.problems import problem, problem_document
from core.errors import Forbidden, InvalidInput, NexusError, TooLarge
from core.ids import AppId, new_id
from core.words.events import Event
from core.words.inbound import Who

log = structlog.get_logger(__name__)

LAST_EVENTS_SECONDS = 2.0  #: for which the result of a streamed call waits until its last events are told
MAX_BODY = 4_000_000  #: bytes; a whole file tree is at most 2 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, authenticated and read."""

    request: web.Request
    who: Who
    claims: Claims
    body: Any  #: of the route's shape
    key: str  #: idempotency key: the header's, bound to the caller, or a fresh one
    progress: Callable[[AppId], None]  #: says which app's events a streaming client wants


Handler = Callable[[Call], Awaitable[BaseModel]]


class Events(Protocol):
    """Where a streaming client's events come from: the engine."""

    async def last_event(self, *, app: AppId | None = None) -> int: ...

    def events(self, who: Who, *, app: AppId | None = None, after: int = 0) -> AsyncIterator[Event]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One call of the API."""

    method: str
    path: str
    handler: Handler
    summary: str
    scope: str
    answer: type[BaseModel]
    body: type[BaseModel] | None = None
    status: int = 200
    streams: bool = False  #: whether it can answer as an event stream
    also: tuple[str, ...] = field(default=())  #: other paths of the same call


def add_routes(site: web.Application, routes: list[Route], authentication: Authentication, events: Events) -> None:
    """Register every route."""
    for route in routes:
        serve = _Serve(route, authentication, events)
        for path in (route.path, *route.also):
            site.router.add_route(route.method, path, serve)


class _Serve:
    def __init__(self, route: Route, authentication: Authentication, events: Events) -> None:
        self._route = route
        self._authentication = authentication
        self._events = events

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        try:
            who, claims = await self._authentication.caller(request, self._route.scope)
            body = await _read(request, self._route.body) if self._route.body is not None else None
            _check_user(body, claims)
            if self._route.streams and "text/event-stream" in request.headers.get("Accept", ""):
                return await self._stream(request, who, claims, body)
            answer = await self._route.handler(self._call(request, who, claims, body, lambda _: None))
        except Exception as error:
            return _failure(error, request)
        return web.json_response(text=answer.model_dump_json(), status=self._route.status, headers={"Cache-Control": "no-store"})

    def _call(self, request: web.Request, who: Who, claims: Claims, body: Any, progress: Callable[[AppId], None]) -> Call:
        given = request.headers.get("Idempotency-Key", "")[:200]
        key = f"api:{who.principal}:{request.path}:{given}" if given else new_id("api")
        return Call(request=request, who=who, claims=claims, body=body, key=key, progress=progress)

    async def _stream(self, request: web.Request, who: Who, claims: Claims, body: Any) -> web.StreamResponse:
        """Events named by their kind as they come, from the call on, then one named "result" or "problem"."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        before = await self._events.last_event()
        await response.prepare(request)
        queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        progress = _Progress(self._events, who, before, queue)

        async def work() -> None:
            try:
                answer = await self._route.handler(self._call(request, who, claims, body, progress.begin))
                last = ("result", answer.model_dump_json())
            except NexusError as error:
                last = ("problem", json.dumps(problem_document(error)))
            except Exception:
                log.exception("an API call failed", path=request.path)
                last = ("problem", json.dumps(problem_document(NexusError())))
            with contextlib.suppress(TimeoutError, NexusError):
                await asyncio.wait_for(progress.whole(), LAST_EVENTS_SECONDS)
            await queue.put(last)

        worker = asyncio.create_task(work())
        try:
            while True:
                try:
                    name, data = await asyncio.wait_for(queue.get(), 15)
                except TimeoutError:
                    await response.write(b": still working\n\n")
                    continue
                await response.write(f"event: {name}\ndata: {data}\n\n".encode())
                if name in {"result", "problem"}:
                    break
        except ConnectionResetError:
            return response
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
            await progress.end()
        with contextlib.suppress(ConnectionResetError):
            await response.write_eof()
        return response


class _Progress:
    """The events of the apps that a call works on, on their way to the client, from the call on."""

    def __init__(self, events: Events, who: Who, after: int, queue: asyncio.Queue[tuple[str, str]]) -> None:
        self._events, self._who, self._after, self._queue = events, who, after, queue
        self._tasks: dict[AppId, asyncio.Task[None]] = {}
        self._told: dict[AppId, int] = {}
        self._moved = asyncio.Event()

    def begin(self, app: AppId) -> None:
        """Follow this app, too."""
        if app not in self._tasks:
            self._told[app] = self._after
            self._tasks[app] = asyncio.create_task(self._follow(app))

    async def _follow(self, app: AppId) -> None:
        async for event in self._events.events(self._who, app=app, after=self._after):
            await self._queue.put((event.fact.kind, event.model_dump_json()))
            self._told[app] = event.id
            self._moved.set()

    async def whole(self) -> None:
        """Return when everything that is recorded by now was told."""
        for app in self._tasks:
            newest = await self._events.last_event(app=app)
            while self._told[app] < newest:
                self._moved.clear()
                await self._moved.wait()

    async def end(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


def _failure(error: Exception, request: web.Request) -> web.StreamResponse:
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return problem(TooLarge(f"The body is over {MAX_BODY:,} bytes; send less."))
    if isinstance(error, _Invalid):
        return problem(InvalidInput(error.message), errors=error.errors)
    if isinstance(error, NexusError):
        return problem(error)
    log.exception("an API call failed", path=request.path, exc_info=error)
    return problem(NexusError())


class _Invalid(InvalidInput):
    def __init__(self, message: str, errors: list[dict[str, Any]]) -> None:
        super().__init__(message)
        self.errors = errors


async def _read(request: web.Request, shape: type[BaseModel]) -> BaseModel:
    raw = await request.read()
    if len(raw) > MAX_BODY:
        raise TooLarge(f"The body has {len(raw):,} bytes; at most {MAX_BODY:,} are read.")
    try:
        parsed = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        raise InvalidInput("The body is not JSON. Send a JSON object, with Content-Type: application/json.") from None
    if not isinstance(parsed, dict):
        raise InvalidInput("The body is not a JSON object. Send one, with Content-Type: application/json.")
    try:
        return shape.model_validate(parsed)
    except ValidationError as error:
        errors = [{"field": ".".join(str(part) for part in e["loc"]), "message": e["msg"]} for e in error.errors()[:20]]
        first = errors[0]
        raise _Invalid(f"{first['field']}: {first['message']}", errors) from None


def _check_user(body: Any, claims: Claims) -> None:
    user = getattr(body, "user_id", None)
    if user is not None and user != claims.subject:
        raise Forbidden("`user_id` is not the token's subject; leave it out, or use that user's own token.")
