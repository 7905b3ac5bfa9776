"""What a workspace spends on models, and its budget.

Asked before a build is taken on. All calls count, those of failed builds too: the vendor bills them, so the person who set the budget
wants to know them. A build that was begun is never ended for money; its rounds are bounded anyway. The starter costs nothing and is
always allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Float, Integer, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import Forbidden
from core.ledger.tables import App, Build, now
from core.words.views import WorkspaceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Of the builds of one workspace, or of one app."""

    tokens: int  #: read and written
    cost_usd: float  #: an estimate, of the calls whose price is known
    unpriced_tokens: int  #: of the calls whose price is not


def month_start(at: datetime) -> datetime:
    """The first instant of the month, UTC."""
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


async def spent(session: AsyncSession, *, workspace: str = "", app: str = "", since: datetime | None = None) -> Spent:
    """What the builds of a workspace or an app have cost so far, those under way as far as they have told."""
    tokens = _number("input_tokens") + _number("output_tokens")
    cost = Build.usage["cost_usd"].astext.cast(Float)
    found = select(
        func.coalesce(func.sum(tokens), 0),
        func.coalesce(func.sum(cost), 0.0),
        func.coalesce(func.sum(case((cost.is_(None), tokens), else_=0)), 0),
    ).select_from(Build)
    found = found.where(Build.app_id == app) if app else found.join(App).where(App.workspace_id == workspace)
    if since is not None:
        found = found.where(Build.created_at >= since)
    total, dollars, unpriced = (await session.execute(found)).one()
    return Spent(tokens=int(total), cost_usd=float(dollars), unpriced_tokens=int(unpriced))


async def builds_since(session: AsyncSession, workspace: str, since: datetime) -> int:
    """How many builds the workspace asked for."""
    found = select(func.count()).select_from(Build).join(App).where(App.workspace_id == workspace, Build.created_at >= since)
    return int((await session.scalar(found)) or 0)


async def check_budget(session: AsyncSession, workspace: str, settings: WorkspaceSettings) -> None:
    """Refuse when this month's budget is used up.

    Raises:
        Forbidden: it is; says how much, and what to do.
    """
    if settings.budget_usd is None and settings.budget_tokens is None:
        return
    at = now()
    so_far = await spent(session, workspace=workspace, since=month_start(at))
    used = ""
    if settings.budget_usd is not None and so_far.cost_usd >= settings.budget_usd:
        used = f"${so_far.cost_usd:.2f} of its ${settings.budget_usd:.2f}"
    elif settings.budget_tokens is not None and so_far.tokens >= settings.budget_tokens:
        used = f"{so_far.tokens:,} of its {settings.budget_tokens:,} tokens"
    if used:
        raise Forbidden(
            f"This workspace has used {used} for models in {at:%B}. Its owner can raise the budget in the settings "
            "(`/nexus settings models`); otherwise it begins anew with the next month. The starter costs nothing: --provider starter."
        )


def _number(key: str) -> ColumnElement[int]:
    return func.coalesce(Build.usage[key].astext.cast(Integer), 0)
