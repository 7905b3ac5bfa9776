"""Parts of a card as lines of plain words, the same on every platform that shows them one below the other.

Called by the chat adapters' renderers, which escape what they are given here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from core.conversation.presenter.phrases import count, duration
from core.words.cards import Facts, Step, Steps, StepState, Table, Tone

MARKS: Mapping[StepState, str] = {
    StepState.DONE: "✓",
    StepState.FAILED: "✕",
    StepState.RUNNING: "●",
    StepState.WAITING: "○",
    StepState.SKIPPED: "–",
}
DOTS: Mapping[Tone, str] = {Tone.WORKING: "🔵", Tone.WAITING: "🟡", Tone.GOOD: "🟢", Tone.BAD: "🔴", Tone.QUIET: "⚪"}
LOUD = (StepState.FAILED, StepState.RUNNING)  #: of very many steps they come first
QUIET = (StepState.WAITING, StepState.SKIPPED)  #: their names are not bold

_HEADING, _FENCE = re.compile(r"#{1,4} +(\S.*)"), re.compile(r"\s*```\w*\s*")
_FILE_NAME = re.compile(r"[\w.@+ -]{1,80}\.\w{1,10}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """Lines of instructions that belong together."""

    kind: Literal["text", "heading", "code"]
    lines: Sequence[str]


def prose(text: str) -> Iterator[Prose]:
    """Instructions are Markdown, of which headings and fenced code are shown as what they are."""
    words: list[str] = []
    fenced: list[str] | None = None
    for line in text.split("\n"):
        if _FENCE.fullmatch(line):
            if fenced is None:
                yield Prose(kind="text", lines=words)
                words, fenced = [], []
            else:
                yield Prose(kind="code", lines=fenced)
                fenced = None
        elif fenced is not None:
            fenced.append(line)
        elif found := _HEADING.fullmatch(line):
            yield Prose(kind="text", lines=words)
            yield Prose(kind="heading", lines=[found[1]])
            words = []
        else:
            words.append(line)
    yield Prose(kind="text", lines=words) if fenced is None else Prose(kind="code", lines=fenced)


def after(step: Step) -> str:
    """What stands behind a step's name."""
    took = [] if step.seconds is None else [duration(step.seconds)]
    told = " · ".join([*([step.detail] if step.detail.strip() else []), *took])
    return f"  {told}" if told else ""


def steps_whole(item: Steps) -> str:
    """All steps, for a file."""
    return "\n".join([item.title, *(f"{MARKS[step.state]} {step.name}{after(step)}" for step in item.steps)]).strip()


def facts_whole(item: Facts) -> str:
    """All facts, for a file."""
    return "\n".join(f"{fact.label}: {fact.value}" for fact in item.facts)


def filled(item: Table) -> list[list[str]]:
    """The rows that have anything in them, the columns' names first."""
    return [row for row in [item.columns, *item.rows] if any(cell.strip() for cell in row)]


def aligned(rows: Sequence[Sequence[str]], width: Callable[[str], int] = len) -> list[str]:
    """The rows in columns."""
    columns = max(len(row) for row in rows)
    wide = [max((width(row[at]) for row in rows if at < len(row)), default=0) for at in range(columns)]
    return ["  ".join(cell + " " * (wide[at] - width(cell)) for at, cell in enumerate(row)).rstrip() for row in rows]


def tail(lines: Sequence[str], most: int, room: int, weight: Callable[[str], int]) -> Sequence[str]:
    """The last lines that have room, and at least the last one."""
    used = 0
    for back, line in enumerate(reversed(lines[-most:]), 1):
        used += weight(line)
        if used > room and back > 1:
            return lines[len(lines) - back + 1 :]
    return lines[-most:]


def file_name(title: str) -> str:
    """The name for a file whose text is on a card with its path as title."""
    name = title.strip().rpartition("/")[2]
    return name if _FILE_NAME.fullmatch(name) else "code.txt"


def bare(url: str) -> str:
    """A URL as it is read out."""
    return re.sub(r"^https?://", "", url, flags=re.IGNORECASE).rstrip("/") or url


def pictures_elsewhere(alts: Sequence[str]) -> str:
    """Where pictures are that this platform does not have."""
    named = alts[0] if len(alts) == 1 else f"{count(len(alts), 'picture')} ({'; '.join(alts)})"
    return f"🖼 On the page of Nexus: {named}"
