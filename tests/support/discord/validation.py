"""Refuses what Discord refuses of a request's body. Called by the local Discord on every call and by the tests of the renderers.

Two nets, each of which misses what the other catches: a schema made from Discord's own OpenAPI document (unknown types, missing and extra
keys, most lengths), and the limits that the document does not tell, written out in `message_limits` and `command_limits`. Extra keys are
refused, which Discord would ignore: they are mistakes all the same.

``requests.schema.json`` holds the request bodies that a chat app sends, and what they refer to, of the npm package ``discord-api-spec``
10.0.266135 (MIT, RiskyMH), which is generated from Discord's OpenAPI document (github.com/discord/discord-api-spec, MIT, Discord Inc.). It
was made once: in the package's ``discord-api-spec.zod.js``, ``zObject`` set to ``z.strictObject``; every schema registered under its name
without ``Schema`` and given to ``z.toJSONSchema(registry, {io: "input", unrepresentable: "any"})`` of zod 4; of these the ones under
``roots`` and all they refer to were kept, in ``$defs``.

Where the document offers several kinds of a thing that its ``type`` tells apart, the schema is chosen by ``type`` first, so that what is
wrong is named in one of them rather than in none of ten.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.support.discord import command_limits, message_limits

NO_JSON = object()  #: a body that could not be read

Problems = Iterator[str]
_HOOK = r"/webhooks/\d+/[^/]+"
_COMMANDS = r"/applications/\d+(?:/guilds/\d+)?/commands"
_ROOTS = [
    ("POST", r"/channels/\d+/messages", "MessageCreate"),
    ("PATCH", r"/channels/\d+/messages/\d+", "MessageEdit"),
    ("POST", r"/channels/\d+/messages/\d+/threads", "ThreadOnMessage"),
    ("POST", r"/channels/\d+/threads", "Thread"),
    ("PATCH", r"/channels/\d+", "ThreadEdit"),
    ("POST", r"/users/@me/channels", "Direct"),
    ("POST", _COMMANDS, "Command"),
    ("PATCH", _COMMANDS + r"/\d+", "CommandEdit"),
    ("PUT", _COMMANDS, "CommandUpdate"),
    ("POST", r"/interactions/\d+/[^/]+/callback", "Callback"),
    ("POST", _HOOK, "Hook"),
    ("PATCH", _HOOK + r"/messages/(?:@original|\d+)", "HookEdit"),
]
_OF_A_KEPT_FILE = ("url", "proxy_url", "size", "width", "height", "content_type", "spoiler")
_CALLBACKS = {4: "Answer", 5: "Answer", 6: "Update", 7: "Update", 8: "Choices", 9: "Form"}


def problems(method: str, path: str, body: Any, *, files: Sequence[str] = ()) -> Problems:
    """What is wrong with the body of a call, each as ``/place: why``; ``files`` are the names of those that come with it.

    ``path`` is without ``/api/v10``: ``/channels/1/messages``.
    """
    root = next((name for verb, pattern, name in _ROOTS if verb == method and re.fullmatch(pattern, path)), "")
    if not root:
        return
    if root == "Callback":
        root = _CALLBACKS.get(body.get("type") if isinstance(body, dict) else None, "")  # type: ignore[arg-type]
        if not root:
            yield "/type: no such answer"
            return
    if root == "CommandUpdate":
        if not isinstance(body, list):
            yield "/: no list"
            return
        for number, command in enumerate(body):
            yield from _one(root, command, f"/{number}", files)
        return
    if root == "Thread" and isinstance(body, dict) and "message" in body:
        root = "Post"
    yield from _one(root, body, "", files)


def _one(root: str, body: Any, at: str, files: Sequence[str]) -> Problems:
    found = list(_schema(root, body, at))
    yield from found
    if found:
        return  # what follows reads it as what its schema says
    match root:
        case "MessageCreate" | "Hook":
            yield from message_limits.message(body, at, files, new=True, root=root == "MessageCreate")
        case "MessageEdit" | "HookEdit":
            yield from message_limits.message(body, at, files, new=False)
        case "Post":
            yield from message_limits.message(body["message"], f"{at}/message", files, new=True, root=True)
            yield from message_limits.name(body, at)
        case "Thread" | "ThreadOnMessage" | "ThreadEdit":
            yield from message_limits.name(body, at)
        case "Answer" if body["type"] == 4:
            yield from message_limits.message(body.get("data") or {}, f"{at}/data", files, new=True)
        case "Update" if body["type"] == 7:
            yield from message_limits.message(body.get("data") or {}, f"{at}/data", files, new=False)
        case "Form":
            yield from message_limits.form(body["data"], f"{at}/data")
        case "Choices":
            yield from command_limits.choices(body["data"].get("choices") or [], f"{at}/data/choices")
        case "Command" | "CommandUpdate":
            yield from command_limits.command(body, at)
        case "CommandEdit":
            yield from command_limits.command({"name": "unchanged", "description": "unchanged", **body}, at)


# -- the schema ---------------------------------------------------------------------------------------------------------------


@functools.cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(__file__).with_name("requests.schema.json").read_text())
    definitions = document["$defs"]
    # The document has ids as text; Discord takes numbers as well, and discord.py sends them.
    definitions["SnowflakeType"] = {"anyOf": [definitions["SnowflakeType"], {"type": "integer", "minimum": 0}]}
    for one in definitions.values():
        if "allowed_mentions" in one.get("properties", {}):  # discord.py says of every message whether it is read aloud
            one["properties"].setdefault("tts", {"type": "boolean"})
    # discord.py repeats all that it knows of a file that an edit keeps, and says of a post that it is a public thread.
    definitions["MessageAttachmentRequest"]["properties"] |= {name: {} for name in _OF_A_KEPT_FILE}
    definitions["CreateForumThreadRequest"]["properties"]["type"] = {"const": 11}
    document["$defs"] = {name: _told_apart(one, definitions) for name, one in definitions.items()}
    return document


def _told_apart(schema: Any, definitions: dict[str, Any]) -> Any:
    """The schema, with every choice that ``type`` decides made by ``type``."""
    if isinstance(schema, list):
        return [_told_apart(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _told_apart(value, definitions) for key, value in schema.items() if key != "anyOf"}
    if "anyOf" not in schema:
        return made
    options = schema["anyOf"]
    kinds = [_kind(option, definitions) for option in options]
    others = [_told_apart(option, definitions) for option, kind in zip(options, kinds, strict=True) if kind is None]
    known = {kind: option for option, kind in zip(options, kinds, strict=True) if kind is not None}
    if not known or others:
        return made | {"anyOf": [_told_apart(option, definitions) for option in options]}
    decided = [{"if": {"properties": {"type": {"const": kind}}}, "then": option} for kind, option in known.items()]
    return made | {"type": "object", "required": ["type"], "properties": {"type": {"enum": sorted(known)}}, "allOf": decided}


def _kind(option: Any, definitions: dict[str, Any]) -> int | None:
    """The value of ``type`` that an option is for."""
    if not isinstance(option, dict) or "$ref" not in option:
        return None
    kind: int | None = definitions[option["$ref"].rpartition("/")[2]].get("properties", {}).get("type", {}).get("const")
    return kind


@functools.cache
def _validator(root: str) -> Draft202012Validator:
    document = _document()
    return Draft202012Validator({"$ref": f"#/$defs/{document['roots'][root]}", "$defs": document["$defs"]})


def _schema(root: str, body: Any, at: str) -> Problems:
    for error in _validator(root).iter_errors(body):
        # Of a choice without a type the nearest option says more than the choice.
        nearest = error
        while nearest.context:
            nearest = max(nearest.context, key=lambda one: (len(one.absolute_path), one.validator != "type"))
        path = "".join(f"/{part}" for part in nearest.absolute_path)
        said = nearest.message  # begins with the value, ends with what is wrong with it
        yield f"{at}{path}: {said if len(said) <= 300 else '…' + said[-300:]}"
