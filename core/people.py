"""People: workspaces, principals, and what a principal may see and change.

Called by adapters to turn an authenticated user into a `Who`, and by every service before it answers. An app in the local workspace
is its owner's own; the workspace's owner sees all, named approvers see what they may have to approve; in a chat platform's workspace
every member sees what the channel shows.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import Forbidden, InvalidInput, NotFound
from core.ids import LOCAL_PLATFORM, LOCAL_USER, PrincipalId, WorkspaceId, new_id
from core.ledger.ledger import Ledger
from core.ledger.tables import App, Principal, Workspace
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

    async def _workspace(self, session: AsyncSession) -> Workspace:
        await session.execute(
            insert(Workspace)
            .values(id=new_id("w"), platform=LOCAL_PLATFORM, external_id=LOCAL_PLATFORM, name="Local", settings={})
            .on_conflict_do_nothing()
        )
        row = await session.scalar(select(Workspace).where(Workspace.platform == LOCAL_PLATFORM))
        assert row is not None
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
            principal = await t.session.get(Principal, who.principal)
            if principal is None or principal.role != "owner":
                raise Forbidden("Only the owner of this workspace may change its settings; ask them.")
            workspace = await t.session.get(Workspace, who.workspace)
            assert workspace is not None
            workspace.settings = settings.model_dump(mode="json")


def who_of(row: Principal) -> Who:
    return Who(principal=PrincipalId(row.id), workspace=WorkspaceId(row.workspace_id), name=row.name)


async def settings_of(session: AsyncSession, workspace: str) -> WorkspaceSettings:
    """A workspace's settings, defaults where it decided nothing."""
    row = await session.get(Workspace, workspace)
    return WorkspaceSettings.model_validate(row.settings if row is not None else {})


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


async def visible_app(session: AsyncSession, who: Who, *, slug: str = "", app: str = "", change: bool = False) -> App:
    """The app by slug or id; with ``change``, only when the principal may change it too, and in hand until the transaction ends.

    Raises:
        NotFound: there is none, or it is not theirs to see.
        Forbidden: they see it and may not change it.
    """
    found = (
        await session.get(App, app) if app else await session.scalar(select(App).where(App.slug == slug, App.wanted != "deleted"))
    )
    if found is None or (slug and found.wanted == "deleted") or not await may_see(session, who, found):
        raise NotFound(f"There is no app {slug!r} here that you can see; `/nexus list` shows yours." if slug else None)
    if change:
        principal = await session.get(Principal, who.principal)
        workspace = await session.get(Workspace, who.workspace)
        local = workspace is not None and workspace.platform == LOCAL_PLATFORM
        if local and found.owner_id != who.principal and (principal is None or principal.role != "owner"):
            raise Forbidden(f"{found.slug!r} belongs to somebody else; only its owner may change it.")
        await session.refresh(found, with_for_update={"key_share": True})
        if slug and (found.wanted == "deleted" or found.slug != slug):
            raise NotFound(f"There is no app {slug!r} here any more; `/nexus list` shows yours.")
    return found
