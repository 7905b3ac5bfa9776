"""Fitting a card into one message: what stays, what is left out, and the files in which the rest is.

Called by the card's renderer with groups in the order in which they are shown. Room is given by rank: the frame, warnings, the evidence,
then the rest from top to bottom. Of a group that does not fit, the beginning is shown with a line that names the file with the whole;
groups of which nothing fits share one file. Nothing is cut silently.

Slack documents no limit for all blocks of a message together, and refuses those over about 13,000 characters with ``msg_blocks_too_long``.
What it counts is not known, so bytes on the wire are counted here, which is more than any way to count text.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from adapters.slack.render.blocks import Block, left, note, weight
from adapters.slack.render.text import ELLIPSIS

MAX_BLOCKS = 50
MAX_BYTES = 12_000
FIRST_SHARE = 3500  #: bytes that a group gets before the others of its rank had any


class Rank(enum.IntEnum):
    """Who gets room before whom."""

    FRAME = 0  #: title and buttons
    WARNING = 1
    EVIDENCE = 2
    BODY = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A block; ``count`` is how many of the group's ``noun`` are in it."""

    block: Block
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One part of a card. ``whole`` is all of it as text; ``cut`` says that the pieces alone do not show all of it."""

    pieces: Sequence[Piece]
    whole: str
    name: str  #: of the file with the whole
    noun: str = "more line"
    rank: Rank = Rank.BODY
    most: int = MAX_BYTES  #: bytes
    cut: bool = False
    hidden: int = 0  #: how many are in no piece, where they can be counted
    lead: Sequence[Block] = field(default_factory=tuple)  #: comes before the first piece: a heading


@dataclass(slots=True)
class _Shown:
    """A group, and how much of it is shown."""

    group: Group
    file: str
    sizes: list[int]  #: of the first n pieces with what leads them
    pieces: int = 0

    @property
    def partial(self) -> bool:
        return self.pieces < len(self.group.pieces) or self.group.cut

    def cost(self, pieces: int) -> tuple[int, int]:
        """Blocks and bytes, when this many pieces are shown."""
        if not pieces:
            return 0, 0
        group = self.group
        ending = [self.ending(pieces)] if pieces < len(group.pieces) or group.cut else []
        return len(group.lead) + pieces + len(ending), self.sizes[pieces] + sum(map(_size, ending))

    def ending(self, pieces: int) -> Block:
        missing = self.group.hidden + sum(piece.count for piece in self.group.pieces[pieces:])
        return left(missing, self.group.noun, self.file)

    def blocks(self) -> list[Block]:
        if not self.pieces:
            return []
        ending = [self.ending(self.pieces)] if self.partial else []
        return [*self.group.lead, *(piece.block for piece in self.group.pieces[: self.pieces]), *ending]


def fit(groups: Sequence[Group], buttons: Group | None = None) -> tuple[list[Block], list[tuple[str, str]]]:
    """The blocks of the message, ``buttons`` last, and the files with what is not in it, each with its name."""
    everything = [*groups, *([buttons] if buttons is not None else [])]
    parts = [
        _Shown(group=group, file=file, sizes=_sizes(group)) for group, file in zip(everything, _names(everything), strict=True)
    ]
    blocks_left, bytes_left = MAX_BLOCKS - 1, MAX_BYTES - _size(_more(len(parts)))
    for rank in Rank:
        for share in (FIRST_SHARE, MAX_BYTES):
            for part in parts:
                if part.group.rank is rank:
                    had = part.cost(part.pieces)
                    _grow(part, blocks_left + had[0], min(bytes_left + had[1], share, part.group.most))
                    has = part.cost(part.pieces)
                    blocks_left, bytes_left = blocks_left + had[0] - has[0], bytes_left + had[1] - has[1]
    return _written(parts, has_buttons=buttons is not None)


def _grow(part: _Shown, blocks: int, size: int) -> None:
    """Show as many more pieces as fit. A group that is shown to its end needs no line about the rest, so one piece more may fit."""
    for pieces in range(part.pieces + 1, len(part.group.pieces) + 1):
        needs = part.cost(pieces)
        if needs[0] <= blocks and needs[1] <= size:
            part.pieces = pieces
        elif part.sizes[pieces] > size:
            return


def _written(parts: Sequence[_Shown], *, has_buttons: bool) -> tuple[list[Block], list[tuple[str, str]]]:
    unseen = [part.group.whole for part in parts if not part.pieces and part.group.whole]
    rest = [(part.file, part.group.whole) for part in parts if part.pieces and part.partial and part.group.whole]
    body, buttons = (parts[:-1], parts[-1:]) if has_buttons else (parts, [])
    blocks = [block for part in body for block in part.blocks()]
    if unseen:
        blocks.append(_more(len(unseen)))
        rest.append(("more.txt", "\n\n".join(unseen)))
    files = [(name, whole.encode(errors="ignore").decode()) for name, whole in rest]  # half an emoji is in no file
    return [*blocks, *(block for part in buttons for block in part.blocks())], files


def _more(count: int) -> Block:
    return note(f"{ELLIPSIS} {count:,} more {'part' if count == 1 else 'parts'} of this card, in more.txt")


def _size(block: Block) -> int:
    return weight(block) + 2  # with the comma


def _sizes(group: Group) -> list[int]:
    return list(accumulate((_size(piece.block) for piece in group.pieces), initial=sum(map(_size, group.lead))))


def _names(groups: Sequence[Group]) -> list[str]:
    """The files' names, each once."""
    used = {"more.txt": 1}
    names: list[str] = []
    for group in groups:
        used[group.name] = used.get(group.name, 0) + 1
        stem, dot, ending = group.name.rpartition(".")
        names.append(group.name if used[group.name] == 1 else f"{stem}-{used[group.name]}{dot}{ending}")
    return names
