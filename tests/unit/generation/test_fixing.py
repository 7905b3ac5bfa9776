"""What has one certain answer is mended without a model; what has not is left as it is."""

from __future__ import annotations

import ast
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.files import FileTree
from core.frameworks.express.framework import Express
from core.frameworks.fastapi.framework import FastAPI
from core.generation.fixing import fixed, python, scripts, tidy
from core.generation.problem import Problem, ProblemKind


@pytest.mark.parametrize(
    ("text", "expected"),
    [("\ufeffa\r\nb", "a\nb\n"), ("a", "a\n"), ("a\n\n", "a\n\n"), ("", ""), ("&lt;b&gt;\n", "&lt;b&gt;\n"), ("a\rb", "a\rb\n")],
)
def test_text_is_tidied_and_nothing_else_in_it_is_changed(text: str, expected: str) -> None:
    assert expected == tidy(text)


@settings(deadline=None)
@given(st.text())
def test_tidying_twice_is_tidying_once(text: str) -> None:
    once = tidy(text.replace("\ufeff", ""))
    assert once == tidy(once)


# -- Python -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("def f():\n    return json.dumps({})\n", "import json"),
        ("x = Path('a')\n", "from pathlib import Path"),
        ("def f(x: Any) -> None: ...\n", "from typing import Any"),
        ("x = datetime.now()\n", "from datetime import datetime"),
        ("x = datetime.datetime.now(datetime.UTC)\n", "import datetime"),
        ("from fastapi import APIRouter\nraise HTTPException(404)\n", "from fastapi import HTTPException"),
    ],
)
def test_an_import_of_a_well_known_name_that_was_forgotten_is_added(text: str, line: str) -> None:
    mended, names = python.with_missing_imports(text)
    assert line in mended.splitlines()
    assert text.splitlines()[-1] in mended.splitlines()
    assert 1 == len(names)
    assert (mended, []) == python.with_missing_imports(mended)


@pytest.mark.parametrize(
    "text",
    [
        "import json\njson.dumps({})\n",
        "json = 1\njson.x\n",
        "def f(json): return json.x\n",
        "from tools import *\njson.dumps({})\n",
        "HTTPException(404)\n",  # of which library?
        "print(json)\n",  # not as a module
        "x = datetime.now() - datetime.timedelta(1)\n",  # class and module at once
        "todos.append(1)\n",
        "def broken(:\n json.x\n",
        "for re in (): re.x\n",
        "try:\n    pass\nexcept ValueError as uuid:\n    uuid.args\n",
    ],
)
def test_what_is_bound_or_could_mean_two_things_is_left(text: str) -> None:
    assert (text, []) == python.with_missing_imports(text)


def test_imports_come_after_the_docstring_and_what_must_be_first() -> None:
    text = '"""A module."""\n\nfrom __future__ import annotations\n\nimport re\n\nX = json.loads(re.escape("1"))\n'
    mended, _ = python.with_missing_imports(text)
    tree = ast.parse(mended)
    assert "A module." == ast.get_docstring(tree)
    assert mended.index("__future__") < mended.index("import json")


def test_a_server_that_names_its_own_address_takes_the_platforms() -> None:
    text = 'import uvicorn\n\nuvicorn.run(app, host="0.0.0.0", port=8000)\n'
    mended, changed = python.with_environment(text)
    assert changed
    assert 'uvicorn.run(app, host=os.environ.get("HOST", "127.0.0.1"), port=int(os.environ.get("PORT", "8000")))' in mended
    assert (mended, False) == python.with_environment(mended)


# -- scripts ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("const [a] = useState(1);\n", "import { useState } from 'react';\nconst [a] = useState(1);\n"),
        (
            "'use client';\nconst r = useRef<string>(null);\n",
            "'use client';\nimport { useRef } from 'react';\nconst r = useRef<string>(null);\n",
        ),
        (
            "import { useState } from 'react';\nuseState(1); useEffect(() => {});\n",
            "import { useState, useEffect } from 'react';\nuseState(1); useEffect(() => {});\n",
        ),
        ("import React from 'react';\nuseMemo(f);\n", "import React, { useMemo } from 'react';\nuseMemo(f);\n"),
    ],
)
def test_hooks_that_were_not_imported_are(text: str, expected: str) -> None:
    assert expected == scripts.with_missing_imports("src/App.tsx", text, {"react"})[0]


@pytest.mark.parametrize(
    "text",
    [
        "React.useState(1);\n",
        "function useState() {}\nuseState();\n",
        "import { useState } from './mine';\nuseState();\n",
        "export function App({ useState }) { return useState(); }\n",
    ],
)
def test_hooks_of_its_own_are_left(text: str) -> None:
    assert (text, []) == scripts.with_missing_imports("src/App.jsx", text, {"react"})
    assert "vue" not in scripts.with_missing_imports("src/App.jsx", text, {"vue"})[0]


def test_a_setup_script_gets_the_functions_of_vue_that_it_calls() -> None:
    text = "<script setup>\nconst n = ref(1);\n</script>\n<template>{{ computed(1) }}</template>\n"
    assert (
        text.replace("setup>\n", "setup>\nimport { ref } from 'vue';\n")
        == scripts.with_missing_imports("a.vue", text, {"vue"})[0]
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("app.listen(3000);\n", "app.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1');\n"),
        (
            "app.listen(8000, '0.0.0.0', () => {});\n",
            "app.listen(Number(process.env.PORT ?? 8000), process.env.HOST ?? '127.0.0.1', () => {});\n",
        ),
        (
            "const PORT = 3000;\napp.listen(PORT, 'localhost');\n",
            "const PORT = Number(process.env.PORT ?? 3000);\napp.listen(PORT, process.env.HOST ?? '127.0.0.1');\n",
        ),
    ],
)
def test_a_fixed_port_becomes_the_platforms(text: str, expected: str) -> None:
    assert (expected, True) == scripts.with_environment("server.js", text)
    assert (expected, False) == scripts.with_environment("server.js", expected)


def test_a_page_asks_its_own_origin() -> None:
    text = "const API = 'http://localhost:3000';\nfetch(`http://127.0.0.1:8000/api/todos`);\n"
    assert "const API = '';\nfetch(`/api/todos`);\n" == scripts.with_environment("src/App.jsx", text)[0]
    assert (text, False) == scripts.with_environment("src/db.js", text)


PACKAGE = json.dumps({"type": "module", "dependencies": {"express": "5", "pg": "8"}})


def project(**files: str) -> FileTree:
    return FileTree({"package.json": PACKAGE, **{path.replace("_", "/", 1) + ".js": text for path, text in files.items()}})


def test_require_becomes_import_in_a_project_of_modules() -> None:
    tree = project(
        src_routes=(
            "const express = require('express');\nconst { Pool } = require('pg');\nconst { readFile } = require('node:fs');\n"
            "const db = require('./db');\nconst { all: every } = require('./list');\n\nmodule.exports = router;\n"
        ),
        src_db="export default 1;\n",
        src_list="module.exports = { all, none };\n",
    )
    assert (
        "import express from 'express';\nimport itsPg from 'pg';\nconst { Pool } = itsPg;\nimport { readFile } from 'node:fs';\n"
        "import db from './db.js';\nimport { all as every } from './list.js';\n\nexport default router;\n"
    ) == scripts.as_module(tree, "src/routes.js")
    assert "export { all, none };\n" == scripts.as_module(tree, "src/list.js")


@pytest.mark.parametrize(
    "text",
    [
        "const routes = require('./routes')(app);\n",
        "const x = require('./not-there');\n",
        "function f() { return require('x'); }\n",
        "exports.a = 1;\n",
        "import express from 'express';\n",
        "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\nconst x = require('x');\n",
    ],
)
def test_a_require_that_is_not_plain_is_left_to_the_model(text: str) -> None:
    assert scripts.as_module(project(src_a=text), "src/a.js") is None


def test_a_local_import_gets_the_extension_that_node_asks_for() -> None:
    tree = project(src_a="import { b } from './b';\nimport './c/index';\n", src_b="export const b = 1;\n")
    assert "import { b } from './b.js';\nimport './c/index';\n" == scripts.as_module(tree, "src/a.js")


def test_a_project_of_scripts_keeps_its_require() -> None:
    tree = FileTree({"package.json": "{}", "src/a.js": "const x = require('express');\n"})
    assert scripts.as_module(tree, "src/a.js") is None


# -- the whole tree ---------------------------------------------------------------------------------------------------------------------


def test_a_missing_health_route_is_added_where_the_app_is_made() -> None:
    broken = (
        FastAPI().scaffold().with_files({"app/main.py": "from fastapi import FastAPI\n\napp = FastAPI(\n    title='x',\n)\n"})
    )
    mended = fixed(broken, FastAPI(), ["app/main.py"])
    assert '@app.get("/healthz")' in mended.files["app/main.py"]
    ast.parse(mended.files["app/main.py"])
    assert ["app/main.py had no GET /healthz; it was added."] == list(mended.notes)
    express = FileTree({"package.json": PACKAGE, "server.js": "import express from 'express';\nconst app = express();\n"})
    assert "app.get('/healthz'" in fixed(express, Express(), ["server.js"]).files["server.js"]


@pytest.mark.parametrize(
    ("log", "wanted"),
    [
        ("ModuleNotFoundError: No module named 'bs4.element'", ["beautifulsoup4"]),
        ("ModuleNotFoundError: No module named 'totally_invented'", []),
        ('RuntimeError: Form data requires "python-multipart" to be installed.', ["python-multipart"]),
        ("ImportError: No module named 'asyncpg'", []),
    ],
)
def test_a_package_on_the_list_that_a_log_misses_is_added(log: str, wanted: list[str]) -> None:
    assert wanted == list(fixed(FastAPI().scaffold(), FastAPI(), [], log=log).packages)


def test_a_node_package_that_a_log_misses_is_added_by_its_name() -> None:
    log = "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'dayjs/plugin/utc' imported from /app/server.js\nCannot find module './x'"
    assert ["dayjs"] == list(fixed(Express().scaffold(), Express(), [], log=log).packages)


def test_a_package_that_validation_misses_is_added_when_it_is_on_the_list() -> None:
    problems = [
        Problem(path="app/a.py", line=1, message="…", kind=ProblemKind.MISSING_PACKAGE, subject=name)
        for name in ("qrcode", "nope")
    ]
    assert ["qrcode"] == list(fixed(FastAPI().scaffold(), FastAPI(), [], problems).packages)


@pytest.mark.parametrize("framework", [FastAPI(), Express()], ids=["fastapi", "express"])
def test_a_scaffold_has_nothing_to_mend(framework: FastAPI | Express) -> None:
    tree = framework.scaffold(["authentication"])
    assert ({}, [], []) == (
        (mended := fixed(tree, framework, list(tree))).files,
        list(mended.packages),
        list(mended.notes),
    )


def test_only_the_named_paths_are_touched() -> None:
    tree = FastAPI().scaffold().with_files({"app/a.py": "json.dumps(1)\n", "app/b.py": "json.dumps(1)\n"})
    assert {"app/a.py": "import json\n\njson.dumps(1)\n"} == fixed(tree, FastAPI(), ["app/a.py"]).files
