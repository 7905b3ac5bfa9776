"""Untrusted text is shown without secrets and without anything that a terminal or a database would act on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.conversation.redaction import plain, redact, shown, shown_line


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("postgresql://app:p%40ss@h:5/db failed", "postgresql://app:•••@h:5/db failed"),
        ("redis://:secret@h", "redis://:•••@h"),
        ("http://localhost:8080/a@b", "http://localhost:8080/a@b"),
        ("key sk-" + "a1B2-" * 5 + "x here", "key ••• here"),
        ("PGPASSWORD=abc psql", "PGPASSWORD=••• psql"),
        ("api_key = abc&x=1", "api_key = •••&x=1"),
        ("tokens: 3, the token is fine", "tokens: 3, the token is fine"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_and_nothing_else(text: str, safe: str) -> None:
    assert redact(text) == safe


def test_escape_sequences_and_control_characters_are_gone() -> None:
    assert plain("\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07\x00\x9b\r\nnext\tcell") == "red link\nnext    cell"


def test_a_long_text_is_cut() -> None:
    assert shown("x" * 5000, 100) == "x" * 99 + "…"
    assert shown_line(" a\n\n b ") == "a b"


@given(st.text())
def test_showing_twice_changes_nothing_more(text: str) -> None:
    assert shown(shown(text)) == shown(text)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a://" * 5000, "a://" * 5000),
        ("x:" * 10_000, "x:" * 10_000),
        ("password=" * 2500, "password=•••"),
        ("eyJ" + "a." * 9000, "eyJ" + "a." * 9000),
        ("\x1b[" * 9000, ""),
        ("secret_" * 3000, ("secret_" * 3000)[:19_999] + "…"),
    ],
    ids=lambda text: text[:8].encode("unicode_escape").decode(),
)
def test_a_long_text_that_nearly_looks_like_a_secret_is_read_to_its_end(text: str, safe: str) -> None:
    assert shown(text, 20_000) == safe
