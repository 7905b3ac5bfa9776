"""Fitting a card into one message: who gets room, the files in which the rest is, and the words about it.

Used by the chat platforms' renderers, with groups in the order in which they are shown; what a group costs there, and how it is drawn, they
say themselves (`Shown.cost`). Room is of two kinds: a platform counts the things in a message (blocks, components), and their size (bytes,
characters). It is given by rank: the frame, warnings, the evidence, then the rest from top to bottom. Of a group that does not fit, the
beginning is shown with a line that names the file with the whole; groups of which nothing fits share one file. Nothing is cut silently.
"""

from __future__ import annotations

import enum
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from core.conversation.measuring import ELLIPSIS

MORE = "more.txt"  #: what has no file of its own


class Rank(enum.IntEnum):
    """Who gets room before whom."""

    FRAME = 0  #: title and buttons
    WARNING = 1
    EVIDENCE = 2
    BODY = 3


class Counted(Protocol):
    """A piece of a group; ``count`` is how many of the group's ``noun`` are in it."""

    @property
    def count(self) -> int: ...


PieceT = TypeVar("PieceT", bound=Counted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Generic[PieceT]):
    """One part of a card. ``whole`` is all of it as text; ``cut`` says that the pieces alone do not show all of it."""

    pieces: Sequence[PieceT]
    whole: str
    name: str  #: of the file with the whole
    noun: str = "more line"
    rank: Rank = Rank.BODY
    most: int = sys.maxsize  #: of its size
    cut: bool = False
    hidden: int = 0  #: how many are in no piece, where they can be counted


GroupT = TypeVar("GroupT", bound=Group[Any])


class Shown(ABC, Generic[GroupT]):
    """A group, and how much of it is shown."""

    def __init__(self, group: GroupT, file: str, sizes: Sequence[int]) -> None:
        self.group = group
        self.file = file
        self.sizes = sizes  #: of the first n pieces with what leads them
        self.pieces = 0

    @abstractmethod
    def cost(self, pieces: int) -> tuple[int, int]:
        """Things and their size, when this many pieces are shown."""

    @property
    def partial(self) -> bool:
        return self.ends(self.pieces)

    def ends(self, pieces: int) -> bool:
        """Whether a line must say where the rest is, when this many pieces are shown."""
        return pieces < len(self.group.pieces) or self.group.cut

    def missing(self, pieces: int) -> int:
        """How many are not shown then."""
        left_out: Sequence[Counted] = self.group.pieces[pieces:]
        return self.group.hidden + sum(piece.count for piece in left_out)

    def grow(self, things: int, size: int) -> None:
        """Show as many more pieces as fit. What is shown to its end needs no line about the rest, so one piece more may fit."""
        for pieces in range(self.pieces + 1, len(self.group.pieces) + 1):
            needs = self.cost(pieces)
            if needs[0] <= things and needs[1] <= size:
                self.pieces = pieces
            elif self.sizes[pieces] > size:
                return


def share_out(parts: Sequence[Shown[GroupT]], *, things: int, size: int, first: int) -> None:
    """Give the room to the parts. ``first`` is the size that each gets before the others of its rank had any."""
    for rank in Rank:
        for share in (first, sys.maxsize):
            for part in parts:
                if part.group.rank is rank:
                    had = part.cost(part.pieces)
                    part.grow(things + had[0], min(size + had[1], share, part.group.most))
                    has = part.cost(part.pieces)
                    things, size = things + had[0] - has[0], size + had[1] - has[1]


def rest(parts: Sequence[Shown[GroupT]], *, files: int = sys.maxsize) -> tuple[int, list[tuple[str, str]]]:
    """How many parts are not shown at all, and the files with what is not shown, each with its name; at most so many."""
    unseen = [part.group.whole for part in parts if not part.pieces and part.group.whole]
    partial = [part for part in parts if part.pieces and part.partial and part.group.whole]
    own = sorted(partial, key=lambda part: len(part.file) >= len(MORE))[: files - 1]
    shared = [part for part in partial if part not in own]
    for part in shared:
        part.file = MORE  # its name is no longer than the one that there was room for
    made = [(part.file, part.group.whole) for part in partial if part in own]
    together = [*(part.group.whole for part in shared), *unseen]
    made += [(MORE, "\n\n".join(together))] if together else []
    return len(unseen), [(name, whole.encode(errors="ignore").decode()) for name, whole in made]  # half an emoji is in no file


def names(groups: Sequence[GroupT]) -> list[str]:
    """The files' names, each once."""
    used = {MORE: 1}
    made: list[str] = []
    for group in groups:
        used[group.name] = used.get(group.name, 0) + 1
        stem, dot, ending = group.name.rpartition(".")
        made.append(group.name if used[group.name] == 1 else f"{stem}-{used[group.name]}{dot}{ending}")
    return made


def left(number: int, noun: str, file: str) -> str:
    """What is not shown, and where it is. The noun is "more line", "earlier line"."""
    plural = noun if number == 1 else noun + "s"
    return f"{ELLIPSIS} {number:,} {plural}, in {file}" if number else f"{ELLIPSIS} the whole is in {file}"


def more(parts: int) -> str:
    """The line about the parts that are not shown at all."""
    return f"{ELLIPSIS} {parts:,} more {'part' if parts == 1 else 'parts'} of this card, in {MORE}"
