"""What can go wrong between Nexus and a model vendor, and what a person is told about it.

Made by the vendor modules out of their SDK's errors; `adapters.models.streaming` decides whether to ask again. Nothing here repeats what a
vendor said about a key, and what is repeated is short and without the key itself.
"""

from __future__ import annotations

import datetime
import email.utils
import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from core.generation.model import Usage

MAX_DETAIL = 200


class Cause(enum.Enum):
    """Why a call failed: the sentence, and whether the same call may succeed in a moment."""

    WRONG_KEY = ("{vendor} does not accept the API key; correct {key} and try again.", False)
    NO_ACCESS = (
        "The {vendor} key may not use the model {model}; choose another model, or allow it in the {vendor} account.",
        False,
    )
    UNKNOWN_MODEL = ("{vendor} knows no model named {model}; choose another one in the settings.", False)
    NO_CREDIT = ("The {vendor} account has no credit left; add credit there, or use another key.", False)
    RATE_LIMITED = ("{vendor} accepts no more requests from this key for now; try again in a few minutes.", True)
    OVERLOADED = ("{vendor} is overloaded; try again in a few minutes, or choose another provider.", True)
    SERVER_ERROR = ("{vendor} had an error of its own; try again in a few minutes.", True)
    UNREACHABLE = ("{vendor} cannot be reached; check this machine's network and the base URL in the settings.", True)
    TIMED_OUT = ("{vendor} did not answer in time; try again, or ask for less at once.", True)
    TOO_LARGE = ("The request is larger than {vendor} accepts; shorten the description, or ask for less at once.", False)
    NOT_ACCEPTED = ("{vendor} did not accept the request; try again, or choose another model.", False)
    UNREADABLE = ("What {vendor} answered could not be read; check the base URL in the settings, or try again.", True)

    def __init__(self, sentence: str, passing: bool) -> None:
        self.sentence = sentence
        self.passing = passing


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One failed call."""

    cause: Cause
    detail: str = ""  #: what the vendor said, for the log and for NOT_ACCEPTED
    retry_after: float | None = None  #: seconds that the vendor asks to wait
    request_id: str | None = None
    usage: Usage = field(default_factory=lambda: Usage(calls=1))

    def sentence(self, *, vendor: str, model: str, key: str) -> str:
        """For the person; ``key`` is the name of the key's setting."""
        told = self.cause.sentence.format(vendor=vendor, model=model, key=key)
        if self.cause is Cause.NOT_ACCEPTED and self.detail:
            told += f' It said: "{self.detail}"'
        return told


def fault(
    *,
    status: int | None,
    codes: Collection[str | None],
    said: str,
    secret: str,
    headers: Mapping[str, str] | None = None,
    request_id: str | None = None,
    usage: Usage | None = None,
) -> Fault:
    """The fault behind a vendor's error. What was said about a key is dropped: vendors quote parts of it."""
    cause = classify(status, codes, said)
    return Fault(
        cause=cause,
        detail="" if cause is Cause.WRONG_KEY else detail(said, secret),
        retry_after=retry_after(headers or {}),
        request_id=request_id,
        usage=usage or Usage(calls=1),
    )


def classify(status: int | None, codes: Collection[str | None], message: str = "") -> Cause:
    """The cause behind an HTTP status and the error codes and types that came with it. The codes win: an error that comes inside a
    stream has status 200."""
    named = {code for code in codes if code}
    for code in named:
        if code in _BY_CODE:
            return _BY_CODE[code]
    if "credit balance" in message.lower():
        return Cause.NO_CREDIT
    if status is None or status < 400:
        return Cause.SERVER_ERROR
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return Cause.SERVER_ERROR if status >= 500 else Cause.NOT_ACCEPTED


_BY_CODE: Mapping[str, Cause] = {
    "insufficient_quota": Cause.NO_CREDIT,
    "billing_not_active": Cause.NO_CREDIT,
    "billing_error": Cause.NO_CREDIT,
    "invalid_api_key": Cause.WRONG_KEY,
    "authentication_error": Cause.WRONG_KEY,
    "permission_error": Cause.NO_ACCESS,
    "model_not_found": Cause.UNKNOWN_MODEL,
    "rate_limit_exceeded": Cause.RATE_LIMITED,
    "rate_limit_error": Cause.RATE_LIMITED,
    "overloaded_error": Cause.OVERLOADED,
    "server_is_overloaded": Cause.OVERLOADED,
    "slow_down": Cause.OVERLOADED,
    "timeout_error": Cause.TIMED_OUT,
    "api_error": Cause.SERVER_ERROR,
    "server_error": Cause.SERVER_ERROR,
    "request_too_large": Cause.TOO_LARGE,
    "context_length_exceeded": Cause.TOO_LARGE,
}
_BY_STATUS: Mapping[int, Cause] = {
    401: Cause.WRONG_KEY,
    402: Cause.NO_CREDIT,
    403: Cause.NO_ACCESS,
    404: Cause.UNKNOWN_MODEL,
    408: Cause.TIMED_OUT,
    409: Cause.SERVER_ERROR,
    413: Cause.TOO_LARGE,
    429: Cause.RATE_LIMITED,
    503: Cause.OVERLOADED,
    504: Cause.TIMED_OUT,
    529: Cause.OVERLOADED,
}


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a vendor asks to wait: ``retry-after-ms``, or ``retry-after`` in seconds or as a date."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        value = headers.get("retry-after")
        if value is None:
            return None
        try:
            return max(0.0, float(value))
        except ValueError:
            until = email.utils.parsedate_to_datetime(value)
            return max(0.0, (until - datetime.datetime.now(datetime.UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def detail(text: str, secret: str) -> str:
    """A vendor's words, short, on one line, and without the key."""
    clean = " ".join((text.replace(secret, "…") if secret else text).split())
    return clean if len(clean) <= MAX_DETAIL else clean[: MAX_DETAIL - 1] + "…"
