"""People: workspaces, principals, and what a principal may see and change.

Called by adapters to turn an authenticated user into a `Who`, and by every service before it answers. An app in the local workspace
is its owner's own; the workspace's owner sees all, named approvers see what they may have to approve. In a chat platform's workspace
every member sees every app and may ask for changes, which somebody has to approve; what needs no approval (stop, delete, roll back,
settings, the database's password) is for those who may approve, and for whoever asked for the app.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import Forbidden, InvalidInput, NotFound
from core.ids import LOCAL_PLATFORM, LOCAL_USER, PrincipalId, WorkspaceId, new_id
from core.ledger.ledger import Ledger
from core.ledger.tables import App, Build, Principal, Workspace
from core.words.inbound import Who
from core.words.views import WorkspaceSettings


class People:
    """Workspaces and principals."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def local(self, external_id: str, name: str = "") -> Who:
        """The principal of the local workspace with this external id (a JWT's subject), made when new.

        Raises:
            InvalidInput: the id is empty, over 200 characters, or has control characters.
        """
        if not external_id or len(external_id) > 200 or not external_id.isprintable():
            raise InvalidInput("A user name has 1 to 200 printable characters.")
        async with self._ledger.transaction() as t:
            workspace = await self._workspace(t.session)
            await t.session.execute(
                insert(Principal)
                .values(
                    id=new_id("p"),
                    workspace_id=workspace.id,
                    platform=LOCAL_PLATFORM,
                    external_id=external_id,
                    name=name or ("You" if external_id == LOCAL_USER else external_id),
                    role="owner" if external_id == LOCAL_USER else "member",
                )
                .on_conflict_do_nothing()
            )
            row = await t.session.scalar(
                select(Principal).where(
                    Principal.workspace_id == workspace.id,
                    Principal.platform == LOCAL_PLATFORM,
                    Principal.external_id == external_id,
                )
            )
            assert row is not None
            return who_of(row)

    async def member(
        self,
        platform: str,
        workspace: str,
        *,
        workspace_name: str,
        user: str,
        name: str,
        admin: bool,
        groups: Collection[str] = (),
    ) -> Who:
        """The principal of a chat platform's member, made when new; name and role are kept as they are there now. All ids are the
        platform's. ``groups`` are those that they are in at this moment."""
        async with self._ledger.transaction() as t:
            home = await self._workspace(t.session, platform, workspace, workspace_name)
            row = await _principal(t.session, home, user, name[:200] or user, role="owner" if admin else "member")
            return who_of(row, groups)

    async def last_workspace(self, platform: str, user: str) -> str | None:
        """The platform's id of the workspace in which this person asked for something last, or was seen last if they never did; None
        for somebody whom Nexus does not know."""
        asked = select(func.max(Build.created_at)).where(Build.requested_by == Principal.id).scalar_subquery()
        async with self._ledger.reading() as session:
            found: str | None = await session.scalar(
                select(Workspace.external_id)
                .join(Principal, Principal.workspace_id == Workspace.id)
                .where(Principal.platform == platform, Principal.external_id == user)
                .order_by(asked.desc().nulls_last(), Principal.created_at.desc())
                .limit(1)
            )
        return found

    async def name(self, who: Who, external_id: str, name: str, *, group: bool = False) -> None:
        """Keep what a member or a group of this workspace is called, so that cards can say it."""
        async with self._ledger.transaction() as t:
            home = await t.session.get(Workspace, who.workspace)
            assert home is not None
            await _principal(t.session, home, external_id, name[:200] or external_id, role="group" if group else None)

    async def names(self, who: Who, external_ids: Collection[str]) -> dict[str, str]:
        """What these members and groups are called; those that are not known are left out."""
        async with self._ledger.reading() as session:
            return await names_of(session, who.workspace, external_ids)

    async def _workspace(
        self, session: AsyncSession, platform: str = LOCAL_PLATFORM, external_id: str = LOCAL_PLATFORM, name: str = "Local"
    ) -> Workspace:
        here = (Workspace.platform == platform, Workspace.external_id == external_id)
        row = await session.scalar(select(Workspace).where(*here))
        if row is None:
            await session.execute(
                insert(Workspace)
                .values(id=new_id("w"), platform=platform, external_id=external_id, name=name, settings={})
                .on_conflict_do_nothing()
            )
            row = await session.scalar(select(Workspace).where(*here))
        assert row is not None
        if name and row.name != name:
            row.name = name
        return row

    async def by_id(self, principal: PrincipalId) -> Who:
        """The principal with this id.

        Raises:
            NotFound: there is none.
        """
        async with self._ledger.reading() as session:
            row = await session.get(Principal, principal)
        if row is None:
            raise NotFound("That user is not known here any more; sign in again.")
        return who_of(row)

    async def settings(self, who: Who) -> WorkspaceSettings:
        """What the workspace has decided."""
        async with self._ledger.reading() as session:
            return await settings_of(session, who.workspace)

    async def set_settings(self, who: Who, settings: WorkspaceSettings) -> None:
        """Decide for the workspace.

        Raises:
            Forbidden: only its owner may.
            InvalidInput: named approvers are chosen and nobody is named, or nobody at all could approve.
        """
        if settings.approvers == "named" and not settings.named_approvers:
            raise InvalidInput("Name at least one person who may approve, or choose “anyone” or “requester”.")
        if settings.approvers == "requester" and not settings.self_approval:
            raise InvalidInput(
                "The requester alone, but not the requester: nobody could approve. Allow self-approval, or choose others."
            )
        async with self._ledger.transaction() as t:
            workspace = await _decided_by(t.session, who)
            workspace.settings = settings.model_dump(mode="json")

    async def check_deciding(self, who: Who) -> None:
        """Raises:
        Forbidden: they may not decide for the workspace.
        """
        async with self._ledger.reading() as session:
            await _decided_by(session, who)


async def _decided_by(session: AsyncSession, who: Who) -> Workspace:
    """Their workspace, for which they may decide."""
    principal = await session.get(Principal, who.principal)
    workspace = await session.get(Workspace, who.workspace)
    assert workspace is not None
    if principal is None or principal.role != "owner":
        whom = "Only its owner" if workspace.platform == LOCAL_PLATFORM else "Only admins of this workspace"
        raise Forbidden(f"{whom} may change the settings of the workspace; ask them.")
    return workspace


def who_of(row: Principal, groups: Collection[str] = ()) -> Who:
    return Who(principal=PrincipalId(row.id), workspace=WorkspaceId(row.workspace_id), name=row.name, groups=frozenset(groups))


async def _principal(session: AsyncSession, home: Workspace, external_id: str, name: str, *, role: str | None) -> Principal:
    """The row of this member or group, made when new. A ``role`` of None leaves the one that is known."""
    here = (
        Principal.workspace_id == home.id,
        Principal.platform == home.platform,
        Principal.external_id == external_id,
    )
    row = await session.scalar(select(Principal).where(*here))
    if row is None:
        await session.execute(
            insert(Principal)
            .values(
                id=new_id("p"),
                workspace_id=home.id,
                platform=home.platform,
                external_id=external_id,
                name=name,
                role=role or "member",
            )
            .on_conflict_do_nothing()
        )
        row = await session.scalar(select(Principal).where(*here))
    assert row is not None
    if row.name != name:
        row.name = name
    if role is not None and row.role != role:
        row.role = role
    return row


async def names_of(session: AsyncSession, workspace: str, external_ids: Collection[str]) -> dict[str, str]:
    """What these members and groups of a workspace are called, by external id."""
    rows = await session.scalars(
        select(Principal).where(Principal.workspace_id == workspace, Principal.external_id.in_(external_ids))
    )
    return {row.external_id: row.name for row in rows}


async def settings_of(session: AsyncSession, workspace: str) -> WorkspaceSettings:
    """A workspace's settings, defaults where it decided nothing: among people, two say yes to what removes data."""
    row = await session.get(Workspace, workspace)
    decided: Mapping[str, object] = row.settings if row is not None else {}
    among_people = row is not None and row.platform != LOCAL_PLATFORM
    return WorkspaceSettings.model_validate({"second_person": among_people, **decided})


def may_approve(settings: WorkspaceSettings, external_id: str, groups: Collection[str]) -> bool:
    """Whether the settings let this person approve what others asked for."""
    if settings.approvers == "named":
        return not {external_id, *groups}.isdisjoint(settings.named_approvers)
    return settings.approvers == "anyone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a principal can see, for a look at many apps."""

    principal: str
    workspace: str
    everything: bool  #: in the workspace; otherwise their own apps

    def sees(self, app: App) -> bool:
        """Whether the app is theirs to see."""
        return app.workspace_id == self.workspace and (self.everything or app.owner_id == self.principal)

    def apps(self) -> ColumnElement[bool]:
        """The same as a condition of a query over apps."""
        here = App.workspace_id == self.workspace
        return here if self.everything else and_(here, App.owner_id == self.principal)


async def sight(session: AsyncSession, who: Who) -> Sight:
    """What the principal can see at this moment."""
    principal = await session.get(Principal, who.principal)
    workspace = await session.get(Workspace, who.workspace)
    if principal is None or workspace is None or principal.workspace_id != workspace.id:
        return Sight(principal="", workspace="", everything=False)
    settings = await settings_of(session, who.workspace)
    approver = settings.approvers == "named" and principal.external_id in settings.named_approvers
    everything = workspace.platform != LOCAL_PLATFORM or principal.role == "owner" or approver
    return Sight(principal=who.principal, workspace=who.workspace, everything=everything)


async def may_see(session: AsyncSession, who: Who, app: App) -> bool:
    """Whether the app is the principal's to see."""
    return (await sight(session, who)).sees(app)


async def visible_app(
    session: AsyncSession, who: Who, *, slug: str = "", app: str = "", change: bool = False, manage: bool = False
) -> App:
    """The app by slug or id; with ``change``, only when the principal may ask for changes to it too, with ``manage``, only when they may
    do to it what nobody approves. Either has it in hand until the transaction ends.

    Raises:
        NotFound: there is none, or it is not theirs to see.
        Forbidden: they see it and may not change it.
    """
    found = (
        await session.get(App, app) if app else await session.scalar(select(App).where(App.slug == slug, App.wanted != "deleted"))
    )
    if found is None or (slug and found.wanted == "deleted") or not await may_see(session, who, found):
        raise NotFound(f"There is no app {slug!r} here that you can see; `/nexus list` shows yours." if slug else None)
    if change or manage:
        principal = await session.get(Principal, who.principal)
        workspace = await session.get(Workspace, who.workspace)
        assert principal is not None  # whoever sees the app
        assert workspace is not None
        theirs = found.owner_id == who.principal or principal.role == "owner"
        if not theirs and workspace.platform == LOCAL_PLATFORM:
            raise Forbidden(f"{found.slug!r} belongs to somebody else; only its owner may change it.")
        if (
            manage
            and not theirs
            and not may_approve(await settings_of(session, who.workspace), principal.external_id, who.groups)
        ):
            raise Forbidden(f"That is for whoever asked for {found.slug!r}, for those who may approve here, and for admins.")
        await session.refresh(found, with_for_update={"key_share": True})
        if slug and (found.wanted == "deleted" or found.slug != slug):
            raise NotFound(f"There is no app {slug!r} here any more; `/nexus list` shows yours.")
    return found
