"""The README's tour, run as it stands there, on a Nexus of its own; and what it shows is what is seen.

Only the port is another one, ``./nexus`` is this interpreter's, and ``curl`` is played by a few lines of Python, so that the test needs
no other program.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.docs.documents import ROOT, blocks, text

README = text(ROOT / "README.md")
SHOWN_PORT = "8080"

_CURL = """\
import argparse, http.client, json, sys, urllib.parse
reader = argparse.ArgumentParser()
reader.add_argument("url")
reader.add_argument("-H", action="append", default=[])
reader.add_argument("-d")
reader.add_argument("-o")
asked = reader.parse_args()
url = urllib.parse.urlsplit(asked.url)
assert url.hostname == "localhost" or url.hostname.endswith(".localhost")
headers = {"Host": url.netloc, **dict(line.split(": ", 1) for line in asked.H)}
connection = http.client.HTTPConnection("127.0.0.1", url.port, timeout=120)
connection.request("POST" if asked.d else "GET", url.path, asked.d, headers)
answer = connection.getresponse()
body = answer.read().decode()
open(asked.o, "w").write(body) if asked.o else print(body)
sys.exit(f"{asked.url} answered {answer.status}: {body}" if answer.status >= 400 else 0)
"""


class Place:
    """A folder with a running Nexus, in which the tour's commands are typed."""

    def __init__(self, folder: Path, data: Path, port: str) -> None:
        self.folder, self.data, self.port = folder, data, port
        self._program("nexus", f'PYTHONPATH={ROOT} exec {sys.executable} -P -m bot "$@"')
        (folder / "curl.py").write_text(_CURL)
        self._program("curl", f'exec {sys.executable} -I {folder}/curl.py "$@"')

    def _program(self, name: str, line: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    async def type(self, script: str) -> str:
        """Run a block as a shell would, to its first failure; returns what was printed."""
        env = {**os.environ, "NEXUS_DATA": str(self.data), "COLUMNS": "100", "PATH": f"{self.folder}:{os.environ['PATH']}"}
        child = await asyncio.create_subprocess_exec(
            "sh", "-eu", "-c", script.replace(f"localhost:{SHOWN_PORT}", f"localhost:{self.port}"),
            cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        printed, _ = await asyncio.wait_for(child.communicate(), 300)
        assert child.returncode == 0, printed.decode()
        return printed.decode()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A Nexus that was started as the README says, without the keys of whoever runs the tests."""
    data = tmp_path / "data"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", "OPENAI_API_KEY": "", "ANTHROPIC_API_KEY": ""}
    up = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "bot", "up", "--data", str(data), "--port", "0",
        env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert up.stdout is not None
    printed = ""
    async with asyncio.timeout(120):
        while "Ctrl-C" not in printed:
            line = await up.stdout.readline()
            assert line, "Nexus ended while it started"
            printed += line.decode()
    ready = re.search(r"Nexus is ready at http://localhost:(\d+)", printed)
    assert ready
    assert re.search(r"/signin\?token=\S+", printed)
    folder = tmp_path / "tour"
    folder.mkdir()
    try:
        yield Place(folder, data, ready[1])
    finally:
        up.terminate()
        await asyncio.wait_for(up.wait(), 60)
        assert up.returncode == 0


def plain(line: str) -> str:
    """A line without what differs from run to run: numbers, times, opaque names, spaces."""
    line = re.sub(r"\b(t|app|d)_[0-9a-z]{16}", r"\1_…", line)
    return " ".join(re.sub(r"\d+(\.\d+)?", "0", line).split())


async def test_the_tour_of_the_readme_does_what_it_shows(place: Place) -> None:
    start, build, look_around, http, container = blocks(README, "sh")
    assert "./nexus up" in start  # that is the fixture
    assert "docker compose" in container  # not here
    (shown,) = blocks(README, "text")

    printed = await place.type(build)
    seen = {plain(line) for line in printed.replace(f":{place.port}", f":{SHOWN_PORT}").splitlines()}
    assert [line for line in shown.splitlines() if line.strip() != "…" and plain(line) not in seen] == []

    printed = await place.type(look_around)
    todos = [json.loads(line) for line in printed.splitlines() if line.startswith("[")]
    assert [todo["title"] for todo in todos[0]] == ["Water the plants"]
    assert "priority" in todos[0][0], "the change is live, and what was there before it still is"
    assert "last snapshot" in printed

    printed = await place.type(http)
    answered = next(json.loads(line) for line in printed.splitlines() if line.startswith('{"deployment_id"'))
    promised = json.loads(blocks(README, "json")[0])
    assert answered.keys() == promised.keys()
    assert answered["status"] == "deployed"
    assert answered["app_url"] == f"http://invoices.localhost:{place.port}"
    for part in ("database", "hosting", "environment"):
        assert promised[part].keys() <= answered[part].keys()
    assert printed.rstrip().endswith("[]"), "the new app has no invoices yet"
