"""The tenants of this Nexus, as rows: which app has which database, its passwords sealed.

Called by deployments, app work and the API. The row is written before the database is made, so that a crash between the two leaves a
tenant to complete and never a database that nobody knows.
"""

from __future__ import annotations

from collections.abc import Collection

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.ids import TenantId
from core.ledger.ledger import Ledger, Transaction
from core.ledger.tables import TenantRow
from core.ledger.vault import Vault
from core.tenants.credentials import fresh_tenant
from core.tenants.tenants import Tenant, TenantLimits

_LIMITS = TypeAdapter(TenantLimits)


class TenantRegistry:
    """Rows of tenants, and the values they stand for."""

    def __init__(self, ledger: Ledger, vault: Vault, limits: TenantLimits) -> None:
        self._ledger = ledger
        self._vault = vault
        self._limits = limits

    async def for_app(self, app: str, owner: str) -> Tenant:
        """The app's tenant; a new row when it has none yet."""
        async with self._ledger.transaction() as t:
            row = await t.session.scalar(select(TenantRow).where(TenantRow.app_id == app))
            if row is None:
                row = self._row(fresh_tenant(self._limits), app=app, owner=owner)
                t.session.add(row)
            return self.tenant(row)

    def add(self, t: Transaction, owner: str) -> Tenant:
        """A new tenant without an app, for the API."""
        made = fresh_tenant(self._limits)
        t.session.add(self._row(made, app=None, owner=owner))
        return made

    async def of_app(self, app: str) -> Tenant | None:
        """The app's tenant, if it has one."""
        async with self._ledger.reading() as session:
            row = await session.scalar(select(TenantRow).where(TenantRow.app_id == app, TenantRow.state != "dropped"))
        return None if row is None else self.tenant(row)

    async def set_state(self, tenant: TenantId, state: str) -> None:
        """ "ready" once the database is there, "dropped" before it is removed."""
        async with self._ledger.transaction() as t:
            row = await t.session.get(TenantRow, tenant)
            if row is not None:
                row.state = state

    async def names(self, *, dropped: bool = False) -> Collection[str]:
        """The database names that should be there (or, with ``dropped``, should be gone)."""
        async with self._ledger.reading() as session:
            condition = TenantRow.state == "dropped" if dropped else TenantRow.state != "dropped"
            return set(await session.scalars(select(TenantRow.database).where(condition)))

    async def rows(self, session: AsyncSession, owner: str) -> list[TenantRow]:
        """An owner's tenants."""
        found = await session.scalars(
            select(TenantRow).where(TenantRow.owner_id == owner, TenantRow.state != "dropped").order_by(TenantRow.created_at)
        )
        return list(found)

    def tenant(self, row: TenantRow) -> Tenant:
        """The value of a row."""
        return Tenant(
            tenant=TenantId(row.id),
            database=row.database,
            app_role=row.app_role,
            app_password=self._vault.open(row.sealed_app_password, owner=row.id, name="app"),
            migrator_role=row.migrator_role,
            migrator_password=self._vault.open(row.sealed_migrator_password, owner=row.id, name="migrator"),
            limits=_LIMITS.validate_python(row.limits),
        )

    def _row(self, tenant: Tenant, *, app: str | None, owner: str) -> TenantRow:
        return TenantRow(
            id=tenant.tenant,
            app_id=app,
            owner_id=owner,
            database=tenant.database,
            app_role=tenant.app_role,
            migrator_role=tenant.migrator_role,
            sealed_app_password=self._vault.seal(tenant.app_password, owner=tenant.tenant, name="app"),
            sealed_migrator_password=self._vault.seal(tenant.migrator_password, owner=tenant.tenant, name="migrator"),
            limits=_LIMITS.dump_python(tenant.limits),
        )
