"""A full disk: a clear answer, nothing lost, and everything goes on when there is room again."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.nexus import Nexus, left_over, new_nexus, until

DISK_MB = 900


@contextlib.contextmanager
def small_disk(where: Path) -> Iterator[None]:
    """A file system of its own, of `DISK_MB`. Only root can make one."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=755", "nexus-test", str(where)], capture_output=True, text=True
    )
    if done.returncode != 0:
        pytest.skip(f"no right to mount a small file system here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(where)], check=True)


@pytest.fixture
async def small(warm: Nexus) -> AsyncIterator[Nexus]:
    """A Nexus on a small disk."""
    made = new_nexus()
    try:
        with small_disk(made.base):
            made.take_over(warm)
            try:
                yield await made.up()
                await made.down()
            finally:
                _filler(made).unlink(missing_ok=True)
                if made.process is not None:
                    await made.down()
                assert [] == left_over(made.data)
    finally:
        await made.close()


def _filler(nexus: Nexus) -> Path:
    return nexus.base / "filler"


def fill(nexus: Nexus, *, but_mb: float) -> None:
    """Take all room but this much."""
    free = shutil.disk_usage(nexus.base).free - int(but_mb * 2**20)
    with open(_filler(nexus), "ab") as file:
        os.posix_fallocate(file.fileno(), 0, file.tell() + free)


async def test_a_full_disk_is_said_and_nothing_is_lost(small: Nexus) -> None:
    alice = small.user("alice")
    await alice.live("kept")
    (await small.app("kept", "POST", "/api/todos", {"title": "before"})).ok(201)

    fill(small, but_mb=40)
    problem = await alice.post(
        "/api/ai/generate/app", {"description": "a list of x", "framework": "express", "app_name": "no-room"}
    )
    assert problem.status in {422, 503}, problem
    assert "full" in problem.json["detail"]
    assert "ree some" in problem.json["detail"]
    assert ["before"] == [todo["title"] for todo in (await small.app("kept", "GET", "/api/todos")).ok()], "what is live goes on"

    fill(small, but_mb=0)

    async def nothing_is_written_any_more() -> bool:
        try:
            return (await small.app("kept", "POST", "/api/todos", {"title": "x" * 400})).status >= 500
        except aiohttp.ClientError:
            return True

    await until(nothing_is_written_any_more, what="Postgres has nothing left to write on")
    answer = await alice.post("/api/ai/generate/app", {"description": "a list of y", "framework": "express"})
    assert 503 == answer.status, answer

    _filler(small).unlink()

    async def works_again() -> bool:
        answer = await small.app("kept", "GET", "/api/todos?q=before")
        return answer.status == 200 and ["before"] == [todo["title"] for todo in answer.json]

    await until(works_again, what="the app has its data again")

    async def builds_again() -> bool:
        body = {"description": "a list of z", "framework": "express", "app_name": "room-again"}
        return (await alice.post("/api/ai/generate/app", body)).status in {200, 409}

    await until(builds_again, what="builds are made again")
    assert "live" == (await alice.get("/api/v1/apps/kept")).ok()["state"]


async def test_up_on_a_full_disk_says_so_and_leaves_what_is_there(small: Nexus) -> None:
    alice = small.user("alice")
    await alice.live("there")
    (await small.app("there", "POST", "/api/todos", {"title": "before"})).ok(201)
    await small.down()
    fill(small, but_mb=5)
    ran = await small.run("up", "--port", "0")
    assert 1 == ran.code
    assert "free some space" in " ".join(ran.out.split())
    assert "Traceback" not in ran.out
    assert [] == left_over(small.data)
    _filler(small).unlink()
    await small.up()
    assert ["before"] == [todo["title"] for todo in (await small.app("there", "GET", "/api/todos")).ok()]
