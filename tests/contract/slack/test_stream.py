"""Progress by Slack's own stream, and by edits wherever that is not to be had."""

from __future__ import annotations

import pytest

from adapters.slack.stream import KEEP_ALIVE, LIFE, Streaming
from core.errors import TemporaryError
from core.words.cards import Card, Step, Steps, StepState, Tone
from core.words.thread_ref import ThreadRef
from tests.contract.slack.conftest import Outside, Process
from tests.support import fake_cards
from tests.support.chat_cards import review
from tests.support.slack.state import Message


async def direct(outside: Outside, process: Process) -> ThreadRef:
    """A thread in Ada's direct conversation with the bot."""
    channel = outside.slack.workspace.dm(outside.ada.id).id
    return await process.chat.open_thread(outside.slack.workspace.id, channel, "a todo app", key="app_1", user=outside.ada.id)


def only(outside: Outside, thread: ThreadRef) -> Message:
    (message,) = outside.shown(thread)
    return message


async def test_progress_in_a_direct_conversation_is_one_stream_from_the_first_step_to_the_review(outside: Outside) -> None:
    one = outside.process(streaming=Streaming.DIRECT)
    thread = await direct(outside, one)
    message = await one.chat.post(thread, fake_cards.working(0), key="build:1")
    for stage in (1, 2, 3, 4, 5):
        await one.chat.edit(thread, message, fake_cards.working(stage))
    stream = only(outside, thread).stream
    assert stream is not None
    assert stream.is_open
    assert (stream.mode, stream.recipient) == ("plan", outside.ada.id)
    assert [task["status"] for task in stream.tasks.values()] == ["complete"] * 5 + ["in_progress"]
    await one.chat.edit(thread, message, review())
    assert not stream.is_open
    shown = only(outside, thread)
    assert shown.ts == message
    assert "Approve & deploy" in outside.texts(thread)[0]
    assert "Cancel" not in outside.texts(thread)[0]
    assert shown.metadata == {"event_type": "nexus_message", "event_payload": {"key": "build:1"}}
    assert len(outside.slack.called("chat.update")) == 1


async def test_cancel_can_be_pressed_while_it_streams(outside: Outside) -> None:
    one = outside.process(streaming=Streaming.DIRECT)
    thread = await direct(outside, one)
    await one.chat.post(thread, fake_cards.working(1), key="build:1")
    (button,) = [block["accessory"] for block in only(outside, thread).blocks if "accessory" in block]
    assert (button["action_id"], button["value"], button["text"]["text"]) == ("cancel", "bld_1", "Cancel")


async def test_in_a_channel_progress_is_edited_where_all_see_it_unless_told_otherwise(outside: Outside) -> None:
    one, other = outside.process(streaming=Streaming.DIRECT), outside.process(streaming=Streaming.EVERYWHERE)
    thread = await outside.thread(one)
    await one.chat.post(thread, fake_cards.working(1), key="build:1")
    assert not outside.slack.called("chat.startStream")
    await other.chat.post(thread, fake_cards.working(1), key="build:2")
    (call,) = outside.slack.called("chat.startStream")
    assert call.ok
    assert call.args["recipient_team_id"] == outside.slack.workspace.id


async def test_only_work_that_goes_on_is_streamed(outside: Outside) -> None:
    one, never = outside.process(streaming=Streaming.EVERYWHERE), outside.process(streaming=Streaming.NEVER)
    thread = await direct(outside, one)
    await one.chat.post(thread, review(), key="build:1")
    notice = Card(
        kind="notice", title="Restarting", tone=Tone.WORKING, children=[Steps(steps=[Step(name="Stop", state=StepState.RUNNING)])]
    )
    await one.chat.post(thread, notice, key="notice:1")
    await never.chat.post(thread, fake_cards.working(1), key="build:2")
    assert not outside.slack.called("chat.startStream")
    assert len(outside.shown(thread)) == 3


@pytest.mark.parametrize(
    "error", ["unknown_method", "missing_scope", "channel_type_not_supported", "not_allowed", "access_denied"]
)
async def test_where_slack_refuses_to_stream_it_is_edited_and_not_asked_again(outside: Outside, error: str) -> None:
    one = outside.process(streaming=Streaming.DIRECT)
    thread = await direct(outside, one)
    outside.slack.fault("chat.startStream", error=error, times=99)
    for number in (1, 2):
        message = await one.chat.post(thread, fake_cards.working(1), key=f"build:{number}")
        await one.chat.edit(thread, message, review())
    assert len(outside.slack.called("chat.startStream")) == 1
    assert ["Ready for review" in text for text in outside.texts(thread)] == [True, True]


async def test_what_is_wrong_with_one_person_says_nothing_of_the_next(outside: Outside) -> None:
    one = outside.process(streaming=Streaming.DIRECT)
    thread = await direct(outside, one)
    outside.slack.fault("chat.startStream", error="user_not_found")
    for number in (1, 2):
        await one.chat.post(thread, fake_cards.working(1), key=f"build:{number}")
    assert [message.stream is not None for message in outside.shown(thread)] == [False, True]


async def test_where_too_many_streams_are_begun_the_next_is_edited_at_once(outside: Outside) -> None:
    one = outside.process(streaming=Streaming.DIRECT)
    thread = await direct(outside, one)
    outside.slack.fault("chat.startStream", retry_after=30)
    await one.chat.post(thread, fake_cards.working(1), key="build:1")
    assert only(outside, thread).stream is None
    assert not one.clock.slept


async def test_a_stream_whose_first_answer_was_lost_is_found_by_its_first_block(outside: Outside) -> None:
    one = outside.process(streaming=Streaming.DIRECT)
    thread = await direct(outside, one)
    outside.slack.fault("chat.startStream", lose=True)
    with pytest.raises(TemporaryError):
        await one.chat.post(thread, fake_cards.working(1), key="build:1")
    message = await one.chat.post(thread, fake_cards.working(2), key="build:1")
    await one.chat.edit(thread, message, review())
    assert "Ready for review" in outside.texts(thread)[0]
    assert only(outside, thread).ts == message


@pytest.mark.parametrize("method", ["chat.appendStream", "chat.stopStream"])
@pytest.mark.parametrize("what", [{"lose": True}, {"status": 503}, {"retry_after": 100}])
async def test_whatever_is_lost_of_a_stream_its_end_is_shown_once(outside: Outside, method: str, what: dict[str, object]) -> None:
    one = outside.process(streaming=Streaming.DIRECT)
    thread = await direct(outside, one)
    message = await one.chat.post(thread, fake_cards.working(1), key="build:1")
    fault = outside.slack.fault(method, **what)
    for card in (fake_cards.working(2), review()):
        try:
            await one.chat.edit(thread, message, card)
        except TemporaryError:
            one.clock.time += 120
            await one.chat.edit(thread, message, card)
    assert fault.used == 1
    assert "Ready for review" in outside.texts(thread)[0]
    assert only(outside, thread).ts == message


async def test_a_stream_that_slack_closed_goes_on_as_edits(outside: Outside) -> None:
    one = outside.process(streaming=Streaming.DIRECT)
    thread = await direct(outside, one)
    message = await one.chat.post(thread, fake_cards.working(1), key="build:1")
    stream = only(outside, thread).stream
    assert stream is not None
    stream.expire()
    await one.chat.edit(thread, message, fake_cards.working(4))
    assert "Install dependencies" in outside.texts(thread)[0]
    assert "Cancel" in outside.texts(thread)[0]
    await one.chat.edit(thread, message, review())
    assert "Ready for review" in outside.texts(thread)[0]


async def test_a_stream_of_a_process_that_died_is_taken_over(outside: Outside) -> None:
    dead, next_one = outside.process(streaming=Streaming.DIRECT), outside.process(streaming=Streaming.DIRECT)
    thread = await direct(outside, dead)
    message = await dead.chat.post(thread, fake_cards.working(1), key="build:1")
    await dead.chat.close()
    await next_one.chat.edit(thread, message, fake_cards.working(3))
    await next_one.chat.edit(thread, message, review())
    assert "Ready for review" in outside.texts(thread)[0]
    assert only(outside, thread).ts == message


async def test_a_stream_of_a_process_that_died_before_it_wrote_down_the_id_is_found(outside: Outside) -> None:
    dead, next_one = outside.process(streaming=Streaming.DIRECT), outside.process(streaming=Streaming.DIRECT)
    thread = await direct(outside, dead)
    message = await dead.chat.post(thread, fake_cards.working(1), key="build:1")
    await dead.chat.close()
    assert await next_one.chat.post(thread, review(), key="build:1") == message
    assert "Ready for review" in outside.texts(thread)[0]


async def test_a_stream_is_kept_alive_while_nothing_happens_and_is_edited_before_its_time_is_over(outside: Outside) -> None:
    one = outside.process(streaming=Streaming.DIRECT)
    thread = await direct(outside, one)
    message = await one.chat.post(thread, fake_cards.working(3), key="build:1")
    await outside.slack.wait_for(lambda: outside.slack.called("chat.update"), why="an edit in place of the stream")
    appends = outside.slack.called("chat.appendStream")
    assert len(appends) >= LIFE / KEEP_ALIVE - 2
    assert all(call.ok for call in appends)
    assert [call.ok for call in outside.slack.called("chat.stopStream")] == [True]
    await outside.slack.wait_for(lambda: "Install dependencies" in outside.texts(thread)[0])
    await one.chat.edit(thread, message, review())
    assert "Ready for review" in outside.texts(thread)[0]


async def test_a_stream_that_somebody_deleted_is_not_followed(outside: Outside) -> None:
    one = outside.process(streaming=Streaming.DIRECT)
    thread = await direct(outside, one)
    message = await one.chat.post(thread, fake_cards.working(1), key="build:1")
    outside.slack.delete_message(only(outside, thread))
    await one.chat.edit(thread, message, fake_cards.working(2))
    assert outside.shown(thread) == []
    await one.chat.edit(thread, message, review())
    assert "Ready for review" in outside.texts(thread)[0]
