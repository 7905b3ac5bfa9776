"""A model is shown the files that matter, and told of the others."""

from __future__ import annotations

import pytest

from core.files import FileTree
from core.generation import relevance

TREE = FileTree(
    {
        "app/main.py": "from app.db import pool\nfrom .routes import todos, users\nimport app.tools.dates as d\nimport json\n",
        "app/db.py": "x" * 50,
        "app/routes/__init__.py": "",
        "app/routes/todos.py": "from ..db import pool\nfrom . import users\n",
        "app/routes/users.py": "pass\n",
        "app/tools/dates.py": "d\n",
        "src/App.tsx": "import List from './components/List';\nimport './app.css';\nimport { x } from '@/lib/x';\nimport 'react';\n",
        "src/components/List.tsx": "export { y } from '../lib/y.js';\nconst z = require('../lib/z');\nawait import('../lib/w.mjs')\n",
        "src/app.css": "b {}",
        "src/lib/x.ts": "x",
        "src/lib/y.ts": "y",
        "src/lib/z/index.js": "z",
        "src/lib/w.mjs": "w",
        "public/index.html": "<script src='app.js'></script><link href=\"/style.css\"><a href='https://x.y/app.js'>",
        "public/app.js": "a",
        "public/style.css": "s",
    }
)


@pytest.mark.parametrize(
    ("path", "imported"),
    [
        (
            "app/main.py",
            {"app/db.py", "app/routes/todos.py", "app/routes/users.py", "app/routes/__init__.py", "app/tools/dates.py"},
        ),
        ("app/routes/todos.py", {"app/db.py", "app/routes/users.py", "app/routes/__init__.py"}),
        ("src/App.tsx", {"src/components/List.tsx", "src/app.css", "src/lib/x.ts"}),
        ("src/components/List.tsx", {"src/lib/y.ts", "src/lib/z/index.js", "src/lib/w.mjs"}),
        ("public/index.html", {"public/app.js", "public/style.css"}),
        ("app/db.py", set()),
    ],
)
def test_what_a_file_imports_is_found(path: str, imported: set[str]) -> None:
    assert imported == set(relevance.imports_of(TREE, path))


def test_files_are_found_by_path_or_name_in_what_somebody_says() -> None:
    assert ["public/app.js", "src/App.tsx"] == relevance.named_in("In src/App.tsx and app.js, please. Not xapp.js.min", TREE)


def test_what_is_named_comes_first_then_its_imports_then_the_smallest() -> None:
    order = relevance.ranked(TREE, ["src/App.tsx", "gone.py"])
    assert ["src/App.tsx", "src/components/List.tsx", "src/app.css", "src/lib/x.ts"] == order[:4]
    assert "app/routes/__init__.py" == order[4]
    assert sorted(TREE) == sorted(order)


def test_what_has_no_room_is_told_by_path_and_size() -> None:
    shown = relevance.render(TREE, ["app/db.py"], room=60)
    assert "=== app/db.py\n" + "x" * 50 in shown
    assert "=== app/main.py (97 bytes, not shown)" in shown
    assert len(TREE) == shown.count("=== ")


def test_what_the_scaffold_keeps_for_everybody_is_told_by_name_unless_it_is_named() -> None:
    def is_fixture(path: str) -> bool:
        return path.endswith(".css")

    assert "=== src/app.css (4 bytes, not shown)" in relevance.render(TREE, is_fixture=is_fixture)
    assert "=== src/app.css\nb {}" in relevance.render(TREE, ["src/app.css"], is_fixture=is_fixture)
