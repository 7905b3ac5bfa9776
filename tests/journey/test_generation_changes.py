"""A change keeps what it does not speak of: files to the byte, rows to the last, and migrations that were released."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from core.generation import sentinels
from core.words.plan import FieldType, Plan, ResourceField
from tests.support.model_server import Reply, planning, writing
from tests.support.writing_acts import MORE
from tests.support.writing_apps import EXPRESS, INDEX, NOTES, SCHEMA, TABLE, plan_of
from tests.support.writing_house import House, Scene, Told, shown

INDEX_PATH, SCHEMA_PATH, FIRST = "src/resources/index.js", "public/schema.json", "migrations/0001_init.sql"
COLUMN = "ALTER TABLE notes ADD COLUMN {name} text;\n"
FLAG, LAST = "done: flag()", '{ "name": "done", "type": "boolean", "label": "Done" }'
FIELD = '{{ "name": "{name}", "type": "text", "label": "{label}" }}'


def planned(scene: Scene, *names: str, files: tuple[str, ...] = ()) -> Plan:
    """The plan after these fields were added."""
    fields = [ResourceField(name=name, type=FieldType.TEXT, label=name.title()) for name in names]
    resource = NOTES.model_copy(update={"fields": [*NOTES.fields, *fields]})
    return scene.marked(plan_of("express", dict.fromkeys(files, ""), resources=[resource]))


def with_field(text: str, name: str) -> str:
    """A file of the app with one more field."""
    schema = FIELD.format(name=name, label=name.title())
    return text.replace(FLAG, f"{FLAG}, {name}: line()").replace(LAST, f"{LAST},\n        {schema}")


def edits(scene_files: Mapping[str, str], *changes: tuple[str, str, str]) -> Reply:
    """New files, and exact edits: path, what stands there, what shall stand there."""

    def text(nonce: str) -> str:
        new = "".join(sentinels.emit(path, content, nonce) for path, content in scene_files.items())
        return new + "".join(sentinels.emit_edit(path, old, other, nonce) for path, old, other in changes)

    return Reply(text=text)


@pytest.fixture(scope="module")
def scene(house: House) -> Scene:
    made = house.theatre.add(Scene("notes-to-change", provider="anthropic"))
    made.play([planning(made.marked(plan_of("express")))], [writing(EXPRESS)])
    return made


@pytest.fixture(scope="module")
async def first(house: House, scene: Scene) -> Told:
    """The app, live, with two rows."""
    told = await house.ask(scene, "notes")
    assert "deployment.live" == (await house.approve(scene, told))["kind"]
    for title in ("Water the plants", "Feed the cat"):
        (await house.nexus.app(scene.slug, "POST", "/api/notes", {"title": title})).ok(201)
    return told


@pytest.fixture(scope="module")
async def second(house: House, scene: Scene, first: Told) -> Told:
    """The app after a change of a few lines, which waits for approval."""
    plan = planned(scene, "priority", files=("migrations/0002_priority.sql", INDEX_PATH, SCHEMA_PATH))
    field = FIELD.format(name="priority", label="Priority")
    answer = edits(
        {"migrations/0002_priority.sql": COLUMN.format(name="priority")},
        (INDEX_PATH, FLAG, f"{FLAG}, priority: line()"),
        (SCHEMA_PATH, LAST, f"{LAST},\n        {field}"),
    )
    scene.play([planning(plan)], [answer])
    return await house.change(scene, "add a priority")


@pytest.fixture(scope="module")
async def third(house: House, scene: Scene, second: Told) -> Told:
    """The app after a change whose edit did not fit at first."""
    plan = planned(scene, "priority", "owner", files=("migrations/0003_owner.sql", INDEX_PATH, SCHEMA_PATH))
    new = {"migrations/0003_owner.sql": COLUMN.format(name="owner"), SCHEMA_PATH: with_field(second.files[SCHEMA_PATH], "owner")}
    whole = {INDEX_PATH: with_field(second.files[INDEX_PATH], "owner")}
    scene.play([planning(plan)], [edits(new, (INDEX_PATH, "there is no such text", "nor will there be")), writing(whole)])
    told = await house.change(scene, "add an owner")
    assert ["plan", "write", "write"] == scene.verbs()[-3:]
    return told


async def test_a_change_leaves_what_it_does_not_name_the_same_to_the_byte(first: Told, second: Told) -> None:
    assert second.ready, shown(second)
    named = {
        "migrations/0002_priority.sql": COLUMN.format(name="priority"),
        INDEX_PATH: with_field(INDEX, "priority"),
        SCHEMA_PATH: with_field(SCHEMA, "priority"),
    }
    assert {**first.files, **named} == second.files
    listed = next(c for c in second.card["children"] if c["type"] == "section" and c["id"] == "files")["children"][0]["files"]
    assert {path: "added" if path not in first.files else "changed" for path in named} == {
        file["path"]: file["change"] for file in listed if file["change"]
    }


async def test_a_change_leaves_the_rows_where_they_are(house: House, scene: Scene, first: Told, second: Told) -> None:
    assert "deployment.live" == (await house.approve(scene, second))["kind"]
    rows = (await house.nexus.app(scene.slug, "GET", "/api/notes")).ok()
    assert [("Feed the cat", None), ("Water the plants", None)] == [(row["title"], row["priority"]) for row in rows]
    made = (await house.nexus.app(scene.slug, "POST", "/api/notes", {"title": "Sleep", "priority": "high"})).ok(201)
    assert "high" == made["priority"]


async def test_an_edit_that_does_not_fit_is_asked_for_as_a_whole_file(scene: Scene, second: Told, third: Told) -> None:
    assert third.ready, shown(third)
    new = {"migrations/0003_owner.sql": COLUMN.format(name="owner")}
    code = {path: with_field(second.files[path], "owner") for path in (INDEX_PATH, SCHEMA_PATH)}
    assert {**second.files, **new, **code} == third.files
    assert MORE["changes by edits that do not fit"][0] in third.text


async def test_edits_that_never_fit_end_with_what_to_do_and_leave_what_is_live(house: House, scene: Scene, third: Told) -> None:
    plan = planned(scene, "priority", "owner", "colour", files=(INDEX_PATH,))
    scene.play([planning(plan)], [edits({}, (INDEX_PATH, "there is no such text", "nor will there be"))])
    told = await house.change(scene, "add a colour")
    assert "failed" == told.end
    assert MORE["changes by edits that never fit"][0] in told.text, shown(told)
    assert 200 == (await house.nexus.app(scene.slug, "GET", "/api/notes")).status


async def test_a_released_migration_stays_as_it_is_and_the_change_comes_as_a_new_one(
    house: House, scene: Scene, third: Told
) -> None:
    plan = planned(scene, "priority", "owner", "place", files=(FIRST, INDEX_PATH, SCHEMA_PATH))
    code = {path: with_field(third.files[path], "place") for path in (INDEX_PATH, SCHEMA_PATH)}
    new = {"migrations/0004_place.sql": COLUMN.format(name="place")}
    rewritten = TABLE.replace("done boolean", "place text,\n  done boolean")
    scene.play([planning(plan)], [writing({FIRST: rewritten, **code})], [writing(new)])
    told = await house.change(scene, "add a place")
    assert told.ready, shown(told)
    assert {**third.files, **code, **new} == told.files
    assert MORE["changes a migration that was released"][0] in told.text
