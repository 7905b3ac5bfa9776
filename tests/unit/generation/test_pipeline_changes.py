"""A change is edits, whole files and removals of what its plan names; everything else stays byte for byte."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from adapters.models.starter import Starter
from core.files import FileTree
from core.frameworks.framework import Framework
from core.frameworks.registry import FRAMEWORKS
from core.frameworks.registry import framework as framework_named
from core.generation.draft import Draft
from core.generation.fake_model import FakeModel, Script, files, planned
from core.generation.model import Brief, ChangeBrief, Failure
from core.generation.pipeline import Done, Ended, Generated, Pipeline
from core.generation.progress import FileWriting, FileWritten, Note, Retrying
from core.generation.sentinels import emit, emit_edit, emit_removal
from core.words.plan import Feature, FrameworkName, PlannedFile
from tests.support.generation import ACCOUNTS, WIRED, Featured, Watch, emitting, saying
from tests.support.tiny_framework import FILES, MIGRATION, ROUTES, TinyFramework, tiny, todo_plan

CRLF = "a = 1\r\nb = 2\r\n"
TREE = TinyFramework().scaffold().with_files({**FILES, "app/other.py": CRLF, "app/old.py": "OLD = 1\n", "notes.txt": "\ufeffx"})
FROZEN = frozenset({"migrations/0001_init.sql"})
CHANGE = ChangeBrief(request="add priorities", plan=todo_plan(), tree=TREE, frozen=FROZEN)


def plan_of(*paths: str, **changes: Any) -> list[Any]:
    return [planned(todo_plan(files=[PlannedFile(path=path) for path in paths], **changes))]


def edit(path: str, search: str, replacement: str) -> Any:
    return functools.partial(emit_edit, path, search, replacement)


def write(path: str, text: str) -> Any:
    return functools.partial(emit, path, text)


def remove(path: str) -> Any:
    return functools.partial(emit_removal, path)


async def change(model: FakeModel, watch: Watch, brief: ChangeBrief = CHANGE) -> Generated:
    return await Pipeline(tiny).change(model, brief, watch)


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str | None]:
    return {path: after.get(path) for path in {*before, *after} if before.get(path) != after.get(path)}


async def test_edits_files_and_removals_change_what_they_name_and_nothing_else(watch: Watch) -> None:
    wanted = emitting(edit("app/routes.py", "return []", "return [1]"), write("app/new.py", "NEW = 1\n"), remove("app/old.py"))
    done = await change(FakeModel(plan_of("app/routes.py", "app/new.py", "app/old.py"), [wanted]), watch)
    assert isinstance(done, Done)
    changed = {"app/routes.py": "def todos():\n    return [1]\n", "app/new.py": "NEW = 1\n", "app/old.py": None}
    assert changed == differences(TREE, done.tree)
    assert ["app/routes.py", "app/new.py"] == [file.path for file in done.plan.files]
    assert ("app/new.py", "app/routes.py") == done.written
    told = [event for event in watch.events if getattr(event, "path", "") == "app/routes.py"]
    assert [FileWriting("app/routes.py"), FileWritten("app/routes.py", len(changed["app/routes.py"] or ""))] == told


@pytest.mark.parametrize(("search", "why"), [("nothing like it", "does not occur"), ("o", "occurs")])
async def test_an_edit_that_does_not_apply_is_asked_for_as_a_whole_file(search: str, why: str, watch: Watch) -> None:
    model = FakeModel(
        plan_of("app/routes.py"), [emitting(edit("app/routes.py", search, "x")), files({"app/routes.py": "R = 1\n"})]
    )
    done = await change(model, watch)
    assert isinstance(done, Done)
    assert {"app/routes.py": "R = 1\n"} == differences(TREE, done.tree)
    told = model.asked[-1][1][0].told
    assert why in told
    assert "write the whole file" in told
    assert 1 == len(watch.of(Retrying))


async def test_edits_that_never_apply_end_with_the_files_name(watch: Watch) -> None:
    ended = await change(FakeModel(plan_of("app/routes.py"), [emitting(edit("app/routes.py", "nope", "x"))]), watch)
    assert isinstance(ended, Ended)
    assert ended.reason.startswith("The model's change of app/routes.py does not fit the file.")
    assert "in other words" in ended.reason


async def test_an_edit_of_an_old_file_keeps_its_line_ends(watch: Watch) -> None:
    done = await change(FakeModel(plan_of("app/other.py"), [emitting(edit("app/other.py", "a = 1", "a = 3"))]), watch)
    assert isinstance(done, Done)
    assert "a = 3\r\nb = 2\r\n" == done.tree["app/other.py"]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (emitting(edit("app/other.py", "a = 1", "a = 3"), write("app/routes.py", "R = 1\n")), "does not name"),
        (emitting(remove("app/other.py"), write("app/routes.py", "R = 1\n")), "it stays"),
        (emitting(remove("server.py"), write("app/routes.py", "R = 1\n")), "it stays"),
        (emitting(remove("migrations/0001_init.sql"), write("app/routes.py", "R = 1\n")), "was released"),
        (emitting(edit("server.py", "ROUTES", "HACKED"), write("app/routes.py", "R = 1\n")), "belongs to the platform"),
    ],
    ids=["edit unnamed", "remove unnamed", "remove owned", "remove frozen", "edit owned"],
)
async def test_what_the_change_may_not_touch_stays_with_a_note(script: Script, words: str, watch: Watch) -> None:
    done = await change(FakeModel(plan_of("app/routes.py"), [script]), watch)
    assert isinstance(done, Done)
    assert {"app/routes.py": "R = 1\n"} == differences(TREE, done.tree)
    assert any(words in note for note in done.notes)


WITH_SECRETS = replace(CHANGE, tree=TREE.with_files({".env": "KEY=old\n"}))


@pytest.mark.parametrize("wanted", [write(".env", "KEY=new\n"), edit(".env", "old", "new")], ids=["whole", "edit"])
async def test_a_file_of_secrets_that_is_there_stays_as_it_is_and_is_not_waited_for(wanted: Any, watch: Watch) -> None:
    script = emitting(wanted, write("app/routes.py", "R = 1\n"))
    done = await change(FakeModel(plan_of(".env", "app/routes.py"), [script]), watch, WITH_SECRETS)
    assert isinstance(done, Done)
    assert {"app/routes.py": "R = 1\n"} == differences(WITH_SECRETS.tree, done.tree)
    assert [True] == ["belong into the app's settings" in note for note in done.notes]
    assert not watch.of(Retrying)


async def test_a_file_of_secrets_that_is_there_may_be_removed(watch: Watch) -> None:
    done = await change(FakeModel(plan_of(".env"), [emitting(remove(".env"))]), watch, WITH_SECRETS)
    assert isinstance(done, Done)
    assert {".env": None} == differences(WITH_SECRETS.tree, done.tree)


async def test_an_edit_of_a_released_migration_is_asked_again_as_a_new_one(watch: Watch) -> None:
    sneaky = emitting(edit("migrations/0001_init.sql", "title text", "title int"), write("app/routes.py", "R = 1\n"))
    model = FakeModel(plan_of("app/routes.py"), [sneaky, files({"migrations/0002_x.sql": "SELECT 1;\n"})])
    done = await change(model, watch)
    assert isinstance(done, Done)
    assert MIGRATION == done.tree["migrations/0001_init.sql"]
    assert "was released and may not change" in model.asked[-1][1][0].log_tail


async def test_a_file_that_another_still_imports_is_not_simply_removed(watch: Watch) -> None:
    tree = TREE.with_files({"app/other.py": "from app.old import OLD\n"})
    back = files({"app/other.py": "OTHER = 1\n"})
    model = FakeModel(plan_of("app/old.py"), [emitting(remove("app/old.py")), back])
    done = await change(model, watch, ChangeBrief(request="less", plan=todo_plan(), tree=tree))
    assert isinstance(done, Done)
    assert "app/old.py" not in done.tree
    assert "OTHER = 1\n" == done.tree["app/other.py"]
    assert "imports app/old.py, which was removed" in model.asked[-1][1][0].log_tail


async def test_a_new_app_removes_nothing(watch: Watch) -> None:
    wanted = emitting(*(write(path, text) for path, text in FILES.items()), remove("README.md"))
    done = await Pipeline(tiny).generate(FakeModel([planned(todo_plan())], [wanted]), Brief(description="x"), watch)
    assert isinstance(done, Done)
    assert "README.md" in done.tree


async def test_a_repair_may_edit_and_remove(watch: Watch) -> None:
    failure = Failure(plan=todo_plan(), tree=TREE, check="try", log_tail="\x1b[31mno\x1b[0m at 10:11:12", frozen=FROZEN)
    model = FakeModel([], [emitting(edit("app/routes.py", "[]", "[2]"), remove("app/old.py"))])
    done = await Pipeline(tiny).repair(model, failure, watch)
    assert isinstance(done, Done)
    assert {"app/routes.py": "def todos():\n    return [2]\n", "app/old.py": None} == differences(TREE, done.tree)
    assert "no at <time>" == model.asked[0][1][0].log_tail


async def test_a_repair_whose_edit_does_not_apply_is_told_so(watch: Watch) -> None:
    failure = Failure(plan=todo_plan(), tree=TREE, check="try", log_tail="no", frozen=FROZEN)
    model = FakeModel([], [emitting(edit("app/routes.py", "nope", "x")), files({"app/routes.py": "R = 1\n"})])
    assert isinstance(await Pipeline(tiny).repair(model, failure, watch), Done)
    assert "app/routes.py: The edit was not made" in model.asked[1][1][0].told


# -- features ---------------------------------------------------------------------------------------------------------------------------


def featured(name: FrameworkName) -> Framework:
    return Featured()


ACCOUNTED: list[Feature] = ["authentication"]


async def test_a_feature_that_comes_is_laid_in_and_told_of(watch: Watch) -> None:
    tree = Featured().scaffold().with_files(FILES)
    model = FakeModel(plan_of("app/routes.py", features=ACCOUNTED), [files({"app/routes.py": "R = 1\n"})])
    brief = ChangeBrief(request="people should sign in", plan=todo_plan(), tree=tree, frozen=FROZEN)
    done = await Pipeline(featured).change(model, brief, watch)
    assert isinstance(done, Done)
    assert (WIRED, ACCOUNTS) == (done.tree["app/wiring.py"], done.tree["migrations/0002_authentication.sql"])
    assert ["authentication"] == done.plan.features
    assert any(note.startswith("From the scaffold, authentication was put in: ") for note in done.notes)
    assert WIRED == model.asked[-1][1][0].tree["app/wiring.py"]


async def test_a_model_does_not_write_what_is_laid_in_although_it_planned_to(watch: Watch) -> None:
    tree = Featured().scaffold().with_files(FILES)
    brief = ChangeBrief(request="accounts, please", plan=todo_plan(), tree=tree)
    plans = plan_of("app/auth.py", "app/routes.py", features=ACCOUNTED)
    model = FakeModel(plans, [files({"app/auth.py": "OPEN = True\n", "app/routes.py": "R = 1\n"})])
    done = await Pipeline(featured).change(model, brief, watch)
    assert isinstance(done, Done)
    assert ("A = 1\n", "R = 1\n") == (done.tree["app/auth.py"], done.tree["app/routes.py"])
    assert ["app/routes.py"] == [file.path for file in model.asked[1][1][0].files]


async def test_a_feature_alone_needs_no_file_of_the_model(watch: Watch) -> None:
    brief = ChangeBrief(request="add a login", plan=todo_plan(), tree=Featured().scaffold().with_files(FILES))
    model = FakeModel(plan_of(features=ACCOUNTED), [saying("nothing to add")])
    done = await Pipeline(featured).change(model, brief, watch)
    assert isinstance(done, Done)
    assert WIRED == done.tree["app/wiring.py"]
    assert ["plan_change"] == [verb for verb, _ in model.asked]


async def test_a_file_that_was_changed_since_is_for_the_model_to_wire(watch: Watch) -> None:
    tree = Featured().scaffold().with_files({**FILES, "app/wiring.py": "MINE = 1\n"})
    model = FakeModel(plan_of(features=ACCOUNTED), [files({"app/wiring.py": "MINE = 2\n"})])
    done = await Pipeline(featured).change(model, ChangeBrief(request="add a login", plan=todo_plan(), tree=tree), watch)
    assert isinstance(done, Done)
    assert "MINE = 2\n" == done.tree["app/wiring.py"]
    writing = model.asked[-1][1][0]
    assert ["app/wiring.py"] == [file.path for file in writing.files]
    assert WIRED in writing.told


async def test_a_plan_that_forgets_a_feature_does_not_take_it_out(watch: Watch) -> None:
    tree = Featured().scaffold(ACCOUNTED).with_files(FILES)
    for request, kept in (("make it blue", ["authentication"]), ("drop the login again", [])):
        model = FakeModel(plan_of("app/routes.py", features=[]), [files({"app/routes.py": "R = 1\n"})])
        brief = ChangeBrief(request=request, plan=todo_plan(features=ACCOUNTED), tree=tree)
        done = await Pipeline(featured).change(model, brief, watch)
        assert isinstance(done, Done)
        assert kept == done.plan.features
        assert bool(kept) == ("app/auth.py" in done.tree)
        assert ACCOUNTS == done.tree["migrations/0000_authentication.sql"]


async def test_a_feature_that_was_asked_for_in_other_words_is_in_a_new_app(watch: Watch) -> None:
    extra = PlannedFile(path="app/auth.py", purpose="a login of its own")
    plan = todo_plan(files=[*todo_plan().files, extra])
    brief = Brief(description="todos", features=["user login", "Tailwind please"], styling="tailwind")
    done = await Pipeline(featured).generate(FakeModel([planned(plan)], [files(FILES)]), brief, watch)
    assert isinstance(done, Done)
    assert ["authentication"] == done.plan.features
    assert ("A = 1\n", WIRED) == (done.tree["app/auth.py"], done.tree["app/wiring.py"])
    assert "The planned file app/auth.py comes with the scaffold and was left out." in done.notes
    assert any("plain CSS" in assumption for assumption in done.plan.assumptions)


@pytest.mark.parametrize("name", sorted(FRAMEWORKS))
async def test_the_starters_apps_get_accounts_and_lose_them_again(name: FrameworkName, watch: Watch) -> None:
    pipeline, starter = Pipeline(framework_named), Starter()
    made = await pipeline.generate(starter, Brief(description="a todo app with due dates", framework=name), watch)
    assert isinstance(made, Done)
    frozen = frozenset(path for path in made.tree if path.startswith("migrations/"))
    more = ChangeBrief(request="add a login", plan=made.plan, tree=made.tree, frozen=frozen)
    with_it = await pipeline.change(starter, more, watch)
    assert isinstance(with_it, Done)
    assert "migrations/0002_authentication.sql" in with_it.tree
    less = ChangeBrief(request="remove the login", plan=with_it.plan, tree=with_it.tree, frozen=frozen)
    without = await pipeline.change(starter, less, watch)
    assert isinstance(without, Done)
    assert {"migrations/0002_authentication.sql"} == set(differences(made.tree, without.tree))
    wired = next(
        path for path in more.tree if with_it.tree[path] != more.tree[path] and path.endswith((".py", ".js", ".tsx", ".vue"))
    )
    mine = ChangeBrief(request="add a login", plan=made.plan, tree=made.tree.with_files({wired: made.tree[wired] + "\n"}))
    ended = await pipeline.change(starter, mine, watch)
    assert isinstance(ended, Ended)
    assert f"{wired} was changed since" in ended.reason


# -- mended by rule ---------------------------------------------------------------------------------------------------------------------


async def test_what_is_certain_is_mended_without_a_further_call(watch: Watch) -> None:
    broken = {**FILES, "app/routes.py": "\ufeffdef todos():\r\n    return json.dumps([])"}
    model = FakeModel([planned(todo_plan())], [files(broken)])
    done = await Pipeline(tiny).generate(model, Brief(description="x"), watch)
    assert isinstance(done, Done)
    assert "import json\n\ndef todos():\n    return json.dumps([])\n" == done.tree["app/routes.py"]
    assert 2 == len(model.asked)
    assert [Note("app/routes.py used json without importing it; the import was added.")] == watch.of(Note)


async def test_only_what_the_model_wrote_is_mended_in_a_change(watch: Watch) -> None:
    tree = TREE.with_files({"app/other.py": "json.dumps(1)\n"})
    brief = ChangeBrief(request="x", plan=todo_plan(), tree=tree)
    done = await change(FakeModel(plan_of("app/routes.py"), [files({"app/routes.py": ROUTES + "X = 1\n"})]), watch, brief)
    assert isinstance(done, Done)
    assert {"app/routes.py": ROUTES + "X = 1\n"} == differences(tree, done.tree)


async def test_a_failing_check_is_mended_by_rule_where_its_log_names_the_file(watch: Watch) -> None:
    tree = framework_named("fastapi").scaffold().with_files({"app/extra.py": "X = json.dumps(1)\n"})
    plan = todo_plan(requires_database=False, files=[], resources=[])
    pipeline = Pipeline(framework_named)
    failure = Failure(
        plan=plan, tree=tree, check="try", log_tail="NameError: name 'json' is not defined", suspects=["app/extra.py"]
    )
    done = await pipeline.fix(failure, watch)
    assert done is not None
    assert {"app/extra.py": "import json\n\nX = json.dumps(1)\n"} == differences(tree, done.tree)
    frozen = Failure(
        plan=plan, tree=tree, check="try", log_tail="…", suspects=["app/extra.py"], frozen=frozenset({"app/extra.py"})
    )
    assert await pipeline.fix(frozen, watch) is None
    assert await pipeline.fix(Failure(plan=plan, tree=tree, check="try", log_tail="Error: who knows"), watch) is None


def test_a_draft_shows_a_writer_what_it_imports_and_the_tables() -> None:
    draft = Draft(TinyFramework(), FileTree(), None, lambda note: None)  # type: ignore[arg-type]  # no package is asked for
    draft.contents = {"migrations/0001_a.sql": "1", "app/db.py": "2", "app/x.py": "3", "app/me.py": "4"}
    me = PlannedFile(path="app/me.py", imports=["app/db.py"])
    assert {"migrations/0001_a.sql", "app/db.py"} == set(draft.written_for([me]))
    assert {"migrations/0001_a.sql", "app/db.py", "app/x.py"} == set(draft.written_for([PlannedFile(path="app/me.py")]))
