"""Each answer reaches the one who asked by a way that works, and a secret by no way that keeps it."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from adapters.slack.answering import is_hook
from adapters.slack.calls import BASE_URL
from adapters.slack.inbound import Where
from core.ids import ThreadId
from core.words.cards import Card, Fact, Facts, Log
from core.words.inbound import Answer, Download
from tests.contract.slack.inside.house import House, Process
from tests.support.slack import SlackUser, render_text

SECRET = Answer(
    card=Card(kind="notice", title="Database", children=[Facts(facts=[Fact(label="Key", value="hunter2")])]), secret=True
)
TEXT = Answer(text="todo is stopped.")


def where(house: House, **more: Any) -> Where:
    place = {"workspace": house.slack.workspace.id, "user": house.ada.id, "channel": house.general}
    return Where(**(place | more))


def response_url(house: House, user: SlackUser, *, used: int = 0) -> str:
    url = house.slack.triggers.response_url(house.slack.hooks_url, "commands", house.slack.workspace.id, user.id, house.general)
    house.slack.triggers.response_urls[url.rpartition("/")[2]].posts_left -= used
    return url


async def give(process: Process, there: Where, answer: Answer, key: str = "k") -> None:
    await process.desk.answering.give(there, answer, key=key)


async def test_in_a_thread_an_answer_is_shown_in_the_thread(house: House, process: Process) -> None:
    thread = await house.app_thread()
    url = response_url(house, house.ada)
    await give(process, where(house, thread=thread, within=True, response_url=url), TEXT)
    (shown,) = house.private(house.ada)
    assert shown.thread_ts == thread
    assert "todo is stopped." in render_text(shown)
    assert house.slack.called("chat.postEphemeral")


async def test_a_used_up_response_url_is_followed_by_an_ephemeral_message(house: House, process: Process) -> None:
    await give(process, where(house, response_url=response_url(house, house.ada, used=5)), TEXT)
    (shown,) = house.private(house.ada)
    assert "todo is stopped." in render_text(shown)
    assert house.slack.called("chat.postEphemeral")


async def test_where_the_bot_cannot_speak_the_answer_is_a_direct_message(house: House, process: Process) -> None:
    channel = house.slack.workspace.add_channel("#closed", private=True, members=[house.ada], bot=False)
    url = response_url(house, house.ada, used=5)
    await give(process, where(house, channel=channel.id, response_url=url), TEXT)
    (shown,) = house.direct(house.ada)
    assert "todo is stopped." in render_text(shown)
    assert (shown.unfurl_links, shown.unfurl_media) == (False, False)


async def test_in_direct_messages_an_answer_stays(house: House, process: Process) -> None:
    await give(process, where(house, channel=house.ada.dm), TEXT)
    (shown,) = house.direct(house.ada)
    assert shown.ephemeral_to is None


async def test_an_answer_that_may_have_arrived_is_not_repeated_by_another_way(house: House, process: Process) -> None:
    house.slack.fault("chat.postEphemeral", lose=True)
    await give(process, where(house), TEXT)
    assert len(house.private(house.ada)) == 1
    assert not house.direct(house.ada)


async def test_an_answer_is_given_once_for_each_key(house: House, process: Process) -> None:
    for key in ("a", "a", "b"):
        await give(process, where(house), TEXT, key)
    assert len(house.private(house.ada)) == 2


async def test_an_empty_answer_uses_up_nothing(house: House, process: Process) -> None:
    await give(process, where(house), Answer())
    await give(process, where(house), TEXT)
    assert len(house.private(house.ada)) == 1


# --- secrets ----------------------------------------------------------------------------------------------------------------


async def test_a_secret_is_ephemeral(house: House, process: Process) -> None:
    thread = await house.app_thread()
    await give(process, where(house, thread=thread, within=True), SECRET)
    assert "hunter2" in house.told(house.ada)[0]
    assert not house.public()


async def test_a_secret_is_not_kept_in_direct_messages_either(house: House, process: Process) -> None:
    await give(process, where(house, channel=house.ada.dm), SECRET)
    (shown,) = house.direct(house.ada) + house.private(house.ada, house.ada.dm)
    assert shown.ephemeral_to == house.ada.id


async def test_a_secret_that_cannot_be_shown_without_being_kept_is_not_shown(house: House, process: Process) -> None:
    channel = house.slack.workspace.add_channel("#closed", private=True, members=[house.ada], bot=False)
    await give(process, where(house, channel=channel.id), SECRET)
    (shown,) = house.direct(house.ada)
    assert "shown only where it leaves nothing behind" in render_text(shown)
    assert not any("hunter2" in str(call.args) for call in house.slack.called("chat.postMessage"))


async def test_a_secret_from_the_home_tab_is_a_modal(house: House, process: Process) -> None:
    trigger = house.slack.triggers.new(house.slack.workspace.id, house.ada.id)
    await give(process, where(house, channel="", view="home", trigger=trigger), SECRET)
    assert "hunter2" in render_text(house.modal(house.ada))
    assert not house.direct(house.ada)


# --- threads, files, long cards -----------------------------------------------------------------------------------------------


async def test_an_answer_about_another_thread_leads_there(house: House, process: Process) -> None:
    thread = await house.app_thread(ThreadId("t_todo"))
    await house.ada.command("/nexus", "show todo")
    await house.settled()
    buttons = [e for block in house.private(house.ada)[0].blocks if block["type"] == "actions" for e in block["elements"]]
    (way,) = [button for button in buttons if button["text"]["text"] == "Open the thread"]
    assert thread.replace(".", "") in way["url"]
    assert (await house.ada.press(house.private(house.ada)[0], "Open the thread")).acknowledged


async def test_a_file_is_put_into_the_direct_messages_and_its_person_is_told_where_it_is(house: House, process: Process) -> None:
    thread = await house.app_thread()
    file = Answer(file=Download(name="todo-3.zip", content=b"PK"))
    await give(process, where(house, thread=thread, within=True), file)
    (sent,) = house.slack.files()
    assert (sent.name, sent.content, [channel for channel, _ in sent.shares]) == ("todo-3.zip", b"PK", [house.ada.dm])
    assert "todo-3.zip is in your direct messages" in house.told(house.ada)[0]
    assert not house.public()


async def test_what_does_not_fit_into_an_answer_comes_as_a_file(house: House, process: Process) -> None:
    lines = [f"{n:05} " + "x" * 100 for n in range(1000)]
    await give(process, where(house), Answer(card=Card(kind="notice", title="Log of todo", children=[Log(lines=lines)])))
    (sent,) = house.slack.files()
    assert "00000 " in sent.content.decode()
    assert [channel for channel, _ in sent.shares] == [house.ada.dm]


async def test_nothing_that_an_answer_says_is_markup_or_calls_anybody(house: House, process: Process) -> None:
    await give(process, where(house), Answer(text="<!channel> *bold* <@U0EVE> @here"))
    (shown,) = house.private(house.ada)
    assert "<!channel>" not in str(shown.blocks)
    assert all(block["text"]["type"] == "plain_text" for block in shown.blocks)
    assert "<!channel>" not in shown.text
    assert "<@U0EVE>" not in shown.text


async def test_a_secret_is_in_no_log_however_much_is_logged(
    house: House, process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = response_url(house, house.ada)
    await give(process, where(house, response_url=url), SECRET)
    (shown,) = house.private(house.ada)
    assert "hunter2" in render_text(shown)
    assert not house.slack.called("chat.postEphemeral")  # it came by that URL
    assert "hunter2" not in caplog.text
    assert url not in caplog.text


async def test_an_address_for_answers_that_is_not_slacks_gets_none(house: House, process: Process) -> None:
    await give(process, where(house, response_url="http://127.0.0.1:9/hooks/1"), SECRET)
    (shown,) = house.private(house.ada)
    assert "hunter2" in render_text(shown)
    assert house.slack.called("chat.postEphemeral")


@pytest.mark.parametrize(
    ("url", "api_url", "answers"),
    [
        ("https://hooks.slack.com/commands/T1/1/x", BASE_URL, True),
        ("https://hooks.slack-gov.com/actions/T1/1/x", "https://slack-gov.com/api/", True),
        ("http://127.0.0.1:4000/hooks/1", "http://127.0.0.1:4000/api/", True),
        ("http://hooks.slack.com/commands/T1/1/x", BASE_URL, False),
        ("https://hooks.slack.com.example.com/x", BASE_URL, False),
        ("https://hooks.slack.com:8443/x", BASE_URL, False),
        ("https://somebody@hooks.slack.com/x", BASE_URL, False),
        ("http://169.254.169.254/latest", BASE_URL, False),
        ("http://127.0.0.1:4001/hooks/1", "http://127.0.0.1:4000/api/", False),
    ],
)
def test_answers_go_to_slack_or_to_what_stands_in_for_it_alone(url: str, api_url: str, answers: bool) -> None:
    assert is_hook(url, api_url) is answers
