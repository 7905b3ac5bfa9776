"""What a call costs, by the table in ``prices.json``: an estimate, never a bill.

Asked by `adapters.models.streaming` for every request. A model that the table does not know has no price: its calls are shown as
tokens only. Nothing is guessed from a similar name: a new minor version has often had a price of its own, so a name in the table
stands for itself and its dated snapshots, and not for ``gpt-6`` and all that begins with it.
"""

from __future__ import annotations

import functools
import re
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from core.generation.model import Usage

_MILLION = 1_000_000
_SNAPSHOT = re.compile(r"(-\d{4}-\d{2}-\d{2}|-\d{8}|@\d{8}|-latest)?")


class Rates(BaseModel):
    """USD per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float
    cached: float  #: read from the vendor's cache
    write: float  #: read, and written to the vendor's cache
    output: float


class LongRates(Rates):
    """The rates of a request whose input is longer than ``tokens``: of all of it."""

    tokens: int


class Price(Rates):
    """What a model costs."""

    over: LongRates | None = None


class Prices(BaseModel):
    """The table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: str
    unit: str
    source: str
    models: dict[str, Price]


@functools.cache
def table() -> Prices:
    """The table, read once."""
    return Prices.model_validate_json(files(__package__).joinpath("prices.json").read_text("utf-8"))


def price(model: str) -> Price | None:
    """The price of a model by its name, or by the longest name in the table of which it is a snapshot. A path before the name, as
    gateways write it ("openai/…"), does not count."""
    name = model.rpartition("/")[2]
    known = [begin for begin in table().models if name.startswith(begin) and _SNAPSHOT.fullmatch(name, len(begin))]
    return table().models[max(known, key=len)] if known else None


def estimate(model: str, usage: Usage) -> float | None:
    """What one request cost, in USD; None when the model's price is not known and something was used."""
    if not (usage.input_tokens or usage.output_tokens):
        return 0.0
    known = price(model)
    if known is None:
        return None
    long = known.over is not None and usage.input_tokens > known.over.tokens
    rates: Rates = known.over if known.over is not None and long else known
    plain = max(0, usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens)
    return (
        plain * rates.input
        + usage.cached_tokens * rates.cached
        + usage.cache_write_tokens * rates.write
        + usage.output_tokens * rates.output
    ) / _MILLION
