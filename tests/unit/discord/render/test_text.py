"""Untrusted text: it is no Markdown, it notifies nobody, and links show where they lead."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.discord.render.text import Span, bold, calm, code, draw, drawn, escape, fence, in_fence, inline, link_url
from core.conversation.measuring import JOINER, units, without_controls
from tests.support.discord.markdown import Node, kinds, read, visible

_MARKS = "\\*_~`|<>[]()@#:-+.!/ \n1a"
_ENTITIES = ["@everyone", "@here", "<@123456789012345678>", "<@&1234>", "<#1234>", "</nexus help:1234>", "<t:1700000000:R>"]
_ENTITIES += [
    "<a:dance:1234>",
    "<:ok:1234>",
    ":tada:",
    "[Sign in](https://evil.example)",
    "https://a.example/_b_*c*",
    "<id:browse>",
]
_ENTITIES += ["# title", "-# small", "- item", "1. item", "> quote", ">>> all", "||spoiler||", "```\ncode```"]
hostile = st.lists(
    st.sampled_from([*_ENTITIES, "¯\\_(ツ)_/¯"]) | st.text(_MARKS, max_size=6) | st.text(max_size=4), max_size=6
).map("".join)

steadily = settings(deadline=None)


def told(text: str) -> str:
    """The words of a text, without what was added so that they stay words."""
    return without_controls(text).replace(JOINER, "")


@steadily
@given(text=hostile)
@example(text="***\\")
@example(text="@everyone_")
@example(text="a\n- b\n10. c\n   ## d")
def test_words_are_shown_as_they_were_typed_and_are_nothing_else(text: str) -> None:
    made = read(escape(text))
    assert {node.kind for node in made} <= {"text"}
    assert told(visible(made)) == told(text).strip()


@pytest.mark.parametrize("entity", _ENTITIES)
def test_the_reader_of_these_tests_takes_what_is_not_escaped_for_what_it_is(entity: str) -> None:
    assert kinds(entity) != {"text"}


@pytest.mark.parametrize("word", ["@everyone", "@here", "@Here", "x@everyone", "@everyone_"])
def test_a_broadcast_is_broken_where_nothing_is_parsed_too(word: str) -> None:
    assert word.lower() not in calm(word).lower()
    assert calm(word).replace(JOINER, "") == word


def test_control_characters_and_what_reorders_text_are_gone() -> None:
    assert escape("a\x00b\x1b[31mc\u202ed\ud83de") == "abcde"


@steadily
@given(text=hostile.filter(lambda text: text.strip()))
def test_bold_words_are_bold_and_nothing_else(text: str) -> None:
    one = " ".join(text.split())
    made = read(bold(one))
    if not told(one).strip():
        return
    assert [node.kind for node in made] == ["bold"]
    assert {inner.kind for inner in made[0].inner} == {"text"}
    assert told(visible(made)) == told(one).strip()


@steadily
@given(text=st.text("`a *<@1>\\", min_size=1).filter(lambda text: text.strip(" `\u2060")))
def test_inline_code_is_exactly_what_it_was(text: str) -> None:
    made = read(code(text))
    assert [node.kind for node in made] == ["code"]
    assert told(made[0].text).strip() == text.strip()


@pytest.mark.parametrize("value", ["s*cr_t`x@127.0.0.1", "a``b", "<@1> $x \\n", "` `", "`"])
def test_a_value_to_be_copied_stays_as_it_is(value: str) -> None:
    assert read(code(f"p{value}p")) == [Node("code", f"p{value}p")]


@steadily
@given(lines=st.lists(st.text("`a *#<@1>\\-", min_size=1).filter(str.strip), min_size=1, max_size=4))
def test_a_block_of_code_ends_where_it_ends_and_keeps_its_lines(lines: list[str]) -> None:
    made = read(fence(map(in_fence, lines)))
    assert [node.kind for node in made] == ["block"]
    assert told(made[0].text) == "\n".join(lines)


def test_what_has_no_words_is_neither_bold_nor_code() -> None:
    assert [draw([Span(text, style)]) for text in ("\x1b", "\x00 ") for style in ("bold", "code")] == ["", "", " ", ""]


def test_the_first_line_of_a_block_is_no_language() -> None:
    assert read(fence(["python", "x"])) == [Node("block", "python\nx")]
    assert read(fence(["x = 1"], "py")) == [Node("block", "x = 1", more="py")]


def test_web_addresses_become_links_that_show_where_they_lead_and_words_between_backticks_become_code() -> None:
    made = read(draw(inline("see https://x.example/a_b?c=*d*. Run `make it`, or (http://y.example)")))
    assert made == [
        Node("text", "see "),
        Node("link", "https://x.example/a_b?c=*d*", more="https://x.example/a_b?c=*d*"),
        Node("text", ". Run "),
        Node("code", "make it"),
        Node("text", ", or ("),
        Node("link", "http://y.example", more="http://y.example"),
        Node("text", ")"),
    ]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "discord://open", "//x.example", "http://a b", "http://x|y", "http://x\\y"]
)
def test_other_addresses_are_no_links(url: str) -> None:
    assert link_url(url) == ""
    assert url not in [node.more for node in read(draw(inline(url)))]


@steadily
@given(text=hostile)
def test_a_line_has_words_code_and_links_and_nothing_is_lost(text: str) -> None:
    line = " ".join(text.split())
    made = read(draw(inline(line)))
    assert {node.kind for node in made} <= {"text", "code", "link"}
    assert all(node.text == node.more for node in made if node.kind == "link")
    assert told(visible(made)).replace("`", "").replace(" ", "") == told(line).replace("`", "").replace(" ", "")


@steadily
@given(text=st.text(max_size=40), times=st.integers(1, 60), most=st.integers(100, 900))
def test_a_long_line_goes_on_in_the_next_and_no_part_is_too_long(text: str, times: int, most: int) -> None:
    line = " ".join(((text + " ") * times).split())
    made = list(drawn([Span(line), Span(line, "bold"), Span(line, "code")], most))
    assert all(units(part) <= most for part in made)
    shown = "".join(visible(read(part)) for part in made)
    assert "".join(told(shown).replace("`", "").split()) == "".join((told(line) * 3).replace("`", "").split())


@pytest.mark.parametrize("text", ["000: " * 200, "a" * 286 + "@everyone" + "b" * 400, ":a:" * 300, "one two three " * 60])
def test_a_line_that_is_cut_keeps_its_spaces_and_says_nothing_new(text: str) -> None:
    made = [read(part) for part in drawn([Span(text.strip())], 900)]
    assert {node.kind for nodes in made for node in nodes} == {"text"}
    assert told(" ".join(visible(nodes) for nodes in made)).split(" ")[: len(text.split()) - 1] == text.split()[:-1]


def test_an_address_that_is_no_link_is_read_together_with_what_follows() -> None:
    assert kinds(draw(inline("https://a|:b:c"))) == {"text"}


def test_code_and_bold_words_that_stand_close_together_stay_apart() -> None:
    made = read(draw([*inline("`a``b`"), Span("c", "bold"), Span("d", "bold")]))
    assert [(node.kind, visible([node])) for node in made if visible([node]) != JOINER] == [
        ("code", "a"),
        ("code", "b"),
        ("bold", "c"),
        ("bold", "d"),
    ]
