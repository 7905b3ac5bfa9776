"""How long the loop takes: `python -m bench.loop` (from the checkout, in the environment that `./nexus check` makes).

Starts a Nexus of its own in a temporary folder, warms it up with one app per framework, and then measures, several times in turn:

- *review*: from a build request with the starter to the review card with its evidence (the API's answer);
- *approve*: from the approval to the first 200 of the app's URL through the proxy, its own database included;
- *by hand*: the same files, with the same tools and warm caches: install, start, first 200. No database, no sandbox, no try-out;
- *up*: from the command to the sign-in link, on installed parts, and the resident size of the process when it idles.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table

from adapters.api.tokens import Tokens
from bench.house import free_port, nexus
from bot.platform.data_folder import DataFolder
from bot.platform.parts import find_parts

DESCRIPTION = "a todo app with due dates and priorities"
GOALS = {"review fastapi": 8.0, "review express": 6.0, "approve fastapi": 2.0, "approve express": 2.0, "up": 5.0}


class Api:
    """The calls that are measured."""

    def __init__(self, session: aiohttp.ClientSession, port: int, token: str) -> None:
        self._session = session
        self._base = f"http://127.0.0.1:{port}"
        self._port = port
        self._headers = {"Authorization": f"Bearer {token}"}

    async def generate(self, framework: str) -> tuple[float, dict[str, Any]]:
        began = time.perf_counter()
        answer = await self._post(
            "/api/ai/generate/app", {"description": DESCRIPTION, "framework": framework, "provider": "starter"}
        )
        return time.perf_counter() - began, answer

    async def approve(self, build: dict[str, Any]) -> float:
        began = time.perf_counter()
        deploying = asyncio.create_task(self._post("/api/ai/deploy/app", {"build_id": build["build_id"]}))
        host = {"Host": f"{build['app']}.localhost:{self._port}"}
        while True:
            async with self._session.get(f"{self._base}/healthz", headers=host) as response:
                if response.status == 200 and (await response.json()).get("database") is True:
                    break
            await asyncio.sleep(0.01)
        seconds = time.perf_counter() - began
        await deploying
        return seconds

    async def delete(self, build: dict[str, Any]) -> None:
        async with self._session.delete(f"{self._base}/api/v1/apps/{build['app']}", headers=self._headers) as response:
            response.raise_for_status()

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self._session.post(self._base + path, json=body, headers=self._headers) as response:
            answer: dict[str, Any] = await response.json(content_type=None)
            if response.status >= 400:
                raise SystemExit(json.dumps(answer, indent=2))
            return answer


async def by_hand(session: aiohttp.ClientSession, build: dict[str, Any], caches: Path, parts: Any) -> float:
    """Install warm, start, first 200 of the page; what a person would type."""
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in build["files"]:
            target = folder / file["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(file["content"])
        env = {**os.environ, "UV_CACHE_DIR": str(caches / "uv"), "PORT": str(port), "HOST": "127.0.0.1"}
        env |= {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
        began = time.perf_counter()
        if build["framework"] == "fastapi":
            uv = str(parts.uv.path)
            await run(folder, env, uv, "venv", "-q", "--python", str(parts.python.path), ".venv")
            await run(folder, env, uv, "pip", "install", "-q", "--python", ".venv/bin/python", "-r", "requirements.txt")
            start = [".venv/bin/python", "-m", "uvicorn", "app.main:app", "--port", str(port)]
        else:
            pnpm = [str(parts.node.path), str(parts.pnpm.path)]
            await run(folder, env, *pnpm, "install", "--ignore-scripts", "--prefer-offline", "--store-dir", str(caches / "pnpm"))
            start = [str(parts.node.path), "server.js"]
        process = await asyncio.create_subprocess_exec(
            *start, cwd=folder, env=env, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"http://127.0.0.1:{port}/") as response:
                        if response.status == 200:
                            return time.perf_counter() - began
                await asyncio.sleep(0.01)
        finally:
            process.kill()
            await process.wait()


async def run(folder: Path, env: dict[str, str], *argv: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=folder, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(output.decode(errors="replace"))


async def repeated(times: int, measure: Callable[[], Awaitable[float]]) -> list[float]:
    return [await measure() for _ in range(times)]


async def main(times: int) -> None:
    figures: dict[str, list[float]] = {}
    place = Path(tempfile.mkdtemp(prefix="nexus-bench-"))
    place.chmod(0o755)
    try:
        data, port = place / "data", free_port()
        async with nexus(data, port):
            pass  # the first start installs parts
        folder = DataFolder.open(data)
        parts = await find_parts(folder)
        token = Tokens(folder.secret("tokens")).issue("bench")
        caches = place / "hand"
        timeout = aiohttp.ClientTimeout(total=300)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            async with nexus(data, port):
                api = Api(session, port, token)
                for framework in ("fastapi", "express"):
                    for warming in (True, *[False] * times):
                        review, build = await api.generate(framework)
                        approve = await api.approve(build)
                        hand = await by_hand(session, build, caches, parts)
                        await api.delete(build)
                        if not warming:
                            for name, seconds in (("review", review), ("approve", approve), ("by hand", hand)):
                                figures.setdefault(f"{name} {framework}", []).append(seconds)
            memory = 0.0
            for _ in range(times):
                async with nexus(data, port) as (seconds, process):
                    figures.setdefault("up", []).append(seconds)
                    memory = max(memory, process.memory_info().rss / 1e6)
        show(figures, memory)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def show(figures: dict[str, list[float]], memory: float) -> None:
    console = Console()
    table = Table("what", "median", "fastest", "slowest", "goal", "against by hand", title="The loop, seconds")
    for name, seconds in figures.items():
        goal = GOALS.get(name)
        what, _, framework = name.partition(" ")
        hand = figures.get(f"by hand {framework}") if what in {"review", "approve"} else None
        ratio = f"{statistics.median(seconds) / statistics.median(hand):.2f} ×" if hand else ""
        table.add_row(
            name,
            f"{statistics.median(seconds):.2f}",
            f"{min(seconds):.2f}",
            f"{max(seconds):.2f}",
            f"≤ {goal:.0f}" if goal else "",
            ratio,
        )
    console.print(table)
    console.print(f"Resident size of Nexus's own process, idle: {memory:.0f} MB (goal: below 200)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure the loop.")
    parser.add_argument("--times", type=int, default=5)
    asyncio.run(main(parser.parse_args().times))
