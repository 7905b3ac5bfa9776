from __future__ import annotations

import datetime
import email.utils
import socket
import ssl

import httpx2
import pytest

from adapters.models.faults import Cause, Fault, classify, connection_fault, detail, retry_after


@pytest.mark.parametrize(
    ("status", "codes", "message", "cause"),
    [
        (401, ["invalid_api_key"], "", Cause.WRONG_KEY),
        (403, ["permission_error"], "", Cause.NO_ACCESS),
        (404, ["not_found_error"], "", Cause.UNKNOWN_MODEL),
        (429, ["insufficient_quota"], "", Cause.NO_CREDIT),
        (429, ["rate_limit_exceeded", "tokens"], "", Cause.RATE_LIMITED),
        (429, [None], "", Cause.RATE_LIMITED),
        (400, ["invalid_request_error"], "Your credit balance is too low to access the API.", Cause.NO_CREDIT),
        (400, ["invalid_request_error"], "bad", Cause.NOT_ACCEPTED),
        (413, ["request_too_large"], "", Cause.TOO_LARGE),
        (500, ["api_error"], "", Cause.SERVER_ERROR),
        (502, [None], "", Cause.SERVER_ERROR),
        (503, [None], "", Cause.OVERLOADED),
        (529, ["overloaded_error"], "", Cause.OVERLOADED),
        (200, ["overloaded_error"], "", Cause.OVERLOADED),
        (200, ["something new"], "", Cause.SERVER_ERROR),
        (None, [], "", Cause.SERVER_ERROR),
        (400, ["invalid_request_error"], "prompt is too long: 250000 tokens > 200000 maximum", Cause.TOO_LARGE),
        (400, ["exceed_context_size_error"], "", Cause.TOO_LARGE),
        (404, [None], "model 'x' not found, try pulling it first", Cause.UNKNOWN_MODEL),
        (404, [None], "Not Found", Cause.NOT_THE_API),
        (405, [None], "Method Not Allowed", Cause.NOT_THE_API),
        (503, ["unavailable_error"], "Loading model", Cause.OVERLOADED),
    ],
)
def test_each_error_has_its_cause(status: int | None, codes: list[str | None], message: str, cause: Cause) -> None:
    assert classify(status, codes, message) is cause


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (400, Cause.NOT_THE_API),
        (401, Cause.NOT_THE_API),
        (403, Cause.NOT_THE_API),
        (404, Cause.NOT_THE_API),
        (407, Cause.NOT_THE_API),
        (429, Cause.RATE_LIMITED),
        (500, Cause.SERVER_ERROR),
        (502, Cause.SERVER_ERROR),
        (503, Cause.OVERLOADED),
        (504, Cause.TIMED_OUT),
    ],
)
def test_a_page_of_a_proxy_says_nothing_about_keys_and_models(status: int, cause: Cause) -> None:
    assert classify(status, [], "", shaped=False) is cause


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_a_whole_sentence_that_names_a_next_step(cause: Cause) -> None:
    told = Fault(cause=cause).sentence(vendor="Vendor", model="model-1", key="VENDOR_KEY")
    assert told.endswith(".")
    assert "Vendor" in told
    assert "{" not in told
    assert any(word in told for word in ("try", "correct", "choose", "add", "check", "shorten"))
    assert told.startswith(Fault(cause=cause).what(vendor="Vendor", model="model-1"))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "a few minutes"),
        (5, "a few minutes"),
        (90, "about 2 minutes"),
        (3600, "about 60 minutes"),
        (10_000, "about 3 hours"),
    ],
)
def test_the_sentence_says_how_long_the_vendor_asks_to_wait(seconds: float | None, words: str) -> None:
    told = Fault(cause=Cause.RATE_LIMITED, retry_after=seconds).sentence(vendor="Vendor", model="m", key="K")
    assert f"try again in {words}." in told


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400"])
def test_a_wait_that_is_no_number_of_seconds_is_not_told(value: str) -> None:
    told = Fault(cause=Cause.RATE_LIMITED, retry_after=retry_after({"retry-after": value})).sentence(
        vendor="V", model="m", key="K"
    )
    assert "a few minutes" in told


def test_a_certificate_and_a_name_that_are_not_known_are_found_behind_what_the_sdk_says() -> None:
    for inner, cause in (
        (ssl.SSLCertVerificationError("self-signed certificate"), Cause.NOT_SECURE),
        (socket.gaierror(-2, "Name or service not known"), Cause.NAME_UNKNOWN),
        (ConnectionRefusedError(111, "refused"), Cause.UNREACHABLE),
        (httpx2.ReadTimeout("silence"), Cause.TIMED_OUT),
        (httpx2.ConnectTimeout("connect"), Cause.UNREACHABLE),
    ):
        outer = RuntimeError("Connection error.")
        outer.__cause__ = inner
        assert connection_fault(outer, "").cause is cause


def test_the_wait_is_read_in_seconds_milliseconds_or_as_a_date() -> None:
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=60)
    assert retry_after({"retry-after": "2.5"}) == 2.5
    assert retry_after({"retry-after-ms": "1500", "retry-after": "9"}) == 1.5
    assert 50 < (retry_after({"retry-after": email.utils.format_datetime(soon, usegmt=True)}) or 0) <= 60
    assert retry_after({"retry-after": "-3"}) == 0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({}) is None


def test_a_vendors_words_are_short_on_one_line_and_without_the_key() -> None:
    said = detail("bad key sk-secret\n" + "x" * 500, "sk-secret")
    assert "sk-secret" not in said
    assert "\n" not in said
    assert len(said) == 200
