"""A large plan is written in waves: what is imported first, a few calls at once, each shown what it imports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.generation import prompts
from core.generation.fake_model import FakeModel, Script, files, planned
from core.generation.model import Brief
from core.generation.model import Ended as StreamEnded
from core.generation.pipeline import Done, Ended, Pipeline
from core.generation.progress import FileWriting, FileWritten
from core.words.plan import PlannedFile
from tests.support.generation import REFUSED, WRONG_KEY, Watch, saying
from tests.support.tiny_framework import FILES, TinyFramework, tiny, todo_plan

BRIEF = Brief(description="a todo app")
LEAVES = [f"app/part_{n}.py" for n in range(12)]
TEXTS = {**FILES, **{path: f"PART = {n}\n" for n, path in enumerate(LEAVES)}, "app/all.py": "ALL = 1\n"}
PLAN = todo_plan(
    files=[
        *todo_plan().files,
        *(PlannedFile(path=path, imports=["app/routes.py"], exports=["PART: int"]) for path in LEAVES),
        PlannedFile(path="app/all.py", imports=LEAVES),
    ]
)


def writer(verb: str, arguments: tuple[Any, ...]) -> Script:
    return files({file.path: TEXTS[file.path] for file in arguments[0].files})


def asked(model: FakeModel) -> list[list[str]]:
    return [[file.path for file in arguments[0].files] for verb, arguments in model.asked if verb == "write"]


async def test_what_is_imported_comes_first_and_is_shown(watch: Watch) -> None:
    model = FakeModel([planned(PLAN)], answer=writer)
    done = await Pipeline(tiny).generate(model, BRIEF, watch)
    assert isinstance(done, Done)
    assert {**TinyFramework().scaffold(), "README.md": "# Todos\n\nKeeps todos.\n", **TEXTS} == dict(done.tree)
    calls = asked(model)
    assert [list(FILES), LEAVES[:4], LEAVES[4:8], LEAVES[8:], ["app/all.py"]] == calls
    shown = [set(arguments[0].written) for verb, arguments in model.asked if verb == "write"]
    assert set() == shown[0]
    assert [set(FILES)] * 3 == shown[1:4]
    assert {*LEAVES, "migrations/0001_init.sql"} == shown[4]
    assert 1 + 5 == done.usage.calls


async def test_all_calls_of_a_plan_have_the_same_prefix_to_the_last_byte(watch: Watch) -> None:
    model = FakeModel([planned(PLAN)], answer=writer)
    await Pipeline(tiny).generate(model, BRIEF, watch)
    prefixes = set()
    for verb, arguments in model.asked:
        if verb == "write":
            blocks = prompts.write(arguments[0], TinyFramework(), "0123456789abcdef").blocks
            last = max(number for number, block in enumerate(blocks) if block.shared)
            prefixes.add(tuple(block.text for block in blocks[: last + 1]))
    assert 1 == len(prefixes)


async def test_each_file_is_told_in_order_however_calls_overlap(watch: Watch) -> None:
    class Slow(FakeModel):
        async def _play(self, script: Script, nonce: str) -> AsyncIterator[str | StreamEnded]:
            async for piece in super()._play(script, nonce):
                await asyncio.sleep(0)
                yield piece

    await Pipeline(tiny).generate(Slow([planned(PLAN)], answer=writer), BRIEF, watch)
    for path in TEXTS:
        told = [event for event in watch.events if getattr(event, "path", "") == path]
        assert [FileWriting(path), FileWritten(path, len(TEXTS[path]))] == told
    overlapping = [event.path for event in watch.of(FileWriting) if event.path in LEAVES]
    assert LEAVES != overlapping


async def test_no_more_calls_than_allowed_run_at_once(watch: Watch) -> None:
    running = most = 0

    class Counting(FakeModel):
        async def _play(self, script: Script, nonce: str) -> AsyncIterator[str | StreamEnded]:
            nonlocal running, most
            running += 1
            most = max(most, running)
            try:
                async for piece in super()._play(script, nonce):
                    await asyncio.sleep(0)
                    yield piece
            finally:
                running -= 1

    many = [PlannedFile(path=f"app/many_{n}.py", imports=["app/routes.py"]) for n in range(40)]
    plan = todo_plan(files=[*todo_plan().files, *many])
    model = Counting([planned(plan)], answer=lambda verb, a: files({f.path: FILES.get(f.path, "X = 1\n") for f in a[0].files}))
    assert isinstance(await Pipeline(tiny).generate(model, BRIEF, watch), Done)
    assert 3 == most


async def test_cancelling_ends_every_call_at_once(watch: Watch) -> None:
    begun = 0
    all_three = asyncio.Event()

    class Hanging(FakeModel):
        async def _play(self, script: Script, nonce: str) -> AsyncIterator[str | StreamEnded]:
            nonlocal begun
            try:
                if len(asked(self)) == 1:
                    async for piece in super()._play(script, nonce):
                        yield piece
                    return
                begun += 1
                if begun == 3:
                    all_three.set()
                yield "x"
                await asyncio.Event().wait()
            finally:
                self.closed += 1

    model = Hanging([planned(PLAN)], answer=writer)
    task = asyncio.create_task(Pipeline(tiny).generate(model, BRIEF, watch))
    await all_three.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert 2 + 3 == model.closed  # the first call's is counted by both generators


@pytest.mark.parametrize("outcome", [REFUSED, WRONG_KEY], ids=["refused", "wrong key"])
async def test_one_call_that_is_no_use_ends_the_others(outcome: Any, watch: Watch) -> None:
    ended_early: list[str] = []

    class Hanging(FakeModel):
        async def _play(self, script: Script, nonce: str) -> AsyncIterator[str | StreamEnded]:
            try:
                async for piece in super()._play(script, nonce):
                    if piece == "hang":
                        await asyncio.Event().wait()
                    yield piece
            except (asyncio.CancelledError, GeneratorExit):
                ended_early.append(nonce)
                raise

    def answer(verb: str, arguments: tuple[Any, ...]) -> Script:
        paths = [file.path for file in arguments[0].files]
        if LEAVES[0] in paths:
            return lambda nonce: ["hang"]
        return saying("no", outcome) if LEAVES[4] in paths else writer(verb, arguments)

    ended = await Pipeline(tiny).generate(Hanging([planned(PLAN)], answer=answer), BRIEF, watch)
    assert isinstance(ended, Ended)
    assert outcome.reason == ended.reason
    assert ended_early


async def test_a_call_does_not_write_another_calls_files(watch: Watch) -> None:
    def answer(verb: str, arguments: tuple[Any, ...]) -> Script:
        own = {file.path: TEXTS[file.path] for file in arguments[0].files}
        return files({**own, LEAVES[0]: "STOLEN = 1\n"} if LEAVES[0] not in own else own)

    done = await Pipeline(tiny).generate(FakeModel([planned(PLAN)], answer=answer), BRIEF, watch)
    assert isinstance(done, Done)
    assert TEXTS[LEAVES[0]] == done.tree[LEAVES[0]]


async def test_only_the_call_with_a_missing_file_is_asked_again(watch: Watch) -> None:
    left_out = {LEAVES[5]}

    def answer(verb: str, arguments: tuple[Any, ...]) -> Script:
        wanted = {file.path: TEXTS[file.path] for file in arguments[0].files}
        first = {path: text for path, text in wanted.items() if path not in left_out}
        left_out.difference_update(wanted)
        return files(first or wanted)

    model = FakeModel([planned(PLAN)], answer=answer)
    assert isinstance(await Pipeline(tiny).generate(model, BRIEF, watch), Done)
    assert 1 == asked(model).count([LEAVES[5]])
    assert 6 == len(asked(model))
