"""A card that is being worked on as the plan of Slack's stream: one task for each step, and only what changed is sent.

Called by the stream with the card that was shown and the one to show. Of a task that is sent again, Slack replaces the title and the state
but *appends* to details and output: everything that changes is in the title. Words from outside are in plain fields and plain text, never
in markdown, which would read mentions in them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from adapters.slack.render.blocks import CONTEXT, note
from adapters.slack.render.text import calm, clip
from core.conversation.presenter.phrases import duration
from core.words.cards import Card, Step, Steps, StepState, Text, Tone

FIELD = 256  #: characters of a title or an id
_STATUS = {
    StepState.WAITING: "pending",
    StepState.RUNNING: "in_progress",
    StepState.DONE: "complete",
    StepState.FAILED: "error",
    StepState.SKIPPED: "complete",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    title: str
    status: str


def title(card: Card) -> str:
    """What stands above the tasks."""
    told = [part for part in (card.title.strip(), card.status.strip()) if part]
    return clip(_line(" · ".join(told)) or "Nexus", FIELD)


def chunks(old: Card | None, new: Card) -> list[dict[str, Any]]:
    """What a stream that shows ``old`` has to be told to show ``new``; with None, what it begins with."""
    made: list[dict[str, Any]] = []
    if old is None or title(old) != title(new):
        made.append({"type": "plan_update", "title": title(new)})
    before, now = _tasks(old) if old is not None else {}, _tasks(new)
    for name, task in before.items():
        if name not in now and task.status not in ("complete", "error"):  # what is over is not told again
            made.append({"type": "task_update", "id": name, "title": task.title, "status": "complete"})
    for name, task in now.items():
        if before.get(name) != task:
            made.append({"type": "task_update", "id": name, "title": task.title, "status": task.status})
    shown = set(_notes(old)) if old is not None else set()
    said = "\n".join(line for line in _notes(new) if line not in shown)
    if said.strip():
        made.append({"type": "blocks", "blocks": [note(clip(said, CONTEXT))]})  # the card that comes in the end says it whole
    return made


def _tasks(card: Card) -> dict[str, _Task]:
    """The tasks by their ids, which stay when others come in between."""
    found: dict[str, _Task] = {}
    listed = [step for child in card.children if isinstance(child, Steps) for step in child.steps]
    for step in listed:
        name = re.sub(r"\W+", "-", step.name.casefold()).strip("-")[:80] or "step"
        number = sum(known == name or known.startswith(f"{name}#") for known in found) + 1
        found[name if number == 1 else f"{name}#{number}"] = _Task(title=_told(step), status=_STATUS[step.state])
    waits = [child.text for child in card.children if isinstance(child, Text) and child.style == "body" and child.text.strip()]
    if waits and not listed and card.tone is Tone.WORKING:
        found["waiting"] = _Task(title=clip(_line(waits[0]), FIELD) or "Waiting", status="in_progress")
    return found


def _told(step: Step) -> str:
    took = [] if step.seconds is None else [duration(step.seconds)]
    skipped = ["skipped"] if step.state is StepState.SKIPPED else []
    told = " · ".join(part for part in (step.name.strip(), step.detail.strip(), *skipped, *took) if part)
    return clip(_line(told) or "Step", FIELD)


def _notes(card: Card) -> list[str]:
    """The lines that are worth knowing while it works: warnings, and notes."""
    noted = [child.text for child in card.children if isinstance(child, Text) and child.style in ("muted", "warning")]
    return [line for text in noted for line in text.split("\n") if line.strip()]


def _line(text: str) -> str:
    return " ".join(calm(text).split())
