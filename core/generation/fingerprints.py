"""Fingerprints: whether two failures are the same, although a log is never the same twice.

Pure. Asked by the build work, which ends repairs when the same failure comes again, and by the pipeline, which gives a model
the log without what changes from run to run: it says nothing, and hides that a round changed nothing.
"""

from __future__ import annotations

import re

_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x9b[0-?]*[ -/]*[@-~]")
_ALWAYS = tuple(
    (re.compile(pattern), shown)
    for pattern, shown in (
        (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?\b", "<time>"),
        (r"\b(?:\d{1,2}/)?(?:\d{1,2}|[A-Z][a-z]{2})/\d{4}[: ]\d\d:\d\d:\d\d(?: [+-]\d{4})?", "<time>"),
        (r"(?<![\w:.])\d\d:\d\d:\d\d(?:[.,]\d+)?\b", "<time>"),
        (r"\b\d+(?:\.\d+)?\s?(?:ms|µs|us|ns|s|sec|secs|seconds?|minutes?)\b", "<duration>"),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<id>"),
        (r"\b0x[0-9a-fA-F]+\b", "<address>"),
        (r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12,}\b", "<id>"),
        (r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?\b", "<host>"),
        (r"\b(?P<host>localhost):\d{2,5}\b", "<host>"),
        (r"\[?::1\]?:\d{2,5}\b", "<host>"),
        (r"\b(?P<word>[Pp]ort|PORT)(?P<is>\s*[=:]?\s*)\d{2,5}\b", r"\g<word>\g<is><port>"),
        (r"\b(?P<word>[Pp]id|PID|[Pp]rocess)(?P<is>\s*[=:]?\s*\[?)\d+", r"\g<word>\g<is><pid>"),
        (r"(?:file://)?(?<![\w.<])/app/", ""),
        (r"(?<![\w.<:/])/(?:tmp|var|private|home|root|Users|run|opt|srv|mnt|data)/(?:[\w.@+-]+/)*", "<path>/"),
    )
)
_PLACES = tuple(
    (re.compile(pattern), shown)
    for pattern, shown in (
        (r"(?<=[\w>)]):\d+(?::\d+)?\b", ""),
        (r"\bline \d+(?:, column \d+)?", "line"),
        (r"\(\d+[,:]\d+\)", ""),
        (r"^\s*\d+ \|.*$", ""),
    )
)
_ERROR = re.compile(
    r"^\W*(?:\w+\.)*\w*(?:Error|Exception|Warning as error)\b(?:\s*\[\w+\])?:|"
    r"\berror(?:\s+TS\d+|\[\w+\])?:|\bERR_[A-Z_]+|\bFATAL\b|\bnpm ERR!|"
    r"Cannot find|No module named|Unexpected token|does not provide an export|is not defined|syntax error|failed to",
    re.IGNORECASE,
)
_LATER = re.compile(r"^\s*at\s|^\s*File \"|^\s*\^+\s*$")


def normalised(log: str) -> str:
    """``log`` without what changes from run to run: escape sequences, times, durations, ports, addresses, ids, host paths.
    Paths of the app and line numbers stay: a model needs them."""
    text = _ANSI.sub("", log)
    for pattern, shown in _ALWAYS:
        text = pattern.sub(shown, text)
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")


def first_error(log: str) -> str:
    """The first line of a normalised log that says what is wrong; the last line when none plainly does."""
    lines = [line.strip() for line in log.split("\n") if line.strip() and not _LATER.match(line)]
    return next((line for line in lines if _ERROR.search(line)), lines[-1] if lines else "")


def fingerprint(stage: str, check: str, log: str) -> str:
    """The same for the same failure: of its stage, the check and its first error, wherever in a file that stands now."""
    text = f"{stage}\n{normalised(check)}\n{first_error(normalised(log))}"
    for pattern, shown in _PLACES:
        text = pattern.sub(shown, text)
    return " ".join(text.split())
