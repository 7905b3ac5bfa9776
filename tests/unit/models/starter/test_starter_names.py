"""Words and names: plural and singular, and identifiers that are legal everywhere."""

from __future__ import annotations

import keyword
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.models.starter.naming import field_name, label, plural, resource_name, singular
from core.files import check_path


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("todo", "todos"),
        ("category", "categories"),
        ("box", "boxes"),
        ("dish", "dishes"),
        ("person", "people"),
        ("child", "children"),
        ("movie", "movies"),
        ("expense", "expenses"),
        ("address", "addresses"),
        ("status", "statuses"),
        ("leaf", "leaves"),
        ("key", "keys"),
        ("class", "classes"),
        ("news", "news"),
        ("quiz", "quizzes"),
        ("course", "courses"),
        ("bus", "buses"),
    ],
)
def test_singular_and_plural_are_each_others_inverse(one: str, many: str) -> None:
    assert plural(one) == many
    assert singular(many) == one
    assert plural(many) == many
    assert singular(one) == one


@pytest.mark.parametrize("word", ["aux", "con", "import", "class", "new", "resources", "match", "await", "crud"])
def test_a_thing_named_by_a_reserved_word_gets_another_name(word: str) -> None:
    assert resource_name(word) == f"{word}_list"


@pytest.mark.parametrize(
    ("text", "name"), [("Größe (cm)", "grosse_cm"), ("3D model", "n_3d_model"), ("xmin", "xmin_value"), ("価格", "")]
)
def test_field_names_are_ascii(text: str, name: str) -> None:
    assert field_name(text) == name


@given(st.text(max_size=80))
def test_names_of_any_text_are_legal_or_empty(text: str) -> None:
    for name in (field_name(text), resource_name(text)):
        assert name == "" or re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name)
    if name := resource_name(text):
        assert not keyword.iskeyword(name)
        check_path(f"app/resources/{name}.py")


@given(st.text(max_size=200))
def test_labels_have_no_markup_and_no_quotes(text: str) -> None:
    assert not set("<>\"'`\\\n\r\0") & set(label(text))
    assert len(label(text)) <= 62
