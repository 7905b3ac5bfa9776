"""Asked again, a model neither doubles, loses nor reaches what it should not, and is not asked for ever."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import pytest

from core.files import MAX_FILES
from core.frameworks.registry import FRAMEWORKS
from core.generation.fake_model import CALL, FakeModel, files, planned
from core.generation.generated import Done, Ended, PipelineLimits
from core.generation.meter import metering
from core.generation.model import Brief, ChangeBrief, Failure, Usage
from core.generation.pipeline import Pipeline
from core.generation.sentinels import emit, emit_edit, emit_removal
from core.words.plan import PlannedFile
from tests.support.generation import OVERLOADED, Watch, emitting, saying
from tests.support.tiny_framework import FILES, MIGRATION, ROUTES, TinyFramework, tiny, todo_plan

TREE = TinyFramework().scaffold().with_files({**FILES, "app/other.py": "import os\n", "app/old.py": "OLD = 1\n"})
CHANGE = ChangeBrief(request="add priorities", plan=todo_plan(), tree=TREE)
FAILURE = Failure(plan=todo_plan(), tree=TREE, check="try", log_tail="no")
ADD = functools.partial(emit_edit, "app/other.py", "import os", "import os\nimport re")
ADDED = "import os\nimport re\n"


def plan_of(*paths: str, **changes: Any) -> list[Any]:
    return [planned(todo_plan(files=[PlannedFile(path=path) for path in paths], **changes))]


def write(path: str, text: str) -> Any:
    return functools.partial(emit, path, text)


def remove(path: str) -> Any:
    return functools.partial(emit_removal, path)


# -- nothing twice ----------------------------------------------------------------------------------------------------------------------


async def test_an_edit_that_a_change_repeats_when_it_is_asked_for_a_missing_file_is_made_once(watch: Watch) -> None:
    model = FakeModel(plan_of("app/other.py", "app/new.py"), [emitting(ADD), emitting(ADD, write("app/new.py", "N = 1\n"))])
    done = await Pipeline(tiny).change(model, CHANGE, watch)
    assert isinstance(done, Done)
    assert (ADDED, "N = 1\n") == (done.tree["app/other.py"], done.tree["app/new.py"])


async def test_a_change_that_is_asked_for_a_missing_file_writes_no_other_anew(watch: Watch) -> None:
    otherwise = functools.partial(emit_edit, "app/other.py", "import os", "import os\nimport json")
    model = FakeModel(plan_of("app/other.py", "app/new.py"), [emitting(ADD), emitting(otherwise, write("app/new.py", "N = 1\n"))])
    done = await Pipeline(tiny).change(model, CHANGE, watch)
    assert isinstance(done, Done)
    assert ADDED == done.tree["app/other.py"]


async def test_a_repair_that_is_asked_again_sees_what_was_kept_and_the_file_that_its_edit_missed(watch: Watch) -> None:
    missed = functools.partial(emit_edit, "app/routes.py", "nowhere", "x")
    model = FakeModel([], [emitting(ADD, missed), emitting(ADD, write("app/routes.py", "R = 1\n"))])
    done = await Pipeline(tiny).repair(model, FAILURE, watch)
    assert isinstance(done, Done)
    again = model.asked[1][1][0]
    assert ADDED == again.tree["app/other.py"]
    assert ("app/routes.py",) == again.suspects
    assert (ADDED, "R = 1\n") == (done.tree["app/other.py"], done.tree["app/routes.py"])


async def test_what_only_sounds_like_an_edit_that_was_made_is_made(watch: Watch) -> None:
    first = emitting(ADD, functools.partial(emit_edit, "app/routes.py", "return []", "return [(]"))
    more = functools.partial(emit_edit, "app/other.py", "import os", "import ast\nimport os")
    model = FakeModel(plan_of("app/other.py", "app/routes.py"), [first, emitting(more, write("app/routes.py", ROUTES))])
    done = await Pipeline(tiny).change(model, CHANGE, watch)
    assert isinstance(done, Done)
    assert "import ast\nimport os\nimport re\n" == done.tree["app/other.py"]


# -- nothing else -----------------------------------------------------------------------------------------------------------------------


async def test_a_correction_of_a_change_reaches_what_is_wrong_and_what_that_imports_and_no_other_file(watch: Watch) -> None:
    wrong = files({"app/routes.py": "from app.other import (\n"})
    right = files({"app/routes.py": "import app.other\n", "app/old.py": "OLD = 2\n", "app/new.py": "N = 1\n"})
    model = FakeModel(plan_of("app/routes.py"), [wrong, right])
    done = await Pipeline(tiny).change(model, CHANGE, watch)
    changed = {path for path in {*TREE, *done.tree} if TREE.get(path) != done.tree.get(path)} if isinstance(done, Done) else set()
    assert {"app/routes.py", "app/new.py"} == changed
    assert any("app/old.py, which the change does not name" in note for note in done.notes)  # type: ignore[union-attr]


async def test_a_correction_of_a_change_may_mend_what_its_file_imports(watch: Watch) -> None:
    first = files({"app/routes.py": "from app.other import thing\n\nthing()\n"})
    model = FakeModel(plan_of("app/routes.py"), [first, files({"app/other.py": "def thing():\n    pass\n"})])
    done = await Pipeline(tiny).change(model, CHANGE, watch)
    assert isinstance(done, Done)
    assert "def thing" in done.tree["app/other.py"]
    assert 3 == len(model.asked)


async def test_a_new_app_keeps_what_the_scaffold_brings_and_a_model_is_not_shown(watch: Watch) -> None:
    framework = FRAMEWORKS["express"]
    before = framework.scaffold(["authentication"])
    meddled = {
        "src/auth/sessions.js": "export const open = 1;\n",
        "public/app.js": "alert(1);\n",
        "src/tips.js": "export const tip = 1;\n",
    }
    table = {"migrations/0001_init.sql": MIGRATION}
    plan = todo_plan(framework="express", features=["authentication"], files=[PlannedFile(path=path) for path in table])
    broken = files({**table, **meddled, "src/tips.js": "export const ;\n"})
    model = FakeModel([planned(plan)], [broken, files({"src/auth/users.js": "", "src/tips.js": meddled["src/tips.js"]})])
    done = await Pipeline(FRAMEWORKS.__getitem__).generate(model, Brief(description="x"), watch)
    assert isinstance(done, Done)
    assert ("migrations/0001_init.sql", "src/tips.js") == done.written
    assert all(before[path] == done.tree[path] for path in ("src/auth/sessions.js", "src/auth/users.js", "public/app.js"))
    assert any("public/app.js, which comes with the scaffold and was not planned" in note for note in done.notes)


async def test_what_a_feature_consists_of_is_not_removed_while_the_app_has_it(watch: Watch) -> None:
    framework = FRAMEWORKS["nextjs"]
    plan = todo_plan(framework="nextjs", features=["authentication"], files=[PlannedFile(path="lib/tip.ts")])
    tree = framework.scaffold(["authentication"]).with_files({"migrations/0001_init.sql": MIGRATION})
    repair = emitting(remove("proxy.ts"), write("lib/tip.ts", "export const tip = 1;\n"))
    failure = Failure(plan=plan.model_copy(update={"files": []}), tree=tree, check="try", log_tail="401 in proxy.ts")
    done = await Pipeline(FRAMEWORKS.__getitem__).repair(FakeModel([], [repair]), failure, watch)
    assert isinstance(done, Done)
    assert "proxy.ts" in done.tree
    assert any("proxy.ts, without which a feature of the app would be gone" in note for note in done.notes)


# -- nothing lost -----------------------------------------------------------------------------------------------------------------------


async def test_a_file_that_was_written_under_a_wrong_name_may_be_taken_back(watch: Watch) -> None:
    wrong = files({**FILES, "app/more.py": "def (:\n"})
    renamed = emitting(remove("app/more.py"), write("app/others.py", "N = 1\n"))
    plan = todo_plan(files=[*todo_plan().files, PlannedFile(path="app/more.py")])
    done = await Pipeline(tiny).generate(FakeModel([planned(plan)], [wrong, renamed]), Brief(description="x"), watch)
    assert isinstance(done, Done)
    assert "app/more.py" not in done.tree
    assert "app/others.py" in done.tree
    assert "app/more.py is not needed after all." in done.notes


@pytest.mark.parametrize("instead", ["src/api.ts", "src/api/index.js"])
async def test_a_module_that_gets_another_ending_is_not_missed_by_who_imports_it(instead: str, watch: Watch) -> None:
    tree = TREE.with_files({"src/api.js": "export const a = 1;\n", "src/main.js": "import { a } from './api';\n"})
    moved = emitting(remove("src/api.js"), write(instead, "export const a = 1;\n"))
    model = FakeModel(plan_of("src/api.js", instead), [moved])
    done = await Pipeline(tiny).change(model, replace(CHANGE, tree=tree), watch)
    assert isinstance(done, Done)
    assert ["plan_change", "write"] == [verb for verb, _ in model.asked]


async def test_as_many_files_as_there_may_be_can_be_exchanged(watch: Watch) -> None:
    full = TREE.with_files({f"app/n{n}.py": "N = 1\n" for n in range(MAX_FILES - len(TREE))})
    old = [f"app/n{n}.py" for n in range(20)]
    new = {f"new/n{n}.py": "N = 2\n" for n in range(20)}
    moved = emitting(*map(remove, old), *(write(path, text) for path, text in new.items()))
    done = await Pipeline(tiny).change(FakeModel(plan_of(*old, *new), [moved]), replace(CHANGE, tree=full), watch)
    assert isinstance(done, Done)
    assert set(new) <= set(done.tree)
    assert not set(old) & set(done.tree)


# -- not for ever -----------------------------------------------------------------------------------------------------------------------


async def test_a_build_asks_no_more_often_than_it_may_and_says_so(watch: Watch) -> None:
    model = FakeModel([planned(todo_plan())], [files({**FILES, "app/routes.py": "def (:\n"})])
    limits = PipelineLimits(calls=3, corrections=50)
    ended = await Pipeline(tiny, limits).generate(model, Brief(description="x"), watch)
    assert isinstance(ended, Ended)
    assert ("partial", 3) == (ended.kind, len(model.asked))
    assert ended.reason.startswith("The model was asked 3 times, as often as one build may")


async def test_what_a_build_has_asked_before_counts_for_its_repairs(watch: Watch) -> None:
    model = FakeModel([], [files({"app/routes.py": "R = 1\n"})])
    with metering(Usage(calls=PipelineLimits().calls)):
        ended = await Pipeline(tiny).repair(model, FAILURE, watch)
    assert isinstance(ended, Ended)
    assert not model.asked


async def test_a_request_that_a_vendor_was_sent_twice_counts_twice(watch: Watch) -> None:
    twice = replace(OVERLOADED, usage=replace(CALL, calls=4))
    model = FakeModel([planned(todo_plan())], [saying("", twice)])
    ended = await Pipeline(tiny, PipelineLimits(calls=8, completions=50)).generate(model, Brief(description="x"), watch)
    assert isinstance(ended, Ended)
    assert ["plan", "write", "write"] == [verb for verb, _ in model.asked]


async def test_the_largest_plan_without_a_fault_needs_a_third_of_what_a_build_may_ask(watch: Watch) -> None:
    lines = [PlannedFile(path=f"app/n{n}.py", imports=[f"app/n{n - 13}.py"] if n > 12 else []) for n in range(48)]
    plan = todo_plan(files=[*lines, PlannedFile(path="migrations/0001_init.sql")])

    def answer(verb: str, arguments: tuple[Any, ...]) -> Any:
        return files({file.path: MIGRATION if file.path.endswith(".sql") else "N = 1\n" for file in arguments[0].files})

    model = FakeModel([planned(plan)], answer=answer)
    assert isinstance(await Pipeline(tiny).generate(model, Brief(description="x"), watch), Done)
    assert len(model.asked) * 3 <= PipelineLimits().calls + 6
