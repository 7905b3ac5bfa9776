"""Every planned file is written once, after what it imports, a few at a time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.generation.waves import Sizes, waves
from core.words.plan import PlannedFile

SIZES = Sizes(files=8, least=4, parallel=3)


def plan(needs: dict[str, list[str]]) -> list[PlannedFile]:
    return [PlannedFile(path=path, imports=imports) for path, imports in needs.items()]


def paths(files: list[PlannedFile]) -> list[list[list[str]]]:
    return [[[file.path for file in call] for call in wave] for wave in waves(files, SIZES)]


names = st.integers(0, 19).map(lambda number: f"f{number}")


@settings(deadline=None)
@given(st.dictionaries(names, st.lists(names, max_size=4), max_size=20))
def test_every_file_is_in_exactly_one_call_of_no_more_than_so_many(needs: dict[str, list[str]]) -> None:
    planned = waves(plan(needs), SIZES)
    written = [file.path for wave in planned for call in wave for file in call]
    assert sorted(needs) == sorted(written)
    assert all(0 < len(call) <= SIZES.files for wave in planned for call in wave)


@settings(deadline=None)
@given(st.dictionaries(st.integers(0, 29), st.sets(st.integers(0, 29), max_size=3), max_size=30))
def test_what_a_file_imports_is_there_or_in_the_same_call(needs: dict[int, set[int]]) -> None:
    straight = {str(n): [str(other) for other in others if other < n and other in needs] for n, others in needs.items()}
    if not any(straight.values()):
        return
    there: set[str] = set()
    for wave in paths(plan(straight)):
        for call in wave:
            for path in call:
                assert set(straight[path]) <= there | set(call)
        there |= {path for call in wave for path in call}


@settings(deadline=None)
@given(st.lists(names, unique=True, max_size=SIZES.files))
def test_a_small_app_is_one_call(some: list[str]) -> None:
    assert [[some]] * bool(some) == paths(plan(dict.fromkeys(some, some)))


def test_files_that_name_no_import_go_one_call_after_the_other_in_the_plans_order() -> None:
    all_of_them = [f"f{n}" for n in range(20)]
    assert [[all_of_them[:8]], [all_of_them[8:16]], [all_of_them[16:]]] == paths(plan({name: [] for name in all_of_them}))


def test_files_that_do_not_need_each_other_are_written_at_the_same_time() -> None:
    leaves = [f"leaf{n}" for n in range(12)]
    planned = paths(plan({"db": [], **{leaf: ["db"] for leaf in leaves}, "main": leaves}))
    assert [["db"]] == planned[0]
    assert [leaves[:4], leaves[4:8], leaves[8:]] == planned[1]
    assert [["main"]] == planned[2]


@pytest.mark.parametrize("size", [2, 9, 30])
def test_files_that_need_each_other_in_a_circle_are_written_nevertheless(size: int) -> None:
    circle = {f"f{n}": [f"f{(n + 1) % size}", f"f{n}"] for n in range(size)}
    assert sorted(circle) == sorted(
        path for wave in paths(plan({**circle, "top": ["f0"]})) for call in wave for path in call if path != "top"
    )


def test_short_levels_share_a_call_because_each_call_costs_time() -> None:
    chain = {f"f{n}": [f"f{n - 1}"] if n else [] for n in range(12)}
    assert [[[f"f{n}" for n in range(8)]], [[f"f{n}" for n in range(8, 12)]]] == paths(plan(chain))
