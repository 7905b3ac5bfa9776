"""The blocks that everything here is made of, as plain dictionaries, and how much room they take. Called by the renderers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from adapters.slack.render.text import calm, clip, exact, pieces, units
from core.conversation import fitting

Block = dict[str, Any]
Element = dict[str, Any]
Line = list[Element]

PIECE = 2000  #: characters of one block of text; Slack takes 3,000
HEADER, BUTTON, CONTEXT, FIELD, FIELDS = 150, 75, 2000, 2000, 10


def weight(value: object) -> int:
    """Bytes on the wire."""
    return len(json.dumps(value, ensure_ascii=False).encode())


def plain(text: str, most: int) -> Element:
    """A plain text object; Slack takes no empty one."""
    return {"type": "plain_text", "text": clip(calm(text), most).strip() or "–", "emoji": True}


def mrkdwn(text: str) -> Element:
    """A mrkdwn object of text that was made safe; Slack is told to read no more into it."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def header(text: str) -> Block:
    return {"type": "header", "text": plain(" ".join(text.split()), HEADER)}


def context(*elements: Element) -> Block:
    return {"type": "context", "elements": list(elements)}


def note(text: str) -> Block:
    """A small grey line."""
    return context(plain(text, CONTEXT))


def section(text: str) -> Block:
    """A section of mrkdwn that was made safe."""
    return {"type": "section", "text": mrkdwn(text), "expand": True}


def divider() -> Block:
    return {"type": "divider"}


def actions(elements: Sequence[Element]) -> Block:
    return {"type": "actions", "elements": list(elements)}


def rich(*elements: Element) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def paragraph(lines: Sequence[Line], kind: str = "rich_text_section") -> Block:
    """Lines of inline elements, below each other in one rich text."""
    joined: list[Element] = []
    for number, line in enumerate(lines):
        if number:
            joined.append({"type": "text", "text": "\n"})
        joined += line
    return rich({"type": kind, "elements": joined})


def preformatted(text: str) -> Block:
    return rich({"type": "rich_text_preformatted", "elements": [{"type": "text", "text": exact(text)}]})


def packed(lines: Sequence[Line], most: int = PIECE) -> Iterator[list[Line]]:
    """The lines in portions that fit; a line that is longer by itself goes on in the next portion."""
    portion: list[Line] = []
    used = 0
    for line in lines:
        for part in _parts(line, most):
            size = sum(_length(element) for element in part) + 1
            if portion and used + size > most:
                yield portion
                portion, used = [], 0
            portion.append(part)
            used += size
    if portion:
        yield portion


def _length(element: Element) -> int:
    return units(str(element.get("text", ""))) + units(str(element.get("url", "")))


def _parts(line: Line, most: int) -> Iterator[Line]:
    """A line, cut where it is too long."""
    part: Line = []
    used = 0
    for element in line:
        cut = list(pieces(element["text"], most - 1)) if element["type"] == "text" else [None]
        for text in cut:
            made = element if text is None else {**element, "text": text}
            if part and used + _length(made) >= most:
                yield part
                part, used = [], 0
            part.append(made)
            used += _length(made)
    if part or not line:
        yield part


def in_lines(text: str, most: int = PIECE) -> Iterator[str]:
    """Preformatted text in portions that fit, cut between lines where that can be."""
    portion: list[str] = []
    used = 0
    for line in text.split("\n"):
        for part in [line] if units(line) < most else list(pieces(line, most - 1)):
            size = units(part) + 1
            if portion and used + size > most:
                yield "\n".join(portion)
                portion, used = [], 0
            portion.append(part)
            used += size
    if any(part.strip() for part in portion):
        yield "\n".join(portion)


def left(number: int, noun: str, name: str) -> Block:
    """What is not shown here, and where it is. The noun is "more line", "earlier line"."""
    return note(fitting.left(number, noun, name))
