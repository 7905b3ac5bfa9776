"""A server on a free port of this machine that stands for a chat platform: it can be away, and tests wait for what it shows."""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import ClassVar, TypeVar

from aiohttp import web

T = TypeVar("T")


class LocalServer(ABC):
    """One that serves while its block is entered."""

    name: ClassVar[str]  #: of the platform

    def __init__(self) -> None:
        self._outage = ""
        self._pokes = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._port = 0

    @abstractmethod
    def describe(self) -> str:
        """What happened last, for failures."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    # -- running -----------------------------------------------------------------------------------------------------------

    async def _serve(self, routes: Iterable[web.AbstractRouteDef]) -> None:
        app = web.Application(middlewares=[self._out_of_order], client_max_size=200 * 2**20)
        app.add_routes(routes)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await self._listen()

    async def _end(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _listen(self) -> None:
        assert self._runner is not None
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self._port))
        self._port = listening.getsockname()[1]
        await web.SockSite(self._runner, listening).start()

    # -- what tests wait for -----------------------------------------------------------------------------------------------

    def poke(self) -> None:
        """Something changed: whoever waits looks again."""
        pokes, self._pokes = self._pokes, asyncio.Event()
        pokes.set()

    async def wait_for(self, condition: Callable[[], T | None], *, timeout: float = 20.0, why: str = "") -> T:
        """What the condition gives, once it is true.

        Raises:
            AssertionError: it never was; with the last calls and messages.
        """
        try:
            async with asyncio.timeout(timeout):
                while not (found := condition()):
                    try:
                        # Conditions may look at things outside the platform, which do not poke.
                        async with asyncio.timeout(0.02):
                            await self._pokes.wait()
                    except TimeoutError:
                        continue
                return found
        except TimeoutError:
            raise AssertionError(f"it never became true: {why or condition}\n{self.describe()}") from None

    # -- being away --------------------------------------------------------------------------------------------------------

    async def _go_away(self, *, refuse: bool) -> None:
        """From now on nobody is there, or there is a 503."""
        assert self._runner is not None
        self._outage = "refuse" if refuse else "503"
        if refuse:
            for site in list(self._runner.sites):
                await site.stop()

    async def _come_back(self) -> None:
        """At the same address."""
        refused, self._outage = self._outage == "refuse", ""
        if refused:
            await self._listen()

    @web.middleware
    async def _out_of_order(self, request: web.Request, handler: Callable[[web.Request], object]) -> web.StreamResponse:
        if self._outage == "refuse" and request.transport is not None:
            request.transport.abort()
        if self._outage:
            return web.Response(status=503, text=f"<html>{self.name} is down</html>", content_type="text/html")
        response: web.StreamResponse = await handler(request)  # type: ignore[misc]
        return response
