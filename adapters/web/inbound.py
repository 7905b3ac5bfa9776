"""What the page's people do, as `Inbound` values.

Called by the routes with bodies that are JSON objects already. It decides what words mean by where they were typed, checks shapes and
lengths, and makes the idempotency key; it knows no command beyond the slash word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from core.errors import InvalidInput
from core.ids import ThreadId
from core.words.attachment import Attachment
from core.words.inbound import Action, Command, FormSubmit, Inbound, Reply, Who

MAX_TEXT = 20_000  #: characters; the engine has its own, smaller limits and says them

_Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{8,64}$")]
_Thread = Annotated[str, StringConstraints(max_length=64)] | None
_SLASH = re.compile(r"/nexus(?:\s+|$)", re.IGNORECASE)


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    key: _Key
    thread: _Thread = None


class _Message(_Body):
    text: str
    framework: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{0,20}$")] = ""  #: chosen beside the box of the start page


class _Action(_Body):
    action: Annotated[str, StringConstraints(min_length=1, max_length=30)]
    value: Annotated[str, StringConstraints(max_length=69)] = ""


class _Form(_Body):
    form: Annotated[str, StringConstraints(min_length=1, max_length=30)]
    value: Annotated[str, StringConstraints(max_length=69)] = ""
    values: Annotated[dict[str, str], Field(max_length=50)] = {}


_B = TypeVar("_B", bound=_Body)


def _checked(kind: type[_B], body: object) -> _B:
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise InvalidInput(f"{where[:80]!a}: {first['msg']}. Send the JSON that this address takes.") from None


def _key(who: Who, key: str) -> str:
    # The principal is part of it: nobody can take another's key and so swallow what they do.
    return f"web:{who.principal}:{key}"


def message(who: Who, body: object, attachments: Sequence[Attachment] = ()) -> Inbound:
    """Words from the box: a command, a change request in a thread, a build request elsewhere."""
    sent = _checked(_Message, body)
    text = sent.text.strip()
    if not text:
        raise InvalidInput("There are no words in it. Say what the app should do.")
    if len(text) > MAX_TEXT:
        raise InvalidInput(f"That has {len(text):,} characters; at most {MAX_TEXT:,} are read. Say it in fewer words.")
    key, thread = _key(who, sent.key), ThreadId(sent.thread) if sent.thread else None
    if slash := _SLASH.match(text):
        return Command(who=who, key=key, text=text[slash.end() :], thread=thread, attachments=attachments)
    if re.match(r"/[a-z]+(\s|$)", text):  # "/list": the slash word left out
        return Command(who=who, key=key, text=text[1:], thread=thread, attachments=attachments)
    if thread is not None:
        return Reply(who=who, key=key, text=text, thread=thread, attachments=attachments)
    chosen = f"--framework {sent.framework} " if sent.framework else ""
    return Command(who=who, key=key, text=f"build {chosen}{text}", attachments=attachments)


def action(who: Who, body: object) -> Inbound:
    """A press on a button."""
    sent = _checked(_Action, body)
    thread = ThreadId(sent.thread) if sent.thread else None
    return Action(who=who, key=_key(who, sent.key), action=sent.action, value=sent.value, thread=thread)


def form(who: Who, body: object) -> Inbound:
    """A submitted form. A ticked checkbox is ``"true"``, another ``"false"``."""
    sent = _checked(_Form, body)
    values: Mapping[str, str] = sent.values
    thread = ThreadId(sent.thread) if sent.thread else None
    return FormSubmit(who=who, key=_key(who, sent.key), form=sent.form, value=sent.value, values=values, thread=thread)
