"""The evaluation: `python -m bench.generation [--provider starter] [--framework all] [--only NAME] [--markdown]`.

Starts a Nexus of its own in a temporary folder, with the keys and addresses of this environment, sends it the requests of
`bench.generation.cases` one after the other, and scores each by its verification (installed, built, tried) and by its checks. Shows, per
request, the seconds of writing (the model's) beside those of install, build and try-out (the engine's), tokens and cost. Ends with status 1
when a request failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from adapters.api.tokens import Tokens
from bench.generation.cases import CASES, Case, Made
from bench.house import free_port, nexus
from bot.platform.data_folder import DataFolder
from core.words.plan import FRAMEWORK_LABELS, FRAMEWORK_NAMES, Plan

_ENGINE_STEPS = ("install", "build", "try")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What came of one request."""

    case: Case
    verified: bool
    missed: Sequence[str]  #: the checks that do not hold
    reason: str  #: why there is no app
    seconds: float  #: from the request to its end
    engine_seconds: float  #: of these, in install, build and try-out
    rounds: int  #: repairs
    tokens: int
    cost_usd: float | None

    @property
    def passed(self) -> bool:
        return self.verified and not self.missed


async def tried(session: aiohttp.ClientSession, base: str, token: str, case: Case, provider: str) -> Score:
    """One request, followed to its end."""
    body = {
        "description": case.description,
        "framework": case.framework,
        "features": list(case.features),
        "styling": case.styling,
        "provider": provider,
    }
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    facts: dict[str, dict[str, Any]] = {}
    engine, rounds, name = 0.0, 0, ""
    began = time.perf_counter()
    async with session.post(f"{base}/api/ai/generate/app", json=body, headers=headers) as response:
        if response.status != 200:
            raise SystemExit(await response.text())
        async for raw in response.content:
            line = raw.decode().rstrip("\n")
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data = json.loads(line.removeprefix("data: "))
                fact = data.get("fact", data)
                facts[name] = fact
                step = fact.get("step") or {}
                if name == "build.step" and step.get("name") in _ENGINE_STEPS and step.get("state") in {"done", "failed"}:
                    engine += step.get("seconds") or 0.0
                    rounds += step.get("state") == "failed"
    seconds = time.perf_counter() - began
    ready, failed = facts.get("build.ready"), facts.get("build.failed")
    told = ready or failed or {}
    missed: list[str] = []
    if ready is not None:
        made = Made(Plan.model_validate(ready["plan"]), [file["path"] for file in ready["files"]])
        missed = [check.says for check in case.checks if not check.holds(made)]
    problem = facts.get("problem", {})
    return Score(
        case=case,
        verified=ready is not None,
        missed=missed,
        reason="" if ready is not None else str(told.get("reason") or problem.get("detail") or "it ended without a result"),
        seconds=seconds,
        engine_seconds=engine,
        rounds=rounds,
        tokens=told.get("input_tokens", 0) + told.get("output_tokens", 0),
        cost_usd=told.get("cost_usd"),
    )


async def evaluated(cases: Sequence[Case], provider: str) -> list[Score]:
    """All of them, on a Nexus of its own that is warm: one app of each framework was built before."""
    place = Path(tempfile.mkdtemp(prefix="nexus-bench-"))
    place.chmod(0o755)
    scores: list[Score] = []
    try:
        data, port = place / "data", free_port()
        timeout = aiohttp.ClientTimeout(total=1800)
        async with nexus(data, port), aiohttp.ClientSession(timeout=timeout, read_bufsize=2**22) as session:
            token = Tokens(DataFolder.open(data).secret("tokens")).issue("bench")
            base = f"http://127.0.0.1:{port}"
            with Progress(console=Console(stderr=True), transient=True) as progress:
                frameworks = sorted({case.framework for case in cases})
                task = progress.add_task("warming up", total=len(frameworks) + len(cases))
                for framework in frameworks:
                    warm = Case(name="warm", framework=framework, description="todo", checks=[])
                    await tried(session, base, token, warm, "starter")
                    progress.advance(task)
                for case in cases:
                    progress.update(task, description=f"{case.framework}: {case.name}")
                    scores.append(await tried(session, base, token, case, provider))
                    progress.advance(task)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return scores


def show(scores: Sequence[Score]) -> None:
    """Every request, in the terminal."""
    console = Console()
    table = Table(
        "framework", "request", "app", "checks", "writing s", "engine s", "repairs", "tokens", "cost", title="Generation"
    )
    for score in scores:
        checks = len(score.case.checks)
        table.add_row(
            score.case.framework,
            score.case.name,
            "[green]works[/]" if score.verified else "[red]no[/]",
            f"{checks - len(score.missed)} of {checks}" if score.verified else "–",
            f"{max(score.seconds - score.engine_seconds, 0):.1f}",
            f"{score.engine_seconds:.1f}",
            str(score.rounds) if score.rounds else "",
            f"{score.tokens:,}" if score.tokens else "",
            f"${score.cost_usd:.2f}" if score.cost_usd else "",
        )
    console.print(table)
    for score in scores:
        if not score.passed:
            console.print(f"{score.case.framework} {score.case.name}: {score.reason or '; '.join(score.missed)}", markup=False)
    console.print(f"{sum(score.passed for score in scores)} of {len(scores)} passed.")


def markdown(scores: Sequence[Score]) -> str:
    """One line per framework, for the README."""
    lines = ["| framework | requests | working apps | as asked for | median, seconds |", "|---|---|---|---|---|"]
    for name in FRAMEWORK_NAMES:
        own = [score for score in scores if score.case.framework == name]
        if own:
            median = sorted(score.seconds for score in own)[len(own) // 2]
            works, passed = sum(score.verified for score in own), sum(score.passed for score in own)
            lines.append(f"| {FRAMEWORK_LABELS[name]} | {len(own)} | {works} | {passed} | {median:.1f} |")
    return "\n".join(lines)


def main() -> int:
    """Choose the requests, run them, tell."""
    parser = argparse.ArgumentParser(prog="python -m bench.generation", description="Score what a provider makes of 25 requests.")
    parser.add_argument("--provider", default="starter", help="starter, openai, anthropic, compatible or auto")
    parser.add_argument("--framework", help="only its requests; `all`: every request in every framework")
    parser.add_argument("--only", help="the request of this name")
    parser.add_argument("--markdown", action="store_true", help="also print the table of the README")
    chosen = parser.parse_args()
    cases = [case for case in CASES if chosen.only in {None, case.name}]
    if chosen.framework == "all":
        cases = [replace(case, framework=name) for name in FRAMEWORK_NAMES for case in cases]
    elif chosen.framework:
        cases = [case for case in cases if case.framework == chosen.framework]
    if not cases:
        parser.error("there is no such request; the names are: " + ", ".join(case.name for case in CASES))
    scores = asyncio.run(evaluated(cases, chosen.provider))
    show(scores)
    if chosen.markdown:
        print(markdown(scores))
    return 0 if all(score.passed for score in scores) else 1


if __name__ == "__main__":
    sys.exit(main())
