"""Steps of making an app: asking for it, its status card, its review, looking into it, changing it."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from core.words.plan import Setting
from tests.journey.parity import ways
from tests.journey.parity.people import File, Shown, offers, says
from tests.journey.parity.walk import Walk
from tests.support.model_server import planning, writing
from tests.support.writing_apps import EXPRESS, plan_of

APP = "a todo app with due dates --framework express --provider starter"


# -- a channel asks to be told ---------------------------------------------------------------------------------------------------


async def asks_for_news(w: Walk) -> None:
    await w.do("news in a channel", ways.subscribe)


async def nothing_more(w: Walk, done: Any) -> None:
    """What it answered was read already."""


# -- the form, when typed bare, and its status card ------------------------------------------------------------------------------


async def types_it_bare(w: Walk) -> Shown:
    plan = plan_of("express", settings=[Setting(name="GREETING", purpose="what the page says first")])
    w.scene.play([planning(w.scene.marked(plan))], [writing(EXPRESS, hang_after=60), writing(EXPRESS)])
    form, chosen = await w.do("forms of more than five inputs", ways.form_with_models)
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
    assert ["Cancelled", "Ready for review"] == await w.statuses(w.notes)
    assert "GREETING" in await w.do("setup on the card", ways.setup_by_a_button, card)
    w.note = card


# -- looking into it -------------------------------------------------------------------------------------------------------------


async def opens_a_file(w: Walk) -> str:
    return await w.person.reads(w.card, "README.md")


async def sees_the_file(w: Walk, text: str) -> None:
    assert "Todos" in text
    assert "npm" in text, text


async def asks_for_setup(w: Walk) -> str:
    return await w.do("setup on the card", ways.setup_by_a_button, w.card)


async def sees_the_setup(w: Walk, text: str) -> None:
    assert "Running it by hand" in text, text
    assert "It needs no settings of its own." in text, text


async def downloads(w: Walk) -> File:
    return await w.do("a file in the answer itself", ways.file_at_once, w.card, "Download .zip")


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
    return await w.do("a reply in the thread", ways.reply, "make the header green")


async def sees_the_next_revision(w: Walk, card: Shown) -> None:
    old = await w.person.card(w.todos, "Superseded", "add a priority")
    assert (w.card.handle, []) == (old.handle, list(old.buttons))
    assert ["Superseded", "Superseded", "Ready for review"] == await w.statuses(w.todos)
    said = await w.person.said(w.todos)
    assert said.index("add a priority") < said.index("make the header green")
    w.card = card
