"""What a desk has begun gives way to what arrives, for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

import pytest

from core.conversation import desk as module
from core.conversation.desk import Desk
from core.conversation.journal import Journal
from core.conversation.ports import Handles
from core.errors import UserError
from core.words.inbound import Answer, Inbound, Who


class Quiet(Desk[Any, str]):
    """A desk to which nobody comes."""

    platform = "quiet"

    def __init__(self) -> None:
        super().__init__(cast(Journal[Any], None), cast(Handles, None))
        self.done: list[str] = []

    def work(self) -> Coroutine[Any, Any, None]:
        async def one() -> None:
            self.done.append("begun")

        return one()

    async def do(self, told: Any) -> None:
        raise NotImplementedError

    async def who(self, where: str) -> Who:
        raise UserError("Nobody is here.")

    async def give(self, where: str, answer: Answer, *, key: str, who: Who | None, asked: Inbound | None) -> None:
        raise NotImplementedError

    async def say(self, where: str, text: str) -> None:
        raise NotImplementedError

    async def wrong(self, where: str) -> None:
        raise NotImplementedError


async def test_what_was_begun_waits_until_what_arrives_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GIVES_WAY", 600.0)
    desk = Quiet()
    with desk.arriving(), desk.arriving():
        desk.begin(desk.work())
        for _ in range(20):
            await asyncio.sleep(0)
        assert [] == desk.done
    await desk.settled()
    assert ["begun"] == desk.done


async def test_what_was_begun_waits_for_what_arrives_only_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GIVES_WAY", 0.001)
    desk = Quiet()
    with desk.arriving():
        desk.begin(desk.work())
        await desk.settled()
        assert ["begun"] == desk.done
