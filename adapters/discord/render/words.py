"""Sentences as a message: an answer, a refusal, somebody's words, a question whether they are sure.

Called by whatever answers one person, and by the outbound for what is said in a thread. The sentences are Nexus's or somebody's own:
nothing in them is Markdown, words between backticks are code, and addresses are links.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from discord import ui

from adapters.discord.render import buttons as rows
from adapters.discord.render.fitting import is_row
from adapters.discord.render.mark import QUESTION, mark
from adapters.discord.render.text import Line, Span, draw, drawn, escape, inline
from core.conversation.measuring import ELLIPSIS, units
from core.words.cards import Button, Confirm, Link

MOST = 3800  #: characters of one message, with room for a heading
LINE = 900


def words(text: str, buttons: Sequence[Button | Link] = (), *, title: str = "") -> ui.LayoutView:
    """One message. What is longer than a message is cut in sight; `pages` has all of it."""
    first, *others = _portions(text)
    if others:
        first = f"{first}\n-# {ELLIPSIS} it goes on."
    return _view(first, buttons, title=title)


def pages(text: str, buttons: Sequence[Button | Link] = (), *, title: str = "") -> list[ui.LayoutView]:
    """As many messages as the text needs, the buttons on the last."""
    portions = list(_portions(text))
    last = len(portions) - 1
    return [_view(part, buttons if at == last else (), title=title if at == 0 else "") for at, part in enumerate(portions)]


def said(author: str, text: str) -> ui.LayoutView:
    """What a person said who cannot be seen saying it."""
    first, *others = _portions(text, quoted=True)
    told = f"{draw([Span(author.strip() or 'Somebody', 'bold')])} said:\n{first}"
    return _view(f"{told}\n-# {ELLIPSIS} it goes on." if others else told, ())


def question(asks: Confirm, yes: Button) -> ui.LayoutView:
    """Whether they are sure: the button does it, and to do nothing is to leave it alone. What comes of it takes its place."""
    button = yes.model_copy(
        update={"label": asks.yes, "confirm": None, "style": "danger" if yes.style == "danger" else "primary"}
    )
    return _view("\n".join(_portions(asks.text)), [button], title=asks.title, number=mark(QUESTION))


def line(text: str) -> str:
    """One line of Markdown in which the text is words."""
    return escape(" ".join(text.split()))


def _view(told: str, items: Sequence[Button | Link], *, title: str = "", number: int | None = None) -> ui.LayoutView:
    shown = "\n".join(part for part in (f"### {line(title)}" if title.strip() else "", told) if part)
    container: ui.Container[Any] = ui.Container(ui.TextDisplay(shown), id=number)
    for group in rows.buttons(items, rows.Ids()):
        for piece in group.pieces:
            container.add_item(ui.ActionRow(*piece.items) if is_row(piece.items) else ui.TextDisplay(piece.text))
    view = ui.LayoutView(timeout=None)
    view.add_item(container)
    return view


def _portions(text: str, *, quoted: bool = False) -> Iterator[str]:
    """The Markdown of a text in portions that fit; at least one, which is not empty."""
    sign = "> " if quoted else ""
    lines: list[Line] = [inline(one) for one in text.strip().split("\n")]
    portion: list[str] = []
    used = 0
    for made in (sign + part for one in lines for part in drawn(one, LINE)):
        size = units(made) + 1
        if portion and used + size > MOST:
            yield "\n".join(portion)
            portion, used = [], 0
        portion.append(made)
        used += size
    shown = "\n".join(portion)
    yield shown if shown.strip() else sign + "–"
