"""The platform contract and the plan, as far as they show in the files: what was planned is there, ``GET /healthz`` is answered, a
database has tables, and nothing listens where it likes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from core.files import FileTree
from core.generation.problem import Problem, ProblemKind
from core.generation.validation.prose import is_prose
from core.generation.validation.scripts import Scripts
from core.words.plan import Plan

_MIGRATION = re.compile(r"migrations/[^/]+\.sql")
_TEST = re.compile(r"(?:^|/)(?:__tests__|tests?|e2e)/|\.(?:test|spec)\.\w+$")


def planned(tree: FileTree, plan: Plan) -> Iterator[Problem]:
    """Planned files that are missing or empty."""
    for file in plan.files:
        kind = ProblemKind.MISSING_FILE
        if file.path not in tree:
            yield Problem(
                path=file.path, line=None, message="It was planned and is missing; write it.", kind=kind, subject=file.path
            )
        elif not tree[file.path].strip() and not file.path.endswith("__init__.py"):
            yield Problem(path=file.path, line=None, message="It is empty; write the whole file.", kind=kind, subject=file.path)


def check(tree: FileTree, plan: Plan) -> Iterator[Problem]:
    """What the platform needs of every app."""
    if plan.requires_database and not any(_MIGRATION.fullmatch(path) for path in tree):
        message = "The app needs a database and has no migrations/*.sql file; write its tables there."
        yield Problem(path="migrations/0001_init.sql", line=None, message=message, kind=ProblemKind.NO_MIGRATION)
    if not any("healthz" in path.split("/") or ("/healthz" in text and not is_prose(path)) for path, text in tree.items()):
        message = "No file answers GET /healthz; add the route, answering 200 when the app can serve."
        yield Problem(path="", line=None, message=message, kind=ProblemKind.NO_HEALTH_ROUTE)


def ports(path: str, scripts: Scripts) -> Iterator[Problem]:
    """Servers that listen on a port of their own choice."""
    if _TEST.search(path) or path.endswith((".html", ".vue")):
        return
    for script in scripts.of(path):
        for node in script.nodes("call_expression") if "listen" in script.text else ():
            port = _port(node)
            if port.isdigit() and port.strip("0"):
                message = f"It listens on the port {port[:10]}; listen on process.env.PORT at process.env.HOST instead."
                yield Problem(path=path, line=script.line(node), message=message, kind=ProblemKind.FIXED_PORT, subject=port)


def _port(call: Node) -> str:
    """The number in ``….listen(3000`` or ``….listen({ port: 3000``; empty for any other call."""
    function, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    if function is None or arguments is None or function.type != "member_expression":
        return ""
    method, first = function.child_by_field_name("property"), next(iter(arguments.named_children), None)
    if first is None or method is None or method.text != b"listen":
        return ""
    if first.type == "object":
        pairs = [pair for pair in first.named_children if pair.type == "pair"]
        keys = {(key.text or b""): pair for pair in pairs if (key := pair.child_by_field_name("key")) is not None}
        value = keys[b"port"].child_by_field_name("value") if b"port" in keys else None
    else:
        value = first
    return (value.text or b"").decode() if value is not None and value.type == "number" else ""
