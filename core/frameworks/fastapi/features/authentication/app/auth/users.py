"""Accounts. The first to register is the administrator."""

import os
from typing import Any

from app.db import database


class Closed(Exception):
    """Nobody else can make an account."""

    def __init__(self) -> None:
        super().__init__("No new accounts can be made here. Ask the administrator of this app.")


class Taken(Exception):
    """The address has an account."""


def _is_closed() -> bool:
    return os.environ.get("REGISTRATION") == "closed"


async def registration() -> str:
    """ "first" while there is no account, then "open" or "closed"."""
    if not await database.value("SELECT EXISTS (SELECT FROM auth_users)"):
        return "first"
    return "closed" if _is_closed() else "open"


async def add(name: str, email: str, password_hash: str) -> dict[str, Any]:
    """Make an account; raises Closed or Taken."""
    while True:
        row = await database.row(
            "INSERT INTO auth_users (name, email, password_hash, is_admin, founder) "
            "SELECT $1, $2, $3, NOT taken, CASE WHEN NOT taken THEN true END "
            "FROM (SELECT EXISTS (SELECT FROM auth_users) AS taken) AS accounts WHERE NOT (taken AND $4) "
            "ON CONFLICT DO NOTHING RETURNING id, name, email, is_admin",
            name,
            email,
            password_hash,
            _is_closed(),
        )
        if row is not None:
            return dict(row)
        if await registration() == "closed":
            raise Closed
        if await with_address(email):
            raise Taken
        # Somebody else was first at the same moment: once more, as the second.


async def with_address(email: str) -> dict[str, Any] | None:
    """The account with this address, with its password's hash."""
    rows = await database.rows(
        "SELECT id, name, email, is_admin, password_hash FROM auth_users WHERE lower(email) = lower($1)", email
    )
    return dict(rows[0]) if rows else None
