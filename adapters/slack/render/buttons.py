"""Buttons: what a card can be told to do, as Slack's buttons with their values, questions and links.

Called by the renderers. The ``action_id`` is the action, with a number behind it where a message has several of them: `action_of` takes it
away again. A link's ``action_id`` is ``link``: Slack tells of a press on one too, and there is nothing to do but to acknowledge it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from adapters.slack.render.blocks import BUTTON, Element, actions, plain, weight
from adapters.slack.render.fitting import Group, Piece, Rank
from adapters.slack.render.text import calm, units, web_url
from core.conversation.presenter.untabbed import as_action
from core.words.cards import Button, Confirm, Link

LINK = "link"
ROW = 25
ROW_BYTES = 2500
BUTTONS_BYTES = 5000


class Ids:
    """The action ids of one message, each once."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}

    def of(self, action: str) -> str:
        """An id that is free, which is the action where it can be."""
        action = action or "none"
        number = self._used.get(action, 0)
        made = action
        while number or made in self._used:
            number += 1
            made = f"{action}:{number}"
            if number > 1 and made not in self._used:
                break
        self._used[action] = max(number, 1)
        self._used.setdefault(made, 1)
        return made


def action_of(action_id: str) -> str:
    """The action that an ``action_id`` stands for."""
    return re.sub(r":\d+$", "", action_id)


def button(
    ids: Ids, action: str, label: str, value: str = "", *, style: str = "plain", confirm: Confirm | None = None
) -> Element:
    """One button."""
    made: Element = {"type": "button", "action_id": ids.of(action), "text": plain(label, BUTTON)}
    if value:
        made["value"] = value
    if style != "plain":
        made["style"] = style
    if confirm is not None:
        made["confirm"] = _confirm(confirm, danger=style == "danger")
    return made


def link(ids: Ids, label: str, url: str, *, style: str = "plain") -> Element:
    """A button that opens a URL, which is known to be one."""
    made: Element = {"type": "button", "action_id": ids.of(LINK), "text": plain(label, BUTTON), "url": url}
    return {**made, "style": style} if style != "plain" else made


def _confirm(confirm: Confirm, *, danger: bool) -> Element:
    made: Element = {
        "title": plain(confirm.title, 100),
        "text": plain(confirm.text, 300),
        "confirm": plain(confirm.yes, 30),
        "deny": plain("Cancel", 30),
    }
    return {**made, "style": "danger"} if danger else made


def buttons(items: Sequence[Button | Link], ids: Ids) -> Group | None:
    """All of them, in as many rows as they need."""
    made: list[Element] = []
    cut = False
    for item in items:
        known = (as_action(item) or item) if isinstance(item, Link) else item
        if isinstance(known, Button):
            made.append(button(ids, known.action, known.label, known.value, style=known.style, confirm=known.confirm))
        elif web_url(known.url):
            made.append(link(ids, known.label, known.url, style=known.style))
        else:
            cut = True
            continue
        cut = cut or _is_cut(known)
    if not items:
        return None
    pieces = [Piece(block=actions(row), count=len(row)) for row in _rows(made)]
    whole = "\n".join(_told(item) for item in items)
    return Group(
        pieces=pieces,
        whole=whole,
        name="buttons.txt",
        noun="more button",
        rank=Rank.FRAME,
        most=BUTTONS_BYTES,
        cut=cut and bool(pieces),
    )


def _is_cut(item: Button | Link) -> bool:
    texts: list[tuple[str, int]] = [(item.label, BUTTON)]
    if isinstance(item, Button) and item.confirm is not None:
        texts += [(item.confirm.title, 100), (item.confirm.text, 300), (item.confirm.yes, 30)]
    return any(units(calm(text)) > most for text, most in texts)


def _told(item: Button | Link) -> str:
    if isinstance(item, Link):
        return f"{item.label}: {item.url}"
    asks = item.confirm
    return item.label if asks is None else f"{item.label}: {asks.title} {asks.text} [{asks.yes}]"


def _rows(made: Sequence[Element]) -> Iterator[list[dict[str, Any]]]:
    row: list[Element] = []
    used = 0
    for element in made:
        size = weight(element)
        if row and (len(row) == ROW or used + size > ROW_BYTES):
            yield row
            row, used = [], 0
        row.append(element)
        used += size
    if row:
        yield row
