"""Everything that people do in Slack reaches the engine once, and its answer reaches whoever did it."""

from __future__ import annotations

import asyncio
import os

import pytest

from adapters.slack.app import slack_app
from adapters.slack.inbound import OPEN_FORM
from adapters.slack.render.blocks import plain
from core.errors import Forbidden
from tests.contract.slack.inside.house import House, Process
from tests.support import stories
from tests.support.slack import render_text
from tests.support.slack.state import Channel

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40

# --- commands -------------------------------------------------------------------------------------------------------------


async def test_a_build_is_asked_for_in_the_channel_where_it_was_typed(house: House, process: Process) -> None:
    receipt = await house.ada.command("/nexus", "build a todo app")
    assert receipt.acknowledged
    await house.settled()
    assert house.engine.did == ["build"]
    place, seen = house.engine.where[0]
    assert place is not None
    assert (place.platform, place.channel, place.thread, place.user) == ("slack", house.general, "", house.ada.id)
    assert not seen
    assert house.engine.askers[0].name == "Ada"
    assert "It is being built" in house.told(house.ada)[0]
    assert not house.public()


@pytest.mark.parametrize("text", ["", "build"])
async def test_a_bare_command_opens_the_form(house: House, process: Process, text: str) -> None:
    await house.ada.command("/nexus", text)
    await house.settled()
    view = house.modal(house.ada)
    assert view.body["title"]["text"] == "Build an app"
    receipt = await house.ada.submit(view, {"What should it do?": "a shop for books", "Framework": "vue"})
    assert receipt.acknowledged
    assert not house.slack.views(house.ada)
    await house.settled()
    (call,) = house.engine.calls
    assert (call[1].description, call[1].framework) == ("a shop for books", "vue")
    place, _ = house.engine.where[0]
    assert place is not None
    assert (place.channel, place.thread) == (house.general, "")


async def test_help_is_for_the_one_who_asked(house: House, process: Process) -> None:
    grace = house.slack.workspace.add_user("Grace")
    await house.ada.command("/nexus", "help")
    await house.settled()
    assert "rollback" in house.told(house.ada)[0]
    assert not house.told(grace)
    assert not house.public()


async def test_a_mistyped_command_gets_the_nearest_one_privately(house: House, process: Process) -> None:
    await house.ada.command("/nexus", "lsit")
    await house.settled()
    assert "Did you mean list?" in house.told(house.ada)[0]


async def test_a_command_is_answered_where_the_bot_is_no_member(house: House, process: Process) -> None:
    house.slack.workspace.add_channel("#secret-plans", private=True, members=[house.ada], bot=False)
    await house.ada.command("/nexus", "list", "#secret-plans")
    await house.settled()
    assert "todo" in house.told(house.ada, "#secret-plans")[0]


async def test_a_command_typed_to_somebody_else_is_answered_there_and_builds_in_the_bots_direct_messages(
    house: House, process: Process
) -> None:
    grace = house.slack.workspace.add_user("Grace")
    own = house.ada.dm
    between = Channel(id="D0ADAGRACE", team=house.slack.workspace.id, name="", kind="im", members={house.ada.id, grace.id})
    house.slack.workspace.channels[between.id] = between
    await house.ada.command("/nexus", "build a todo app", between.id)
    await house.settled()
    place, _ = house.engine.where[0]
    assert place is not None
    assert place.channel == own
    assert "It is being built" in house.told(house.ada, between.id)[0]


async def test_another_workspace_is_not_served(house: House, process: Process) -> None:
    stranger = house.slack.add_workspace("Other").add_user("Eve")
    receipt = await stranger.command("/nexus", "list")
    assert receipt.acknowledged
    await house.settled()
    assert not house.engine.calls
    assert "not installed" in render_text(house.slack.messages("#general", user=stranger)[-1])


# --- mentions and replies -------------------------------------------------------------------------------------------------


async def test_a_mention_builds_in_the_thread_of_that_message(house: House, process: Process) -> None:
    said = await house.ada.mention("#general", "a todo app with *due dates* &amp; <https://example.com|example.com>")
    assert said.acknowledged
    await house.settled()
    (call,) = house.engine.calls
    assert call[1].description.startswith("a todo app with *due dates*")
    place, seen = house.engine.where[0]
    assert place is not None
    assert (place.channel, place.thread, seen) == (house.general, said.ts, True)


async def test_a_mention_with_a_command_is_answered_privately(house: House, process: Process) -> None:
    await house.ada.mention("#general", "list")
    await house.settled()
    assert "todo" in house.told(house.ada)[0]
    assert not house.engine.calls


async def test_a_plain_reply_in_an_apps_thread_is_a_change_and_needs_no_answer(house: House, process: Process) -> None:
    thread = await house.app_thread()
    await house.ada.say("#general", "make it blue", thread)
    await house.settled()
    assert house.engine.calls[0][:3] == ("change", "todo", "make it blue")
    assert not house.told(house.ada)  # they are in the thread, where the card shows it


async def test_a_mention_in_an_apps_thread_is_one_change_although_slack_tells_of_it_twice(house: House, process: Process) -> None:
    thread = await house.app_thread()
    said = await house.ada.mention("#general", "make it blue", thread)
    assert len(said.deliveries) == 2
    await house.settled()
    assert house.engine.did == ["change"]


async def test_plain_words_elsewhere_are_none_of_its_business(house: House, process: Process) -> None:
    said = await house.ada.say("#general", "shall we build something?")
    await house.ada.say("#general", "yes!", said.ts)
    await house.settled()
    assert not house.engine.calls
    assert not house.told(house.ada)


async def test_a_command_can_be_typed_in_a_thread_with_the_slash_word(house: House, process: Process) -> None:
    thread = await house.app_thread()
    await house.ada.say("#general", "nexus stop", thread)
    await house.settled()
    assert house.engine.calls == [("stop", "todo")]
    (answer,) = house.private(house.ada)
    assert answer.thread_ts == thread


async def test_words_to_the_bot_alone_build_in_their_thread(house: House, process: Process) -> None:
    said = await house.ada.direct("a todo app with due dates")
    await house.settled()
    place, _ = house.engine.where[0]
    assert place is not None
    assert (place.channel, place.thread) == (house.ada.dm, said.ts)


async def test_what_the_bot_says_is_not_taken_for_a_request(house: House, process: Process) -> None:
    thread = await house.app_thread()
    await process.calls.call(
        house.slack.workspace.id, "chat.postMessage", channel=house.general, thread_ts=thread, text="make it red"
    )
    await house.slack.wait_for(lambda: [one for one in house.slack.delivered("message") if one.acknowledged][1:])
    await house.settled()
    assert not house.engine.calls


async def test_files_of_a_message_come_with_the_request(house: House, process: Process) -> None:
    await house.ada.mention("#general", "a shop that looks like this", files={"look.png": PNG, "words.txt": b"books"})
    await house.settled()
    (attached,) = house.engine.attached
    assert [(one.name, one.media_type, one.data) for one in attached] == [
        ("look.png", "image/png", PNG),
        ("words.txt", "text/plain", b"books"),
    ]


async def test_a_file_that_cannot_be_used_is_refused_with_the_reason_and_nothing_is_built(house: House, process: Process) -> None:
    await house.ada.mention("#general", "a shop like this", files={"a.zip": b"PK\x03\x04\0\0"})
    await house.settled()
    assert not house.engine.calls
    assert "neither a picture" in house.told(house.ada)[0]


# --- shortcuts ------------------------------------------------------------------------------------------------------------


async def test_build_this_builds_what_a_message_says_in_its_thread(house: House, process: Process) -> None:
    grace = house.slack.workspace.add_user("Grace")
    said = await grace.say("#general", "we need a list of our plants", files={"plants.txt": b"fern, fig"})
    assert said.message is not None
    await house.ada.shortcut("build_this", said.message)
    await house.settled()
    (call,) = house.engine.calls
    assert call[1].description == "we need a list of our plants"
    assert [one.data for one in house.engine.attached[0]] == [b"fern, fig"]
    place, seen = house.engine.where[0]
    assert place is not None
    assert (place.thread, place.user, seen) == (said.ts, house.ada.id, True)


async def test_the_shortcut_everywhere_opens_the_form_and_the_thread_is_between_the_two(house: House, process: Process) -> None:
    await house.ada.shortcut("build")
    await house.settled()
    await house.ada.submit(house.modal(house.ada), {"What should it do?": "a todo app"})
    await house.settled()
    place, _ = house.engine.where[0]
    assert place is not None
    assert (place.channel, place.thread) == (house.ada.dm, "")


# --- buttons and forms ----------------------------------------------------------------------------------------------------


async def test_a_button_of_a_card_does_what_it_says(house: House, process: Process) -> None:
    thread = await house.app_thread()
    await _card(house, process, thread, "stop", "todo")
    await house.ada.press(house.slack.messages("#general", thread)[-1], "Press")
    await house.settled()
    assert house.engine.calls == [("stop", "todo")]
    assert "todo is stopped" in house.told(house.ada)[0]


async def test_a_choice_shows_the_file(house: House, process: Process) -> None:
    readme = sorted(file.path for file in stories.FILES).index("README.md")
    option = {"text": {"type": "plain_text", "text": "README.md"}, "value": f"{stories.BUILD} {readme}"}
    select = {"type": "static_select", "action_id": "file", "options": [option]}
    thread = await house.app_thread()
    await _say(house, process, thread, [{"type": "actions", "elements": [select]}])
    await house.ada.choose(house.slack.messages("#general", thread)[-1], "file", "README.md")
    await house.settled()
    assert "# Todo" in house.told(house.ada)[0]


@pytest.mark.parametrize("http", [False, True])
async def test_a_menu_of_many_files_asks_for_those_that_are_typed(house: House, http: bool) -> None:
    process = await house.process(sockets=not http, http=http)
    thread = await house.app_thread()
    menu = {"type": "external_select", "action_id": "file", "min_query_length": 0}
    for build in (stories.BUILD, "b_of_somebody_else"):
        await _say(house, process, thread, [{"type": "actions", "block_id": f"files:{build}", "elements": [menu]}])
    mine, other = house.slack.messages("#general", thread)[-2:]
    place = sorted(file.path for file in stories.FILES).index("README.md")
    receipt = await house.ada.look_up(mine, "file", "readme")
    assert receipt.answer == {"options": [{"text": plain("README.md", 75), "value": f"{stories.BUILD} {place}"}]}
    assert len((await house.ada.look_up(mine, "file")).answer["options"]) == len(stories.FILES)
    assert (await house.ada.look_up(other, "file")).answer == {"options": []}
    guest = house.slack.workspace.add_user("Guest", restricted=True)
    assert (await guest.look_up(mine, "file")).answer == {"options": []}


async def test_a_refusal_is_said_to_the_one_who_pressed(house: House, process: Process) -> None:
    grace = house.slack.workspace.add_user("Grace")
    house.engine.refuse = Forbidden("Only Ada may approve this.")
    thread = await house.app_thread()
    await _card(house, process, thread, "approve", f"{stories.APPROVAL} {stories.BUILD} {stories.DIGEST[:23]}")
    await grace.press(house.slack.messages("#general", thread)[-1], "Press")
    await house.settled()
    assert "Only Ada may approve this." in house.told(grace)[0]
    assert not house.told(house.ada)


async def test_a_form_of_a_card_belongs_to_its_thread(house: House, process: Process) -> None:
    thread = await house.app_thread()
    await _card(house, process, thread, "change", "todo")
    await house.ada.press(house.slack.messages("#general", thread)[-1], "Press")
    await house.settled()
    await house.ada.submit(house.modal(house.ada), {"What should be different?": "make it blue"})
    await house.settled()
    assert house.engine.calls[0][:3] == ("change", "todo", "make it blue")


async def test_what_is_wrong_with_a_form_stands_beside_the_field(house: House, process: Process) -> None:
    await house.ada.command("/nexus", "delete todo")
    await house.settled()
    view = house.modal(house.ada)
    receipt = await house.ada.submit(view, {"Type the app's name to confirm": "tudo"})
    assert "nothing was deleted" in receipt.errors["Type the app's name to confirm"]
    assert house.slack.views(house.ada) == [view]
    assert not house.engine.calls
    await house.ada.submit(view, {"Type the app's name to confirm": "todo"})
    await house.settled()
    assert house.engine.calls == [("delete", "todo")]


async def test_what_the_engine_refuses_of_a_form_is_said_afterwards(house: House, process: Process) -> None:
    await house.ada.command("/nexus", "delete todo")
    await house.settled()
    house.engine.refuse = Forbidden("Only its owner may delete it.")
    await house.ada.submit(house.modal(house.ada), {"Type the app's name to confirm": "todo"})
    await house.settled()
    assert "Only its owner may delete it." in house.told(house.ada)[-1]


async def test_a_form_that_comes_too_late_leaves_a_button_that_opens_it(house: House, process: Process) -> None:
    await house.app_thread()  # so that Slack's clock is known to the test
    fault = house.slack.fault("users.info", held=True)
    await house.ada.command("/nexus", "rollback todo")
    await house.slack.wait_for(lambda: fault.used)
    house.slack.advance(10)
    fault.release()
    await house.settled()
    assert not house.slack.views(house.ada)
    (offer,) = house.private(house.ada)
    await house.ada.press(offer, action_id=OPEN_FORM)
    await house.settled()
    view = house.modal(house.ada)
    assert view.body["title"]["text"] == "Roll back"
    await house.ada.submit(view, {})
    await house.settled()
    assert house.engine.did == ["rollback"]


async def test_a_button_that_opens_an_address_is_acknowledged_and_does_nothing(house: House, process: Process) -> None:
    element = {
        "type": "button",
        "action_id": "link",
        "text": {"type": "plain_text", "text": "Open"},
        "url": "https://example.com",
    }
    thread = await house.app_thread()
    await _say(house, process, thread, [{"type": "actions", "elements": [element]}])
    receipt = await house.ada.press(house.slack.messages("#general", thread)[-1], "Open")
    assert receipt.acknowledged
    await house.settled()
    assert not house.told(house.ada)


async def test_a_button_of_another_version_says_so(house: House, process: Process) -> None:
    thread = await house.app_thread()
    await _card(house, process, thread, "dance", "todo")
    await house.ada.press(house.slack.messages("#general", thread)[-1], "Press")
    await house.settled()
    assert "another version" in house.told(house.ada)[0]


async def test_closing_a_form_is_acknowledged(house: House, process: Process) -> None:
    await house.ada.command("/nexus")
    await house.settled()
    view = house.modal(house.ada)
    view.body["notify_on_close"] = True
    assert (await house.ada.close(view)).acknowledged


# --- once -----------------------------------------------------------------------------------------------------------------


async def test_whatever_is_delivered_again_has_one_effect_and_one_answer_in_two_processes(house: House, process: Process) -> None:
    await house.process()
    thread = await house.app_thread()
    await _card(house, process, thread, "stop", "todo")
    card = house.slack.messages("#general", thread)[-1]
    received = [
        await house.ada.command("/nexus", "build a todo app"),
        await house.ada.command("/nexus", "list"),
        await house.ada.mention("#general", "show todo"),
        await house.ada.mention("#general", "a shop for books"),
        await house.ada.say("#general", "make it blue", thread),
        await house.ada.press(card, "Press"),
    ]
    await house.ada.command("/nexus", "delete todo")
    await house.settled()
    received.append(await house.ada.submit(house.modal(house.ada), {"Type the app's name to confirm": "todo"}))
    await house.settled()
    done, told = list(house.engine.did), house.told(house.ada)
    assert sorted(map(str, done)) == ["build", "build", "change", "delete", "stop"]
    for receipt in received:
        for _ in range(3):  # the sockets take turns, so that each process gets it
            await receipt.again()
    await house.settled()
    assert house.engine.did == done
    assert house.told(house.ada) == told


async def test_two_hundred_commands_at_once_are_all_acknowledged_and_all_answered(house: House, process: Process) -> None:
    receipts = await asyncio.gather(*(house.ada.command("/nexus", f"build app number {n}") for n in range(200)))
    assert all(receipt.acknowledged for receipt in receipts)
    await house.settled()
    assert len({call[1].description for call in house.engine.calls}) == 200
    assert len(house.told(house.ada)) == 200
    assert len(house.slack.called("users.info")) == 1


async def test_what_was_acknowledged_is_seen_through_before_the_end(house: House, process: Process) -> None:
    house.engine.hold = asyncio.Event()
    await house.ada.command("/nexus", "build a todo app")
    closing = asyncio.create_task(process.desk.close())
    await asyncio.sleep(0)
    house.engine.hold.set()
    await closing
    assert house.engine.did == ["build"]


async def test_a_defect_is_admitted_to_the_one_who_met_it_and_others_go_on(house: House, process: Process) -> None:
    house.engine.refuse = RuntimeError("a defect")
    await house.ada.command("/nexus", "build a todo app")
    await house.settled()
    assert "Something went wrong here" in house.told(house.ada)[0]
    house.engine.refuse = None
    await house.ada.command("/nexus", "build a todo app")
    await house.settled()
    assert house.engine.did == ["build"]


# --- by signed requests ---------------------------------------------------------------------------------------------------


async def test_commands_words_presses_and_forms_arrive_by_signed_requests_too(house: House) -> None:
    process = await house.process(http=True)
    thread = await house.app_thread()
    await _card(house, process, thread, "stop", "todo")
    await house.ada.press(house.slack.messages("#general", thread)[-1], "Press")
    await house.ada.say("#general", "make it blue", thread)
    await house.ada.command("/nexus", "delete todo")
    await house.settled()
    refused = await house.ada.submit(house.modal(house.ada), {"Type the app's name to confirm": "tudo"})
    assert refused.errors
    await house.ada.submit(house.modal(house.ada), {"Type the app's name to confirm": "todo"})
    await house.settled()
    assert sorted(map(str, house.engine.did)) == ["change", "delete", "stop"]


# --- the app itself -------------------------------------------------------------------------------------------------------


async def test_a_removed_app_is_known_to_be(house: House, process: Process) -> None:
    house.slack.uninstall(house.slack.workspace)
    await house.slack.wait_for(lambda: len(house.removed) == 2)
    await house.settled()
    assert {workspace for workspace, _ in house.removed} == {house.slack.workspace.id}


async def test_events_that_nobody_asked_for_are_acknowledged(house: House, process: Process) -> None:
    assert (await house.ada.archive("#general")).acknowledged
    assert (await house.ada.shortcut("of another version")).acknowledged
    assert (await house.ada.command("/other", "words")).acknowledged


async def test_the_environment_turns_the_app_into_no_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"):
        monkeypatch.setenv(name, "1.2")

    async def nobody(enterprise: str | None, team: str | None) -> None:
        return None

    process = await house.process(sockets=False)
    app = slack_app(process.desk, nobody, api_url=house.slack.api_url)
    assert app.oauth_flow is None
    assert app.client.token is None
    assert os.environ["SLACK_CLIENT_ID"] == "1.2"


# --- helpers --------------------------------------------------------------------------------------------------------------


async def _say(house: House, process: Process, thread: str, blocks: list[dict[str, object]]) -> None:
    await process.calls.call(
        house.slack.workspace.id, "chat.postMessage", channel=house.general, thread_ts=thread, text="a card", blocks=blocks
    )


async def _card(house: House, process: Process, thread: str, action: str, value: str) -> None:
    """A message with one button."""
    button = {"type": "button", "action_id": action, "text": {"type": "plain_text", "text": "Press"}, "value": value}
    await _say(house, process, thread, [{"type": "actions", "elements": [button]}])
