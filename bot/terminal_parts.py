"""Cards as rich renderables. Pure: a card in, something to print out.

Called by `bot.terminal`. Every text of a card is untrusted: it becomes `rich.text.Text`, never markup, and control characters are gone
before it gets near a terminal. Buttons are left out, as there is nothing to press: the commands that do the same are named instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.spinner import Spinner
from rich.style import Style
from rich.table import Table
from rich.text import Text

from core.conversation.presenter.phrases import duration, size
from core.conversation.redaction import plain
from core.words import cards as c

_TONES = {
    c.Tone.WORKING: "blue",
    c.Tone.WAITING: "yellow",
    c.Tone.GOOD: "green",
    c.Tone.BAD: "red",
    c.Tone.QUIET: "bright_black",
}
_BAR = box.Box("    \n▎   \n    \n▎   \n▎   \n    \n▎   \n    \n")
_ASCII_BAR = box.Box("    \n|   \n    \n|   \n|   \n    \n|   \n    \n", ascii=True)
_CHANGES = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red"), "": ("", "")}
_COMMANDS = {"logs": "logs", "rollback": "rollback", "stop": "stop", "delete": "delete"}
MAX_FILE_LINES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """The signs for steps."""

    done: str = "✓"
    failed: str = "✗"
    skipped: str = "–"
    waiting: str = "·"
    running: str = "…"
    dot: str = "●"
    line: str = "│"
    ascii: bool = False


ASCII_SIGNS = Signs(done="ok", failed="no", skipped="-", waiting=".", running="..", dot="*", line="|", ascii=True)


def clean(text: str) -> str:
    """Fit for a terminal: no escape sequence, no control character but line breaks."""
    return plain(text)


def line(text: str) -> str:
    """`clean` on one line."""
    return " ".join(clean(text).split())


def render(card: c.Card, *, signs: Signs | None = None, spinning: bool = True) -> RenderableType:
    """A card between the lines of a terminal. ``spinning`` makes running steps move, in a live display."""
    kit = _Kit(signs or Signs(), spinning)
    colour = _TONES[card.tone]
    head = Text.assemble((f"{kit.signs.dot} ", colour), (line(card.title), "bold"), ("  " + line(card.status), colour))
    parts: list[RenderableType] = [head]
    if card.subtitle:
        parts.append(Text(line(card.subtitle)))
    for child in card.children:
        parts.append(Text(""))
        parts.append(_section(child, kit) if isinstance(child, c.Section) else kit.part(child))
    if hints := _hints(card.actions):
        parts += [Text(""), hints]
    bar = _ASCII_BAR if kit.signs.ascii else _BAR
    return Panel(Group(*parts), box=bar, border_style=colour, padding=(0, 1), safe_box=False)


def header(card: c.Card, *, signs: Signs | None = None) -> Text:
    """A card on one line."""
    kit = signs or Signs()
    colour = _TONES[card.tone]
    first = next((child.text for child in card.children if isinstance(child, c.Text)), card.subtitle)
    return Text.assemble(
        (f"{kit.dot} ", colour), (line(card.title), "bold"), (f"  {line(card.status)}", colour), f"  {line(first)}"
    )


def words(author: str, text: str) -> RenderableType:
    """What a person said."""
    return Padding(Text.assemble((line(author) + "  ", "bold"), clean(text)), (1, 0, 0, 0))


def step_line(step: c.Step, *, signs: Signs | None = None) -> Text:
    """A step on one line, for a log."""
    kit = signs or Signs()
    sign, style = _sign(step.state, kit)
    seconds = "" if step.seconds is None else f" ({duration(step.seconds)})"
    detail = f": {line(step.detail)}" if step.detail else ""
    return Text.assemble(("  " + sign, style), f" {line(step.name)}{detail}", (seconds, "dim"))


def _sign(state: c.StepState, signs: Signs) -> tuple[str, str]:
    return {
        c.StepState.DONE: (signs.done, "green"),
        c.StepState.FAILED: (signs.failed, "red"),
        c.StepState.SKIPPED: (signs.skipped, "yellow"),
        c.StepState.RUNNING: (signs.running, "blue"),
        c.StepState.WAITING: (signs.waiting, "bright_black"),
    }[state]


def _section(section: c.Section, kit: _Kit) -> RenderableType:
    parts: list[RenderableType] = [Rule(Text(line(section.title), style="bold"), align="left", style="bright_black")]
    for number, child in enumerate(section.children):
        if number:
            parts.append(Text(""))
        parts.append(kit.part(child))
    return Group(*parts)


def _hints(actions: Sequence[c.Button | c.Link]) -> Text | None:
    commands = [
        f"nexus {_COMMANDS[action.action]} {line(action.value)}"
        for action in actions
        if isinstance(action, c.Button) and action.action in _COMMANDS and action.value
    ]
    return Text("Next: " + ", ".join(commands), style="dim") if commands else None


class _Kit:
    """The parts of a card."""

    def __init__(self, signs: Signs, spinning: bool) -> None:
        self.signs = signs
        self._spinning = spinning and not signs.ascii

    def part(self, child: c.Child) -> RenderableType:
        match child:
            case c.Text():
                return self._text(child)
            case c.Facts():
                return self._facts(child.facts)
            case c.Steps():
                return self._steps(child)
            case c.Files():
                return self._files(child.files)
            case c.Log():
                return self._log(child)
            case c.Table():
                return self._table(child)
            case c.Image():
                return Text(f"Picture: {line(child.alt)}", style="dim")
            case c.Section():
                return _section(child, self)

    def _text(self, text: c.Text) -> RenderableType:
        styles = {"body": "", "muted": "dim", "code": "cyan", "warning": "bold yellow"}
        prefix = "! " if text.style == "warning" else ""
        return Text(prefix + clean(text.text), style=styles[text.style], no_wrap=text.style == "code", overflow="fold")

    def _facts(self, facts: Sequence[c.Fact]) -> RenderableType:
        grid = Table.grid(padding=(0, 2), expand=False)
        grid.add_column(style="dim", no_wrap=True, min_width=13)  # the lists of facts of a card stand in line
        grid.add_column(overflow="fold")
        for fact in facts:
            value = line(fact.value)
            style: str | Style = "cyan" if fact.style == "code" else ""
            if fact.style == "link":
                web = value.startswith(("http://", "https://"))
                style = Style(color="green", bold=True, underline=True, link=value if web else None)
            grid.add_row(line(fact.label), Text(value, style=style))
        return grid

    def _steps(self, steps: c.Steps) -> RenderableType:
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_column(justify="right", style="dim", no_wrap=True)
        for step in steps.steps:
            sign, style = _sign(step.state, self.signs)
            running = step.state is c.StepState.RUNNING and self._spinning
            waiting = step.state is c.StepState.WAITING
            name = Text(line(step.name), style="bright_black" if waiting else "")
            grid.add_row(
                Spinner("dots", text=name, style="blue") if running else Text.assemble((sign, style), " ", name),
                Text(line(step.detail), style="red" if step.state is c.StepState.FAILED else "dim"),
                Text("" if step.seconds is None else duration(step.seconds)),
            )
        return Group(Text(line(steps.title), style="bold"), grid) if steps.title else grid

    def _files(self, files: Sequence[c.FileEntry]) -> RenderableType:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True, overflow="ellipsis", max_width=48)
        grid.add_column(justify="right", style="dim", no_wrap=True)
        grid.add_column(style="dim", no_wrap=True, overflow="ellipsis")
        folder: list[str] = []
        for file in sorted(files, key=_tree_order)[:MAX_FILE_LINES]:
            *parents, name = line(file.path).split("/")
            shared = next(
                (n for n, (a, b) in enumerate(zip(folder, parents, strict=False)) if a != b), min(len(folder), len(parents))
            )
            for depth in range(shared, len(parents)):
                grid.add_row(Text("  " * depth + parents[depth] + "/", style="blue"), "", "")
            folder = parents
            sign, colour = _CHANGES[file.change]
            shown = Text("  " * len(parents)).append(f"{sign} {name}" if sign else name, style=colour)
            grid.add_row(shown, Text("" if file.change == "removed" else size(file.size)), Text(line(file.purpose)))
        if len(files) > MAX_FILE_LINES:
            grid.add_row(Text(f"and {len(files) - MAX_FILE_LINES} more", style="dim"), "", "")
        return grid

    def _log(self, log: c.Log) -> RenderableType:
        rows = [Text(line(log.title), style="bold")] if log.title else []
        rows += [
            Text.assemble((f"{self.signs.line} ", "bright_black"), clean(row).replace("\n", " "), overflow="fold")
            for row in log.lines
        ]
        if not log.lines:
            rows.append(Text("It has printed nothing yet.", style="dim"))
        return Group(*rows)

    def _table(self, table: c.Table) -> RenderableType:
        grid = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False, show_edge=False)
        for number, column in enumerate(table.columns):
            grid.add_column(Text(line(column)), overflow="fold", no_wrap=number == 0)
        for row in table.rows:
            grid.add_row(*(Text(line(cell)) for cell in row))
        return grid


def _tree_order(file: c.FileEntry) -> tuple[object, ...]:
    """Folders before files at every level."""
    *parents, name = line(file.path).split("/")
    return (*((0, part) for part in parents), (1, name))
