from __future__ import annotations

import datetime
import email.utils

import pytest

from adapters.models.faults import Cause, Fault, classify, detail, retry_after


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
    ],
)
def test_each_error_has_its_cause(status: int | None, codes: list[str | None], message: str, cause: Cause) -> None:
    assert classify(status, codes, message) is cause


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_a_whole_sentence_that_names_a_next_step(cause: Cause) -> None:
    told = Fault(cause=cause).sentence(vendor="Vendor", model="model-1", key="VENDOR_KEY")
    assert told.endswith(".")
    assert "Vendor" in told
    assert "{" not in told
    assert any(word in told for word in ("try", "correct", "choose", "add", "check", "shorten"))


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
