"""The Router port on Caddy, through its admin API on a private unix socket.

Constructed by wiring with what `bot.platform.caddy` tells, or with the socket of a Caddy in a container. Every app has one route
object with an ``@id``. A switch from one instance to the next rewrites the file that holds the route's address, where Caddy can
see ``targets``, and so does not touch the configuration (see `adapters.routers.caddy_config` for why); everything else replaces
that one object. Several Nexus processes may change routes at once: an addition is guarded by the ETag of the list it appends
to, a replacement by the route object's own, and Caddy serialises the rest.

Refuses to keep anything in memory: what Caddy uses is the truth.
"""

from __future__ import annotations

import asyncio
import errno
import json
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from adapters.routers import caddy_config
from core.errors import DiskFull, NexusError, TemporaryError
from core.hosting.router import Notice, Route, Router

_LIST = f"/id/{caddy_config.APPS}/routes"
_ATTEMPTS = 50  #: of a change that collides with another process's


class CaddyRouter(Router):
    """Routes through a running Caddy. ``targets`` is a folder that Caddy reads too; None where they share none. Close it when done."""

    def __init__(self, admin_socket: Path, *, targets: Path | None = None) -> None:
        self._socket = admin_socket
        self._targets = targets if targets is not None and not set("{}") & set(str(targets)) else None
        self._session: aiohttp.ClientSession | None = None
        self._one_at_a_time = asyncio.Lock()

    async def routes(self) -> Mapping[str, Route]:
        found, _ = await self._get(_LIST)
        return {route.name: route for value in found or [] if (route := caddy_config.route_of(value)) is not None}

    async def add(self, route: Route) -> None:
        written: set[Path | None] = set()  # address files, of which one is in use in the end
        async with self._one_at_a_time:
            for _ in range(_ATTEMPTS):
                try:
                    done, unused = await self._try_add(route, written)
                except _Dropped:
                    continue  # it may have happened or not: look again
                if done:
                    _drop(unused)
                    return
        raise TemporaryError(f"The route {route.name!r} could not be set: others change routes all the time.")

    async def remove(self, name: str) -> None:
        identity = caddy_config.route_id(name)
        async with self._one_at_a_time:
            present, _ = await self._get(f"/id/{identity}")
            for _ in range(_ATTEMPTS):
                try:
                    status, said = await self._call("DELETE", f"/id/{identity}")
                except _Dropped:
                    continue
                if status not in (200, 404):
                    raise NexusError(f"Caddy refused to remove the route {name!r}: {said}")
                _drop({caddy_config.target_file_of(present or {})})
                return
        raise TemporaryError(f"The route {name!r} could not be removed: others change routes all the time.")

    async def _try_add(self, route: Route, written: set[Path | None]) -> tuple[bool, set[Path | None]]:
        """Add or replace; whether it is done (not when somebody else changed the same thing), and the files out of use then."""
        identity = caddy_config.route_id(route.name)
        present, etag = await self._get(f"/id/{identity}")
        in_use = caddy_config.target_file_of(present or {})
        if present is not None and present == caddy_config.route_json(route, target_file=in_use):
            if in_use is not None and not isinstance(route.target, Notice):
                _write(in_use, caddy_config.dial(route.target))
            return True, written - {in_use}
        file = None
        if self._targets is not None and not isinstance(route.target, Notice):
            # A new file for every new object: the old object's hosts must not get the new address before the object changes.
            file = self._targets / f"{identity.partition(':')[2][:64]}-{secrets.token_hex(6)}"
        wanted = caddy_config.route_json(route, target_file=file)
        if file is not None and not isinstance(route.target, Notice):
            _write(file, caddy_config.dial(route.target))
            written.add(file)
        if present is not None:
            status, said = await self._call("PATCH", f"/id/{identity}", wanted, etag=etag)
        else:
            others, etag = await self._get(_LIST)
            if any(other.get("@id") == identity for other in others or []):
                return False, set()
            status, said = await self._call("POST", _LIST, wanted, etag=etag)
        if status not in (200, 404, 412):  # 404 and 412: it is gone, or another, since we looked
            raise NexusError(f"Caddy refused the route {route.name!r}: {said}")
        return status == 200, (written | {in_use}) - {file}

    async def close(self) -> None:
        """Close the connection to Caddy."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _get(self, path: str) -> tuple[Any, str | None]:
        for _ in range(_ATTEMPTS):
            try:
                status, said, etag = await self._request("GET", path)
            except _Dropped:
                continue
            if status == 200:
                return json.loads(said), etag
            if status == 404 and path != _LIST:
                return None, None
            raise TemporaryError(f"Caddy is not set up yet for Nexus: {said}")
        raise _Dropped("Caddy drops every request to its admin API.")

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
        except (aiohttp.ServerDisconnectedError, ConnectionResetError) as error:
            raise _Dropped("Caddy's admin API was just being renewed.") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise TemporaryError(f"Caddy cannot be reached just now: {error}") from error


def _write(file: Path, content: str) -> None:
    """Replace the file in one step: Caddy may read it at any moment."""
    try:
        file.parent.mkdir(mode=0o700, exist_ok=True)
        new = file.with_name(f".{secrets.token_hex(6)}.new")
        new.write_text(content)
        new.replace(file)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull from error
        raise NexusError(f"The route cannot be written to {str(file)!r}: {error.strerror}") from error


def _drop(files: Iterable[Path | None]) -> None:
    for file in files:
        if file is not None:
            file.unlink(missing_ok=True)


class _Dropped(TemporaryError):
    """A change of configuration also renews the admin API, and drops who is just talking to it."""
