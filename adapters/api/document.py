"""The OpenAPI 3.1 document and its readable page, made from the route table and the pydantic shapes."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from adapters.api import shapes
from adapters.api.routing import Route

_REF = "#/components/schemas/{model}"
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Nexus API</title>
<style>
:root {{ color-scheme: light dark; --line: #8884; --soft: #8881; }}
body {{ font: 16px/1.55 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 5rem; }}
h1 {{ font-size: 1.6rem }} h2 {{ font-size: 1rem; margin: 0; font-weight: 600 }}
article {{ border: 1px solid var(--line); border-radius: 10px; padding: .9rem 1.1rem; margin: 1rem 0 }}
code, pre {{ font: .85rem/1.5 ui-monospace, monospace }}
pre {{ background: var(--soft); padding: .8rem; border-radius: 8px; overflow: auto }}
.method {{ display: inline-block; min-width: 4rem; font-weight: 700 }} .muted {{ opacity: .7; font-size: .9rem }}
</style>
<h1>Nexus API</h1>
<p>Send a token as <code>Authorization: Bearer …</code>; <code>./nexus token USER</code> makes one. Errors are problem documents
(RFC 9457) with a stable <code>type</code>. Calls marked <em>streams</em> answer with server-sent events, named by what happened and at
the end <code>result</code> or <code>problem</code>, when asked with <code>Accept: text/event-stream</code>. A repeated
<code>Idempotency-Key</code> has one effect. The whole is also <a href="/api/openapi.json">an OpenAPI document</a>.</p>
{calls}
</html>
"""


def openapi(routes: list[Route], server: str) -> dict[str, Any]:
    """The document."""
    models: set[type[BaseModel]] = {shapes.Problem, *(r.answer for r in routes), *(r.body for r in routes if r.body is not None)}
    _, schemas = models_json_schema(
        [(model, "validation") for model in sorted(models, key=lambda m: m.__name__)], ref_template=_REF
    )
    paths: dict[str, Any] = {}
    for route in routes:
        for path in (route.path, *route.also):
            paths.setdefault(path, {})[route.method.lower()] = _operation(route, path)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Nexus", "version": "1", "description": "From a sentence to a live app with its own database."},
        "servers": [{"url": server}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(route: Route, path: str) -> dict[str, Any]:
    content = {"application/json": {"schema": _ref(route.answer)}}
    if route.streams:
        content["text/event-stream"] = {"schema": {"type": "string"}}
    problem = {"application/problem+json": {"schema": _ref(shapes.Problem)}}
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{path}").strip("_"),
        "summary": route.summary,
        "responses": {
            str(route.status): {"description": route.answer.__doc__ or "", "content": content},
            "default": {"description": "It was not done; `detail` says why and what to do.", "content": problem},
        },
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in re.findall(r"{(\w+)}", path)
        ],
    }
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(route.body)}}}
    return operation


def _ref(model: type) -> dict[str, Any]:
    return {"$ref": _REF.format(model=model.__name__)}


def page(routes: list[Route]) -> str:
    """The readable page."""
    calls = []
    for route in routes:
        body = f"<p class=muted>Body</p><pre>{_fields(route.body)}</pre>" if route.body is not None else ""
        streams = " · streams" if route.streams else ""
        also = "".join(f" · also <code>{escape(path)}</code>" for path in route.also)
        calls.append(
            f"<article><h2><span class=method>{route.method}</span><code>{escape(route.path)}</code></h2>"
            f"<p>{escape(route.summary)}. <span class=muted>Scope {route.scope}{streams}{also}</span></p>{body}"
            f"<p class=muted>Answer, {route.status}</p><pre>{_fields(route.answer)}</pre></article>"
        )
    return _PAGE.format(calls="\n".join(calls))


def _fields(model: Any) -> str:
    lines = []
    for name, field in model.model_fields.items():
        kind = (
            str(getattr(field.annotation, "__name__", field.annotation))
            if "[" not in str(field.annotation)
            else str(field.annotation)
        )
        kind = re.sub(r"\b(?:[a-z_]+\.)+", "", kind)
        note = f"  # {field.description}" if field.description else ""
        lines.append(f"{name}: {kind}{'' if field.is_required() else '  (optional)'}{note}")
    return escape("\n".join(lines))


def add_document(site: web.Application, routes: list[Route], server: str) -> None:
    """Serve both, to anybody."""
    text = json.dumps(openapi(routes, server))
    html = page(routes)

    async def as_json(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type="application/json")

    async def as_page(_: web.Request) -> web.Response:
        policy = "default-src 'none'; style-src 'unsafe-inline'"
        return web.Response(text=html, content_type="text/html", headers={"Content-Security-Policy": policy})

    site.router.add_get("/api/openapi.json", as_json)
    site.router.add_get("/api/docs", as_page)
