"""A terminal shows a thread: cards that move while they work and stay when they are done, and plain lines where nothing can move."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from bot.terminal import TerminalView, render
from bot.terminal_parts import ASCII_SIGNS, clean, words
from core.conversation.presenter import AppFacts, present
from core.ids import ThreadId
from core.words import events as e
from core.words.cards import (
    Button,
    Card,
    Fact,
    Facts,
    FileEntry,
    Files,
    Image,
    Link,
    Log,
    Section,
    Step,
    Steps,
    StepState,
    Table,
    Text,
    Tone,
)
from core.words.views import MessageView
from tests.support import stories as s

APP = AppFacts(slug="todo")


def printed(card: Card, *, width: int = 90, ascii_only: bool = False) -> str:
    """A card as plain text."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(render(card, signs=ASCII_SIGNS if ascii_only else None, spinning=False))
    output = console.file
    assert isinstance(output, io.StringIO)
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines())


def messages(*facts: e.Fact) -> list[MessageView]:
    return [
        MessageView(
            message=message.key,
            thread=ThreadId("t_1"),
            order=order,
            version=order,
            author=message.author,
            text=message.text,
            card=message.card,
            at=s.START,
        )
        for order, message in enumerate(present(s.told(*facts), app=APP, now=s.START))
    ]


def last_card(*facts: e.Fact) -> Card:
    card = messages(*facts)[-1].card
    assert card is not None
    return card


READY = [*s.requested(), *s.written(), *s.verified(), *s.ready()]


def test_a_working_build_shows_its_steps_with_signs_and_seconds() -> None:
    assert printed(last_card(*s.requested(), *s.written()[:7])).splitlines() == [
        "",
        "▎ ● Todo list  Building",
        "▎ Keeps todos with due dates and priorities.",
        "▎",
        "▎ ✓ Plan                  fastapi, 2 tables, 4 files  0.4 s",
        "▎ … Write the files       2 of 4 files",
        "▎ · Install dependencies",
        "▎ · Build",
        "▎ · Try it out",
    ]


def test_the_review_card_has_the_tree_the_evidence_and_the_setup() -> None:
    text = printed(last_card(*READY))
    for line in (
        "▎ app/",
        "▎   static/",
        "▎     index.html 13 kB the page",
        "▎ README.md 1.9 kB setup",
        "▎ – Picture no browser is here",
        "▎ SMTP_URL where reminders are sent from yes",
    ):
        indent = len(line) - len(line[1:].lstrip()) - 1
        found = [row for row in text.splitlines() if row.split() == line.split()]
        assert [len(row) - len(row[1:].lstrip()) - 1 for row in found] == [indent]
    assert "✓ /api/todos" in text
    assert text.index("static/") < text.index("main.py") < text.index("migrations/") < text.index("README.md")
    assert "Approve & deploy" not in text


def test_the_live_card_has_the_address_the_facts_the_log_and_the_next_commands() -> None:
    text = printed(last_card(*READY, *s.deploying(), *s.live()))
    for line in (
        "http://todo-list.localhost:8080",
        "t_9f3c_app",
        "512 MB memory, 1 CPU",
        "│ GET /healthz 200",
        "nexus logs todo-list",
        "nexus rollback todo-list",
    ):
        assert line in text


def test_a_failed_card_shows_the_reason_and_the_log() -> None:
    text = printed(last_card(*s.requested(), *s.written(), *s.failed()))
    assert "✗ Start" in text
    assert "│ KeyError: 'SMTP_URL'" in text


def test_a_terminal_without_unicode_gets_ascii() -> None:
    text = printed(last_card(*READY), ascii_only=True)
    assert "| ok /api/todos" in text or "ok /api/todos" in text
    assert not set(text) & set("✓✗–·▎●│")


_HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold red]x[/bold red] :smile: \u202eevil\x9b31m\rover"


def everything(text: str) -> Card:
    """A card with this text in every place."""
    parts: list[Text | Facts | Steps | Files | Log | Table | Image] = [
        Text(text=text),
        Text(text=text, style="warning"),
        Text(text=text, style="code"),
        Facts(facts=[Fact(label=text, value=text, style="link"), Fact(label=text, value=text, style="code")]),
        Steps(title=text, steps=[Step(name=text, state=state, detail=text, seconds=1) for state in StepState]),
        Files(build=text, files=[FileEntry(path=text, size=1, purpose=text, change="added"), FileEntry(path="a/b", size=2)]),
        Log(title=text, lines=[text, ""], live_app=text),
        Table(columns=[text, "b"], rows=[[text, text]]),
        Image(path=text, alt=text),
    ]
    return Card(
        kind="notice",
        title=text,
        subtitle=text,
        tone=Tone.BAD,
        status=text,
        children=[*parts, Section(id="x", title=text, children=list(parts))],
        actions=[Link(label=text, url=text), Button(action="logs", value=text[:69], label=text)],
    )


def test_untrusted_text_is_neither_markup_nor_an_escape_sequence() -> None:
    console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system="truecolor")
    console.print(render(everything(_HOSTILE)), words(_HOSTILE, _HOSTILE))
    output = console.file
    assert isinstance(output, io.StringIO)
    text = output.getvalue()
    assert "[bold red]x[/bold red] :smile:" in text
    for bad in ("\x1b[2J", "\x1b]0;", "\x07", "\x9b", "\r", "\u202e"):
        assert bad not in text


@settings(deadline=None)
@given(st.text(max_size=60), st.integers(10, 120))
def test_any_text_in_any_place_can_be_rendered_at_any_width(text: str, width: int) -> None:
    out = printed(everything(text), width=width)
    assert not set(out) & {chr(n) for n in [*range(10), *range(11, 32), 127]}


@given(st.text())
def test_cleaning_leaves_nothing_to_act_on(text: str) -> None:
    assert all(c == "\n" or ord(c) >= 32 for c in clean(text))


# -- over time -------------------------------------------------------------------------------------------------------------


class Screen:
    """A terminal view on a file."""

    def __init__(self, *, terminal: bool) -> None:
        self.file = io.StringIO()
        self.console = Console(file=self.file, width=100, height=50, force_terminal=terminal, color_system=None)
        self.view = TerminalView(self.console)

    def show(self, *facts: e.Fact) -> None:
        """Everything as it is after each event."""
        for length in range(1, len(facts) + 1):
            for message in messages(*facts[:length]):
                self.view.show(message)
        self.view.close()

    @property
    def text(self) -> str:
        return self.file.getvalue()


def test_without_a_terminal_every_step_is_one_plain_line() -> None:
    screen = Screen(terminal=False)
    screen.show(*READY)
    lines = screen.text.splitlines()
    assert not screen.view.live
    assert "\x1b" not in screen.text
    assert lines.count("  ✓ Plan (0.4 s)") == 1
    assert lines.count("  ✓ Write the files: 5 files (6.2 s)") == 1
    assert sum("Ready for review" in line for line in lines) == 1
    assert sum("Ann  a todo app with due dates" in line for line in lines) == 1


def test_in_a_terminal_what_works_is_edited_in_place_and_what_is_done_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    screen = Screen(terminal=True)
    screen.show(*READY, *s.deploying(), *s.live())
    assert screen.view.live
    assert "\x1b[2K" in screen.text
    assert screen.text.count("Ready for review") == 1
    assert screen.text.count("Live") == 1
    assert screen.text.count("\x1b[?25l") == screen.text.count("\x1b[?25h") > 0


def test_a_card_that_is_taller_than_the_screen_is_never_edited_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    screen = Screen(terminal=True)
    screen.show(*READY[:-1])
    assert "It is built and tried." in screen.text
    assert "index.html" not in screen.text


def test_plain_output_has_no_spaces_at_the_ends_of_lines() -> None:
    screen = Screen(terminal=False)
    screen.show(*READY)
    assert [line for line in screen.text.splitlines() if line != line.rstrip()] == []


def test_no_color_means_plain_lines_even_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen(terminal=True)
    screen.show(*READY)
    assert not screen.view.live
    assert "\x1b[2K" not in screen.text


def test_a_card_that_comes_to_nothing_after_it_was_printed_gets_one_line() -> None:
    screen = Screen(terminal=False)
    ended = e.ApprovalEnded(approval=s.APPROVAL, build=s.BUILD, outcome="discarded", by="Ben")
    screen.show(*READY, ended, e.Said(by="Ann", text="oh"))
    lines = [line for line in screen.text.splitlines() if "Discarded" in line]
    assert lines == ["● Todo list  Discarded  Discarded by Ben. Nothing was deployed."]


def test_a_queued_build_says_so_once_for_each_place() -> None:
    screen = Screen(terminal=False)
    waiting = [e.BuildQueued(build=s.BUILD, ahead=n) for n in (2, 2, 1)]
    screen.show(*s.requested(), *waiting)
    assert screen.text.count("2 builds are ahead of it.") == 1
    assert screen.text.count("1 build is ahead of it.") == 1


def test_an_output_that_knows_only_ascii_is_not_broken_by_it() -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    view = TerminalView(Console(file=file, width=100))
    for message in messages(*READY):
        view.show(message)
    assert b"ok /api/todos" in raw.getvalue()
