"""How it is done everywhere, of what one platform or another does in its own way.

Called by the steps through `Walk.do`, which goes by `substitutes` where one of these says `Cannot`.
"""

from __future__ import annotations

from tests.journey.parity.people import Cannot, File, Shown
from tests.journey.parity.walk import Walk
from tests.support.nexus import until

NEWS = "#news"  #: the channel that is told


async def subscribe(w: Walk) -> None:
    form = await w.person.form(w.person.types("notify", place=NEWS), "Notifications")
    await w.person.answer(w.person.submits(form, {}), "every app", "live")


async def form_with_models(w: Walk) -> tuple[Shown, dict[str, str]]:
    """All that can be said about an app, in one form."""
    form = await w.person.form(w.person.types("build"), "Build an app")
    if "Which model writes" not in form.inputs:
        await w.person.closes(form)
        raise Cannot(f"the form asks only for {', '.join(form.inputs)}")
    return form, {"Name": "notes", "Which model writes": "OpenAI"}


async def typed_in_the_thread(w: Walk, text: str, words: list[str]) -> Shown:
    return await w.person.answer(w.person.types(text, thread=w.notes), *words)


async def setup_by_a_button(w: Walk, card: Shown) -> str:
    if "Setup" not in card.buttons:
        raise Cannot("there is no such button")
    return (await w.person.answer(w.person.press(card, "Setup"), "Setup of")).words


async def file_at_once(w: Walk, shown: Shown, label: str) -> File:
    file = await w.person.gets(w.person.press(shown, label))
    if file.by == "direct message":
        raise Cannot(f"{file.name} came as a direct message")
    return file


async def open_button(w: Walk, card: Shown) -> str:
    """Where it leads."""
    if "Open" not in card.links:
        raise Cannot("there is no such button")
    return card.links["Open"]


async def whole_log(w: Walk) -> str:
    log = await w.person.answer(w.person.press(w.card, "Logs"), "Log of todos", "Listening on")
    if "Whole log" not in log.buttons:
        raise Cannot("there is no such button")
    file = await w.do("a file in the answer itself", file_at_once, log, "Whole log")
    assert "todos.log" == file.name
    return file.content.decode()


async def log_in_the_card(w: Walk) -> Shown:
    """Pressed once, the card itself goes on."""
    log = await w.person.answer(w.person.press(w.card, "Logs"), "Log of todos")
    if "Live" not in log.buttons:
        raise Cannot("the card of a log stays as it is")
    await w.person.press(log, "Live")
    return await grown(w, log)


async def grown(w: Walk, log: Shown) -> Shown:
    """What is asked of the app now is there soon after."""
    assert 404 == (await w.nexus.app("todos", "DELETE", "/api/todos/77")).status
    return await w.person.again(log, "DELETE /api/todos/77 404")


async def refused_in_place(w: Walk, form: Shown, wrong: dict[str, str]) -> tuple[Shown, str]:
    return form, await w.person.refused(form, wrong)


async def asked_in_a_dialog(w: Walk, shown: Shown, label: str) -> str:
    """Whether they are sure, before anything is sent. They say no, think again, and say yes."""
    asked = await w.person.question(shown, label)
    await w.person.press(shown, label)
    return asked


async def reply(w: Walk, text: str) -> Shown:
    await w.person.replies(w.todos, text)
    return await w.person.card(w.todos, "Ready for review", text)


async def typed(w: Walk, text: str, words: tuple[str, ...]) -> None:
    await w.person.answer(w.person.types(text), *words)


async def settings_form(w: Walk) -> Shown:
    return await w.person.form(w.person.types("settings"), "Workspace settings")


async def half_typed(w: Walk) -> list[str]:
    return await w.person.completed("logs to")


async def told_in_the_channel(w: Walk) -> list[str]:
    async def all_told() -> list[str]:
        news = await w.person.news(NEWS)
        return news if any("Deleted" in one for one in news) else []

    return await until(all_told, what="all the news")
