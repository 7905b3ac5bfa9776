"""A running Nexus whose vendors are the local model server, many builds at once: each request is answered by the scene of its build.

Used by the journeys of generation. A `Scene` is what the vendors say about one app; every prompt of a build repeats what was asked for
or the plan, and a mark in both says whose it is. What tests know of the app they get as a person would: from the thread, over HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest_asyncio

from core.words.plan import Plan
from tests.support.model_server import KEY, ModelServer, Reply, model_server
from tests.support.model_server.vendors import Vendor
from tests.support.nexus import Nexus, User, new_nexus, until

PLACES = 6  #: builds at the same time
LABELS = {"openai": "OpenAI", "anthropic": "Anthropic"}


@dataclass(slots=True)
class Scene:
    """What the vendors say about one app, and what they were asked. The last reply of each list repeats."""

    slug: str
    provider: str = "openai"
    mark: str = field(default_factory=lambda: f"m{secrets.token_hex(5)}")
    plans: list[Reply] = field(default_factory=list)
    files: list[Reply] = field(default_factory=list)
    repairs: list[Reply] = field(default_factory=list)  #: instead of ``files``, for what verification or validation rejected
    down: Mapping[str, Reply] = field(default_factory=dict)  #: what one vendor says to everything
    calls: list[tuple[str, str]] = field(default_factory=list)  #: vendor and verb
    prompts: list[str] = field(default_factory=list)
    thread: str = ""  #: where it is talked about
    left: asyncio.Event = field(default_factory=asyncio.Event)  #: Nexus did not wait for the end of an answer
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def play(self, plans: Sequence[Reply], files: Sequence[Reply], repairs: Sequence[Reply] = ()) -> None:
        """What they say from now on."""
        self.plans, self.files, self.repairs = list(plans), list(files), list(repairs)

    def marked(self, plan: Plan) -> Plan:
        """The plan with the mark, which repairs and changes repeat."""
        files = [file.model_copy(update={"purpose": f"{file.purpose} ({self.mark})"}) for file in plan.files]
        return plan.model_copy(update={"files": files})

    def reply(self, vendor: str, plan: bool, prompt: str) -> Reply:
        verb = "plan" if plan else _verb(prompt)
        self.calls.append((vendor, verb))
        self.prompts.append(prompt)
        self.asked.set()
        if vendor in self.down:
            return self.down[vendor]
        replies = self.plans if plan else self.repairs if verb == "repair" and self.repairs else self.files
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def verbs(self) -> list[str]:
        return [verb for _, verb in self.calls]


def _verb(prompt: str) -> str:
    if "The answer with this file was cut off" in prompt:
        return "resume"
    return "repair" if "failed. What it said:" in prompt else "write"


@dataclass(slots=True)
class Theatre(ModelServer):
    """A model server that answers each build by its own scene."""

    scenes: dict[str, Scene] = field(default_factory=dict)

    def add(self, scene: Scene) -> Scene:
        self.scenes[scene.mark] = scene
        return scene

    def scene_of(self, prompt: str) -> Scene:
        found = [scene for mark, scene in self.scenes.items() if mark in prompt]
        assert len(found) == 1, f"{len(found)} scenes for {prompt[-2000:]}"
        return found[0]

    def reply_to(self, vendor: Vendor, body: dict[str, Any], prompt: str) -> Reply:
        return self.scene_of(prompt).reply(type(vendor).__name__.lower(), vendor.is_plan(body), prompt)

    def left(self, prompt: str) -> None:
        self.scene_of(prompt).left.set()

    @property
    def environment(self) -> dict[str, str]:
        """The settings that lead Nexus here, with all three kinds of providers."""
        return {
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": self.openai_url,
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": self.anthropic_url,
            "COMPATIBLE_BASE_URL": self.compatible_url,
            "COMPATIBLE_API_KEY": KEY,
        }

    def label(self, provider: str) -> str:
        """The provider's name for people."""
        return LABELS.get(provider) or self.origin.removeprefix("http://")


@dataclass(frozen=True, slots=True)
class Told:
    """How a build ended, as the thread tells it."""

    build: str
    end: str  #: "ready", "failed" or "cancelled"
    reason: str  #: the sentence, when it failed
    card: dict[str, Any]
    files: Mapping[str, str]  #: of its revision, where there is one
    facts: Sequence[dict[str, Any]]
    on_the_way: Sequence[dict[str, Any]] = ()  #: the card as it was while the build was under way

    @property
    def ready(self) -> bool:
        return self.end == "ready"

    @property
    def words(self) -> Sequence[str]:
        """All texts of the card in the end."""
        return list(_words(self.card))

    @property
    def text(self) -> str:
        """All that was on the card."""
        return "\n".join([*_words(list(self.on_the_way)), *self.words])

    @property
    def notes(self) -> str:
        return "\n".join(fact["text"] for fact in self.facts if fact["kind"] == "build.note")


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _words(one)
    elif isinstance(value, list):
        for one in value:
            yield from _words(one)


@dataclass(slots=True)
class House:
    """The Nexus, its theatre, and somebody who types and presses."""

    nexus: Nexus
    theatre: Theatre
    user: User
    ledger: asyncpg.Connection
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PLACES))
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, scene: Scene, wish: str, framework: str = "express") -> Told:
        """A new app, to the end of its build."""
        async with self._places:
            await self.begin(scene, wish, framework)
            return await self.told(scene)

    async def ask_for_files(self, scene: Scene, wish: str, framework: str = "express") -> Told:
        """A new app whose files are what matters: once they are written, the build is cancelled."""
        async with self._places:
            await self.begin(scene, wish, framework)
            write = await self.fact(scene.slug, "build.step", "build.failed", step={"name": "write", "state": "done"})
            card = await self.card(scene, lambda card: _written(card) or _over(card))
            await self.user.press("cancel", write["build"])
            return await self.told(scene, [card])

    async def begin(self, scene: Scene, wish: str, framework: str = "express") -> None:
        """Ask for a new app."""
        options = f"--framework {framework} --provider {scene.provider} --name {scene.slug}"
        said = await self.user.say(f"/nexus build {wish} ({scene.mark}) {options}")
        assert not said["error"], said
        scene.thread = said["thread"]

    async def change(self, scene: Scene, wish: str) -> Told:
        """A change of the app, to the end of its build."""
        before = len(await self.facts(scene.slug, "build.requested"))
        await self.user.say(f"{wish} ({scene.mark})", thread=scene.thread)

        async def asked() -> bool:
            return len(await self.facts(scene.slug, "build.requested")) > before

        await until(asked, what=f"the change of {scene.slug} is asked for")
        return await self.told(scene)

    async def approve(self, scene: Scene, told: Told) -> dict[str, Any]:
        """Press Approve on the card; what went live."""
        (value,) = (button["value"] for button in told.card["actions"] if button.get("action") == "approve")
        await self.user.press("approve", value)
        requested = await self.fact(scene.slug, "deployment.requested", build=told.build)
        return await self.fact(scene.slug, "deployment.live", "deployment.failed", deployment=requested["deployment"])

    async def told(self, scene: Scene, on_the_way: Sequence[dict[str, Any]] = ()) -> Told:
        """How the newest build of the app ended, once the thread says so."""
        asked = (await self.facts(scene.slug, "build.requested"))[-1]["build"]
        end = await self.fact(scene.slug, "build.ready", "build.failed", "build.cancelled", build=asked)
        card = await self.card(scene, _over)
        facts = [fact for fact in await self.facts(scene.slug) if fact.get("build") == asked]
        kind = end["kind"].removeprefix("build.")
        return Told(asked, kind, end.get("reason", ""), card, await self._files(asked), facts, on_the_way)

    # -- what is recorded, and what is shown ------------------------------------------------------------------------------

    async def facts(self, slug: str, *kinds: str) -> list[dict[str, Any]]:
        """The facts of an app, of these kinds where some are named."""
        rows = await self.rows(
            "SELECT e.fact FROM events e JOIN apps a ON a.id = e.app_id WHERE a.slug = $1 "
            "AND (cardinality($2::text[]) = 0 OR e.fact->>'kind' = ANY($2)) ORDER BY e.id",
            slug,
            list(kinds),
        )
        return [json.loads(row["fact"]) for row in rows]

    async def fact(self, slug: str, *kinds: str, step: Mapping[str, str] | None = None, **fields: str) -> dict[str, Any]:
        """The first fact of one of these kinds with these fields, once it is recorded; where it is of a step, of this one."""

        def wanted(fact: dict[str, Any]) -> bool:
            of_step = step is None or "step" not in fact or step.items() <= fact["step"].items()
            return of_step and fields.items() <= fact.items()

        async def look() -> dict[str, Any] | None:
            await asyncio.sleep(0.1)  # many wait at once
            return next((fact for fact in await self.facts(slug, *kinds) if wanted(fact)), None)

        found = await until(look, seconds=150, what=f"{' or '.join(kinds)} of {slug}")
        assert found is not None
        return found

    async def card(self, scene: Scene, good: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The card of the app's newest build, once it is like that. Cards come a moment after the facts that they tell of: until there
        are as many as builds, the last is an older build's, which is over as well."""
        builds = len(await self.facts(scene.slug, "build.requested"))

        async def look() -> dict[str, Any] | None:
            shown = await self.user.call("GET", f"/chat/threads/{scene.thread}", headers={"Accept": "application/json"})
            cards = [
                message["card"] for message in shown.ok()["messages"] if message["card"] and message["card"]["kind"] == "build"
            ]
            assert len(cards) <= builds, f"{len(cards)} cards of {builds} builds"
            return cards[-1] if len(cards) == builds and good(cards[-1]) else None

        found = await until(look, what=f"the card of {scene.slug}")
        assert found is not None
        return found

    async def rows(self, query: str, *values: object) -> list[asyncpg.Record]:
        """Ask the ledger's database, over the one connection."""
        async with self._one:
            return list(await self.ledger.fetch(query, *values))

    async def _files(self, build: str) -> Mapping[str, str]:
        """The files of a build, of a failed one too; none where none were kept."""
        rows = await self.rows(
            "SELECT f.key AS path, b.content FROM builds u JOIN revisions r ON r.id = u.revision_id, "
            "jsonb_each_text(r.files::jsonb) f JOIN blobs b ON b.sha256 = f.value WHERE u.id = $1",
            build,
        )
        return {row["path"]: row["content"] for row in rows}


def _over(card: dict[str, Any]) -> bool:
    return bool(card["tone"] != "working")


def _written(card: dict[str, Any]) -> bool:
    steps = [step for child in card["children"] for step in child.get("steps", ())]
    return any(step["name"] == "Write the files" and step["state"] == "done" for step in steps)


@contextlib.asynccontextmanager
async def writing_house(nexus: Nexus, theatre: Theatre) -> AsyncIterator[House]:
    """A house over this Nexus, for the length of the block."""
    ledger = await asyncpg.connect(nexus.dsn(), timeout=10)
    try:
        yield House(nexus, theatre, nexus.user(), ledger)
    finally:
        await ledger.close()


def shown(told: Told) -> str:
    """What a failing assertion should show."""
    return json.dumps({"reason": told.reason, "notes": told.notes, "card": told.card}, indent=1, ensure_ascii=False)[:6000]


def faults_of(nexus: Nexus) -> list[dict[str, Any]]:
    """What its log holds of errors. A cancelled build may be at the ledger just then: that a connection is closed for it is no error."""

    def closing(fault: dict[str, Any]) -> bool:
        return fault["logger"].startswith("sqlalchemy.pool") and fault.get("exception", "").endswith("CancelledError")

    return [fault for fault in nexus.faults() if not closing(fault)]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(warm: Nexus) -> AsyncIterator[House]:
    """One for the behaviours of vendors. No provider takes over from another: each act is played by whom it is meant for. And no browser
    opens the pages: other journeys see to that."""
    settings = {"NEXUS_BUILDS": str(PLACES), "NEXUS_MODEL_SILENCE": "4", "NEXUS_MODEL_FALLBACK": "false", "NEXUS_BROWSER": "none"}
    async with theatre() as stage:
        nexus = new_nexus(like=warm, **stage.environment, **settings)
        try:
            async with writing_house(await nexus.up(), stage) as made:
                yield made
            await nexus.down()
            assert (faults := faults_of(nexus)) == [], json.dumps(faults, indent=1)
            assert KEY not in "".join(file.read_text() for file in nexus.folder.logs.glob("nexus.log*"))
        finally:
            await nexus.close()


@contextlib.asynccontextmanager
async def theatre() -> AsyncIterator[Theatre]:
    """A model server with a stage of its own."""
    stage = Theatre()
    async with model_server(stage):
        yield stage
