"""What a message or a view may contain: text, blocks, metadata and attachments checked, and ids given where Slack gives them.

The blocks themselves are checked by `validation` against Slack's own schema and limits; here is what needs the workspace or the call:
files that must exist, the length of the text, what goes together.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from tests.support.slack import validation
from tests.support.slack.api import Refused, Request
from tests.support.slack.state import Json, Workspace

MAX_TEXT = 40_000  #: of chat.postMessage, which cuts; here it is refused, so that nobody relies on it
MAX_EDIT = 4_000  #: of chat.update and chat.postEphemeral
MAX_MARKDOWN = 12_000
MAX_METADATA = 16_000
MAX_VIEW = 250_000
_EVENT_TYPE = re.compile(r"[A-Za-z0-9_.\-]{1,255}")


def check_blocks(team: Workspace, blocks: object, *, error: str = "invalid_blocks") -> list[Json]:
    """The blocks as Slack keeps them, with an id each.

    Raises:
        Refused: with the reasons in response_metadata.messages.
    """
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise Refused("invalid_blocks_format" if error == "invalid_blocks" else error, "must provide an array of objects")
    if blocks:
        _checked(validation.check_blocks, blocks)
    _check_files(team, blocks, error)
    return with_ids(blocks)


def check_chunks(chunks: object) -> list[Json]:
    """The chunks of a stream.

    Raises:
        Refused: ``invalid_chunks``, with the reasons.
    """
    if not isinstance(chunks, list) or not all(isinstance(chunk, dict) for chunk in chunks):
        raise Refused("invalid_chunks_format")
    _checked(validation.check_chunks, chunks)
    return chunks


def _checked(check: Callable[[Any], None], value: object) -> None:
    try:
        check(value)
    except validation.Invalid as why:
        raise Refused(why.error, *why.problems) from why


def with_ids(blocks: list[Json]) -> list[Json]:
    """A copy in which every block and every interactive element has an id."""
    kept: list[Json] = json.loads(json.dumps(blocks))
    for block in kept:
        block.setdefault("block_id", secrets.token_urlsafe(4))
        for element in elements(block):
            if element.get("type") in INTERACTIVE:
                element.setdefault("action_id", secrets.token_urlsafe(4))
    return kept


#: Elements that send an action when somebody uses them; link buttons are buttons.
INTERACTIVE = {
    "button",
    "checkboxes",
    "datepicker",
    "datetimepicker",
    "email_text_input",
    "feedback_buttons",
    "file_input",
    "icon_button",
    "number_input",
    "overflow",
    "plain_text_input",
    "radio_buttons",
    "rich_text_input",
    "timepicker",
    "url_text_input",
    "workflow_button",
    *(f"{many}{kind}_select" for many in ("", "multi_") for kind in ("static", "users", "conversations", "channels", "external")),
}


def elements(block: Json) -> Iterator[Json]:
    """The elements of a block, whatever its type keeps them in, and those of blocks inside it."""
    for key in ("elements", "accessory", "element", "actions", "buttons", "child_blocks", "items", "cards", "footer"):
        inner = block.get(key)
        for element in inner if isinstance(inner, list) else [inner] if isinstance(inner, dict) else []:
            if isinstance(element, dict):
                yield element
                if element.get("type") not in INTERACTIVE:
                    yield from elements(element)


def _check_files(team: Workspace, blocks: list[Json], error: str) -> None:
    for index, block in enumerate(blocks):
        for one in (block, *elements(block)):
            file = one.get("slack_file")
            if isinstance(file, dict) and "id" in file and not (file["id"] in team.files and team.files[file["id"]].complete):
                raise Refused(error, f"/blocks/{index}/slack_file: invalid slack file")


def check_text(text: str, limit: int) -> str:
    if len(text) > limit:
        raise Refused("msg_too_long")
    return text


def check_metadata(metadata: object) -> Json | None:
    if not metadata:
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_payload"), dict):
        raise Refused("invalid_metadata_format")
    if not _EVENT_TYPE.fullmatch(str(metadata.get("event_type", ""))):
        raise Refused("invalid_metadata_format")
    if len(json.dumps(metadata)) > MAX_METADATA:
        raise Refused("metadata_too_large")
    return metadata


def message_content(request: Request, *, limit: int) -> Json:
    """The text, blocks and attachments of a new message, checked."""
    args = request.args
    content: Json = {}
    markdown = request.text("markdown_text")
    if markdown:
        if args.get("blocks") or args.get("text"):
            raise Refused("markdown_text_conflict")
        check_text(markdown, MAX_MARKDOWN)
        content |= {"text": markdown, "blocks": with_ids([{"type": "markdown", "text": markdown}])}
    if args.get("blocks") is not None:
        content["blocks"] = check_blocks(request.team, args["blocks"])
    if args.get("attachments") is not None:
        content["attachments"] = _check_attachments(request.team, args["attachments"])
    if args.get("text") is not None:
        content["text"] = check_text(str(args["text"]), limit)
    if not any(content.values()):
        raise Refused("no_text")
    return content


def _check_attachments(team: Workspace, attachments: object) -> list[Json]:
    if not isinstance(attachments, list):
        raise Refused("invalid_attachments")
    if len(attachments) > 100:
        raise Refused("too_many_attachments")
    return [
        {**one, "blocks": check_blocks(team, one["blocks"])} if isinstance(one, dict) and "blocks" in one else one
        for one in attachments
    ]


def check_view(team: Workspace, view: object, *, kind: str | None = None) -> Json:
    """A view as Slack keeps it.

    Raises:
        Refused: ``invalid_arguments``, with the reason; ``view_too_large``.
    """
    if not isinstance(view, dict):
        raise Refused("invalid_arguments", "/view: must be an object")
    if kind and view.get("type") != kind:
        raise Refused("invalid_arguments", f"/view/type: must be {kind}")
    if len(json.dumps(view)) > MAX_VIEW:
        raise Refused("view_too_large")
    _checked(validation.check_view, view)
    _check_files(team, view["blocks"], "invalid_arguments")
    return {**view, "blocks": with_ids(view["blocks"])}
