"""What Slack says when it does not do what it was asked, as errors of Nexus whose message names the remedy.

Made by `adapters.slack.calls` from what the SDK and the network raise. Whoever calls tells the classes apart: a closed channel, a thread
or message that is gone, a lost token, a missing scope. `SlackBusy` alone passes by itself; its ``doubtful`` says that Slack may have
done what was asked, though no answer said so. Nothing here repeats a token or what was in a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError

from core.conversation.posting import Busy
from core.errors import NexusError, OperatorError

PASSING = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded", "team_added_to_org"})
#: Slack failed in the middle: it may have done it.
DOUBTFUL = frozenset({"internal_error", "fatal_error", "request_timeout", "service_unavailable", "backend_busy"})
MAX_DETAIL = 300


class SlackRefusal(NexusError):
    """Slack refused."""

    kind = "slack-refusal"

    def __init__(self, message: str, *, error: str = "") -> None:
        super().__init__(message)
        self.error = error  #: Slack's own word for it


class ChannelClosed(SlackRefusal):
    """The bot cannot speak in that channel."""

    kind = "channel-closed"


class ThreadGone(SlackRefusal):
    """The thread is not there any more."""

    kind = "thread-gone"


class MessageGone(SlackRefusal):
    """The message is not there any more, or cannot be changed any more."""

    kind = "message-gone"


class StreamClosed(SlackRefusal):
    """The message takes no more of a stream; edits go on."""

    kind = "stream-closed"


class StillStreaming(SlackRefusal):
    """The message is being streamed; the stream has to be stopped before it can be edited."""

    kind = "still-streaming"


class TokenLost(SlackRefusal, OperatorError):
    """The workspace does not accept the bot's token any more."""

    kind = "token-lost"


class ScopeMissing(SlackRefusal, OperatorError):
    """The app was not granted what this needs."""

    kind = "scope-missing"


class Malformed(SlackRefusal):
    """What was sent breaks one of Slack's rules: a defect of Nexus."""

    kind = "malformed"


class SlackBusy(Busy):
    """Slack cannot be reached just now, or asks to wait."""

    kind = "slack-busy"


_AGAIN = "invite the bot with /invite @Nexus, or use Nexus in another channel"
_REINSTALL = "install the Nexus app in the workspace again"

#: Slack's word, the class, and the sentence; `{needed}` is the scope that Slack names.
REFUSALS: Mapping[str, tuple[type[SlackRefusal], str]] = {
    "is_archived": (
        ChannelClosed,
        "The channel is archived. Unarchive it, or go on elsewhere with /nexus show and the app's name.",
    ),
    "channel_is_archived": (ChannelClosed, "The channel is archived. Unarchive it, or go on elsewhere with /nexus show."),
    "channel_not_found": (ChannelClosed, f"The bot cannot see that channel (it is private or deleted): {_AGAIN}."),
    "not_in_channel": (ChannelClosed, f"The bot is not a member of that channel: {_AGAIN}."),
    "is_inactive": (ChannelClosed, f"The channel is frozen: {_AGAIN}."),
    "cannot_dm_bot": (ChannelClosed, "Slack lets no bot write to another bot. Use Nexus in a channel."),
    "user_disabled": (ChannelClosed, "That person's account is deactivated, so nothing can be written to them."),
    "user_not_found": (ChannelClosed, "That person is not in this workspace, so nothing can be written to them."),
    "user_not_visible": (ChannelClosed, "The bot may not see that person, so nothing can be written to them."),
    "method_not_supported_for_channel_type": (ChannelClosed, f"Slack does not allow that in this kind of channel: {_AGAIN}."),
    "restricted_action": (
        ChannelClosed,
        "A setting of the workspace forbids the bot to post there. Ask an admin, or use another channel.",
    ),
    "restricted_action_non_threadable_channel": (ChannelClosed, "Threads are off in that channel. Use Nexus in another one."),
    "restricted_action_read_only_channel": (
        ChannelClosed,
        "Only some people may post in that channel. Use Nexus in another one.",
    ),
    "restricted_action_thread_only_channel": (
        ChannelClosed,
        "Only replies are allowed in that channel. Use Nexus in another one.",
    ),
    "restricted_action_thread_locked": (ThreadGone, "The thread is locked. Unlock it, or go on elsewhere with /nexus show."),
    "thread_not_found": (ThreadGone, "The thread was deleted. Go on elsewhere with /nexus show and the app's name."),
    "cannot_reply_to_message": (ThreadGone, "Nobody can reply to that message. Go on elsewhere with /nexus show."),
    "invalid_thread_ts": (ThreadGone, "There is no such thread. Go on elsewhere with /nexus show and the app's name."),
    "message_not_found": (MessageGone, "The message was deleted."),
    "cant_update_message": (MessageGone, "The message cannot be edited any more."),
    "edit_window_closed": (
        MessageGone,
        "A setting of the workspace forbids edits after some time. Ask an admin to allow them for apps.",
    ),
    "message_not_owned_by_app": (MessageGone, "The message belongs to another app."),
    "message_not_in_streaming_state": (StreamClosed, "Slack has closed the stream; edits go on."),
    "stopped_by_user": (StreamClosed, "Somebody has stopped the stream; edits go on."),
    "streaming_state_conflict": (StillStreaming, "The message is still being streamed."),
    "token_revoked": (TokenLost, f"The app was removed from the workspace: {_REINSTALL}."),
    "account_inactive": (TokenLost, f"The bot's account or the workspace is deactivated: {_REINSTALL}."),
    "invalid_auth": (TokenLost, f"Slack does not accept the bot's token: check SLACK_BOT_TOKEN, or {_REINSTALL}."),
    "not_authed": (TokenLost, f"There is no bot token for the workspace: set SLACK_BOT_TOKEN, or {_REINSTALL}."),
    "token_expired": (TokenLost, f"The bot's token has expired: {_REINSTALL}."),
    "app_uninstalled": (TokenLost, f"The app was removed from the workspace: {_REINSTALL}."),
    "team_access_not_granted": (TokenLost, f"The app may not act in this workspace any more: {_REINSTALL}."),
    "missing_scope": (ScopeMissing, f"The app needs the scope {{needed}}: add it to the app's manifest, and {_REINSTALL}."),
    "not_allowed_token_type": (
        ScopeMissing,
        "That needs another kind of token: SLACK_BOT_TOKEN is the one that starts with xoxb-.",
    ),
    "no_permission": (ScopeMissing, f"The bot's token may not do that: add the scope in the app's manifest, and {_REINSTALL}."),
    "access_denied": (ScopeMissing, "A setting of the workspace denies that to apps. Ask an admin."),
}
#: A defect of ours; the log has what Slack says of it.
MALFORMED = frozenset(
    {
        "blocked_file_type",
        "cannot_provide_both_markdown_text_and_chunks",
        "invalid_arguments",
        "invalid_array_arg",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_chunks",
        "invalid_chunks_format",
        "invalid_form_data",
        "invalid_json",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "json_not_object",
        "markdown_text_conflict",
        "metadata_too_large",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "streaming_mode_mismatch",
        "too_many_attachments",
        "view_too_large",
    }
)


def translated(method: str, raised: Exception) -> NexusError:
    """What the SDK or the network raised, as one of ours; to be raised ``from`` it."""
    if not isinstance(raised, SlackApiError):
        unsent = isinstance(raised, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
        return SlackBusy("Slack cannot be reached; it is tried again by itself.", error="unreachable", doubtful=not unsent)
    status, answer = _answered(raised)
    error = str(answer.get("error", ""))
    if status == 429 or error in PASSING:
        wait = retry_after(raised)
        return SlackBusy(f"Slack asks to wait {wait:.0f} s; it is tried again by itself.", error="ratelimited", retry_after=wait)
    if error in DOUBTFUL or (status >= 500 and not error):
        return SlackBusy("Slack has trouble; it is tried again by itself.", error=error or str(status), doubtful=True)
    if not error:
        return SlackBusy("What answers is not Slack; it is tried again by itself.", error=str(status), doubtful=True)
    return refusal(method, error, needed=str(answer.get("needed") or ""), reasons=reasons(answer))


def refusal(method: str, error: str, *, needed: str = "", reasons: str = "") -> SlackRefusal:
    """The error for a word of Slack's."""
    if error in REFUSALS:
        kind, sentence = REFUSALS[error]
        return kind(sentence.format(needed=needed or "that Slack names in its log"), error=error)
    if error in MALFORMED:
        return Malformed(
            f"Slack did not accept what {method} sent ({error}): {reasons or 'it gives no reason'}"[:MAX_DETAIL], error=error
        )
    return SlackRefusal(f"Slack refused {method}: {error}. Its documentation of that method says why.", error=error)


def reasons(answer: Mapping[str, Any]) -> str:
    """What Slack says of invalid blocks and arguments: where, and which rule. It repeats no content."""
    metadata = answer.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, Mapping) else None
    return "; ".join(str(one) for one in messages) if isinstance(messages, list) else ""


def retry_after(raised: SlackApiError) -> float:
    """Seconds that Slack asks to wait; 1 where it does not say."""
    headers = getattr(raised.response, "headers", None) or {}
    value = next((str(headers[name]) for name in headers if name.lower() == "retry-after"), "")
    try:
        return max(0.0, float(value))
    except ValueError:
        return 1.0


def _answered(raised: SlackApiError) -> tuple[int, Mapping[str, Any]]:
    response = raised.response
    status = getattr(response, "status_code", None) or getattr(response, "status", None) or 0
    data = getattr(response, "data", None)
    return int(status), data if isinstance(data, Mapping) else {}
