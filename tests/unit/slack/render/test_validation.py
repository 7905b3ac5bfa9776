"""What Slack refuses is refused: every limit is caught, one over it, and nothing at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.slack.validation import BLOCKS_WEIGHT, Invalid, check_blocks, check_chunks, check_text, check_view

Made = dict[str, Any]


def plain(text: str = "x") -> Made:
    return {"type": "plain_text", "text": text}


def section(**more: Any) -> Made:
    return {"type": "section", "text": plain(), **more}


def button(**more: Any) -> Made:
    return {"type": "button", "text": plain(), "action_id": "a", **more}


def actions(*elements: Made, **more: Any) -> Made:
    return {"type": "actions", "elements": list(elements), **more}


def buttons(count: int) -> Made:
    return actions(*(button(action_id=f"a{n}") for n in range(count)))


def confirming(**more: Any) -> Made:
    return actions(button(confirm={"title": plain(), "text": plain(), "confirm": plain(), "deny": plain(), **more}))


def option(value: str = "v", text: str = "x", **more: Any) -> Made:
    return {"text": plain(text), "value": value, **more}


def select(count: int = 1, **more: Any) -> Made:
    return actions({"type": "static_select", "action_id": "a", "options": [option(f"v{n}") for n in range(count)], **more})


def one_option(**more: Any) -> Made:
    return actions({"type": "static_select", "action_id": "a", "options": [option(**more)]})


def groups(count: int, label: str = "x", inside: int = 1) -> Made:
    made = [{"label": plain(label), "options": [option(f"v{g}.{n}") for n in range(inside)]} for g in range(count)]
    return actions({"type": "static_select", "action_id": "a", "option_groups": made})


def menu(kind: str, count: int) -> Made:
    return actions({"type": kind, "action_id": "a", "options": [option(f"v{n}") for n in range(count)]})


def table(rows: int = 1, columns: int = 1, text: str = "x") -> Made:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": text} for _ in range(columns)] for _ in range(rows)]}


def rich(*elements: Made) -> Made:
    return {"type": "rich_text", "elements": list(elements)}


def linked(url: str, text: str = "x") -> Made:
    return rich({"type": "rich_text_section", "elements": [{"type": "link", "url": url, "text": text}]})


def image(**more: Any) -> Made:
    return {"type": "image", "slack_file": {"id": "F1"}, "alt_text": "x", **more}


def asked(element: Made | None = None, **more: Any) -> Made:
    return {"type": "input", "label": plain(), "element": element or {"type": "plain_text_input", "action_id": "a"}, **more}


def typed(**more: Any) -> Made:
    return asked({"type": "plain_text_input", "action_id": "a", **more})


#: What makes a block of a size, and the largest size that Slack takes.
LIMITS: dict[str, tuple[Callable[[int], Made], int]] = {
    "header": (lambda n: {"type": "header", "text": plain("x" * n)}, 150),
    "section text": (lambda n: section(text=plain("x" * n)), 3000),
    "section fields": (lambda n: section(fields=[plain()] * n), 10),
    "section field": (lambda n: section(fields=[plain("x" * n)]), 2000),
    "context elements": (lambda n: {"type": "context", "elements": [plain()] * n}, 10),
    "context text": (lambda n: {"type": "context", "elements": [plain("x" * n)]}, 3000),
    "actions elements": (buttons, 25),
    "block_id": (lambda n: section(block_id="x" * n), 255),
    "action_id": (lambda n: actions(button(action_id="x" * n)), 255),
    "button text": (lambda n: actions(button(text=plain("x" * n))), 75),
    "button value": (lambda n: actions(button(value="x" * n)), 2000),
    "button url": (lambda n: actions(button(url="http://x.example/".ljust(n, "x"))), 3000),
    "button label": (lambda n: actions(button(accessibility_label="x" * n)), 75),
    "an accessory's text": (lambda n: section(accessory=button(text=plain("x" * n))), 75),
    "confirm title": (lambda n: confirming(title=plain("x" * n)), 100),
    "confirm text": (lambda n: confirming(text=plain("x" * n)), 300),
    "confirm yes": (lambda n: confirming(confirm=plain("x" * n)), 30),
    "confirm no": (lambda n: confirming(deny=plain("x" * n)), 30),
    "select options": (select, 100),
    "option text": (lambda n: one_option(text="x" * n), 75),
    "option value": (lambda n: one_option(value="x" * n), 150),
    "option description": (lambda n: one_option(description=plain("x" * n)), 75),
    "option groups": (groups, 100),
    "options of a group": (lambda n: groups(1, inside=n), 100),
    "group label": (lambda n: groups(1, "x" * n), 75),
    "placeholder": (lambda n: select(placeholder=plain("x" * n)), 150),
    "overflow options": (lambda n: menu("overflow", n), 5),
    "radio buttons": (lambda n: menu("radio_buttons", n), 10),
    "checkboxes": (lambda n: menu("checkboxes", n), 10),
    "table rows": (table, 100),
    "table columns": (lambda n: table(columns=n), 20),
    "table characters": (lambda n: table(text="x" * n), 10_000),
    "image alt": (lambda n: image(alt_text="x" * n), 2000),
    "image title": (lambda n: image(title=plain("x" * n)), 2000),
    "alert": (lambda n: {"type": "alert", "text": plain("x" * n)}, 200),
    "markdown": (lambda n: {"type": "markdown", "text": "x" * n}, 12_000),
    "link": (lambda n: linked("http://x.example/".ljust(n, "x")), 3000),
    "list indent": (lambda n: rich({"type": "rich_text_list", "style": "bullet", "indent": n, "elements": []}), 8),
    "plan title": (lambda n: {"type": "plan", "title": "x" * n}, 256),
    "task title": (lambda n: {"type": "task_card", "task_id": "1", "title": "x" * n, "status": "pending"}, 256),
    "input label": (lambda n: asked(label=plain("x" * n)), 2000),
    "input hint": (lambda n: asked(hint=plain("x" * n)), 2000),
    "input max_length": (lambda n: typed(max_length=n), 3000),
    "input min_length": (lambda n: typed(min_length=n), 3000),
    "input initial value": (lambda n: typed(initial_value="x" * n), 3000),
    "initial value over max_length": (lambda n: typed(initial_value="x" * n, max_length=10), 10),
    "input placeholder": (lambda n: typed(placeholder=plain("x" * n)), 150),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_caught_one_over_it_and_not_at_it(name: str) -> None:
    make, most = LIMITS[name]
    check_blocks([make(most)])
    with pytest.raises(Invalid):
        check_blocks([make(most + 1)])


def modal(**more: Any) -> Made:
    return {"type": "modal", "title": plain(), "submit": plain(), "blocks": [typed()], **more}


VIEW_LIMITS: dict[str, tuple[Callable[[int], Made], int]] = {
    "title": (lambda n: modal(title=plain("x" * n)), 24),
    "submit": (lambda n: modal(submit=plain("x" * n)), 24),
    "close": (lambda n: modal(close=plain("x" * n)), 24),
    "private_metadata": (lambda n: modal(private_metadata="x" * n), 3000),
    "callback_id": (lambda n: modal(callback_id="x" * n), 255),
    "blocks of a modal": (lambda n: modal(blocks=[section()] * n), 100),
    "blocks of a Home tab": (lambda n: {"type": "home", "blocks": [section()] * n}, 100),
    "a nested limit": (lambda n: {"type": "home", "blocks": [one_option(text="x" * n)]}, 75),
}


@pytest.mark.parametrize("name", VIEW_LIMITS)
def test_a_limit_of_a_view_is_caught_one_over_it_and_not_at_it(name: str) -> None:
    make, most = VIEW_LIMITS[name]
    check_view(make(most))
    with pytest.raises(Invalid):
        check_view(make(most + 1))


WRONG: dict[str, list[Made]] = {
    "no blocks": [],
    "51 blocks": [section()] * 51,
    "an unknown type": [{"type": "bogus"}],
    "no type": [{"text": "x"}],
    "an unknown key": [section(colour="red")],
    "a missing key": [{"type": "header"}],
    "a section with nothing": [{"type": "section"}],
    "a bad style": [actions(button(style="green"))],
    "an empty text": [section(text=plain(""))],
    "an empty rich text": [rich({"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]})],
    "an empty cell": [table(text="")],
    "ragged rows": [{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}], []]}],
    "two tables": [table(), table()],
    "one block_id twice": [section(block_id="b"), section(block_id="b")],
    "one action_id twice in a block": [actions(button(), button())],
    "one action_id twice in a message": [actions(button()), actions(button())],
    "two options with one value": [actions({"type": "static_select", "action_id": "a", "options": [option(), option()]})],
    "options and groups": [select(option_groups=[{"label": plain(), "options": [option("w")]}])],
    "no options": [select(0)],
    "an initial option that is none": [select(initial_option=option("other"))],
    "a confirmation without a no": [actions(button(confirm={"title": plain(), "text": plain(), "confirm": plain()}))],
    "a link button without a URL": [actions(button(url="javascript:alert(1)"))],
    "markdown in a plain header": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
    "half an emoji": [section(text=plain("\ud83d"))],
    "a table in a section": [section(accessory=table())],
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_message_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_blocks(WRONG[name])
    assert refused.value.error == "invalid_blocks"
    assert refused.value.problems


WRONG_VIEWS: dict[str, Made] = {
    "no view": {"type": "message", "blocks": []},
    "a modal without a title": {"type": "modal", "blocks": []},
    "an input without a submit": {"type": "modal", "title": plain(), "blocks": [typed()]},
    "a table in a modal": modal(blocks=[table()]),
    "an unknown key": modal(colour="red"),
    "two with the focus": modal(blocks=[typed(focus_on_load=True), typed(focus_on_load=True, initial_value="x")]),
    "an input that cannot be read": modal(blocks=[asked({"type": "plain_text_input"})]),
}


@pytest.mark.parametrize("name", WRONG_VIEWS)
def test_what_is_no_view_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_view(WRONG_VIEWS[name])
    assert refused.value.error == "invalid_arguments"


def test_a_message_with_too_much_text_in_all_its_blocks_is_refused_though_each_is_short() -> None:
    with pytest.raises(Invalid) as refused:
        check_blocks([section(text=plain("x" * 3000))] * 5)
    assert refused.value.error == "msg_blocks_too_long"
    check_blocks([section(text=plain("x" * (BLOCKS_WEIGHT // 4)))] * 4)


def test_a_message_text_has_a_limit() -> None:
    check_text("x" * 40_000)
    with pytest.raises(Invalid, match="msg_too_long"):
        check_text("x" * 40_001)


def test_an_emoji_counts_as_two() -> None:
    with pytest.raises(Invalid):
        check_blocks([{"type": "header", "text": plain("🎉" * 76)}])


TASK = {"type": "task_update", "id": "1", "title": "Plan", "status": "pending"}


@pytest.mark.parametrize(
    "chunk",
    [
        {"type": "bogus"},
        {"type": "plan_update"},
        {"type": "plan_update", "title": "x" * 257},
        {**TASK, "status": "done"},
        {**TASK, "title": "x" * 257},
        {**TASK, "details": "x" * 257},
        {**TASK, "text": "x"},
        {"type": "markdown_text", "text": "x" * 12_001},
        {"type": "blocks", "blocks": [{"type": "bogus"}]},
    ],
)
def test_what_is_no_chunk_of_a_stream_is_refused(chunk: Made) -> None:
    check_chunks([TASK, {"type": "plan_update", "title": "Todo"}, {"type": "markdown_text", "text": "x"}])
    with pytest.raises(Invalid):
        check_chunks([chunk])
