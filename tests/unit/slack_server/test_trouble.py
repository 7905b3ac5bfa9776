"""Rate limits and scripted faults of the local Slack, and what the real SDK makes of them."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.slack import Limits, LocalSlack


async def test_one_post_a_second_goes_into_a_channel_after_a_burst(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.limits = Limits.real()
    slack.workspace.add_channel("other")
    for _ in range(5):
        await client.chat_postMessage(channel="#general", text="x")
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="#general", text="x")
    assert caught.value.response.status_code == 429
    assert (caught.value.response["error"], caught.value.response.headers["Retry-After"]) == ("ratelimited", "1")
    await client.chat_postMessage(channel="#other", text="x")
    slack.advance(1)
    await client.chat_postMessage(channel="#general", text="x")


async def test_edits_are_limited_for_the_whole_workspace(slack: LocalSlack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="#general", text="x")
    slack.limits = Limits.strict(burst=2)
    where = {"channel": posted["channel"], "ts": posted["ts"]}
    for number in range(2):
        await client.chat_update(**where, text=str(number))
    with pytest.raises(SlackApiError) as caught:
        await client.chat_update(**where, text="x")
    assert caught.value.response.headers["Retry-After"] == "2"
    assert slack.messages("#general")[0].text == "1"


async def test_the_sdk_waits_as_it_is_told_when_it_has_the_handler_for_it(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.fault("chat.postMessage", retry_after=1)
    with pytest.raises(SlackApiError, match="ratelimited"):
        await client.chat_postMessage(channel="#general", text="x")
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler())
    slack.fault("chat.postMessage", retry_after=1)
    await client.chat_postMessage(channel="#general", text="x")
    assert [one.status for one in slack.called("chat.postMessage")] == [429, 429, 200]


async def test_when_an_answer_is_lost_the_sdk_posts_a_second_time(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.fault("chat.postMessage", lose=True)
    await client.chat_postMessage(channel="#general", text="x")
    assert [one.text for one in slack.messages("#general")] == ["x", "x"]
    client.retry_handlers.clear()
    slack.fault("chat.postMessage", lose=True)
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel="#general", text="y")
    assert [one.text for one in slack.messages("#general")] == ["x", "x", "y"]
    assert [one.lost for one in slack.called("chat.postMessage")] == [True, False, True]


async def test_a_scripted_error_meets_as_many_calls_as_it_says(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.fault("chat.postMessage", error="internal_error", times=2)
    slack.fault("auth.test", status=503)
    for _ in range(2):
        with pytest.raises(SlackApiError, match="internal_error"):
            await client.chat_postMessage(channel="#general", text="x")
    with pytest.raises(SlackApiError):
        await client.auth_test()
    await client.chat_postMessage(channel="#general", text="x")
    await client.auth_test()
    assert len(slack.messages("#general")) == 1


async def test_a_held_call_waits_until_it_is_let_go(slack: LocalSlack, client: AsyncWebClient) -> None:
    held = slack.fault("chat.postMessage", held=True)
    posting = asyncio.create_task(client.chat_postMessage(channel="#general", text="x"))
    await slack.wait_for(lambda: held.used)
    await client.auth_test()
    assert slack.messages("#general") == []
    held.release()
    await posting
    assert len(slack.messages("#general")) == 1


async def test_a_condition_that_never_comes_true_fails_with_what_happened(slack: LocalSlack, client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel="#general", text="what was said")
    with pytest.raises(AssertionError, match=r"(?s)a miracle.*chat.postMessage -> ok.*what was said"):
        await slack.wait_for(lambda: False, timeout=0.01, why="a miracle")
