"""What can go wrong between Nexus and a model vendor, and what a person is told about it.

Made by the vendor modules out of their SDK's errors; `adapters.models.streaming` decides whether to ask again. Nothing here repeats what a
vendor said about a key, and what is repeated is short and without the key itself.
"""

from __future__ import annotations

import datetime
import email.utils
import enum
import socket
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import httpx2

MAX_DETAIL = 200


class Cause(enum.Enum):
    """Why a call failed: what is wrong, what to do about it, whether the same call may succeed in a moment, and whether another provider
    may succeed where this one did not. A configuration that is wrong is put right, not gone around."""

    WRONG_KEY = ("{vendor} does not accept the API key", "correct {key} and start Nexus again", False, False)
    NO_ACCESS = (
        "The {vendor} key may not use the model {model}",
        "choose another model, or allow it in the {vendor} account",
        False,
        False,
    )
    UNKNOWN_MODEL = ("{vendor} knows no model named {model}", "choose another one in the settings", False, False)
    NO_CREDIT = ("The {vendor} account has no credit left", "add credit there, or use another key", False, True)
    RATE_LIMITED = ("{vendor} accepts no more requests from this key for now", "try again in {wait}", True, True)
    OVERLOADED = ("{vendor} is overloaded", "try again in {wait}, or choose another provider", True, True)
    SERVER_ERROR = ("{vendor} had an error of its own", "try again in {wait}", True, True)
    UNREACHABLE = ("{vendor} cannot be reached", "check this machine's network and the base URL in the settings", True, True)
    NAME_UNKNOWN = (
        "The address of {vendor} is not known to this machine's DNS",
        "check its network and the base URL in the settings",
        True,
        True,
    )
    NOT_SECURE = (
        "The connection to {vendor} is not secure, so nothing was sent",
        "check the base URL in the settings, this machine's clock, and whether a proxy with a certificate of its own stands between",
        False,
        True,
    )
    TIMED_OUT = ("{vendor} did not answer in time", "try again, or ask for less at once", True, True)
    TOO_LARGE = (
        "The request is larger than {vendor} accepts",
        "shorten the description, ask for less at once, or choose a model with a larger context window",
        False,
        False,
    )
    NOT_ACCEPTED = ("{vendor} did not accept the request", "try again, or choose another model", False, False)
    NOT_THE_API = (
        "What answers at the address of {vendor} is not its API",
        "check the base URL in the settings, and any proxy between",
        False,
        False,
    )
    UNREADABLE = ("What {vendor} answered could not be read", "check the base URL in the settings, or try again", True, True)

    def __init__(self, what: str, remedy: str, passing: bool, elsewhere: bool) -> None:
        self.what = what
        self.remedy = remedy
        self.passing = passing
        self.elsewhere = elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One failed call."""

    cause: Cause
    detail: str = ""  #: what the vendor said, for the log and for causes that need it
    retry_after: float | None = None  #: seconds that the vendor asks to wait

    def sentence(self, *, vendor: str, model: str, key: str, hint: str = "") -> str:
        """For the person; ``key`` is the name of the key's setting, ``hint`` what else may help where no API answers."""
        remedy = self.cause.remedy.format(vendor=vendor, model=model, key=key, wait=_in_words(self.retry_after))
        told = f"{self.what(vendor=vendor, model=model)}; {remedy}."
        if self.cause in {Cause.NOT_ACCEPTED, Cause.TOO_LARGE, Cause.NOT_THE_API} and self.detail:
            told += f' It said: "{self.detail}"'
        if self.cause is Cause.NOT_THE_API and hint:
            told += f" {hint}"
        return told

    def what(self, *, vendor: str, model: str) -> str:
        """What is wrong, as half a sentence."""
        return self.cause.what.format(vendor=vendor, model=model)


def fault(
    *,
    status: int | None,
    codes: Collection[str | None],
    said: str,
    secret: str,
    headers: Mapping[str, str] | None = None,
    shaped: bool = True,
) -> Fault:
    """The fault behind a vendor's error. What was said about a key is dropped: vendors quote parts of it. ``shaped`` is whether the body
    had the form of the vendor's errors: a proxy's page has not, and says nothing about keys and models."""
    cause = classify(status, codes, said, shaped=shaped)
    return Fault(
        cause=cause,
        detail="" if cause is Cause.WRONG_KEY else detail(said if shaped else f"HTTP {status}", secret),
        retry_after=retry_after(headers or {}),
    )


def classify(status: int | None, codes: Collection[str | None], message: str = "", *, shaped: bool = True) -> Cause:
    """The cause behind an HTTP status and the error codes and types that came with it. The codes win: an error that comes inside a
    stream has status 200."""
    named = {code for code in codes if code}
    for code in named:
        if code in _BY_CODE:
            return _BY_CODE[code]
    lower = message.lower()
    if "credit balance" in lower:
        return Cause.NO_CREDIT
    if any(words in lower for words in _WINDOW):
        return Cause.TOO_LARGE
    if status is None or status < 400:
        return Cause.SERVER_ERROR
    if status in {404, 405}:
        about_model = "not_found_error" in named or "model" in lower
        return Cause.UNKNOWN_MODEL if shaped and about_model else Cause.NOT_THE_API
    if not shaped and status in {400, 401, 403, 407, 411, 421}:
        return Cause.NOT_THE_API
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return Cause.SERVER_ERROR if status >= 500 else Cause.NOT_ACCEPTED


_BY_CODE: Mapping[str, Cause] = {
    "insufficient_quota": Cause.NO_CREDIT,
    "billing_not_active": Cause.NO_CREDIT,
    "billing_hard_limit_reached": Cause.NO_CREDIT,
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
    "unavailable_error": Cause.OVERLOADED,  # llama.cpp, while it loads its model
    "timeout_error": Cause.TIMED_OUT,
    "api_error": Cause.SERVER_ERROR,
    "server_error": Cause.SERVER_ERROR,
    "request_too_large": Cause.TOO_LARGE,
    "context_length_exceeded": Cause.TOO_LARGE,
    "exceed_context_size_error": Cause.TOO_LARGE,  # llama.cpp
}
_WINDOW = ("context length", "context window", "context size", "prompt is too long", "maximum context")
_BY_STATUS: Mapping[int, Cause] = {
    401: Cause.WRONG_KEY,
    402: Cause.NO_CREDIT,
    403: Cause.NO_ACCESS,
    408: Cause.TIMED_OUT,
    409: Cause.SERVER_ERROR,
    413: Cause.TOO_LARGE,
    429: Cause.RATE_LIMITED,
    503: Cause.OVERLOADED,
    504: Cause.TIMED_OUT,
    529: Cause.OVERLOADED,
}


def connection_fault(error: BaseException, secret: str) -> Fault:
    """The fault behind a connection that was never made, found among what the error came from."""
    chain: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in chain:
        chain.append(at)
        at = at.__cause__ or at.__context__
    said = detail(str(error), secret)
    if any(isinstance(one, ssl.SSLError) for one in chain) or any("CERTIFICATE_VERIFY_FAILED" in str(one) for one in chain):
        return Fault(cause=Cause.NOT_SECURE, detail=said)
    if any(isinstance(one, socket.gaierror) for one in chain):
        return Fault(cause=Cause.NAME_UNKNOWN, detail=said)
    if any(isinstance(one, httpx2.TimeoutException) and not isinstance(one, httpx2.ConnectTimeout) for one in chain):
        return Fault(cause=Cause.TIMED_OUT, detail="silence")
    return Fault(cause=Cause.UNREACHABLE, detail=said)


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
    except (ValueError, TypeError, OverflowError):
        return None


def detail(text: str, secret: str) -> str:
    """A vendor's words, short, on one line, and without the key."""
    clean = " ".join((text.replace(secret, "…") if secret else text).split())
    return clean if len(clean) <= MAX_DETAIL else clean[: MAX_DETAIL - 1] + "…"


def _in_words(seconds: float | None) -> str:
    if seconds is None or seconds < 60 or seconds > 7 * 86_400:  # also of nan, which compares to nothing
        return "a few minutes"
    minutes = round(seconds / 60)
    return f"about {minutes} minutes" if minutes < 120 else f"about {round(minutes / 60)} hours"
