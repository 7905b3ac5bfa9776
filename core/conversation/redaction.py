"""Untrusted text made fit to be shown: no secret that looks like one, no escape sequence, no character that a database refuses.

Called by the presenter for every text that an app, a tool, a model or a person wrote. It is the last line, not the first: nothing
should put a secret into an event. It leaves markup alone, which each platform's renderer escapes.
"""

from __future__ import annotations

import re
import unicodedata

HIDDEN = "•••"

_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-_]?")
_URL_PASSWORD = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s:/@]{0,100}:)(?!\d{1,5}/)[^\s/@][^\s@]{0,300}(@)")
_KEYS = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{16,}|xox[abeprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}|gh[pousr]_[A-Za-z0-9]{20,}"
    r"|github_pat_[A-Za-z0-9_]{20,}|AKIA[0-9A-Z]{16}|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+)"
)
_ASSIGNED = re.compile(r"(?i)\b((?:[a-z0-9_]*_)?(?:password|passwd|pgpassword|secret|api_?key|token)\s*=\s*)(?!•)[^\s&,;\"']+")
_BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  #: they show a text in another order than it is in


def redact(text: str) -> str:
    """The text with passwords in URLs, well-known kinds of keys, and assigned passwords hidden."""
    text = _URL_PASSWORD.sub(rf"\1{HIDDEN}\2", text)
    text = _KEYS.sub(HIDDEN, text)
    return _ASSIGNED.sub(rf"\1{HIDDEN}", text)


def plain(text: str) -> str:
    """The text without escape sequences and control characters; line breaks stay, tabs become spaces."""
    text = _ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    return "".join(c for c in text if c == "\n" or (unicodedata.category(c) not in {"Cc", "Cs"} and c not in _BIDI))


def shown(text: str, limit: int = 2000) -> str:
    """`plain` and `redact`, and no longer than ``limit`` characters."""
    text = redact(plain(text[: limit * 4])).strip("\n")
    return text if len(text) <= limit else text[: limit - 1] + "…"


def shown_line(text: str, limit: int = 300) -> str:
    """`shown` on one line."""
    return " ".join(shown(text, limit).split())
