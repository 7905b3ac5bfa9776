"""What a build had used when it was cancelled is kept: its vendor is paid for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.generation import meter
from core.generation.fake_model import CALL, planned
from core.generation.model import Ended, Usage
from core.operations.engine import BuildRequest
from tests.support.engine_house import House, key
from tests.unit.builds.test_build_work import PLAN

HALF = Usage(input_tokens=1000, output_tokens=7, calls=1, cost_usd=0.5, request_ids=("req_half",))


async def test_a_build_that_is_cancelled_while_it_writes_keeps_what_it_has_used(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def write(writing: object, nonce: str) -> AsyncIterator[str | Ended]:
        try:
            begun.set()
            yield "half a file"
            await asyncio.Event().wait()
        finally:
            meter.count(HALF)

    house.model._plans[:] = [planned(PLAN)]
    monkeypatch.setattr(house.model, "write", write)
    you = await house.you()
    build = (await house.engine.build(you, BuildRequest(description="a todo list"), key=key())).build
    working = asyncio.create_task(house.here.builds.advance(build))
    await begun.wait()
    await house.engine.cancel(you, build)
    async with asyncio.timeout(20):
        await working
    row = await house.build_row(build)
    assert row.state == "cancelled"
    assert row.usage["input_tokens"] == CALL.input_tokens + 1000
    assert row.usage["calls"] == 2
    assert row.usage["request_ids"] == ["req_half"]
