"""Faults by script: what goes wrong with the next calls.

Tests ask for one with `LocalDiscord.fault`; the API uses them up in the order in which they were asked for.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import Any

from tests.support.discord.errors import Refused
from tests.support.local.faults import Script, Scripted


@dataclass(eq=False)
class Fault(Scripted):
    """What happens to the next ``times`` calls that look like ``what``: ``POST /channels/*/messages``, ``*``; a ``*`` may be anything."""

    what: str
    code: int = 0  #: refuse with this code of Discord's; nothing takes effect
    status: int = 0  #: answer this status, with a page that is no JSON where it is 500 or more; nothing takes effect …
    after: bool = False  #: … or, with this, everything
    is_global: bool = False  #: … of the global limit rather than the route's
    banned: bool = False  #: … by the proxy before Discord, with a page and no ``Via``
    cut: bool = False  #: the connection breaks before it has an effect

    def refusal(self) -> Refused | None:
        return Refused(self.code, status=self.status) if self.code else None


class Faults(Script[Fault]):
    """The script."""

    def add(self, what: str | Fault, **more: Any) -> Fault:
        return self.put(what if isinstance(what, Fault) else Fault(what, **more))

    def take(self, method: str, path: str) -> Fault | None:
        """What goes wrong with this call, if anything."""
        return self.met(lambda fault: fnmatch.fnmatchcase(f"{method} {path}", fault.what))
