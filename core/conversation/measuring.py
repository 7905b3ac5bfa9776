"""Text as chat platforms measure it: how long it is, and cut where that can be seen.

Called by the renderers of platforms with limits. Lengths are counted in UTF-16 units, the strictest way that one of them may count. It
hides nothing: what `clip` leaves out, the caller has to put somewhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.conversation.redaction import plain

ELLIPSIS = "…"
JOINER = "\u2060"  #: invisible, breaks no line, and ends what looks like a mention

_WEB = re.compile(r"https?://[^\s\x00-\x20\"'<>|\\`]{1,2900}", re.IGNORECASE)


def without_controls(text: str) -> str:
    """The text without control characters, escape sequences and what reorders it."""
    return text if text.isprintable() else plain(text)


def units(text: str) -> int:
    """How long a platform takes it to be."""
    return len(text) + sum(c > "\uffff" for c in text) if not text.isascii() else len(text)


def clip(text: str, most: int, note: str = ELLIPSIS) -> str:
    """The text, or its beginning with a visible end."""
    if units(text) <= most:
        return text
    return start(text, most - units(note)).rstrip() + note


def start(text: str, most: int) -> str:
    """As many characters as fit."""
    most = max(most, 0)
    if units(text[:most]) <= most:
        return text[:most]
    kept = 0
    for at, c in enumerate(text):
        kept += 2 if c > "\uffff" else 1
        if kept > most:
            return text[:at]
    return text


def pieces(text: str, most: int) -> Iterator[str]:
    """The text in parts that fit: cut at a line's end where there is one late enough, else at a space, else anywhere. The character at
    which it is cut is dropped when it is white space; nothing else is."""
    most = max(most, 2)  # of less there would be no end
    at = 0
    while at < len(text):
        part = start(text[at : at + most + 1], most)
        if at + len(part) == len(text):
            yield part
            return
        cut = part.rfind("\n") if "\n" in part[len(part) // 2 :] else part.rfind(" ")
        if cut <= len(part) // 2:
            yield part
            at += len(part)
        else:
            yield part[:cut]
            at += cut + 1


def web_url(url: str) -> str:
    """The URL when a link may lead there, else nothing: http and https alone."""
    return url if _WEB.fullmatch(url) and url.isprintable() else ""
