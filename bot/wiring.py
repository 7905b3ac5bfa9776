"""The composition root: the one place that constructs adapters and hands them to the engine.

Called by `bot.program` with the started platform. Nothing else imports an adapter to make one; everything else is given what it needs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from adapters.api.app import Api, add_api
from adapters.api.authentication import Authentication
from adapters.api.tokens import Tokens
from adapters.browsers.chromium import Chromium
from adapters.databases.postgres import PostgresTenants
from adapters.hosts.process import ProcessHost
from adapters.models.starter.model import Starter
from adapters.packages.registries import Clients, RegistryIndex
from adapters.probes.http import HttpProber
from adapters.routers.caddy import CaddyRouter
from adapters.sandboxes.confined import ConfinedSandbox
from adapters.sandboxes.confinement import Confinement
from adapters.web.app import Web, add_web
from adapters.web.outbound import WebChat
from adapters.web.session import Sessions
from bot.platform.caddy import EmbeddedCaddy
from bot.platform.data_folder import DataFolder
from bot.platform.parts import Parts, chromium
from bot.platform.postgres import EmbeddedPostgres
from bot.providers import configured
from bot.settings import Settings
from core.builds.work import BuildWork
from core.conversation.completion import complete
from core.conversation.dialogue import Dialogue
from core.conversation.outbox import Outbox
from core.deployments.platform import Platform
from core.deployments.work import DeploymentWork
from core.frameworks import launchers
from core.frameworks.framework import Toolchain
from core.frameworks.registry import framework
from core.generation.choice import ModelChoice
from core.generation.model import Model
from core.generation.pipeline import Pipeline
from core.hosting.edge import Edge
from core.hosting.host import TcpAddress
from core.ids import PrincipalId
from core.ledger.feed import Feed
from core.ledger.inbox import LedgerInbox
from core.ledger.ledger import Ledger
from core.ledger.messages import Messages, SentRecord
from core.ledger.queue import WorkKind
from core.ledger.signins import Signins
from core.ledger.vault import Vault
from core.ledger.waking import Waker
from core.operations.app_work import AppWork
from core.operations.engine import Engine
from core.operations.pruning import Pruning
from core.operations.reconcile import Reconciler
from core.operations.showing import Showing
from core.people import People
from core.tenants.registry import TenantRegistry
from core.tenants.tenants import TenantLimits
from core.verification.artifacts import ArtifactStore
from core.verification.verifier import Verifier
from core.words.walls import Limits

INSTANCE_LIMITS = Limits(cpus=1.0, memory_mb=512, pids=128, seconds=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nexus:
    """Everything, put together."""

    ledger: Ledger
    feed: Feed
    waker: Waker
    showing: Showing
    reconciler: Reconciler
    app_work: AppWork
    pruning: Pruning
    verifier: Verifier
    store: ArtifactStore
    host: ProcessHost
    router: CaddyRouter
    tenants: PostgresTenants
    people: People
    engine: Engine
    sessions: Sessions
    tokens: Tokens
    edge: Edge
    signin_link: Callable[[PrincipalId], Awaitable[str]]  #: signs this principal in, once, within 15 minutes
    site: web.Application

    async def close(self) -> None:
        await self.router.close()
        await self.tenants.close()
        await self.ledger.close()


def visible_programs(parts: Parts) -> tuple[Path, ...]:
    """The program folders that a sandbox shows."""
    return (*parts.visible, Path(launchers.__file__).parent)


def toolchain(data: DataFolder, parts: Parts) -> Toolchain:
    """The programs that install, build and start apps, and the shared stores."""
    return Toolchain(
        python=parts.python.path,
        uv=parts.uv.path,
        uv_cache=data.folder("cache/uv", mode=0o755),
        node=parts.node.path,
        pnpm=parts.pnpm.path,
        pnpm_store=data.folder("cache/pnpm", mode=0o755),
        launchers=Path(launchers.__file__).parent,
    )


def models(settings: Settings) -> ModelChoice:
    """The models that are configured; the starter always. A vendor's SDK takes seconds to import and tens of megabytes, so it is
    imported only where its provider is configured."""
    chosen: dict[str, Model] = {"starter": Starter()}
    named: dict[str, Callable[[str], Model]] = {}
    for one in configured(settings):
        from adapters.models.calls import CallLimits

        limits = CallLimits(silence=settings.model_silence)
        if one.name == "compatible":
            from adapters.models.compatible import CompatibleModel

            assert one.base_url is not None
            own = CompatibleModel(one.base_url, frameworks=framework, api_key=one.key, model=one.model, limits=limits)
            chosen[one.name], named[one.name] = own, own.named
            continue
        assert one.key is not None
        if one.name == "openai":
            from adapters.models.openai import OpenAIModel

            openai = OpenAIModel(one.key, frameworks=framework, model=one.model, base_url=one.base_url, limits=limits)
            chosen[one.name], named[one.name] = openai, openai.named
        else:
            from adapters.models.anthropic import AnthropicModel

            anthropic = AnthropicModel(one.key, frameworks=framework, model=one.model, base_url=one.base_url, limits=limits)
            chosen[one.name], named[one.name] = anthropic, anthropic.named
    return ModelChoice(chosen, named=named, fallback=settings.model_fallback)


def wire(
    settings: Settings, data: DataFolder, parts: Parts, postgres: EmbeddedPostgres, caddy: EmbeddedCaddy, confinement: Confinement
) -> Nexus:
    """Put everything together; starts nothing."""
    tools = toolchain(data, parts)
    ledger = Ledger(postgres.dsn().get_secret_value())
    feed = Feed(ledger)
    vault = Vault([data.secret("settings")])
    host = ProcessHost(confinement, state_folder=data.folder("instances"), runtime_folder=data.runtime / "i")
    router = CaddyRouter(caddy.admin_socket, targets=caddy.targets)
    tenants = PostgresTenants(
        postgres.dsn("postgres").get_secret_value(),
        socket_dir=postgres.socket_dir,
        public_host="127.0.0.1",
        public_port=postgres.port,
        pg_bin=parts.postgres_bin,
        shared_network=not confinement.own_network,
    )
    edge = Edge(port=caddy.port, probe=TcpAddress(host="127.0.0.1", port=caddy.port))
    store = ArtifactStore(data.folder("artifacts", mode=0o711))
    prober = HttpProber()
    platform = Platform(
        ledger=ledger,
        vault=vault,
        store=store,
        host=host,
        router=router,
        tenants=tenants,
        registry=TenantRegistry(ledger, vault, TenantLimits()),
        prober=prober,
        tools=tools,
        edge=edge,
        snapshots=data.folder("snapshots"),
        limits=INSTANCE_LIMITS,
        allow_unconfined=settings.allow_unconfined,
    )
    choice = models(settings)
    sandbox = ConfinedSandbox(confinement)
    found = chromium(settings.browser)
    browser = Chromium(found.path if found else None, sandbox, python=parts.python.path, folder=data.runtime / "b")
    verifier = Verifier(
        store=store,
        sandbox=sandbox,
        host=host,
        tenants=tenants,
        prober=prober,
        toolchain=tools,
        platform_api_url=edge.platform_api_url,
        browser=browser,
        allow_unconfined=settings.allow_unconfined,
    )
    index = RegistryIndex(Clients(node=tools.node, pnpm=tools.pnpm, uv=tools.uv))
    pipeline = Pipeline(framework, index=index)
    people = People(ledger)
    app_work = AppWork(platform)
    waker = Waker(
        ledger,
        {
            WorkKind.BUILD: BuildWork(ledger, feed, choice, pipeline, verifier, places=settings.builds).advance,
            WorkKind.DEPLOYMENT: DeploymentWork(platform).advance,
            WorkKind.APP: app_work.advance,
        },
    )
    engine = Engine(platform, feed, choice, people)
    dialogue = Dialogue(engine, inbox=LedgerInbox(ledger))
    sessions = Sessions(Signins(ledger))
    tokens = Tokens(data.secret("tokens"))
    authentication = Authentication(tokens, engine)
    site = web.Application(client_max_size=4 * 1024 * 1024)
    add_web(
        site,
        Web(
            engine=engine,
            dialogue=dialogue,
            sessions=sessions,
            complete=complete,
            authenticate=authentication.who,
        ),
    )

    async def signin_link(principal: PrincipalId) -> str:
        return f"{edge.base_url}/signin?token={await sessions.create_link(principal)}"

    add_api(site, Api(engine=engine, authentication=authentication, edge=edge, signin_link=signin_link))
    return Nexus(
        ledger=ledger,
        feed=feed,
        waker=waker,
        showing=Showing(ledger, feed, Outbox({"web": WebChat(Messages(ledger))}, SentRecord(ledger))),
        reconciler=Reconciler(ledger, waker, app_work, tenants, platform.registry),
        app_work=app_work,
        pruning=Pruning(ledger, store, host, platform.snapshots),
        verifier=verifier,
        store=store,
        host=host,
        router=router,
        tenants=tenants,
        people=people,
        engine=engine,
        sessions=sessions,
        tokens=tokens,
        edge=edge,
        signin_link=signin_link,
        site=site,
    )
