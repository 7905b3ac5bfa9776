"""The Web API over HTTP: tokens, scopes, rate limits and faults around the methods, uploads, downloads, and posts to response urls."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.support.slack import api_apps, api_chat, api_conversations, api_files, api_people, api_views, hooks, scopes, streams
from tests.support.slack.api import METHODS, Refused, Request
from tests.support.slack.faults import Fault
from tests.support.slack.state import Json, Workspace

if TYPE_CHECKING:
    from tests.support.slack.server import LocalSlack

#: Importing them fills `METHODS`.
METHOD_MODULES = (api_apps, api_chat, api_conversations, api_files, api_people, api_views, streams)
#: Arguments that are JSON inside a form.
_JSON_ARGS = {"blocks", "attachments", "metadata", "view", "chunks", "files", "loading_messages", "prompts"}
_NO_TOKEN = {"oauth.v2.access"}
_APP_TOKEN = {"apps.connections.open"}
_ANY_TOKEN = {"apps.manifest.validate", "apps.uninstall"}


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a method, and what it was told."""

    method: str
    args: Json
    answer: Json
    status: int
    team: str  #: empty where the token belongs to none
    at: float
    lost: bool = False  #: the answer never arrived
    port: int = 0  #: of the connection that it came by: tells the processes of an app apart

    @property
    def ok(self) -> bool:
        return bool(self.answer.get("ok"))

    @property
    def error(self) -> str:
        return str(self.answer.get("error", ""))


@dataclass(kw_only=True)
class Token:
    """A token that was given out."""

    team: str
    state: str = ""  #: empty while it is good, else the error it gives


class WebApi:
    """The HTTP side of the Web API."""

    def __init__(self, slack: LocalSlack) -> None:
        self._slack = slack

    def routes(self) -> list[web.RouteDef]:
        return [
            web.route("*", "/api/{method}", self.call),
            web.post("/upload/v1/{ticket}", self.upload),
            web.get("/files-pri/{file}/{name}", self.download),
            web.get("/files-pri/{file}/download/{name}", self.download),
            web.post("/hooks/{kind}/{team}/{ticket}", self.respond),
            web.get("/link/", self._slack.sockets.serve),
        ]

    async def download(self, http: web.Request) -> web.StreamResponse:
        """The bytes of a file; whoever has no token for it is led to the page for signing in, as in Slack."""
        team_id, _, file_id = http.match_info["file"].partition("-")
        token = http.headers.get("Authorization", "").removeprefix("Bearer ")
        known, team = self._slack.tokens.get(token), self._slack.workspaces.get(team_id)
        allowed = team is not None and known is not None and not known.state and known.team == team_id
        if team is None or not allowed or "files:read" not in team.scopes:
            raise web.HTTPFound(f"{self._slack.url}/?redir=files-pri")
        fault, file = self._slack.faults.take("files-pri"), team.files.get(file_id)
        if fault is not None and fault.status:
            return web.Response(status=fault.status)
        if file is None:
            return web.Response(status=404)
        return web.Response(body=file.content, content_type="application/octet-stream")

    async def call(self, http: web.Request) -> web.StreamResponse:
        """One call: fault, arguments, token, limit, scope, method."""
        name = http.match_info["method"]
        try:
            args = await arguments(http)
        except ValueError:
            args = {}
        slack, fault = self._slack, self._slack.faults.take(name)
        if fault is not None:
            await fault.wait()
        team, status, headers = None, 200, {}
        answer: Json
        if fault is not None and fault.status:
            answer, status = {"ok": False, "error": f"http {fault.status}"}, fault.status
            self._record(http, name, args, answer, status, None, fault)
            return web.Response(status=status, text="<html>Slack has some trouble</html>", content_type="text/html")
        try:
            token = _token(http, args)
            team = self._workspace(name, token)
            request = Request(slack=slack, method=name, args=args, token=token, team_or_none=team)
            retry_after = fault.retry_after if fault else 0
            retry_after = retry_after or slack.limits.refuse(
                slack.clock, team.id if team else "", name, str(args.get("channel", ""))
            )
            if retry_after:
                status, headers = 429, {"Retry-After": str(retry_after)}
                raise Refused("ratelimited")
            if fault is not None and fault.error:
                raise Refused(fault.error)
            if name not in METHODS:
                raise Refused("unknown_method", req_method=name)
            if team is not None:
                _check_scope(name, team, args)
            answer = {"ok": True, **METHODS[name](request)}
        except Refused as why:
            answer = why.answer
        if team is not None:
            headers["X-OAuth-Scopes"] = ",".join(sorted(team.scopes))
        self._record(http, name, args, answer, status, team, fault)
        if fault is not None and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault is not None and fault.lose:
            return _break(http)
        return web.json_response(answer, status=status, headers=headers)

    def _record(
        self, http: web.Request, name: str, args: Json, answer: Json, status: int, team: Workspace | None, fault: Fault | None
    ) -> None:
        kept = {key: value for key, value in args.items() if key not in ("token", "client_secret")}
        self._slack.calls.append(
            Call(
                method=name,
                args=kept,
                answer=answer,
                status=status,
                team=team.id if team else "",
                at=self._slack.clock.now(),
                lost=bool(fault and fault.lose),
                port=http.transport.get_extra_info("peername", ("", 0))[1] if http.transport is not None else 0,
            )
        )
        self._slack.poke()

    def _workspace(self, name: str, token: str) -> Workspace | None:
        """The workspace of the token; None where a method needs no bot token."""
        if name in _NO_TOKEN:
            return None
        if not token:
            raise Refused("not_authed")
        if name in _APP_TOKEN or token == self._slack.app_token:
            if token != self._slack.app_token:
                raise Refused("not_allowed_token_type" if token in self._slack.tokens else "invalid_auth")
            if name not in _APP_TOKEN | _ANY_TOKEN:
                raise Refused("not_allowed_token_type")
            return None
        known = self._slack.tokens.get(token)
        if known is None:
            raise Refused("invalid_auth")
        if known.state:
            raise Refused(known.state)
        return self._slack.workspaces[known.team]

    async def upload(self, http: web.Request) -> web.StreamResponse:
        """The bytes of a file; the URL is good once."""
        fault = self._slack.faults.take("upload")
        if fault is not None and fault.status:
            return web.Response(status=fault.status, text="trouble")
        file = self._slack.uploads.pop(http.match_info["ticket"], None)
        content = await http.read()
        if file is None:
            return web.Response(status=404, text="no such upload")
        if len(content) != file.length:
            return web.Response(status=400, text=f"{len(content)} bytes where {file.length} were announced")
        file.content, file.uploaded = content, True
        self._slack.poke()
        return web.Response(text=f"OK - {len(content)}")

    async def respond(self, http: web.Request) -> web.StreamResponse:
        """A post to a response url."""
        fault = self._slack.faults.take("response_url")
        if fault is not None and fault.status:
            return web.Response(status=fault.status, text="trouble")
        try:
            body = await http.json()
            if not isinstance(body, dict):
                raise ValueError("not an object")
        except ValueError:
            return web.Response(status=400, text="invalid_payload")
        try:
            hooks.respond(self._slack, http.match_info["ticket"], body)
        except hooks.Gone as why:
            return web.Response(status=404, text=str(why))
        except Refused as why:
            messages = why.answer.get("response_metadata", {}).get("messages", [])
            return web.Response(status=400, text="; ".join([why.answer["error"], *messages]))
        if fault is not None and fault.lose:
            return _break(http)
        return web.Response(text="ok")


def _break(http: web.Request) -> web.StreamResponse:
    """The connection breaks instead of an answer."""
    if http.transport is not None:
        http.transport.abort()
    return web.Response()


async def arguments(http: web.Request) -> Json:
    """The arguments, from the query and from a form or JSON body."""
    args: Json = dict(http.query)
    if http.content_type == "application/json":
        body = await http.json()
        args |= body if isinstance(body, dict) else {}
    elif http.can_read_body:
        args |= dict(await http.post())
    basic = http.headers.get("Authorization", "")
    if basic.startswith("Basic "):
        login, _, password = base64.b64decode(basic.removeprefix("Basic ")).decode().partition(":")
        args |= {"client_id": login, "client_secret": password}
    return {key: _decoded(key, value) for key, value in args.items()}


def _decoded(key: str, value: Any) -> Any:
    if key in _JSON_ARGS and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _token(http: web.Request, args: Json) -> str:
    bearer = http.headers.get("Authorization", "")
    return bearer.removeprefix("Bearer ").strip() if bearer.startswith("Bearer ") else str(args.get("token", ""))


def _channel_id(team: Workspace | None, args: Json) -> str:
    """The channel of a call by its id, where it is named otherwise."""
    named = str(args.get("channel") or args.get("channel_id") or "")
    for channel in team.channels.values() if team else ():
        if channel.kind != "im" and named == f"#{channel.name}":
            return channel.id
    return named


def _check_scope(name: str, team: Workspace, args: Json) -> None:
    channel = team.channels.get(_channel_id(team, args))
    needed = scopes.missing(name, team.scopes, channel)
    if needed:
        raise Refused("missing_scope", needed=needed, provided=",".join(sorted(team.scopes)))
