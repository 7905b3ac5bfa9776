from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.files import MAX_FILE_BYTES
from core.generation.edits import Edit
from core.generation.parser import MAX_PROSE, EditStarted, FileEnded, FileProgress, FileStarted, Parsed, Parser, ParserEvent
from core.generation.sentinels import closing, edit_opening, emit, emit_edit, emit_removal, finding, opening, removal, replacing

NONCE = "0123456789abcdef"


def parse(pieces: Iterable[str]) -> tuple[list[ParserEvent], Parsed]:
    parser = Parser(NONCE)
    events = [event for piece in pieces for event in parser.feed(piece)]
    return events, parser.finish()


def test_a_file_comes_out_exactly_as_it_was_emitted() -> None:
    events, parsed = parse([emit("app/main.py", "print('&lt;b&gt; \\n')\n", NONCE)])
    assert parsed.files == {"app/main.py": "print('&lt;b&gt; \\n')\n"}
    assert events == [FileStarted("app/main.py"), FileEnded("app/main.py", "print('&lt;b&gt; \\n')\n")]
    assert (parsed.prose, parsed.unclosed, parsed.duplicates, parsed.problems) == ("", {}, (), ())


fragments = st.one_of(
    st.sampled_from(
        [
            "\n",
            "\r\n",
            "```\n",
            "```python\n",
            "<<<",
            ">>>",
            "<<<file:",
            opening(NONCE),
            closing(NONCE),
            f"\n{opening(NONCE)}a.py>>>\n",
            f"\n{opening(NONCE)}b.md>>>",
            f"\n{opening(NONCE)}../up>>>\n",
            f"\n{closing(NONCE)}\n",
            emit("c.txt", "hello\n", NONCE),
            "x" * 2500,
            "<<<file:feedfacefeedface d.py>>>\n",
            f"\n{edit_opening(NONCE)}e.py>>>\n",
            f"\n{finding(NONCE)}\n",
            f"{replacing(NONCE)}\n",
            f"\n{removal(NONCE)}f.py>>>",
            emit_edit("g.py", "a", "b", NONCE),
            emit_removal("h.py", NONCE),
            '{"files": [{"path": "i.py", "content": "x"}]}',
        ]
    ),
    st.text(max_size=20),
)


@settings(deadline=None)
@given(st.lists(fragments, max_size=14), st.data())
def test_every_cut_of_the_stream_gives_the_same_events_and_the_same_result(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=20)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    whole_events, whole = parse([text])
    assert parse(pieces)[1] == whole
    assert parse(list(text))[1] == whole
    assert parse(pieces)[0] == whole_events[: len(parse(pieces)[0])]
    ended = [event for event in whole_events if isinstance(event, FileEnded)]
    assert [event for event in parse(list(text))[0] if isinstance(event, FileEnded)] == ended
    assert [event for event in parse(list(text))[0] if isinstance(event, EditStarted)] == [
        event for event in whole_events if isinstance(event, EditStarted)
    ]


paths = st.sampled_from(["a.py", "src/b.js", "pages/[slug].tsx", "(auth)/@modal/_app.vue"])


@settings(deadline=None)
@given(st.dictionaries(paths, st.text(), max_size=4))
def test_whatever_is_emitted_is_read_back_unless_a_fence_is_around_it(contents: dict[str, str]) -> None:
    contents = {path: text for path, text in contents.items() if not text.lstrip().startswith(("```", "~~~"))}
    _, parsed = parse(emit(path, text, NONCE) for path, text in contents.items())
    assert dict(parsed.files) == contents


@settings(deadline=None)
@given(st.text())
def test_nothing_that_a_model_writes_makes_the_parser_raise(text: str) -> None:
    _, parsed = parse([text])
    assert parsed.files == {}
    assert parsed.prose == text.strip()[:MAX_PROSE]


def test_a_file_with_another_nonce_is_just_text() -> None:
    text = emit("a.py", "x = 1\n", "feedfacefeedface")
    _, parsed = parse([text])
    assert parsed.files == {}
    assert "x = 1" in parsed.prose


def test_a_closing_mark_with_another_nonce_is_content() -> None:
    _, parsed = parse([emit("a.py", "<<<end:feedfacefeedface>>>\n", NONCE)])
    assert parsed.files == {"a.py": "<<<end:feedfacefeedface>>>\n"}


def test_an_opening_mark_in_the_middle_of_a_line_opens_nothing() -> None:
    _, parsed = parse([f"I will write {opening(NONCE)}a.py>>> now."])
    assert parsed.files == {}
    assert parsed.unclosed == {}


def test_a_closing_mark_at_the_end_of_the_last_line_closes_the_file() -> None:
    _, parsed = parse([f"{opening(NONCE)}a.js>>>\nlet a = 1;{closing(NONCE)}\nThat is all."])
    assert parsed.files == {"a.js": "let a = 1;"}
    assert parsed.prose == "That is all."


def test_prose_around_files_is_reported() -> None:
    _, parsed = parse(["Sure!\n", emit("a.py", "a\n", NONCE), "And then:\n", emit("b.py", "b\n", NONCE), "Bye.\n"])
    assert list(parsed.files) == ["a.py", "b.py"]
    assert parsed.prose.split() == ["Sure!", "And", "then:", "Bye."]


def test_an_unclosed_file_is_reported_and_is_not_among_the_files() -> None:
    _, parsed = parse([emit("a.py", "a\n", NONCE), f"{opening(NONCE)}b.py>>>\nhalf of"])
    assert list(parsed.files) == ["a.py"]
    assert parsed.unclosed == {"b.py": "half of"}


def test_a_closing_mark_that_was_forgotten_is_made_up_for_by_the_next_opening_one() -> None:
    left_open = f"{opening(NONCE)}a.py>>>\na = 1\n\n{edit_opening(NONCE)}b.py>>>\n{finding(NONCE)}\nx\n{replacing(NONCE)}\ny\n"
    events, parsed = parse([left_open, emit_removal("old.py", NONCE), f"{opening(NONCE)}c.py>>>\nhalf"])
    assert parsed.files == {"a.py": "a = 1"}
    assert parsed.edits == {"b.py": (Edit("x", "y"),)}
    assert parsed.removed == ("old.py",)
    assert parsed.unclosed == {"c.py": "half"}
    assert FileEnded("a.py", "a = 1") in events


def test_what_there_is_of_an_unclosed_file_is_kept_to_its_last_character() -> None:
    assert parse([f"{opening(NONCE)}a.py>>>\na = 1\n"])[1].unclosed == {"a.py": "a = 1\n"}


def test_of_duplicates_the_last_whole_one_counts() -> None:
    _, parsed = parse([emit("a.py", "1\n", NONCE), emit("a.py", "2\n", NONCE), f"{opening(NONCE)}a.py>>>\n3"])
    assert parsed.files == {"a.py": "2\n"}
    assert parsed.duplicates == ("a.py",)
    assert parsed.unclosed == {}


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "/etc/passwd", "~/x", "a\\b", ".git/config", "con.txt", "a\u202eb", ".npmrc"]
)
def test_a_hostile_path_is_a_problem_and_its_content_is_dropped(path: str) -> None:
    events, parsed = parse([emit(path, "evil\n", NONCE), emit("a.py", "good\n", NONCE)])
    assert parsed.files == {"a.py": "good\n"}
    assert "evil" not in parsed.prose
    assert [problem.message for problem in parsed.problems] != []
    assert events[0] == FileStarted("a.py")


def test_a_leading_dot_slash_is_forgiven() -> None:
    assert parse([emit("./src/a.js", "1\n", NONCE)])[1].files == {"src/a.js": "1\n"}


@pytest.mark.parametrize("fence", ["```", "```python", "~~~", "````js"])
def test_one_outer_fence_is_stripped(fence: str) -> None:
    mark = fence.rstrip("pythonjs")
    _, parsed = parse([emit("a.py", f"{fence}\nx = 1\n{mark}\n", NONCE)])
    assert parsed.files == {"a.py": "x = 1\n"}


def test_only_one_fence_is_stripped_and_none_inside() -> None:
    inner = 'text = """\n```\nkept\n```\n"""\n'
    assert parse([emit("a.py", inner, NONCE)])[1].files == {"a.py": inner}
    assert parse([emit("a.py", "```\n```\nx\n```\n```", NONCE)])[1].files == {"a.py": "```\nx\n```\n"}


def test_a_markdown_file_keeps_its_own_code_blocks() -> None:
    readme = "```bash\nnpm start\n```\n\ntext\n\n```js\nx\n```\n"
    assert parse([emit("README.md", readme, NONCE)])[1].files == {"README.md": readme}
    assert parse([emit("README.md", "```markdown\n# Hi\n```\n", NONCE)])[1].files == {"README.md": "# Hi\n"}


def test_windows_line_ends_are_kept_inside_and_the_marks_own_are_not() -> None:
    text = f"{opening(NONCE)}a.py>>>\r\na\r\nb\r\n{closing(NONCE)}\r\n"
    assert parse([text])[1].files == {"a.py": "a\r\nb"}


def test_a_path_that_never_ends_is_just_text() -> None:
    _, parsed = parse([opening(NONCE) + "a" * 1000, "\nmore"])
    assert parsed.files == {}
    assert "more" in parsed.prose


def test_an_oversize_file_is_a_problem_and_is_not_kept() -> None:
    _, parsed = parse([emit("big.txt", "x" * (MAX_FILE_BYTES + 10), NONCE), emit("a.py", "1\n", NONCE)])
    assert list(parsed.files) == ["a.py"]
    assert [problem.path for problem in parsed.problems] == ["big.txt"]


def test_memory_stays_bounded_however_long_an_answer_is() -> None:
    parser = Parser(NONCE)
    parser.feed(f"{opening(NONCE)}big.txt>>>\n")
    for _ in range(200):
        parser.feed("x" * 50_000)
    assert parser._file is not None
    assert len(parser._buffer) < 1000
    assert parser._file.text.tell() == 0
    many = Parser(NONCE)
    for number in range(1000):
        many.feed(emit(f"f{number}.py", "1\n", NONCE))
    assert len(many.finish().files) <= 200


def test_progress_is_told_while_a_long_file_comes() -> None:
    events, _ = parse([emit("a.txt", "x" * 5000, NONCE)])
    assert [event.chars for event in events if isinstance(event, FileProgress)] == [2000, 4000]


# -- edits and removals -----------------------------------------------------------------------------------------------------------------


def test_edits_and_removals_are_read_beside_whole_files() -> None:
    text = (
        emit_edit("a.py", "x = 1", "x = 2", NONCE)
        + emit("b.py", "b\n", NONCE)
        + emit_removal("./c.py", NONCE)
        + emit_edit("a.py", "old()\n", "", NONCE)
    )
    events, parsed = parse(["Here:\n", text])
    assert parsed.edits == {"a.py": (Edit("x = 1", "x = 2"), Edit("old()\n", ""))}
    assert (parsed.files, parsed.removed, parsed.broken_edits) == ({"b.py": "b\n"}, ("c.py",), ())
    assert EditStarted("a.py") in events
    assert parsed.prose == "Here:"


texts = st.text(alphabet=st.characters(exclude_characters="\0"), min_size=1).filter(str.strip)


@settings(deadline=None)
@given(texts, st.text())
def test_whatever_is_emitted_as_an_edit_is_read_back(search: str, replacement: str) -> None:
    _, parsed = parse(emit_edit("a.py", search, replacement, NONCE))
    assert parsed.edits == {"a.py": (Edit(search, replacement),)}


def test_several_edits_may_stand_in_one_block() -> None:
    body = "".join(f"{finding(NONCE)}\n{a}\n{replacing(NONCE)}\n{b}\n" for a, b in (("one", "1"), ("two", "2")))
    _, parsed = parse([f"{edit_opening(NONCE)}a.py>>>\n{body}{closing(NONCE)}\n"])
    assert parsed.edits == {"a.py": (Edit("one", "1"), Edit("two", "2"))}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "just text\n",
        f"{replacing(NONCE)}\na\n{finding(NONCE)}\nb\n",
        f"{finding(NONCE)}\na\n",
        f"{finding(NONCE)}\n\n{replacing(NONCE)}\nb\n",
        f"talk\n{finding(NONCE)}\na\n{replacing(NONCE)}\nb\n",
        f"{finding('feedfacefeedface')}\na\n{replacing('feedfacefeedface')}\nb\n",
    ],
)
def test_an_edit_that_is_not_in_the_format_is_reported_and_never_made(body: str) -> None:
    _, parsed = parse([f"{edit_opening(NONCE)}a.py>>>\n{body}{closing(NONCE)}\n"])
    assert (parsed.edits, parsed.broken_edits) == ({}, ("a.py",))


def test_an_edit_that_is_cut_off_takes_the_files_other_edits_with_it() -> None:
    text = emit_edit("a.py", "x", "y", NONCE) + emit_edit("a.py", "p", "q", NONCE)[:-20]
    assert (parse([text])[1].edits, parse([text])[1].broken_edits) == ({}, ("a.py",))


def test_hostile_paths_are_refused_in_edits_and_removals_too() -> None:
    _, parsed = parse([emit_edit("../a.py", "x", "y", NONCE), emit_removal("/etc/passwd", NONCE)])
    assert (parsed.edits, parsed.removed, len(parsed.problems)) == ({}, (), 2)


# -- JSON -------------------------------------------------------------------------------------------------------------------------------

JSON = json.dumps({"files": [{"path": "a.py", "content": "print('&lt;')\n"}, {"path": "../b", "content": "x"}], "note": "hi"})


@pytest.mark.parametrize("text", [JSON, f"\n```json\n{JSON}\n```\n", f"```\n{JSON}\n```"])
def test_an_answer_that_is_json_and_nothing_else_is_read_as_the_files_in_it(text: str) -> None:
    _, parsed = parse([text])
    assert (parsed.files, parsed.was_json, parsed.prose) == ({"a.py": "print('&lt;')\n"}, True, "")
    assert len(parsed.problems) == 1


def test_a_mapping_of_paths_is_read_likewise() -> None:
    assert parse([json.dumps({"files": {"a.py": "1\n"}})])[1].files == {"a.py": "1\n"}


@pytest.mark.parametrize(
    "text",
    [
        JSON[:-5],
        "Here you are: " + JSON,
        JSON + emit("c.py", "c\n", NONCE),
        json.dumps({"files": []}),
        json.dumps({"files": [{"path": "a.py"}]}),
        json.dumps(["a.py"]),
        '{"files": ' + "[" * 100_000,
    ],
)
def test_json_that_is_cut_mixed_or_something_else_is_just_text(text: str) -> None:
    _, parsed = parse([text])
    assert "a.py" not in parsed.files
    assert not parsed.was_json


def test_two_million_characters_in_small_pieces_are_parsed_before_the_suite_gives_up() -> None:
    """Work that grows with the square of the text would take hours here; the speed itself is measured in `bench`."""
    text = (f"\n{opening(NONCE)}" + "y" * 10 + "\n") * 25_000 + "<<<end:" * 150_000
    parser = Parser(NONCE)
    for at in range(0, len(text), 5):
        parser.feed(text[at : at + 5])
    assert not parser.finish().files
