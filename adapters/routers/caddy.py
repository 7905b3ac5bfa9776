"""The Router port on Caddy, through its admin API on a private unix socket.

Constructed by wiring with the socket of `bot.platform.caddy` or of a Caddy in a container. Every app has one route object with an
``@id``, so a switch replaces that object and nothing else. Several Nexus processes may change routes at once: an addition is
guarded by the ETag of the list it appends to, and Caddy itself serialises the rest.

Refuses to keep anything in memory: Caddy's configuration is the truth.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from adapters.routers import caddy_config
from core.errors import NexusError, TemporaryError
from core.hosting.router import Route, Router

_ATTEMPTS = 20  #: of a change that collides with another process's


class CaddyRouter(Router):
    """Routes through a running Caddy. Close it when done."""

    def __init__(self, admin_socket: Path) -> None:
        self._socket = admin_socket
        self._session: aiohttp.ClientSession | None = None

    async def routes(self) -> Mapping[str, Route]:
        found, _ = await self._list()
        return {route.name: route for value in found if (route := caddy_config.route_of(value)) is not None}

    async def add(self, route: Route) -> None:
        wanted = caddy_config.route_json(route)
        for _ in range(_ATTEMPTS):
            present, etag = await self._list()
            index = _index(present, wanted["@id"])
            if index is None:
                status, said = await self._call("POST", f"/id/{caddy_config.APPS}/routes", wanted, etag=etag)
            elif present[index] == wanted:
                return
            else:
                status, said = await self._call("PATCH", f"/id/{wanted['@id']}", wanted)
            if status == 200:
                return
            if status not in (404, 412):  # gone, or changed, since we looked: look again
                raise NexusError(f"Caddy refused the route {route.name!r}: {said}")
        raise TemporaryError(f"The route {route.name!r} could not be set: others change routes all the time.")

    async def remove(self, name: str) -> None:
        status, said = await self._call("DELETE", f"/id/{caddy_config.route_id(name)}")
        if status not in (200, 404):
            raise NexusError(f"Caddy refused to remove the route {name!r}: {said}")

    async def close(self) -> None:
        """Close the connection to Caddy."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _list(self) -> tuple[list[Any], str | None]:
        status, said, etag = await self._request("GET", f"/id/{caddy_config.APPS}/routes")
        if status != 200:
            raise TemporaryError(f"Caddy is not set up yet for Nexus: {said}")
        return json.loads(said) or [], etag

    async def _call(self, method: str, path: str, body: Any = None, *, etag: str | None = None) -> tuple[int, str]:
        status, said, _ = await self._request(method, path, body, etag)
        return status, said

    async def _request(self, method: str, path: str, body: Any = None, etag: str | None = None) -> tuple[int, str, str | None]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(path=str(self._socket), force_close=True),
                timeout=aiohttp.ClientTimeout(total=10),
            )
        headers = {"If-Match": etag} if etag else {}
        try:
            async with self._session.request(method, f"http://localhost{path}", json=body, headers=headers) as response:
                return response.status, await response.text(), response.headers.get("ETag")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise TemporaryError(f"Caddy cannot be reached just now: {error}") from error


def _index(routes: list[Any], identity: str) -> int | None:
    return next((i for i, route in enumerate(routes) if route.get("@id") == identity), None)
