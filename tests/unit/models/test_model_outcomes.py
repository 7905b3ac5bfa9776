"""Every scripted behaviour of a vendor, through its real SDK and the pipeline: which outcome, and what the person is told."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
import tempfile
import typing
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import anthropic.types
import openai.types
import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.models.calls import CallLimits
from adapters.models.defaults import ANTHROPIC_MODEL, OPENAI_MODEL
from adapters.models.streaming import StreamingModel
from core.generation.model import Brief, Complete, Failed, Partial, Writing
from core.generation.pipeline import Done, Ended, Generated, Pipeline
from core.generation.progress import FileWriting, Progress, Retrying
from tests.support.model_server import (
    FAST,
    GIT_CLONE,
    KEY,
    LOGIN_PAGE,
    NO_CREDIT,
    OVERLOADED,
    PROXY_PAGE,
    RATE_LIMITED,
    RATE_LIMITED_LONG,
    SERVER_ERROR,
    Error,
    Habits,
    ModelServer,
    Reply,
    chatty,
    fenced,
    planning,
    saying,
    writing,
)
from tests.support.tiny_framework import FILES, ROUTES, tiny, todo_plan

Maker = Callable[..., StreamingModel]
BRIEF = Brief(description="a todo app")
PLAN = planning(todo_plan())
LAST = {"app/routes.py": ROUTES}


async def build(model: StreamingModel, events: list[Progress] | None = None) -> Generated:
    return await Pipeline(tiny).generate(model, BRIEF, (events if events is not None else []).append)


def told(generated: Generated) -> tuple[str, str]:
    assert isinstance(generated, Ended)
    return generated.kind, generated.reason


# -- what works -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        writing(FILES),
        writing(FILES, piece=1),
        writing(FILES, by_byte=True),
        writing(FILES, pause=0.002),
        fenced(FILES),
        chatty(FILES),
    ],
    ids=["good", "one character at a time", "split at every byte", "slow", "fenced", "chatty"],
)
async def test_an_answer_in_any_of_these_shapes_is_an_app(make: Maker, server: ModelServer, reply: Reply) -> None:
    server.script(plans=[replace(PLAN, by_byte=reply.by_byte)], files=[reply])
    done = await build(make())
    assert isinstance(done, Done)
    assert {path: done.tree[path] for path in FILES} == dict(FILES)


async def test_tokens_of_both_calls_are_counted(make: Maker, server: ModelServer) -> None:
    server.script(plans=[PLAN], files=[writing(FILES)])
    done = await build(make())
    assert isinstance(done, Done)
    assert (done.usage.input_tokens, done.usage.output_tokens, done.usage.calls) == (240, 60, 2)


async def test_text_in_any_script_survives_however_the_bytes_are_cut(make: Maker, server: ModelServer) -> None:
    files = {**FILES, "app/routes.py": "# 待办事项 ✅ тест &lt; \\u0041\n"}
    server.script(plans=[PLAN], files=[writing(files, by_byte=True, piece=3)])
    done = await build(make())
    assert isinstance(done, Done)
    assert done.tree["app/routes.py"] == files["app/routes.py"]


# -- what is cut off ------------------------------------------------------------------------------------------------------------------


async def test_a_plan_that_is_cut_at_the_limit_is_asked_for_once_more_with_more_room(make: Maker, server: ModelServer) -> None:
    server.script(plans=[saying('{"name": "To', stop="length"), PLAN], files=[writing(FILES)])
    assert isinstance(await build(make()), Done)
    tokens = [body["max_tokens"] if "max_tokens" in body else body["max_output_tokens"] for body in server.requests]
    assert tokens[1] == 2 * tokens[0]


async def test_a_plan_that_is_always_cut_is_partial(make: Maker, server: ModelServer) -> None:
    server.script(plans=[saying('{"name": "To', stop="length")])
    kind, reason = told(await build(make()))
    assert kind == "partial"
    assert "length limit" in reason


async def test_a_file_that_is_cut_at_the_limit_is_asked_for_again_alone(make: Maker, server: ModelServer) -> None:
    cut = Reply(text=lambda nonce: writing(FILES).text(nonce)[:-40], stop="length")
    server.script(plans=[PLAN], files=[cut, writing(LAST)])
    events: list[Progress] = []
    assert isinstance(await build(make(), events), Done)
    assert ["length limit" in event.reason for event in events if isinstance(event, Retrying)] == [True]


async def test_a_connection_that_drops_in_the_middle_is_continued(make: Maker, server: ModelServer) -> None:
    server.script(plans=[PLAN], files=[writing(FILES, cut_after=9), writing(FILES)])
    assert isinstance(await build(make()), Done)


async def test_a_connection_that_always_drops_in_the_middle_is_partial(make: Maker, server: ModelServer) -> None:
    server.script(plans=[PLAN], files=[writing(LAST, cut_after=3)])
    kind, reason = told(await build(make()))
    assert kind == "partial"
    assert "broke off" in reason


async def test_a_stream_that_ends_without_its_last_event_is_not_taken_for_whole(make: Maker, server: ModelServer) -> None:
    server.script(files=[writing(FILES, stop="missing")])
    assert isinstance(await last_item(make()), Partial)


async def test_a_connection_that_drops_before_the_first_word_is_tried_again(make: Maker, server: ModelServer) -> None:
    server.script(plans=[replace(PLAN, cut_after=0), PLAN], files=[writing(FILES, cut_after=0), writing(FILES)])
    assert isinstance(await build(make()), Done)


# -- what is no app -------------------------------------------------------------------------------------------------------------------


async def test_shell_commands_in_place_of_files_end_with_what_was_said(make: Maker, server: ModelServer) -> None:
    server.script(plans=[PLAN], files=[GIT_CLONE])
    kind, reason = told(await build(make()))
    assert kind == "failed"
    assert "text instead of files" in reason
    assert "git clone" in reason


@pytest.mark.parametrize("where", ["plan", "files"])
@pytest.mark.parametrize("stop", ["refusal", "filter"])
async def test_a_refusal_is_told_as_one(make: Maker, server: ModelServer, where: str, stop: str) -> None:
    no = saying("" if where == "plan" else "I was ab", stop=stop)
    server.script(plans=[no if where == "plan" else PLAN], files=[no])
    kind, reason = told(await build(make()))
    assert kind == "refused"
    assert "declined" in reason
    assert "other words" in reason


async def test_a_plan_that_is_not_valid_is_corrected_once(make: Maker, server: ModelServer) -> None:
    server.script(plans=[saying('{"name": "T"}'), PLAN], files=[writing(FILES)])
    assert isinstance(await build(make()), Done)
    assert "not a usable plan" in str(server.requests[1])


async def test_a_plan_that_is_never_valid_fails_with_what_is_wrong(make: Maker, server: ModelServer) -> None:
    server.script(plans=[saying("Sure, here is the plan!")])
    kind, reason = told(await build(make()))
    assert kind == "failed"
    assert "not usable" in reason
    assert len(server.requests) in (2, 3)  # a server of one's own may have ignored how it was asked


# -- what the vendor does -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OVERLOADED, RATE_LIMITED, SERVER_ERROR], ids=["overloaded", "rate limited", "server error"])
async def test_a_passing_fault_is_tried_again(make: Maker, server: ModelServer, error: Error) -> None:
    server.script(plans=[Reply(error=error), PLAN], files=[Reply(error=error), Reply(error=error), writing(FILES)])
    done = await build(make())
    assert isinstance(done, Done)
    assert done.usage.calls == len(server.requests) == 5


@pytest.mark.parametrize(
    ("error", "words"),
    [(OVERLOADED, "is overloaded"), (RATE_LIMITED, "accepts no more requests"), (SERVER_ERROR, "an error of its own")],
)
async def test_a_fault_that_does_not_pass_ends_after_the_tries(
    make: Maker, server: ModelServer, error: Error, words: str
) -> None:
    server.script(plans=[Reply(error=error)])
    kind, reason = told(await build(make()))
    assert kind == "failed"
    assert words in reason
    assert "try again" in reason
    assert len(server.requests) == FAST.tries


async def test_a_wait_beyond_the_deadline_is_not_waited_for(make: Maker, server: ModelServer) -> None:
    server.script(plans=[Reply(error=RATE_LIMITED_LONG)])
    async with asyncio.timeout(10):
        _, reason = told(await build(make()))
    assert "accepts no more requests" in reason
    assert len(server.requests) == 1


async def test_retry_after_is_honoured(make: Maker, server: ModelServer) -> None:
    server.script(plans=[Reply(error=replace(RATE_LIMITED, headers={"retry-after-ms": "300"})), PLAN])
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert isinstance(await make().plan(BRIEF), Complete)
    assert loop.time() - began >= 0.3


async def test_used_up_credit_is_told_and_not_tried_again(make: Maker, server: ModelServer) -> None:
    server.script(plans=[Reply(error=NO_CREDIT)])
    _, reason = told(await build(make()))
    assert "no credit left" in reason
    assert len(server.requests) == 1


@pytest.mark.parametrize("error", [OVERLOADED, SERVER_ERROR, RATE_LIMITED])
async def test_an_error_inside_a_stream_of_status_200_is_recognised(make: Maker, server: ModelServer, error: Error) -> None:
    broken = writing(FILES, error=error, error_after=2)
    server.script(plans=[replace(PLAN, error=error, error_after=2), PLAN], files=[broken, writing(FILES)])
    assert isinstance(await build(make()), Done)
    server.script(files=[broken])
    failed = await last_item(make())
    assert isinstance(failed, Failed)
    assert failed.retryable


async def test_an_event_that_cannot_be_read_is_a_failure_and_no_crash(make: Maker, server: ModelServer) -> None:
    server.script(plans=[replace(PLAN, garbage=True)])
    kind, reason = told(await build(make()))
    assert kind == "failed"
    assert "could not be read" in reason


async def test_a_vendor_that_falls_silent_times_out(make: Maker, server: ModelServer) -> None:
    server.script(plans=[replace(PLAN, hang_after=2)])
    quick = CallLimits(deadline=10.0, silence=0.2, backoff=0.01, tries=2)
    _, reason = told(await build(make(limits=quick)))
    assert "did not answer in time" in reason
    assert len(server.requests) == 2


async def test_the_deadline_ends_a_call_that_trickles_on(make: Maker, server: ModelServer) -> None:
    server.script(plans=[replace(PLAN, piece=1, pause=0.05)])
    _, reason = told(await build(make(limits=CallLimits(deadline=0.4, silence=10.0, tries=3))))
    assert "did not answer in time" in reason
    async with asyncio.timeout(5):
        await server.disconnected.wait()


async def test_a_server_that_is_not_there_is_told(make: Maker) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        _, reason = told(await build(make(base_url=url)))
    assert "cannot be reached" in reason


async def test_an_unknown_model_is_named(make: Maker, server: ModelServer) -> None:
    _, reason = told(await build(make(model="no-such-model")))
    assert "knows no model named no-such-model" in reason
    assert len(server.requests) == 1


async def test_a_wrong_key_is_told_by_its_setting_and_never_shown(make: Maker, server: ModelServer) -> None:
    server.script(habits=Habits(wants_key=True))
    wrong = "sk-wrong-key-that-nobody-may-ever-XYZW"
    model = make(key=wrong)
    with structlog.testing.capture_logs() as logs:
        _, reason = told(await build(model))
    assert "_API_KEY" in reason
    assert len(server.requests) == 1
    for shown in (reason, repr(logs), repr(model), repr(vars(model))):
        assert "sk-wrong" not in shown
        assert wrong[-4:] not in shown


async def test_every_call_leaves_one_line_in_the_log_with_the_vendors_request_id(make: Maker, server: ModelServer) -> None:
    server.script(plans=[Reply(error=OVERLOADED), PLAN])
    with structlog.testing.capture_logs() as logs:
        await make().plan(BRIEF)
    assert [(line["outcome"], line["attempt"], line["request_id"]) for line in logs] == [
        ("overloaded", 1, "req_1"),
        ("end", 2, "req_2"),
    ]


async def test_a_request_that_the_vendor_does_not_accept_says_why(make: Maker, server: ModelServer) -> None:
    error = Error(status=400, openai="invalid_value", anthropic="invalid_request_error", message=f"max_tokens: too many ({KEY})")
    server.script(plans=[Reply(error=error)])
    _, reason = told(await build(make()))
    assert "max_tokens: too many" in reason
    assert KEY not in reason


# -- closing --------------------------------------------------------------------------------------------------------------------------


async def test_cancelling_a_build_closes_the_vendors_response(make: Maker, server: ModelServer) -> None:
    server.script(plans=[PLAN], files=[writing(FILES, hang_after=6)])
    begun = asyncio.Event()

    def listener(event: Progress) -> None:
        if isinstance(event, FileWriting):
            begun.set()

    task = asyncio.create_task(Pipeline(tiny).generate(make(), BRIEF, listener))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):
        await server.disconnected.wait()


def test_the_default_models_are_current_names_of_the_sdks() -> None:
    def names(alias: object) -> set[str]:
        found: set[str] = set()
        for part in typing.get_args(alias):
            found |= {part} if isinstance(part, str) else names(part)
        return found

    assert OPENAI_MODEL in names(openai.types.ChatModel)
    assert ANTHROPIC_MODEL in names(anthropic.types.Model)


async def last_item(model: StreamingModel) -> object:
    plan = todo_plan()
    asked = Writing(brief=BRIEF, plan=plan, files=plan.files, tree=tiny("fastapi").scaffold())
    items = [item async for item in model.write(asked, "0123456789abcdef")]
    assert [item for item in items[:-1] if not isinstance(item, str)] == []
    return items[-1]


# -- what stands between --------------------------------------------------------------------------------------------------------------


async def test_the_page_of_a_proxy_that_fails_is_a_server_error(make: Maker, server: ModelServer) -> None:
    server.script(plans=[PROXY_PAGE, PLAN])
    assert isinstance(await make().plan(BRIEF), Complete)


@pytest.mark.parametrize("status", [403, 404, 407])
async def test_the_page_of_a_proxy_is_not_taken_for_the_vendors_word(make: Maker, server: ModelServer, status: int) -> None:
    server.script(plans=[Reply(raw=(status, "text/html", "<html>no</html>"))])
    _, reason = told(await build(make()))
    assert "is not its API" in reason
    assert "proxy" in reason
    assert "<html>" not in reason
    assert len(server.requests) == 1


async def test_the_login_page_of_a_network_is_not_taken_for_an_answer(make: Maker, server: ModelServer) -> None:
    server.script(plans=[LOGIN_PAGE])
    _, reason = told(await build(make()))
    assert "could not be read" in reason


async def test_a_certificate_that_nobody_vouches_for_ends_the_call_before_anything_is_sent(make: Maker) -> None:
    async with self_signed() as url:
        outcome = await make(base_url=url).plan(BRIEF)
    assert isinstance(outcome, Failed)
    assert "is not secure" in outcome.reason
    assert outcome.usage.calls == 1
    assert outcome.outage


async def test_a_failure_that_another_provider_may_not_have_says_so(make: Maker, server: ModelServer) -> None:
    server.script(plans=[Reply(error=OVERLOADED)])
    outcome = await make().plan(BRIEF)
    assert isinstance(outcome, Failed)
    assert outcome.outage.endswith(" is overloaded")
    unknown = await make(model="no-such-model").plan(BRIEF)
    assert isinstance(unknown, Failed)
    assert unknown.outage == ""


@asynccontextmanager
async def self_signed() -> AsyncIterator[str]:
    """A server whose certificate it made itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    at = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(at).not_valid_after(at + datetime.timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        pem = serialization.PrivateFormat.PKCS8
        file.write(key.private_bytes(serialization.Encoding.PEM, pem, serialization.NoEncryption()))
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
        file.flush()
        context.load_cert_chain(file.name)
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
