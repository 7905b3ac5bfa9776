"""Realistic cards of an app's life, for tests of the page: what the presenter would make, written out."""

from __future__ import annotations

from core.files import FileTree
from core.words.cards import (
    Button,
    Card,
    Confirm,
    Fact,
    Facts,
    FileEntry,
    Files,
    Link,
    Log,
    Section,
    Step,
    Steps,
    StepState,
    Table,
    Text,
    Tone,
)

MAIN = '''"""The todo app: a page, a JSON API, and a database behind both."""

from __future__ import annotations

import os
from datetime import date

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

app = FastAPI(title="Todo")


class Todo(BaseModel):
    """One thing to do."""

    title: str = Field(min_length=1, max_length=200)
    due: date | None = None
    priority: str = "normal"
    done: bool = False


@app.on_event("startup")
async def connect() -> None:
    app.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], max_size=5)


@app.get("/healthz")
async def healthz() -> dict[str, bool]:
    await app.state.pool.fetchval("SELECT 1")  # no database, no health
    return {"ok": True}


@app.get("/api/todos")
async def list_todos(done: bool | None = None) -> list[dict]:
    rows = await app.state.pool.fetch(
        "SELECT * FROM todos WHERE $1::boolean IS NULL OR done = $1 ORDER BY due NULLS LAST", done
    )
    return [dict(row) for row in rows]


@app.delete("/api/todos/{todo_id}", status_code=204)
async def delete_todo(todo_id: int) -> None:
    result = await app.state.pool.execute("DELETE FROM todos WHERE id = $1", todo_id)
    if result == "DELETE 0":
        raise HTTPException(404, f"There is no todo {todo_id}.")
'''

FILES: dict[str, str] = {
    ".env.example": "DATABASE_URL=\nPLATFORM_API_URL=\nREMINDER_EMAIL=\n",
    "README.md": "# Todo\n\nA todo app with due dates and priorities.\n\n## Run it\n\n```sh\nuv run uvicorn main:app\n```\n",
    "main.py": MAIN,
    "migrations/001_todos.sql": (
        "CREATE TABLE todos (\n    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n    title text NOT NULL,\n"
        "    due date,\n    priority text NOT NULL DEFAULT 'normal',\n    done boolean NOT NULL DEFAULT false\n);\n"
    ),
    "pyproject.toml": '[project]\nname = "todo"\nversion = "0.1.0"\ndependencies = ["fastapi==0.128.0", "asyncpg==0.32.0"]\n',
    "static/app.js": (
        'const list = document.querySelector("#todos");\n\nasync function refresh() {\n'
        '  const todos = await (await fetch("/api/todos")).json();\n'
        '  list.replaceChildren(...todos.map((todo) => {\n    const row = document.createElement("li");\n'
        "    row.textContent = todo.title;\n"
        "    return row;\n  }));\n}\n\nrefresh();\n"
    ),
    "static/index.html": '<!doctype html>\n<html lang="en">\n  <head><title>Todo</title><link rel="stylesheet" href="app.css"></head>\n'
    '  <body><ul id="todos"></ul><script src="app.js"></script></body>\n</html>\n',
    "static/app.css": ":root { --accent: #3a46d4; }\n\nbody { font: 16px/1.5 system-ui; max-width: 40rem; margin: 3rem auto; }\n",
    "tests/test_todos.py": 'def test_a_todo_needs_a_title(client):\n    assert client.post("/api/todos", json={}).status_code == 422\n',
}
TREE = FileTree(FILES)

_PURPOSES = {
    "main.py": "Routes and the database",
    "migrations/001_todos.sql": "The todos table",
    "static/index.html": "The page",
    "static/app.js": "Lists, adds and ticks todos",
    "README.md": "How to run it",
}


def entries(*, changed: tuple[str, ...] = ()) -> list[FileEntry]:
    """The files as the card lists them."""
    return [
        FileEntry(path=path, size=TREE.size(path), purpose=_PURPOSES.get(path, ""), change="changed" if path in changed else "")
        for path in TREE
    ]


def _step(name: str, state: str, detail: str = "", seconds: float | None = None) -> Step:
    return Step(name=name, state=StepState(state), detail=detail, seconds=seconds)


def working(stage: int) -> Card:
    """The build card while it works; ``stage`` 0 to 5."""
    names = [
        ("Plan", "1 table, 9 files, FastAPI", 0.4),
        ("Write the files", "9 of 9", 1.2),
        ("Check the source", "no findings", 0.2),
        ("Install dependencies", "8 packages, all in the store", 0.7),
        ("Build", "", 0.5),
        ("Try it out", "scratch database, no network", 1.9),
    ]
    running = {1: f"{2 + stage * 3} of 9", 3: "fastapi, asyncpg, uvicorn"}
    steps = [
        _step(name, "done", detail, seconds)
        if at < stage
        else _step(name, "running" if at == stage else "waiting", running.get(at, "") if at == stage else "")
        for at, (name, detail, seconds) in enumerate(names)
    ]
    return Card(
        kind="build",
        title="Todo app",
        subtitle="Build 1, written by starter",
        tone=Tone.WORKING,
        status="Building",
        children=[Steps(steps=steps)],
        actions=[Button(action="cancel", value="bld_1", label="Cancel", style="plain")],
    )


EVIDENCE = Steps(
    title="Tried before you see it",
    steps=[
        _step("Installs", "done", "8 packages, exact versions", 0.7),
        _step("Builds", "done", "", 0.5),
        _step("Migrations run", "done", "001_todos.sql on an empty database", 0.1),
        _step("Starts", "done", "answers after 0.6 s, 48 MB", 0.6),
        _step("`GET /healthz`", "done", "200 with the database", 0.0),
        _step("`/api/todos`", "done", "list, create, read, change, delete; bad input is refused", 0.2),
        _step("Photograph", "skipped", "there is no browser on this machine"),
    ],
)

SETUP = [
    Text(text="It runs as it is. Set a reminder address if you want mail a day before something is due."),
    Facts(
        facts=[
            Fact(label="Framework", value="FastAPI, Python 3.11"),
            Fact(label="Database", value="1 table: todos"),
            Fact(label="Dependencies", value="fastapi 0.128.0, asyncpg 0.32.0"),
        ]
    ),
    Table(columns=["Setting", "What for", "Needed"], rows=[["`REMINDER_EMAIL`", "Where reminders go", "no"]]),
    Text(text="uv run uvicorn main:app --port 8000", style="code"),
]


def review(*, build: str = "bld_1", changed: tuple[str, ...] = (), note: str = "", number: int = 1) -> Card:
    """Built and tried, waiting for a person."""
    deploy = [EVIDENCE, Text(text=note or "Anyone in this workspace may approve, until Friday 14:00.", style="muted")]
    return Card(
        kind="build",
        title="Todo app",
        subtitle=f"Build {number}, FastAPI, 9 files. Written by starter in 4.9 s, no tokens used.",
        tone=Tone.WAITING,
        status="Ready for review",
        children=[
            Text(text="A list of todos with due dates and priorities: add, tick off, change, delete, and see what is due first."),
            Section(id="files", title="Files", children=[Files(build=build, files=entries(changed=changed))]),
            Section(id="setup", title="Setup", children=list(SETUP)),
            Section(id="deploy", title="Deploy", children=list(deploy)),
        ],
        actions=[
            Button(action="approve", value=f"apr_{number}", label="Approve & deploy", style="primary"),
            Button(action="change", value=build, label="Change…"),
            Link(label="Download .zip", url=f"/builds/{build}.zip"),
            Button(
                action="discard",
                value=f"apr_{number}",
                label="Discard",
                style="danger",
                confirm=Confirm(
                    title="Discard this build?", text="The app stays as it is. You can ask again at any time.", yes="Discard"
                ),
            ),
        ],
    )


def deploying(stage: int, *, build: str = "bld_1") -> Card:
    """The same card after the approval."""
    names = ["Database", "Migrations", "Start", "Health check", "Route", "Ask through the proxy"]
    steps = [
        _step(name, "done" if at < stage else "running" if at == stage else "waiting", "", 0.1 if at < stage else None)
        for at, name in enumerate(names)
    ]
    card = review(build=build)
    deploy = Section(id="deploy", title="Deploy", children=[Text(text="Approved by Ada.", style="muted"), Steps(steps=steps)])
    return card.model_copy(
        update={"tone": Tone.WORKING, "status": "Deploying", "children": [*card.children[:-1], deploy], "actions": []}
    )


LOG_LINES = [
    "INFO:     Started server process [41]",
    "INFO:     Waiting for application startup.",
    "INFO:     Application startup complete.",
    "INFO:     Uvicorn running on http://127.0.0.1:40213",
    'INFO:     127.0.0.1 - "GET /healthz HTTP/1.1" 200 OK',
    'INFO:     127.0.0.1 - "GET /api/todos HTTP/1.1" 200 OK',
]


def live(*, build: str = "bld_1", release: int = 1) -> Card:
    """The same card, live."""
    card = review(build=build)
    deploy = Section(
        id="deploy",
        title="Deploy",
        children=[
            Facts(
                facts=[
                    Fact(label="Address", value="http://todo.localhost:8080", style="link"),
                    Fact(label="Release", value=f"v{release}, up in 1.3 s"),
                    Fact(label="Runtime", value="Python 3.11, process host"),
                    Fact(label="Database", value="app_7f3k2m9d", style="code"),
                    Fact(label="Role", value="app_7f3k2m9d_app", style="code"),
                    Fact(label="Database host", value="127.0.0.1:5433", style="code"),
                    Fact(label="Limits", value="256 MB, 1 CPU, 512 MB data"),
                    Fact(label="Isolation", value="bubblewrap"),
                    Fact(label="Settings", value="DATABASE_URL, PLATFORM_API_URL"),
                ]
            ),
            Log(title="Log", lines=LOG_LINES, live_app="todo"),
        ],
    )
    return card.model_copy(
        update={
            "tone": Tone.GOOD,
            "status": "Live",
            "subtitle": f"v{release}, approved by Ada",
            "children": [*card.children[:-1], deploy],
            "actions": [
                Link(label="Open", url="http://todo.localhost:8080", style="primary"),
                Button(action="reveal", value="todo", label="Reveal password"),
                Button(action="settings", value="todo", label="Settings…"),
                Button(action="rollback", value="todo", label="Roll back…"),
                Button(
                    action="stop",
                    value="todo",
                    label="Stop",
                    style="danger",
                    confirm=Confirm(title="Stop Todo app?", text="Its address stops answering. The data stay.", yes="Stop it"),
                ),
            ],
        }
    )


def superseded() -> Card:
    """A review card that a newer one took the place of."""
    card = review()
    return card.model_copy(update={"tone": Tone.QUIET, "status": "Superseded", "actions": []})


def failed() -> Card:
    """A build that did not pass its try-out."""
    return Card(
        kind="build",
        title="Invoice tracker",
        subtitle="Build 2, Express",
        tone=Tone.BAD,
        status="Failed",
        children=[
            Text(
                text="It starts, but `GET /api/invoices` answers 500. Three rounds of repair did not help, so there is nothing to approve."
            ),
            Steps(
                steps=[
                    _step("Installs", "done", "14 packages", 1.1),
                    _step("Builds", "done", "", 0.4),
                    _step("Migrations run", "done", "001_invoices.sql", 0.1),
                    _step("Starts", "done", "answers after 0.3 s", 0.3),
                    _step("`/api/invoices`", "failed", 'column "paid_on" does not exist', 0.1),
                ]
            ),
            Log(
                title="The last lines",
                lines=[
                    "Listening on 127.0.0.1:41877",
                    'error: column "paid_on" does not exist',
                    "    at Parser.parseErrorMessage (/app/node_modules/pg-protocol/dist/parser.js:285:98)",
                    "    at list (/app/src/routes/invoices.js:31:20)",
                ],
            ),
            Text(text="What is live now, v1, stays live. A failed build costs nothing.", style="muted"),
        ],
        actions=[
            Button(action="retry", value="bld_9", label="Try again", style="primary"),
            Button(action="change", value="bld_9", label="Change…"),
        ],
    )
