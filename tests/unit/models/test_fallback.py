"""When one vendor is down another takes over, once, and says so; what another could not do better stays where it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from adapters.models.streaming import StreamingModel
from core.errors import InvalidInput
from core.generation.choice import ModelChoice
from core.generation.fake_model import CALL, FakeModel, Script, files, planned
from core.generation.fallback import REST, FallbackModel
from core.generation.model import Brief, Complete, Ended, Failed, Model, Partial, Refused, Writing
from core.generation.pipeline import Done, Pipeline
from core.generation.progress import Note, Progress
from tests.support.model_server import NO_CREDIT, OVERLOADED, ModelServer, Reply, planning, writing
from tests.support.tiny_framework import FILES, TinyFramework, tiny, todo_plan

Makers = Callable[..., StreamingModel]
BRIEF = Brief(description="a todo app")
PLAN = todo_plan()
WRITING = Writing(brief=BRIEF, plan=PLAN, files=PLAN.files, tree=TinyFramework().scaffold())
DOWN = Failed(reason="Anthropic is overloaded; wait.", retryable=True, usage=CALL, outage="Anthropic is overloaded")
NOTE = "Anthropic is overloaded; Fake wrote it instead."


class Named(FakeModel):
    label = "Fake"


def failing(outcome: Ended, before: str = "") -> Script:
    return lambda nonce: [*([before] if before else []), outcome]


async def taken(model: Model) -> tuple[str, Ended]:
    items = [item async for item in model.write(WRITING, "0123456789abcdef")]
    assert isinstance(items[-1], Complete | Partial | Refused | Failed)
    return "".join(item for item in items[:-1] if isinstance(item, str)), items[-1]


async def test_the_second_takes_over_a_plan_and_both_are_paid() -> None:
    outcome = await FallbackModel(FakeModel([DOWN]), Named([planned(PLAN)])).plan(BRIEF)
    assert isinstance(outcome, Complete)
    assert outcome.notes == (NOTE,)
    assert outcome.usage == CALL + CALL


async def test_the_second_takes_over_a_stream_that_never_began() -> None:
    text, ended = await taken(FallbackModel(FakeModel([], [failing(DOWN)]), Named([], [files(FILES)])))
    assert "app/routes.py" in text
    assert isinstance(ended, Complete)
    assert ended.notes == (NOTE,)


async def test_half_an_answer_is_not_gone_on_with_by_another_but_the_next_call_goes_there() -> None:
    credit = replace(DOWN, retryable=False)
    first = FakeModel([], [failing(credit, "half a fi")])
    model = FallbackModel(first, Named([], [files(FILES)]))
    text, ended = await taken(model)
    assert text == "half a fi"
    assert isinstance(ended, Failed)
    assert ended.retryable
    _, again = await taken(model)
    assert isinstance(again, Complete)
    assert len(first.asked) == 1
    assert again.usage == CALL  # what the first one had cost is not counted twice


async def test_who_was_down_is_asked_again_after_a_rest() -> None:
    time = [100.0]
    first = FakeModel([DOWN, DOWN, planned(PLAN)])
    model = FallbackModel(first, Named([planned(PLAN)]), clock=lambda: time[0])
    await model.plan(BRIEF)
    time[0] += REST / 2
    await model.plan(BRIEF)
    assert len(first.asked) == 1
    time[0] += REST
    await model.plan(BRIEF)
    assert len(first.asked) == 2


@pytest.mark.parametrize(
    "outcome",
    [
        Refused(reason="No.", usage=CALL),
        Partial(reason="Cut.", usage=CALL),
        Failed(reason="The key is wrong.", retryable=False, usage=CALL),
        planned(PLAN),
    ],
    ids=["refused", "partial", "wrong key", "complete"],
)
async def test_what_another_would_not_do_better_stays_where_it_is(outcome: Ended) -> None:
    second = Named([planned(PLAN)])
    assert await FallbackModel(FakeModel([outcome]), second).plan(BRIEF) is outcome  # type: ignore[list-item]
    assert second.asked == []


async def test_when_both_are_down_both_reasons_are_told() -> None:
    other = Failed(reason="OpenAI has no credit; add some.", retryable=False, usage=CALL, outage="OpenAI has no credit")
    outcome = await FallbackModel(FakeModel([DOWN]), Named([other])).plan(BRIEF)
    assert isinstance(outcome, Failed)
    assert outcome.reason == "Anthropic is overloaded; wait. OpenAI has no credit; add some."
    assert outcome.retryable
    assert outcome.outage == ""


@pytest.mark.parametrize("error", [OVERLOADED, NO_CREDIT], ids=["overloaded", "no credit"])
async def test_a_build_is_finished_by_the_other_vendor_and_the_thread_is_told(
    maker_of: Makers, server: ModelServer, error: object
) -> None:
    server.script(plans=[Reply(error=error)] * (3 if error is OVERLOADED else 1) + [planning(PLAN)], files=[writing(FILES)])  # type: ignore[arg-type]
    events: list[Progress] = []
    model = FallbackModel(maker_of("anthropic"), maker_of("openai"))
    done = await Pipeline(tiny).generate(model, BRIEF, events.append)
    assert isinstance(done, Done)
    notes = [event.text for event in events if isinstance(event, Note)]
    what = "Anthropic is overloaded" if error is OVERLOADED else "The Anthropic account has no credit left"
    assert notes == [f"{what}; OpenAI wrote it instead."]
    assert done.notes == tuple(notes)
    assert done.usage.calls == len(server.requests)


# -- who is chosen ----------------------------------------------------------------------------------------------------------------------


class Own(FakeModel):
    provider = "starter"
    own_code = True


def choice(*names: str, fallback: bool = True) -> ModelChoice:
    models: dict[str, Model] = {"starter": Own()}
    made: list[Model] = []
    for name in names:
        models[name] = FakeModel()
        models[name].provider, models[name].label = name, name.title()

    def named(provider: str) -> Callable[[str], Model]:
        def make(model: str) -> Model:
            one = FakeModel()
            one.provider, one.name = provider, model
            made.append(one)
            return one

        return make

    return ModelChoice(models, named={name: named(name) for name in names}, fallback=fallback)


@pytest.mark.parametrize(
    ("configured", "chosen"),
    [
        ((), "starter"),
        (("compatible",), "compatible"),
        (("openai", "compatible"), "openai"),
        (("anthropic", "openai", "compatible"), "anthropic"),
    ],
)
def test_auto_is_the_first_that_is_configured(configured: tuple[str, ...], chosen: str) -> None:
    assert choice(*configured).choose("auto").provider == chosen


def test_a_vendor_has_another_behind_it_and_a_server_of_ones_own_and_the_starter_have_none() -> None:
    many = choice("anthropic", "openai", "compatible")
    assert isinstance(many.choose("openai"), FallbackModel)
    assert isinstance(many.choose("anthropic"), FallbackModel)
    assert isinstance(many.choose("compatible"), FakeModel)
    assert isinstance(many.choose("starter"), Own)
    assert not isinstance(choice("openai").choose("openai"), FallbackModel)
    assert not isinstance(choice("openai", "anthropic", fallback=False).choose("openai"), FallbackModel)


def test_a_workspace_may_name_another_model_of_its_provider() -> None:
    many = choice("anthropic", "openai")
    named = many.choose("openai", "gpt-9")
    assert (named.provider, named.name) == ("openai", "gpt-9")
    assert many.choose("openai", "gpt-9") is named
    assert many.choose("openai").name == "fake-1"
    assert many.choose("starter", "gpt-9") is many.choose("starter")


@pytest.mark.parametrize("name", ["gpt 9", "x" * 121, "a\nb", "é'"])
def test_what_cannot_be_the_name_of_a_model_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be one"):
        choice("openai").choose("openai", name)


@pytest.mark.parametrize(
    ("provider", "setting"),
    [("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY"), ("compatible", "COMPATIBLE_BASE_URL")],
)
def test_a_provider_that_is_not_configured_is_refused_with_what_turns_it_on(provider: str, setting: str) -> None:
    with pytest.raises(InvalidInput, match=setting):
        choice().choose(provider)
    with pytest.raises(InvalidInput, match="There is no provider"):
        choice().choose("llama")


def test_many_names_do_not_fill_the_memory() -> None:
    many = choice("openai")
    for number in range(500):
        many.choose("openai", f"m-{number}")
    assert len(many._made) <= 50
