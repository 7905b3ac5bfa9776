"""What is wrong with a form is told at once where it can be, beside the field that it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from core.conversation.checking import problems


@dataclass(frozen=True, kw_only=True)
class Filled:
    form: str
    value: str
    values: Mapping[str, str]


def wrong(form: str, values: Mapping[str, str], value: str = "todo") -> dict[str, str]:
    return problems(Filled(form=form, value=value, values=values))


@pytest.mark.parametrize(
    ("form", "values", "field", "words"),
    [
        ("build", {"description": "  "}, "description", "a todo app"),
        ("build", {"description": "x", "framework": "rails"}, "framework", "not a framework"),
        ("change", {"text": ""}, "text", "different"),
        ("env", {"more": "no equals sign"}, "more", "NAME="),
        ("env", {"more": "", "set:A": ""}, "more", "Nothing was filled in"),
        ("env", {"set:A": "1", "unset": "A"}, "set:A", "at once"),
        ("rollback", {"release": "", "data": "code"}, "release", "Choose a release"),
        ("delete", {"confirm": "tudo"}, "confirm", "nothing was deleted"),
        ("settings", {"approvers": "named", "named_approvers": ""}, "named_approvers", "Name at least one"),
        ("settings", {"approvers": "anyone", "approval_hours": "soon"}, "approval_hours", "Hours"),
        ("models", {"provider": "auto", "budget_usd": "much"}, "budget_usd", "US dollars"),
        ("models", {"provider": "auto", "budget_tokens": "1.5"}, "budget_tokens", "tokens"),
    ],
)
def test_a_form_that_the_dialogue_would_refuse_is_refused_at_the_field(
    form: str, values: Mapping[str, str], field: str, words: str
) -> None:
    (name,) = found = wrong(form, values)
    assert (name, words in found[name]) == (field, True)


@pytest.mark.parametrize(
    ("form", "values"),
    [
        ("build", {"description": "a todo app", "framework": ""}),
        ("change", {"text": "make it blue"}),
        ("env", {"more": "A=1"}),
        ("rollback", {"release": "2", "data": "all"}),
        ("delete", {"confirm": "TODO"}),
        ("settings", {"approvers": "anyone", "approval_hours": "2,5", "named_approvers": ""}),
        ("models", {"provider": "auto", "budget_usd": "$10"}),
        ("of another version", {}),
    ],
)
def test_a_form_that_can_be_used_goes_on_to_the_dialogue(form: str, values: Mapping[str, str]) -> None:
    assert wrong(form, values) == {}


def test_a_secret_is_not_repeated_beside_its_field() -> None:
    assert "hunter2" not in str(wrong("env", {"more": "hunter2 is the password"}))


def test_the_app_of_a_form_that_names_none_is_for_the_dialogue_to_find() -> None:
    assert wrong("delete", {"confirm": "anything"}, value="") == {}
