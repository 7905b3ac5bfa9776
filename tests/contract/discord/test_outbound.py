"""What goes out to Discord: threads, cards, words and files, each once, whatever gets lost on the way."""

from __future__ import annotations

import asyncio

import pytest

from adapters.discord.faults import Blocked, DiscordBusy, FileTooLarge
from core.conversation.chat import Capability
from core.errors import TemporaryError
from core.words.cards import Card, Log, Text, Tone
from tests.contract.discord.conftest import Outside
from tests.support import fake_cards
from tests.support.chat_cards import review
from tests.support.discord.limits import Limits
from tests.support.discord.rendering import render_text
from tests.support.passing_clock import PassingClock

POST = "POST /channels/{channel}/messages"
PATCH = "PATCH /channels/{channel}/messages/{message}"
HISTORY = "GET /channels/{channel}/messages"


async def test_a_thread_hangs_on_a_message_that_mentions_who_asked_and_nobody_else(outside: Outside) -> None:
    ben = outside.discord.guild.add_user("Ben")
    one = await outside.process()
    thread = await outside.thread(one, title=f"@everyone an app for @here & <@{ben.id}> *now*")
    (root,) = outside.discord.messages("#general")
    (opened,) = outside.discord.threads()
    assert (thread.channel, thread.thread, thread.user) == (outside.channel, root.id, outside.ada.id)
    assert (opened.id, opened.auto_archive) == (root.id, 10_080)
    assert opened.name.startswith("@")
    assert (root.mentions, root.everyone) == ([outside.ada.id], False)
    assert f"<@{ben.id}>" not in render_text(root)


async def test_the_same_key_gives_the_same_thread_in_every_process(outside: Outside) -> None:
    one, other = await outside.process(), await outside.process()
    threads = [await outside.thread(process) for process in (one, one, other)]
    assert len({thread.thread for thread in threads}) == 1
    assert (await outside.thread(other, key="app_2")).thread != threads[0].thread
    assert len(outside.discord.threads()) == len(outside.discord.messages("#general")) == 2


async def test_many_threads_at_once_share_one_look_into_the_channel(outside: Outside) -> None:
    one = await outside.process()
    threads = await asyncio.gather(*(outside.thread(one, key=f"app_{number}") for number in range(20)))
    assert len({thread.thread for thread in threads}) == 20
    assert len(outside.discord.called(HISTORY)) <= 2


async def test_a_thread_whose_answer_was_lost_is_found_and_not_opened_again(outside: Outside) -> None:
    one = await outside.process()
    for what in ("POST /channels/*/messages", "POST /channels/*/threads"):
        outside.discord.fault(what, lose=True)
        with pytest.raises(DiscordBusy) as busy:
            await outside.thread(one)
        assert busy.value.doubtful
    thread = await outside.thread(one)
    assert [message.id for message in outside.discord.messages("#general")] == [thread.thread]
    assert [opened.id for opened in outside.discord.threads()] == [thread.thread]


async def test_a_process_that_died_before_it_opened_the_thread_leaves_a_message_on_which_the_next_one_opens_it(
    outside: Outside,
) -> None:
    dead, next_one = await outside.process(), await outside.process()
    outside.discord.fault("POST /channels/*/threads", cut=True)
    with pytest.raises(TemporaryError):
        await outside.thread(dead)
    thread = await outside.thread(next_one)
    assert [opened.id for opened in outside.discord.threads()] == [thread.thread]
    assert len(outside.discord.messages("#general")) == 1


@pytest.mark.parametrize("what", [{"lose": True}, {"status": 503, "after": True}, {"status": 503}, {"cut": True}])
async def test_a_card_that_may_have_been_posted_is_looked_for_before_it_is_posted_again(
    outside: Outside, what: dict[str, object]
) -> None:
    one = await outside.process()
    thread = await outside.thread(one)
    outside.discord.fault("POST /channels/*/messages", **what)
    with pytest.raises(TemporaryError):
        await one.chat.post(thread, fake_cards.working(1), key="build:1")
    message = await one.chat.post(thread, review(), key="build:1")
    assert [shown.id for shown in outside.shown(thread)] == [message]
    assert "Ready for review" in outside.texts(thread)[0]


async def test_what_discord_py_repeats_after_a_502_is_posted_once(outside: Outside, waits: PassingClock) -> None:
    one = await outside.process()
    thread = await outside.thread(one)
    outside.discord.fault("POST /channels/*/messages", status=502, after=True, times=3)
    await one.chat.post(thread, review(), key="build:1")
    assert waits.slept == [1, 3, 5]
    assert len(outside.shown(thread)) == 1


async def test_where_nothing_can_be_read_discord_itself_makes_a_message_once_and_it_is_brought_up_to_date(
    outside: Outside,
) -> None:
    outside.discord.guild.deny("#general", outside.discord.bot, "read_message_history")
    one, other = await outside.process(), await outside.process()
    place = outside.place()
    outside.discord.fault("POST /channels/*/messages", lose=True)
    with pytest.raises(TemporaryError):
        await one.chat.post(place, fake_cards.working(1), key="build:1")
    for process in (one, other):
        await process.chat.post(place, review(), key="build:1")
    (shown,) = outside.discord.messages("#general")
    assert "Ready for review" in render_text(shown)


async def test_a_process_that_died_before_it_wrote_down_the_id_leaves_a_message_that_the_next_one_finds(outside: Outside) -> None:
    dead, next_one = await outside.process(), await outside.process()
    thread = await outside.thread(dead)
    posted = await dead.chat.post(thread, fake_cards.working(1), key="build:1")
    outside.discord.advance(3600)  # Discord has forgotten the nonce
    assert await next_one.chat.post(thread, review(), key="build:1") == posted
    assert ["Ready for review" in text for text in outside.texts(thread)] == [True]


async def test_a_message_is_found_after_it_was_edited_by_a_process_that_did_not_post_it(outside: Outside) -> None:
    one, other, third = await outside.process(), await outside.process(), await outside.process()
    thread = await outside.thread(one)
    posted = await one.chat.post(thread, fake_cards.working(1), key="build:1")
    await other.chat.edit(thread, posted, fake_cards.working(2))
    outside.discord.advance(3600)
    assert await third.chat.post(thread, review(), key="build:1") == posted
    assert len(outside.shown(thread)) == 1


async def test_a_message_far_up_in_a_long_thread_is_found_and_the_next_look_reads_what_is_new(outside: Outside) -> None:
    one, other = await outside.process(), await outside.process()
    thread = await outside.thread(one)
    first = await one.chat.post(thread, review(), key="build:1")
    for number in range(60):
        await outside.ada.say(thread.thread, f"remark {number}")
    outside.discord.advance(3600)
    assert await other.chat.post(thread, review(), key="build:1") == first
    looked = len(outside.discord.called(HISTORY))
    await one.chat.post(thread, review(number=2), key="build:2")
    await other.chat.post(thread, review(number=2), key="build:2")
    assert len(outside.discord.called(HISTORY)) == looked + 1


async def test_somebody_elses_message_with_the_same_mark_is_not_taken_for_ours(outside: Outside) -> None:
    one, other = await outside.process(), await outside.process()
    thread = await outside.thread(one)
    await one.chat.post(thread, fake_cards.working(1), key="build:1")
    outside.shown(thread)[0].author = outside.ada.id
    outside.discord.advance(3600)
    await other.chat.post(thread, fake_cards.working(1), key="build:1")
    assert len(outside.shown(thread)) == 2


async def test_a_post_that_was_cancelled_in_the_middle_is_looked_for(outside: Outside) -> None:
    one = await outside.process()
    thread = await outside.thread(one)
    outside.discord.fault("POST /channels/*/messages", delay=30.0)
    task = asyncio.create_task(one.chat.post(thread, review(), key="build:1"))
    await outside.discord.wait_for(lambda: outside.shown(thread))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    outside.discord.advance(3600)
    await one.chat.post(thread, review(), key="build:1")
    assert len(outside.shown(thread)) == 1


async def test_a_thread_that_this_process_opened_needs_no_looking_up(outside: Outside) -> None:
    one = await outside.process()
    thread = await outside.thread(one)
    looked = len(outside.discord.called(HISTORY))
    for number in range(3):
        await one.chat.post(thread, review(number=number), key=f"build:{number}")
    assert len(outside.discord.called(HISTORY)) == looked
    one.clock.time += 3600
    await one.chat.post(thread, review(number=9), key="build:9")
    assert len(outside.discord.called(HISTORY)) == looked + 1


async def test_an_edit_shows_the_new_card_and_the_same_card_is_free(outside: Outside) -> None:
    one = await outside.process()
    thread = await outside.thread(one)
    message = await one.chat.post(thread, fake_cards.working(1), key="build:1")
    await one.chat.edit(thread, message, review())
    await one.chat.edit(thread, message, review())
    assert len(outside.discord.called(PATCH)) == 1
    assert "Approve & deploy" in outside.texts(thread)[0]


async def test_an_edit_whose_answer_was_lost_is_made_again(outside: Outside) -> None:
    one = await outside.process()
    thread = await outside.thread(one)
    message = await one.chat.post(thread, fake_cards.working(1), key="build:1")
    outside.discord.fault("PATCH *", status=503)
    with pytest.raises(TemporaryError):
        await one.chat.edit(thread, message, review())
    await one.chat.edit(thread, message, review())
    assert "Ready for review" in outside.texts(thread)[0]


async def test_a_429_is_waited_for_and_nothing_is_posted_twice(outside: Outside, waits: PassingClock) -> None:
    one = await outside.process()
    thread = await outside.thread(one)
    for everywhere in (True, False):
        outside.discord.fault("POST /channels/*/messages", retry_after=7.0 + everywhere, is_global=everywhere)
        await one.chat.post(thread, review(), key=f"build:{everywhere}")
    assert {7.0, 8.0} <= set(waits.slept)
    assert len(outside.shown(thread)) == 2


async def test_a_wait_that_is_too_long_is_the_callers_and_says_how_long(outside: Outside) -> None:
    one = await outside.process()
    thread = await outside.thread(one)
    for what in ({"retry_after": 600.0}, {"retry_after": 60.0, "banned": True}):
        outside.discord.fault("POST /channels/*/messages", **what)
        with pytest.raises(DiscordBusy) as busy:
            await one.chat.post(thread, review(), key="build:1")
        assert busy.value.retry_after is not None
        assert busy.value.retry_after >= 60
        assert not busy.value.doubtful


async def test_an_outage_of_minutes_is_temporary_and_leaves_everything_to_be_done_once(outside: Outside) -> None:
    one = await outside.process()
    thread = await outside.thread(one)
    message = await one.chat.post(thread, fake_cards.working(1), key="build:1")
    for refuse in (True, False):
        await outside.discord.down(refuse=refuse)
        progress = fake_cards.working(2 if refuse else 3)
        for _ in range(2):
            with pytest.raises(TemporaryError):
                await one.chat.edit(thread, message, progress)
            with pytest.raises(TemporaryError):
                await one.chat.post(thread, review(), key=f"build:{refuse}")
            with pytest.raises(TemporaryError):
                await outside.thread(one, key=f"app {refuse}")
        await outside.discord.up()
        await one.chat.edit(thread, message, progress)
        await one.chat.post(thread, review(), key=f"build:{refuse}")
    assert len(outside.shown(thread)) == 3


async def test_a_burst_of_threads_and_cards_stays_within_the_limits_of_discord(outside: Outside) -> None:
    outside.discord.limits = Limits.real()
    one = await outside.process()

    async def build(number: int) -> None:
        thread = await outside.thread(one, key=f"app_{number}")
        message = await one.chat.post(thread, fake_cards.working(1), key="build:1")
        for stage in (2, 3):
            await one.chat.edit(thread, message, fake_cards.working(stage))
        await one.chat.edit(thread, message, review())

    await asyncio.gather(*(build(number) for number in range(10)))
    assert len(outside.discord.threads()) == 10
    assert all("Ready for review" in render_text(outside.discord.messages(one.id)[-1]) for one in outside.discord.threads())
    assert len([call for call in outside.discord.calls if call.status == 429]) <= 10


async def test_words_of_a_person_are_said_once_and_mention_nobody(outside: Outside) -> None:
    one, other = await outside.process(), await outside.process()
    thread = await outside.thread(one)
    for process in (one, one, other):
        await process.chat.say(thread, f"make it @everyone <@{outside.ada.id}> *blue*", author="Ada", key="said:1")
    (message,) = outside.shown(thread)
    shown = render_text(message)
    assert shown.startswith("**Ada**")
    assert "\\*blue\\*" in shown
    assert (message.mentions, message.everyone) == ([], False)


async def test_words_that_are_longer_than_a_message_are_attached_as_they_were(outside: Outside) -> None:
    one = await outside.process()
    thread = await outside.thread(one)
    text = "make it blue and long " * 400
    await one.chat.say(thread, text, author="Ada", key="said:1")
    (message,) = outside.shown(thread)
    assert message.file("words.txt").decode() == text
    assert "make it blue" in render_text(message)


async def test_a_file_is_attached_once_even_when_the_answer_was_lost(outside: Outside) -> None:
    one, other = await outside.process(), await outside.process()
    thread = await outside.thread(one)
    outside.discord.fault("POST /channels/*/messages", lose=True)
    with pytest.raises(TemporaryError):
        await one.chat.post_file(thread, "logs/the build.log", b"a line\n", key="log:1")
    messages = {
        await process.chat.post_file(thread, "logs/the build.log", b"a line\n", key="log:1") for process in (one, one, other)
    }
    (shown,) = outside.shown(thread)
    assert messages == {shown.id}
    assert shown.file("the_build.log") == b"a line\n"


async def test_a_file_that_is_too_large_is_refused_with_that_reason(outside: Outside) -> None:
    one = await outside.process()
    thread = await outside.thread(one)
    with pytest.raises(FileTooLarge, match="larger"):
        await one.chat.post_file(thread, "app.zip", b"\0" * (26 * 2**20), key="zip:1")
    assert outside.shown(thread) == []
    outside.discord.violations.clear()  # that it was too large is what is tested


async def test_what_does_not_fit_a_card_is_attached_once_when_the_work_is_over(outside: Outside) -> None:
    one, other = await outside.process(), await outside.process()
    thread = await outside.thread(one)
    log = Log(title="The log", lines=[f"{number} {'x' * 150}" for number in range(300)])
    working = Card(kind="build", title="Todo", tone=Tone.WORKING, status="Building", children=[log])
    failed = working.model_copy(update={"tone": Tone.BAD, "status": "Failed"})
    message = await one.chat.post(thread, working, key="build:1")
    assert len(outside.shown(thread)) == 1
    for process in (one, one, other):
        await process.chat.edit(thread, message, failed)
    _, attached = outside.shown(thread)
    (file,) = attached.attachments
    assert file.content.decode().count("x" * 150) == 300


async def test_a_card_that_discord_does_not_accept_costs_its_looks_and_not_the_message(outside: Outside) -> None:
    one, other = await outside.process(), await outside.process()
    thread = await outside.thread(one)
    for number, code in enumerate((50035, 200000)):
        outside.discord.fault("POST /channels/*/messages", code=code)
        message = await one.chat.post(thread, review(), key=f"build:{number}")
        assert render_text(outside.message(thread, message)) == "**Todo app**: Ready for review"
        assert await other.chat.post(thread, review(), key=f"build:{number}") == message
    outside.discord.fault("POST /channels/*/messages", code=200000, times=2)
    with pytest.raises(Blocked, match="AutoMod"):
        await one.chat.post(thread, review(), key="build:9")


async def test_a_message_that_somebody_deleted_stays_deleted_while_it_tells_of_progress(outside: Outside) -> None:
    one = await outside.process()
    thread = await outside.thread(one)
    message = await one.chat.post(thread, fake_cards.working(1), key="build:1")
    outside.discord.delete_message(outside.shown(thread)[0])
    await one.chat.edit(thread, message, fake_cards.working(2))
    await one.chat.edit(thread, message, fake_cards.working(3))
    assert outside.texts(thread) == []
    assert len(outside.discord.called(PATCH)) == 1


async def test_a_card_that_must_be_known_is_posted_anew_once_and_edited_there_from_then_on(outside: Outside) -> None:
    one, other = await outside.process(), await outside.process()
    thread = await outside.thread(one)
    message = await one.chat.post(thread, fake_cards.working(1), key="build:1")
    outside.discord.delete_message(outside.shown(thread)[0])
    for process in (one, one, other):
        await process.chat.edit(thread, message, review())
    assert ["Ready for review" in text for text in outside.texts(thread)] == [True]
    for process in (other, one):
        await process.chat.edit(thread, message, fake_cards.live())
        assert ["Live" in text for text in outside.texts(thread)] == [True]
    edits = len(outside.discord.called(PATCH))
    await one.chat.edit(thread, message, fake_cards.live())
    assert len(outside.discord.called(PATCH)) == edits


async def test_two_who_write_to_one_thread_at_a_time_post_a_key_once(outside: Outside) -> None:
    one = await outside.process()
    thread = await outside.thread(one)
    card = Card(kind="notice", title="Stopped", children=[Text(text="Ada stopped it.")])
    messages = await asyncio.gather(*(one.chat.post(thread, card, key="notice:1") for _ in range(5)))
    assert len(set(messages)) == 1
    assert len(outside.shown(thread)) == 1
    assert len(outside.discord.called(POST)) == 2  # with the thread's first message: it is not for Discord to find the doubles


async def test_a_link_leads_to_the_thread_the_channel_or_the_conversation(outside: Outside) -> None:
    one = await outside.process()
    guild = outside.discord.guild.id
    thread = await outside.thread(one)
    direct = await outside.thread(one, key="app_2", channel=outside.discord.channel_id(outside.ada.dm))
    assert await one.chat.link(thread) == f"https://discord.com/channels/{guild}/{thread.thread}"
    assert await one.chat.link(outside.place()) == f"https://discord.com/channels/{guild}/{outside.channel}"
    assert await one.chat.link(direct) == f"https://discord.com/channels/@me/{direct.channel}/{direct.thread}"


async def test_replies_are_read_only_where_discord_lets_the_bot_read_them(outside: Outside) -> None:
    chat = (await outside.process()).chat
    assert Capability.THREAD_REPLIES in chat.capabilities
    chat.reads_replies(False)
    assert chat.capabilities == {Capability.OWN_WORDS}
