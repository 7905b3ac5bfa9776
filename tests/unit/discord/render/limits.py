"""What Discord takes of components, checked by hand, and what a message of Discord's shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import discord
from discord import ui

from adapters.discord.render.buttons import Choice, Press
from core.conversation.measuring import units
from tests.support.any_cards import walk
from tests.support.discord.markdown import LIVE, Node, read, visible
from tests.support.discord.markdown import walk as nodes
from tests.support.discord.validation import problems

OURS = frozenset({"text", "bold", "code", "block", "link", "quote", "heading", "small"})  #: all that our own Markdown is made of


def components(payload: Any) -> list[dict[str, Any]]:
    """Every component, nested ones too."""
    return [one for one in walk(payload) if "type" in one and isinstance(one["type"], int)]


def contents(payload: Any) -> list[str]:
    """The Markdown of a message."""
    return [one["content"] for one in components(payload) if one["type"] == 10]


def shown(payload: Any) -> str:
    """Every text that is seen, one after the other."""
    found: list[str] = []
    for one in components(payload):
        if one["type"] == 10:
            found.append(visible(read(one["content"])))
        found += [str(one[key]) for key in ("label", "placeholder", "url", "description") if one.get(key)]
        found += [str(item.get("description") or "") for item in one.get("items", [])]
        found += [str(option["label"]) for option in one.get("options", [])]
    return "\n".join(found)


def parts(payload: Any) -> list[Node]:
    """Everything that the Markdown of a message is read as."""
    return [node for content in contents(payload) for node in nodes(read(content))]


def wrong(payload: Sequence[dict[str, Any]]) -> list[str]:
    """What Discord would refuse of a message's components."""
    made = components(payload)
    found = [f"{len(made)} components"] if len(made) > 40 else []
    texts = contents(payload)
    found += ["too much text"] if sum(map(units, texts)) > 4000 else []
    found += ["an empty text" for text in texts if not text.replace("\u2060", "").strip()]
    ids = [one["custom_id"] for one in made if "custom_id" in one]
    found += ["equal ids"] if len(set(ids)) < len(ids) else []
    found += [f"id {one}" for one in ids if not 0 < units(one) <= 100]
    numbers = [one["id"] for one in made if one.get("id") is not None]
    found += [f"mark {one}" for one in numbers if not 0 < one < 2**31]
    for one in made:
        found += [f"{one['type']}: {problem}" for problem in _wrong(one)]
    return found


def refused(payload: Sequence[dict[str, Any]]) -> list[str]:
    """What the local Discord refuses of a message with these components, and the pictures that they show."""
    files = [item["media"]["url"].removeprefix("attachment://") for one in components(payload) for item in one.get("items", [])]
    body = {"flags": 1 << 15, "components": list(payload), "allowed_mentions": {"parse": []}}
    files = list(dict.fromkeys(files))
    body |= {"attachments": [{"id": at, "filename": name} for at, name in enumerate(files)]} if files else {}
    return list(problems("POST", "/channels/1/messages", body, files=files))


def refused_form(made: ui.Modal) -> list[str]:
    """What the local Discord refuses of a modal."""
    return list(problems("POST", "/interactions/1/token/callback", {"type": 9, "data": made.to_dict()}))


def _wrong(one: dict[str, Any]) -> list[str]:
    match one["type"]:
        case 17:
            return [] if one["components"] else ["an empty container"]
        case 1:
            inner = [each["type"] for each in one["components"]]
            right = inner == [3] or (0 < len(inner) <= 5 and set(inner) == {2})
            return [] if right else [f"a row of {inner}"]
        case 2:
            url = one.get("url", "")
            problems = [] if 0 < units(one["label"]) <= 80 and one["label"].strip() else ["label"]
            problems += ["both or neither"] if bool(url) == ("custom_id" in one) else []
            return problems + (["url"] if url and (units(url) > 512 or not re.match(r"https?://", url, re.IGNORECASE)) else [])
        case 3:
            options = one["options"]
            problems = [] if 0 < len(options) <= 25 and units(one["placeholder"]) <= 150 else ["options"]
            values = [option["value"] for option in options]
            problems += ["equal values"] if len(set(values)) < len(values) else []
            return problems + ["option" for option in options if not all(0 < units(option[k]) <= 100 for k in ("label", "value"))]
        case 12:
            items = one["items"]
            problems = [] if 0 < len(items) <= 10 else ["gallery"]
            return problems + ["alt" for item in items if units(item.get("description") or "") > 1024]
        case 9:
            return [] if 1 <= len(one["components"]) <= 3 and one["accessory"]["type"] in (2, 11) else ["section"]
        case 10 | 14:
            return []
        case other:
            return [f"unknown type {other}"]


def live(payload: Any, *, allowed: frozenset[str] = frozenset()) -> list[str]:
    """What of a message mentions somebody, or is formatted by what others wrote."""
    found = [f"{node.kind} {node.text}" for node in parts(payload) if node.kind not in OURS | allowed]
    plain = [str(one[key]) for one in components(payload) for key in ("label", "placeholder", "description") if one.get(key)]
    found += [text for text in plain if re.search(r"@(?:everyone|here)|<[@#]", text, re.IGNORECASE)]
    assert LIVE.isdisjoint(OURS)
    return found


def stored(view: ui.LayoutView) -> list[ui.Item[Any]]:
    """The items of a view that discord.py would have to remember: those that are found by no pattern."""
    return [item for item in view.walk_children() if item.is_dispatchable() and not isinstance(item, Press | Choice)]


def parsed(view: ui.LayoutView) -> ui.LayoutView:
    """The view as discord.py makes it of a message that has been received."""
    message = type("Message", (), {})()
    state: Any = None
    payload: list[Any] = view.to_components()  # type: ignore[no-untyped-call]
    message.components = [discord.components._component_factory(one, state) for one in payload]
    return ui.LayoutView.from_message(message, timeout=None)
