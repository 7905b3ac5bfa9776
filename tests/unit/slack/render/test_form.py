"""Forms as modals: what Slack takes, what comes back, and what is wrong beside the input it is wrong with."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.slack.render.form import KEPT, errors, modal, read
from core.conversation import forms
from core.conversation.commands import Build
from core.errors import InvalidInput
from core.words.cards import Form, Input
from core.words.views import WorkspaceSettings
from tests.support.any_cards import texts
from tests.support.slack.validation import check_view


def form(*inputs: Input, **more: Any) -> Form:
    return Form(**{"form": "test", "title": "A form", "inputs": list(inputs), **more})


def element(view: dict[str, Any], block_id: str) -> dict[str, Any]:
    return next(dict(block["element"]) for block in view["blocks"] if block.get("block_id") == block_id)


def sent(view: dict[str, Any], **filled: Any) -> dict[str, Any]:
    """The view as Slack sends it: what it began with, and what was filled in instead, by block."""
    values = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            began = block["element"]
            state = {"type": began["type"], "value": began.get("initial_value"), "selected_option": began.get("initial_option")}
            state["selected_users"] = began.get("initial_users", [])
            state["selected_options"] = began.get("initial_options", [])
            state["selected_conversation"] = began.get("initial_conversation")
            values[block["block_id"]] = {"value": state | filled.get(block["block_id"], {})}
    return {**view, "state": {"values": values}}


def option(view: dict[str, Any], block_id: str, text: str) -> dict[str, Any]:
    return {"selected_option": next(o for o in element(view, block_id)["options"] if o["text"]["text"] == text)}


def test_what_was_filled_in_comes_back_by_name_with_the_value_of_the_form() -> None:
    view = modal(forms.build_form(Build(description="a shop", provider="openai")), metadata={"channel": "C1", "thread": "1.2"})
    filled = {"input:description": {"value": "a todo app"}, "input:framework": option(view, "input:framework", "vue")}
    name, value, values = read(sent(view, **filled))
    assert (name, value) == ("build", "openai")
    asked = {"description": "a todo app", "framework": "vue", "features": "", "styling": "", "name": "", "provider": "openai"}
    assert values == asked
    assert json.loads(view["private_metadata"]) == {"channel": "C1", "thread": "1.2", "value": "openai"}


def test_an_option_without_a_value_is_one_for_slack_too() -> None:
    view = modal(forms.build_form(Build()))
    assert read(sent(view))[2]["framework"] == ""
    assert element(view, "input:framework")["initial_option"]["value"]


def test_yes_and_no_come_back_as_true_and_false() -> None:
    view = modal(
        form(Input(name="own", label="Own?", kind="checkbox", value="true"), Input(name="two", label="Two?", kind="checkbox"))
    )
    assert read(sent(view))[2] == {"own": "true", "two": "false"}
    assert read(sent(view, **{"input:own": option(view, "input:own", "No")}))[2]["own"] == "false"


def test_a_secret_is_asked_for_with_a_word_about_its_keeping() -> None:
    view = modal(forms.env_form("todo", [], {"SMTP_URL": "where mail goes"}))
    block = next(block for block in view["blocks"] if block.get("block_id") == "input:set:SMTP_URL")
    assert block["hint"]["text"] == f"where mail goes. {KEPT}"
    assert read(sent(view, **{"input:set:SMTP_URL": {"value": "smtp://x"}}))[2]["set:SMTP_URL"] == "smtp://x"


def test_people_and_groups_are_chosen_by_name_and_come_back_together() -> None:
    people = Input(name="who", label="Who", kind="people", value="U012ABC, S012ABC, web:ann")
    view = modal(form(people), groups=[("S012ABC", "leads"), ("S999", "others")])
    assert element(view, "people:who")["initial_users"] == ["U012ABC"]
    assert [o["text"]["text"] for o in element(view, "groups:who")["initial_options"]] == ["leads", "web:ann"]
    assert read(sent(view))[2] == {"who": "U012ABC,S012ABC,web:ann"}
    check_view(view)


def test_people_without_groups_are_one_input() -> None:
    view = modal(form(Input(name="who", label="Who", kind="people")))
    assert [block["block_id"] for block in view["blocks"]] == ["people:who"]
    assert read(sent(view, **{"people:who": {"selected_users": ["U1AB", "U2AB"]}}))[2] == {"who": "U1AB,U2AB"}


def test_a_channel_is_chosen_and_begins_with_the_one_in_which_it_was_asked_for() -> None:
    view = modal(form(Input(name="channel", label="Channel", kind="channel", value="C012ABC", required=True)))
    assert read(sent(view))[2] == {"channel": "C012ABC"}
    nowhere = modal(form(Input(name="channel", label="Channel", kind="channel")))
    assert element(nowhere, "input:channel")["default_to_current_conversation"] is True
    check_view(view)
    check_view(nowhere)


def test_more_options_than_a_list_takes_come_by_the_hundred() -> None:
    options = [(str(n), f"v{n}") for n in range(230)]
    view = modal(form(Input(name="release", label="Release", kind="select", options=options, value="210")))
    groups = element(view, "input:release")["option_groups"]
    assert [len(group["options"]) for group in groups] == [100, 100, 30]
    assert read(sent(view))[2] == {"release": "210"}
    check_view(view)


def test_of_a_text_that_is_longer_than_slack_takes_the_beginning_is_there_and_it_says_so() -> None:
    view = modal(form(Input(name="text", label="Text", kind="multiline", value="words " * 1000, max_length=9000)))
    check_view(view)
    assert "Slack takes no more than 3,000" in view["blocks"][0]["hint"]["text"]


def test_what_is_wrong_is_shown_beside_its_input_and_what_is_wrong_with_all_beside_the_first() -> None:
    view = modal(forms.workspace_form(WorkspaceSettings()))
    assert errors(view, {"approval_hours": "Too long.", "named_approvers": "Nobody."}) == {
        "response_action": "errors",
        "errors": {"input:approval_hours": "Too long.", "people:named_approvers": "Nobody."},
    }
    assert errors(view, {"": "Not now."})["errors"] == {"input:approvers": "Not now."}


@pytest.mark.parametrize(
    "view",
    [
        {},
        {"callback_id": "other", "private_metadata": "{}", "state": {"values": {}}},
        {"callback_id": "form:x", "private_metadata": "not json", "state": {"values": {}}},
        {"callback_id": "form:x", "private_metadata": "[]", "state": {"values": {}}},
        {"callback_id": "form:x", "private_metadata": "{}"},
    ],
)
def test_a_view_that_is_not_ours_is_refused(view: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        read(view)


def test_metadata_that_do_not_fit_are_a_defect_of_the_caller() -> None:
    with pytest.raises(ValueError, match="too long"):
        modal(form(), metadata={"channel": "x" * 3000})


_named = {"name": st.integers(0, 10**9).map("n{}".format), "label": texts, "required": st.booleans(), "hint": texts}
_typed = st.builds(
    Input,
    kind=st.sampled_from(["text", "multiline", "select", "checkbox", "secret"]),
    options=st.lists(st.tuples(st.text("abc", max_size=5), texts), max_size=5, unique_by=lambda option: option[0]),
    value=texts,
    max_length=st.integers(1, 10_000),
    **_named,
)
_chosen = st.builds(
    Input, kind=st.sampled_from(["people", "channel"]), value=st.from_regex(r"([UCSW][A-Z0-9]{3,9})?", fullmatch=True), **_named
)
_inputs = st.lists(_typed | _chosen, max_size=5, unique_by=lambda made: made.name)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    made=st.builds(
        Form,
        form=st.just("x"),
        value=st.text(max_size=69),
        title=st.text(max_size=24),
        text=texts,
        inputs=_inputs,
    )
)
def test_slack_takes_any_form_and_every_input_of_it_comes_back(made: Form) -> None:
    view = modal(made, metadata={"channel": "C1"})
    check_view(view)
    name, value, values = read(sent(view))
    assert (name, value) == ("x", made.value)
    assert set(values) == {item.name for item in made.inputs}
