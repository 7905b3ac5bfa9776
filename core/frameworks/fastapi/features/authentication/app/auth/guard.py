"""The guard: without a session nothing below /api answers but what is needed to get one."""

from urllib.parse import urlsplit

from app.auth import sessions
from fastapi import Request
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE = ("GET", "HEAD", "OPTIONS")
OPEN = ("/api/auth/login", "/api/auth/register", "/api/auth/logout", "/api/auth/me")


def refusal(status: int, title: str, detail: str, **more: object) -> JSONResponse:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JSONResponse(body, status, media_type="application/problem+json")


def unknown(**more: object) -> JSONResponse:
    return refusal(401, "Not signed in", "Sign in first.", **more)


class Guard:
    """Stands before the whole app, so that it covers whatever is added below /api, websockets too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or not (scope["path"] + "/").startswith("/api/"):
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        private = _with_headers(send)
        if scope.get("method") not in SAFE and _is_foreign(connection):
            answer = refusal(403, "Refused", "This was sent by a page of another site. Use the app’s own page.")
            await _refuse(answer, scope, receive, private)
            return
        if scope["path"] not in OPEN:
            try:
                found = await sessions.current(connection)
            except Exception as error:
                await _refuse(await _explained(Request(scope), error), scope, receive, private)
                return
            if found is None:
                await _refuse(unknown(), scope, receive, private)
                return
            scope.setdefault("state", {})["user"] = found.user
            if found.token:
                renewal = Response()
                sessions.set_cookie(connection, renewal, found.token)
                private = _with_headers(send, renewal.headers["set-cookie"])
        await self.app(scope, receive, private)


def _is_foreign(request: HTTPConnection) -> bool:
    """Whether a page of another site (another app below the same domain, too) has the browser send this."""
    if site := request.headers.get("sec-fetch-site"):
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    if not origin:
        return False  # not a browser
    try:
        return urlsplit(origin).netloc != request.headers.get("host")
    except ValueError:
        return True


def _with_headers(send: Send, cookie: str = "") -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("cache-control", "no-store")
            if cookie and "set-cookie" not in headers:
                headers.append("set-cookie", cookie)
        await send(message)

    return sending


async def _refuse(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    else:
        await response(scope, receive, send)


async def _explained(request: Request, error: Exception) -> Response:
    """The app's own answer to an error, which it gives only to those of its routes."""
    for kind in type(error).__mro__:
        handler = request.app.exception_handlers.get(kind)
        if handler is not None and kind is not Exception:
            answer: Response = await handler(request, error)
            return answer
    raise error
