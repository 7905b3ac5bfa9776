from __future__ import annotations

import pytest

from core.files import FileTree
from core.frameworks.registry import FRAMEWORKS
from core.generation.problem import Problem, ProblemKind
from core.generation.validation import MAX_PROBLEMS, MAX_PROBLEMS_PER_FILE, elisions, secrets, validate
from core.generation.validation import syntax as syntax_check
from core.generation.validation.remarks import remarks
from core.generation.validation.scripts import Scripts
from core.words.plan import Setting
from tests.support.tiny_framework import FILES, TinyFramework, todo_plan


def syntax(path: str, text: str) -> list[Problem]:
    return list(syntax_check.check(path, text, Scripts(FileTree({path: text if path.endswith((".ts", ".js", ".vue")) else ""}))))


def app(**changes: str | None) -> FileTree:
    return TinyFramework().scaffold().with_files({**FILES, **changes})


def messages(tree: FileTree, **plan: object) -> list[str]:
    return [str(problem) for problem in validate(tree, todo_plan(**plan), TinyFramework())]


def test_a_good_app_has_no_problem() -> None:
    assert messages(app()) == []


@pytest.mark.parametrize(
    "line",
    [
        "# ... rest of the code unchanged",
        "// ... rest of the code remains the same",
        "    // ... existing code ...",
        "/* ... the rest of the file ... */",
        "<!-- rest of the markup unchanged -->",
        "{/* ... other components ... */}",
        "# ...",
        "// …",
        "// rest of your code here",
        "# (existing imports remain)",
        "// existing routes unchanged",
        "# previous implementation stays",
        "... rest of the code ...",
        "[rest of the code unchanged]",
        "// same as before",
        "# omitted for brevity",
        "// Keep existing styles",
        "-- rest of the tables as above",
        "// your code here",
        "/* unchanged */",
        "// The rest of the functions stay the same",
    ],
)
def test_an_elision_is_found_with_its_line(line: str) -> None:
    assert [problem.line for problem in elisions.check("a.js", f"one\n{line}\nthree\n")] == [2]


@pytest.mark.parametrize(
    "line",
    [
        "def f() -> None: ...",
        "    ...",
        "const { a, ...rest } = props;",
        "  ...rest,",
        "f(...args)",
        "# The rest of the argument list is parsed lazily.",
        "// Existing todos are loaded once.",
        "# keep the connection open",
        "# Returns the remaining balance.",
        "// e.g. 'Saving...'",
        "# TODO: more",
        "x = '... more'",
        "/* a note about the same thing */",
        "# Everything here is UTC",
        "// rest parameters are an array",
        "-- the previous owner may be null",
        "# --------",
    ],
)
def test_ordinary_code_is_no_elision(line: str) -> None:
    assert list(elisions.check("a.py", f"{line}\n")) == []


def test_prose_files_may_say_what_they_like() -> None:
    assert list(elisions.check("README.md", "... rest of the code unchanged\n")) == []


def test_an_elision_in_a_written_file_is_a_problem_of_the_app() -> None:
    found = validate(app(**{"app/routes.py": "# ... existing code ...\n"}), todo_plan(), TinyFramework(), ["app/routes.py"])
    assert found == (
        Problem(
            path="app/routes.py",
            line=1,
            message="It leaves code out; write the whole file, with nothing elided.",
            kind=ProblemKind.ELIDED,
        ),
    )


def test_only_written_files_are_looked_into() -> None:
    tree = app(**{"README.py": "def broken(:\n"})
    assert validate(tree, todo_plan(), TinyFramework(), ["app/routes.py"]) == ()
    assert len(validate(tree, todo_plan(), TinyFramework())) == 1


def test_a_python_syntax_error_names_its_line() -> None:
    assert [(p.line, "not valid Python" in p.message) for p in syntax("a.py", "x = 1\ndef f(:\n")] == [(2, True)]


@pytest.mark.parametrize(
    "text", ["-" * 200_000 + "1", "a" + ".b" * 60_000, "not " * 40_000 + "1", "(" * 100_000, "x\0y", "lambda:" * 20_000 + "1"]
)
def test_absurdly_nested_python_is_a_problem_and_no_crash(text: str) -> None:
    assert len(list(syntax("a.py", text))) == 1


def test_an_invalid_escape_in_python_is_only_a_warning_of_its_own() -> None:
    assert list(syntax("a.py", "x = '\\d'\n")) == []


@pytest.mark.parametrize("text", ["{", '{"a": 1,}', "[" * 100_000, "9" * 10_000, ""])
def test_bad_json_is_a_problem(text: str) -> None:
    assert len(list(syntax("a.json", text))) == 1


def test_a_planned_file_that_is_missing_or_empty_is_a_problem() -> None:
    assert messages(app(**{"app/routes.py": None})) == ["app/routes.py: It was planned and is missing; write it."]
    assert messages(app(**{"app/routes.py": "  \n"})) == ["app/routes.py: It is empty; write the whole file."]


def test_an_app_with_a_database_needs_a_migration() -> None:
    tree = app(**{"migrations/0001_init.sql": None})
    files = [file for file in todo_plan().files if not file.path.startswith("migrations/")]
    assert [text for text in messages(tree, files=files) if "migrations" in text] != []
    assert messages(tree, files=files, requires_database=False) == []


def test_an_app_without_a_health_route_is_told_so() -> None:
    assert ["/healthz" in text for text in messages(app(**{"server.py": "x = 1\n", "README.md": "/healthz\n"}))] == [True]


def test_a_package_that_is_not_on_the_list_is_refused_with_the_reason() -> None:
    tree = app(**{"packages.json": '{"asyncpg": "0.32.0", "totally-invented": "1.0"}'})
    assert messages(tree) == [
        "The package 'totally-invented' is not on the list of Python packages that apps may use; do it without, or with one on the list."
    ]


def test_a_listed_package_needs_one_exact_version() -> None:
    assert messages(app(**{"packages.json": '{"Qrcode": "8.2"}'})) == []
    assert ["exact version" in text for text in messages(app(**{"packages.json": '{"qrcode": ">=8"}'}))] == [True]


def test_a_git_dependency_is_refused_with_the_frameworks_reason() -> None:
    assert ["git address" in text for text in messages(app(**{"packages.json": '{"qrcode": "git+https://x"}'}))] == [True]


SECRETS = [
    "sk-" + "a1B2" * 8,
    "sk-proj-" + "a1B2" * 8,
    "sk-ant-api03-" + "a1B2" * 8,
    "AKIA" + "ABCD1234" * 2,
    "-----BEGIN RSA " + "PRIVATE KEY-----",
    "ghp_" + "a1" * 18,
    "xoxb-" + "1234567890-abc",
    "sk_" + "live_" + "a1" * 12,
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_refused_and_never_repeated(secret: str) -> None:
    (problem,) = secrets.check("app/config.py", f"a = 1\nKEY = '{secret}'\n")
    assert problem.line == 2
    assert secret not in problem.message


@pytest.mark.parametrize(
    "line",
    [
        "API_KEY = 'q8Zr2LmX0vN5tYw7KcB1dHs9'",
        'const config = { clientSecret: "f3a9c1d27b6e4805a1c3d9e7b2f4a6c8" };',
        "DATABASE_URL=postgres://app:q8Zr2LmX0vN5tYw7@db.acme.org/app",
        "token = 'glpat-" + "a1B2" * 6 + "'",
        "npm_" + "a1B2" * 9,
    ],
)
def test_a_long_text_without_a_pattern_that_is_given_a_key_s_name_is_a_secret(line: str) -> None:
    assert [(1, ProblemKind.KEY)] == [(p.line, p.kind) for p in secrets.check("src/config.ts", line + "\n")]


@pytest.mark.parametrize(
    "line",
    [
        "API_KEY = os.environ['API_KEY']",
        "apiKey: 'your-api-key-goes-right-here-123'",
        "password = 'correct-horse-battery-staple-again'",
        "const SECRET_KEY_NAME = 'session.secret.key.name.of.app1'",
        "DATABASE_URL=postgres://user:password@localhost/app",
        "passwordHash: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaa1111'",
        "token: 'AbstractTokenProviderFactoryBeanImpl'",
        "const id = 'q8Zr2LmX0vN5tYw7KcB1dHs9'",
    ],
)
def test_a_placeholder_a_name_and_a_pattern_are_no_secret(line: str) -> None:
    assert list(secrets.check("src/config.ts", line + "\n")) == []


def test_an_example_for_people_may_show_what_goes_there() -> None:
    line = "API_KEY='q8Zr2LmX0vN5tYw7KcB1dHs9'\n"
    assert ([], []) == (list(secrets.check(".env.example", line)), list(secrets.check("README.md", line)))


def express(**files: str) -> list[Problem]:
    tree = FRAMEWORKS["express"].scaffold().with_files({name.replace("__", "/"): text for name, text in files.items()})
    plan = todo_plan(files=[], resources=[], framework="express")
    return list(validate(tree, plan, FRAMEWORKS["express"], list(files)))


@pytest.mark.parametrize(
    "call", ["app.listen(3000)", "server.listen({ host, port: 8080 }, done)", "http.createServer(a).listen(80, b)"]
)
def test_a_server_that_listens_where_it_likes_is_told(call: str) -> None:
    [problem] = express(**{"extra.js": f"const a = 1;\n{call};\n"})
    assert (2, ProblemKind.FIXED_PORT) == (problem.line, problem.kind)
    assert problem.subject in call


@pytest.mark.parametrize(
    "call", ["app.listen(process.env.PORT)", "app.listen(port)", "app.listen(0)", "events.listen('x', 3)", "listen(3000)"]
)
def test_a_server_that_listens_where_it_is_told_is_fine(call: str) -> None:
    assert express(**{"extra.js": f"{call};\n"}) == []


def test_a_script_that_would_run_at_install_time_is_told() -> None:
    package = '{"scripts": {"start": "node x", "postinstall": "node evil.js", "prepare": "husky"}}'
    found = express(**{"tools/package.json": package})
    assert ["postinstall", "prepare"] == sorted(problem.subject for problem in found)
    assert {ProblemKind.SCRIPT} == {problem.kind for problem in found}


def test_every_problem_that_one_thing_can_mend_says_so_to_a_program() -> None:
    tree = app(**{"app/routes.py": None, "packages.json": '{"totally-invented": "1.0", "qrcode": ">=8"}', "server.py": "x = 1\n"})
    found = {(problem.kind, problem.subject) for problem in validate(tree, todo_plan(), TinyFramework())}
    assert found == {
        (ProblemKind.MISSING_FILE, "app/routes.py"),
        (ProblemKind.REFUSED_PACKAGE, "totally-invented"),
        (ProblemKind.INEXACT_VERSION, "qrcode"),
        (ProblemKind.NO_HEALTH_ROUTE, ""),
    }


def test_a_package_that_the_policy_let_in_is_accepted() -> None:
    tree = app(**{"packages.json": '{"totally-invented": "1.0"}'})
    assert validate(tree, todo_plan(), TinyFramework(), accepted=["totally-invented"]) == ()


def test_settings_that_nobody_named_and_files_on_the_disk_are_remarks_and_no_problems() -> None:
    plan = todo_plan(settings=[Setting(name="PLANNED")])
    tree = app(
        **{
            ".env.example": "NAMED=1\n# ALSO=2\n",
            "app/routes.py": "import os\nos.environ['PLANNED'], os.getenv('NAMED'), os.environ.get('ALSO'), os.environ['PORT']\n"
            "os.environ['STRIPE_KEY']\nopen('a').read()\n",
            "app/files.py": "from pathlib import Path\nopen('data.json', 'w')\nPath('x').write_text('y')\n",
            "src/up.js": "import fs from 'node:fs';\nfs.writeFileSync(process.env.FOLDER + '/x', y);\n",
            "README.md": "process.env.NOT_CODE writeFileSync()\n",
        }
    )
    found = remarks(tree, plan, set(tree))
    assert ["STRIPE_KEY", "FOLDER"] == [text.split("setting ")[1].split(",")[0] for text in found if "setting" in text]
    assert ["app/files.py", "src/up.js"] == [text.split()[0] for text in found if "disk" in text]
    assert remarks(tree, plan, {"README.md"}) == ()


@pytest.mark.parametrize("text", ["class='sk-loading-indicator-container-big'", "task-0123456789abcdefghijklmnopq", "PUBLIC KEY"])
def test_what_only_resembles_a_secret_is_accepted(text: str) -> None:
    assert list(secrets.check("a.html", text)) == []


def test_the_number_of_problems_is_bounded() -> None:
    tree = app(**{f"app/part_{n}.py": "# ...\nx = 1\n" * 500 for n in range(20)})
    found = validate(tree, todo_plan(), TinyFramework())
    assert (MAX_PROBLEMS, MAX_PROBLEMS_PER_FILE) == (len(found), sum(p.path == "app/part_0.py" for p in found))
