"""Apps that are written as the guides of the frameworks say, and go beyond lists and forms in each way that a guide names.

The module of the first resource is the guide's own example, taken from its text. Each app has accounts, a route of its own below
/api/reports, and a further page at /reports that shows what this route says.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping

from core.files import FileTree
from core.frameworks.registry import framework
from core.words.plan import FieldType, FrameworkName, Plan, PlannedFile, Resource, ResourceField

TABLES = """\
CREATE TABLE projects (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE tasks (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  title text NOT NULL,
  project bigint REFERENCES projects ON DELETE SET NULL,
  status text NOT NULL,
  due date,
  urgent boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
"""
SCHEMA = {
    "title": "Tasks",
    "authentication": True,
    "resources": [
        {"name": name, "label": name.title(), "one": name[:-1], "fields": [{"name": first, "type": "text", "label": first}]}
        for name, first in (("tasks", "title"), ("projects", "name"))
    ],
}
RESOURCES = [
    Resource(
        name="tasks",
        singular="task",
        fields=[
            ResourceField(name="title", type=FieldType.TEXT, required=True),
            ResourceField(name="project", type=FieldType.REFERENCE, references="projects"),
            ResourceField(name="status", type=FieldType.CHOICE, choices=["open", "done"], required=True),
            ResourceField(name="due", type=FieldType.DATE),
            ResourceField(name="urgent", type=FieldType.BOOLEAN),
        ],
    ),
    Resource(name="projects", singular="project", fields=[ResourceField(name="name", type=FieldType.TEXT, required=True)]),
]

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
  <base href="/">
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="default-src 'self'; style-src 'self'; script-src 'self'">
  <title>Reports</title>
  <link rel="icon" href="favicon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="app.css">
  <link rel="stylesheet" href="theme.css">
  <script type="module" src="reports.js"></script>
</head>
<body><main class="wrap" id="main"></main></body>
</html>
"""
_PAGE_SCRIPT = """\
import { list } from './api.js';
import { h } from './dom.js';

const { rows } = await list('reports');
const tasks = await list('tasks');
document.getElementById('main').append(h('p', { id: 'report' }, `${rows[0].who}: ${rows[0].open} of ${tasks.total}`));
"""
_FASTAPI = {
    "app/resources/projects.py": (
        "from app.crud import crud\nfrom app.fields import Line, Record\n\n\n"
        'class Project(Record):\n    name: Line\n\n\nrouter = crud("projects", Project, one="project", search=["name"])\n'
    ),
    "app/resources/reports.py": """\
from typing import Any

from app.db import database
from fastapi import APIRouter, HTTPException, Request

router = APIRouter()


@router.get("/reports")
async def reports(request: Request) -> list[dict[str, Any]]:
    count = await database.value("SELECT count(*) FROM tasks WHERE status = $1", "open")
    return [{"who": request.state.user["name"], "open": count}]


@router.get("/tasks/next")
async def following() -> dict[str, Any]:
    raise HTTPException(422, "not yet")
""",
    "app/resources/__init__.py": (
        "from app.resources import projects, reports, tasks\n\nROUTERS = [reports.router, tasks.router, projects.router]\n"
    ),
    "static/reports/index.html": _PAGE,
    "static/reports.js": _PAGE_SCRIPT,
}


def _server(folder: str) -> Mapping[str, str]:
    return {
        f"{folder}/resources/projects.js": (
            "import { crud } from '../crud.js';\nimport { line } from '../fields.js';\n\n"
            "export default crud({ table: 'projects', one: 'project', fields: { name: line({ required: true }) }, search: ['name'] });\n"
        ),
        f"{folder}/resources/reports.js": """\
import express from 'express';

import { database } from '../db.js';
import { Invalid } from '../problems.js';

export default {
  table: 'reports',
  router() {
    const router = express.Router();
    router.get('/', async (request, response) => {
      const { rows } = await database.query('SELECT count(*) AS open FROM tasks WHERE status = $1', ['open']);
      response.json([{ who: request.user.name, open: rows[0].open }]);
    });
    router.get('/next', async () => { throw new Invalid({ next: 'not yet' }); });
    return router;
  },
};
""",
        f"{folder}/resources/index.js": (
            "import projects from './projects.js';\nimport reports from './reports.js';\nimport tasks from './tasks.js';\n\n"
            "export const resources = [tasks, projects, reports];\n"
        ),
    }


_EXPRESS = {**_server("src"), "public/reports/index.html": _PAGE, "public/reports.js": _PAGE_SCRIPT}
_REACT_VIEW = """\
import {{ useEffect, useState }} from 'react';

import {{ list }} from '{api}';

export function Reports() {{
  const [text, setText] = useState('');
  useEffect(() => {{
    void Promise.all([list('reports'), list('tasks')]).then(([{{ rows: [said] }}, {{ total }}]) => {{
      setText(`${{said?.who}}: ${{said?.open}} of ${{total}}`);
    }});
  }}, []);
  return <p id="report" className="bg-panel text-muted">{{text}}</p>;
}}
"""
_REACT = {
    **_server("server"),
    "src/Reports.tsx": _REACT_VIEW.format(api="./ui/api"),
    "src/App.tsx": """\
import json from './schema.json';
import { Reports } from './Reports';
import { ListApp } from './ui/ListApp';
import type { Schema } from './ui/schema';
import { SignedIn } from './ui/SignedIn';

const schema = json as Schema;

export function App() {
  const own = location.pathname === '/reports';
  return (
    <SignedIn title={schema.title}>
      {(account) => (own ? <Reports /> : <ListApp schema={schema} account={<><a href="/reports">Reports</a>{account}</>} />)}
    </SignedIn>
  );
}
""",
}
_VUE = {
    **_server("server"),
    "src/components/ReportsView.vue": """\
<script setup lang="ts">
import { onMounted, ref } from 'vue';

import { list } from '../api';

const text = ref('');
onMounted(async () => {
  const [{ rows }, { total }] = await Promise.all([list('reports'), list('tasks')]);
  text.value = `${rows[0]?.who}: ${rows[0]?.open} of ${total}`;
});
</script>

<template>
  <p id="report" class="bg-panel text-muted">{{ text }}</p>
</template>
""",
}
_NEXTJS = {
    "lib/resources/projects.ts": (
        "import { crud } from '../crud';\nimport { line } from '../fields';\n\n"
        "export default crud({ table: 'projects', one: 'project', fields: { name: line({ required: true }) }, search: ['name'] });\n"
    ),
    "lib/resources/index.ts": (
        "import type { Resource } from '../crud';\nimport projects from './projects';\nimport tasks from './tasks';\n\n"
        "export const resources: Resource[] = [tasks, projects];\n"
    ),
    "app/api/reports/route.ts": """\
import { userOf } from '@/lib/auth/sessions';
import { query } from '@/lib/db';
import { route } from '@/lib/routing';

export const GET = route(async (request) => {
  const { rows } = await query('SELECT count(*) AS open FROM tasks WHERE status = $1', ['open']);
  return Response.json([{ who: (await userOf(request))?.name, open: rows[0]?.open }]);
});
""",
    "app/api/reports/next/route.ts": """\
import { Invalid } from '@/lib/problems';
import { route } from '@/lib/routing';

export const GET = route(async () => { throw new Invalid({ next: 'not yet' }); });
""",
    "app/reports/Reports.tsx": "'use client';\n\n" + _REACT_VIEW.format(api="@/ui/api"),
    "app/reports/page.tsx": "import { Reports } from './Reports';\n\nexport default function Page() {\n  return <Reports />;\n}\n",
}
#: where the guide's example, the schema and the colour belong
_PLACES: Mapping[FrameworkName, tuple[str, str, str]] = {
    "fastapi": ("app/resources/tasks.py", "static/schema.json", "static/theme.css"),
    "express": ("src/resources/tasks.js", "public/schema.json", "public/theme.css"),
    "react": ("server/resources/tasks.js", "src/schema.json", "src/theme.css"),
    "vue": ("server/resources/tasks.js", "src/schema.json", "src/theme.css"),
    "nextjs": ("lib/resources/tasks.ts", "lib/schema.json", "app/theme.css"),
}
_BEYOND: Mapping[FrameworkName, Mapping[str, str]] = {
    "fastapi": _FASTAPI,
    "express": _EXPRESS,
    "react": _REACT,
    "vue": _VUE,
    "nextjs": _NEXTJS,
}


def example(name: FrameworkName) -> str:
    """The code in a framework's guide."""
    lines = framework(name).guide().split("\n")
    code = "\n".join(line for line in lines if line.startswith("    ") or not line)
    return textwrap.dedent(code).strip("\n") + "\n"


def guided(name: FrameworkName) -> tuple[Plan, FileTree]:
    """The app, and the plan of it."""
    module, schema, theme = _PLACES[name]
    written = {
        "migrations/0001_init.sql": TABLES,
        module: example(name),
        schema: json.dumps(SCHEMA),
        theme: ":root { --accent-hue: 150; --accent-chroma: 0.15; }\n",
        **_BEYOND[name],
    }
    tree = framework(name).scaffold(["authentication"])
    if name == "vue":
        page = tree["src/App.vue"].replace(
            '<ListApp v-if="user">', '<ReportsView v-if="user && reports" />\n  <ListApp v-else-if="user">'
        )
        imports = "import ReportsView from './components/ReportsView.vue';\n"
        setup = "const reports = location.pathname === '/reports';\n</script>"
        page = page.replace("import SignIn", imports + "import SignIn").replace("</script>", setup, 1)
        written["src/App.vue"] = page
    plan = Plan(
        name="Tasks",
        framework=name,
        summary="Keeps tasks.",
        features=["authentication"],
        resources=RESOURCES,
        files=[PlannedFile(path=path) for path in written],
    )
    return plan, tree.with_files(written)
