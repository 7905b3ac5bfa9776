"""Source as lines: exact, coloured where it can be, plain where it must."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.web import source


def _text(html: str) -> str:
    data: list[str] = []
    parser = HTMLParser(convert_charrefs=True)
    parser.handle_data = data.append  # type: ignore[method-assign,assignment]
    parser.feed(html)
    parser.close()
    return "".join(data)


_SOURCE = st.text(alphabet=st.one_of(st.characters(exclude_categories=["Cs", "Cc"]), st.sampled_from("\n\t \"'#<&`{}")))


@settings(deadline=None)  # the first use of a language loads it
@given(_SOURCE, st.sampled_from(["a.py", "a.js", "a.sql", "a.html", "a.md", "a.toml", "a.css", "Dockerfile", "a.unknown"]))
def test_what_is_shown_is_the_file_exactly(text: str, path: str) -> None:
    assert _text(source.highlight(path, text)) == text


def test_lines_carry_their_breaks_and_spans_end_with_them() -> None:
    html = source.highlight("a.py", '"""one\ntwo"""\nx = 1\n')
    assert html.count('<span class="ln">') == 3
    for line in html.split('<span class="ln">')[1:]:
        assert line.count("<span") + 1 == line.count("</span>")


@pytest.mark.parametrize(("path", "css"), [("main.py", "k-kn"), ("app.js", "k-kd"), ("m/001.sql", "k-k"), ("p.json", "k-nt")])
def test_known_languages_are_coloured(path: str, css: str) -> None:
    text = {"main.py": "import os", "app.js": "const a = 1;", "m/001.sql": "SELECT 1", "p.json": '{"a": 1}'}[path]
    assert f'class="{css}"' in source.highlight(path, text)


def test_a_line_without_end_is_shown_plain_and_soon() -> None:
    html = source.highlight("a.js", "x" * 200_000)
    assert "k-" not in html
    assert len(_text(html)) == 200_000


def test_a_large_file_is_coloured_as_far_as_time_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "BUDGET", 0.0)
    text = "import os\n" * 1_000
    html = source.highlight("a.py", text)
    assert _text(html) == text


def test_markup_in_source_is_text() -> None:
    html = source.fragment('"><script>.html', "<script>alert(1)</script>")
    assert "<script" not in html
    assert 'data-lines="1"' in html


def test_hidden_characters_in_source_are_seen() -> None:
    assert 'data-cp="U+202E"' in source.highlight("a.py", "access = 'user\u202e'")
