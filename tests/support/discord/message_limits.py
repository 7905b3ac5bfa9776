"""Limits of messages and forms that Discord's document does not tell, from its reference and from what it was seen to refuse.

Two rules are the house's own: a message says whom it may notify (nobody, but for the one person whom a root message names), and no file is
sent that nobody would see, since a message with components V2 shows only what they name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.support.discord.content import media, texts, walk
from tests.support.discord.state import EPHEMERAL, V2

COMPONENTS, TEXT, CONTENT, EMBEDS, ROWS = 40, 4000, 2000, 6000, 5
FORM_COMPONENTS = 5
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHOWN = {9, 10, 11, 12, 13, 14, 17}  #: components that only version 2 has
_MENUS = {3, 5, 6, 7, 8}
_LINK = re.compile(r"(https?|discord)://\S+")

Body = Mapping[str, Any]
Problems = Iterator[str]


def message(body: Body, at: str, files: Sequence[str], *, new: bool, root: bool = False) -> Problems:
    """A message that is posted or, with ``new=False``, edited; ``root`` where somebody may be notified."""
    flags, components = int(body.get("flags") or 0), body.get("components") or []
    if len(body.get("content") or "") > CONTENT:
        yield f"{at}/content: Must be {CONTENT} or fewer in length."
    if sum(_embed(one) for one in body.get("embeds") or []) > EMBEDS:
        yield f"{at}/embeds: Embed size exceeds maximum size of {EMBEDS}"
    if flags & V2:
        for name in ("content", "embeds", "poll", "sticker_ids"):
            if body.get(name):
                yield f"{at}/{name}: The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
        if new and not components:
            yield f"{at}/components: Must have at least one component"
    elif new and any(one["type"] in _SHOWN for one in components):
        yield f"{at}/components: The specified component type is invalid without MessageFlags.IS_COMPONENTS_V2"
    if new and not flags & V2 and len(components) > ROWS:
        yield f"{at}/components: Must be between 1 and {ROWS} in length."
    if root and flags & EPHEMERAL:
        yield f"{at}/flags: only an answer to an interaction can be ephemeral"
    yield from _components(components, at)
    yield from _files(body, at, files, new=new)
    if new:
        yield from _mentions(body.get("allowed_mentions"), f"{at}/allowed_mentions", root=root)
    yield from _whole(body, at)


def name(body: Body, at: str) -> Problems:
    """Of a thread or a post."""
    if "name" in body and not str(body["name"] or "").strip():
        yield f"{at}/name: This field is required"


def form(data: Body, at: str) -> Problems:
    """A modal."""
    components = data["components"]
    if len(components) > FORM_COMPONENTS:
        yield f"{at}/components: Must be between 1 and {FORM_COMPONENTS} in length."
    if not data["title"].strip():
        yield f"{at}/title: This field is required"
    yield from _unique([one.get("custom_id") for one in walk(components)], f"{at}/components: custom_id")
    yield from _unique([one.get("id") or None for one in walk(components)], f"{at}/components: id")
    if not any("custom_id" in one for one in walk(components)):
        yield f"{at}/components: nothing can be filled in"
    for one in walk(components):
        if one["type"] == 4:
            yield from _text_input(one, at)
        if one["type"] in (3, 21, 22):
            yield from _options(one, at)
    yield from _whole(data, at)


# -- parts --------------------------------------------------------------------------------------------------------------------


def _components(components: Sequence[Any], at: str) -> Problems:
    everything = list(walk(components))
    if len(everything) > COMPONENTS:
        yield f"{at}/components: {len(everything)} components, at most {COMPONENTS}"
    if (length := sum(len(one) for one in texts(components))) > TEXT:
        yield f"{at}/components: {length} characters of text, at most {TEXT}"
    if any(not one.strip() for one in texts(components)):
        yield f"{at}/components: a text that is blank"
    yield from _unique([one.get("custom_id") for one in everything], f"{at}/components: custom_id")
    yield from _unique([one.get("id") or None for one in everything], f"{at}/components: id")
    for one in everything:
        if one["type"] == 1:
            inside = {each["type"] for each in one["components"]}
            if inside & _MENUS and len(one["components"]) > 1:
                yield f"{at}/components: a menu shares its row"
        elif one["type"] == 2:
            yield from _button(one, at)
        elif one["type"] == 3:
            yield from _options(one, at)
        elif one["type"] == 9 and not 1 <= len(one["components"]) <= 3:
            yield f"{at}/components: a section has 1 to 3 texts"


def _button(one: Body, at: str) -> Problems:
    said = one.get("label") or one.get("custom_id") or one.get("url")
    if not (one.get("label") or "").strip() and not one.get("emoji"):
        yield f"{at}/components: the button {said!r} has neither label nor emoji"
    if one["style"] == 5:
        if not one.get("url") or one.get("custom_id"):
            yield f"{at}/components: the link {said!r} needs a url and has no custom_id"
        elif not _LINK.fullmatch(one["url"]):
            yield f"{at}/components: Scheme must be one of ('discord', 'http', 'https'), not in {one['url']!r}"
    elif one["style"] != 6 and (not one.get("custom_id") or one.get("url")):
        yield f"{at}/components: the button {said!r} needs a custom_id and has no url"


def _options(one: Body, at: str) -> Problems:
    where, options = f"{at}/components: {one['custom_id']!r}", one["options"]
    yield from _unique([each["value"] for each in options], f"{where}: value of an option")
    least, most = one.get("min_values"), one.get("max_values")
    if most is not None and (most > len(options) or (least or 0) > most):
        yield f"{where}: {least} to {most} of {len(options)} options"
    if len([each for each in options if each.get("default")]) > (most or 1):
        yield f"{where}: more defaults than may be chosen"
    for each in options:
        if not each["label"].strip():
            yield f"{where}: an option without a label"


def _text_input(one: Body, at: str) -> Problems:
    most = one.get("max_length") or 4000
    if (one.get("min_length") or 0) > most:
        yield f"{at}/components: {one['custom_id']!r}: min_length over max_length"
    if len(one.get("value") or "") > most:
        yield f"{at}/components: {one['custom_id']!r}: the value is longer than may be typed"


def _files(body: Body, at: str, files: Sequence[str], *, new: bool) -> Problems:
    told = {str(one["id"]): one for one in body.get("attachments") or []}
    if new and (lost := sorted(set(told) - {str(number) for number in range(len(files))})):
        yield f"{at}/attachments: no file comes with {lost}"
    names = [str((told.get(str(number)) or {}).get("filename") or name) for number, name in enumerate(files)]
    yield from _unique(names, f"{at}/attachments: filename")
    shown = {one["url"].removeprefix("attachment://") for one in media(body.get("components") or []) if _local(one)}
    shown |= {
        str(one[part]["url"]).removeprefix("attachment://")
        for one in body.get("embeds") or []
        for part in ("image", "thumbnail")
        if one.get(part)
    }
    for one in sorted(shown):
        if not _NAME.fullmatch(one):
            yield f"{at}/components: Discord would rename {one!r}, so that it is not found"
    if new and (lost := sorted(one for one in shown - set(names) if "://" not in one)):
        yield f"{at}/components: The referenced attachment was not found: {lost}"
    if new and int(body.get("flags") or 0) & V2 and (hidden := sorted(set(names) - shown)):
        yield f"{at}/attachments: sent, but shown nowhere: {hidden}"


def _local(one: Body) -> bool:
    return str(one.get("url", "")).startswith("attachment://")


def _mentions(allowed: Any, at: str, *, root: bool) -> Problems:
    if not isinstance(allowed, Mapping):
        yield f"{at}: missing, so that whatever is said may notify people"
        return
    if allowed.get("parse") or allowed.get("roles") or allowed.get("replied_user"):
        yield f"{at}: it may notify people"
    if len(allowed.get("users") or []) > (1 if root else 0):
        yield f"{at}/users: it may notify people"


def _embed(one: Body) -> int:
    fields = sum(len(each["name"]) + len(each["value"]) for each in one.get("fields") or [])
    said = len(one.get("title") or "") + len(one.get("description") or "")
    return fields + said + len((one.get("footer") or {}).get("text") or "") + len((one.get("author") or {}).get("name") or "")


def _unique(values: Sequence[Any], what: str) -> Problems:
    known = [one for one in values if one is not None]
    twice = sorted({str(one) for one in known if known.count(one) > 1})
    if twice:
        yield f"{what} is not unique: {', '.join(twice)}"


def _whole(value: Any, at: str) -> Problems:
    """No half of a surrogate pair anywhere."""
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            yield f"{at}: half a surrogate pair"
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _whole(one, f"{at}/{key}")
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from _whole(one, f"{at}/{number}")
