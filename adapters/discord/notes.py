"""Short messages that are no cards: the first one of a thread, people's own words, files; each with the mark of its key.

Written by `adapters.discord.outbound` and whoever writes beside it. The text is Markdown already: callers escape what is not theirs. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from discord import ui

from adapters.discord.render.mark import mark

LONGEST = 4000  #: characters of all texts of a message
FILES = 10  #: that a message takes
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def note(text: str, key: str, *, files: Sequence[str] = ()) -> ui.LayoutView:
    """A message with this text and these files, which are sent along under these names."""
    view = ui.LayoutView(timeout=None)
    container: ui.Container[ui.LayoutView] = ui.Container(id=mark(key))
    if text:
        container.add_item(ui.TextDisplay(text))
    view.add_item(container)
    attach(view, files)
    return view


def attach(view: ui.LayoutView, files: Sequence[str]) -> None:
    """Show files in a message that are sent along under these names."""
    top = _top(view)
    for name in files:
        top.add_item(ui.File(f"attachment://{name}"))


def file_name(name: str) -> str:
    """The name under which Discord lets a message show the file."""
    return _UNSAFE.sub("_", name.rpartition("/")[2]).strip("._")[-100:] or "file"


def set_mark(view: ui.LayoutView, number: int) -> None:
    """Put the mark that a message had on what takes its place."""
    _top(view).id = number


def _top(view: ui.LayoutView) -> ui.Container[ui.LayoutView]:
    return next(one for one in view.children if isinstance(one, ui.Container))
