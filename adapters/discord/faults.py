"""What Discord says when it does not do what it was asked, as errors of Nexus whose message names the remedy.

Made by `adapters.discord.calls` from what discord.py and the network raise. Whoever calls tells the classes apart: a closed channel, a
thread or message that is gone, a file that is too large, a lost token, a server that removed the bot. `DiscordBusy` alone passes by
itself; its ``doubtful`` says that Discord may have done what was asked, though no answer said so. Nothing here repeats a token or what
was in a message.
"""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp
import discord

from core.conversation.posting import Busy
from core.errors import NexusError, OperatorError, TooLarge

MAX_DETAIL = 300
BANNED_WAIT = 60.0  #: seconds, where the proxy before Discord refuses and does not say for how long
EDIT_WAIT = 30.0  #: seconds, where too many old messages were edited


class DiscordRefusal(NexusError):
    """Discord refused."""

    kind = "discord-refusal"

    def __init__(self, message: str, *, code: int = 0) -> None:
        super().__init__(message)
        self.code = code  #: Discord's own number for it


class ChannelClosed(DiscordRefusal):
    """The bot cannot speak in that channel."""

    kind = "channel-closed"


class GuildLost(ChannelClosed):
    """The bot is not a member of that server any more."""

    kind = "guild-lost"


class ThreadGone(DiscordRefusal):
    """The thread is not there any more, or is locked."""

    kind = "thread-gone"


class ThreadArchived(DiscordRefusal):
    """The thread is archived; it has to be opened again before a message in it can be edited."""

    kind = "thread-archived"


class ThreadExists(DiscordRefusal):
    """There is a thread on that message already."""

    kind = "thread-exists"


class MessageGone(DiscordRefusal):
    """The message is not there any more, or cannot be changed any more."""

    kind = "message-gone"


class InteractionOver(DiscordRefusal):
    """What somebody did can be answered no more by its own token: too late, or answered already."""

    kind = "interaction-over"


class FileTooLarge(DiscordRefusal, TooLarge):
    """Discord does not take a file of that size."""

    kind = "file-too-large"


class Blocked(DiscordRefusal):
    """A rule of the server (AutoMod) blocked what was said."""

    kind = "blocked"


class Malformed(DiscordRefusal):
    """What was sent breaks one of Discord's rules: a defect of Nexus."""

    kind = "malformed"


class TokenLost(DiscordRefusal, OperatorError):
    """Discord does not accept the bot's token any more."""

    kind = "token-lost"


class DiscordBusy(Busy):
    """Discord cannot be reached just now, or asks to wait."""

    kind = "discord-busy"


_ELSEWHERE = "or use Nexus in another channel"
_SHOW = "go on elsewhere with /nexus show and the app's name"
_STRANGER = (
    "Discord does not accept the bot's token: set DISCORD_TOKEN to the one that the developer portal shows (Bot, Reset Token)."
)
#: Remedies by what was wanted: Discord never says which permission is missing.
NEEDS: Mapping[str, str] = {
    "": "View Channel, Send Messages, Create Public Threads, Send Messages in Threads and Attach Files",
    "post": "View Channel and Send Messages",
    "thread": "Create Public Threads, Send Messages in Threads and Read Message History",
    "reply": "View Channel and Send Messages in Threads",
    "file": "Attach Files",
    "read": "View Channel and Read Message History",
    "unarchive": "Manage Threads",
}
_FORBIDDEN = f"The bot may not do that in this channel: give it {{needs}} there (Edit Channel, Permissions), {_ELSEWHERE}."

#: Discord's number, the class, and the sentence.
REFUSALS: Mapping[int, tuple[type[DiscordRefusal], str]] = {
    10003: (ChannelClosed, f"The channel was deleted: {_SHOW}."),
    10004: (GuildLost, "The bot is not in that server any more: invite it again (nexus discord invite prints the link)."),
    10008: (MessageGone, "The message was deleted."),
    10013: (ChannelClosed, "That person's account is not there any more, so nothing can be written to them."),
    10015: (InteractionOver, "It is too late to answer that there."),
    10062: (InteractionOver, "It is too late to answer that there."),
    20009: (Blocked, "A filter of the server blocked that. Ask an admin to exempt Nexus's role."),
    30033: (ChannelClosed, f"The thread has as many members as Discord allows: {_SHOW}."),
    40001: (TokenLost, _STRANGER),
    40002: (TokenLost, "Discord wants the owner of the bot to verify their account first."),
    40005: (FileTooLarge, "The file is larger than Discord takes here."),
    40007: (ChannelClosed, "That person is banned from the server, so nothing can be written to them there."),
    40058: (ChannelClosed, f"In a forum only posts can be written: choose a text channel, {_ELSEWHERE}."),
    40060: (InteractionOver, "That was answered already."),
    40066: (ChannelClosed, f"Posts in that forum need a tag, and there is none that the bot may set: add one, {_ELSEWHERE}."),
    40067: (ChannelClosed, f"Posts in that forum need a tag, and there is none that the bot may set: add one, {_ELSEWHERE}."),
    40094: (InteractionOver, "That cannot be answered there any more: there were too many answers."),
    50001: (
        ChannelClosed,
        f"The bot cannot see that channel: give it View Channel there (Edit Channel, Permissions), {_ELSEWHERE}.",
    ),
    50003: (ChannelClosed, "Discord does not allow that in direct messages. Use Nexus in a server."),
    50005: (MessageGone, "The message belongs to somebody else."),
    50006: (Malformed, "Discord does not take an empty message."),
    50007: (
        ChannelClosed,
        "That person takes no direct messages from the bot: they can allow them in the server's privacy settings.",
    ),
    50008: (ChannelClosed, f"Nobody can write messages in that kind of channel: choose a text channel, {_ELSEWHERE}."),
    50009: (ChannelClosed, "The verification level of the channel keeps the bot out. Ask an admin, or use another channel."),
    50013: (ChannelClosed, _FORBIDDEN),
    50014: (TokenLost, _STRANGER),
    50021: (MessageGone, "The message is one of Discord's own, and cannot be changed."),
    50024: (ChannelClosed, f"Discord does not allow that in this kind of channel: choose a text channel, {_ELSEWHERE}."),
    50027: (InteractionOver, "It is too late to answer that there."),
    50033: (ChannelClosed, "Nothing can be written to that person."),
    50045: (FileTooLarge, "The file is larger than Discord takes here."),
    50083: (ThreadArchived, "The thread is archived. Write something in it to open it again."),
    50178: (TokenLost, "Discord wants the owner of the bot to verify their account first."),
    50278: (ChannelClosed, "That person shares no server with the bot any more, so nothing can be written to them."),
    60003: (
        ChannelClosed,
        "The server asks for two-factor authentication of whoever does that: the owner of the bot has to switch it on.",
    ),
    160002: (ChannelClosed, f"The bot may not read that channel: give it Read Message History there, {_ELSEWHERE}."),
    160004: (ThreadExists, "There is a thread on that message already."),
    160005: (ThreadGone, f"The thread is locked. Unlock it, or {_SHOW}."),
    160006: (ChannelClosed, "The server has as many active threads as Discord allows: archive some, or use Nexus in a thread."),
    160007: (
        ChannelClosed,
        "The server has as many active announcement threads as Discord allows: archive some, or use Nexus elsewhere.",
    ),
    200000: (Blocked, "A rule of the server (AutoMod) blocked the message. Ask an admin to exempt Nexus's role from it."),
    200001: (Blocked, "A rule of the server (AutoMod) blocked the title. Ask an admin to exempt Nexus's role from it."),
    240000: (Blocked, "A filter of the server blocked a link. Ask an admin to exempt Nexus's role from it."),
}
#: Passing, whatever the status says.
PASSING = frozenset({20016, 20022, 20028, 20029, 30046, 40003, 40004, 40006, 40062, 130000})
#: A defect of ours; the log has what Discord says of it.
MALFORMED = frozenset({50035, 50041, 50046, 50068, 50109, 50110, 50146, 220001})


def translated(what: str, raised: Exception, *, needs: str = "") -> NexusError:
    """What discord.py or the network raised, as one of ours; to be raised ``from`` it. ``needs`` names the permissions (`NEEDS`)."""
    if isinstance(raised, discord.RateLimited):
        return _busy("ratelimited", retry_after=raised.retry_after)
    if isinstance(raised, discord.InteractionResponded):
        return refusal(what, 40060)
    if isinstance(raised, discord.LoginFailure):
        return TokenLost(_STRANGER)
    if not isinstance(raised, discord.HTTPException):
        unsent = isinstance(raised, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
        return DiscordBusy("Discord cannot be reached; it is tried again by itself.", error="unreachable", doubtful=not unsent)
    status, code = raised.status, raised.code
    if status == 401 and code not in REFUSALS:
        return TokenLost(_STRANGER, code=code)
    if status == 429 or code in PASSING:
        return _busy(str(code or status), retry_after=_retry_after(raised))
    if status >= 500:
        return DiscordBusy("Discord has trouble; it is tried again by itself.", error=str(status), doubtful=True)
    if status == 413 and code not in REFUSALS:
        return refusal(what, 40005)
    if not code and not raised.text.startswith(f"{status}: "):
        return DiscordBusy("What answers is not Discord; it is tried again by itself.", error=str(status), doubtful=True)
    return refusal(what, code, reasons=raised.text, needs=needs)


def refusal(what: str, code: int, *, reasons: str = "", needs: str = "") -> DiscordRefusal:
    """The error for a number of Discord's."""
    if code in REFUSALS:
        kind, sentence = REFUSALS[code]
        return kind(sentence.format(needs=NEEDS.get(needs, needs)), code=code)
    if code in MALFORMED:
        said = "; ".join(reasons.splitlines()) or "it gives no reason"
        return Malformed(f"Discord did not accept what {what} sent: {said}"[:MAX_DETAIL], code=code)
    return DiscordRefusal(f"Discord refused {what} ({code}). Its documentation of that number says why.", code=code)


def _busy(error: str, *, retry_after: float) -> DiscordBusy:
    said = f"Discord asks to wait {retry_after:.0f} s; it is tried again by itself."
    return DiscordBusy(said, error=error, retry_after=retry_after)


def _retry_after(raised: discord.HTTPException) -> float:
    """Seconds that Discord asks to wait, where discord.py gave up on it."""
    headers = getattr(raised.response, "headers", None) or {}
    value = next((str(headers[name]) for name in headers if name.lower() == "retry-after"), "")
    try:
        return max(0.0, float(value))
    except ValueError:
        return EDIT_WAIT if raised.code else BANNED_WAIT
