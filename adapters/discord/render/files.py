"""The menus from which a file of a revision is chosen.

Called by the card's renderer. A menu of Discord's has 25 options: of more files there are two menus, and a line that says how to reach the
others. An option's value is the place of the path among the sorted paths that are there; the build is in the menu's ``custom_id``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import discord
from discord import ui

from adapters.discord.render.buttons import Choice, Ids, label
from adapters.discord.render.fitting import Piece
from adapters.discord.render.text import escape
from core.conversation.presenter.phrases import count
from core.conversation.presenter.trees import paths, short
from core.words.cards import FileEntry

OPTIONS, OPTION, PLACEHOLDER = 25, 100, 150
MENUS = 2


def menus(build: str, files: Sequence[FileEntry], ids: Ids) -> list[Piece]:
    """A menu with one option for each file, as far as they go."""
    there = paths(files)
    made: list[Piece] = []
    for first in range(0, min(len(there), MENUS * OPTIONS), OPTIONS):
        some = there[first : first + OPTIONS]
        custom_id = ids.of("file", build)
        if not custom_id:
            return []
        upto = f"–{first + len(some)}" if len(some) > 1 else ""
        span = f"{first + 1}{upto} of {len(there):,}" if len(there) > OPTIONS else count(len(there), "file")
        options = [
            discord.SelectOption(label=label(short(path, OPTION), OPTION), value=str(at)) for at, path in enumerate(some, first)
        ]
        menu: ui.Select[Any] = ui.Select(
            custom_id=custom_id, placeholder=label(f"See a file… ({span})", PLACEHOLDER), options=options
        )
        made.append(Piece(items=[Choice(menu)], count=0))
    return made


def others(files: Sequence[FileEntry]) -> str:
    """How to reach the files that are in no menu; empty where there is none."""
    more = len(paths(files)) - MENUS * OPTIONS
    return f"-# … and {count(more, 'more file')}: {escape('/nexus files')}" if more > 0 else ""
