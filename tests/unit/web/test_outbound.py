"""The page as a chat platform."""

from __future__ import annotations

import pytest

from adapters.web.outbound import MemoryMessageStore, WebChat
from core.conversation.chat import Capability
from core.errors import NotFound, TooLarge
from core.ids import ThreadId
from tests.support import fake_cards


async def test_the_same_key_opens_one_thread_and_posts_one_message_which_shows_the_newest_card() -> None:
    store = MemoryMessageStore()
    chat = WebChat(store)
    thread = await chat.open_thread("local", "", "Todo", key="app_1")
    assert await chat.open_thread("local", "", "Todo", key="app_1") == thread
    first = await chat.post(thread, fake_cards.working(0), key="build:1")
    assert await chat.post(thread, fake_cards.working(1), key="build:1") == first
    shown = store.in_thread(ThreadId(thread.thread))
    assert [m.card for m in shown] == [fake_cards.working(1)]


async def test_an_edit_is_a_new_version_in_the_same_place_and_the_same_card_is_free() -> None:
    store = MemoryMessageStore()
    chat = WebChat(store)
    thread = await chat.open_thread("local", "", "Todo", key="app_1")
    message = await chat.post(thread, fake_cards.working(0), key="build:1")
    said = await chat.say(thread, "hello", author="Ada", key="said:1")
    await chat.edit(thread, message, fake_cards.review())
    after = store.newest
    await chat.edit(thread, message, fake_cards.review())
    assert store.newest == after
    assert [m.message for m in store.in_thread(ThreadId(thread.thread))] == [message, said]
    assert [m.message for m in store.newer(after - 1)] == [message]


async def test_a_message_that_was_never_posted_is_not_edited() -> None:
    chat = WebChat(MemoryMessageStore())
    thread = await chat.open_thread("local", "", "Todo", key="app_1")
    with pytest.raises(NotFound):
        await chat.edit(thread, "msg_none", fake_cards.review())


async def test_a_small_file_is_shown_and_a_large_one_refused() -> None:
    store = MemoryMessageStore()
    chat = WebChat(store)
    thread = await chat.open_thread("local", "", "Todo", key="app_1")
    await chat.post_file(thread, "build.log", b"ok \xff", key="file:1")
    card = store.in_thread(ThreadId(thread.thread))[0].card
    assert card is not None
    assert card.title == "build.log"
    with pytest.raises(TooLarge):
        await chat.post_file(thread, "big.log", b"x" * 20_001, key="file:2")


def test_it_says_what_it_can_do() -> None:
    assert WebChat.platform == "web"
    assert WebChat.capabilities == {Capability.TABS, Capability.LIVE_LOG, Capability.THREAD_REPLIES}
