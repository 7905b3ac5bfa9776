"""The one way to the Web API."""

from __future__ import annotations

import asyncio
import logging

import pytest
from pydantic import SecretStr

from adapters.slack.calls import Calls, OneToken
from adapters.slack.faults import Malformed, SlackBusy, TokenLost
from core.errors import NotFound, TemporaryError
from tests.contract.slack.conftest import Outside
from tests.support.slack import LocalSlack


class Changing:
    """Tokens that come and go."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)

    async def token(self, workspace: str) -> SecretStr:
        if not self.tokens:
            raise NotFound(f"Nexus is not installed in {workspace}.")
        return SecretStr(self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0])


async def test_a_request_is_never_repeated_by_itself(outside: Outside) -> None:
    one = outside.process()
    team = outside.slack.workspace.id
    for what in ({"lose": True}, {"status": 502}, {"error": "fatal_error"}):
        fault = outside.slack.fault("chat.postMessage", times=5, **what)
        with pytest.raises(SlackBusy) as busy:
            await one.calls.call(team, "chat.postMessage", channel=outside.channel, text="once")
        assert busy.value.doubtful
        assert fault.used == 1
        fault.times = 0


async def test_a_429_is_waited_for_a_bounded_number_of_times(outside: Outside) -> None:
    one = outside.process()
    team = outside.slack.workspace.id
    outside.slack.fault("chat.postMessage", retry_after=5, times=2)
    await one.calls.call(team, "chat.postMessage", channel=outside.channel, text="once")
    assert one.clock.slept.count(5) == 2
    fault = outside.slack.fault("chat.postMessage", retry_after=5, times=99)
    with pytest.raises(SlackBusy) as busy:
        await one.calls.call(team, "chat.postMessage", channel=outside.channel, text="never")
    assert (busy.value.doubtful, fault.used) == (False, 3)


async def test_a_long_429_is_raised_and_later_calls_do_not_ask_before_it_is_over(outside: Outside) -> None:
    one = outside.process()
    team = outside.slack.workspace.id
    outside.slack.fault("chat.update", retry_after=300)
    for _ in range(2):
        with pytest.raises(SlackBusy):
            await one.calls.call(team, "chat.update", channel=outside.channel, ts="1.1", text="later")
    assert len(outside.slack.called("chat.update")) == 1
    await one.calls.call(team, "chat.postMessage", channel=outside.channel, text="this may")


async def test_a_view_does_not_wait_for_edits(outside: Outside) -> None:
    one = outside.process()
    team = outside.slack.workspace.id
    for _ in range(12):
        with pytest.raises(Exception, match="deleted"):
            await one.calls.call(team, "chat.update", channel=outside.channel, ts="1.1", text="x")
    held = asyncio.create_task(one.calls.call(team, "chat.update", channel=outside.channel, ts="1.1", text="x"))
    assert await one.calls.call(team, "auth.test", patience=0.0)
    with pytest.raises(Exception, match="deleted"):
        await held


async def test_a_token_that_was_replaced_in_the_meantime_is_taken(outside: Outside) -> None:
    calls = Calls(Changing("xoxb-old", outside.slack.bot_token), base_url=outside.slack.api_url, trouble=outside.trouble)
    outside.stack.push_async_callback(calls.close)
    assert (await calls.call("T1", "auth.test"))["ok"]
    assert not outside.troubles


async def test_a_token_that_is_lost_is_told_once_and_where_there_is_none_that_is_said(outside: Outside) -> None:
    calls = Calls(Changing("xoxb-wrong"), base_url=outside.slack.api_url, trouble=outside.trouble)
    outside.stack.push_async_callback(calls.close)
    for _ in range(3):
        with pytest.raises(TokenLost):
            await calls.call("T1", "auth.test")
    assert [workspace for workspace, _ in outside.troubles] == ["T1"]
    nowhere = Calls(Changing(), base_url=outside.slack.api_url)
    with pytest.raises(NotFound):
        await nowhere.call("T1", "auth.test")
    await nowhere.close()


async def test_nothing_listens_is_temporary_and_leaves_no_doubt(outside: Outside) -> None:
    calls = Calls(Changing("xoxb-1"), base_url="http://127.0.0.1:1/api/")
    with pytest.raises(TemporaryError) as error:
        await calls.call("T1", "chat.postMessage", channel="C1", text="x")
    assert isinstance(error.value, SlackBusy)
    assert not error.value.doubtful
    await calls.close()


async def test_nothing_that_is_sent_is_in_the_log(
    outside: Outside, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    one = outside.process()
    with caplog.at_level(logging.DEBUG):
        await one.calls.call(outside.slack.workspace.id, "chat.postMessage", channel=outside.channel, text="hunter2")
        long = {"type": "section", "text": {"type": "plain_text", "text": "hunter2 " * 1000}}
        with pytest.raises(Malformed):
            await one.calls.call(outside.slack.workspace.id, "chat.postMessage", channel=outside.channel, text="x", blocks=[long])
    logged = caplog.text + "".join(capsys.readouterr())
    assert "chat.postMessage" in logged
    assert "invalid_blocks" in logged
    assert "hunter2" not in logged
    assert outside.slack.bot_token not in logged


async def test_a_call_after_the_end_is_put_off_and_opens_nothing() -> None:
    async with LocalSlack() as slack:
        calls = Calls(OneToken(SecretStr(slack.bot_token)), base_url=slack.api_url)
        await calls.call("T1", "auth.test")
        await calls.close()
        with pytest.raises(SlackBusy):
            await calls.call("T1", "auth.test")
        with pytest.raises(SlackBusy):
            await calls.upload(slack.api_url, b"x")
        assert calls._session is None
