"""The real product in a process of its own: ``python -m bot up`` on a data folder of the test's, and clients of it.

Used by the journey tests. Nothing in here reaches into the running process: what tests know they get over HTTP, from the terminal, from the
ledger's database and from the process table.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import io
import json
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

import aiohttp
import asyncpg
import psutil

from adapters.api.tokens import SCOPES, Tokens
from bot.platform.data_folder import DataFolder
from core.verification.untrusted import remove
from tests.support.postgres import free_port

ROOT = Path(__file__).resolve().parents[2]
OURS = ("NEXUS_", "OPENAI_", "ANTHROPIC_", "SLACK_", "DISCORD_")  #: settings of whoever runs the tests, which are not the tests'
UP_SECONDS = 120.0
DOWN_SECONDS = 60.0
T = TypeVar("T")
_LIBC = ctypes.CDLL(None, use_errno=True)


async def until(look: Callable[[], Awaitable[T]], *, seconds: float = 60.0, what: str = "") -> T:
    """What ``look`` answers, once that is true."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not (seen := await look()):
        assert loop.time() < deadline, f"not within {seconds:g} s: {what or look}"
        await asyncio.sleep(0.02)
    return seen


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer over HTTP."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    def ok(self, status: int = 200) -> Any:
        """The body of an answer that must be good."""
        assert status == self.status, self.text[:3000]
        return self.json

    def problem(self, status: int, kind: str = "") -> dict[str, Any]:
        """The problem document that this must be."""
        assert status == self.status, f"{self.status}: {self.text[:3000]}"
        assert self.headers["Content-Type"].startswith("application/problem+json")
        body: dict[str, Any] = self.json
        assert status == body["status"]
        assert body["title"]
        assert body["detail"]
        assert body["type"].startswith("/problems/")
        if kind:
            assert f"/problems/{kind}" == body["type"]
        return body


@dataclass(frozen=True, slots=True)
class Ran:
    """A command of the CLI that has ended."""

    code: int
    out: str
    err: str

    def ok(self) -> str:
        assert self.code == 0, f"exit code {self.code}\n{self.out}\n{self.err}"
        return self.out


@dataclass(slots=True)
class Nexus:
    """One data folder, and the Nexus that runs on it, if any."""

    base: Path
    port: int
    env: dict[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    printed: list[str] = field(default_factory=list)
    _session: aiohttp.ClientSession | None = None
    _reader: asyncio.Task[None] | None = None

    @property
    def data(self) -> Path:
        return self.base / "d"

    @property
    def folder(self) -> DataFolder:
        return DataFolder.open(self.data)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def take_over(self, other: Nexus) -> None:
        """Begin with what another one has installed and cached."""
        self.folder.folder("cache")
        for name in ("parts", "cache"):
            shutil.rmtree(self.data / name, ignore_errors=True)
            _copy(other.data / name, self.data / name, only_read=name == "parts")

    # -- life -------------------------------------------------------------------------------------------------------------

    async def up(self) -> Self:
        """Start it; returns once it has said that it is ready."""
        await self.begin()
        assert self.process is not None
        ready = asyncio.create_task(until(self._ready, seconds=UP_SECONDS, what="Nexus is ready"))
        ended = asyncio.create_task(self.process.wait())
        try:
            await asyncio.wait({ready, ended}, return_when=asyncio.FIRST_COMPLETED)
            assert self.process.returncode is None, f"it ended with {self.process.returncode}:\n{self.said}"
            await ready
        finally:
            for task in (ready, ended):
                task.cancel()
            await asyncio.gather(ready, ended, return_exceptions=True)
        return self

    async def begin(self) -> None:
        """Start it, and do not wait until it is ready."""
        assert self.process is None
        self.printed = []
        self.process = await self.spawn("up", "--data", str(self.data), "--port", str(self.port))
        self._reader = asyncio.create_task(self._read(self.process))

    async def _ready(self) -> bool:
        return "Sign in" in self.said and "Data in" in self.said

    @property
    def said(self) -> str:
        """What it has printed so far."""
        return "".join(self.printed)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while piece := await process.stdout.read(65536):
            self.printed.append(piece.decode(errors="replace"))

    async def down(self) -> None:
        """SIGTERM, as an init would send it; it must end well and leave nothing that runs."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        await self._gone()
        assert 0 == self._code, self.said
        assert [] == left_over(self.data)

    def kill(self) -> None:
        """``kill -9`` of Nexus, and of nothing else."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    async def killed(self) -> None:
        """`kill`, and wait until it is dead."""
        self.kill()
        await self._gone()

    _code: int = 0

    async def _gone(self) -> None:
        assert self.process is not None
        async with asyncio.timeout(DOWN_SECONDS):
            self._code = await self.process.wait()
        if self._reader is not None:
            self._reader.cancel()  # children may hold the pipe
            await asyncio.gather(self._reader, return_exceptions=True)
        self.process._transport.close()  # type: ignore[attr-defined]
        self.process, self._reader = None, None

    async def close(self) -> None:
        """The end of the test: whatever state it is in, nothing is left running, and no file."""
        try:
            if self.process is not None:
                await self.down()
            elif left_over(self.data):
                await (await self.up()).down()
        finally:
            if self._session is not None:
                await self._session.close()
            for process in left_over(self.data):
                with contextlib.suppress(psutil.Error):
                    process.kill()
            folder = self.folder
            remove(self.base)
            if folder.runtime != folder.run:
                shutil.rmtree(folder.runtime, ignore_errors=True)

    # -- the terminal -----------------------------------------------------------------------------------------------------

    async def spawn(self, *argv: str, stdin: int = asyncio.subprocess.DEVNULL, **env: str) -> asyncio.subprocess.Process:
        """``./nexus argv…`` without what makes the environment, which is there."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        clean.pop("PYTHONDONTWRITEBYTECODE", None)  # as on anybody's machine: each start would compile everything anew
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *argv),
            cwd=ROOT,
            env={**clean, "PYTHONPATH": str(ROOT), "COLUMNS": "140", "PYTHONUNBUFFERED": "1", **self.env, **env},
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT if argv[0] == "up" else asyncio.subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_end_with_us,
        )

    async def run(self, *argv: str, seconds: float = 120.0, **env: str) -> Ran:
        """A command to its end, on this data folder."""
        process = await self.spawn(*argv, "--data", str(self.data), **env)
        try:
            async with asyncio.timeout(seconds):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.communicate()
            raise AssertionError(f"`nexus {' '.join(argv)}` did not end within {seconds:g} s") from None
        return Ran(process.returncode or 0, out.decode(), (err or b"").decode())

    # -- HTTP -------------------------------------------------------------------------------------------------------------

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=180),
                connector=aiohttp.TCPConnector(limit=0, force_close=True),
                trust_env=False,
            )
        return self._session

    async def request(self, method: str, path: str, *, host: str = "localhost", **more: Any) -> Answer:
        """A request to the proxy, as a browser for this host name would send it."""
        headers = {"Host": f"{host}:{self.port}", **more.pop("headers", {})}
        async with self.session.request(
            method, f"http://127.0.0.1:{self.port}{path}", headers=headers, allow_redirects=False, **more
        ) as response:
            return Answer(response.status, dict(response.headers), (await response.read()).decode(errors="replace"))

    async def app(self, slug: str, method: str, path: str, body: object = None) -> Answer:
        """A request to an app, through the proxy."""
        return await self.request(method, path, host=f"{slug}.localhost", **({} if body is None else {"json": body}))

    def token(self, user: str = "alice", *, scopes: Sequence[str] = SCOPES, life: timedelta = timedelta(hours=1)) -> str:
        return Tokens(self.folder.secret("tokens")).issue(user, scopes=scopes, life=life)

    def user(self, name: str = "alice", *, scopes: Sequence[str] = SCOPES) -> User:
        return User(self, name, self.token(name, scopes=scopes))

    # -- behind the curtain -----------------------------------------------------------------------------------------------

    def dsn(self, database: str = "nexus") -> str:
        folder = self.folder
        password = folder.secret("postgres superuser").hex()
        port = (folder.run / "postgres.port").read_text().strip()
        return f"postgresql://nexus:{password}@/{database}?host={folder.runtime / 'pg'}&port={port}"

    async def sql(self, query: str, *values: object, database: str = "nexus") -> list[asyncpg.Record]:
        """Ask the ledger's database, as its owner."""
        connection = await asyncpg.connect(self.dsn(database), timeout=10)
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()

    async def events(self, slug: str) -> list[dict[str, Any]]:
        """The facts of an app, of the newest one that has or had this name."""
        rows = await self.sql(
            "SELECT fact FROM events WHERE app_id = (SELECT id FROM apps WHERE slug = $1 ORDER BY created_at DESC LIMIT 1) ORDER BY id",
            slug,
        )
        return [json.loads(row["fact"]) for row in rows]

    async def event(self, slug: str, kind: str, *, seconds: float = 60.0, **fields: object) -> dict[str, Any]:
        """The first fact of this kind with these fields, once it is recorded."""

        async def look() -> dict[str, Any] | None:
            return next(
                (f for f in await self.events(slug) if f["kind"] == kind and all(f.get(k) == v for k, v in fields.items())), None
            )

        found = await until(look, seconds=seconds, what=f"{kind} {fields} of {slug}")
        assert found is not None
        return found

    async def processes(self, slug: str) -> list[psutil.Process]:
        """An app's own processes: those with its database's name in their environment."""
        rows = await self.sql("SELECT t.database FROM tenants t JOIN apps a ON a.id = t.app_id WHERE a.slug = $1", slug)
        found = []
        for process in left_over(self.data):
            with contextlib.suppress(OSError, psutil.Error):
                environment = Path(f"/proc/{process.pid}/environ").read_bytes().decode(errors="replace")
                if f"/{rows[0]['database']}" in environment and "DATABASE_URL" in environment:
                    found.append(process)
        return found

    def faults(self) -> list[dict[str, Any]]:
        """What its own log holds of errors."""
        found = []
        for file in sorted(self.folder.logs.glob("nexus.log*")):
            for line in file.read_text().splitlines():
                entry = json.loads(line)
                if entry.get("level") in {"error", "critical"} or "exception" in entry:
                    found.append(entry)
        return found

    def pid_of(self, part: str) -> int:
        """The process id of ``postgres`` or ``caddy``."""
        return int((self.folder.run / f"{part}.pid").read_text().split()[0])


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with a token."""

    nexus: Nexus
    name: str
    token: str

    async def call(self, method: str, path: str, body: object = None, **more: Any) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        if body is not None:
            more["data"] = io.BytesIO(json.dumps(body).encode())
            headers.setdefault("Content-Type", "application/json")
        elif isinstance(more.get("data"), bytes):
            more["data"] = io.BytesIO(more["data"])
        return await self.nexus.request(method, path, headers=headers, **more)

    async def get(self, path: str) -> Answer:
        return await self.call("GET", path)

    async def post(self, path: str, body: object = None, **more: Any) -> Answer:
        return await self.call("POST", path, body, **more)

    async def put(self, path: str, body: object) -> Answer:
        return await self.call("PUT", path, body)

    async def delete(self, path: str) -> Answer:
        return await self.call("DELETE", path)

    async def generate(self, description: str = "a todo app with due dates", framework: str = "express", **more: Any) -> Any:
        """A built and tried app, waiting for approval."""
        body = {"description": description, "framework": framework, **more}
        return (await self.post("/api/ai/generate/app", body)).ok()

    async def deploy(self, generated: Mapping[str, Any]) -> Any:
        """Approve it and take it live."""
        return (await self.post("/api/ai/deploy/app", {"build_id": generated["build_id"]})).ok()

    async def live(self, name: str, description: str = "a todo app with due dates", framework: str = "express") -> Any:
        """A live app of this name."""
        return await self.deploy(await self.generate(description, framework, app_name=name))

    async def change(self, slug: str, text: str) -> Any:
        """A change, built and tried."""
        return (await self.post(f"/api/v1/apps/{slug}/changes", {"text": text})).ok()

    async def say(self, text: str, *, thread: str | None = None) -> Any:
        """Type into the page's box."""
        body = {"key": os.urandom(8).hex(), "text": text, "thread": thread}
        return (await self.call("POST", "/chat/messages", body, headers={"Accept": "application/json"})).ok()

    async def press(self, action: str, value: str, *, thread: str | None = None) -> Any:
        """Press a button."""
        body = {"key": os.urandom(8).hex(), "action": action, "value": value, "thread": thread}
        return (await self.call("POST", "/chat/actions", body, headers={"Accept": "application/json"})).ok()

    async def submit(self, form: str, value: str, values: Mapping[str, str]) -> Any:
        """Submit a form."""
        body = {"key": os.urandom(8).hex(), "form": form, "value": value, "values": dict(values)}
        return (await self.call("POST", "/chat/forms", body, headers={"Accept": "application/json"})).ok()

    async def messages(self, slug: str) -> list[dict[str, Any]]:
        """The messages of an app's thread."""
        threads = (await self.call("GET", "/chat/threads", headers={"Accept": "application/json"})).ok()["threads"]
        thread = next(t["thread"] for t in threads if t["app"] == slug)
        shown = await self.call("GET", f"/chat/threads/{thread}", headers={"Accept": "application/json"})
        messages: list[dict[str, Any]] = shown.ok()["messages"]
        return messages

    async def cards(self, slug: str) -> list[dict[str, Any]]:
        """The cards of an app's thread, in order."""
        return [message["card"] for message in await self.messages(slug) if message["card"]]

    async def card(self, slug: str, kind: str, *, seconds: float = 30.0, **fields: object) -> dict[str, Any]:
        """The newest card of this kind with these fields in an app's thread, once it is shown."""

        async def look() -> dict[str, Any] | None:
            found = [c for c in await self.cards(slug) if c["kind"] == kind and all(c[k] == v for k, v in fields.items())]
            return found[-1] if found else None

        shown = await until(look, seconds=seconds, what=f"a {kind} card {fields} of {slug}")
        assert shown is not None
        return shown

    async def stream(self, method: str, path: str, body: object = None) -> AsyncIterator[tuple[str, Any]]:
        """Server-sent events as they come: name and JSON."""
        headers = {
            "Host": f"localhost:{self.nexus.port}",
            "Authorization": f"Bearer {self.token}",
            "Accept": "text/event-stream",
        }
        async with self.nexus.session.request(
            method, f"http://127.0.0.1:{self.nexus.port}{path}", headers=headers, **({} if body is None else {"json": body})
        ) as response:
            assert 200 == response.status, await response.text()
            assert "text/event-stream" == response.content_type
            name, data, buffer = "", [], b""
            async for piece in response.content.iter_any():
                *lines, buffer = (buffer + piece).split(b"\n")
                for line in (raw.decode() for raw in lines):
                    if line.startswith("event: "):
                        name = line[7:]
                    elif line.startswith("data: "):
                        data.append(line[6:])
                    elif not line and data:
                        yield name, json.loads("\n".join(data))
                        name, data = "", []


def new_nexus(*, like: Nexus | None = None, **env: str) -> Nexus:
    """A fresh data folder that other users may enter. What an older one has installed and cached is taken over from it."""
    base = Path(tempfile.mkdtemp(prefix="nxj", dir="/tmp"))
    base.chmod(0o755)
    # What the tests push is ours: it may run where no walls can be made, as for an ordinary user in a container.
    made = Nexus(base, free_port(), env={"NEXUS_ALLOW_UNCONFINED": "true", **env})
    if like is not None:
        made.take_over(like)
    return made


def _end_with_us() -> None:
    """In the new process: stop, as by SIGTERM, should the tests be killed; heed Ctrl-C, which shells let background jobs ignore."""
    _LIBC.prctl(1, signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _copy(source: Path, target: Path, *, only_read: bool) -> None:
    """With owners and times. What is ``only_read`` is the same files, on one disk; else blocks are shared where the file system can."""
    if not source.exists():
        return
    linked = only_read and source.stat().st_dev == target.parent.stat().st_dev
    how = "--link" if linked else "--reflink=auto"
    done = os.spawnvp(os.P_WAIT, "cp", ["cp", "-a", how, str(source), str(target)])
    assert done == 0


def left_over(data: Path) -> list[psutil.Process]:
    """Living processes that have to do with this data folder: by their command line, their folder, their open files or environment."""
    marks = {str(data)}
    with contextlib.suppress(OSError):
        marks.add(str(DataFolder.open(data).runtime))
    pattern = re.compile("|".join(re.escape(mark) + r"(?![\w-])" for mark in marks))
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _concerns(process, pattern)]


def _concerns(process: psutil.Process, pattern: re.Pattern[str]) -> bool:
    for told in _traces(process.pid):
        if pattern.search(told):
            try:
                return bool(process.status() != psutil.STATUS_ZOMBIE)
            except psutil.NoSuchProcess:
                return False
    return False


def _traces(pid: int) -> Iterator[str]:
    folder = Path(f"/proc/{pid}")
    with contextlib.suppress(OSError):
        yield (folder / "cmdline").read_bytes().decode(errors="replace")
    for link in ("cwd", "exe", "root"):
        with contextlib.suppress(OSError):
            yield os.readlink(folder / link)
    with contextlib.suppress(OSError):
        yield (folder / "environ").read_bytes().decode(errors="replace")
    with contextlib.suppress(OSError):
        for link in (folder / "fd").iterdir():  # a warden is known by its instance's lock alone
            with contextlib.suppress(OSError):
                yield os.readlink(link)
