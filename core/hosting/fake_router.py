"""The Router port in memory, for tests of what uses it.

`resolve` answers as a proxy would: the route of the host, or None where the real one shows its 404 page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from core.errors import TemporaryError
from core.hosting.router import Route, Router


class FakeRouter(Router):
    """Keeps routes in a dictionary; with ``down`` set, it cannot be reached."""

    def __init__(self) -> None:
        self.down = False
        self.changes = 0  #: how often `add` or `remove` changed something
        self._routes: dict[str, Route] = {}

    async def routes(self) -> Mapping[str, Route]:
        self._reach()
        return dict(self._routes)

    async def add(self, route: Route) -> None:
        self._reach()
        route = replace(route, hosts=tuple(route.hosts))  # as a router tells them, whatever sequence it was given
        if self._routes.get(route.name) != route:
            self._routes[route.name] = route
            self.changes += 1

    async def remove(self, name: str) -> None:
        self._reach()
        if self._routes.pop(name, None) is not None:
            self.changes += 1

    def resolve(self, host: str) -> Route | None:
        """The route that serves a host name now."""
        wanted = host.lower()
        return next((r for r in self._routes.values() if wanted in (h.lower() for h in r.hosts)), None)

    def _reach(self) -> None:
        if self.down:
            raise TemporaryError("The router cannot be reached just now.")
