"""The Router port: which host name leads to which instance.

Called by deployments (switch), by stop and delete, and by the reconciler, which compares `routes` with what the ledger wants.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.hosting.host import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A page shown instead of an app: stopped, or gone. Plain words; the router makes the page and escapes them."""

    status: int
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One app's route. ``name`` identifies it; adding a route of the same name replaces it in one step."""

    name: str
    hosts: Sequence[str]  #: host names without port
    target: Address | Notice


class Router(ABC):
    """Routes requests.

    The contract: `add` is atomic and idempotent, and loses no request in flight on the replaced route; websockets pass;
    `routes` tells what is really configured, not what was asked; `remove` of an unknown name is fine; an unknown host gets a
    404 page, never another app.
    """

    @abstractmethod
    async def routes(self) -> Mapping[str, Route]:
        """What is configured now, by name."""

    @abstractmethod
    async def add(self, route: Route) -> None:
        """Add or replace.

        Raises:
            TemporaryError: the router cannot be reached just now.
        """

    @abstractmethod
    async def remove(self, name: str) -> None:
        """Remove; its hosts answer 404 from then on."""
