"""Sentences, questions and followed logs in Discord; and what a press on a button says."""

from __future__ import annotations

from typing import Any

import pytest
from discord import ui
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.discord.render.buttons import Choice, Ids, Press, opens, press_of
from adapters.discord.render.tail import over, tail
from adapters.discord.render.words import pages, question, said, words
from core.conversation.tailing import Tail
from core.words.cards import Button, Confirm, Link
from tests.support.any_cards import bare, texts
from tests.unit.discord.render.limits import components, contents, live, parsed, refused, shown, stored, wrong

quickly = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


def payload(view: ui.LayoutView) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = view.to_components()  # type: ignore[no-untyped-call]
    assert (wrong(made), refused(made), stored(view)) == ([], [], [])
    return made


def buttons(view: ui.LayoutView) -> list[tuple[str, str, int]]:
    found = [one for one in components(payload(view)) if one["type"] == 2]
    return [(one["label"], one.get("custom_id") or one["url"], one["style"]) for one in found]


# -- words -----------------------------------------------------------------------------------------------------------------


@quickly
@given(text=texts)
def test_any_words_are_a_message_and_all_of_them_are_on_its_pages(text: str) -> None:
    made = [payload(view) for view in (words(text), *pages(text))]
    assert [live(one) for one in made] == [[] for _ in made]
    assert bare(text) in bare("".join(map(shown, made[1:])))


def test_what_is_longer_than_a_message_says_that_it_goes_on() -> None:
    long = "one two three " * 1000
    assert "it goes on" in shown(payload(words(long)))
    assert "it goes on" not in "".join(shown(payload(view)) for view in pages(long))


def test_the_buttons_are_below_the_last_words() -> None:
    again = Button(action="open_form", value="k", label="Open the form again", style="primary")
    link = Link(label="The thread", url="https://discord.com/channels/1/2")
    made = pages("words " * 1500, [again, link], title="Not done")
    assert [len(buttons(view)) for view in made] == [0] * (len(made) - 1) + [2]
    assert contents(payload(made[0]))[0].startswith("### Not done\nwords")
    assert buttons(made[-1])[0] == ("Open the form again", "open_form:k", 3)


def test_what_a_person_said_is_quoted_under_their_name() -> None:
    made = said("Ann *B*", "make it <@1>\n> blue")
    assert contents(payload(made)) == ["**Ann \\*B\\*** said:\n> make it \\<\u2060@1\\>".replace("\\>", ">") + "\n> \\> blue"]
    assert live(payload(made)) == []


def test_a_question_has_a_button_that_does_it() -> None:
    asks = Confirm(title="Discard?", text="It is gone then.", yes="Discard it")
    button = Button(action="discard", value="ap_1", label="Discard", style="danger", confirm=asks)
    made = question(asks, button)
    assert contents(payload(made)) == ["### Discard?\nIt is gone then."]
    assert buttons(made) == [("Discard it", "discard:ap_1", 4)]


# -- followed logs ---------------------------------------------------------------------------------------------------------


def test_a_followed_log_shows_its_last_lines_until_when_and_a_button() -> None:
    made = tail(Tail(slug="todo", lines=["up ```", "@everyone " * 100], ends_at=1_800_000_000))
    assert "until <t:1800000000:T>" in contents(payload(made))[2]
    assert live(payload(made), allowed=frozenset({"timestamp"})) == []
    assert buttons(made) == [("Stop", "stop_tail:", 2)]


def test_a_log_that_is_over_says_why_and_has_no_button() -> None:
    made = tail(Tail(slug="todo", lines=[], ends_at=1_800_000_000, ended="The time is up."))
    assert "The time is up. This log is not followed any more." in shown(payload(made))
    assert buttons(made) == buttons(over("This log is not followed any more.")) == []


# -- presses ---------------------------------------------------------------------------------------------------------------


@quickly
@given(action=st.from_regex(r"[a-z_]{1,30}", fullmatch=True), value=st.text(max_size=60), asks=st.booleans())
def test_what_a_press_says_is_what_the_button_was_made_of(action: str, value: str, asks: bool) -> None:
    ids = Ids()
    first, second = ids.of(action, value, asks=asks), ids.of(action, value, asks=asks)
    assert first != second
    assert press_of(first) == press_of(second) == (action, value, asks)
    patterns = [kind.__discord_ui_compiled_template__ for kind in (Press, Choice)]
    assert [sum(pattern.fullmatch(one) is not None for pattern in patterns) for one in (first, second)] == [1, 1]


@pytest.mark.parametrize("custom_id", ["", "approve", "Approve:x", ":x", "a b:x", "?", "~2:x"])
def test_what_is_no_button_of_ours_says_nothing(custom_id: str) -> None:
    assert press_of(custom_id) == ("", "", False)


def test_a_value_that_is_too_long_for_discord_has_no_id() -> None:
    ids = Ids()
    assert ids.of("a" * 30, "v" * 69) == "a" * 30 + ":" + "v" * 69
    assert ids.of("a" * 30, "v" * 69, asks=True) == ""
    assert ids.of("A", "v") == ""


@pytest.mark.parametrize("url", ["https://a.example", "http://10.0.0.7:8080/x?y=z", "https://a.b.example/#here"])
def test_a_button_may_lead_to_the_web(url: str) -> None:
    assert opens(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://todo.localhost:8080",
        "http://localhost",
        "http://nexus:8080",
        "http://[::1]/",
        "javascript:x",
        "https://a.example/" + "y" * 500,
    ],
)
def test_a_button_leads_nowhere_that_discord_refuses(url: str) -> None:
    assert not opens(url)


async def test_a_press_on_a_message_that_was_received_is_told_to_the_client() -> None:
    told: list[tuple[str, object]] = []

    class Client:
        def dispatch(self, event: str, interaction: object) -> None:
            told.append((event, interaction))

    interaction: Any = type("Interaction", (), {"client": Client()})()
    item = next(
        one for one in parsed(words("x", [Button(action="logs", value="a", label="L")])).walk_children() if one.is_dispatchable()
    )
    match = Press.__discord_ui_compiled_template__.fullmatch("logs:a")
    assert match is not None
    press = await Press.from_custom_id(interaction, item, match)
    await press.callback(interaction)
    assert (press.custom_id, told) == ("logs:a", [("press", interaction)])
