"""A form as a modal, and what was filled in read back.

Called by whatever answers somebody (`modal`), and by `adapters.discord.inbound` for what was sent (`read`). An input's ``custom_id`` is
its name, so that its value is found again. A modal has at most five components: what is told above the inputs is above them where there is
room, else shortened below the first label, or in the first input, that has nothing there; a place for files takes that of the last input
that nobody has to fill in. Discord has no input that hides what is typed: a secret is asked for in plain sight, and the words below its
label say that it is kept encrypted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import discord
from discord import ui

from adapters.discord.render.text import calm, draw, exact, inline
from core.conversation.measuring import clip, start, units, without_controls
from core.conversation.presenter.phrases import sentence
from core.errors import InvalidInput
from core.words.cards import Form, Input

TITLE, COMPONENTS, LABEL, DESCRIPTION, PLACEHOLDER = 45, 5, 45, 100, 100
TYPED, OPTIONS, OPTION, CHOSEN, FILES, CUSTOM_ID = 4000, 25, 100, 25, 1, 100
TEXT = 2000  #: characters of what is told above the inputs
KEPT = "It is kept encrypted and not shown again."
EMPTY = "-"  #: stands for an option without a value, which Discord does not take
ALSO = "+"  #: between an input's name and the ids that no menu of Discord's can show

_NOT_OURS = "That form is not one of Nexus's. Open it again."
_FORM = re.compile(r"([a-z_]{1,30}):([\s\S]*)")
_SNOWFLAKE = re.compile(r"[0-9]{15,20}")
_CHANNELS = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.forum,
    discord.ChannelType.public_thread,
    discord.ChannelType.private_thread,
    discord.ChannelType.news_thread,
]
_LABEL, _ROW, _CHECKBOX, _UPLOAD = 18, 1, 23, 19
_MENUS = (3, 5, 6, 7, 8)
_CHANNEL = 8


def modal(form: Form, values: Mapping[str, str] | None = None, *, roles: Collection[str] = ()) -> ui.Modal:
    """The modal. ``values`` are what was filled in before, by the names of the inputs; ``roles`` are ids of the server's roles, which
    cannot be told from people's by their look."""
    inputs, file = _fitting(form, values or {})
    made: ui.Modal = ui.Modal(title=_plain(form.title, TITLE), timeout=None, custom_id=f"{form.form}:{form.value}")
    text = without_controls(form.text).strip()
    if text and len(inputs) + int(file is not None) < COMPONENTS:
        told = "\n".join(draw(inline(line)) for line in text.split("\n"))
        made.add_item(ui.TextDisplay(told if units(told) <= TEXT else draw(inline(clip(text, TEXT // 3)))))
        text = ""
    for item in inputs:
        hint = _hint(item)
        if text and not hint:
            hint, text = " ".join(text.split()), ""
        made.add_item(_label(item, hint, roles))
    _in_a_placeholder(made, text)
    if file is not None:
        made.add_item(
            ui.Label(
                text=_plain(file.label, LABEL),
                description=_plain(file.hint, DESCRIPTION) if file.hint.strip() else None,
                component=ui.FileUpload(
                    custom_id=file.name, required=file.required, min_values=int(file.required), max_values=FILES
                ),
            )
        )
    return made


def _in_a_placeholder(made: ui.Modal, text: str) -> None:
    """What has no room above the inputs nor below a label, in the first input that is empty."""
    texts = [child.component for child in made.children if isinstance(child, ui.Label)]
    empty = (one for one in texts if isinstance(one, ui.TextInput) and not one.default and not one.placeholder)
    if text and (one := next(empty, None)) is not None:
        one.placeholder = _plain(text, PLACEHOLDER)


def read(data: Mapping[str, Any]) -> tuple[str, str, dict[str, str], tuple[Mapping[str, Any], ...]]:
    """The form, its value, the values of its inputs by name ("true" and "false" for a checkbox, ids with commas between for people), and
    the files that were added, as Discord describes them.

    Raises:
        InvalidInput: it is no form of ours.
    """
    found = _FORM.fullmatch(str(data.get("custom_id", "")))
    components = data.get("components")
    if found is None or not isinstance(components, list):
        raise InvalidInput(_NOT_OURS)
    values: dict[str, str] = {}
    files: list[Mapping[str, Any]] = []
    resolved = data.get("resolved")
    attached = resolved.get("attachments") if isinstance(resolved, Mapping) else None
    channels = resolved.get("channels") if isinstance(resolved, Mapping) else None
    for element in _elements(components):
        custom_id = str(element.get("custom_id", ""))
        if element.get("type") == _UPLOAD:
            files += [
                attached[one]
                for one in map(str, element.get("values") or [])
                if isinstance(attached, Mapping) and one in attached
            ]
        elif custom_id:
            name, _, also = custom_id.partition(ALSO)
            filled = _filled(element)
            if element.get("type") == _CHANNEL and not (isinstance(channels, Mapping) and filled in channels):
                filled = ""  # nothing that Discord offered: whoever changes their client may send the id of any channel
            values[name] = ",".join(part for part in (filled, also) if part)
    return found[1], found[2], values, tuple(files)


# -- which inputs there are ------------------------------------------------------------------------------------------------


def _fitting(form: Form, values: Mapping[str, str]) -> tuple[list[Input], Input | None]:
    """The inputs as they are filled in, and the one for files, as far as there is room."""
    inputs = [one.model_copy(update={"value": values[one.name]}) if one.name in values else one for one in form.inputs]
    file = form.file
    inputs = inputs[:COMPONENTS]
    if file is not None and len(inputs) == COMPONENTS:
        spare = next((one for one in reversed(inputs) if not one.required and not one.value and one.kind != "checkbox"), None)
        if spare is None:
            return inputs, None
        inputs = [one for one in inputs if one is not spare]
    room = COMPONENTS - len(inputs) - int(file is not None) - int(bool(form.text.strip()))
    more = [one.model_copy(update={"value": values.get(one.name, one.value)}) for one in form.more[: max(room, 0)]]
    return [*inputs, *(more if len(more) == len(form.more) else [])], file


# -- inputs ----------------------------------------------------------------------------------------------------------------


def _label(item: Input, hint: str, roles: Collection[str]) -> ui.Label[Any]:
    component, note = _component(item, roles)
    label = " ".join(calm(item.label).split())
    told = " ".join(part for part in (label if units(label) > LABEL else "", note, hint) if part)
    return ui.Label(text=_plain(label, LABEL), description=_plain(told, DESCRIPTION) if told else None, component=component)


def _hint(item: Input) -> str:
    hint = " ".join(item.hint.split()) if item.kind != "people" else ""  # how to type ids is of no use where names are chosen
    if item.kind != "secret":
        return hint
    both = f"{sentence(hint)} {KEPT}".strip()
    return both if units(calm(both)) <= DESCRIPTION else hint


def _component(item: Input, roles: Collection[str]) -> tuple[ui.Item[Any], str]:
    """The input, and what has to be said about it."""
    match item.kind:
        case "people":
            return _people(item, roles)
        case "channel":
            there = [discord.Object(int(item.value))] if _SNOWFLAKE.fullmatch(item.value) else []
            return (
                ui.ChannelSelect(
                    custom_id=item.name,
                    channel_types=_CHANNELS,
                    placeholder="Choose a channel",
                    required=item.required,
                    min_values=int(item.required),
                    default_values=there,
                ),
                "",
            )
        case "checkbox":
            return ui.Checkbox(custom_id=item.name, default=item.value == "true"), ""
        case "select" if item.options:
            return _select(item)
        case _:
            return _text(item)


def _text(item: Input) -> tuple[ui.Item[Any], str]:
    most = min(max(item.max_length, 1), TYPED)
    value = exact(item.value)
    hint = " ".join(item.hint.split())
    secret = item.kind == "secret" and units(calm(f"{sentence(hint)} {KEPT}")) > DESCRIPTION
    made: ui.TextInput[Any] = ui.TextInput(
        custom_id=item.name,
        style=discord.TextStyle.paragraph if item.kind == "multiline" else discord.TextStyle.short,
        default=start(value, most) or None,
        placeholder=KEPT if secret else None,
        required=item.required,
        max_length=most,
    )
    return made, f"Only the beginning is here: Discord takes no more than {most:,} characters." if units(value) > most else ""


def _select(item: Input) -> tuple[ui.Item[Any], str]:
    chosen = next((option for option in item.options if option[0] == item.value), None)
    listed = item.options[:OPTIONS]
    if chosen is not None and chosen not in listed:
        listed = [*listed[:-1], chosen]
    options = [
        discord.SelectOption(label=_plain(label.strip() or value, OPTION), value=value or EMPTY, default=(value, label) == chosen)
        for value, label in listed
    ]
    made: ui.Select[Any] = ui.Select(
        custom_id=item.name,
        placeholder="Choose…",
        options=options,
        required=item.required,
        min_values=int(item.required),
        max_values=1,
    )
    note = f"{len(listed)} of {len(item.options):,} are listed." if len(item.options) > OPTIONS else ""
    return made, note


def _people(item: Input, roles: Collection[str]) -> tuple[ui.Item[Any], str]:
    """A menu of people and roles. Ids of other platforms, which it cannot show, must not get lost when the form is sent; where there are
    too many to be kept behind it, ids are typed."""
    ids = list(dict.fromkeys(one for part in re.split(r"[,;\s]+", item.value) if (one := part.strip())))
    known = [one for one in ids if _SNOWFLAKE.fullmatch(one)]
    others = [one for one in ids if one not in known]
    custom_id = item.name + (ALSO + ",".join(others) if others else "")
    if len(known) > CHOSEN or units(custom_id) > CUSTOM_ID:
        return _text(item.model_copy(update={"value": ", ".join(ids), "max_length": TYPED}))[0], "Ids, with commas between."
    defaults = [
        discord.SelectDefaultValue(
            id=int(one), type=discord.SelectDefaultValueType.role if one in roles else discord.SelectDefaultValueType.user
        )
        for one in known
    ]
    made: ui.MentionableSelect[Any] = ui.MentionableSelect(
        custom_id=custom_id,
        placeholder="Choose people and roles",
        required=False,
        min_values=0,
        max_values=CHOSEN,
        default_values=defaults,
    )
    return made, f"Also: {', '.join(others)}." if others else ""


def _plain(text: str, most: int) -> str:
    """Words of a field that Discord does not parse; it takes no empty one."""
    return clip(" ".join(calm(text).split()), most).strip() or "–"


# -- what was filled in ----------------------------------------------------------------------------------------------------


def _elements(components: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    for component in components:
        if not isinstance(component, Mapping):
            continue
        kind = component.get("type")
        if kind == _LABEL:
            yield from _elements([component.get("component")])
        elif kind == _ROW:
            inner = component.get("components")
            yield from _elements(inner if isinstance(inner, list) else [])
        else:
            yield component


def _filled(element: Mapping[str, Any]) -> str:
    kind = element.get("type")
    if kind in _MENUS:
        return ",".join("" if one == EMPTY else str(one) for one in element.get("values") or [])
    if kind == _CHECKBOX:
        return "true" if element.get("value") is True else "false"
    value = element.get("value")
    return "" if value is None else str(value)
