"""A log that is followed leaves nothing out, and says nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.conversation.tailing import Tail, Tails
from core.errors import TemporaryError
from core.ids import PrincipalId, WorkspaceId
from core.words.inbound import Who
from core.words.thread_ref import ThreadRef
from core.words.views import ThreadView

ADA = Who(principal=PrincipalId("ada"), workspace=WorkspaceId("w"), name="Ada")
PLACE = ThreadRef(platform="fake", workspace="w", channel="c", thread="t")


class Engine:
    """The log of an app; ``meanwhile`` is printed between the first look at it and the moment from which it is followed."""

    def __init__(self, *meanwhile: str) -> None:
        self.lines, self.meanwhile = ["first"], meanwhile
        self.more: asyncio.Queue[str] = asyncio.Queue()

    async def thread_at(self, who: Who, ref: ThreadRef) -> ThreadView | None:
        return None

    async def logs(self, who: Who, slug: str, lines: int = 100) -> list[str]:
        return self.lines[-lines:]

    async def follow_logs(self, who: Who, slug: str, *, lines: int = 0) -> AsyncIterator[str]:
        self.lines += self.meanwhile
        for line in self.lines[-lines:] if lines else ():
            yield line
        while True:
            yield await self.more.get()


class Messages:
    """The message; ``busy`` is how often it cannot be edited just now."""

    def __init__(self, busy: int = 0) -> None:
        self.shown: list[list[str]] = []
        self.busy = busy
        self.changed = asyncio.Condition()

    async def post(self, place: ThreadRef, tail: Tail) -> str:
        self.shown.append(list(tail.lines))
        return "m"

    async def edit(self, place: ThreadRef, message: str, tail: Tail) -> None:
        if self.busy:
            self.busy -= 1
            raise TemporaryError
        async with self.changed:
            self.shown.append(list(tail.lines))
            self.changed.notify_all()

    async def over(self, place: ThreadRef, message: str, why: str) -> None: ...

    async def edits(self, count: int) -> None:
        async with self.changed, asyncio.timeout(20):
            await self.changed.wait_for(lambda: len(self.shown) > count)


class Marks:
    async def first(self, key: str) -> bool:
        return True

    async def seen(self, key: str) -> bool:
        return False


class Quick:
    """A clock on which every pause is over at once."""

    def now(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


async def private() -> ThreadRef:
    return PLACE


@pytest.mark.parametrize("busy", [0, 1])
async def test_what_is_printed_while_the_message_is_posted_is_in_the_next_edit(busy: int) -> None:
    engine, messages = Engine("between"), Messages(busy)
    tails = Tails(messages, engine, Marks(), clock=Quick())
    await tails.start(ADA, "todo", here=None, private=private)
    await messages.edits(1)
    await engine.more.put("later")
    await messages.edits(2)
    await tails.close()
    assert [["first"], ["first", "between"], ["first", "between", "later"]] == messages.shown[:3]


async def test_where_nothing_was_printed_meanwhile_nothing_is_edited() -> None:
    engine, messages = Engine(), Messages()
    tails = Tails(messages, engine, Marks(), clock=Quick())
    await tails.start(ADA, "todo", here=None, private=private)
    await engine.more.put("later")
    await messages.edits(1)
    await tails.close()
    assert [["first"], ["first", "later"]] == messages.shown[:2]
