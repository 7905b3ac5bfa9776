"""Fitting a card into one message of Slack: what a part of it costs, and its blocks. Who gets room says `core.conversation.fitting`.

Called by the card's renderer with groups in the order in which they are shown.

Slack documents no limit for all blocks of a message together, and refuses those over about 13,000 characters with ``msg_blocks_too_long``.
What it counts is not known, so bytes on the wire are counted here, which is more than any way to count text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from adapters.slack.render.blocks import Block, left, note, weight
from core.conversation import fitting
from core.conversation.fitting import Rank as Rank

MAX_BLOCKS = 50
MAX_BYTES = 12_000
FIRST_SHARE = 3500  #: bytes that a group gets before the others of its rank had any


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A block; ``count`` is how many of the group's ``noun`` are in it."""

    block: Block
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(fitting.Group[Piece]):
    """One part of a card."""

    lead: Sequence[Block] = field(default_factory=tuple)  #: comes before the first piece: a heading


class _Shown(fitting.Shown[Group]):
    """A group, and how much of it is shown."""

    def cost(self, pieces: int) -> tuple[int, int]:
        """Blocks and bytes, when this many pieces are shown."""
        if not pieces:
            return 0, 0
        ending = [self.ending(pieces)] if self.ends(pieces) else []
        return len(self.group.lead) + pieces + len(ending), self.sizes[pieces] + sum(map(_size, ending))

    def ending(self, pieces: int) -> Block:
        return left(self.missing(pieces), self.group.noun, self.file)

    def blocks(self) -> list[Block]:
        if not self.pieces:
            return []
        ending = [self.ending(self.pieces)] if self.partial else []
        return [*self.group.lead, *(piece.block for piece in self.group.pieces[: self.pieces]), *ending]


def fit(groups: Sequence[Group], buttons: Group | None = None) -> tuple[list[Block], list[tuple[str, str]]]:
    """The blocks of the message, ``buttons`` last, and the files with what is not in it, each with its name."""
    everything = [*groups, *([buttons] if buttons is not None else [])]
    parts = [_Shown(group, file, _sizes(group)) for group, file in zip(everything, fitting.names(everything), strict=True)]
    fitting.share_out(parts, things=MAX_BLOCKS - 1, size=MAX_BYTES - _size(_more(len(parts))), first=FIRST_SHARE)
    unseen, files = fitting.rest(parts)
    blocks = [block for part in parts[: len(groups)] for block in part.blocks()]
    blocks += [_more(unseen)] if unseen else []
    return [*blocks, *(block for part in parts[len(groups) :] for block in part.blocks())], files


def _more(count: int) -> Block:
    return note(fitting.more(count))


def _size(block: Block) -> int:
    return weight(block) + 2  # with the comma


def _sizes(group: Group) -> list[int]:
    return list(accumulate((_size(piece.block) for piece in group.pieces), initial=sum(map(_size, group.lead))))
