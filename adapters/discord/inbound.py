"""What people do in Discord, as values: who and where, what was typed, pressed or filled in. Pure.

Called by `adapters.discord.app` with payloads in the shape that the gateway sends them, and by `adapters.discord.desk`, which asks who
it is and then what it means. It knows Discord's shapes and none of its methods. It refuses nothing aloud: what is no business of Nexus (a
bot's words, an edit, talk between people) is None, and what is missing in a payload is empty.

An interaction and a message have an id of their own, which every process is told alike: their keys are made of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from adapters.discord import lines
from adapters.discord.fields import id_of, is_number, number_of, part_of, parts_of, text_of, value_of
from adapters.discord.markup import addressed, called, mentioned, names_in, plain
from adapters.discord.render.buttons import press_of
from adapters.discord.render.form import read
from adapters.discord.render.mark import QUESTION, mark
from core.conversation.saying import Way
from core.errors import InvalidInput
from core.words.thread_ref import ThreadRef

PLATFORM: Final = "discord"
THREADS: Final = frozenset({10, 11, 12})  #: types of channels: threads in announcements, public and private threads
OPEN_FORM: Final = "open_form"  #: the button of a form that came too late for its interaction, or was refused
STOP_TAIL: Final = "stop_tail"  #: the button of a followed log
OPENING: Final = frozenset({OPEN_FORM})  #: buttons of this folder that open a form
SETTINGS: Final = "settings"  #: the command alone, which shows all of them and opens no form
LIMIT: Final = 10 * 1024 * 1024  #: bytes of a file, where Discord says nothing else

_ADMINISTRATES = 0x8 | 0x20  # ADMINISTRATOR, MANAGE_GUILD
_WRITES, _WRITES_IN_THREADS = 1 << 11, 1 << 38  # SEND_MESSAGES, SEND_MESSAGES_IN_THREADS
_DIRECT, _ELSEWHERE = 1, 2  # contexts of interactions: with the bot, and with others
_GROUP = 3  # a type of channel
_ATTACHMENT = 11  # a type of option
_MENU = 3  # a type of component
_EPHEMERAL, _HAS_THREAD = 1 << 6, 1 << 5  # flags of messages
_SAID = frozenset({0, 19})  # types of messages: words, and words that reply to others
_FORWARDED = 1  # a type of reference
_EPOCH = 1_420_070_400_000  # the first millisecond of Discord's ids


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
    interaction: str = ""  #: its id; empty for messages
    application: str = ""
    token: str = field(default="", repr=False)  #: of the interaction: answers it for fifteen minutes
    since: float = 0.0  #: when the token was made, in seconds of Unix time
    deferred: Literal["", "message", "update"] = (
        ""  #: how it was acknowledged; empty: not at all, or there is nothing to acknowledge
    )
    opens: bool = False  #: not acknowledged, since the answer may be a form
    limit: int = LIMIT  #: bytes of a file in an answer
    question: bool = False  #: the message of the button is a question whether they are sure; the answer takes its place
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
class Named:
    """Somebody whom a form names: a person, or everybody with a role."""

    id: str
    name: str
    role: bool = False
    bot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A form that was sent."""

    where: Where
    key: str
    form: str
    value: str
    values: Mapping[str, str] = field(repr=False)  #: settings of an app are among them
    files: Sequence[Shared] = ()
    people: Sequence[Named] = ()
    closed: Sequence[str] = ()  #: names of channels that were chosen, and that they may not write in themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """A command that is being typed: what stands in the option that has the focus, and in the others."""

    where: Where
    command: str  #: with its parts, as in "env set"
    options: Mapping[str, str] = field(repr=False)
    focused: str
    text: str = field(repr=False)


Told = Said | Pressed | Filled  #: what is kept until it is done


# --- interactions -----------------------------------------------------------------------------------------------------------------


def command(payload: Mapping[str, Any]) -> Said:
    """A command of `adapters.discord.manifest`, as a line of the one grammar."""
    data = part_of(payload, "data")
    path, options = _typed(data)
    given = {text_of(option, "name"): option.get("value") for option in options if option.get("type") != _ATTACHMENT}
    resolved = part_of(data, "resolved")
    names = names_in(resolved)
    for name in ("description", "features", "styling"):
        if isinstance(typed := given.get(name), str):
            given[name] = plain(typed, names)
    attached = part_of(resolved, "attachments")
    chosen = [str(option.get("value", "")) for option in options if option.get("type") == _ATTACHMENT]
    files = tuple(_shared(part_of(attached, one)) for one in dict.fromkeys(chosen) if one in attached)
    return Said(where=_where(payload), key=_key(payload), text=lines.line(path, given), way="command", files=files)


def picked(payload: Mapping[str, Any]) -> Said:
    """The command of a message's menu: its words and files are the request."""
    data = part_of(payload, "data")
    resolved = part_of(data, "resolved")
    chosen = part_of(part_of(resolved, "messages"), id_of(data, "target_id"))
    text, files = _content(chosen)
    return Said(
        where=_where(payload, chosen),
        key=_key(payload),
        text=plain(text, names_in(chosen) | names_in(resolved)),
        way="pick",
        files=files,
    )


def pressed(payload: Mapping[str, Any]) -> Pressed | None:
    """A press, or a choice; None when it is none of ours."""
    data, message = part_of(payload, "data"), part_of(payload, "message")
    action, value, asks = press_of(text_of(data, "custom_id"))
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
        message=id_of(message, "id"),
        asks=asks,
    )


def filled(payload: Mapping[str, Any]) -> Filled | None:
    """A form that was sent; None when it is none of ours."""
    try:
        form, value, values, attached = read(part_of(payload, "data"))
    except InvalidInput:
        return None
    return Filled(
        where=_where(payload, part_of(payload, "message")),
        key=_key(payload),
        form=form,
        value=value,
        values=values,
        files=tuple(_shared(one) for one in attached),
        people=_people(part_of(part_of(payload, "data"), "resolved")),
        closed=_closed(part_of(part_of(payload, "data"), "resolved")),
    )


def sought(payload: Mapping[str, Any]) -> Sought:
    """A command that is being typed."""
    path, options = _typed(part_of(payload, "data"))
    texts = {text_of(option, "name"): value_of(option.get("value")) for option in options}
    focused = next((text_of(option, "name") for option in options if option.get("focused") is True), "")
    return Sought(
        where=_where(payload), command=" ".join(path), options=texts, focused=focused, text=texts.get(focused, "").strip()
    )


def is_menu_command(payload: Mapping[str, Any]) -> bool:
    """Whether a command is one of a message's menu."""
    return part_of(payload, "data").get("type") == 3


def _typed(data: Mapping[str, Any]) -> tuple[tuple[str, ...], list[Mapping[str, Any]]]:
    """The names of the subcommands, and the options of the innermost."""
    path: list[str] = []
    options = list(parts_of(data, "options"))
    while len(path) < 2 and len(options) == 1 and number_of(options[0], "type") in {1, 2}:
        path.append(text_of(options[0], "name"))
        options = list(parts_of(options[0], "options"))
    return tuple(path), options


def _where(payload: Mapping[str, Any], message: Mapping[str, Any] | None = None) -> Where:
    """Where an interaction is; ``message`` is the one that was pressed or picked."""
    member, channel = part_of(payload, "member"), part_of(payload, "channel")
    user = part_of(member, "user") or part_of(payload, "user")
    owners = payload.get("authorizing_integration_owners")
    guild = id_of(payload, "guild_id")
    context = payload.get("context")
    elsewhere = context == _ELSEWHERE or (not guild and channel.get("type") == _GROUP)
    # Where Nexus is the person's own app and nobody else's, it cannot write, and the server is none of its workspaces.
    elsewhere = elsewhere or (bool(guild) and isinstance(owners, Mapping) and bool(owners) and "0" not in {*map(str, owners)})
    direct = not guild and not elsewhere
    base: dict[str, Any] = {
        "user": id_of(user, "id"),
        "name": text_of(member, "nick") or called(user),
        "interaction": id_of(payload, "id"),
        "application": id_of(payload, "application_id"),
        "token": text_of(payload, "token"),
        "since": _since(id_of(payload, "id")),
        "limit": number_of(payload, "attachment_size_limit") or LIMIT,
        "command": id_of(part_of(payload, "data"), "id") if payload.get("type") == 2 else "",
        "question": any(number_of(part, "id") == mark(QUESTION) for part in parts_of(message or {}, "components")),
    }
    if elsewhere:
        return Where(**base)
    at = id_of(channel, "id") or id_of(payload, "channel_id")
    if direct:
        root = _root(message or {})
        return Where(**base, channel=at, thread=root, within=bool(root) and root != id_of(message or {}, "id"), direct=True)
    within = number_of(channel, "type") in THREADS
    return Where(
        **base,
        workspace=guild,
        admin=_admin(member),
        roles=_roles(member),
        channel=(id_of(channel, "parent_id") or at) if within else at,
        thread=at if within else _below(message or {}),
        within=within,
    )


def _admin(member: Mapping[str, Any]) -> bool | None:
    told = value_of(member.get("permissions"))
    return bool(int(told) & _ADMINISTRATES) if is_number(told) else None


def _roles(member: Mapping[str, Any]) -> tuple[str, ...]:
    roles = member.get("roles")
    return tuple(str(role) for role in roles if isinstance(role, str | int)) if isinstance(roles, list) else ()


def _root(message: Mapping[str, Any]) -> str:
    """The message that a message of the direct messages belongs to: the one that it replies to, and that one's own, else itself.
    Nothing for what one person alone sees."""
    if number_of(message, "flags") & _EPHEMERAL:
        return ""
    above = _replied(message)
    return _replied(part_of(message, "referenced_message")) or above or id_of(message, "id")


def _replied(message: Mapping[str, Any]) -> str:
    reference = part_of(message, "message_reference")
    return "" if reference.get("type") == _FORWARDED else id_of(reference, "message_id")


def _below(message: Mapping[str, Any]) -> str:
    """The thread that was opened on a message; it has the message's id."""
    has = number_of(message, "flags") & _HAS_THREAD or part_of(message, "thread")
    return id_of(message, "id") if has else ""


# --- messages ---------------------------------------------------------------------------------------------------------------------


def message(payload: Mapping[str, Any], bot: str, parent: str = "", *, role: str = "") -> Said | None:
    """A message as MESSAGE_CREATE tells of it; None when it is not for Nexus. ``parent``: the channel of the thread that it is in, empty
    where it is in none. ``role``: the bot's own role, which people mention by mistake for the bot: they have one name."""
    author, member = part_of(payload, "author"), part_of(payload, "member")
    user, channel, own = id_of(author, "id"), id_of(payload, "channel_id"), id_of(payload, "id")
    if not user or not channel or not own or user == bot or author.get("bot") or author.get("system"):
        return None
    if payload.get("webhook_id") or payload.get("edited_timestamp") or number_of(payload, "type") not in _SAID:
        return None
    guild = id_of(payload, "guild_id")
    text, files = _content(payload)
    above = part_of(payload, "referenced_message")
    ours = id_of(part_of(above, "author"), "id") == bot
    # Discord mentions whoever is replied to: thanks for some news shall build nothing.
    called_upon = any(one in {bot, role} for one in mentioned({} if above else payload, text) if one)
    below = _below(above) if ours else ""
    way: Way = "mention" if not guild or called_upon else "reply"
    if way == "reply" and (not (parent or below) or _to_others(text, above, user, bot)):
        return None
    base: dict[str, Any] = {"user": user, "name": text_of(member, "nick") or called(author)}
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
            thread=channel if parent else below,
            within=bool(parent),
        )
    if not (text or files) and not called_upon:
        return None  # a sticker, or words that may not be read
    shown = plain(text, names_in(payload), without=[one for one in (bot, role) if one])
    return Said(where=where, key=_key(payload), text=shown, way=way, files=files)


def _people(resolved: Mapping[str, Any]) -> tuple[Named, ...]:
    """Those who were chosen by name."""
    users, members, roles = (part_of(resolved, kind) for kind in ("users", "members", "roles"))
    people = [
        Named(id=key, name=text_of(part_of(members, key), "nick") or called(one) or key, bot=one.get("bot") is True)
        for key, one in users.items()
        if isinstance(one, Mapping)
    ]
    groups = [
        Named(id=key, name=text_of(one, "name") or key, role=True) for key, one in roles.items() if isinstance(one, Mapping)
    ]
    return (*people, *groups)


def _closed(resolved: Mapping[str, Any]) -> tuple[str, ...]:
    """The chosen channels in which somebody may not write, as far as Discord says it."""
    found: list[str] = []
    for key, one in part_of(resolved, "channels").items():
        channel: Mapping[str, Any] = one if isinstance(one, Mapping) else {}
        may = value_of(channel.get("permissions"))
        wanted = _WRITES_IN_THREADS if number_of(channel, "type") in THREADS else _WRITES
        if is_number(may) and not int(may) & wanted:
            found.append(text_of(channel, "name") or key)
    return tuple(found)


def _to_others(text: str, above: Mapping[str, Any], user: str, bot: str) -> bool:
    """Words that begin by mentioning somebody else are theirs, and so is a reply to what another person said."""
    if addressed(text) not in {"", bot}:
        return True
    author = part_of(above, "author")
    return bool(author) and not author.get("bot") and id_of(author, "id") not in {user, bot}


def _content(message: Mapping[str, Any]) -> tuple[str, tuple[Shared, ...]]:
    """Its words and files; those of what it forwards, where it has none of its own."""
    text = text_of(message, "content")
    files = tuple(_shared(file) for file in parts_of(message, "attachments"))
    if text or files:
        return text, files
    for forwarded in parts_of(message, "message_snapshots"):
        inner = part_of(forwarded, "message")
        return text_of(inner, "content"), tuple(_shared(file) for file in parts_of(inner, "attachments"))
    return "", ()


def _shared(file: Mapping[str, Any]) -> Shared:
    return Shared(
        id=id_of(file, "id"), name=text_of(file, "filename") or "file", size=number_of(file, "size"), url=text_of(file, "url")
    )


def _since(snowflake: str) -> float:
    return ((int(snowflake) >> 22) + _EPOCH) / 1000 if is_number(snowflake) else 0.0


def _key(payload: Mapping[str, Any]) -> str:
    return f"{PLATFORM}:{id_of(payload, 'id')}"
