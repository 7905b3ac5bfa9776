"""What a call costs by the table: an estimate where the price is known, nothing where it is not."""

from __future__ import annotations

import pytest

from adapters.models.defaults import ANTHROPIC_MODEL, OPENAI_MODEL
from adapters.models.prices import estimate, price, table
from core.generation.model import Usage

MILLION = Usage(input_tokens=100_000, cached_tokens=60_000, cache_write_tokens=30_000, output_tokens=10_000)


def test_each_kind_of_token_has_its_price() -> None:
    assert estimate("gpt-6.2-sol", MILLION) == pytest.approx((10_000 * 2 + 60_000 * 0.1 + 30_000 * 2.5 + 10_000 * 10) / 1e6)


@pytest.mark.parametrize(
    "name", ["claude-sonnet-5", "claude-sonnet-5-20260601", "anthropic/claude-sonnet-5", "claude-sonnet-5-latest"]
)
def test_a_snapshot_and_a_gateways_path_cost_what_the_model_costs(name: str) -> None:
    assert price(name) == price("claude-sonnet-5") is not None


@pytest.mark.parametrize(
    "name", ["claude-sonnet-5-6", "gpt-6.2-sol-pro", "gpt-6.3-sol", "gpt-6", "qwen-coder", "", "claude-sonnet-55"]
)
def test_another_model_is_not_taken_for_one_that_is_named_alike(name: str) -> None:
    assert price(name) is None
    assert estimate(name, MILLION) is None


def test_the_longest_name_wins() -> None:
    assert price("gpt-5.4-mini-2026-03-17") == table().models["gpt-5.4-mini"]
    assert price("claude-sonnet-5-5") == table().models["claude-sonnet-5-5"] != table().models["claude-sonnet-5"]


def test_a_long_request_costs_its_own_rates() -> None:
    short = estimate("claude-haiku-5-5", Usage(input_tokens=100_000))
    long = estimate("claude-haiku-5-5", Usage(input_tokens=100_001))
    assert short == pytest.approx(0.01)
    assert long == pytest.approx(0.0500005)


def test_nothing_costs_nothing_whatever_the_model() -> None:
    assert estimate("qwen-coder", Usage(calls=1)) == 0.0


def test_sums_of_known_and_unknown_costs_are_unknown() -> None:
    assert (Usage(cost_usd=1.5) + Usage(cost_usd=None)).cost_usd is None
    assert (Usage(cost_usd=1.5) + Usage(cost_usd=0.5)).cost_usd == 2.0


def test_the_default_models_have_a_price_and_the_table_says_of_when_and_whence() -> None:
    assert price(OPENAI_MODEL) is not None
    assert price(ANTHROPIC_MODEL) is not None
    assert table().as_of >= "2026-11"
    assert table().source


@pytest.mark.parametrize("name", sorted(table().models))
def test_reading_a_cache_is_cheaper_and_writing_one_is_not(name: str) -> None:
    known = table().models[name]
    for rates in (known, known.over or known):
        assert 0 < rates.cached < rates.input <= rates.write < rates.output
