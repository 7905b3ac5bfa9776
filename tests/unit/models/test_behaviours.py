"""Every named behaviour of a model, over every protocol and the real SDKs: an app, or a sentence that says what happened."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from adapters.models.streaming import StreamingModel
from core.generation.model import Brief
from core.generation.pipeline import Done, Ended, Pipeline
from core.generation.progress import Progress
from tests.support.model_server import BEHAVIOURS, ModelServer
from tests.support.tiny_framework import FILES, tiny, todo_plan

Maker = Callable[..., StreamingModel]
LONG = {**FILES, "app/routes.py": "".join(f"def route_{number}():\n    return {number}\n\n\n" for number in range(12))}
ENDS = {
    "truncated in every plan": ("partial", "length limit"),
    "truncated in every answer": ("partial", "length limit"),
    "bash git clone": ("failed", "commands for somebody to run"),
    "elided": ("failed", ""),
    "refusing": ("refused", "declined"),
    "refusing in files": ("refused", "declined"),
    "overloaded": ("failed", "overloaded"),
    "cut off always": ("partial", "broke off"),
    "rate-limited for an hour": ("failed", "try again in about 60 minutes"),
}


@pytest.mark.parametrize("behaviour", sorted(BEHAVIOURS))
async def test_a_build_ends_in_an_app_or_in_a_reason(make: Maker, server: ModelServer, behaviour: str) -> None:
    plan = todo_plan()
    server.play(behaviour, plan, LONG)
    events: list[Progress] = []
    made = await Pipeline(tiny).generate(make(), Brief(description="a todo app"), events.append)
    if behaviour in ENDS:
        assert isinstance(made, Ended)
        kind, words = ENDS[behaviour]
        assert made.kind == kind
        assert words in made.reason
        assert made.reason.endswith((".", '"'))
    else:
        assert isinstance(made, Done)
        assert {path: made.tree[path] for path in LONG} == LONG
        assert not [path for path in made.tree if path.startswith((".git", ".npmrc", "/", "..", "node_modules", "C:"))]
    assert made.usage.calls == len(server.requests)
    assert len(made.usage.request_ids) == min(made.usage.calls, 20)


def test_the_behaviours_that_the_journeys_speak_of_are_there() -> None:
    named = """good, slow, split at every byte, truncated in plan, truncated in a file, fenced, chatty, bash git clone, elided, refusing,
    overloaded, cut off, rate-limited with Retry-After, hostile paths, invented packages, prompt injection"""
    assert {" ".join(name.split()) for name in named.split(",")} <= set(BEHAVIOURS)
    assert set(ENDS) <= set(BEHAVIOURS)
