"""A message or a view as text, the way a person would read it out: for assertions that fail readably, and for finding what to press."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.support.slack.content import elements
from tests.support.slack.state import Json, Message, View

_MENTION = re.compile(r"<(?:@|!subteam\^|!)([A-Za-z0-9]+)(?:\|[^>]*)?>")
_MARKS = {"pending": "·", "in_progress": "…", "complete": "✓", "error": "✗"}


def render_text(shown: Message | View) -> str:
    """Everything that is seen, a line for a line."""
    if isinstance(shown, View):
        head = [f"# {shown.title}"] if shown.title else []
        foot = [f"[{shown.body[key]['text']}]" for key in ("close", "submit") if shown.body.get(key)]
        return "\n".join([*head, *render_blocks(shown.blocks), *foot])
    lines = list(render_blocks(shown.blocks)) if shown.blocks else [shown.text]
    for attachment in shown.attachments:
        lines += render_blocks(attachment.get("blocks", [])) if attachment.get("blocks") else [str(attachment.get("text", ""))]
    lines += [f"<file {one}>" for one in shown.files]
    return "\n".join(lines)


def mentions(shown: Message | View) -> set[str]:
    """Whom it would notify: ids of people and groups, and ``channel``, ``here``, ``everyone``."""
    found: set[str] = set()

    def look(value: object, *, marked: bool = False) -> None:
        if isinstance(value, str):
            found.update(_MENTION.findall(value) if marked else ())
        elif isinstance(value, list):
            for one in value:
                look(one, marked=marked)
        elif isinstance(value, dict):
            kind = value.get("type")
            found.update(str(value[key]) for key in ("user_id", "usergroup_id") if key in value)
            found.update([value["range"]] if kind == "broadcast" else [])
            for key, one in value.items():
                look(one, marked=kind in ("mrkdwn", "markdown") and key == "text")

    if isinstance(shown, Message):
        look(shown.text, marked=True)
        look(shown.attachments)
    look(shown.blocks)
    return found


def render_blocks(blocks: list[Json]) -> Iterator[str]:
    """The lines of some blocks."""
    for block in blocks:
        yield from _block(block)


def text_of(value: object) -> str:
    """The words of a text object, of rich text, or of plain text."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return ""
    if "elements" in value:
        inner = [text_of(one) for one in value["elements"]]
        return ("\n" if value.get("type") == "rich_text" else "").join(inner)
    match value.get("type"):
        case "link":
            return str(value.get("text") or value.get("url", ""))
        case "user":
            return f"<@{value['user_id']}>"
        case "emoji":
            return f":{value['name']}:"
        case _:
            return str(value["text"] if isinstance(value.get("text"), str) else text_of(value.get("text")))


def _block(block: Json) -> Iterator[str]:
    match block.get("type"):
        case "header":
            yield f"# {text_of(block['text'])}"
        case "divider":
            yield "---"
        case "markdown":
            yield str(block["text"])
        case "rich_text":
            yield text_of(block)
        case "image":
            yield f"<image {block.get('alt_text', '')}>"
        case "context":
            yield " ".join(_element(one) for one in block["elements"])
        case "table":
            for row in block["rows"]:
                yield " | ".join(text_of(cell) for cell in row)
        case "plan":
            yield f"{block.get('title', '')}:"
            for task in block.get("tasks", []):
                yield from _task(task)
        case "task_card":
            yield from _task(block)
        case "input":
            element = block["element"]
            yield f"{text_of(block['label'])}: {_element(element)}" + (
                f" ({text_of(block['hint'])})" if block.get("hint") else ""
            )
        case _:
            if block.get("title") and block.get("type") != "image":
                yield f"## {text_of(block['title'])}"
            for key in ("text", "subtitle", "body", "description"):
                if block.get(key):
                    yield text_of(block[key])
            yield from (text_of(one) for one in block.get("fields", []))
            inner = [one for one in elements(block) if one.get("type") in _SPOKEN]
            if inner:
                yield " ".join(_element(one) for one in inner)
            for child in block.get("child_blocks", []):
                yield from _block(child)


_SPOKEN = {"button", "overflow", "static_select", "users_select", "image", "icon_button", "radio_buttons", "checkboxes"}


def _task(task: Json) -> Iterator[str]:
    yield f"  {_MARKS.get(task.get('status', ''), '?')} {task.get('title', '')}"
    for key in ("details", "output"):
        if task.get(key):
            yield f"      {text_of(task[key])}"


def _element(element: Json) -> str:
    match element.get("type"):
        case "button" | "workflow_button":
            return f"[{text_of(element['text'])}]"
        case "image":
            return f"<image {element.get('alt_text', '')}>"
        case "overflow" | "static_select" | "radio_buttons" | "checkboxes" | "multi_static_select":
            options = [
                *element.get("options", []),
                *(one for group in element.get("option_groups", []) for one in group["options"]),
            ]
            return "{" + " / ".join(text_of(one["text"]) for one in options) + "}"
        case "plain_text_input" | "email_text_input" | "url_text_input" | "number_input":
            return f"_{element.get('initial_value', '')}_"
        case "mrkdwn" | "plain_text":
            return text_of(element)
        case kind:
            return f"<{kind}>"
