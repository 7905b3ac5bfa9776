"""How the cards say numbers, times and names: short, with units, the same in every card and in every process's locale."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

BUILD_STAGES: Mapping[str, str] = {
    "plan": "Plan",
    "write": "Write the files",
    "check": "Check the source",
    "install": "Install dependencies",
    "build": "Build",
    "try": "Try it out",
}
STAGES: Mapping[str, str] = {**BUILD_STAGES, "prepare": "Preparation", "verify": "Checks"}  #: where a build can fail
DEPLOY_STEPS: Mapping[str, str] = {
    "pause": "Pause the app",
    "snapshot": "Snapshot the data",
    "prepare": "Preparation",
    "database": "Database",
    "restore": "Restore the data",
    "migrate": "Migrations",
    "start": "Start",
    "health": "Health check",
    "route": "Route",
    "probe": "Ask through the proxy",
    "drain": "Stop the old release",
}
WALLS: Mapping[str, str] = {
    "namespaces": "namespaces of its own",
    "user": "a user of its own, without namespaces",
    "process": "limits only, without walls",
}


def count(number: int, noun: str, plural: str = "") -> str:
    """ "1 file", "4 files"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(octets: int) -> str:
    """ "412 B", "4.1 kB", "412 kB"."""
    if octets < 1000:
        return f"{octets} B"
    amount = octets / 1000
    for unit in ("kB", "MB", "GB"):
        if amount < 999.5 or unit == "GB":
            return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:.0f} {unit}"
        amount /= 1000
    raise AssertionError("unreachable")


def dollars(amount: float) -> str:
    """ "$0.12"; what rounds to nothing is "under $0.01"."""
    return f"${amount:,.2f}" if amount >= 0.005 or amount == 0 else "under $0.01"


def tokens(read: int, written: int, cached: int, cost_usd: float | None) -> str:
    """ "12,345 (9,000 of them cached), about $0.12"."""
    told = f"{read + written:,}" + (f" ({cached:,} of them cached)" if cached else "")
    if cost_usd is None:
        return told
    cost = dollars(cost_usd)
    return f"{told}, {cost}" if cost.startswith("under") else f"{told}, about {cost}"


def duration(seconds: float) -> str:
    """ "0.8 s", "12 s", "2 min 5 s"."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"


def moment(at: datetime) -> str:
    """ "12 Nov 2026, 14:05 UTC"."""
    utc = at.astimezone(UTC)
    return f"{utc.day} {_MONTHS[utc.month - 1]} {utc.year}, {utc:%H:%M} UTC"


def sentence(text: str) -> str:
    """It ends like a sentence."""
    text = text.strip()
    return text if not text or text[-1] in ".!?…:" else text + "."


def first_sentence(text: str) -> tuple[str, str]:
    """The first sentence, and the rest."""
    text = " ".join(text.split())
    match = re.search(r"(?<=[.!?])\s+(?=[^\s])", text)
    return (text[: match.start()], text[match.end() :]) if match else (text, "")


def listed(names: Sequence[str], limit: int = 12) -> str:
    """ "a, b, c and 4 more"."""
    if len(names) <= limit:
        return ", ".join(names)
    return ", ".join(names[:limit]) + f" and {len(names) - limit} more"
