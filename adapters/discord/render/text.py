"""Untrusted text for Discord: nothing in it is Markdown, nobody is mentioned by it, and links show where they lead.

Called by everything here that writes a text; nothing else escapes. A line is made of spans, so that one that is too long is cut between
characters and never between a backslash and what it escapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from core.conversation.measuring import JOINER, pieces, units, without_controls

_BROADCAST = re.compile(r"@(?=everyone|here)", re.IGNORECASE)
_ENTITY = re.compile(r"<(?=[@#:/!]|(?:a|t|id):)", re.IGNORECASE)
_FORMAT = re.compile(r"([\\*_~`|<\[\]])|(:)(?=//|[\w+~-]+:)")
_OPENING = re.compile(r"^([^\S\n]*)(?:([#>+-])|(\d{1,9})(?=[.)](?:\s|$)))", re.MULTILINE)
_TICKS = re.compile(r"``(?=`)")
_INLINE = re.compile(r"`([^`\n]{1,300})`|(https?://[^\s<>]{1,500})", re.IGNORECASE)
_URL = re.compile(r"https?://[\w.~:/?#@!$&'()*+,;=%\[\]-]{1,500}", re.IGNORECASE | re.ASCII)
_TRAILING = ".,:;!?\"')]}…"


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a line. A ``link`` is a URL that `link_url` knows; ``raw`` is Markdown of our own."""

    text: str
    style: Literal["words", "bold", "code", "link", "raw"] = "words"


Line = Sequence[Span]


def calm(text: str) -> str:
    """Words that mention nobody, for labels and other fields that Discord does not parse."""
    return _ENTITY.sub("<" + JOINER, _BROADCAST.sub("@" + JOINER, without_controls(text)))


def exact(text: str) -> str:
    """Code and other values that are copied: nothing is added."""
    return without_controls(text)


def escape(text: str) -> str:
    """Words inside Markdown, where they format, link and mention nothing."""
    escaped = _FORMAT.sub(lambda found: "\\" + found[0], calm(text))
    return _OPENING.sub(lambda found: f"{found[1]}\\{found[2]}" if found[2] else f"{found[1]}{found[3]}\\", escaped)


def code(text: str) -> str:
    """Inline code; what is in it stays as it is, as far as Discord can show it."""
    text = " ".join(exact(text).split("\n"))
    runs = {len(run) for run in re.findall(r"`+", text)}
    if {1, 2} <= runs:
        text, runs = re.sub(r"`(?=`)", "`" + JOINER, text), {1}
    ticks = "``" if 1 in runs else "`"
    left = " " if text[:1] in ("`", " ") else ""  # Discord takes one space away where it stands between the ticks
    right = " " if text[-1:] in ("`", " ") else ""
    return f"{ticks}{left}{text}{right}{ticks}"


def in_fence(text: str) -> str:
    """A line of a block of code, which does not end it."""
    return _TICKS.sub("``" + JOINER, exact(text))


def fence(lines: Iterable[str], language: str = "") -> str:
    """A block of code from lines that `in_fence` made."""
    return "```" + language + "\n" + "\n".join(lines) + "\n```"


def link_url(url: str) -> str:
    """The URL when it can be shown as a link that leads there, else nothing."""
    return url if _URL.fullmatch(url) and units(url) <= 500 else ""


def inline(text: str, style: Literal["words", "bold"] = "words") -> list[Span]:
    """Words between backticks as code, web addresses as links that show where they lead, words as words."""
    found: list[Span] = []
    end = 0
    text = without_controls(text)
    for match in _INLINE.finditer(text):
        stop = match.end()
        if match[1] is not None:
            made = Span(match[1], "code") if match[1].strip() else Span(match[0], style)
        else:
            url = match[2].rstrip(_TRAILING)
            stop = match.start() + len(url)
            made = Span(url, "link" if link_url(url) else style)
        found += [Span(text[end : match.start()], style), made]
        end = stop
    return _together([*found, Span(text[end:], style)])


def _together(spans: Iterable[Span]) -> list[Span]:
    """Without empty ones; equal ones that follow each other are one: what they say together is escaped together."""
    made: list[Span] = []
    for span in spans:
        if made and made[-1].style == span.style and span.style in ("words", "bold"):
            made[-1] = Span(made[-1].text + span.text, span.style)
        elif span.text:
            made.append(span)
    return made


def draw(line: Line) -> str:
    """The Markdown of a line."""
    made = ""
    for part in map(_drawn, line):
        made += _apart(made, part)
    return made


def _apart(before: str, part: str) -> str:
    """The part, and what keeps its stars and ticks from those before it."""
    return JOINER + part if before[-1:] in ("*", "`") and part[:1] == before[-1:] else part


def _drawn(span: Span) -> str:
    match span.style:
        case "raw":
            return span.text
        case "link":
            return f"<{span.text}>"
        case "code":
            return code(span.text) if exact(span.text).strip() else ""
        case "bold":
            return bold(span.text)
        case "words":
            return escape(span.text)


def bold(text: str) -> str:
    """Bold words; the space around them stays outside, where Discord wants it."""
    text = without_controls(text)
    inner = text.strip()
    if not inner:
        return text
    lead = text[: len(text) - len(text.lstrip())]
    return f"{lead}**{escape(inner)}**{text[len(text.rstrip()) :]}"


def drawn(line: Line, most: int) -> Iterator[str]:
    """The Markdown of a line in portions that fit; a line that is too long goes on in the next one."""
    portion, used = "", 0
    for span in _together(line):
        made = _drawn(span)
        parts = [("", made)]
        if units(made) > most and span.style not in ("raw", "link"):
            parts = [(between, _drawn(Span(part, span.style))) for between, part in _cut(span.text, most // 3 - 8)]
        for between, one in parts:
            part = _apart(portion, between + one)
            if portion and used + units(part) > most:
                yield portion
                portion, used, part = "", 0, one
            portion += part
            used += units(part)
    if portion or not line:
        yield portion


def _cut(text: str, most: int) -> Iterator[tuple[str, str]]:
    """Parts that fit, each with what stands between it and the one before: a space where it was cut at one, else what keeps the two from
    being read as one word."""
    end = 0
    for number, part in enumerate(pieces(text, most)):
        begins = max(text.find(part, end), end)
        yield "" if not number else " " if begins > end else JOINER, part
        end = begins + len(part)
