"""The names and passwords of a fresh tenant. Called by whoever is about to `Tenants.create` one.

The names are opaque: every tenant of a server can list the names of all databases and roles, so they must not say whose they are.
"""

from __future__ import annotations

import secrets

from pydantic import SecretStr

from core.ids import TenantId, new_id
from core.tenants.tenants import Tenant, TenantLimits

_PASSWORD_BYTES = 24  # 192 bits; url-safe, so that it stands in a connection string as it is


def fresh_tenant(limits: TenantLimits | None = None) -> Tenant:
    """A tenant that does not exist yet: database ``t_…``, roles ``t_…_app`` and ``t_…_mig``."""
    name = new_id("t")
    return Tenant(
        tenant=TenantId(name),
        database=name,
        app_role=f"{name}_app",
        app_password=SecretStr(secrets.token_urlsafe(_PASSWORD_BYTES)),
        migrator_role=f"{name}_mig",
        migrator_password=SecretStr(secrets.token_urlsafe(_PASSWORD_BYTES)),
        limits=limits or TenantLimits(),
    )
