"""Servers of one's own: each lacks something else, and each still writes an app or says why not."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace

import pytest

from adapters.models.calls import CallLimits
from adapters.models.compatible import CompatibleModel
from core.files import FileTree
from core.generation.model import Brief, Complete, Failed, Partial, Refused, Writing
from core.generation.pipeline import Done, Pipeline
from core.words.attachment import Attachment
from tests.support.model_server import (
    FAST,
    LOGIN_PAGE,
    OVERLOADED,
    SERVER_ERROR,
    Error,
    Habits,
    ModelServer,
    Reply,
    planning,
    saying,
    writing,
)
from tests.support.tiny_framework import FILES, TinyFramework, tiny, todo_plan

Makers = Callable[..., CompatibleModel]
BRIEF = Brief(description="a todo app")
PLAN = planning(todo_plan())
WRITING = Writing(brief=BRIEF, plan=todo_plan(), files=todo_plan().files, tree=TinyFramework().scaffold())
OLD = Habits(json_schema=False, json_object=False, stream_options=False, index=False, usage=False)


def formats(server: ModelServer) -> list[str]:
    return [body.get("response_format", {"type": "none"})["type"] for body in server.requests]


@pytest.mark.parametrize(
    "habits",
    [
        Habits(),
        Habits(json_schema=False),
        Habits(json_schema=False, json_object=False),
        Habits(index=False, usage=False),
        Habits(stream_options=False),
        Habits(streams=False),
        Habits(finish=False),
        OLD,
    ],
    ids=["all", "no schema", "no format", "no index, no usage", "no stream options", "no streaming", "no reason", "none of it"],
)
@pytest.mark.parametrize("by_byte", [False, True], ids=["in pieces", "split at every byte"])
async def test_a_build_is_finished_whatever_the_server_lacks(
    maker_of: Makers, server: ModelServer, habits: Habits, by_byte: bool
) -> None:
    server.script(plans=[replace(PLAN, by_byte=by_byte)], files=[writing(FILES, by_byte=by_byte)], habits=habits)
    done = await Pipeline(tiny).generate(maker_of("compatible"), BRIEF, lambda event: None)
    assert isinstance(done, Done)
    assert {path: done.tree[path] for path in FILES} == dict(FILES)


async def test_what_is_refused_is_left_out_at_once_and_remembered(maker_of: Makers, server: ModelServer) -> None:
    server.script(plans=[PLAN], habits=OLD)
    model = maker_of("compatible", limits=CallLimits(tries=1, backoff=60))
    assert isinstance(await model.plan(BRIEF), Complete)
    before = len(server.requests)
    assert formats(server)[-1] == "none"
    assert isinstance(await model.plan(BRIEF), Complete)
    assert len(server.requests) == before + 1
    assert "stream_options" not in server.requests[-1]


async def test_another_model_of_the_server_is_asked_anew(maker_of: Makers, server: ModelServer) -> None:
    server.script(plans=[PLAN], habits=OLD)
    model = maker_of("compatible")
    await model.plan(BRIEF)
    server.script(plans=[PLAN])
    assert isinstance(await model.named("tiny").plan(BRIEF), Complete)
    assert formats(server) == ["json_schema"]
    assert server.requests[0]["model"] == "tiny"


async def test_a_format_that_is_ignored_is_asked_for_in_weaker_ways(maker_of: Makers, server: ModelServer) -> None:
    server.script(plans=[saying("Sure! A todo app needs…"), saying("# Plan"), PLAN])
    assert isinstance(await maker_of("compatible").plan(BRIEF), Complete)
    assert formats(server) == ["json_schema", "json_object", "none"]
    assert all("JSON schema" in prompt for prompt in server.prompts)


async def test_a_plan_in_a_fence_after_thinking_is_a_plan(maker_of: Makers, server: ModelServer) -> None:
    text = f"<think>Maybe {{}}?</think>Here:\n```json\n{todo_plan().model_dump_json()}\n```\nGood luck!"
    server.script(plans=[saying(text)])
    outcome = await maker_of("compatible").plan(BRIEF)
    assert isinstance(outcome, Complete)
    assert outcome.value == todo_plan()


@pytest.mark.parametrize("thinking", ["apart", "aloud"])
async def test_what_a_model_thinks_is_no_part_of_its_files(maker_of: Makers, server: ModelServer, thinking: str) -> None:
    whole = writing(FILES).text
    thought = "Let me <<<file:0123456789abcdef app/no.py>>>\nthink\n<<<end:0123456789abcdef>>>\n"
    aloud = Reply(text=lambda nonce: f"<think>{thought}</think>\n{whole(nonce)}")
    server.script(files=[aloud if thinking == "aloud" else Reply(text=whole, thinking=thought)])
    items = [item async for item in maker_of("compatible").write(WRITING, "0123456789abcdef")]
    assert "".join(items[:-1]).strip() == whole("0123456789abcdef").strip()  # type: ignore[arg-type]
    assert isinstance(items[-1], Complete)


async def test_the_first_model_that_the_server_names_is_taken_when_none_is_set(maker_of: Makers, server: ModelServer) -> None:
    server.script(plans=[PLAN], habits=Habits(models=("local-7b", "other")))
    model = maker_of("compatible", model="")
    assert model.name == "compatible"
    await model.plan(BRIEF)
    assert server.requests[0]["model"] == model.name == "local-7b"


async def test_a_model_that_is_named_by_its_file_is_called_by_the_files_name_alone(maker_of: Makers, server: ModelServer) -> None:
    server.script(plans=[PLAN], habits=Habits(models=("/srv/models/tiny.gguf",)))
    model = maker_of("compatible", model="")
    assert isinstance(await model.plan(BRIEF), Complete)
    assert server.requests[0]["model"] == "/srv/models/tiny.gguf"
    assert model.name == "tiny.gguf"


async def test_a_server_that_names_no_model_is_told(maker_of: Makers, server: ModelServer) -> None:
    server.script(plans=[PLAN], habits=Habits(models=()))
    outcome = await maker_of("compatible", model="").plan(BRIEF)
    assert isinstance(outcome, Failed)
    assert server.requests == []


async def test_a_token_limit_over_the_window_is_left_out(maker_of: Makers, server: ModelServer) -> None:
    server.script(plans=[PLAN], files=[writing(FILES)], habits=Habits(window=20_000))
    done = await Pipeline(tiny).generate(maker_of("compatible"), BRIEF, lambda event: None)
    assert isinstance(done, Done)
    assert "max_tokens" not in server.requests[-1]


async def test_a_request_over_the_window_is_too_large_and_says_what_to_do(maker_of: Makers, server: ModelServer) -> None:
    server.script(plans=[PLAN], habits=Habits(window=500))
    outcome = await maker_of("compatible").plan(BRIEF)
    assert isinstance(outcome, Failed)
    assert not outcome.retryable
    assert "larger than" in outcome.reason
    assert "context window" in outcome.reason
    assert "500 tokens" in outcome.reason
    assert outcome.outage == ""


async def test_an_answer_at_the_length_limit_is_partial_and_a_filter_is_a_refusal(maker_of: Makers, server: ModelServer) -> None:
    for stop, kind in (("length", Partial), ("filter", Refused), ("missing", Partial)):
        server.script(files=[saying("half", stop=stop)])
        items = [item async for item in maker_of("compatible").write(WRITING, "ab")]
        assert isinstance(items[-1], kind)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"error": {"message": "model is loading", "code": 503}}', "is overloaded"),
        ('{"error": "something broke"}', "an error of its own"),
        ('{"object": "list"}', "could not be read"),
        ("[]", "could not be read"),
        ("<html>", "could not be read"),
        ('{"choices": ["x"]}', "could not be read"),
    ],
)
async def test_an_error_with_status_200_is_an_error(maker_of: Makers, server: ModelServer, body: str, words: str) -> None:
    server.script(plans=[Reply(raw=(200, "application/json", body))])
    outcome = await maker_of("compatible").plan(BRIEF)
    assert isinstance(outcome, Failed)
    assert words in outcome.reason
    assert outcome.usage.calls == len(server.requests) == FAST.tries


async def test_an_error_inside_the_stream_is_recognised(maker_of: Makers, server: ModelServer) -> None:
    server.script(files=[saying("x" * 100, error=OVERLOADED, error_after=2)])
    items = [item async for item in maker_of("compatible").write(WRITING, "ab")]
    assert isinstance(items[-1], Failed)
    assert "overloaded" in items[-1].reason


async def test_a_login_page_of_a_network_is_not_taken_for_an_answer(maker_of: Makers, server: ModelServer) -> None:
    server.script(plans=[LOGIN_PAGE])
    outcome = await maker_of("compatible").plan(BRIEF)
    assert isinstance(outcome, Failed)
    assert "check the base URL" in outcome.reason


async def test_pictures_are_shown_where_they_can_be_seen_and_left_out_with_a_note_where_not(
    maker_of: Makers, server: ModelServer
) -> None:
    picture = Attachment(name="sketch.png", media_type="image/png", data=b"\x89PNG\r\n\x1a\nx")
    brief = replace(BRIEF, attachments=(picture,))
    server.script(plans=[PLAN])
    assert isinstance(outcome := await maker_of("compatible").plan(brief), Complete)
    assert base64.b64encode(picture.data).decode() in str(server.requests[0])
    assert outcome.notes in ((), [])
    server.script(plans=[PLAN], files=[writing(FILES)], habits=Habits(pictures=False))
    model = maker_of("compatible")
    assert isinstance(outcome := await model.plan(brief), Complete)
    assert "'sketch.png' was left out" in outcome.notes[0]
    assert len(server.requests) == 2
    stream = model.write(replace(WRITING, brief=brief, written=FileTree({})), "ab")
    last = [item async for item in stream][-1]
    assert isinstance(last, Complete)
    assert "'sketch.png' was left out" in last.notes[0]
    assert len(server.requests) == 3  # it is known now
    assert isinstance(server.requests[-1]["messages"][1]["content"], str)


async def test_an_error_about_something_else_does_not_cost_the_pictures(maker_of: Makers, server: ModelServer) -> None:
    picture = Attachment(name="a.png", media_type="image/png", data=b"\x89PNG\r\n\x1a\nx")
    server.script(plans=[Reply(error=SERVER_ERROR), PLAN])
    outcome = await maker_of("compatible").plan(replace(BRIEF, attachments=(picture,)))
    assert isinstance(outcome, Complete)
    assert not outcome.notes
    assert "image_url" in str(server.requests[-1])


async def test_an_unknown_path_is_told_with_what_the_setting_should_be(maker_of: Makers, server: ModelServer) -> None:
    outcome = await maker_of("compatible", base_url=server.origin).plan(BRIEF)
    assert isinstance(outcome, Failed)
    assert "is not its API" in outcome.reason
    assert "ends in /v1" in outcome.reason


async def test_openai_at_a_server_without_the_responses_api_is_told_where_it_belongs(
    maker_of: Makers, server: ModelServer
) -> None:
    outcome = await maker_of("openai", base_url=f"{server.origin}/elsewhere").plan(BRIEF)
    assert isinstance(outcome, Failed)
    assert "COMPATIBLE_BASE_URL" in outcome.reason
    assert not outcome.retryable


async def test_a_key_is_sent_where_one_is_set_and_never_told(maker_of: Makers, server: ModelServer) -> None:
    server.script(plans=[PLAN], habits=Habits(wants_key=True))
    assert isinstance(await maker_of("compatible").plan(BRIEF), Complete)
    outcome = await maker_of("compatible", key="sk-another").plan(BRIEF)
    assert isinstance(outcome, Failed)
    assert "COMPATIBLE_API_KEY" in outcome.reason
    assert "sk-another" not in outcome.reason


async def test_an_error_that_a_weaker_format_would_not_mend_is_not_asked_about_again(
    maker_of: Makers, server: ModelServer
) -> None:
    error = Error(status=401, openai="invalid_api_key", anthropic="", message="no")
    server.script(plans=[Reply(error=error)])
    await maker_of("compatible").plan(BRIEF)
    assert len(server.requests) == 1
