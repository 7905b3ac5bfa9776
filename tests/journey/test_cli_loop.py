"""The loop in a terminal: every command as a process of its own, against a running Nexus and without one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import jwt
import pytest

from tests.support.nexus import Nexus, Ran, User, left_over, until

Another = Callable[..., Awaitable[Nexus]]


@pytest.fixture(scope="module")
async def tasks(warm: Nexus) -> Ran:
    """``nexus build … --yes`` from the words to the live app."""
    ran = await warm.run("build", "a todo app with due dates", "--framework", "express", "--name", "cli-tasks", "--yes")
    ran.ok()
    return ran


async def titles(nexus: Nexus, slug: str) -> list[str]:
    return [record["title"] for record in (await nexus.app(slug, "GET", "/api/todos")).ok()]


async def add(nexus: Nexus, slug: str, title: str) -> None:
    (await nexus.app(slug, "POST", "/api/todos", {"title": title})).ok(201)


async def test_build_yes_shows_the_progress_the_files_the_evidence_the_url_the_database_and_the_log(
    warm: Nexus, tasks: Ran
) -> None:
    for shown in (
        "server.js",
        "migrations",
        "create, read, update, delete",
        f"http://cli-tasks.localhost:{warm.port}",
        "127.0.0.1:",
        "_app",
        "Listening on",
        "approved by You",
    ):
        assert shown in tasks.out, shown
    assert tasks.out.index("Install") < tasks.out.index("approved by You") < tasks.out.index(f"cli-tasks.localhost:{warm.port}")
    assert "postgresql://" not in tasks.out
    assert "\x1b[" not in tasks.out, "no colours and no cursor in a pipe"
    assert all(line == line.rstrip() for line in tasks.out.splitlines())
    assert 200 == (await warm.app("cli-tasks", "GET", "/healthz")).status


async def test_build_without_yes_and_without_a_terminal_leaves_it_for_review(warm: Nexus) -> None:
    ran = await warm.run("build", "a list of cards", "--framework", "express", "--name", "cli-cards")
    assert 0 == ran.code
    assert "Left for review" in ran.out
    assert 404 == (await warm.app("cli-cards", "GET", "/")).status
    deployed = await warm.run("deploy", "cli-cards")
    assert "http://cli-cards.localhost" in deployed.ok()
    assert 200 == (await warm.app("cli-cards", "GET", "/healthz")).status
    assert 2 == (await warm.run("deploy", "cli-cards")).code, "nothing waits any more"


async def test_list_show_files_db_usage_and_logs_tell_of_the_app(warm: Nexus, tasks: Ran) -> None:
    await warm.app("cli-tasks", "GET", "/api/todos?q=seen-in-the-terminal")
    listed = (await warm.run("list")).ok()
    assert re.search(r"cli-tasks\s+live\s+v\d", listed)
    assert all(line == line.rstrip() for line in listed.splitlines())
    shown = (await warm.run("show", "cli-tasks")).ok()
    assert "express" in shown
    assert "v1" in shown
    assert "server.js" in (await warm.run("files", "cli-tasks")).ok()
    assert "import express" in (await warm.run("files", "cli-tasks", "server.js")).ok()
    database = (await warm.run("db", "cli-tasks")).ok()
    assert "127.0.0.1:" in database
    assert "postgresql://" not in database
    assert "MB" in (await warm.run("usage", "cli-tasks")).ok()
    assert "seen-in-the-terminal" in (await warm.run("logs", "cli-tasks")).ok()


async def test_logs_follow_prints_lines_as_they_come(warm: Nexus, tasks: Ran) -> None:
    process = await warm.spawn("logs", "-f", "cli-tasks", "--data", str(warm.data))
    assert process.stdout is not None
    said = b""
    try:
        async with asyncio.timeout(60):
            while b"Listening on" not in said:
                said += await process.stdout.read(4096)
            while b"while-following" not in said:
                await warm.app("cli-tasks", "GET", "/api/todos?q=while-following")
                with contextlib.suppress(TimeoutError):
                    said += await asyncio.wait_for(process.stdout.read(4096), 0.5)
    finally:
        process.send_signal(signal.SIGINT)
        await process.communicate()
    assert process.returncode == 130


async def test_change_rollback_code_and_rollback_with_data(warm: Nexus, tasks: Ran) -> None:
    await add(warm, "cli-tasks", "before")
    changed = await warm.run("change", "cli-tasks", "add a priority field", "--yes")
    assert "v2" in changed.ok()
    assert ["before"] == await titles(warm, "cli-tasks")
    await add(warm, "cli-tasks", "after")
    assert "v3" in (await warm.run("rollback", "cli-tasks", "v1")).ok()
    assert {"before", "after"} == set(await titles(warm, "cli-tasks"))
    assert "v4" in (await warm.run("rollback", "cli-tasks", "v1", "--with-data")).ok()
    assert ["before"] == await titles(warm, "cli-tasks"), "what came after the change is gone, what came before is there"
    refused = await warm.run("rollback", "cli-tasks", "v99")
    assert 2 == refused.code
    assert "no release v99" in refused.out


async def test_a_change_that_is_not_approved_is_left_for_review(warm: Nexus, tasks: Ran) -> None:
    ran = await warm.run("change", "cli-cards", "add a colour field")
    assert "Left for review" in ran.ok()
    assert "review" not in (await warm.run("show", "cli-tasks")).ok().splitlines()[0].casefold()


async def test_settings_are_set_listed_by_name_and_unset(warm: Nexus, tasks: Ran) -> None:
    done = await warm.run("env", "set", "cli-tasks", "API_KEY=se cret'value", "MODE=fast")
    assert "se cret" not in done.ok()
    listed = (await warm.run("env", "list", "cli-tasks")).ok()
    assert "API_KEY" in listed
    assert "MODE" in listed
    assert "se cret" not in listed
    (await warm.run("env", "unset", "cli-tasks", "MODE")).ok()
    assert "MODE" not in (await warm.run("env", "list", "cli-tasks")).ok()
    assert 200 == (await warm.app("cli-tasks", "GET", "/healthz")).status
    refused = await warm.run("env", "set", "cli-tasks", "DATABASE_URL=x")
    assert 2 == refused.code
    assert "platform" in refused.out


async def test_stop_start_and_restart(warm: Nexus, tasks: Ran) -> None:
    (await warm.run("stop", "cli-tasks")).ok()
    assert 503 == (await warm.app("cli-tasks", "GET", "/")).status
    assert 2 == (await warm.run("stop", "cli-tasks")).code
    (await warm.run("start", "cli-tasks")).ok()
    assert 200 == (await warm.app("cli-tasks", "GET", "/healthz")).status
    (await warm.run("restart", "cli-tasks")).ok()
    assert ["before"] == await titles(warm, "cli-tasks")


async def test_delete_asks_and_with_yes_deletes(warm: Nexus, tasks: Ran) -> None:
    asked = await warm.run("delete", "cli-cards")
    assert 2 == asked.code
    assert "Nothing was deleted" in asked.out
    assert 200 == (await warm.app("cli-cards", "GET", "/healthz")).status
    assert "snapshot" in (await warm.run("delete", "cli-cards", "--yes")).ok()
    assert 404 == (await warm.app("cli-cards", "GET", "/")).status
    assert "cli-cards" not in (await warm.run("list")).ok()


async def test_an_app_that_is_not_there_is_said_with_a_near_name(warm: Nexus, tasks: Ran) -> None:
    ran = await warm.run("show", "cli-task")
    assert 2 == ran.code
    assert "cli-tasks" in ran.out


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["build", ""], "sentence"),
        (["build", "x" * 10_001], "10,000"),
        (["build", "a todo app", "--framework", "rails"], "express"),
        (["build", "a todo app", "--name", "☃"], "letter or digit"),
        (["build", "a todo app", "--provider", "openai"], "starter"),
    ],
)
async def test_what_cannot_be_built_is_refused_with_the_reason(warm: Nexus, argv: list[str], word: str) -> None:
    ran = await warm.run(*argv, "--yes")
    assert 2 == ran.code, ran
    assert word in " ".join((ran.out + ran.err).split())
    assert "Traceback" not in ran.out + ran.err


async def test_token_prints_the_token_and_nothing_else(warm: Nexus) -> None:
    ran = await warm.run("token", "alice")
    assert 0 == ran.code
    assert "" == ran.err
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", ran.out)
    assert "alice" == jwt.decode(ran.out.strip(), options={"verify_signature": False})["sub"]
    assert 200 == (await User(warm, "alice", ran.out.strip()).get("/api/v1/apps")).status


async def test_signin_prints_a_link_that_works_once(warm: Nexus) -> None:
    link = (await warm.run("signin")).ok().strip()
    assert link.startswith(f"http://localhost:{warm.port}/signin?token=")
    assert 303 == (await warm.request("GET", link.removeprefix(warm.url))).status


async def test_a_second_up_says_that_one_is_running_and_where(warm: Nexus) -> None:
    ran = await warm.run("up", "--port", "0")
    assert 1 == ran.code
    assert f"already running at http://localhost:{warm.port}" in " ".join(ran.out.split())
    assert 200 == (await warm.user().get("/api/v1/apps")).status, "the first one is unharmed"


async def test_a_port_that_is_taken_is_said_with_the_way_out_and_leaves_nothing(another: Another) -> None:
    nexus = await another()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ran = await nexus.run("up", "--port", str(other.getsockname()[1]))
    assert 1 == ran.code
    assert "--port" in ran.out
    assert "Traceback" not in ran.out
    assert [] == left_over(nexus.data)


async def test_a_data_folder_of_a_newer_nexus_is_left_alone(another: Another) -> None:
    nexus = await another()
    file = nexus.folder.root / "format"
    file.write_text("99\n")
    for argv in (["up"], ["list"], ["token", "x"], ["build", "x", "--yes"]):
        ran = await nexus.run(*argv)
        assert 1 == ran.code, argv
        assert "newer Nexus" in " ".join((ran.out + ran.err).split())
    assert "99\n" == file.read_text()
    file.write_text("1\n")
    assert not (nexus.folder.root / "postgres").exists()


async def test_a_folder_that_holds_something_else_is_left_alone(another: Another) -> None:
    nexus = await another()
    other = nexus.base / "photos"
    other.mkdir()
    (other / "cat.jpg").write_bytes(b"meow")
    process = await nexus.spawn("up", "--data", str(other))
    out, _ = await process.communicate()
    assert 1 == process.returncode
    assert "something else" in " ".join(out.decode().split())
    assert ["cat.jpg"] == os.listdir(other)


async def test_doctor_says_what_is_found_and_its_exit_code_what_is_missing(warm: Nexus, another: Another) -> None:
    fresh = await another()
    good = await fresh.run("doctor", "--port", "0")
    assert 0 == good.code, good.out
    for part in ("Postgres", "Caddy", "Node", "uv"):
        assert part.casefold() in good.out.casefold(), part
    file = fresh.folder.root / "format"
    file.write_text("99\n")
    bad = await fresh.run("doctor", "--port", "0")
    file.write_text("1\n")
    assert 1 == bad.code
    assert "newer" in bad.out


async def test_a_setting_that_is_not_usable_is_named(another: Another) -> None:
    nexus = await another()
    ran = await nexus.run("up", NEXUS_BUILDS="many")
    assert 1 == ran.code
    assert "NEXUS_BUILDS" in ran.out + ran.err
    assert "Traceback" not in ran.out + ran.err


async def test_a_build_without_a_running_nexus_starts_one_for_the_time_and_leaves_no_process(another: Another) -> None:
    nexus = await another()
    built = await nexus.run(
        "build", "a list of stones", "--framework", "express", "--yes", "--port", str(nexus.port), seconds=240
    )
    assert "http://stones.localhost" in built.ok()
    assert [] == left_over(nexus.data)
    listed = await nexus.run("list", "--port", "0")
    assert "stones" in listed.ok()
    assert [] == left_over(nexus.data)
    await nexus.up()
    assert 200 == (await nexus.app("stones", "GET", "/healthz")).status, "its app is there again"
    await nexus.down()


async def test_up_prints_the_address_and_a_link_that_signs_in_and_ctrl_c_stops_it_all(another: Another) -> None:
    nexus = await (await another()).up()
    link = re.search(r"http://\S+/signin\?token=\S+", nexus.said)
    assert link is not None
    assert f"http://localhost:{nexus.port}" in nexus.said
    assert 303 == (await nexus.request("GET", link[0].removeprefix(nexus.url))).status
    assert nexus.process is not None
    nexus.process.send_signal(signal.SIGINT)
    ended = nexus.process
    async with asyncio.timeout(30):
        assert 0 == await ended.wait()
    assert [] == left_over(nexus.data)
    nexus.process = None


async def test_a_person_at_a_terminal_is_asked_and_may_say_no(warm: Nexus) -> None:
    code, said = await _in_a_terminal(
        warm, ["build", "a list of boats", "--framework", "express", "--name", "cli-boats"], {"Approve and deploy?": "n\n"}
    )
    assert 0 == code
    assert "Left for review" in said
    assert 404 == (await warm.app("cli-boats", "GET", "/")).status
    code, said = await _in_a_terminal(warm, ["delete", "cli-boats"], {"Type cli-boats": "cli-boats\n"})
    assert 0 == code
    assert "cli-boats" not in (await warm.run("list")).ok()


async def _in_a_terminal(nexus: Nexus, argv: list[str], answers: dict[str, str]) -> tuple[int, str]:
    """The command with a pseudo-terminal; what it asks is answered."""
    ours, theirs = os.openpty()
    said: list[str] = []
    clean: dict[str, Any] = {**os.environ, **nexus.env, "TERM": "xterm", "COLUMNS": "140"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *argv, "--data", str(nexus.data)),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=clean,
        start_new_session=True,
    )
    os.close(theirs)
    os.set_blocking(ours, False)
    loop = asyncio.get_running_loop()

    def read() -> None:
        try:
            said.append(os.read(ours, 65536).decode(errors="replace"))
        except OSError:
            loop.remove_reader(ours)

    loop.add_reader(ours, read)

    async def asked(question: str) -> bool:
        return question in "".join(said)

    try:
        for question, answer in answers.items():
            await until(lambda question=question: asked(question), seconds=90, what=question)  # type: ignore[misc]
            os.write(ours, answer.encode())
        async with asyncio.timeout(60):
            code = await process.wait()
    finally:
        loop.remove_reader(ours)
        os.close(ours)
        if process.returncode is None:
            process.kill()
            await process.wait()
    return code, "".join(said)
