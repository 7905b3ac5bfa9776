"""The whole engine over a real ledger and the fakes that ship beside the ports: what a worker does, without a process to do it in.

A `House` outlives its workers: ``house.worker()`` is a new one on the same machine, and ``house.worker(fate)`` one that dies where the test
says (see `tests.support.fate`). The prober asks the fake router as the real proxy would: an app answers only where a route leads to a
running instance.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from core.builds.work import BuildWork
from core.deployments.platform import Platform
from core.deployments.work import DeploymentWork
from core.errors import NotHealthy
from core.files import FileTree
from core.frameworks.framework import Framework, Toolchain
from core.frameworks.registry import framework
from core.generation.choice import ModelChoice
from core.generation.fake_model import FakeModel
from core.generation.pipeline import Pipeline
from core.hosting.edge import Edge
from core.hosting.fake_host import FakeHost, Machine
from core.hosting.fake_router import FakeRouter
from core.hosting.host import Address, InstanceState, TcpAddress
from core.hosting.router import Notice
from core.ids import LOCAL_USER, ApprovalId, BuildId, Digest, InstanceId
from core.ledger.feed import Feed
from core.ledger.ledger import Ledger
from core.ledger.tables import App, Build, Deployment, Release
from core.ledger.vault import Vault
from core.ledger.waking import Waker
from core.operations.app_work import AppWork
from core.operations.engine import Engine
from core.operations.reconcile import Reconciler
from core.people import People
from core.tenants.fake_tenants import FakeTenants
from core.tenants.registry import TenantRegistry
from core.tenants.tenants import TenantLimits, Tenants
from core.verification.artifacts import ArtifactStore, layer_digest
from core.verification.fake_browser import PNG
from core.verification.fake_prober import answer
from core.verification.pictures import picture_of
from core.verification.prober import ProbeAnswer, Prober
from core.verification.verifier import Rejected, Verified
from core.words.cards import Step, StepState
from core.words.inbound import Who
from core.words.plan import Plan
from core.words.views import BuildView, DeploymentView
from core.words.walls import Isolation, Limits
from tests.support.fate import Fate, FatedLedger, fated

PYTHON = Path(sys.executable)
SCAFFOLD = framework("fastapi").scaffold()
PICTURE = picture_of(PNG)
EVIDENCE = (Step(name="build", state=StepState.DONE, detail="built"),)
T = TypeVar("T")
_keys = itertools.count(1)


def key() -> str:
    """A fresh idempotency key."""
    return f"key {next(_keys)}"


def version(number: int, **files: str) -> FileTree:
    """The files of an app's n-th version: each differs from the one before and has one more migration."""
    migrations = {
        f"migrations/{n:04}_add.sql": f"CREATE TABLE things_{n} (id bigserial PRIMARY KEY);\n" for n in range(2, number + 1)
    }
    return SCAFFOLD.with_files({"app/version.py": f"VERSION = {number}\n", **migrations, **files})


class RoutedProber(Prober):
    """Answers as the apps behind the fake router would. ``sick`` says which instances do not answer /healthz with 200."""

    def __init__(self, edge: Edge, router: FakeRouter, machine: Machine) -> None:
        self._edge, self._router, self._machine = edge, router, machine
        self.sick: Callable[[InstanceId], bool] = lambda instance: False

    async def request(
        self,
        address: Address,
        method: str,
        path: str,
        *,
        host_header: str,
        json: Any = None,
        cookies: Any = None,
        timeout: float = 10.0,
    ) -> ProbeAnswer:
        target: Address | Notice = address
        if address == self._edge.probe:
            route = self._router.resolve(host_header.partition(":")[0])
            if route is None:
                return answer(404, {})
            target = route.target
        if isinstance(target, Notice):
            return answer(target.status, {})
        for instance, kept in self._machine.kept.items():
            if kept.instance.address == target and kept.status.state is InstanceState.RUNNING:
                return answer(503 if self.sick(instance) else 200, {})
        raise NotHealthy("nobody listens there")


class FakeVerifier:
    """Makes an artifact of every tree that it is given, unless ``script`` has something else for it to do: an answer, an error to raise, or
    something to wait for before the next entry counts."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self.script: list[Rejected | BaseException | asyncio.Event] = []
        self.seen: list[FileTree] = []
        self.begun = asyncio.Event()

    async def verify(
        self, tree: FileTree, framework: Framework, plan: Plan | None, progress: Callable[[Step], None], *, own_code: bool = False
    ) -> Verified | Rejected:
        self.seen.append(tree)
        progress(Step(name="build", state=StepState.RUNNING))
        self.begun.set()
        while self.script:
            match self.script.pop(0):
                case asyncio.Event() as gate:
                    await gate.wait()
                case Rejected() as rejected:
                    return rejected
                case error:
                    raise error
        artifact = await artifact_of(self._store, tree)
        return Verified(artifact=artifact, evidence=EVIDENCE, isolation=Isolation.NAMESPACES, seconds=0.1, wide=PICTURE)


def rejected(reason: str = "It does not build.", *, repairable: bool = True) -> Rejected:
    return Rejected(stage="build", reason=reason, log_tail="line 1: no", evidence=EVIDENCE, repairable=repairable)


async def artifact_of(store: ArtifactStore, tree: FileTree) -> Digest:
    """A real artifact of these files, on an empty layer."""
    digest = layer_digest(framework="fastapi", runtime="Python", files=FileTree(), program=PYTHON)
    layer = await store.layer(digest, ".venv")
    if layer is None:
        async with store.workspace() as work:
            layer = await store.keep_layer(work, digest, ".venv", program=PYTHON)
    async with store.workspace() as work:
        tree.write_to(work.app)
        await store.link_layer(work, layer)
        made = await store.publish(work, layer, revision=tree.digest, framework="fastapi", runtime="Python")
    return made.digest


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One process of Nexus."""

    ledger: Ledger
    engine: Engine
    builds: BuildWork
    deployments: DeploymentWork
    apps: AppWork
    reconciler: Reconciler


@dataclass(kw_only=True)
class House:
    """What outlives a worker."""

    ledger: Ledger
    folder: Path
    machine: Machine = field(default_factory=Machine)
    router: FakeRouter = field(default_factory=FakeRouter)
    tenants: FakeTenants = field(default_factory=FakeTenants)
    model: FakeModel = field(default_factory=FakeModel)  #: what "auto" means here
    edge: Edge = field(default_factory=lambda: Edge(port=8080, probe=TcpAddress(host="127.0.0.1", port=8080)))
    vault: Vault = field(default_factory=lambda: Vault([os.urandom(32)]))

    def __post_init__(self) -> None:
        self.store = ArtifactStore(self.folder / "artifacts")
        self.snapshots = self.folder / "snapshots"
        self.verifier = FakeVerifier(self.store)
        self.prober = RoutedProber(self.edge, self.router, self.machine)
        self.host = FakeHost(self.machine)
        self.feed = Feed(self.ledger)
        self.models = ModelChoice({"starter": self.model, self.model.provider: self.model})
        self.people = People(self.ledger)
        self.registry = TenantRegistry(self.ledger, self.vault, TenantLimits())
        self.here = self.worker()
        self.engine = self.here.engine

    def worker(
        self,
        fate: Fate | None = None,
        *,
        isolation: Isolation = Isolation.NAMESPACES,
        allow_unconfined: bool = False,
    ) -> Worker:
        """A process of Nexus on this machine. With a fate, it dies at the call that was chosen."""
        ledger = self.ledger if fate is None else FatedLedger(self.ledger, fate)
        tenants: Tenants = fated(self.tenants, fate)
        registry = TenantRegistry(ledger, self.vault, TenantLimits())
        anywhere = self.folder
        platform = Platform(
            ledger=ledger,
            vault=self.vault,
            store=fated(self.store, fate),
            host=fated(FakeHost(self.machine, isolation=isolation), fate),
            router=fated(self.router, fate),
            tenants=tenants,
            registry=registry,
            prober=fated(self.prober, fate),
            tools=Toolchain(
                python=PYTHON,
                uv=anywhere,
                uv_cache=anywhere,
                node=anywhere,
                pnpm=anywhere,
                pnpm_store=anywhere,
                launchers=anywhere,
            ),
            edge=self.edge,
            snapshots=self.snapshots,
            limits=Limits(seconds=None),
            allow_unconfined=allow_unconfined,
        )
        verifier: Any = fated(self.verifier, fate)
        apps = AppWork(platform)
        builds = BuildWork(ledger, self.feed, self.models, Pipeline(framework), verifier)
        deployments = DeploymentWork(platform)
        return Worker(
            ledger=ledger,
            engine=Engine(platform, self.feed, self.models, People(ledger)),
            builds=builds,
            deployments=deployments,
            apps=apps,
            reconciler=Reconciler(ledger, Waker(ledger, {}), apps, tenants, registry),
        )

    # -- what people do ---------------------------------------------------------------------------------------------------

    async def you(self) -> Who:
        """The owner of the local workspace."""
        return await self.people.local(LOCAL_USER)

    async def member(self, name: str) -> Who:
        return await self.people.local(name)

    async def built(self, who: Who, slug: str, tree: FileTree | None = None, *, database: bool = True) -> BuildView:
        """A ready build of these files, waiting for approval."""
        begun = await self.engine.push(
            who,
            name=slug,
            files=tree or version(1),
            framework="fastapi",
            dependencies={},
            requires_database=database,
            key=key(),
        )
        await self.here.builds.advance(begun.build)
        return await self.engine.build_view(who, begun.build)

    async def approved(self, who: Who, build: BuildView) -> DeploymentView:
        """A queued deployment of it."""
        assert build.approval is not None
        begun = await self.engine.approve(who, build.approval.approval)
        assert begun is not None
        return begun

    async def live(self, who: Who, slug: str, number: int = 1, *, tree: FileTree | None = None) -> DeploymentView:
        """The n-th version of the app, live."""
        asked = await self.approved(who, await self.built(who, slug, tree or version(number)))
        return await self.deployed(who, asked)

    async def deployed(self, who: Who, asked: DeploymentView) -> DeploymentView:
        """The deployment once a worker has had it."""
        await self.here.deployments.advance(asked.deployment)
        return await self.engine.wait_deployment(who, asked.deployment)

    async def reconciled(self, asking: Coroutine[Any, Any, T]) -> T:
        """What somebody asks for who waits until it is so, while a worker looks after the apps."""
        task = asyncio.ensure_future(asking)
        async with asyncio.timeout(30):
            while not task.done():
                await self.here.reconciler.apps()
                await asyncio.wait([task], timeout=0.02)
        return await task

    # -- what there is ----------------------------------------------------------------------------------------------------

    async def row(self, slug: str) -> App:
        from sqlalchemy import select

        async with self.ledger.reading() as session:
            found = await session.scalar(select(App).where(App.slug == slug).order_by(App.created_at.desc()).limit(1))
        assert found is not None
        return found

    async def build_row(self, build: str) -> Build:
        async with self.ledger.reading() as session:
            found = await session.get(Build, build)
        assert found is not None
        return found

    async def deployment_row(self, deployment: str) -> Deployment:
        async with self.ledger.reading() as session:
            found = await session.get(Deployment, deployment)
        assert found is not None
        return found

    async def releases(self, app: str) -> Sequence[Release]:
        from sqlalchemy import select

        async with self.ledger.reading() as session:
            return (await session.scalars(select(Release).where(Release.app_id == app).order_by(Release.number))).all()

    async def facts(self, app: str, kind: str = "") -> list[Any]:
        """What was told of an app."""
        events = await self.ledger.events(app=app)  # type: ignore[arg-type]
        return [event.fact for event in events if not kind or event.fact.kind == kind]

    async def assert_live(self, slug: str, number: int, *, releases: Sequence[int]) -> Release:
        """The app is live as this release, and nothing is left of any other."""
        app = await self.row(slug)
        rows = await self.releases(app.id)
        assert list(releases) == [row.number for row in rows]
        assert (number, "running", "running", False) == (app.live_release, app.wanted, app.actual, app.crashed)
        release = next(row for row in rows if row.number == number)
        running = [i for i in await self.host.instances() if i.app == app.id]
        assert [release.instance] == [i.instance for i in running]
        route = self.router.resolve(self.edge.host(slug))
        assert route is not None
        assert running[0].address == route.target
        return release

    def leads_to(self, slug: str) -> InstanceId | None:
        """The instance that visitors are led to."""
        route = self.router.resolve(self.edge.host(slug))
        kept = self.machine.kept.items()
        return next((name for name, one in kept if route is not None and one.instance.address == route.target), None)

    async def rows_in(self, slug: str) -> dict[str, int]:
        """The tables of the app's database."""
        tenant = await self.registry.of_app((await self.row(slug)).id)
        assert tenant is not None
        usage = await self.tenants.usage(tenant)
        assert usage is not None
        return dict(usage.tables)


@contextlib.asynccontextmanager
async def listening(feed: Feed) -> AsyncIterator[None]:
    """The feed, heard for the length of the block."""
    task = asyncio.create_task(feed.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


__all__ = ["ApprovalId", "BuildId", "House", "Worker", "key", "listening", "rejected", "version"]
