"""What one platform cannot do as another does, and what stands in for it there: the whole list.

`steps` says what is done everywhere; `Walk.do` tries that first, and comes here when it cannot be done. A line that is not needed any
more fails the test, and so does a difference that is not in the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from tests.journey.parity.discord_person import AGAIN, UNREAD, DiscordPerson
from tests.journey.parity.people import File, Person, Shown
from tests.journey.parity.slack_person import SlackPerson
from tests.journey.parity.walk import Substitute, Walk
from tests.journey.parity.ways import grown
from tests.journey.parity.web_person import WebPerson

P = TypeVar("P", bound=Person)


def _who(w: Walk, kind: type[P]) -> P:
    assert isinstance(w.person, kind)
    return w.person


# -- the page --------------------------------------------------------------------------------------------------------------------


async def _no_channel(w: Walk) -> None:
    told = await w.person.answer(w.person.types("notify"), "Notifications are for channels of Slack and Discord")
    assert "every app's thread is in the list" in told.words


async def _list_of_threads(w: Walk) -> list[str]:
    you = _who(w, WebPerson)
    await you.types("list")
    assert "Notes" in await you.listed("Notes")
    assert "Live" in await you.listed("Notes")
    return []


async def _option_of_the_command(w: Walk) -> tuple[Shown, dict[str, str]]:
    return await w.person.form(w.person.types("build --provider openai"), "Build an app"), {"Name": "notes"}


async def _options_of_the_command(w: Walk) -> tuple[Shown, dict[str, str]]:
    """The form keeps what was typed into options, and has a place for a picture."""
    form = await w.person.form(w.person.types("build --provider openai --name notes"), "Build an app")
    assert "A picture to start from" in form.inputs
    return form, {}


async def _tab(w: Walk, card: Shown) -> str:
    return await _who(w, WebPerson).tab(card, "Setup")


async def _long_log(w: Walk) -> str:
    return (await w.person.answer(w.person.types("logs todos --lines 1000"), "Log of todos", "Listening on")).words


async def _goes_there(w: Walk, text: str, words: tuple[str, ...]) -> None:
    """The page went to the app's thread already; asked again there, it shows the same as elsewhere."""
    await w.person.answer(w.person.types(text, thread=w.notes), *words)


# -- Slack -----------------------------------------------------------------------------------------------------------------------


async def _mention(w: Walk, text: str, words: list[str]) -> Shown:
    ada = _who(w, SlackPerson)
    return await ada.answer(ada.mentions(text, w.notes), *words)


async def _direct_message(w: Walk, shown: Shown, label: str) -> File:
    """It came: the usual way has shown that, and by which way."""
    ada = _who(w, SlackPerson)
    return ada.got[-1]


async def _nearest(w: Walk) -> list[str]:
    typed, words = "logs todoz", ("Did you mean todos?",)
    return [(await w.person.answer(w.person.types(typed), *words)).words]


# -- Slack and Discord -----------------------------------------------------------------------------------------------------------


async def _followed_message(w: Walk) -> Shown:
    """A message of its own in the app's thread, edited as lines come, until somebody stops it or a quarter of an hour is over."""
    log = await w.person.answer(w.person.press(w.card, "Logs"), "Log of todos")
    await w.person.press(log, "Follow it live")
    followed = await w.person.card(w.todos, "Log of todos", "Followed until", buttons=["Stop"])
    seen = await grown(w, followed)
    await w.person.press(seen, "Stop")
    ended = await w.person.again(followed, "Somebody stopped it.")
    assert "Stop" not in ended.buttons
    return ended


# -- Discord ---------------------------------------------------------------------------------------------------------------------


async def _address(w: Walk, card: Shown) -> str:
    """What is not reached from elsewhere is a link in the card; Discord takes no button of it."""
    ada = _who(w, DiscordPerson)
    return ada.linked(card)[0]


async def _asked_in_a_message(w: Walk, shown: Shown, label: str) -> str:
    """Private, with a button that does it. Nothing is done until it is pressed."""
    ada = _who(w, DiscordPerson)
    question = await ada.answer(ada.press(shown, label), "?")
    assert [label] == list(question.buttons)
    await ada.press(question, label)
    return question.words


async def _opened_again(w: Walk, form: Shown, wrong: dict[str, str]) -> tuple[Shown, str]:
    """The refusal is an answer with a button, which opens the form as it was filled in."""
    ada = _who(w, DiscordPerson)
    told = ada.told_last
    again = await ada.form(ada.press(told, AGAIN), form.handle.title)
    for typed in wrong.values():
        assert typed in again.words, again
    return again, told.words


async def _settings_card(w: Walk) -> Shown:
    ada = _who(w, DiscordPerson)
    card = await ada.answer(ada.types("settings"), "Workspace")
    return await ada.form(ada.press(card, "Approvals…"), "Workspace settings")


async def _mentioned(w: Walk, text: str) -> Shown:
    """What mentions the bot is shown to it."""
    ada = _who(w, DiscordPerson)
    await ada.mentions(text, w.todos)
    return await ada.card(w.todos, "Ready for review", text)


async def _said_to_the_bot(w: Walk, text: str, words: tuple[str, ...]) -> None:
    """What cannot be chosen can be said to the bot, which answers that by a direct message."""
    ada = _who(w, DiscordPerson)
    await ada.answer(ada.mentions(text, "#general"), *words)


SUBSTITUTES: Mapping[tuple[str, str], Substitute] = {
    ("news in a channel", "web"): Substitute(
        why="the page has no channels", instead="the command says so, and where to look", way=_no_channel
    ),
    ("what a channel was told", "web"): Substitute(
        why="the page has no channels", instead="the list of threads says of each app how it is", way=_list_of_threads
    ),
    ("forms of more than five inputs", "web"): Substitute(
        why="the page's form asks what Discord's can", instead="--provider in the command", way=_option_of_the_command
    ),
    ("setup on the card", "web"): Substitute(why="no button is needed", instead="a tab of the card", way=_tab),
    ("the whole log as a file", "web"): Substitute(
        why="the card of a log has no button for it", instead="as many lines as are asked for, to be copied", way=_long_log
    ),
    ("show of an app elsewhere", "web"): Substitute(
        why="the page has the app's thread at hand", instead="the page goes there", way=_goes_there
    ),
    ("a command in a thread", "slack"): Substitute(
        why="Slack refuses slash commands in threads", instead="a mention", way=_mention
    ),
    ("a file in the answer itself", "slack"): Substitute(
        why="what one person alone sees holds no files in Slack", instead="a direct message", way=_direct_message
    ),
    ("completion of what is half typed", "slack"): Substitute(
        why="Slack sends nothing before a command is sent", instead="the nearest match, when it is wrong", way=_nearest
    ),
    ("a log that grows in its card", "slack"): Substitute(
        why="what one person alone sees cannot be edited for long", instead="a message that is edited", way=_followed_message
    ),
    ("a log that grows in its card", "discord"): Substitute(
        why="what one person alone sees cannot be edited for long", instead="a message that is edited", way=_followed_message
    ),
    ("forms of more than five inputs", "discord"): Substitute(
        why="a form has five parts in Discord", instead="options of the command", way=_options_of_the_command
    ),
    ("a button that opens the app", "discord"): Substitute(
        why="Discord takes no button to an address of this machine", instead="a link in the card", way=_address
    ),
    ("a question in a dialog", "discord"): Substitute(
        why="Discord asks nothing before a press is sent", instead="a private question with a button", way=_asked_in_a_message
    ),
    ("a refused form that stays open", "discord"): Substitute(
        why="Discord closes a form when it is sent", instead="a button opens it again, filled in as it was", way=_opened_again
    ),
    ("settings of the workspace as a form", "discord"): Substitute(
        why="Discord has no Home tab for what is decided",
        instead="a private card, whose buttons open the forms",
        way=_settings_card,
    ),
    ("a reply in the thread", UNREAD): Substitute(
        why="without the privileged intent, Discord shows no words of replies", instead="a mention, or Change…", way=_mentioned
    ),
    ("a command that there is not", "discord"): Substitute(
        why="Discord sends only commands that there are",
        instead="a mention is answered by a direct message",
        way=_said_to_the_bot,
    ),
}
