"""Ends tenants' sessions that take too long. Called on a tick, through `Tenants.end_overlong`.

Postgres's own time limits are the tenant's to override. This one looks from outside, at sessions of tenants' roles in databases that
belong to us and at no others. A migrator's session (a migration, a dump) has the longer limit of the platform's own work.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from adapters.databases.rights import TENANT_ROLE
from core.tenants.tenants import TenantLimits

if TYPE_CHECKING:
    from adapters.databases.server import ControlConnection

#: A transaction kept open by a ping now and then is neither overlong nor idle; it still holds back vacuum and the notification queue.
TRANSACTION_FACTOR = 10

_END = """
    SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM (
        SELECT a.pid, a.state, a.query_start, a.state_change, a.xact_start,
            CASE WHEN a.usename ~ '_mig$' THEN $3 ELSE interval '0' END AS work
        FROM pg_stat_activity a JOIN pg_database d ON d.oid = a.datid JOIN pg_roles o ON o.oid = d.datdba
        WHERE a.usename ~ $4 AND o.rolname = current_user AND a.backend_type = 'client backend'
    ) s
    WHERE (state IN ('active', 'fastpath function call') AND query_start < clock_timestamp() - greatest($1, work))
       OR (state LIKE 'idle in transaction%' AND state_change < clock_timestamp() - greatest($2, work))
       OR (xact_start < clock_timestamp() - greatest(($1 + $2) * $5::int, work))
"""


async def end_overlong(control: ControlConnection, limits: TenantLimits, *, work_seconds: float) -> int:
    """End them; how many they were."""
    ended = await control.fetchval(
        _END,
        timedelta(seconds=limits.statement_seconds),
        timedelta(seconds=limits.idle_in_transaction_seconds),
        timedelta(seconds=work_seconds),
        TENANT_ROLE,
        TRANSACTION_FACTOR,
    )
    return int(ended)
