"""News in a channel: a card that stands in no thread, posted once by whichever process is first."""

from __future__ import annotations

import pytest

from adapters.discord.faults import ChannelClosed, DiscordBusy
from core.words.cards import Card, Text
from tests.contract.discord.conftest import Outside

NEWS = Card(kind="notice", title="Todos", children=[Text(text="v1 is live")])


async def test_a_card_is_posted_into_a_channel_as_it_is_into_a_thread(outside: Outside) -> None:
    message = await (await outside.process()).chat.post(outside.place(), NEWS, key="news:1")
    (shown,) = outside.discord.messages("#general")
    assert (message, None, []) == (shown.id, shown.reference, shown.mentions)


async def test_news_that_another_process_told_is_found_and_not_told_again(outside: Outside) -> None:
    first = await (await outside.process()).chat.post(outside.place(), NEWS, key="news:1")
    outside.discord.advance(3600)
    assert first == await (await outside.process()).chat.post(outside.place(), NEWS, key="news:1")
    assert 1 == len(outside.discord.messages("#general"))


async def test_news_whose_answer_was_lost_is_not_told_twice(outside: Outside) -> None:
    one = await outside.process()
    outside.discord.fault("POST /channels/*/messages", lose=True)
    with pytest.raises(DiscordBusy):
        await one.chat.post(outside.place(), NEWS, key="news:1")
    await one.chat.post(outside.place(), NEWS, key="news:1")
    assert 1 == len(outside.discord.messages("#general"))


async def test_a_forum_takes_no_news_and_the_error_says_what_does(outside: Outside) -> None:
    ideas = outside.discord.guild.add_channel("ideas", "forum")
    with pytest.raises(ChannelClosed, match="text channel"):
        await (await outside.process()).chat.post(outside.place(ideas.id), NEWS, key="news:1")
