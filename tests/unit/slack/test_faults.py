"""Slack's errors, as Nexus tells them."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack.faults import (
    MALFORMED,
    REFUSALS,
    ChannelClosed,
    Malformed,
    MessageGone,
    ScopeMissing,
    SlackBusy,
    SlackRefusal,
    StillStreaming,
    StreamClosed,
    ThreadGone,
    TokenLost,
    refusal,
    translated,
)
from core.errors import NexusError, OperatorError, TemporaryError


def answered(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> SlackApiError:
    """What the SDK raises of this answer."""
    response = AsyncSlackResponse(
        client=AsyncWebClient(), http_verb="POST", api_url="", req_args={}, data=data, headers=headers or {}, status_code=status
    )
    return SlackApiError("The request to the Slack API failed.", response)


@pytest.mark.parametrize("error", ["internal_error", "fatal_error", "request_timeout", "service_unavailable"])
def test_trouble_inside_of_slack_passes_and_leaves_a_doubt(error: str) -> None:
    made = translated("chat.postMessage", answered({"ok": False, "error": error}))
    assert isinstance(made, SlackBusy)
    assert isinstance(made, TemporaryError)
    assert made.doubtful


def test_a_429_passes_without_a_doubt_and_says_how_long_slack_wants_to_wait() -> None:
    made = translated("chat.postMessage", answered({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "7"}))
    assert isinstance(made, SlackBusy)
    assert (made.doubtful, made.retry_after) == (False, 7.0)
    without = translated("chat.postMessage", answered({"ok": False, "error": "ratelimited"}, 429))
    assert isinstance(without, SlackBusy)
    assert without.retry_after == 1.0


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_5xx_without_an_answer_leaves_a_doubt(status: int) -> None:
    made = translated("chat.postMessage", answered({}, status))
    assert isinstance(made, SlackBusy)
    assert made.doubtful


def test_what_never_reached_slack_leaves_no_doubt_and_what_may_have_does() -> None:
    never = aiohttp.ConnectionTimeoutError()
    assert isinstance(made := translated("chat.postMessage", never), SlackBusy)
    assert not made.doubtful
    for raised in (aiohttp.ServerDisconnectedError(), TimeoutError(), ConnectionResetError(), aiohttp.ClientPayloadError()):
        assert isinstance(made := translated("chat.postMessage", raised), SlackBusy)
        assert made.doubtful


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("is_archived", ChannelClosed),
        ("channel_not_found", ChannelClosed),
        ("not_in_channel", ChannelClosed),
        ("restricted_action", ChannelClosed),
        ("thread_not_found", ThreadGone),
        ("message_not_found", MessageGone),
        ("cant_update_message", MessageGone),
        ("message_not_in_streaming_state", StreamClosed),
        ("streaming_state_conflict", StillStreaming),
        ("token_revoked", TokenLost),
        ("account_inactive", TokenLost),
        ("invalid_auth", TokenLost),
        ("missing_scope", ScopeMissing),
        ("invalid_blocks", Malformed),
        ("msg_too_long", Malformed),
        ("something_new", SlackRefusal),
    ],
)
def test_a_refusal_is_told_by_its_class_and_keeps_the_word_of_slack(error: str, kind: type[SlackRefusal]) -> None:
    made = translated("chat.update", answered({"ok": False, "error": error}))
    assert type(made) is kind
    assert isinstance(made, SlackRefusal)
    assert made.error == error
    assert not made.retry


@pytest.mark.parametrize("error", sorted(REFUSALS))
def test_every_refusal_is_a_whole_sentence(error: str) -> None:
    message = refusal("chat.postMessage", error, needed="chat:write").message
    assert message[0].isupper()
    assert message.endswith(".")
    assert "{" not in message


def test_a_missing_scope_is_named_and_is_for_who_runs_nexus() -> None:
    made = translated("conversations.join", answered({"ok": False, "error": "missing_scope", "needed": "channels:join"}))
    assert "channels:join" in str(made)
    assert isinstance(made, OperatorError)


def test_what_slack_says_of_blocks_is_in_the_message_for_the_log() -> None:
    said = {"messages": ["[ERROR] must be shorter [json-pointer:/blocks/3]"]}
    answer = {"ok": False, "error": "invalid_blocks", "response_metadata": said}
    assert "/blocks/3" in str(translated("chat.update", answered(answer)))
    assert "invalid_blocks" in MALFORMED


def test_no_error_repeats_a_token() -> None:
    made = translated("chat.update", answered({"ok": False, "error": "invalid_auth", "token": "xoxb-secret"}))
    assert isinstance(made, NexusError)
    assert "xoxb" not in made.message
