"""What stands around an answer and is not the answer: thinking, fences, talk.

Used by `adapters.models.streaming` for plans, and by the vendors whose models think aloud. It repairs nothing: what is not whole JSON
is not usable, and that is said.
"""

from __future__ import annotations

import json
import re

_MAX_TRIES = 100  # places at which JSON is looked for: prose full of braces must not cost a square
_FENCED = re.compile(r"^\s*(`{3,}|~{3,})[^\n]*\n(?P<inside>.*?)\n\s*\1\s*$", re.DOTALL | re.MULTILINE)
_OPENINGS = ("<think>", "<thinking>", "<reasoning>")


def json_in(text: str) -> str:
    """The JSON object in an answer: the answer itself, what stands in its fence, or the longest object in its talk. An answer without
    one is given back as it is."""
    whole = _after_thinking(text).strip()
    if _is_object(whole):
        return whole
    fenced = [found["inside"].strip() for found in _FENCED.finditer(whole)]
    objects = [inside for inside in fenced if _is_object(inside)]
    return max(objects, key=len) if objects else _longest_object(whole) or whole


def _after_thinking(text: str) -> str:
    """Templates often put the opening mark into the prompt, so that only the closing one is in the answer."""
    for opening in _OPENINGS:
        before, found, after = text.rpartition(opening.replace("<", "</"))
        if found and "{" in after and (opening in before or not _is_object(text.strip())):
            return after
    return text


def _is_object(text: str) -> bool:
    if not text.startswith("{"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _longest_object(text: str) -> str:
    decoder = json.JSONDecoder()
    longest, at = "", text.find("{")
    for _ in range(_MAX_TRIES):
        if at < 0:
            break
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at = text.find("{", at + 1)
            continue
        longest = max(longest, text[at:end], key=len)
        at = text.find("{", end)
    return longest


class Thinking:
    """Drops what a model thinks aloud at the beginning of its answer, from a stream that is cut anywhere."""

    def __init__(self) -> None:
        self._held = (
            ""  #: the beginning, while it may still become an opening mark; then the end, while it may become a closing one
        )
        self._closing: str | None = None  #: the mark that ends the thinking, while inside
        self._over = False

    def feed(self, piece: str) -> str:
        """What of the answer is certain now."""
        if self._over:
            return piece
        self._held += piece
        if self._closing is None:
            begun = self._held.lstrip()
            opening = next((mark for mark in _OPENINGS if begun.startswith(mark)), None)
            if opening is None:
                if any(mark.startswith(begun) for mark in _OPENINGS):
                    return ""
                return self.rest()
            self._closing = opening.replace("<", "</")
            self._held = begun[len(opening) :]
        _, found, after = self._held.partition(self._closing)
        if not found:
            self._held = self._held[-len(self._closing) + 1 :]
            return ""
        self._held = after
        self._closing = None
        return self.rest()

    def rest(self) -> str:
        """What is left when the answer is over; thinking that was never closed is none of it."""
        held, self._held, self._over = self._held, "", True
        return held if self._closing is None else ""
