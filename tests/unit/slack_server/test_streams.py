"""Streams of the local Slack: what may be appended, by whom, and for how long."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.models.messages.chunk import MarkdownTextChunk, PlanUpdateChunk, TaskUpdateChunk
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.slack import LocalSlack, SlackUser, render_text
from tests.unit.slack_server.test_messages import refused

BUTTON = {
    "type": "actions",
    "elements": [{"type": "button", "action_id": "open", "text": {"type": "plain_text", "text": "Open"}}],
}


@pytest.fixture
async def place(slack: LocalSlack, ada: SlackUser, client: AsyncWebClient) -> dict[str, Any]:
    parent = await client.chat_postMessage(channel="#general", text="parent")
    return {
        "channel": parent["channel"],
        "thread_ts": parent["ts"],
        "recipient_user_id": ada.id,
        "recipient_team_id": slack.workspace.id,
    }


async def test_a_build_is_streamed_as_a_plan_and_ends_with_buttons(
    slack: LocalSlack, client: AsyncWebClient, place: dict[str, Any]
) -> None:
    stream = await client.chat_stream(**place, task_display_mode="plan")
    await stream.append(chunks=[PlanUpdateChunk(title="Building"), TaskUpdateChunk(id="1", title="Plan", status="in_progress")])
    _, message = slack.messages("#general", place["thread_ts"])
    assert render_text(message) == "Building:\n  … Plan"
    await stream.append(chunks=[TaskUpdateChunk(id="1", title="Plan", status="complete", output="3 pages")])
    await stream.stop(chunks=[MarkdownTextChunk(text="Done.")], blocks=[BUTTON])
    assert render_text(message) == "Done.\nBuilding:\n  ✓ Plan\n      3 pages\n[Open]"
    with pytest.raises(SlackApiError, match="message_not_in_streaming_state"):
        await client.chat_appendStream(channel=place["channel"], ts=str(stream.ts), markdown_text="more")


async def test_an_open_stream_refuses_edits_and_a_stopped_one_takes_them(client: AsyncWebClient, place: dict[str, Any]) -> None:
    started = await client.chat_startStream(**place, markdown_text="so far")
    where = {"channel": place["channel"], "ts": started["ts"]}
    assert (await refused(client.chat_update(**where, text="x")))[0] == "streaming_state_conflict"
    assert (await refused(client.chat_delete(**where)))[0] == "cant_delete_message"
    await client.chat_stopStream(**where)
    await client.chat_update(**where, text="x")
    assert (await refused(client.chat_stopStream(**where)))[0] == "message_not_in_streaming_state"


@pytest.mark.parametrize(("pause", "times"), [(30, 1), (29, 11)], ids=["idle", "old"])
async def test_slack_closes_a_stream_that_is_idle_or_old_and_edits_go_on(
    slack: LocalSlack, client: AsyncWebClient, place: dict[str, Any], pause: int, times: int
) -> None:
    started = await client.chat_startStream(**place, markdown_text="so far")
    where = {"channel": place["channel"], "ts": started["ts"]}
    for _ in range(times - 1):
        slack.advance(pause)
        await client.chat_appendStream(**where, markdown_text=".")
    slack.advance(pause)
    assert (await refused(client.chat_appendStream(**where, markdown_text=".")))[0] == "message_not_in_streaming_state"
    await client.chat_update(**where, text="in the end", blocks=[])
    assert render_text(slack.messages("#general", place["thread_ts"])[-1]) == "in the end"


async def test_a_stream_needs_a_thread_and_in_a_channel_a_recipient(
    slack: LocalSlack, ada: SlackUser, client: AsyncWebClient, place: dict[str, Any]
) -> None:
    errors = []
    for name in ("recipient_user_id", "recipient_team_id", "thread_ts"):
        errors.append((await refused(client.chat_startStream(**{**place, name: None})))[0])
    assert errors == ["missing_recipient_user_id", "missing_recipient_team_id", "invalid_thread_ts"]
    direct = await client.chat_postMessage(channel=ada.id, text="parent")
    await client.chat_startStream(channel=direct["channel"], thread_ts=direct["ts"])


async def test_chunks_that_are_not_valid_are_refused_and_nothing_is_shown_of_them(
    slack: LocalSlack, client: AsyncWebClient, place: dict[str, Any]
) -> None:
    started = await client.chat_startStream(**place, task_display_mode="plan")
    where = {"channel": place["channel"], "ts": started["ts"]}
    good = {"type": "task_update", "id": "1", "title": "Plan", "status": "pending"}
    for bad in ({**good, "status": "cancelled"}, {**good, "title": "x" * 257}, {**good, "extra": 1}, {"type": "other"}):
        assert (await refused(client.chat_appendStream(**where, chunks=[good, bad])))[0] == "invalid_chunks"
    many = [{**good, "id": str(number)} for number in range(51)]
    assert (await refused(client.chat_appendStream(**where, chunks=many)))[0] == "invalid_chunks"
    assert slack.messages("#general", place["thread_ts"])[-1].blocks == []
    await client.chat_appendStream(**where, chunks=[good])
    assert (await refused(client.chat_appendStream(**where, markdown_text="x")))[0] == "streaming_mode_mismatch"
