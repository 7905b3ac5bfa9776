"""A thread in a terminal: cards appear, move while they work, and stay when they are done.

Called by the CLI with messages as they come, oldest first and again whenever one changed. In a terminal, what works is shown at the
bottom and edited in place; elsewhere (a pipe, a log, ``NO_COLOR``) every step is a plain line. What scrolled by is never shown again: a
card that was printed whole gets at most one more line, when it comes to nothing.
"""

from __future__ import annotations

import io
import os
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from bot.terminal_parts import ASCII_SIGNS, Signs, header, render, step_line, words
from core.words.cards import Card, Section, Steps, StepState, Tone
from core.words.views import MessageView

__all__ = ["TerminalView", "render"]

_TOLD = {StepState.DONE, StepState.FAILED, StepState.SKIPPED}


class TerminalView:
    """Shows messages on a console. Use it as a context manager, so that the cursor comes back."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self.live = self._console.is_terminal and not self._console.is_dumb_terminal and "NO_COLOR" not in os.environ
        ascii_only = self._console.options.ascii_only
        self._signs = ASCII_SIGNS if ascii_only else Signs()
        if ascii_only and isinstance(self._console.file, io.TextIOWrapper):
            self._console.file.reconfigure(errors="replace")  # an app's log may hold anything
        self._display: Live | None = None
        self._working: dict[str, Card] = {}
        self._printed: dict[str, Tone] = {}  # cards that stand there whole, and words
        self._lines: dict[str, set[tuple[str, str]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def show(self, message: MessageView) -> None:
        """Show a message, new or changed."""
        if message.card is None:
            if message.message not in self._printed:
                self._printed[message.message] = Tone.QUIET
                self._print(words(message.author, message.text))
            return
        self._show(message.message, message.card)

    def answer(self, card: Card) -> None:
        """Show a card that is the whole answer to a command."""
        self._print(render(card, signs=self._signs, spinning=False))

    def close(self) -> None:
        """Leave what is there, and give the cursor back."""
        if self._display is not None:
            self._display.stop()
            self._display = None

    def _show(self, name: str, card: Card) -> None:
        if name in self._printed:
            if card.tone in {Tone.BAD, Tone.QUIET} and self._printed[name] not in {Tone.BAD, Tone.QUIET}:
                self._console.print(header(card, signs=self._signs), soft_wrap=True)
                self._printed[name] = card.tone
        elif card.tone is Tone.WORKING:
            self._working[name] = card
            if self.live:
                self._refresh()
            else:
                self._tell(name, card)
        else:
            self._working.pop(name, None)
            self._refresh()
            self._printed[name] = card.tone
            self._print(render(card, signs=self._signs, spinning=False))

    def _print(self, whole: RenderableType) -> None:
        """Print for good; without the spaces at the ends of lines where somebody may cut and compare them."""
        if self.live:
            self._console.print(whole)
            return
        with self._console.capture() as capture:
            self._console.print(whole)
        self._console.file.write("".join(row.rstrip() + "\n" for row in capture.get().splitlines()))

    def _refresh(self) -> None:
        """Show what works at the bottom; nothing when nothing does."""
        if not self._working:
            self.close()
            return
        if not self.live:
            return
        group = Group(*(render(_moving(card), signs=self._signs) for card in self._working.values()))
        if self._display is None:
            self._display = Live(group, console=self._console, transient=True, refresh_per_second=10)
            self._display.start()
        else:
            self._display.update(group)

    def _tell(self, name: str, card: Card) -> None:
        """The news of a working card, as lines."""
        if any(isinstance(child, Section) for child in card.children):
            return  # it is about to be printed whole
        told = self._lines.get(name)
        if told is None:
            told = self._lines[name] = set()
            self._console.print(header(card, signs=self._signs), soft_wrap=True)
        for steps in (child for child in card.children if isinstance(child, Steps)):
            for step in steps.steps:
                news = (step.name, step.state.value)
                if step.state in _TOLD and news not in told:
                    told.add(news)
                    self._console.print(step_line(step, signs=self._signs), soft_wrap=True)
        for text in (child for child in card.children if child.type == "text"):
            for row in text.text.splitlines():
                if (news := ("note", row)) not in told:
                    told.add(news)
                    self._console.print(Text("  " + " ".join(row.split())), soft_wrap=True)


def _moving(card: Card) -> Card:
    """A card as it is shown while it is edited in place: what scrolls off the screen could not be."""
    return card.model_copy(update={"children": [child for child in card.children if not isinstance(child, Section)]})
