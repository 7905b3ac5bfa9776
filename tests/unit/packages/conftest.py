"""A package registry on this machine, which speaks both registries' formats, and programs that name it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from adapters.packages.registries import Clients


@dataclass
class LocalRegistry:
    """Answers with ``npm`` and ``pypi`` documents by name; ``status`` and ``body`` answer everything."""

    address: str = ""
    npm: dict[str, Any] = field(default_factory=dict)
    pypi: dict[str, Any] = field(default_factory=dict)
    status: int | None = None
    body: bytes = b""
    asked: list[tuple[str, str, str]] = field(default_factory=list)  #: raw path, Accept, Authorization

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.raw_path, request.headers["Accept"], request.headers.get("Authorization", "")))
        if self.status is not None:
            return web.Response(status=self.status, body=self.body)
        kind, _, name = request.path.strip("/").partition("/")
        found = (self.npm if kind == "npm" else self.pypi).get(name)
        return web.json_response(found) if found is not None else web.Response(status=404)


@pytest.fixture
async def registry() -> AsyncIterator[LocalRegistry]:
    local = LocalRegistry()
    app = web.Application()
    app.router.add_get("/{path:.*}", local.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    local.address = f"{host}:{port}"
    yield local
    await runner.cleanup()


def programs(folder: Path, npm: str, pypi: str) -> Clients:
    """Clients that say where they would install from, as pnpm and uv do."""
    pnpm = folder / "pnpm.mjs"
    pnpm.write_text(f"import sys\nassert sys.argv[1:] == ['config', 'get', 'registry']\nprint({npm!r})\n")
    uv = folder / "uv"
    uv.write_text(f"#!{sys.executable}\nimport sys\nassert '--emit-index-url' in sys.argv\nprint({pypi!r})\n")
    uv.chmod(0o755)
    return Clients(node=Path(sys.executable), pnpm=pnpm, uv=uv)


@pytest.fixture
def clients(tmp_path: Path, registry: LocalRegistry) -> Clients:
    return programs(tmp_path, f"http://{registry.address}/npm/", f"# made by uv\n--index-url http://{registry.address}/simple")


def npm_document(versions: Mapping[str, datetime], *, latest: str, deprecated: frozenset[str] = frozenset()) -> dict[str, Any]:
    """As npm's registry answers for a package."""
    return {
        "dist-tags": {"latest": latest},
        "time": {"created": "2020-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z"}
        | {version: moment.isoformat().replace("+00:00", "Z") for version, moment in versions.items()},
        "versions": {
            version: {"name": "x", "version": version} | ({"deprecated": "gone"} if version in deprecated else {})
            for version in versions
        },
    }


def simple_file(filename: str, moment: datetime, **more: Any) -> dict[str, Any]:
    """One file as Python's index lists it."""
    return {"filename": filename, "url": "x", "hashes": {}, "upload-time": moment.isoformat().replace("+00:00", "Z")} | more
