"""Who calls: a bearer token's subject as a principal of the local workspace. Used by the API's routes, and by the page for its clients in a
terminal."""

from __future__ import annotations

from aiohttp import web

from adapters.api.tokens import Claims, Tokens
from core.errors import Forbidden, Unauthenticated
from core.ids import LOCAL_PLATFORM
from core.operations.engine import Engine
from core.words.inbound import Who


class Authentication:
    """Turns requests into principals."""

    def __init__(self, tokens: Tokens, engine: Engine) -> None:
        self._tokens = tokens
        self._engine = engine

    def claims(self, request: web.Request) -> Claims:
        """What the request's token says.

        Raises:
            Unauthenticated: there is none, or it is not valid here.
        """
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.casefold() != "bearer" or not token.strip():
            raise Unauthenticated("Send a token as `Authorization: Bearer …`; `nexus token USER` makes one.")
        return self._tokens.read(token.strip())

    async def caller(self, request: web.Request, scope: str) -> tuple[Who, Claims]:
        """The principal, when the token allows ``scope``.

        Raises:
            Unauthenticated, Forbidden: with what to do.
        """
        claims = self.claims(request)
        if scope not in claims.scopes:
            raise Forbidden(f"This token does not have the scope {scope!r}; make one that has.")
        return await self._engine.principal(LOCAL_PLATFORM, claims.subject), claims

    async def who(self, request: web.Request) -> Who | None:
        """The principal of a page client's token; None without one."""
        if "Authorization" not in request.headers:
            return None
        claims = self.claims(request)
        return await self._engine.principal(LOCAL_PLATFORM, claims.subject)
