"""Pictures of cards, as files of Slack."""

from __future__ import annotations

import asyncio
from typing import Any

from core.words.cards import Card, Tone
from tests.contract.slack.conftest import Outside
from tests.support.chat_cards import PNG, Shelf, pictured


def shown(outside: Outside, message: Any) -> list[str]:
    """The files that a message shows in its image blocks, wherever they are."""
    found: list[str] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("slack_file"), dict):
                found.append(value["slack_file"]["id"])
            for inner in value.values():
                look(inner)
        elif isinstance(value, list):
            for inner in value:
                look(inner)

    look(message.blocks)
    return found


async def test_a_picture_is_uploaded_once_shared_nowhere_and_shown(outside: Outside) -> None:
    shelf = Shelf(one=PNG)
    one = outside.process(load=shelf.load)
    thread = await outside.thread(one)
    message = await one.chat.post(thread, pictured("/one"), key="build:1")
    await one.chat.edit(thread, message, pictured("/one", title="Todo app, again"))
    (file,) = outside.slack.files()
    assert (file.content, file.shares, file.alt_text) == (PNG, [], "the page /one")
    assert shown(outside, outside.message(thread, message)) == [file.id]
    assert shelf.loaded == ["/one"]


async def test_the_same_picture_at_two_paths_is_one_file(outside: Outside) -> None:
    shelf = Shelf(one=PNG, two=PNG)
    one = outside.process(load=shelf.load)
    thread = await outside.thread(one)
    await one.chat.post(thread, pictured("/one"), key="build:1")
    await one.chat.post(thread, pictured("/two"), key="build:2")
    assert len(outside.slack.files()) == 1


async def test_a_picture_that_cannot_be_had_costs_the_picture_and_not_the_card(outside: Outside) -> None:
    shelf = Shelf()
    one = outside.process(load=shelf.load)
    thread = await outside.thread(one)
    message = await one.chat.post(thread, pictured("/none"), key="build:1")
    assert "Approve & deploy" in outside.texts(thread)[0]
    assert shown(outside, outside.message(thread, message)) == []
    outside.slack.workspace.scopes -= {"files:write"}
    shelf.pictures["/late"] = PNG
    await one.chat.post(thread, pictured("/late"), key="build:2")
    assert "Approve & deploy" in outside.texts(thread)[1]


async def test_a_picture_that_slack_does_not_show_yet_is_edited_in_later(outside: Outside) -> None:
    one = outside.process(load=Shelf(one=PNG).load)
    thread = await outside.thread(one)
    outside.slack.fault("chat.postMessage", error="invalid_blocks")
    message = await one.chat.post(thread, pictured("/one"), key="build:1")
    assert "Approve & deploy" in outside.texts(thread)[0]
    await outside.slack.wait_for(lambda: shown(outside, outside.message(thread, message)), why="the picture")


async def test_a_picture_that_takes_long_does_not_hold_the_card_up(outside: Outside) -> None:
    there = asyncio.Event()
    shelf = Shelf(one=PNG)

    async def load(path: str) -> tuple[bytes, str]:
        await there.wait()
        return await shelf.load(path)

    one = outside.process(load=load, wait=0)
    thread = await outside.thread(one)
    message = await one.chat.post(thread, pictured("/one"), key="build:1")
    assert shown(outside, outside.message(thread, message)) == []
    there.set()
    await outside.slack.wait_for(lambda: shown(outside, outside.message(thread, message)), why="the picture")
    assert "Approve & deploy" in outside.texts(thread)[0]


async def test_a_picture_that_comes_after_its_card_has_changed_is_left_to_the_next_card(outside: Outside) -> None:
    there = asyncio.Event()
    shelf = Shelf(one=PNG)

    async def load(path: str) -> tuple[bytes, str]:
        await there.wait()
        return await shelf.load(path)

    one = outside.process(load=load, wait=0)
    thread = await outside.thread(one)
    message = await one.chat.post(thread, pictured("/one"), key="build:1")
    over = Card(kind="build", title="Todo app", tone=Tone.QUIET, status="Superseded")
    await one.chat.edit(thread, message, over)
    there.set()
    await outside.slack.wait_for(outside.slack.files, why="the upload")
    await one.chat.close()
    assert "Superseded" in outside.texts(thread)[0]
