"""Every file that the starter writes for a plan: code, the first migration, the page's settings, README.

Pure: the same plan and look give the same files, which is how a change finds out what it touches.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.models.starter import sql
from adapters.models.starter.layouts import LAYOUTS
from adapters.models.starter.look import Look
from core.frameworks.registry import framework
from core.words.plan import Feature, FieldType, Plan, Resource

FIRST_MIGRATION = "migrations/0001_init.sql"


@dataclass(frozen=True, slots=True)
class AppFile:
    """A file with its purpose, for the plan."""

    purpose: str
    content: str


_ACCOUNTS = (
    "## Who may use it\n\n"
    "Everything below `/api` needs a session. `POST /api/auth/register` (`name`, `email`, `password`) makes an account, "
    "`POST /api/auth/login` and `/api/auth/logout` sign in and out, `GET /api/auth/me` says who is signed in. The first account is "
    "the administrator's (`is_admin`). Set `REGISTRATION=closed` once everybody has an account.\n\n"
    "Somebody who forgot the password gets a new account after "
    "`DELETE FROM auth_users WHERE email = '…'` in the database.\n\n"
)


def app_files(plan: Plan, look: Look) -> dict[str, AppFile]:
    """Path to file. Everything but the first migration follows the plan for as long as the app lives."""
    layout = LAYOUTS[plan.framework]
    code = layout.code(plan.resources)
    purposes = {path: _purpose(path, plan) for path in code}
    made = {path: AppFile(purposes[path], content) for path, content in code.items()}
    schema = _schema(plan)
    if layout.index:
        made[layout.index] = AppFile("the page", _index(plan, look))
    elif look.theme:
        schema["theme"] = look.theme
    made[layout.schema] = AppFile("what the page shows", json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
    made[layout.theme] = AppFile("the accent colour", look.css())
    made["README.md"] = AppFile("what the app is and how to run it", _readme(plan))
    made[".env.example"] = AppFile("the settings", _settings(plan))
    return made


def first_migration(plan: Plan) -> AppFile:
    """The tables of a new app."""
    heading = "The tables of the app. The platform runs each file of this folder once, in order; never edit one that ran."
    return AppFile("the tables", sql.script(heading, sql.create_tables(plan.resources)))


def _purpose(path: str, plan: Plan) -> str:
    stem = path.rsplit("/", 1)[1].split(".")[0]
    known = next((resource for resource in plan.resources if resource.name == stem), None)
    return f"{known.label.lower()}: fields and routes" if known else "the list of resources"


def _schema(plan: Plan) -> dict[str, Any]:
    schema: dict[str, Any] = {"title": plan.name, "resources": [_described(resource) for resource in plan.resources]}
    return {**schema, "authentication": True} if "authentication" in plan.features else schema


def _described(resource: Resource) -> dict[str, Any]:
    fields = []
    for one in resource.fields:
        described: dict[str, Any] = {"name": one.name, "type": one.type.value, "label": one.label or one.name}
        if one.required:
            described["required"] = True
        if one.type is FieldType.CHOICE:
            described["choices"] = one.choices
        if one.type is FieldType.REFERENCE:
            described["references"] = one.references
        fields.append(described)
    return {
        "name": resource.name,
        "label": resource.label or resource.name,
        "one": resource.singular.replace("_", " "),
        "fields": fields,
    }


def _index(plan: Plan, look: Look) -> str:
    title = html.escape(plan.name)
    source = framework(plan.framework).scaffold()[LAYOUTS[plan.framework].index or ""]
    source = source.replace("<title>App</title>", f"<title>{title}</title>").replace(
        '<h1 id="title">App</h1>', f'<h1 id="title">{title}</h1>'
    )
    return source.replace('<html lang="en">', f'<html lang="en" data-theme="{look.theme}">') if look.theme else source


def _readme(plan: Plan) -> str:
    layout = LAYOUTS[plan.framework]
    title = plan.name.replace("<", "").replace(">", "")
    rows = "".join(
        f"- `/api/{resource.name}`: "
        f"{', '.join(f'`{one.name}`' + (' (needed)' if one.required else '') for one in resource.fields)}\n"
        for resource in plan.resources
    )
    return (
        f"# {title}\n\nA web app over Postgres, made by the built-in starter of Nexus, without a language model.\n\n"
        f"## What it keeps\n\n{rows}\n"
        "Each address takes `GET` (with `?q=` to search, `?limit=` and `?offset=`) and `POST`; with `/<id>` behind it `GET`, "
        "`PUT`, `PATCH` and `DELETE`. "
        "Errors are problem documents with a message per field.\n\n"
        f"{_ACCOUNTS if 'authentication' in plan.features else ''}"
        "## Where things are\n\n"
        f"- `{layout.code_folder}`: one file per kind of thing, with its fields and checks\n"
        f"- {layout.page_line}\n"
        "- `migrations/`: the tables, run by the platform in order, each file once\n\n"
        "## Running it by hand\n\n"
        "Make a Postgres database, run the migrations, set `DATABASE_URL` (see `.env.example`), then:\n\n"
        '```sh\nfor file in migrations/*.sql; do psql "$DATABASE_URL" -f "$file"; done\n'
        f"{layout.by_hand}\n```\n"
    )


def _settings(plan: Plan) -> str:
    """The scaffold's settings, and those of the plan that it does not name."""
    text = framework(plan.framework).scaffold(plan.features)[".env.example"]
    own = [setting for setting in plan.settings if not re.search(rf"^{setting.name}=", text, re.M)]
    return text + "".join((f"# {setting.purpose}\n" if setting.purpose else "") + f"{setting.name}=\n" for setting in own)


def pages(resources: Sequence[Resource], features: Collection[Feature]) -> list[str]:
    """What the one page shows, section by section."""
    found = [
        f"/#/{resource.name}: {resource.label.lower()}, to search, filter, sort, add, change and delete" for resource in resources
    ]
    return [*(["/: signing in, or making an account"] if "authentication" in features else []), *found]
