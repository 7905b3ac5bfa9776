"""Asking for a build: a new app, a change, or files pushed over the API; and asking for one to stop.

Called by the engine's face. It checks, names, and writes the row with its first events in one transaction; the work is done by
`core.builds.work` in whichever worker is woken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.approvals.approvals import supersede
from core.builds.attachments import keep_attachments, load_attachments
from core.builds.revisions import save_revision
from core.builds.spending import check_budget
from core.errors import Conflict, InvalidInput, NotFound, TooLarge
from core.files import FileTree
from core.frameworks.framework import Framework
from core.frameworks.registry import framework as framework_named
from core.generation.choice import ModelChoice
from core.generation.model import Model
from core.ids import BuildId, ThreadId, new_id
from core.ledger.ledger import CANCEL_CHANNEL, Ledger, Transaction
from core.ledger.messages import next_version
from core.ledger.queue import Work, WorkKind
from core.ledger.tables import App, Approval, Build, Deployment, Principal, Release, Revision, Thread, now
from core.people import settings_of, visible_app
from core.words.attachment import Attachment, check_count
from core.words.events import BuildCancelled, BuildRequested, Said
from core.words.inbound import Who
from core.words.plan import FrameworkName, Plan, slugify
from core.words.thread_ref import ThreadRef

MAX_DESCRIPTION = 10_000  #: characters
RESERVED = frozenset({"www", "api", "nexus", "localhost", "admin", "mail", "status"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What a person asks for. ``name`` is the app's address, made from the plan when empty."""

    description: str
    framework: FrameworkName | None = None
    features: Sequence[str] = ()
    styling: str = ""
    provider: str = "auto"
    name: str = ""
    attachments: Sequence[Attachment] = ()


def check_slug(name: str) -> str:
    """Return the name when it can be an app's address.

    Raises:
        InvalidInput: it is not a host-name label, or is reserved; with a suggestion.
    """
    if not re.fullmatch(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", name) or "--" in name:
        raise InvalidInput(
            f"{name[:60]!a} cannot be an app's name: it becomes a host name, so it has 1 to 40 lower-case letters, digits and single "
            f"hyphens and starts with a letter. Try {slugify(name)!r}."
        )
    if name in RESERVED:
        raise InvalidInput(f"{name!r} is reserved; try {name + '-app'!r}.")
    return name


def check_text(text: str, *, example: str) -> str:
    """Return the stripped words.

    Raises:
        InvalidInput: nothing was said.
        TooLarge: more than 10,000 characters.
    """
    text = text.replace("\0", "").strip()
    if not text:
        raise InvalidInput(f"Say in a sentence what to build, for example: {example}")
    if len(text) > MAX_DESCRIPTION:
        raise TooLarge(
            f"That is {len(text):,} characters; at most {MAX_DESCRIPTION:,} are read. Send the essence, and the rest as changes afterwards."
        )
    return text


async def naming(t: Transaction) -> None:
    """Let nobody else take a name until the transaction ends; before an app is held."""
    await t.alone("slugs")


async def free_slug(session: AsyncSession, wanted: str, *, but: str = "") -> str:
    """``wanted``, or with the first number behind it that is free. ``but`` is the id of the app that may have it already. Call `naming`
    first."""
    base = wanted if wanted not in RESERVED else wanted + "-app"
    taken = set(
        await session.scalars(
            select(App.slug).where(App.slug.startswith(base[:34], autoescape=True), App.wanted != "deleted", App.id != but)
        )
    )
    if base not in taken:
        return base
    stem = base[:36].rstrip("-")
    number = 2
    while f"{stem}-{number}" in taken:
        number += 1
    return f"{stem}-{number}"


class BuildRequests:
    """Takes requests for builds."""

    def __init__(self, ledger: Ledger, models: ModelChoice) -> None:
        self._ledger = ledger
        self._models = models

    async def build(
        self,
        who: Who,
        request: BuildRequest,
        *,
        thread: ThreadId | None,
        place: ThreadRef | None = None,
        seen: bool = False,
        key: str,
    ) -> BuildId:
        """A new app; in ``thread`` when given and still without an app, otherwise in a new thread at ``place``, or of the page."""
        text = check_text(request.description, example="a todo app with due dates")
        check_count(request.attachments)
        if request.framework is not None:
            framework_named(request.framework)
        async with self._ledger.transaction() as t:
            if (known := await _known(t, key)) is not None:
                return known
            model, named = await self._model(t, who, request.provider)
            await naming(t)
            if request.name:
                slug = check_slug(request.name)
                if await t.session.scalar(select(App.id).where(App.slug == slug, App.wanted != "deleted")):
                    raise Conflict(f"There is an app {slug!r} already; choose another name, or change that one in its thread.")
            else:
                slug = await free_slug(t.session, slugify(" ".join(text.split()[:5])))
            title = " ".join(text.split())[:80]
            app = await _new_app(t, who, slug=slug, name=title, named=bool(request.name))
            there = await _give_thread(t, who, app, thread, place, title)
            if there.opened:
                seen = seen and (thread == there.id or (place is not None and place.thread == there.thread))
            else:  # it is opened with these words
                seen = text == title and not request.attachments
            made = Build(
                id=new_id("b"),
                app_id=app.id,
                number=1,
                key=key,
                purpose="new",
                text=text,
                request={
                    "framework": request.framework,
                    "features": list(request.features),
                    "styling": request.styling,
                    "named": bool(request.name),
                    "model": named,
                },
                provider=model.provider,
                model=_label(model.provider, model.name),
                own_code=model.own_code,
                requested_by=who.principal,
            )
            return await _begin(t, app, made, who, said=text, attachments=request.attachments, seen=seen)

    async def change(
        self, who: Who, slug: str, text: str, *, attachments: Sequence[Attachment] = (), seen: bool = False, key: str
    ) -> BuildId:
        """A change to an app: on its newest revision that was ready and not discarded, or again from the start when there is none."""
        text = check_text(text, example="add a priority field")
        check_count(attachments)
        async with self._ledger.transaction() as t:
            if (known := await _known(t, key)) is not None:
                return known
            app = await visible_app(t.session, who, slug=slug, change=True)
            await _refuse_while_running(t, app)
            discarded = select(Approval.id).where(Approval.build_id == Build.id, Approval.state == "discarded").exists()
            base = await t.session.scalar(
                select(Build)
                .where(Build.app_id == app.id, Build.state == "ready", ~discarded)
                .order_by(Build.number.desc())
                .limit(1)
            )
            first = await t.session.scalar(select(Build).where(Build.app_id == app.id).order_by(Build.number).limit(1))
            assert first is not None
            if base is None and first.purpose == "push":  # there are no words to start from again
                base = first
            model, named = await self._model(t, who, first.provider if first.provider != "push" else "auto")
            made = Build(
                id=new_id("b"),
                app_id=app.id,
                number=await _next_number(t, app),
                key=key,
                purpose="change" if base is not None else "new",
                text=text if base is not None else f"{first.text}\n\n{text}",
                request={**first.request, "model": named},
                provider=model.provider,
                model=_label(model.provider, model.name),
                own_code=model.own_code and (base is None or base.own_code),
                requested_by=who.principal,
                base_revision=base.revision_id if base is not None else None,
            )
            return await _begin(t, app, made, who, said=text, attachments=attachments, seen=seen)

    async def _model(self, t: Transaction, who: Who, provider: str) -> tuple[Model, str]:
        """The model that writes, of the provider asked for or of the workspace's choice, within the workspace's budget; and the
        name that the workspace gave it, empty for the provider's usual one."""
        settings = await settings_of(t.session, who.workspace)
        if provider == "auto":
            provider = settings.provider
        named = settings.model if provider == settings.provider else ""
        model = self._models.choose(provider, named)
        if not model.own_code:
            await check_budget(t.session, who.workspace, settings)
        return model, named

    async def retry(self, who: Who, build: BuildId, *, key: str) -> BuildId:
        """The same request once more, after it failed or was cancelled."""
        async with self._ledger.transaction() as t:
            if (known := await _known(t, key)) is not None:
                return known
            old = await t.session.get(Build, build)
            if old is None:
                raise NotFound("That build is not known here.")
            app = await visible_app(t.session, who, app=old.app_id, change=True)
            await _refuse_while_running(t, app)
            if old.state not in {"failed", "cancelled"}:
                raise Conflict("Only a build that failed or was cancelled can be tried again.")
            if old.purpose != "push":
                await self._model(t, who, old.provider)
            made = Build(
                id=new_id("b"),
                app_id=app.id,
                number=await _next_number(t, app),
                key=key,
                purpose=old.purpose,
                text=old.text,
                request=old.request,
                provider=old.provider,
                model=old.model,
                own_code=old.own_code,
                requested_by=who.principal,
                base_revision=old.base_revision,
                revision_id=old.revision_id if old.purpose == "push" else None,
            )
            await _begin(t, app, made, who, said="")
            keep_attachments(t.session, made.id, await load_attachments(t.session, old.id))
            return BuildId(made.id)

    async def push(
        self,
        who: Who,
        *,
        name: str,
        files: FileTree,
        framework: FrameworkName,
        dependencies: Mapping[str, str],
        requires_database: bool,
        key: str,
    ) -> BuildId:
        """Files from outside, as a new app or a new revision of the caller's own app of that name. The same files that a build of that app
        made already are that build: nothing is verified twice."""
        slug = check_slug(name)
        spec = framework_named(framework)
        if not files:
            raise InvalidInput("There are no files to deploy; send at least one as {path, content}.")
        tree = _with_manifest(spec, files)
        missing = {name: version for name, version in dependencies.items() if name not in spec.dependencies(tree)}
        if missing:
            tree = spec.with_dependencies(tree, missing)
        async with self._ledger.transaction() as t:
            if (known := await _known(t, key)) is not None:
                return known
            await naming(t)
            app = await t.session.scalar(select(App).where(App.slug == slug, App.wanted != "deleted"))
            if app is not None:
                try:
                    app = await visible_app(t.session, who, slug=slug, change=True)
                except NotFound:
                    raise Conflict(f"The name {slug!r} is taken; choose another.") from None
                same = await _same(t.session, app, {str(tree.digest), str(files.digest)})
                if same is not None:
                    return same
                await _refuse_while_running(t, app)
            else:
                app = await _new_app(t, who, slug=slug, name=name, named=True, framework=framework)
                await _give_thread(t, who, app, None, None, name)
            plan = Plan(
                name=app.name[:60],
                framework=framework,
                summary=f"{len(tree)} files sent over the API.",
                requires_database=requires_database,
            )
            revision = await save_revision(t.session, app.id, tree, plan)
            made = Build(
                id=new_id("b"),
                app_id=app.id,
                number=await _next_number(t, app),
                key=key,
                purpose="push",
                text=f"{len(files)} files sent over the API",
                request={"framework": framework},
                provider="push",
                model="none: files were sent",
                requested_by=who.principal,
                revision_id=revision,
            )
            return await _begin(t, app, made, who, said="")

    async def cancel(self, who: Who, build: BuildId) -> None:
        """Ask a build to stop. One that still waits is over at once; a running one ends at its worker.

        Raises:
            Conflict: it is over already.
        """
        async with self._ledger.transaction() as t:
            row = await t.session.get(Build, build)
            if row is None:
                raise NotFound("That build is not known here.")
            app = await visible_app(t.session, who, app=row.app_id, change=True)
            await t.session.refresh(row, with_for_update=True)
            if row.state not in {"queued", "running"}:
                raise Conflict("That build is over already; nothing was cancelled.")
            row.cancelled_by = who.name
            if row.state == "queued":
                row.state, row.ended_at = "cancelled", now()
                t.tell(app.id, BuildCancelled(build=row.id, by=who.name))
            t.notify(CANCEL_CHANNEL, row.id)


def _with_manifest(spec: Framework, files: FileTree) -> FileTree:
    """The files, with the scaffold's dependency files where there are none."""
    scaffold = spec.scaffold()
    return files.with_files(
        {path: scaffold[path] for path in spec.dependency_files(scaffold) if path not in files and path in scaffold}
    )


def _label(provider: str, name: str) -> str:
    return provider if provider == name else f"{provider} {name}"


async def _known(t: Transaction, key: str) -> BuildId | None:
    """What this key has begun already; whoever comes with it at the same time waits."""
    await t.alone(f"build {key}")
    found = await t.session.scalar(select(Build.id).where(Build.key == key))
    return None if found is None else BuildId(found)


async def _same(session: AsyncSession, app: App, digests: set[str]) -> BuildId | None:
    """The app's newest build of these very files that is under way, waits for approval, or is what runs or is being deployed."""
    unfinished = ["queued", "running"]
    pending = select(Approval.id).where(Approval.build_id == Build.id, Approval.state == "pending").exists()
    deploying = select(Deployment.id).where(Deployment.build_id == Build.id, Deployment.state.in_(unfinished)).exists()
    live = (
        select(Release.number)
        .where(Release.app_id == app.id, Release.number == app.live_release, Release.build_id == Build.id)
        .exists()
    )
    found = await session.scalar(
        select(Build.id)
        .join(Revision, Build.revision_id == Revision.id)
        .where(
            Build.app_id == app.id,
            Revision.digest.in_(digests),
            or_(Build.state.in_(unfinished), pending, deploying, live),
        )
        .order_by(Build.number.desc())
        .limit(1)
    )
    return None if found is None else BuildId(found)


async def _next_number(t: Transaction, app: App) -> int:
    await t.hold(app.id)
    return int((await t.session.scalar(select(func.coalesce(func.max(Build.number), 0)).where(Build.app_id == app.id))) or 0) + 1


async def _refuse_while_running(t: Transaction, app: App) -> None:
    await t.hold(app.id)
    if await t.session.scalar(select(Build.id).where(Build.app_id == app.id, Build.state.in_(["queued", "running"]))):
        raise Conflict(f"A build of {app.slug!r} is under way; wait for its card, or cancel it there.")


async def _new_app(t: Transaction, who: Who, *, slug: str, name: str, named: bool, framework: str = "") -> App:
    app = App(
        id=new_id("app"),
        workspace_id=who.workspace,
        owner_id=who.principal,
        slug=slug,
        name=name,
        named=named,
        framework=framework,
    )
    t.session.add(app)
    await t.session.flush()
    return app


async def _give_thread(
    t: Transaction, who: Who, app: App, thread: ThreadId | None, place: ThreadRef | None, title: str
) -> Thread:
    """The thread of a new app: this one, the one at this place, or a new one."""
    if thread is not None:
        row = await t.session.get(Thread, thread, with_for_update={"key_share": True})
        if row is None or row.workspace_id != who.workspace:
            raise NotFound("That thread is not known here.")
        if row.app_id is None:
            row.app_id = app.id
            row.version = await next_version(t)
            return row
        if place is None and row.platform != "web":  # one thread, one app: the next is beside it
            place = ThreadRef(
                platform=row.platform, workspace=row.workspace_ref, channel=row.channel, thread="", user=row.opened_for
            )
    made = new_id("t")
    place = place or ThreadRef(platform="web", workspace=who.workspace, channel=who.principal, thread=made)
    if place.thread:
        known = await _thread_at(t.session, place)
        if known is not None and known.app_id is None:
            known.app_id = app.id
            known.version = await next_version(t)
            return known
        if known is not None:  # one thread, one app
            place = replace(place, thread="")
    new = Thread(
        id=made,
        workspace_id=who.workspace,
        platform=place.platform,
        workspace_ref=place.workspace,
        channel=place.channel,
        thread=place.thread or made,
        opened=bool(place.thread),
        opened_for=place.user,
        app_id=app.id,
        title=title,
    )
    t.session.add(new)
    await t.session.flush()
    version = await next_version(t)
    await t.session.execute(update(Thread).where(Thread.id == made).values(version=version))
    return new


async def _thread_at(session: AsyncSession, place: ThreadRef) -> Thread | None:
    return (
        await session.scalars(
            select(Thread)
            .where(
                Thread.platform == place.platform,
                Thread.workspace_ref == place.workspace,
                Thread.channel == place.channel,
                Thread.thread == place.thread,
            )
            .with_for_update(key_share=True)
        )
    ).one_or_none()


async def _begin(
    t: Transaction,
    app: App,
    build: Build,
    who: Who,
    *,
    said: str,
    attachments: Sequence[Attachment] = (),
    seen: bool = False,
) -> BuildId:
    t.session.add(build)
    await t.session.flush()
    keep_attachments(t.session, build.id, attachments)
    if said:
        t.tell(app.id, Said(by=who.name, text=said, attachments=[one.name for one in attachments], seen=seen))
    await supersede(t, app.id, by_build=build.id)
    purpose: Literal["new", "change", "push"] = build.purpose  # type: ignore[assignment]
    t.tell(
        app.id,
        BuildRequested(build=build.id, number=build.number, purpose=purpose, text=build.text, by=who.name, model=build.model),
    )
    t.wake(Work(WorkKind.BUILD, build.id))
    return BuildId(build.id)


async def requester_name(session: AsyncSession, build: Build) -> str:
    """The name of who asked."""
    row: Any = await session.get(Principal, build.requested_by)
    return str(row.name) if row is not None else "somebody"
