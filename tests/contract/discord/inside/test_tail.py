"""A log that is followed is one message, edited for some minutes, in the app's thread or in the direct messages."""

from __future__ import annotations

import pytest

from adapters.discord.faults import DiscordRefusal
from adapters.discord.tail import TailMessages
from core.conversation.tailing import OVER, Tail
from core.ids import ThreadId
from core.words.cards import Button
from core.words.thread_ref import ThreadRef
from tests.contract.discord.inside.house import House, Process
from tests.support.discord import labels, render_text

FOLLOW = Button(action="follow", value="todo", label="Follow")
TAIL = Tail(slug="todo", lines=("GET / 200", "@everyone <@1> ```"), ends_at=1_800_000_000)


def place(house: House, **more: str) -> ThreadRef:
    return ThreadRef(**({"platform": "discord", "workspace": house.guild, "channel": house.general, "thread": ""} | more))


async def test_a_press_in_the_apps_thread_follows_there(house: House, process: Process) -> None:
    thread = await house.app_thread()
    await house.ada.click(await house.card(process, thread, FOLLOW), "Follow")
    await house.settled()
    message = house.discord.messages(thread)[-1]
    assert "Log of todo" in render_text(message)
    assert "line 9" in render_text(message)
    assert labels(message) == ["Stop"]
    assert not house.told(house.ada)


@pytest.mark.parametrize("known", [False, True])
async def test_elsewhere_it_is_followed_in_the_direct_messages_and_its_person_is_told(
    house: House, process: Process, known: bool
) -> None:
    if known:
        place = await house.app_thread(ThreadId("t_empty"))  # another's
        done = await house.ada.click(await house.card(process, place, FOLLOW), "Follow")
    else:
        done = await house.ada.click(await house.card(process, "#general", FOLLOW), "Follow")
    assert "followed in your direct messages" in render_text(await done.answer())
    (message,) = house.direct(house.ada)
    assert "Log of todo" in render_text(message)


async def test_in_direct_messages_it_is_a_reply_in_the_conversation_and_can_be_stopped_there(
    house: House, process: Process
) -> None:
    root = await house.heard(await house.ada.direct("a todo app"))
    card = await house.card(process, house.ada.dm, FOLLOW, reply_to=root.id)
    done = await house.ada.click(card, "Follow")
    await house.settled()
    message = house.direct(house.ada)[-1]
    assert message.reference == root.id
    assert not done.messages
    stopped = await house.ada.click(message, "Stop")
    assert stopped.acknowledged, stopped.error
    await house.discord.wait_for(lambda: not process.tails.following)
    assert "Somebody stopped it." in render_text(message)


async def test_stop_is_a_button_that_anybody_in_the_thread_can_press_also_when_nobody_follows_any_more(
    house: House, process: Process
) -> None:
    thread = await house.app_thread()
    other = await house.process(listens=False)
    message = await TailMessages(other.calls).post(place(house, thread=thread.id), TAIL)
    grace = house.discord.guild.add_user("Grace")
    shown = next(one for one in house.discord.messages(thread) if one.id == message)
    await grace.click(shown, "Stop")
    await house.settled()
    assert OVER in render_text(shown)
    assert not labels(shown)


async def test_the_same_log_is_followed_once_in_a_place(house: House, process: Process) -> None:
    card = await house.card(process, await house.app_thread(), FOLLOW)
    await house.ada.click(card, "Follow")
    done = await house.ada.click(card, "Follow")  # before it is shown, perhaps
    assert "is followed already" in render_text(await done.answer())
    assert sum("Log of todo" in render_text(one) for one in house.public()) == 1


async def test_what_an_app_prints_is_words_and_calls_nobody(house: House, process: Process) -> None:
    message = await TailMessages(process.calls).post(place(house), TAIL)
    (shown,) = house.public()
    assert shown.id == message
    assert (shown.mentions, shown.everyone) == ([], False)
    assert "Followed until" in render_text(shown)


async def test_an_edit_shows_why_it_is_over_and_takes_the_button_away(house: House, process: Process) -> None:
    messages = TailMessages(process.calls)
    message = await messages.post(place(house), TAIL)
    await messages.edit(place(house), message, Tail(slug="todo", lines=("bye",), ends_at=1, ended="The time is up."))
    (shown,) = house.public()
    assert "The time is up." in render_text(shown)
    assert not labels(shown)


async def test_a_message_that_was_deleted_is_known_to_be_gone(house: House, process: Process) -> None:
    messages = TailMessages(process.calls)
    message = await messages.post(place(house), TAIL)
    house.discord.delete_message(house.public()[0])
    with pytest.raises(DiscordRefusal, match="deleted"):
        await messages.edit(place(house), message, TAIL)
