"""A feature that comes later is laid in where nobody has touched the scaffold, and named where somebody has; apps get their names."""

from __future__ import annotations

import pytest

from core.files import FileTree
from core.frameworks.registry import FRAMEWORKS
from core.generation.fake_model import FakeModel, files, planned
from core.generation.generated import Done
from core.generation.model import Brief
from core.generation.pipeline import Pipeline
from core.generation.scaffolding import next_migration, relaid, titled, with_settings
from core.words.plan import FrameworkName, Setting
from tests.support.generation import ACCOUNTS, WIRED, Featured
from tests.support.tiny_framework import FILES, tiny, todo_plan

FRAMEWORK = Featured()
APP = FRAMEWORK.scaffold().with_files(
    {"migrations/0001_init.sql": "CREATE TABLE a ();\n", "migrations/0004_b.sql": "SELECT 2;\n"}
)
RELEASED = frozenset({"migrations/0001_init.sql", "migrations/0004_b.sql", "migrations/0007_gone.sql"})


def test_files_as_the_scaffold_had_them_get_the_featured_version() -> None:
    laid = relaid(FRAMEWORK, APP, [], ["authentication"], RELEASED)
    assert (WIRED, "A = 1\n") == (laid.tree["app/wiring.py"], laid.tree["app/auth.py"])
    assert "app/plain.py" not in laid.tree
    assert {} == dict(laid.by_hand)
    assert {"asyncpg": "0.32.0", "bcrypt": "5.0.0"} == dict(FRAMEWORK.dependencies(laid.tree))
    assert {"app/auth.py", "app/plain.py", "app/wiring.py", "migrations/0008_authentication.sql"} == set(laid.touched)


def test_the_migration_gets_the_next_free_number_even_beyond_released_ones_that_are_gone() -> None:
    laid = relaid(FRAMEWORK, APP, [], ["authentication"], RELEASED)
    assert ACCOUNTS == laid.tree["migrations/0008_authentication.sql"]
    assert all(APP[path] == laid.tree[path] for path in APP if path.startswith("migrations/"))


def test_files_that_somebody_changed_are_left_and_named_with_the_featured_version() -> None:
    mine = APP.with_files({"app/wiring.py": "MINE = 1\n"})
    laid = relaid(FRAMEWORK, mine, [], ["authentication"])
    assert "MINE = 1\n" == laid.tree["app/wiring.py"]
    assert {"app/wiring.py": WIRED} == dict(laid.by_hand)


def test_taking_a_feature_out_leaves_its_migration_and_its_rows() -> None:
    with_it = relaid(FRAMEWORK, APP, [], ["authentication"]).tree
    without = relaid(FRAMEWORK, with_it, ["authentication"], [])
    assert ("GUARD = None\n", "PLAIN = 1\n") == (without.tree["app/wiring.py"], without.tree["app/plain.py"])
    assert "app/auth.py" not in without.tree
    assert ACCOUNTS == without.tree["migrations/0005_authentication.sql"]
    again = relaid(FRAMEWORK, without.tree, [], ["authentication"])
    assert with_it == again.tree


def test_a_changed_file_of_a_feature_that_goes_is_named_and_not_lost() -> None:
    with_it = relaid(FRAMEWORK, APP, [], ["authentication"]).tree.with_files({"app/auth.py": "MINE = 1\n"})
    laid = relaid(FRAMEWORK, with_it, ["authentication"], [])
    assert "MINE = 1\n" == laid.tree["app/auth.py"]
    assert {"app/auth.py": ""} == dict(laid.by_hand)


def test_the_same_features_change_nothing() -> None:
    tree = relaid(FRAMEWORK, APP, [], ["authentication"]).tree
    laid = relaid(FRAMEWORK, tree, ["authentication"], ["authentication", "charts"])
    assert (tree, ()) == (laid.tree, laid.touched)


@pytest.mark.parametrize("name", sorted(FRAMEWORKS))
def test_accounts_come_to_a_real_app_later_and_go_again(name: FrameworkName) -> None:
    framework = FRAMEWORKS[name]
    if "authentication" not in framework.features:
        return
    app = framework.scaffold().with_files({"migrations/0001_init.sql": "CREATE TABLE a ();\n"})
    laid = relaid(framework, app, [], ["authentication"])
    assert {} == dict(laid.by_hand)
    assert "migrations/0002_authentication.sql" in laid.tree
    back = relaid(framework, laid.tree, ["authentication"], [])
    assert dict(app) == {path: text for path, text in back.tree.items() if path != "migrations/0002_authentication.sql"}


def test_the_next_number_is_after_the_highest() -> None:
    assert 1 == next_migration([])
    assert 13 == next_migration(["migrations/0003_a.sql", "migrations/12_b.sql", "migrations/readme.md", "x/0099_c.sql"])


# -- the name and the settings of an app ------------------------------------------------------------------------------------------------


def test_a_readme_that_is_the_scaffolds_says_what_the_app_is() -> None:
    scaffold = FileTree({"README.md": "# App\n\nA tiny app.\n"})
    named = titled(scaffold, todo_plan(name="Paint\n# shop", summary="Keeps \0paints. "))
    assert "# Paint # shop\n\nKeeps paints.\n\nA tiny app.\n" == named["README.md"]
    assert titled(named, todo_plan()) == named


def test_settings_that_are_not_named_yet_are_named_once() -> None:
    settings = [Setting(name="SMTP_HOST", purpose="where mail\ngoes"), Setting(name="DATABASE_URL"), Setting(name="OTHER")]
    tree = with_settings(FileTree({".env.example": "DATABASE_URL=x\n# OTHER=1"}), settings)
    assert "DATABASE_URL=x\n# OTHER=1\n# where mail goes\nSMTP_HOST=\n" == tree[".env.example"]
    assert with_settings(tree, settings) == tree
    assert "OTHER=\n" == with_settings(FileTree({}), settings[2:])[".env.example"]


async def test_the_settings_of_a_plan_are_in_the_app_although_no_file_of_the_plan_names_them() -> None:
    plan = todo_plan(settings=[Setting(name="SMTP_HOST", purpose="where mail goes")])
    done = await Pipeline(tiny).generate(FakeModel([planned(plan)], [files(FILES)]), Brief(description="x"), lambda event: None)
    assert isinstance(done, Done)
    assert "# where mail goes\nSMTP_HOST=\n" == done.tree[".env.example"]


def test_a_features_settings_come_into_a_file_that_has_the_apps_own() -> None:
    framework = FRAMEWORKS["express"]
    app = with_settings(framework.scaffold(), [Setting(name="SMTP_HOST", purpose="where mail goes")])
    laid = relaid(framework, app, [], ["authentication"])
    assert ".env.example" not in laid.by_hand
    assert laid.tree[".env.example"].startswith(app[".env.example"])
    assert laid.tree[".env.example"].endswith("nobody else can make one\nREGISTRATION=\n")
    assert relaid(framework, laid.tree, [], ["authentication"]).tree == laid.tree
