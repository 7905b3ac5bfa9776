"""Looking: rows of the ledger as views. Called by the engine's face after it has checked that the principal may see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, cast

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from core.builds.revisions import load_tree
from core.hosting.edge import Edge
from core.ids import AppId, ApprovalId, BuildId, DeploymentId, Digest, ThreadId
from core.ledger.tables import App, Approval, Build, Deployment, Principal, Release, Revision, Thread
from core.words.cards import FileEntry, Step
from core.words.events import FACT, DeploymentLive
from core.words.plan import FrameworkName, Plan
from core.words.views import (
    ApprovalView,
    AppState,
    AppView,
    BuildState,
    BuildView,
    DeploymentState,
    DeploymentView,
    ReleaseView,
    ThreadView,
)


async def app_states(session: AsyncSession, apps: Iterable[App]) -> dict[str, AppState]:
    """The one word for each app, by its id; in three questions, however many apps there are."""
    told = {app.id: _settled(app) for app in apps}
    open_ = [app for app, state in told.items() if state is None]
    states: dict[str, AppState] = {app: state for app, state in told.items() if state is not None}
    if not open_:
        return states
    newest = select(Build.app_id, Build.state).where(Build.app_id.in_(open_)).order_by(Build.app_id, Build.number.desc())
    builds = {row.app_id: row.state for row in await session.execute(newest.ext(distinct_on(Build.app_id)))}
    under_way = select(Deployment.app_id).where(Deployment.app_id.in_(open_), Deployment.state.in_(["queued", "running"]))
    deploying = set(await session.scalars(under_way))
    waiting = set(await session.scalars(select(Approval.app_id).where(Approval.app_id.in_(open_), Approval.state == "pending")))
    for app in open_:
        if builds.get(app) in {"queued", "running"}:
            states[app] = AppState.BUILDING
        elif app in deploying:
            states[app] = AppState.DEPLOYING
        else:
            states[app] = AppState.REVIEW if app in waiting else AppState.FAILED
    return states


def _settled(app: App) -> AppState | None:
    """The word for an app that is live or deleted; None where that hangs on what is under way."""
    if app.wanted == "deleted":
        return AppState.DELETED
    if app.live_release is None:
        return None
    if app.wanted == "stopped":
        return AppState.STOPPED
    return AppState.CRASHED if app.crashed else AppState.LIVE


async def app_views(session: AsyncSession, apps: Sequence[App], edge: Edge) -> list[AppView]:
    """Apps, in this order."""
    states = await app_states(session, apps)
    people = select(Principal.id, Principal.name).where(Principal.id.in_({app.owner_id for app in apps}))
    owners = {row.id: row.name for row in await session.execute(people)}
    places = select(Thread.app_id, Thread.id).where(Thread.app_id.in_(states))
    threads = {row.app_id: row.id for row in await session.execute(places)}
    return [
        AppView(
            app=AppId(app.id),
            slug=app.slug,
            name=app.name,
            framework=app.framework,
            owner=owners.get(app.owner_id, ""),
            state=states[app.id],
            url=edge.url(app.slug) if app.live_release is not None and app.wanted != "deleted" else "",
            release=app.live_release,
            thread=ThreadId(threads[app.id]) if app.id in threads else None,
            created_at=app.created_at,
            updated_at=app.updated_at,
        )
        for app in apps
    ]


async def app_view(session: AsyncSession, app: App, edge: Edge) -> AppView:
    """One app."""
    (view,) = await app_views(session, [app], edge)
    return view


async def thread_views(session: AsyncSession, threads: Sequence[Thread]) -> list[ThreadView]:
    """Threads, in this order."""
    ids = {thread.app_id for thread in threads if thread.app_id is not None}
    apps = {app.id: app for app in await session.scalars(select(App).where(App.id.in_(ids)))} if ids else {}
    states = await app_states(session, apps.values())

    def view(thread: Thread) -> ThreadView:
        app = apps.get(thread.app_id or "")
        return ThreadView(
            thread=ThreadId(thread.id),
            title=app.name if app is not None else thread.title,
            app=app.slug if app is not None else "",
            state=states[app.id] if app is not None else None,
            updated_at=thread.updated_at,
        )

    return [view(thread) for thread in threads]


async def thread_view(session: AsyncSession, thread: Thread) -> ThreadView:
    """One thread."""
    (view,) = await thread_views(session, [thread])
    return view


async def build_view(session: AsyncSession, build: Build, *, refusal: str = "", whole: bool = True) -> BuildView:
    """A build; without its files when not ``whole``. ``refusal`` is why the asking principal may not approve it."""
    app = await session.get(App, build.app_id)
    thread = await session.scalar(select(Thread.id).where(Thread.app_id == build.app_id))
    approval = await session.scalar(select(Approval).where(Approval.build_id == build.id))
    assert app is not None
    files: list[FileEntry] = []
    plan: Plan | None = None
    if build.revision_id is not None:
        if whole:
            tree, plan = await load_tree(session, build.revision_id)
            purposes = {file.path: file.purpose for file in plan.files}
            files = [FileEntry(path=path, size=tree.size(path), purpose=purposes.get(path, "")) for path in tree]
        else:
            row = await session.get(Revision, build.revision_id)
            plan = Plan.model_validate(row.plan) if row is not None else None
    return BuildView(
        build=BuildId(build.id),
        app=AppId(app.id),
        slug=app.slug,
        thread=None if thread is None else ThreadId(thread),
        number=build.number,
        state=BuildState(build.state),
        purpose=cast(Literal["new", "change", "push"], build.purpose),
        text=build.text,
        model=build.model,
        plan=plan,
        files=files,
        dependencies={str(k): str(v) for k, v in build.dependencies.items()},
        evidence=[Step.model_validate(step) for step in build.evidence],
        instructions=build.instructions,
        artifact=None if build.artifact is None else Digest(build.artifact),
        approval=None if approval is None else approval_view(approval, refusal),
        stage=build.stage,
        reason=build.reason,
        log_tail=build.log_tail,
    )


def approval_view(row: Approval, refusal: str) -> ApprovalView:
    return ApprovalView(
        approval=ApprovalId(row.id),
        state=cast(Literal["pending", "approved", "discarded", "superseded", "expired"], row.state),
        digest=Digest(row.digest),
        deadline=row.deadline,
        decided_by=row.decided_by,
        refusal=refusal,
    )


async def deployment_view(session: AsyncSession, row: Deployment) -> DeploymentView:
    app = await session.get(App, row.app_id)
    assert app is not None
    live = FACT.validate_python(row.live) if row.live is not None else None
    facts = live if isinstance(live, DeploymentLive) else None
    return DeploymentView(
        deployment=DeploymentId(row.id),
        app=AppId(app.id),
        slug=app.slug,
        state=DeploymentState(row.state),
        purpose=cast(Literal["deploy", "rollback", "settings", "start", "restart"], row.purpose),
        release=row.release,
        url=facts.url if facts is not None else "",
        database=facts.database if facts is not None else None,
        hosting=facts.hosting if facts is not None else None,
        settings=facts.settings if facts is not None else [],
        stage=row.stage,
        reason=row.reason,
        log_tail=row.log_tail,
    )


async def release_view(session: AsyncSession, app: App, row: Release) -> ReleaseView:
    build = await session.get(Build, row.build_id)
    assert build is not None
    revision = await session.get(Revision, build.revision_id) if build.revision_id is not None else None
    return ReleaseView(
        number=row.number,
        build=BuildId(build.id),
        build_number=build.number,
        framework=cast(FrameworkName, revision.framework if revision is not None else app.framework),
        summary=build.text[:200],
        live=row.number == app.live_release,
        kept=row.kept,
        has_data=bool(row.snapshot),
        settings_version=row.settings_version,
        by=row.by,
        at=row.created_at,
    )
