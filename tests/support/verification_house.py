"""A verifier over the real sandbox, host, Postgres and package managers, below one folder; and a program that verifies and never
ends, for tests that kill it: ``python -m tests.support.verification_house FOLDER DSN SOCKETS PORT``."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from adapters.browsers.chromium import Chromium
from adapters.databases.postgres import PostgresTenants
from adapters.hosts.process import ProcessHost
from adapters.probes.http import HttpProber
from adapters.sandboxes.confined import ConfinedSandbox
from adapters.sandboxes.detect import detect
from bot.platform.data_folder import DataFolder
from bot.platform.parts import chromium, find_parts
from core.files import FileTree
from core.frameworks.framework import Toolchain
from core.frameworks.registry import FRAMEWORKS
from core.verification.artifacts import ArtifactStore
from core.verification.tryout import Timing
from core.verification.verifier import Verifier

LAUNCHERS = Path(__file__).parents[2] / "core" / "frameworks" / "launchers"


@dataclass(frozen=True, kw_only=True)
class House:
    """Everything that a verification needs."""

    verifier: Verifier
    store: ArtifactStore
    host: ProcessHost
    tenants: PostgresTenants
    browser: Chromium
    runtime: Path

    async def leftovers(self) -> list[str]:
        """Whatever a verification should have cleared away."""
        kept = [path.name for folder in ("work", "claims") for path in (self.store.root / folder).glob("*")]
        kept += [str(path) for path in self.runtime.glob("b/*")]
        return [*kept, *await self.tenants.databases(), *(one.instance for one in await self.host.instances())]


async def build_house(folder: Path, *, dsn: str, sockets: Path, port: int, forced: str | None = None) -> House:
    """``forced`` is the kind of sandbox, as in NEXUS_SANDBOX."""
    data = DataFolder.open(folder)
    parts = await find_parts(data)
    confinement = await detect(programs=(*parts.visible, LAUNCHERS), forced=forced)
    host = ProcessHost(confinement, state_folder=data.folder("instances"), runtime_folder=data.runtime)
    tenants = PostgresTenants(
        dsn,
        socket_dir=sockets,
        public_host="127.0.0.1",
        public_port=port,
        pg_bin=parts.postgres_bin,
        shared_network=not confinement.own_network,
    )
    tools = Toolchain(
        python=parts.python.path,
        uv=parts.uv.path,
        uv_cache=data.folder("uv"),
        node=parts.node.path,
        pnpm=parts.pnpm.path,
        pnpm_store=data.folder("pnpm"),
        launchers=LAUNCHERS,
    )
    store = ArtifactStore(data.folder("store"))
    sandbox = ConfinedSandbox(confinement)
    found = chromium()
    browser = Chromium(found.path if found else None, sandbox, python=parts.python.path, folder=data.runtime / "b")
    verifier = Verifier(
        store=store,
        sandbox=sandbox,
        browser=browser,
        host=host,
        tenants=tenants,
        prober=HttpProber(),
        toolchain=tools,
        platform_api_url="http://localhost:8080",
        timing=Timing(healthy=60),
        allow_unconfined=True,  # what the tests give it is ours
    )
    return House(verifier=verifier, store=store, host=host, tenants=tenants, browser=browser, runtime=data.runtime)


async def _verify_for_ever(folder: str, dsn: str, sockets: str, port: str) -> None:
    house = await build_house(Path(folder), dsn=dsn, sockets=Path(sockets), port=int(port))
    tree = FileTree(json.loads(sys.stdin.read()))
    await house.verifier.verify(tree, FRAMEWORKS["express"], None, lambda step: print(step.name, step.detail, flush=True))


if __name__ == "__main__":
    os.umask(0o077)  # the strictest that an operator may have set
    asyncio.run(_verify_for_ever(*sys.argv[1:]))
