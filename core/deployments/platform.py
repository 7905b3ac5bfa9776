"""What deployments and app work have in hand: the ports and stores of this machine, and how an instance is brought up with them.

Made by the wiring. `Platform.launch` is the one place where an artifact, its settings and its database become a running instance; try-outs
have their own, because nothing of an app that is not approved yet may meet its real settings or data.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.builds.revisions import load_tree
from core.deployments import settings
from core.errors import NotHealthy
from core.files import FileTree
from core.frameworks.framework import Framework, Toolchain
from core.frameworks.registry import framework as framework_named
from core.hosting.edge import Edge
from core.hosting.host import Address, Host, Instance, InstanceSpec, InstanceState
from core.hosting.router import Notice, Route, Router
from core.ids import AppId, Digest, InstanceId
from core.ledger.ledger import Ledger
from core.ledger.tables import App, Build
from core.ledger.vault import Vault
from core.tenants.registry import TenantRegistry
from core.tenants.tenants import Access, Tenant, Tenants
from core.verification.artifacts import ArtifactStore
from core.verification.logs import Masks
from core.verification.prober import Prober
from core.words.plan import Plan
from core.words.walls import Isolation, Limits

HEALTH_SECONDS = 30.0  #: how long an instance may take until it answers
PROBE_PAUSE = 0.2  #: seconds between the first look through the proxy and the second; twice that until the third
SECRET_CHARS = 8  #: settings of fewer characters are words like "true", not secrets
LOG_LINES = 30  #: of an instance's log, shown when something failed


def app_lock(app: str) -> str:
    """The name of the lock under which an app's instances, route and database are changed."""
    return f"app:{app}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What an instance is made of."""

    tree: FileTree
    plan: Plan
    spec: Framework
    values: Mapping[str, str] = field(repr=False)  #: the settings, opened; never shown or logged
    own_code: bool  #: every line was written by Nexus itself (the starter)

    @property
    def needs_database(self) -> bool:
        return self.plan.requires_database or bool(self.tree.under("migrations"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The ports and stores of this machine."""

    ledger: Ledger
    vault: Vault
    store: ArtifactStore
    host: Host
    router: Router
    tenants: Tenants
    registry: TenantRegistry
    prober: Prober
    tools: Toolchain
    edge: Edge
    snapshots: Path  #: folder for the dumps
    limits: Limits  #: of a live instance
    allow_unconfined: bool = False  #: whether other people's code may run where no walls can be made

    async def material(self, app: str, build: str, settings_version: int) -> Material:
        """Gather what an instance of this build with these settings is made of."""
        async with self.ledger.reading() as session:
            row = await session.get(Build, build)
            assert row is not None
            assert row.revision_id is not None
            tree, plan = await load_tree(session, row.revision_id)
            sealed = await settings.sealed_of(session, app, settings_version)
        values = settings.opened(self.vault, app, sealed)
        return Material(tree=tree, plan=plan, spec=framework_named(plan.framework), values=values, own_code=row.own_code)

    def masks(self, material: Material, tenant: Tenant | None) -> Masks:
        """What an instance knows and its log must not show to whoever reads along."""
        # A log has one line at a time, a key in a setting several.
        values = [part for value in material.values.values() for part in (value, *value.splitlines())]
        secrets = [value for value in values if len(value.strip()) >= SECRET_CHARS]
        if tenant is not None:
            access = self.tenants.access(tenant)
            secrets += [
                s.get_secret_value() for s in (tenant.app_password, tenant.migrator_password, access.url, access.public_url)
            ]
        return Masks.of(secrets=secrets)

    async def launch(self, app: str, artifact: str, instance: InstanceId, material: Material, access: Access | None) -> Instance:
        """Start the instance, or find it running.

        Raises:
            NotHealthy: the artifact is not kept any more, or may not run here: it was tried behind walls that are gone (the data
                folder was moved, the machine set up anew).
        """
        if self.host.isolation is Isolation.PROCESS and not material.own_code and not self.allow_unconfined:
            raise NotHealthy(
                "This machine cannot wall in code that a model or a person wrote, so it is not started. Whoever runs this Nexus can "
                "allow it nevertheless with NEXUS_ALLOW_UNCONFINED=1, or run Nexus where namespaces are allowed (`nexus doctor`)."
            )
        kept = await self.store.open(Digest(artifact))
        if kept is None:
            raise NotHealthy("The built artifact is not here any more; ask for a change to build it again.")
        command = material.spec.start(material.tree, self.tools)
        env = {**material.values, **command.env, "PLATFORM_API_URL": self.edge.platform_api_url}
        if access is not None:
            env["DATABASE_URL"] = access.url.get_secret_value()
        return await self.host.start(
            InstanceSpec(
                instance=instance,
                app=AppId(app),
                folder=kept.folder,
                argv=command.argv,
                env=env,
                mounts=[*kept.mounts, *command.mounts, *(access.mounts if access is not None else ())],
                limits=self.limits,
            )
        )

    async def until_healthy(self, instance: Instance) -> float:
        """Wait until it answers; returns the seconds that took.

        Raises:
            NotHealthy: it ended, or did not answer in `HEALTH_SECONDS`; with its log's tail.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        reason = "it did not answer"
        while loop.time() - began < HEALTH_SECONDS:
            status = await self.host.poll(instance.instance)
            if status.state is not InstanceState.RUNNING:
                why = "it used more memory than it may" if status.out_of_memory else f"exit code {status.exit_code}"
                raise NotHealthy(f"The app ended while it started ({why}).", log_tail=await self.tail(instance.instance))
            try:
                answer = await self.prober.request(instance.address, "GET", "/healthz", host_header="localhost", timeout=3.0)
                if answer.status == 200:
                    return loop.time() - began
                reason = f"/healthz answers {answer.status}"
            except NotHealthy as error:
                reason = error.message
            await asyncio.sleep(0.03)
        raise NotHealthy(
            f"The app did not become healthy in {HEALTH_SECONDS:.0f} s: {reason}.", log_tail=await self.tail(instance.instance)
        )

    def route_of(self, app: App, target: Address | Notice) -> Route:
        """The app's host name, leading there."""
        return Route(name=app.id, hosts=(self.edge.host(app.slug),), target=target)

    async def route(self, app: App, instance: Instance) -> None:
        """Lead the app's host name to this instance."""
        await self.router.add(self.route_of(app, instance.address))

    async def probe(self, app: App, instance: InstanceId) -> None:
        """GET through the real proxy, as somebody in front of it would.

        Raises:
            NotHealthy: it is not 200; with the instance's log tail.
        """
        host = self.edge.host_header(self.edge.host(app.slug))
        reason = ""
        for attempt in (1, 2, 3):
            try:
                answer = await self.prober.request(self.edge.probe, "GET", "/healthz", host_header=host, timeout=5.0)
            except NotHealthy as error:
                reason = error.message
            else:
                if answer.status == 200:
                    return
                reason = f"/healthz answers {answer.status}"
            if attempt < 3:
                await asyncio.sleep(PROBE_PAUSE * attempt)
        raise NotHealthy(f"The app does not answer through the proxy: {reason}.", log_tail=await self.tail(instance))

    async def tail(self, instance: InstanceId) -> str:
        """The last lines that it printed."""
        return "\n".join(await self.host.logs(instance, lines=LOG_LINES))

    async def end_others(self, app: str, but: str) -> None:
        """Stop every instance of an app but one, and keep nothing of them; what they have in hand they finish."""
        for other in await self.host.instances(ended=True):
            if other.app == app and other.instance != but:
                await self.host.stop(other.instance, grace_seconds=5.0)
                await self.host.forget(other.instance)
