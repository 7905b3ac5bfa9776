"""An edit applies exactly, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.generation.edits import DoesNotApply, Edit, apply

TEXT = "one\ntwo\nthree\ntwo and a half\n"


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([Edit("three", "3")], "one\ntwo\n3\ntwo and a half\n"),
        ([Edit("one\ntwo\n", "1\n")], "1\nthree\ntwo and a half\n"),
        ([Edit("three", "")], "one\ntwo\ntwo and a half\n"),  # a line that is taken out leaves none behind
        ([Edit(" and a half", "")], "one\ntwo\nthree\ntwo\n"),
        ([Edit("one", "four"), Edit("four", "five")], "five\ntwo\nthree\ntwo and a half\n"),
    ],
)
def test_an_edit_replaces_what_occurs_once(edits: list[Edit], expected: str) -> None:
    assert expected == apply(TEXT, edits)


@pytest.mark.parametrize(
    ("edits", "why"),
    [
        ([Edit("two", "2")], "its text occurs 2 times"),
        ([Edit("Three", "3")], "its text does not occur"),
        ([Edit("one", "1"), Edit("one", "1")], "the text of edit 2 does not occur"),
    ],
)
def test_an_edit_that_is_not_exact_is_not_made_and_says_why(edits: list[Edit], why: str) -> None:
    refused = apply(TEXT, edits)
    assert isinstance(refused, DoesNotApply)
    assert why in refused.message


@settings(deadline=None)
@given(st.text(), st.text(min_size=1), st.text(), st.text())
def test_an_edit_leaves_everything_around_it(before: str, search: str, replacement: str, after: str) -> None:
    text = before + search + after
    made = apply(text, [Edit(search, replacement)])
    if text.count(search) == 1:
        assert made in {before + replacement + after, before + replacement + after.removeprefix("\n")}
    else:
        assert isinstance(made, DoesNotApply)
