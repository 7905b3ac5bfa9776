"""The outbox in front of Slack: what was missed in an outage, or by a process that died, is shown in order, once."""

from __future__ import annotations

import asyncio

import pytest

from adapters.slack.stream import Streaming
from core.conversation.fake_chat import MemorySentMessages
from core.conversation.outbox import Outbox
from core.conversation.presenter.message import Message
from core.ids import ThreadId
from core.words.cards import Card, Text, Tone
from tests.contract.slack.conftest import Outside, Process
from tests.support import fake_cards
from tests.support.chat_cards import review

THREAD = ThreadId("thr_1")
WORKING = Message(key="build:1", card=fake_cards.working(1))
REVIEW = Message(key="build:1", card=review())
SAID = Message(key="said:1", text="make it blue", author="Ada")
DEPLOY = Message(key="deploy:1", card=Card(kind="deploy", title="Todo app", tone=Tone.WORKING, status="Deploying"))
LIVE = Message(
    key="deploy:1", card=Card(kind="deploy", title="Todo app", tone=Tone.GOOD, status="Live", children=[Text(text="v1")])
)
WRITES = ("chat.postMessage", "chat.update", "chat.startStream", "chat.appendStream", "chat.stopStream")
END = [REVIEW, SAID, LIVE]


def outbox(process: Process, sent: MemorySentMessages) -> Outbox:
    return Outbox({"slack": process.chat}, sent, clock=process.clock)


def ends(outside: Outside, texts: list[str]) -> list[bool]:
    return [what in text for what, text in zip(["Ready for review", "make it blue", "Live"], texts, strict=True)]


@pytest.mark.parametrize("streaming", [Streaming.NEVER, Streaming.EVERYWHERE])
@pytest.mark.parametrize("refuse", [True, False])
async def test_after_an_outage_the_thread_catches_up_in_order_and_once(
    outside: Outside, streaming: Streaming, refuse: bool
) -> None:
    one, sent = outside.process(streaming=streaming), MemorySentMessages()
    thread = await outside.thread(one)
    box = outbox(one, sent)
    box.show(THREAD, thread, [WORKING])
    await box.settled()
    await outside.slack.begin_outage(refuse=refuse)
    box.show(THREAD, thread, [REVIEW])
    await outside.slack.wait_for(lambda: len(one.clock.slept) > 3, why="some tries in vain")
    box.show(THREAD, thread, [REVIEW, SAID, DEPLOY])
    box.show(THREAD, thread, END)
    await outside.slack.end_outage()
    await box.settled()
    assert ends(outside, outside.texts(thread)) == [True] * 3


@pytest.mark.parametrize("streaming", [Streaming.NEVER, Streaming.EVERYWHERE])
async def test_processes_that_are_killed_after_every_call_leave_a_thread_that_the_next_one_completes(
    outside: Outside, streaming: Streaming
) -> None:
    sent = MemorySentMessages()
    thread = await outside.thread(outside.process())
    for number, wanted in enumerate([[WORKING], [REVIEW], [REVIEW, SAID], [REVIEW, SAID, DEPLOY], END, END]):
        process = outside.process(streaming=streaming)
        held = [outside.slack.fault(method, delay=30.0) for method in WRITES]  # they have an effect, and no answer comes
        box = outbox(process, sent)
        box.show(THREAD, thread, wanted)
        await outside.slack.wait_for(lambda held=held: any(one.used for one in held), why=f"a call of process {number}")
        await box.close()
        await process.chat.close()
        for one in held:
            one.times = 0
    last = outbox(outside.process(streaming=streaming), sent)
    last.show(THREAD, thread, END)
    await last.settled()
    assert ends(outside, outside.texts(thread)) == [True] * 3


@pytest.mark.parametrize("what", [{"lose": True}, {"status": 500}, {"retry_after": 2}, {"error": "internal_error"}])
async def test_whatever_call_is_lost_the_thread_looks_the_same_in_the_end(outside: Outside, what: dict[str, object]) -> None:
    one, sent = outside.process(streaming=Streaming.EVERYWHERE), MemorySentMessages()
    thread = await outside.thread(one)
    box = outbox(one, sent)
    lost = 0
    for wanted in ([WORKING], [Message(key="build:1", card=fake_cards.working(3))], [REVIEW, SAID], [REVIEW, SAID, DEPLOY], END):
        faults = [outside.slack.fault(method, **what) for method in WRITES]
        box.show(THREAD, thread, wanted)
        await box.settled()
        lost += sum(fault.used for fault in faults)
        for fault in faults:
            fault.times = 0
    assert lost >= 6
    assert ends(outside, outside.texts(thread)) == [True] * 3


async def test_many_threads_in_one_channel_catch_up_together(outside: Outside) -> None:
    one, sent = outside.process(), MemorySentMessages()
    threads = await asyncio.gather(*(outside.thread(one, key=f"app_{number}") for number in range(12)))
    box = outbox(one, sent)
    await outside.slack.begin_outage()
    for number, thread in enumerate(threads):
        box.show(ThreadId(f"thr_{number}"), thread, END)
    await outside.slack.wait_for(lambda: len(one.clock.slept) > 20, why="tries in vain")
    await outside.slack.end_outage()
    await box.settled()
    assert [ends(outside, outside.texts(thread)) for thread in threads] == [[True] * 3] * 12
