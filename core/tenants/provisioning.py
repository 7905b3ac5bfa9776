"""Tenants without an app, for the API: a database of one's own, made and removed on request. Called by the engine's face."""

from __future__ import annotations

from core.errors import Conflict, NotFound
from core.ids import TenantId
from core.ledger.ledger import Ledger
from core.ledger.tables import App, TenantRow
from core.tenants.registry import TenantRegistry
from core.tenants.tenants import Tenants
from core.words.inbound import Who
from core.words.views import TenantView

MAX_ALONE = 5  #: tenants without an app that one principal may have


class Provisioning:
    """Makes, shows and removes tenants on request."""

    def __init__(self, ledger: Ledger, registry: TenantRegistry, tenants: Tenants) -> None:
        self._ledger = ledger
        self._registry = registry
        self._tenants = tenants

    async def provision(self, who: Who) -> TenantView:
        """A new empty database.

        Raises:
            Conflict: the principal has as many as one may have.
        """
        async with self._ledger.transaction() as t:
            await t.alone(f"tenants of {who.principal}")
            alone = [row for row in await self._registry.rows(t.session, who.principal) if row.app_id is None]
            if len(alone) >= MAX_ALONE:
                raise Conflict(
                    f"You have {len(alone)} databases without an app; at most {MAX_ALONE} are given. Delete one first."
                )
            tenant = self._registry.add(t, who.principal)
        await self._tenants.create(tenant)
        await self._registry.set_state(tenant.tenant, "ready")
        return next(view for view in await self.mine(who) if view.tenant == tenant.tenant)

    async def mine(self, who: Who) -> list[TenantView]:
        """The principal's tenants, their apps' included, with passwords: for them alone."""
        async with self._ledger.reading() as session:
            rows = await self._registry.rows(session, who.principal)
            return [await self._view(row, await session.get(App, row.app_id) if row.app_id else None) for row in rows]

    async def drop(self, who: Who, tenant: TenantId) -> None:
        """Remove a database for good.

        Raises:
            NotFound: there is none, or it is not theirs.
            Conflict: it belongs to an app; that is deleted as a whole.
        """
        async with self._ledger.transaction() as t:
            row = await t.session.get(TenantRow, tenant)
            if row is None or row.owner_id != who.principal or row.state == "dropped":
                raise NotFound("There is no such tenant of yours.")
            if row.app_id is not None:
                app = await t.session.get(App, row.app_id)
                name = app.slug if app is not None else "an app"
                raise Conflict(f"This is the database of {name!r}; delete the app, and its database goes with it.")
            row.state = "dropped"
            value = self._registry.tenant(row)
        await self._tenants.drop(value)

    async def _view(self, row: TenantRow, app: App | None) -> TenantView:
        tenant = self._registry.tenant(row)
        access = self._tenants.access(tenant)
        return TenantView(
            tenant=tenant.tenant,
            database=tenant.database,
            role=tenant.app_role,
            url=access.public_url,
            app=app.slug if app is not None else "",
            size_limit_mb=tenant.limits.size_mb,
            connections=tenant.limits.connections,
            created_at=row.created_at,
        )
