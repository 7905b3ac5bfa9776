"""Sessions: a random cookie in the browser, its SHA-256 in the database. Thirty days from the last use."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Any

import asyncpg
from app.db import database
from fastapi.responses import Response
from starlette.requests import HTTPConnection

DAYS = 30


@dataclass(frozen=True)
class Current:
    """Who is signed in; ``token`` is set when the cookie has to be sent again."""

    user: dict[str, Any]
    token: str = ""


async def begin(request: HTTPConnection, response: Response, user_id: int) -> None:
    """Sign in: a new session in place of the one that the browser had."""
    await _forget(request)
    await database.row("DELETE FROM auth_sessions WHERE expires_at < now()")
    token = secrets.token_urlsafe(32)
    await database.row(
        f"INSERT INTO auth_sessions (token_hash, user_id, expires_at) VALUES ($1, $2, now() + interval '{DAYS} days')",
        _hash_of(token),
        user_id,
    )
    set_cookie(request, response, token)


async def current(request: HTTPConnection) -> Current | None:
    """Who is signed in, if anybody. Once a day the session's end is moved on."""
    token = _token_of(request)
    if token is None:
        return None
    rows = await database.rows(
        "SELECT auth_users.id, auth_users.name, auth_users.email, auth_users.is_admin, "
        f"expires_at < now() + interval '{DAYS - 1} days' AS ageing FROM auth_sessions "
        "JOIN auth_users ON auth_users.id = user_id WHERE token_hash = $1 AND expires_at > now()",
        _hash_of(token),
    )
    if not rows:
        return None
    user = dict(rows[0])
    return Current(user, token if user.pop("ageing") and await _renewed(token) else "")


async def end(request: HTTPConnection, response: Response) -> None:
    """Sign out."""
    await _forget(request)
    secure = _is_secure(request)
    response.delete_cookie(_name_of(request), path="/", httponly=True, samesite="lax", secure=secure)


def set_cookie(request: HTTPConnection, response: Response, token: str) -> None:
    secure = _is_secure(request)
    response.set_cookie(_name_of(request), token, max_age=DAYS * 86_400, path="/", httponly=True, samesite="lax", secure=secure)


async def _renewed(token: str) -> bool:
    sql = f"UPDATE auth_sessions SET expires_at = now() + interval '{DAYS} days' WHERE token_hash = $1"
    try:
        await database.row(sql, _hash_of(token))
    except asyncpg.InsufficientPrivilegeError:
        # A database that is full takes no changes; whoever is signed in must still be able to delete something.
        return False
    return True


async def _forget(request: HTTPConnection) -> None:
    token = _token_of(request)
    if token is not None:
        await database.row("DELETE FROM auth_sessions WHERE token_hash = $1", _hash_of(token))


def _is_secure(request: HTTPConnection) -> bool:
    return request.headers.get("x-forwarded-proto", "").split(",")[0].strip() == "https"


def _name_of(request: HTTPConnection) -> str:
    """With the prefix, no other app below the same domain can set this cookie; browsers take it over https alone."""
    return "__Host-session" if _is_secure(request) else "session"


def _token_of(request: HTTPConnection) -> str | None:
    token = request.cookies.get(_name_of(request), "")
    return token if re.fullmatch(r"[A-Za-z0-9_-]{43}", token) else None


def _hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
