"""Trying an app's pages: do they answer with HTML, and do they open in a browser without errors?

Called by the try-out. The pages are ``/`` and those of the plan's pages that have a fixed address. Errors of a page go back to
whoever writes the app, so they name the app's own files where they can be told.

It refuses to take a browser's failure for the app's: a page that was not opened is reported as skipped, with the reason.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from urllib.parse import urlsplit

from core.errors import NotHealthy
from core.verification.browser import NotSeen, Seen, Sight
from core.verification.prober import ProbeAnswer
from core.words.cards import Step, StepState
from core.words.plan import Plan

_MOST = 4  #: pages that are opened
_FIXED = re.compile(r"/[A-Za-z0-9/_.~-]*")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NAMED = re.compile(r"(?<![\w.:/])/([\w./-]+\.\w{1,5})(?=[:?\s)]|$)")

Get = Callable[[str], Awaitable[ProbeAnswer]]


def paths_of(plan: Plan | None) -> Sequence[str]:
    """The addresses of the pages that can be opened as they stand: no parameter in them, and not of the API."""
    paths = ["/"]
    for page in plan.pages if plan is not None else ():
        path = page.split()[0].removesuffix(":") if page.split() else ""
        if _FIXED.fullmatch(path) and not path.startswith(("/api/", "//")) and path not in ("/api", "/healthz"):
            paths.append(path)
    return list(dict.fromkeys(paths))[:_MOST]


async def answer_with_html(path: str, get: Get) -> None:
    """Ask for a page, and follow it where it leads within the app.

    Raises:
        NotHealthy: it is none.
    """
    for _ in range(3):
        answer = await get(path)
        target = answer.headers.get("location", "")
        if answer.status not in _REDIRECTS or not target.startswith("/") or target.startswith("//"):
            break
        path = target
    if answer.status != 200:
        raise NotHealthy(f"GET {path} answered {answer.status} instead of 200.")
    if not answer.headers.get("content-type", "").startswith("text/html"):
        raise NotHealthy(f"GET {path} did not answer with an HTML page.")


async def try_html(paths: Sequence[str], get: Get, evidence: list[Step]) -> list[Step]:
    """Ask for all of them; returns their lines, to be put into ``evidence`` when it is known how they open.

    Raises:
        NotHealthy: one is none; its line is in ``evidence``.
    """
    made = []
    for path in paths:
        started = time.monotonic()
        try:
            await answer_with_html(path, get)
        except NotHealthy as error:
            evidence.append(Step(name=_name(path), state=StepState.FAILED, detail=error.message, seconds=_since(started)))
            raise
        made.append(Step(name=_name(path), state=StepState.DONE, detail="answers with HTML", seconds=_since(started)))
    return made


def not_opened(why: str) -> Step:
    """The line for pages that no browser has opened."""
    return Step(name="browser", state=StepState.SKIPPED, detail=why)


def how_they_opened(seen: Seen | NotSeen, made: Sequence[Step], evidence: list[Step], files: Iterable[str]) -> list[Step]:
    """What a browser has seen, page by page, in place of the lines that were ``made`` before it. ``files`` are the app's.

    Raises:
        NotHealthy: a page does not open as it should; its line is in ``evidence``.
    """
    if isinstance(seen, NotSeen):
        return [*made, not_opened(seen.why)]
    if not seen.sights:
        return [*made, not_opened("the browser told nothing")]
    steps = []
    for sight in seen.sights:
        seconds = round(sight.seconds, 3)
        if not sight.good:
            evidence.append(Step(name=_name(sight.path), state=StepState.FAILED, detail=_what(sight), seconds=seconds))
            raise NotHealthy(f"The page {sight.path} {_what(sight)}.", log_tail=_log(sight, files))
        steps.append(Step(name=_name(sight.path), state=StepState.DONE, detail=_well(sight), seconds=seconds))
    return steps


def _name(path: str) -> str:
    return "page" if path == "/" else path


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)


def _well(sight: Sight) -> str:
    detail = f"opens without errors, {_count(sight.requests, 'request')}"
    if not sight.fits_phone:
        detail += "; wider than a phone"
    if hosts := _hosts(sight):
        detail += f"; not tried: {', '.join(hosts)}"
    return detail


def _what(sight: Sight) -> str:
    if sight.trouble:
        return sight.trouble
    if sight.error_count:
        first = sight.errors[0].rstrip(". ") if sight.errors else "an error"
        return f"opens with {_count(sight.error_count, 'error')}: {first[:200]}"
    return "is empty"


def _log(sight: Sight, files: Iterable[str]) -> str:
    known = list(files)
    lines = [_with_files(error, known) for error in sight.errors]
    if hosts := _hosts(sight):
        lines.append(f"Not part of the app, and not reached here: {', '.join(hosts)}. Whatever a page needs, the app must serve.")
    return "\n".join([f"The page {sight.path} {_what(sight)}", *lines] if lines else [])


def _with_files(text: str, files: Sequence[str]) -> str:
    """Addresses of the app's own files as their paths: "/app.js:3" as "static/app.js:3", where that can be but one."""

    def path(match: re.Match[str]) -> str:
        candidates = [file for file in files if file == match[1] or file.endswith("/" + match[1])]
        return candidates[0] if len(candidates) == 1 else match[0]

    return _NAMED.sub(path, text)


def _hosts(sight: Sight) -> Sequence[str]:
    hosts = (urlsplit(url).hostname or "" for url in sight.elsewhere)
    return [host[:80] for host in dict.fromkeys(hosts) if host][:3]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
