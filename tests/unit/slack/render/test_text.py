"""Untrusted text: it is no markup, it notifies nobody, and it is cut where that can be seen."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.render.text import JOINER, calm, clip, inline, markup, pieces, tame, units, web_url


@pytest.mark.parametrize(
    "mention", ["<!channel>", "<!here|here>", "<@U012ABC>", "<#C012ABC|x>", "<!subteam^S012>", "<!date^1^x|y>"]
)
def test_what_slack_would_take_for_a_mention_is_shown_as_it_was_typed(mention: str) -> None:
    made = markup(mention)
    assert "<" not in made
    assert html.unescape(made).replace(JOINER, "") == mention
    assert not calm(mention).startswith(mention[:2])


@pytest.mark.parametrize("word", ["@channel", "@here", "@everyone", "@Here", "x@channel"])
def test_a_bare_broadcast_is_broken(word: str) -> None:
    assert word.lower() not in calm(word).lower()
    assert calm(word).replace(JOINER, "") == word


def test_words_that_only_begin_like_a_broadcast_are_left_alone() -> None:
    assert calm("@hereafter ann@example.com") == "@hereafter ann@example.com"


def test_nothing_formats_inside_mrkdwn() -> None:
    made = markup("*bold* _it_ ~no~ `code`")
    assert not any(pair in made for pair in ("*b", "d*", "_i", "t_", "~n", "o~", "`c", "e`"))


def test_control_characters_and_what_reorders_text_are_gone() -> None:
    assert calm("a\x00b\x1b[31mc\u202ed\ud83de") == "abcde"


def test_web_addresses_become_links_that_show_where_they_lead_and_words_between_backticks_become_code() -> None:
    assert inline("see https://x.example/a?b=1. Run `make it`") == [
        {"type": "text", "text": "see "},
        {"type": "link", "url": "https://x.example/a?b=1"},
        {"type": "text", "text": ". Run "},
        {"type": "text", "text": "make it", "style": {"code": True}},
    ]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "slack://open", "file:///etc/passwd", "//x.example", "http://a b", "http://x|y", "data:x"]
)
def test_other_addresses_are_no_links(url: str) -> None:
    assert web_url(url) == ""
    assert not any(element["type"] == "link" and element["url"] == url for element in inline(url))


def test_only_texts_that_mean_the_same_in_mrkdwn_are_tame() -> None:
    assert all(tame(text) for text in ("FastAPI", "12 Nov 2026, 14:05 UTC", "$0.13 → 3", "ä 🎉"))
    assert not any(tame(text) for text in ("*a*", "a_b", "<@U1>", "a & b", ":tada:", "> quote", "a\nb", "#general"))


@given(text=st.text(), most=st.integers(2, 60))
def test_what_is_clipped_fits_and_says_so(text: str, most: int) -> None:
    made = clip(text, most)
    assert units(made) <= most
    assert made == text if units(text) <= most else made.endswith("…")


@given(text=st.text(alphabet=st.sampled_from("ab \n🎉é")), most=st.integers(2, 40))
def test_pieces_fit_and_lose_nothing_but_the_space_at_which_they_were_cut(text: str, most: int) -> None:
    made = list(pieces(text, most))
    assert all(0 < units(part) <= most for part in made)
    assert "".join("".join(made).split()) == "".join(text.split())


def test_pieces_of_a_long_text_are_made_in_one_pass() -> None:
    assert sum(map(len, pieces("🎉" * 400_000, 2000))) == 400_000


def test_pieces_end_at_a_line_where_there_is_one() -> None:
    assert list(pieces("one two\nthree four", 12)) == ["one two", "three four"]
