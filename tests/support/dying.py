"""A process of the bot that dies between an acknowledgement and what it is for, and a ledger that is away."""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Mapping, Sequence
from typing import Any

from core.conversation.desk import Desk
from core.errors import TemporaryError
from core.ledger.deliveries import Delivery


def begins_nothing(desk: Desk[Any, Any]) -> None:
    """From now on, what this desk acknowledges is not begun: its process dies before."""

    def begin(work: Coroutine[Any, Any, None]) -> None:
        work.close()

    desk.begin = begin  # type: ignore[method-assign]


class Away:
    """Where nothing can be kept."""

    async def keep(self, contents: Mapping[str, str]) -> Collection[str]:
        raise TemporaryError("The ledger cannot be reached just now.")

    async def done(self, keys: Collection[str]) -> None:
        raise TemporaryError("The ledger cannot be reached just now.")

    async def renew(self, keys: Collection[str]) -> None:
        raise TemporaryError("The ledger cannot be reached just now.")

    async def take(self) -> Sequence[Delivery]:
        raise TemporaryError("The ledger cannot be reached just now.")
