"""Untrusted text never becomes markup, and never deceives."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.web.text import anchor, attr, clip, esc, esc_source, inline, safe_url, seconds, size

_HARMLESS = {"bdi", "code", "a", "span"}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def _parse(html: str) -> _Tags:
    parser = _Tags()
    parser.feed(html)
    parser.close()
    return parser


@settings(deadline=None)
@given(st.text())
def test_no_text_makes_a_tag_but_the_harmless_ones(text: str) -> None:
    for html in (esc(text), esc_source(text), inline(text)):
        found = _parse(html)
        assert set(found.tags) <= _HARMLESS
        assert not [name for name, _ in found.attributes if name.startswith("on") or name == "style"]


@settings(deadline=None)
@given(st.text())
def test_no_text_leaves_its_attribute(text: str) -> None:
    found = _parse(f'<i title="{attr(text)}">')
    assert found.tags == ["i"]
    assert [name for name, _ in found.attributes] == ["title"]


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])))
def test_the_source_shown_is_the_source(text: str) -> None:
    data: list[str] = []
    parser = HTMLParser(convert_charrefs=True)
    parser.handle_data = data.append  # type: ignore[method-assign,assignment]
    parser.feed(esc_source(text))
    parser.close()
    assert "".join(data) == text


def test_a_character_that_turns_text_around_is_named_and_shut_in() -> None:
    assert esc("a\u202eb") == 'a<bdi class="ctl" data-cp="U+202E">\u202e</bdi>b'


def test_invisible_characters_are_named_in_source_and_left_in_prose() -> None:
    assert 'data-cp="U+200B"' in esc_source("pass\u200bword")
    assert esc("👩\u200d💻 क\u200dष") == "👩\u200d💻 क\u200dष"


def test_terminal_colours_are_left_out() -> None:
    assert esc("\x1b[31mred\x1b[0m \x1b]0;title\x07plain") == "red plain"


def test_control_characters_and_lone_surrogates_can_be_sent() -> None:
    assert esc("a\x00b\x07c\ud800") == "a\ufffdb\ufffdc\ufffd"
    assert esc("a\ud800").encode()


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "/\\evil.example",
        "http://a b",
        'http://a"x',
        "x",
    ],
)
def test_a_link_leads_to_the_web_or_to_us_or_nowhere(url: str) -> None:
    assert safe_url(url) is None
    assert "<a" not in anchor(url, "here")


def test_web_addresses_in_words_are_links_that_tell_nothing() -> None:
    html = inline("See https://example.com/a?b=1&c=<2>, or `rm -rf <x>`.")
    assert 'href="https://example.com/a?b=1&amp;c="' in html
    assert 'rel="noopener noreferrer nofollow"' in html
    assert "<code>rm -rf &lt;x&gt;</code>" in html


def test_long_text_is_cut_and_says_so() -> None:
    assert clip("x" * 100, 10) == "x" * 10 + "… (90 more characters)"


def test_sizes_and_durations_read_well() -> None:
    assert [size(n) for n in (0, 999, 1_200, 3_400_000)] == ["0 B", "999 B", "1.2 kB", "3.4 MB"]
    assert [seconds(s) for s in (0.04, 1.25, 42.4, 65.0)] == ["0.0 s", "1.2 s", "42 s", "1 min 5 s"]


def test_no_pattern_takes_long() -> None:
    for hostile in ("`" * 100_000, "http://" * 20_000, "\x1b]" * 50_000, "https://" + "." * 100_000):
        inline(hostile)
    assert re.search("<a", inline("https://ok.example"))
