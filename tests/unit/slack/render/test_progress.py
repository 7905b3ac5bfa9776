"""Progress as the plan of a stream: only what changed is sent, and what is sent again replaces what was there."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.slack.render.progress import chunks
from core.words.cards import Card, Step, Steps, StepState, Text, Tone
from tests.support import fake_cards
from tests.support.any_cards import cards, texts, walk
from tests.support.slack.validation import check_chunks


def working(*steps: Step, **more: Any) -> Card:
    return Card(
        **{
            "kind": "build",
            "title": "Todo",
            "status": "Building",
            "tone": Tone.WORKING,
            "children": [Steps(steps=list(steps))],
            **more,
        }
    )


def step(name: str, state: StepState = StepState.RUNNING, **more: Any) -> Step:
    return Step(name=name, state=state, **more)


def played(shown: list[list[dict[str, Any]]]) -> dict[str, tuple[str, str]]:
    """What the plan shows after all of them: Slack replaces a task's title and state."""
    plan: dict[str, tuple[str, str]] = {}
    for chunk in (chunk for told in shown for chunk in told):
        if chunk["type"] == "task_update":
            plan[chunk["id"]] = (chunk["title"], chunk["status"])
    return plan


def test_a_stream_begins_with_the_title_and_all_that_is_to_come() -> None:
    told = chunks(None, fake_cards.working(0))
    assert told[0] == {"type": "plan_update", "title": "Todo app · Building"}
    assert [(chunk["title"], chunk["status"]) for chunk in told[1:3]] == [("Plan", "in_progress"), ("Write the files", "pending")]


def test_nothing_is_sent_when_nothing_changed() -> None:
    assert chunks(fake_cards.working(2), fake_cards.working(2)) == []


def test_only_the_steps_that_changed_are_sent() -> None:
    told = chunks(fake_cards.working(0), fake_cards.working(1))
    assert [chunk["id"] for chunk in told] == ["plan", "write-the-files"]


def test_what_changes_is_in_the_title_because_slack_appends_to_details() -> None:
    moments = [None, *(fake_cards.working(stage) for stage in range(6))]
    told = [chunks(old, new) for old, new in pairwise(moments) if new is not None]
    assert all(not {"details", "output"} & set(chunk) for part in told for chunk in part)
    assert played(told)["write-the-files"] == ("Write the files · 9 of 9 · 1.2 s", "complete")


def test_a_step_that_comes_in_between_leaves_the_others_their_ids() -> None:
    old = working(step("Plan", StepState.DONE), step("Build"))
    new = working(step("Plan", StepState.DONE), step("Repair"), step("Build"))
    assert [chunk["id"] for chunk in chunks(old, new)] == ["repair"]


def test_two_steps_of_one_name_are_two_tasks() -> None:
    assert set(played([chunks(None, working(step("Repair", StepState.FAILED), step("Repair")))])) == {"repair", "repair#2"}


def test_a_step_that_is_no_more_is_ended() -> None:
    assert chunks(working(step("Old"), step("New")), working(step("New"))) == [
        {"type": "task_update", "id": "old", "title": "Old", "status": "complete"}
    ]


def test_waiting_in_the_queue_is_a_task_that_ends_when_the_work_begins() -> None:
    queued = working(children=[Text(text="It waits for a free place. 2 builds are ahead of it.")])
    first = chunks(None, queued)
    assert (first[1]["title"], first[1]["status"]) == ("It waits for a free place. 2 builds are ahead of it.", "in_progress")
    assert played([first, chunks(queued, working(step("Plan")))])["waiting"][1] == "complete"


def test_failed_and_skipped_steps_say_so() -> None:
    told = played([chunks(None, working(step("Try", StepState.FAILED, detail="exit 1"), step("Picture", StepState.SKIPPED)))])
    assert told == {"try": ("Try · exit 1", "error"), "picture": ("Picture · skipped", "complete")}


def test_notes_are_told_once_and_never_as_markdown() -> None:
    old = working(step("Plan"))
    noted = working(children=[*old.children, Text(text="Asked again <!channel>\nand again", style="muted")])
    more = working(children=[*old.children, Text(text="Asked again <!channel>\nand again\nand once more", style="muted")])
    [first] = chunks(old, noted)
    assert [e["text"] for e in walk(first) if e.get("type") == "plain_text"] == ["Asked again <\u2060!channel>\nand again"]
    [second] = chunks(noted, more)
    assert [e["text"] for e in walk(second) if e.get("type") == "plain_text"] == ["and once more"]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(old=st.none() | cards, new=cards, names=st.lists(texts, max_size=3))
def test_slack_takes_the_progress_of_any_card(old: Card | None, new: Card, names: list[str]) -> None:
    new = new.model_copy(update={"children": [*new.children, Steps(steps=[step(name) for name in names])]})
    told = chunks(old, new)
    check_chunks(told)
    assert chunks(new, new) == []
    assert all("markdown_text" != chunk["type"] for chunk in told)
