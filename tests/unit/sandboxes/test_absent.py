"""A process that serves chats alone has no walls, and so starts nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.sandboxes.absent import NoWalls
from adapters.sandboxes.confinement import Request
from core.errors import OperatorError
from core.words.walls import Isolation


async def test_every_command_is_refused() -> None:
    walls = NoWalls()
    request = Request(argv=("true",), env={}, folder=Path("/"), folder_writable=False)
    with pytest.raises(OperatorError, match="nexus up"):
        await walls.enclose(request)
    assert (Isolation.PROCESS, True) == (walls.isolation, walls.own_network)
