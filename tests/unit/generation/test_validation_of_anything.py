"""Validation of trees that nobody meant well with: it answers, whatever is in them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.files import FileTree
from core.frameworks.registry import FRAMEWORKS
from core.generation.problem import ProblemKind
from core.generation.validation import MAX_PROBLEMS, validate
from core.generation.validation.remarks import remarks
from core.words.plan import FieldType, FrameworkName, Plan, PlannedFile, Resource, ResourceField, Setting

_PATHS = st.sampled_from(
    [
        *(
            "src/a.ts",
            "src/b.tsx",
            "src/c.js",
            "src/d.vue",
            "e.html",
            "f.css",
            "g.json",
            "package.json",
            "tsconfig.json",
            "vite.config.ts",
        ),
        *(
            "requirements.txt",
            "app/h.py",
            "app/__init__.py",
            "i.py",
            "migrations/0001.sql",
            "migrations/0002.sql",
            "README.md",
            ".env.example",
        ),
    ]
)
_PIECES = st.sampled_from(
    [
        *(
            "import ",
            "from ",
            "'./c'",
            '"./a"',
            "{ x }",
            "export ",
            "default ",
            "const ",
            "= ",
            "(",
            ")",
            "{",
            "}",
            "[",
            "]",
            "`",
            "${",
            "\n",
        ),
        *(
            "<script>",
            "</script>",
            "<template>",
            "</template>",
            "<div ",
            ">",
            "{{",
            "}}",
            "/*",
            "*/",
            "//",
            "#",
            "'",
            '"',
            "\\",
            ";",
            ",",
        ),
        *(
            "def f():",
            "    ",
            "class A",
            "import app.h",
            "from . import *",
            "CREATE TABLE ",
            "DROP TABLE ",
            "$$",
            "DO ",
            "todos",
            "é",
            "\r",
        ),
        *(
            "process.env.KEY",
            "listen(3000)",
            "require('x')",
            "api_key = ",
            "== ",
            "lambda: ",
            "{% x %}",
            "null",
            "1e999",
            "@import ",
        ),
        *('"dependencies"', '"scripts"', '"postinstall"', '"paths"', '"*"', ": ", '"compilerOptions"'),
    ]
)
_TEXTS = st.lists(_PIECES, max_size=25).map("".join) | st.text(
    alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60
)


@settings(deadline=None, max_examples=150)
@given(
    name=st.sampled_from(sorted(FRAMEWORKS)),
    files=st.dictionaries(_PATHS, _TEXTS, max_size=6),
    names=st.lists(_TEXTS, max_size=2),
)
def test_no_tree_is_too_strange(name: FrameworkName, files: dict[str, str], names: list[str]) -> None:
    plan = Plan(
        name="x",
        framework=name,
        summary="x",
        dependencies=names,
        files=[PlannedFile(path=path) for path in names],
        resources=[Resource(name="todos", singular="todo", fields=[ResourceField(name="title", type=FieldType.TEXT)])],
        settings=[Setting(name="KEY")],
    )
    tree = FileTree(files)
    found = validate(tree, plan, FRAMEWORKS[name])
    assert len(found) <= MAX_PROBLEMS
    assert all(problem.message and (problem.line is None or problem.line >= 1) for problem in found)
    assert all(remarks(tree, plan, set(tree)) or [True])


@pytest.mark.parametrize(
    "piece", ["(", "import './x';", "# ...\n", "a = [", "'", "<div>", "CREATE TABLE a (", "x" * 999, "\n", "// rest of ", "{/* "]
)
def test_a_tree_as_large_as_they_may_be_is_read_to_its_end(piece: str) -> None:
    text = (piece * 66_000)[:66_000]
    paths = ("a.ts", "b.js", "c.vue", "d.css", "e.html", "f.json", "g.py", "migrations/1.sql", "package.json", "tsconfig.json")
    tree = FileTree(dict.fromkeys(paths, text))
    plan = Plan(name="x", framework="react", summary="x")
    assert 1 <= len(validate(tree, plan, FRAMEWORKS["react"])) <= MAX_PROBLEMS


def test_a_secret_is_in_no_message_and_in_no_subject() -> None:
    key = "sk-proj-" + "a1B2" * 8
    tree = FileTree({"a.ts": f"import x from './{key}';\nconst k = '{key}';\n"})
    found = validate(tree, Plan(name="x", framework="express", summary="x"), FRAMEWORKS["express"])
    assert ProblemKind.KEY in {problem.kind for problem in found}
    assert not [problem for problem in found if problem.kind is ProblemKind.KEY and key in f"{problem}{problem.subject}"]
