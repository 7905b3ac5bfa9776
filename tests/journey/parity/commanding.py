"""Steps of what is typed: every command, half of one, a wrong one; then the end, and what was told of it all."""

from __future__ import annotations

from typing import Any

from core.conversation.grammar import VERBS
from tests.journey.parity import ways
from tests.journey.parity.people import Shown, status
from tests.journey.parity.walk import Walk
from tests.support.nexus import until

COMMANDS: dict[str, tuple[str, ...]] = {
    "list": ("2 apps", "todos", "notes", "live", "v3"),
    "show todos": ("Todos", "Live", "v3", "Newest build: number 3"),
    "logs todos --lines 5": ("Log of todos", "Listening on"),
    "files todos": ("Files of todos", "README.md", "Build 3"),
    "files todos README.md": ("README.md", "A web app over Postgres"),
    "env todos list": ("Settings of todos", "Values are kept encrypted"),
    "db todos": ("Database of todos", "Role", "512 MB"),
    "deploy todos": ("Nothing of todos waits for approval",),
    "stop notes": ("notes is stopped",),
    "start notes": ("Starting v1 of notes",),
    "restart notes": ("Restarting v1 of notes",),
    "usage": ("Usage", "todos", "notes", "Builds this month"),
    "help": ("Commands", "build", "rollback", "settings"),
    "help rollback": ("rollback [APP] [vN]", "Bring an earlier release back"),
}
FORMS = {"build": "Build an app", "rollback todos": "Roll back", "delete notes": "Delete the app"}
ELSEWHERE = {"notify", "settings"}  #: typed by steps of their own
MISTYPED: dict[str, tuple[str, ...]] = {
    "lsit": ("Did you mean list?", "Usage: list"),
    "build --framwork express todos": ("Did you mean --framework?", "Usage: build DESCRIPTION"),
}
MISNAMED: dict[str, tuple[str, ...]] = {
    "show todoz": ("Did you mean todos?",),
    "rollback": ("Which app?", "todos"),
}
TOLD = [*["Ready for review"] * 3, *["Live"] * 3, "Stopped", "Live", "Live", "Deleted"]
CARDS = [
    *("Superseded", "Superseded", "Deployed as", "Deleted", "Settings changed", "Deleted", "Deleted", "Settings changed"),
    *("Stopped", "Deleted", "Deleted", "Deleted"),  # what was live says that it is deleted
]


# -- every command ---------------------------------------------------------------------------------------------------------------


async def types_every_command(w: Walk) -> set[str]:
    verbs = set()
    await w.person.cards(w.todos)  # they look at it
    await w.do("show of an app elsewhere", ways.typed, "show notes", ("Notes", "Live", "Newest build: number 3, ready"))
    await w.person.cards(w.todos)
    for text, words in COMMANDS.items():
        await w.person.answer(w.person.types(text), *words)
        if text == "start notes":
            asked = await w.nexus.event("notes", "deployment.requested", purpose="start")
            await w.nexus.event("notes", "deployment.live", deployment=asked["deployment"])
        verbs.add(text.split()[0])
    for text, title in FORMS.items():
        await w.person.closes(await w.person.form(w.person.types(text), title))
        verbs.add(text.split()[0])
    return verbs


async def sees_that_none_is_missing(w: Walk, verbs: set[str]) -> None:
    assert set(VERBS) == verbs | ELSEWHERE


async def decides_for_the_workspace(w: Walk) -> Shown:
    form = await w.do("settings of the workspace as a form", ways.settings_form)
    return await w.person.answer(w.person.submits(form, {"Hours until an approval expires": "48"}), "settings are saved")


async def types_half_a_command(w: Walk) -> list[str]:
    return await w.do("completion of what is half typed", ways.half_typed)


async def sees_what_it_was_to_be(w: Walk, offered: list[str]) -> None:
    assert any("todos" in one for one in offered), offered


async def mistypes(w: Walk) -> None:
    await w.person.leaves()
    for text, words in MISTYPED.items():
        await w.do("a command that there is not", ways.typed, text, words)
    for text, words in MISNAMED.items():
        await ways.typed(w, text, words)


async def sees_it_alone(w: Walk, _: Any) -> None:
    assert "Did you mean" not in await w.person.others_see()


# -- the end ---------------------------------------------------------------------------------------------------------------------


async def deletes(w: Walk) -> Shown:
    await w.person.cards(w.todos)  # they look at it
    form = await w.person.form(w.person.types("delete todos"), "Delete the app")
    label = "Type the app's name to confirm"
    form, why = await w.do("a refused form that stays open", ways.refused_in_place, form, {label: "todo"})
    assert "Type todos to delete it" in why, why
    await w.person.answer(w.person.submits(form, {label: "todos"}), "todos is deleted", "last snapshot")
    return await w.person.card(w.todos, "Deleted", f"{w.person.name} deleted it")


async def sees_nothing_left_to_press(w: Walk, gone: Shown) -> None:
    assert 404 == (await w.nexus.app("todos", "GET", "/")).status

    async def quiet() -> bool:
        return not any(card.buttons for card in await w.person.cards(w.todos))

    await until(quiet, what="no card of a deleted app has a button")


async def reads_the_news(w: Walk) -> list[str]:
    return await w.do("what a channel was told", ways.told_in_the_channel)


async def sees_each_once(w: Walk, news: list[str]) -> None:
    """In the channel, and in both threads."""
    told = [status(line) for line in news if "Todos" in line]
    assert told in ([], TOLD), told
    assert not told or {"Crashed", "Recovered"} <= {status(line) for line in news if "Notes" in line}, news
    shown = [one for one in await w.statuses(w.todos) if one]  # a log has none
    assert CARDS == shown, shown
