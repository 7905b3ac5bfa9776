"""What Discord answers when it refuses: a status, a code, a sentence, and for a body that is wrong the places in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

SENTENCES = {
    10002: (404, "Unknown Application"),
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    30032: (400, "Maximum number of application commands reached (100)"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    40067: (400, "A tag is required to create a forum post in this channel"),
    40094: (400, "This interaction has reached the maximum number of follow-up messages"),
    50001: (403, "Missing Access"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50008: (400, "Cannot send messages in a non-text channel"),
    50013: (403, "Missing Permissions"),
    50021: (403, "Cannot execute action on a system message"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    160004: (400, "A thread has already been created for this message"),
    160005: (403, "Thread is locked"),
}


class Refused(Exception):
    """Discord says no."""

    def __init__(self, code: int, *, status: int = 0, message: str = "", errors: dict[str, Any] | None = None) -> None:
        known = SENTENCES.get(code, (400, "General error"))
        self.status, self.code = status or known[0], code
        self.message, self.errors = message or known[1], errors
        super().__init__(f"{self.status} ({code}): {self.message} {errors or ''}")

    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = {"message": self.message, "code": self.code}
        return found if self.errors is None else {**found, "errors": self.errors}


def unauthorized() -> Refused:
    return Refused(0, status=401, message="401: Unauthorized")


def not_found() -> Refused:
    return Refused(0, status=404, message="404: Not Found")


def invalid(problems: Iterable[str]) -> Refused:
    """50035, with each problem (``/components/0/label: too long``) at its place."""
    errors: dict[str, Any] = {}
    for problem in problems:
        place, _, said = problem.partition(": ")
        at = errors
        for part in filter(None, place.split("/")):
            at = at.setdefault(part, {})
        at.setdefault("_errors", []).append({"code": "INVALID", "message": said or problem})
    return Refused(50035, errors=errors)
