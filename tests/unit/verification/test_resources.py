"""Every promise about a resource is really checked: an app that breaks one is told so."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import NotHealthy
from core.hosting.host import UnixAddress
from core.verification.fake_prober import FakeProber, Override, answer
from core.verification.prober import ProbeAnswer
from core.verification.resources import add_samples, try_resources
from core.words.cards import Step, StepState
from core.words.plan import FieldType, Resource, ResourceField

ADDRESS = UnixAddress(path=Path("app.sock"))
POSTS = Resource(name="posts", singular="post", fields=[ResourceField(name="title", type=FieldType.TEXT, required=True)])
COMMENTS = Resource(
    name="comments",
    singular="comment",
    fields=[
        ResourceField(name="post", type=FieldType.REFERENCE, references="posts", required=True),
        ResourceField(name="text", type=FieldType.LONG_TEXT),
    ],
)


async def tried(*resources: Resource, override: Override | None = None, search: bool = False) -> tuple[list[Step], FakeProber]:
    prober = FakeProber(resources, override=override)
    evidence: list[Step] = []

    async def ask(method: str, path: str, *, json: Any = None) -> ProbeAnswer:
        return await prober.request(ADDRESS, method, path, host_header="app", json=json)

    with contextlib.suppress(NotHealthy):
        await try_resources(resources, ask, evidence, lambda name: None, search=search)
    return evidence, prober


async def test_a_good_app_gets_a_line_per_resource_in_the_plans_order() -> None:
    evidence, _ = await tried(COMMENTS, POSTS)
    assert [(s.name, s.state, s.detail) for s in evidence] == [
        ("comments", StepState.DONE, "create, read, update, delete, bad input refused"),
        ("posts", StepState.DONE, "create, read, update, delete, bad input refused"),
    ]


async def test_a_promised_search_must_find_a_row_by_its_word_and_not_by_nonsense() -> None:
    evidence, _ = await tried(POSTS, COMMENTS, search=True)
    assert (evidence[-1].name, evidence[-1].state) == ("search", StepState.DONE)
    assert evidence[-1].detail == "a word finds its row, nonsense does not: posts, comments"


def all_rows(method: str, path: str, json: Any) -> ProbeAnswer | None:
    return answer(200, [{"id": 1}]) if "?q=" in path else None


def no_rows(method: str, path: str, json: Any) -> ProbeAnswer | None:
    return answer(200, []) if "?q=" in path else None


def broken(method: str, path: str, json: Any) -> ProbeAnswer | None:
    return answer(500, {}) if "?q=" in path else None


@pytest.mark.parametrize("override", [all_rows, no_rows, broken])
async def test_a_promised_search_that_does_not_search_is_told(override: Override) -> None:
    evidence, _ = await tried(POSTS, override=override, search=True)
    assert evidence[-1].state is StepState.FAILED
    assert "/api/posts?q=" in evidence[-1].detail


async def test_a_search_that_nobody_promised_is_not_asked_for() -> None:
    evidence, prober = await tried(POSTS, override=broken)
    assert evidence[-1].state is StepState.DONE
    assert not [path for _, path in prober.asked if "?q=" in path]


async def test_a_search_among_things_without_words_is_skipped() -> None:
    numbers = Resource(name="numbers", singular="number", fields=[ResourceField(name="value", type=FieldType.INTEGER)])
    evidence, _ = await tried(numbers, search=True)
    assert (evidence[-1].name, evidence[-1].state) == ("search", StepState.SKIPPED)


async def test_samples_are_a_few_rows_of_everything_that_can_be_made() -> None:
    circle = Resource(
        name="circles",
        singular="circle",
        fields=[ResourceField(name="other", type=FieldType.REFERENCE, references="circles", required=True)],
    )
    prober = FakeProber([POSTS, COMMENTS, circle])

    async def ask(method: str, path: str, *, json: Any = None) -> ProbeAnswer:
        return await prober.request(ADDRESS, method, path, host_header="app", json=json)

    await add_samples([COMMENTS, POSTS, circle], ask)
    posts, comments = (await ask("GET", "/api/posts")).json(), (await ask("GET", "/api/comments")).json()
    assert [row["title"] for row in posts] == ["Third post", "Second post", "First post"]
    assert {row["post"] for row in comments} == {posts[-1]["id"]}
    assert len(comments) == 3


async def test_every_verb_is_used_and_children_go_before_their_parents() -> None:
    _, prober = await tried(COMMENTS, POSTS)
    assert {method for method, path in prober.asked if path.startswith("/api/posts")} == {"GET", "POST", "PUT", "DELETE"}
    deleted = [path for method, path in prober.asked if method == "DELETE"]
    assert deleted == ["/api/comments/1", "/api/posts/1"]
    assert prober.asked.count(("GET", "/api/posts/1")) == 3


async def test_what_cannot_be_tried_is_skipped_with_the_reason() -> None:
    evidence, prober = await tried(COMMENTS)
    (step,) = evidence
    assert step.state is StepState.SKIPPED
    assert "'posts', which is not in the plan" in step.detail
    assert prober.asked == [("GET", "/api/comments")]


def when(method: str, path: str, instead: Callable[[Any], ProbeAnswer]) -> Override:
    return lambda m, p, json: instead(json) if (m, p) == (method, path) else None


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (when("GET", "/api/posts", lambda json: answer(500, {})), "GET /api/posts answered 500 instead of 200."),
        (when("GET", "/api/posts", lambda json: answer(200, {"items": []})), "GET /api/posts did not answer with a JSON array."),
        (when("POST", "/api/posts", lambda json: answer(200, {"id": 1})), "answered 200 instead of 4xx."),
        (
            when("POST", "/api/posts", lambda json: answer(500, {}) if json.get("title") == "Example 1" else answer(400, {})),
            "POST /api/posts with a valid row answered 500 instead of 201.",
        ),
        (
            when("POST", "/api/posts", lambda json: answer(201, []) if json.get("title") == "Example 1" else answer(400, {})),
            "POST /api/posts did not answer with the new row and its id.",
        ),
        (
            when(
                "POST",
                "/api/posts",
                lambda json: answer(201, {"id": True}) if json.get("title") == "Example 1" else answer(400, {}),
            ),
            "POST /api/posts did not answer with the new row and its id.",
        ),
        (when("GET", "/api/posts/1", lambda json: answer(404, {})), "GET /api/posts/1 answered 404 instead of 200."),
        (
            when("GET", "/api/posts/1", lambda json: answer(200, {"id": 1, "title": "Example 1"})),
            "GET /api/posts/1 did not give back 'title' as it was sent.",
        ),
        (when("GET", "/api/posts/1", lambda json: answer(200, [])), "GET /api/posts/1 did not answer with a JSON object."),
        (
            when("PUT", "/api/posts/1", lambda json: answer(405, {})),
            "PUT /api/posts/1 with a valid row answered 405 instead of 200.",
        ),
        (when("DELETE", "/api/posts/1", lambda json: answer(500, {})), "DELETE /api/posts/1 answered 500 instead of 204."),
        (
            when("DELETE", "/api/posts/1", lambda json: answer(204, None)),
            "GET /api/posts/1 after it was deleted answered 200 instead of 404.",
        ),
    ],
)
async def test_a_broken_promise_is_told(override: Override, said: str) -> None:
    evidence, _ = await tried(POSTS, override=override)
    assert evidence[-1].state is StepState.FAILED
    assert said in evidence[-1].detail


async def test_a_silent_app_is_told() -> None:
    def silent(method: str, path: str, json: Any) -> ProbeAnswer | None:
        raise NotHealthy("no answer within 10.0 s")

    evidence, _ = await tried(POSTS, override=silent)
    assert evidence[-1].detail == "GET /api/posts got no answer: no answer within 10.0 s"


async def test_an_id_cannot_lead_to_another_path() -> None:
    def override(method: str, path: str, json: Any) -> ProbeAnswer | None:
        return answer(201, {"id": "../../healthz"}) if method == "POST" and json.get("title") == "Example 1" else None

    _, prober = await tried(POSTS, override=override)
    assert prober.asked[-1] == ("GET", "/api/posts/..%2F..%2Fhealthz")
