"""A form as a modal, and what was filled in read back.

Called by whatever answers somebody (`modal`), and by the listener of submitted views (`read`, `errors`). An input's block is named after
the input, so that its value is found again and an error is shown beside it. ``private_metadata`` is JSON: the form's value, and what the
caller wants to know again. Slack has no input that hides what is typed: a secret is asked for in plain sight, and the hint says that it is
kept encrypted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from adapters.slack.render.blocks import Block, Element, note, packed, paragraph, plain
from adapters.slack.render.text import clip, exact, inline, start, units
from core.conversation.presenter.phrases import sentence
from core.errors import InvalidInput
from core.words.cards import Form, Input

TITLE, LABEL, HINT, OPTION, TYPED, METADATA, MENU = 24, 2000, 2000, 75, 3000, 3000, 100
KEPT = "It is kept encrypted and not shown again."

_FORM, _ACTION, _VALUE = "form:", "value", "="
_INPUT, _PEOPLE, _GROUPS = "input:", "people:", "groups:"
_MEMBER = re.compile(r"[UW][A-Z0-9]{2,}")


def modal(form: Form, *, metadata: Mapping[str, str] | None = None, groups: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """The view. ``metadata`` comes back with what is sent; ``groups`` are the workspace's user groups, their ids and names.

    Raises:
        ValueError: the metadata do not fit; they are the adapter's own.
    """
    kept = json.dumps({**(metadata or {}), "value": form.value}, separators=(",", ":"), ensure_ascii=False)
    if units(kept) > METADATA:
        raise ValueError("The metadata of a view are too long.")
    blocks: list[Block] = []
    if form.text.strip():
        blocks += [paragraph(part) for part in packed([inline(line) for line in form.text.strip().split("\n")])]
    for item in [*form.inputs, *form.more]:
        blocks += _blocks(item, groups)
    focused = next((block for block in blocks if block["type"] == "input"), None)
    if focused is not None and focused["element"]["type"] == "plain_text_input":
        focused["element"]["focus_on_load"] = True
    return {
        "type": "modal",
        "callback_id": f"{_FORM}{form.form}",
        "private_metadata": kept,
        "title": plain(form.title, TITLE),
        "submit": plain(form.submit, TITLE),
        "close": plain("Cancel", TITLE),
        "blocks": blocks or [note("There is nothing to fill in.")],
    }


def read(view: Mapping[str, Any]) -> tuple[str, str, dict[str, str]]:
    """The form, its value, and the values of its inputs by name: "true" and "false" for a checkbox, ids with commas between for people.

    Raises:
        InvalidInput: it is no view of ours.
    """
    callback = str(view.get("callback_id", ""))
    try:
        kept = json.loads(view.get("private_metadata") or "{}")
        value = str(kept.get("value", ""))
        filled = view["state"]["values"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput("That form is not one of Nexus's. Open it again.") from error
    if not callback.startswith(_FORM):
        raise InvalidInput("That form is not one of Nexus's. Open it again.")
    values: dict[str, str] = {}
    for block_id, inside in filled.items():
        kind, colon, name = str(block_id).partition(":")
        element = inside.get(_ACTION) if isinstance(inside, Mapping) else None
        if element is None or kind + colon not in (_INPUT, _PEOPLE, _GROUPS):
            continue
        typed = _typed(element)
        values[name] = ",".join(part for part in (values.get(name, ""), typed) if part) if kind + colon != _INPUT else typed
    return callback.removeprefix(_FORM), value, values


def errors(view: Mapping[str, Any], problems: Mapping[str, str]) -> dict[str, Any]:
    """The answer to a submission that shows what is wrong beside the inputs, by their names; what is wrong with the whole (an empty name,
    or one that is no input) stands beside the first."""
    there = [block["block_id"] for block in view.get("blocks", []) if block.get("type") == "input"]
    shown: dict[str, str] = {}
    for name, problem in problems.items():
        block_id = next((b for b in there if b in (_INPUT + name, _PEOPLE + name, _GROUPS + name)), there[0] if there else "")
        if block_id:
            shown[block_id] = clip(" ".join(part for part in (shown.get(block_id, ""), problem) if part), LABEL)
    return {"response_action": "errors", "errors": shown}


# -- inputs ----------------------------------------------------------------------------------------------------------------


def _blocks(item: Input, groups: Sequence[tuple[str, str]]) -> Iterator[Block]:
    match item.kind:
        case "people":
            members, others = _chosen(item.value)
            element: Element = {"type": "multi_users_select", "action_id": _ACTION, "placeholder": plain("Choose people", 150)}
            yield _input(item, _PEOPLE, {**element, "initial_users": members} if members else element, optional=True)
            known = [*groups, *((one, one) for one in others if one not in dict(groups))]
            if known:
                options = [_option(one, name) for one, name in known]
                chosen = [option for option, (one, _) in zip(options, known, strict=True) if one in others]
                menu = {"type": "multi_static_select", "action_id": _ACTION, "placeholder": plain("Choose groups", 150)}
                menu |= _menu(options) | ({"initial_options": chosen} if chosen else {})
                yield _input(item.model_copy(update={"label": f"{item.label}: groups"}), _GROUPS, menu, optional=True)
        case "channel":
            element = {
                "type": "conversations_select",
                "action_id": _ACTION,
                "placeholder": plain("Choose a channel", 150),
                "filter": {"include": ["public", "private"], "exclude_bot_users": True},
            }
            chosen_channel = {"initial_conversation": item.value} if item.value else {"default_to_current_conversation": True}
            yield _input(item, _INPUT, element | chosen_channel)
        case "checkbox":
            yes, no = _option("true", "Yes"), _option("false", "No")
            answer = yes if item.value == "true" else no
            element = {"type": "radio_buttons", "action_id": _ACTION, "options": [yes, no], "initial_option": answer}
            yield _input(item, _INPUT, element, optional=False)  # a box that may stay empty would be called optional
        case "select" if item.options:
            options = [_option(value, label) for value, label in item.options]
            first = next((option for option, (value, _) in zip(options, item.options, strict=True) if value == item.value), None)
            element = {"type": "static_select", "action_id": _ACTION, "placeholder": plain("Choose…", 150), **_menu(options)}
            yield _input(item, _INPUT, element if first is None else {**element, "initial_option": first})
        case _:
            yield _input(item, _INPUT, _text(item))


def _text(item: Input) -> Element:
    most = min(max(item.max_length, 1), TYPED)
    element: Element = {
        "type": "plain_text_input",
        "action_id": _ACTION,
        "max_length": most,
        "multiline": item.kind == "multiline",
    }
    if value := exact(item.value):
        element["initial_value"] = start(value, most)
    return element


def _input(item: Input, kind: str, element: Element, *, optional: bool | None = None) -> Block:
    hints = [item.hint.strip() if item.kind != "people" else ""]  # how to type ids is of no use where names are chosen
    if item.kind == "secret":
        hints = [sentence(hints[0]), KEPT]
    if units(item.value) > TYPED and element["type"] == "plain_text_input":
        hints.append(f"Only the beginning is here: Slack takes no more than {TYPED:,} characters.")
    hint = " ".join(part for part in hints if part)
    block: Block = {
        "type": "input",
        "block_id": f"{kind}{item.name}",
        "label": plain(item.label, LABEL),
        "element": element,
        "optional": not item.required if optional is None else optional,
    }
    return {**block, "hint": plain(hint, HINT)} if hint else block


def _option(value: str, label: str) -> Element:
    """An option; Slack takes no empty value, so a sign stands in front of each."""
    return {"text": plain(label.strip() or value, OPTION), "value": _VALUE + value}


def _menu(options: Sequence[Element]) -> Element:
    """The options, by the hundred where there are more than one list takes."""
    if len(options) <= MENU:
        return {"options": list(options)}
    starts = range(0, len(options), MENU)
    return {
        "option_groups": [
            {
                "label": plain(f"{first + 1}–{min(first + MENU, len(options))}", OPTION),
                "options": list(options[first : first + MENU]),
            }
            for first in starts
        ]
    }


def _chosen(value: str) -> tuple[list[str], list[str]]:
    """The members, and everything else: groups, and ids of other platforms, which must not get lost when the form is sent."""
    ids = list(dict.fromkeys(one for part in re.split(r"[,;\s]+", value) if (one := part.strip())))
    return [one for one in ids if _MEMBER.fullmatch(one)], [one for one in ids if not _MEMBER.fullmatch(one)]


def _typed(element: Mapping[str, Any]) -> str:
    kind = element.get("type")
    if kind == "multi_users_select":
        return ",".join(element.get("selected_users") or [])
    if kind in ("static_select", "multi_static_select", "radio_buttons"):
        chosen = element.get("selected_options") if kind.startswith("multi") else [element.get("selected_option")]
        return ",".join(_values(chosen or []))
    return str(element.get("selected_conversation" if kind == "conversations_select" else "value") or "")


def _values(chosen: Iterable[Any]) -> Iterator[str]:
    for option in chosen:
        if isinstance(option, Mapping):
            yield str(option.get("value", "")).removeprefix(_VALUE)
