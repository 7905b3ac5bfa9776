"""What people do in Slack, as values: who and where, what was typed, pressed or filled in. Pure.

Called by `adapters.slack.app` with the payloads that Slack sends, and by `adapters.slack.desk`, which asks who it is and then
what it means. It knows Slack's shapes and none of its methods. It refuses nothing aloud: what is no business of Nexus (a bot's
words, an edit, talk between people) is None.

A message is one by its channel and timestamp, whichever events tell of it (`app_mention` and `message` both do, and each again
when it is redelivered): its key is made of these and not of the event's id.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from adapters.slack.render.buttons import LINK, action_of
from adapters.slack.render.files import build_of
from core.conversation.saying import Way
from core.ids import ThreadId
from core.words.inbound import Action, Command, FormSubmit, Inbound, Who
from core.words.thread_ref import ThreadRef

PLATFORM = "slack"
OPEN_FORM = "open_form"  #: the button of a form that came too late for its trigger
STOP_TAIL = "stop_tail"  #: the button of a followed log
MAX_VALUE = 2000  #: characters in a button's value

_ENTITY = re.compile(r"<([@#!]|https?://|mailto:|tel:)([^<>|]*)(?:\|([^<>]*))?>")
_SOMEBODY = re.compile(r"[UWS][A-Z0-9]{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where somebody did something, and by which ways they can be answered."""

    workspace: str  #: team id
    user: str
    channel: str = ""  #: empty: the Home tab, or a shortcut from anywhere
    thread: str = ""  #: of the app that this is or will be about; empty: one is to be opened
    within: bool = False  #: it was done inside that thread, which others see already
    trigger: str = field(default="", repr=False)  #: opens one view, within three seconds
    response_url: str = field(default="", repr=False)
    view: Literal["", "home", "modal"] = ""  #: where there is no message: the Home tab, or a modal

    @property
    def direct(self) -> bool:
        """Two people read this channel: the person and the bot, or, where a command was typed, somebody else."""
        return self.channel.startswith("D")

    @property
    def place(self) -> ThreadRef | None:
        """Where a new app's thread belongs."""
        if not self.channel:
            return None
        return ThreadRef(platform=PLATFORM, workspace=self.workspace, channel=self.channel, thread=self.thread, user=self.user)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A file that somebody added to a message, not fetched yet."""

    id: str
    name: str
    size: int
    url: str = field(repr=False)
    mode: str = "hosted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Words. ``way``: typed after the slash word, said to the bot, said in a thread, or picked by the shortcut of a message."""

    where: Where
    key: str
    text: str
    way: Way
    files: Sequence[Shared] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """A button, or a choice in a message or the Home tab."""

    where: Where
    key: str
    action: str
    value: str
    message: str = ""  #: timestamp of the message that it stands in


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A form that was sent. ``people`` are the ids that were chosen by name."""

    where: Where
    key: str
    form: str
    value: str
    values: Mapping[str, str] = field(repr=False)  #: settings of an app are among them
    people: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What was typed into the menu of a build's files, which are too many to be in the message."""

    where: Where
    build: str
    text: str


# --- words ------------------------------------------------------------------------------------------------------------------


def plain(text: str, *, without: str = "") -> str:
    """Slack's markup as the words that people see; mentions of ``without`` (the bot) are left out."""

    def shown(match: re.Match[str]) -> str:
        kind, rest, label = match[1], match[2], match[3] or ""
        if kind == "@":
            return "" if rest == without else f"@{label or rest}"
        if kind == "#":
            return f"#{label or rest}"
        if kind == "!":
            return label or f"@{rest.split('^')[0]}"
        url = rest if kind in {"mailto:", "tel:"} else kind + rest
        return url if not label or label in url else f"{label} ({url})"

    return html.unescape(_ENTITY.sub(shown, text)).strip()


def mentions(text: str, user: str) -> bool:
    """Whether this member is mentioned."""
    return any(match[1] == "@" and match[2] == user for match in _ENTITY.finditer(text))


# --- payloads ---------------------------------------------------------------------------------------------------------------


def command(body: Mapping[str, Any], workspace: str) -> Said:
    """A slash command."""
    where = Where(
        workspace=workspace,
        user=_text(body, "user_id"),
        channel=_text(body, "channel_id"),
        trigger=_text(body, "trigger_id"),
        response_url=_text(body, "response_url"),
    )
    text = plain(_text(body, "text")) or "build"  # bare: the form
    return Said(where=where, key=_key(workspace, "command", where.trigger, where.user), text=text, way="command")


def message(event: Mapping[str, Any], workspace: str, bot: str) -> Said | None:
    """A message, as `app_mention` or `message` tells of it; None when it is not for Nexus."""
    user, channel, ts = _text(event, "user"), _text(event, "channel"), _text(event, "ts")
    if not user or not channel or not ts or user in {bot, "USLACKBOT"}:
        return None
    if event.get("bot_id") or event.get("bot_profile") or event.get("edited") or event.get("hidden"):
        return None
    if event.get("subtype") not in {None, "file_share", "thread_broadcast"}:
        return None
    parent = _text(event, "thread_ts")
    within = bool(parent) and parent != ts
    text = _text(event, "text")
    direct = event.get("channel_type") == "im" or channel.startswith("D")
    if event.get("type") != "app_mention" and not direct:
        other = _ENTITY.match(text.lstrip())
        if not within or mentions(text, bot) or (other is not None and other[1] == "@"):
            return None  # a mention comes by an event of its own; words to somebody else are theirs
    where = Where(workspace=workspace, user=user, channel=channel, thread=parent or ts, within=within)
    return Said(
        where=where,
        key=_key(workspace, "message", channel, ts),
        text=plain(text, without=bot),
        way="mention" if direct or event.get("type") == "app_mention" else "reply",
        files=_files(event),
    )


def picked(body: Mapping[str, Any], workspace: str) -> Said:
    """The shortcut of a message: its words and files are the request, its thread is the thread."""
    chosen = _part(body, "message")
    parent, ts = _text(chosen, "thread_ts"), _text(chosen, "ts")
    where = Where(
        workspace=workspace,
        user=_text(_part(body, "user"), "id"),
        channel=_text(_part(body, "channel"), "id"),
        thread=parent or ts,
        within=bool(parent),
        trigger=_text(body, "trigger_id"),
        response_url=_text(body, "response_url"),
    )
    key = _key(workspace, "picked", where.channel, ts, _text(body, "action_ts"), where.user)
    return Said(where=where, key=key, text=plain(_text(chosen, "text")), way="pick", files=_files(chosen))


def shortcut(body: Mapping[str, Any], workspace: str) -> Said:
    """The shortcut that is everywhere: the form, and the app's thread in the direct messages."""
    where = Where(workspace=workspace, user=_text(_part(body, "user"), "id"), trigger=_text(body, "trigger_id"))
    return Said(where=where, key=_key(workspace, "shortcut", _text(body, "action_ts"), where.user), text="build", way="command")


def pressed(body: Mapping[str, Any], workspace: str) -> Pressed | None:
    """A press; None for a button that only opens a URL."""
    actions = body.get("actions") or [{}]
    did: Mapping[str, Any] = actions[0] if isinstance(actions[0], Mapping) else {}
    name = action_of(_text(did, "action_id"))
    if not name or name.split(":")[0] == LINK:
        return None
    container, view = _part(body, "container"), _part(body, "view")
    ts = _text(container, "message_ts") or _text(_part(body, "message"), "ts")
    parent = _text(container, "thread_ts") or _text(_part(body, "message"), "thread_ts")
    channel = _text(container, "channel_id") or _text(_part(body, "channel"), "id")
    remembered = recall(_text(view, "private_metadata")) if view.get("type") == "modal" else {}
    where = Where(
        workspace=workspace,
        user=_text(_part(body, "user"), "id"),
        channel=channel or remembered.get("channel", ""),
        thread=parent or ("" if container.get("is_ephemeral") else ts) or remembered.get("thread", ""),
        within=bool(parent) or remembered.get("within", "") == "yes",
        trigger=_text(body, "trigger_id"),
        response_url=_text(body, "response_url"),
        view="modal" if view.get("type") == "modal" else "home" if view else "",
    )
    key = _key(workspace, "press", channel, ts or _text(view, "id"), _text(did, "action_id"), _text(did, "action_ts"), where.user)
    return Pressed(where=where, key=key, action=name, value=_chosen(did), message=ts)


def sought(body: Mapping[str, Any], workspace: str) -> Sought:
    """What a menu asks its options for; without a build where it is no menu of files."""
    where = Where(workspace=workspace, user=_text(_part(body, "user"), "id"))
    return Sought(where=where, build=build_of(_text(body, "block_id")), text=_text(body, "value"))


def filled(body: Mapping[str, Any], workspace: str, form: str, value: str, values: Mapping[str, str]) -> Filled:
    """A submitted view, whose inputs `adapters.slack.render.form` has read."""
    view, user = _part(body, "view"), _text(_part(body, "user"), "id")
    known = recall(_text(view, "private_metadata"))
    urls = body.get("response_urls") or [{}]
    where = Where(
        workspace=workspace,
        user=user,
        channel=known.get("channel", ""),
        thread=known.get("thread", ""),
        within=known.get("within") == "yes",
        trigger=_text(body, "trigger_id"),
        response_url=_text(urls[0], "response_url"),
    )
    key = _key(workspace, "form", _text(view, "id"), _text(view, "hash"), user)
    return Filled(where=where, key=key, form=form, value=value, values=values, people=_people(view))


def remember(where: Where) -> dict[str, str]:
    """What a view has to keep, so that what is sent from it is known to belong there."""
    kept = {"channel": where.channel, "thread": where.thread, "within": "yes" if where.within else ""}
    return {name: value for name, value in kept.items() if value}


def recall(metadata: str) -> dict[str, str]:
    """What was kept; nothing of what is not ours."""
    try:
        kept = json.loads(metadata)
    except ValueError:
        return {}
    if not isinstance(kept, dict):
        return {}
    return {name: value for name in ("channel", "thread", "within") if isinstance(value := kept.get(name), str)}


# --- meanings ---------------------------------------------------------------------------------------------------------------


def press(did: Pressed, who: Who, thread: ThreadId | None = None) -> Action:
    """The press as Nexus knows it."""
    return Action(who=who, key=did.key, action=did.action, value=did.value, thread=thread, place=did.where.place)


def submission(sent: Filled, who: Who, thread: ThreadId | None = None) -> FormSubmit:
    """The form as Nexus knows it."""
    return FormSubmit(
        who=who, key=sent.key, form=sent.form, value=sent.value, values=sent.values, thread=thread, place=sent.where.place
    )


# --- a form that is opened later --------------------------------------------------------------------------------------------


def later(inbound: Inbound, where: Where) -> str:
    """The value of a button that asks for the form again; empty when it does not fit."""
    asked: dict[str, Any]
    match inbound:
        case Command(text=text):
            asked = {"text": text}
        case Action(action=action, value=value):
            asked = {"action": action, "value": value}
        case _:
            return ""
    packed = json.dumps(asked | {"where": remember(where)}, separators=(",", ":"))
    return packed if len(packed) <= MAX_VALUE else json.dumps({"text": "build", "where": remember(where)})


def again(did: Pressed) -> Said | Pressed | None:
    """What was asked when that button was made, by who presses it now."""
    try:
        asked = json.loads(did.value)
    except ValueError:
        return None
    if not isinstance(asked, dict):
        return None
    known = recall(json.dumps(asked.get("where")))
    where = Where(
        workspace=did.where.workspace,
        user=did.where.user,
        channel=known.get("channel", did.where.channel),
        thread=known.get("thread", ""),
        within=known.get("within") == "yes",
        trigger=did.where.trigger,
        response_url=did.where.response_url,
    )
    if isinstance(asked.get("text"), str):
        return Said(where=where, key=did.key, text=asked["text"], way="command")
    if isinstance(asked.get("action"), str):
        return Pressed(where=where, key=did.key, action=asked["action"], value=str(asked.get("value", "")))
    return None


# --- parts ------------------------------------------------------------------------------------------------------------------


def _text(part: Mapping[str, Any], name: str) -> str:
    value = part.get(name)
    return value if isinstance(value, str) else ""


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    return value if isinstance(value, Mapping) else {}


def _key(workspace: str, *parts: str) -> str:
    return ":".join((PLATFORM, workspace, *parts))


def _chosen(did: Mapping[str, Any]) -> str:
    """A button's value, or what was chosen."""
    for name in ("selected_option", "selected_options"):
        chosen = did.get(name)
        if isinstance(chosen, list):
            chosen = chosen[0] if chosen else None
        if isinstance(chosen, Mapping):
            return _text(chosen, "value")
    return _text(did, "value")


def _files(part: Mapping[str, Any]) -> tuple[Shared, ...]:
    found = part.get("files")
    return tuple(
        Shared(
            id=_text(file, "id"),
            name=_text(file, "name") or _text(file, "title") or "file",
            size=file["size"] if isinstance(file.get("size"), int) else 0,
            url=_text(file, "url_private_download") or _text(file, "url_private"),
            mode=_text(file, "mode") or _text(file, "file_access"),
        )
        for file in (found if isinstance(found, list) else [])
        if isinstance(file, Mapping)
    )


def _people(view: Mapping[str, Any]) -> tuple[str, ...]:
    """The members and groups that were chosen in a view."""
    chosen: list[str] = []
    for block in _part(_part(view, "state"), "values").values():
        for element in block.values() if isinstance(block, Mapping) else ():
            chosen += element.get("selected_users") or []
            chosen += [option["value"].lstrip("=") for option in element.get("selected_options") or []]
    return tuple(dict.fromkeys(one for one in chosen if _SOMEBODY.fullmatch(one)))
