"""Refuses what Slack refuses of a payload: blocks, views, chunks of a stream, and the text of a message.

Called by the local Slack on every call and by the tests of the renderers. Three nets, each of which misses what another catches: the
models of slack_sdk (limits at the top), a schema made from Slack's own types (unknown types, missing and extra keys), and the limits of
the Block Kit reference, nested ones included, written out below.

``blocks.schema.json`` holds the definitions of ``@slack/types`` 3.2.0 (MIT, Slack Technologies, LLC), made once, by

    npm install @slack/types@3.2.0 ts-json-schema-generator@2.4.0
    ts-json-schema-generator --type Everything --no-top-ref --jsDoc none

from a file with ``interface Everything { blocks: KnownBlock[]; modal: …; home: … }``, where the views' blocks are ``KnownBlock[]`` too.

Not documented by Slack, but seen: a message whose blocks hold more than about 13,000 characters is refused with ``msg_blocks_too_long``.
What exactly is counted is not known, so `BLOCKS_WEIGHT` is lower and counts UTF-8 bytes of everything that is text.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
MESSAGE_TEXT = 40_000
BLOCKS_WEIGHT = 12_000  #: bytes of text in the blocks of one message
TABLE_CHARACTERS = 10_000
CHUNK_FIELD = 256
MARKDOWN = 12_000
VIEW_BYTES = 250_000

_SCHEMA = json.loads(Path(__file__).with_name("blocks.schema.json").read_text())
_MESSAGE_ONLY = {"table", "data_table", "markdown", "plan", "task_card", "context_actions", "card", "carousel", "container"}
_TEXT_KEYS = {"text", "title", "label", "alt_text", "caption", "description", "placeholder"}

Place = str
Problems = Iterator[str]


class Invalid(Exception):
    """Slack would refuse it. ``error`` is the word it answers with, ``problems`` say where and why."""

    def __init__(self, error: str, problems: Sequence[str]) -> None:
        super().__init__(f"{error}: " + "; ".join(problems))
        self.error = error
        self.problems = list(problems)


def check_blocks(blocks: Sequence[Mapping[str, Any]]) -> None:
    """The blocks of a message.

    Raises:
        Invalid: with every problem that was found.
    """
    problems = list(_message_problems(blocks))
    if problems:
        raise Invalid("invalid_blocks", problems)
    if (weight := text_weight(blocks)) > BLOCKS_WEIGHT:
        raise Invalid("msg_blocks_too_long", [f"{weight} bytes of text, at most {BLOCKS_WEIGHT}"])


def check_view(view: Mapping[str, Any]) -> None:
    """A modal or a Home tab.

    Raises:
        Invalid: with every problem that was found.
    """
    problems = list(_view_problems(view))
    if problems:
        raise Invalid("invalid_arguments", problems)
    if len(json.dumps(view).encode()) > VIEW_BYTES:
        raise Invalid("view_too_large", [f"more than {VIEW_BYTES} bytes"])


def check_text(text: str) -> None:
    """The ``text`` of a message.

    Raises:
        Invalid: it is too long.
    """
    if _length(text) > MESSAGE_TEXT:
        raise Invalid("msg_too_long", [f"{_length(text)} characters of text, at most {MESSAGE_TEXT}"])


def check_chunks(chunks: Sequence[Mapping[str, Any]]) -> None:
    """What is appended to a stream.

    Raises:
        Invalid: with every problem that was found.
    """
    problems: list[str] = []
    for number, chunk in enumerate(chunks):
        problems += [f"/chunks/{number}{problem}" for problem in _chunk_problems(chunk)]
    if problems:
        raise Invalid("invalid_chunks", problems)


def text_weight(value: Any) -> int:
    """Bytes of what is shown or said by blocks, wherever it is nested."""
    if isinstance(value, Mapping):
        own = sum(
            len(text.encode(errors="replace")) for key, text in value.items() if key in _TEXT_KEYS and isinstance(text, str)
        )
        return own + sum(text_weight(item) for item in value.values() if not isinstance(item, str))
    return sum(text_weight(item) for item in value) if isinstance(value, list | tuple) else 0


# -- the three nets --------------------------------------------------------------------------------------------------------


def _message_problems(blocks: Sequence[Mapping[str, Any]]) -> Problems:
    if not isinstance(blocks, list | tuple) or not blocks:
        yield "/blocks: no blocks"
        return
    if len(blocks) > MESSAGE_BLOCKS:
        yield f"/blocks: {len(blocks)} blocks, at most {MESSAGE_BLOCKS}"
    yield from _all_blocks(blocks)
    tables = [block for block in blocks if block.get("type") == "table"]
    if len(tables) > 1:
        yield f"/blocks: {len(tables)} tables, at most one (only_one_table_allowed)"
    yield from _unique(
        [element.get("action_id") for element in _walk(blocks) if "action_id" in element], "action_id in the message"
    )


def _view_problems(view: Mapping[str, Any]) -> Problems:
    kind = view.get("type")
    if kind not in ("modal", "home"):
        yield f"/type: {kind!r} is no view"
        return
    yield from _schema(view, {"$ref": f"#/definitions/{str(kind).capitalize()}"}, "", shallow=True)
    blocks = view.get("blocks", [])
    if len(blocks) > VIEW_BLOCKS:
        yield f"/blocks: {len(blocks)} blocks, at most {VIEW_BLOCKS}"
    for name, most in (("title", 24), ("submit", 24), ("close", 24)):
        yield from _text(view.get(name), most, f"/{name}")
    for name, most in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
        yield from _long(view.get(name), most, f"/{name}")
    yield from _all_blocks(blocks)
    for number, block in enumerate(blocks):
        if block.get("type") in _MESSAGE_ONLY:
            yield f"/blocks/{number}: {block['type']} is for messages only"
    if kind == "modal" and any(block.get("type") == "input" for block in blocks) and "submit" not in view:
        yield "/submit: missing, with an input in the modal"
    focused = [element for element in _walk(blocks) if element.get("focus_on_load")]
    if len(focused) > 1:
        yield "/blocks: more than one element has the focus"
    try:
        View(**view).validate_json()
    except SlackObjectFormationError as error:
        yield f"slack_sdk: {error}"


def _chunk_problems(chunk: Mapping[str, Any]) -> Problems:
    needed = {
        "markdown_text": {"text"},
        "plan_update": {"title"},
        "task_update": {"id", "title", "status"},
        "blocks": {"blocks"},
    }
    allowed = {"task_update": {"details", "output", "sources"}}
    kind = str(chunk.get("type"))
    if kind not in needed:
        yield f": {kind!r} is no chunk"
        return
    keys = set(chunk) - {"type"}
    if missing := needed[kind] - keys:
        yield f": {sorted(missing)} missing"
    if extra := keys - needed[kind] - allowed.get(kind, set()):
        yield f": {sorted(extra)} unknown"
    if kind == "task_update" and chunk.get("status") not in ("pending", "in_progress", "complete", "error"):
        yield f"/status: {chunk.get('status')!r}"
    for name in ("id", "title", "details", "output"):
        if name in chunk:
            yield from _long(chunk[name], CHUNK_FIELD, f"/{name}", least=1)
    if kind == "markdown_text":
        yield from _long(chunk.get("text"), MARKDOWN, "/text", least=1)
    if kind == "blocks":
        try:
            check_blocks(chunk["blocks"])
        except Invalid as error:
            yield from error.problems


def _all_blocks(blocks: Sequence[Mapping[str, Any]]) -> Problems:
    for number, block in enumerate(blocks):
        at = f"/blocks/{number}"
        if not isinstance(block, Mapping) or "type" not in block:
            yield f"{at}: no type"
            continue
        found = list(_schema(block, _definition(str(block["type"])), at))
        yield from found
        if not found:  # what follows reads it as what its type says
            yield from _sdk(block, at)
            yield from _limits(block, at)
    yield from _unique([block.get("block_id") for block in blocks if "block_id" in block], "block_id")


def _sdk(block: Mapping[str, Any], at: Place) -> Problems:
    try:
        parsed = Block.parse(json.loads(json.dumps(block)))
        if parsed is not None:
            parsed.validate_json()
    except (SlackObjectFormationError, TypeError) as error:
        yield f"{at}: slack_sdk: {error}"


@functools.cache
def _definition(kind: str) -> Any:
    """The schema of one type of block: to name what is wrong in one, rather than in none of twenty."""
    definitions = _SCHEMA["definitions"]
    for option in definitions["KnownBlock"]["anyOf"]:
        name = option["$ref"].rpartition("/")[2]
        forms = definitions[name].get("anyOf", [definitions[name]])
        if forms[0]["properties"]["type"]["const"] == kind:
            return option["$ref"]
    return None


@functools.cache
def _validator(reference: str) -> Draft7Validator:
    return Draft7Validator({"$ref": reference, "definitions": _SCHEMA["definitions"]})


def _schema(value: Mapping[str, Any], reference: Any, at: Place, *, shallow: bool = False) -> Problems:
    if reference is None:
        yield f"{at}: {value['type']!r} is no type of block"
        return
    name = reference["$ref"] if isinstance(reference, dict) else reference
    checked = {**value, "blocks": []} if shallow and "blocks" in value else value
    for error in _validator(name).iter_errors(json.loads(json.dumps(checked))):
        path = "".join(f"/{part}" for part in error.absolute_path)
        yield f"{at}{path}: {error.message[:300]}"


# -- the limits of the reference -------------------------------------------------------------------------------------------


def _length(text: str) -> int:
    """UTF-16 units, the strictest of the ways to count: an emoji is two."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def _long(text: Any, most: int, at: Place, *, least: int = 0) -> Problems:
    if isinstance(text, str):
        if (length := _length(text)) > most:
            yield f"{at}: {length} characters, at most {most}"
        if length < least:
            yield f"{at}: {length} characters, at least {least}"
        if any("\ud800" <= c <= "\udfff" for c in text):
            yield f"{at}: half a surrogate pair"


def _text(value: Any, most: int, at: Place) -> Problems:
    """A text object: in every one there is at least one character."""
    if isinstance(value, Mapping):
        yield from _long(value.get("text"), most, f"{at}/text", least=1)


def _many(items: Any, most: int, at: Place, *, least: int = 1) -> Problems:
    if isinstance(items, list) and not least <= len(items) <= most:
        yield f"{at}: {len(items)} of them, {least} to {most}"


def _unique(ids: Sequence[Any], what: str) -> Problems:
    twice = sorted({str(one) for one in ids if list(ids).count(one) > 1})
    if twice:
        yield f"{what} is not unique: {', '.join(twice)}"


def _walk(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        for item in value.values():
            yield from _walk(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _walk(item)


def _limits(block: Mapping[str, Any], at: Place) -> Problems:
    yield from _long(block.get("block_id"), 255, f"{at}/block_id", least=1)
    yield from _BLOCKS.get(block["type"], lambda *_: iter(()))(block, at)
    for element in _walk(block):
        kind = element.get("type")
        if "action_id" in element:
            yield from _long(element["action_id"], 255, f"{at}/action_id", least=1)
        if isinstance(kind, str) and kind in _ELEMENTS:
            yield from _ELEMENTS[kind](element, at)
        if kind in ("plain_text", "mrkdwn"):
            yield from _text(element, 3000, at)
        yield from _text(element.get("placeholder"), 150, f"{at}/placeholder")
        if isinstance(element.get("confirm"), Mapping) and kind is not None:
            yield from _confirm(element["confirm"], f"{at}/confirm")
    for element in _walk(block):
        yield from _unique(
            [e.get("action_id") for e in element.get("elements", []) if isinstance(e, Mapping) and "action_id" in e],
            f"{at}: action_id",
        )


def _confirm(confirm: Mapping[str, Any], at: Place) -> Problems:
    for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        if name not in confirm:
            yield f"{at}/{name}: missing"
        yield from _text(confirm.get(name), most, f"{at}/{name}")


def _option(option: Mapping[str, Any], at: Place) -> Problems:
    yield from _text(option.get("text"), 75, f"{at}/text")
    yield from _text(option.get("description"), 75, f"{at}/description")
    yield from _long(option.get("value"), 150, f"{at}/value", least=1)
    yield from _long(option.get("url"), 3000, f"{at}/url")


def _options(element: Mapping[str, Any], at: Place, most: int) -> Problems:
    options, groups = element.get("options"), element.get("option_groups")
    if (options is None) == (groups is None):
        yield f"{at}: either options or option_groups"
    yield from _many(options, most, f"{at}/options")
    yield from _many(groups, 100, f"{at}/option_groups")
    everything = list(options or [])
    for group in groups or []:
        yield from _text(group["label"], 75, f"{at}/option_groups/label")
        yield from _many(group["options"], most, f"{at}/option_groups/options")
        everything += group["options"]
    for option in everything:
        yield from _option(option, f"{at}/options")
    yield from _unique([option.get("value") for option in everything], f"{at}: an option's value")
    chosen = element.get("initial_options") or ([element["initial_option"]] if "initial_option" in element else [])
    yield from (f"{at}: the initial option is not among the options" for option in chosen if option not in everything)


def _select(element: Mapping[str, Any], at: Place) -> Problems:
    yield from _options(element, at, 100)


def _button(element: Mapping[str, Any], at: Place) -> Problems:
    yield from _text(element["text"], 75, f"{at}/text")
    yield from _long(element.get("value"), 2000, f"{at}/value")
    yield from _long(element.get("url"), 3000, f"{at}/url", least=1)
    yield from _long(element.get("accessibility_label"), 75, f"{at}/accessibility_label")
    if "url" in element and not re.match(r"(https?|mailto|slack)://?\S+$", str(element["url"]), re.IGNORECASE):
        yield f"{at}/url: no URL"


def _overflow(element: Mapping[str, Any], at: Place) -> Problems:
    yield from _options(element, at, 5)


def _choices(element: Mapping[str, Any], at: Place) -> Problems:
    yield from _options(element, at, 10)


def _text_input(element: Mapping[str, Any], at: Place) -> Problems:
    for name, least in (("min_length", 0), ("max_length", 1)):
        if not least <= element.get(name, 1) <= 3000:
            yield f"{at}/{name}: {element[name]}, {least} to 3000"
    if element.get("min_length", 0) > element.get("max_length", 3000):
        yield f"{at}: min_length over max_length"
    yield from _long(element.get("initial_value"), min(3000, element.get("max_length", 3000)), f"{at}/initial_value")


def _link(element: Mapping[str, Any], at: Place) -> Problems:
    yield from _long(element.get("url"), 3000, f"{at}/url", least=1)
    yield from _long(element.get("text"), 3000, f"{at}/text", least=1)


def _rich(element: Mapping[str, Any], at: Place) -> Problems:
    yield from _long(element.get("text"), 1_000_000, f"{at}/text", least=1)


def _list(element: Mapping[str, Any], at: Place) -> Problems:
    if not 0 <= element.get("indent", 0) <= 8:
        yield f"{at}/indent: {element['indent']}"


def _picture(element: Mapping[str, Any], at: Place) -> Problems:
    yield from _long(element.get("alt_text"), 2000, f"{at}/alt_text", least=1)
    yield from _long(element.get("image_url"), 3000, f"{at}/image_url", least=1)
    yield from _text(element.get("title"), 2000, f"{at}/title")


def _section(block: Mapping[str, Any], at: Place) -> Problems:
    if "text" not in block and "fields" not in block:
        yield f"{at}: neither text nor fields"
    yield from _text(block.get("text"), 3000, f"{at}/text")
    yield from _many(block.get("fields"), 10, f"{at}/fields")
    for number, field in enumerate(block.get("fields", [])):
        yield from _text(field, 2000, f"{at}/fields/{number}")


def _elements(most: int) -> Callable[[Mapping[str, Any], Place], Problems]:
    return lambda block, at: _many(block["elements"], most, f"{at}/elements")


def _table(block: Mapping[str, Any], at: Place) -> Problems:
    rows = block["rows"]
    yield from _many(rows, 100, f"{at}/rows")
    yield from _many(block.get("column_settings"), 20, f"{at}/column_settings", least=0)
    if len({len(row) for row in rows}) > 1:
        yield f"{at}/rows: rows of different lengths"
    for number, row in enumerate(rows):
        yield from _many(row, 20, f"{at}/rows/{number}")
        for cell in row:
            if cell["type"] == "raw_text":
                yield from _long(cell["text"], TABLE_CHARACTERS, f"{at}/rows/{number}/text", least=1)
    if (characters := text_weight(rows)) > TABLE_CHARACTERS:
        yield f"{at}: {characters} characters, at most {TABLE_CHARACTERS}"


def _input(block: Mapping[str, Any], at: Place) -> Problems:
    yield from _text(block["label"], 2000, f"{at}/label")
    yield from _text(block.get("hint"), 2000, f"{at}/hint")
    if "action_id" not in block["element"]:
        yield f"{at}/element: no action_id, so that its value could not be found again"


def _markdown(block: Mapping[str, Any], at: Place) -> Problems:
    yield from _long(block["text"], MARKDOWN, f"{at}/text", least=1)


def _task(block: Mapping[str, Any], at: Place) -> Problems:
    for name in ("task_id", "title"):
        yield from _long(block.get(name), CHUNK_FIELD, f"{at}/{name}", least=1)


def _plan(block: Mapping[str, Any], at: Place) -> Problems:
    yield from _long(block["title"], CHUNK_FIELD, f"{at}/title", least=1)
    for number, task in enumerate(block.get("tasks", [])):
        yield from _schema(task, "#/definitions/TaskCardBlock", f"{at}/tasks/{number}")


_BLOCKS: Mapping[str, Callable[[Mapping[str, Any], Place], Problems]] = {
    "section": _section,
    "header": lambda block, at: _text(block["text"], 150, f"{at}/text"),
    "actions": _elements(25),
    "context": _elements(10),
    "context_actions": _elements(5),
    "alert": lambda block, at: _text(block["text"], 200, f"{at}/text"),
    "image": _picture,
    "input": _input,
    "markdown": _markdown,
    "table": _table,
    "rich_text": _elements(1000),
    "task_card": _task,
    "plan": _plan,
}
_ELEMENTS: Mapping[str, Callable[[Mapping[str, Any], Place], Problems]] = {
    "button": _button,
    "static_select": _select,
    "multi_static_select": _select,
    "overflow": _overflow,
    "radio_buttons": _choices,
    "checkboxes": _choices,
    "plain_text_input": _text_input,
    "link": _link,
    "text": _rich,
    "rich_text_list": _list,
    "image": _picture,
}
