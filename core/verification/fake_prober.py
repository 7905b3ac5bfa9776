"""An app without a process, for tests: a `Prober` that answers as an app that keeps the platform contract would.

Used by tests of verification and of deployments with a `FakeHost`. It keeps rows per address. ``override`` may answer in its place, to
play an app that misbehaves.
"""

from __future__ import annotations

import json as json_module
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from core.errors import NotHealthy
from core.hosting.host import Address
from core.verification.prober import ProbeAnswer, Prober
from core.words.plan import FieldType, Resource

Override = Callable[[str, str, Any], ProbeAnswer | None]
_TEXTS = {FieldType.TEXT, FieldType.LONG_TEXT}


class FakeProber(Prober):
    """Answers ``/healthz``, ``/`` and CRUD for ``resources``; ``asked`` has every request. With ``authentication`` the resources are
    there for whoever has registered."""

    def __init__(
        self, resources: Sequence[Resource] = (), *, override: Override | None = None, authentication: bool = False
    ) -> None:
        self.resources = {resource.name: resource for resource in resources}
        self.override = override
        self.authentication = authentication
        self.asked: list[tuple[str, str]] = []
        self.silent = False  #: nobody listens
        self._rows: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}

    async def request(
        self,
        address: Address,
        method: str,
        path: str,
        *,
        host_header: str,
        json: Any = None,
        cookies: Mapping[str, str] | None = None,
        timeout: float = 10.0,
    ) -> ProbeAnswer:
        self.asked.append((method, path))
        if self.silent:
            raise NotHealthy("nothing listens there, or the connection was cut")
        if self.override is not None and (instead := self.override(method, path, json)) is not None:
            return instead
        path, _, query = path.partition("?")
        match path.strip("/").split("/"):
            case ["healthz"]:
                return answer(200, {"status": "ok"})
            case [""]:
                return ProbeAnswer(status=200, headers={"content-type": "text/html; charset=utf-8"}, body=b"<!doctype html>")
            case ["api", "auth", "register"] if self.authentication and method == "POST":
                return replace(answer(201, {"id": 1}), cookies={"session": "of the one who registered"})
            case ["api", *_] if self.authentication and (cookies or {}).get("session") != "of the one who registered":
                return answer(401, {"detail": "not signed in"})
            case ["api", name, *rest] if name in self.resources:
                rows = self._rows.setdefault((str(address), name), {})
                if method == "GET" and not rest and (word := parse_qs(query).get("q")):
                    return answer(200, [row for row in rows.values() if word[0].lower() in str(row).lower()])
                return _crud(self.resources[name], rows, method, rest, json)
        return answer(404, {"detail": "not found"})


def answer(status: int, body: Any) -> ProbeAnswer:
    """A JSON answer."""
    return ProbeAnswer(status=status, headers={"content-type": "application/json"}, body=json_module.dumps(body).encode())


def _crud(resource: Resource, rows: dict[int, dict[str, Any]], method: str, rest: Sequence[str], json: Any) -> ProbeAnswer:
    if method in {"POST", "PUT"} and not _valid(resource, json):
        return answer(422, {"detail": "not valid"})
    if not rest:
        if method == "GET":
            return answer(200, list(rows.values()))
        number = max(rows, default=0) + 1
        rows[number] = {"id": number, **json}
        return answer(201, rows[number])
    number = int(rest[0]) if rest[0].isdecimal() else 0
    if number not in rows:
        return answer(404, {"detail": "not found"})
    if method == "DELETE":
        del rows[number]
        return ProbeAnswer(status=204)
    if method == "PUT":
        rows[number] = {"id": number, **json}
    return answer(200, rows[number])


def _valid(resource: Resource, row: Any) -> bool:
    for field in resource.fields:
        value = row.get(field.name)
        if value is None:
            if field.required:
                return False
        elif field.type in _TEXTS:
            if not isinstance(value, str):
                return False
        elif value == "no such value":
            return False
    return True
