"""Fitting a card into one message of Discord: what a part of it costs, and how it is drawn. Who gets room says
`core.conversation.fitting`.

Called by the card's renderer with groups in the order in which they are shown. A message has 40 components and 4,000 characters of text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from discord import ui

from adapters.discord.render.text import escape, fence
from core.conversation import fitting
from core.conversation.fitting import Rank as Rank
from core.conversation.measuring import units

MAX_COMPONENTS = 40
MAX_TEXT = 4000
MAX_FILES = 10
FIRST_SHARE = 1200  #: characters that a group gets before the others of its rank had any

_FENCES = 9  # two of them, and their ends of line


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A line of text, or a row of items; ``count`` is how many of the group's ``noun`` are in it."""

    text: str = ""
    items: Sequence[ui.Item[Any]] = ()  #: in a row, or by themselves where they are no controls
    fenced: bool = False
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(fitting.Group[Piece]):
    """One part of a card."""

    lead: str = ""  #: comes before the first piece: a heading
    divider: bool = False  #: a line above it
    language: str = ""  #: of the code in it
    quoted: bool = False


Drawn = str | Sequence[ui.Item[Any]] | None  #: a text, a row, or a line between parts


class _Shown(fitting.Shown[Group]):
    """A group, and how much of it is shown."""

    def __init__(self, group: Group, file: str) -> None:
        size, parts = units(group.lead) + 1 if group.lead else 0, int(group.divider) + int(bool(group.lead))
        sizes, self._parts = [size], [parts]  # characters, and components, of the first n pieces
        super().__init__(group, file, sizes)
        fenced, has_text = False, bool(group.lead)
        for piece in group.pieces:
            if piece.items:
                parts += len(piece.items) + int(is_row(piece.items))
            else:
                size += units(piece.text) + 1 + (2 if group.quoted else 0)
                size += _FENCES + len(group.language) if piece.fenced and not fenced else 0
                parts += 0 if has_text else 1
                has_text = True
            fenced = piece.fenced
            sizes.append(size)
            self._parts.append(parts)

    def cost(self, pieces: int) -> tuple[int, int]:
        """Components and characters, when this many pieces are shown."""
        if not pieces:
            return 0, 0
        ends = self.ends(pieces)
        ending = units(self.ending(pieces)) + 1 if ends else 0
        return self._parts[pieces] + int(ends and bool(self.group.pieces[0].items)), self.sizes[pieces] + ending

    def ending(self, pieces: int) -> str:
        return f"-# {fitting.left(self.missing(pieces), self.group.noun, escape(self.file))}"

    def drawn(self) -> Iterator[Drawn]:
        if not self.pieces:
            return
        if self.group.divider:
            yield None
        shown = self.group.pieces[: self.pieces]
        ending = [self.ending(self.pieces)] if self.partial else []
        lead = [self.group.lead] if self.group.lead else []
        if shown[0].items:
            yield from lead
            yield from (piece.items for piece in shown)
            yield from ending
        else:
            yield "\n".join([*lead, *self._texts(shown), *ending])

    def _texts(self, shown: Sequence[Piece]) -> Iterator[str]:
        for fenced, run in groupby(shown, lambda piece: piece.fenced):
            texts = [piece.text for piece in run]
            if fenced:
                yield fence(texts, self.group.language)
            else:
                yield from (f"> {text}" for text in texts) if self.group.quoted else texts


def is_row(items: Sequence[ui.Item[Any]]) -> bool:
    """Whether items stand in a row of controls."""
    return bool(items) and not items[0]._is_v2()


def fit(groups: Sequence[Group], buttons: Sequence[Group] = ()) -> tuple[list[Drawn], list[tuple[str, str]]]:
    """What the message shows, ``buttons`` last, and the files with what is not in it, each with its name."""
    everything = [*groups, *buttons]
    parts = [_Shown(group, file) for group, file in zip(everything, fitting.names(everything), strict=True)]
    # Without the container, and the line about the rest.
    fitting.share_out(parts, things=MAX_COMPONENTS - 2, size=MAX_TEXT - units(_more(len(parts))), first=FIRST_SHARE)
    unseen, files = fitting.rest(parts, files=MAX_FILES)
    made = [one for part in parts[: len(groups)] for one in part.drawn()]
    made += [_more(unseen)] if unseen else []
    return [*made, *(one for part in parts[len(groups) :] for one in part.drawn())], files


def _more(count: int) -> str:
    return f"-# {fitting.more(count)}"
