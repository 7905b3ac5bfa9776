"""A build goes from a request to a question, or to a reason; whoever is stopped or killed, it ends."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from dataclasses import replace

import pytest

from core.builds import work
from core.errors import DiskFull, TemporaryError
from core.generation.fake_model import CALL, FakeModel, files, planned
from core.generation.model import Refused
from core.ids import BuildId
from core.ledger.tables import Build
from core.operations.engine import BuildRequest
from core.words.inbound import Who
from core.words.plan import FieldType, Plan, PlannedFile, Resource, ResourceField
from tests.support.engine_house import PICTURE, House, key, rejected
from tests.support.fate import Died, Fate

MIGRATION = "CREATE TABLE todos (id bigserial PRIMARY KEY, title text NOT NULL);\n"
PAGE = "app/extra.py"
PLAN = Plan(
    name="Todo List",
    framework="fastapi",
    summary="Keeps todos.",
    resources=[Resource(name="todos", singular="todo", fields=[ResourceField(name="title", type=FieldType.TEXT)])],
    files=[PlannedFile(path="migrations/0002_todos.sql"), PlannedFile(path=PAGE, purpose="more")],
)
WRITTEN = files({"migrations/0002_todos.sql": MIGRATION, PAGE: "X = 1\n"})


@pytest.fixture
def model(house: House) -> FakeModel:
    """The model that writes here: it plans once and then mends as often as it is asked."""
    house.model._plans[:] = [planned(PLAN)]
    house.model._streams[:] = [WRITTEN, *(files({PAGE: f"X = {n}\n"}) for n in range(2, 9))]
    return house.model


async def begun(house: House, who: Who, text: str = "a todo list") -> BuildId:
    return (await house.engine.build(who, BuildRequest(description=text), key=key())).build


async def advanced(house: House, build: str) -> Build:
    await house.here.builds.advance(build)
    return await house.build_row(build)


async def test_a_build_ends_with_files_evidence_a_name_and_one_question(house: House, model: FakeModel) -> None:
    you = await house.you()
    build = await begun(house, you)
    await advanced(house, build)
    view = await house.engine.build_view(you, build)
    assert "" == view.reason
    assert ("ready", "todo-list", "X = 1\n") == (view.state, view.slug, await house.engine.file(you, build, PAGE))
    assert view.approval is not None
    assert ("pending", view.artifact, "") == (view.approval.state, view.approval.digest, view.approval.refusal)
    assert view.artifact is not None
    assert await house.store.open(view.artifact) is not None
    kinds = [fact.kind for fact in await house.facts(view.app)]
    assert ["said", "build.requested"] == kinds[:2]
    assert ["build.ready", "approval.requested"] == kinds[-2:]
    (ready,) = await house.facts(view.app, "build.ready")
    assert ready.picture is not None
    assert PICTURE == await house.engine.picture(you, build, ready.picture.digest)
    assert (2 * CALL.input_tokens, 2 * CALL.output_tokens) == (ready.input_tokens, ready.output_tokens)


async def test_what_the_model_says_no_to_fails_with_its_reason_and_is_no_question(house: House, model: FakeModel) -> None:
    model._plans[:] = [Refused(reason="I will not write that.", usage=CALL)]
    build = await begun(house, await house.you())
    row = await advanced(house, build)
    assert ("failed", "write") == (row.state, row.stage)
    assert "I will not write that." in row.reason
    assert not await house.facts(row.app_id, "approval.requested")


async def test_what_does_not_pass_is_mended_by_the_model_and_shown_as_that(house: House, model: FakeModel) -> None:
    house.verifier.script = [rejected("It does not build.")]
    you = await house.you()
    build = await begun(house, you)
    row = await advanced(house, build)
    assert "ready" == row.state
    assert ["plan", "write", "repair"] == [verb for verb, _ in model.asked]
    assert "X = 2\n" == await house.engine.file(you, build, PAGE)
    assert 3 * CALL.input_tokens == row.usage["input_tokens"]
    notes = [fact.text for fact in await house.facts(row.app_id, "build.note")]
    assert any("mends it (round 1 of 3)" in note for note in notes)


async def test_after_three_rounds_of_mending_it_fails_with_the_last_reason_its_log_and_what_was_tried(
    house: House, model: FakeModel
) -> None:
    house.verifier.script = [rejected(f"Reason {n}.") for n in range(9)]
    row = await advanced(house, await begun(house, await house.you()))
    assert ("failed", "build", "line 1: no") == (row.state, row.stage, row.log_tail)
    tried = "Reason 3. In 3 rounds the model changed app/extra.py; app/extra.py; app/extra.py, and it still fails."
    assert row.reason.startswith(tried)
    assert 4 == len(house.verifier.seen)
    notes = [fact.text for fact in await house.facts(row.app_id, "build.note")]
    assert [f"Reason {n}. The model mends it (round {n + 1} of 3)." for n in range(3)] == [n for n in notes if "mends" in n]


async def test_the_same_failure_twice_ends_the_mending(house: House, model: FakeModel) -> None:
    house.verifier.script = [rejected(), rejected(), rejected()]
    row = await advanced(house, await begun(house, await house.you()))
    assert "failed" == row.state
    assert "the same failure came again" in row.reason
    assert 2 == len(house.verifier.seen)


async def test_a_failure_is_the_same_whatever_time_and_port_its_log_tells(house: House, model: FakeModel) -> None:
    house.verifier.script = [replace(rejected(), log_tail=f"Error: no answer from 127.0.0.1:{port}") for port in (4001, 5002)]
    row = await advanced(house, await begun(house, await house.you()))
    assert "failed" == row.state
    assert 2 == len(house.verifier.seen)


async def test_what_has_one_certain_answer_is_mended_without_the_model(house: House, model: FakeModel) -> None:
    model._streams[:] = [files({"migrations/0002_todos.sql": MIGRATION, PAGE: "X = 1\n"})]
    log = "ModuleNotFoundError: No module named 'qrcode'"
    house.verifier.script = [replace(rejected(), log_tail=log)]
    you = await house.you()
    build = await begun(house, you)
    row = await advanced(house, build)
    assert "ready" == row.state
    assert ["plan", "write"] == [verb for verb, _ in model.asked]
    assert "qrcode==" in await house.engine.file(you, build, "requirements.txt")
    assert any("qrcode is used and was not asked for" in fact.text for fact in await house.facts(row.app_id, "build.note"))


async def test_a_model_that_cannot_mend_ends_with_both_reasons(house: House, model: FakeModel) -> None:
    model._streams[:] = [WRITTEN, lambda nonce: ["It looks fine to me."]]
    house.verifier.script = [rejected()]
    row = await advanced(house, await begun(house, await house.you()))
    assert row.reason.startswith("It does not build. The model did not mend it. The model found nothing to change")


async def test_nothing_is_mended_where_the_app_is_not_at_fault(house: House, model: FakeModel) -> None:
    house.verifier.script = [rejected("The registry cannot be reached.", repairable=False)]
    row = await advanced(house, await begun(house, await house.you()))
    assert ("failed", "The registry cannot be reached.") == (row.state, row.reason)
    assert "repair" not in [verb for verb, _ in model.asked]


async def test_a_full_disk_ends_it_with_what_to_do(house: House, model: FakeModel) -> None:
    house.verifier.script = [DiskFull()]
    row = await advanced(house, await begun(house, await house.you()))
    assert "failed" == row.state
    assert "free some space" in row.reason


async def test_a_log_that_no_database_takes_does_not_keep_the_failure_from_being_told(house: House, model: FakeModel) -> None:
    house.verifier.script = [rejected("It said \0 and \ud800.", repairable=False)]
    row = await advanced(house, await begun(house, await house.you()))
    assert "failed" == row.state
    assert "\0" not in row.reason
    (failed,) = await house.facts(row.app_id, "build.failed")
    assert row.reason == failed.reason


async def test_one_that_waits_is_cancelled_at_once_and_never_begun(house: House, model: FakeModel) -> None:
    you = await house.you()
    build = await begun(house, you)
    await house.engine.cancel(you, build)
    row = await advanced(house, build)
    assert ("cancelled", 0) == (row.state, row.attempts)
    assert not model.asked
    assert 1 == len(await house.facts(row.app_id, "build.cancelled"))


async def test_one_that_runs_is_ended_where_it_stands_and_told_of_once(house: House, model: FakeModel) -> None:
    you = await house.you()
    build = await begun(house, you)
    house.verifier.script = [asyncio.Event()]
    working = asyncio.create_task(house.here.builds.advance(build))
    await house.verifier.begun.wait()
    await house.engine.cancel(you, build)
    async with asyncio.timeout(20):
        await working
    row = await house.build_row(build)
    assert ("cancelled", "You") == (row.state, row.cancelled_by)
    assert ["build.cancelled"] == [fact.kind for fact in await house.facts(row.app_id)][-1:]
    model._streams[:] = [WRITTEN]
    again = await house.engine.retry(you, build, key=key())
    assert "ready" == (await advanced(house, again.build)).state


async def test_one_that_was_called_off_unheard_asks_nobody_for_approval(house: House, model: FakeModel) -> None:
    gate = asyncio.Event()
    house.verifier.script = [gate]
    build = await begun(house, await house.you())
    working = asyncio.create_task(house.here.builds.advance(build))
    await house.verifier.begun.wait()
    async with house.ledger.transaction() as t:  # and no notification
        row = await t.session.get(Build, build)
        assert row is not None
        row.cancelled_by = "Ada"
    gate.set()
    await working
    row = await house.build_row(build)
    assert "cancelled" == row.state
    assert not await house.facts(row.app_id, "approval.requested")


async def test_a_build_of_an_app_that_was_deleted_meanwhile_asks_nobody_for_approval(house: House, model: FakeModel) -> None:
    gate = asyncio.Event()
    house.verifier.script = [gate]
    you = await house.you()
    build = await begun(house, you)
    working = asyncio.create_task(house.here.builds.advance(build))
    await house.verifier.begun.wait()
    slug = (await house.engine.build_view(you, build)).slug
    assert "" == await house.reconciled(house.engine.delete(you, slug))
    async with asyncio.timeout(20):
        await working
    row = await house.build_row(build)
    assert "cancelled" == row.state
    assert not await house.facts(row.app_id, "approval.requested")


async def test_stopping_nexus_however_often_gives_no_build_up(house: House, model: FakeModel) -> None:
    build = await begun(house, await house.you())
    for _ in range(5):
        house.verifier.begun.clear()
        house.verifier.script = [asyncio.Event()]
        working = asyncio.create_task(house.worker().builds.advance(build))
        await asyncio.wait_for(house.verifier.begun.wait(), 20)
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
    assert ("running", 0) == ((await house.build_row(build)).state, (await house.build_row(build)).attempts)
    house.verifier.script = []
    row = await advanced(house, build)
    assert ("ready", 1) == (row.state, row.attempts)
    assert ["plan", "write"] == [verb for verb, _ in model.asked]  # written once; every other try went on from there
    assert "Nexus was interrupted here and goes on." in [n.text for n in await house.facts(row.app_id, "build.note")]


async def test_a_worker_that_is_killed_anywhere_is_followed_by_one_that_ends_it_once(house: House, model: FakeModel) -> None:
    you = await house.you()
    for at in itertools.count(1):
        model._streams[:] = [WRITTEN]
        build = await begun(house, you, f"a todo list number {at}")
        fate = Fate(at)
        with contextlib.suppress(Died):
            await house.worker(fate).builds.advance(build)
        await house.here.builds.advance(build)
        row = await advanced(house, build)
        assert "ready" == row.state, fate.calls
        view = await house.engine.build_view(you, build)
        assert view.approval is not None
        for kind in ("build.ready", "approval.requested"):
            assert 1 == len(await house.facts(row.app_id, kind)), (kind, fate.calls)
        if not fate.dead:
            break
    assert at > 6


async def test_one_that_kills_every_worker_is_given_up_with_a_reason(house: House, model: FakeModel) -> None:
    build = await begun(house, await house.you())
    for _ in range(work.MAX_ATTEMPTS):
        fate = Fate(3)
        with pytest.raises(Died):
            await house.worker(fate).builds.advance(build)
    row = await advanced(house, build)
    assert "failed" == row.state
    assert "interrupted 3 times" in row.reason


async def test_a_passing_fault_is_tried_again_and_at_last_is_the_reason(house: House, model: FakeModel) -> None:
    build = await begun(house, await house.you())
    house.verifier.script = [TemporaryError("Postgres is away.") for _ in range(work.MAX_ATTEMPTS)]
    for _ in range(work.MAX_ATTEMPTS - 1):
        with pytest.raises(TemporaryError):
            await house.here.builds.advance(build)
        assert "running" == (await house.build_row(build)).state
    row = await advanced(house, build)
    assert ("failed", "Postgres is away.") == (row.state, row.reason)


async def test_a_defect_of_nexus_is_tried_again_and_at_last_told_without_its_insides(house: House, model: FakeModel) -> None:
    build = await begun(house, await house.you())
    house.verifier.script = [ZeroDivisionError("insides") for _ in range(work.MAX_ATTEMPTS)]
    for _ in range(work.MAX_ATTEMPTS - 1):
        with pytest.raises(ZeroDivisionError):
            await house.here.builds.advance(build)
    row = await advanced(house, build)
    assert "failed" == row.state
    assert "Nexus itself failed" in row.reason
    assert "insides" not in row.reason


async def test_one_that_waits_for_what_never_comes_is_ended(
    house: House, model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "MAX_SECONDS", 0.3)
    house.verifier.script = [asyncio.Event()]
    row = await advanced(house, await begun(house, await house.you()))
    assert "failed" == row.state
    assert "took longer" in row.reason


async def test_two_workers_at_once_do_it_once(house: House, model: FakeModel) -> None:
    build = await begun(house, await house.you())
    await asyncio.gather(*(house.worker().builds.advance(build) for _ in range(4)))
    row = await house.build_row(build)
    assert ("ready", 1) == (row.state, row.attempts)
    assert 1 == len(house.verifier.seen)


async def test_a_change_builds_on_the_newest_files_that_nobody_discarded(house: House, model: FakeModel) -> None:
    you = await house.you()
    first = await begun(house, you)
    await advanced(house, first)
    model._plans[:] = [planned(PLAN.model_copy(update={"files": [PlannedFile(path=PAGE)]}))]
    model._streams[:] = [files({PAGE: f"X = {n}\n"}) for n in (10, 20)]
    unwanted = await house.engine.change(you, "todo-list", "make it red", key=key())
    await advanced(house, unwanted.build)
    view = await house.engine.build_view(you, unwanted.build)
    assert view.approval is not None
    await house.engine.discard(you, view.approval.approval)
    change = await house.engine.change(you, "todo-list", "make it blue", key=key())
    assert "ready" == (await advanced(house, change.build)).state
    verb, (brief, *_) = model.asked[-1]
    assert ("write", "X = 1\n") == (verb, brief.tree[PAGE])
