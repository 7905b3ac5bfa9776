"""What a call has used: tokens, tries, the vendor's request ids, its cost; also of calls that failed, were cut or were closed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

import pytest

from adapters.models.openai import OpenAIModel
from adapters.models.streaming import StreamingModel
from core.generation.meter import metering
from core.generation.model import Brief, ChangeBrief, Complete, Failed, Partial, Usage, Writing
from core.generation.pipeline import Done, Pipeline
from tests.support.model_server import NO_CREDIT, OVERLOADED, RATE_LIMITED, ModelServer, Reply, planning, saying, writing
from tests.support.tiny_framework import FILES, TinyFramework, tiny, todo_plan

Maker = Callable[..., StreamingModel]
Makers = Callable[..., StreamingModel]
BRIEF = Brief(description="a todo app")
PLAN = todo_plan()
REPLY = planning(PLAN)
SCAFFOLD = TinyFramework().scaffold()
WRITING = Writing(brief=BRIEF, plan=PLAN, files=PLAN.files, tree=SCAFFOLD)
NONCE = "0123456789abcdef"


async def ended(model: StreamingModel, writing: Writing = WRITING) -> object:
    return [item async for item in model.write(writing, NONCE)][-1]


async def test_every_try_is_counted_with_its_request_id(make: Maker, server: ModelServer) -> None:
    server.script(plans=[Reply(error=OVERLOADED), Reply(error=RATE_LIMITED), REPLY])
    outcome = await make().plan(BRIEF)
    assert isinstance(outcome, Complete)
    assert outcome.usage.calls == 3
    assert outcome.usage.request_ids == ("req_1", "req_2", "req_3")
    assert (outcome.usage.input_tokens, outcome.usage.output_tokens) == (120, 30)


async def test_a_failure_says_which_requests_failed_and_costs_nothing(make: Maker, server: ModelServer) -> None:
    server.script(plans=[Reply(error=NO_CREDIT)])
    outcome = await make().plan(BRIEF)
    assert isinstance(outcome, Failed)
    assert outcome.usage == Usage(calls=1, request_ids=("req_1",), cost_usd=0.0)


@pytest.mark.parametrize(
    ("vendor", "dollars"), [("openai", (100 * 2.5 + 20 * 2 + 30 * 10) / 1e6), ("anthropic", (100 * 2.5 + 20 * 2 + 300) / 1e6)]
)
async def test_what_is_written_to_the_cache_and_read_from_it_is_told_apart_and_priced(
    maker_of: Makers, server: ModelServer, vendor: str, dollars: float
) -> None:
    server.script(files=[writing(FILES)])
    more = {"cache_marks": True} if vendor == "openai" else {}
    model = maker_of(vendor, **more)
    first, second = [await ended(model), await ended(model)]
    assert isinstance(first, Complete)
    assert isinstance(second, Complete)
    assert (first.usage.cached_tokens, first.usage.cache_write_tokens) == (0, 100)
    assert (second.usage.cached_tokens, second.usage.cache_write_tokens) == (100, 0)
    assert first.usage.cost_usd == pytest.approx(dollars)
    assert second.usage.cost_usd == pytest.approx((100 * 0.1 + 20 * 2 + 30 * 10) / 1e6)


async def test_a_model_without_a_known_price_has_tokens_and_no_cost(maker_of: Makers, server: ModelServer) -> None:
    server.script(plans=[REPLY])
    outcome = await maker_of("compatible").plan(BRIEF)
    assert outcome.usage.input_tokens == 120
    assert outcome.usage.cost_usd is None


async def test_a_stream_that_was_cut_is_reckoned_by_its_characters(make: Maker, server: ModelServer) -> None:
    server.script(files=[saying("x" * 4000, cut_after=100)])
    outcome = await ended(make())
    assert isinstance(outcome, Partial)
    assert outcome.usage.output_tokens == 100 * 16 // 4
    assert outcome.usage.input_tokens >= 120


async def test_a_call_that_is_closed_early_is_counted_by_whoever_opened_a_meter(make: Maker, server: ModelServer) -> None:
    server.script(files=[saying("x" * 400, hang_after=10)])
    with metering() as meter:
        async with aclosing(make().write(WRITING, NONCE)) as pieces:  # type: ignore[type-var]
            for _ in range(10):
                assert isinstance(await anext(pieces), str)
    assert meter.usage.calls == 1
    assert meter.usage.output_tokens == 10 * 16 // 4
    assert meter.usage.request_ids[0]
    async with asyncio.timeout(5):
        await server.disconnected.wait()


async def test_a_meter_counts_what_the_endings_say(make: Maker, server: ModelServer) -> None:
    server.script(plans=[Reply(error=OVERLOADED), REPLY], files=[writing(FILES)])
    with metering() as meter:
        done = await Pipeline(tiny).generate(make(), BRIEF, lambda event: None)
    assert isinstance(done, Done)
    assert meter.usage == done.usage
    assert meter.usage.calls == len(server.requests)


# -- caching on the wire --------------------------------------------------------------------------------------------------------------


CHANGE = ChangeBrief(request="add a title", plan=PLAN, tree=SCAFFOLD.with_files(FILES))


def calls() -> list[Writing]:
    """The calls of one build: waves, each with what was written before it."""
    first, second = PLAN.files
    wrote = SCAFFOLD.with_files(FILES).under("migrations")
    return [
        replace(WRITING, files=[first]),
        replace(WRITING, files=[second], written=wrote),
        replace(WRITING, files=[second], written=wrote, told="Your last answer was empty."),
    ]


@pytest.mark.parametrize("brief", [BRIEF, CHANGE], ids=["new", "change"])
@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
async def test_all_calls_of_a_build_share_a_prefix_to_the_byte_and_ask_for_its_caching(
    maker_of: Makers, server: ModelServer, vendor: str, brief: Brief | ChangeBrief
) -> None:
    server.script(files=[writing(FILES)])
    model = maker_of(vendor, **({"cache_marks": True} if vendor == "openai" else {}))
    for writing_ in calls():
        stream = model.write(replace(writing_, brief=brief), f"{len(server.requests):016x}")
        assert isinstance([item async for item in stream][-1], Complete)
    stream = model.resume(replace(calls()[0], brief=brief), PLAN.files[0].path, "CREATE TABLE to", "ffff")
    assert isinstance([item async for item in stream][-1], Complete)
    mark = "prompt_cache_breakpoint" if vendor == "openai" else "cache_control"
    prefixes = set()
    for body in server.requests:
        parts = body["input" if vendor == "openai" else "messages"][0]["content"]
        marks = [at for at, part in enumerate(parts) if mark in part]
        assert 1 <= len(marks) <= 4
        assert marks[-1] < len(parts) - 1  # the task, with its nonce, is not in it
        prefixes.add(json.dumps([body.get("instructions"), body.get("system"), parts[: marks[-1] + 1]]))
    assert len(prefixes) == 1
    if vendor == "openai":
        assert len({body["prompt_cache_key"] for body in server.requests}) == 1
        assert all(body["prompt_cache_options"] == {"mode": "explicit"} for body in server.requests)


@pytest.mark.parametrize(
    ("name", "marks"),
    [
        ("gpt-6.2-sol", True),
        ("gpt-5.6-luna", True),
        ("gpt-4.1", False),
        ("gpt-5.4-mini", False),
        ("o3", False),
        ("my-model", False),
    ],
)
def test_only_models_that_know_marks_are_sent_them(name: str, marks: bool) -> None:
    from adapters.models.openai import _takes_marks

    assert _takes_marks(name) is marks


async def test_a_server_that_imitates_the_vendor_is_sent_no_marks(maker_of: Makers, server: ModelServer) -> None:
    server.script(files=[writing(FILES)])
    model = maker_of("openai")
    assert isinstance(model, OpenAIModel)
    await ended(model)
    assert "prompt_cache_breakpoint" not in json.dumps(server.requests)
    assert server.requests[0]["prompt_cache_key"]
