"""What people do in Discord, as values: who and where, what was typed, pressed or filled in. Pure.

Called by `adapters.discord.app` with payloads in the shape that the gateway sends them, and by `adapters.discord.desk`, which asks who
it is and then what it means. It knows Discord's shapes and none of its methods. It refuses nothing aloud: what is no business of Nexus (a
bot's words, an edit, talk between people) is None, and what is missing in a payload is empty.

An interaction and a message have an id of their own, which every process is told alike: their keys are made of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from adapters.discord import lines
from core.conversation.saying import Way
from core.words.thread_ref import ThreadRef

PLATFORM: Final = "discord"
THREADS: Final = frozenset({10, 11, 12})  #: types of channels: threads in announcements, public and private threads
LIMIT: Final = 10 * 1024 * 1024  #: bytes of a file, where Discord says nothing else

_ADMINISTRATES = 0x8 | 0x20  # ADMINISTRATOR, MANAGE_GUILD
_DIRECT, _ELSEWHERE = 1, 2  # contexts of interactions: with the bot, and with others
_GROUP = 3  # a type of channel
_ATTACHMENT = 11  # a type of option
_MENU = 3  # a type of component
_EPHEMERAL, _HAS_THREAD = 1 << 6, 1 << 5  # flags of messages
_SAID = frozenset({0, 19})  # types of messages: words, and words that reply to others
_FORWARDED = 1  # a type of reference
_EPOCH = 1_420_070_400_000  # the first millisecond of Discord's ids

_ENTITY = re.compile(r"<(?:(@[!&]?|#)([0-9]{1,20})|a?:([A-Za-z0-9_]{1,40}):[0-9]{1,20}|/([^<>:\n]{1,110}):[0-9]{1,20})>")
_SOMEBODY = re.compile(r"\s*<@[!&]?([0-9]{1,20})>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where somebody did something, and by which ways they can be answered."""

    workspace: str = ""  #: the server's id; empty in direct messages, and in servers that Nexus is no member of
    user: str
    name: str = ""  #: how they are called there
    admin: bool | None = None  #: of that server; None: not told
    roles: tuple[str, ...] = ()  #: ids
    channel: str = ""  #: empty: a place that Nexus cannot write to
    thread: str = ""  #: of the app that this is or will be about; empty: one is to be opened
    within: bool = False  #: it was done inside that thread, which others see already
    direct: bool = False  #: the channel is the one between the person and the bot
    application: str = ""
    token: str = field(default="", repr=False)  #: of the interaction: answers it for fifteen minutes
    since: float = 0.0  #: when the token was made, in seconds of Unix time
    deferred: Literal["", "message", "update"] = (
        ""  #: how it was acknowledged; empty: not at all, or there is nothing to acknowledge
    )
    opens: bool = False  #: not acknowledged, since the answer may be a form
    limit: int = LIMIT  #: bytes of a file in an answer
    command: str = ""  #: the id of the command that it was asked by, for mentions such as </nexus help:ID>

    @property
    def place(self) -> ThreadRef | None:
        """Where a new app's thread belongs."""
        if not self.channel:
            return None
        return ThreadRef(platform=PLATFORM, workspace=self.workspace, channel=self.channel, thread=self.thread, user=self.user)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A file that somebody added, not fetched yet."""

    id: str
    name: str
    size: int  #: bytes
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Words. ``way``: typed as a command, said to the bot, said in a thread, or picked from somebody's message."""

    where: Where
    key: str
    text: str = field(repr=False)  #: settings of an app may be among them
    way: Way
    files: Sequence[Shared] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """A button, or a choice from a menu."""

    where: Where
    key: str
    action: str
    value: str
    message: str = ""  #: id of the message that it stands in
    asks: bool = False  #: it is to be asked first whether they are sure


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A form that was sent."""

    where: Where
    key: str
    form: str
    value: str
    values: Mapping[str, str] = field(repr=False)  #: settings of an app are among them
    files: Sequence[Shared] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """A command that is being typed: what stands in the option that has the focus, and in the others."""

    where: Where
    command: str  #: with its parts, as in "env set"
    options: Mapping[str, str] = field(repr=False)
    focused: str
    text: str = field(repr=False)


Told = Said | Pressed | Filled  #: what is kept until it is done


# --- words ------------------------------------------------------------------------------------------------------------------------


def plain(text: str, names: Mapping[str, str], *, without: Sequence[str] = ()) -> str:
    """Discord's markup as the words that people see; mentions of ``without`` (the bot) are left out."""

    def shown(match: re.Match[str]) -> str:
        kind, of, emoji, slash = match[1], match[2], match[3], match[4]
        if emoji:
            return f":{emoji}:"
        if slash:
            return f"/{slash}"
        if of in without:
            return ""
        return f"{kind[0]}{names.get(of, of)}"

    return _ENTITY.sub(shown, text).strip()


def _names(part: Mapping[str, Any]) -> dict[str, str]:
    """What the people, roles and channels are called whom words may mention."""
    found: dict[str, str] = {}
    for kind in ("mentions", "mention_channels"):
        found |= {_id(one, "id"): _called(one) for one in _parts(part, kind)}
    for kind in ("users", "roles", "channels"):
        found |= {key: _called(one) for key, one in _part(part, kind).items() if isinstance(one, Mapping)}
    return {key: name for key, name in found.items() if key and name}


def _called(user: Mapping[str, Any]) -> str:
    return _text(_part(user, "member"), "nick") or _text(user, "global_name") or _text(user, "username") or _text(user, "name")


# --- interactions -----------------------------------------------------------------------------------------------------------------


def command(payload: Mapping[str, Any]) -> Said:
    """A command of `adapters.discord.manifest`, as a line of the one grammar."""
    data = _part(payload, "data")
    path, options = _typed(data)
    given = {_text(option, "name"): option.get("value") for option in options if option.get("type") != _ATTACHMENT}
    resolved = _part(data, "resolved")
    names = _names(resolved)
    for name in ("description", "features", "styling"):
        if isinstance(typed := given.get(name), str):
            given[name] = plain(typed, names)
    attached = _part(resolved, "attachments")
    chosen = [str(option.get("value", "")) for option in options if option.get("type") == _ATTACHMENT]
    files = tuple(_shared(_part(attached, one)) for one in dict.fromkeys(chosen) if one in attached)
    return Said(where=_where(payload), key=_key(payload), text=lines.line(path, given), way="command", files=files)


def picked(payload: Mapping[str, Any]) -> Said:
    """The command of a message's menu: its words and files are the request."""
    data = _part(payload, "data")
    resolved = _part(data, "resolved")
    chosen = _part(_part(resolved, "messages"), _id(data, "target_id"))
    text, files = _content(chosen)
    return Said(
        where=_where(payload, chosen),
        key=_key(payload),
        text=plain(text, _names(chosen) | _names(resolved)),
        way="pick",
        files=files,
    )


def pressed(payload: Mapping[str, Any]) -> Pressed | None:
    """A press, or a choice; None when it is none of ours."""
    from adapters.discord.render.buttons import press_of

    data, message = _part(payload, "data"), _part(payload, "message")
    action, value, asks = press_of(_text(data, "custom_id"))
    if not action:
        return None
    if data.get("component_type") == _MENU:
        values = data.get("values")
        chosen = str(values[0]) if isinstance(values, list) and values else ""
        value = f"{value} {chosen}".strip()
    return Pressed(
        where=_where(payload, message),
        key=_key(payload),
        action=action,
        value=value,
        message=_id(message, "id"),
        asks=asks,
    )


def filled(payload: Mapping[str, Any]) -> Filled:
    """A form that was sent."""
    from adapters.discord.render.form import read

    form, value, values, attached = read(_part(payload, "data"))
    return Filled(
        where=_where(payload, _part(payload, "message")),
        key=_key(payload),
        form=form,
        value=value,
        values=values,
        files=tuple(_shared(one) for one in attached),
    )


def sought(payload: Mapping[str, Any]) -> Sought:
    """A command that is being typed."""
    path, options = _typed(_part(payload, "data"))
    texts = {_text(option, "name"): _plain_value(option.get("value")) for option in options}
    focused = next((_text(option, "name") for option in options if option.get("focused") is True), "")
    return Sought(
        where=_where(payload), command=" ".join(path), options=texts, focused=focused, text=texts.get(focused, "").strip()
    )


def is_menu_command(payload: Mapping[str, Any]) -> bool:
    """Whether a command is one of a message's menu."""
    return _part(payload, "data").get("type") == 3


def _typed(data: Mapping[str, Any]) -> tuple[tuple[str, ...], list[Mapping[str, Any]]]:
    """The names of the subcommands, and the options of the innermost."""
    path: list[str] = []
    options = list(_parts(data, "options"))
    while len(path) < 2 and len(options) == 1 and options[0].get("type") in {1, 2}:
        path.append(_text(options[0], "name"))
        options = list(_parts(options[0], "options"))
    return tuple(path), options


def _where(payload: Mapping[str, Any], message: Mapping[str, Any] | None = None) -> Where:
    """Where an interaction is; ``message`` is the one that was pressed or picked."""
    member, channel = _part(payload, "member"), _part(payload, "channel")
    user = _part(member, "user") or _part(payload, "user")
    owners = payload.get("authorizing_integration_owners")
    guild = _id(payload, "guild_id")
    context = payload.get("context")
    elsewhere = context == _ELSEWHERE or (not guild and channel.get("type") == _GROUP)
    # Where Nexus is the person's own app and nobody else's, it cannot write, and the server is none of its workspaces.
    elsewhere = elsewhere or (bool(guild) and isinstance(owners, Mapping) and bool(owners) and "0" not in {*map(str, owners)})
    direct = not guild and not elsewhere
    base: dict[str, Any] = {
        "user": _id(user, "id"),
        "name": _text(member, "nick") or _called(user),
        "application": _id(payload, "application_id"),
        "token": _text(payload, "token"),
        "since": _since(_id(payload, "id")),
        "limit": _number(payload, "attachment_size_limit") or LIMIT,
        "command": _id(_part(payload, "data"), "id") if payload.get("type") == 2 else "",
    }
    if elsewhere:
        return Where(**base)
    at = _id(channel, "id") or _id(payload, "channel_id")
    if direct:
        root = _root(message or {})
        return Where(**base, channel=at, thread=root, within=bool(root) and root != _id(message or {}, "id"), direct=True)
    within = channel.get("type") in THREADS
    return Where(
        **base,
        workspace=guild,
        admin=_admin(member),
        roles=_roles(member),
        channel=(_id(channel, "parent_id") or at) if within else at,
        thread=at if within else _below(message or {}),
        within=within,
    )


def _admin(member: Mapping[str, Any]) -> bool | None:
    told = _plain_value(member.get("permissions"))
    return bool(int(told) & _ADMINISTRATES) if _is_number(told) else None


def _roles(member: Mapping[str, Any]) -> tuple[str, ...]:
    roles = member.get("roles")
    return tuple(str(role) for role in roles if isinstance(role, str | int)) if isinstance(roles, list) else ()


def _root(message: Mapping[str, Any]) -> str:
    """The message that a message of the direct messages belongs to: the one that it replies to, and that one's own, else itself.
    Nothing for what one person alone sees."""
    if _number(message, "flags") & _EPHEMERAL:
        return ""
    above = _replied(message)
    return _replied(_part(message, "referenced_message")) or above or _id(message, "id")


def _replied(message: Mapping[str, Any]) -> str:
    reference = _part(message, "message_reference")
    return "" if reference.get("type") == _FORWARDED else _id(reference, "message_id")


def _below(message: Mapping[str, Any]) -> str:
    """The thread that was opened on a message; it has the message's id."""
    has = _number(message, "flags") & _HAS_THREAD or _part(message, "thread")
    return _id(message, "id") if has else ""


# --- messages ---------------------------------------------------------------------------------------------------------------------


def message(payload: Mapping[str, Any], bot: str, parent: str = "", *, role: str = "") -> Said | None:
    """A message as MESSAGE_CREATE tells of it; None when it is not for Nexus. ``parent``: the channel of the thread that it is in, empty
    where it is in none. ``role``: the bot's own role, which people mention by mistake for the bot: they have one name."""
    author, member = _part(payload, "author"), _part(payload, "member")
    user, channel, own = _id(author, "id"), _id(payload, "channel_id"), _id(payload, "id")
    if not user or not channel or not own or user == bot or author.get("bot") or author.get("system"):
        return None
    if payload.get("webhook_id") or payload.get("edited_timestamp") or payload.get("type", 0) not in _SAID:
        return None
    guild = _id(payload, "guild_id")
    text, files = _content(payload)
    above = _part(payload, "referenced_message")
    ours = _id(_part(above, "author"), "id") == bot
    mentioned = any(one in {bot, role} for one in _mentioned(payload, text) if one)
    way: Way = "mention" if not guild or mentioned else "reply"
    if way == "reply" and (not parent or _to_others(text, above, user, bot)):
        return None
    base: dict[str, Any] = {"user": user, "name": _text(member, "nick") or _called(author)}
    if not guild:
        root = _root(payload)
        where = Where(**base, channel=channel, thread=root, within=root != own, direct=True)
    else:
        where = Where(
            **base,
            workspace=guild,
            admin=_admin(member),
            roles=_roles(member),
            channel=parent or channel,
            thread=channel if parent else _below(above) if ours else "",
            within=bool(parent),
        )
    if not (text or files) and not mentioned:
        return None  # a sticker, or words that may not be read
    shown = plain(text, _names(payload), without=[one for one in (bot, role) if one])
    return Said(where=where, key=_key(payload), text=shown, way=way, files=files)


def _mentioned(payload: Mapping[str, Any], text: str) -> Iterator[str]:
    yield from (_id(one, "id") for one in _parts(payload, "mentions"))
    yield from (match[2] for match in _ENTITY.finditer(text) if match[1] in {"@", "@!", "@&"})


def _to_others(text: str, above: Mapping[str, Any], user: str, bot: str) -> bool:
    """Words that begin by mentioning somebody else are theirs, and so is a reply to what another person said."""
    begins = _SOMEBODY.match(text)
    if begins is not None and begins[1] != bot:
        return True
    author = _part(above, "author")
    return bool(author) and not author.get("bot") and _id(author, "id") not in {user, bot}


def _content(message: Mapping[str, Any]) -> tuple[str, tuple[Shared, ...]]:
    """Its words and files; those of what it forwards, where it has none of its own."""
    text = _text(message, "content")
    files = tuple(_shared(file) for file in _parts(message, "attachments"))
    if text or files:
        return text, files
    for forwarded in _parts(message, "message_snapshots"):
        inner = _part(forwarded, "message")
        return _text(inner, "content"), tuple(_shared(file) for file in _parts(inner, "attachments"))
    return "", ()


def _shared(file: Mapping[str, Any]) -> Shared:
    return Shared(id=_id(file, "id"), name=_text(file, "filename") or "file", size=_number(file, "size"), url=_text(file, "url"))


# --- parts ------------------------------------------------------------------------------------------------------------------------


def _text(part: Mapping[str, Any], name: str) -> str:
    value = part.get(name)
    return value if isinstance(value, str) else ""


def _id(part: Mapping[str, Any], name: str) -> str:
    """An id, which Discord writes as text and libraries as a number."""
    value = part.get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _number(part: Mapping[str, Any], name: str) -> int:
    value = part.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    return value if isinstance(value, Mapping) else {}


def _parts(body: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    value = body.get(name)
    return (one for one in (value if isinstance(value, list) else []) if isinstance(one, Mapping))


def _plain_value(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) else ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 20


def _since(snowflake: str) -> float:
    return ((int(snowflake) >> 22) + _EPOCH) / 1000 if _is_number(snowflake) else 0.0


def _key(payload: Mapping[str, Any]) -> str:
    return f"{PLATFORM}:{_id(payload, 'id')}"
