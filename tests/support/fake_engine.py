"""An engine and a dialogue that play a script: for tests of the page, and to look at it by hand.

``python -m tests.support.fake_engine --port 8099`` serves the page with a few threads, plays a build by itself after a request, and prints
a sign-in link.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiohttp import web

from adapters.web.app import Web, create_web
from adapters.web.outbound import MemoryMessageStore
from adapters.web.session import MemorySessionStore, Sessions
from core.conversation.completion import Completion, complete
from core.errors import Conflict, Forbidden, NotFound
from core.files import FileTree
from core.ids import AppId, BuildId, PrincipalId, ThreadId, WorkspaceId, new_id
from core.verification.pictures import Picture
from core.words.cards import Card, Fact, Facts, Form, Input, Log, Table, Text, Tone
from core.words.inbound import Action, Answer, Command, FormSubmit, Inbound, Reply, Who
from core.words.views import AppState, AppView, BuildState, BuildView, MessageView, ThreadView
from tests.support import fake_cards as cards

ADA = Who(principal=PrincipalId("prn_ada"), workspace=WorkspaceId("local"), name="Ada")


class FakeEngine(MemoryMessageStore):
    """Threads and messages in memory. Everybody sees everything, except threads in ``foreign``."""

    def __init__(self) -> None:
        super().__init__()
        self.listed: dict[ThreadId, ThreadView] = {}
        self.foreign: set[ThreadId] = set()
        self.trees: dict[str, FileTree] = {}
        self.pictures: dict[tuple[BuildId, str], Picture] = {}
        self.log_lines: dict[str, list[str]] = {"todo": list(cards.LOG_LINES)}
        self.left = asyncio.Event()  #: set when a stream has ended
        self._watchers: set[asyncio.Queue[MessageView | ThreadView]] = set()
        self._followers: set[asyncio.Queue[str]] = set()

    # ── the script's side ──

    def changed(self, message: MessageView) -> None:
        for queue in self._watchers:
            queue.put_nowait(message)

    def put_thread(
        self, thread: str, title: str, state: AppState | None = None, *, app: str = "", at: datetime | None = None
    ) -> ThreadId:
        """Make or change a thread."""
        view = ThreadView(thread=ThreadId(thread), title=title, app=app, state=state, updated_at=at or datetime.now(UTC))
        self.listed[view.thread] = view
        for queue in self._watchers:
            queue.put_nowait(view)
        return view.thread

    async def show(self, thread: ThreadId, card: Card, *, key: str) -> str:
        """Post the card, or edit the one of this key."""
        known = await self.find(thread, key)
        if known is None:
            return (await self.post(thread, key, card=card)).message
        await self.edit(known.message, card)
        return known.message

    def log(self, line: str) -> None:
        """The todo app prints a line."""
        self.log_lines["todo"].append(line)
        for queue in self._followers:
            queue.put_nowait(line)

    @property
    def readers(self) -> int:
        """How many streams are open."""
        return len(self._watchers)

    @property
    def followers(self) -> int:
        """How many logs are followed."""
        return len(self._followers)

    # ── the page's side ──

    async def apps(self, who: Who) -> list[AppView]:
        now = datetime.now(UTC)
        return [
            AppView(
                app=AppId(f"app_{t.app}"), slug=t.app, name=t.title, framework="fastapi", owner=who.name,
                state=t.state or AppState.BUILDING, thread=t.thread, created_at=now, updated_at=now,
            )
            for t in self.listed.values()
            if t.app
        ]  # fmt: skip

    async def threads(self, who: Who) -> list[ThreadView]:
        return [t for t in self.listed.values() if t.thread not in self.foreign]

    async def thread(self, who: Who, thread: ThreadId) -> ThreadView:
        if thread not in self.listed or thread in self.foreign:
            raise NotFound("There is no such thread, or it is not yours to see.")
        return self.listed[thread]

    async def messages(self, who: Who, thread: ThreadId) -> list[MessageView]:
        await self.thread(who, thread)
        return list(self.in_thread(thread))

    async def latest(self, who: Who) -> int:
        return self.newest

    async def watch(self, who: Who, *, after: int) -> AsyncIterator[MessageView | ThreadView]:
        queue: asyncio.Queue[MessageView | ThreadView] = asyncio.Queue()
        self._watchers.add(queue)
        try:
            for message in self.newer(after):
                if message.thread not in self.foreign:
                    yield message
            while True:
                item = await queue.get()
                if item.thread not in self.foreign:
                    yield item
        finally:
            self._watchers.discard(queue)
            self.left.set()

    async def build_view(self, who: Who, build: BuildId) -> BuildView:
        self._tree(build)
        return BuildView(
            build=build, app=AppId("app_todo"), slug="todo", thread=None, number=1, state=BuildState.READY, purpose="new",
            text="a todo app", model="starter",
        )  # fmt: skip

    def _tree(self, build: BuildId) -> FileTree:
        tree = self.trees.get(build)
        if tree is None:
            raise NotFound("There is no such build, or it is not yours to see.")
        return tree

    async def file(self, who: Who, build: BuildId, path: str) -> str:
        try:
            return self._tree(build)[path]
        except KeyError:
            raise NotFound(f"That build has no file {path!a}.") from None

    async def files(self, who: Who, build: BuildId) -> FileTree:
        return self._tree(build)

    async def picture(self, who: Who, build: BuildId, digest: str) -> Picture:
        try:
            return self.pictures[build, digest]
        except KeyError:
            raise NotFound("There is no such picture of this build, or it is not kept any more.") from None

    async def logs(self, who: Who, slug: str, lines: int = 100) -> list[str]:
        if slug not in self.log_lines:
            raise NotFound("There is no such app, or it is not yours to see.")
        return self.log_lines[slug][-lines:]

    async def follow_logs(self, who: Who, slug: str) -> AsyncIterator[str]:
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._followers.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._followers.discard(queue)


CHANGE = Form(
    form="change",
    value="bld_1",
    title="Change the app",
    submit="Ask for it",
    text="Say what should be different. A new build is made and tried; nothing goes live by itself.",
    inputs=[
        Input(
            name="text",
            label="What should change",
            kind="multiline",
            required=True,
            hint="For example: sort by priority, then by date",
        ),
        Input(
            name="model",
            label="Written by",
            kind="select",
            options=[("auto", "Choose for me"), ("starter", "Starter")],
            value="auto",
        ),
        Input(name="data", label="Keep the data", kind="checkbox", value="true"),
    ],
)


@dataclass
class FakeDialogue:
    """Answers as scripted, and remembers what came."""

    engine: FakeEngine
    auto: bool = False  #: play builds and deployments by itself
    seen: list[Inbound] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def handle(self, inbound: Inbound) -> Answer:
        self.seen.append(inbound)
        match inbound:
            case Command(text=text):
                return await self._command(inbound, text.strip())
            case Reply(thread=thread, text=text):
                await self.engine.post(thread, inbound.key, author=inbound.who.name, text=text)
                if self.auto:
                    self._play(self._build(thread, f"b{len(self.seen)}"))
                return Answer()
            case FormSubmit(values=values):
                if "nothing" in values.get("text", ""):
                    return Answer(text="That would change nothing. Say what should be different.", error=True)
                return Answer(text="Asked for. The new build shows up in this thread.")
            case Action():
                return await self._action(inbound)

    async def _command(self, inbound: Command, text: str) -> Answer:
        verb = text.split(" ")[0]
        if verb == "build":
            thread = self.engine.put_thread(new_id("thr"), "Todo app", AppState.BUILDING, app="todo")
            await self.engine.post(thread, inbound.key, author=inbound.who.name, text=text.removeprefix("build "))
            await self.engine.show(thread, cards.working(0), key="build")
            if self.auto:
                self._play(self._build(thread, "build"))
            return Answer(thread=thread)
        if verb == "list":
            rows = [[f"`{a.slug}`", a.name, a.state.value] for a in await self.engine.apps(inbound.who)]
            return Answer(
                card=Card(kind="notice", title="Your apps", children=[Table(columns=["App", "Name", "State"], rows=rows)])
            )
        if verb == "logs":
            return Answer(card=Card(kind="notice", title="Log of todo", children=[Log(lines=cards.LOG_LINES, live_app="todo")]))
        if verb == "forbidden":
            raise Forbidden("You may not do that here; ask the app's owner.")
        return Answer(text=f"There is no command `{verb}`. Did you mean `build`? Type `/nexus help` for all of them.", error=True)

    async def _action(self, action: Action) -> Answer:
        if action.action == "change":
            return Answer(form=CHANGE)
        if action.action == "reveal":
            facts = [
                Fact(label="Address", value="postgresql://app_7f3k2m9d_app:s3cret@127.0.0.1:5433/app_7f3k2m9d", style="code"),
                Fact(label="For", value="psql and other tools on this machine"),
            ]
            return Answer(card=Card(kind="notice", title="Database of todo", tone=Tone.QUIET, children=[Facts(facts=facts)]))
        if action.action == "approve" and action.thread:
            if action.value == "apr_late":
                raise Conflict("Somebody approved this a moment ago.")
            await self.engine.show(action.thread, cards.deploying(0), key="build")
            self.engine.put_thread(action.thread, "Todo app", AppState.REVIEW, app="todo")
            if self.auto:
                self._play(self._deploy(action.thread))
            return Answer()
        if action.action == "refused":
            return Answer(text="Only the requester may approve this.", error=True)
        return Answer(text=f"Done: {action.action}.")

    def _play(self, script: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(script)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _build(self, thread: ThreadId, key: str) -> None:
        for stage in range(6):
            await self.engine.show(thread, cards.working(stage), key=key)
            await asyncio.sleep(0.7)
        await self.engine.show(thread, cards.review(), key=key)
        self.engine.put_thread(thread, "Todo app", AppState.REVIEW, app="todo")

    async def _deploy(self, thread: ThreadId) -> None:
        for stage in range(6):
            await self.engine.show(thread, cards.deploying(stage), key="build")
            await asyncio.sleep(0.4)
        await self.engine.show(thread, cards.live(), key="build")
        self.engine.put_thread(thread, "Todo app", AppState.LIVE, app="todo")


async def furnish(engine: FakeEngine) -> None:
    """A few threads, as after a week of use."""
    now = datetime.now(UTC)
    engine.trees["bld_1"] = cards.TREE

    def ago(**much: float) -> datetime:
        return now - timedelta(**much)

    todo = engine.put_thread("thr_todo", "Todo app", AppState.REVIEW, app="todo", at=ago(minutes=2))
    await engine.post(todo, "said", author="Ada", text="A todo app with due dates and priorities")
    await engine.show(todo, cards.review(), key="build")

    shelf = engine.put_thread("thr_shelf", "Book club shelf", AppState.BUILDING, app="shelf", at=ago(minutes=1))
    await engine.post(shelf, "said", author="Ada", text="A shelf for our book club: title, author, rating, who has it")
    await engine.show(shelf, cards.working(3), key="build")

    invoices = engine.put_thread("thr_invoices", "Invoice tracker", AppState.FAILED, app="invoices", at=ago(hours=3))
    await engine.post(invoices, "said", author="Ada", text="Add the day an invoice was paid on")
    await engine.show(invoices, cards.failed(), key="build")

    party = engine.put_thread("thr_party", "Street party sign-up", AppState.LIVE, app="party", at=ago(days=1))
    await engine.post(party, "said", author="Ada", text="A todo app with due dates")
    await engine.show(party, cards.superseded(), key="build1")
    await engine.post(party, "said2", author="Ada", text="Add priorities: low, normal, high")
    await engine.show(party, cards.live(), key="build2")

    stock = engine.put_thread("thr_stock", "Workshop stock", AppState.STOPPED, app="stock", at=ago(days=4))
    card = Card(
        kind="notice", title="Stopped", tone=Tone.QUIET, status="Stopped", children=[Text(text="Ada stopped it. The data stay.")]
    )
    await engine.show(stock, card, key="stop")
    engine.put_thread("thr_gone", "An old idea", AppState.DELETED, at=ago(days=9))


def suggestions(text: str, apps: Sequence[str]) -> Sequence[Completion]:
    """The real grammar's."""
    return complete(text, apps)


@dataclass
class FakeSite:
    """The page over the fakes, on a free port."""

    engine: FakeEngine
    dialogue: FakeDialogue
    sessions: Sessions
    store: MemorySessionStore
    app: web.Application
    port: int = 0
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    async def start(self, port: int = 0) -> None:
        self._runner = web.AppRunner(self.app, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "localhost", port)
        await site.start()
        assert site._server is not None
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def again(self) -> None:
        """Start over on the same port, with the same engine and sessions, as after a restart."""
        self.app = create_web(_web(self.engine, self.dialogue, self.sessions))
        await self.start(self.port)

    async def link(self) -> str:
        """A sign-in link."""
        return f"{self.url}/signin?token={await self.sessions.create_link(ADA.principal)}"


def _web(engine: FakeEngine, dialogue: FakeDialogue, sessions: Sessions) -> Web:
    async def authenticate(request: web.Request) -> Who | None:
        return ADA if request.headers.get("Authorization") == "Bearer good" else None

    return Web(engine=engine, dialogue=dialogue, sessions=sessions, complete=suggestions, authenticate=authenticate, beat=0.3)


def make_site(*, auto: bool = False) -> FakeSite:
    """A site that is not started yet."""
    engine = FakeEngine()
    dialogue = FakeDialogue(engine, auto=auto)
    store = MemorySessionStore({ADA.principal: ADA})
    sessions = Sessions(store)
    return FakeSite(
        engine=engine, dialogue=dialogue, sessions=sessions, store=store, app=create_web(_web(engine, dialogue, sessions))
    )


async def main() -> None:
    """Serve until interrupted."""
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, default=8099)
    site = make_site(auto=True)
    await furnish(site.engine)
    await site.start(options.parse_args().port)
    print(await site.link(), flush=True)
    number = 0
    while True:
        await asyncio.sleep(2)
        number += 1
        site.engine.log(f'INFO:     127.0.0.1 - "GET /api/todos?page={number} HTTP/1.1" 200 OK')


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
