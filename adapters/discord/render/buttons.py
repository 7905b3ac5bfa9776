"""Buttons: what a card can be told to do, as Discord's buttons with their values, questions and links.

Called by the renderers, and by the client, which registers `Press` and `Choice`: nothing is stored of a message, so that its buttons
work after a restart, in any process. A button's ``custom_id`` is ``action:value``; with ``?`` in front the person is asked first; equal
ones of a message get ``action~2:value``. A press is told to the client as the event ``press`` with its interaction.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

import discord
from discord import ui

from adapters.discord.render.fitting import Group, Piece, Rank
from adapters.discord.render.text import Span, calm, drawn, link_url
from core.conversation.measuring import clip, units, web_url
from core.conversation.presenter.untabbed import as_action
from core.words.cards import Button, Link

LABEL, CUSTOM_ID, URL = 80, 100, 512
ROW, ROWS = 5, 5
MENUS = ("file",)  #: actions of menus; every other is a button's

_ID = re.compile(r"(\?)?([a-z_]{1,30})(?:~\d{1,3})?:([\s\S]*)")
_MENU = "|".join(MENUS)

Style = Literal["plain", "primary", "danger"]
_STYLES = {
    "plain": discord.ButtonStyle.secondary,
    "primary": discord.ButtonStyle.success,
    "danger": discord.ButtonStyle.danger,
}


class Press(ui.DynamicItem[ui.Button[Any]], template=rf"\??(?!(?:{_MENU})[~:])[a-z_]{{1,30}}(?:~\d{{1,3}})?:[\s\S]*"):
    """A button of Nexus's."""

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str]) -> Press:
        assert isinstance(item, ui.Button)
        return cls(item)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        interaction.client.dispatch("press", interaction)


class Choice(ui.DynamicItem[ui.Select[Any]], template=rf"(?:{_MENU})(?:~\d{{1,3}})?:[\s\S]*"):
    """A menu of Nexus's."""

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str]) -> Choice:
        assert isinstance(item, ui.Select)
        return cls(item)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        interaction.client.dispatch("press", interaction)


class Ids:
    """The custom ids of one message, each once."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def of(self, action: str, value: str, *, asks: bool = False) -> str:
        """An id that is free; empty when there is none that Discord takes."""
        if not re.fullmatch(r"[a-z_]{1,30}", action):
            return ""
        number, sign = 1, "?" if asks else ""
        made = f"{sign}{action}:{value}"
        while made in self._used:
            number += 1
            made = f"{sign}{action}~{number}:{value}"
        if units(made) > CUSTOM_ID:
            return ""
        self._used.add(made)
        return made


def press_of(custom_id: str) -> tuple[str, str, bool]:
    """The action, its value, and whether the person is to be asked first; the action is empty when it is none of ours."""
    found = _ID.fullmatch(custom_id)
    return (found[2], found[3], found[1] is not None) if found else ("", "", False)


def button(ids: Ids, item: Button) -> Press | None:
    """One button; None when its id would be too long."""
    custom_id = ids.of(item.action, item.value, asks=item.confirm is not None)
    if not custom_id:
        return None
    return Press(ui.Button(style=_STYLES[item.style], label=label(item.label), custom_id=custom_id))


def link(item: Link) -> ui.Button[Any]:
    """A button that opens a URL, which `opens` knows."""
    return ui.Button(style=discord.ButtonStyle.link, label=label(item.label), url=item.url)


def label(text: str, most: int = LABEL) -> str:
    """The words of a label; Discord takes no empty one."""
    return clip(" ".join(calm(text).split()), most).strip() or "–"


def opens(url: str) -> bool:
    """Whether a button may lead there. Of addresses that lead nowhere from outside, such as localhost, Discord says that they are not
    well formed, and refuses the whole message."""
    if not web_url(url) or units(url) > URL or not link_url(url):
        return False
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).version == 4
    except ValueError:
        return "." in host.strip(".") and not host.endswith((".localhost", ".local", ".internal"))


def buttons(items: Sequence[Button | Link], ids: Ids, shown: Sequence[str] = ()) -> list[Group]:
    """All of them, in as many rows as they need. A link that no button may lead to is a line, unless it is among the links that are
    ``shown`` already."""
    made: list[ui.Item[Any]] = []
    lines: list[str] = []
    cut = False
    for item in items:
        known = (as_action(item) or item) if isinstance(item, Link) else item
        one: ui.Item[Any] | None = None
        if isinstance(known, Button):
            one = button(ids, known)
        elif opens(known.url):
            one = link(known)
        elif link_url(known.url) and web_url(known.url):
            lines += [] if known.url in shown else drawn([Span(known.label + " ", "bold"), Span(known.url, "link")], 600)
            cut = cut or units(calm(known.label)) > LABEL
            continue
        cut = cut or one is None or _is_cut(known)
        made += [one] if one is not None else []
    told = "\n".join(map(_told, items))
    groups = [Group(pieces=[Piece(text=line) for line in lines], whole=told, name="links.txt", rank=Rank.FRAME)] if lines else []
    if not items or (lines and not made and not cut):
        return groups
    rows = [Piece(items=row, count=len(row)) for row in _rows(made)]
    hidden = sum(row.count for row in rows[ROWS:])
    whole = Group(
        pieces=rows[:ROWS],
        whole=told,
        name="buttons.txt",
        noun="more button",
        rank=Rank.FRAME,
        cut=(cut or hidden > 0) and bool(rows),
        hidden=hidden,
    )
    return [*groups, whole] if rows or cut else groups


def _is_cut(item: Button | Link) -> bool:
    return units(" ".join(calm(item.label).split())) > LABEL


def _told(item: Button | Link) -> str:
    if isinstance(item, Link):
        return f"{item.label}: {item.url}"
    asks = item.confirm
    return item.label if asks is None else f"{item.label}: {asks.title} {asks.text} [{asks.yes}]"


def _rows(made: Sequence[ui.Item[Any]]) -> Iterator[Sequence[ui.Item[Any]]]:
    """Rows that are equally long, more or less: none has one button that looks lost."""
    rows = -(-len(made) // ROW)
    wide = -(-len(made) // rows) if made else 1
    for at in range(0, len(made), wide):
        yield made[at : at + wide]
