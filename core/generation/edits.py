"""Exact edits: text that must occur exactly once in a file, and what stands there instead.

Read by the parser out of what a model wrote, applied by the pipeline. An edit that does not apply is reported, with the reason,
and never guessed at: the file is then asked for whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.generation import sentinels


@dataclass(frozen=True, slots=True)
class Edit:
    """``search`` occurs exactly once; ``replacement`` may be empty."""

    search: str
    replacement: str


@dataclass(frozen=True, slots=True)
class DoesNotApply:
    """Why an edit was not made: a sentence for the model, which names the next action."""

    message: str


def read_edits(body: str, nonce: str) -> tuple[Edit, ...] | None:
    """The edits in the body of an edit block, one or more; None when it is not in the format."""
    find, replace = re.escape(sentinels.finding(nonce)), re.escape(sentinels.replacing(nonce))
    marks = re.compile(rf"^(?:(?P<find>{find})|(?P<with>{replace}))[ \t]*(?:\r?\n|\Z)", re.MULTILINE)
    found = list(marks.finditer(body))
    if not found or len(found) % 2 or body[: found[0].start()].strip():
        return None
    edits = []
    ends = [mark.start() for mark in found[1:]] + [len(body)]
    line_end = "\r\n" if found[0].group().endswith("\r\n") else "\n"  # the one before a mark belongs to the mark
    for at in range(0, len(found), 2):
        first, second = found[at], found[at + 1]
        if first["find"] is None or second["with"] is None:
            return None
        search = body[first.end() : ends[at]].removesuffix(line_end)
        edits.append(Edit(search, body[second.end() : ends[at + 1]].removesuffix(line_end)))
    return tuple(edits) if all(edit.search.strip() for edit in edits) else None


def apply(text: str, edits: Sequence[Edit]) -> str | DoesNotApply:
    """``text`` with every edit made, in order: all of them or none."""
    for number, edit in enumerate(edits, 1):
        count = text.count(edit.search)
        if count != 1:
            how = "does not occur in the file" if count == 0 else f"occurs {count} times"
            which = "its text" if len(edits) == 1 else f"the text of edit {number}"
            return DoesNotApply(f"The edit was not made, because {which} {how}.")
        start = text.index(edit.search)
        end = start + len(edit.search)
        whole_lines = (start == 0 or text[start - 1] == "\n") and text.startswith("\n", end)
        if not edit.replacement and whole_lines:
            end += 1  # lines that are taken out leave no empty line behind
        text = text[:start] + edit.replacement + text[end:]
    return text
