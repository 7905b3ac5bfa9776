"""News in a channel: a card that stands in no thread, posted once by whichever process is first."""

from __future__ import annotations

import pytest

from adapters.discord.faults import ChannelClosed, DiscordBusy
from adapters.discord.membership import LEFT
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


async def test_who_left_the_server_is_told_nothing_of_it_in_direct_messages(outside: Outside) -> None:
    direct = outside.ada.dm.id
    stays = outside.discord.add_guild("Beta")  # by which the bot may go on writing to them
    stays.join(outside.ada)
    thread = await outside.thread(await outside.process(), channel=direct)
    outside.discord.guild.kick(outside.ada)
    after = await outside.process()
    for place in (outside.place(direct), thread):
        with pytest.raises(ChannelClosed, match=LEFT):
            await after.chat.post(place, NEWS, key="news:1")
        with pytest.raises(ChannelClosed, match=LEFT):
            await after.chat.edit(place, thread.thread, NEWS)
    assert ["asked for an app" in text for text in outside.direct()] == [True]


async def test_direct_messages_go_on_where_nobody_can_tell_who_left(outside: Outside) -> None:
    one = await outside.process()
    outside.discord.fault("GET /guilds/*/members/*", code=50001)
    await one.chat.post(outside.place(outside.ada.dm.id), NEWS, key="news:1")
    assert len(outside.direct()) == 1
