"""Cutting what people type into words, as chat apps send it: smart quotes, non-breaking spaces, dashes that were two hyphens.

Called by the grammar. It never fails: a quote that is not closed is an apostrophe, and whatever is not a quote is kept as it is.

Adapters that get the parts of a command one by one write them as words with `quote`, which gives each back as it was.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable
from dataclasses import dataclass

_DOUBLE = '"“”„‟«»'
_SINGLE = "'‘’‚‛"
_START, _END = "\x02", "\x03"  #: quotes that nobody types, for what has both of the others in it
_INVISIBLE = (
    "\u200b\u200e\u200f\u2060\ufeff"  #: pasted along from web pages; joiners that scripts and emoji need are not among them
)
_DASHES = re.compile(r"^(?:--|[\u2012-\u2015])(?=[A-Za-z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word. ``start`` and ``end`` are where it stands in the line, quotes included."""

    text: str
    start: int
    end: int
    quoted: bool = False

    @property
    def option(self) -> str:
        """Its name when it looks like ``--name`` (or ``—name``, as phones write it), else empty; ``=value`` is cut off."""
        if self.quoted or not (dash := _DASHES.match(self.text)):
            return ""
        return self.text[dash.end() :].partition("=")[0].lower()

    @property
    def option_value(self) -> str | None:
        """What follows ``=`` in ``--name=value``."""
        return self.text.partition("=")[2] if self.option and "=" in self.text else None


def tidy(text: str) -> str:
    """The line with every kind of space as a plain one, and without invisible characters at its ends; line breaks stay."""
    plain = "".join(" " if c.isspace() and c not in "\n\r\t" else c for c in text.replace("\r\n", "\n"))
    return plain.strip(_INVISIBLE + " \t\r\n")


def quote(text: str) -> str:
    """One word that reads as exactly this text, whatever is in it; without the two characters that nobody types."""
    plain = text.replace(_START, "").replace(_END, "")
    for opening in ('"', "'"):
        quoted = opening + plain + opening
        if [word.text for word in words(quoted)] == [plain]:
            return quoted
    return _START + plain + _END


def words(line: str) -> list[Word]:
    """The words of a tidied line. A quote opens only at the start of a word or after ``=``, and closes only at the end of one."""
    closing = _closers(line)
    found: list[Word] = []
    at = 0
    while at < len(line):
        if line[at].isspace() or line[at] in _INVISIBLE:
            at += 1
            continue
        if (close := closing(at)) is not None:
            found.append(Word(text=line[at + 1 : close], start=at, end=close + 1, quoted=True))
            at = close + 1
            continue
        end, text = at, ""
        while end < len(line) and not line[end].isspace():
            if line[end] == "=" and (close := closing(end + 1)) is not None:
                text = line[at : end + 1] + line[end + 2 : close]
                end = close + 1
                break
            end += 1
        text = (text or line[at:end]).strip(_INVISIBLE)
        found.append(Word(text=text, start=at, end=end))
        at = end
    return found


def _closers(line: str) -> Callable[[int], int | None]:
    """Where the quote that opens at a place closes; looked up in sorted lists, so that a line of quotes takes no quadratic time."""
    ends = {
        kind: [n for n, c in enumerate(line) if c in kind and (n + 1 == len(line) or line[n + 1].isspace())]
        for kind in (_DOUBLE, _SINGLE)
    }
    ends[_START] = [n for n, c in enumerate(line) if c == _END]

    def closing(at: int) -> int | None:
        if at >= len(line):
            return None
        for kind, places in ends.items():
            if line[at] in kind:
                after = bisect.bisect_right(places, at)
                return places[after] if after < len(places) else None
        return None

    return closing
