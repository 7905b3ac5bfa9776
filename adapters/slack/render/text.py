"""Untrusted text for Slack: nothing in it is markup, nobody is notified by it, and where it is cut, it says so.

Called by everything here that writes a text; nothing else escapes. Lengths are counted in UTF-16 units, the strictest way that Slack may
count. It invents no text and hides none: what `clip` leaves out, the caller has to put somewhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from core.conversation.redaction import plain

ELLIPSIS = "…"
JOINER = "\u2060"  #: invisible, breaks no line, and ends what looks like a mention

_BROADCAST = re.compile(r"@(?=(?:channel|here|everyone)\b)", re.IGNORECASE)
_ENTITY = re.compile(r"<(?=[!@#])")
_FORMAT = re.compile(r"([*_~`])")
_INLINE = re.compile(r"`([^`\n]{1,300})`|(https?://[^\s<>\"'`|\\]{1,500}[^\s<>\"'`|\\.,;:!?)\]}…])", re.IGNORECASE)
_WEB = re.compile(r"https?://[^\s\x00-\x20\"'<>|\\`]{1,2900}", re.IGNORECASE)
_WILD = re.compile(r"[*_~`<>&@#|\n]|:[\w+-]+:")


def without_controls(text: str) -> str:
    """The text without control characters, escape sequences and what reorders it."""
    return text if text.isprintable() else plain(text)


def units(text: str) -> int:
    """How long Slack takes it to be."""
    return len(text) + sum(c > "\uffff" for c in text) if not text.isascii() else len(text)


def calm(text: str) -> str:
    """Words that mention nobody, for plain and rich text, which Slack does not parse: the joiner is for whatever quotes them elsewhere."""
    return _ENTITY.sub("<" + JOINER, _BROADCAST.sub("@" + JOINER, without_controls(text)))


def exact(text: str) -> str:
    """Code and other values that are copied: nothing is added."""
    return without_controls(text)


def escape(text: str) -> str:
    """For mrkdwn and the text of a message: Slack's three characters."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def markup(text: str) -> str:
    """Words inside mrkdwn, where they format and mention nothing."""
    return escape(_FORMAT.sub(JOINER + r"\1" + JOINER, calm(text)))


def tame(text: str) -> bool:
    """Whether a text means the same as mrkdwn and as plain text."""
    return _WILD.search(text) is None


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


def inline(text: str, style: str = "") -> list[dict[str, Any]]:
    """The elements of a rich text: words between backticks as code, web addresses as links that show where they lead, words as words."""
    found: list[dict[str, Any]] = []
    end = 0
    text = without_controls(text)
    for match in _INLINE.finditer(text):
        found += words(text[end : match.start()], style)
        if match[1] is not None:
            found += words(match[1], "code")
        else:
            found.append({"type": "link", "url": match[2]})
        end = match.end()
    return found + words(text[end:], style)


def words(text: str, style: str = "") -> list[dict[str, Any]]:
    """One element of a rich text, or none."""
    shown = exact(text) if style == "code" else calm(text)
    if not shown:
        return []
    return [{"type": "text", "text": shown, "style": {style: True}} if style else {"type": "text", "text": shown}]
