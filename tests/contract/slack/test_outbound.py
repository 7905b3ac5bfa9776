"""What goes out to Slack: threads, cards, words and files, each once, whatever gets lost on the way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from adapters.slack.faults import ChannelClosed, ScopeMissing, SlackBusy, ThreadGone, TokenLost
from core.errors import TemporaryError
from core.words.cards import Card, Log, Text, Tone
from tests.contract.slack.conftest import Outside
from tests.support import fake_cards
from tests.support.chat_cards import review
from tests.support.slack.limits import Limits

T = TypeVar("T")


async def test_a_thread_hangs_on_a_message_that_mentions_who_asked_and_nobody_else(outside: Outside) -> None:
    one = outside.process()
    thread = await outside.thread(one, title="<!channel> an app for @here & <@U0SOMEONE> *now*")
    root = outside.slack.messages("#general")[0]
    assert (root.ts, root.channel) == (thread.thread, thread.channel)
    assert thread.user == outside.ada.id
    assert f"<@{outside.ada.id}>" in root.text
    assert "<!" not in root.text
    assert "<@U0SOMEONE>" not in root.text
    assert root.unfurl_links is False


async def test_the_same_key_gives_the_same_thread_in_every_process(outside: Outside) -> None:
    one, other = outside.process(), outside.process()
    threads = [await outside.thread(process) for process in (one, one, other)]
    assert len({thread.thread for thread in threads}) == 1
    assert (await outside.thread(other, key="app_2")).thread != threads[0].thread
    assert len(outside.slack.messages("#general")) == 2


async def test_many_threads_at_once_share_one_look_into_the_channel(outside: Outside) -> None:
    one = outside.process()
    threads = await asyncio.gather(*(outside.thread(one, key=f"app_{number}") for number in range(20)))
    assert len({thread.thread for thread in threads}) == 20
    assert len(outside.slack.called("conversations.history")) <= 2


async def test_a_thread_whose_answer_was_lost_is_found_and_not_opened_again(outside: Outside) -> None:
    one = outside.process()
    outside.slack.fault("chat.postMessage", lose=True)
    with pytest.raises(SlackBusy) as busy:
        await outside.thread(one)
    assert busy.value.doubtful
    thread = await outside.thread(one)
    assert [message.ts for message in outside.slack.messages("#general")] == [thread.thread]


@pytest.mark.parametrize("what", [{"lose": True}, {"status": 500}, {"error": "internal_error"}, {"error": "request_timeout"}])
async def test_a_card_that_may_have_been_posted_is_looked_for_before_it_is_posted_again(
    outside: Outside, what: dict[str, object]
) -> None:
    one = outside.process()
    thread = await outside.thread(one)
    outside.slack.fault("chat.postMessage", **what)
    with pytest.raises(TemporaryError):
        await one.chat.post(thread, review(), key="build:1")
    message = await one.chat.post(thread, review(), key="build:1")
    assert [shown.ts for shown in outside.shown(thread)] == [message]


async def test_a_process_that_died_before_it_wrote_down_the_id_leaves_a_message_that_the_next_one_finds(outside: Outside) -> None:
    dead, next_one = outside.process(), outside.process()
    thread = await outside.thread(dead)
    posted = await dead.chat.post(thread, fake_cards.working(1), key="build:1")
    assert await next_one.chat.post(thread, review(), key="build:1") == posted
    assert ["Ready for review" in text for text in outside.texts(thread)] == [True]


async def test_a_post_that_was_cancelled_in_the_middle_is_looked_for(outside: Outside) -> None:
    one = outside.process()
    thread = await outside.thread(one)
    held = outside.slack.fault("chat.postMessage", delay=30.0)
    task = asyncio.create_task(one.chat.post(thread, review(), key="build:1"))
    await outside.slack.wait_for(lambda: outside.shown(thread))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert held.used == 1
    await one.chat.post(thread, review(), key="build:1")
    assert len(outside.shown(thread)) == 1


async def test_a_thread_that_this_process_opened_needs_no_looking_up(outside: Outside) -> None:
    one = outside.process()
    thread = await outside.thread(one)
    for number in range(3):
        await one.chat.post(thread, review(number=number), key=f"build:{number}")
    assert not outside.slack.called("conversations.replies")
    one.clock.time += 3600
    await one.chat.post(thread, review(number=9), key="build:9")
    assert len(outside.slack.called("conversations.replies")) == 1


async def test_an_app_that_may_not_read_posts_without_looking(outside: Outside) -> None:
    outside.slack.workspace.scopes -= {"channels:history", "groups:history", "im:history"}
    one, other = outside.process(), outside.process()
    thread = await outside.thread(one)
    await other.chat.post(thread, review(), key="build:1")
    outside.slack.fault("chat.postMessage", lose=True)
    with pytest.raises(TemporaryError):
        await one.chat.post(thread, review(number=2), key="build:2")
    await one.chat.post(thread, review(number=2), key="build:2")
    assert len(outside.shown(thread)) == 3  # twice is better than never


async def test_an_app_that_may_read_once_a_minute_waits_for_its_turn_only_when_in_doubt(outside: Outside) -> None:
    outside.slack.limits = Limits.real()
    one, other = outside.process(), outside.process()
    thread = await outside.thread(one)
    for number in range(3):
        await other.chat.post(thread, review(number=number), key=f"build:{number}")
    assert len(outside.shown(thread)) == 3
    assert sum(other.clock.slept) < 10
    outside.slack.fault("chat.postMessage", lose=True)
    with pytest.raises(TemporaryError):
        await other.chat.post(thread, review(number=9), key="build:9")
    await other.chat.post(thread, review(number=9), key="build:9")
    assert len(outside.shown(thread)) == 4
    assert sum(other.clock.slept) > 10


async def test_an_edit_shows_the_new_card_and_the_same_card_is_free(outside: Outside) -> None:
    one = outside.process()
    thread = await outside.thread(one)
    message = await one.chat.post(thread, fake_cards.working(1), key="build:1")
    await one.chat.edit(thread, message, review())
    await one.chat.edit(thread, message, review())
    assert len(outside.slack.called("chat.update")) == 1
    assert "Approve & deploy" in outside.texts(thread)[0]
    assert outside.message(thread, message).metadata is not None


async def test_an_edit_whose_answer_was_lost_is_made_again(outside: Outside) -> None:
    one = outside.process()
    thread = await outside.thread(one)
    message = await one.chat.post(thread, fake_cards.working(1), key="build:1")
    outside.slack.fault("chat.update", status=502)
    with pytest.raises(TemporaryError):
        await one.chat.edit(thread, message, review())
    await one.chat.edit(thread, message, review())
    assert "Ready for review" in outside.texts(thread)[0]


async def test_a_429_is_waited_for_and_nothing_is_posted_twice(outside: Outside) -> None:
    one = outside.process()
    thread = await outside.thread(one)
    outside.slack.fault("chat.postMessage", retry_after=7)
    await one.chat.post(thread, review(), key="build:1")
    assert 7 in one.clock.slept
    assert len(outside.shown(thread)) == 1
    outside.slack.fault("chat.update", retry_after=600)
    with pytest.raises(TemporaryError):
        await one.chat.edit(thread, outside.shown(thread)[0].ts, fake_cards.live())
    outside.slack.fault("chat.postMessage", retry_after=1, times=99)
    with pytest.raises(TemporaryError):
        await one.chat.post(thread, review(number=2), key="build:2")


async def test_an_outage_of_minutes_is_temporary_and_leaves_everything_to_be_done_once(outside: Outside) -> None:
    one = outside.process()
    thread = await outside.thread(one)
    message = await one.chat.post(thread, fake_cards.working(1), key="build:1")
    for refuse in (True, False):
        await outside.slack.begin_outage(refuse=refuse)
        progress = fake_cards.working(2 if refuse else 3)
        for _ in range(2):
            with pytest.raises(TemporaryError):
                await one.chat.edit(thread, message, progress)
            with pytest.raises(TemporaryError):
                await one.chat.post(thread, review(), key=f"build:{refuse}")
            with pytest.raises(TemporaryError):
                await outside.thread(one, key=f"app {refuse}")
        await outside.slack.end_outage()
        await one.chat.edit(thread, message, progress)
        await one.chat.post(thread, review(), key=f"build:{refuse}")
    assert len(outside.shown(thread)) == 3


async def test_words_of_a_person_are_said_once_and_mention_nobody(outside: Outside) -> None:
    one, other = outside.process(), outside.process()
    thread = await outside.thread(one)
    for process in (one, one, other):
        await process.chat.say(thread, "make it <!here> *blue* " + "and long " * 800, author="Ada", key="said:1")
    (message,) = outside.shown(thread)
    shown = outside.texts(thread)[0]
    assert shown.startswith("Ada: make it")
    assert "*blue*" in shown
    assert " ".join(shown.split()).count("and long") == 800
    assert "<!here" not in message.text + shown


async def test_a_file_is_attached_once_even_when_the_answer_was_lost(outside: Outside) -> None:
    one = outside.process()
    thread = await outside.thread(one)
    outside.slack.fault("files.completeUploadExternal", lose=True)
    with pytest.raises(TemporaryError):
        await one.chat.post_file(thread, "build.log", b"a line\n", key="log:1")
    message = await one.chat.post_file(thread, "build.log", b"a line\n", key="log:1")
    assert message == await one.chat.post_file(thread, "build.log", b"a line\n", key="log:1")
    assert [shown.ts for shown in outside.shown(thread)] == [message]
    assert [file.content for file in outside.slack.files()] == [b"a line\n"]


async def test_what_does_not_fit_a_card_is_attached_once_when_the_work_is_over(outside: Outside) -> None:
    one, other = outside.process(), outside.process()
    thread = await outside.thread(one)
    log = Log(title="The log", lines=[f"{number} {'x' * 150}" for number in range(300)])
    working = Card(kind="build", title="Todo", tone=Tone.WORKING, status="Building", children=[log])
    failed = working.model_copy(update={"tone": Tone.BAD, "status": "Failed"})
    message = await one.chat.post(thread, working, key="build:1")
    assert not outside.slack.files()
    for process in (one, one, other):
        await process.chat.edit(thread, message, failed)
    (file,) = outside.slack.files()
    assert file.content.decode().count("x" * 150) == 300
    assert file.shares[0][0] == thread.channel


async def test_blocks_that_slack_does_not_accept_cost_the_blocks_and_not_the_message(outside: Outside) -> None:
    one = outside.process()
    thread = await outside.thread(one)
    outside.slack.fault("chat.postMessage", error="invalid_blocks")
    message = await one.chat.post(thread, review(), key="build:1")
    assert "Todo app: Ready for review" in outside.texts(thread)[0]
    assert not outside.message(thread, message).blocks


# -- closed doors -----------------------------------------------------------------------------------------------------------


async def test_in_a_channel_that_is_closed_to_the_bot_the_thread_is_opened_in_a_direct_message_that_says_why(
    outside: Outside,
) -> None:
    outside.slack.workspace.scopes -= {"chat:write.public", "channels:join"}
    closed = outside.slack.workspace.add_channel("strangers", members=[outside.ada], bot=False)
    one, other = outside.process(), outside.process()
    for process in (one, one, other):
        thread = await process.chat.open_thread(
            outside.slack.workspace.id, closed.id, "a todo app", key="app_1", user=outside.ada.id
        )
    assert thread.channel == outside.slack.workspace.dm(outside.ada.id).id
    (said,) = outside.direct()
    assert "/invite" in said
    assert closed.id in said
    await one.chat.post(thread, review(), key="build:1")
    assert len(outside.shown(thread)) == 1


async def test_a_public_channel_is_joined_so_that_replies_are_heard_there(outside: Outside) -> None:
    for scopes, name in ((set(), "everybody"), ({"chat:write.public"}, "nobody")):
        outside.slack.workspace.scopes -= scopes
        channel = outside.slack.workspace.add_channel(name, members=[outside.ada], bot=False)
        thread = await outside.process().chat.open_thread(
            outside.slack.workspace.id, channel.id, "a todo app", key=f"app {name}", user=outside.ada.id
        )
        assert thread.channel == channel.id
        assert outside.slack.workspace.bot.id in channel.members


async def test_an_app_that_may_not_join_posts_where_it_may_and_does_not_try_again(outside: Outside) -> None:
    outside.slack.workspace.scopes -= {"channels:join"}
    channel = outside.slack.workspace.add_channel("everybody", members=[outside.ada], bot=False)
    one = outside.process()
    for number in (1, 2):
        thread = await one.chat.open_thread(
            outside.slack.workspace.id, channel.id, "a todo app", key=f"app_{number}", user=outside.ada.id
        )
        assert thread.channel == channel.id
        await one.chat.post(thread, review(), key="build:1")
        assert len(outside.shown(thread)) == 1
    assert len(outside.slack.called("conversations.join")) == 1


async def test_a_bot_that_was_removed_from_a_channel_comes_back_to_finish(outside: Outside) -> None:
    outside.slack.workspace.scopes -= {"chat:write.public"}
    one = outside.process()
    thread = await outside.thread(one)
    message = await one.chat.post(thread, fake_cards.working(1), key="build:1")
    outside.slack.workspace.channels[outside.channel].members.discard(outside.slack.workspace.bot.id)
    await one.chat.edit(thread, message, review())
    assert "Ready for review" in outside.texts(thread)[0]
    outside.slack.workspace.channels[outside.channel].members.discard(outside.slack.workspace.bot.id)
    outside.slack.workspace.scopes -= {"channels:join"}
    with pytest.raises(ChannelClosed):
        await one.chat.edit(thread, message, fake_cards.live())
    (told,) = outside.direct()
    assert "not a member" in told


async def test_a_private_channel_without_the_bot_and_an_archived_one_are_closed_too(outside: Outside) -> None:
    private = outside.slack.workspace.add_channel("secret", private=True, members=[outside.ada], bot=False)
    archived = outside.slack.workspace.add_channel("old", members=[outside.ada])
    archived.archived = True
    one = outside.process()
    for channel in (private, archived):
        thread = await one.chat.open_thread(
            outside.slack.workspace.id, channel.id, "a todo app", key=f"app {channel.name}", user=outside.ada.id
        )
        assert thread.channel.startswith("D")
    with pytest.raises(ChannelClosed):
        await one.chat.open_thread(outside.slack.workspace.id, private.id, "nobody's", key="app_9")


async def test_a_channel_that_is_archived_in_the_middle_is_told_once_to_whom_it_matters(outside: Outside) -> None:
    one, other = outside.process(), outside.process()
    thread = await outside.thread(one)
    message = await one.chat.post(thread, fake_cards.working(1), key="build:1")
    outside.slack.workspace.channels[outside.channel].archived = True
    for process in (one, one, other):
        with pytest.raises(ChannelClosed):
            await process.chat.edit(thread, message, review())
        with pytest.raises(ChannelClosed):
            await process.chat.post(thread, review(number=2), key="build:2")
    (told,) = outside.direct()
    assert "archived" in told
    assert "Todo app" in told
    assert "/nexus show" in told


async def test_a_thread_that_was_deleted_is_told_too(outside: Outside) -> None:
    one = outside.process()
    thread = await outside.thread(one)
    for message in outside.slack.messages("#general"):
        outside.slack.delete_message(message)
    with pytest.raises(ThreadGone):
        await one.chat.post(thread, review(), key="build:1")
    (told,) = outside.direct()
    assert "deleted" in told


async def test_while_slack_is_away_nobody_is_taken_for_told(outside: Outside) -> None:
    one = outside.process()
    thread = await outside.thread(one)
    outside.slack.workspace.channels[outside.channel].archived = True
    outside.slack.fault("conversations.open", error="internal_error")
    with pytest.raises(TemporaryError):
        await one.chat.post(thread, review(), key="build:1")
    with pytest.raises(ChannelClosed):
        await one.chat.post(thread, review(), key="build:1")
    assert len(outside.direct()) == 1


async def test_a_message_that_somebody_deleted_stays_deleted_while_it_tells_of_progress(outside: Outside) -> None:
    one = outside.process()
    thread = await outside.thread(one)
    message = await one.chat.post(thread, fake_cards.working(1), key="build:1")
    outside.slack.delete_message(outside.shown(thread)[0])
    await one.chat.edit(thread, message, fake_cards.working(2))
    await one.chat.edit(thread, message, fake_cards.working(3))
    assert outside.texts(thread) == []
    assert len(outside.slack.called("chat.update")) == 1


async def test_a_card_that_must_be_known_is_posted_anew_once_and_edited_there_from_then_on(outside: Outside) -> None:
    one, other = outside.process(), outside.process()
    thread = await outside.thread(one)
    message = await one.chat.post(thread, fake_cards.working(1), key="build:1")
    outside.slack.delete_message(outside.shown(thread)[0])
    for process in (one, one, other):
        await process.chat.edit(thread, message, review())
    assert ["Ready for review" in text for text in outside.texts(thread)] == [True]
    for process in (other, one):
        await process.chat.edit(thread, message, fake_cards.live())
        assert ["Live" in text for text in outside.texts(thread)] == [True]


async def test_a_revoked_token_is_told_once_to_who_keeps_the_installations(outside: Outside) -> None:
    one = outside.process()
    thread = await outside.thread(one)
    outside.slack.revoke_tokens(outside.slack.workspace)
    for _ in range(2):
        with pytest.raises(TokenLost):
            await one.chat.post(thread, review(), key="build:1")
    ((workspace, why),) = outside.troubles
    assert workspace == outside.slack.workspace.id
    assert "install" in why


async def test_a_missing_scope_names_the_scope(outside: Outside) -> None:
    outside.slack.workspace.scopes -= {"chat:write"}
    with pytest.raises(ScopeMissing, match="chat:write"):
        await outside.thread(outside.process())


# -- and the rest ------------------------------------------------------------------------------------------------------------


async def test_a_link_leads_to_the_thread_and_is_asked_for_once(outside: Outside) -> None:
    one = outside.process()
    thread = await outside.thread(one)
    outside.slack.fault("chat.getPermalink", error="internal_error")
    assert await one.chat.link(thread) == f"https://slack.com/archives/{thread.channel}/p{thread.thread.replace('.', '')}"
    links = {await one.chat.link(thread) for _ in range(3)}
    assert links == {f"https://acme.slack.com/archives/{thread.channel}/p{thread.thread.replace('.', '')}"}
    assert len(outside.slack.called("chat.getPermalink")) == 2


async def test_two_who_write_to_one_thread_at_a_time_post_a_key_once(outside: Outside) -> None:
    one = outside.process()
    thread = await outside.thread(one)
    card = Card(kind="notice", title="Stopped", children=[Text(text="Ada stopped it.")])
    messages = await asyncio.gather(*(one.chat.post(thread, card, key="notice:1") for _ in range(5)))
    assert len(set(messages)) == 1
    assert len(outside.shown(thread)) == 1


async def test_a_burst_of_threads_and_cards_stays_within_the_limits_of_slack(outside: Outside) -> None:
    outside.slack.limits = Limits.real()
    outside.slack.limits.burst = 6  # another process has used most of the minute
    one = outside.process()

    async def until_taken(write: Callable[[], Awaitable[T]]) -> T:
        """As the outbox does: whoever was refused three times, because others were quicker, is tried again."""
        while True:
            with contextlib.suppress(SlackBusy):
                return await write()

    async def build(number: int) -> None:
        thread = await until_taken(lambda: outside.thread(one, key=f"app_{number}"))
        message = await until_taken(lambda: one.chat.post(thread, fake_cards.working(1), key="build:1"))
        for card in (fake_cards.working(2), fake_cards.working(3), review()):
            await until_taken(lambda card=card: one.chat.edit(thread, message, card))  # type: ignore[misc]

    await asyncio.gather(*(build(number) for number in range(10)))
    roots = outside.slack.messages("#general")
    assert len(roots) == 10
    assert all(
        "Ready for review" in text for root in roots for text in map(str, [outside.slack.messages("#general", root.ts)[1].blocks])
    )
