"""The verifier: from a checked file tree to an artifact with evidence, or to a rejection with what is needed to repair it.

Called by the engine's ``advance`` of a build, and for files that came over the API. Three stages: *install* (only the dependency files,
network to the registries, once per set of dependencies), *build* (everything, no network) and *try* (`core.verification.tryout`).
Verifying the same tree again is harmless and ends with the same artifact.

It refuses to run code that Nexus did not write where nothing better than the same user's process can wall it in, unless whoever runs
this Nexus said so. It decides nothing about repairs and approvals, and writes nothing to the ledger.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from core.errors import AppError, BuildFailed, InstallFailed, InvalidInput, MigrationFailed, TooLarge
from core.files import FileTree
from core.frameworks.framework import Framework, Recipe, Toolchain
from core.hosting.host import Host
from core.ids import Digest
from core.tenants.tenants import Tenants
from core.verification.artifacts import Artifact, ArtifactStore, Layer, layer_digest
from core.verification.browser import Browser
from core.verification.completion import in_thread
from core.verification.logs import Masks, suspects, tail
from core.verification.pictures import Picture
from core.verification.prober import Prober
from core.verification.sandbox import Command, Ending, Outcome, Sandbox
from core.verification.tryout import Timing, TryOuts
from core.words.cards import Step, StepState
from core.words.plan import Plan
from core.words.walls import Isolation, Mount

Stage = Literal["install", "build", "try"]

_STRONGEST_FIRST = list(Isolation)
_REGISTRY_TROUBLE = (
    "ECONNREFUSED",
    "ECONNRESET",
    "ENOTFOUND",
    "EAI_AGAIN",
    "ETIMEDOUT",
    "error sending request",
    "dns error",
    "Temporary failure in name resolution",
    "Failed to connect",
    "Connection refused",
    "operation timed out",
)

#: The same output for the same input, whenever it is built: the artifact's digest covers every byte.
_STEADY_ENV = {"SOURCE_DATE_EPOCH": "315532800", "PYTHONDONTWRITEBYTECODE": "1", "CI": "1", "TZ": "UTC"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Built and tried."""

    artifact: Digest
    evidence: Sequence[Step]
    isolation: Isolation  #: the weakest that its code ran in
    seconds: float
    wide: Picture | None = None  #: its first page, where a browser has opened it
    narrow: Picture | None = None  #: the same on a phone


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """It does not work, and why. All texts are untrusted; host paths and secrets are masked."""

    stage: Stage
    reason: str  #: a sentence for people
    log_tail: str
    evidence: Sequence[Step]  #: up to the check that failed
    suspects: Sequence[str] = ()  #: files of the tree that the log names, the first named first
    repairable: bool = True  #: whether changing the app's files can help
    seconds: float = 0.0


class _NotTheAppsFault(InstallFailed):
    """Other files would fail in the same way."""


@dataclass(slots=True, kw_only=True)
class _Run:
    """One verification under way."""

    tree: FileTree
    framework: Framework
    plan: Plan | None
    progress: Callable[[Step], None]
    masks: Masks
    stage: Stage = "install"
    evidence: list[Step] = field(default_factory=list)

    def note(self, detail: str) -> None:
        self.progress(Step(name=self.stage, state=StepState.RUNNING, detail=detail))

    @contextlib.contextmanager
    def at(self, stage: Stage) -> Iterator[None]:
        """Tell how the stage goes."""
        self.stage = stage
        self.progress(Step(name=stage, state=StepState.RUNNING))
        started = time.monotonic()
        before = len(self.evidence)
        try:
            yield
        except (AppError, InvalidInput, TooLarge) as error:
            seconds = round(time.monotonic() - started, 3)
            if not any(step.state is StepState.FAILED for step in self.evidence):
                self.evidence.append(Step(name=stage, state=StepState.FAILED, detail=error.message, seconds=seconds))
            self.progress(Step(name=stage, state=StepState.FAILED, detail=tail(error.message, self.masks), seconds=seconds))
            raise
        seconds = round(time.monotonic() - started, 3)
        made = [step for step in self.evidence[before:] if step.state is StepState.DONE]
        detail = f"{len(made)} checks" if stage == "try" else ", ".join(step.detail for step in made)
        self.progress(Step(name=stage, state=StepState.DONE, detail=detail, seconds=seconds))


class Verifier:
    """Verifies; one for the whole process."""

    def __init__(
        self,
        *,
        store: ArtifactStore,
        sandbox: Sandbox,
        host: Host,
        tenants: Tenants,
        prober: Prober,
        toolchain: Toolchain,
        platform_api_url: str,
        browser: Browser | None = None,
        allow_unconfined: bool = False,
        timing: Timing | None = None,
    ) -> None:
        self._store = store
        self._sandbox = sandbox
        self._host = host
        self._tools = toolchain
        self._allow_unconfined = allow_unconfined
        self._tryouts = TryOuts(
            host=host,
            tenants=tenants,
            prober=prober,
            claims=store.claims,
            platform_api_url=platform_api_url,
            browser=browser,
            timing=timing,
        )

    async def verify(
        self,
        tree: FileTree,
        framework: Framework,
        plan: Plan | None,
        progress: Callable[[Step], None],
        *,
        own_code: bool = False,
    ) -> Verified | Rejected:
        """Install, build and try. ``progress`` gets steps named "install", "build" and "try" as they begin, move and end. ``own_code``:
        every line of the tree was written by Nexus itself (the starter). When this returns, is cancelled or fails, nothing but
        the artifact and its layer is left.

        Raises:
            DiskFull, MissingPart, TemporaryError: it could not be found out whether the app works.
        """
        started = time.monotonic()
        run = _Run(tree=tree, framework=framework, plan=plan, progress=progress, masks=self._masks())
        isolation = _weakest(self._sandbox.isolation, self._host.isolation)
        if isolation is Isolation.PROCESS and not own_code and not self._allow_unconfined:
            return Rejected(
                stage="install",
                reason="This machine cannot wall in code that a model or a person wrote, so it was not run. Whoever runs this Nexus can "
                "allow it nevertheless with NEXUS_ALLOW_UNCONFINED=1, or run Nexus where namespaces are allowed (`nexus doctor`).",
                log_tail="",
                evidence=(),
                repairable=False,
            )
        async with self._tryouts.attempt(tree, plan, brought=framework.features) as attempt:
            run.masks |= attempt.masks
            try:
                with run.at("install"):
                    layer = await self._install(run)
                await attempt.start_browser()
                with run.at("build"):
                    artifact = await self._build(run, layer)
                with run.at("try"):
                    start = framework.start(tree, self._tools)
                    isolation = _weakest(isolation, await attempt.run(artifact, start, run.evidence, run.note))
            except (AppError, InvalidInput, TooLarge) as error:
                self._store.check_room()  # a full disk would look like a fault of the app
                return self._rejected(run, error, await attempt.logs(), time.monotonic() - started)
        return Verified(
            artifact=artifact.digest,
            evidence=tuple(run.evidence),
            isolation=isolation,
            seconds=round(time.monotonic() - started, 3),
            wide=None if attempt.seen is None else attempt.seen.wide,
            narrow=None if attempt.seen is None else attempt.seen.narrow,
        )

    async def sweep(self, live: Collection[str] = ()) -> int:
        """Clear away what verifications of dead processes left: instances, scratch databases, work folders. For the reconciler.
        ``live`` names instances and databases that must not be touched."""
        return await self._tryouts.sweep(live) + await self._store.sweep()

    def _rejected(self, run: _Run, error: AppError | InvalidInput | TooLarge, printed: str, seconds: float) -> Rejected:
        text = error.log_tail if isinstance(error, AppError) else ""
        log = "\n".join(part for part in (printed, text) if part.strip())
        evidence = [step.model_copy(update={"detail": tail(step.detail, run.masks)}) for step in run.evidence]
        return Rejected(
            stage=run.stage,
            reason=tail(error.message, run.masks),
            log_tail=tail(log, run.masks),
            evidence=tuple(evidence),
            suspects=suspects(f"{_with_paths(error)}\n{log}", run.tree, run.masks),
            repairable=not isinstance(error, _NotTheAppsFault),
            seconds=round(seconds, 3),
        )

    def _masks(self) -> Masks:
        tools = self._tools
        paths = {
            str(self._store.root): "<store>",
            str(tools.uv_cache): "<packages>",
            str(tools.pnpm_store): "<packages>",
            str(tools.launchers): "<launchers>",
            str(Path.home()): "~",
        }
        return Masks.of(paths=paths)

    # Install

    async def _install(self, run: _Run) -> Layer:
        started = time.monotonic()
        framework = run.framework
        count = len(framework.dependencies(run.tree))
        files = framework.dependency_files(run.tree)
        digest = layer_digest(framework=framework.name, runtime=framework.runtime, files=files, program=self._tools.python)
        how = "from the store"
        layer = await self._store.layer(digest, framework.layer_folder)
        if layer is None:
            run.note("waiting for its turn")
            async with self._store.installing(framework.name):
                layer = await self._store.layer(digest, framework.layer_folder)
                if layer is None:
                    how = "installed"
                    layer = await self._install_layer(run, files, digest)
        run.masks |= Masks.of(paths={str(layer.path): "/app"})
        packages = f"{count} package" + ("" if count == 1 else "s")
        seconds = round(time.monotonic() - started, 3)
        run.evidence.append(Step(name="install", state=StepState.DONE, detail=f"{packages}, {how}", seconds=seconds))
        return layer

    async def _install_layer(self, run: _Run, files: FileTree, digest: Digest) -> Layer:
        async with self._store.workspace() as work:
            run.masks |= Masks.of(paths={str(work.app): "/app"})
            await in_thread(files.write_to, work.app)
            for recipe in run.framework.install(self._tools):
                run.note(recipe.name)
                outcome = await self._run_recipe(recipe, work.app)
                if not outcome.ok:
                    message = f"Its dependencies could not be installed: {_how_it_ended(recipe, outcome)}."
                    if any(sign in outcome.output for sign in _REGISTRY_TROUBLE):
                        raise _NotTheAppsFault(
                            "The package registry cannot be reached; check this machine's network and try again.",
                            log_tail=outcome.output,
                        )
                    raise InstallFailed(message, log_tail=outcome.output)
            return await self._store.keep_layer(work, digest, run.framework.layer_folder, program=self._tools.python)

    # Build

    async def _build(self, run: _Run, layer: Layer) -> Artifact:
        framework = run.framework
        async with self._store.workspace() as work:
            run.masks |= Masks.of(paths={str(work.app): "/app"})
            await in_thread(run.tree.write_to, work.app)
            await self._store.link_layer(work, layer)
            for recipe in framework.build(run.tree, self._tools):
                run.note(recipe.name)
                outcome = await self._run_recipe(recipe, work.app, layer.mount)
                if not outcome.ok:
                    raise BuildFailed(f"The app does not build: {_how_it_ended(recipe, outcome)}.", log_tail=outcome.output)
                run.evidence.append(
                    Step(name="build", state=StepState.DONE, detail=recipe.name, seconds=round(outcome.seconds, 3))
                )
            artifact = await self._store.publish(
                work, layer, revision=run.tree.digest, framework=framework.name, runtime=framework.runtime
            )
        run.masks |= Masks.of(paths={str(artifact.folder): "/app"})
        return artifact

    async def _run_recipe(self, recipe: Recipe, workdir: Path, *mounts: Mount) -> Outcome:
        return await self._sandbox.run(
            Command(
                argv=recipe.argv,
                workdir=workdir,
                env={**_STEADY_ENV, **recipe.env},
                mounts=(*recipe.mounts, *mounts),
                network=recipe.network,
                limits=recipe.limits,
            )
        )


def _how_it_ended(recipe: Recipe, outcome: Outcome) -> str:
    match outcome.ending:
        case Ending.TIMED_OUT:
            return f"the step {recipe.name!r} took longer than {recipe.limits.seconds:g} s"
        case Ending.OUT_OF_MEMORY:
            return f"the step {recipe.name!r} needed more than {recipe.limits.memory_mb} MB of memory"
        case Ending.SIGNALLED:
            return f"the step {recipe.name!r} was ended by a signal"
        case Ending.EXITED:
            return f"the step {recipe.name!r} ended with code {outcome.exit_code}"


def _with_paths(error: AppError | InvalidInput | TooLarge) -> str:
    """The message; of a migration with the path of its file, not only the name."""
    if isinstance(error, MigrationFailed):
        return re.sub(r"(?<![\w./-])(?=[\w.-]+\.sql\b)", "migrations/", error.message)
    return error.message


def _weakest(*isolations: Isolation) -> Isolation:
    return max(isolations, key=_STRONGEST_FIRST.index)
