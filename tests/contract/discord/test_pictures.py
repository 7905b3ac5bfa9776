"""Pictures of cards, as files of their messages."""

from __future__ import annotations

import asyncio

from core.words.cards import Card, Tone
from tests.contract.discord.conftest import Outside
from tests.support.chat_cards import PNG, Shelf, pictured
from tests.support.discord.content import media
from tests.support.discord.state import Message

OTHER = b"\x89PNG\r\n\x1a\n" + b"\1" * 100


def shown(message: Message) -> list[bytes]:
    """The pictures that a message shows."""
    return [message.file(str(one["url"]).removeprefix("attachment://")) for one in media(message.components)]


def sent(outside: Outside) -> int:
    """How many files were sent to Discord."""
    return sum(len(call.files) for call in outside.discord.calls)


async def test_a_picture_is_sent_with_its_card_and_edits_keep_it(outside: Outside) -> None:
    shelf = Shelf(one=PNG)
    one = await outside.process(load=shelf.load)
    thread = await outside.thread(one)
    message = await one.chat.post(thread, pictured("/one"), key="build:1")
    assert shown(outside.message(thread, message)) == [PNG]
    await one.chat.edit(thread, message, pictured("/one", title="Todo app, again"))
    assert shown(outside.message(thread, message)) == [PNG]
    assert (sent(outside), shelf.loaded) == (1, ["/one"])
    assert outside.message(thread, message).attachments[0].description == "the page /one"


async def test_another_process_keeps_the_pictures_that_a_message_has(outside: Outside) -> None:
    shelf = Shelf(one=PNG, two=OTHER)
    one, other = await outside.process(load=shelf.load), await outside.process(load=shelf.load)
    thread = await outside.thread(one)
    message = await one.chat.post(thread, pictured("/one"), key="build:1")
    await other.chat.edit(thread, message, pictured("/one", "/two"))
    assert shown(outside.message(thread, message)) == [PNG, OTHER]
    assert sent(outside) == 2


async def test_pictures_that_a_card_shows_no_more_are_taken_off_its_message(outside: Outside) -> None:
    one = await outside.process(load=Shelf(one=PNG).load)
    thread = await outside.thread(one)
    message = await one.chat.post(thread, pictured("/one"), key="build:1")
    await one.chat.edit(thread, message, Card(kind="build", title="Todo app", tone=Tone.QUIET, status="Superseded"))
    assert outside.message(thread, message).attachments == []


async def test_the_same_picture_at_two_paths_is_one_file(outside: Outside) -> None:
    one = await outside.process(load=Shelf(one=PNG, two=PNG).load)
    thread = await outside.thread(one)
    message = await one.chat.post(thread, pictured("/one", "/two"), key="build:1")
    assert shown(outside.message(thread, message)) == [PNG, PNG]
    assert sent(outside) == 1


async def test_a_picture_that_cannot_be_had_costs_the_picture_and_not_the_card(outside: Outside) -> None:
    one = await outside.process(load=Shelf(one=PNG).load)
    thread = await outside.thread(one)
    message = await one.chat.post(thread, pictured("/none", "/one"), key="build:1")
    assert "Approve & deploy" in outside.texts(thread)[0]
    assert shown(outside.message(thread, message)) == [PNG]


async def test_where_no_files_may_be_attached_the_card_is_shown_without(outside: Outside) -> None:
    outside.discord.guild.deny("#general", outside.discord.bot, "attach_files")
    one = await outside.process(load=Shelf(one=PNG).load)
    thread = await outside.thread(one)
    message = await one.chat.post(thread, pictured("/one"), key="build:1")
    await one.chat.edit(thread, message, pictured("/one", title="Todo app, again"))
    assert "Todo app, again" in outside.texts(thread)[0]
    assert shown(outside.message(thread, message)) == []


async def test_pictures_that_are_too_large_together_cost_the_last_ones(outside: Outside) -> None:
    large = {f"p{number}": PNG + bytes([number]) * (3 * 2**20) for number in range(3)}
    one = await outside.process(load=Shelf(**large).load)
    thread = await outside.thread(one)
    message = await one.chat.post(thread, pictured(*(f"/{name}" for name in large)), key="build:1")
    assert len(shown(outside.message(thread, message))) == 2


async def test_a_picture_that_takes_long_does_not_hold_the_card_up(outside: Outside) -> None:
    there = asyncio.Event()
    shelf = Shelf(one=PNG)

    async def load(path: str) -> tuple[bytes, str]:
        await there.wait()
        return await shelf.load(path)

    one = await outside.process(load=load, wait=0)
    thread = await outside.thread(one)
    message = await one.chat.post(thread, pictured("/one"), key="build:1")
    assert "Approve & deploy" in outside.texts(thread)[0]
    assert shown(outside.message(thread, message)) == []


async def test_no_picture_is_sent_that_the_message_does_not_show(outside: Outside) -> None:
    paths = [f"page{number}" for number in range(12)]
    shelf = Shelf(**{path: PNG + bytes([number]) for number, path in enumerate(paths)})
    one = await outside.process(load=shelf.load)
    thread = await outside.thread(one)
    message = await one.chat.post(thread, pictured(*(f"/{path}" for path in paths)), key="build:1")
    there = outside.message(thread, message)
    assert len(shown(there)) == len(there.attachments) == sent(outside) == 10
