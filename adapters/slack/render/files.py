"""The menu from which one of a revision's files is chosen.

Called by the card's renderer; `suggestions` by the listener that answers a menu which is too long to be in a message. An option's value is
the build and the place of the path among the sorted paths that are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from adapters.slack.render.blocks import Block, Element, plain, weight
from core.conversation.presenter.phrases import count
from core.conversation.presenter.trees import paths, short
from core.words.cards import FileEntry

__all__ = ["build_of", "menu", "paths", "suggestions"]

MENU_BYTES = 4500  #: of a menu that is in the message itself
MAX_OPTIONS = 100


def menu(build: str, files: Sequence[FileEntry], action_id: str, block_id: str) -> Block | None:
    """The menu with one option for each file; of many files, one that asks for its options as somebody types."""
    there = paths(files)
    if not there:
        return None
    element: Element = {
        "type": "static_select",
        "action_id": action_id,
        "placeholder": plain(f"See a file… ({count(len(there), 'file')})", 150),
        "options": _options(build, there)[: MAX_OPTIONS + 1],
    }
    if len(there) > MAX_OPTIONS or weight(element) > MENU_BYTES:
        del element["options"]
        element |= {"type": "external_select", "min_query_length": 0}
    return {"type": "actions", "block_id": block_id, "elements": [element]}


def suggestions(build: str, there: Sequence[str], typed: str) -> dict[str, list[Element]]:
    """The answer to a menu that asks for its options: all that have what was typed in them, by folder where there are many."""
    wanted = typed.casefold().strip()
    found = [option for option, path in zip(_options(build, there), there, strict=True) if wanted in path.casefold()]
    if len(found) <= MAX_OPTIONS:
        return {"options": found}
    by_folder: dict[str, list[Element]] = {}
    for option in found:
        path = there[int(option["value"].rpartition(" ")[2])]
        by_folder.setdefault(path.rpartition("/")[0] or "/", []).append(option)
    groups = [
        {"label": plain(folder, 75), "options": part}
        for folder, options in by_folder.items()
        for part in _portions(options, MAX_OPTIONS)
    ]
    return {"option_groups": groups[:100]}


def build_of(block_id: str) -> str:
    """The build of a menu that asks for its options."""
    match = re.fullmatch(r"files:(.+?)(?::\d+)?", block_id)
    return match[1] if match else ""


def _portions(options: Sequence[Element], most: int) -> Iterator[list[Element]]:
    for start in range(0, len(options), most):
        yield list(options[start : start + most])


def _options(build: str, there: Sequence[str]) -> list[Element]:
    return [{"text": plain(short(path, 75), 75), "value": f"{build} {at}"[:150]} for at, path in enumerate(there)]
