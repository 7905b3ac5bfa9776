"""The try-out: an artifact is started with a scratch database and asked to do what it promises; then all of it is taken away again.

Called by the verifier, which opens an `Attempt` when a build begins, so that the database is ready when the build is, and the browser too.
A claim with the
attempt's names is on disk before anything is made; should this process die, `TryOuts.sweep` of any other finds it and clears away.

It refuses to give an app real settings: whoever approves has not seen the code yet.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from core.errors import MigrationFailed, NexusError, NotHealthy
from core.files import FileTree
from core.frameworks.framework import StartCommand
from core.hosting.host import Address, Host, Instance, InstanceSpec, InstanceState
from core.ids import AppId, InstanceId, TenantId
from core.tenants.credentials import fresh_tenant
from core.tenants.tenants import Migration, Tenant, TenantLimits, Tenants
from core.verification.artifacts import Artifact
from core.verification.browser import Browser, Cookie, NotSeen, Seen, Tab, Visit
from core.verification.claims import Claim, Claims
from core.verification.completion import complete
from core.verification.logs import Masks
from core.verification.pages import how_they_opened, not_opened, paths_of, try_html
from core.verification.prober import ProbeAnswer, Prober
from core.verification.resources import add_samples, try_resources
from core.verification.signing_in import SignedIn, sign_in
from core.verification.untrusted import disk_full_as_error
from core.words.cards import Step, StepState
from core.words.plan import Feature, Plan
from core.words.walls import Isolation

_log = logging.getLogger(__name__)

_PREFIX = "try_"
_HOST_HEADER = "try-out.localhost"
_LOG_LINES = 60
_LEFT_OUT = frozenset({"REGISTRATION"})  #: required settings that work by being left out: no word of ours is one of their values
_ORPHAN_AGE = timedelta(minutes=30)  #: no attempt lasts that long
_SCRATCH_LIMITS = TenantLimits(size_mb=64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Patience, in seconds."""

    healthy: float = 20.0  #: from the start of an instance to its first good answer
    answer: float = 10.0  #: for any other request
    pause: float = 0.03  #: between two looks
    grace: float = 1.0  #: for the instance to end by itself


class TryOuts:
    """Makes attempts."""

    def __init__(
        self,
        *,
        host: Host,
        tenants: Tenants,
        prober: Prober,
        claims: Claims,
        platform_api_url: str,
        browser: Browser | None = None,
        timing: Timing | None = None,
    ) -> None:
        self.browser = browser
        self.host = host
        self.tenants = tenants
        self.prober = prober
        self.platform_api_url = platform_api_url
        self.timing = timing or Timing()
        self._claims = claims

    @contextlib.asynccontextmanager
    async def attempt(self, tree: FileTree, plan: Plan | None, *, brought: Collection[Feature] = ()) -> AsyncIterator[Attempt]:
        """Names, a claim on them, and a scratch database on its way, where the app uses one; nothing of it is left afterwards.
        ``brought`` are the features that its framework's scaffold brings."""
        name = _PREFIX + secrets.token_hex(8)
        migrations = migrations_of(tree)
        tenant = fresh_tenant(_SCRATCH_LIMITS) if migrations or plan is None or plan.requires_database else None
        with disk_full_as_error():
            claim = self._claims.claim(name, _note(tenant))
        attempt = Attempt(self, InstanceId(name), tenant, migrations, plan, files=tuple(tree), brought=brought)
        try:
            yield attempt
        finally:
            await complete(self._clear(attempt, claim))

    async def _clear(self, attempt: Attempt, claim: Claim) -> None:
        try:
            await attempt.end()
            await self._take_away(attempt.instance if attempt.started else None, attempt.tenant)
        except (NexusError, OSError) as error:
            _log.warning("try-out %s could not be cleared away, will be tried again: %s", attempt.instance, error)
            claim.let_go()
        else:
            claim.release()

    async def _take_away(self, instance: InstanceId | None, tenant: Tenant | None) -> None:
        if instance is not None:
            await self.host.stop(instance, grace_seconds=self.timing.grace)
            await self.host.forget(instance)
        if tenant is not None:
            await self.tenants.drop(tenant)

    async def sweep(self, live: Collection[str] = ()) -> int:
        """Clear away what attempts of dead processes left; returns how many. ``live`` names instances and databases that are in use
        elsewhere, whatever is found here."""
        swept = 0
        if self.browser is not None:
            await self.browser.sweep()
        for claim in self._claims.abandoned(_PREFIX):
            tenant = _tenant_of(claim.note)
            if claim.name in live or (tenant is not None and tenant.database in live):
                claim.let_go()
                continue
            try:
                await self._take_away(InstanceId(claim.name), tenant)
            except BaseException:
                claim.let_go()
                raise
            claim.release()
            swept += 1
        for instance in await self.host.instances():
            name = instance.instance
            old = datetime.now(UTC) - instance.started_at > _ORPHAN_AGE  # a younger one may be another machine's
            if name.startswith(_PREFIX) and old and name not in live and not self._claims.held(name):
                await self._take_away(name, None)
                swept += 1
        return swept


class Attempt:
    """One artifact being tried."""

    def __init__(
        self,
        tryouts: TryOuts,
        instance: InstanceId,
        tenant: Tenant | None,
        migrations: Sequence[Migration],
        plan: Plan | None,
        *,
        files: Sequence[str],
        brought: Collection[Feature],
    ) -> None:
        self.instance = instance
        self.tenant = tenant
        self._tryouts = tryouts
        self._migrations = migrations
        self._plan = plan
        self._files = files
        self._brought = brought
        self._browser = contextlib.AsyncExitStack()
        self._tab: Tab | None = None
        self._cookies: Mapping[str, str] = {}
        self.started = False
        self.seen: Seen | None = None  #: what a browser saw of its pages, where one has opened them
        self._database = asyncio.create_task(self._make_database())

    @property
    def masks(self) -> Masks:
        """The scratch database's secrets."""
        if self.tenant is None:
            return Masks({})
        access = self._tryouts.tenants.access(self.tenant)
        hidden = (self.tenant.app_password, self.tenant.migrator_password, access.url, access.public_url)
        return Masks.of(secrets=[secret.get_secret_value() for secret in hidden])

    async def start_browser(self) -> None:
        """Have a browser ready when the app is; returns at once."""
        if self._tryouts.browser is not None and not self._tryouts.browser.why_not:
            self._tab = await self._browser.enter_async_context(self._tryouts.browser.tab())

    async def end(self) -> None:
        """Stop making the database, if that is still going on, and end the browser."""
        self._database.cancel()
        await self._browser.aclose()
        await asyncio.wait({self._database})
        if not self._database.cancelled():
            self._database.exception()  # seen; whoever wanted the database got it raised

    async def logs(self) -> str:
        """What the instance printed last."""
        if not self.started:
            return ""
        return "\n".join(await self._tryouts.host.logs(self.instance, lines=_LOG_LINES))

    async def run(self, artifact: Artifact, start: StartCommand, evidence: list[Step], note: Callable[[str], None]) -> Isolation:
        """Start the artifact and try it, adding to ``evidence``; returns how it was walled in.

        Raises:
            MigrationFailed, NotHealthy: it did not do as it should; the last line of the evidence says so.
        """
        note("database")
        evidence.append(await self._prepared(evidence))
        wanted = self._plan.settings if self._plan else ()
        settings = {s.name: _made_up(s.name) for s in wanted if s.required and s.name not in _LEFT_OUT}
        if settings:
            evidence.append(_skipped("settings", f"made-up values for {', '.join(settings)}"))
        note("start")
        instance = await self._start(artifact, start, settings)
        address = instance.address
        seconds = await self._healthy(address, evidence)
        evidence.append(_done("start", f"healthy after {seconds:.1f} s", seconds))
        signed_in = await self._sign_in(address, evidence, note)
        note("page")
        place, pages = len(evidence), await self._pages(address, evidence, reachable=signed_in)
        await self._resources(address, evidence, note, reachable=signed_in)
        evidence[place:place] = await self._opened(address, pages, evidence, note, reachable=signed_in)
        await self._still_healthy(address, evidence)
        return instance.isolation

    # The database

    async def _make_database(self) -> Step:
        if self.tenant is None:
            return _skipped("database", "the app uses none")
        started = time.monotonic()
        tenants = self._tryouts.tenants
        await tenants.create(self.tenant)
        first = await tenants.migrate(self.tenant, self._migrations)
        again = await tenants.migrate(self.tenant, self._migrations)
        if again.applied:
            raise MigrationFailed(f"The migration {again.applied[0]!a} ran a second time.")
        usage = await tenants.usage(self.tenant)
        tables = len(usage.tables) if usage else 0
        detail = f"{_count(len(first.applied), 'migration')}, {_count(tables, 'table')}; run again, nothing changed"
        return _done("database", detail, time.monotonic() - started)

    async def _prepared(self, evidence: list[Step]) -> Step:
        try:
            return await asyncio.shield(self._database)
        except MigrationFailed as error:
            evidence.append(_failed("database", error.message))
            raise

    # The instance

    async def _start(self, artifact: Artifact, start: StartCommand, settings: Mapping[str, str]) -> Instance:
        env = {**start.env, **settings, "PLATFORM_API_URL": self._tryouts.platform_api_url}
        mounts = [*start.mounts, *artifact.mounts]
        if self.tenant is not None:
            access = self._tryouts.tenants.access(self.tenant)
            env["DATABASE_URL"] = access.url.get_secret_value()
            mounts += access.mounts
        self.started = True
        return await self._tryouts.host.start(
            InstanceSpec(
                instance=self.instance,
                app=AppId(self.instance),
                folder=artifact.folder,
                argv=start.argv,
                env=env,
                mounts=mounts,
            )
        )

    async def _healthy(self, address: Address, evidence: list[Step]) -> float:
        timing = self._tryouts.timing
        started = time.monotonic()
        last = "it did not listen"
        try:
            while (spent := time.monotonic() - started) < timing.healthy:
                left = timing.healthy - spent
                try:
                    answer = await self._ask(address, "GET", "/healthz", timeout=min(left, timing.answer))
                except NotHealthy as error:
                    last = error.message
                    await self._alive()
                else:
                    if answer.status == 200:
                        return time.monotonic() - started
                    last = f"GET /healthz answered {answer.status}"
                await asyncio.sleep(timing.pause)
            raise NotHealthy(f"The app was not healthy within {timing.healthy:.0f} s: {last}.")
        except NotHealthy as error:
            evidence.append(_failed("start", error.message, time.monotonic() - started))
            raise

    async def _alive(self) -> None:
        status = await self._tryouts.host.poll(self.instance)
        if status.out_of_memory:
            raise NotHealthy("The app needed more memory than it may use, and was ended.")
        if status.state is not InstanceState.RUNNING:
            code = "" if status.exit_code is None else f" with code {status.exit_code}"
            raise NotHealthy(f"The app ended by itself{code} while it was tried.")

    async def _ask(
        self,
        address: Address,
        method: str,
        path: str,
        *,
        json: Any = None,
        cookies: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> ProbeAnswer:
        patience = timeout or self._tryouts.timing.answer
        return await self._tryouts.prober.request(
            address, method, path, host_header=_HOST_HEADER, json=json, cookies=cookies, timeout=patience
        )

    async def _asked(
        self, address: Address, method: str, path: str, *, json: Any = None, cookies: Mapping[str, str] | None = None
    ) -> ProbeAnswer:
        """As `_ask`, as who is signed in; when there is no answer because the app has ended, that is what the error says."""
        try:
            return await self._ask(address, method, path, json=json, cookies=self._cookies if cookies is None else cookies)
        except NotHealthy:
            await self._alive()
            raise

    # What it promises

    async def _sign_in(self, address: Address, evidence: list[Step], note: Callable[[str], None]) -> bool:
        """Whether what it keeps can be reached; with an account of ours where one is needed."""
        if self._plan is None or "authentication" not in self._plan.features:
            return True
        note("sign-in")
        brought = "authentication" in self._brought
        try:
            made: SignedIn = await sign_in(self._plan, functools.partial(self._asked, address), brought=brought)
        except NotHealthy as error:
            evidence.append(_failed("sign-in", error.message))
            raise
        evidence.append(made.step)
        self._cookies = made.cookies
        return bool(made.cookies)

    async def _pages(self, address: Address, evidence: list[Step], *, reachable: bool) -> list[Step]:
        paths = paths_of(self._plan) if reachable else ["/"]
        return await try_html(paths, functools.partial(self._asked, address, "GET"), evidence)

    async def _resources(self, address: Address, evidence: list[Step], note: Callable[[str], None], *, reachable: bool) -> None:
        if self._plan is None:
            evidence.append(_skipped("resources", "no plan says what the app keeps"))
        elif reachable:
            ask = functools.partial(self._asked, address)
            await try_resources(self._plan.resources, ask, evidence, note, search="search" in self._plan.features)

    async def _opened(
        self,
        address: Address,
        pages: Sequence[Step],
        evidence: list[Step],
        note: Callable[[str], None],
        *,
        reachable: bool,
    ) -> list[Step]:
        """The lines of its pages, as a browser found them where there is one."""
        if self._tab is None:
            browser = self._tryouts.browser
            return [*pages, not_opened("no browser is set up" if browser is None else browser.why_not)]
        note("browser")
        if self._plan is not None and reachable:
            await add_samples(self._plan.resources, functools.partial(self._asked, address))
        visit = Visit(
            paths=[step.name if step.name.startswith("/") else "/" for step in pages],
            cookies=[Cookie(name=name, value=value) for name, value in self._cookies.items()],
            forgiven=[401] if self._plan is not None and "authentication" in self._plan.features else [],
        )
        try:
            seen: Seen | NotSeen = await self._tab.visit(address, visit)
        except NotHealthy as error:
            evidence.append(_failed("page", error.message))
            raise
        if isinstance(seen, Seen):
            self.seen = seen
        return how_they_opened(seen, pages, evidence, self._files)

    async def _still_healthy(self, address: Address, evidence: list[Step]) -> None:
        try:
            answer = await self._asked(address, "GET", "/healthz")
            if answer.status != 200:
                raise NotHealthy(f"After it was used, GET /healthz answered {answer.status}.")
        except NotHealthy as error:
            evidence.append(_failed("health", error.message))
            raise


def migrations_of(tree: FileTree) -> Sequence[Migration]:
    """The app's migrations, in the order in which they run."""
    paths = sorted(p for p in tree if p.startswith("migrations/") and p.endswith(".sql") and p.count("/") == 1)
    return [Migration(name=path.removeprefix("migrations/"), sql=tree[path]) for path in paths]


def _note(tenant: Tenant | None) -> Mapping[str, str]:
    if tenant is None:
        return {}
    roles = {"app_role": tenant.app_role, "migrator_role": tenant.migrator_role}
    return {"tenant": tenant.tenant, "database": tenant.database, **roles}


def _tenant_of(note: Mapping[str, str]) -> Tenant | None:
    """Enough of a tenant to drop it."""
    if not {"tenant", "database", "app_role", "migrator_role"} <= note.keys():
        return None
    return Tenant(
        tenant=TenantId(note["tenant"]),
        database=note["database"],
        app_role=note["app_role"],
        app_password=SecretStr(""),
        migrator_role=note["migrator_role"],
        migrator_password=SecretStr(""),
        limits=_SCRATCH_LIMITS,
    )


def _made_up(setting: str) -> str:
    if setting.endswith(("URL", "URI", "ENDPOINT")):
        return "https://example.com/"
    if "EMAIL" in setting:
        return "someone@example.com"
    return "example"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _done(name: str, detail: str, seconds: float) -> Step:
    return Step(name=name, state=StepState.DONE, detail=detail, seconds=round(seconds, 3))


def _failed(name: str, why: str, seconds: float | None = None) -> Step:
    return Step(name=name, state=StepState.FAILED, detail=why, seconds=None if seconds is None else round(seconds, 3))


def _skipped(name: str, why: str) -> Step:
    return Step(name=name, state=StepState.SKIPPED, detail=why)
