"""Untrusted text for Slack: nothing in it is markup, nobody is notified by it, and where it is cut, it says so.

Called by everything here that writes a text; nothing else escapes. How text is measured and cut, says
`core.conversation.measuring`, whose names are here too.
"""

from __future__ import annotations

import re
from typing import Any

from core.conversation.measuring import ELLIPSIS, JOINER, clip, pieces, start, units, web_url, without_controls

__all__ = [
    "ELLIPSIS",
    "JOINER",
    "calm",
    "clip",
    "escape",
    "exact",
    "inline",
    "markup",
    "pieces",
    "start",
    "tame",
    "units",
    "web_url",
    "without_controls",
    "words",
]

_BROADCAST = re.compile(r"@(?=(?:channel|here|everyone)\b)", re.IGNORECASE)
_ENTITY = re.compile(r"<(?=[!@#])")
_FORMAT = re.compile(r"([*_~`])")
_INLINE = re.compile(r"`([^`\n]{1,300})`|(https?://[^\s<>\"'`|\\]{1,500}[^\s<>\"'`|\\.,;:!?)\]}…])", re.IGNORECASE)
_WILD = re.compile(r"[*_~`<>&@#|\n]|:[\w+-]+:")


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
