"""Files by signed links, without a token; a link ends some time after it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from tests.support.discord.server import LocalDiscord


class Cdn:
    """The files of one Discord."""

    def __init__(self, server: LocalDiscord) -> None:
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/cdn/{folder}/{channel}/{file}/{name}", self.get)]

    async def get(self, request: web.Request) -> web.Response:
        if (fault := self._server.faults.take("GET", request.path)) is not None:
            await fault.wait()
            return web.Response(status=fault.status or 503)
        ends = int(request.query.get("ex", "0"), 16)
        file = self._server.files.get(request.match_info["file"])
        signed = request.query.get("hm") == self._server.signature(request.match_info["file"], ends)
        if file is None or not signed or ends < self._server.clock.now():
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=file.content, content_type=file.kind)
