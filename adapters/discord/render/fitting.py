"""Fitting a card into one message: what stays, what is left out, and the files in which the rest is.

Called by the card's renderer with groups in the order in which they are shown. A message has 40 components and 4,000 characters of text.
Room is given by rank: the frame, warnings, the evidence, then the rest from top to bottom. Of a group that does not fit, the beginning is
shown with a line that names the file with the whole; groups of which nothing fits share one file. Nothing is cut silently.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from discord import ui

from adapters.discord.render.text import escape, fence
from core.conversation.measuring import ELLIPSIS, units

MAX_COMPONENTS = 40
MAX_TEXT = 4000
MAX_FILES = 10
MORE = "more.txt"  #: what has no file of its own
FIRST_SHARE = 1200  #: characters that a group gets before the others of its rank had any

_FENCES = 9  # two of them, and their ends of line


class Rank(enum.IntEnum):
    """Who gets room before whom."""

    FRAME = 0  #: title and buttons
    WARNING = 1
    EVIDENCE = 2
    BODY = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A line of text, or a row of items; ``count`` is how many of the group's ``noun`` are in it."""

    text: str = ""
    items: Sequence[ui.Item[Any]] = ()  #: in a row, or by themselves where they are no controls
    fenced: bool = False
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One part of a card. ``whole`` is all of it as text; ``cut`` says that the pieces alone do not show all of it."""

    pieces: Sequence[Piece]
    whole: str
    name: str  #: of the file with the whole
    noun: str = "more line"
    rank: Rank = Rank.BODY
    most: int = MAX_TEXT  #: characters
    cut: bool = False
    hidden: int = 0  #: how many are in no piece, where they can be counted
    lead: str = ""  #: comes before the first piece: a heading
    divider: bool = False  #: a line above it
    language: str = ""  #: of the code in it
    quoted: bool = False


Drawn = str | Sequence[ui.Item[Any]] | None  #: a text, a row, or a line between parts


@dataclass(slots=True, eq=False)
class _Shown:
    """A group, and how much of it is shown."""

    group: Group
    file: str
    sizes: list[int] = field(default_factory=list)  #: characters of the first n pieces
    parts: list[int] = field(default_factory=list)  #: components of the first n pieces
    pieces: int = 0

    def __post_init__(self) -> None:
        group = self.group
        size, parts = units(group.lead) + 1 if group.lead else 0, int(group.divider) + int(bool(group.lead))
        self.sizes, self.parts = [size], [parts]
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
            self.sizes.append(size)
            self.parts.append(parts)

    @property
    def partial(self) -> bool:
        return self.pieces < len(self.group.pieces) or self.group.cut

    def cost(self, pieces: int) -> tuple[int, int]:
        """Components and characters, when this many pieces are shown."""
        if not pieces:
            return 0, 0
        ends = pieces < len(self.group.pieces) or self.group.cut
        ending = units(self.ending(pieces)) + 1 if ends else 0
        return self.parts[pieces] + int(ends and bool(self.group.pieces[0].items)), self.sizes[pieces] + ending

    def ending(self, pieces: int) -> str:
        missing = self.group.hidden + sum(piece.count for piece in self.group.pieces[pieces:])
        noun = self.group.noun if missing == 1 else self.group.noun + "s"
        told = f"{missing:,} {noun}, in {escape(self.file)}" if missing else f"the whole is in {escape(self.file)}"
        return f"-# {ELLIPSIS} {told}"

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
    parts = [_Shown(group, file) for group, file in zip(everything, _names(everything), strict=True)]
    components, room = MAX_COMPONENTS - 2, MAX_TEXT - units(_more(len(parts)))  # the container, and the line about the rest
    for rank in Rank:
        for share in (FIRST_SHARE, MAX_TEXT):
            for part in parts:
                if part.group.rank is rank:
                    had = part.cost(part.pieces)
                    _grow(part, components + had[0], min(room + had[1], share, part.group.most))
                    has = part.cost(part.pieces)
                    components, room = components + had[0] - has[0], room + had[1] - has[1]
    return _written(parts, len(groups))


def _grow(part: _Shown, components: int, size: int) -> None:
    """Show as many more pieces as fit. A group that is shown to its end needs no line about the rest, so one piece more may fit."""
    for pieces in range(part.pieces + 1, len(part.group.pieces) + 1):
        needs = part.cost(pieces)
        if needs[0] <= components and needs[1] <= size:
            part.pieces = pieces
        elif part.sizes[pieces] > size:
            return


def _written(parts: Sequence[_Shown], body: int) -> tuple[list[Drawn], list[tuple[str, str]]]:
    unseen = [part.group.whole for part in parts if not part.pieces and part.group.whole]
    partial = [part for part in parts if part.pieces and part.partial and part.group.whole]
    own = sorted(partial, key=lambda part: len(part.file) >= len(MORE))[: MAX_FILES - 1]
    shared = [part for part in partial if part not in own]
    for part in shared:
        part.file = MORE  # its name is no longer than the one that there was room for
    rest = [(part.file, part.group.whole) for part in partial if part in own]
    together = [*(part.group.whole for part in shared), *unseen]
    rest += [(MORE, "\n\n".join(together))] if together else []
    made = [one for part in parts[:body] for one in part.drawn()]
    made += [_more(len(unseen))] if unseen else []
    files = [(name, whole.encode(errors="ignore").decode()) for name, whole in rest]  # half an emoji is in no file
    return [*made, *(one for part in parts[body:] for one in part.drawn())], files


def _more(count: int) -> str:
    return f"-# {ELLIPSIS} {count:,} more {'part' if count == 1 else 'parts'} of this card, in {MORE}"


def _names(groups: Sequence[Group]) -> list[str]:
    """The files' names, each once."""
    used = {MORE: 1}
    names: list[str] = []
    for group in groups:
        used[group.name] = used.get(group.name, 0) + 1
        stem, dot, ending = group.name.rpartition(".")
        names.append(group.name if used[group.name] == 1 else f"{stem}-{used[group.name]}{dot}{ending}")
    return names
