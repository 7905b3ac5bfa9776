"""Continuation: joining the rest of a file to its beginning, where an answer was cut off in the middle.

Pure; called by the pipeline around `Model.resume`. A model that goes on after a cut repeats some of what there is already, or
nothing, and how much is not told. Guessing by the longest overlap alone loses text: after ``}`` a rest that begins with ``}``
may be the next bracket. So the model is asked to begin with an exact repetition of the `anchor`, which says where the rest
belongs, whatever is in the file. Only where it did not, the longest overlap counts, if it is too long for chance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.generation import sentinels
from core.generation.parser import strip_fence

MIN_OVERLAP = 8  #: characters that a rest repeats by chance too seldom to matter
ANCHOR_CHARS = 40  #: an anchor is at least so long, where there is so much
MAX_ANCHOR = 400
MAX_PREAMBLE = 300  #: of words before a rest, that are no part of it


@dataclass(frozen=True, slots=True)
class Rest:
    """What a model wrote after a cut. ``whole`` means from the file's first character on."""

    text: str
    closed: bool
    whole: bool = False


def anchor(beginning: str) -> str:
    """The end of ``beginning`` that a model repeats: whole lines where that is possible, and found nowhere else in it."""
    for start in range(max(0, len(beginning) - ANCHOR_CHARS), max(0, len(beginning) - MAX_ANCHOR) - 1, -1):
        at_line = start == 0 or beginning[start - 1] == "\n"
        if at_line and beginning[start:].strip() and beginning.find(beginning[start:]) == start:
            return beginning[start:]
    return beginning[-MAX_ANCHOR:]


def join(beginning: str, rest: str) -> str:
    """One text of both: what ``rest`` repeats is there once."""
    repeated = anchor(beginning)
    if repeated and rest.startswith(repeated):
        return beginning + rest[len(repeated) :]
    return beginning + rest[overlap(beginning, rest) :]


def overlap(beginning: str, rest: str) -> int:
    """Of how many characters the longest end of ``beginning`` is that ``rest`` begins with; 0 where it may be chance."""
    longest = _longest_overlap(beginning, rest)
    if longest >= MIN_OVERLAP or 0 < longest == len(beginning):
        return longest
    word = re.search(r"\w{3,}\Z", beginning)  # the word that was cut, written again from its first letter
    return len(word[0]) if word and len(word[0]) == longest else 0


def _longest_overlap(beginning: str, rest: str) -> int:
    """By the prefix function: linear, however repetitive both are."""
    size = min(len(beginning), len(rest))
    if not size:
        return 0
    head, tail = rest[:size], beginning[-size:]
    failure = [0] * size
    matched = 0
    for at in range(1, size):
        while matched and head[at] != head[matched]:
            matched = failure[matched - 1]
        matched += head[at] == head[matched]
        failure[at] = matched
    matched = 0
    for char in tail:
        if matched == size:
            matched = failure[matched - 1]
        while matched and char != head[matched]:
            matched = failure[matched - 1]
        matched += char == head[matched]
    return matched


def before_the_mark(beginning: str, nonce: str) -> tuple[str, bool]:
    """A beginning without the first characters of a closing mark that was cut, and whether it was plainly that mark: then the
    file is whole."""
    mark = sentinels.closing(nonce)
    for size in range(len(mark) - 1, 0, -1):
        if beginning.endswith(mark[:size]):
            if size > len("<<<end:"):
                return beginning[:-size].removesuffix("\n"), True
            return beginning[:-size], False
    return beginning, False


def read_rest(answer: str, path: str, beginning: str, nonce: str) -> Rest:
    """The rest out of a model's answer: up to the closing mark, without a fence, and without the opening mark of a file begun anew."""
    text, mark, _ = answer.partition(sentinels.closing(nonce))
    opened = re.match(rf"\s*{re.escape(sentinels.opening(nonce))}[^\n]*?>>>[ \t]*\r?\n", text)
    if opened:
        text = text[opened.end() :]
    closed = bool(mark)
    if not mark:
        text, closed = before_the_mark(text, nonce)
    elif text.endswith("\n"):
        text = text[:-1]
    if not path.lower().endswith((".md", ".mdx")):
        text = _without_fence(path, text)
    there = anchor(beginning)
    at = text.find(there, 0, MAX_PREAMBLE + len(there)) if len(there) >= MIN_OVERLAP else -1
    if at > 0 and text[at - 1] == "\n" and not overlap(beginning, text):
        text = text[at:]  # it said something first
    head = beginning[:ANCHOR_CHARS]
    anew = bool(head.strip()) and text.startswith(head) and (bool(opened) or not text.startswith(there))
    return Rest(text, closed=closed, whole=anew)


def _without_fence(path: str, text: str) -> str:
    opened = re.match(r"\s*(?:`{3,}|~{3,})[^\n`]*\n", text)
    if opened is None:
        return text
    stripped = strip_fence(path, text)
    return stripped if stripped != text else text[opened.end() :]
