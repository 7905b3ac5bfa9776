"""What a build has used is kept, however an attempt ends: its vendor is paid for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.errors import TemporaryError
from core.generation import meter
from core.generation.fake_model import CALL, files, planned
from core.generation.model import Ended, Failed, Usage, Writing
from core.operations.engine import BuildRequest
from core.words.plan import PlannedFile
from tests.support.engine_house import House, key, rejected
from tests.unit.builds.test_build_work import PAGE, PLAN, WRITTEN

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


async def test_what_an_attempt_has_used_is_kept_when_a_passing_fault_ends_it(house: House) -> None:
    house.model._plans[:] = [planned(PLAN)]
    house.model._streams[:] = [WRITTEN, files({PAGE: "X = 2\n"})]
    house.verifier.script = [rejected(), TemporaryError("Postgres is away.")]
    build = (await house.engine.build(await house.you(), BuildRequest(description="a todo list"), key=key())).build
    with pytest.raises(TemporaryError):
        await house.here.builds.advance(build)
    row = await house.build_row(build)
    assert ("running", 3) == (row.state, row.usage["calls"])
    await house.here.builds.advance(build)
    row = await house.build_row(build)
    assert ("ready", 3) == (row.state, row.usage["calls"])


async def test_what_is_used_while_nexus_is_stopped_is_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
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
    build = (await house.engine.build(await house.you(), BuildRequest(description="a todo list"), key=key())).build
    working = asyncio.create_task(house.here.builds.advance(build))
    await begun.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    row = await house.build_row(build)
    assert ("running", 0, 2) == (row.state, row.attempts, row.usage["calls"])


async def test_a_call_that_another_calls_end_has_closed_is_paid_for_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = asyncio.Event()

    async def write(writing: Writing, nonce: str) -> AsyncIterator[str | Ended]:
        if writing.files[0].path.startswith("app/a"):
            await begun.wait()
            meter.count(HALF)
            yield Failed(reason="The key is wrong; set another.", retryable=False, usage=HALF)
            return
        try:
            begun.set()
            yield "half a file"
            await asyncio.Event().wait()
        finally:
            meter.count(HALF)

    apart = [PlannedFile(path=f"app/{name}{n}.py", imports=["app/base.py"]) for name in "ab" for n in range(4 + (name == "b"))]
    plan = PLAN.model_copy(update={"files": [PlannedFile(path="app/base.py"), *apart]})
    house.model._plans[:] = [planned(plan)]
    whole = house.model.write
    monkeypatch.setattr(
        house.model, "write", lambda writing, nonce: (whole if len(writing.files) == 1 else write)(writing, nonce)
    )
    house.model._streams[:] = [files({"app/base.py": "B = 1\n"})]
    build = (await house.engine.build(await house.you(), BuildRequest(description="a todo list"), key=key())).build
    await house.here.builds.advance(build)
    row = await house.build_row(build)
    assert ("failed", "The key is wrong; set another.") == (row.state, row.reason)
    assert 2 * CALL.calls + 2 * HALF.calls == row.usage["calls"]
