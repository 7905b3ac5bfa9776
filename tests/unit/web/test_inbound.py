"""What words and presses mean."""

from __future__ import annotations

import pytest

from adapters.web import inbound
from core.errors import InvalidInput
from core.words.inbound import Action, Command, FormSubmit, Reply
from tests.support.fake_engine import ADA

KEY = "0123456789abcdef"


def test_words_on_the_start_page_ask_for_an_app() -> None:
    made = inbound.message(ADA, {"text": "  a todo app  ", "key": KEY})
    assert made == Command(who=ADA, key=f"web:prn_ada:{KEY}", text="build a todo app")


def test_the_framework_beside_the_box_goes_before_the_words() -> None:
    made = inbound.message(ADA, {"text": "a todo app", "framework": "express", "key": KEY})
    assert isinstance(made, Command)
    assert made.text == "build --framework express a todo app"


def test_words_in_a_thread_ask_for_a_change() -> None:
    made = inbound.message(ADA, {"text": "add tags", "thread": "thr_1", "key": KEY})
    assert isinstance(made, Reply)
    assert (made.text, made.thread) == ("add tags", "thr_1")


@pytest.mark.parametrize(
    ("text", "command"),
    [("/nexus list", "list"), ("/NEXUS   logs todo", "logs todo"), ("/nexus", ""), ("/list", "list"), ("/nexus\nhelp", "help")],
)
def test_a_slash_makes_a_command_anywhere(text: str, command: str) -> None:
    for thread in (None, "thr_1"):
        made = inbound.message(ADA, {"text": text, "thread": thread, "key": KEY})
        assert isinstance(made, Command)
        assert (made.text, made.thread) == (command, thread)


@pytest.mark.parametrize("text", ["/api/todos should be sorted", "/ is missing a title", "and/or"])
def test_a_path_in_a_thread_is_not_a_command(text: str) -> None:
    assert isinstance(inbound.message(ADA, {"text": text, "thread": "thr_1", "key": KEY}), Reply)


def test_presses_and_forms_carry_their_values() -> None:
    press = inbound.action(ADA, {"action": "approve", "value": "apr_1 bld_1", "thread": "thr_1", "key": KEY})
    assert isinstance(press, Action)
    assert (press.action, press.value, press.thread) == ("approve", "apr_1 bld_1", "thr_1")
    sent = inbound.form(ADA, {"form": "change", "value": "x", "values": {"text": "y"}, "key": KEY})
    assert isinstance(sent, FormSubmit)
    assert sent.values == {"text": "y"}


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        {},
        {"text": "x"},
        {"text": "x", "key": "short"},
        {"text": "x", "key": "bad key with spaces"},
        {"text": 1, "key": KEY},
        {"text": "   ", "key": KEY},
        {"text": "x" * 20_001, "key": KEY},
        {"text": "x", "key": KEY, "thread": "t" * 65},
        {"text": "x", "key": KEY, "framework": "a b"},
        {"text": "x", "key": KEY, "who": "root"},
    ],
)
def test_a_body_of_another_shape_is_refused_with_a_sentence(body: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        inbound.message(ADA, body)
    assert refused.value.message.endswith(".")


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(InvalidInput) as refused:
        inbound.form(ADA, {"form": "secret", "values": {"password": 12345678}, "key": KEY})
    assert "12345678" not in refused.value.message
