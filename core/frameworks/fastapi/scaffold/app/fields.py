"""The kinds of values that records have. Each checks and tidies what a client sends."""

import re
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

LARGEST = 2**53 - 1  # the largest whole number that every JSON client reads exactly


class Record(BaseModel):
    """What a client sends. Fields that are not known are ignored; an empty text is the same as none."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def blank_is_none(cls, sent: Any) -> Any:
        if isinstance(sent, dict):
            return {name: None if isinstance(value, str) and not value.strip() else value for name, value in sent.items()}
        return sent


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("That text has characters that cannot be kept.")
    return text


def _not_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("Give a number.")
    return value


def _date(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("Give a date like 2030-12-31.") from None


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("Give a date and time like 2030-12-31T09:30.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _email(text: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text):
        raise ValueError("Give an address like name@example.com.")
    return text


def _url(text: str) -> str:
    if re.match(r"[\w-]+(\.[\w-]+)+(/|$)", text):
        text = "https://" + text
    if not re.fullmatch(r"https?://[^\s/]+\S*", text):
        raise ValueError("Give an address like https://example.com.")
    return text


def one_of(*choices: str) -> AfterValidator:
    """One of these texts."""

    def check(text: str) -> str:
        if text not in choices:
            raise ValueError("Choose one of: " + ", ".join(choices) + ".")
        return text

    return AfterValidator(check)


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(_storable)]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000), AfterValidator(_storable)]
Email = Annotated[Line, AfterValidator(_email)]
Url = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000), AfterValidator(_storable), AfterValidator(_url)]
Whole = Annotated[int, BeforeValidator(_not_boolean), Field(ge=-LARGEST, le=LARGEST)]
Number = Annotated[Decimal, BeforeValidator(_not_boolean), Field(max_digits=30)]
Money = Annotated[Decimal, BeforeValidator(_not_boolean), Field(max_digits=14, decimal_places=2)]
Flag = Annotated[bool, BeforeValidator(lambda value: False if value is None else value)]
Date = Annotated[date, BeforeValidator(_date)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Reference = Annotated[int, BeforeValidator(_not_boolean), Field(ge=1, le=LARGEST)]
