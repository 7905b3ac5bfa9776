"""`nexus doctor`: what is found, what is missing, and the remedy for each.

Called by the CLI, which gives it the sandbox's probe, the configured model providers and what asks the chat platforms; `bot.doctor`
constructs no adapter. It looks and tries; it installs nothing and changes nothing but an unused data folder, which it makes to see that
it can.
"""

from __future__ import annotations

import asyncio
import enum
import platform
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.platform import parts
from bot.platform.data_folder import ROOM_BYTES, DataFolder
from bot.providers import Provider
from core.errors import MissingPart, NexusError
from core.words.walls import Isolation


class Outcome(enum.StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"  #: Nexus works, with less
    FAIL = "fail"  #: Nexus does not work like this


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report."""

    name: str
    outcome: Outcome
    found: str
    remedy: str = ""  #: what to do; empty when all is well


async def examine(
    *,
    data: Path | None,
    port: int,
    isolation: Callable[[], Awaitable[tuple[Isolation, str]]] | None = None,
    providers: Sequence[Provider] | None = None,
    browser: str = "",
    chats: Callable[[], Awaitable[list[Finding]]] | None = None,
) -> list[Finding]:
    """Look at this machine.

    ``browser`` is the setting ``NEXUS_BROWSER``; ``isolation`` tries the sandboxes and returns the strongest that works and why not a
    stronger one; ``providers`` are the model providers that are configured: nobody is asked whether their keys are good; ``chats`` asks
    the chat platforms that are configured.
    """
    findings = [_python()]
    folder, found = await asyncio.to_thread(_data_folder, data)
    findings += found
    findings += await asyncio.to_thread(_parts, folder)
    findings.append(_browser(browser))
    findings.append(await _sandbox(isolation))
    findings.append(_port(port, folder))
    findings += _models(providers) if providers is not None else []
    findings += await chats() if chats is not None else []
    return findings


def print_findings(findings: Sequence[Finding], console: Console | None = None) -> bool:
    """Show them as a table; returns whether nothing failed."""
    console = console or Console()
    marks = {Outcome.OK: "[green]✓[/]", Outcome.WARN: "[yellow]![/]", Outcome.FAIL: "[red]✗[/]"}
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(width=1)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for finding in findings:
        text = _plain(finding.found) + (f"\n[dim]→ {_plain(finding.remedy)}[/]" if finding.remedy else "")
        table.add_row(marks[finding.outcome], finding.name, text)
    console.print(table)
    bad = sum(finding.outcome is Outcome.FAIL for finding in findings)
    less = sum(finding.outcome is Outcome.WARN for finding in findings)
    if bad:
        console.print(f"\n[red]{bad} of {len(findings)} must be put right before Nexus can run.[/]")
    else:
        console.print("\nNexus can run." + (f" {less} could be better." if less else ""))
    return not bad


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def _python() -> Finding:
    return Finding(name="python", outcome=Outcome.OK, found=f"{platform.python_version()} at {sys.executable}")


def _data_folder(path: Path | None) -> tuple[DataFolder | None, list[Finding]]:
    try:
        folder = DataFolder.open(path)
    except NexusError as error:
        return None, [Finding(name="data folder", outcome=Outcome.FAIL, found="cannot be used", remedy=error.message)]
    where = str(folder.wanted) + ("" if folder.root == folder.wanted else f", its contents at {folder.root}")
    findings = [Finding(name="data folder", outcome=Outcome.OK, found=where)]
    try:
        folder.check_room()
        findings.append(Finding(name="free disk", outcome=Outcome.OK, found=f"at least {ROOM_BYTES // 2**20} MB"))
    except NexusError as error:
        findings.append(Finding(name="free disk", outcome=Outcome.FAIL, found="too little", remedy=error.message))
    return folder, findings


def _parts(folder: DataFolder | None) -> list[Finding]:
    findings = []
    node = None
    for name, find in (
        ("postgres", parts.postgres),
        ("caddy", parts.caddy),
        ("node", parts.node),
        ("uv", parts.uv),
    ):
        try:
            program = find()
        except MissingPart as error:
            findings.append(Finding(name=name, outcome=Outcome.FAIL, found="missing", remedy=error.message))
            continue
        node = program if name == "node" else node
        findings.append(Finding(name=name, outcome=Outcome.OK, found=f"{program.version} at {program.path}"))
    findings.append(_pnpm(folder, node))
    return findings


def _browser(named: str) -> Finding:
    browser = parts.chromium(named)
    if browser:
        return Finding(name="browser", outcome=Outcome.OK, found=str(browser.path))
    without = "apps are tried without opening their pages, and their cards have no picture"
    return Finding(
        name="browser",
        outcome=Outcome.WARN,
        found=f"none; {without}" if not named else f"NEXUS_BROWSER is {named!r}, which is not there; {without}",
        remedy="Install Chromium (for example: apt install chromium), or set NEXUS_BROWSER to one.",
    )


def _pnpm(folder: DataFolder | None, node: parts.Program | None) -> Finding:
    installed = parts.installed_pnpm(folder) if folder else None
    if installed:
        return Finding(name="pnpm", outcome=Outcome.OK, found=f"{installed.version} at {installed.path}")
    try:
        if node is not None:
            parts.npm(node)
    except MissingPart as error:
        return Finding(name="pnpm", outcome=Outcome.FAIL, found="cannot be installed", remedy=error.message)
    return Finding(name="pnpm", outcome=Outcome.OK, found=f"{parts.PNPM} is installed from the npm registry at the first start")


async def _sandbox(isolation: Callable[[], Awaitable[tuple[Isolation, str]]] | None) -> Finding:
    if isolation is None:
        return Finding(name="sandbox", outcome=Outcome.WARN, found="not tried")
    try:
        walls, note = await isolation()
    except NexusError as error:
        return Finding(name="sandbox", outcome=Outcome.FAIL, found="none works", remedy=error.message)
    said = {
        Isolation.NAMESPACES: "namespaces (bubblewrap): the strongest",
        Isolation.USER: "the weaker one: a separate user, limits, a scrubbed environment",
        Isolation.PROCESS: "the weakest one: limits and a scrubbed environment; only code that Nexus wrote may run",
    }[walls]
    if walls is Isolation.NAMESPACES:
        return Finding(name="sandbox", outcome=Outcome.OK, found=said)
    return Finding(
        name="sandbox",
        outcome=Outcome.WARN,
        found=f"{said}. {note}".strip(),
        remedy="Let users make namespaces (sysctl kernel.unprivileged_userns_clone=1; on Ubuntu "
        "kernel.apparmor_restrict_unprivileged_userns=0), or run Nexus outside of the container.",
    )


def _port(port: int, folder: DataFolder | None) -> Finding:
    running = folder.running() if folder else None
    if running and running.url:
        return Finding(name="port", outcome=Outcome.OK, found=f"Nexus runs at {running.url} (process {running.pid})")
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        return Finding(
            name="port",
            outcome=Outcome.FAIL,
            found=f"{port}: {(error.strerror or 'not usable').lower()}",
            remedy=f"Stop the program that uses it (`ss -ltnp 'sport = :{port}'` shows which), or choose another with --port.",
        )
    return Finding(name="port", outcome=Outcome.OK, found=f"{port} is free")


def _models(providers: Sequence[Provider]) -> list[Finding]:
    if not providers:
        return [
            Finding(
                name="models",
                outcome=Outcome.WARN,
                found="no provider is configured: the starter writes every app, by rule and without a model",
                remedy="Set OPENAI_API_KEY or ANTHROPIC_API_KEY, or COMPATIBLE_BASE_URL for a server of your own "
                "(Ollama, vLLM, llama.cpp).",
            )
        ]
    findings = []
    for one in providers:
        model = f"the model {one.model}" if one.model else "the first model that it names"
        keyless = "" if one.key is not None else ", without a key"
        findings.append(Finding(name=one.name, outcome=Outcome.OK, found=f"{model} at {one.host}{keyless}"))
    return findings
