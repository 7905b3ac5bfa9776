"""The part of the wiring that every process has: the engine with what it asks, and the dialogue.

Called by `bot.wiring`. It constructs what looks at this machine and starts nothing: who works as well gets the rest from `bot.wiring.wire`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from adapters.databases.postgres import PostgresTenants
from adapters.hosts.process import ProcessHost
from adapters.models.starter.model import Starter
from adapters.probes.http import HttpProber
from adapters.routers.caddy import CaddyRouter
from adapters.sandboxes.confinement import Confinement
from bot.platform.caddy import CaddyPlace
from bot.platform.data_folder import DataFolder
from bot.platform.parts import Parts
from bot.platform.postgres import PostgresPlace
from bot.providers import configured
from bot.settings import Settings
from core.conversation.dialogue import Dialogue
from core.deployments.platform import Platform
from core.frameworks import launchers
from core.frameworks.framework import Toolchain
from core.frameworks.registry import framework
from core.generation.choice import ModelChoice
from core.generation.model import Model
from core.hosting.edge import Edge
from core.hosting.host import TcpAddress
from core.ledger.feed import Feed
from core.ledger.inbox import LedgerInbox
from core.ledger.ledger import Ledger
from core.ledger.vault import Vault
from core.operations.engine import Engine
from core.people import People
from core.tenants.registry import TenantRegistry
from core.tenants.tenants import TenantLimits
from core.verification.artifacts import ArtifactStore
from core.words.walls import Limits

INSTANCE_LIMITS = Limits(cpus=1.0, memory_mb=512, pids=128, seconds=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """What people talk to, in whichever process."""

    ledger: Ledger
    feed: Feed
    vault: Vault
    platform: Platform
    host: ProcessHost
    router: CaddyRouter
    tenants: PostgresTenants
    models: ModelChoice
    people: People
    engine: Engine
    inbox: LedgerInbox
    dialogue: Dialogue

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


def face_of(
    settings: Settings, data: DataFolder, parts: Parts, postgres: PostgresPlace, caddy: CaddyPlace, confinement: Confinement
) -> Face:
    """Put it together."""
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
    platform = Platform(
        ledger=ledger,
        vault=vault,
        store=ArtifactStore(data.folder("artifacts", mode=0o711)),
        host=host,
        router=router,
        tenants=tenants,
        registry=TenantRegistry(ledger, vault, TenantLimits()),
        prober=HttpProber(),
        tools=toolchain(data, parts),
        edge=Edge(port=caddy.port, probe=TcpAddress(host="127.0.0.1", port=caddy.port)),
        snapshots=data.folder("snapshots"),
        limits=INSTANCE_LIMITS,
        allow_unconfined=settings.allow_unconfined,
    )
    choice, people, inbox = models(settings), People(ledger), LedgerInbox(ledger)
    engine = Engine(platform, feed, choice, people)
    return Face(
        ledger=ledger,
        feed=feed,
        vault=vault,
        platform=platform,
        host=host,
        router=router,
        tenants=tenants,
        models=choice,
        people=people,
        engine=engine,
        inbox=inbox,
        dialogue=Dialogue(engine, inbox=inbox),
    )
