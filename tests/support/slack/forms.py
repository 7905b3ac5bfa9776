"""Filling in a modal: what was typed becomes ``view.state.values``, and Slack itself refuses what its inputs do not allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.support.slack.acting import option
from tests.support.slack.rendering import render_text, text_of
from tests.support.slack.state import Json, View

Entry = str | int | bool | Sequence[str] | None
_TEXT = ("plain_text_input", "email_text_input", "url_text_input", "number_input")
_PICKERS = {"datepicker": "date", "timepicker": "time", "datetimepicker": "date_time"}
REQUIRED = "Please complete this required field."


def fill(view: View, entries: Mapping[str, Entry]) -> dict[str, str]:
    """Type and choose by the inputs' labels; what is left out keeps its initial value. Returns what Slack refuses, by label.

    Raises:
        AssertionError: there is no input with such a label.
    """
    inputs = {text_of(block["label"]): block for block in view.blocks if block["type"] == "input"}
    for label in entries:
        if label not in inputs:
            raise AssertionError(f"there is no input {label!r} in:\n{render_text(view)}")
    errors: dict[str, str] = {}
    for label, block in inputs.items():
        element = block["element"]
        kept = view.state.get(block["block_id"], {}).get(element["action_id"])
        value = entered(element, entries[label]) if label in entries else kept or initial(element)
        view.state[block["block_id"]] = {element["action_id"]: value}
        problem = _problem(element, value, optional=block.get("optional", False))
        if problem:
            errors[label] = problem
    # Elements outside of input blocks are part of the state too.
    for block in view.blocks:
        for key in ("accessory", "elements"):
            inner = block.get(key, [])
            for element in inner if isinstance(inner, list) else [inner]:
                if block["type"] in ("section", "actions") and element.get("type") not in ("button", "overflow", "image"):
                    view.state.setdefault(block["block_id"], {}).setdefault(element["action_id"], initial(element))
    return errors


def initial(element: Json) -> Json:
    """What an element holds when nobody touched it."""
    kind = element["type"]
    if kind in _TEXT:
        return {"type": kind, "value": element.get("initial_value")}
    if kind in ("checkboxes", "multi_static_select"):
        return {"type": kind, "selected_options": element.get("initial_options", [])}
    if kind in ("static_select", "radio_buttons", "external_select"):
        return {"type": kind, "selected_option": element.get("initial_option")}
    if kind in _PICKERS:
        return {"type": kind, f"selected_{_PICKERS[kind]}": element.get(f"initial_{_PICKERS[kind]}")}
    if kind == "file_input":
        return {"type": kind, "files": []}
    if kind.startswith("multi_"):
        what = kind.removeprefix("multi_").removesuffix("_select")
        return {"type": kind, f"selected_{what}": element.get(f"initial_{what}", [])}
    what = kind.removesuffix("s_select")
    return {"type": kind, f"selected_{what}": element.get(f"initial_{what}")}


def entered(element: Json, entry: Entry) -> Json:
    """What an element holds after somebody typed or chose."""
    kind, empty = element["type"], initial(element)
    key = next(key for key in empty if key != "type")
    if entry is None or entry == "":
        return {"type": kind, key: [] if isinstance(empty[key], list) else None}
    if kind == "checkboxes" and isinstance(entry, bool):
        entry = [text_of(one["text"]) for one in element["options"]] if entry else []
    if key == "selected_option":
        return {"type": kind, key: option(element, str(entry))}
    if key == "selected_options":
        return {"type": kind, key: [option(element, one) for one in _several(entry)]}
    if isinstance(empty[key], list):
        return {"type": kind, key: [{"id": one} for one in _several(entry)] if kind == "file_input" else _several(entry)}
    return {"type": kind, key: str(entry)}


def _several(entry: Entry) -> list[str]:
    return [str(one) for one in entry] if isinstance(entry, list | tuple) else [str(entry)]


def _problem(element: Json, value: Json, *, optional: bool) -> str:
    """What Slack says before it sends anything."""
    held = next(held for key, held in value.items() if key != "type")
    if not held:
        return "" if optional else REQUIRED
    if element["type"] == "plain_text_input":
        if len(held) > element.get("max_length", 3000):
            return f"Please use at most {element.get('max_length', 3000)} characters."
        if len(held) < element.get("min_length", 0):
            return f"Please use at least {element['min_length']} characters."
        if "\n" in held and not element.get("multiline"):
            return "A single line cannot hold a line break."
    if element["type"] == "email_text_input" and "@" not in held:
        return "Please enter a valid email address."
    if element["type"] == "url_text_input" and "://" not in held:
        return "Please enter a valid URL."
    if element["type"] == "number_input":
        try:
            float(held)
        except ValueError:
            return "Please enter a number."
    return ""
