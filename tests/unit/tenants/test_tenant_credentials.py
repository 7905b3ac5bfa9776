"""The names, passwords and verifiers of tenants."""

from __future__ import annotations

import base64
import re

from adapters.databases.rights import scram_verifier
from core.tenants.credentials import fresh_tenant
from core.tenants.tenants import TenantLimits


def test_names_are_opaque_and_fit_postgres() -> None:
    tenant = fresh_tenant()
    assert re.fullmatch(r"t_[0-9a-z]{16}", tenant.database)
    assert (tenant.app_role, tenant.migrator_role) == (f"{tenant.database}_app", f"{tenant.database}_mig")
    assert tenant.tenant == tenant.database
    assert len(f"{tenant.database}_new") < 64


def test_every_tenant_has_its_own_names_and_two_passwords() -> None:
    made = [fresh_tenant() for _ in range(50)]
    assert len({tenant.database for tenant in made}) == 50
    passwords = {password.get_secret_value() for t in made for password in (t.app_password, t.migrator_password)}
    assert len(passwords) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", password) for password in passwords)


def test_a_password_is_not_shown_by_accident() -> None:
    tenant = fresh_tenant()
    assert tenant.app_password.get_secret_value() not in repr(tenant)
    assert tenant.migrator_password.get_secret_value() not in str(tenant)


def test_limits_are_taken_over() -> None:
    assert fresh_tenant().limits == TenantLimits()
    assert fresh_tenant(TenantLimits(connections=3)).limits.connections == 3


def test_a_verifier_does_not_contain_its_password_and_is_never_the_same() -> None:
    one, other = scram_verifier("open sesame"), scram_verifier("open sesame")
    assert one != other
    assert "sesame" not in one
    scheme, counted, keys = one.split("$")
    assert scheme == "SCRAM-SHA-256"
    assert counted.startswith("4096:")
    assert [len(base64.b64decode(key)) for key in keys.split(":")] == [32, 32]
