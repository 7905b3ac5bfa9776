"""What every Model keeps, on the fake, on the vendors' real SDKs against the local wire server, and on a model made of two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.models.anthropic import AnthropicModel
from adapters.models.compatible import CompatibleModel
from adapters.models.openai import OpenAIModel
from core.generation import sentinels
from core.generation.fake_model import CALL, FakeModel, files, planned
from core.generation.fallback import FallbackModel
from core.generation.model import Brief, ChangeBrief, Complete, Ended, Failed, Failure, Model, Partial, Refused, Writing
from core.generation.parser import Parser
from core.words.plan import Plan
from tests.support.model_server import KEY, model_server, planning, writing
from tests.support.tiny_framework import FILES, TinyFramework, tiny, todo_plan

PLAN = todo_plan()
SCAFFOLD = TinyFramework().scaffold()
BRIEF = Brief(description="a todo app")
CHANGE = ChangeBrief(request="add a title", plan=PLAN, tree=SCAFFOLD.with_files(FILES))
FAILURE = Failure(plan=PLAN, tree=SCAFFOLD.with_files(FILES), check="start", log_tail="NameError", suspects=["app/routes.py"])
OUTCOMES = (Complete, Partial, Refused, Failed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A model that answers with PLAN and FILES, and how to wait until it has noticed that its stream was closed."""

    model: Model
    closed: Callable[[], Awaitable[Any]]


@asynccontextmanager
async def fake() -> AsyncIterator[Case]:
    model = FakeModel([planned(PLAN)], [files(FILES)])

    async def closed() -> None:
        assert model.closed == 1

    yield Case(model=model, closed=closed)


@asynccontextmanager
async def vendor(name: str) -> AsyncIterator[Case]:
    async with model_server() as server:
        server.script(plans=[planning(PLAN)], files=[writing(FILES, piece=7, pause=0.001)])
        model: OpenAIModel | AnthropicModel | CompatibleModel
        if name == "openai":
            model = OpenAIModel(SecretStr(KEY), frameworks=tiny, base_url=server.openai_url)
        elif name == "anthropic":
            model = AnthropicModel(SecretStr(KEY), frameworks=tiny, base_url=server.anthropic_url)
        else:
            model = CompatibleModel(server.compatible_url, frameworks=tiny, model="qwen-coder")
        try:
            yield Case(model=model, closed=server.disconnected.wait)
        finally:
            await model.close()


@asynccontextmanager
async def fallback() -> AsyncIterator[Case]:
    """The second writes, because the first is down."""
    down = Failed(reason="It is down.", retryable=True, usage=CALL, outage="It is down")
    async with vendor("openai") as second:
        first = FakeModel([down], [lambda nonce: [down]])
        yield Case(model=FallbackModel(first, second.model), closed=second.closed)


@pytest.fixture(params=["fake", "openai", "anthropic", "compatible", "fallback"])
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    cases = {"fake": fake, "fallback": fallback}
    async with cases[request.param]() if request.param in cases else vendor(request.param) as made:
        yield made


WRITING = Writing(brief=BRIEF, plan=PLAN, files=PLAN.files, tree=SCAFFOLD)


def streams(model: Model, nonce: str) -> Sequence[AsyncIterator[str | Ended]]:
    return [
        model.write(WRITING, nonce),
        model.write(Writing(brief=CHANGE, plan=PLAN, files=PLAN.files, tree=SCAFFOLD), nonce),
        model.repair(FAILURE, nonce),
        model.resume(WRITING, PLAN.files[0].path, "# the beg", nonce),
    ]


async def test_a_model_has_a_name_and_a_provider_and_is_not_our_own_code(case: Case) -> None:
    assert case.model.name
    assert case.model.provider
    assert case.model.own_code is False


async def test_a_plan_is_a_valid_plan_with_its_usage(case: Case) -> None:
    for outcome in (await case.model.plan(BRIEF), await case.model.plan_change(CHANGE)):
        assert isinstance(outcome, Complete)
        assert isinstance(outcome.value, Plan)
        assert outcome.value == PLAN
        assert outcome.usage.calls in (1, 2)  # of a model made of two, each was asked
        assert outcome.usage.output_tokens > 0


@pytest.mark.parametrize("verb", range(3), ids=["write", "rewrite", "repair"])
async def test_a_stream_is_text_and_then_exactly_one_outcome(case: Case, verb: int) -> None:
    nonce = sentinels.new_nonce()
    items = [item async for item in streams(case.model, nonce)[verb]]
    assert [type(item) for item in items[:-1]] == [str] * (len(items) - 1)
    assert isinstance(items[-1], OUTCOMES)
    parser = Parser(nonce)
    for item in items[:-1]:
        assert isinstance(item, str)
        parser.feed(item)
    assert dict(parser.finish().files) == dict(FILES)


@pytest.mark.parametrize("verb", range(3), ids=["write", "rewrite", "repair"])
async def test_closing_a_stream_early_stops_the_call_at_once(case: Case, verb: int) -> None:
    stream = streams(case.model, sentinels.new_nonce())[verb]
    async with aclosing(stream) as pieces:  # type: ignore[type-var]
        assert isinstance(await anext(pieces), str)
    async with asyncio.timeout(5):
        await case.closed()
    assert await anext(pieces, None) is None
