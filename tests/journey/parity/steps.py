"""The journey, as a table: what a person does, and what must be seen, on every platform alike.

Read by `test_parity`, which lets one person of each platform go through it, from the top to the end, on the real product. Two apps are
made: *todos* by the starter, which is changed, deployed, rolled back and deleted; and *notes* by a model, which crashes and is mended.
Nothing in here knows a platform. Where one cannot do as the others do, the step goes by `Walk.do`, and `substitutes` names what it does
instead.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

from core.conversation.grammar import VERBS
from core.generation.sentinels import emit_edit
from core.words.plan import Setting
from tests.journey.parity.people import Cannot, File, Shown
from tests.journey.parity.walk import Step, Walk
from tests.support.model_server import Reply, planning, writing
from tests.support.nexus import until
from tests.support.writing_apps import EXPRESS, plan_of

NEWS = "#news"  #: the channel that is told
APP = "a todo app with due dates --framework express --provider starter"
INDEX = "src/resources/index.js"
MENDED = "search: ['title'], // only what is there"
PASSWORD = re.compile(r"postgresql://[^:\s]+:([^@\s]+)@")
SECRET = "hello-0815-secret"
STATUSES = (
    *(
        "Queued",
        "Building",
        "Ready for review",
        "Superseded",
        "Discarded",
        "Cancelled",
        "Failed",
        "Deploying",
        "Deployed as",
        "Live",
    ),
    *(
        "Replaced by",
        "Started anew since",
        "Stopped",
        "Crashed earlier",
        "Crashed",
        "Recovered",
        "Settings changed",
        "Deleted",
        "Over",
        "App deleted",
    ),
)


def status(words: str) -> str:
    """The word beside a title, which comes before any other of them."""
    at = {words.index(word): word for word in reversed(STATUSES) if word in words}
    return at[min(at)] if at else ""


def says(shown: Shown, *words: str) -> None:
    missing = [word for word in words if word not in shown.words]
    assert not missing, f"{missing} is not in:\n{shown}"


def offers(shown: Shown, *labels: str) -> None:
    missing = [label for label in labels if label not in shown.buttons]
    assert not missing, f"{missing} cannot be pressed on:\n{shown}"


# -- a channel asks to be told ---------------------------------------------------------------------------------------------------


async def subscribe(w: Walk) -> None:
    form = await w.person.form(w.person.types("notify", place=NEWS), "Notifications")
    await w.person.answer(w.person.submits(form, {}), "every app", "live")


async def asks_for_news(w: Walk) -> None:
    await w.do("news in a channel", subscribe)


async def nothing_more(w: Walk, done: Any) -> None:
    """What it answered was read already."""


# -- the form, when typed bare, and its status card ------------------------------------------------------------------------------


async def form_with_models(w: Walk) -> tuple[Shown, dict[str, str]]:
    """All that can be said about an app, in one form."""
    form = await w.person.form(w.person.types("build"), "Build an app")
    if "Which model writes" not in form.inputs:
        await w.person.closes(form)
        raise Cannot(f"the form asks only for {', '.join(form.inputs)}")
    return form, {"Name": "notes", "Which model writes": "OpenAI"}


async def types_it_bare(w: Walk) -> Shown:
    plan = plan_of("express", settings=[Setting(name="GREETING", purpose="what the page says first")])
    w.scene.play([planning(w.scene.marked(plan))], [writing(EXPRESS, hang_after=60), writing(EXPRESS)])
    form, chosen = await w.do("forms of more than five inputs", form_with_models)
    asked = {"What should it do?": f"notes ({w.scene.mark})", "Framework": "express"}
    w.notes = await w.person.opens(w.person.submits(form, {**asked, **chosen}))
    return form


async def sees_what_it_asked_for(w: Walk, form: Shown) -> None:
    assert {"What should it do?", "Framework", "Must have"} <= set(form.inputs), form


async def waits_for_files(w: Walk) -> Shown:
    return await w.person.card(w.notes, "Building", "of 4 files", buttons=["Cancel"])


async def sees_progress(w: Walk, card: Shown) -> None:
    """The stages in their order, in one card, which was edited in place."""
    says(card, "Plan", "express, 1 table, 4 files", "Write the files", "Install dependencies", "Build", "Try it out")
    assert [card.handle] == [one.handle for one in await w.person.cards(w.notes)]
    w.note = card


async def cancels(w: Walk) -> Shown:
    await w.person.answer(w.person.press(w.note, "Cancel"), "being cancelled")
    return await w.person.card(w.notes, "Cancelled", f"Cancelled by {w.person.name}.", buttons=["Try again"])


async def sees_it_cancelled(w: Walk, card: Shown) -> None:
    assert w.note.handle == card.handle
    assert "Cancel" not in card.buttons
    await w.person.press(card, "Try again")


# -- a command, and the review card ----------------------------------------------------------------------------------------------


async def asks(w: Walk) -> Shown:
    w.todos = await w.person.opens(w.person.types(f"build {APP}"))
    return await w.person.card(w.todos, "Ready for review")


async def sees_the_review(w: Walk, card: Shown) -> None:
    """Everything that somebody decides by, in the one card that told of the progress."""
    assert [card.handle] == [one.handle for one in await w.person.cards(w.todos)]
    before = await w.person.before(card)
    assert "Building" in before, before
    says(card, "Todos", "A list-and-form app that keeps todos", "Framework Express", "Written by starter")
    says(card, "README.md", "889 B", "what the app is and how to run it", "0001_init.sql", "the tables")
    says(card, "Dependency", "Version", "express 5.", "pg 8.")
    says(card, "due_date (date)", "title (text)")
    says(card, "Tried before asking", "Install", "Database", "1 migration, 1 table; run again, nothing changed")
    says(card, "/api/todos", "create, read, update, delete, bad input refused")
    says(card, "Artifact sha256:", "May approve anyone here", "Until")
    offers(card, "Approve & deploy", "Change…", "Download .zip", "Discard")
    assert "Cancel" not in card.buttons
    w.card = card


async def waits_for_notes(w: Walk) -> Shown:
    return await w.person.card(w.notes, "Ready for review")


async def sees_what_a_model_used(w: Walk, card: Shown) -> None:
    says(card, "Notes", "Written by openai", "Tokens")
    assert ["Cancelled", "Ready for review"] == await statuses(w, w.notes)
    assert "GREETING" in await w.do("setup on the card", setup_by_a_button, card)
    w.note = card


async def statuses(w: Walk, thread: Any) -> list[str]:
    return [status(card.words) for card in await w.person.cards(thread)]


# -- looking into it -------------------------------------------------------------------------------------------------------------


async def opens_a_file(w: Walk) -> str:
    return await w.person.reads(w.card, "README.md")


async def sees_the_file(w: Walk, text: str) -> None:
    assert "Todos" in text
    assert "npm" in text, text


async def setup_by_a_button(w: Walk, card: Shown) -> str:
    if "Setup" not in card.buttons:
        raise Cannot("there is no such button")
    return (await w.person.answer(w.person.press(card, "Setup"), "Setup of")).words


async def asks_for_setup(w: Walk) -> str:
    return await w.do("setup on the card", setup_by_a_button, w.card)


async def sees_the_setup(w: Walk, text: str) -> None:
    assert "Running it by hand" in text, text
    assert "It needs no settings of its own." in text, text


async def file_at_once(w: Walk, shown: Shown, label: str) -> File:
    file = await w.person.gets(w.person.press(shown, label))
    if file.by == "direct message":
        raise Cannot(f"{file.name} came as a direct message")
    return file


async def downloads(w: Walk) -> File:
    return await w.do("a file in the answer itself", file_at_once, w.card, "Download .zip")


async def sees_the_archive(w: Walk, file: File) -> None:
    assert "todos-1.zip" == file.name
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        assert {"README.md", "package.json", "migrations/0001_init.sql"} <= {
            name.partition("/")[2] for name in archive.namelist()
        }


# -- changing it -----------------------------------------------------------------------------------------------------------------


async def changes_by_form(w: Walk) -> Shown:
    form = await w.person.form(w.person.press(w.card, "Change…"), "Change the app")
    await w.person.submits(form, {"What should be different?": "add a priority to every todo"})
    return await w.person.card(w.todos, "Ready for review", "add a priority")


async def sees_the_difference(w: Walk, card: Shown) -> None:
    """A new card, which says what is added and what changed; the old one is over, and cannot be pressed any more."""
    old = await w.person.card(w.todos, "Superseded", "A newer build takes its place")
    assert (w.card.handle, []) == (old.handle, list(old.buttons))
    assert card.handle != old.handle
    says(card, "0002_add_a_priority_to_every.sql", "the change of the tables", "priority (choice)")
    assert "add a priority to every todo" in await w.person.said(w.todos)
    w.card = card


async def changes_by_reply(w: Walk) -> Shown:
    await w.person.replies(w.todos, "make the header green")
    return await w.person.card(w.todos, "Ready for review", "make the header green")


async def sees_the_next_revision(w: Walk, card: Shown) -> None:
    old = await w.person.card(w.todos, "Superseded", "add a priority")
    assert (w.card.handle, []) == (old.handle, list(old.buttons))
    assert ["Superseded", "Superseded", "Ready for review"] == await statuses(w, w.todos)
    said = await w.person.said(w.todos)
    assert said.index("add a priority") < said.index("make the header green")
    w.card = card


# -- going live ------------------------------------------------------------------------------------------------------------------


async def approves(w: Walk) -> Shown:
    await w.person.press(w.card, "Approve & deploy")
    return await w.person.card(w.todos, "Live", f"v1, approved by {w.person.name}", buttons=["Stop"])


async def sees_it_live(w: Walk, live: Shown) -> None:
    """The review card says who approved; another card told of the deployment, and has now all there is to know."""
    decided = await w.person.card(w.todos, "Deployed as v1", f"Approved by {w.person.name}.", "make the header green")
    assert w.card.handle == decided.handle
    assert "Approve & deploy" not in decided.buttons
    assert [decided.handle, live.handle] == [one.handle for one in await w.person.cards(w.todos)][-2:]
    before = await w.person.before(live)
    for stage in ("Deploying v1", "Database", "Migrations", "Start", "Health check", "Route", "Ask through the proxy"):
        assert stage in before, before
    says(live, f"Address todos.localhost:{w.nexus.port}", "Release v1, live after")
    assert re.search(r"Database t_\w+ Database host 127\.0\.0\.1:\d+ Role t_\w+_app Limits 512 MB, 20 connections", live.words), (
        live
    )
    assert re.search(r"Service app_\w+ Runtime Node\.js Host process Isolation .+ Resources 512 MB memory, 1 CPU", live.words), (
        live
    )
    says(live, "Domain todos.localhost", "Settings none", "Listening on")
    offers(live, "Logs", "Settings", "Reveal", "Rollback…", "Restart", "Stop")
    assert "postgresql://" not in live.words
    w.card = live


async def open_button(w: Walk, card: Shown) -> str:
    """Where it leads."""
    if "Open" not in card.links:
        raise Cannot("there is no such button")
    return card.links["Open"]


async def opens_the_app(w: Walk) -> Any:
    address = await w.do("a button that opens the app", open_button, w.card)
    assert f"http://todos.localhost:{w.nexus.port}" == address.rstrip("/")
    page = await w.nexus.app("todos", "GET", "/")
    (await w.nexus.app("todos", "POST", "/api/todos", {"title": "Water the plants", "priority": "high"})).ok(201)
    return page


async def sees_the_app(w: Walk, page: Any) -> None:
    assert (200, True) == (page.status, "<html" in page.text)
    (todo,) = (await w.nexus.app("todos", "GET", "/api/todos")).ok()
    assert "Water the plants" == todo["title"]


# -- what the live card offers ---------------------------------------------------------------------------------------------------


async def reveals(w: Walk) -> Shown:
    return await w.person.answer(w.person.press(w.card, "Reveal"), "Only you see this", "postgresql://")


async def sees_the_password_alone(w: Walk, shown: Shown) -> None:
    found = PASSWORD.search(shown.words)
    assert found is not None
    assert len(found[1]) >= 16
    assert found[1] not in await w.person.others_see()
    assert found[1] not in "".join(file.read_text() for file in w.nexus.folder.logs.glob("*.log*"))


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


async def whole_log(w: Walk) -> str:
    log = await w.person.answer(w.person.press(w.card, "Logs"), "Log of todos", "Listening on")
    if "Whole log" not in log.buttons:
        raise Cannot("there is no such button")
    file = await w.do("a file in the answer itself", file_at_once, log, "Whole log")
    assert "todos.log" == file.name
    return file.content.decode()


async def reads_the_log(w: Walk) -> tuple[str, Shown]:
    whole = await w.do("the whole log as a file", whole_log)
    return whole, await w.do("a log that grows in its card", log_in_the_card)


async def sees_the_log_grow(w: Walk, logs: tuple[str, Shown]) -> None:
    whole, followed = logs
    assert "Listening on" in whole
    assert "GET /api/todos 200" in whole, whole
    says(followed, "Log of todos", "GET /api/todos 200")


async def refused_in_place(w: Walk, form: Shown, wrong: dict[str, str]) -> tuple[Shown, str]:
    return form, await w.person.refused(form, wrong)


async def changes_settings(w: Walk) -> Shown:
    form = await w.person.form(w.person.press(w.card, "Settings"), "Settings of the app")
    form, why = await w.do("a refused form that stays open", refused_in_place, form, {"Set": "no equals sign"})
    assert "NAME=value" in why, why
    await w.person.answer(w.person.submits(form, {"Set": f"GREETING={SECRET}"}), "Set GREETING", "v2 starts with that")
    return await w.person.card(w.todos, "Live", f"v2, settings changed by {w.person.name}", buttons=["Rollback…"])


async def sees_the_name_alone(w: Walk, live: Shown) -> None:
    says(live, "Settings GREETING")
    await w.person.card(w.todos, "Settings changed", f"{w.person.name} set GREETING")
    assert SECRET not in await w.person.others_see()

    async def alone() -> bool:
        return [live.handle] == [card.handle for card in await w.person.cards(w.todos) if "Reveal" in card.buttons]

    await until(alone, what="one card has the buttons: the newest")
    w.card = live


async def rolls_back(w: Walk) -> Shown:
    (await w.nexus.app("todos", "POST", "/api/todos", {"title": "Feed the cat"})).ok(201)
    form = await w.person.form(w.person.press(w.card, "Rollback…"), "Roll back")
    says(form, "v1 make the header green")
    chosen = {"What comes back": "Code, data and settings"}
    await w.person.answer(w.person.submits(form, chosen), "Rolling todos back to v1", "becomes v3")
    return await w.person.card(w.todos, "Live", "v3, back at v1: code, data and settings", buttons=["Stop"])


async def sees_the_data_of_then(w: Walk, live: Shown) -> None:
    says(live, "Settings none")
    assert ["Water the plants"] == [todo["title"] for todo in (await w.nexus.app("todos", "GET", "/api/todos")).ok()]
    w.card = live


async def asked_in_a_dialog(w: Walk, shown: Shown, label: str) -> str:
    """Whether they are sure, before anything is sent. They say no, think again, and say yes."""
    asked = await w.person.question(shown, label)
    await w.person.press(shown, label)
    return asked


async def stops(w: Walk) -> str:
    return await w.do("a question in a dialog", asked_in_a_dialog, w.card, "Stop")


async def sees_it_stopped(w: Walk, asked: str) -> None:
    assert "Stop Todos?" in asked, asked
    assert "Its data and its releases stay." in asked, asked
    await w.person.card(w.todos, "Stopped", f"{w.person.name} stopped it")
    assert 200 != (await w.nexus.app("todos", "GET", "/healthz")).status
    w.card = await w.person.card(w.todos, buttons=["Start"])


async def starts(w: Walk) -> Shown:
    await w.person.press(w.card, "Start")
    return await w.person.card(w.todos, "Live", f"v3, started again by {w.person.name}", buttons=["Restart"])


async def sees_it_started(w: Walk, live: Shown) -> None:
    assert 200 == (await w.nexus.app("todos", "GET", "/healthz")).status
    w.card = live


async def restarts(w: Walk) -> Shown:
    await w.person.press(w.card, "Restart")
    return await w.person.card(w.todos, "Live", f"v3, restarted by {w.person.name}", buttons=["Stop"])


# -- a crash, and what mends it --------------------------------------------------------------------------------------------------


async def deploys_by_command(w: Walk) -> Shown:
    await w.do("a command in a thread", typed_in_the_thread, "deploy", ["Approved. notes is being deployed as v1."])
    return await w.person.card(w.notes, "Live", f"v1, approved by {w.person.name}", buttons=["Stop"])


async def typed_in_the_thread(w: Walk, text: str, words: list[str]) -> Shown:
    return await w.person.answer(w.person.types(text, thread=w.notes), *words)


async def sees_notes_live(w: Walk, live: Shown) -> None:
    assert 200 == (await w.nexus.app("notes", "GET", "/healthz")).status


async def loses_it(w: Walk) -> Shown:
    """Its process is killed, as by whoever runs the machine."""
    plan = w.scene.marked(plan_of("express", {INDEX: ""}))
    mend = Reply(text=lambda nonce: emit_edit(INDEX, "search: ['title'],", MENDED, nonce))
    w.scene.play([planning(plan)], [mend])
    for process in await w.nexus.processes("notes"):
        process.kill()
    return await w.person.card(w.notes, "Crashed", buttons=["Propose a fix"])


async def sees_the_crash(w: Walk, crash: Shown) -> None:
    says(crash, "Notes", "v1 stopped by itself", "Last lines", "Listening on")
    await w.person.card(w.notes, "Recovered", "v1 answers again")
    assert 200 == (await w.nexus.app("notes", "GET", "/healthz")).status
    w.note = crash


async def proposes_a_fix(w: Walk) -> Shown:
    await w.person.press(w.note, "Propose a fix")
    return await w.person.card(w.notes, "Ready for review", "v1 crashed.")


async def sees_the_fix(w: Walk, review: Shown) -> None:
    offers(review, "Approve & deploy", "Change…", "Discard")
    assert "only what is there" in await w.person.reads(review, INDEX)
    w.note = review


async def discards(w: Walk) -> str:
    return await w.do("a question in a dialog", asked_in_a_dialog, w.note, "Discard")


async def sees_it_discarded(w: Walk, asked: str) -> None:
    assert "Discard this build?" in asked, asked
    over = await w.person.card(w.notes, "Discarded", f"Discarded by {w.person.name}. Nothing was deployed.")
    assert w.note.handle == over.handle
    assert {"Approve & deploy", "Discard"}.isdisjoint(over.buttons)
    assert 200 == (await w.nexus.app("notes", "GET", "/healthz")).status


# -- every command ---------------------------------------------------------------------------------------------------------------

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


async def types_every_command(w: Walk) -> set[str]:
    verbs = set()
    await w.person.cards(w.todos)  # they look at it
    await w.do("show of an app elsewhere", typed, "show notes", ("Notes", "Live", "Newest build: number 3, ready"))
    await w.person.cards(w.todos)
    for text, words in COMMANDS.items():
        await w.person.answer(w.person.types(text), *words)
        if text in ("stop notes", "start notes", "restart notes"):
            await w.person.card(
                w.notes, *{"stop": ("Stopped",), "start": ("v1, started",), "restart": ("v1, restarted",)}[text[:-6]]
            )
        verbs.add(text.split()[0])
    for text, title in FORMS.items():
        await w.person.closes(await w.person.form(w.person.types(text), title))
        verbs.add(text.split()[0])
    return verbs


async def sees_that_none_is_missing(w: Walk, verbs: set[str]) -> None:
    assert set(VERBS) == verbs | ELSEWHERE


async def settings_form(w: Walk) -> Shown:
    return await w.person.form(w.person.types("settings"), "Workspace settings")


async def decides_for_the_workspace(w: Walk) -> Shown:
    form = await w.do("settings of the workspace as a form", settings_form)
    return await w.person.answer(w.person.submits(form, {"Hours until an approval expires": "48"}), "settings are saved")


async def half_typed(w: Walk) -> list[str]:
    return await w.person.completed("logs to")


async def types_half_a_command(w: Walk) -> list[str]:
    return await w.do("completion of what is half typed", half_typed)


async def sees_what_it_was_to_be(w: Walk, offered: list[str]) -> None:
    assert any("todos" in one for one in offered), offered


MISTYPED = {
    "lsit": ("Did you mean list?", "Usage: list"),
    "build --framwork express todos": ("Did you mean --framework?", "Usage: build DESCRIPTION"),
}
MISNAMED = {
    "show todoz": ("Did you mean todos?",),
    "rollback": ("Which app?", "todos"),
}


async def mistypes(w: Walk) -> None:
    await w.person.leaves()
    for text, words in MISTYPED.items():
        await w.do("a command that there is not", typed, text, words)
    for text, words in MISNAMED.items():
        await typed(w, text, words)


async def typed(w: Walk, text: str, words: tuple[str, ...]) -> None:
    await w.person.answer(w.person.types(text), *words)


async def sees_it_alone(w: Walk, _: Any) -> None:
    assert "Did you mean" not in await w.person.others_see()


# -- the end ---------------------------------------------------------------------------------------------------------------------


async def deletes(w: Walk) -> Shown:
    await w.person.cards(w.todos)  # they look at it
    form = await w.person.form(w.person.types("delete todos"), "Delete the app")
    label = "Type the app's name to confirm"
    form, why = await w.do("a refused form that stays open", refused_in_place, form, {label: "todo"})
    assert "Type todos to delete it" in why, why
    await w.person.answer(w.person.submits(form, {label: "todos"}), "todos is deleted", "last snapshot")
    return await w.person.card(w.todos, "Deleted", f"{w.person.name} deleted it")


async def sees_nothing_left_to_press(w: Walk, gone: Shown) -> None:
    assert 404 == (await w.nexus.app("todos", "GET", "/")).status

    async def quiet() -> bool:
        return not any(card.buttons for card in await w.person.cards(w.todos))

    await until(quiet, what="no card of a deleted app has a button")


TOLD = [*["Ready for review"] * 3, *["Live"] * 3, "Stopped", "Live", "Live", "Deleted"]
CARDS = [
    *(
        "Superseded",
        "Superseded",
        "Deployed as",
        "Deleted",
        "Settings changed",
        "Deleted",
        "Deleted",
        "Settings changed",
        "Stopped",
    ),
    *("Deleted", "Deleted", "Deleted"),  # what was live says so too
]


async def told_in_the_channel(w: Walk) -> list[str]:
    async def all_told() -> list[str]:
        news = await w.person.news(NEWS)
        return news if any("Deleted" in one for one in news) else []

    return await until(all_told, what="all the news")


async def reads_the_news(w: Walk) -> list[str]:
    return await w.do("what a channel was told", told_in_the_channel)


async def sees_each_once(w: Walk, news: list[str]) -> None:
    """In the channel, and in both threads."""
    told = [status(line) for line in news if "Todos" in line]
    assert told in ([], TOLD), told
    assert not told or {"Crashed", "Recovered"} <= {status(line) for line in news if "Notes" in line}, news
    shown = [one for one in await statuses(w, w.todos) if one]  # a log has none
    assert CARDS == shown, shown


STEPS = (
    Step(name="a channel asks to be told", does=asks_for_news, sees=nothing_more),
    Step(name="the form, when typed bare", does=types_it_bare, sees=sees_what_it_asked_for),
    Step(name="one status card", does=waits_for_files, sees=sees_progress),
    Step(name="Cancel", does=cancels, sees=sees_it_cancelled),
    Step(name="a command, and the review card", does=asks, sees=sees_the_review),
    Step(name="tokens and settings of a model's app", does=waits_for_notes, sees=sees_what_a_model_used),
    Step(name="Files", does=opens_a_file, sees=sees_the_file),
    Step(name="Setup", does=asks_for_setup, sees=sees_the_setup),
    Step(name="Download .zip", does=downloads, sees=sees_the_archive),
    Step(name="Change… by form", does=changes_by_form, sees=sees_the_difference),
    Step(name="a reply in the thread", does=changes_by_reply, sees=sees_the_next_revision),
    Step(name="Approve & deploy", does=approves, sees=sees_it_live),
    Step(name="the address", does=opens_the_app, sees=sees_the_app),
    Step(name="Reveal", does=reveals, sees=sees_the_password_alone),
    Step(name="Logs", does=reads_the_log, sees=sees_the_log_grow),
    Step(name="Settings", does=changes_settings, sees=sees_the_name_alone),
    Step(name="Rollback…", does=rolls_back, sees=sees_the_data_of_then),
    Step(name="Stop", does=stops, sees=sees_it_stopped),
    Step(name="Start", does=starts, sees=sees_it_started),
    Step(name="Restart", does=restarts, sees=sees_it_started),
    Step(name="deploy, typed in the thread", does=deploys_by_command, sees=sees_notes_live),
    Step(name="a crash", does=loses_it, sees=sees_the_crash),
    Step(name="Propose a fix", does=proposes_a_fix, sees=sees_the_fix),
    Step(name="Discard", does=discards, sees=sees_it_discarded),
    Step(name="every command", does=types_every_command, sees=sees_that_none_is_missing),
    Step(name="settings of the workspace", does=decides_for_the_workspace, sees=nothing_more),
    Step(name="a half-typed command", does=types_half_a_command, sees=sees_what_it_was_to_be),
    Step(name="a mistyped command", does=mistypes, sees=sees_it_alone),
    Step(name="delete", does=deletes, sees=sees_nothing_left_to_press),
    Step(name="news, and nothing twice", does=reads_the_news, sees=sees_each_once),
)
