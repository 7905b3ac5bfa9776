"""Untrusted text to HTML: escaping, and making visible what would otherwise deceive.

Called by everything here that writes HTML; no other module escapes. Besides markup it defuses control characters, lone surrogates,
terminal colours and the bidirectional controls that reorder what stands around them (CVE-2021-42574, "Trojan Source").
"""

from __future__ import annotations

import html
import re
from datetime import datetime

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_INLINE = re.compile(r"`([^`\n]{1,300})`|(https?://[^\s<>\"'`]{1,500}[^\s<>\"'`.,;:!?)\]}])")


def plain(text: str) -> str:
    """The text without terminal codes and control characters; still to be escaped."""
    text = _ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("\ufffd", text)


def _mark(match: re.Match[str]) -> str:
    # The character stays, so that copied source is exact; <bdi> ends its effect at once.
    return f'<bdi class="ctl" data-cp="U+{ord(match[0]):04X}">{match[0]}</bdi>'


def esc(text: str) -> str:
    """Text as element content."""
    return _BIDI.sub(_mark, html.escape(plain(text)))


def esc_source(text: str) -> str:
    """Source code as element content: every invisible character is marked."""
    return _INVISIBLE.sub(_mark, html.escape(plain(text)))


def attr(text: str) -> str:
    """Text as the value of a quoted attribute."""
    return html.escape(_INVISIBLE.sub("", plain(text))).replace("\n", "&#10;")


def clip(text: str, limit: int) -> str:
    """The text, or its beginning and how much is missing."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit:,} more characters)"


def inline(text: str) -> str:
    """A paragraph: words between backticks are code, web addresses are links; everything else is plain."""
    parts: list[str] = []
    end = 0
    for match in _INLINE.finditer(text):
        parts.append(esc(text[end : match.start()]))
        if match[1] is not None:
            parts.append(f"<code>{esc(match[1])}</code>")
        else:
            parts.append(anchor(match[2], match[2]))
        end = match.end()
    parts.append(esc(text[end:]))
    return "".join(parts)


def safe_url(url: str) -> str | None:
    """The address when a link may lead there: http, https, or a path of ours."""
    if re.fullmatch(r"https?://[^\s\x00-\x20\"'<>\\]+", url, re.IGNORECASE):
        return url
    if re.fullmatch(r"/(?![/\\])[^\s\x00-\x20\"'<>\\]*", url):
        return url
    return None


def anchor(url: str, label: str, css: str = "") -> str:
    """A link, or the label alone when the address is not one to follow."""
    good = safe_url(url)
    if good is None:
        return f"<span>{esc(label)}</span>"
    outside = "" if good.startswith("/") else ' target="_blank" rel="noopener noreferrer nofollow"'
    css = f' class="{css}"' if css else ""
    return f'<a{css} href="{attr(good)}"{outside}>{esc(label)}</a>'


def size(count: int) -> str:
    """Bytes for people."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def seconds(value: float) -> str:
    """A duration for people."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 60:
        return f"{value:.0f} s"
    return f"{int(value) // 60} min {int(value) % 60} s"


def when(at: datetime) -> str:
    """A moment; the browser sets it in the reader's own zone and words."""
    return f'<time datetime="{attr(at.isoformat())}">{at:%H:%M}</time>'
