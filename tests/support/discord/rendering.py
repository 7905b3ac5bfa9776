"""A message or a form as text, the way a person would read it out: for assertions that fail readably, and for finding what to press."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.support.discord.content import walk
from tests.support.discord.state import SYSTEM, Json, Message, Modal

SELECTS = {3: "menu", 5: "people", 6: "roles", 7: "people and roles", 8: "channels"}


def render_text(shown: Message | Modal) -> str:
    """Everything that is seen, a line for a line."""
    if isinstance(shown, Modal):
        return "\n".join([f"# {shown.title}", *render_components(shown.components)])
    if shown.kind in SYSTEM:
        return f"<system message: {shown.content}>"
    if shown.loading:
        return "<is thinking>"
    lines = [shown.content] if shown.content else []
    for embed in shown.embeds:
        lines += [str(embed[key]) for key in ("title", "description") if embed.get(key)]
        lines += [f"{one['name']}: {one['value']}" for one in embed.get("fields", [])]
    lines += render_components(shown.components)
    exposed = set(_files(shown.components))
    lines += [f"<file {one.name}>" for one in shown.attachments if not shown.is_v2 and one.name not in exposed]
    return "\n".join(lines)


def render_components(components: Sequence[Json]) -> list[str]:
    """The lines of some components."""
    return [line for one in components for line in _component(one)]


def buttons(shown: Message) -> list[Json]:
    """The buttons of a message, those with a link too."""
    return [one for one in walk(shown.components) if one.get("type") == 2]


def labels(shown: Message) -> list[str]:
    """What its buttons say."""
    return [str(one.get("label", "")) for one in buttons(shown)]


def _files(components: Sequence[Json]) -> Iterator[str]:
    for one in walk(components):
        places = [one.get("media"), one.get("file"), *(item.get("media") for item in one.get("items") or [])]
        yield from (str(each["url"]).removeprefix("attachment://") for each in places if isinstance(each, dict))


def _component(one: Json) -> Iterator[str]:
    match one.get("type"):
        case 1:
            if inner := [line for each in one["components"] for line in _component(each)]:
                yield " ".join(inner)
        case 2:
            label = one.get("label") or (one.get("emoji") or {}).get("name", "")
            yield f"({label})" if one.get("disabled") else f"[{label}]"
        case 3 | 5 | 6 | 7 | 8:
            options = " / ".join(("*" if each.get("default") else "") + each["label"] for each in one.get("options", []))
            yield "{" + (f"{one['placeholder']}: " if one.get("placeholder") else "") + (options or SELECTS[one["type"]]) + "}"
        case 4:
            yield (f"{one['label']}: " if one.get("label") else "") + f"_{one.get('value', '')}_"
        case 9:
            said = "\n".join(line for each in one["components"] for line in _component(each))
            yield said + "".join(f" {line}" for line in _component(one["accessory"]))
        case 10:
            yield str(one["content"])
        case 11:
            yield f"<image {one.get('description') or ''}>"
        case 12:
            yield " ".join(f"<image {item.get('description') or ''}>" for item in one["items"])
        case 13:
            yield f"<file {str(one['file']['url']).removeprefix('attachment://')}>"
        case 14:
            if one.get("divider", True):
                yield "---"
        case 17:
            yield from render_components(one["components"])
        case 18:
            hint = f" ({one['description']})" if one.get("description") else ""
            yield f"{one['label']}: {' '.join(_component(one['component']))}{hint}"
        case 19:
            yield "<upload>"
        case 21 | 22:
            yield "{" + " / ".join(("*" if each.get("default") else "") + each["label"] for each in one["options"]) + "}"
        case 23:
            yield "[x]" if one.get("default") else "[ ]"
        case kind:
            yield f"<component {kind}>"
