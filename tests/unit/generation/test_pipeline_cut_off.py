"""A file that was cut off is continued where it stopped, at most three times, then written anew once, then there is a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from core.generation.continuation import anchor
from core.generation.fake_model import DONE, FakeModel, files, planned
from core.generation.model import Brief, Failure
from core.generation.pipeline import Done, Ended, Pipeline
from core.generation.progress import Continuing, FileWritten, Retrying
from core.generation.sentinels import closing, opening
from tests.support.generation import CUT, OVERLOADED, REFUSED, Watch, cut_in, going_on
from tests.support.tiny_framework import FILES, MIGRATION, ROUTES, TinyFramework, tiny, todo_plan

BRIEF = Brief(description="a todo app")
LONG = "".join(f"def route_{n}(request):\n    return {n}\n\n\n" for n in range(60))
AT = 900  #: in the middle of a line
REST = LONG[AT:]
FIRST = {"migrations/0001_init.sql": MIGRATION}
PLAN = [planned(todo_plan())]


def cut(at: int = AT) -> Any:
    return cut_in("app/routes.py", LONG[:at], FIRST)


async def made(streams: list[Any], watch: Watch) -> tuple[Any, FakeModel]:
    model = FakeModel(PLAN, streams)
    return await Pipeline(tiny).generate(model, BRIEF, watch), model


@pytest.mark.parametrize("repeated", [0, 13, 300, len(anchor(LONG[:AT]))])
async def test_a_file_that_was_cut_off_is_continued_and_whole(repeated: int, watch: Watch) -> None:
    done, model = await made([cut(), going_on(LONG[AT - repeated :])], watch)
    assert isinstance(done, Done)
    assert LONG == done.tree["app/routes.py"]
    assert ["plan", "write", "resume"] == [verb for verb, _ in model.asked]
    _, path, partial = model.asked[-1][1]
    assert ("app/routes.py", LONG[:AT]) == (path, partial)
    assert [Continuing("app/routes.py", CUT.reason, 1)] == watch.of(Continuing)
    assert FileWritten("app/routes.py", len(LONG)) == watch.of(FileWritten)[-1]
    assert 3 == done.usage.calls


async def test_whole_files_before_the_cut_are_kept_and_shown_to_who_goes_on(watch: Watch) -> None:
    done, model = await made([cut(), going_on(REST)], watch)
    assert isinstance(done, Done)
    assert [MIGRATION] == list(model.asked[-1][1][0].written.values())
    assert MIGRATION == done.tree["migrations/0001_init.sql"]
    assert 1 == sum(event.path == "migrations/0001_init.sql" for event in watch.of(FileWritten))


async def test_a_rest_that_is_cut_itself_is_continued_from_there(watch: Watch) -> None:
    pieces = [LONG[AT - 50 : 1400], LONG[1350:1900], LONG[1850:]]
    done, _ = await made(
        [cut(), going_on(pieces[0], CUT, closed=False), going_on(pieces[1], OVERLOADED, closed=False), going_on(pieces[2])], watch
    )
    assert isinstance(done, Done)
    assert LONG == done.tree["app/routes.py"]
    assert [1, 2, 3] == [event.round for event in watch.of(Continuing)]


async def test_after_three_continuations_the_file_is_written_anew(watch: Watch) -> None:
    rests = [going_on(LONG[at - 40 : at + 200], CUT, closed=False) for at in (900, 1100, 1300)]
    done, model = await made([cut(), *rests, files({"app/routes.py": ROUTES})], watch)
    assert isinstance(done, Done)
    assert ROUTES == done.tree["app/routes.py"]
    assert ["plan", "write", "resume", "resume", "resume", "write"] == [verb for verb, _ in model.asked]
    assert ["app/routes.py"] == [file.path for file in model.asked[-1][1][0].files]
    assert 1 == len(watch.of(Retrying))


async def test_a_file_that_is_too_long_even_then_ends_with_a_sentence_that_names_it(watch: Watch) -> None:
    rests = [going_on(LONG[at - 40 : at + 200], CUT, closed=False) for at in (900, 1100, 1300)]
    ended, model = await made([cut(), *rests, cut_in("app/routes.py", LONG[:AT])], watch)
    assert isinstance(ended, Ended)
    assert "partial" == ended.kind
    assert "app/routes.py is longer than the model writes in one answer" in ended.reason
    assert "Ask for less at once" in ended.reason
    assert 1 + 1 + 3 + 1 == len(model.asked)


async def test_a_continuation_that_says_nothing_new_is_not_repeated(watch: Watch) -> None:
    done, model = await made([cut(), going_on("", CUT, closed=False), files({"app/routes.py": ROUTES})], watch)
    assert isinstance(done, Done)
    assert ["plan", "write", "resume", "write"] == [verb for verb, _ in model.asked]


async def test_a_continuation_that_is_declined_ends_with_that(watch: Watch) -> None:
    ended, _ = await made([cut(), going_on("", REFUSED, closed=False)], watch)
    assert isinstance(ended, Ended)
    assert ("refused", REFUSED.reason) == (ended.kind, ended.reason)


async def test_a_model_that_writes_the_file_from_its_start_again_is_understood(watch: Watch) -> None:
    done, _ = await made([cut(), files({"app/routes.py": LONG})], watch)
    assert isinstance(done, Done)
    assert LONG == done.tree["app/routes.py"]


async def test_a_short_beginning_is_written_anew_because_that_costs_less(watch: Watch) -> None:
    done, model = await made([cut_in("app/routes.py", "half", FIRST), files({"app/routes.py": ROUTES})], watch)
    assert isinstance(done, Done)
    assert ["plan", "write", "write"] == [verb for verb, _ in model.asked]


async def test_a_cut_inside_the_closing_mark_needs_no_further_call(watch: Watch) -> None:
    model = FakeModel(PLAN, [lambda nonce: [*cut_in("app/routes.py", LONG + "\n" + closing(nonce)[:12], FIRST)(nonce)]])
    done = await Pipeline(tiny).generate(model, BRIEF, watch)
    assert isinstance(done, Done)
    assert LONG == done.tree["app/routes.py"]
    assert ["plan", "write"] == [verb for verb, _ in model.asked]


async def test_an_outer_fence_around_a_file_in_two_parts_is_stripped(watch: Watch) -> None:
    fenced = f"```python\n{LONG[:AT]}"
    done, _ = await made([cut_in("app/routes.py", fenced, FIRST), going_on(REST + "```")], watch)
    assert isinstance(done, Done)
    assert LONG == done.tree["app/routes.py"]


async def test_of_a_model_that_never_closes_a_file_only_the_last_is_asked_for(watch: Watch) -> None:
    def unclosed(nonce: str) -> list[str]:
        return [f"{opening(nonce)}migrations/0001_init.sql>>>\n{MIGRATION}\n{opening(nonce)}app/routes.py>>>\n{LONG[:AT]}"]

    done, model = await made([unclosed, going_on(REST)], watch)
    assert isinstance(done, Done)
    assert (MIGRATION, LONG) == (done.tree["migrations/0001_init.sql"], done.tree["app/routes.py"])
    assert ["plan", "write", "resume"] == [verb for verb, _ in model.asked]


async def test_a_correction_that_is_cut_off_is_continued_too(watch: Watch) -> None:
    broken = files({**FIRST, "app/routes.py": "def (:\n"})
    done, model = await made([broken, cut_in("app/routes.py", LONG[:AT]), going_on(REST)], watch)
    assert isinstance(done, Done)
    assert LONG == done.tree["app/routes.py"]
    assert ["plan", "write", "repair", "resume"] == [verb for verb, _ in model.asked]


async def test_a_repair_that_is_cut_off_is_continued_too(watch: Watch) -> None:
    tree = TinyFramework().scaffold().with_files(FILES)
    failure = Failure(plan=todo_plan(), tree=tree, check="try", log_tail="no", suspects=["app/routes.py"])
    model = FakeModel([], [cut_in("app/routes.py", LONG[:AT]), going_on(REST)])
    done = await Pipeline(tiny).repair(model, failure, watch)
    assert isinstance(done, Done)
    assert LONG == done.tree["app/routes.py"]
    assert ["repair", "resume"] == [verb for verb, _ in model.asked]
    assert DONE.usage.calls * 2 == done.usage.calls
