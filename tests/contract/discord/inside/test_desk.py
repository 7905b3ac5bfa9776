"""Everything that people do in Discord reaches the engine once, and its answer reaches whoever did it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Collection, Mapping

import pytest

from adapters.discord.inbound import OPEN_FORM
from core.errors import Forbidden, TemporaryError
from core.ids import ThreadId
from core.words.cards import Button, Card, Confirm
from tests.contract.discord.inside.house import House, People, Process
from tests.support import stories
from tests.support.discord import labels, render_text

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==")
STOP = Button(action="stop", value="todo", label="Stop", style="danger", confirm=Confirm(title="Stop?", text="…", yes="Stop it"))

# --- commands -------------------------------------------------------------------------------------------------------------


async def test_a_build_is_asked_for_in_the_channel_where_it_was_typed(house: House, process: Process) -> None:
    done = await house.ada.slash("#general", "nexus build", description="a todo app")
    assert done.acknowledged, done.error
    await house.settled()
    assert house.engine.did == ["build"]
    place, seen = house.engine.where[0]
    assert place is not None
    assert (place.platform, place.workspace, place.channel, place.thread) == ("discord", house.guild, house.general, "")
    assert (place.user, seen) == (house.ada.id, False)
    assert house.engine.askers[0].name == "Ada"
    assert "It is being built" in house.told(house.ada)[0]
    assert not house.public()


async def test_a_bare_command_opens_the_form_and_what_is_sent_is_built_there(house: House, process: Process) -> None:
    done = await house.ada.slash("#general", "nexus build")
    form = await done.shown()
    assert form.title == "Build an app"
    sent = await house.ada.submit(form, {"What should it do?": "a shop for books", "Framework": "vue"})
    assert sent.acknowledged, sent.error
    await house.settled()
    (call,) = house.engine.calls
    assert (call[1].description, call[1].framework) == ("a shop for books", "vue")
    place, _ = house.engine.where[0]
    assert place is not None
    assert (place.channel, place.thread) == (house.general, "")
    assert "It is being built" in house.told(house.ada)[0]


async def test_a_picture_in_the_form_comes_with_the_request(house: House, process: Process) -> None:
    form = await (await house.ada.slash("#general", "nexus build")).shown()
    await house.ada.submit(form, {"What should it do?": "like this", "A picture to start from": [("look.png", PNG)]})
    await house.settled()
    assert [(one.name, one.media_type) for one in house.engine.attached[0]] == [("look.png", "image/png")]


async def test_help_is_for_the_one_who_asked(house: House, process: Process) -> None:
    grace = house.discord.guild.add_user("Grace")
    await house.ada.slash("#general", "nexus help")
    await house.settled()
    assert "rollback" in house.told(house.ada)[0]
    assert not house.told(grace)
    assert not house.public()


async def test_a_refusal_of_a_command_is_private(house: House, process: Process) -> None:
    done = await house.ada.slash("#general", "nexus show", app="toda")
    await house.settled()
    assert "Did you mean todo?" in render_text(await done.answer())
    assert len(house.told(house.ada)) == 1
    assert not house.public()


async def test_nothing_to_say_leaves_nothing_behind(house: House, process: Process) -> None:
    thread = await house.app_thread()
    house.engine.keys.clear()
    done = await house.ada.slash(thread, "nexus build", description="make it blue")
    await house.settled()
    await done.settled()
    assert house.engine.did == ["build"]
    assert not house.private(house.ada), "the thread is before their eyes"


async def test_settings_alone_shows_the_workspace_and_its_buttons_open_forms(house: House, process: Process) -> None:
    admin = house.discord.guild.add_user("Grace", admin=True)
    done = await admin.slash("#general", "nexus settings")
    card = await done.answer()
    assert card.only_for == admin.id
    assert "Who may approve" in render_text(card)
    assert f"in {house.discord.guild.name}" in render_text(card)
    opened = await admin.click(card, "Models…")
    assert (await opened.shown()).title == "Models"
    await house.ada.slash("#general", "nexus settings")
    await house.settled()
    assert "Models…" not in labels(house.private(house.ada)[0])


async def test_settings_of_a_part_open_their_form_at_once(house: House, process: Process) -> None:
    done = await house.ada.slash("#general", "nexus settings", part="models")
    form = await done.shown()
    await house.ada.submit(form, {"Model": "gpt-9"})
    await house.settled()
    assert house.engine.did == ["set_workspace"]


# --- mentions and replies -------------------------------------------------------------------------------------------------


async def test_a_mention_builds_in_its_channel_and_needs_no_answer(house: House, process: Process) -> None:
    await house.heard(await house.ada.mention_bot("#general", "a todo app with **due dates** & <https://example.com>"))
    (call,) = house.engine.calls
    assert call[1].description == "a todo app with **due dates** & <https://example.com>"
    place, _ = house.engine.where[0]
    assert place is not None
    assert (place.workspace, place.channel, place.thread) == (house.guild, house.general, "")
    assert not house.direct(house.ada), "its thread begins right below"


async def test_a_mention_with_a_command_is_answered_by_a_direct_message(house: House, process: Process) -> None:
    await house.heard(await house.ada.mention_bot("#general", "list"))
    (answer,) = house.direct(house.ada)
    assert "todo" in render_text(answer)
    assert not house.public()


async def test_who_takes_no_direct_messages_is_told_that_there_and_no_more(house: House, process: Process) -> None:
    house.ada.close_direct_messages()
    await house.heard(await house.ada.mention_bot("#general", "list"))
    (said,) = house.public()
    assert "you take no direct messages from me" in render_text(said)
    assert "todo" not in render_text(said)
    assert (said.mentions, said.everyone) == ([], False)


async def test_a_plain_reply_in_an_apps_thread_is_a_change_and_needs_no_answer(house: House, process: Process) -> None:
    thread = await house.app_thread()
    await house.heard(await house.ada.say(thread, "make it blue"))
    assert house.engine.calls[0][:3] == ("change", "todo", "make it blue")
    assert not house.direct(house.ada)
    assert not house.private(house.ada)


async def test_a_refusal_of_a_reply_is_said_to_its_author_alone(house: House, process: Process) -> None:
    thread = await house.app_thread()
    house.engine.refuse = Forbidden("Only Grace may change this.")
    await house.heard(await house.ada.say(thread, "make it blue"))
    (answer,) = house.direct(house.ada)
    assert "Only Grace may change this." in render_text(answer)
    assert not house.public()


async def test_a_thread_whose_replies_cannot_be_read_says_so_once(house: House, process: Process) -> None:
    thread = house.discord.channel(await house.app_thread())
    said = await house.heard(await house.ada.say("#general", "a word about something else"))
    other = (await house.ada.open_thread(said, "elsewhere")).thread
    assert other is not None
    for _ in range(2):
        await process.desk.unread(str(thread.parent), thread.id)
        await process.desk.unread(house.discord.channel_id("#general"), other.id)
    (told,) = [one for one in house.discord.messages(thread.id) if "does not let me read" in render_text(one)]
    assert "Change…" in render_text(told)
    assert not [one for one in house.discord.messages(other.id) if one.author == house.discord.bot.id]


async def test_a_thread_that_is_open_again_is_shown_what_it_missed(house: House, process: Process) -> None:
    thread = house.discord.channel(await house.app_thread())
    house.discord.guild.archive(thread, locked=True)
    house.discord.guild.unlock(thread)
    here = (house.discord.guild.id, thread.parent, thread.id)
    await house.discord.wait_for(lambda: here in house.engine.opened, why="the thread is shown again")
    assert [here] == [one for one in house.engine.opened if one[2] == thread.id], "and not when it was closed"


async def test_plain_words_elsewhere_are_none_of_its_business(house: House, process: Process) -> None:
    said = await house.heard(await house.ada.say("#general", "shall we build something?"))
    opened = await house.ada.open_thread(said, "building")
    assert opened.thread is not None
    await house.heard(await house.ada.say(opened.thread, "yes!"))
    assert not house.engine.calls
    assert not house.direct(house.ada)
    assert not house.discord.called("GET /guilds/{guild}")


async def test_of_talk_in_threads_that_are_none_of_its_business_nothing_is_written_down(
    house: House, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []
    keep = house.kept.keep

    async def keeps(contents: Mapping[str, str]) -> Collection[str]:
        kept.extend(contents.values())
        return await keep(contents)

    monkeypatch.setattr(house.kept, "keep", keeps)
    opened = await house.ada.open_thread("#general", "lunch")
    assert opened.thread is not None
    await house.heard(await house.ada.say(opened.thread, "who is hungry?"))
    assert kept == []
    await house.heard(await house.ada.say(await house.app_thread(), "make it blue"))
    assert len(kept) == 1


async def test_who_talks_elsewhere_hears_nothing_of_a_ledger_that_is_away(
    house: House, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = await house.ada.open_thread("#general", "lunch")
    assert opened.thread is not None
    await house.heard(await house.ada.say(opened.thread, "who is hungry?"))

    async def away(*_: object) -> str | None:
        raise TemporaryError("The ledger is away.")

    monkeypatch.setattr(house.engine, "workspace_at", away)
    monkeypatch.setattr(house.engine, "thread_at", away)
    await house.heard(await house.ada.say(opened.thread, "I am"))
    assert not house.direct(house.ada)
    await house.heard(await house.ada.say(await house.app_thread(), "make it blue"))
    assert "Nothing was done" in render_text(house.direct(house.ada)[0])


async def test_a_mention_in_a_thread_that_is_nobodys_builds_in_that_thread(house: House, process: Process) -> None:
    opened = await house.ada.open_thread("#general", "ideas")
    assert opened.thread is not None
    await house.heard(await house.ada.mention_bot(opened.thread, "a list of plants"))
    place, seen = house.engine.where[0]
    assert place is not None
    assert (place.channel, place.thread, seen) == (house.general, opened.thread.id, True)


async def test_files_of_a_message_come_with_the_request(house: House, process: Process) -> None:
    await house.heard(await house.ada.mention_bot("#general", "a shop like this", files={"look.png": PNG, "words.txt": b"books"}))
    (attached,) = house.engine.attached
    assert [(one.name, one.media_type, one.data) for one in attached] == [
        ("look.png", "image/png", PNG),
        ("words.txt", "text/plain", b"books"),
    ]


async def test_a_file_that_cannot_be_used_is_refused_with_the_reason_and_nothing_is_built(house: House, process: Process) -> None:
    await house.heard(await house.ada.mention_bot("#general", "a shop like this", files={"a.zip": b"PK\x03\x04\0\0"}))
    assert not house.engine.calls
    assert "neither a picture" in render_text(house.direct(house.ada)[0])


async def test_build_this_builds_what_a_message_says_for_whoever_picked_it(house: House, process: Process) -> None:
    grace = house.discord.guild.add_user("Grace")
    said = await house.heard(await grace.say("#general", "we need a list of our plants", files={"plants.txt": b"fern, fig"}))
    picked = await house.ada.pick(said, "Build this")
    assert picked.acknowledged, picked.error
    await house.settled()
    (call,) = house.engine.calls
    assert call[1].description == "we need a list of our plants"
    assert [one.data for one in house.engine.attached[0]] == [b"fern, fig"]
    place, _ = house.engine.where[0]
    assert place is not None
    assert (place.channel, place.user) == (house.general, house.ada.id)
    assert "It is being built" in house.told(house.ada)[0]


# --- direct messages, and elsewhere ------------------------------------------------------------------------------------------


async def test_words_to_the_bot_alone_build_in_their_conversation(house: House, process: Process) -> None:
    said = await house.heard(await house.ada.direct("a todo app with due dates"))
    place, seen = house.engine.where[0]
    assert place is not None
    assert (place.workspace, place.channel, place.thread, seen) == (house.guild, house.ada.dm.id, said.id, True)


async def test_a_reply_to_any_message_of_a_conversation_is_a_reply_in_it(house: House, process: Process) -> None:
    root = await house.heard(await house.ada.direct("a todo app"))
    house.engine.places[house.ada.dm.id, root.id] = ThreadId("t_todo")
    house.engine.calls.clear()
    card = await house.card(process, house.ada.dm, reply_to=root.id)
    first = await house.heard(await house.ada.direct("make it blue", reply_to=card))
    second = await house.heard(await house.ada.direct("no, green", reply_to=first))
    await house.heard(await house.ada.direct("and larger", reply_to=second))
    assert [call[:3] for call in house.engine.calls] == [
        ("change", "todo", "make it blue"),
        ("change", "todo", "no, green"),
        ("change", "todo", "and larger"),
    ]


async def test_words_that_reply_to_nothing_begin_something_new(house: House, process: Process) -> None:
    root = await house.heard(await house.ada.direct("a todo app"))
    house.engine.places[house.ada.dm.id, root.id] = ThreadId("t_todo")
    said = await house.heard(await house.ada.direct("a shop for books"))
    assert house.engine.did == ["build", "build"]
    place, _ = house.engine.where[1]
    assert place is not None
    assert place.thread == said.id


async def test_a_reply_to_what_is_no_conversation_begins_one(house: House, process: Process) -> None:
    note = await house.card(process, house.ada.dm)
    said = await house.heard(await house.ada.direct("a shop for books", reply_to=note))
    place, _ = house.engine.where[0]
    assert place is not None
    assert place.thread == said.id


async def test_a_command_in_direct_messages_is_private_and_leads_there(house: House, process: Process) -> None:
    await house.ada.slash(house.ada.dm, "nexus build", description="a todo app")
    await house.settled()
    place, _ = house.engine.where[0]
    assert place is not None
    assert (place.workspace, place.channel, place.thread) == (house.guild, house.ada.dm.id, "")


async def test_who_has_it_installed_uses_it_elsewhere_and_builds_in_their_direct_messages(house: House, process: Process) -> None:
    elsewhere = house.discord.add_guild("Elsewhere", bot=False)
    elsewhere.join(house.ada)
    house.ada.install()
    done = await house.ada.slash(elsewhere.channel("general"), "nexus build", description="a todo app")
    await house.settled()
    place, _ = house.engine.where[0]
    assert place is not None
    assert (place.workspace, place.channel, place.thread) == (house.guild, house.ada.dm.id, "")
    answer = await done.answer()
    assert "It is being built" in render_text(answer)
    assert answer.only_for == house.ada.id


async def test_who_shares_no_server_is_refused_privately(house: House, process: Process) -> None:
    elsewhere = house.discord.add_guild("Elsewhere", bot=False)
    stranger = elsewhere.add_user("Eve")
    stranger.install()
    done = await stranger.slash(elsewhere.channel("general"), "nexus list")
    assert "you share none with it" in render_text(await done.answer())
    assert not house.engine.askers


# --- buttons and forms ----------------------------------------------------------------------------------------------------


async def test_a_button_of_a_card_does_what_it_says(house: House, process: Process) -> None:
    thread = await house.app_thread()
    card = await house.card(process, thread, Button(action="restart", value="todo", label="Restart"))
    done = await house.ada.click(card, "Restart")
    assert done.acknowledged, done.error
    await house.settled()
    assert house.engine.did == ["restart"]
    (answer,) = house.private(house.ada)
    assert "Restarting" in render_text(answer)
    assert answer.channel == thread.id


async def test_a_button_that_asks_does_nothing_before_the_answer_is_yes(house: House, process: Process) -> None:
    thread = await house.app_thread()
    card = await house.card(process, thread, STOP)
    asked = await house.ada.click(card, "Stop")
    question = await asked.answer()
    assert not house.engine.calls
    assert question.only_for == house.ada.id
    assert "todo" in render_text(question)
    done = await house.ada.click(question, labels(question)[0])
    await house.settled()
    assert house.engine.calls == [("stop", "todo")]
    assert not done.messages, "what came of it takes the question's place"
    assert "todo is stopped" in render_text(question)
    assert not labels(question)


async def test_the_question_is_the_one_that_the_card_asks_now(house: House, process: Process) -> None:
    thread = await house.app_thread()
    value = f"{stories.APPROVAL} {stories.BUILD} {stories.DIGEST[:23]}"
    asks = Confirm(title="Deploy, and remove data?", text="The table todos goes.", yes="Deploy it")
    approve = Button(action="approve", value=value, label="Approve", confirm=asks)
    house.engine.cards_there = [Card(kind="build", title="Review", actions=[approve])]
    question = await (await house.ada.click(await house.card(process, thread, approve), "Approve")).answer()
    assert "The table todos goes." in render_text(question)
    await house.ada.click(question, "Deploy it")
    await house.settled()
    assert house.engine.did == ["approve"]


async def test_a_choice_shows_the_file(house: House, process: Process) -> None:
    done = await house.ada.slash("#general", "nexus files", app="todo")
    card = await done.answer()
    chosen = await house.ada.choose(card, "README.md")
    assert "# Todo" in render_text(await chosen.answer())


async def test_a_refusal_is_said_to_the_one_who_pressed(house: House, process: Process) -> None:
    grace = house.discord.guild.add_user("Grace")
    house.engine.refuse = Forbidden("Only Ada may do this.")
    card = await house.card(process, await house.app_thread(), Button(action="restart", value="todo", label="Restart"))
    await grace.click(card, "Restart")
    await house.settled()
    assert "Only Ada may do this." in house.told(grace)[0]
    assert not house.told(house.ada)


async def test_a_form_of_a_card_belongs_to_its_thread(house: House, process: Process) -> None:
    thread = await house.app_thread()
    card = await house.card(process, thread, Button(action="change", value="todo", label="Change…"))
    form = await (await house.ada.click(card, "Change…")).shown()
    await house.ada.submit(form, {"What should be different?": "make it blue"})
    await house.settled()
    assert house.engine.calls[0][:3] == ("change", "todo", "make it blue")
    assert not house.told(house.ada), "they are in the thread, where the card shows it"


async def test_a_form_that_is_refused_opens_again_as_it_was_filled_in(house: House, process: Process) -> None:
    form = await (await house.ada.slash("#general", "nexus env list", app="todo")).answer()
    opened = await (await house.ada.click(form, custom_id="settings")).shown()
    refused = await house.ada.submit(opened, {"Set others": "API_KEY=hunter2\nno equals"})
    answer = await refused.answer()
    assert "no NAME= in front" in render_text(answer)
    assert answer.only_for == house.ada.id
    again = await (await house.ada.click(answer, custom_id=OPEN_FORM)).shown()
    assert "API_KEY=hunter2\nno equals" in render_text(again)
    await house.ada.submit(again, {"Set others": "API_KEY=hunter2"})
    await house.settled()
    assert house.engine.calls[-1][:3] == ("set_settings", "todo", {"API_KEY": "hunter2"})


async def test_what_the_engine_refuses_of_a_form_can_be_filled_in_again_too(house: House, process: Process) -> None:
    form = await (await house.ada.slash("#general", "nexus build")).shown()
    house.engine.refuse = Forbidden("Not more than five at a time.")
    refused = await (await house.ada.submit(form, {"What should it do?": "a shop", "Look": "calm"})).answer()
    assert "Not more than five" in render_text(refused)
    house.engine.refuse = None
    again = await (await house.ada.click(refused, custom_id=OPEN_FORM)).shown()
    await house.ada.submit(again)
    await house.settled()
    (call,) = house.engine.calls
    assert (call[1].description, call[1].styling) == ("a shop", "calm")


async def test_what_was_filled_in_is_nobody_elses_and_gone_after_a_quarter_of_an_hour(house: House, process: Process) -> None:
    thread = await house.app_thread()
    card = await house.card(process, thread, Button(action="delete", value="todo", label="Delete…"))
    form = await (await house.ada.click(card, "Delete…")).shown()
    refused = await (await house.ada.submit(form, {"Type the app's name to confirm": "tudo"})).answer()
    house.discord.advance(1000)
    again = await (await house.ada.click(refused, custom_id=OPEN_FORM)).shown()
    assert again.title == "Delete the app"
    assert "tudo" not in render_text(again)


async def test_approvers_are_chosen_by_name_from_people_and_roles(house: House, process: Process) -> None:
    grace = house.discord.guild.add_user("Grace")
    role = house.discord.guild.add_role("reviewers")
    form = await (await house.ada.slash("#general", "nexus settings", part="approvals")).shown()
    await house.ada.submit(form, {"Who may approve": "The people named below", "Named people": [grace, role]})
    await house.settled()
    ((_, decided),) = house.engine.calls
    assert decided.named_approvers == [grace.id, role.id]
    assert isinstance(house.members, People)
    assert house.members.kept == {grace.id: "Grace", role.id: "@reviewers"}
    house.engine.decided = decided
    again = await (await house.ada.slash("#general", "nexus settings", part="approvals")).shown()
    await house.ada.submit(again)
    await house.settled()
    assert house.engine.calls[-1][1].named_approvers == [grace.id, role.id], "they are chosen already"


@pytest.mark.parametrize("who", ["everybody", "a bot"])
async def test_neither_everybody_nor_a_bot_can_be_named_and_the_form_opens_again(
    house: House, process: Process, who: str
) -> None:
    robot = house.discord.guild.add_user("Robot")
    robot.person.bot = True
    one = robot if who == "a bot" else house.discord.guild.roles[house.guild]
    form = await (await house.ada.slash("#general", "nexus settings", part="approvals")).shown()
    sent = await house.ada.submit(form, {"Who may approve": "The people named below", "Named people": [one]})
    refused = await sent.answer()
    assert ("is a bot" if who == "a bot" else "everybody here") in render_text(refused)
    assert not house.engine.calls
    assert (await (await house.ada.click(refused, custom_id=OPEN_FORM)).shown()).title == "Workspace settings"


async def test_a_channel_is_chosen_by_name(house: House, process: Process) -> None:
    house.discord.guild.add_channel("news")
    form = await (await house.ada.slash("#general", "nexus notify on")).shown()
    await house.ada.submit(form, {"Channel": ["#news"]})
    await house.settled()
    assert house.engine.calls[0][1].channel == house.discord.channel_id("#news")


async def test_who_may_not_is_refused_instead_of_shown_a_form(house: House, process: Process) -> None:
    house.engine.trusted = False
    done = await house.ada.slash("#general", "nexus delete", app="todo")
    answer = await done.answer()
    assert "for admins" in render_text(answer)
    assert answer.only_for == house.ada.id
    assert house.discord.modal(house.ada) is None


async def test_a_form_that_comes_too_late_leaves_a_button_that_opens_it(house: House, process: Process) -> None:
    fault = house.discord.fault("GET /guilds/*/members/*", held=True)
    typing = asyncio.create_task(house.ada.slash(house.ada.dm, "nexus rollback", app="todo"))
    await house.discord.wait_for(lambda: fault.used)
    house.discord.advance(2.5)
    done = await typing
    assert done.acknowledged, done.error
    assert not done.messages
    fault.release()
    await house.settled()
    offer = await done.answer()
    assert "“Roll back” needs a form" in render_text(offer)
    form = await (await house.ada.click(offer, custom_id=OPEN_FORM)).shown()
    await house.ada.submit(form)
    await house.settled()
    assert house.engine.did == ["rollback"]


async def test_that_button_works_after_a_restart(house: House, process: Process) -> None:
    fault = house.discord.fault("GET /guilds/*/members/*", held=True)
    typing = asyncio.create_task(house.ada.slash(house.ada.dm, "nexus delete", app="todo"))
    await house.discord.wait_for(lambda: fault.used)
    house.discord.advance(2.5)
    done = await typing
    fault.release()
    await house.settled()
    offer = await done.answer()
    await process.client.close()
    await house.process()
    assert (await (await house.ada.click(offer, custom_id=OPEN_FORM)).shown()).title == "Delete the app"


async def test_a_press_that_opens_a_form_too_late_is_acknowledged_and_offers_it(house: House, process: Process) -> None:
    card = await house.card(process, house.ada.dm, Button(action="rollback", value="todo", label="Rollback…"))
    fault = house.discord.fault("GET /guilds/*/members/*", held=True)
    pressing = asyncio.create_task(house.ada.click(card, "Rollback…"))
    await house.discord.wait_for(lambda: fault.used)
    house.discord.advance(2.5)
    done = await pressing
    assert done.acknowledged, done.error
    fault.release()
    await house.settled()
    assert "needs a form" in render_text(await done.answer())
    assert house.discord.modal(house.ada) is None


async def test_a_form_for_channels_is_not_offered_where_there_are_none(house: House, process: Process) -> None:
    done = await house.ada.slash(house.ada.dm, "nexus notify on")
    assert "type /nexus notify on in one of its channels" in render_text(await done.answer())


async def test_a_mention_that_asks_for_a_form_gets_a_button_that_opens_it(house: House, process: Process) -> None:
    await house.heard(await house.ada.mention_bot("#general", "delete todo"))
    (offer,) = house.direct(house.ada)
    form = await (await house.ada.click(offer, custom_id=OPEN_FORM)).shown()
    await house.ada.submit(form, {"Type the app's name to confirm": "todo"})
    await house.settled()
    assert house.engine.calls == [("delete", "todo")]


async def test_a_button_of_another_version_says_so(house: House, process: Process) -> None:
    card = await house.card(process, await house.app_thread(), Button(action="dance", value="todo", label="Dance"))
    done = await house.ada.click(card, "Dance")
    assert "another version" in render_text(await done.answer())


# --- trouble --------------------------------------------------------------------------------------------------------------


async def test_what_discord_cannot_say_for_a_moment_is_asked_again(house: House, process: Process) -> None:
    house.discord.fault("GET /guilds/*/members/*", retry_after=0.01)
    await house.heard(await house.ada.direct("a todo app"))
    assert house.engine.did == ["build"]


async def test_a_defect_is_admitted_to_the_one_who_met_it_and_others_go_on(house: House, process: Process) -> None:
    house.engine.refuse = RuntimeError("a defect")
    done = await house.ada.slash("#general", "nexus build", description="a todo app")
    assert "Something went wrong here" in render_text(await done.answer())
    house.engine.refuse = None
    await house.ada.slash("#general", "nexus build", description="a todo app")
    await house.settled()
    assert house.engine.did == ["build"]


async def test_everything_is_acknowledged_in_time_though_the_ledger_is_away(house: House) -> None:
    class Stuck:
        async def keep(self, contents: object) -> object:
            await asyncio.Event().wait()
            raise AssertionError

        async def done(self, keys: object) -> None: ...
        async def renew(self, keys: object) -> None: ...
        async def take(self) -> list[object]:
            return []

    house.kept = Stuck()  # type: ignore[assignment]
    await house.process()
    listed, built = await asyncio.gather(house.ada.slash("#general", "nexus list"), house.ada.slash("#general", "nexus build"))
    assert listed.acknowledged, listed.error
    assert built.acknowledged, built.error
    await house.settled()
    assert built.modal is not None
    assert "todo" in render_text(await listed.answer())


async def test_what_was_acknowledged_is_seen_through_before_the_end(house: House, process: Process) -> None:
    house.engine.hold = asyncio.Event()
    await house.ada.slash("#general", "nexus build", description="a todo app")
    closing = asyncio.create_task(process.desk.close())
    await asyncio.sleep(0)
    house.engine.hold.set()
    await closing
    assert house.engine.did == ["build"]


async def test_a_server_that_removes_the_bot_is_told_of(house: House, process: Process) -> None:
    house.discord.guild.remove_bot()
    await house.discord.wait_for(lambda: house.removed)
    assert [guild for guild, _ in house.removed] == [house.guild]


async def test_what_is_typed_is_completed_with_the_apps_that_are_there(house: House, process: Process) -> None:
    offered = await house.ada.autocomplete("#general", "nexus show", "app", "to")
    assert [one["value"] for one in offered.choices] == ["todo"]
    thread = await house.app_thread()
    offered = await house.ada.autocomplete(thread, "nexus rollback", "release")
    assert [one["value"] for one in offered.choices] == [2, 1]


async def test_a_form_that_is_none_of_its_own_is_answered_at_once(house: House, process: Process) -> None:
    form = await (await house.ada.slash("#general", "nexus build")).shown()
    form.custom_id = "FromAnotherVersion"
    sent = await house.ada.submit(form, {"What should it do?": "a todo app"})
    assert "another version of Nexus" in (await sent.answer()).content
    assert not house.engine.calls


@pytest.mark.parametrize("fault", ["lose", "cut"])
@pytest.mark.parametrize("command", ["list", "build"])
async def test_what_is_answered_on_a_connection_that_breaks_is_answered_all_the_same(
    house: House, process: Process, command: str, fault: str
) -> None:
    house.discord.fault("POST /interactions/*/callback", **{fault: True})
    done = await house.ada.slash("#general", f"nexus {command}")
    assert done.acknowledged, done.error
    await house.settled()
    if command == "build":
        assert (await done.shown()).title == "Build an app"
        assert not house.private(house.ada)
    else:
        assert "todo" in render_text(await done.answer())
    assert not house.direct(house.ada)
