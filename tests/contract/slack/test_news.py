"""News in a channel: a card that stands in no thread, posted once by whichever process is first."""

from __future__ import annotations

import pytest

from adapters.slack.faults import SlackBusy
from core.words.cards import Card, Text
from core.words.thread_ref import ThreadRef
from tests.contract.slack.conftest import Outside

NEWS = Card(kind="notice", title="Todos", children=[Text(text="v1 is live")])


def place(outside: Outside) -> ThreadRef:
    return ThreadRef(
        platform="slack", workspace=outside.slack.workspace.id, channel=outside.channel, thread="", user=outside.ada.id
    )


async def test_a_card_is_posted_into_a_channel_as_it_is_into_a_thread(outside: Outside) -> None:
    message = await outside.process().chat.post(place(outside), NEWS, key="news:1")
    (shown,) = outside.slack.messages("#general")
    assert (message, None) == (shown.ts, shown.thread_ts)


async def test_news_that_another_process_told_is_found_and_not_told_again(outside: Outside) -> None:
    first = await outside.process().chat.post(place(outside), NEWS, key="news:1")
    assert first == await outside.process().chat.post(place(outside), NEWS, key="news:1")
    assert 1 == len(outside.slack.messages("#general"))


async def test_news_whose_answer_was_lost_is_not_told_twice(outside: Outside) -> None:
    one = outside.process()
    outside.slack.fault("chat.postMessage", lose=True)
    with pytest.raises(SlackBusy):
        await one.chat.post(place(outside), NEWS, key="news:1")
    await one.chat.post(place(outside), NEWS, key="news:1")
    assert 1 == len(outside.slack.messages("#general"))
