"""What stands behind a button that opens a form: what was filled in, what it is about, and whose it is."""

from __future__ import annotations

import pytest

from adapters.discord.drafts import LIFE, MOST, VALUE, Drafts
from adapters.discord.inbound import Filled, Pressed, Said, Where
from core.conversation.form_opening import press_opens
from core.ids import PrincipalId, WorkspaceId
from core.words.inbound import Action, Command, Reply, Who

WHO = Who(principal=PrincipalId("p_1"), workspace=WorkspaceId("w_1"), name="Ada")
FORMS = ["build", "change", "env", "rollback", "delete", "notify", "settings", "models"]


class Now:
    time = 0.0

    def __call__(self) -> float:
        return self.time


def filled(form: str = "env", value: str = "todo", **values: str) -> Filled:
    return Filled(where=Where(user="1"), key="k", form=form, value=value, values=values)


def press(value: str, user: str = "1") -> Pressed:
    return Pressed(where=Where(user=user), key="p", action="open_form", value=value)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", ["todo", "a" * 60, ""])
def test_every_form_has_a_button_whose_value_fits_and_opens_that_form(form: str, value: str) -> None:
    drafts = Drafts()
    button = drafts.refused(filled(form, value))
    assert 0 < len(button) <= VALUE
    asked = drafts.asked(press(button))
    assert isinstance(asked, Pressed)
    assert press_opens(asked.action)
    draft = drafts.find(button, "1")
    assert draft is not None
    assert (draft.form, draft.value) == (form, value)


def test_a_form_that_nothing_opens_has_no_button() -> None:
    assert Drafts().refused(filled("of another version")) == ""


def test_what_was_filled_in_is_nobody_elses() -> None:
    drafts = Drafts()
    button = drafts.refused(filled(more="KEY=hunter2"))
    assert drafts.find(button, "2") is None
    assert drafts.lacks(press(button, "2"))
    assert not drafts.lacks(press(button))


def test_it_is_kept_for_a_while_and_what_it_is_about_for_good() -> None:
    now = Now()
    drafts = Drafts(now=now)
    button = drafts.refused(filled(more="KEY=hunter2"))
    now.time = LIFE + 1
    assert drafts.find(button, "1") is None
    for one in (drafts, Drafts()):  # as after a restart
        asked = one.asked(press(button))
        assert isinstance(asked, Pressed)
        assert (asked.action, asked.value) == ("settings", "todo")


def test_what_is_too_long_for_a_button_is_known_to_be_gone_after_a_restart() -> None:
    button = Drafts().refused(filled(value="a" * 69))
    assert Drafts().asked(press(button)) is None


def test_not_without_end_many_are_kept() -> None:
    drafts = Drafts()
    first = drafts.refused(filled())
    others = [drafts.refused(filled()) for _ in range(MOST)]
    assert drafts.find(first, "1") is None
    assert all(drafts.find(one, "1") is not None for one in others)


@pytest.mark.parametrize("text", ["rollback todo", "build --styling " + "x" * 200])
def test_a_command_that_came_too_late_is_asked_again_in_its_words(text: str) -> None:
    drafts = Drafts()
    button = drafts.late(Command(who=WHO, key="k", text=text), "1")
    assert len(button) <= VALUE
    asked = drafts.asked(press(button))
    assert isinstance(asked, Said)
    assert (asked.text, asked.way, asked.key) == (text, "command", "p")


def test_a_press_that_came_too_late_is_asked_again_and_words_in_a_thread_are_not() -> None:
    drafts = Drafts()
    button = drafts.late(Action(who=WHO, key="k", action="change", value="todo"), "1")
    asked = drafts.asked(press(button))
    assert isinstance(asked, Pressed)
    assert (asked.action, asked.value) == ("change", "todo")
    assert drafts.late(Reply.__new__(Reply), "1") == ""
    assert drafts.late(None, "1") == ""


@pytest.mark.parametrize("value", ["", "dance", "do", "say", "again", "again ", "say  "])
def test_what_is_no_button_of_ours_asks_for_nothing(value: str) -> None:
    asked = Drafts().asked(press(value))
    assert asked is None or isinstance(asked, Said)
