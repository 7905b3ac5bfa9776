"""Which scope of the bot token each method needs, from the methods' pages of docs.slack.dev."""

from __future__ import annotations

from tests.support.slack.state import Channel

#: Any one of these is enough. Methods that are not here need none; those that depend on the channel are in `BY_CHANNEL`.
NEEDED: dict[str, tuple[str, ...]] = {
    "assistant.threads.setStatus": ("assistant:write", "chat:write"),
    "assistant.threads.setTitle": ("assistant:write",),
    "bots.info": ("users:read",),
    "chat.appendStream": ("chat:write",),
    "chat.delete": ("chat:write",),
    "chat.postEphemeral": ("chat:write",),
    "chat.postMessage": ("chat:write",),
    "chat.startStream": ("chat:write",),
    "chat.stopStream": ("chat:write",),
    "chat.update": ("chat:write",),
    "conversations.join": ("channels:join",),
    "conversations.open": ("im:write", "mpim:write"),
    "files.completeUploadExternal": ("files:write",),
    "files.getUploadURLExternal": ("files:write",),
    "files.info": ("files:read",),
    "reactions.add": ("reactions:write",),
    "reactions.remove": ("reactions:write",),
    "team.info": ("team:read",),
    "usergroups.list": ("usergroups:read",),
    "usergroups.users.list": ("usergroups:read",),
    "users.info": ("users:read",),
    "users.list": ("users:read",),
    "users.lookupByEmail": ("users:read.email",),
}
BY_CHANNEL: dict[str, str] = {
    "conversations.history": "history",
    "conversations.info": "read",
    "conversations.list": "read",
    "conversations.members": "read",
    "conversations.replies": "history",
}
FAMILY = {"channel": "channels", "group": "groups", "im": "im"}
#: Which scope an event needs to be delivered; message events are by channel.
EVENTS = {"app_mention": "app_mentions:read", "member_joined_channel": "channels:read", "member_left_channel": "channels:read"}

#: Everything, for tests that are not about scopes.
ALL = frozenset(scope for any_of in NEEDED.values() for scope in any_of) | {
    "app_mentions:read",
    "chat:write.public",
    "chat:write.customize",
    "commands",
    *(f"{family}:{verb}" for family in FAMILY.values() for verb in ("read", "history")),
}


def missing(method: str, granted: set[str], channel: Channel | None) -> str | None:
    """The scope that is needed and not granted, as `missing_scope` names it."""
    needed = NEEDED.get(method, ())
    if method in BY_CHANNEL:
        verb = BY_CHANNEL[method]
        needed = (f"{FAMILY[channel.kind]}:{verb}",) if channel else tuple(f"{one}:{verb}" for one in FAMILY.values())
    if not needed or any(one in granted for one in needed):
        return None
    return ",".join(needed)


def hears(granted: set[str], event: str, channel: Channel | None) -> bool:
    """Whether an app with these scopes is told of this event."""
    if event == "message" and channel:
        return f"{FAMILY[channel.kind]}:history" in granted
    return event not in EVENTS or EVENTS[event] in granted
