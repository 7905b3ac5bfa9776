"""Approvals: a pending question bound to an artifact's digest, decided once.

Called by the build work (ask), by build requests (supersede), by clicks and API calls (decide), and by the deadline tick (expire). The
decision is one guarded UPDATE in the transaction that also makes the deployment: however many press at once, one wins.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from sqlalchemy import ColumnElement, select, update

from core.approvals.policy import Decider, describe, needs_two, refusal
from core.errors import Conflict, Forbidden, NotFound
from core.ids import ApprovalId, new_id
from core.ledger.ledger import Ledger, Transaction
from core.ledger.tables import App, Approval, Build, Principal, now
from core.people import names_of, settings_of, visible_app
from core.words.events import ApprovalEnded, ApprovalGiven, ApprovalRequested
from core.words.inbound import Who


async def ask(t: Transaction, build: Build, app: App, *, destructive: bool) -> ApprovalId:
    """Make the question for a ready build, superseding an older one of the app. ``destructive``: deploying it removes data."""
    assert build.artifact is not None
    await supersede(t, app.id, by_build=build.id)
    settings = await settings_of(t.session, app.workspace_id)
    requester = await t.session.get(Principal, build.requested_by)
    assert requester is not None
    row = Approval(
        id=new_id("ap"),
        app_id=app.id,
        build_id=build.id,
        digest=build.artifact,
        destructive=destructive,
        deadline=now() + timedelta(hours=settings.approval_hours),
    )
    t.session.add(row)
    await t.session.flush()
    names = await names_of(t.session, app.workspace_id, settings.named_approvers)
    who = describe(settings, requester.name, names, destructive=destructive)
    t.tell(
        app.id,
        ApprovalRequested(approval=row.id, build=build.id, digest=row.digest, who=who, deadline=row.deadline),
    )
    return ApprovalId(row.id)


async def supersede(t: Transaction, app: str, *, by_build: str) -> None:
    """Close the app's pending questions: another build has come."""
    ended = await t.session.execute(
        update(Approval)
        .where(Approval.app_id == app, Approval.state == "pending", Approval.build_id != by_build)
        .values(state="superseded", decided_at=now())
        .returning(Approval.id, Approval.build_id)
    )
    for approval, build in ended.all():
        t.tell(app, ApprovalEnded(approval=approval, build=build, outcome="superseded"))


async def refusal_for(t: Transaction, who: Who, build: Build, app: App) -> str:
    """Why this principal may not decide about this build; empty when they may."""
    principal = await t.session.get(Principal, who.principal)
    if principal is None:
        return "You are not known in this workspace."
    settings = await settings_of(t.session, app.workspace_id)
    return refusal(
        settings,
        Decider(
            external_id=principal.external_id,
            groups=who.groups,
            is_requester=build.requested_by == who.principal,
            is_owner=principal.role == "owner",
        ),
        await names_of(t.session, app.workspace_id, settings.named_approvers),
    )


async def decide(
    t: Transaction, who: Who, approval: ApprovalId, *, digest: str | None, approve: bool
) -> tuple[Approval, Build, App] | None:
    """Decide a pending question, once; None when this was the first yes of two.

    Raises:
        NotFound: there is no such question for this principal.
        Forbidden: the policy says no; with the reason.
        Conflict: it was decided, superseded or is past its deadline, the digest is another one, or the first yes was theirs too.
    """
    row = await t.session.get(Approval, approval)
    if row is None:
        raise NotFound("That approval is not known here.")
    app = await visible_app(t.session, who, app=row.app_id)
    await t.hold(app.id)
    await t.session.refresh(app)
    if app.wanted == "deleted":
        raise Conflict(f"The app {app.slug!r} was deleted; there is nothing to approve any more.")
    build = await t.session.get(Build, row.build_id)
    assert build is not None
    if reason := await refusal_for(t, who, build, app):
        raise Forbidden(reason)
    await t.session.refresh(row)
    open_ = (
        Approval.id == approval,
        Approval.state == "pending",
        Approval.digest == (digest or row.digest),
        Approval.deadline > now(),
    )
    names = who.name
    if approve and needs_two(await settings_of(t.session, app.workspace_id), destructive=row.destructive):
        if row.first_by is None:
            await _write(t, row, digest, *open_, Approval.first_by.is_(None), first_by=who.principal)
            t.tell(app.id, ApprovalGiven(approval=row.id, build=build.id, by=who.name))
            return None
        if row.state == "pending" and row.deadline > now() and row.first_by == who.principal:
            raise Conflict("You have said yes already. It removes data, so a second person must say yes too; ask a colleague.")
        first = await t.session.get(Principal, row.first_by)
        names = f"{first.name if first is not None else 'somebody'} and {who.name}"
    outcome: Literal["approved", "discarded"] = "approved" if approve else "discarded"
    await _write(t, row, digest, *open_, state=outcome, decided_by=names, decided_at=now())
    t.tell(app.id, ApprovalEnded(approval=row.id, build=build.id, outcome=outcome, by=names))
    return row, build, app


async def _write(t: Transaction, row: Approval, digest: str | None, *where: ColumnElement[bool], **values: object) -> None:
    """Write the decision, if the question is still as ``where`` says: the one guarded statement that decides."""
    won = await t.session.execute(
        update(Approval).where(*where).values(**values).returning(Approval.id).execution_options(synchronize_session=False)
    )
    await t.session.refresh(row)
    if won.scalar() is None:
        raise Conflict(_why_not(row, digest))


def _why_not(row: Approval, digest: str | None) -> str:
    if row.state == "pending" and row.deadline <= now():
        return "This approval is past its deadline; ask for a change or try again to get a new card."
    if row.state == "pending":
        return "The build has changed since that card was made; look at the newest card and approve that one."
    return {
        "approved": f"Approved already by {row.decided_by}; nothing was deployed twice.",
        "discarded": f"Discarded by {row.decided_by}; ask for a change to get a new card.",
        "superseded": "A newer build has taken this one's place; look at the newest card.",
        "expired": "This approval is past its deadline; ask for a change or try again to get a new card.",
    }[row.state]


async def expire(ledger: Ledger) -> int:
    """Close the questions whose deadline has passed; returns how many."""
    late = (Approval.state == "pending", Approval.deadline <= now())
    async with ledger.transaction() as t:
        await t.hold(*await t.session.scalars(select(Approval.app_id).where(*late)))
        ended = await t.session.execute(
            update(Approval)
            .where(*late)
            .values(state="expired", decided_at=now())
            .returning(Approval.id, Approval.build_id, Approval.app_id)
        )
        rows = ended.all()
        for approval, build, app in rows:
            t.tell(app, ApprovalEnded(approval=approval, build=build, outcome="expired"))
    return len(rows)


async def pending_of(t: Transaction, app: str) -> Approval | None:
    """The app's pending question."""
    return await t.session.scalar(
        select(Approval).where(Approval.app_id == app, Approval.state == "pending").order_by(Approval.deadline.desc()).limit(1)
    )
