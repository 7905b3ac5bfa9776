"""A log that is followed, as one message.

Called by `adapters.discord.tail` for every edit. Until when it is followed is shown in each reader's own time.
"""

from __future__ import annotations

from discord import ui

from adapters.discord.render.buttons import Ids, buttons
from adapters.discord.render.card import laid_out
from adapters.discord.render.fitting import Drawn
from adapters.discord.render.text import escape, exact, fence, in_fence
from core.conversation.measuring import clip
from core.conversation.tailing import OVER, Tail
from core.words.cards import Button, Tone

STOP_TAIL = "stop_tail"  #: the action of its button
WIDTH = 250  #: characters of a line


def tail(shown: Tail) -> ui.LayoutView:
    """The message."""
    lines = [in_fence(clip(exact(line), WIDTH)) for line in shown.lines if line.strip()]
    made: list[Drawn] = [f"## Log of {escape(shown.slug)}", fence(lines) if lines else "-# Nothing was printed yet."]
    if shown.ended:
        made.append(f"-# {escape(f'{shown.ended} {OVER}')}")
    else:
        made.append(f"-# Followed until <t:{shown.ends_at}:T>.")
        made += [
            piece.items for group in buttons([Button(action=STOP_TAIL, value="", label="Stop")], Ids()) for piece in group.pieces
        ]
    return laid_out(made, tone=Tone.QUIET if shown.ended else Tone.WORKING).view


def over(why: str) -> ui.LayoutView:
    """What is left of a log whose lines nobody here knows any more."""
    return laid_out([f"-# {escape(why)}"], tone=Tone.QUIET).view
