"""Where threads are opened: in channels, forums, threads and direct messages; and what happens where the doors are closed."""

from __future__ import annotations

import pytest

from adapters.discord.faults import ChannelClosed, DiscordBusy, GuildLost, ThreadGone, TokenLost
from core.errors import OperatorError, TemporaryError
from tests.contract.discord.conftest import Outside
from tests.support import fake_cards
from tests.support.chat_cards import review
from tests.support.discord.rendering import render_text

# -- open doors -------------------------------------------------------------------------------------------------------------


async def test_in_an_announcement_channel_a_thread_is_opened_as_in_a_text_channel(outside: Outside) -> None:
    news = outside.discord.guild.add_channel("news", "announcement")
    one = await outside.process()
    thread = await outside.thread(one, channel=news.id)
    assert [opened.id for opened in outside.discord.threads("#news")] == [thread.thread]


@pytest.mark.parametrize("kind", ["forum", "media"])
async def test_in_a_forum_a_thread_is_a_post_that_every_process_finds(outside: Outside, kind: str) -> None:
    ideas = outside.discord.guild.add_channel("ideas", kind)
    one, other = await outside.process(), await outside.process()
    threads = [await outside.thread(process, channel=ideas.id) for process in (one, one, other)]
    (post,) = outside.discord.threads("#ideas")
    assert {(thread.channel, thread.thread) for thread in threads} == {(ideas.id, post.id)}
    assert post.name == "a todo app"
    looked = len(outside.discord.called("GET /channels/{channel}/messages"))
    message = await one.chat.post(threads[0], review(), key="build:1")
    assert len(outside.discord.called("GET /channels/{channel}/messages")) == looked  # it has just opened it
    first, card = outside.discord.messages(post.id)
    assert (first.id, first.mentions, card.id) == (post.id, [outside.ada.id], message)
    assert (await outside.thread(other, key="app_2", channel=ideas.id)).thread != post.id


async def test_in_a_forum_whose_posts_need_a_tag_the_first_that_is_for_everybody_is_put_on(outside: Outside) -> None:
    asked = outside.discord.guild.add_channel("asked", "forum", tags=["!pinned", "idea", "done"])
    thread = await outside.thread(await outside.process(), channel=asked.id)
    (post,) = outside.discord.threads("#asked")
    assert (thread.thread, ["1"]) == (post.id, post.tags)


async def test_in_a_forum_whose_tags_are_for_moderators_alone_the_thread_is_opened_in_a_direct_message(outside: Outside) -> None:
    outside.discord.guild.add_channel("rules", "forum", tags=["!rule"])
    thread = await outside.thread(await outside.process(), channel=outside.discord.channel("rules").id)
    assert thread.channel == outside.discord.channel_id(outside.ada.dm)
    assert not outside.discord.threads("#rules")


@pytest.mark.parametrize("what", [{"lose": True}, {"status": 502, "after": True}, {"status": 503, "after": True}])
async def test_a_post_whose_answer_was_lost_is_found_and_not_made_again(outside: Outside, what: dict[str, object]) -> None:
    ideas = outside.discord.guild.add_channel("ideas", "forum")
    one = await outside.process()
    outside.discord.fault("POST /channels/*/threads", **what)
    with pytest.raises(DiscordBusy):
        await outside.thread(one, channel=ideas.id)
    thread = await outside.thread(one, channel=ideas.id)
    assert [post.id for post in outside.discord.threads("#ideas")] == [thread.thread]


async def test_a_thread_in_which_one_is_to_be_opened_is_used_itself(outside: Outside) -> None:
    one = await outside.process()
    there = await outside.thread(one)
    again = await outside.thread(one, key="app_2", channel=there.thread)
    assert (again.channel, again.thread) == (there.channel, there.thread)
    assert len(outside.discord.messages("#general")) == 1


async def test_in_direct_messages_a_thread_is_whatever_replies_to_its_first_message(outside: Outside) -> None:
    one, other = await outside.process(), await outside.process()
    direct = outside.discord.channel_id(outside.ada.dm)
    threads = [await outside.thread(one, key=key, channel=direct) for key in ("app_1", "app_2")]
    assert [thread.channel for thread in threads] == [direct, direct]
    for process in (one, other):  # the same key in both: they have nothing to do with each other
        for number, thread in enumerate(threads):
            await process.chat.post(thread, review(number=number), key="build:1")
    assert [len(outside.shown(thread)) for thread in threads] == [1, 1]
    message = outside.shown(threads[1])[0]
    await other.chat.edit(threads[1], message.id, fake_cards.live())
    assert ["Live" in outside.texts(thread)[0] for thread in threads] == [False, True]


async def test_in_direct_messages_whose_first_message_was_deleted_work_goes_on(outside: Outside) -> None:
    one = await outside.process()
    thread = await outside.thread(one, channel=outside.discord.channel_id(outside.ada.dm))
    outside.discord.delete_message(outside.discord.direct(outside.ada)[0])
    await one.chat.post(thread, review(), key="build:1")
    assert "Ready for review" in outside.direct()[0]


async def test_a_title_that_a_rule_of_the_server_blocks_costs_the_title_and_not_the_thread(outside: Outside) -> None:
    one = await outside.process()
    outside.discord.fault("POST /channels/*/messages", code=200000, status=400)
    outside.discord.fault("POST /channels/*/threads", code=200001, status=400)
    thread = await outside.thread(one, title="a rude app")
    (opened,) = outside.discord.threads()
    assert (opened.id, opened.name) == (thread.thread, "An app")
    assert "rude" not in render_text(outside.discord.messages("#general")[0])


async def test_where_threads_may_not_stay_open_for_a_week_they_do_for_three_days(outside: Outside) -> None:
    one = await outside.process()
    outside.discord.fault("POST /channels/*/threads", code=50035)
    await outside.thread(one)
    assert [opened.auto_archive for opened in outside.discord.threads()] == [4320]


# -- closed doors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("denied", "said"),
    [
        ("view_channel", "View Channel"),
        ("send_messages", "Send Messages"),
        ("create_public_threads", "Create Public Threads"),
    ],
)
async def test_in_a_channel_that_is_closed_to_the_bot_the_thread_is_opened_in_a_direct_message_that_says_why(
    outside: Outside, denied: str, said: str
) -> None:
    outside.discord.guild.deny("#general", outside.discord.bot, denied)
    one, other = await outside.process(), await outside.process()
    for process in (one, one, other):
        thread = await outside.thread(process)
    assert thread.channel == outside.discord.channel_id(outside.ada.dm)
    (told,) = outside.direct()
    assert said in told
    assert f"<#{outside.channel}>" in told
    assert outside.discord.messages("#general") == []
    await one.chat.post(thread, review(), key="build:1")
    assert len(outside.shown(thread)) == 1
    outside.discord.guild.allow("#general", outside.discord.bot, denied)
    outside.discord.advance(3600)
    assert (await outside.thread(one)).thread in [opened.id for opened in outside.discord.threads()]


async def test_in_the_chat_of_a_voice_channel_and_in_one_that_was_deleted_it_is_a_direct_message_too(outside: Outside) -> None:
    voice = outside.discord.guild.add_channel("talk", "voice")
    gone = outside.discord.guild.add_channel("gone")
    outside.discord.guild.delete_channel(gone)
    one = await outside.process()
    for number, channel in enumerate((voice, gone)):
        thread = await outside.thread(one, key=f"app_{number}", channel=channel.id)
        assert thread.channel == outside.discord.channel_id(outside.ada.dm)
    with pytest.raises(ChannelClosed):
        await one.chat.open_thread(outside.discord.guild.id, gone.id, "nobody's", key="app_9")


async def test_a_person_who_takes_no_direct_messages_leaves_nowhere_to_open_one(outside: Outside) -> None:
    outside.discord.guild.deny("#general", outside.discord.bot, "send_messages")
    outside.ada.close_direct_messages()
    with pytest.raises(ChannelClosed, match="direct messages"):
        await outside.thread(await outside.process())


async def test_a_thread_that_was_archived_is_opened_again_by_a_post_and_by_an_edit(outside: Outside) -> None:
    one = await outside.process()
    thread = await outside.thread(one)
    message = await one.chat.post(thread, fake_cards.working(1), key="build:1")
    (opened,) = outside.discord.threads()
    outside.discord.guild.archive(opened)
    await one.chat.edit(thread, message, review())
    assert "Ready for review" in outside.texts(thread)[0]
    assert not opened.archived
    outside.discord.guild.archive(opened)
    await one.chat.post(thread, fake_cards.live(), key="deploy:1")
    assert not opened.archived
    assert outside.direct() == []


@pytest.mark.parametrize("archived", [True, False])
async def test_a_thread_that_was_locked_is_told_once_to_whom_it_matters(outside: Outside, archived: bool) -> None:
    one, other = await outside.process(), await outside.process()
    thread = await outside.thread(one)
    await one.chat.post(thread, fake_cards.working(1), key="build:1")
    (opened,) = outside.discord.threads()
    if archived:
        outside.discord.guild.archive(opened, locked=True)
    else:
        outside.discord.guild.lock(opened)
    for process in (one, one, other):
        with pytest.raises(ThreadGone, match="locked"):
            await process.chat.post(thread, review(number=2), key="build:2")
    (told,) = outside.direct()
    assert "Unlock it" in told
    assert "/nexus show" in told
    outside.discord.guild.unlock(opened)
    await one.chat.post(thread, review(number=2), key="build:2")
    assert len(outside.shown(thread)) == 2


async def test_a_thread_and_a_channel_that_were_deleted_are_told_too(outside: Outside) -> None:
    one, other = await outside.process(), await outside.process()
    thread = await outside.thread(one)
    message = await one.chat.post(thread, fake_cards.working(1), key="build:1")
    outside.discord.guild.delete_channel(thread.thread)
    for process in (one, one, other):
        outside.discord.advance(3600)  # Discord forgets every nonce
        with pytest.raises(ThreadGone, match="thread was deleted"):
            await process.chat.edit(thread, message, review())
        with pytest.raises(ThreadGone):
            await process.chat.post(thread, review(number=2), key="build:2")
    assert len(outside.direct()) == 1
    place = outside.discord.guild.add_channel("elsewhere")
    lost = await outside.thread(one, key="app_2", channel=place.id)
    outside.discord.guild.delete_channel(place)
    with pytest.raises(ChannelClosed, match="channel was deleted"):
        await (await outside.process()).chat.post(lost, review(), key="build:1")
    assert "Todo app" in outside.direct()[1]


async def test_a_permission_that_was_taken_away_in_the_middle_is_named(outside: Outside) -> None:
    one = await outside.process()
    thread = await outside.thread(one)
    outside.discord.guild.deny("#general", outside.discord.bot, "send_messages_in_threads")
    with pytest.raises(ChannelClosed, match="Send Messages in Threads"):
        await one.chat.post(thread, review(), key="build:1")
    (told,) = outside.direct()
    assert "Send Messages in Threads" in told
    outside.discord.guild.allow("#general", outside.discord.bot, "send_messages_in_threads")
    await one.chat.post(thread, review(), key="build:1")
    assert len(outside.shown(thread)) == 1


async def test_a_server_that_removed_the_bot_is_told_to_who_keeps_nexus(outside: Outside) -> None:
    other_guild = outside.discord.add_guild("Elsewhere")
    other_guild.join(outside.ada)
    one = await outside.process()
    thread = await outside.thread(one)
    outside.discord.guild.remove_bot()
    for _ in range(2):
        with pytest.raises(GuildLost, match="invite"):
            await one.chat.post(thread, review(), key="build:1")
    ((workspace, why),) = outside.troubles
    assert workspace == outside.discord.guild.id
    assert "invite" in why
    assert len(outside.direct()) == 1


async def test_while_discord_is_away_nobody_is_taken_for_told(outside: Outside) -> None:
    one = await outside.process()
    thread = await outside.thread(one)
    outside.discord.guild.delete_channel(thread.thread)
    outside.discord.fault("POST /users/*", status=503)
    with pytest.raises(TemporaryError):
        await one.chat.post(thread, review(), key="build:1")
    with pytest.raises(ThreadGone):
        await one.chat.post(thread, review(), key="build:1")
    assert len(outside.direct()) == 1


async def test_a_token_that_was_reset_is_told_once_to_who_keeps_nexus(outside: Outside) -> None:
    one = await outside.process()
    thread = await outside.thread(one)
    outside.discord.token += "changed"
    for _ in range(2):
        with pytest.raises(TokenLost) as lost:
            await one.chat.post(thread, review(), key="build:1")
        assert isinstance(lost.value, OperatorError)
    ((workspace, why),) = outside.troubles
    assert workspace == ""
    assert "DISCORD_TOKEN" in why
