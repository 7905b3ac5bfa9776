"""The scaffolds keep the platform contract on paper; `tests/contract/test_frameworks` runs them."""

from __future__ import annotations

import json
import re

import pytest

from core.files import MAX_FILES
from core.frameworks.accounts import MIGRATION, account_tables
from core.frameworks.framework import Framework
from core.frameworks.registry import FRAMEWORKS
from core.frameworks.typescript_page import formats, tailwind
from core.generation.validation import validate
from core.words.plan import FRAMEWORK_LABELS, FRAMEWORK_NAMES, FrameworkName, Plan


@pytest.fixture(params=list(FRAMEWORKS.values()), ids=list(FRAMEWORKS))
def spec(request: pytest.FixtureRequest) -> Framework:
    found: Framework = request.param
    return found


def test_a_scaffold_has_what_the_contract_asks_for(spec: Framework) -> None:
    tree = spec.scaffold()
    assert {"README.md", ".env.example", spec.manifest, "migrations/0001_init.sql"} <= set(tree)
    settings = re.findall(r"^([A-Z_]+)=", tree[".env.example"], re.MULTILINE)
    assert {"DATABASE_URL", "PLATFORM_API_URL", "HOST", "PORT"} <= set(settings)
    assert not [path for path in tree if spec.owns(path)]


def test_a_scaffold_passes_the_validation_of_generated_code(spec: Framework) -> None:
    assert not validate(spec.scaffold(), Plan(name="x", framework=spec.name, summary=""), spec, None)


def test_a_scaffold_leaves_room_for_an_app(spec: Framework) -> None:
    assert len(spec.scaffold(spec.features)) <= MAX_FILES * 0.5


def test_a_page_loads_nothing_from_elsewhere(spec: Framework) -> None:
    for path, content in spec.scaffold().items():
        if path.startswith(("static/", "public/")) or path.endswith((".html", ".css", ".tsx", ".vue")):
            addresses = set(re.findall(r"https?://[\w.-]+", content)) - {"http://www.w3.org", "https://"}
            assert not addresses, path
            assert not re.search(r"\bon\w+=\"|<style|style=\"|innerHTML|dangerouslySet", content), path


def test_direct_dependencies_are_pinned_exactly(spec: Framework) -> None:
    for name, version in spec.dependencies(spec.scaffold()).items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name


def test_the_page_is_the_same_in_every_framework() -> None:
    pages = [
        {path.split("/", 1)[1]: content for path, content in spec.scaffold().items() if path.startswith(("static/", "public/"))}
        for spec in (FRAMEWORKS["fastapi"], FRAMEWORKS["express"])
    ]
    assert pages[0] == pages[1]
    assert json.loads(pages[0]["schema.json"])["resources"] == []


def test_the_style_sheets_are_the_same_in_every_framework() -> None:
    for name in ("app.css", "theme.css"):
        found = {
            next(text for path, text in spec.scaffold().items() if path.endswith(f"/{name}")) for spec in FRAMEWORKS.values()
        }
        assert len(found) == 1, name


def test_accounts_have_the_same_tables_in_every_framework() -> None:
    assert {spec.feature_files("authentication")[MIGRATION] for spec in FRAMEWORKS.values()} == {
        account_tables(["authentication"])[MIGRATION]
    }
    assert not [name for name, spec in FRAMEWORKS.items() if MIGRATION in spec.scaffold(["search"])]


@pytest.mark.parametrize(("name", "folder"), [("react", "src"), ("vue", "src"), ("nextjs", "app")])
def test_the_colours_are_tailwinds_in_every_framework_that_builds_it(name: FrameworkName, folder: str) -> None:
    tree = FRAMEWORKS[name].scaffold()
    assert tree[f"{folder}/tailwind.css"] == tailwind(folder)[f"{folder}/tailwind.css"]
    assert '@import "./tailwind.css";' in tree[f"{folder}/styles.css"]


@pytest.mark.parametrize(("name", "folder"), [("react", "src/ui"), ("vue", "src"), ("nextjs", "ui")])
def test_values_read_the_same_on_every_page_in_typescript(name: FrameworkName, folder: str) -> None:
    assert FRAMEWORKS[name].scaffold()[f"{folder}/format.ts"] == formats(folder)[f"{folder}/format.ts"]


def test_the_registry_lists_the_frameworks_that_the_words_know() -> None:
    assert tuple(FRAMEWORKS) == FRAMEWORK_NAMES
    assert all(spec.name == name and spec.label == FRAMEWORK_LABELS[name] for name, spec in FRAMEWORKS.items())
