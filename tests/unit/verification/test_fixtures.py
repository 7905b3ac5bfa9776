"""Made-up rows: in an order that works, valid, and bad in a way that counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.verification.fixtures import bad_rows, plan_trials, row, same
from core.words.plan import FieldType, Resource, ResourceField


def resource(name: str, *references: str, required: bool = True) -> Resource:
    fields = [ResourceField(name="title", type=FieldType.TEXT, required=True)]
    fields += [ResourceField(name=f"f_{r}", type=FieldType.REFERENCE, references=r, required=required) for r in references]
    return Resource(name=name, singular=name, fields=fields)


def outcome(*resources: Resource) -> dict[str, str]:
    return {trial.resource.name: trial.why_not for trial in plan_trials(resources)}


def test_what_is_referred_to_comes_first() -> None:
    assert list(outcome(resource("comments", "posts"), resource("posts", "authors"), resource("authors"))) == [
        "authors",
        "posts",
        "comments",
    ]


def test_an_optional_reference_is_filled_where_it_can_be() -> None:
    trials = {t.resource.name: t for t in plan_trials([resource("a", "b", required=False), resource("b")])}
    assert [f.name for f in trials["a"].fields] == ["title", "f_b"]


def test_optional_references_in_a_circle_are_left_out() -> None:
    trials = {t.resource.name: t for t in plan_trials([resource("a", "b", required=False), resource("b", "a", required=False)])}
    assert [t.why_not for t in trials.values()] == ["", ""]
    assert [f.name for f in trials["a"].fields] == ["title"]
    assert [f.name for f in trials["b"].fields] == ["title", "f_a"]


def test_an_optional_reference_to_what_is_not_there_is_left_out() -> None:
    (trial,) = plan_trials([resource("a", "ghosts", required=False)])
    assert (trial.why_not, [f.name for f in trial.fields]) == ("", ["title"])


def test_what_cannot_be_tried_says_why() -> None:
    assert outcome(resource("a", "ghosts"), resource("b", "a"), resource("c")) == {
        "c": "",
        "a": "it needs a row of 'ghosts', which is not in the plan",
        "b": "it needs a row of 'a', which could not be made",
    }
    assert outcome(resource("a", "a")) == {"a": "every row needs another row of the same kind"}


def test_a_circle_is_named_by_one_of_its_members_and_not_by_those_who_need_it() -> None:
    told = outcome(resource("c", "a"), resource("a", "b"), resource("b", "a"))
    assert told["a"] == "it and 'b' need a row of each other"
    assert told["b"] == "it needs a row of 'a', which could not be made"
    assert told["c"] == "it needs a row of 'a', which could not be made"


NAMES = ["a", "b", "c", "d", "e"]


@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.lists(st.sampled_from([*NAMES, "ghost"]), unique=True, max_size=3), st.booleans()),
        unique_by=lambda one: one[0],
        max_size=5,
    )
)
def test_every_resource_is_planned_once_and_never_before_what_it_needs(graph: list[tuple[str, list[str], bool]]) -> None:
    trials = plan_trials([resource(name, *references, required=required) for name, references, required in graph])
    assert sorted(t.resource.name for t in trials) == sorted(name for name, _, _ in graph)
    ids: dict[str, int] = {}
    for trial in trials:
        if trial.why_not:
            assert any(f.required and f.type is FieldType.REFERENCE for f in trial.resource.fields)
        else:
            assert row(trial, ids, 0).keys() >= {f.name for f in trial.resource.fields if f.required}
            ids[trial.resource.name] = len(ids) + 1


def field(kind: FieldType, **more: object) -> ResourceField:
    return ResourceField.model_validate({"name": "x", "type": kind, "choices": ["open", "closed"], **more})


@pytest.mark.parametrize("kind", [kind for kind in FieldType if kind is not FieldType.REFERENCE])
def test_a_changed_row_can_be_told_from_the_first(kind: FieldType) -> None:
    (trial,) = plan_trials([Resource(name="a", singular="a", fields=[field(kind)])])
    first, second = row(trial, {}, 0), row(trial, {}, 1)
    assert same(field(kind), first["x"], first["x"])
    assert not same(field(kind), first["x"], second["x"])


@pytest.mark.parametrize(
    ("kind", "sent", "got", "alike"),
    [
        (FieldType.INTEGER, 2, "2", True),
        (FieldType.MONEY, 12.25, "12.2500", True),
        (FieldType.MONEY, 12.25, None, False),
        (FieldType.NUMBER, 1.5, "nonsense", False),
        (FieldType.INTEGER, 1, True, False),
        (FieldType.DATE, "2030-01-15", "2030-01-15T00:00:00.000Z", True),
        (FieldType.DATE, "2030-01-15", "2030-01-14T23:00:00.000Z", False),
        (FieldType.DATETIME, "2030-01-15T09:30:00Z", "2030-01-15T10:30:00.000+01:00", True),
        (FieldType.DATETIME, "2030-01-15T09:30:00Z", "2030-01-15T09:30:00", True),
        (FieldType.DATETIME, "2030-01-15T09:30:00Z", 7, False),
        (FieldType.REFERENCE, 7, "7", True),
        (FieldType.TEXT, "a", "a ", False),
        (FieldType.BOOLEAN, False, None, False),
    ],
)
def test_usual_spellings_of_the_same_value_are_alike(kind: FieldType, sent: object, got: object, alike: bool) -> None:
    assert same(field(kind), sent, got) is alike


def test_bad_rows_lack_something_needed_and_have_something_wrong() -> None:
    one = Resource(
        name="a",
        singular="a",
        fields=[ResourceField(name="title", type=FieldType.TEXT, required=True), ResourceField(name="due", type=FieldType.DATE)],
    )
    (trial,) = plan_trials([one])
    assert bad_rows(trial, {"title": "t", "due": "2030-01-15"}) == [
        ("without 'title'", {"due": "2030-01-15"}),
        ("with 'no such value' as 'due'", {"title": "t", "due": "no such value"}),
    ]


def test_even_a_lone_optional_text_has_a_bad_row() -> None:
    (trial,) = plan_trials([Resource(name="a", singular="a", fields=[field(FieldType.TEXT)])])
    assert bad_rows(trial, {"x": "t"}) == [("with {'not': 'text'} as 'x'", {"x": {"not": "text"}})]
