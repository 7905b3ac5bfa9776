"""Steps of what runs: approving, the live card and what it offers, a crash and what mends it."""

from __future__ import annotations

import re
from typing import Any

from core.generation.sentinels import emit_edit
from tests.journey.parity import ways
from tests.journey.parity.people import Shown, offers, says
from tests.journey.parity.walk import Walk
from tests.support.model_server import Reply, planning
from tests.support.nexus import until
from tests.support.writing_apps import plan_of

INDEX = "src/resources/index.js"
MENDED = "search: ['title'], // only what is there"
PASSWORD = re.compile(r"postgresql://[^:\s]+:([^@\s]+)@")
SECRET = "hello-0815-secret"


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


async def opens_the_app(w: Walk) -> Any:
    address = await w.do("a button that opens the app", ways.open_button, w.card)
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


async def reads_the_log(w: Walk) -> tuple[str, Shown]:
    whole = await w.do("the whole log as a file", ways.whole_log)
    return whole, await w.do("a log that grows in its card", ways.log_in_the_card)


async def sees_the_log_grow(w: Walk, logs: tuple[str, Shown]) -> None:
    whole, followed = logs
    assert "Listening on" in whole
    assert "GET /api/todos 200" in whole, whole
    says(followed, "Log of todos", "GET /api/todos 200")


async def changes_settings(w: Walk) -> Shown:
    form = await w.person.form(w.person.press(w.card, "Settings"), "Settings of the app")
    form, why = await w.do("a refused form that stays open", ways.refused_in_place, form, {"Set": "no equals sign"})
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


async def stops(w: Walk) -> str:
    return await w.do("a question in a dialog", ways.asked_in_a_dialog, w.card, "Stop")


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
    await w.do("a command in a thread", ways.typed_in_the_thread, "deploy", ["Approved. notes is being deployed as v1."])
    return await w.person.card(w.notes, "Live", f"v1, approved by {w.person.name}", buttons=["Stop"])


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
    """Pressed twice, it is proposed once."""
    for _ in range(2):
        await w.person.press(w.note, "Propose a fix")
    return await w.person.card(w.notes, "Ready for review", "v1 crashed.")


async def sees_the_fix(w: Walk, review: Shown) -> None:
    offers(review, "Approve & deploy", "Change…", "Discard")
    assert [review.handle] == [card.handle for card in await w.person.cards(w.notes) if card.says("v1 crashed.", "Framework")]
    assert "only what is there" in await w.person.reads(review, INDEX)
    w.note = review


async def discards(w: Walk) -> str:
    return await w.do("a question in a dialog", ways.asked_in_a_dialog, w.note, "Discard")


async def sees_it_discarded(w: Walk, asked: str) -> None:
    assert "Discard this build?" in asked, asked
    over = await w.person.card(w.notes, "Discarded", f"Discarded by {w.person.name}. Nothing was deployed.")
    assert w.note.handle == over.handle
    assert {"Approve & deploy", "Discard"}.isdisjoint(over.buttons)
    assert 200 == (await w.nexus.app("notes", "GET", "/healthz")).status
