"""Features by the starter: who asks for accounts gets the scaffold's, who names a framework gets it, and nothing else is promised."""

from __future__ import annotations

import json

import pytest

from adapters.models.starter import Starter
from adapters.models.starter.layouts import LAYOUTS
from core.files import FileTree
from core.frameworks.registry import framework
from core.generation.model import Brief, Complete
from core.words.plan import FRAMEWORK_NAMES, FrameworkName, Plan
from tests.unit.models.starter.test_starter_descriptions import shape
from tests.unit.models.starter.writing import changed, refused, written

BRING = [name for name in FRAMEWORK_NAMES if "authentication" in framework(name).features]


async def planned(description: str, *features: str) -> Plan:
    outcome = await Starter().plan(Brief(description=description, features=features))
    assert isinstance(outcome, Complete)
    return outcome.value


@pytest.mark.parametrize(
    ("description", "without"),
    [
        ("a todo app with login", "a todo app"),
        ("notes where users can sign up and sign in", "notes"),
        ("password protected recipe box", "recipe box"),
        ("Aufgaben mit Anmeldung", "Aufgaben"),
        ("notes with tags and a login page", "notes with tags"),
        ("expense tracker with user accounts and categories", "expense tracker with categories"),
        ("a blog with sign up, login and comments", "a blog with comments"),
        ("Track orders. Users must log in first.", "Track orders."),
        ("a wiki behind a login", "a wiki"),
        ("only logged-in users may use it: track llamas", "track llamas"),
        ("todo list that requires signing in", "todo list"),
        ("let people sign up and log in to vote on ideas", "vote on ideas"),
    ],
)
async def test_who_asks_for_accounts_gets_them_and_otherwise_the_same_app(description: str, without: str) -> None:
    plan = await planned(description)
    assert plan.features == ["authentication", "search"]
    assert shape(plan) == shape(await planned(without))
    assert [setting.name for setting in plan.settings] == ["REGISTRATION"]
    assert any("sees and changes the same records" in said for said in plan.assumptions)


@pytest.mark.parametrize(
    "description",
    [
        "a todo app",
        "a todo app without login",
        "no login needed, just a todo list",
        "a guestbook, no accounts",
        "password manager: site, username, password, url",
        "accounts: name, login, password",
        "potluck sign-up sheet with name and dish",
        "people can register for events",
        "track employees with name and last login",
    ],
)
async def test_who_does_not_ask_for_accounts_gets_none(description: str) -> None:
    plan = await planned(description)
    assert plan.features == ["search"]
    assert not plan.settings


@pytest.mark.parametrize("wish", ["authentication", "login", "user accounts", "Sign in"])
async def test_a_feature_that_was_chosen_is_as_good_as_one_in_the_text(wish: str) -> None:
    assert (await planned("notes", wish)).features == ["authentication", "search"]


@pytest.mark.parametrize(
    ("wish", "said"),
    [("charts", "charts and reports"), ("realtime", "live updates"), ("file_upload", "file uploads"), ("admin", "admin")],
)
async def test_a_feature_that_cannot_be_made_is_one_sentence(wish: str, said: str) -> None:
    plan = await planned("notes", wish)
    assert plan.features == ["search"]
    (sentence,) = [one for one in plan.assumptions if "cannot make it" in one]
    assert said in sentence


async def test_other_ways_to_sign_in_and_roles_are_not_promised() -> None:
    said = " ".join((await planned("an inventory with google login and user roles")).assumptions)
    assert "cannot use other services" in said
    assert "no roles" in said


async def test_a_report_that_the_app_keeps_is_not_left_out() -> None:
    plan = await planned("Track reports. A report has a title, an author and a date.")
    assert list(shape(plan)) == ["reports"]
    assert not [one for one in plan.assumptions if "cannot make it" in one]


@pytest.mark.parametrize("name", BRING)
async def test_an_app_with_accounts_has_the_scaffolds_files_and_says_so_to_its_page(name: FrameworkName) -> None:
    _, tree = await written("notes with login", name)
    assert json.loads(tree[LAYOUTS[name].schema])["authentication"] is True
    assert "migrations/0000_authentication.sql" in tree
    assert "\nREGISTRATION=" in tree[".env.example"]
    assert "/api/auth/login" in tree["README.md"]
    for path, text in framework(name).feature_files("authentication").items():
        if path not in {".env.example"}:
            assert tree[path] == text


@pytest.mark.parametrize("name", BRING)
@pytest.mark.parametrize("request_text", ["add login", "add authentication", "make it password protected", "let users sign up"])
async def test_accounts_can_come_later(name: FrameworkName, request_text: str) -> None:
    plan, tree = await written("notes", name)
    after, new = await changed(plan, tree, request_text)
    assert after.features == ["authentication", "search"]
    assert json.loads(new[LAYOUTS[name].schema])["authentication"] is True
    assert new["migrations/0002_authentication.sql"]
    assert shape(after) == shape(plan)
    assert _code(new) == _code((await written("notes with login", name))[1])


@pytest.mark.parametrize("name", BRING)
@pytest.mark.parametrize("request_text", ["remove the login", "drop the authentication please", "no login needed any more"])
async def test_accounts_can_go_and_their_tables_stay(name: FrameworkName, request_text: str) -> None:
    plan, tree = await written("notes with login", name)
    after, new = await changed(plan, tree, request_text)
    assert after.features == ["search"]
    assert not after.settings
    assert any("accounts stay in the database" in said for said in after.assumptions)
    assert _code(new) == _code((await written("notes", name))[1])
    assert new["migrations/0000_authentication.sql"] == tree["migrations/0000_authentication.sql"]


def _code(tree: FileTree) -> dict[str, str]:
    return {path: text for path, text in tree.items() if not path.startswith("migrations/")}


async def test_accounts_come_together_with_other_changes() -> None:
    plan, tree = await written("notes")
    after, new = await changed(plan, tree, "add login and a mood")
    assert "authentication" in after.features
    assert "mood" in shape(after)["notes"]
    assert not [said for said in after.assumptions if "Not understood" in said]
    assert {"migrations/0002_authentication.sql", "migrations/0002_add_login_and_a_mood.sql"} <= set(new)


async def test_accounts_that_are_there_are_not_added_again() -> None:
    plan, tree = await written("notes with login")
    assert "sign in already" in await refused(plan, tree, "add a login")
    plan, tree = await written("notes")
    assert "asks nobody to sign in" in await refused(plan, tree, "remove the login")


@pytest.mark.parametrize(
    ("description", "name", "why"),
    [
        ("a React app to track books", "react", "React"),
        ("express delivery tracker", "fastapi", "No framework was named"),
        ("a todo app with Express", "express", "Express"),
        ("Node.js inventory", "express", "Node.js"),
        ("python app for recipes", "fastapi", "Python"),
        ("an API for books", "fastapi", "API"),
        ("todo", "fastapi", "No framework was named"),
        ("a react native todo", "fastapi", "No framework was named"),
    ],
)
async def test_a_framework_that_the_description_names_is_taken_and_the_plan_says_why(
    description: str, name: str, why: str
) -> None:
    plan = await planned(description)
    assert plan.framework == name
    assert why in plan.why
    assert not {"react", "express", "python", "node"} & set(shape(plan))


@pytest.mark.parametrize("name", FRAMEWORK_NAMES)
async def test_a_framework_that_was_chosen_needs_no_reason(name: FrameworkName) -> None:
    outcome = await Starter().plan(Brief(description="a React app to track books", framework=name))
    assert isinstance(outcome, Complete)
    assert (outcome.value.framework, outcome.value.why) == (name, "")


async def test_the_pages_say_what_is_where() -> None:
    plan = await planned("projects with tasks, with login")
    assert [page.split(":")[0] for page in plan.pages] == ["/", "/#/projects", "/#/tasks"]
