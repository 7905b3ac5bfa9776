"""The page's HTTP routes.

`add_web` is called once by the composition root, which owns the application, the server and the check of the Host header. Each route
asks who it is, calls the engine or the dialogue, and answers with a page, a fragment, JSON or a stream; what the words and buttons mean
is decided elsewhere. ``Accept: application/json`` gets values instead of HTML, so that the terminal can be a client of the same threads.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import structlog
from aiohttp import web

from adapters.problems import problem, status_of
from adapters.web import inbound, page, render, source, stream
from adapters.web.assets import Assets
from adapters.web.guard import (
    MAX_BODY,
    SECURITY_HEADERS,
    check_same_origin,
    cookie_name,
    read_json,
    read_message,
    require,
    wants_json,
)
from adapters.web.ports import Authenticate, Completer, WebDialogue, WebEngine
from adapters.web.session import SESSION_LIFE, Sessions
from core.conversation.seeing import archive_name
from core.errors import Conflict, InvalidInput, NexusError, NotFound, Unauthenticated
from core.ids import BuildId, ThreadId, new_id
from core.words.inbound import Answer, Inbound, Who
from core.words.plan import FRAMEWORK_LABELS, FRAMEWORK_NAMES

log = structlog.get_logger(__name__)
MAX_COMPLETE = 500  #: characters; longer text is prose, not a command

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def nobody(request: web.Request) -> Who | None:
    """An `Authenticate` that knows nobody."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """What the routes are given."""

    engine: WebEngine
    dialogue: WebDialogue
    sessions: Sessions
    complete: Completer
    authenticate: Authenticate = nobody
    frameworks: Sequence[tuple[str, str]] = tuple((name, FRAMEWORK_LABELS[name]) for name in FRAMEWORK_NAMES)
    secure: bool = False  #: the page is reached over TLS
    beat: float = stream.BEAT


class _Routes:
    def __init__(self, web_: Web) -> None:
        self.web = web_
        self.assets = Assets()
        self.cookie = cookie_name(web_.secure)
        self.streams: set[asyncio.Task[Any]] = set()

    # ── who ──

    async def who(self, request: web.Request) -> Who | None:
        if "Authorization" in request.headers:
            return await self.web.authenticate(request)
        token = request.cookies.get(self.cookie)
        return await self.web.sessions.find(token) if token else await self.web.authenticate(request)

    async def changing(self, request: web.Request) -> Who:
        """The one who sends a state-changing call."""
        if "Authorization" not in request.headers:
            check_same_origin(request)
        return require(await self.who(request))

    def theme(self, request: web.Request) -> page.Theme:
        chosen = request.cookies.get("nexus-theme")
        return cast(page.Theme, chosen) if chosen in {"light", "dark"} else None

    async def frame(self, request: web.Request, who: Who) -> page.Frame:
        # The cursor first: what changes while the rest is read comes again by the stream.
        cursor = await self.web.engine.latest(who)
        return page.Frame(
            assets=self.assets,
            who=who,
            theme=self.theme(request),
            threads=await self.web.engine.threads(who),
            cursor=cursor,
            frameworks=self.web.frameworks,
        )

    # ── wrappers ──

    def html(self, text: str, status: int = 200) -> web.Response:
        return web.Response(text=text, status=status, content_type="text/html", headers={"Cache-Control": "no-store"})

    def as_page(self, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                response = await handler(request)
            except Unauthenticated:
                response = self.html(
                    page.plain_page(
                        self.assets,
                        self.theme(request),
                        "You are signed out",
                        "Ask Nexus for a new sign-in link, in a terminal on the machine that runs it, and open it here.",
                        "./nexus signin",
                    ),
                    401,
                )
            except NexusError as error:
                status = status_of(error).value
                response = self.html(
                    page.plain_page(self.assets, self.theme(request), "That did not work", error.message), status
                )
            except (web.HTTPException, asyncio.CancelledError):
                raise
            except Exception:
                log.exception("a page could not be made", path=request.path)
                text = "Something went wrong in Nexus itself. Its log has the details."
                response = self.html(page.plain_page(self.assets, self.theme(request), "A fault of ours", text), 500)
            response.headers.update(SECURITY_HEADERS)
            return response

        return handle

    def as_call(self, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                response = await handler(request)
            except NexusError as error:
                if status_of(error) >= 500:
                    log.error("a call failed", path=request.path, reason=error.message)
                response = problem(error)
            except (web.HTTPException, asyncio.CancelledError):
                raise
            except Exception:
                log.exception("a call failed", path=request.path)
                response = problem(NexusError())
            if not response.prepared:
                for name, value in SECURITY_HEADERS.items():
                    response.headers.setdefault(name, value)  # a call may have said something stricter
            return response

        return handle

    # ── pages ──

    async def start(self, request: web.Request) -> web.StreamResponse:
        who = require(await self.who(request))
        return self.html(page.start_page(await self.frame(request, who)))

    async def thread(self, request: web.Request) -> web.StreamResponse:
        who = require(await self.who(request))
        frame = await self.frame(request, who)
        thread_id = ThreadId(request.match_info["thread"])
        try:
            thread = await self.web.engine.thread(who, thread_id)
            messages = await self.web.engine.messages(who, thread_id)
        except NotFound as error:
            return self.html(page.missing_page(frame, error.message), 404)
        return self.html(page.thread_page(frame, thread, messages))

    async def signin(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Sec-Purpose", "").startswith("prefetch"):
            raise web.HTTPServiceUnavailable  # a browser looking ahead must not use the link up
        who = await self.web.sessions.redeem(request.query.get("token", ""))
        if who is None:
            if await self.who(request) is not None:
                raise web.HTTPSeeOther("/")
            text = "Each sign-in link works once, for fifteen minutes. Ask for a new one in a terminal on the machine that runs Nexus."
            return self.html(
                page.plain_page(self.assets, self.theme(request), "This link is used up", text, "./nexus signin"), 401
            )
        response = web.Response(status=303, headers={"Location": "/", "Cache-Control": "no-store"})
        response.set_cookie(
            self.cookie,
            await self.web.sessions.issue(who.principal),
            max_age=int(SESSION_LIFE.total_seconds()),
            httponly=True,
            samesite="Lax",
            secure=self.web.secure,
            path="/",
        )
        return response

    async def static(self, request: web.Request) -> web.StreamResponse:
        return self.assets.response(request.match_info["digest"], request.match_info["name"])

    # ── what people do ──

    async def signout(self, request: web.Request) -> web.StreamResponse:
        check_same_origin(request)
        if token := request.cookies.get(self.cookie):
            await self.web.sessions.revoke(token)
        response = self.json({"signed_out": True})
        response.del_cookie(self.cookie, path="/", httponly=True, samesite="Lax", secure=self.web.secure)
        return response

    def json(self, body: object) -> web.Response:
        # ASCII only, so that no text whatever fails to encode.
        return web.Response(text=json.dumps(body), content_type="application/json", headers={"Cache-Control": "no-store"})

    async def act(self, request: web.Request, make: Callable[[Who, object], Inbound]) -> web.StreamResponse:
        who = await self.changing(request)
        return await self.answered(request, make(who, await read_json(request)))

    async def answered(self, request: web.Request, done: Inbound) -> web.StreamResponse:
        answer: Answer = await self.web.dialogue.handle(done)
        if not wants_json(request):
            return self.html(render.answer(answer, new_id("ans")))
        return self.json(
            {
                "text": answer.text,
                "error": answer.error,
                "thread": answer.thread,
                "card": answer.card.model_dump(mode="json") if answer.card else None,
                "form": answer.form.model_dump(mode="json") if answer.form else None,
            }
        )

    async def send_message(self, request: web.Request) -> web.StreamResponse:
        who = await self.changing(request)
        body, attachments = await read_message(request)
        return await self.answered(request, inbound.message(who, body, attachments))

    async def send_action(self, request: web.Request) -> web.StreamResponse:
        return await self.act(request, inbound.action)

    async def send_form(self, request: web.Request) -> web.StreamResponse:
        return await self.act(request, inbound.form)

    async def complete(self, request: web.Request) -> web.StreamResponse:
        who = require(await self.who(request))
        text = request.query.get("text", "")
        if len(text) > MAX_COMPLETE:
            return self.json([])
        apps = [a.slug for a in await self.web.engine.apps(who)]
        return self.json([{"text": s.text, "label": s.label, "hint": s.hint} for s in self.web.complete(text, apps)])

    # ── what they see ──

    async def threads(self, request: web.Request) -> web.StreamResponse:
        who = require(await self.who(request))
        threads = await self.web.engine.threads(who)
        if wants_json(request):
            return self.json({"threads": [t.model_dump(mode="json") for t in threads]})
        return self.html(f"<ol>{page.thread_list(threads)}</ol>")

    async def messages(self, request: web.Request) -> web.StreamResponse:
        who = require(await self.who(request))
        cursor = await self.web.engine.latest(who)
        thread = await self.web.engine.thread(who, ThreadId(request.match_info["thread"]))
        messages = await self.web.engine.messages(who, thread.thread)
        if wants_json(request):
            body = {"thread": thread.model_dump(mode="json"), "cursor": cursor}
            return self.json(body | {"messages": [m.model_dump(mode="json") for m in messages]})
        return self.html(page.conversation(thread, messages, cursor))

    async def file(self, request: web.Request) -> web.StreamResponse:
        who = require(await self.who(request))
        path = request.match_info["path"]
        text = await self.web.engine.file(who, BuildId(request.match_info["build"]), path)
        if wants_json(request):
            return self.json({"path": path, "content": text})
        return self.html(await asyncio.to_thread(source.fragment, path, text))

    async def picture(self, request: web.Request) -> web.StreamResponse:
        who = require(await self.who(request))
        digest = "sha256:" + request.match_info["digest"]
        picture = await self.web.engine.picture(who, BuildId(request.match_info["build"]), digest)
        # Named by its content, so it never changes; what drew it was an app, so it may be nothing but a picture.
        headers = {
            "Cache-Control": "private, max-age=604800, immutable",
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        }
        return web.Response(body=picture.content, content_type=picture.media_type, headers=headers)

    async def archive(self, request: web.Request) -> web.StreamResponse:
        who = require(await self.who(request))
        build = await self.web.engine.build_view(who, BuildId(request.match_info["build"]))
        files = await self.web.engine.files(who, build.build)
        return web.Response(
            body=await asyncio.to_thread(files.zipped, build.slug),
            content_type="application/zip",
            headers={
                "Content-Disposition": f'attachment; filename="{archive_name(build)}"',
                "Cache-Control": "no-store",
            },
        )

    # ── live ──

    async def streaming(self, request: web.Request, run: Callable[[web.StreamResponse], Awaitable[None]]) -> web.StreamResponse:
        response = web.StreamResponse(headers=stream.HEADERS | SECURITY_HEADERS)
        task = asyncio.current_task()
        assert task is not None
        self.streams.add(task)
        try:
            await response.prepare(request)
            await response.write(b"retry: 1000\n\n")
            await run(response)
        except ConnectionResetError:
            pass  # they left
        except NexusError as error:
            log.info("a stream ended", reason=error.message)
        finally:
            self.streams.discard(task)
        return response

    async def close_streams(self, app: web.Application) -> None:
        for task in list(self.streams):
            task.cancel()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        who = require(await self.who(request))
        number = request.headers.get("Last-Event-ID") or request.query.get("after") or ""
        if number and not (number.isascii() and number.isdigit() and len(number) < 19):
            raise InvalidInput("The position in the stream must be a number; leave it out to start from now.")
        after = int(number) if number else await self.web.engine.latest(who)
        thread = ThreadId(request.query["thread"]) if request.query.get("thread") else None
        if thread is not None:
            await self.web.engine.thread(who, thread)  # theirs, or not found

        async def still_signed_in() -> bool:
            return await self.who(request) is not None

        return await self.streaming(
            request,
            lambda response: stream.messages(
                response,
                self.web.engine,
                who,
                thread=thread,
                after=after,
                as_json=wants_json(request),
                assets=self.assets.digest,
                still_signed_in=still_signed_in,
                beat=self.web.beat,
            ),
        )

    async def app_log(self, request: web.Request) -> web.StreamResponse:
        who = require(await self.who(request))
        slug = request.match_info["slug"]
        try:
            await self.web.engine.logs(who, slug, 1)
        except (NotFound, Conflict):
            if request.headers.get("Accept") != "text/event-stream":
                raise
            return web.Response(status=204)  # tells a browser that was following it not to come back

        async def still_signed_in() -> bool:
            return await self.who(request) is not None

        return await self.streaming(
            request,
            lambda response: stream.log(
                response, self.web.engine, who, slug, still_signed_in=still_signed_in, beat=self.web.beat
            ),
        )


def add_web(app: web.Application, web_: Web) -> None:
    """Add the page's routes to an application, and end its streams when it shuts down. Needs no middleware of the application."""
    routes = _Routes(web_)
    get, post = app.router.add_get, app.router.add_post
    get("/", routes.as_page(routes.start))
    get("/t/{thread}", routes.as_page(routes.thread))
    get("/signin", routes.as_page(routes.signin), allow_head=False)
    get("/static/{digest}/{name}", routes.as_call(routes.static))
    post("/signout", routes.as_call(routes.signout))
    get("/chat/threads", routes.as_call(routes.threads))
    get("/chat/threads/{thread}", routes.as_call(routes.messages))
    post("/chat/messages", routes.as_call(routes.send_message))
    post("/chat/actions", routes.as_call(routes.send_action))
    post("/chat/forms", routes.as_call(routes.send_form))
    get("/chat/complete", routes.as_call(routes.complete))
    get("/chat/stream", routes.as_call(routes.stream), allow_head=False)
    get("/builds/{build}/files/{path:.+}", routes.as_call(routes.file))
    get("/builds/{build}/pictures/{digest:[0-9a-f]{64}}", routes.as_call(routes.picture))
    get("/builds/{build}.zip", routes.as_call(routes.archive), allow_head=False)
    get("/apps/{slug}/log", routes.as_call(routes.app_log), allow_head=False)
    app.on_shutdown.append(routes.close_streams)


def create_web(web_: Web) -> web.Application:
    """An application with the page alone."""
    app = web.Application(client_max_size=MAX_BODY)
    add_web(app, web_)
    return app
