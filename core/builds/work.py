"""The work of a build: from a queued row to a ready artifact with a pending approval, or to a reason.

Run by workers, woken by the queue. Two steps, each kept when done: *write* (request to revision) and *verify* (revision to artifact with
evidence); after a crash the next worker goes on with the first that is not kept. Builds are capped per worker, so that they never take
the machine down; who waits sees how many are ahead. It never deploys: that takes a person.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import func, select, update

from core.approvals.approvals import ask
from core.builds.attachments import load_attachments
from core.builds.mending import GivenUp, Mending
from core.builds.pictures import keep_picture
from core.builds.released import migrations_run
from core.builds.requests import free_slug, naming
from core.builds.revisions import changes_between, load_tree, save_revision
from core.builds.stages import Stages, listening
from core.builds.teller import Teller, telling
from core.errors import NexusError, OperatorError, TemporaryError
from core.files import FileTree
from core.frameworks.registry import framework as framework_named
from core.generation import pipeline as generation
from core.generation.choice import ModelChoice
from core.generation.meter import counted, metering
from core.generation.model import Brief, ChangeBrief, Model, Usage
from core.generation.pipeline import Pipeline
from core.ledger.feed import Feed
from core.ledger.ledger import CANCEL_CHANNEL, Ledger
from core.ledger.tables import App, Build, Release, Revision, now
from core.ledger.waking import holding
from core.sql.effects import destructive
from core.verification.verifier import Verified, Verifier
from core.words.cards import FileEntry, Step
from core.words.events import (
    AppNamed,
    BuildCancelled,
    BuildFailed,
    BuildNote,
    BuildQueued,
    BuildReady,
)
from core.words.plan import Plan, slugify

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 3  #: how often a worker may take a build up before it is given up
MAX_SECONDS = 3600.0  #: after which an attempt is ended: whatever it waits for is not going to come


class _Stopped(Exception):
    """The build ended with a reason."""

    def __init__(self, stage: str, reason: str, *, log_tail: str = "", evidence: Sequence[Step] = ()) -> None:
        super().__init__(reason)
        self.stage, self.reason, self.log_tail, self.evidence = stage, reason, log_tail, list(evidence)


class BuildWork:
    """Moves builds. ``places`` is how many run at once in this worker."""

    def __init__(
        self, ledger: Ledger, feed: Feed, models: ModelChoice, pipeline: Pipeline, verifier: Verifier, *, places: int = 2
    ) -> None:
        self._ledger = ledger
        self._feed = feed
        self._models = models
        self._pipeline = pipeline
        self._verifier = verifier
        self._places = asyncio.Semaphore(places)

    async def advance(self, build: str) -> None:
        """Take a build as far as it goes. Fine to call for one that is over, or held by another worker."""
        if self._places.locked():
            await self._tell_queued(build)
        async with self._places, holding(self._ledger, build) as mine:
            if not mine:
                return
            row, resumed = await self._take_up(build)
            if row is None:
                return
            log.info("build", build=build, attempt=row.attempts)
            async with telling(self._ledger, row.app_id) as teller:
                if resumed:
                    teller.tell(BuildNote(build=row.id, text="Nexus was interrupted here and goes on."))
                try:
                    await self._run(row, teller)
                except asyncio.CancelledError:
                    await self._give_back(row)
                    raise

    async def _tell_queued(self, build: str) -> None:
        async with self._ledger.transaction() as t:
            row = await t.session.get(Build, build)
            if row is None or row.state != "queued":
                return
            ahead = await t.session.scalar(
                select(func.count())
                .select_from(Build)
                .where(Build.state.in_(["queued", "running"]), Build.created_at < row.created_at)
            )
            if ahead:
                t.tell(row.app_id, BuildQueued(build=build, ahead=int(ahead)))

    async def _take_up(self, build: str) -> tuple[Build | None, bool]:
        """The row with this attempt counted, and whether there was one before; None when there is nothing to do."""
        async with self._ledger.transaction() as t:
            row = await t.session.get(Build, build, with_for_update=True)
            if row is None or row.state not in {"queued", "running"}:
                return None, False
            resumed = row.state == "running"
            row.state = "running"
            row.attempts += 1
            return row, resumed

    async def _give_back(self, row: Build) -> None:
        """Nexus is stopping: that is nothing the build did, so the attempt does not count."""
        taken = (Build.id == row.id, Build.state == "running", Build.attempts == row.attempts)
        with contextlib.suppress(TemporaryError):
            async with self._ledger.transaction() as t:
                await t.session.execute(update(Build).where(*taken).values(attempts=row.attempts - 1))

    async def _run(self, row: Build, teller: Teller) -> None:
        with metering(Usage(**row.usage) if row.usage else Usage()):
            try:
                await self._ended(row, teller)
            except BaseException:
                await self._keep_usage(row)  # it is taken up again, and what it has cost was paid
                raise

    async def _ended(self, row: Build, teller: Teller) -> None:
        """The work, and the ending that it comes to. What is to be tried again is raised."""
        work = asyncio.create_task(self._make(row, teller), name=f"make {row.id}")
        calling_off = asyncio.create_task(self._called_off(row.id, work), name=f"watch {row.id}")
        try:
            await asyncio.wait({work}, timeout=MAX_SECONDS)
            if not work.done():
                raise _Stopped(
                    row.stage or "prepare", f"The build took longer than {MAX_SECONDS / 60:.0f} minutes and was ended."
                )
            await work
        except asyncio.CancelledError:
            if not calling_off.done() or calling_off.exception() is not None:
                raise
            await self._end_cancelled(row, teller)
        except _Stopped as stopped:
            await _over(work)
            await self._end_failed(row, teller, stopped)
        except (TemporaryError, OperatorError) as error:
            if isinstance(error, TemporaryError) and row.attempts < MAX_ATTEMPTS:
                raise
            await self._end_failed(row, teller, _Stopped("prepare", error.message))  # not the fault of what was asked for
        except NexusError as error:
            await self._end_failed(row, teller, _Stopped(row.stage or "prepare", error.message))
        except Exception:
            log.exception("build failed in Nexus itself", build=row.id)
            if row.attempts < MAX_ATTEMPTS:
                raise
            reason = "Nexus itself failed at this build three times; its log has the details. Try again later."
            await self._end_failed(row, teller, _Stopped("prepare", reason))
        finally:
            await _over(work, calling_off)

    async def _keep_usage(self, row: Build) -> None:
        taken = (Build.id == row.id, Build.state == "running", Build.attempts == row.attempts)
        with contextlib.suppress(TemporaryError):
            async with self._ledger.transaction() as t:
                await t.session.execute(update(Build).where(*taken).values(usage=asdict(counted())))

    async def _called_off(self, build: str, work: asyncio.Task[None]) -> None:
        """End the work when somebody has cancelled the build; returns only then."""
        async with contextlib.aclosing(self._feed.wakes(CANCEL_CHANNEL)) as wakes:
            async for _ in wakes:
                with contextlib.suppress(TemporaryError):
                    if await self._asked_to_stop(build):
                        work.cancel()
                        return

    async def _asked_to_stop(self, build: str) -> bool:
        async with self._ledger.reading() as session:
            return bool(await session.scalar(select(Build.cancelled_by).where(Build.id == build)))

    async def _make(self, row: Build, teller: Teller) -> None:
        started = now()
        if row.attempts > MAX_ATTEMPTS:
            raise _Stopped("prepare", f"The build was interrupted {MAX_ATTEMPTS} times and was given up; try again.")
        model = None if row.purpose == "push" else self._models.choose(row.provider, row.request.get("model", ""))
        frozen, base, base_plan = await self._base(row)
        if row.revision_id is None:
            assert model is not None
            await self._write(row, model, base, base_plan, frozen, teller)
        async with self._ledger.reading() as session:
            assert row.revision_id is not None
            tree, plan = await load_tree(session, row.revision_id)
        verified, tree, plan = await self._verify(row, model, tree, plan, frozen, base, teller)
        await teller.drain()
        await self._end_ready(row, tree, plan, base, verified, started)

    async def _base(self, row: Build) -> tuple[frozenset[str], FileTree | None, Plan | None]:
        """The files this build starts from, and the migrations that a release has run already: those may not change."""
        async with self._ledger.reading() as session:
            base = await load_tree(session, row.base_revision) if row.base_revision is not None else (None, None)
            released = await session.scalars(
                select(Revision.files)
                .join(Build, Build.revision_id == Revision.id)
                .join(Release, Release.build_id == Build.id)
                .where(Release.app_id == row.app_id)
            )
            frozen = frozenset(path for files in released for path in files if path.startswith("migrations/"))
        return frozen, base[0], base[1]

    # -- write ------------------------------------------------------------------------------------------------------------

    async def _write(
        self, row: Build, model: Model, base: FileTree | None, base_plan: Plan | None, frozen: frozenset[str], teller: Teller
    ) -> None:
        row.stage = "write"
        stages = Stages(row.id, teller)
        stages.begin("plan")
        async with self._ledger.reading() as session:
            attachments = await load_attachments(session, row.id)
        async with listening(row.id, functools.partial(self._name_app, row), stages, teller) as listener:
            if base is not None and base_plan is not None:
                made = await self._pipeline.change(
                    model,
                    ChangeBrief(request=row.text, plan=base_plan, tree=base, frozen=frozen, attachments=attachments),
                    listener,
                )
            else:
                request = row.request
                made = await self._pipeline.generate(
                    model,
                    Brief(
                        description=row.text,
                        framework=request.get("framework"),
                        features=tuple(request.get("features", ())),
                        styling=request.get("styling", ""),
                        attachments=attachments,
                    ),
                    listener,
                )
        if isinstance(made, generation.Ended):
            stages.fail(made.reason)
            raise _Stopped("write", made.reason)
        stages.end(detail=_count(len(made.tree), "file"))
        if base is not None and made.tree == base:
            raise _Stopped("write", "That changes nothing in the app; say what should be different.")
        await self._keep(row, made.tree, made.plan, base)

    async def _keep(self, row: Build, tree: FileTree, plan: Plan, base: FileTree | None) -> None:
        async with self._ledger.transaction() as t:
            row.revision_id = await save_revision(t.session, row.app_id, tree, plan)
            row.changes = changes_between(base, tree)
            await t.session.execute(
                update(Build)
                .where(Build.id == row.id)
                .values(revision_id=row.revision_id, usage=asdict(counted()), changes=row.changes)
            )

    async def _name_app(self, row: Build, plan: Plan) -> None:
        """The plan names a new app: its title and, unless a person chose one, its address."""
        async with self._ledger.transaction() as t:
            await naming(t)
            await t.hold(row.app_id)
            app = await t.session.get(App, row.app_id)
            assert app is not None
            if row.base_revision is None and app.live_release is None:
                app.name = plan.name
                app.framework = plan.framework
                if not app.named:
                    app.slug = await free_slug(t.session, slugify(plan.name), but=app.id)
                    app.named = True
                t.tell(app.id, AppNamed(slug=app.slug, name=app.name, framework=plan.framework))

    # -- verify -----------------------------------------------------------------------------------------------------------

    async def _verify(
        self,
        row: Build,
        model: Model | None,
        tree: FileTree,
        plan: Plan,
        frozen: frozenset[str],
        base: FileTree | None,
        teller: Teller,
    ) -> tuple[Verified, FileTree, Plan]:
        row.stage = "verify"
        mending = Mending(
            build=row.id,
            verifier=self._verifier,
            pipeline=self._pipeline,
            model=model,
            own_code=row.own_code,
            frozen=frozen,
            tell=teller.tell,
            listening=lambda: listening(row.id, functools.partial(self._name_app, row), Stages(row.id, teller), teller),
            keep=lambda tree, plan: self._keep(row, tree, plan, base),
        )
        try:
            return await mending.verified(tree, plan)
        except GivenUp as given_up:
            last = given_up.rejected
            raise _Stopped(last.stage, given_up.reason, log_tail=last.log_tail, evidence=last.evidence) from None

    # -- endings ----------------------------------------------------------------------------------------------------------

    async def _end_ready(
        self, row: Build, tree: FileTree, plan: Plan, base: FileTree | None, verified: Verified, started: datetime
    ) -> None:
        spec = framework_named(plan.framework)
        dependencies = dict(spec.dependencies(tree))
        purposes = {file.path: file.purpose for file in plan.files}
        changes = changes_between(base, tree)
        files = [
            FileEntry(path=path, size=tree.size(path), purpose=purposes.get(path, ""), change=changes.get(path, ""))
            for path in tree
        ]
        files += [FileEntry(path=path, size=0, change="removed") for path, what in changes.items() if what == "removed"]
        instructions = tree.get("README.md", "") or f"{plan.name}\n\nStart it with the platform; it needs nothing else."
        losses = await self._losses(row, tree)
        async with self._ledger.transaction() as t:
            await t.hold(row.app_id)
            fresh = await t.session.get(Build, row.id, with_for_update=True)
            app = await t.session.get(App, row.app_id)
            assert fresh is not None
            assert app is not None
            if fresh.state != "running":
                return
            if fresh.cancelled_by or app.wanted == "deleted":
                by = fresh.cancelled_by or app.wanted_by
                fresh.state, fresh.cancelled_by, fresh.ended_at = "cancelled", by, now()
                t.tell(app.id, BuildCancelled(build=row.id, by=by))
                return
            if not app.framework:
                app.framework = plan.framework
            fresh.state, fresh.ended_at, fresh.stage = "ready", now(), ""
            fresh.artifact = verified.artifact
            fresh.evidence = [step.model_dump(mode="json") for step in verified.evidence]
            fresh.isolation = str(verified.isolation)
            fresh.dependencies = dependencies
            fresh.instructions = instructions
            fresh.usage = asdict(counted())
            fresh.changes = changes
            t.tell(
                app.id,
                BuildReady(
                    build=row.id,
                    artifact=verified.artifact,
                    plan=plan,
                    files=files,
                    dependencies=dependencies,
                    evidence=list(verified.evidence),
                    isolation=str(verified.isolation),
                    instructions=instructions,
                    **_cost(),
                    destructive=losses,
                    picture=await keep_picture(t.session, row.id, verified.wide),
                    phone=await keep_picture(t.session, row.id, verified.narrow),
                    seconds=(now() - started).total_seconds(),
                ),
            )
            await ask(t, fresh, app, destructive=bool(losses))

    async def _losses(self, row: Build, tree: FileTree) -> list[str]:
        """The statements by which deploying this would remove data that the app has now, whichever build brought them."""
        async with self._ledger.reading() as session:
            run = await migrations_run(session, row.app_id)
        if run is None:
            return []
        new = {path: text for path, text in tree.under("migrations").items() if run.get(path) != text}
        # In a thread: two megabytes of SQL take seconds to read.
        return await asyncio.to_thread(destructive, new, run)

    async def _end_failed(self, row: Build, teller: Teller, stopped: _Stopped) -> None:
        await teller.drain()
        async with self._ledger.transaction() as t:
            await t.hold(row.app_id)
            fresh = await t.session.get(Build, row.id, with_for_update=True)
            assert fresh is not None
            if fresh.state != "running":
                return
            fresh.state, fresh.ended_at = "failed", now()
            fresh.stage, fresh.reason, fresh.log_tail = stopped.stage, stopped.reason, stopped.log_tail
            fresh.evidence = [step.model_dump(mode="json") for step in stopped.evidence]
            fresh.usage = asdict(counted())
            files: list[FileEntry] = []
            if fresh.revision_id is not None:
                tree, _ = await load_tree(t.session, fresh.revision_id)
                files = [FileEntry(path=path, size=tree.size(path)) for path in tree]
            t.tell(
                row.app_id,
                BuildFailed(
                    build=row.id,
                    stage=stopped.stage,
                    reason=stopped.reason,
                    log_tail=stopped.log_tail,
                    evidence=stopped.evidence,
                    files=files,
                    **_cost(),
                ),
            )

    async def _end_cancelled(self, row: Build, teller: Teller) -> None:
        await teller.drain()
        async with self._ledger.transaction() as t:
            await t.hold(row.app_id)
            fresh = await t.session.get(Build, row.id, with_for_update=True)
            assert fresh is not None
            if fresh.state != "running":
                return
            fresh.state, fresh.ended_at, fresh.usage = "cancelled", now(), asdict(counted())
            t.tell(row.app_id, BuildCancelled(build=row.id, by=fresh.cancelled_by))


def _cost() -> dict[str, Any]:
    """What the build has cost so far, for whoever reads its ending."""
    spent = counted()
    return {
        "input_tokens": spent.input_tokens,
        "output_tokens": spent.output_tokens,
        "cached_tokens": spent.cached_tokens,
        "cost_usd": spent.cost_usd,
    }


async def _over(*tasks: asyncio.Task[None]) -> None:
    """End them, whatever they are at."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
