"""Changes by the starter: what is asked for happens, data are kept, everything else stays byte for byte."""

from __future__ import annotations

import re

import pytest

from adapters.models.starter import Starter
from adapters.models.starter.layouts import LAYOUTS
from core.files import FileTree
from core.generation.model import ChangeBrief, Failed, Failure, Refused
from core.words.plan import FRAMEWORK_NAMES, FrameworkName, Plan
from tests.unit.models.starter.test_starter_descriptions import shape
from tests.unit.models.starter.writing import NONCE, changed, refused, written

TODOS = "a todo app with due dates and priorities"


def touched(before: FileTree, after: FileTree) -> set[str]:
    return {path for path in after if before.get(path) != after[path]}


def migration(before: FileTree, after: FileTree) -> str:
    """The new migration, without its comment."""
    (path,) = [path for path in touched(before, after) if path.startswith("migrations/")]
    assert path not in before
    return after[path].split("\n\n", 1)[1].strip()


@pytest.mark.parametrize(
    ("request_text", "fields", "sql"),
    [
        ("add an estimate in hours", "estimate:number", 'ALTER TABLE "todos" ADD COLUMN IF NOT EXISTS "estimate" numeric;'),
        ("please add tags to todos", "tags:text", 'ALTER TABLE "todos" ADD COLUMN IF NOT EXISTS "tags" text;'),
        ("add a field colour to the todo list", "colour:text", 'ALTER TABLE "todos" ADD COLUMN IF NOT EXISTS "colour" text;'),
        ("we also need an assignee", "assignee:text", 'ALTER TABLE "todos" ADD COLUMN IF NOT EXISTS "assignee" text;'),
        (
            "add a required owner email",
            "owner_email!:email",
            'ALTER TABLE "todos" ADD COLUMN IF NOT EXISTS "owner_email" text CHECK (position(\'@\' IN "owner_email") > 1);',
        ),
        (
            "include whether it is urgent",
            "urgent:boolean",
            'ALTER TABLE "todos" ADD COLUMN IF NOT EXISTS "urgent" boolean NOT NULL DEFAULT false;',
        ),
        (
            "add a mood (good, bad)",
            "mood:choice(good/bad)",
            'ALTER TABLE "todos" ADD COLUMN IF NOT EXISTS "mood" text CONSTRAINT "todos_mood_choice" '
            "CHECK (\"mood\" IN ('good', 'bad'));",
        ),
        (
            "rename the title to headline",
            None,
            'ALTER TABLE "todos" RENAME COLUMN "title" TO "headline";',
        ),
    ],
)
async def test_a_field_that_is_asked_for_gets_a_column_and_a_place(
    request_text: str, fields: str | None, sql: str | None
) -> None:
    plan, tree = await written(TODOS)
    after, new = await changed(plan, tree, request_text)
    if fields:
        assert shape(after)["todos"] == f"{shape(plan)['todos']} {fields}"
    assert migration(tree, new) == sql


@pytest.mark.parametrize("name", FRAMEWORK_NAMES)
async def test_a_change_leaves_every_other_file_as_it_is(name: FrameworkName) -> None:
    plan, tree = await written("projects with tasks", name)
    _, after = await changed(plan, tree, "add a cost to projects")
    layout = LAYOUTS[name]
    code = f"{layout.code_folder}projects{ {'fastapi': '.py', 'nextjs': '.ts'}.get(name, '.js') }"
    assert touched(tree, after) == {code, layout.schema, "README.md", "migrations/0002_add_a_cost_to_projects.sql"}


@pytest.mark.parametrize(
    ("request_text", "fields"),
    [
        ("add a mood: good, bad, ugly", "mood:choice(good/bad/ugly)"),
        ("add a status: open, closed and an estimate", "status:choice(open/closed) estimate:text"),
        ("add urgency low, medium, high", "urgency:choice(low/medium/high)"),
        ("add a source to the todos: web, phone, fair", "source:choice(web/phone/fair)"),
        ("add fields to todos: cost, owner email", "cost:money owner_email:email"),
        ("add a type: private or business", "type:choice(private/business)"),
        ("add a rating 1-5", "rating:integer"),
    ],
)
async def test_a_list_behind_a_field_is_its_choices_and_not_more_fields(request_text: str, fields: str) -> None:
    plan, tree = await written(TODOS)
    after, _ = await changed(plan, tree, request_text)
    assert shape(after)["todos"] == f"{shape(plan)['todos']} {fields}"


async def test_a_choice_that_is_there_takes_the_new_ones_too() -> None:
    plan, tree = await written(TODOS)
    after, new = await changed(plan, tree, "add a priority: low, normal, high")
    assert "priority:choice(low/medium/high/normal)" in shape(after)["todos"]
    assert 'DROP CONSTRAINT IF EXISTS "todos_priority_choice"' in migration(tree, new)
    assert any("choices that were there stay" in said for said in after.assumptions)


async def test_a_new_thing_gets_a_table_a_module_and_a_place_in_the_list() -> None:
    plan, tree = await written(TODOS)
    after, new = await changed(plan, tree, "also track projects with name and deadline")
    assert shape(after)["projects"] == "name!:text deadline:date"
    assert migration(tree, new).startswith('CREATE TABLE "projects" (')
    assert "projects.router" in new["app/resources/__init__.py"]
    assert "app/resources/todos.py" not in touched(tree, new)


async def test_comments_hang_on_what_is_there() -> None:
    plan, tree = await written(TODOS)
    after, new = await changed(plan, tree, "add comments")
    assert shape(after)["comments"] == "author:text body!:long_text todo!:reference>todos"
    assert 'REFERENCES "todos" ON DELETE CASCADE' in migration(tree, new)


async def test_a_removed_field_is_hidden_and_its_data_kept() -> None:
    plan, tree = await written(TODOS)
    after, new = await changed(plan, tree, "remove the notes field")
    assert "notes" not in shape(after)["todos"]
    assert not [path for path in touched(tree, new) if path.startswith("migrations/")]
    assert any("data are kept" in said for said in after.assumptions)


async def test_a_hidden_field_that_was_needed_no_longer_stops_an_insert() -> None:
    plan, tree = await written("track invoices: number, customer, amount, paid")
    after, new = await changed(plan, tree, "hide the number")
    assert migration(tree, new) == 'ALTER TABLE "invoices" ALTER COLUMN "number" DROP NOT NULL;'
    assert "number" not in shape(after)["invoices"]


async def test_a_field_that_comes_back_finds_its_data() -> None:
    plan, tree = await written(TODOS)
    hidden, tree = await changed(plan, tree, "remove the notes field")
    after, new = await changed(hidden, tree, "add notes")
    assert shape(after)["todos"].endswith("notes:long_text")
    assert migration(tree, new) == 'ALTER TABLE "todos" ADD COLUMN IF NOT EXISTS "notes" text;'


async def test_a_field_that_comes_back_with_another_type_gets_another_column() -> None:
    plan, tree = await written(TODOS)
    hidden, tree = await changed(plan, tree, "remove the priority field")
    after, _ = await changed(hidden, tree, "add a priority (number)")
    assert "priority_2:number" in shape(after)["todos"]


async def test_data_are_deleted_only_when_the_request_says_drop_the_column() -> None:
    plan, tree = await written(TODOS)
    after, new = await changed(plan, tree, "drop the notes column")
    assert "-- destructive" in migration(tree, new)
    assert 'DROP COLUMN "notes"' in migration(tree, new)
    assert "notes" not in shape(after)["todos"]


async def test_the_data_of_a_removed_field_are_deleted_by_the_words_that_its_removal_names() -> None:
    plan, tree = await written(TODOS)
    hidden, tree = await changed(plan, tree, "remove the notes field")
    after, new = await changed(hidden, tree, "drop the notes column")
    assert "-- destructive" in migration(tree, new)
    assert 'ALTER TABLE "todos" DROP COLUMN "notes";' in migration(tree, new)
    assert shape(after) == shape(hidden)


async def test_what_no_table_has_is_not_dropped() -> None:
    plan, tree = await written(TODOS)
    assert "did not understand" in await refused(plan, tree, "drop the id column")
    assert "did not understand" in await refused(plan, tree, "drop the moon column")


async def test_a_removed_thing_leaves_no_reference_to_it() -> None:
    plan, tree = await written("projects with tasks")
    after, new = await changed(plan, tree, "remove projects")
    assert list(shape(after)) == ["tasks"]
    assert "project" not in shape(after)["tasks"]
    assert "projects" not in new["app/resources/__init__.py"]


async def test_a_thing_that_comes_back_does_not_meet_its_old_table() -> None:
    plan, tree = await written("blog with comments")
    without, tree = await changed(plan, tree, "remove comments")
    after, new = await changed(without, tree, "add comments")
    assert list(shape(after)) == ["posts", "comments_2"]
    assert migration(tree, new).startswith('CREATE TABLE "comments_2"')


async def test_due_date_becomes_needed_without_touching_the_database() -> None:
    plan, tree = await written(TODOS)
    after, new = await changed(plan, tree, "make the due date required")
    assert "due_date!:date" in shape(after)["todos"]
    assert "due_date: Date\n" in new["app/resources/todos.py"]
    assert not [path for path in touched(tree, new) if path.startswith("migrations/")]


async def test_a_choice_grows() -> None:
    plan, tree = await written(TODOS)
    after, new = await changed(plan, tree, "add 'urgent' to the priority")
    assert "priority:choice(low/medium/high/urgent)" in shape(after)["todos"]
    assert 'DROP CONSTRAINT IF EXISTS "todos_priority_choice"' in migration(tree, new)
    assert "'urgent'" in migration(tree, new)


@pytest.mark.parametrize("request_text", ["change the title to Errands", 'rename the app to "Errands"', "call it Errands"])
async def test_the_title_changes(request_text: str) -> None:
    plan, tree = await written(TODOS)
    after, new = await changed(plan, tree, request_text)
    assert after.name == "Errands"
    assert touched(tree, new) == {"README.md", "static/index.html", "static/schema.json"}


async def test_the_look_changes_and_stays_over_later_changes() -> None:
    plan, tree = await written(TODOS)
    plan, green = await changed(plan, tree, "make the header green")
    assert touched(tree, green) == {"static/theme.css"}
    plan, dark = await changed(plan, green, "dark theme please")
    assert touched(green, dark) == {"static/index.html"}
    _, renamed = await changed(plan, dark, "call it Chores")
    assert 'data-theme="dark"' in renamed["static/index.html"]
    assert renamed["static/theme.css"] == green["static/theme.css"]


async def test_several_changes_in_one_request_all_happen_and_the_rest_is_said() -> None:
    plan, tree = await written(TODOS)
    after, new = await changed(plan, tree, "Make it blue and add an assignee. Rename todos to tasks. Juggle three balls.")
    assert "assignee:text" in shape(after)["todos"]
    assert after.resources[0].label == "Tasks"
    assert "--accent-hue: 258" in new["static/theme.css"]
    assert any("Juggle three balls" in said for said in after.assumptions)


async def test_migrations_are_numbered_on_and_never_edited() -> None:
    plan, tree = await written(TODOS)
    first = tree["migrations/0001_init.sql"]
    for request_text in ("add tags", "add a cost", "remove tags", "add colour"):
        plan, tree = await changed(plan, tree, request_text)
    assert [path for path in tree if path.startswith("migrations/")] == [
        "migrations/0001_init.sql",
        "migrations/0002_add_tags.sql",
        "migrations/0003_add_a_cost.sql",
        "migrations/0004_add_colour.sql",
    ]
    assert tree["migrations/0001_init.sql"] == first


@pytest.mark.parametrize(
    ("request_text", "reason"),
    [
        ("do a barrel roll", "did not understand"),
        ("?!", "no words"),
        ("add due dates", "have due date already"),
        ("add search", "there already"),
        ("add charts", "cannot make it: charts and reports"),
        ("add colour to llamas", "nothing called llamas"),
        ("call it Todos", "nothing would change"),
        ("remove the todos", "did not understand"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_examples(request_text: str, reason: str) -> None:
    plan, tree = await written(TODOS)
    said = await refused(plan, tree, request_text)
    assert reason in said
    assert "“" in said


async def test_an_app_that_somebody_else_wrote_is_left_alone() -> None:
    plan, tree = await written(TODOS)
    foreign = tree.with_files({"static/schema.json": None})
    assert "not written by the built-in starter" in await refused(plan, foreign, "add tags")


async def test_files_that_were_edited_by_hand_are_named_before_they_are_written_anew() -> None:
    plan, tree = await written(TODOS)
    edited = tree.with_files({"app/resources/todos.py": tree["app/resources/todos.py"] + "# mine\n"})
    after, _ = await changed(plan, edited, "add tags")
    assert any("app/resources/todos.py" in said for said in after.assumptions)
    after, _ = await changed(plan, edited, "make the header red")
    assert not any("app/resources/todos.py" in said for said in after.assumptions)


async def test_a_repair_fails_honestly() -> None:
    plan, tree = await written(TODOS)
    ended = [piece async for piece in Starter().repair(Failure(plan=plan, tree=tree, check="build", log_tail="boom"), NONCE)]
    assert len(ended) == 1
    assert isinstance(ended[0], Failed)
    assert not ended[0].retryable


async def test_a_change_of_a_plan_without_things_is_refused() -> None:
    plan = Plan(name="Pushed", framework="fastapi", summary="Files.")
    outcome = await Starter().plan_change(ChangeBrief(request="add tags", plan=plan, tree=FileTree({"main.py": "app = 1\n"})))
    assert isinstance(outcome, Refused)


async def test_the_text_of_a_request_reaches_no_code() -> None:
    plan, tree = await written(TODOS)
    plan, new = await changed(plan, tree, "add a mood (it's \"good\", bad'); DROP TABLE todos; --, <script>)")
    sql = migration(tree, new)
    assert "DROP TABLE" not in re.sub(r"'(?:[^']|'')*'", "", sql)
    assert "<script>" not in "".join(new.values()).replace('<script type="module" src="app.js">', "")
