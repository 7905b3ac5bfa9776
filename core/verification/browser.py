"""The Browser port: open the pages of an app that is tried, and tell what a person who opens them would see.

Called by the try-out. The pages are hostile: a browser that opens them runs behind walls, without a network, and reaches the one app that
it was told of. What it saw is untrusted, and bounded: an app can lie about itself, and about nobody else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from core.hosting.host import Address
from core.verification.pictures import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """A cookie of the app's, set before its first page is opened."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What to open: ``paths`` in order, of which the first is photographed."""

    paths: Sequence[str] = ("/",)
    cookies: Sequence[Cookie] = ()
    forgiven: Sequence[int] = ()  #: statuses from 400 on that are no error of this app


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What came of one page. All texts are untrusted."""

    path: str
    trouble: str = ""  #: why it could not be looked at to the end: "was not loaded after 8 s"; the pages after it were not opened
    errors: Sequence[str] = ()  #: uncaught exceptions, console.error, failed requests; the first of them
    error_count: int = 0
    requests: int = 0  #: to the app itself
    elsewhere: Sequence[str] = ()  #: addresses outside of the app that it wanted, none of which it got
    empty: bool = False  #: nothing can be seen
    fits_phone: bool = True  #: whether it can be used on a phone without scrolling sideways; of the first page alone
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        return not (self.trouble or self.error_count or self.empty)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of a visit."""

    sights: Sequence[Sight]
    wide: Picture | None = None  #: of the first page
    narrow: Picture | None = None  #: the same on a phone


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSeen:
    """The browser could not be had, which is not the app's fault."""

    why: str  #: a short phrase


class Tab(ABC):
    """A browser on its way."""

    @abstractmethod
    async def visit(self, address: Address, visit: Visit) -> Seen | NotSeen:
        """Open the pages; once per tab.

        Raises:
            NotHealthy: a page brought the browser down: too much memory, or no end.
        """


class Browser(ABC):
    """Opens pages.

    The contract:

    - ``why_not`` is empty where it can open pages, and otherwise a short phrase with the remedy; `tab` then gives `NotSeen`;
    - `tab` begins to start a browser of its own and does not wait for it; at its end, whatever happened, no process and no file is left;
    - a page reaches the app and nothing else: no network, no file, no other app, not the channel that drives the browser;
    - a visit ends within a minute, whatever the pages do: that they do it is a `Sight` or `NotHealthy`.
    """

    why_not: str = ""

    @abstractmethod
    def tab(self) -> AbstractAsyncContextManager[Tab]:
        """A browser for one visit."""

    @abstractmethod
    async def sweep(self) -> None:
        """Clear away what tabs of dead processes left."""
