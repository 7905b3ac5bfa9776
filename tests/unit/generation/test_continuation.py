"""However a file was cut and however much of it a model repeats, nothing is lost and nothing is there twice."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.generation.continuation import MAX_ANCHOR, MIN_OVERLAP, anchor, before_the_mark, join, overlap, read_rest
from core.generation.sentinels import closing, opening

NONCE = "0123456789abcdef"
repetitive = st.text(alphabet="ab}\n ", max_size=200)
files = st.one_of(
    repetitive, st.text(max_size=200), st.lists(st.sampled_from(["}\n", "  return x\n", "\n"]), max_size=60).map("".join)
)


@settings(deadline=None)
@given(files, st.data())
def test_a_rest_that_begins_with_the_anchor_is_joined_exactly_whatever_the_text(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    beginning = text[:cut]
    assert text == join(beginning, anchor(beginning) + text[cut:])


@settings(deadline=None)
@given(st.lists(st.text(max_size=30), max_size=20), st.data())
def test_any_repeated_tail_of_a_text_without_accidents_is_there_once(lines: list[str], data: st.DataObject) -> None:
    text = "".join(f"{number:04}:{line}\n" for number, line in enumerate(lines))
    cut = data.draw(st.integers(0, len(text)))
    repeated = data.draw(st.integers(0, cut))
    beginning, rest = text[:cut], text[cut - repeated :]
    assume(repeated == 0 or repeated >= MIN_OVERLAP or repeated == cut)
    assume(repeated > 0 or overlap(beginning, rest) == 0)  # that the next text happens to be the last again
    assert text == join(beginning, rest)


@settings(deadline=None)
@given(files, files)
def test_a_join_begins_with_the_beginning_and_ends_with_the_rest(beginning: str, rest: str) -> None:
    joined = join(beginning, rest)
    assert joined.startswith(beginning)
    assert joined.endswith(rest[len(beginning) + len(rest) - len(joined) :])
    assert len(joined) >= max(len(beginning), len(rest)) - MAX_ANCHOR


@pytest.mark.parametrize(
    ("beginning", "rest", "expected"),
    [
        ("if (a) {\n  b();\n}", "}\n", "if (a) {\n  b();\n}}\n"),  # one bracket is no repetition
        ("const x = retu", "return 1;", "const x = return 1;"),  # the word that was cut, from its first letter
        ("the value is foo", "oo and more", "the value is foooo and more"),
        ("x", "x = 1", "x = 1"),
        ("", "all", "all"),
    ],
)
def test_short_repetitions_are_judged_by_words(beginning: str, rest: str, expected: str) -> None:
    assert expected == join(beginning, rest)


@settings(deadline=None)
@given(files)
def test_an_anchor_is_the_end_and_mostly_found_once(beginning: str) -> None:
    end = anchor(beginning)
    assert beginning.endswith(end)
    assert len(end) <= MAX_ANCHOR
    assert bool(end) == bool(beginning)


def test_a_long_and_repetitive_text_is_joined_before_the_suite_gives_up() -> None:
    text = "ab" * 50_000
    assert text == join(text, anchor(text))
    assert len(text) == overlap(text, text + "c")


# -- what a model says ------------------------------------------------------------------------------------------------------------------

BEGINNING = "def first():\n    return 1\n\n\ndef second():\n    return first() + a_long_name_that_is_cu"
REST = anchor(BEGINNING) + "t(2)\n"
WHOLE = BEGINNING + "t(2)\n"
MARK = f"\n{closing(NONCE)}\n"


@pytest.mark.parametrize(
    "said",
    [
        REST + closing(NONCE),
        "t(2)" + MARK,
        REST + MARK + "That is all.",
        f"```python\n{REST}```{MARK}",
        f"Sure, here is the rest:\n{REST}{closing(NONCE)}",
        f"{opening(NONCE)}a.py>>>\n{REST}{closing(NONCE)}",
        f"{opening(NONCE)}a.py>>>\n{WHOLE}{closing(NONCE)}",
        WHOLE + closing(NONCE),
    ],
    ids=["asked", "at once", "talk after", "fenced", "talk before", "opened again", "from the start, opened", "from the start"],
)
def test_every_usual_way_to_go_on_gives_the_whole_file(said: str) -> None:
    rest = read_rest(said, "a.py", BEGINNING, NONCE)
    text = rest.text if rest.whole else join(BEGINNING, rest.text)
    assert WHOLE.rstrip("\n") == text.rstrip("\n")
    assert rest.closed


def test_a_rest_that_is_cut_again_is_not_closed_and_loses_nothing() -> None:
    rest = read_rest(REST + closing(NONCE)[:5], "a.py", BEGINNING, NONCE)
    assert not rest.closed
    assert WHOLE == join(BEGINNING, rest.text)


@settings(deadline=None)
@given(st.integers(0, len(closing(NONCE)) - 1))
def test_a_cut_inside_the_closing_mark_costs_nothing(size: int) -> None:
    text, whole = before_the_mark(BEGINNING + "\n" + closing(NONCE)[:size], NONCE)
    assert BEGINNING == text.removesuffix("\n")
    assert whole == (size > len("<<<end:"))


def test_html_escapes_and_fences_inside_stay_as_they_are() -> None:
    rest = read_rest("&lt;b&gt;\n```\nx\n```\ny" + MARK, "README.md", "# A", NONCE)
    assert "&lt;b&gt;\n```\nx\n```\ny" == rest.text
