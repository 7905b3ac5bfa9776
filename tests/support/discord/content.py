"""What a request makes of a message: its words, components and files, who is notified, and what is wrong with that.

Called by everything that posts or edits (`api_messages`, `api_interactions`, `api_threads`).
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tests.support.discord.errors import Refused, invalid
from tests.support.discord.payloads import MAX_FILE
from tests.support.discord.state import EPHEMERAL, V2, Attachment, Json, Message

if TYPE_CHECKING:
    from tests.support.discord.server import LocalDiscord

_MENTION = re.compile(r"<@!?(\d+)>")
_SETTABLE = 1 << 2 | EPHEMERAL | 1 << 12 | V2  #: flags that an app may set


def walk(components: Sequence[Json]) -> Iterator[Json]:
    """Every component, those inside others too, from top to bottom."""
    for one in components:
        yield one
        yield from walk(one.get("components") or [])
        for inner in ("accessory", "component"):
            if isinstance(one.get(inner), dict):
                yield from walk([one[inner]])


def media(components: Sequence[Json]) -> Iterator[Json]:
    """Every place that shows a picture or a file, as the object with its ``url``."""
    for one in walk(components):
        found = [one.get("media"), one.get("file"), *(item.get("media") for item in one.get("items") or [])]
        yield from (each for each in found if isinstance(each, dict))


def numbered(components: Sequence[Json]) -> list[Json]:
    """The components with an id each, as Discord gives one to those that have none."""
    made: list[Json] = [_without_nulls(one) for one in components]
    taken = {int(one["id"]) for one in walk(made) if one.get("id")}
    free = (number for number in range(1, 10_000) if number not in taken)
    for one in walk(made):
        if not one.get("id"):
            one["id"] = next(free)
    return made


def _without_nulls(value: Any) -> Any:
    """Null and nothing are the same in a request."""
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def texts(components: Sequence[Json]) -> Iterator[str]:
    """What text displays say."""
    return (str(one.get("content", "")) for one in walk(components) if one.get("type") == 10)


def stored(
    server: LocalDiscord,
    channel: str,
    body: Mapping[str, Any],
    files: Mapping[str, tuple[str, bytes]],
    *,
    ephemeral: bool = False,
) -> list[Attachment]:
    """The files that come with a request, described by its ``attachments``."""
    told = {str(one.get("id")): one for one in body.get("attachments") or []}
    found = []
    for number, (name, content) in files.items():
        if len(content) > MAX_FILE:
            raise Refused(40005)
        about = told.get(number, {})
        name = re.sub(r"[\s/\\]+", "_", str(about.get("filename") or name))
        found.append(
            Attachment(
                id=server.clock.snowflake(),
                channel=channel,
                name=name,
                content=content,
                kind=mimetypes.guess_type(name)[0] or "application/octet-stream",
                description=about.get("description"),
                ephemeral=ephemeral,
            )
        )
    return found


def apply(
    server: LocalDiscord, message: Message, body: Mapping[str, Any], files: Mapping[str, tuple[str, bytes]], *, new: bool = True
) -> None:
    """Make the message what the request says.

    Raises:
        Refused: it cannot be; the message is as it was.
    """
    kept = list(message.attachments)
    if not new and body.get("attachments") is not None:
        wanted = {str(one.get("id")) for one in body["attachments"]}
        kept = [one for one in kept if one.id in wanted]
    attachments = kept + stored(server, message.channel, body, files, ephemeral=message.ephemeral)
    if len(attachments) > 10:
        raise invalid(["/attachments: Must be 10 or fewer in length."])
    flags = message.flags | (int(body.get("flags") or 0) & (_SETTABLE if new else _SETTABLE & ~EPHEMERAL))
    components = message.components if body.get("components") is None else numbered(body["components"])
    content = message.content if "content" not in body else str(body["content"] or "")
    embeds = message.embeds if body.get("embeds") is None else list(body["embeds"])
    if message.flags & V2 and (body.get("content") or body.get("embeds")):
        raise invalid(["/content: The 'content' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"])
    if flags & V2 and not message.flags & V2 and (content or embeds):
        raise invalid(["/flags: The message has content or embeds, which components V2 cannot have"])
    names = {one.name for one in attachments}
    urls = [str(one.get("url", "")) for one in media(components)]
    lost = [url for url in urls if url.startswith("attachment://") and url.removeprefix("attachment://") not in names]
    if lost:
        raise invalid(f"/components: The attachment {url!r} was not found" for url in lost)
    if not (content or embeds or components or attachments or body.get("sticker_ids") or body.get("poll")):
        raise Refused(50006)
    message.attachments, message.flags, message.components = attachments, flags, components
    message.content, message.embeds = content, embeds
    server.files.update({one.id: one for one in attachments})


def notified(server: LocalDiscord, message: Message, allowed: Mapping[str, Any] | None) -> tuple[list[str], bool]:
    """Whom a message notifies: people, and whether everybody."""
    said = "\n".join([message.content, *texts(message.components)])
    named = [user for user in dict.fromkeys(_MENTION.findall(said)) if user in server.people]
    everyone = "@everyone" in said or "@here" in said
    if allowed is None:
        return named, everyone
    kinds = allowed.get("parse") or []
    by_name = {str(user) for user in allowed.get("users") or []}  # Discord takes numbers too
    users = named if "users" in kinds else [user for user in named if user in by_name]
    return users, everyone and "everyone" in kinds
