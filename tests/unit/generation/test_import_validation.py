"""Where imports lead."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from core.files import FileTree
from core.frameworks.registry import FRAMEWORKS
from core.generation.problem import ProblemKind
from core.generation.validation import validate
from core.generation.validation.imports import Imports
from core.generation.validation.python import PythonImports
from core.generation.validation.scripts import Scripts
from core.words.plan import FrameworkName, Plan

MODULE, NAME, PACKAGE = ProblemKind.MISSING_MODULE, ProblemKind.MISSING_NAME, ProblemKind.MISSING_PACKAGE

SOURCES = {
    "src/lib/index.ts": "export const one = 1;\nexport default one;\n",
    "src/lib/util.ts": "export function two(): void {}\nexport type Three = 3;\nexport { two as four };\n"
    "export const { five, six: [seven] } = x;\n",
    "src/lib/all.ts": "export * from './util';\n",
    "src/App.vue": "<script setup>const a = 1</script><template><p/></template>\n",
    "src/data.json": "{}",
    "src/style.css": "a {}",
    "src/logo.svg": "<svg/>",
    "src/common.cjs": "module.exports = { a: 1 };\n",
    "package.json": '{"name": "own", "dependencies": {"react": "1"}, "devDependencies": {"vite": "1"}}',
    "tsconfig.json": '{ // paths\n "compilerOptions": { "baseUrl": ".", "paths": { "@/*": ["./src/*"], "~lib": ["src/lib"], }, } }',
}


def scripts(text: str, path: str = "src/a.ts", **more: str) -> list[tuple[ProblemKind, str]]:
    tree = FileTree({**SOURCES, **{key.replace("__", "/"): value for key, value in more.items()}, path: text})
    found = list(Imports(tree, Scripts(tree), "react", {"react"}).check(path))
    assert all(problem.line is not None for problem in found)
    return [(problem.kind, problem.subject) for problem in found]


@pytest.mark.parametrize(
    "text",
    [
        "import './lib'; import './lib/index'; import './lib/index.js'; import './lib/';",
        "import { one } from './lib'; import one2 from '@/lib'; import { two as x, type Three, four, five, seven } from './lib/util';",
        "import App from './App.vue'; import data from './data.json'; import './style.css'; import logo from './logo.svg?url';",
        "import { anything } from './lib/all'; import { b } from './common.cjs'; import * as all from './lib/util';",
        "import React from 'react'; import { createRoot } from 'react/client';",
        "import fs from 'fs'; import { readFile } from 'node:fs/promises'; import test from 'node:test'; import x from 'fs/promises';",
        "import 'vite'; import 'own/part'; import type { A } from 'not-installed'; import 'virtual:thing'; import '#internal';",
        "import lib from '~lib'; import { two } from '@/lib/util.js'; const lazy = () => import('./App.vue');",
        "try { require('optional') } catch {}",
        "const name = './' + x; import(name); require(name); import(`./${x}`);",
        "import made from './generated/client'; import b from '../dist/b';",
        "import c from '/src/logo.svg';",
        "export { two } from './lib/util'; export * from './lib';",
    ],
)  # fmt: skip
def test_imports_that_lead_somewhere_are_fine(text: str) -> None:
    assert scripts(text) == []


@pytest.mark.parametrize(
    ("text", "kind", "subject"),
    [
        ("import './missing';", MODULE, "./missing"),
        ("import a from '@/missing';", MODULE, "@/missing"),
        ("import a from '../../outside';", MODULE, "../../outside"),
        ("const a = require('./missing.js');", MODULE, "./missing.js"),
        ("const a = () => import('./pages/Missing.vue');", MODULE, "./pages/Missing.vue"),
        ("export { a } from './missing';", MODULE, "./missing"),
        ("import { three } from './lib/util';", NAME, "src/lib/util.ts:three"),
        ("import util from './lib/util';", NAME, "src/lib/util.ts:default"),
        ("export { nine } from '@/lib';", NAME, "src/lib/index.ts:nine"),
        ("import zod from 'zod';", PACKAGE, "zod"),
        ("import a from '@tanstack/react-query/build';", PACKAGE, "@tanstack/react-query"),
        ("const a = require('lodash/get');", PACKAGE, "lodash"),
        ("import x = require('express');", PACKAGE, "express"),
    ],
)
def test_an_import_that_leads_nowhere_is_a_problem_that_a_program_can_read(text: str, kind: ProblemKind, subject: str) -> None:
    assert scripts(text) == [(kind, subject)]


def test_scripts_in_components_are_followed_with_the_files_own_lines() -> None:
    tree = FileTree(
        {**SOURCES, "src/B.vue": "<template><p/></template>\n\n<script setup lang='ts'>\nimport './missing'\n</script>\n"}
    )
    [problem] = Imports(tree, Scripts(tree), "vue", ()).check("src/B.vue")
    assert (4, "./missing") == (problem.line, problem.subject)


def test_an_alias_of_vites_configuration_is_known() -> None:
    config = "export default { resolve: { alias: { '$lib': '/src/lib' } } }"
    assert scripts("import { two } from '$lib/util';", **{"vite.config.ts": config}) == [(MODULE, "$lib/util")]
    assert scripts("import { two } from '$lib/util';", **{"vite.config.ts": config, "lib/util.ts": "export const two = 2"}) == []


def test_tests_may_import_what_is_not_installed() -> None:
    assert scripts("import { expect } from 'vitest';", path="src/a.test.ts") == []
    assert scripts("import './missing';", path="src/a.test.ts") == [(MODULE, "./missing")]


def test_a_page_may_map_names_of_packages() -> None:
    page = '<script type="importmap">{"imports": {"vue": "https://x/vue.js"}}</script>'
    assert scripts("import 'vue'; import 'other';", **{"index.html": page}) == [(PACKAGE, "other")]


# -- Python -------------------------------------------------------------------------------------------------------------------------

API = FRAMEWORKS["fastapi"]
PYTHON = {
    "app/__init__.py": "",
    "app/models.py": "import os\nLIMIT = 1\nclass Note: ...\ndef make():\n    global made\n    made = 1\nif LIMIT:\n    extra = 2\n",
    "app/lazy.py": "def __getattr__(name):\n    return 1\n",
    "app/sub/deep.py": "x: int = 1\nfor y in []: pass\nwith open('a') as z: pass\n",
}


def python(text: str, path: str = "app/main.py", packages: Mapping[str, str] | None = None) -> list[tuple[ProblemKind, str]]:
    tree = API.with_dependencies(FileTree({**PYTHON, path: text}), packages or {})
    return [(problem.kind, problem.subject) for problem in PythonImports(tree, API).check(path)]


@pytest.mark.parametrize(
    "text",
    [
        "import os, json.decoder, asyncio\nfrom typing import Any\n",
        "import app.models\nfrom app import models, lazy\nfrom app.models import LIMIT, Note, make, made, extra, os\n",
        "from . import models\nfrom .models import Note\nfrom .sub import deep\nfrom .sub.deep import x, y, z\n",
        "from app.sub.deep import *\n",
        "from .lazy import whatever\n",
        "import fastapi, pydantic, starlette.requests, asyncpg, uvicorn, typing_extensions, anyio\n",
        "try:\n    import ujson\nexcept ImportError:\n    ujson = None\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import nothing\n",
        "from __future__ import annotations\n",
    ],
)
def test_python_imports_that_lead_somewhere_are_fine(text: str) -> None:
    assert python(text) == []


@pytest.mark.parametrize(
    ("text", "kind", "subject"),
    [
        ("import app.missing", MODULE, "app.missing"),
        ("from app.missing import x", MODULE, "app.missing"),
        ("from .missing import x", MODULE, ".missing"),
        ("from ...outside import x", MODULE, "...outside"),
        ("from app.models import Missing", NAME, "app/models.py:Missing"),
        ("from . import missing", NAME, "app/__init__.py:missing"),
        ("from .sub import missing", NAME, "app/sub/:missing"),
        ("from bs4 import BeautifulSoup", PACKAGE, "beautifulsoup4"),
        ("import PIL.Image", PACKAGE, "pillow"),
        ("import yaml", PACKAGE, "pyyaml"),
        ("def f():\n    import invented_thing\n", PACKAGE, "invented_thing"),
        ("import models", MODULE, "models"),
    ],
)
def test_a_python_import_that_leads_nowhere_is_a_problem(text: str, kind: ProblemKind, subject: str) -> None:
    assert python(text) == [(kind, subject)]


def test_a_listed_package_brings_its_own_import_name_and_those_it_needs() -> None:
    text = "import bs4, jinja2, markupsafe, multipart\n"
    listed = {"beautifulsoup4": "4.15.0", "jinja2": "3.1.6", "python-multipart": "0.0.34"}
    assert python(text, packages=listed) == []


def test_beside_a_package_that_nobody_knows_an_unknown_import_is_not_judged() -> None:
    assert python("import something_else\nimport app.missing\n", packages={"mistletoe": "1.6.0"}) == [(MODULE, "app.missing")]


@pytest.mark.parametrize("name", sorted(FRAMEWORKS))
def test_the_imports_of_every_scaffold_lead_somewhere(name: FrameworkName) -> None:
    framework = FRAMEWORKS[name]
    plan = Plan(name="x", framework=name, summary="x")
    for features in ((), ("authentication",)):
        found = validate(framework.scaffold(features), plan, framework)
        assert [] == [problem for problem in found if problem.kind in {MODULE, NAME, PACKAGE}]
