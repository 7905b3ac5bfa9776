"""Each answer reaches the one who asked by a way that works, and a secret by no way that keeps it."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from adapters.discord.inbound import LIMIT, Where
from core.ids import ThreadId
from core.words.cards import Button, Card, Fact, Facts, Log
from core.words.inbound import Answer, Download, Who
from core.words.thread_ref import ThreadRef
from tests.contract.discord.inside.house import House, Process
from tests.support.discord import Message, Receipt, labels, render_text
from tests.support.passing_clock import PassingClock

SECRET = Answer(
    card=Card(kind="notice", title="Database", children=[Facts(facts=[Fact(label="Key", value="hunter2")])]), secret=True
)
TEXT = Answer(text="todo is stopped.")
MINUTES_16 = 960.0


class Asked:
    """Something that is deferred, and that nobody answers but the test."""

    def __init__(self, house: House, receipt: Receipt, deferred: str) -> None:
        assert receipt.interaction is not None
        self.house, self.receipt, self.deferred = house, receipt, deferred

    def where(self, **more: Any) -> Where:
        one = self.receipt.interaction
        assert one is not None
        known = {
            "workspace": self.house.guild,
            "user": self.house.ada.id,
            "channel": self.house.general,
            "interaction": one.id,
            "application": self.house.discord.application_id,
            "token": one.token,
            "deferred": self.deferred,
        }
        return Where(**(known | more))

    async def give(self, process: Process, answer: Answer, key: str = "k", who: Who | None = None, **more: Any) -> None:
        await process.desk.answering.give(self.where(**more), answer, key=key, who=who)


@pytest.fixture
async def command(house: House, process: Process) -> Asked:
    """A command that is acknowledged, and done by nobody."""
    begin = process.desk.begin
    process.desk.begin = lambda work: work.close()  # type: ignore[method-assign]
    receipt = await house.ada.slash("#general", "nexus list")
    process.desk.begin = begin  # type: ignore[method-assign]
    return Asked(house, receipt, "message")


@pytest.fixture
async def press(house: House, process: Process) -> Asked:
    """The same of a button."""
    card = await house.card(process, "#general", Button(action="restart", value="todo", label="Restart"))
    begin = process.desk.begin
    process.desk.begin = lambda work: work.close()  # type: ignore[method-assign]
    receipt = await house.ada.click(card, "Restart")
    process.desk.begin = begin  # type: ignore[method-assign]
    return Asked(house, receipt, "update")


def by_message(house: House) -> Where:
    """Where somebody said something."""
    return Where(workspace=house.guild, user=house.ada.id, channel=house.general)


def public(house: House) -> list[Message]:
    return house.public()


# --- ways -----------------------------------------------------------------------------------------------------------------


async def test_the_answer_to_a_command_takes_the_place_of_is_thinking(house: House, process: Process, command: Asked) -> None:
    await command.give(process, TEXT)
    (shown,) = house.private(house.ada)
    assert "todo is stopped." in render_text(shown)
    assert command.receipt.interaction is not None
    assert command.receipt.interaction.original is shown


async def test_the_answer_to_a_press_leaves_the_card_as_it_is(house: House, process: Process, press: Asked) -> None:
    (card,) = house.public()
    before = render_text(card)
    await press.give(process, TEXT)
    (shown,) = house.private(house.ada)
    assert "todo is stopped." in render_text(shown)
    assert render_text(card) == before


async def test_an_answer_that_comes_too_late_is_a_direct_message(house: House, process: Process, command: Asked) -> None:
    house.discord.advance(MINUTES_16)
    await command.give(process, TEXT)
    (shown,) = house.direct(house.ada)
    assert "todo is stopped." in render_text(shown)
    assert not house.public()


async def test_who_asked_where_nexus_cannot_write_is_told_where_the_thread_is(
    house: House, process: Process, command: Asked
) -> None:
    await command.give(
        process,
        Answer(text="It is being built.", thread=ThreadId("t_new")),
        who=await process.desk.who(command.where()),
        channel="",
        workspace="",
    )
    (shown,) = house.private(house.ada)
    assert "It is being built.\nIt is in your direct messages with me" in render_text(shown)


async def test_an_answer_to_words_is_a_direct_message(house: House, process: Process) -> None:
    await process.desk.answering.give(by_message(house), TEXT, key="k")
    assert "todo is stopped." in render_text(house.direct(house.ada)[0])
    assert not house.public()


async def test_in_direct_messages_an_answer_is_a_reply(house: House, process: Process) -> None:
    root = await house.heard(await house.ada.direct("hello"))
    before = len(house.direct(house.ada))
    there = Where(user=house.ada.id, channel=house.ada.dm.id, thread=root.id, direct=True)
    await process.desk.answering.give(there, TEXT, key="k")
    answer = house.direct(house.ada)[before]
    assert answer.reference == root.id


async def test_an_answer_that_may_have_arrived_is_not_repeated_by_another_way(
    house: House, process: Process, press: Asked
) -> None:
    house.discord.fault("POST /webhooks/*", lose=True, times=1)
    await press.give(process, TEXT)
    assert len(house.private(house.ada)) == 1
    assert not house.direct(house.ada)


@pytest.mark.parametrize(("fault", "times"), [("lose", 1), ("cut", 1), ("lose", 100)])
async def test_what_takes_the_place_of_is_thinking_is_written_again_and_not_taken_away_where_that_is_in_doubt(
    house: House, process: Process, command: Asked, monkeypatch: pytest.MonkeyPatch, fault: str, times: int
) -> None:
    monkeypatch.setattr(process.interactions, "_clock", process.clock)
    house.discord.fault("PATCH /webhooks/*", **{"times": times, fault: True})
    await command.give(process, TEXT)
    (shown,) = house.private(house.ada)
    assert "todo is stopped." in render_text(shown)
    assert not house.direct(house.ada)


async def test_an_answer_waits_for_a_discord_that_is_away_for_a_moment(
    house: House, process: Process, command: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Back(PassingClock):
        async def sleep(self, seconds: float) -> None:
            await house.discord.up()

    monkeypatch.setattr(process.interactions, "_clock", Back())
    await house.discord.down()
    await command.give(process, TEXT)
    assert ["todo is stopped." in told for told in house.told(house.ada)] == [True]
    assert not house.direct(house.ada)


async def test_an_answer_is_given_once_for_each_key(house: House, process: Process, press: Asked) -> None:
    for key in ("a", "a", "b"):
        await press.give(process, TEXT, key)
    assert len(house.private(house.ada)) == 2


async def test_an_empty_answer_uses_up_nothing_and_takes_is_thinking_away(house: House, process: Process, command: Asked) -> None:
    await command.give(process, Answer())
    await command.receipt.settled()
    assert not house.private(house.ada)
    await command.give(process, TEXT)
    assert len(house.private(house.ada)) == 1


async def test_what_was_answered_is_not_taken_away_when_it_is_done_again(house: House, process: Process, command: Asked) -> None:
    await command.give(process, TEXT)
    await command.give(process, Answer())  # as another process does what one left that died right after its answer
    assert len(house.private(house.ada)) == 1


async def test_another_process_than_the_one_that_was_told_can_answer(house: House, process: Process, command: Asked) -> None:
    other = await house.process(listens=False)
    await command.give(other, TEXT)
    (shown,) = house.private(house.ada)
    assert "todo is stopped." in render_text(shown)


async def test_what_discord_does_not_take_is_said_to_be_in_the_log(house: House, process: Process, command: Asked) -> None:
    house.discord.fault("PATCH /webhooks/*", code=50035)
    await command.give(process, TEXT)
    assert "Discord does not show that answer" in house.told(house.ada)[0]


# --- secrets ----------------------------------------------------------------------------------------------------------------


async def test_a_secret_is_ephemeral(house: House, process: Process, press: Asked) -> None:
    await press.give(process, SECRET)
    assert "hunter2" in house.told(house.ada)[0]
    assert not any("hunter2" in str(one.components) for one in house.public())


@pytest.mark.parametrize("way", ["late", "words", "direct"])
async def test_a_secret_that_cannot_be_shown_without_being_kept_is_not_shown(
    house: House, process: Process, press: Asked, way: str
) -> None:
    house.discord.advance(MINUTES_16)
    there = {
        "late": press.where(),
        "words": by_message(house),
        "direct": Where(user=house.ada.id, channel=house.ada.dm.id, direct=True),
    }[way]
    await process.desk.answering.give(there, SECRET, key="k")
    (shown,) = house.direct(house.ada)
    assert "shown only where it leaves nothing behind" in render_text(shown)
    sent = house.discord.called("POST /channels/{channel}/messages")
    assert sent
    assert not any("hunter2" in str(call.json) for call in sent)


async def test_a_secret_is_in_no_log_however_much_is_logged(
    house: House, process: Process, press: Asked, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    capsys.readouterr()
    await press.give(process, SECRET)
    assert "hunter2" in house.told(house.ada)[0]
    logged = caplog.text + capsys.readouterr().out
    assert "hunter2" not in logged
    assert press.where().token not in logged


# --- threads, files, long cards -----------------------------------------------------------------------------------------------


async def test_an_answer_about_another_thread_leads_there(house: House, process: Process) -> None:
    thread = await house.app_thread(ThreadId("t_todo"))
    done = await house.ada.slash("#general", "nexus show", app="todo")
    answer = await done.answer()
    assert "Open the thread" in labels(answer)
    assert f"https://discord.com/channels/{house.guild}/{thread.id}" in str(answer.components)


async def test_an_answer_leads_to_the_thread_that_is_just_being_opened(house: House, process: Process) -> None:
    looks = 0

    async def opened_at_the_third_look(who: Who, thread: ThreadId) -> ThreadRef | None:
        nonlocal looks
        looks += 1
        return ThreadRef(platform="discord", workspace=house.guild, channel="1", thread="77") if looks >= 3 else None

    house.engine.thread_ref = opened_at_the_third_look  # type: ignore[method-assign]
    answer = await (await house.ada.slash("#general", "nexus build", description="a todo app")).answer()
    assert f"https://discord.com/channels/{house.guild}/77" in str(answer.components)


async def test_where_no_thread_is_opened_the_answer_says_where_the_app_is_found(house: House, process: Process) -> None:
    answer = await (await house.ada.slash("#general", "nexus build", description="a todo app")).answer()
    assert "No thread is open yet" in render_text(answer)
    assert "/nexus list" in render_text(answer)


async def test_a_file_comes_with_the_private_answer(house: House, process: Process, command: Asked) -> None:
    await command.give(process, Answer(file=Download(name="todo-3.zip", content=b"PK")))
    (shown,) = house.private(house.ada)
    assert shown.file("todo-3.zip") == b"PK"
    assert "todo-3.zip" in render_text(shown)
    assert not house.public()


async def test_a_file_that_is_too_large_is_not_sent_and_its_person_is_told_what_to_do(
    house: House, process: Process, command: Asked
) -> None:
    await command.give(process, Answer(file=Download(name="todo-3.zip", content=b"0" * (LIMIT + 1))))
    (told,) = house.told(house.ada)
    assert "more than Discord takes here (10 MB)" in told
    assert "/nexus files" in told


async def test_what_discord_finds_too_large_is_told_too(house: House, process: Process, command: Asked) -> None:
    house.discord.fault("PATCH /webhooks/*", code=40005)
    await command.give(process, Answer(file=Download(name="todo.log", content=b"0")))
    assert "/nexus logs" in house.told(house.ada)[0]


async def test_what_does_not_fit_into_an_answer_comes_as_a_file(house: House, process: Process, command: Asked) -> None:
    lines = [f"{n:05} " + "x" * 100 for n in range(1000)]
    await command.give(process, Answer(card=Card(kind="notice", title="Log of todo", children=[Log(lines=lines)])))
    card, files = house.private(house.ada)
    assert "Log of todo" in render_text(card)
    (file,) = files.attachments
    assert b"00000 " in file.content
    assert b"00999 " in file.content


async def test_a_long_text_is_several_messages(house: House, process: Process, command: Asked) -> None:
    await command.give(process, Answer(text="\n".join(f"line {n} of many" for n in range(600))))
    told = "\n".join(house.told(house.ada))
    assert all(f"line {n} of many" in told for n in range(600))
    assert len(house.private(house.ada)) > 1


async def test_nothing_that_an_answer_says_is_markup_or_calls_anybody(house: House, process: Process) -> None:
    eve = house.discord.guild.add_user("Eve")
    text = f"@everyone @here <@{eve.id}> **bold** [a](https://example.com)"
    await process.desk.answering.give(by_message(house), Answer(text=text), key="k")
    (shown,) = house.direct(house.ada)
    assert (shown.mentions, shown.mentioned_roles, shown.everyone) == ([], [], False)
    assert "**bold**" not in render_text(shown)
    (sent,) = house.discord.called("POST /channels/{channel}/messages")
    assert sent.json["allowed_mentions"]["parse"] == []
