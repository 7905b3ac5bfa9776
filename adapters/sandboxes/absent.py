"""No walls at all: for a process that looks at what runs on this machine and starts nothing.

Constructed by wiring for processes that only serve chats: they show the logs of apps whose instances another process started. It
refuses every command.
"""

from __future__ import annotations

from adapters.sandboxes.confinement import Confinement, Request, Walls
from core.errors import OperatorError
from core.words.walls import Isolation


class NoWalls(Confinement):
    """Encloses nothing, and so lets nothing run."""

    def __init__(self) -> None:
        super().__init__(isolation=Isolation.PROCESS, note="this process starts nothing")

    @property
    def own_network(self) -> bool:
        return True

    async def enclose(self, request: Request) -> Walls:
        raise OperatorError("This process of Nexus serves chats alone and starts nothing; `nexus up` does.")
