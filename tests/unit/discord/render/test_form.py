"""Forms in Discord: what can be filled in comes back as it was filled in, and what was there is not lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from discord import ui
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.discord.render.form import EMPTY, KEPT, modal, read
from core.conversation import forms
from core.conversation.commands import Build
from core.errors import InvalidInput
from core.words.cards import Form, Input
from core.words.views import WorkspaceSettings
from tests.support.any_cards import texts
from tests.unit.discord.render.limits import refused_form

ANN, LEADS, CHANNEL = "123456789012345678", "223456789012345678", "323456789012345678"


def form(*inputs: Input, **more: Any) -> Form:
    return Form(**{"form": "x", "title": "A form", "inputs": list(inputs), **more})


def labels(made: ui.Modal) -> dict[str, dict[str, Any]]:
    """The labels of a modal by the ids of what they label."""
    return {one["component"]["custom_id"]: one for one in made.to_dict()["components"] if one["type"] == 18}  # type: ignore[misc]


def sent(made: ui.Modal, filled: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What Discord tells when a modal is sent, as it was shown or ``filled`` in."""
    components: list[dict[str, Any]] = []
    for number, one in enumerate(made.to_dict()["components"], 1):
        if one["type"] != 18:
            components.append({"type": one["type"], "id": number})
            continue
        component: dict[str, Any] = dict(one["component"])  # type: ignore[typeddict-item]
        told = {"type": component["type"], "id": number, "custom_id": component["custom_id"]}
        told |= _value(component, (filled or {}).get(component["custom_id"]))
        components.append({"type": 18, "id": 100 + number, "component": told})
    attachments = {"1": {"id": "1", "filename": "sketch.png", "size": 9, "url": "https://cdn.example/1"}}
    channels = {CHANNEL: {"id": CHANNEL, "type": 0, "name": "general"}}
    resolved = {"attachments": attachments, "channels": channels}
    return {"custom_id": made.custom_id, "components": components, "resolved": resolved}


def _value(component: Mapping[str, Any], filled: Any) -> dict[str, Any]:
    match component["type"]:
        case 4:
            return {"value": component.get("value", "") if filled is None else filled}
        case 23:
            return {"value": component["default"] if filled is None else filled}
        case 19:
            return {"values": filled or []}
        case _:
            shown = [option["value"] for option in component.get("options", []) if option["default"]]
            shown += [str(value["id"]) for value in component.get("default_values", [])]
            return {"values": shown if filled is None else filled}


def test_a_form_is_filled_in_and_comes_back() -> None:
    made = modal(forms.build_form(Build(description="a shop", provider="openai", name="shop")))
    name, value, values, files = read(sent(made, {"description": "a todo app", "framework": ["vue"], "picture": ["1", "7"]}))
    assert (name, value) == ("build", "openai")
    assert values == {"description": "a todo app", "framework": "vue", "features": "", "name": "shop"}
    assert [file["filename"] for file in files] == ["sketch.png"]


def test_the_place_for_a_file_is_that_of_the_last_input_that_nobody_needs() -> None:
    bare = labels(modal(forms.build_form(Build(description="a shop"))))
    assert list(bare) == ["description", "framework", "features", "styling", "picture"]
    full = Build(description="a shop", name="shop", styling="calm", features=["search"], framework="vue")
    assert "picture" not in labels(modal(forms.build_form(full)))
    assert "name" in labels(modal(forms.build_form(full)))


def test_an_option_without_a_value_is_one_for_discord_too() -> None:
    made = modal(forms.build_form(Build()))
    assert labels(made)["framework"]["component"]["options"][0] == {
        "label": "Let Nexus choose",
        "value": EMPTY,
        "default": True,
    }
    assert read(sent(made))[2]["framework"] == ""
    assert read(sent(made, {"framework": []}))[2]["framework"] == ""


def test_yes_and_no_come_back_as_true_and_false() -> None:
    made = modal(
        form(Input(name="own", label="Own?", kind="checkbox", value="true"), Input(name="two", label="Two?", kind="checkbox"))
    )
    assert read(sent(made))[2] == {"own": "true", "two": "false"}
    assert read(sent(made, {"own": False, "two": True}))[2] == {"own": "false", "two": "true"}


def test_a_secret_is_asked_for_with_a_word_about_its_keeping() -> None:
    made = modal(forms.env_form("todo", [], {"SMTP_URL": "where mail goes"}))
    assert labels(made)["set:SMTP_URL"]["description"] == f"where mail goes. {KEPT}"
    assert read(sent(made, {"set:SMTP_URL": "smtp://x"}))[2]["set:SMTP_URL"] == "smtp://x"
    long = modal(form(Input(name="s", label="S", kind="secret", hint="h" * 90)))
    assert labels(long)["s"]["description"] == "h" * 90
    assert labels(long)["s"]["component"]["placeholder"] == KEPT


def test_what_is_told_above_the_inputs_has_room_there_or_below_a_label_or_in_an_input() -> None:
    few = modal(form(Input(name="a", label="A"), text="Read *this* first."))
    assert few.to_dict()["components"][0] == {"type": 10, "content": "Read \\*this\\* first."}
    five = [Input(name=f"n{n}", label="A", hint="" if n == 2 else "hint") for n in range(5)]
    assert labels(modal(form(*five, text="Read this first.")))["n2"]["description"] == "Read this first."
    hinted = [one.model_copy(update={"hint": "hint"}) for one in five]
    assert labels(modal(form(*hinted, text="Read this first.")))["n0"]["component"]["placeholder"] == "Read this first."


def test_people_and_roles_are_chosen_by_name_and_others_are_kept() -> None:
    people = Input(name="who", label="Who", kind="people", value=f"{ANN}, {LEADS}, web:ann", hint="With commas between")
    made = modal(form(people), roles=[LEADS])
    assert [value["type"] for value in labels(made)["who+web:ann"]["component"]["default_values"]] == ["user", "role"]
    assert labels(made)["who+web:ann"]["description"] == "Also: web:ann."
    assert read(sent(made))[2] == {"who": f"{ANN},{LEADS},web:ann"}
    assert read(sent(made, {"who+web:ann": []}))[2] == {"who": "web:ann"}
    assert refused_form(made) == []


@pytest.mark.parametrize("others", [[f"web:person{n}" for n in range(12)], [str(10**17 + n) for n in range(26)]])
def test_more_people_than_a_menu_keeps_are_typed(others: list[str]) -> None:
    made = modal(form(Input(name="who", label="Who", kind="people", value=", ".join(others))))
    assert labels(made)["who"]["component"]["type"] == 4
    assert read(sent(made))[2]["who"].split(", ") == others


def test_a_channel_is_chosen_and_begins_with_the_one_in_which_it_was_asked_for() -> None:
    made = modal(form(Input(name="channel", label="Channel", kind="channel", value=CHANNEL, required=True)))
    assert read(sent(made))[2] == {"channel": CHANNEL}
    assert read(sent(made, {"channel": ["423456789012345678"]}))[2] == {"channel": ""}, "Discord knows nothing of that one"
    nowhere = modal(form(Input(name="channel", label="Channel", kind="channel")))
    assert read(sent(nowhere))[2] == {"channel": ""}
    assert (refused_form(made), refused_form(nowhere)) == ([], [])


def test_of_more_options_than_a_menu_has_the_chosen_one_is_there_and_it_says_so() -> None:
    options = [(str(n), f"v{n}") for n in range(40)]
    made = modal(form(Input(name="release", label="Release", kind="select", options=options, value="31")))
    assert len(labels(made)["release"]["component"]["options"]) == 25
    assert labels(made)["release"]["description"] == "25 of 40 are listed."
    assert read(sent(made))[2] == {"release": "31"}


def test_of_a_text_that_is_longer_than_discord_takes_the_beginning_is_there_and_it_says_so() -> None:
    made = modal(form(Input(name="text", label="Text", kind="multiline", value="words " * 1000, max_length=9000)))
    assert refused_form(made) == []
    assert "Discord takes no more than 4,000" in labels(made)["text"]["description"]


def test_a_form_that_is_opened_again_is_as_it_was_filled_in() -> None:
    asked = forms.workspace_form(WorkspaceSettings())
    filled = {"approvers": ["named"], "named_approvers": [ANN], "self_approval": False, "approval_hours": "never"}
    values = read(sent(modal(asked), filled))[2]
    assert read(sent(modal(asked, values)))[2] == values
    build = modal(forms.build_form(Build()), {"description": "a shop", "features": "search", "framework": "vue"})
    assert read(sent(build))[2] == {"description": "a shop", "framework": "vue", "features": "search", "styling": ""}


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"custom_id": "x:", "components": None},
        {"custom_id": "no colon", "components": []},
        {"custom_id": "Bad Name:1", "components": []},
    ],
)
def test_what_is_no_form_of_ours_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="Open it again"):
        read(data)


_named = {"name": st.integers(0, 10**9).map("n{}".format), "label": texts, "required": st.booleans(), "hint": texts}
_typed = st.builds(
    Input,
    kind=st.sampled_from(["text", "multiline", "select", "checkbox", "secret"]),
    options=st.lists(st.tuples(st.text("abc", max_size=5), texts), max_size=30, unique_by=lambda option: option[0]),
    value=texts,
    max_length=st.integers(1, 10_000),
    **_named,
)
_chosen = st.builds(
    Input, kind=st.sampled_from(["people", "channel"]), value=st.from_regex(r"([1-9][0-9]{17})?", fullmatch=True), **_named
)
_inputs = st.lists(_typed | _chosen, max_size=5, unique_by=lambda made: made.name)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    made=st.builds(
        Form,
        form=st.just("x"),
        value=st.text(max_size=60),
        title=st.text(max_size=24),
        text=texts,
        inputs=_inputs.filter(bool),
    )
)
def test_discord_takes_any_form_and_every_input_of_it_comes_back(made: Form) -> None:
    view = modal(made)
    assert refused_form(view) == []
    name, value, values, files = read(sent(view))
    assert (name, value, files) == ("x", made.value, ())
    assert set(values) == {item.name for item in made.inputs}
