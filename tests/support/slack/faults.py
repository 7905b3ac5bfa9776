"""Faults by script: what goes wrong with the next calls of a method.

Tests ask for one with `LocalSlack.fault`; the Web API uses them up in the order in which they were asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.local.faults import Script, Scripted


@dataclass(eq=False)
class Fault(Scripted):
    """What happens to the next ``times`` calls of ``method``."""

    method: str
    error: str = ""  #: answer ``{"ok": false, "error": …}``; nothing takes effect
    status: int = 0  #: answer this status with a page that is no JSON; nothing takes effect


class Faults(Script[Fault]):
    """The script."""

    def add(self, fault: Fault) -> Fault:
        return self.put(fault)

    def take(self, method: str) -> Fault | None:
        """What goes wrong with this call, if anything."""
        return self.met(lambda fault: fault.method in (method, "*"))
