"""Messages that tests post, and how a refusal is seen."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import discord


class Card(discord.ui.LayoutView):
    """Words, and below them buttons or a menu."""

    def __init__(self, words: str, *items: discord.ui.Item[Any]) -> None:
        super().__init__(timeout=None)
        self.add_item(discord.ui.Container(discord.ui.TextDisplay(words)))
        if items:
            self.add_item(discord.ui.ActionRow(*items))


def button(label: str, custom_id: str) -> discord.ui.Button[Any]:
    return discord.ui.Button(label=label, custom_id=custom_id)


def menu(custom_id: str, *options: str) -> discord.ui.Select[Any]:
    offered = [discord.SelectOption(label=one, value=one.lower()) for one in options]
    return discord.ui.Select(custom_id=custom_id, options=offered)


async def refused(call: Awaitable[object]) -> tuple[int, int]:
    """The status and the code with which Discord refused it; zeros where it did not."""
    try:
        await call
    except discord.HTTPException as error:
        return error.status, error.code
    return 0, 0
