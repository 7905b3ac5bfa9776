"""Who may do what in a tenant's database: the SQL that says so, made here and nowhere else.

Every script is run by the admin, may be run again at any time, and leads to the same rights from whatever it finds: a half-made
tenant, a role that changed its own settings or password, a migration that granted what it should not.

Decisions, each with an attack in ``tests/contract/databases``:

- The admin owns the database. An owner could lift its limits; the migrator owns only the tables.
- Limits stand on the roles. A role can override its own ``statement_timeout`` for good, so that one is a default for honest apps, and
  `adapters.databases.watchdog` is what holds; ``temp_file_limit`` and the connection limit it cannot override.
- SECURITY DEFINER functions and rules run with the migrator's rights whoever calls them: through one the app could write while it is
  frozen. Migrations refuse them, and what slips in by a trick (a trigger deferred to COMMIT) is made harmless here.
- Large objects need no INSERT to grow: they are taken away.
- Extensions live in a schema of their own, where no tenant can put a function that the installing superuser would call.
- The server gets a SCRAM verifier, never the password: statements end up in logs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Collection

from core.errors import InvalidInput
from core.tenants.tenants import Tenant

MIGRATOR_CONNECTIONS = 4
TENANT_NAME = "^t_[0-9a-z]{16}$"
TENANT_ROLE = "^t_[0-9a-z]{16}_(app|mig)$"
_SCRAM_ITERATIONS = 4096

#: Databases that anybody could connect to. A server hands that right to everybody with every new database.
OPEN_DATABASES = """
    SELECT d.datname, d.datdba = (SELECT oid FROM pg_roles WHERE rolname = current_user) AS ours
    FROM pg_database d
    WHERE d.datallowconn AND EXISTS (
        SELECT FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
        WHERE a.grantee = 0 AND a.privilege_type = 'CONNECT')
"""


def check_names(tenant: Tenant) -> None:
    """Names stand in SQL as they are, and `drop` drops them: they must be those of a tenant."""
    right = re.match(TENANT_NAME, tenant.database) and not tenant.database.endswith("\n")
    roles = (f"{tenant.database}_app", f"{tenant.database}_mig")
    if not right or (tenant.app_role, tenant.migrator_role) != roles:
        raise InvalidInput(f"{tenant.database!r} is not a tenant's name; make tenants with fresh_tenant()")


def scram_verifier(password: str) -> str:
    """What Postgres keeps of a password (RFC 5803)."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _SCRAM_ITERATIONS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored = hashlib.sha256(client).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${_SCRAM_ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def close_database(database: str) -> str:
    """Nobody connects by default any more. Every role that could, tenants excepted, still can."""
    return f"""
        DO $nexus$
        DECLARE role name;
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended('nexus databases', 0));
            FOR role IN SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND rolname !~ '{TENANT_ROLE}' LOOP
                EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', {_literal(database)}, role);
            END LOOP;
            EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', {_literal(database)});
        END $nexus$
    """  # noqa: S608


def roles(tenant: Tenant, *, existing: Collection[str], superuser: bool) -> str:
    """Both roles with their attributes, passwords and settings; what they changed of their own is undone."""
    limits = tenant.limits
    common = {"search_path": "public, extensions"}
    if superuser:
        common["temp_file_limit"] = f"'{max(limits.size_mb, 1)}MB'"
        common["log_min_messages"] = "fatal"  # a tenant's failing statements shall not fill the server's log
    app = common | {
        "statement_timeout": str(_milliseconds(limits.statement_seconds)),
        "idle_in_transaction_session_timeout": str(_milliseconds(limits.idle_in_transaction_seconds)),
    }
    wanted = (
        (tenant.app_role, tenant.app_password, limits.connections, app),
        (tenant.migrator_role, tenant.migrator_password, MIGRATOR_CONNECTIONS, common),
    )
    attributes = "LOGIN NOINHERIT NOCREATEDB NOCREATEROLE"
    if superuser:
        attributes += " NOSUPERUSER NOREPLICATION NOBYPASSRLS"
    lines = []
    for role, password, connections, settings in wanted:
        verb = "ALTER" if role in existing else "CREATE"
        verifier = scram_verifier(password.get_secret_value())
        lines.append(
            f"{verb} ROLE {role} {attributes} CONNECTION LIMIT {connections} PASSWORD '{verifier}' VALID UNTIL 'infinity'"
        )
        lines.append(f"ALTER ROLE {role} RESET ALL")
        lines += [f"ALTER ROLE {role} SET {name} = {value}" for name, value in settings.items()]
        if not superuser:
            lines.append(f"GRANT {role} TO CURRENT_USER")
    return ";\n".join(lines)


def database(tenant: Tenant, name: str) -> str:
    """Who may connect to the database called ``name``; opens it, too."""
    return f"""
        REVOKE ALL ON DATABASE {name} FROM PUBLIC, {tenant.app_role}, {tenant.migrator_role};
        GRANT CONNECT ON DATABASE {name} TO {tenant.app_role}, {tenant.migrator_role};
        ALTER ROLE {tenant.app_role} IN DATABASE {name} RESET ALL;
        ALTER ROLE {tenant.migrator_role} IN DATABASE {name} RESET ALL;
        ALTER DATABASE {name} CONNECTION LIMIT -1;
        ALTER DATABASE {name} ALLOW_CONNECTIONS true
    """


def furniture(tenant: Tenant, *, superuser: bool) -> str:
    """The schemas, and Nexus's own tables, which no tenant role can write: run inside the tenant's database."""
    app, mig = tenant.app_role, tenant.migrator_role
    large_objects = """
        DO $nexus$
        DECLARE name regprocedure;
        BEGIN
            FOR name IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace
                AND (p.proname ~ '^lo_' OR p.proname IN ('loread', 'lowrite')) LOOP
                EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', name);
            END LOOP;
        END $nexus$;
    """
    return f"""
        REVOKE ALL ON SCHEMA public FROM PUBLIC, {app}, {mig};
        GRANT USAGE, CREATE ON SCHEMA public TO {mig};
        GRANT USAGE ON SCHEMA public TO {app};
        CREATE SCHEMA IF NOT EXISTS extensions;
        GRANT USAGE ON SCHEMA extensions TO {app}, {mig};
        CREATE SCHEMA IF NOT EXISTS nexus;
        GRANT USAGE ON SCHEMA nexus TO {mig};
        CREATE TABLE IF NOT EXISTS nexus.migrations (
            name text PRIMARY KEY,
            digest text NOT NULL,
            extensions text[] NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now(),
            pending xid8
        );
        GRANT SELECT ON nexus.migrations TO {mig};
        CREATE TABLE IF NOT EXISTS nexus.state (
            single boolean PRIMARY KEY DEFAULT true CHECK (single),
            frozen boolean NOT NULL DEFAULT false
        );
        INSERT INTO nexus.state DEFAULT VALUES ON CONFLICT DO NOTHING;
        {large_objects if superuser else ""}
    """  # noqa: S608


def rights(tenant: Tenant, *, frozen: bool) -> str:
    """What both roles may do with the tables that are there and those to come: run inside the tenant's database."""
    app, mig = tenant.app_role, tenant.migrator_role
    tables = "SELECT, DELETE" if frozen else "SELECT, INSERT, UPDATE, DELETE"
    lines = [
        _disarm(tenant),
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {mig} REVOKE ALL ON TABLES FROM PUBLIC, {app}",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {mig} IN SCHEMA public REVOKE ALL ON TABLES FROM PUBLIC, {app}",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {mig} IN SCHEMA public GRANT {tables} ON TABLES TO {app}",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {mig} IN SCHEMA public GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO {app}",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {mig} IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO {app}",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {app} CASCADE",
        f"GRANT {tables} ON ALL TABLES IN SCHEMA public TO {app}",
        f"GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {app}",
        f"GRANT EXECUTE ON ALL ROUTINES IN SCHEMA public TO {app}",
        f"UPDATE nexus.state SET frozen = {str(frozen).lower()}",  # noqa: S608
    ]
    return ";\n".join(lines)


def _disarm(tenant: Tenant) -> str:
    """What runs with the migrator's rights whoever calls it, and memberships that would lend them."""
    mig = _literal(tenant.migrator_role)
    pair = f"({mig}::regrole, {_literal(tenant.app_role)}::regrole)"
    return f"""
        DO $nexus$
        DECLARE item record;
        BEGIN
            FOR item IN SELECT oid::regprocedure AS name FROM pg_proc WHERE prosecdef AND proowner = {mig}::regrole LOOP
                EXECUTE format('ALTER ROUTINE %s SECURITY INVOKER', item.name);
            END LOOP;
            FOR item IN SELECT r.rulename, c.oid::regclass AS relation FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
                WHERE r.rulename <> '_RETURN' AND c.relowner = {mig}::regrole LOOP
                EXECUTE format('DROP RULE %I ON %s', item.rulename, item.relation);
            END LOOP;
            FOR item IN SELECT oid::regclass AS relation FROM pg_class
                WHERE relforcerowsecurity AND relowner = {mig}::regrole LOOP
                EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', item.relation);
            END LOOP;
            FOR item IN SELECT roleid::regrole AS role, member::regrole AS member FROM pg_auth_members
                WHERE roleid IN {pair} AND member <> (SELECT oid FROM pg_roles WHERE rolname = current_user)
                OR member IN {pair} LOOP
                EXECUTE format('REVOKE %s FROM %s', item.role, item.member);
            END LOOP;
        END $nexus$
    """  # noqa: S608


def _literal(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _milliseconds(seconds: float) -> int:
    return max(int(seconds * 1000), 1)
