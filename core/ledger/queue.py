"""The queue: it only says "this row can move".

Written by the ledger, inside the transaction that made it so; read by `core.ledger.waking`. What a job says is never relied upon.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from pgqueuer import AsyncpgDriver
from pgqueuer.queries import Queries


class WorkKind(enum.StrEnum):
    """What kind of row can move; also the name of the queue's entry point."""

    BUILD = "build"
    DEPLOYMENT = "deployment"
    APP = "app"  #: what is may differ from what is wanted: instances, route, deletion


@dataclass(frozen=True, slots=True)
class Work:
    """A row that can move."""

    kind: WorkKind
    id: str


async def enqueue(connection: asyncpg.Connection[Any], works: Sequence[Work]) -> None:
    """Put works on the queue, in the connection's open transaction."""
    queries = Queries(AsyncpgDriver(connection))
    await queries.enqueue([w.kind.value for w in works], [w.id.encode() for w in works], [0] * len(works))
