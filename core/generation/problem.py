"""A problem: one thing wrong with one file, found without running it.

Made by the parser and by validation, shown on the card and given back to the model, so the message is a sentence that says what to do.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """``path`` is empty when it is about the app as a whole; ``line`` counts from 1."""

    path: str
    line: int | None
    message: str

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.message}" if place else self.message
