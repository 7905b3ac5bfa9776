"""JSON is found wherever a model put it, thinking is dropped wherever a stream is cut; nothing is repaired by guessing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.models.answers import Thinking, json_in

PLAN = '{"name": "Todos", "files": [{"path": "a.py"}]}'


@pytest.mark.parametrize(
    "answer",
    [
        PLAN,
        f"\n  {PLAN}\n",
        f"```json\n{PLAN}\n```",
        f"Sure! Here it is:\n\n```\n{PLAN}\n```\n\nShall I go on?",
        f'Here is {{the}} plan: {PLAN} and {{"a": 1}}. Bye!',
        f'<think>\nI could use {{}} or {{"name": "No"}}.\n</think>\n\n{PLAN}',
        f"I could use {{}}.\n</think>\n{PLAN}",
        f"<thinking>{PLAN.replace('Todos', 'No')}</thinking>\n```json\n{PLAN}\n```",
        f'```json\n{{"a": 1}}\n```\nor rather\n~~~\n{PLAN}\n~~~',
    ],
)
def test_json_is_found_in_fences_in_talk_and_after_thinking(answer: str) -> None:
    assert json.loads(json_in(answer)) == json.loads(PLAN)


@pytest.mark.parametrize(
    "answer", ["", "Sure!", '{"name": "To', '```json\n{"name": "To', "[1, 2]", "{" * 100_000, '{"a":' * 50_000]
)
def test_what_is_no_whole_object_stays_as_it_is(answer: str) -> None:
    assert json_in(answer) == answer.strip()


def test_json_that_holds_the_marks_of_thinking_is_left_alone() -> None:
    held = '{"summary": "says </think> and {x}"}'
    assert json_in(held) == held


def passed(pieces: list[str]) -> str:
    thinking = Thinking()
    return "".join([*(thinking.feed(piece) for piece in pieces), thinking.rest()])


@st.composite
def cut(draw: st.DrawFn, text: str) -> list[str]:
    places = sorted(draw(st.sets(st.integers(0, len(text)))))
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>\nhm </thi </think>\n\nthe answer <think>", "\n\nthe answer <think>"),
        ("\n <thinking>hm</think></thinking>x", "x"),
        ("<reasoning></reasoning>x", "x"),
        ("<thin air", "<thin air"),
        ("  plain </think> text", "  plain </think> text"),
        ("<think>never closed", ""),
        ("<thi", "<thi"),
        ("", ""),
    ],
)
def test_thinking_at_the_beginning_is_dropped_and_nothing_else(text: str, answer: str) -> None:
    assert passed([text]) == answer
    assert passed(list(text)) == answer


@given(st.data())
def test_thinking_is_dropped_alike_for_every_cut_of_the_stream(data: st.DataObject) -> None:
    text = data.draw(
        st.sampled_from(["<think>a</b></think>\ncode", "code <think>", "<think>", "<thinking>x</thinking>", "\n<think></think>"])
    )
    assert passed(data.draw(cut(text))) == passed([text])
